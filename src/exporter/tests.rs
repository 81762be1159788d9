use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use rustix::fs::Mode;

use super::*;

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|e| {
            e.expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn the_file_is_replaced_whole_and_readable_whatever_the_umask() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("memctl.prom");
    rustix::process::umask(Mode::from_raw_mode(0o077));
    for text in ["a 1\n", "b 2\n"] {
        let before = fs::metadata(&file).ok();
        publish(&file, text).expect("written");
        assert_eq!(fs::read_to_string(&file).expect("there"), text);
        let after = fs::metadata(&file).expect("there");
        assert_eq!(after.permissions().mode() & 0o777, 0o644);
        use std::os::unix::fs::MetadataExt as _;
        // Another file in its place: who has the old one open reads that to its end.
        assert!(before.is_none_or(|before| before.ino() != after.ino()));
    }
    assert_eq!(names(dir.path()), ["memctl.prom"]);
}

#[test]
fn what_lies_in_the_way_of_the_temporary_file_is_not_written_to() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let staged = format!(".memctl.prom.{}.memctl-new", std::process::id());
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").expect("write");
    symlink(&victim, dir.path().join(staged)).expect("link");
    publish(&dir.path().join("memctl.prom"), "a 1\n").expect("written");
    assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
    assert_eq!(names(dir.path()), ["memctl.prom", "victim"]);
}

#[test]
fn only_a_file_in_a_folder_that_is_there_is_replaced() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let error = publish(&dir.path().join("none/memctl.prom"), "").expect_err("refused");
    assert_eq!(error.kind(), Kind::Failed);
    let told = error.to_string();
    assert!(told.contains("/none: No such file or directory"), "{told}");
    assert!(told.contains("--collector.textfile.directory"), "{told}");

    fs::create_dir(dir.path().join("memctl.prom")).expect("mkdir");
    let pipe = dir.path().join("pipe");
    let mode = Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0)
        .expect("a pipe");
    for name in ["memctl.prom", "pipe"] {
        let error = publish(&dir.path().join(name), "").expect_err("refused");
        assert_eq!(error.kind(), Kind::Usage, "{error}");
    }
    assert_eq!(
        publish(Path::new("/"), "").expect_err("refused").kind(),
        Kind::Usage
    );
    assert_eq!(names(dir.path()), ["memctl.prom", "pipe"]);
}
