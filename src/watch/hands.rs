//! The hands of the watch: what is asked of the manager, in a thread of its own where the watch must not wait.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::kernel::root::Root;
use crate::restart::Look;
use crate::scope::Scope;
use crate::systemd::manager::{Job, JobEnd, Manager, connect};
use crate::systemd::names::UnitName;
use crate::watch::reclaim::reclaim;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// How a unit is.
    Look(String),
    /// To make a job for a unit.
    Job(Job, String),
    /// To take memory from a cgroup that it can do without.
    Reclaim {
        /// The rule that asks for it.
        rule: String,
        /// The cgroup's folder.
        cgroup: PathBuf,
        /// How much.
        bytes: u64,
    },
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// How the unit is.
    Look(Result<Box<Look>>),
    /// What became of the job.
    Job(JobEnd),
    /// So many bytes were reclaimed.
    Reclaim(Result<u64>),
}

/// Whoever asks the manager.
pub trait Hands {
    /// Asks for the sake of a unit; the answer comes later.
    fn ask(&mut self, unit: &UnitName, ask: Ask);

    /// An answer, with what was asked for whom; `None` if there is none within the time.
    fn answer(&mut self, patience: Duration) -> Option<(UnitName, Ask, Reply)>;

    /// What can be read when there is an answer, where one need not wait for it.
    fn bell(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Carries out what is asked.
struct Arm {
    root: Root,
    scope: Scope,
    interrupted: Arc<AtomicBool>,
    manager: Option<Box<dyn Manager>>,
}

impl Arm {
    fn carry_out(&mut self, ask: &Ask) -> Reply {
        match ask {
            Ask::Look(unit) => Reply::Look(self.manager().and_then(|m| m.look(unit)).map(Box::new)),
            Ask::Job(job, unit) => Reply::Job(match self.manager() {
                Ok(manager) => manager.job(*job, unit),
                Err(e) => JobEnd::Refused(e),
            }),
            Ask::Reclaim { cgroup, bytes, .. } => {
                Reply::Reclaim(reclaim(&self.root, cgroup, *bytes))
            }
        }
    }

    /// Connects when it is needed first: on most days nothing is.
    fn manager(&mut self) -> Result<&mut Box<dyn Manager>> {
        match &mut self.manager {
            Some(manager) => Ok(manager),
            none => Ok(none.insert(connect(&self.scope, &self.interrupted)?)),
        }
    }
}

/// A thread that asks, one thing after the other.
#[derive(Debug)]
pub struct Threaded {
    asks: Sender<(UnitName, Ask)>,
    answers: Receiver<(UnitName, Ask, Reply)>,
    bell: UnixStream,
}

impl Threaded {
    /// Starts the thread; `interrupted` ends its waits.
    ///
    /// # Errors
    /// No thread to be had.
    pub fn start(root: &Root, scope: &Scope, interrupted: &Arc<AtomicBool>) -> Result<Self> {
        let failed = |e: std::io::Error| Error::failed(format!("cannot start a thread: {e}"));
        let (bell, mut ring) = UnixStream::pair().map_err(failed)?;
        bell.set_nonblocking(true).map_err(failed)?;
        ring.set_nonblocking(true).map_err(failed)?;
        let (asks, inbox) = channel::<(UnitName, Ask)>();
        let (outbox, answers) = channel();
        let (root, scope) = (root.again()?, scope.clone());
        let interrupted = Arc::clone(interrupted);
        let work = move || {
            let _guard = Ends;
            // A connection stays in the thread that made it.
            let mut arm = Arm {
                root,
                scope,
                interrupted,
                manager: None,
            };
            while let Ok((unit, ask)) = inbox.recv() {
                let reply = arm.carry_out(&ask);
                if outbox.send((unit, ask, reply)).is_err() {
                    return;
                }
                // A bell that rings already is full, which is as good.
                let _ = ring.write(&[1]);
            }
        };
        let name = "memctl-hands".to_owned();
        Builder::new().name(name).spawn(work).map_err(failed)?;
        Ok(Self {
            asks,
            answers,
            bell,
        })
    }
}

/// Ends memctl where its thread panics: systemd starts it anew, and what was under way is in the state. Without hands
/// it would go on, and never act again.
struct Ends;

impl Drop for Ends {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::exit(101);
        }
    }
}

impl Hands for Threaded {
    fn ask(&mut self, unit: &UnitName, ask: Ask) {
        // It ends with this alone, or takes memctl with it.
        let _ = self.asks.send((unit.clone(), ask));
    }

    fn answer(&mut self, patience: Duration) -> Option<(UnitName, Ask, Reply)> {
        let mut buffer = [0; 64];
        while matches!(self.bell.read(&mut buffer), Ok(n) if n > 0) {}
        self.answers.recv_timeout(patience).ok()
    }

    fn bell(&self) -> Option<BorrowedFd<'_>> {
        Some(self.bell.as_fd())
    }
}

/// Asks at once, for those who have nothing else to do.
pub struct Direct {
    arm: Arm,
    queue: VecDeque<(UnitName, Ask)>,
}

impl Direct {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// The root cannot be opened once more.
    pub fn new(root: &Root, scope: &Scope, interrupted: &Arc<AtomicBool>) -> Result<Self> {
        let arm = Arm {
            root: root.again()?,
            scope: scope.clone(),
            interrupted: Arc::clone(interrupted),
            manager: None,
        };
        let queue = VecDeque::new();
        Ok(Self { arm, queue })
    }
}

impl Hands for Direct {
    fn ask(&mut self, unit: &UnitName, ask: Ask) {
        self.queue.push_back((unit.clone(), ask));
    }

    fn answer(&mut self, patience: Duration) -> Option<(UnitName, Ask, Reply)> {
        let Some((unit, ask)) = self.queue.pop_front() else {
            std::thread::sleep(patience);
            return None;
        };
        let reply = self.arm.carry_out(&ask);
        Some((unit, ask, reply))
    }
}
