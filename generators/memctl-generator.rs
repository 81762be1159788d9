//! `memctl-generator`: profiles → drop-ins, at boot and at every daemon-reload.
//!
//! No D-Bus, no daemon, no children. It must never fail and never take long: all generators together have 90 s,
//! and what one leaves undone is missing until the next reload (FACTS 10, 11).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use memctl::generator;
use memctl::kernel::root::Root;
use memctl::scope::{Scope, User};

/// The kernel log's priority for what an administrator should see: daemon.warning.
const WARNING: &str = "<28>";

fn main() -> ExitCode {
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
    match Root::open(Path::new("/")) {
        Ok(root) => generator::run(&root, &scope, &output, &mut |text| log.line(text)),
        Err(error) => log.line(error.message()),
    }
    ExitCode::SUCCESS
}

/// The kernel log: at boot nobody else listens yet; standard error on the bench, and where `SYSTEMD_LOG_TARGET=console`
/// asks for it, as of systemd's own programs.
struct Log {
    kmsg: Option<std::fs::File>,
}

impl Log {
    fn open() -> Self {
        if std::env::var_os("SYSTEMD_LOG_TARGET").is_some_and(|target| target == "console") {
            return Self { kmsg: None };
        }
        let kmsg = std::fs::OpenOptions::new().write(true).open("/dev/kmsg");
        Self { kmsg: kmsg.ok() }
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
