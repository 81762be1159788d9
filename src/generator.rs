//! What `memctl-generator` does: profiles in, drop-ins out, one log line for each thing that went wrong.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::apply::lock::is_held;
use crate::kernel::root::Root;
use crate::limits::generate::generate;
use crate::profiles::lenient;
use crate::scope::Scope;

/// After this no more drop-ins are written: far below what systemd allows (FACTS 11).
const DEADLINE: Duration = Duration::from_secs(20);

/// Has systemd run `memctl realize` once for each change that comes with a reload (FACTS 1: 257 leaves the kernel
/// behind). An upheld unit that is not running is started at the end of a reload, seen on 252, 257 and 262; the
/// target is up from boot to shutdown, in a user's manager as well.
const REALIZE: &str = "basic.target.d/memctl-realize.conf";

/// Writes the drop-ins of the profiles below `root` into `output`.
///
/// Never fails: what cannot be used or written costs itself alone, and a line of `log`.
pub fn run(root: &Root, scope: &Scope, output: &Path, log: &mut dyn FnMut(&str)) {
    let started = Instant::now();
    let (profiles, faults) = lenient(root, scope);
    let generated = generate(root, scope, &profiles);
    for line in faults.iter().chain(&generated.log) {
        log(line);
    }
    for dropin in &generated.dropins {
        if started.elapsed() > DEADLINE {
            log("took too long; the remaining limits come with the next daemon-reload");
            break;
        }
        if let Err(error) = write(output, &dropin.path(), &dropin.text()) {
            log(&format!(
                "cannot write the limits of {}: {error}",
                dropin.unit
            ));
        }
    }
    // A memctl that is at work realizes and confirms by itself.
    if let Some(change) = generated.pending.filter(|_| !is_held(root, scope)) {
        let text = format!(
            "# Written by memctl-generator: limits of running units change with this reload.\n\
             [Unit]\nUpholds=memctl-realize@{change}.service\n"
        );
        if let Err(error) = write(output, Path::new(REALIZE), &text) {
            log(&format!("cannot have the changes realized: {error}"));
        }
    }
}

/// Writes one drop-in whole: half a drop-in would be half of the limits.
fn write(output: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let path = output.join(path);
    let folder = path.parent().unwrap_or(output);
    std::fs::create_dir_all(folder)?;
    let temporary = path.with_extension("memctl-new");
    std::fs::write(&temporary, text)
        .and_then(|()| std::fs::rename(&temporary, &path))
        .inspect_err(|_| {
            // systemd reads *.conf alone; a leftover does no harm.
            let _ = std::fs::remove_file(&temporary);
        })
}
