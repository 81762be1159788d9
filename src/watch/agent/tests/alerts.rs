//! Who is told of what happens.

use super::host::ABOVE;
use super::*;

#[test]
fn each_event_starts_the_unit_with_its_id() {
    let mut host = Host::new(ABOVE, "");
    host.orders.alert_unit = Some(unit("memctl-alert@.service"));
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(40);
    // The journal of these tests gives its entries' numbers as ids.
    let alerting = host.journal.borrow();
    let ids = (1..).zip(alerting.iter()).filter(|(_, e)| e.kind.alerts());
    let units: Vec<String> = ids
        .map(|(n, _)| format!("memctl-alert@{n:016x}.service"))
        .collect();
    assert!(units.len() >= 3, "{units:?}");
    assert_eq!(*host.alerts.borrow(), units);
}

#[test]
fn a_flood_is_capped_and_counted_over_memctl_s_end() {
    let mut host = Host::new(r#"{ name = "big", above = "300M", action = "alert" }"#, "");
    host.orders.alert_unit = Some(unit("memctl-alert@.service"));
    let mut now = Host::at("10:00:00");
    for n in 0..60 {
        // The timer's memctl, once in ten seconds.
        let mut line = host.start(now);
        line.need("web.service", if n % 2 == 0 { 400 } else { 100 })
            .pass(1);
        now += jiff::SignedDuration::from_secs(10);
    }
    let sent = host.alerts.borrow().len();
    assert!((50..=60).contains(&sent), "{sent}");
    let mut line = host.start(now);
    for n in 0..30 {
        line.need("web.service", if n % 2 == 0 { 400 } else { 100 });
        line.pass(10);
    }
    assert_eq!(host.alerts.borrow().len(), 60, "an hour's worth");
    line.now += jiff::SignedDuration::from_hours(1);
    host.journal.take();
    line.pass(10);
    let told = line.told();
    assert!(told.contains(&"alerts-suppressed".to_owned()), "{told:?}");
}
