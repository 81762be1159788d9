//! Units that are never restarted or signalled.

use crate::systemd::names::UnitName;

/// How far a built-in name reaches.
#[derive(Clone, Copy)]
enum Reaches {
    /// That name alone.
    Name,
    /// Its instances, too.
    Instances,
    /// And all that continues it after a dash: the sockets of journald, the units of memctl.
    Family,
}

/// Names without their suffix, how far they reach, and why.
const BUILT_IN: [(&str, Reaches, &str); 13] = [
    ("dbus", Reaches::Name, "the system's bus"),
    ("dbus-broker", Reaches::Name, "the system's bus"),
    ("systemd-journald", Reaches::Family, "the journal"),
    ("systemd-logind", Reaches::Name, "everybody's sessions"),
    ("systemd-udevd", Reaches::Family, "the devices"),
    ("systemd-networkd", Reaches::Family, "the network"),
    ("NetworkManager", Reaches::Name, "the network"),
    ("ssh", Reaches::Instances, "the way in"),
    ("sshd", Reaches::Instances, "the way in"),
    ("user", Reaches::Instances, "somebody's whole session"),
    ("memctl", Reaches::Family, "memctl itself"),
    ("init", Reaches::Name, "PID 1"),
    ("-", Reaches::Name, "the whole machine"),
];

/// Why a unit, of whatever type, is protected; `None` if it is not. `configured` are names as `protect` has them:
/// templates and prefixes reach their units.
#[must_use]
pub fn why(unit: &str, configured: &[UnitName]) -> Option<String> {
    let (stem, suffix) = unit.rsplit_once('.')?;
    let hit = BUILT_IN.iter().find(|(name, reaches, _)| {
        // `user.slice` is no `user@1000.service`.
        let bare = stem == *name && *name != "user";
        let rest = stem.strip_prefix(name).unwrap_or_default();
        match reaches {
            Reaches::Name => bare,
            Reaches::Instances => bare || rest.starts_with('@'),
            Reaches::Family => bare || rest.starts_with(['@', '-']),
        }
    });
    let own = || {
        let name = UnitName::parse(unit).ok()?;
        let by = configured.iter().find(|by| by.covers(&name))?;
        Some(format!("protect names {by}"))
    };
    // Of a unit that starts others nothing hangs on it but those.
    let runs = !matches!(suffix, "timer" | "path" | "target");
    match hit.filter(|_| runs) {
        Some((.., what)) => Some((*what).to_owned()),
        None => own(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_hangs_on() {
        for unit in [
            "dbus.service",
            "dbus.socket",
            "dbus-broker.service",
            "systemd-journald.service",
            "systemd-journald@web.service",
            "systemd-journald-dev-log.socket",
            "systemd-logind.service",
            "systemd-udevd.service",
            "systemd-udevd-control.socket",
            "systemd-networkd.service",
            "systemd-networkd.socket",
            "NetworkManager.service",
            "ssh.service",
            "ssh.socket",
            "ssh@1-10.0.0.1:22-10.0.0.2:4711.service",
            "sshd.service",
            "user@1000.service",
            "memctl.service",
            "memctl-watch.service",
            "memctl-alert@4711.service",
            "init.scope",
            "-.slice",
            "-.mount",
        ] {
            assert!(why(unit, &[]).is_some(), "{unit}");
        }
    }

    #[test]
    fn and_what_it_does_not_hang_on() {
        for unit in [
            "web.service",
            "dbus-org.example.Thing.service",
            "NetworkManager-dispatcher.service",
            "ssh-agent.service",
            "sshguard.service",
            "user-runtime-dir@1000.service",
            "user.service",
            "user.slice",
            "memctld.service",
            "memctl-watch.timer",
            "init-db.service",
            "systemd-resolved.service",
            "multi-user.target",
            "nonsense",
            "",
        ] {
            assert_eq!(why(unit, &[]), None, "{unit}");
        }
    }

    #[test]
    fn what_the_administrator_names() {
        let names = ["postgresql@.service", "celery-.service", "db.service"];
        let names = names.map(|name| UnitName::parse(name).expect(name));
        for (unit, by) in [
            (
                "postgresql@15-main.service",
                Some("protect names postgresql@.service"),
            ),
            ("celery-beat.service", Some("protect names celery-.service")),
            ("db.service", Some("protect names db.service")),
            ("db.socket", None),
            ("celery.service", None),
            ("postgresql.service", None),
        ] {
            assert_eq!(why(unit, &names).as_deref(), by, "{unit}");
        }
    }
}
