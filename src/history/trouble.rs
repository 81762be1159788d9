//! Why the database could not be written, by what is to be done about it.

use std::fmt;

use rusqlite::ffi;
use rusqlite::{Error as Sql, ErrorCode};

use super::varint::Damaged;

/// Why a tick is not in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The file is of no use: it is set aside, and a new one begun.
    Unusable(String),
    /// There is no room: it will come back.
    Full,
    /// The system does not let us.
    Refused(String),
    /// Something else that may pass by itself.
    Other(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the disk is full"),
            Self::Unusable(why) | Self::Refused(why) | Self::Other(why) => f.write_str(why),
        }
    }
}

impl From<Sql> for Trouble {
    fn from(error: Sql) -> Self {
        let told = error.to_string();
        let Some(code) = error.sqlite_error() else {
            // A value of another type than ours: these tables are not as we made them.
            return Self::Unusable(told);
        };
        match code.code {
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Unusable(told),
            // No such table, or a second row where there can be one.
            ErrorCode::Unknown | ErrorCode::ConstraintViolation => Self::Unusable(told),
            ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
                Self::Refused(told)
            }
            ErrorCode::SystemIoFailure => match code.extended_code {
                ffi::SQLITE_IOERR_READ
                | ffi::SQLITE_IOERR_SHORT_READ
                | ffi::SQLITE_IOERR_CORRUPTFS => Self::Unusable(told),
                // The index of the log is a file that has to grow, too.
                ffi::SQLITE_IOERR_SHMSIZE => Self::Full,
                _ => Self::Other(told),
            },
            _ => Self::Other(told),
        }
    }
}

impl From<Damaged> for Trouble {
    fn from(Damaged: Damaged) -> Self {
        Self::Unusable("what was recorded is damaged".to_owned())
    }
}
