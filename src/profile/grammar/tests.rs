use super::*;

fn fault<T: std::fmt::Debug>(read: Read<T>) -> (Range<usize>, Option<String>) {
    let error = read.expect_err("must be refused");
    (error.at, error.suggestion)
}

#[test]
fn thresholds() {
    let share = |hundredths, of| Ok(Threshold::Share { hundredths, of });
    assert_eq!(threshold("500M"), Ok(Threshold::Bytes(500 << 20)));
    assert_eq!(threshold("80%"), share(8000, Base::Ceiling));
    assert_eq!(threshold("10% RAM"), share(1000, Base::Ram));
    assert_eq!(
        threshold("80% MemoryMax"),
        share(8000, Base::Limit(Key::MemoryMax))
    );
    assert_eq!(
        fault(threshold("80% ram")),
        (4..7, Some("80% RAM".to_owned()))
    );
    assert_eq!(fault(threshold("80 %")), (2..3, Some("80%".to_owned())));
    assert_eq!(fault(threshold("120%")), (0..4, None));
    for text in [
        "",
        "0",
        "0%",
        "infinity",
        "80% CPUQuota",
        "22[,20]",
        "1.1.",
        "-5%",
    ] {
        fault(threshold(text));
    }
}

#[test]
fn growths() {
    assert_eq!(growth("+80%"), Ok(Growth::Share(8000)));
    assert_eq!(growth("+250%"), Ok(Growth::Share(25_000)));
    assert_eq!(growth("+500M"), Ok(Growth::Bytes(500 << 20)));
    assert_eq!(fault(growth("80%")).1.as_deref(), Some("+80%"));
    for text in ["", "+", "+0", "+0%", "+infinity", "-5%", "x"] {
        fault(growth(text));
    }
}

#[test]
fn events_and_pressures() {
    assert_eq!(
        event("oom_kill"),
        Ok(EventRate {
            event: Event::OomKill,
            rate: None
        })
    );
    let rate = Some((10, Span::seconds(60)));
    assert_eq!(
        event("high > 10/1min"),
        Ok(EventRate {
            event: Event::High,
            rate
        })
    );
    assert_eq!(
        event("high>10/60"),
        Ok(EventRate {
            event: Event::High,
            rate
        })
    );
    assert_eq!(fault(event("OOM-kill")).1.as_deref(), Some("oom_kill"));
    for text in [
        "",
        "low",
        "high >",
        "high > 10",
        "high > x/1min",
        "high > 1/0",
        "high 3",
    ] {
        fault(event(text));
    }
    let some = Pressure {
        full: false,
        hundredths: 4000,
        window: Span::seconds(10),
    };
    assert_eq!(pressure("some 40% 10s"), Ok(some));
    for text in [
        "",
        "some",
        "some 40%",
        "most 40% 10s",
        "some 40 10s",
        "some 0% 10s",
        "full 40% 11s",
        "some 40% 1ms",
    ] {
        fault(pressure(text));
    }
}

#[test]
fn durations_and_readings() {
    assert_eq!(holds("5m"), Ok(Holds::For(Span::seconds(300))));
    assert_eq!(holds("3 of 5"), Ok(Holds::Readings { of: 3, last: 5 }));
    assert_eq!(holds("0"), Ok(Holds::Once));
    for text in [
        "",
        "5 of 3",
        "0 of 5",
        "3 of 2000",
        "3of5",
        "infinity",
        "x of 5",
    ] {
        fault(holds(text));
    }
    assert_eq!(
        limit("3/1d"),
        Ok(Limit {
            count: 3,
            within: Span::seconds(86_400)
        })
    );
    for text in ["", "3", "0/1d", "3/", "3/infinity", "-1/1d", "x/1d"] {
        fault(limit(text));
    }
}

#[test]
fn windows() {
    let read = |text: &str| window(text).map(|w| (w.days, w.from, w.to, w.zone));
    assert_eq!(read("02:00-05:00"), Ok((127, 120, 300, None)));
    assert_eq!(
        read("Mon..Fri 22:00-04:30"),
        Ok((0b001_1111, 1320, 270, None))
    );
    assert_eq!(
        read("sat,Sunday 0:00-24:00 UTC"),
        Ok((0b110_0000, 0, 1440, Some("UTC".to_owned())))
    );
    assert_eq!(read("Sat..Mon 01:00-02:00").map(|w| w.0), Ok(0b110_0001));
    assert_eq!(
        read("02:00-05:00 Europe/Berlin").map(|w| w.3),
        Ok(Some("Europe/Berlin".to_owned()))
    );
    for text in [
        "",
        "02:00",
        "02:00-",
        "2-5",
        "25:00-26:00",
        "02:60-03:00",
        "02:00-02:00",
        "24:00-05:00",
        "Mox 02:00-05:00",
        "02:00-05:00 Euröpe",
        "Mon 02:00-05:00 UTC x",
        "24:30-01:00",
    ] {
        fault(window(text));
    }
}

#[test]
fn idleness_and_helpers() {
    let cpu = Idle::Cpu {
        below: 500,
        lasts: Span::seconds(30),
    };
    assert_eq!(idle("cpu < 5% for 30s"), Ok(cpu));
    assert!(matches!(idle("idle-check.service"), Ok(Idle::Unit(_))));
    for text in [
        "",
        "cpu",
        "cpu < 5%",
        "cpu < 5 for 30s",
        "cpu < 5% for 0",
        "check.timer",
        "check@.service",
    ] {
        fault(idle(text));
    }
    assert_eq!(signal("SIGINT").map(Signal::name), Ok("SIGINT"));
    assert_eq!(fault(signal("int")).1.as_deref(), Some("SIGINT"));
    fault(signal("SIGKILL"));
}
