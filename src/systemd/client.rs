//! The manager over D-Bus; hand-written, only the calls in use.

mod jobs;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::runtime::Runtime;
use zbus::Connection;
use zbus::fdo;
use zbus::wire::{OwnedObjectPath, OwnedVariant, Variant};

use crate::error::{Error, Kind, Result};
use crate::restart::Look;
use crate::sample::Invocation;
use crate::scope::Scope;
use crate::systemd::figures::Properties;
use crate::systemd::lasting::{Answer, Bus, Failure};
use crate::systemd::look::look;
use crate::systemd::manager::{Figures, Job, UnitInfo, UnitState};
use crate::systemd::names::{UnitName, UnitType};

const DESTINATION: &str = "org.freedesktop.systemd1";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const SERVICE: &str = "org.freedesktop.systemd1.Service";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// For calls that PID 1 answers at once; as `systemctl` (`DEFAULT_TIMEOUT_USEC`).
const CALL_TIMEOUT: Duration = Duration::from_secs(90);
/// For a reload, which runs all generators (90 s at most) and loads all units.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(180);

/// What GetUnit answers for a unit that is not loaded.
const NO_SUCH_UNIT: &str = "org.freedesktop.systemd1.NoSuchUnit";

/// For a connection: a bus that is just being started is waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(25);

/// A connection to a service manager.
#[derive(Debug)]
pub(super) struct Client {
    runtime: Runtime,
    connection: Connection,
    /// What the administrator knows the other end as.
    peer: &'static str,
    interrupted: Arc<AtomicBool>,
    /// A second time on the same connection is an error to systemd (`AlreadySubscribed`).
    subscribed: bool,
}

impl Client {
    /// Connects over the bus.
    ///
    /// PID 1's private socket is no way for zbus: systemd names itself there as the sender by its well-known
    /// name, which zbus refuses to read. [`crate::systemd::systemctl`] goes that way.
    ///
    /// # Errors
    /// No bus to be reached.
    pub(super) fn connect(scope: &Scope, interrupted: &Arc<AtomicBool>) -> Result<Self> {
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
        let built =
            runtime.block_on(async { tokio::time::timeout(CONNECT_TIMEOUT, bus.build()).await });
        let unreachable = |why: String| {
            Error::failed(format!("cannot reach {peer}: {why}"))
                .remedy("is systemd running here? For an image use --root DIR")
        };
        let connection = match built {
            Ok(connection) => connection.map_err(|e| unreachable(e.to_string())),
            Err(_) => Err(unreachable("the bus does not answer".to_owned())),
        }?;
        Ok(Self {
            runtime,
            connection,
            peer,
            interrupted: Arc::clone(interrupted),
            subscribed: false,
        })
    }

    fn call<B>(&self, method: &str, body: &B, limit: Duration) -> Answer<zbus::Message>
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
    ) -> Answer<zbus::Message>
    where
        B: serde::Serialize + zbus::wire::DynamicType,
    {
        let answer = self.send(path, interface, method, body, limit)?;
        answer.map_err(|e| self.explain(method, &e))
    }

    /// The call, with the answer's error as it came: some are answers.
    fn send<B>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
        limit: Duration,
    ) -> Answer<zbus::Result<zbus::Message>>
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
            Ok(answer) => Ok(answer),
            Err(_) => Err(Failure::Refused(
                Error::failed(format!(
                    "{}: no answer to {method} within {} s",
                    self.peer,
                    limit.as_secs()
                ))
                .remedy(
                    "`systemctl list-jobs` and `journalctl -b _PID=1` show what it is busy with",
                ),
            )),
        }
    }

    /// An error of the bus in an administrator's words.
    fn explain(&self, method: &str, error: &zbus::Error) -> Failure {
        if is_lost(error) {
            return self.lost(method, error.to_string());
        }
        let (known, text) = match error {
            zbus::Error::MethodError(_, text, _) => (None, text.clone().unwrap_or_default()),
            zbus::Error::FDO(e) => (Some(&**e), e.to_string()),
            other => (None, other.to_string()),
        };
        let told = Error::failed(format!("{} refused {method}: {text}", self.peer));
        Failure::Refused(match known {
            Some(fdo::Error::AccessDenied(_) | fdo::Error::InteractiveAuthorizationRequired(_)) => {
                let message = format!("{}: no permission for {method}", self.peer);
                Error::new(Kind::NotPermitted, message)
                    .remedy("run this as root, or with --user for your own services")
            }
            Some(fdo::Error::LimitsExceeded(_)) => {
                told.remedy("too many reloads in a short time (ReloadLimitIntervalSec= in system.conf); try again later")
            }
            _ if method == "Reload" => {
                told.remedy("is there room in /run (16 MiB)? `journalctl -b _PID=1` says more")
            }
            _ => told,
        })
    }

    fn lost(&self, method: &str, why: impl std::fmt::Display) -> Failure {
        let message = format!("lost the connection to {} in {method}: {why}", self.peer);
        Failure::Lost(Error::failed(message).remedy("is D-Bus running?"))
    }

    fn strange(&self, method: &str, why: impl std::fmt::Display) -> Failure {
        let message = format!("{}: strange answer to {method}: {why}", self.peer);
        Failure::Refused(Error::failed(message))
    }

    fn body<T>(&self, method: &str, message: &zbus::Message) -> Answer<T>
    where
        T: zbus::wire::Type + serde::de::DeserializeOwned,
    {
        let body = message.body();
        body.deserialize().map_err(|e| self.strange(method, e))
    }

    /// The object of a unit. LoadUnit, not GetUnit: one that nobody has asked for yet is inactive, not an error.
    fn object(&self, unit: &str) -> Answer<OwnedObjectPath> {
        let answer = self.call("LoadUnit", &(unit,), CALL_TIMEOUT)?;
        self.body("LoadUnit", &answer)
    }

    /// The object of a unit that is loaded. GetUnit loads none (FACTS 6).
    fn loaded(&self, unit: &str) -> Answer<Option<OwnedObjectPath>> {
        let body = (unit,);
        match self.send(MANAGER_PATH, MANAGER, "GetUnit", &body, CALL_TIMEOUT)? {
            Ok(answer) => self.body("GetUnit", &answer).map(Some),
            Err(zbus::Error::MethodError(name, ..)) if name.as_str() == NO_SUCH_UNIT => Ok(None),
            Err(e) => Err(self.explain("GetUnit", &e)),
        }
    }

    /// All properties of a loaded unit.
    fn all(&self, unit: &str) -> Answer<Option<Box<dyn Properties>>> {
        let Some(path) = self.loaded(unit)? else {
            return Ok(None);
        };
        // No interface: those of all, as `systemctl show` asks.
        let answer = self.call_at(path.as_str(), PROPERTIES, "GetAll", &("",), CALL_TIMEOUT)?;
        let all = self.body("GetAll", &answer)?;
        Ok(Some(Box::new(All(all))))
    }

    fn property(&self, path: &str, interface: &str, name: &str) -> Answer<OwnedVariant> {
        let body = (interface, name);
        let answer = self.call_at(path, PROPERTIES, "Get", &body, CALL_TIMEOUT)?;
        self.body("Get", &answer)
    }
}

/// Whether an error says that the connection is gone, or that the bus no longer knows systemd: after a restart of
/// D-Bus it takes PID 1 a moment to come back to it.
fn is_lost(error: &zbus::Error) -> bool {
    match error {
        zbus::Error::InputOutput(_) | zbus::Error::Connection(..) => true,
        zbus::Error::FDO(error) => match &**error {
            fdo::Error::ZBus(inner) => is_lost(inner),
            // These the bus itself answers when nobody of that name is there (any more).
            fdo::Error::Disconnected(_)
            | fdo::Error::NameHasNoOwner(_)
            | fdo::Error::NoReply(_)
            | fdo::Error::ServiceUnknown(_)
            | fdo::Error::SpawnChildExited(_)
            | fdo::Error::SpawnFailed(_)
            | fdo::Error::TimedOut(_) => true,
            _ => false,
        },
        _ => false,
    }
}

impl Bus for Client {
    fn version(&mut self) -> Answer<String> {
        let value = self.property(MANAGER_PATH, MANAGER, "Version")?;
        String::try_from(value).map_err(|e| self.strange("Get", e))
    }

    fn reload(&mut self) -> Answer<()> {
        self.call("Reload", &(), RELOAD_TIMEOUT).map(|_| ())
    }

    fn nudge(&mut self, unit: &UnitName) -> Answer<()> {
        let nothing: Vec<String> = Vec::new();
        let properties = vec![("Markers", Variant::from(nothing))];
        let body = (unit.as_str(), true, properties);
        self.call("SetUnitProperties", &body, CALL_TIMEOUT)
            .map(|_| ())
    }

    fn state(&mut self, unit: &UnitName) -> Answer<UnitState> {
        let path = self.object(unit.as_str())?;
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
        Ok(UnitState {
            active,
            invocation,
            job: All(all).has_job(),
        })
    }

    fn job(&mut self, job: Job, unit: &str) -> Answer<String> {
        self.make_job(job, unit)
    }

    fn look(&mut self, unit: &str) -> Answer<Look> {
        let value = self.property(MANAGER_PATH, MANAGER, "SystemState")?;
        let system = String::try_from(value).map_err(|e| self.strange("Get", e))?;
        look(unit, system, &mut |name| self.all(name))
    }

    fn units(&mut self, types: &[UnitType]) -> Answer<Vec<UnitInfo>> {
        let states: [&str; 0] = [];
        let patterns: Vec<String> = types.iter().map(|t| format!("*.{}", t.suffix())).collect();
        let body = (&states[..], patterns);
        let answer = self.call("ListUnitsByPatterns", &body, CALL_TIMEOUT)?;
        let listed: Vec<Listed> = self.body("ListUnitsByPatterns", &answer)?;
        let unit = |(name, description, load, active, sub, ..): Listed| {
            Some(UnitInfo {
                name: UnitName::parse(&name).ok()?,
                load,
                active,
                sub,
                description,
            })
        };
        Ok(listed.into_iter().filter_map(unit).collect())
    }

    fn figures(&mut self, unit: &UnitName) -> Answer<Option<Figures>> {
        let all = self.all(unit.as_str())?;
        Ok(all.and_then(|mut all| Figures::of(all.as_mut())))
    }
}

/// What ListUnitsByPatterns says of a unit: name, description, load, active and sub state, the unit it follows,
/// object, job, the job's type and object.
type Listed = (
    String,
    String,
    String,
    String,
    String,
    String,
    OwnedObjectPath,
    u32,
    String,
    OwnedObjectPath,
);

/// What GetAll answers.
struct All(HashMap<String, OwnedVariant>);

impl Properties for All {
    fn number(&mut self, name: &str) -> Option<u64> {
        let value = self.0.remove(name)?;
        // NRestarts has 32 bits.
        let short = value.try_clone().ok().and_then(|v| u32::try_from(v).ok());
        short.map(u64::from).or_else(|| u64::try_from(value).ok())
    }

    fn text(&mut self, name: &str) -> Option<String> {
        String::try_from(self.0.remove(name)?).ok()
    }

    fn list(&mut self, name: &str) -> Vec<String> {
        let value = self.0.remove(name);
        let list = value.and_then(|value| Vec::<String>::try_from(value).ok());
        list.unwrap_or_default()
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        bool::try_from(self.0.remove(name)?).ok()
    }

    fn has_job(&mut self) -> bool {
        // Number and path; 0 is none.
        let job = self.0.remove("Job");
        let job = job.and_then(|value| <(u32, OwnedObjectPath)>::try_from(value).ok());
        job.is_some_and(|(id, _)| id != 0)
    }

    fn invocation(&mut self) -> Option<Invocation> {
        let bytes = Vec::<u8>::try_from(self.0.remove("InvocationID")?).ok()?;
        let id = u128::from_be_bytes(bytes.try_into().ok()?);
        (id != 0).then_some(Invocation(id))
    }
}

#[cfg(test)]
mod tests;
