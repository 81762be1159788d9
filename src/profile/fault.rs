//! What is wrong with a profile: where, why, and what to write instead.

use std::ops::Range;

use crate::limits::key::Key;

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is applied while it stands.
    Error,
    /// Told, and then it goes on.
    Warning,
}

/// What of the profile a fault is about: at boot only what may cost a limit is worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concerns {
    /// The file as a whole, or lines of it that could not be read.
    File,
    /// A unit: its name, or a key of it that is none.
    Unit(String),
    /// A limit; without a unit it is one of `[defaults]`.
    Limit {
        /// The unit's name.
        unit: Option<String>,
        /// The directive.
        key: Key,
    },
    /// The budget.
    Budget,
    /// A rule of a unit, or of `[defaults]`.
    Rule(Option<String>),
    /// The restart settings of a unit, or of `[defaults]`.
    Restart(Option<String>),
    /// Anything else that limits do not depend on (`description`).
    Other,
}

impl Concerns {
    /// Whether a limit may be missing because of it.
    #[must_use]
    pub fn limits(&self) -> bool {
        matches!(self, Self::File | Self::Unit(_) | Self::Limit { .. })
    }
}

/// One line below a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// What to do.
    Help(String),
    /// What to know.
    Note(String),
}

/// One fault of one profile. Its texts hold no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// How bad.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where, in bytes of [`super::Source::text`].
    pub at: Range<usize>,
    /// What stands beside the mark; may be empty.
    pub label: String,
    /// A second place that belongs to it.
    pub related: Option<(Range<usize>, String)>,
    /// What is allowed, and what was perhaps meant.
    pub notes: Vec<Note>,
    /// What it is about.
    pub concerns: Concerns,
}

impl Fault {
    pub(super) fn error(at: Range<usize>, concerns: Concerns, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            at,
            label: String::new(),
            related: None,
            notes: Vec::new(),
            concerns,
        }
    }

    pub(super) fn warning(
        at: Range<usize>,
        concerns: Concerns,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(at, concerns, message)
        }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(super) fn related(mut self, at: Range<usize>, label: impl Into<String>) -> Self {
        self.related = Some((at, label.into()));
        self
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.notes.push(Note::Help(text.into()));
        self
    }

    pub(super) fn maybe_help(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }

    pub(super) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(Note::Note(text.into()));
        self
    }
}
