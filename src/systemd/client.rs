//! The manager over D-Bus; hand-written, only the calls in use.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::runtime::Runtime;
use zbus::message::Type;
use zbus::wire::{OwnedObjectPath, OwnedVariant, Variant};
use zbus::{Connection, MatchRule, MessageStream};

use crate::error::{Error, Kind, Result};
use crate::scope::Scope;
use crate::systemd::manager::{Manager, UnitState};
use crate::systemd::names::UnitName;

const DESTINATION: &str = "org.freedesktop.systemd1";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// For calls that PID 1 answers at once; as `systemctl` (`DEFAULT_TIMEOUT_USEC`).
const CALL_TIMEOUT: Duration = Duration::from_secs(90);
/// For a reload, which runs all generators (90 s at most) and loads all units.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(180);

/// A connection to a service manager.
#[derive(Debug)]
pub struct Client {
    runtime: Runtime,
    connection: Connection,
    /// What the administrator knows the other end as.
    peer: &'static str,
}

impl Client {
    /// Connects over the bus.
    ///
    /// PID 1's private socket is no way for zbus: systemd names itself there as the sender by its well-known
    /// name, which zbus refuses to read. [`crate::systemd::systemctl`] goes that way.
    ///
    /// # Errors
    /// No bus to be reached.
    pub fn connect(scope: &Scope) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|e| Error::failed(format!("cannot set up for D-Bus: {e}")))?;
        let (peer, bus) = if scope.is_user() {
            let bus = zbus::connection::Builder::session();
            ("your user manager (systemd --user)", bus)
        } else {
            let bus = zbus::connection::Builder::system();
            ("systemd (PID 1)", bus)
        };
        let connection = runtime.block_on(async { bus.build().await }).map_err(|e| {
            Error::failed(format!("cannot reach {peer}: {e}"))
                .remedy("is systemd running here? For an image use --root DIR")
        })?;
        Ok(Self {
            runtime,
            connection,
            peer,
        })
    }

    fn call<B>(&self, method: &str, body: &B, limit: Duration) -> Result<zbus::Message>
    where
        B: serde::Serialize + zbus::wire::DynamicType,
    {
        self.call_at(MANAGER_PATH, MANAGER, method, body, limit)
    }

    fn call_at<B>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
        limit: Duration,
    ) -> Result<zbus::Message>
    where
        B: serde::Serialize + zbus::wire::DynamicType,
    {
        let call =
            self.connection
                .call_method(Some(DESTINATION), path, Some(interface), method, body);
        let answer = self
            .runtime
            .block_on(async { tokio::time::timeout(limit, call).await });
        match answer {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(e)) => Err(self.explain(method, &e)),
            Err(_) => Err(Error::failed(format!(
                "{}: no answer to {method} within {} s",
                self.peer,
                limit.as_secs()
            ))
            .remedy("`systemctl list-jobs` and `journalctl -b _PID=1` show what it is busy with")),
        }
    }

    /// An error of the bus in an administrator's words.
    fn explain(&self, method: &str, error: &zbus::Error) -> Error {
        let (name, text) = match error {
            zbus::Error::MethodError(name, text, _) => {
                (name.to_string(), text.clone().unwrap_or_default())
            }
            zbus::Error::FDO(e) => (short_name(&format!("{e:?}")), e.to_string()),
            other => (String::new(), other.to_string()),
        };
        let told = Error::failed(format!("{} refused {method}: {text}", self.peer));
        if name.contains("AccessDenied") || name.contains("InteractiveAuthorizationRequired") {
            Error::new(
                Kind::NotPermitted,
                format!("{}: no permission for {method}", self.peer),
            )
            .remedy("run this as root, or with --user for your own services")
        } else if name.contains("LimitsExceeded") {
            told.remedy("too many reloads in a short time (ReloadLimitIntervalSec= in system.conf); try again later")
        } else if method == "Reload" {
            told.remedy("is there room in /run (16 MiB)? `journalctl -b _PID=1` says more")
        } else {
            told
        }
    }

    fn body<T>(&self, method: &str, message: &zbus::Message) -> Result<T>
    where
        T: zbus::wire::Type + serde::de::DeserializeOwned,
    {
        message
            .body()
            .deserialize()
            .map_err(|e| Error::failed(format!("{}: strange answer to {method}: {e}", self.peer)))
    }
}

/// `LimitsExceeded("…")` → `LimitsExceeded`.
fn short_name(debug: &str) -> String {
    debug.split('(').next().unwrap_or_default().to_owned()
}

impl Manager for Client {
    fn version(&mut self) -> Result<String> {
        let body = (MANAGER, "Version");
        let answer = self.call_at(MANAGER_PATH, PROPERTIES, "Get", &body, CALL_TIMEOUT)?;
        let value: OwnedVariant = self.body("Get", &answer)?;
        String::try_from(value)
            .map_err(|e| Error::failed(format!("{}: strange version: {e}", self.peer)))
    }

    fn reload(&mut self) -> Result<()> {
        self.call("Reload", &(), RELOAD_TIMEOUT).map(|_| ())
    }

    fn nudge(&mut self, unit: &UnitName) -> Result<()> {
        let nothing: Vec<String> = Vec::new();
        let properties = vec![("Markers", Variant::from(nothing))];
        let body = (unit.as_str(), true, properties);
        self.call("SetUnitProperties", &body, CALL_TIMEOUT)
            .map(|_| ())
    }

    fn state(&mut self, unit: &UnitName) -> Result<UnitState> {
        // LoadUnit, not GetUnit: one that nobody has asked for yet is inactive, not an error.
        let answer = self.call("LoadUnit", &(unit.as_str(),), CALL_TIMEOUT)?;
        let path: OwnedObjectPath = self.body("LoadUnit", &answer)?;
        let answer = self.call_at(path.as_str(), PROPERTIES, "GetAll", &(UNIT,), CALL_TIMEOUT)?;
        let mut all: HashMap<String, OwnedVariant> = self.body("GetAll", &answer)?;
        let active = all
            .remove("ActiveState")
            .and_then(|v| String::try_from(v).ok())
            .unwrap_or_default();
        let invocation = all
            .remove("InvocationID")
            .and_then(|v| Vec::<u8>::try_from(v).ok())
            .unwrap_or_default();
        Ok(UnitState { active, invocation })
    }

    fn try_restart(&mut self, unit: &UnitName) -> Result<()> {
        // On the bus signals come to subscribers alone; on the private socket to everybody.
        self.call("Subscribe", &(), CALL_TIMEOUT)?;
        let strange = |e: zbus::Error| Error::failed(format!("cannot watch for the job: {e}"));
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .interface(MANAGER)
            .member("JobRemoved")
            .build()
            .map_err(strange)?;
        // Subscribed before the call, or a quick job would be missed (FACTS 19).
        let mut signals = self
            .runtime
            .block_on(MessageStream::for_match_rule(rule, &self.connection, None))
            .map_err(strange)?;
        let answer = self.call("TryRestartUnit", &(unit.as_str(), "fail"), CALL_TIMEOUT)?;
        let job: OwnedObjectPath = self.body("TryRestartUnit", &answer)?;
        let result = self.runtime.block_on(async {
            while let Some(message) = signals.next().await {
                let removed: Option<(u32, OwnedObjectPath, String, String)> =
                    message.ok().and_then(|m| m.body().deserialize().ok());
                if let Some((_, path, _, result)) = removed
                    && path == job
                {
                    return Some(result);
                }
            }
            None
        });
        match result.as_deref() {
            Some("done") => Ok(()),
            Some(other) => Err(Error::failed(format!("restarting {unit}: job {other}"))
                .remedy(format!("`systemctl status {unit}` and its journal say why"))),
            None => Err(Error::failed(format!(
                "restarting {unit}: lost {} before the job ended",
                self.peer
            ))),
        }
    }
}
