//! Signals: noted by verbs in the middle of a change, and waited for by the watch.

use std::io::{self, Read as _};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::error::{Error, Result};

/// From now on these signals only set the flag.
///
/// # Errors
/// The handlers cannot be set.
pub fn catch() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&flag))
            .map_err(|e| Error::failed(format!("cannot handle signals: {e}")))?;
    }
    Ok(flag)
}

/// Waits for signals and for time to pass.
#[derive(Debug)]
pub struct Waiter {
    stop: UnixStream,
    again: UnixStream,
}

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// The time is over.
    Time,
    /// SIGHUP: settings are to be read again.
    Again,
    /// SIGTERM or Ctrl-C: it is over.
    Stop,
    /// One of the others can be read.
    Other,
}

impl Waiter {
    /// From now on SIGTERM, SIGINT and SIGHUP end waits and nothing else.
    ///
    /// # Errors
    /// The handlers cannot be set.
    pub fn new() -> Result<Self> {
        let pipe = |signals: &[i32]| -> io::Result<UnixStream> {
            let (read, write) = UnixStream::pair()?;
            read.set_nonblocking(true)?;
            for signal in signals {
                signal_hook::low_level::pipe::register(*signal, write.try_clone()?)?;
            }
            Ok(read)
        };
        let failed = |e| Error::failed(format!("cannot handle signals: {e}"));
        Ok(Self {
            stop: pipe(&[SIGTERM, SIGINT]).map_err(failed)?,
            again: pipe(&[SIGHUP]).map_err(failed)?,
        })
    }

    /// Waits at most so long, or until one of `others` can be read. A signal that came before ends the wait at once.
    #[must_use]
    pub fn wait(&self, time: Duration, others: &[BorrowedFd<'_>]) -> Woken {
        let mut waits = vec![
            PollFd::new(&self.stop, PollFlags::IN),
            PollFd::new(&self.again, PollFlags::IN),
        ];
        waits.extend(
            others
                .iter()
                .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)),
        );
        let limit = Timespec::try_from(time).unwrap_or(Timespec {
            tv_sec: i64::MAX,
            tv_nsec: 0,
        });
        match poll(&mut waits, Some(&limit)) {
            // A signal that is none of these: the caller looks at the clock anyway.
            Ok(0) | Err(Errno::INTR) => return Woken::Time,
            Ok(_) => {}
            Err(_) => std::thread::sleep(time.min(Duration::from_secs(1))),
        }
        if drain(&self.stop) {
            return Woken::Stop;
        }
        if drain(&self.again) {
            return Woken::Again;
        }
        match waits.iter().skip(2).any(|fd| !fd.revents().is_empty()) {
            true => Woken::Other,
            false => Woken::Time,
        }
    }
}

/// Whether there was anything; all of it is read.
fn drain(mut stream: &UnixStream) -> bool {
    let mut some = false;
    let mut buffer = [0; 64];
    while matches!(stream.read(&mut buffer), Ok(n) if n > 0) {
        some = true;
    }
    some
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn a_signal_ends_the_wait_and_only_one() {
        let waiter = Waiter::new().expect("handlers");
        assert_eq!(waiter.wait(Duration::ZERO, &[]), Woken::Time);
        let long = Duration::from_secs(60);
        signal_hook::low_level::raise(SIGHUP).expect("raised");
        assert_eq!(waiter.wait(long, &[]), Woken::Again);
        signal_hook::low_level::raise(SIGHUP).expect("raised");
        signal_hook::low_level::raise(SIGTERM).expect("raised");
        assert_eq!(waiter.wait(long, &[]), Woken::Stop);
        assert_eq!(waiter.wait(long, &[]), Woken::Again);
        assert_eq!(waiter.wait(Duration::ZERO, &[]), Woken::Time);
        let (read, mut write) = UnixStream::pair().expect("a pair");
        assert_eq!(waiter.wait(Duration::ZERO, &[read.as_fd()]), Woken::Time);
        write.write_all(b"x").expect("written");
        assert_eq!(waiter.wait(long, &[read.as_fd()]), Woken::Other);
    }
}
