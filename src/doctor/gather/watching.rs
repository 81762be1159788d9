//! Who watches, who else acts on memory, and the history.

use std::path::Path;

use jiff::SignedDuration;
use rustix::fs::{Mode, OFlags, StatVfsMountFlags, fstatvfs};

use super::{Look, profiles};
use crate::config;
use crate::doctor::Area;
use crate::doctor::checks::KNOWN_NEIGHBOURS;
use crate::doctor::facts::{Facts, FreshStart};
use crate::error::Result;
use crate::history::{Grain, History, Point};
use crate::kernel::root::Root;
use crate::limits::key::Key;
use crate::systemd::manager::Manager;
use crate::systemd::names::UnitName;

/// The daemon.
const SERVICE: &str = "memctl.service";

/// What there is instead of it.
const TIMER: &str = "memctl-watch.timer";

/// What watches, the better one first.
const WATCHERS: [&str; 2] = [SERVICE, TIMER];

/// How long after its start a unit is fresh: caches are filled and workers started by then.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// How far back starts are looked at: older ones may have been another version's.
const PAST: SignedDuration = SignedDuration::from_hours(24 * 7);

/// Whether the manager says that the timer ticks. It keeps no note of a timer, and a timer has no cgroup, so it has to
/// be asked; and only where no daemon runs.
pub(super) fn ticks(look: Look<'_>, manager: &mut dyn Manager) -> Option<bool> {
    if look.scope.is_user() || has_note(look.root, SERVICE) {
        return None;
    }
    // It answered before; what it does not know now is not loaded.
    Some(manager.look(TIMER).is_ok_and(|l| l.active == "active"))
}

/// Looks; `ticks`: the manager has said whether the timer does.
pub(super) fn look(look: Look<'_>, ticks: Option<bool>, facts: &mut Facts) {
    facts.watching.state = look.scope.state_dir();
    facts.watching.installed = is_installed(look);
    settings(look, facts);
    if !look.root.is_host() {
        let enabled = WATCHERS.into_iter().find(|name| is_enabled(look, name));
        facts.watching.by = Some(enabled);
        return;
    }
    if look.scope.is_user() {
        // A user's manager leaves no notes of what is active; a service that is has a cgroup.
        let active = facts
            .units
            .iter()
            .any(|u| u.name.as_str() == SERVICE && u.reading.is_some());
        if facts.readable() {
            facts.watching.by = Some(active.then_some(SERVICE));
        } else {
            facts.cannot_see(Area::Watching, "whether anything watches");
        }
    } else {
        let daemon = has_note(look.root, SERVICE).then_some(SERVICE);
        // Where nobody can be asked, one that is enabled ticks; if it does not, the last reading is old.
        let timer = || {
            let ticks = ticks.unwrap_or_else(|| is_enabled(look, TIMER));
            ticks.then_some(TIMER)
        };
        facts.watching.by = Some(daemon.or_else(timer));
        let active = KNOWN_NEIGHBOURS
            .into_iter()
            .filter(|name| has_note(look.root, name));
        facts.neighbours = Some(active.map(str::to_owned).collect());
    }
    state(look.root, facts);
    history(look, facts);
}

/// By the note that PID 1 keeps of every service that is up, or on its way up or down. Nobody has to be asked for it.
fn has_note(root: &Root, unit: &str) -> bool {
    let note = Path::new("/run/systemd/units").join(format!("invocation:{unit}"));
    root.read_link(&note).is_ok_and(|target| target.is_some())
}

fn is_installed(look: Look<'_>) -> bool {
    let dirs = look.scope.unit_dirs();
    let mut paths = dirs
        .iter()
        .flat_map(|dir| WATCHERS.map(|name| dir.join(name)));
    paths.any(|path| look.root.inode(&path).is_some())
}

/// By the links that `systemctl enable` makes.
fn is_enabled(look: Look<'_>, unit: &str) -> bool {
    let base = Path::new("/etc/systemd/system");
    let folders = look.root.list(base).unwrap_or_default();
    let wants = folders.iter().filter(|name| name.ends_with(".wants"));
    wants.into_iter().any(|folder| {
        let link = look.root.read_link(&base.join(folder).join(unit));
        link.is_ok_and(|target| target.is_some())
    })
}

fn settings(look: Look<'_>, facts: &mut Facts) {
    let loaded = config::read(look.root, look.scope);
    for (source, faults) in loaded.files() {
        let faults = profiles::faults(source, faults);
        facts.watching.settings.push((source.path.clone(), faults));
    }
    for problem in loaded.problems() {
        let why = format!("{}: {}", problem.path.display(), problem.message);
        facts.cannot_see(Area::Watching, why);
    }
}

/// The folder of state: what its file system says, and for others than root no more.
fn state(root: &Root, facts: &mut Facts) {
    let folder = facts.watching.state.clone();
    // Before the first reading there is none, and its parent says the same.
    let there = folder.ancestors().find_map(|dir| {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        root.open_at(dir, flags, Mode::empty()).ok()
    });
    let Some(stat) = there.and_then(|fd| fstatvfs(&fd).ok()) else {
        facts.cannot_see(Area::Watching, format!("{}", folder.display()));
        return;
    };
    facts.watching.unwritable = if stat.f_flag.contains(StatVfsMountFlags::RDONLY) {
        Some("its file system is read-only".to_owned())
    } else if stat.f_bavail == 0 && stat.f_blocks > 0 {
        Some("its file system is full".to_owned())
    } else {
        None
    };
}

fn history(look: Look<'_>, facts: &mut Facts) {
    let state = facts.watching.state.clone();
    match look.root.list(&state) {
        Ok(mut names) => {
            names.sort();
            let aside = names
                .iter()
                .filter(|name| is_aside(name))
                .map(|name| state.join(name));
            facts.watching.aside = aside.collect();
        }
        Err(e) => {
            facts.cannot_see(Area::Watching, e.message());
            return;
        }
    }
    let read = History::open(look.root, look.scope).and_then(|history| match history {
        Some(history) => Ok((history.last_tick()?, starts(look, &history, facts)?)),
        None => Ok((None, Vec::new())),
    });
    match read {
        Ok((last, starts)) => {
            facts.watching.last = last;
            facts.limits.starts = starts;
        }
        // Root may read it.
        Err(e) if !rustix::process::geteuid().is_root() => {
            facts.cannot_see(Area::Watching, e.message());
        }
        Err(e) => facts.watching.unreadable = Some(e.message().to_owned()),
    }
}

/// A history that was set aside: `history.db.aside-20261124T100000Z`; its log may lie beside it.
fn is_aside(name: &str) -> bool {
    name.starts_with("history.db.aside-") && name.ends_with('Z')
}

/// What the units that have a limit needed soon after their starts.
fn starts(look: Look<'_>, history: &History, facts: &Facts) -> Result<Vec<FreshStart>> {
    let from = look.now.checked_sub(PAST).unwrap_or(look.now);
    let mut found = Vec::new();
    let limited = |unit: &UnitName| {
        let known = facts.unit(unit);
        known.is_some_and(|u| {
            u.bytes(Key::MemoryMax)
                .or(u.bytes(Key::MemoryHigh))
                .is_some()
        })
    };
    for unit in history.units()?.into_iter().filter(limited) {
        let points = history.series(&unit, from, look.now, Some(Grain::Minutes))?;
        found.extend(fresh(&unit, &points));
    }
    Ok(found)
}

/// The greatest need soon after a start that the history has seen: points before the first change of a unit's start
/// may be of any age. A minute in which a unit started anew is of both lives.
fn fresh(unit: &UnitName, points: &[Point]) -> Option<FreshStart> {
    let mut began = None;
    let mut most: Option<FreshStart> = None;
    let mut before: Option<&Point> = None;
    for point in points {
        if before.is_some_and(|before| !before.start.same(&point.start)) {
            began = Some(point.time);
        } else if began.is_some_and(|began| point.time.duration_since(began) <= FRESH)
            && let Some(need) = point.need.map(|need| need.max)
            && most.as_ref().is_none_or(|most| need > most.need)
        {
            most = Some(FreshStart {
                unit: unit.clone(),
                need,
                time: point.time,
            });
        }
        before = Some(point);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Figures, Spread};
    use crate::sample::{Invocation, Source, Start};

    fn point(minute: i64, invocation: u128, need: u64) -> Point {
        Point {
            time: jiff::Timestamp::from_second(minute * 60).expect("a time"),
            grain: Grain::Minutes,
            readings: 6,
            start: Start {
                invocation: Some(Invocation(invocation)),
                inode: None,
            },
            source: Source::Cgroup,
            current: None,
            need: Some(Spread::of(need)),
            last: Figures::default(),
            restarts: 0,
            oom_kills: 0,
            highs: 0,
        }
    }

    fn need(points: &[Point]) -> Option<u64> {
        let unit = UnitName::parse("a.service").expect("a name");
        fresh(&unit, points).map(|start| start.need)
    }

    #[test]
    fn only_what_follows_a_start_that_was_seen_is_fresh() {
        // Nobody knows when the first life began; the minute of the restart is of both.
        assert_eq!(need(&[point(1, 1, 900), point(2, 1, 900)]), None);
        let seen = [
            point(1, 1, 900),
            point(2, 2, 900),
            point(3, 2, 70),
            point(4, 2, 80),
        ];
        assert_eq!(need(&seen), Some(80));
        let grown = [
            point(1, 1, 900),
            point(2, 2, 50),
            point(7, 2, 60),
            point(8, 2, 500),
        ];
        assert_eq!(
            need(&grown),
            Some(60),
            "five minutes later it is not fresh any more"
        );
        let twice = [
            point(1, 1, 9),
            point(2, 2, 9),
            point(3, 2, 70),
            point(9, 3, 9),
            point(10, 3, 40),
        ];
        assert_eq!(need(&twice), Some(70), "the greatest of its starts");
        assert_eq!(need(&[]), None);
    }
}
