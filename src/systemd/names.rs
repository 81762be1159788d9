//! Unit names: types, templates, instances, drop-in prefixes and escaping, as `systemd.unit(5)` has them.

use std::fmt;

/// The longest unit name systemd takes, in bytes (`UNIT_NAME_MAX`).
pub const UNIT_NAME_MAX: usize = 255;

/// The unit types that have a cgroup and so can carry limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitType {
    /// `.service`
    Service,
    /// `.slice`
    Slice,
    /// `.scope`
    Scope,
    /// `.socket`
    Socket,
    /// `.mount`
    Mount,
    /// `.swap`
    Swap,
}

impl UnitType {
    /// Every type that has a cgroup.
    pub const ALL: [Self; 6] = [
        Self::Service,
        Self::Slice,
        Self::Scope,
        Self::Socket,
        Self::Mount,
        Self::Swap,
    ];

    /// The suffix without its dot: `service`.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Slice => "slice",
            Self::Scope => "scope",
            Self::Socket => "socket",
            Self::Mount => "mount",
            Self::Swap => "swap",
        }
    }

    /// The section of a unit file that holds the resource-control directives: `Service`.
    #[must_use]
    pub fn section(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::Slice => "Slice",
            Self::Scope => "Scope",
            Self::Socket => "Socket",
            Self::Mount => "Mount",
            Self::Swap => "Swap",
        }
    }
}

/// What a unit name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// One unit: `nginx.service`.
    Plain,
    /// `worker@.service`: every instance, present and future.
    Template,
    /// `worker@1.service`.
    Instance,
    /// `celery-.service`: every unit whose name begins so, as systemd writes its drop-in folders.
    Prefix,
}

/// A valid name of a unit that can carry limits.
///
/// Ordered and compared as its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitName {
    text: String,
    unit_type: UnitType,
    kind: NameKind,
}

/// Why a text is no unit name that can carry limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameError {
    /// Nothing at all, or nothing before the suffix.
    Empty,
    /// Longer than [`UNIT_NAME_MAX`] bytes; holds the length.
    TooLong(usize),
    /// No `.service`, `.slice` or `.scope` at its end.
    NoType,
    /// A type that exists but carries no memory limits of its own (`timer`, `target`…).
    OtherType(String),
    /// A character outside of systemd's set; holds it.
    Character(char),
    /// `*`, `?` or `[`: systemd has prefixes and templates instead.
    Glob,
    /// Slice names spell their parents (`a-b.slice`): no leading, trailing or double dash, no `@`.
    Slice,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the unit name is empty"),
            Self::TooLong(n) => write!(
                f,
                "the unit name has {n} bytes; systemd allows {UNIT_NAME_MAX}"
            ),
            Self::NoType => write!(f, "a unit name ends in .service, .slice or .scope"),
            Self::OtherType(t) => write!(f, "a .{t} unit runs nothing that could be limited"),
            Self::Character(c) => write!(
                f,
                "{c:?} cannot stand in a unit name (allowed: letters, digits and :-_.\\@)"
            ),
            Self::Glob => write!(f, "unit names take no patterns"),
            Self::Slice => write!(
                f,
                "a slice name spells its parents with single dashes (`a-b.slice` lies in `a.slice`)"
            ),
        }
    }
}

impl std::error::Error for NameError {}

/// Types systemd knows that have no cgroup of their own.
const OTHER_TYPES: [&str; 5] = ["target", "device", "automount", "timer", "path"];

impl UnitName {
    /// Reads a unit name by systemd's rules (`unit_name_is_valid`).
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > UNIT_NAME_MAX {
            return Err(NameError::TooLong(text.len()));
        }
        if text.contains(['*', '?', '[']) {
            return Err(NameError::Glob);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        if let Some(c) = text.chars().find(|c| !allowed(*c)) {
            return Err(NameError::Character(c));
        }
        let (stem, suffix) = text.rsplit_once('.').ok_or(NameError::NoType)?;
        let unit_type = match UnitType::ALL.into_iter().find(|t| t.suffix() == suffix) {
            Some(t) => t,
            None if OTHER_TYPES.contains(&suffix) => {
                return Err(NameError::OtherType(suffix.to_owned()));
            }
            None => return Err(NameError::NoType),
        };
        if stem.is_empty() || stem.starts_with('@') {
            return Err(NameError::Empty);
        }
        let kind = match stem.split_once('@') {
            Some((_, "")) => NameKind::Template,
            Some(_) => NameKind::Instance,
            // "-.service" would be the prefix of nothing; "-.slice" is the root slice.
            None if stem.ends_with('-') && stem != "-" => NameKind::Prefix,
            None => NameKind::Plain,
        };
        if unit_type == UnitType::Slice && stem != "-" {
            let path = stem.strip_suffix('-').unwrap_or(stem);
            let broken = path.is_empty() || path.starts_with('-') || path.ends_with('-');
            if broken || path.contains("--") || stem.contains('@') {
                return Err(NameError::Slice);
            }
        }
        Ok(Self {
            text: text.to_owned(),
            unit_type,
            kind,
        })
    }

    /// The whole name: `worker@1.service`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The type by the suffix.
    #[must_use]
    pub fn unit_type(&self) -> UnitType {
        self.unit_type
    }

    /// Whether it names one unit, a template, an instance or a prefix.
    #[must_use]
    pub fn kind(&self) -> NameKind {
        self.kind
    }

    /// The name without `.service`.
    #[must_use]
    pub fn stem(&self) -> &str {
        // The suffix was checked in `parse`.
        &self.text[..self.text.len() - self.unit_type.suffix().len() - 1]
    }

    /// `worker@.service` of `worker@1.service`.
    #[must_use]
    pub fn template(&self) -> Option<Self> {
        let (prefix, _) = self.stem().split_once('@')?;
        (self.kind == NameKind::Instance).then(|| Self {
            text: format!("{prefix}@.{}", self.unit_type.suffix()),
            unit_type: self.unit_type,
            kind: NameKind::Template,
        })
    }

    /// `worker@1.service` of `worker@.service`, with the text escaped; `None` of what is no template, of nothing, and
    /// where the name would be too long.
    #[must_use]
    pub fn instance(&self, text: &str) -> Option<Self> {
        if self.kind != NameKind::Template || text.is_empty() {
            return None;
        }
        let suffix = self.unit_type.suffix();
        Self::parse(&format!("{}{}.{suffix}", self.stem(), escape(text))).ok()
    }

    /// How many dashes deep a prefix is: `celery-.service` 1, `celery-beat-.service` 2; 0 for others.
    #[must_use]
    pub fn prefix_depth(&self) -> usize {
        match self.kind {
            NameKind::Prefix => self.stem().matches('-').count(),
            _ => 0,
        }
    }

    /// Whether drop-ins written under this name reach `unit`: the unit itself, its instances, its prefix's units.
    #[must_use]
    pub fn covers(&self, unit: &Self) -> bool {
        self.unit_type == unit.unit_type
            && match self.kind {
                NameKind::Plain | NameKind::Instance => self == unit,
                NameKind::Template => self == unit || unit.template().as_ref() == Some(self),
                NameKind::Prefix => {
                    unit.kind != NameKind::Prefix && dropin_names(unit).contains(&self.text)
                }
            }
    }

    /// The slice that a slice lies in: `a.slice` of `a-b.slice`, `-.slice` of `a.slice`; none for others.
    #[must_use]
    pub fn parent_slice(&self) -> Option<Self> {
        if self.unit_type != UnitType::Slice || self.stem() == "-" {
            return None;
        }
        let text = match self.stem().rsplit_once('-') {
            Some((parent, _)) => format!("{parent}.slice"),
            None => "-.slice".to_owned(),
        };
        Some(Self {
            text,
            unit_type: UnitType::Slice,
            kind: NameKind::Plain,
        })
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The names under which systemd looks for drop-ins of `unit`, the most specific first:
/// `a-b@1.service`, `a-b@.service`, `a-.service`, `a-@1.service`, `a-@.service`, and last `service`,
/// the folder for the whole type.
#[must_use]
pub fn dropin_names(unit: &UnitName) -> Vec<String> {
    let suffix = unit.unit_type.suffix();
    let mut names = Vec::new();
    collect_dropin_names(unit.stem(), suffix, &mut names);
    names.push(suffix.to_owned());
    names
}

/// systemd asks for the name, for its template, then the same again with the last dash-separated word cut off.
fn collect_dropin_names(stem: &str, suffix: &str, names: &mut Vec<String>) {
    names.push(format!("{stem}.{suffix}"));
    let (prefix, instance) = match stem.split_once('@') {
        Some((prefix, instance)) => (prefix, Some(instance)),
        None => (stem, None),
    };
    let is_instance = instance.is_some_and(|i| !i.is_empty());
    if is_instance {
        collect_dropin_names(&format!("{prefix}@"), suffix, names);
    }
    // A trailing dash is the mark of a prefix, not a word: step over it, once.
    let words = prefix.strip_suffix('-').unwrap_or(prefix);
    let Some(dash) = words.rfind('-').filter(|at| *at > 0) else {
        return;
    };
    let shorter = &words[..=dash];
    // The prefix of a template is a plain name: only an instance keeps its `@`.
    match instance.filter(|_| is_instance) {
        Some(instance) => collect_dropin_names(&format!("{shorter}@{instance}"), suffix, names),
        None => collect_dropin_names(shorter, suffix, names),
    }
}

/// Escapes a text for use in a unit name, as `systemd-escape` does: `/` becomes `-`, what is not
/// a letter, a digit or one of `:_.` becomes `\xNN`.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'/' => out.push('-'),
            b'.' if at == 0 => out.push_str("\\x2e"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'_' | b'.' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out
}

#[cfg(test)]
mod tests;
