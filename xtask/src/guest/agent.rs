//! The host's end of the agent in the guest; `guest/agent.py` is the other one
//! and tells the protocol.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::script::{Output, Script};

/// Beyond a script's own time limit, which the guest keeps: time for the
/// guest to say so. A guest that does not is dead.
const GRACE: Duration = Duration::from_secs(20);

/// A connection to the agent in a guest.
#[derive(Debug)]
pub struct Agent {
    stream: Mutex<UnixStream>,
    state: Arc<State>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Who waits for which answer.
    waiting: Mutex<HashMap<String, Sender<Answer>>>,
    boot: Mutex<Boot>,
    boot_changed: Condvar,
}

#[derive(Debug, Default)]
struct Boot {
    /// The boot id of the last hello.
    id: Option<String>,
    /// QEMU has closed the connection.
    gone: bool,
}

#[derive(Serialize)]
struct Request<'a> {
    id: &'a str,
    script: &'a str,
    timeout: f64,
    stdin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    env: &'a HashMap<String, String>,
}

#[derive(Deserialize)]
struct Hello {
    hello: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    id: String,
    status: i32,
    timed_out: bool,
    stdout: String,
    stderr: String,
}

impl Agent {
    /// Connects to the socket of a serial port that QEMU holds open.
    pub fn connect(socket: &Path) -> Result<Agent> {
        let stream = UnixStream::connect(socket)
            .with_context(|| format!("cannot connect to {}", socket.display()))?;
        let state = Arc::new(State::default());
        let reader = BufReader::new(stream.try_clone()?);
        thread::spawn({
            let state = Arc::clone(&state);
            move || state.listen(reader)
        });
        Ok(Agent {
            stream: Mutex::new(stream),
            state,
            next: AtomicU64::new(0),
        })
    }

    /// Hands a script to the guest, and does not wait for it.
    pub fn start(&self, script: &Script) -> Result<Running> {
        // Unique among all processes that talk to this guest: answers to one
        // that has gone reach the next one.
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{number}", process::id());
        let (sender, answer) = mpsc::channel();
        lock(&self.state.waiting).insert(id.clone(), sender);
        let mut line = serde_json::to_vec(&Request {
            id: &id,
            script: &script.text,
            timeout: script.timeout.as_secs_f64(),
            stdin: BASE64_STANDARD.encode(&script.stdin),
            user: script.user.as_deref(),
            env: &script.env,
        })?;
        line.push(b'\n');
        lock(&self.stream)
            .write_all(&line)
            .context("the guest's QEMU is gone")?;
        Ok(Running {
            script: script.text.clone(),
            answer,
            early: None,
            deadline: Instant::now() + script.timeout + GRACE,
        })
    }

    /// The boot id the agent last said hello with.
    pub fn boot_id(&self) -> Option<String> {
        lock(&self.state.boot).id.clone()
    }

    /// Learns the boot id of a guest that said its hello to somebody else. A
    /// guest on its way up does not answer at once, so it is asked repeatedly.
    pub fn greet(&self, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        let ask = Script::new("cat /proc/sys/kernel/random/boot_id");
        while self.boot_id().is_none() {
            if Instant::now() > deadline {
                bail!("the guest's agent does not answer");
            }
            let mut question = self.start(&ask)?;
            question.deadline = Instant::now() + Duration::from_secs(2);
            if let Ok(output) = question.wait() {
                self.state.hello(output.stdout.trim().to_owned());
            }
        }
        Ok(())
    }

    /// Waits a little for a hello with a boot id other than `old`. `None` if
    /// none came: look whether the guest still lives, and call again.
    pub fn wait_hello(&self, old: Option<&str>, patience: Duration) -> Result<Option<String>> {
        let boot = lock(&self.state.boot);
        let (boot, _) = self
            .state
            .boot_changed
            .wait_timeout_while(boot, patience, |boot| {
                !boot.gone && (boot.id.is_none() || boot.id.as_deref() == old)
            })
            .unwrap_or_else(PoisonError::into_inner);
        if boot.gone {
            return Err(anyhow!("QEMU has ended"));
        }
        Ok(boot.id.clone().filter(|id| Some(id.as_str()) != old))
    }
}

impl State {
    /// Hands on what the guest says, until QEMU ends.
    fn listen(&self, reader: impl BufRead) {
        // Lines that are neither are halves from before a reset.
        for line in reader.split(b'\n').map_while(Result::ok) {
            if let Ok(answer) = serde_json::from_slice::<Answer>(&line) {
                let waiter = lock(&self.waiting).remove(&answer.id);
                if let Some(waiter) = waiter {
                    // It may have given up.
                    let _ = waiter.send(answer);
                }
            } else if let Ok(Hello { hello }) = serde_json::from_slice(&line) {
                self.hello(hello);
            }
        }
        lock(&self.boot).gone = true;
        self.boot_changed.notify_all();
        lock(&self.waiting).clear();
    }

    fn hello(&self, id: String) {
        let mut boot = lock(&self.boot);
        // The first hello may come late, if nobody had connected before.
        if boot.id.as_ref().is_some_and(|former| *former != id) {
            // What was at work in the former boot will not be answered.
            lock(&self.waiting).clear();
        }
        boot.id = Some(id);
        self.boot_changed.notify_all();
    }
}

/// A script at work in the guest.
#[derive(Debug)]
pub struct Running {
    script: String,
    answer: Receiver<Answer>,
    /// The answer, if it was found when only asked whether there is one.
    early: Option<Answer>,
    deadline: Instant,
}

impl Running {
    /// Waits for the script's end.
    pub fn wait(mut self) -> Result<Output> {
        if let Some(answer) = self.early.take() {
            return answer.decode();
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.answer.recv_timeout(left) {
            Ok(answer) => answer.decode(),
            Err(RecvTimeoutError::Timeout) => Err(anyhow!(
                "the guest does not answer any more; it was to run\n{}",
                self.script
            )),
            Err(RecvTimeoutError::Disconnected) => Err(anyhow!(
                "the guest rebooted or ended while it ran\n{}",
                self.script
            )),
        }
    }

    /// Whether it is still at work.
    pub fn is_running(&mut self) -> bool {
        if self.early.is_none() {
            match self.answer.try_recv() {
                Ok(answer) => self.early = Some(answer),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => {}
            }
        }
        false
    }
}

impl Answer {
    fn decode(self) -> Result<Output> {
        let decode = |text: &str| {
            BASE64_STANDARD
                .decode(text)
                .context("the agent's answer is not base64")
        };
        let raw = decode(&self.stdout)?;
        Ok(Output {
            status: self.status,
            timed_out: self.timed_out,
            stdout: String::from_utf8_lossy(&raw).into_owned(),
            stderr: String::from_utf8_lossy(&decode(&self.stderr)?).into_owned(),
            raw,
        })
    }
}

/// Locks also what a panicking thread left: nothing here is half-changed then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
