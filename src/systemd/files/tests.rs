use super::*;

struct Disk {
    dir: tempfile::TempDir,
    root: Root,
}

impl Disk {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for (path, text) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
            match text.strip_prefix("-> ") {
                Some(target) => std::os::unix::fs::symlink(target, path).expect("link"),
                None => std::fs::write(path, text).expect("write"),
            }
        }
        let root = Root::open(dir.path()).expect("open");
        Self { dir, root }
    }

    fn files(&self) -> UnitFiles<'_> {
        assert!(self.dir.path().exists());
        UnitFiles::scan(&self.root, &Scope::System).expect("scan")
    }
}

fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect(text)
}

#[test]
fn fragments_aliases_and_masks() {
    let disk = Disk::new(&[
        ("usr/lib/systemd/system/ssh.service", "[Service]\n"),
        ("usr/lib/systemd/system/w@.service", "[Service]\n"),
        (
            "etc/systemd/system/sshd.service",
            "-> /usr/lib/systemd/system/ssh.service",
        ),
        (
            "etc/systemd/system/multi-user.target.wants/ssh.service",
            "-> /x",
        ),
        ("etc/systemd/system/off.service", "-> /dev/null"),
        (
            "etc/systemd/system/linked.service",
            "-> /opt/app/linked.service",
        ),
        (
            "etc/systemd/system/w@1.service",
            "-> /usr/lib/systemd/system/w@.service",
        ),
    ]);
    let files = disk.files();
    let fragment = |unit: &str| files.fragment(&name(unit)).expect(unit);
    let lib = |unit: &str| Fragment::File(format!("/usr/lib/systemd/system/{unit}").into());
    assert_eq!(fragment("ssh.service"), lib("ssh.service"));
    assert_eq!(
        fragment("sshd.service"),
        Fragment::Alias(name("ssh.service"))
    );
    assert_eq!(fragment("w@7.service"), lib("w@.service"));
    assert!(matches!(fragment("w@1.service"), Fragment::File(_)));
    assert!(matches!(fragment("off.service"), Fragment::Masked(_)));
    assert!(matches!(fragment("linked.service"), Fragment::File(_)));
    assert_eq!(fragment("none.service"), Fragment::Missing);
}

/// The unit file or the name behind each service, as text: `file /etc/…`, `alias x.service`, `mask /…`, `-`.
fn behind<const N: usize>(disk: &Disk, names: [&str; N]) -> [String; N] {
    let files = disk.files();
    let unit = |stem: &str| name(&format!("{stem}.service"));
    names.map(|stem| match files.fragment(&unit(stem)).expect(stem) {
        Fragment::File(path) => format!("file {}", path.display()),
        Fragment::Alias(real) => format!("alias {real}"),
        Fragment::Masked(path) => format!("mask {}", path.display()),
        Fragment::Missing => "-".to_owned(),
    })
}

#[test]
fn a_link_out_of_the_search_path_is_a_unit_of_its_own_name() {
    let disk = Disk::new(&[
        ("opt/app/real-v2.service", "[Service]\nMemoryMax=1G\n"),
        ("opt/app/empty.service", ""),
        ("opt/app/w@.service", "[Service]\n"),
        (
            "etc/systemd/system/app.service",
            "-> /opt/app/real-v2.service",
        ),
        (
            "etc/systemd/system/near.service",
            "-> ../../../opt/app/real-v2.service",
        ),
        (
            "etc/systemd/system/gone.service",
            "-> /opt/app/gone-v2.service",
        ),
        (
            "etc/systemd/system/off.service",
            "-> /opt/app/empty.service",
        ),
        ("etc/systemd/system/w@1.service", "-> /opt/app/w@.service"),
        ("etc/systemd/system/other.service", "-> app.service"),
        ("opt/app.slice", "[Slice]\n"),
        ("etc/systemd/system/app.slice", "-> /opt/app.slice"),
    ]);
    let names = ["app", "near", "gone", "off", "w@1", "other", "real-v2"];
    let found = behind(&disk, names);
    assert_eq!(
        found,
        [
            "file /etc/systemd/system/app.service",
            "file /etc/systemd/system/near.service",
            "file /etc/systemd/system/gone.service",
            "mask /etc/systemd/system/off.service",
            "file /etc/systemd/system/w@1.service",
            "alias app.service",
            "-",
        ]
    );
    let slice = disk.files().fragment(&name("app.slice"));
    assert_eq!(
        slice,
        Ok(Fragment::File("/etc/systemd/system/app.slice".into()))
    );
    let said = disk
        .files()
        .assignments(&name("app.service"), &Overlay::new());
    assert_eq!(said.expect("read")[0].0.value, "1G");
}

#[test]
fn a_link_inside_the_search_path_is_followed_by_its_name() {
    let disk = Disk::new(&[
        ("usr/lib/systemd/system/c.service", "[Service]\n"),
        ("usr/lib/systemd/system/v@.service", "[Service]\n"),
        ("etc/systemd/system/a.service", "-> b.service"),
        (
            "etc/systemd/system/b.service",
            "-> ../../../usr/lib/systemd/system/c.service",
        ),
        // The better folder's file of the name counts, not the one that the link leads to.
        ("usr/lib/systemd/system/d.service", "[Service]\n"),
        ("etc/systemd/system/d.service", "[Service]\n"),
        (
            "run/systemd/system/e.service",
            "-> /usr/lib/systemd/system/d.service",
        ),
        // A link to itself says nothing; neither does one that leads nowhere, in a circle, or to what it cannot be.
        (
            "etc/systemd/system/c.service",
            "-> /usr/lib/systemd/system/c.service",
        ),
        ("etc/systemd/system/lost.service", "-> nobody.service"),
        ("etc/systemd/system/round.service", "-> about.service"),
        ("etc/systemd/system/about.service", "-> round.service"),
        ("etc/systemd/system/one.service", "-> v@1.service"),
        ("etc/systemd/system/x.slice", "-> y.slice"),
        ("usr/lib/systemd/system/x.slice", "[Slice]\n"),
        ("usr/lib/systemd/system/y.slice", "[Slice]\n"),
        ("etc/systemd/system/masked.service", "-> off.service"),
        ("etc/systemd/system/off.service", "-> /dev/null"),
        // Through a folder that is a link itself.
        ("units", "-> /usr/lib/systemd/system"),
        ("etc/systemd/system/far.service", "-> /units/c.service"),
    ]);
    let names = [
        "a", "b", "c", "d", "e", "lost", "round", "one", "masked", "far",
    ];
    let found = behind(&disk, names);
    assert_eq!(
        found,
        [
            "alias c.service",
            "alias c.service",
            "file /usr/lib/systemd/system/c.service",
            "file /etc/systemd/system/d.service",
            "alias d.service",
            "-",
            "-",
            "-",
            "mask /etc/systemd/system/off.service",
            "alias c.service",
        ]
    );
    let slice = disk.files().fragment(&name("x.slice"));
    assert_eq!(
        slice,
        Ok(Fragment::File("/usr/lib/systemd/system/x.slice".into()))
    );
}

#[test]
fn instances_have_the_names_of_their_templates() {
    let dropin = "[Service]\nMemoryMax=1G\n";
    let disk = Disk::new(&[
        ("usr/lib/systemd/system/w@.service", "[Service]\n"),
        ("usr/lib/systemd/system/v@5.service", "[Service]\n"),
        ("etc/systemd/system/v@.service", "-> w@.service"),
        ("etc/systemd/system/u@1.service", "-> w@.service"),
        ("etc/systemd/system/t@1.service", "-> w@1.service"),
        ("etc/systemd/system/s@1.service", "-> w@2.service"),
        ("etc/systemd/system/v@.service.d/50-template.conf", dropin),
        ("etc/systemd/system/v@1.service.d/60-instance.conf", dropin),
        ("etc/systemd/system/v@5.service.d/60-own.conf", dropin),
        ("etc/systemd/system/u@1.service.d/70-u.conf", dropin),
    ]);
    let names = ["v@", "v@1", "v@5", "u@1", "u@2", "t@1", "s@1", "w@1"];
    let found = behind(&disk, names);
    assert_eq!(
        found,
        [
            "alias w@.service",
            "alias w@1.service",
            "file /usr/lib/systemd/system/v@5.service",
            "alias w@1.service",
            "-",
            "alias w@1.service",
            "-",
            "file /usr/lib/systemd/system/w@.service",
        ]
    );
    let files = disk.files();
    let dropins = |unit: &str| -> Vec<String> {
        let found = files.dropins(&name(unit), &Overlay::new()).expect(unit);
        let file = |path: &PathBuf| Some(path.file_name()?.to_str()?.to_owned());
        found.iter().filter_map(file).collect()
    };
    assert_eq!(
        dropins("w@1.service"),
        ["50-template.conf", "60-instance.conf", "70-u.conf"]
    );
    assert_eq!(dropins("w@2.service"), ["50-template.conf"]);
    // v@5 has a unit file of its own: it is no w@5.
    assert_eq!(dropins("w@5.service"), [""; 0]);
}

#[test]
fn dropins_merge_by_name_and_the_better_folder_wins() {
    let disk = Disk::new(&[
        (
            "etc/systemd/system/a-b.service.d/50-x.conf",
            "[Service]\nMemoryMax=1G\n",
        ),
        (
            "usr/lib/systemd/system/a-b.service.d/50-x.conf",
            "[Service]\nMemoryMax=2G\n",
        ),
        (
            "usr/lib/systemd/system/a-.service.d/10-p.conf",
            "[Service]\nMemoryMax=3G\n",
        ),
        (
            "usr/lib/systemd/system/service.d/99-all.conf",
            "[Service]\nTasksMax=9\n",
        ),
        (
            "run/systemd/generator/a-b.service.d/00-memctl.conf",
            "[Service]\nMemoryMax=4G\n",
        ),
        (
            "run/systemd/generator/a-b.service.d/45-other.conf",
            "[Service]\nMemoryHigh=5G\n",
        ),
    ]);
    let files = disk.files();
    let overlay = Overlay::from([(
        PathBuf::from("a-b.service.d/zz-memctl.conf"),
        "[Service]\nMemoryMax=6G\n".to_owned(),
    )]);
    let shown: Vec<String> = files
        .dropins(&name("a-b.service"), &overlay)
        .expect("dropins")
        .iter()
        .map(|p| p.display().to_string())
        .collect();
    assert_eq!(
        shown,
        [
            "/usr/lib/systemd/system/a-.service.d/10-p.conf",
            "/run/systemd/generator/a-b.service.d/45-other.conf",
            "/etc/systemd/system/a-b.service.d/50-x.conf",
            "/usr/lib/systemd/system/service.d/99-all.conf",
            "/run/systemd/generator/a-b.service.d/zz-memctl.conf",
        ]
    );
    let last = files
        .assignments(&name("a-b.service"), &overlay)
        .expect("read");
    assert_eq!(last.last().map(|(a, _)| a.value.as_str()), Some("6G"));
    assert_eq!(files.generated().expect("generated").len(), 1);
}

#[test]
fn a_masked_dropin_silences_its_namesakes() {
    let disk = Disk::new(&[
        ("etc/systemd/system/a.service.d/50-x.conf", "-> /dev/null"),
        (
            "usr/lib/systemd/system/a.service.d/50-x.conf",
            "[Service]\nMemoryMax=2G\n",
        ),
    ]);
    let found = disk
        .files()
        .assignments(&name("a.service"), &Overlay::new())
        .expect("read");
    assert_eq!(found, []);
}

#[test]
fn what_only_root_may_read_says_nothing_to_others() {
    use std::os::unix::fs::PermissionsExt as _;

    let secret = "[Service]\nMemoryMax=1G\nEnvironment=TOKEN=x\n";
    let disk = Disk::new(&[
        ("etc/systemd/system/a.service", secret),
        ("etc/systemd/system/a.service.d/50-x.conf", secret),
        ("run/systemd/system/a.service.d/50-y.conf", secret),
        (
            "usr/lib/systemd/system/a.service.d/60-z.conf",
            "[Service]\nTasksMax=5\n",
        ),
    ]);
    let closed = [
        "etc/systemd/system/a.service",
        "etc/systemd/system/a.service.d/50-x.conf",
        "run/systemd/system/a.service.d",
    ];
    let allow = |path: &str, mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(disk.dir.path().join(path), mode).expect("chmod");
    };
    closed.iter().for_each(|path| allow(path, 0));
    let files = disk.files();
    let found = files.assignments(&name("a.service"), &Overlay::new());
    closed.iter().for_each(|path| allow(path, 0o700));
    let found = found.expect("no error, whoever runs this test");
    let keys: Vec<&str> = found.iter().map(|(a, _)| a.key.as_str()).collect();
    // To root a mode is no obstacle.
    if rustix::process::geteuid().is_root() {
        assert_eq!(keys.len(), 7, "{keys:?}");
        assert_eq!(files.unreadable(), [""; 0].map(PathBuf::from));
    } else {
        assert_eq!(keys, ["TasksMax"]);
        assert_eq!(
            files.unreadable(),
            closed.map(|path| Path::new("/").join(path))
        );
    }
}
