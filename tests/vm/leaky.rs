//! A web service that leaks, and who asks it all the while.

use anyhow::Result;
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::server::Server;

/// How a web service comes back from a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Web {
    /// `leaky.service` with `leaky.socket`: PID 1 keeps the socket, and who comes meanwhile waits.
    Socket,
    /// `leak.service`: it binds its port itself.
    Plain,
    /// `leakier.service`: the same, for those who reload it.
    Reloaded,
}

impl Web {
    /// The service's name.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Socket => "leaky.service",
            Self::Plain => "leak.service",
            Self::Reloaded => "leakier.service",
        }
    }

    /// Where it listens.
    pub fn port(self) -> u16 {
        match self {
            Self::Socket => 8101,
            Self::Plain => 8100,
            Self::Reloaded => 8102,
        }
    }
}

/// What became of the requests so far.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Totals {
    /// So many were made.
    pub asked: u64,
    /// So many of them failed.
    pub failed: u64,
    /// Why, and how often.
    pub why: BTreeMap<String, u64>,
    /// How long the longest took.
    pub longest_ms: u64,
}

impl Server {
    /// Starts a leaking web service under gunicorn, with one worker; `leak` is its environment: `LEAK_KIB_PER_SECOND`,
    /// `LEAK_KIB_PER_REQUEST`, `SLOW_MS`. It can be reloaded (`ExecReload=`), which replaces the worker.
    pub fn start_web(&self, web: Web, leak: &str) {
        let guest = &self.guest;
        guest.write("/srv/leak/leak.py", include_str!("guest/leak.py"));
        let (unit, port) = (web.unit(), web.port());
        let bind = match web {
            Web::Socket => String::new(),
            Web::Plain | Web::Reloaded => format!("--bind 127.0.0.1:{port} "),
        };
        guest.write(
            &format!("/etc/systemd/system/{unit}"),
            format!(
                "[Service]
Type=notify
User=admin
WorkingDirectory=/srv/leak
Environment={leak}
ExecStart=/usr/bin/gunicorn --workers 1 {bind}leak:app
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
Restart=on-failure
"
            ),
        );
        if web == Web::Socket {
            guest.write(
                "/etc/systemd/system/leaky.socket",
                format!("[Socket]\nListenStream=127.0.0.1:{port}\n"),
            );
        }
        let socket = match web {
            Web::Socket => "systemctl start leaky.socket",
            Web::Plain | Web::Reloaded => "true",
        };
        guest.ok(format!(
            "systemctl daemon-reload; {socket}; systemctl start {unit}"
        ));
    }

    /// Has somebody ask a web service every 50 ms from now on, as the unit `ask-PORT.service`; returns when the first
    /// request was answered.
    pub fn start_asking(&self, web: Web) {
        let guest = &self.guest;
        guest.write("/usr/local/bin/ask", include_str!("guest/ask.py"));
        let port = web.port();
        guest.ok(format!(
            "chmod +x /usr/local/bin/ask
             systemd-run --quiet --collect --unit=ask-{port} /usr/local/bin/ask {port} /run/ask-{port}.json
             for i in $(seq 300); do if [ -e /run/ask-{port}.json ]; then exit 0; fi; sleep 0.1; done
             exit 1"
        ));
    }

    /// What became of the requests until now.
    pub fn asked(&self, web: Web) -> Result<Totals> {
        // It tells every half a second.
        let text = self
            .guest
            .ok(format!("sleep 1.5; cat /run/ask-{}.json", web.port()));
        Ok(serde_json::from_str(&text)?)
    }
}
