//! The generator's file, and one run of it as systemd runs it, into a temporary folder.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

use super::Look;
use crate::apply::lock::is_held;
use crate::doctor::Area;
use crate::doctor::facts::{End, Facts, GeneratorFile, Run};
use crate::error::describe_io;
use crate::kernel::root::Root;
use crate::scope::Scope;
use crate::systemd::files::{Overlay, UnitFiles, is_ours};

const NAME: &str = "memctl-generator";
/// It stops by itself after 20 s.
const DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
/// The most that is kept of what it says.
const LINES: usize = 20;

pub(super) fn look(look: Look<'_>, facts: &mut Facts) {
    let (root, scope) = (look.root, look.scope);
    let dirs = dirs(scope);
    facts.generator.belongs = Path::new("/usr/lib/systemd").join(dirs).join(NAME);
    facts.generator.found = find(root, dirs);
    let Some(file) = facts.generator.found.clone() else {
        return;
    };
    if !root.is_host() {
        return;
    }
    let present = match UnitFiles::scan(root, scope).and_then(|files| files.generated()) {
        Ok(present) => present,
        Err(e) => {
            facts.cannot_see(Area::Generator, e.message());
            return;
        }
    };
    facts.generator.dropins = present.len();
    if file.masked || !file.executable {
        return;
    }
    let folder = match Temporary::make() {
        Ok(folder) => folder,
        Err(why) => {
            facts.cannot_see(
                Area::Generator,
                format!("not run: no temporary folder: {why}"),
            );
            return;
        }
    };
    let run = run(&root.shown(&file.path), scope, &folder.0);
    let good = run.end == End::Good;
    facts.generator.run = Some(run);
    if !good {
        return;
    }
    // A change that is under way, and profiles that only root may read, make the answer another one.
    if is_held(root, scope) {
        facts.cannot_see(
            Area::Generator,
            "not compared: another memctl is changing limits just now",
        );
    } else if facts.unseen.iter().any(|u| u.area == Area::Profiles) {
        facts.cannot_see(
            Area::Generator,
            "not compared: not all profiles may be read",
        );
    } else {
        match made(&folder.0.join("normal")) {
            Ok(made) => facts.generator.differing = Some(differing(&present, &made)),
            Err(e) => facts.cannot_see(Area::Generator, describe_io(&e)),
        }
    }
}

fn dirs(scope: &Scope) -> &'static str {
    match scope {
        Scope::System => "system-generators",
        Scope::User(_) => "user-generators",
    }
}

/// The first of systemd's folders that has one (`systemd.generator(7)`).
fn find(root: &Root, dirs: &str) -> Option<GeneratorFile> {
    let bases = [
        "/run/systemd",
        "/etc/systemd",
        "/usr/local/lib/systemd",
        "/usr/lib/systemd",
        "/lib/systemd",
    ];
    for base in bases {
        let path = Path::new(base).join(dirs).join(NAME);
        let is_null = |target: &Path| target == Path::new("/dev/null");
        if root
            .read_link(&path)
            .ok()
            .flatten()
            .is_some_and(|t| is_null(&t))
        {
            return Some(GeneratorFile {
                path,
                masked: true,
                executable: false,
            });
        }
        let Ok(file) = root.open_at(&path, OFlags::PATH, Mode::empty()) else {
            continue;
        };
        let Ok(stat) = rustix::fs::fstat(&file) else {
            continue;
        };
        let regular = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file();
        return Some(GeneratorFile {
            path,
            masked: regular && stat.st_size == 0,
            executable: regular && stat.st_mode & 0o111 != 0,
        });
    }
    None
}

/// A folder of one's own that is gone at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn make() -> Result<Self, String> {
        let base = std::env::temp_dir();
        for attempt in 0..100_u32 {
            let path = base.join(format!("memctl-doctor-{}-{attempt}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(format!("{}: {}", path.display(), describe_io(&e))),
            }
        }
        Err(format!("{}: too many are left there", base.display()))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What is left of it does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// As systemd does: `normal early late`, an environment of its own (FACTS 10). What it says goes to a file.
fn run(program: &Path, scope: &Scope, folder: &Path) -> Run {
    let begun = Instant::now();
    let log = folder.join("said");
    let ended = |end: End| Run {
        took: begun.elapsed(),
        end,
        said: said(&log),
    };
    let not_started = |e: &std::io::Error| End::NotStarted(describe_io(e));
    let outputs = ["normal", "early", "late"].map(|name| folder.join(name));
    for output in &outputs {
        if let Err(e) = fs::create_dir(output) {
            return ended(not_started(&e));
        }
    }
    let stderr = match File::create(&log) {
        Ok(file) => file,
        Err(e) => return ended(not_started(&e)),
    };
    let mut command = Command::new(program);
    command
        .args(&outputs)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin")
        // To standard error: this run is none for the kernel's log.
        .env("SYSTEMD_LOG_TARGET", "console")
        .env(
            "SYSTEMD_SCOPE",
            if scope.is_user() { "user" } else { "system" },
        )
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr);
    if scope.is_user() {
        for name in [
            "HOME",
            "XDG_RUNTIME_DIR",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_STATE_HOME",
        ] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return ended(not_started(&e)),
    };
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return ended(End::Good),
            Ok(Some(status)) => return ended(End::Bad(status.to_string())),
            Ok(None) if begun.elapsed() < DEADLINE => std::thread::sleep(POLL),
            Ok(None) | Err(_) => {
                // It is ours, and it writes into our folder alone.
                let _ = child.kill();
                let _ = child.wait();
                return ended(End::TooLong);
            }
        }
    }
}

/// The first lines of what it said, without what a terminal would take for a command.
fn said(log: &Path) -> Vec<String> {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let visible = |line: &str| line.chars().filter(|c| !c.is_control()).take(400).collect();
    text.lines().take(LINES).map(visible).collect()
}

/// memctl's drop-ins in a folder that a generator has written.
fn made(folder: &Path) -> std::io::Result<Overlay> {
    let mut found = Overlay::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(entry.path())? {
            let file = file?;
            if file.file_name().to_str().is_some_and(is_ours) {
                let text = String::from_utf8_lossy(&fs::read(file.path())?).into_owned();
                found.insert(Path::new(&entry.file_name()).join(file.file_name()), text);
            }
        }
    }
    Ok(found)
}

fn differing(present: &Overlay, made: &Overlay) -> Vec<PathBuf> {
    let all: BTreeSet<&PathBuf> = present.keys().chain(made.keys()).collect();
    let other = all
        .into_iter()
        .filter(|path| present.get(*path) != made.get(*path));
    other.cloned().collect()
}
