//! What the administrator wants: files to change, and the profiles that count then.

use crate::apply::Edit;
use crate::cli::Profiles;
use crate::command::sources::Given;
use crate::command::{Context, change};
use crate::error::{Error, Kind, Result};
use crate::limits::dropin::Installed;
use crate::limits::totals::Totals;
use crate::profile::Source;
use crate::profiles::{Report, Set};

/// A wish.
#[derive(Debug)]
pub(super) struct Wish {
    /// The files to change.
    pub edits: Vec<Edit>,
    /// The profiles that count then.
    pub set: Set,
    /// The names of the profiles that it is about; `None`: all that are installed.
    pub named: Option<Vec<String>>,
    /// Something was left out, and told.
    pub incomplete: bool,
    /// What is installed, as far as it is usable, as at a boot: no budget forbids it.
    pub lenient: bool,
}

impl Wish {
    fn is_about(&self, installed: &Installed) -> bool {
        let named = self.named.as_ref();
        named.is_none_or(|names| names.contains(&installed.profile.name))
    }

    /// The profiles that it is about.
    pub fn shown(&self) -> Vec<Installed> {
        let mut all = self.set.installed();
        all.retain(|installed| self.is_about(installed));
        all
    }

    /// All profiles that count then. A budget speaks only for a profile that the wish is about: nobody else's change,
    /// and no removal, fails because of it.
    pub fn profiles(&self) -> Vec<Installed> {
        let mut all = self.set.installed();
        for installed in &mut all {
            if self.lenient || !self.is_about(installed) {
                installed.profile.budget = None;
            }
        }
        all
    }

    /// Everything is meant, and there is nothing.
    pub fn is_of_nothing(&self) -> bool {
        self.named.is_none() && self.set.sources.is_empty()
    }

    /// The budgets must hold, unless the wish is lenient: then that they do not is a warning.
    ///
    /// # Errors
    /// Every budget that does not hold.
    pub fn heed_budgets(&mut self, totals: &Totals, warnings: &mut Vec<String>) -> Result<()> {
        match totals.check_budgets() {
            Err(over) if self.lenient => {
                warnings.push(over.message().to_owned());
                self.incomplete = true;
                Ok(())
            }
            other => other,
        }
    }

    /// The exit code of a wish that came true.
    pub fn exit_code(&self) -> u8 {
        if self.incomplete {
            Kind::Usage.exit_code()
        } else {
            0
        }
    }
}

/// Reads and checks everything that would count if the `given` profiles were installed; tells every fault at once.
///
/// With `keep_going` what is faulty is told and left out: of the given files a whole one, of installed ones what
/// the generator cannot use either.
///
/// # Errors
/// A fault, or a file that cannot be read, without `keep_going`; nothing is left with it.
pub(super) fn wish(
    context: &Context,
    mut given: Given,
    options: &Profiles,
    keep_going: bool,
) -> Result<Wish> {
    let everything = options.files.is_empty();
    let keep_going = keep_going && given.misused.is_empty();
    let mut errors = given.errors();
    let mut sources = given.sources;
    if sources.is_empty() && !everything {
        return Err(nothing_left(errors, keep_going));
    }
    let present = Set::read(&context.root, &context.scope, &[])?;
    if options.runtime {
        let shadowed = |source: &Source| change::shadowed(context, &source.name, &present);
        errors.extend(sources.iter().filter_map(shadowed));
        sources.retain(|source| !keep_going || shadowed(source).is_none());
    }
    let mut incomplete = false;
    loop {
        if sources.is_empty() && !everything {
            return Err(nothing_left(errors, keep_going));
        }
        let mut edits = change::installs(context, &sources, options.runtime)?;
        if options.prune {
            edits.extend(change::prunes(context, &sources, &present));
        }
        let set = Set::read_with(&context.root, &context.scope, &edits, &sources)?;
        let report = set.report(&sources, std::mem::take(&mut errors));
        let failed = report.failed();
        if failed && keep_going && !everything {
            incomplete = true;
            let faulty = tell_faulty(&set, &sources, report.errors);
            sources.retain(|source| !faulty.contains(&source.name));
            continue;
        }
        if failed && keep_going {
            incomplete = true;
            report.tell("what is usable is applied");
        } else {
            report.refuse("nothing was changed")?;
        }
        let names = sources.into_iter().map(|source| source.name);
        return Ok(Wish {
            edits,
            set,
            named: (!everything).then(|| names.collect()),
            incomplete,
            lenient: keep_going && everything,
        });
    }
}

/// Why there is nothing to wish for.
fn nothing_left(errors: Vec<Error>, keep_going: bool) -> Error {
    let report = Report::of(errors);
    if keep_going {
        report.tell("left out");
    } else if let Err(error) = report.refuse("nothing was changed") {
        return error;
    }
    Error::usage("no profile is left to apply")
}

/// Tells why some of the given profiles are left out; answers which.
fn tell_faulty(set: &Set, given: &[Source], errors: Vec<Error>) -> Vec<String> {
    let mut report = Report::of(errors);
    let mut names = Vec::new();
    for (source, checked) in set.sources.iter().zip(&set.checked) {
        let own = given.iter().find(|g| g.name == source.name);
        if let Some(own) = own.filter(|_| checked.failed()) {
            report.add(own, checked.faults.clone());
            names.push(own.name.clone());
        }
    }
    report.tell("left out");
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Options, check};

    fn set() -> Set {
        let source = |name: &str| {
            let unit = format!("budget = \"1G\"\n[unit.\"{name}.service\"]\nMemoryMax = \"1G\"\n");
            Source::new(name, format!("/etc/{name}.toml"), unit.into_bytes())
        };
        let sources = ["a", "b"].map(source).to_vec();
        let checked = sources.iter().map(|s| check(s, &Options::default()));
        Set {
            found: Vec::new(),
            checked: checked.collect(),
            sources,
            problems: Vec::new(),
        }
    }

    #[test]
    fn a_budget_speaks_for_its_own_profile_alone() {
        let named = |names: &[&str]| Some(names.iter().map(|n| (*n).to_owned()).collect());
        for (named, speaking, shown) in [
            (None, [true, true], 2),
            (named(&["a"]), [true, false], 1),
            (named(&["b"]), [false, true], 1),
            // A removal.
            (named(&[]), [false, false], 0),
        ] {
            let wish = Wish {
                edits: Vec::new(),
                set: set(),
                named,
                incomplete: false,
                lenient: false,
            };
            let all = wish.profiles();
            let budgets: Vec<bool> = all.iter().map(|i| i.profile.budget.is_some()).collect();
            assert_eq!(budgets, speaking, "{:?}", wish.named);
            assert_eq!(wish.shown().len(), shown, "{:?}", wish.named);
            let lenient = Wish {
                lenient: true,
                ..wish
            };
            let mut all = lenient.profiles().into_iter();
            assert!(all.all(|installed| installed.profile.budget.is_none()));
        }
    }
}
