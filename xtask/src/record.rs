//! `cargo xtask record`: real programs, five that leak and five that do not, run in a guest with memctl installed, which
//! records them; the fixtures of `tests/leaks` are made of that.

mod fixture;
mod programs;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::guest::{Guest, GuestConfig, Script, Suite};
use crate::{host, package, tell};

use fixture::Fixture;
use programs::{Language, PROGRAMS, Program};

/// How many seconds a second stands for: memctl reads once a second, so readings are a minute apart.
const FACTOR: u32 = 60;

/// What the guest has: room for every limit at once, and no swap.
const MEMORY_MIB: u32 = 2048;

/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(60);

/// Where programs lie in the guest.
const FOLDER: &str = "/usr/local/lib/leaks";

/// Files for the program that reads: 256 MiB that no cgroup has in its page cache.
const FILES: &str = "
mkdir -p /srv/files
for i in 1 2 3 4 5 6 7 8; do
    dd if=/dev/zero of=/srv/files/$i bs=1M count=32 status=none
done
sync
echo 3 >/proc/sys/vm/drop_caches
";

/// memctl's readings must come in time, whatever the programs do.
const SLICE: &str = "[Slice]\nCPUWeight=20\n";

/// Records for so many minutes of the programs' time and writes the fixtures; with `again`, only makes fixtures anew of
/// what was recorded last. Prints what is in them.
pub fn run(minutes: u32, again: bool) -> Result<()> {
    let kept = host::repository().join("target/record");
    if !again {
        record(minutes, &kept)?;
    }
    let fixtures = host::repository().join("tests/leaks");
    println!(
        "| fixture | readings | seconds without one, steps | current: first, last, most | need: first, last, most | limit |\n\
         |---|--:|--:|--:|--:|--:|"
    );
    for program in PROGRAMS.iter().filter(|program| program.is_kept) {
        let source = kept.join(format!("{}.csv", program.name));
        let text = fs::read_to_string(&source)
            .with_context(|| format!("cannot read {}", source.display()))?;
        let fixture = Fixture::of(&text, FACTOR)
            .with_context(|| format!("cannot use {}", source.display()))?;
        let target = fixtures.join(format!("{}.csv", program.name));
        fs::write(&target, fixture.csv())
            .with_context(|| format!("cannot write {}", target.display()))?;
        println!("| {} | {} |", program.name, fixture.summary());
    }
    Ok(())
}

/// Runs the programs and keeps what memctl recorded of each in a folder.
fn record(minutes: u32, kept: &Path) -> Result<()> {
    let deb = package::built()?;
    let built = build()?;
    tell::step(format_args!("booting a guest of {MEMORY_MIB} MiB"));
    let mut config = GuestConfig::new(Suite::Trixie)
        .memory_mib(MEMORY_MIB)
        .cpus(2)
        .file(deb, "/root/memctl.deb");
    for (file, path) in built {
        config = config.file(path, format!("{FOLDER}/{file}"));
    }
    let guest = Guest::boot(config)?;
    tell::step("installing memctl, writing the files that are read");
    guest.write("/etc/memctl/memctl.toml", "interval = \"1s\"\n");
    let install = Script::new(format!("dpkg --install /root/memctl.deb\n{FILES}"));
    guest.ok(install.timeout(Duration::from_secs(300)));
    guest.write("/etc/systemd/system/recorded.slice", SLICE);
    let mut units = String::new();
    for program in &PROGRAMS {
        let unit = program.unit();
        guest.write(&format!("/etc/systemd/system/{unit}"), service(program));
        // Writing to a String cannot fail.
        let _ = write!(units, " {unit}");
    }
    guest.ok(
        Script::new(format!("systemctl daemon-reload; systemctl start{units}"))
            .timeout(Duration::from_secs(120)),
    );
    let system = "uname -r; systemctl --version | head -n 1; memctl --version";
    tell::step(guest.ok(system).trim().replace('\n', ", "));

    watch(
        &guest,
        &units,
        Duration::from_secs((minutes * 60 / FACTOR).into()),
    );

    guest.ok("systemctl stop memctl.service");
    fs::create_dir_all(kept).with_context(|| format!("cannot make {}", kept.display()))?;
    for program in &PROGRAMS {
        let unit = program.unit();
        let export = format!("memctl history {unit} --since 1d --resolution raw --csv");
        let text = guest.ok(Script::new(export).timeout(Duration::from_secs(120)));
        fs::write(kept.join(format!("{}.csv", program.name)), text)?;
    }
    tell::step("recorded");
    // A program that ended early, or was killed, makes no fixture.
    let whole = format!("systemctl is-active{units}; grep '^oom_kill 0$' /proc/vmstat");
    guest.ok(whole.as_str());
    Ok(())
}

/// Builds what is C and names what is Python: files in the guest's folder, and where they are here.
fn build() -> Result<BTreeMap<String, PathBuf>> {
    host::install_missing(&[("cc", "build-essential")])?;
    let sources = host::repository().join("tests/leaks/programs");
    let target = host::repository().join("target/record/programs");
    fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
    let mut files = BTreeMap::from([("clock.py".to_owned(), sources.join("clock.py"))]);
    for program in &PROGRAMS {
        let source = sources.join(program.source());
        ensure!(source.is_file(), "there is no {}", source.display());
        let path = match program.language {
            Language::Python => source,
            // Static: the guest's libc is another one, and it has no compiler.
            Language::C => {
                let binary = target.join(program.file());
                let mut cc = Command::new("cc");
                cc.args(["-static", "-O1", "-pthread", "-o"])
                    .arg(&binary)
                    .arg(source);
                host::run(cc)?;
                binary
            }
        };
        files.insert(program.file(), path);
    }
    Ok(files)
}

fn service(program: &Program) -> String {
    let arguments = program.arguments;
    let limits = program.limits;
    format!(
        "[Service]\nExecStart={FOLDER}/{} {FACTOR} {arguments}\nSlice=recorded.slice\n{limits}",
        program.file()
    )
}

/// Waits, and tells what the programs hold.
fn watch(guest: &Guest, units: &str, length: Duration) {
    let start = Instant::now();
    let look = format!(
        "cd /sys/fs/cgroup/recorded.slice
         for unit in{units}; do echo \"${{unit%.service}} $(($(cat $unit/memory.current) >> 20))M\"; done
         echo \"available $(($(grep MemAvailable /proc/meminfo | tr -dc 0-9) >> 10))M\""
    );
    while let Some(left) = length.checked_sub(start.elapsed()) {
        if left.is_zero() {
            break;
        }
        thread::sleep(left.min(PROGRESS));
        let held = guest.ok(look.as_str());
        tell::step(format_args!(
            "minute {} of {}: {}",
            start.elapsed().as_secs() * u64::from(FACTOR) / 60,
            length.as_secs() * u64::from(FACTOR) / 60,
            held.trim().replace('\n', ", ")
        ));
    }
}
