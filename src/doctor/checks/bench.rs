//! Facts to try checks on.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::doctor::Finding;
use crate::doctor::facts::{Facts, Generator, GeneratorFile, Hierarchy, Said, Unit, Word};
use crate::limits::key::Key;
use crate::limits::level::Level;
use crate::sample::{Limit, Sample, Source};
use crate::systemd::files::Origin;
use crate::systemd::names::UnitName;

pub(super) const M: u64 = 1 << 20;

/// A host on which nothing is wrong.
pub(super) fn healthy() -> Facts {
    let now = Timestamp::from_second(1_800_000_000).expect("a time");
    let mut facts = Facts::new(now);
    let controllers = ["cpu", "io", "memory", "pids"].map(str::to_owned).to_vec();
    facts.system.booted = Some(true);
    facts.system.version = Some("257.7-1".to_owned());
    facts.system.major = Some(257);
    facts.system.cgroups = Some(Hierarchy::Unified);
    facts.system.passed_on.clone_from(&controllers);
    facts.system.controllers = controllers;
    facts.system.pressure = Some(true);
    facts.generator = Generator {
        belongs: "/usr/lib/systemd/system-generators/memctl-generator".into(),
        found: Some(GeneratorFile {
            path: "/usr/lib/systemd/system-generators/memctl-generator".into(),
            masked: false,
            executable: true,
        }),
        differing: Some(Vec::new()),
        ..Generator::default()
    };
    facts.profiles.seen = true;
    facts.limits.seen = true;
    facts.swap = Some(1 << 30);
    facts.watching.by = Some(Some("memctl.service"));
    facts.watching.installed = true;
    facts.watching.last = Some(now);
    facts.neighbours = Some(Vec::new());
    facts
}

pub(super) fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect(text)
}

pub(super) fn origin() -> Origin {
    Origin {
        path: "/etc/systemd/system/x.conf".into(),
        line: 3,
    }
}

pub(super) fn said(value: &str) -> Said {
    Said {
        value: value.to_owned(),
        origin: origin(),
    }
}

/// A unit of the profile `web` with limits in mebibytes.
pub(super) fn unit(text: &str, limits: &[(Key, u64)]) -> Unit {
    let word = |mib: u64| Word {
        text: format!("{mib}M"),
        level: Some(Level::Bytes(mib * M)),
        origin: origin(),
    };
    Unit {
        profile: Some("web".to_owned()),
        asked: limits.iter().map(|(key, _)| *key).collect(),
        limits: BTreeMap::from_iter(limits.iter().map(|(key, mib)| (*key, word(*mib)))),
        ..Unit::new(name(text))
    }
}

/// The reading of a unit with MemoryHigh and MemoryMax in mebibytes.
pub(super) fn reading(text: &str, current: u64, high: Option<u64>, max: Option<u64>) -> Sample {
    let limit = |mib: Option<u64>| Some(mib.map_or(Limit::Infinity, |mib| Limit::Bytes(mib * M)));
    let mut sample = Sample::blank(name(text), Timestamp::UNIX_EPOCH, Source::Cgroup);
    sample.memory.current = Some(current * M);
    sample.memory.swap = Some(0);
    sample.memory.stat.anon = Some(current * M);
    sample.limits.high = limit(high);
    sample.limits.max = limit(max);
    sample.limits.swap_max = Some(Limit::Infinity);
    sample
}

/// The ids that a check finds.
pub(super) fn ids(found: &[Finding]) -> Vec<&'static str> {
    found.iter().map(|f| f.id).collect()
}
