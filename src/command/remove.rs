//! `memctl remove NAME…`.

use std::path::Path;

use crate::cli::Remove;
use crate::command::wish::Wish;
use crate::command::{Context, change, enact, plan};
use crate::error::{Error, Result};
use crate::profiles::Set;
use crate::units::quote;

pub(super) fn run(context: &Context, options: &Remove) -> Result<u8> {
    let wish = || wish(context, &options.names);
    if options.dry_run {
        return plan::preview(context, wish()?);
    }
    if context.root.is_host() {
        return enact::on_host(context, options.tight, wish);
    }
    enact::in_image(context, wish()?, |_| {
        "Removed from the image; its limits are gone at its next boot.".to_owned()
    })
}

/// The removal of all names, or every name that is none at once.
fn wish(context: &Context, names: &[String]) -> Result<Wish> {
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    let present = Set::read(&context.root, &context.scope, &[])?;
    let unknown: Vec<String> = names
        .iter()
        .filter_map(|name| why_not(name, &present))
        .collect();
    if !unknown.is_empty() {
        return Err(Error::usage(unknown.join("\n")).remedy(ways_out(&names, &present)));
    }
    let edits: Vec<_> = names
        .iter()
        .flat_map(|name| change::removals(context, name, &present))
        .collect();
    let set = Set::read(&context.root, &context.scope, &edits)?;
    Ok(Wish {
        edits,
        set,
        // It is about what goes: nothing of what is left.
        named: Some(Vec::new()),
        incomplete: false,
        lenient: false,
    })
}

/// Why there is nothing to remove under a name.
fn why_not(name: &str, present: &Set) -> Option<String> {
    match present.found.iter().find(|f| f.name == name) {
        Some(found) if found.masked => Some(format!(
            "{} is switched off already: {} masks it",
            quote(name),
            found.path.display()
        )),
        Some(_) => None,
        None => Some(format!("no profile is called {}", quote(name))),
    }
}

/// The names that could have been meant: a file's is the name's with an ending.
fn ways_out(names: &[String], present: &Set) -> String {
    let used = present.found.iter().filter(|f| !f.masked);
    let installed: Vec<&str> = used.map(|f| f.name.as_str()).collect();
    let meant: Vec<&str> = names
        .iter()
        .filter_map(|name| {
            let stem = Path::new(name).file_stem()?.to_str()?;
            let file = name.ends_with(".toml") && !installed.contains(&name.as_str());
            installed.iter().copied().find(|i| file && *i == stem)
        })
        .collect();
    match (meant.as_slice(), installed.as_slice()) {
        ([], []) => "no profile is installed".to_owned(),
        ([], some) => format!("installed: {}", some.join(", ")),
        (some, _) => format!(
            "profiles are named without folder and ending: `memctl remove {}`",
            some.join(" ")
        ),
    }
}
