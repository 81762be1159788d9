use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::kernel::root::Root;
use crate::restart::Deed;
use crate::scope::Scope;
use crate::systemd::names::UnitName;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).expect("a time")
}

fn unit(name: &str) -> UnitName {
    UnitName::parse(name).expect(name)
}

struct Bench {
    dir: tempfile::TempDir,
    root: Root,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = Root::open(dir.path()).expect("open");
        Self { dir, root }
    }

    fn store(&self) -> Store<'_> {
        Store::new(&self.root, &Scope::System)
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        let folder: &Path = self.dir.path();
        folder.join("var/lib/memctl/state").join(name)
    }
}

#[test]
fn what_is_remembered_outlives_the_process_and_leaves_no_file_when_it_is_over() {
    let bench = Bench::new();
    let web = unit("web.service");
    let hold = Hold {
        since: at(0),
        until: Some(at(60)),
        by: Some("root".to_owned()),
    };
    let store = bench.store();
    assert!(store.unit(&web).expect("read").is_blank());
    let done = Done {
        time: at(0),
        deed: Deed::Restart,
    };
    let change = |state: &mut UnitState| {
        state.hold = Some(hold.clone());
        state.done.push(done.clone());
    };
    store.change(&web, change).expect("written");
    let again = bench.store();
    let state = again.unit(&web).expect("read");
    assert_eq!(state.held(at(59)), Some(&hold));
    assert_eq!(state.held(at(60)), None);
    assert_eq!(again.units().expect("listed"), std::slice::from_ref(&web));
    again
        .change(&web, |state| *state = UnitState::default())
        .expect("written");
    assert!(!bench.file("web.service.json").exists());
}

#[test]
fn a_damaged_or_newer_file_is_an_error_with_its_path_and_is_left_as_it_is() {
    let bench = Bench::new();
    let web = unit("web.service");
    std::fs::create_dir_all(bench.file("")).expect("mkdir");
    for text in ["", "{", "[]", "{\"v\": 2}", "{\"v\": 1, \"hold\": 3}"] {
        std::fs::write(bench.file("web.service.json"), text).expect("written");
        let told = bench.store().unit(&web).expect_err(text).to_string();
        assert!(told.contains("web.service.json"), "{told}");
        let changed = bench.store().change(&web, |state| state.useless = 1);
        assert!(changed.is_err(), "{text}");
        let found = std::fs::read_to_string(bench.file("web.service.json"));
        assert_eq!(found.expect("there"), text);
    }
    // What a later memctl adds in the same form is no fault.
    std::fs::write(bench.file("web.service.json"), "{\"v\":1,\"new\":1}").expect("written");
    assert!(bench.store().unit(&web).expect("read").is_blank());
}

#[test]
fn where_nothing_can_be_written_the_change_says_so() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.dir.path().join("var/lib")).expect("mkdir");
    std::fs::write(bench.dir.path().join("var/lib/memctl"), "no folder").expect("written");
    let told = bench.store().change_host(|host| {
        host.hold = Some(Hold {
            since: at(0),
            until: None,
            by: None,
        });
    });
    let told = told.expect_err("no folder").to_string();
    assert!(told.contains("/var/lib/memctl"), "{told}");
}

#[test]
fn everybody_may_read_and_only_its_owner_writes() {
    let bench = Bench::new();
    let web = unit("web.service");
    bench
        .store()
        .change(&web, |state| state.useless = 1)
        .expect("written");
    let meta = std::fs::metadata(bench.file("web.service.json")).expect("there");
    assert_eq!(meta.permissions().mode() & 0o022, 0);
}

#[test]
fn the_switch_of_a_fleet_is_a_file() {
    let bench = Bench::new();
    assert_eq!(bench.store().switch(), None);
    std::fs::create_dir_all(bench.dir.path().join("etc/memctl")).expect("mkdir");
    std::fs::write(bench.dir.path().join("etc/memctl/hold"), "").expect("written");
    assert!(bench.store().switch().is_some());
}
