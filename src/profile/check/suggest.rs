//! What was perhaps meant.

use crate::limits::key::Key;

/// Directives that do something like it, under older or other names.
const OTHER_NAMES: [(&str, &str); 9] = [
    ("memorylimit", "MemoryMax"),
    ("memory", "MemoryMax"),
    ("maxmemory", "MemoryMax"),
    ("memoryswap", "MemorySwapMax"),
    ("swapmax", "MemorySwapMax"),
    ("cpushares", "CPUWeight"),
    ("cpu", "CPUQuota"),
    ("blockioweight", "IOWeight"),
    ("timeoutsec", "TimeoutStopSec"),
];

/// The key that was perhaps meant.
pub(super) fn nearest<'k>(written: &str, keys: &[&'k str]) -> Option<&'k str> {
    let folded = fold(written);
    // Distances cost the product of the lengths: no key is that long.
    if folded.is_empty() || folded.len() > 60 {
        return None;
    }
    if let Some(key) = keys.iter().find(|key| fold(key) == folded) {
        return Some(key);
    }
    let other = OTHER_NAMES.iter().find(|(name, _)| *name == folded);
    if let Some(key) = other.and_then(|(_, key)| keys.iter().find(|k| *k == key)) {
        return Some(key);
    }
    let allowed = (folded.len() / 4).clamp(1, 2);
    keys.iter()
        .map(|key| (strsim::damerau_levenshtein(&fold(key), &folded), key))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, key)| *key)
}

/// Without case and the marks that people put between words.
fn fold(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '_' | '-' | '.' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The keys for a message; the many limits by one word.
pub(super) fn list(keys: &[&str]) -> String {
    let mut shown: Vec<&str> = keys
        .iter()
        .copied()
        .filter(|key| Key::from_name(key).is_none())
        .collect();
    if shown.len() < keys.len() {
        shown.insert(0, "the limit directives (MemoryMax, CPUQuota…)");
    }
    shown.join(", ")
}
