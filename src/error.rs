//! What went wrong, in an administrator's words: the message carries the path, the remedy says what to do.

use std::fmt;
use std::io;
use std::path::Path;

/// What a failure means for the caller; each kind has its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It did not work; nothing changed, or what had changed was rolled back.
    Failed,
    /// The command line or a profile is wrong; nothing was touched.
    Usage,
    /// The kernel, the bus or polkit said no.
    NotPermitted,
    /// It did not work, and something could not be rolled back.
    Partial,
}

impl Kind {
    /// The exit code: 1 failed, 2 usage, 3 not permitted, 5 rolled back in part.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotPermitted => 3,
            Self::Partial => 5,
        }
    }
}

/// Exit code of `plan --check` when something would change.
pub const EXIT_CHANGES: u8 = 4;

/// A failure to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: String,
    remedy: Option<String>,
    verbatim: bool,
}

/// What most of memctl returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A failure of a kind, with its message.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            remedy: None,
            verbatim: false,
        }
    }

    /// [`Kind::Failed`].
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// [`Kind::Usage`].
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A failed system call on a path: "cannot read /etc/x: Permission denied".
    #[must_use]
    pub fn io(verb: &str, path: &Path, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => Kind::NotPermitted,
            _ => Kind::Failed,
        };
        let cause = describe_io(error);
        let made = Self::new(kind, format!("cannot {verb} {}: {cause}", path.display()));
        match kind {
            Kind::NotPermitted => made.remedy("run this as root"),
            _ if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                made.remedy("the file system is read-only; --runtime applies until the next boot")
            }
            _ if error.kind() == io::ErrorKind::StorageFull => {
                // It may happen anywhere, on the way back too: only what to do is certain.
                made.remedy("the disk is full: make room, then do it again")
            }
            _ => made,
        }
    }

    /// Faults of profiles, as [`crate::profile::diagnose`] shows them: printed as they are.
    #[must_use]
    pub fn faults(text: String) -> Self {
        Self {
            verbatim: true,
            ..Self::usage(text)
        }
    }

    /// Whether the message stands by itself, without "memctl:" in front.
    #[must_use]
    pub fn is_verbatim(&self) -> bool {
        self.verbatim
    }

    /// Adds what the administrator can do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same failure, told as one of another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Puts what was being done in front: `context: message`.
    #[must_use]
    pub fn context(mut self, context: &str) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// The kind, for the exit code.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The message without the remedy.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// The kernel's words without Rust's "(os error 13)".
#[must_use]
pub fn describe_io(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  what to do: {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_promises_nothing() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = Error::io("write", Path::new("/etc/x"), &full).to_string();
        assert!(error.contains("make room"), "{error}");
        assert!(!error.contains("nothing was changed"), "{error}");
    }
}
