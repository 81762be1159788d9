//! What the peers do: their cases, bearing their names.

use super::*;
use crate::profile::rule::{Condition, Threshold};

const OVER: u64 = 150;
const UNDER: u64 = 10;

/// Samples of ones and zeros against a `for`; the samples at which it fired and cleared, counted from 1.
fn samples(holds: &str, ones: &str) -> Vec<(usize, String)> {
    let rule = format!("above = \"100M\", for = \"{holds}\"");
    let needs: Vec<u64> = ones
        .chars()
        .map(|c| if c == '1' { OVER } else { UNDER })
        .collect();
    let told = line(&[&rule]).minutes(&needs);
    let told = told.into_iter().enumerate().filter(|(_, t)| !t.is_empty());
    told.map(|(at, t)| (at + 1, t)).collect()
}

#[test]
fn karton_growth_in_bytes() {
    let mut unit = line(&[r#"grown = "+15M", settle = "0", action = "restart""#]);
    assert_eq!(unit.need(100), "");
    assert_eq!(unit.wait(10).need(110), "");
    assert_eq!(unit.wait(10).need(120), "+grown restart");
    assert_eq!(
        unit.why(),
        "need 120M over grown = +15M (115M, its baseline is 100M)"
    );
}

#[test]
fn karton_growth_by_a_share() {
    let mut unit = line(&[r#"grown = "+15%", settle = "0""#]);
    let share = |times: f64| (1000.0 * (1.0 + times * 0.15)) as u64;
    assert_eq!(unit.need(1000), "");
    assert_eq!(unit.wait(10).need(share(0.7)), "", "once 0.7 of it");
    assert_eq!(unit.wait(10).need(share(1.4)), "+grown", "twice");
}

#[test]
fn karton_age() {
    let mut unit = line(&[r#"age = "5s", action = "restart""#]);
    assert_eq!(unit.read(), "");
    assert_eq!(unit.wait(2).read(), "");
    assert_eq!(unit.wait(4).read(), "+age restart");
    assert_eq!(unit.why(), "age 6s over age = 5s");
}

#[test]
fn monit_three_of_five() {
    assert_eq!(samples("2 of 2", "10101"), [], "two in a row never");
    assert_eq!(samples("3 of 5", "10101"), [(5, "+above".to_owned())]);
}

#[test]
fn circus_four_in_a_row() {
    assert_eq!(samples("4 of 4", "1110111"), []);
    assert_eq!(samples("4 of 4", "11101111"), [(8, "+above".to_owned())]);
    assert_eq!(samples("3min", "1110111"), []);
    assert_eq!(samples("3min", "11101111"), [(8, "+above".to_owned())]);
}

#[test]
fn god_fires_again_after_a_restart_that_does_not_help() {
    let mut unit = line(&[r#"above = "100M", for = "3 of 5", action = "restart""#]);
    let told = unit.minutes(&[OVER, OVER, OVER, OVER]);
    assert_eq!(told, ["", "", "+above restart", "restart"]);
    unit.restart();
    let told = unit.minutes(&[OVER, OVER, OVER]);
    assert_eq!(told, ["-above", "", "+above restart"]);
}

#[test]
fn sonic_a_unit_that_is_over_from_its_start_on_fires_again() {
    let mut unit = line(&[r#"above = "100M", action = "restart""#]);
    assert_eq!(unit.need(OVER), "+above restart");
    assert_eq!(unit.restart().wait(10).read(), "-above +above restart");
    assert!(
        unit.why()
            .starts_with("the unit was started anew; need 150M over")
    );
}

#[test]
fn uwsgi_lifetime() {
    // At the limit itself from its start on.
    let mut unit = line(&[r#"above = "100M", settle = "10s", action = "restart""#]);
    assert_eq!(unit.need(OVER), "");
    assert_eq!(unit.wait(9).need(OVER), "");
    assert_eq!(unit.wait(1).need(OVER), "+above restart");
    // Where nobody says when it began, since it was seen first.
    let mut unit = line(&[r#"above = "100M", settle = "10s""#]);
    unit.since = None;
    assert_eq!(unit.wait(1000).need(OVER), "");
    assert_eq!(unit.wait(9).need(OVER), "");
    assert_eq!(unit.wait(1).need(OVER), "+above");
}

#[test]
fn oomd_anon_and_not_the_cache() {
    let fires = |anon: u64, current: u64| {
        let mut unit = line(&[r#"above = "1.5G", of = "anon""#]);
        unit.sample.memory.current = Some(current * 1024 * M);
        unit.need(anon * 1024)
    };
    assert_eq!(fires(2, 1), "+above");
    assert_eq!(fires(1, 2), "");
}

#[test]
fn oomd_a_tenth_of_the_machine() {
    let mut unit = line(&[r#"above = "10% RAM""#]);
    assert_eq!(unit.need(819), "");
    assert_eq!(unit.need(2048), "+above");
    assert_eq!(unit.why(), "need 2G over above = 10% RAM (819M of 8G)");
}

#[test]
fn memmon_nothing_and_the_largest_integer() {
    let at = |bytes| {
        let mut unit = line(&[r#"above = "1""#]);
        unit.rules[0].conditions = vec![Condition::Above(Threshold::Bytes(bytes))];
        unit.need(1)
    };
    assert_eq!(at(0), "+above");
    assert_eq!(at(u64::MAX), "");
    let mut unit = line(&[r#"above = "1""#]);
    unit.rules[0].conditions = vec![Condition::Above(Threshold::Bytes(u64::MAX))];
    unit.sample.memory.stat.anon = Some(u64::MAX);
    assert_eq!(unit.read(), "", "over is over, and not at");
}

#[test]
fn earlyoom_a_strange_reading_is_no_reason_to_die() {
    let mut unit = line(&[
        "stalled = true",
        r#"above = "80%""#,
        r#"grown = "+80%", settle = "0""#,
    ]);
    unit.swap_free = Some(u64::MAX - 255);
    unit.sample.memory.swap = Some(u64::MAX);
    unit.sample.memory.stat.shmem = Some(u64::MAX);
    assert_eq!(unit.need(OVER), "+above");
    assert_eq!(unit.wait(10).need(OVER), "");
}
