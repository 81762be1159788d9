//! What is wrong with profiles, told in one go: faults with their places, files that cannot be read, warnings.

use crate::error::{Error, Kind, Result};
use crate::profile::{Checked, Fault, Severity, Source, diagnose};
use crate::view::out;

/// Everything that is to be told before anything is done.
#[derive(Debug, Default)]
pub struct Report<'a> {
    /// What forbids to go on, beside faults.
    pub errors: Vec<Error>,
    /// What does not.
    pub warnings: Vec<String>,
    faults: Vec<(&'a Source, Vec<Fault>)>,
}

impl<'a> Report<'a> {
    /// A report of what forbids to go on.
    #[must_use]
    pub fn of(errors: Vec<Error>) -> Self {
        Self {
            errors,
            ..Self::default()
        }
    }

    /// Adds the faults of a file.
    pub fn add(&mut self, source: &'a Source, faults: Vec<Fault>) {
        self.faults.push((source, faults));
    }

    /// Adds the faults of several files.
    #[must_use]
    pub fn with(mut self, sources: &'a [Source], checked: &[Checked]) -> Self {
        for (source, checked) in sources.iter().zip(checked) {
            self.add(source, checked.faults.clone());
        }
        self
    }

    /// What kind of failure all of it is together, if anything forbids to go on.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        let mut faults = self.faults.iter().flat_map(|(_, faults)| faults);
        if faults.any(|fault| fault.severity == Severity::Error) {
            return Some(Kind::Usage);
        }
        let denied = self.errors.iter().all(|e| e.kind() == Kind::NotPermitted);
        match (self.errors.is_empty(), denied) {
            (true, _) => None,
            (false, true) => Some(Kind::NotPermitted),
            (false, false) => Some(Kind::Usage),
        }
    }

    /// Whether anything forbids to go on.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.kind().is_some()
    }

    /// Warnings alone are told and it goes on; with an error all of it is the error, and `outcome` is what came of
    /// it: "nothing was changed".
    ///
    /// # Errors
    /// Exit code 2, or 3 if all that is missing is permission.
    pub fn refuse(self, outcome: &str) -> Result<()> {
        let Some(kind) = self.kind() else {
            self.tell("going on");
            return Ok(());
        };
        let text = self.text(outcome, out::colour_on_stderr());
        Err(Error::faults(text).with_kind(kind))
    }

    /// Tells all of it, and that it goes on all the same.
    pub fn tell(&self, outcome: &str) {
        let text = self.text(outcome, out::colour_on_stderr());
        if !text.is_empty() {
            out::tell(text.trim_end());
        }
    }

    /// What the administrator must not miss comes last: faults can be long.
    fn text(&self, outcome: &str, styled: bool) -> String {
        let warnings = self.warnings.iter().map(|w| format!("warning: {w}\n"));
        let faults = self.faults.iter();
        let pairs: Vec<(&Source, &[Fault])> = faults.map(|(s, f)| (*s, f.as_slice())).collect();
        let mut text: String = warnings.collect();
        text += &diagnose::render(&pairs, outcome, styled);
        text.extend(self.errors.iter().map(|e| format!("memctl: {e}\n")));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Options, check};

    fn denied() -> Error {
        Error::new(Kind::NotPermitted, "cannot read b.toml: Permission denied")
    }

    #[test]
    fn a_file_that_cannot_be_read_hides_no_fault_of_another() {
        let source = Source::new("a", "a.toml", b"x = 1\n".to_vec());
        let checked = [check(&source, &Options::default())];
        let sources = [source];
        let missing = Error::usage("cannot read c.toml: No such file or directory");
        let report = Report::of(vec![denied(), missing]).with(&sources, &checked);
        let error = report.refuse("nothing was changed").expect_err("refused");
        assert_eq!(error.kind(), Kind::Usage);
        for part in [
            "memctl: cannot read b.toml",
            "c.toml",
            "a.toml:1:1",
            "1 fault in 1 file",
        ] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn permission_alone_has_its_own_exit_code() {
        let kind = |report: Report<'_>| report.refuse("").expect_err("refused").kind();
        assert_eq!(kind(Report::of(vec![denied()])), Kind::NotPermitted);
        let other = Error::usage("x");
        assert_eq!(kind(Report::of(vec![denied(), other])), Kind::Usage);
    }

    #[test]
    fn warnings_alone_forbid_nothing() {
        let source = [Source::new("a", "a.toml", Vec::new())];
        let checked = [check(&source[0], &Options::default())];
        let report = Report::default().with(&source, &checked);
        assert!(!report.failed());
        report.refuse("nothing was changed").expect("it goes on");
    }
}
