//! The files of what must not be lost.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::apply::lock::Lock;
use crate::error::{Error, Result};
use crate::kernel::root::{Root, is_absent};
use crate::scope::Scope;
use crate::state::{HostState, UnitState};
use crate::systemd::names::UnitName;

/// The form of the files.
const FORMAT: u32 = 1;
/// No state of a unit comes near this.
const MOST: u64 = 1 << 20;
/// How long another memctl may hold the lock: it writes one small file.
const PATIENCE: Duration = Duration::from_secs(5);
/// The file of what concerns the whole host; no unit is called so.
const HOST: &str = "host.json";

/// The folder of states.
#[derive(Debug)]
pub struct Store<'a> {
    root: &'a Root,
    folder: PathBuf,
    switch: PathBuf,
}

/// A file: its form, and what it holds.
#[derive(Serialize, Deserialize)]
struct File<T> {
    v: u32,
    #[serde(flatten)]
    state: T,
}

impl<'a> Store<'a> {
    /// The states of a manager's units; nothing is opened or made yet.
    #[must_use]
    pub fn new(root: &'a Root, scope: &Scope) -> Self {
        Self {
            root,
            folder: scope.state_dir().join("state"),
            switch: scope.config_dir().join("hold"),
        }
    }

    /// `/etc/memctl/hold`, if it is there: while it is, nothing is done on this host.
    #[must_use]
    pub fn switch(&self) -> Option<PathBuf> {
        self.root.inode(&self.switch)?;
        Some(self.root.shown(&self.switch))
    }

    /// What is remembered of a unit; nothing, where there is no file.
    ///
    /// # Errors
    /// The file cannot be read, or is none of memctl's, or of a newer memctl.
    pub fn unit(&self, unit: &UnitName) -> Result<UnitState> {
        self.read(&file_name(unit))
    }

    /// When what is remembered of a unit was written last; `None` where nothing is.
    #[must_use]
    pub fn touched(&self, unit: &UnitName) -> Option<Timestamp> {
        self.root.modified(&self.folder.join(file_name(unit)))
    }

    /// What is remembered of the host.
    ///
    /// # Errors
    /// As [`Store::unit`].
    pub fn host(&self) -> Result<HostState> {
        self.read(HOST)
    }

    /// The units of which anything is remembered, sorted.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub fn units(&self) -> Result<Vec<UnitName>> {
        let names = self.root.list(&self.folder)?;
        let stems = names.iter().filter_map(|name| name.strip_suffix(".json"));
        let mut units: Vec<UnitName> = stems.filter_map(|s| UnitName::parse(s).ok()).collect();
        units.sort();
        Ok(units)
    }

    /// Changes what is remembered of a unit; answers what the change answers. A file is written only where something
    /// differs, and is gone where nothing is left to remember.
    ///
    /// # Errors
    /// The file cannot be read or written; then nothing was changed.
    pub fn change<T>(
        &self,
        unit: &UnitName,
        change: impl FnOnce(&mut UnitState) -> T,
    ) -> Result<T> {
        self.rewrite(&file_name(unit), UnitState::is_blank, change)
    }

    /// Changes what is remembered of the host.
    ///
    /// # Errors
    /// As [`Store::change`].
    pub fn change_host<T>(&self, change: impl FnOnce(&mut HostState) -> T) -> Result<T> {
        self.rewrite(HOST, |state| *state == HostState::default(), change)
    }

    fn read<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T> {
        let path = self.folder.join(name);
        let shown = self.root.shown(&path);
        let bytes = match self.root.read_bytes(&path, MOST) {
            Ok(bytes) => bytes,
            Err(e) if is_absent(&e) => return Ok(T::default()),
            Err(e) => return Err(Error::io("read", &shown, &e)),
        };
        let wrong = |why: String| {
            let shown = shown.display();
            Error::failed(format!("{shown}: {why}")).remedy(format!(
                "memctl leaves the unit alone until it is mended; `rm {shown}` forgets holds and counts"
            ))
        };
        let file: File<serde_json::Value> =
            serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        if file.v > FORMAT {
            return Err(wrong(format!("written by a newer memctl (v {})", file.v)));
        }
        serde_json::from_value(file.state).map_err(|e| wrong(e.to_string()))
    }

    fn rewrite<S, T>(
        &self,
        name: &str,
        is_blank: impl FnOnce(&S) -> bool,
        change: impl FnOnce(&mut S) -> T,
    ) -> Result<T>
    where
        S: DeserializeOwned + Serialize + Default + Clone + PartialEq,
    {
        let Some(_lock) = Lock::of_folder(self.root, &self.folder, PATIENCE)? else {
            let lock = self.root.shown(&self.folder.join("lock"));
            return Err(Error::failed(format!(
                "another memctl has held {} for {} s",
                lock.display(),
                PATIENCE.as_secs()
            )));
        };
        let before: S = self.read(name)?;
        let mut state = before.clone();
        let answer = change(&mut state);
        if state == before {
            return Ok(answer);
        }
        let folder = self.root.make_dir(&self.folder)?;
        if is_blank(&state) {
            folder.remove(name)?;
            return Ok(answer);
        }
        let file = File { v: FORMAT, state };
        let text =
            serde_json::to_vec_pretty(&file).map_err(|e| Error::failed(format!("{name}: {e}")))?;
        folder.replace(name, &text)?;
        Ok(answer)
    }
}

/// `web.service.json`.
fn file_name(unit: &UnitName) -> String {
    format!("{unit}.json")
}
