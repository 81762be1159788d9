//! What is run, and under which limits.

/// A program of `tests/leaks/programs`, as a service.
pub struct Program {
    /// Its name, and its fixture's.
    pub name: &'static str,
    /// What it is written in.
    pub language: Language,
    /// What it is told beside the factor.
    pub arguments: &'static str,
    /// Lines of its unit.
    pub limits: &'static str,
    /// Whether a fixture is made of it.
    pub is_kept: bool,
}

/// What a program is written in.
pub enum Language {
    /// Python, run by the guest's own.
    Python,
    /// C, built here.
    C,
}

impl Program {
    /// Its service.
    pub fn unit(&self) -> String {
        format!("{}.service", self.name)
    }

    /// Its file in the guest.
    pub fn file(&self) -> String {
        match self.language {
            Language::Python => self.source(),
            Language::C => self.name.replace('-', "_"),
        }
    }

    /// Its source.
    pub fn source(&self) -> String {
        let ending = match self.language {
            Language::Python => "py",
            Language::C => "c",
        };
        format!("{}.{ending}", self.name.replace('-', "_"))
    }
}

/// Leaks come to three quarters of this and more in a day, and to no more than it.
const MAX: &str = "MemoryMax=96M\n";

/// Five that leak, five that do not, and one that asks the server.
pub const PROGRAMS: [Program; 11] = [
    python("python-list", "", MAX),
    c("heap-ratchet"),
    c("request-leak"),
    c("thread-leak"),
    python("shmem-leak", "", MAX),
    python(
        "page-cache",
        "/srv/files",
        "MemoryHigh=64M\nMemoryMax=96M\n",
    ),
    python("cache-to-cap", "", MAX),
    python("log-growth", "/var/log/growth.log", MAX),
    python("batch-job", "", MAX),
    python("warm-up", "", MAX),
    Program {
        is_kept: false,
        ..python("client", "", "")
    },
];

const fn python(name: &'static str, arguments: &'static str, limits: &'static str) -> Program {
    Program {
        name,
        language: Language::Python,
        arguments,
        limits,
        is_kept: true,
    }
}

const fn c(name: &'static str) -> Program {
    Program {
        name,
        language: Language::C,
        arguments: "",
        limits: MAX,
        is_kept: true,
    }
}
