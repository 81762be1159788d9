//! The generator over whole trees: `tests/generator/NN-name/root` in, `expected` (names and bytes) and `log` out.
//!
//! `BLESS=1 cargo test --test generator` writes `expected` and `log` anew; read them before you commit them.
//! An empty file system and an empty log have no folder and no file here: git keeps neither.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use memctl::generator;
use memctl::kernel::root::Root;
use memctl::scope::{Scope, User};

/// Path below the folder → bytes.
type Files = BTreeMap<PathBuf, Vec<u8>>;

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generator");
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the fixtures are there")
        .map(|entry| entry.expect("readable").path())
        .collect();
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("mkdir");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("readable");
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().expect("a type");
        if kind.is_symlink() {
            symlink(fs::read_link(&source).expect("a link"), &target).expect("symlink");
        } else if kind.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).expect("copy");
        }
    }
}

fn read_all(folder: &Path) -> Files {
    fn walk(base: &Path, folder: &Path, files: &mut Files) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        for entry in entries {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                walk(base, &path, files);
            } else {
                let below = path.strip_prefix(base).expect("below its base").to_owned();
                files.insert(below, fs::read(&path).expect("readable"));
            }
        }
    }
    let mut files = Files::new();
    walk(folder, folder, &mut files);
    files
}

fn shown(files: &Files) -> String {
    let text = |(path, bytes): (&PathBuf, &Vec<u8>)| {
        format!("--- {}\n{}", path.display(), String::from_utf8_lossy(bytes))
    };
    files.iter().map(text).collect()
}

/// What git does not keep, or nobody would want in a repository.
fn furnish(name: &str, root: &Path) {
    let profiles = root.join("etc/memctl/profiles.d");
    match name {
        "19-unreadable" => {
            fs::create_dir_all(profiles.join("folder.toml")).expect("mkdir");
            let fifo = profiles.join("fifo.toml");
            let made = Command::new("mkfifo").arg(&fifo).status();
            assert!(made.is_ok_and(|status| status.success()), "mkfifo");
            fs::write(profiles.join("latin.toml"), b"description = \"\xe4\"\n").expect("write");
        }
        "20-large" => {
            fs::write(profiles.join("large.toml"), vec![b'#'; 10 << 20]).expect("write");
        }
        _ => {}
    }
}

/// A user's manager in a fixture: whose home is `/home/me`.
fn user() -> Scope {
    Scope::User(User {
        uid: 1000,
        runtime: "/run/user/1000".into(),
        config: "/home/me/.config".into(),
        data: "/home/me/.local/share".into(),
        state: "/home/me/.local/state".into(),
    })
}

/// Runs the generator over a copy of a fixture; the answer is what it wrote and what it said.
fn run(fixture: &Path, name: &str) -> (Files, String) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (root, output) = (dir.path().join("root"), dir.path().join("normal"));
    copy(&fixture.join("root"), &root);
    furnish(name, &root);
    fs::create_dir(&output).expect("mkdir");
    let scope = if name.ends_with("-user") {
        user()
    } else {
        Scope::System
    };
    let mut log = String::new();
    let opened = Root::open(&root).expect("the root");
    generator::run(&opened, &scope, &output, &mut |line| {
        log += line;
        log.push('\n');
    });
    let log = log.replace(&root.display().to_string(), "");
    let mut files = read_all(&output);
    for text in files.values_mut() {
        *text = without_inode(text);
    }
    (files, log)
}

/// A kept limit names the inode of its cgroup, which is another one each time.
fn without_inode(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().map(|line| match line.find("sha256 cgroup ") {
        Some(at) => format!("{}sha256 cgroup INODE)\n", &line[..at]),
        None => format!("{line}\n"),
    });
    lines.collect::<String>().into_bytes()
}

#[test]
fn fixtures_become_exactly_what_is_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    let fixtures = fixtures();
    assert!(fixtures.len() >= 20, "only {} fixtures", fixtures.len());
    let mut differing = Vec::new();
    for fixture in fixtures {
        let name = fixture.file_name().expect("a name").to_string_lossy();
        let (files, log) = run(&fixture, &name);
        for line in log.lines() {
            let printable = !line.chars().any(char::is_control);
            assert!(printable, "{name}: a log line is one line: {line:?}");
        }
        let (expected, expected_log) = (fixture.join("expected"), fixture.join("log"));
        if bless {
            // Either may be absent.
            let _ = fs::remove_dir_all(&expected);
            let _ = fs::remove_file(&expected_log);
            for (path, bytes) in &files {
                let path = expected.join(path);
                fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
                fs::write(path, bytes).expect("write");
            }
            if !log.is_empty() {
                fs::write(&expected_log, &log).expect("write");
            }
        }
        let wanted = read_all(&expected);
        let wanted_log = fs::read_to_string(&expected_log).unwrap_or_default();
        if files != wanted || log != wanted_log {
            differing.push(format!(
                "{name}: got\n{}--- log\n{log}=== expected\n{}--- log\n{wanted_log}",
                shown(&files),
                shown(&wanted)
            ));
        }
    }
    assert!(
        differing.is_empty(),
        "{} fixtures differ (BLESS=1 to accept):\n\n{}",
        differing.len(),
        differing.join("\n\n")
    );
}

#[test]
fn the_example_of_the_documentation_is_a_fixture() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(base.join(path)).expect(path);
    assert_eq!(
        read("examples/homework.toml"),
        read("tests/generator/01-homework/root/etc/memctl/profiles.d/homework.toml"),
        "copy the example into the fixture"
    );
}

/// The real binary, for a user whose folders are in `home`: the one manager whose root a test can choose.
fn binary(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memctl-generator"));
    command
        .env_clear()
        .env("SYSTEMD_SCOPE", "user")
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home.join("run"));
    command
}

#[test]
fn the_binary_writes_into_its_first_argument() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let profiles = dir.path().join(".config/memctl/profiles.d");
    fs::create_dir_all(&profiles).expect("mkdir");
    let text = "[unit.\"web.service\"]\nMemoryMax = \"400M\"\n";
    fs::write(profiles.join("web.toml"), text).expect("write");
    let folders = ["normal", "early", "late"].map(|name| dir.path().join(name));
    for folder in &folders {
        fs::create_dir(folder).expect("mkdir");
    }
    let dropin = PathBuf::from("web.service.d/00-memctl.conf");
    for count in [1, 3] {
        let status = binary(dir.path()).args(&folders[..count]).status();
        assert!(status.expect("runs").success());
        let written = read_all(&folders[0]);
        assert_eq!(written.keys().collect::<Vec<_>>(), [&dropin], "{count}");
        let text = String::from_utf8_lossy(&written[&dropin]).into_owned();
        assert!(text.ends_with("[Service]\nMemoryMax=400M\n"), "{text}");
        assert_eq!(read_all(&folders[1]), Files::new());
        assert_eq!(read_all(&folders[2]), Files::new());
        fs::remove_dir_all(folders[0].join("web.service.d")).expect("rm");
    }
    let initrd = binary(dir.path())
        .arg(&folders[0])
        .env("SYSTEMD_IN_INITRD", "1")
        .status();
    assert!(initrd.expect("runs").success());
    assert_eq!(read_all(&folders[0]), Files::new(), "nothing in the initrd");
    let lost = binary(dir.path())
        .arg("/proc/no/such/folder")
        .env("SYSTEMD_LOG_TARGET", "console")
        .output()
        .expect("runs");
    assert!(lost.status.success(), "it never fails");
    let said = String::from_utf8_lossy(&lost.stderr).into_owned();
    assert!(
        said.contains("cannot write the limits of web.service"),
        "{said}"
    );
}
