//! A running machine as seen from its folder: its agent, console and QEMU.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::agent::Agent;
use super::qemu::Folder;
use super::qmp;
use super::script::{Output, Script};

/// How long a guest may take until its agent says hello.
const BOOT: Duration = Duration::from_secs(180);

/// Sets the clock, unpacks the payload and turns the swap disk on; which disk is
/// which is told by the serial number that the host gave it.
const PREPARE: &str = r#"
[ "$FIRST" = no ] || date --set="@$NOW" >/dev/null
# Under emulation kernel 6.1 compacts memory in one go of minutes while there is little of it, and answers nobody.
echo 0 >/proc/sys/vm/compaction_proactiveness
echo 0 >/sys/kernel/mm/transparent_hugepage/khugepaged/defrag
for disk in /sys/class/block/vd*; do
    device=/dev/${disk##*/}
    case $(cat "$disk/serial") in
        payload)
            [ "$FIRST" = yes ] || continue
            # What was seen of it in the boot that this guest may come from.
            blockdev --flushbufs "$device"
            tar --extract --file="$device" --directory=/ ;;
        swap) swapon "$device" ;;
    esac
done
"#;

/// A connection to a running guest.
#[derive(Debug)]
pub struct Link {
    /// The guest's agent.
    pub agent: Agent,
    /// The machine's files.
    pub folder: Folder,
}

impl Link {
    /// Connects to a port of the agent of a machine that is starting or runs.
    pub fn connect(folder: Folder, port: usize, alive: &mut dyn FnMut() -> bool) -> Result<Link> {
        // QEMU makes its sockets within a fraction of a second.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match Agent::connect(&folder.agent(port)) {
                Ok(agent) => return Ok(Link { agent, folder }),
                Err(error) if !alive() || Instant::now() > deadline => {
                    return Err(error.context(qemu_said(&folder)));
                }
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Runs a script to its end.
    pub fn run(&self, script: &Script) -> Result<Output> {
        self.agent.start(script)?.wait()
    }

    /// Runs a script that is to succeed, and gives its standard output.
    pub fn succeed(&self, script: &Script) -> Result<String> {
        let output = self.run(script)?;
        if output.success() {
            return Ok(output.stdout);
        }
        bail!("{}", output.report(script));
    }

    /// Waits for a boot other than `old` and until systemd has started what
    /// it starts; gives the state it reached.
    pub fn wait_boot(&self, old: Option<&str>) -> Result<String> {
        let deadline = Instant::now() + BOOT;
        while self
            .agent
            .wait_hello(old, Duration::from_millis(500))
            .with_context(|| qemu_said(&self.folder))?
            .is_none()
        {
            self.check_alive()?;
            if Instant::now() > deadline {
                bail!("the guest did not come up within {} s", BOOT.as_secs());
            }
        }
        let wait = Script::new("systemctl is-system-running --wait || true").timeout(BOOT);
        Ok(self.succeed(&wait)?.trim().to_owned())
    }

    /// Learns which boot this is of a machine that said so to somebody else.
    pub fn greet(&self, patience: Duration) -> Result<()> {
        self.agent
            .greet(patience)
            .with_context(|| qemu_said(&self.folder))
    }

    /// Looks for signs that nothing more will come of this machine.
    pub fn check_alive(&self) -> Result<()> {
        // QEMU stops at this, but does not end.
        let log = fs::read_to_string(self.folder.log()).unwrap_or_default();
        if let Some(line) = log.lines().find(|line| line.contains("KVM internal error")) {
            bail!("QEMU gave up: {line}");
        }
        if self
            .folder
            .console_tail(60)
            .contains("Kernel panic - not syncing")
        {
            bail!("the guest's kernel panicked");
        }
        Ok(())
    }

    /// Makes the disks that came with the machine usable; once after each
    /// boot. Only the `first` gets the payload, or it would undo changes.
    pub fn prepare(&self, first: bool) -> Result<()> {
        let first = if first { "yes" } else { "no" };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
        let script = Script::new(PREPARE)
            .env("FIRST", first)
            .env("NOW", &now.to_string());
        self.succeed(&script)?;
        Ok(())
    }

    /// Waits for the first boot, in which nothing may fail.
    pub fn wait_clean_boot(&self) -> Result<()> {
        if self.wait_boot(None)? == "running" {
            return Ok(());
        }
        let failed = self.succeed(&Script::new("systemctl --failed --no-legend --plain"))?;
        bail!("systemd came up, but not all of its units:\n{failed}");
    }

    /// Puts a file into the guest, folders included.
    pub fn write(&self, path: &str, content: &[u8], mode: u32) -> Result<()> {
        let script =
            format!(r#"mkdir -p "$(dirname "$TARGET")"; cat >"$TARGET"; chmod {mode:o} "$TARGET""#);
        self.succeed(&Script::new(script).env("TARGET", path).stdin(content))?;
        Ok(())
    }

    /// Reads a file of the guest.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let script = Script::new(r#"cat -- "$FILE""#).env("FILE", path);
        let output = self.run(&script)?;
        if !output.success() {
            bail!("{}", output.report(&script));
        }
        Ok(output.raw)
    }

    /// Puts a file of the host into the guest.
    pub fn put(&self, host: &Path, guest: &str) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let context = || format!("cannot read {}", host.display());
        let content = fs::read(host).with_context(context)?;
        let mode = fs::metadata(host)
            .with_context(context)?
            .permissions()
            .mode()
            & 0o777;
        self.write(guest, &content, mode)
    }

    /// Reboots the guest in good order, and waits until it is up again.
    pub fn reboot(&self) -> Result<String> {
        let old = self.agent.boot_id();
        // The answer may or may not come before the agent is stopped.
        self.agent.start(&Script::new("systemctl reboot"))?;
        self.up_again(old)
    }

    /// Resets the machine as by its button, and waits until it is up again.
    /// What the guest has not written to its disk is lost.
    pub fn crash(&self) -> Result<String> {
        let old = self.agent.boot_id();
        qmp::execute(&self.folder.qmp(), "system_reset", &json!({}))?;
        self.up_again(old)
    }

    fn up_again(&self, old: Option<String>) -> Result<String> {
        let state = self.wait_boot(old.as_deref())?;
        self.prepare(false)?;
        Ok(state)
    }

    /// What helps to understand why something went wrong in the guest.
    pub fn evidence(&self) -> String {
        format!(
            "--- last lines of the console ({}):\n{}",
            self.folder.console().display(),
            self.folder.console_tail(50)
        )
    }
}

fn qemu_said(folder: &Folder) -> String {
    let log = fs::read_to_string(folder.log()).unwrap_or_default();
    format!("QEMU did not run the guest; it said:\n{log}")
}
