//! The file of metrics that the watch keeps current. A thread of its own writes it: no slow disk stops the watch.

use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

use jiff::{SignedDuration, Timestamp};

use super::{facts, publish, starts};
use crate::error::{Error, Result, describe_io};
use crate::kernel::root::Root;
use crate::profiles::Set;
use crate::sample::Reading;
use crate::scope::Scope;
use crate::view::metrics::{Facts, metrics};

/// How long is believed what is known beside a reading: finding it out takes all unit files.
const FACTS_AGE: SignedDuration = SignedDuration::from_secs(60);

/// The file, and what was found out for it last.
#[derive(Debug)]
pub struct Textfile {
    queue: SyncSender<String>,
    systemd: Option<u32>,
    known: Option<Known>,
    /// Why the last text is not in the file, if it is not.
    failed: Arc<Mutex<Option<String>>>,
    path: PathBuf,
}

#[derive(Debug)]
struct Known {
    found: Timestamp,
    facts: Facts,
    faults: Vec<String>,
}

impl Textfile {
    /// A file that is written from the next reading on; `systemd` is the running version, where it is known.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(path: PathBuf, systemd: Option<u32>) -> Result<Self> {
        // One text waits: an older one is worth nothing.
        let (queue, texts) = sync_channel::<String>(1);
        let failed = Arc::new(Mutex::new(None));
        let (file, told) = (path.clone(), Arc::clone(&failed));
        Builder::new()
            .name("metrics".to_owned())
            .spawn(move || {
                for text in texts {
                    let failed = publish(&file, &text).err().map(|e| e.to_string());
                    *told.lock().unwrap_or_else(PoisonError::into_inner) = failed;
                }
            })
            .map_err(|e| Error::failed(format!("cannot start a thread: {}", describe_io(&e))))?;
        Ok(Self {
            queue,
            systemd,
            known: None,
            failed,
            path,
        })
    }

    /// Hands over a reading, and when one was recorded last; answers what is wrong. Never waits for the file.
    pub fn offer(
        &mut self,
        root: &Root,
        scope: &Scope,
        reading: &Reading,
        last_tick: Option<Timestamp>,
    ) -> Vec<String> {
        let fresh = |known: &Known| {
            let age = reading.time.duration_since(known.found);
            (SignedDuration::ZERO..FACTS_AGE).contains(&age)
        };
        let mut known = match self.known.take().filter(fresh) {
            Some(known) => known,
            None => self.find_out(root, scope, reading),
        };
        known.facts.last_tick = last_tick;
        // A unit that was started anew begins its counters at 0: both are told at once.
        known.facts.starts = starts(root, scope, reading);
        let mut faults = known.faults.clone();
        let text = metrics(reading, &known.facts);
        self.known = Some(known);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.queue.try_send(text)
        {
            faults.push(format!(
                "{}: the disk is too slow for it",
                self.path.display()
            ));
        }
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        faults.extend(failed.clone());
        faults
    }

    fn find_out(&self, root: &Root, scope: &Scope, reading: &Reading) -> Known {
        let (facts, faults) = match Set::read(root, scope, &[]) {
            Ok(set) => facts(root, scope, &set, reading, self.systemd),
            Err(error) => (Facts::default(), vec![error.message().to_owned()]),
        };
        Known {
            found: reading.time,
            facts,
            faults,
        }
    }
}
