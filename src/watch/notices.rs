//! What the kernel tells by itself, between two ticks: changes of `memory.events`, and pressure over a threshold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::fs::{Mode, OFlags};
use rustix::time::Timespec;

use crate::kernel::root::Root;
use crate::profile::rule::Pressure;
use crate::systemd::names::UnitName;

/// What to listen to of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Which.
    pub unit: UnitName,
    /// Its cgroup's folder, below the root.
    pub cgroup: PathBuf,
    /// The folder's inode: a cgroup that was made anew is another one.
    pub inode: u64,
    /// Whether to tell of changes in `memory.events`.
    pub events: bool,
    /// Thresholds of pressure.
    pub pressures: Vec<Pressure>,
}

/// What was told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The units whose `memory.events` have changed.
    pub events: BTreeSet<UnitName>,
    /// The thresholds of pressure that were crossed.
    pub crossed: Vec<(UnitName, Pressure)>,
}

/// An open ear for the kernel: one inotify for all `memory.events`, and a file for each threshold (FACTS 22, 23).
#[derive(Debug)]
pub struct Notices<'a> {
    root: &'a Root,
    epoll: OwnedFd,
    inotify: OwnedFd,
    heard: BTreeMap<UnitName, Heard>,
    by_watch: BTreeMap<i32, UnitName>,
    /// Whose threshold an event is: its number for epoll.
    by_number: BTreeMap<u64, (UnitName, Pressure)>,
    next: u64,
    /// Pressure could not be listened to: told once.
    fault: Option<String>,
}

/// How one unit is listened to.
#[derive(Debug)]
struct Heard {
    wanted: Listen,
    watch: Option<i32>,
    /// Each is its threshold as long as it is open.
    triggers: Vec<(u64, File)>,
}

/// The number of the inotify for epoll.
const EVENTS: u64 = 0;

impl<'a> Notices<'a> {
    /// Listens to nothing yet.
    ///
    /// # Errors
    /// The system calls'.
    pub fn new(root: &'a Root) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        epoll::add(&epoll, &inotify, EventData::new_u64(EVENTS), EventFlags::IN)?;
        Ok(Self {
            root,
            epoll,
            inotify,
            heard: BTreeMap::new(),
            by_watch: BTreeMap::new(),
            by_number: BTreeMap::new(),
            next: EVENTS + 1,
            fault: None,
        })
    }

    /// From now on listens to these and no others. What cannot be listened to is read at each tick all the same.
    pub fn follow(&mut self, wanted: Vec<Listen>) {
        let names: BTreeSet<UnitName> = wanted.iter().map(|w| w.unit.clone()).collect();
        let gone: Vec<UnitName> = self.heard.keys().cloned().collect();
        for unit in gone.iter().filter(|unit| !names.contains(unit)) {
            self.drop(unit);
        }
        for listen in wanted {
            if self
                .heard
                .get(&listen.unit)
                .is_some_and(|h| h.wanted == listen)
            {
                continue;
            }
            self.drop(&listen.unit);
            self.add(listen);
        }
    }

    fn add(&mut self, wanted: Listen) {
        let watch = wanted.events.then(|| {
            let path = self.root.shown(&wanted.cgroup.join("memory.events"));
            inotify::add_watch(&self.inotify, &path, WatchFlags::MODIFY).ok()
        });
        let watch = watch.flatten();
        if let Some(watch) = watch {
            self.by_watch.insert(watch, wanted.unit.clone());
        }
        let mut triggers = Vec::new();
        for pressure in &wanted.pressures {
            let number = self.next;
            match self.trigger(&wanted.cgroup, *pressure, number) {
                Ok(file) => {
                    self.next += 1;
                    self.by_number
                        .insert(number, (wanted.unit.clone(), *pressure));
                    triggers.push((number, file));
                }
                Err(e) => {
                    let path = self.root.shown(&wanted.cgroup.join("memory.pressure"));
                    let told = format!(
                        "{}: no trigger ({e}): pressure is judged at each tick instead",
                        path.display()
                    );
                    self.fault.get_or_insert(told);
                }
            }
        }
        let heard = Heard {
            watch,
            triggers,
            wanted,
        };
        self.heard.insert(heard.wanted.unit.clone(), heard);
    }

    /// Opens a threshold; it counts until the file is closed.
    fn trigger(&self, cgroup: &Path, pressure: Pressure, number: u64) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = cgroup.join("memory.pressure");
        let mut file = File::from(self.root.open_at(&path, flags, Mode::empty())?);
        file.write_all(words(pressure).as_bytes())?;
        let data = EventData::new_u64(number);
        epoll::add(&self.epoll, &file, data, EventFlags::PRI)?;
        Ok(file)
    }

    fn drop(&mut self, unit: &UnitName) {
        let Some(heard) = self.heard.remove(unit) else {
            return;
        };
        if let Some(watch) = heard.watch {
            self.by_watch.remove(&watch);
            // One whose cgroup is gone is gone itself.
            let _ = inotify::remove_watch(&self.inotify, watch);
        }
        // Closing the file ends the threshold and takes it out of epoll.
        for (number, _) in heard.triggers {
            self.by_number.remove(&number);
        }
    }

    /// What was told since it was asked last; it never waits.
    pub fn take(&mut self) -> Told {
        let mut told = Told::default();
        let mut events: Vec<epoll::Event> = Vec::with_capacity(64);
        let now = Timespec::default();
        // One that is still there is told again at the next call.
        if epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&now)).is_err() {
            return told;
        }
        for event in events {
            let number = event.data.u64();
            if number == EVENTS {
                self.changed(&mut told.events);
                continue;
            }
            let Some((unit, pressure)) = self.by_number.get(&number).cloned() else {
                continue;
            };
            let flags = event.flags;
            if flags.contains(EventFlags::ERR) {
                // The cgroup is gone (FACTS 23); the next tick listens to its successor.
                self.drop(&unit);
            } else if flags.contains(EventFlags::PRI) {
                told.crossed.push((unit, pressure));
            }
        }
        told
    }

    fn changed(&self, units: &mut BTreeSet<UnitName>) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        while let Ok(event) = reader.next() {
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                units.extend(self.by_watch.values().cloned());
            }
            units.extend(self.by_watch.get(&event.wd()).cloned());
        }
    }

    /// Why pressure cannot be listened to, once.
    pub fn fault(&mut self) -> Option<String> {
        self.fault.take()
    }
}

impl AsFd for Notices<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

/// What is written to `memory.pressure`: `some 400000 1000000`, ended by a newline (FACTS 23).
fn words(pressure: Pressure) -> String {
    let kind = if pressure.full { "full" } else { "some" };
    let window = pressure.window.0;
    let stall = u128::from(window) * u128::from(pressure.hundredths) / 10_000;
    format!("{kind} {stall} {window}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    #[test]
    fn a_threshold_is_told_to_the_kernel_in_its_own_words() {
        let pressure = |full, hundredths, window| {
            words(Pressure {
                full,
                hundredths,
                window: Span(window),
            })
        };
        assert_eq!(pressure(false, 4000, 10_000_000), "some 4000000 10000000\n");
        assert_eq!(pressure(true, 1, 500_000), "full 50 500000\n");
    }

    #[test]
    fn a_change_of_the_file_is_told_once_and_only_of_those_that_are_followed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = Root::open(dir.path()).expect("open");
        let listen = |name: &str, events| {
            let folder = dir.path().join(name);
            std::fs::create_dir_all(&folder).expect("mkdir");
            std::fs::write(folder.join("memory.events"), "oom_kill 0\n").expect("written");
            Listen {
                unit: UnitName::parse(name).expect("a name"),
                cgroup: PathBuf::from(name),
                inode: 1,
                events,
                pressures: Vec::new(),
            }
        };
        let touch = |name: &str| {
            std::fs::write(dir.path().join(name).join("memory.events"), "oom_kill 1\n")
                .expect("written");
        };
        let (a, b) = ("a.service", "b.service");
        let mut notices = Notices::new(&root).expect("notices");
        notices.follow(vec![listen(a, true), listen(b, false)]);
        assert_eq!(notices.take(), Told::default());
        touch(a);
        touch(b);
        let told: Vec<String> = notices
            .take()
            .events
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(told, [a]);
        assert_eq!(notices.take(), Told::default());
        notices.follow(Vec::new());
        touch(a);
        assert_eq!(notices.take(), Told::default());
        assert!(notices.fault().is_none());
    }
}
