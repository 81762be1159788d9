//! The unit search path: which file stands behind a name, and which names are others of the same unit.
//!
//! As systemd does it (`unit_file_build_name_map`, the same in 252 to 257): a link whose target is inside the search
//! path is another *name*, and it is the name that is followed, so that a better folder's file of that name counts;
//! a link that leads out of the search path is a unit file of the link's own name (`systemctl link`).

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::error::Result;
use crate::scope::Scope;
use crate::systemd::names::{NameKind, UnitName, UnitType};
use crate::systemd::reader::Reader;

/// How many names systemd follows (`FOLLOW_MAX`).
const NAMES_MOST: usize = 8;
/// How many links a path may lead over, as for the kernel.
const LINKS_MOST: usize = 40;

/// What stands behind a unit's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fragment {
    /// Its unit file.
    File(PathBuf),
    /// A link to `/dev/null`, or an empty file.
    Masked(PathBuf),
    /// Another name of this unit.
    Alias(UnitName),
    /// No file: not installed, or a slice that needs none.
    Missing,
}

/// A folder of the search path.
#[derive(Debug)]
pub(super) struct SearchDir {
    pub(super) path: PathBuf,
    /// Of files, folders and links, except the links that systemd ignores.
    pub(super) names: HashSet<String>,
    /// The links to other names.
    aliases: HashMap<String, String>,
}

/// The folders, the one that wins first, listed once.
#[derive(Debug)]
pub(super) struct SearchPath<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) dirs: Vec<SearchDir>,
    /// Real name → its other names.
    aliases: HashMap<String, Vec<UnitName>>,
}

/// What a symbolic link is to systemd.
enum Link {
    /// A unit file of its own name.
    File,
    /// Another name for this one.
    Alias(UnitName),
    /// Nothing: it points to its own name, or to one that it cannot stand for.
    Ignored,
}

impl<'a> SearchPath<'a> {
    pub(super) fn scan(reader: Reader<'a>, scope: &Scope) -> Result<Self> {
        // Both spellings of each folder: a dangling link can name the one that is a link itself.
        let mut inside: Vec<PathBuf> = Vec::new();
        let mut dirs = Vec::new();
        for path in scope.unit_dirs() {
            let names: HashSet<String> = reader.list(&path)?.into_iter().collect();
            let real = without_links(&reader, &path)?;
            let again = inside.contains(&real);
            inside.extend([real, path.clone()]);
            // /lib/systemd/system on merged /usr.
            if !again {
                let aliases = HashMap::new();
                dirs.push(SearchDir {
                    path,
                    names,
                    aliases,
                });
            }
        }
        for dir in &mut dirs {
            for link in reader.links(&dir.path)? {
                let Ok(name) = UnitName::parse(&link) else {
                    continue;
                };
                match classify(&reader, &inside, &dir.path, &name)? {
                    Link::File => {}
                    Link::Alias(other) => {
                        dir.aliases.insert(link, other.to_string());
                    }
                    Link::Ignored => {
                        dir.names.remove(&link);
                    }
                }
            }
        }
        let mut found = Self {
            reader,
            dirs,
            aliases: HashMap::new(),
        };
        found.aliases = found.find_aliases()?;
        Ok(found)
    }

    fn find_aliases(&self) -> Result<HashMap<String, Vec<UnitName>>> {
        let mut found: HashMap<String, Vec<UnitName>> = HashMap::new();
        for link in self.dirs.iter().flat_map(|dir| dir.aliases.keys()) {
            let Ok(alias) = UnitName::parse(link) else {
                continue;
            };
            if let Fragment::Alias(real) = self.fragment(&alias)? {
                let others = found.entry(real.to_string()).or_default();
                if !others.contains(&alias) {
                    others.push(alias);
                }
            }
        }
        // In an order that does not change from run to run.
        found.values_mut().for_each(|others| others.sort());
        Ok(found)
    }

    /// The unit file behind a name.
    pub(super) fn fragment(&self, unit: &UnitName) -> Result<Fragment> {
        let Some(path) = self.file_for(unit) else {
            return Ok(Fragment::Missing);
        };
        if self.reader.is_mask(&path)? {
            return Ok(Fragment::Masked(path));
        }
        Ok(match real_name(unit, &path) {
            Some(real) if real != *unit => Fragment::Alias(real),
            _ => Fragment::File(path),
        })
    }

    /// The other names of a unit; drop-ins under those count too (FACTS 6).
    pub(super) fn other_names(&self, unit: &UnitName) -> Vec<UnitName> {
        let known = |name: &str| self.aliases.get(name).into_iter().flatten();
        let mut names: Vec<UnitName> = known(unit.as_str()).cloned().collect();
        let Some(instance) = instance(unit) else {
            return names;
        };
        // Another name of the template that an instance is made from is one of the instance, too, unless there is
        // a file of that name.
        let template = self.file_for(unit).as_deref().and_then(name_of);
        if let Some(template) = template.filter(|name| name.kind() == NameKind::Template) {
            let others = known(template.as_str()).filter_map(|name| with_instance(name, instance));
            names.extend(others.filter(|other| {
                let own = self.follow(other.as_str());
                own.is_none_or(|own| name_of(&own).as_ref() == Some(&template))
            }));
            names.dedup();
        }
        names
    }

    fn file_for(&self, unit: &UnitName) -> Option<PathBuf> {
        self.follow(unit.as_str())
            .or_else(|| self.follow(unit.template()?.as_str()))
    }

    /// The file that a name and the names it stands for end at (`unit_ids_map_get`).
    fn follow(&self, name: &str) -> Option<PathBuf> {
        let mut at = name.to_owned();
        for hop in 0..NAMES_MOST {
            let dir = match self.holding(&at) {
                Some(dir) => dir,
                // A link may name an instance of which there is the template alone.
                None if hop > 0 => {
                    at = UnitName::parse(&at).ok()?.template()?.to_string();
                    self.holding(&at)?
                }
                None => return None,
            };
            match dir.aliases.get(&at) {
                Some(other) => at.clone_from(other),
                None => return Some(dir.path.join(&at)),
            }
        }
        None
    }

    fn holding(&self, name: &str) -> Option<&SearchDir> {
        self.dirs.iter().find(|dir| dir.names.contains(name))
    }
}

/// What a link in a folder of the search path is (`unit_file_resolve_symlink`).
fn classify(
    reader: &Reader<'_>,
    inside: &[PathBuf],
    folder: &Path,
    name: &UnitName,
) -> Result<Link> {
    let Some(target) = reader.link(&folder.join(name.as_str()))? else {
        return Ok(Link::File);
    };
    // What is relative is so to the link's folder.
    let target = folder.join(target);
    let (Some(parent), Some(file)) = (target.parent(), target.file_name()) else {
        return Ok(Link::File);
    };
    let parent = without_links(reader, parent)?;
    if !inside.iter().any(|dir| parent.starts_with(dir)) {
        return Ok(Link::File);
    }
    let other = file.to_str().and_then(|file| UnitName::parse(file).ok());
    Ok(match other.filter(|other| can_stand_for(name, other)) {
        Some(other) => Link::Alias(other),
        None => Link::Ignored,
    })
}

/// Whether one name may be another for a unit (`unit_validate_alias_symlink_or_warn`).
fn can_stand_for(name: &UnitName, other: &UnitName) -> bool {
    // Of the types that have a cgroup.
    let may_alias = matches!(name.unit_type(), UnitType::Service | UnitType::Socket);
    let of_a_kind = match (name.kind(), other.kind()) {
        (NameKind::Instance, NameKind::Instance) => instance(name) == instance(other),
        (NameKind::Instance | NameKind::Template, NameKind::Template) => true,
        // To systemd a prefix is a name like others.
        (NameKind::Plain | NameKind::Prefix, NameKind::Plain | NameKind::Prefix) => true,
        _ => false,
    };
    name != other && may_alias && of_a_kind && name.unit_type() == other.unit_type()
}

/// The path of a folder without links and `..`, as far as it exists; the last part is followed, too.
fn without_links(reader: &Reader<'_>, path: &Path) -> Result<PathBuf> {
    let parts = |path: &Path| -> Vec<OsString> {
        let named = path.components().rev().filter_map(|part| match part {
            Component::Normal(_) | Component::ParentDir => Some(part.as_os_str().to_owned()),
            _ => None,
        });
        named.collect()
    };
    let mut done = PathBuf::from("/");
    let mut ahead = parts(path);
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        if part == ".." {
            done.pop();
            continue;
        }
        let next = done.join(part);
        match reader.link(&next)? {
            Some(target) if links < LINKS_MOST => {
                links += 1;
                if target.is_absolute() {
                    done = PathBuf::from("/");
                }
                ahead.extend(parts(&target));
            }
            _ => done = next,
        }
    }
    Ok(done)
}

/// The name that a unit has by its file's: an instance made from a template keeps its instance.
fn real_name(unit: &UnitName, path: &Path) -> Option<UnitName> {
    let name = name_of(path)?;
    match instance(unit) {
        Some(instance) if name.kind() == NameKind::Template => with_instance(&name, instance),
        _ => Some(name),
    }
}

fn name_of(path: &Path) -> Option<UnitName> {
    UnitName::parse(path.file_name()?.to_str()?).ok()
}

/// `1` of `worker@1.service`.
fn instance(unit: &UnitName) -> Option<&str> {
    let (_, instance) = unit.stem().split_once('@')?;
    (unit.kind() == NameKind::Instance).then_some(instance)
}

/// `worker@1.service` of `worker@.service` and `1`; none where that is too long.
fn with_instance(template: &UnitName, instance: &str) -> Option<UnitName> {
    let text = template.as_str().replacen('@', &format!("@{instance}"), 1);
    UnitName::parse(&text).ok()
}
