//! Restarts that take other units along, and restarts by hand.

use anyhow::Result;
use serde_json::Value;
use xtask::guest::{Script, Suite};

use super::{events, name, wait_for};
use crate::server::Server;

/// What goes down with `hub.service`, and by which directive of its own.
const ALONG: [(&str, &str); 5] = [
    ("part", "PartOf=hub.service"),
    ("below", "PartOf=part.service"),
    ("binds", "BindsTo=hub.service\nAfter=hub.service"),
    ("needs", "Requires=hub.service"),
    ("stops", "StopPropagatedFrom=hub.service"),
];

/// Dependents are named before a restart, looked after when it is over, and forbid it where they are protected or held;
/// by hand it goes the same way, or says what is in the way.
pub fn what_goes_down_along_is_named_and_comes_back(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    let guest = &server.guest;
    guest.write(
        "/etc/memctl/memctl.toml",
        "interval = \"1s\"\nprotect = [\"guarded.service\"]\n",
    );
    let unit = |name: &str, depends: &str, mib: u32| {
        let more = format!("[Unit]\n{depends}");
        server.define(
            &format!("{name}.service"),
            &format!("/usr/local/bin/hold {mib}"),
            &more,
        );
    };
    unit("hub", "", 30);
    for (name, depends) in ALONG {
        unit(name, depends, 2);
    }
    unit("wants", "Wants=hub.service", 2);
    unit("off", "PartOf=hub.service", 2);
    unit("core", "", 30);
    unit("guarded", "PartOf=core.service", 2);
    guest.write(
        "/etc/systemd/system/done.service",
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n",
    );
    guest.write(
        "/etc/systemd/system/refuses.service",
        "[Unit]\nRefuseManualStop=yes\n[Service]\nExecStart=/usr/local/bin/hold 1\n",
    );
    guest.ok("systemctl daemon-reload; systemctl reload memctl.service
         systemctl start hub part below binds needs stops wants core guarded done refuses");
    let dependents = || -> Vec<String> {
        let names = ALONG.map(|(name, _)| name).join(" ");
        let text = guest.ok(format!(
            "for unit in {names}; do systemctl show --property=ActiveState,InvocationID $unit | tr '\\n' ' '; echo; done"
        ));
        text.lines().map(str::to_owned).collect()
    };

    named(&server);
    refuses(&server);
    by_hand(&server, dependents);
    one_stays_down(&server);

    // By a rule it goes no other way.
    server.profile(
        "hub",
        "[unit.\"hub.service\"]\nrules = [{ above = \"20M\", action = \"restart\" }]\n\
         restart = { cooldown = \"0\" }\n\
         [unit.\"core.service\"]\nrules = [{ above = \"20M\", action = \"restart\" }]\n",
    );
    server.done("hold below.service");
    server.done("apply hub.toml");
    wait_for(&server, "hub.service", "restart-withheld", 1);
    wait_for(&server, "core.service", "restart-withheld", 1);
    let why = |unit: &str| {
        let events = events(&server, unit);
        let rule = events
            .iter()
            .rfind(|event| name(event) == "restart-withheld");
        rule.unwrap_or_else(|| panic!("{events:#?}"))["why"].clone()
    };
    assert_eq!(why("hub.service"), "dependent-held");
    assert_eq!(why("core.service"), "dependent-protected");
    let plan = server.done("plan 2>&1");
    let along = "hub.service: a restart by its rules takes along below.service (PartOf=), binds.service (BindsTo=)";
    assert!(plan.contains(along), "{plan}");
    Ok(())
}

/// `explain` names them, with the directive, and none that stays up.
fn named(server: &Server) {
    let explained: Value =
        serde_json::from_str(&server.done("explain hub.service --json")).expect("JSON");
    let mut along: Vec<String> = ALONG
        .iter()
        .map(|(name, _)| format!("{name}.service"))
        .collect();
    along.sort();
    assert_eq!(
        explained["takes_along"],
        serde_json::json!(along),
        "{explained}"
    );
    let text = server.done("explain hub.service");
    for wanted in [
        "below.service (PartOf=)",
        "stops.service (StopPropagatedFrom=)",
    ] {
        assert!(text.contains(wanted), "{text}");
    }
    let text = server.done("explain core.service");
    assert!(text.contains("dependent-protected"), "{text}");
}

/// What went down along and cannot be started again is named, and told in the journal.
fn one_stays_down(server: &Server) {
    let guest = &server.guest;
    server.define("base.service", "/usr/local/bin/hold 2", "");
    server.define(
        "frail.service",
        "/usr/local/bin/hold 2",
        "ExecStartPre=/usr/bin/mkdir /run/frail\nRestart=no\n[Unit]\nPartOf=base.service",
    );
    guest.ok("systemctl daemon-reload; systemctl start base frail");
    let life = server.life("base.service");
    let told = server.memctl("restart base");
    assert_ne!(server.life("base.service"), life);
    let why = "frail.service, which went down with base.service, is not up again";
    assert!(told.stderr.contains(why), "{told:?}");
    // What was asked for is done.
    assert_eq!(told.status, 0, "{told:?}");
    let told = events(server, "base.service");
    assert!(told.iter().any(|e| e["why"] == "dependent"), "{told:#?}");
}

/// Nothing is done, and why not is said in a line.
fn refuses(server: &Server) {
    let life = server.life("hub.service");
    for (unit, status, why) in [
        (
            "core",
            1,
            "guarded.service would go down with it (PartOf=), and is protected",
        ),
        ("dbus", 1, "it is protected: the system's bus"),
        ("memctl.service", 1, "it is protected: memctl itself"),
        (
            "off.service",
            1,
            "it does not run\n  what to do: `systemctl start off.service`",
        ),
        ("done.service", 1, "it is a oneshot"),
        ("refuses", 1, "RefuseManualStop="),
        ("system.slice", 2, "services alone are restarted"),
        ("init.scope", 2, "services alone are restarted"),
        ("gone.service", 2, "there is no gone.service here"),
        ("hubb", 2, "perhaps hub.service?"),
    ] {
        let told = server.refused(&format!("restart {unit}"), status);
        assert!(told.contains(why), "{unit}: {told}");
    }
    let told = server
        .guest
        .sh(Script::new("memctl restart hub").user("admin"));
    assert_eq!(told.status, 3, "{}", told.stderr);
    for (held, why) in [
        (
            "hub.service",
            "it is held by root until `memctl release hub.service`",
        ),
        (
            "part.service",
            "part.service would go down with it (PartOf=), and is held by root",
        ),
        (
            "--all",
            "this host is held by root until `memctl release --all`",
        ),
    ] {
        server.done(&format!("hold {held}"));
        let told = server.refused("restart hub", 1);
        assert!(told.contains(why), "{told}");
        server.done(&format!("release {held}"));
    }
    server.guest.ok("touch /etc/memctl/hold");
    let told = server.refused("restart hub", 1);
    assert!(
        told.contains("held by /etc/memctl/hold until that file is removed"),
        "{told}"
    );
    server.guest.ok("rm /etc/memctl/hold");
    assert_eq!(server.life("hub.service"), life);
    // Each refusal is in the journal of the unit.
    let told = events(server, "hub.service");
    let withheld = told
        .iter()
        .filter(|event| name(event) == "restart-withheld");
    assert_eq!(withheld.count(), 4, "{told:#?}");
}

/// The whole way; none that went down along stays dead, and who only wants it does not notice.
fn by_hand(server: &Server, dependents: impl Fn() -> Vec<String>) {
    let (hub, wants) = (server.life("hub.service"), server.life("wants.service"));
    let before = dependents();
    let told = server.guest.ok(Script::new("memctl restart hub"));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(
        lines[0]
            .starts_with("restarting hub.service: by hand; with it below.service, binds.service,"),
        "{told}"
    );
    println!("{} {}", server.guest.suite(), lines[1]);
    assert!(lines[1].starts_with("restarted hub.service in "), "{told}");
    assert!(
        lines[1].contains(": freed ") && lines[1].contains("; by hand"),
        "{told}"
    );
    assert_ne!(server.life("hub.service"), hub);
    assert_eq!(server.life("wants.service"), wants);
    // A restart on 252 leaves alone what only its stop would stop; later ones leave it stopped, and memctl starts it again.
    let is_stopped = server.guest.systemd_version() >= 257;
    for ((name, _), (before, after)) in ALONG.iter().zip(before.iter().zip(dependents())) {
        assert!(after.contains("ActiveState=active"), "{name}: {after}");
        let went_down = *name != "stops" || is_stopped;
        assert_eq!(*before != after, went_down, "{name}: {before} {after}");
    }
    assert_eq!(server.property("off.service", "ActiveState"), "inactive");
    let again = told.contains("; started again: stops.service");
    assert_eq!(again, is_stopped, "{told}");
}
