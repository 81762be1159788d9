//! `pressure`: by the kernel's triggers, and without them.

use super::*;
use crate::units::Span;

#[test]
fn pressure_by_the_kernels_trigger() {
    let mut unit = line(&[r#"pressure = "some 40% 10s", action = "restart""#]);
    assert_eq!(unit.pressure(5, 0, 0).read(), "");
    unit.crossed = vec![Pressure {
        full: false,
        hundredths: 40_00,
        window: Span::seconds(10),
    }];
    assert_eq!(
        unit.wait(3).pressure(20, 0, 4_000_000).read(),
        "+pressure restart"
    );
    assert_eq!(unit.why(), "some 40% or more over pressure = some 40% 10s");
    unit.crossed.clear();
    // Over until both the average and what was gained are five points below.
    assert_eq!(unit.wait(7).pressure(36, 0, 4_500_000).read(), "restart");
    assert_eq!(unit.wait(10).pressure(20, 0, 8_000_000).read(), "restart");
    assert_eq!(unit.wait(10).pressure(12, 0, 9_000_000).read(), "-pressure");
}

#[test]
fn pressure_without_triggers_is_what_the_stalls_grew() {
    let mut unit = line(&[r#"pressure = "full 40% 10s""#]);
    assert_eq!(unit.pressure(90, 10, 100_000_000).read(), "");
    assert_eq!(unit.wait(10).pressure(90, 20, 103_999_000).read(), "");
    // A reading in between says little of ten seconds.
    assert_eq!(unit.wait(1).pressure(90, 30, 104_999_000).read(), "");
    assert_eq!(
        unit.wait(9).pressure(90, 30, 107_999_000).read(),
        "+pressure"
    );
    assert_eq!(unit.why(), "full 40% over pressure = full 40% 10s");
    // The timer has one reading a process.
    let mut unit = line(&[r#"pressure = "some 40% 10s""#]);
    assert_eq!(unit.pressure(39, 0, 0).read(), "");
    assert_eq!(
        unit.wait(60).reload().pressure(40, 0, 5).read(),
        "+pressure"
    );
}

#[test]
fn a_small_pressure_can_be_over() {
    let mut unit = line(&[r#"pressure = "some 4% 1s""#]);
    assert_eq!(unit.pressure(4, 0, 0).read(), "+pressure");
    assert_eq!(unit.wait(10).pressure(3, 0, 0).read(), "");
    assert_eq!(unit.wait(10).pressure(1, 0, 0).read(), "-pressure");
}
