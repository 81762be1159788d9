//! The two service managers memctl serves, and where each keeps its things.

use std::path::PathBuf;

/// Which service manager: PID 1, or a user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// PID 1.
    System,
    /// `systemd --user` of one user.
    User(User),
}

/// Where a user's manager keeps its things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The numeric user id; the manager runs as `user@UID.service`.
    pub uid: u32,
    /// `$XDG_RUNTIME_DIR`, `/run/user/UID` if unset.
    pub runtime: PathBuf,
    /// `$XDG_CONFIG_HOME`, `$HOME/.config` if unset.
    pub config: PathBuf,
    /// `$XDG_DATA_HOME`, `$HOME/.local/share` if unset.
    pub data: PathBuf,
    /// `$XDG_STATE_HOME`, `$HOME/.local/state` if unset.
    pub state: PathBuf,
}

impl User {
    /// The calling user, by the environment.
    ///
    /// `XDG_CONFIG_HOME` is often unset for generators (FACTS 10a).
    #[must_use]
    pub fn from_env() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let var = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|p| p.is_absolute())
        };
        let home = var("HOME").unwrap_or_else(|| PathBuf::from("/nonexistent"));
        Self {
            uid,
            runtime: var("XDG_RUNTIME_DIR")
                .unwrap_or_else(|| PathBuf::from(format!("/run/user/{uid}"))),
            config: var("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
            data: var("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")),
            state: var("XDG_STATE_HOME").unwrap_or_else(|| home.join(".local/state")),
        }
    }
}

impl Scope {
    /// The folders of profiles, the one that wins first: the administrator's, the runtime's, the packages'.
    #[must_use]
    pub fn profile_dirs(&self) -> Vec<PathBuf> {
        let folders = self.settings_dirs().into_iter();
        folders.map(|dir| dir.join("profiles.d")).collect()
    }

    /// The folders of settings, the one that wins first.
    #[must_use]
    pub fn settings_dirs(&self) -> [PathBuf; 3] {
        [self.config_dir(), self.runtime_dir(), self.vendor_dir()]
    }

    /// `/etc/memctl`: what outlives a reboot.
    #[must_use]
    pub fn config_dir(&self) -> PathBuf {
        match self {
            Self::System => "/etc/memctl".into(),
            Self::User(user) => user.config.join("memctl"),
        }
    }

    /// `/run/memctl`: what a reboot forgets; the lock is here too.
    #[must_use]
    pub fn runtime_dir(&self) -> PathBuf {
        match self {
            Self::System => "/run/memctl".into(),
            Self::User(user) => user.runtime.join("memctl"),
        }
    }

    /// `/var/lib/memctl`: the history, and what the watch must not lose.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        match self {
            Self::System => "/var/lib/memctl".into(),
            Self::User(user) => user.state.join("memctl"),
        }
    }

    /// `/usr/lib/memctl`: what packages bring.
    fn vendor_dir(&self) -> PathBuf {
        match self {
            Self::System => "/usr/lib/memctl".into(),
            Self::User(_) => "/usr/lib/memctl/user".into(),
        }
    }

    /// Where systemd notes each running unit's invocation, as a link that is made anew at each start.
    #[must_use]
    pub fn unit_notes(&self) -> PathBuf {
        match self {
            Self::System => "/run/systemd/units".into(),
            Self::User(user) => user.runtime.join("systemd/units"),
        }
    }

    /// Where the generator's drop-ins go (its first argument).
    #[must_use]
    pub fn generator_dir(&self) -> PathBuf {
        match self {
            Self::System => "/run/systemd/generator".into(),
            Self::User(user) => user.runtime.join("systemd/generator"),
        }
    }

    /// The manager's unit search path, the folder that wins first (`systemd.unit(5)`, "Unit File Load Path").
    #[must_use]
    pub fn unit_dirs(&self) -> Vec<PathBuf> {
        match self {
            Self::System => [
                "/etc/systemd/system.control",
                "/run/systemd/system.control",
                "/run/systemd/transient",
                "/run/systemd/generator.early",
                "/etc/systemd/system",
                "/etc/systemd/system.attached",
                "/run/systemd/system",
                "/run/systemd/system.attached",
                "/run/systemd/generator",
                "/usr/local/lib/systemd/system",
                "/usr/lib/systemd/system",
                // Debian 12 without merged /usr.
                "/lib/systemd/system",
                "/run/systemd/generator.late",
            ]
            .into_iter()
            .map(PathBuf::from)
            .collect(),
            Self::User(user) => vec![
                user.config.join("systemd/user.control"),
                user.runtime.join("systemd/user.control"),
                user.runtime.join("systemd/transient"),
                user.runtime.join("systemd/generator.early"),
                user.config.join("systemd/user"),
                "/etc/systemd/user".into(),
                user.runtime.join("systemd/user"),
                "/run/systemd/user".into(),
                user.runtime.join("systemd/generator"),
                user.data.join("systemd/user"),
                "/usr/local/share/systemd/user".into(),
                "/usr/share/systemd/user".into(),
                "/usr/local/lib/systemd/user".into(),
                "/usr/lib/systemd/user".into(),
                user.runtime.join("systemd/generator.late"),
            ],
        }
    }

    /// The manager's own cgroup, under which its slices are.
    #[must_use]
    pub fn cgroup(&self) -> PathBuf {
        match self {
            Self::System => "/sys/fs/cgroup".into(),
            Self::User(user) => format!(
                "/sys/fs/cgroup/user.slice/user-{uid}.slice/user@{uid}.service",
                uid = user.uid
            )
            .into(),
        }
    }

    /// Whether this is a user's manager.
    #[must_use]
    pub fn is_user(&self) -> bool {
        matches!(self, Self::User(_))
    }
}
