//! `memctl-generator`: profiles → drop-ins, at boot and at every daemon-reload.
//!
//! No D-Bus, no daemon, no children. It must never fail and never take long: all generators together have 90 s,
//! and what one leaves undone is missing until the next reload (FACTS 10, 11).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use memctl::kernel::root::Root;
use memctl::limits::dropin::DropIn;
use memctl::limits::generate::generate;
use memctl::profiles::lenient;
use memctl::scope::{Scope, User};

/// After this no more drop-ins are written: far below what systemd allows (FACTS 11).
const DEADLINE: Duration = Duration::from_secs(20);
/// The kernel log's priority for what an administrator should see: daemon.warning.
const WARNING: &str = "<28>";

fn main() -> ExitCode {
    let started = Instant::now();
    let mut log = Log::open();
    // In the initrd there are neither profiles nor the real units (FACTS 10a).
    if std::env::var_os("SYSTEMD_IN_INITRD").is_some_and(|v| v == "1") {
        return ExitCode::SUCCESS;
    }
    let Some(output) = std::env::args_os().nth(1).map(PathBuf::from) else {
        log.line("usage: memctl-generator NORMAL-DIR [EARLY-DIR LATE-DIR]; systemd calls it");
        return ExitCode::FAILURE;
    };
    let scope = match std::env::var("SYSTEMD_SCOPE").as_deref() {
        Ok("user") => Scope::User(User::from_env()),
        _ => Scope::System,
    };
    let root = match Root::open(Path::new("/")) {
        Ok(root) => root,
        Err(error) => {
            log.line(error.message());
            return ExitCode::SUCCESS;
        }
    };
    let (profiles, faults) = lenient(&root, &scope);
    let generated = generate(&root, &scope, &profiles);
    for line in faults.iter().chain(&generated.log) {
        log.line(line);
    }
    for dropin in &generated.dropins {
        if started.elapsed() > DEADLINE {
            log.line("took too long; the remaining limits come with the next daemon-reload");
            break;
        }
        if let Err(error) = write(&output, dropin) {
            log.line(&format!(
                "cannot write the limits of {}: {error}",
                dropin.unit
            ));
        }
    }
    ExitCode::SUCCESS
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

/// The kernel log: at boot nobody else listens yet; standard error on the bench.
struct Log {
    kmsg: Option<std::fs::File>,
}

impl Log {
    fn open() -> Self {
        Self {
            kmsg: std::fs::OpenOptions::new()
                .write(true)
                .open("/dev/kmsg")
                .ok(),
        }
    }

    fn line(&mut self, text: &str) {
        let told = self.kmsg.as_mut().is_some_and(|kmsg| {
            // One record a write.
            kmsg.write_all(format!("{WARNING}memctl-generator: {text}\n").as_bytes())
                .is_ok()
        });
        if !told {
            eprintln!("memctl-generator: {text}");
        }
    }
}
