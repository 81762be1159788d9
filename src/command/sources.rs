//! The profiles that were named on the command line.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::profile::source::{MAX_BYTES, Source, is_name};

/// Reads the named files, `-` being standard input; all that cannot be read are told at once.
///
/// # Errors
/// Exit code 2, or 3 if all that is missing is permission.
pub(super) fn read(files: &[PathBuf], name: Option<&str>) -> Result<Vec<Source>> {
    let mut sources: Vec<Source> = Vec::new();
    let mut errors: Vec<Error> = Vec::new();
    let stdin = files.iter().filter(|f| f.as_os_str() == "-").count();
    if stdin > 1 {
        errors.push(Error::usage("standard input (-) was named twice"));
    }
    if name.is_some() && stdin == 0 {
        errors.push(Error::usage(
            "--name is for a profile on standard input (-); others are called as their file",
        ));
    }
    for file in files {
        let read = if file.as_os_str() == "-" {
            from_stdin(name)
        } else {
            from_file(file)
        };
        match read {
            Ok(source) => match sources.iter().find(|s| s.name == source.name) {
                Some(other) => errors.push(Error::usage(format!(
                    "{} and {} are both called {}",
                    other.path.display(),
                    source.path.display(),
                    source.name
                ))),
                None => sources.push(source),
            },
            Err(error) => errors.push(error),
        }
    }
    match errors.len() {
        0 => Ok(sources),
        1 => Err(errors.remove(0)),
        _ => {
            let denied = errors.iter().all(|e| e.kind() == Kind::NotPermitted);
            let kind = if denied {
                Kind::NotPermitted
            } else {
                Kind::Usage
            };
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Err(Error::new(kind, lines.join("\nmemctl: ")))
        }
    }
}

fn from_stdin(name: Option<&str>) -> Result<Source> {
    let name = name.ok_or_else(|| {
        Error::usage("a profile on standard input needs a name").remedy("add --name NAME")
    })?;
    check_name(name, Path::new("--name"))?;
    let bytes = capped(io::stdin().lock())
        .map_err(|e| Error::usage(format!("cannot read standard input: {e}")))?;
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
