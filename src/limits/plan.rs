//! What would change: the kernel's levels now against what the files will say.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::kernel::cgroup::{Cgroup, Held, Tree};
use crate::kernel::host::Host;
use crate::limits::dropin::{DropIn, file_name};
use crate::limits::effective::{Effective, effective};
use crate::limits::fit::{Bounds, Misfit, fit};
use crate::limits::key::{Force, Key};
use crate::limits::level::{Level, expected, in_force, unset};
use crate::limits::withhold::bounds_in_force;
use crate::systemd::files::{Origin, Overlay, UnitFiles};
use crate::systemd::names::UnitName;
use crate::systemd::reach::Reach;

/// What a plan is made over: the machine, the units that have a cgroup, the unit files.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The machine's figures.
    pub host: Host,
    /// Every unit that has a cgroup; empty for an image.
    pub cgroups: &'a [Cgroup],
    /// Their files.
    pub tree: &'a Tree<'a>,
    /// The unit files on disk.
    pub files: &'a UnitFiles<'a>,
}

/// When a change takes force (FACTS 9a).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// Nothing changes.
    Unchanged,
    /// With the apply.
    Now,
    /// When the unit starts anew: the directive is of that kind, or it is withheld.
    NextStart,
    /// The unit has no cgroup: when it starts.
    NotRunning,
}

/// One directive of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The unit.
    pub unit: UnitName,
    /// The directive.
    pub key: Key,
    /// What is in force: in the kernel, or in the files for what the kernel does not keep.
    pub before: Option<Shown>,
    /// What will be.
    pub after: Option<Shown>,
    /// When.
    pub when: When,
    /// Somebody else's line has the last word over the profile's.
    pub overridden: Option<Overridden>,
    /// What the profile says, where it waits for the unit's next start.
    pub withheld: Option<String>,
    /// The profile asks for it; else the next reload brings it all the same.
    pub ours: bool,
}

/// A value for people and for comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The text.
    pub text: String,
    /// The kernel's level, where it keeps one.
    pub level: Option<Level>,
}

/// A line that overrides a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overridden {
    /// Where it stands.
    pub by: Origin,
    /// What it sets.
    pub value: String,
    /// What the profile sets.
    pub wanted: String,
}

/// A running unit whose memory limits would become tighter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowering {
    /// The unit.
    pub cgroup: Cgroup,
    /// What it holds.
    pub held: Held,
    /// What is in force.
    pub before: Bounds,
    /// What would be.
    pub after: Bounds,
    /// Why it cannot live under that, if it cannot.
    pub misfit: Option<Misfit>,
    /// A profile's drop-in reaches the unit.
    pub ours: bool,
    /// The line that sets the new MemoryMax.
    pub origin: Option<Origin>,
}

/// What would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// By unit and directive.
    pub rows: Vec<Row>,
    /// Every running unit that would get tighter memory limits, the profiles' and strangers'.
    pub lowerings: Vec<Lowering>,
}

/// Compares what is in force with what the drop-ins `after` will make it, for all units that `before` or
/// `after` reach, and for strangers as far as their limits would tighten.
///
/// # Errors
/// A file of a cgroup or a unit file that says something strange.
pub fn plan(scene: &Scene<'_>, before: &Overlay, after: &[DropIn]) -> Result<Plan> {
    let overlay = crate::limits::dropin::overlay(after);
    let reached = reached_names(before, after);
    let after = Reach::new(after.iter().map(|d| (&d.unit, d)));
    let names = Reach::new(reached.iter().map(|name| (name, name)));
    let mut plan = Plan::default();
    let mut running: BTreeSet<&UnitName> = BTreeSet::new();
    for cgroup in scene.cgroups {
        let covering = names.covering(&cgroup.unit);
        let ours = !covering.is_empty();
        running.extend(covering);
        let unit = Unit {
            name: &cgroup.unit,
            cgroup: Some(cgroup),
            before: scene.effective(&cgroup.unit, before, ours)?,
            after: scene.effective(&cgroup.unit, &overlay, true)?,
            wanted: wanted(&cgroup.unit, &after),
            ours,
        };
        plan.rows.extend(rows(scene, &unit)?);
        plan.lowerings.extend(lowering(scene, &unit)?);
    }
    for name in &reached {
        if running.contains(&name) {
            continue;
        }
        let unit = Unit {
            name,
            cgroup: None,
            before: scene.effective(name, before, true)?,
            after: scene.effective(name, &overlay, true)?,
            wanted: wanted(name, &after),
            ours: true,
        };
        plan.rows.extend(rows(scene, &unit)?);
    }
    plan.rows
        .sort_by(|a, b| (&a.unit, a.key).cmp(&(&b.unit, b.key)));
    Ok(plan)
}

/// One unit with what its files say before and after.
struct Unit<'a> {
    name: &'a UnitName,
    cgroup: Option<&'a Cgroup>,
    before: BTreeMap<Key, Effective>,
    after: BTreeMap<Key, Effective>,
    /// What our drop-ins ask for, the most specific last, and what of it is withheld.
    wanted: BTreeMap<Key, Wanted>,
    ours: bool,
}

struct Wanted {
    text: String,
    withheld: Option<String>,
}

impl Scene<'_> {
    fn effective(
        &self,
        unit: &UnitName,
        overlay: &Overlay,
        needed: bool,
    ) -> Result<BTreeMap<Key, Effective>> {
        if !needed {
            return Ok(BTreeMap::new());
        }
        Ok(effective(unit, &self.files.assignments(unit, overlay)?))
    }

    /// What will be in force by an effective word, or by its absence.
    fn level(&self, key: Key, word: Option<&Effective>) -> Option<Level> {
        match word.and_then(|w| w.value.as_ref()) {
            Some(value) => expected(key, value, &self.host),
            None => unset(key),
        }
    }
}

/// The units, templates and prefixes that drop-ins are written for.
fn reached_names(before: &Overlay, after: &[DropIn]) -> BTreeSet<UnitName> {
    let old = before.keys().filter_map(|path| {
        let folder = path.parent()?.to_str()?;
        UnitName::parse(folder.strip_suffix(".d")?).ok()
    });
    old.chain(after.iter().map(|d| d.unit.clone())).collect()
}

fn wanted(unit: &UnitName, after: &Reach<'_, &DropIn>) -> BTreeMap<Key, Wanted> {
    let mut covering = after.covering(unit);
    covering.sort_by_key(|d| file_name(&d.unit, d.overrides));
    let mut found = BTreeMap::new();
    for dropin in covering {
        for (key, text) in &dropin.settings {
            let withheld = dropin.withheld.get(key).cloned();
            let text = text.clone();
            found.insert(*key, Wanted { text, withheld });
        }
    }
    found
}

/// The keys that can kill or stall: a stranger's are looked at too.
const BOUNDING: [Key; 3] = [Key::MemoryHigh, Key::MemoryMax, Key::MemorySwapMax];

fn rows(scene: &Scene<'_>, unit: &Unit<'_>) -> Result<Vec<Row>> {
    let keys: BTreeSet<Key> = if unit.ours {
        // What our drop-ins set, and what those that go away have set.
        let gone = unit.before.iter().filter(|(_, word)| word.is_ours());
        gone.map(|(key, _)| *key)
            .chain(unit.wanted.keys().copied())
            .collect()
    } else {
        let theirs = unit.after.keys().filter(|key| BOUNDING.contains(key));
        theirs.copied().collect()
    };
    let mut rows = Vec::new();
    for key in keys {
        let row = row(scene, unit, key)?;
        if unit.ours || row.when != When::Unchanged {
            rows.push(row);
        }
    }
    Ok(rows)
}

fn row(scene: &Scene<'_>, unit: &Unit<'_>, key: Key) -> Result<Row> {
    let word = unit.after.get(&key);
    let after = shown(word, scene.level(key, word));
    let before = match (unit.cgroup, key.kernel_file()) {
        // A kernel without the file does not show what it cannot do: the files are all there is to compare.
        (Some(cgroup), Some(file)) if scene.tree.lacks(cgroup, file) => {
            let word = unit.before.get(&key);
            shown(word, scene.level(key, word))
        }
        // A controller that nobody has asked for yet limits nothing.
        (Some(cgroup), Some(_)) => kernel_level(scene, cgroup, key)?
            .or_else(|| unset(key))
            .map(|level| Shown {
                text: level.to_string(),
                level: Some(level),
            }),
        _ => {
            let word = unit.before.get(&key);
            shown(word, scene.level(key, word))
        }
    };
    let same = match (
        before.as_ref().and_then(|b| b.level),
        after.as_ref().and_then(|a| a.level),
    ) {
        // The kernel knows whether the whole group is killed; `continue` and `stop` are systemd's alone.
        (Some(Level::Group(false)), Some(Level::Group(false))) => {
            text_of(unit.before.get(&key)) == text_of(word)
        }
        (Some(a), Some(b)) => a.same(b),
        _ => before == after,
    };
    let wanted = unit.wanted.get(&key);
    let withheld = wanted.and_then(|w| w.withheld.clone());
    // The drop-in holds the kernel's present value then; what is to come is the profile's.
    let after = match &withheld {
        Some(text) => coming(scene, key, text).or(after),
        None => after,
    };
    let when = if unit.cgroup.is_none() {
        if same {
            When::Unchanged
        } else {
            When::NotRunning
        }
    } else if withheld.is_some() {
        When::NextStart
    } else if same {
        When::Unchanged
    } else if key.takes_force() == Force::NextStart {
        When::NextStart
    } else {
        When::Now
    };
    Ok(Row {
        unit: unit.name.clone(),
        key,
        before,
        after,
        when,
        overridden: overridden(scene, key, wanted, word),
        withheld,
        ours: unit.ours,
    })
}

fn kernel_level(scene: &Scene<'_>, cgroup: &Cgroup, key: Key) -> Result<Option<Level>> {
    in_force(key, |file| scene.tree.file(cgroup, file))
        .map_err(|e| e.context(&cgroup.path.display().to_string()))
}

fn text_of(word: Option<&Effective>) -> Option<&str> {
    word.map(|w| w.text.as_str())
}

/// A withheld value, as it will be.
fn coming(scene: &Scene<'_>, key: Key, text: &str) -> Option<Shown> {
    let value = key.parse_value(text).ok()?;
    let level = expected(key, &value, &scene.host);
    Some(Shown {
        text: level.map_or_else(|| text.to_owned(), |l| l.to_string()),
        level,
    })
}

fn shown(word: Option<&Effective>, level: Option<Level>) -> Option<Shown> {
    match (word, level) {
        (_, Some(level)) => Some(Shown {
            text: level.to_string(),
            level: Some(level),
        }),
        (Some(word), None) if word.value.is_some() => Some(Shown {
            text: word.text.clone(),
            level: None,
        }),
        _ => None,
    }
}

/// Whether another line than ours has the last word, and says something else.
fn overridden(
    scene: &Scene<'_>,
    key: Key,
    wanted: Option<&Wanted>,
    word: Option<&Effective>,
) -> Option<Overridden> {
    let (wanted, word) = (wanted?, word?);
    if word.is_ours() {
        return None;
    }
    let value = key.parse_value(&wanted.text).ok()?;
    let same_level = expected(key, &value, &scene.host)
        .zip(scene.level(key, Some(word)))
        .is_some_and(|(a, b)| a.same(b));
    if same_level || word.value.as_ref() == Some(&value) {
        return None;
    }
    Some(Overridden {
        by: word.origin.clone(),
        value: match word.text.as_str() {
            "" => "its default".to_owned(),
            text => text.to_owned(),
        },
        wanted: wanted.text.clone(),
    })
}

fn lowering(scene: &Scene<'_>, unit: &Unit<'_>) -> Result<Option<Lowering>> {
    let Some(cgroup) = unit.cgroup else {
        return Ok(None);
    };
    // A stranger that no file limits can only be loosened.
    let named = BOUNDING.iter().any(|key| unit.after.contains_key(key));
    if !named && !unit.ours {
        return Ok(None);
    }
    let before = bounds_in_force(scene.tree, cgroup)?;
    let bytes = |key| {
        scene
            .level(key, unit.after.get(&key))
            .map_or(u64::MAX, Level::bytes)
    };
    let after = Bounds {
        high: bytes(Key::MemoryHigh),
        max: bytes(Key::MemoryMax),
        swap: bytes(Key::MemorySwapMax),
    };
    if !before.lowers(after) {
        return Ok(None);
    }
    let Some(held) = scene.tree.held(cgroup)? else {
        return Ok(None);
    };
    Ok(Some(Lowering {
        cgroup: cgroup.clone(),
        held,
        before,
        after,
        misfit: fit(&held, before, after, scene.host.swap > 0).err(),
        ours: unit.ours,
        origin: unit.after.get(&Key::MemoryMax).map(|w| w.origin.clone()),
    }))
}

impl Plan {
    /// Whether applying would change anything, now or later.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.rows
            .iter()
            .any(|r| r.ours && r.when != When::Unchanged)
    }
}
