//! `memctl profiles`: what is installed, where, and whether it counts.

use comfy_table::{Table, presets};

use crate::command::Context;
use crate::error::Result;
use crate::profile::Checked;
use crate::profile::load::Located;
use crate::profiles::Set;
use crate::units::visible;
use crate::view::out::{print, tell};

pub(super) fn run(context: &Context) -> Result<u8> {
    let set = Set::read(&context.root, &context.scope, &[])?;
    if context.json {
        let entries: Vec<_> = set.found.iter().map(|found| json(&set, found)).collect();
        print(&serde_json::json!({ "v": 1, "profiles": entries }).to_string())?;
        return Ok(0);
    }
    for problem in &set.problems {
        let path = problem.path.display();
        tell(&format!("warning: {path}: {}", problem.message));
    }
    if set.found.is_empty() {
        print("No profile is installed. `memctl apply FILE.toml` installs one.")?;
        return Ok(0);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "PROFILE",
        "STATE",
        "UNITS",
        "FILE",
        "DESCRIPTION",
    ]);
    for found in &set.found {
        let profile = checked(&set, found).map(|c| &c.profile);
        let description = profile.and_then(|p| p.description.as_deref());
        table.add_row([
            found.name.clone(),
            state(&set, found),
            profile.map_or_else(String::new, |p| p.units.len().to_string()),
            found.path.display().to_string(),
            description
                .unwrap_or_default()
                .chars()
                .flat_map(visible)
                .collect(),
        ]);
        for shadow in &found.shadows {
            let path = shadow.display().to_string();
            table.add_row(["", "shadowed", "", &path, ""]);
        }
    }
    print(&crate::view::plan::trimmed(&table))?;
    Ok(0)
}

fn checked<'s>(set: &'s Set, found: &Located) -> Option<&'s Checked> {
    let at = set.sources.iter().position(|s| s.path == found.path)?;
    set.checked.get(at)
}

fn state(set: &Set, found: &Located) -> String {
    match checked(set, found) {
        _ if found.masked => "masked".to_owned(),
        None => "unreadable".to_owned(),
        Some(checked) if checked.failed() => "faulty".to_owned(),
        Some(_) => "used".to_owned(),
    }
}

fn json(set: &Set, found: &Located) -> serde_json::Value {
    let mut entry = serde_json::json!({
        "profile": found.name,
        "file": found.path,
        "state": state(set, found),
        "shadows": found.shadows,
    });
    if let Some(checked) = checked(set, found) {
        let profile = &checked.profile;
        let units: Vec<&str> = profile.units.iter().map(|u| u.name.as_str()).collect();
        entry["units"] = serde_json::json!(units);
        if let Some(description) = &profile.description {
            entry["description"] = serde_json::json!(description);
        }
    }
    entry
}
