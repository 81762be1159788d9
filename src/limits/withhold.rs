//! The promise that no reload kills: a limit that a running unit could not live under waits for its next start,
//! whoever wrote it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::limits::dropin::{DropIn, Rank};
use crate::limits::lowering::Lowering;

/// The drop-in that keeps a running unit at what the kernel has for it now; `None` if it can follow.
///
/// It sorts behind all others, so it holds against a profile's and an administrator's drop-ins alike, and against
/// the unit's own file where a profile that had raised a limit is gone.
#[must_use]
pub fn withhold(lowering: &Lowering) -> Option<DropIn> {
    let mut settings = BTreeMap::new();
    let mut withheld = BTreeMap::new();
    for key in lowering.at_fault() {
        settings.insert(key, as_directive(lowering.before.of(key)));
        let word = lowering.words.get(&key).map(|word| word.text.clone());
        withheld.insert(key, word.unwrap_or_default());
    }
    (!settings.is_empty()).then(|| DropIn {
        unit: lowering.cgroup.unit.clone(),
        rank: Rank::Holds,
        source: PathBuf::new(),
        hash: String::new(),
        settings,
        withheld,
    })
}

/// A bound as a directive's value.
#[must_use]
pub fn as_directive(bytes: u64) -> String {
    match bytes {
        u64::MAX => "infinity".to_owned(),
        bytes => bytes.to_string(),
    }
}
