//! `memctl render FILE -o DIR`: the generator's bytes, for images.

use crate::cli::Render;
use crate::command::{Context, change, sources};
use crate::error::{Error, Result};
use crate::kernel::root::Root;
use crate::limits::dropin::{Installed, dropins, fingerprint};
use crate::profile::Options;
use crate::profiles::{Report, check};
use crate::view::out::{print, tell};

pub(super) fn run(context: &Context, options: &Render) -> Result<u8> {
    let mut given = sources::read(&options.files, options.name.as_deref());
    let checked = check(
        &context.root,
        &context.scope,
        &given.sources,
        &Options::default(),
    )?;
    Report::of(given.errors())
        .with(&given.sources, &checked)
        .refuse("nothing was written")?;
    let sources = given.sources;
    let folder = context.scope.config_dir().join("profiles.d");
    // The header names the place where the profile would be installed.
    let installed: Vec<Installed> = sources
        .iter()
        .zip(checked)
        .map(|(source, checked)| Installed {
            path: folder.join(change::file_name(&source.name)),
            hash: fingerprint(source.text().as_bytes()),
            profile: checked.profile,
        })
        .collect();
    let (dropins, _) = dropins(&installed);
    if dropins.is_empty() {
        tell("memctl: no limits in there, nothing to write");
    }
    std::fs::create_dir_all(&options.output)
        .map_err(|e| Error::io("make the folder", &options.output, &e))?;
    let output = Root::open(&options.output)?;
    let mut written = Vec::new();
    for dropin in dropins {
        let path = dropin.path();
        let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
        else {
            continue;
        };
        let text = dropin.text();
        output.make_dir(folder)?.replace(name, text.as_bytes())?;
        written.push(options.output.join(&path));
    }
    if context.json {
        print(&serde_json::json!({ "v": 1, "written": written }).to_string())?;
    } else {
        for path in written {
            print(&path.display().to_string())?;
        }
    }
    Ok(0)
}
