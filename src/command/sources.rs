//! The profiles that were named on the command line.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::profile::source::{MAX_BYTES, Source, is_name};

/// The named profiles, and why there are no more of them.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// What could be read.
    pub sources: Vec<Source>,
    /// Why other files could not be.
    pub unreadable: Vec<Error>,
    /// What is wrong with the call itself: then nothing that was meant is certain.
    pub misused: Vec<Error>,
}

impl Given {
    /// Whether no wish can be made of it.
    pub fn is_refused(&self, keep_going: bool) -> bool {
        !self.misused.is_empty() || (!keep_going && !self.unreadable.is_empty())
    }

    /// Everything that forbids to go on.
    pub fn errors(&mut self) -> Vec<Error> {
        let mut errors = std::mem::take(&mut self.misused);
        errors.append(&mut self.unreadable);
        errors
    }
}

/// Reads the named files, `-` being standard input. What cannot be read stops no other: all is told at once.
pub(super) fn read(files: &[PathBuf], name: Option<&str>) -> Given {
    let mut given = Given::default();
    if name.is_some() && !files.iter().any(|f| is_stdin(f)) {
        given.misused.push(Error::usage(
            "--name is for a profile on standard input (-); others are called as their file",
        ));
    }
    for (at, file) in files.iter().enumerate() {
        if files[..at].contains(file) {
            let what = if is_stdin(file) {
                "standard input (-)".to_owned()
            } else {
                file.display().to_string()
            };
            let twice = Error::usage(format!("{what} was named twice"));
            given.misused.push(twice);
            continue;
        }
        let read = if is_stdin(file) {
            from_stdin(name)
        } else {
            from_file(file)
        };
        match read {
            Ok(source) => match given.sources.iter().find(|s| s.name == source.name) {
                Some(other) => given.misused.push(
                    Error::usage(format!(
                        "{} and {} are both called {}",
                        other.path.display(),
                        source.path.display(),
                        source.name
                    ))
                    .remedy("a profile is called as its file: rename one, or name one alone"),
                ),
                None => given.sources.push(source),
            },
            Err(error) => given.unreadable.push(error),
        }
    }
    given
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn from_stdin(name: Option<&str>) -> Result<Source> {
    let name = name.ok_or_else(|| {
        Error::usage("a profile on standard input needs a name").remedy("add --name NAME")
    })?;
    check_name(name, Path::new("--name"))?;
    if let Some(stem) = name.strip_suffix(".toml") {
        return Err(Error::usage(format!(
            "--name {name}: the file would be called {name}.toml"
        ))
        .remedy(format!("--name {stem}")));
    }
    let bytes = capped(io::stdin().lock())
        .map_err(|e| Error::usage(format!("cannot read standard input: {e}")))?;
    // `curl … | memctl apply --name web -`: a failure there must not take the limits away here.
    if bytes.trim_ascii().is_empty() {
        let told = Error::usage("nothing came on standard input");
        return Err(told.remedy(format!(
            "did the command before the pipe fail? A profile is taken away by `memctl remove {name}`"
        )));
    }
    Ok(Source::new(name, "<stdin>", bytes))
}

fn from_file(path: &Path) -> Result<Source> {
    let wrong = |e: io::Error| {
        let error = Error::io("read", path, &e);
        match error.kind() {
            Kind::NotPermitted => error,
            _ => error.with_kind(Kind::Usage),
        }
    };
    if path.extension().is_none_or(|e| e != "toml") {
        return Err(Error::usage(format!(
            "{}: a profile is a file called NAME.toml",
            path.display()
        ))
        .remedy(
            "give the file that ending; an installed profile is removed by `memctl remove NAME`",
        ));
    }
    let name = path
        .file_stem()
        .and_then(|s| s.to_str())
        .unwrap_or_default();
    check_name(name, path)?;
    let file = File::open(path).map_err(wrong)?;
    if file.metadata().map_err(wrong)?.is_dir() {
        return Err(wrong(io::ErrorKind::IsADirectory.into()));
    }
    Ok(Source::new(name, path, capped(file).map_err(wrong)?))
}

fn check_name(name: &str, path: &Path) -> Result<()> {
    if is_name(name) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{}: {name:?} cannot be the name of a profile",
        path.display()
    ))
    .remedy("letters, digits and -_.@+: are allowed, no dot in front"))
}

/// One byte over the limit at most: the check says that there is more.
fn capped(reader: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
