//! What would change: the kernel's levels now against what the files will say.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::kernel::cgroup::Cgroup;
use crate::limits::dropin::{DropIn, Rank, file_name, is_recall};
use crate::limits::effective::Effective;
use crate::limits::fit::Bounds;
use crate::limits::key::{Force, Key};
use crate::limits::level::{Level, expected, unset};
use crate::limits::lowering::{Lowering, lowering};
use crate::limits::scene::Scene;
use crate::systemd::files::{Origin, Overlay};
use crate::systemd::names::UnitName;
use crate::systemd::reach::Reach;

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
            before: if ours {
                scene.effective(&cgroup.unit, before)?
            } else {
                BTreeMap::new()
            },
            after: scene.effective(&cgroup.unit, &overlay)?,
            wanted: wanted(&cgroup.unit, &after),
            ours,
        };
        plan.rows.extend(rows(scene, &unit)?);
        plan.lowerings
            .extend(lowering(scene, cgroup, &unit.after, ours)?);
    }
    for name in &reached {
        if running.contains(&name) {
            continue;
        }
        let unit = Unit {
            name,
            cgroup: None,
            before: scene.effective(name, before)?,
            after: scene.effective(name, &overlay)?,
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

/// The units, templates and prefixes that profiles' drop-ins are written for, and strangers that were withheld
/// from: what is no longer must come into force.
fn reached_names(before: &Overlay, after: &[DropIn]) -> BTreeSet<UnitName> {
    let limiting = before.keys().filter(|path| !is_recall(path));
    let old = limiting.filter_map(|path| {
        let folder = path.parent()?.to_str()?;
        UnitName::parse(folder.strip_suffix(".d")?).ok()
    });
    let new = after.iter().filter(|d| d.rank < Rank::Holds);
    old.chain(new.map(|d| d.unit.clone())).collect()
}

fn wanted(unit: &UnitName, after: &Reach<'_, &DropIn>) -> BTreeMap<Key, Wanted> {
    let mut covering = after.covering(unit);
    covering.sort_by_key(|d| file_name(&d.unit, d.rank));
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

fn rows(scene: &Scene<'_>, unit: &Unit<'_>) -> Result<Vec<Row>> {
    let keys: BTreeSet<Key> = if unit.ours {
        // What our drop-ins set, and what those that go away have set.
        let gone = unit.before.iter().filter(|(_, word)| word.is_ours());
        gone.map(|(key, _)| *key)
            .chain(unit.wanted.keys().copied())
            .collect()
    } else {
        let theirs = unit.after.keys().filter(|key| Bounds::KEYS.contains(key));
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
        (Some(cgroup), Some(_)) => {
            scene
                .kernel_level(cgroup, key)?
                .or_else(|| unset(key))
                .map(|level| Shown {
                    text: level.to_string(),
                    level: Some(level),
                })
        }
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

impl Plan {
    /// Whether applying would change anything, now or later.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.rows
            .iter()
            .any(|r| r.ours && r.when != When::Unchanged)
    }
}
