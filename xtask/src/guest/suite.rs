//! The systems that memctl is made for.

use std::fmt;

use clap::ValueEnum;

/// A release of Debian, each with another age of systemd and kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// Debian 12: systemd 252, kernel 6.1.
    Bookworm,
    /// Debian 13: systemd 257, kernel 6.12.
    Trixie,
    /// Debian 14, in the making: systemd 262, kernel 7.2.
    Forky,
}

impl Suite {
    /// All of them, oldest first.
    pub const ALL: [Suite; 3] = [Suite::Bookworm, Suite::Trixie, Suite::Forky];

    /// The release's code name, as Debian's archive spells it.
    pub fn name(self) -> &'static str {
        match self {
            Suite::Bookworm => "bookworm",
            Suite::Trixie => "trixie",
            Suite::Forky => "forky",
        }
    }

    /// The major version of its systemd.
    pub fn systemd(self) -> u32 {
        match self {
            Suite::Bookworm => 252,
            Suite::Trixie => 257,
            Suite::Forky => 262,
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
