//! What `memctl-generator` does: profiles in, drop-ins out, one log line for each thing that went wrong.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::kernel::root::Root;
use crate::limits::dropin::DropIn;
use crate::limits::generate::generate;
use crate::profiles::lenient;
use crate::scope::Scope;

/// After this no more drop-ins are written: far below what systemd allows (FACTS 11).
const DEADLINE: Duration = Duration::from_secs(20);

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
        if let Err(error) = write(output, dropin) {
            log(&format!(
                "cannot write the limits of {}: {error}",
                dropin.unit
            ));
        }
    }
}

/// Writes one drop-in whole: half a drop-in would be half of the limits.
fn write(output: &Path, dropin: &DropIn) -> std::io::Result<()> {
    let path = output.join(dropin.path());
    let folder = path.parent().unwrap_or(output);
    std::fs::create_dir_all(folder)?;
    let temporary = path.with_extension("memctl-new");
    std::fs::write(&temporary, dropin.text())
        .and_then(|()| std::fs::rename(&temporary, &path))
        .inspect_err(|_| {
            // systemd reads *.conf alone; a leftover does no harm.
            let _ = std::fs::remove_file(&temporary);
        })
}
