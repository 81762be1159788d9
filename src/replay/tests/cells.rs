use super::*;
use crate::sample::{Invocation, Limit};

#[test]
fn a_count_is_whole_or_cut_or_unknown() {
    for (cell, count) in [
        ("0", Some(0)),
        ("18446744073709551615", Some(u64::MAX)),
        (" 12 ", Some(12)),
        ("62070784.0", Some(62_070_784)),
        ("1.9", Some(1)),
        ("", None),
        (" ", None),
        ("NaN", None),
        ("nan", None),
    ] {
        assert_eq!(cell::count(cell.as_bytes()), Ok(count), "{cell}");
    }
    for cell in [
        "-1",
        "+1",
        "1e9",
        "1.",
        ".5",
        "1.x",
        "0x10",
        "10M",
        "18446744073709551616",
        "\u{ff11}",
    ] {
        assert_eq!(cell::count(cell.as_bytes()), Err(cell::Wrong), "{cell}");
    }
    assert_eq!(cell::count(b"\xff"), Err(cell::Wrong));
}

#[test]
fn no_limit_has_many_names() {
    for cell in [
        "infinity",
        "max",
        "inf",
        "+Inf",
        "9223372036854771712",
        "18446744073709551615",
    ] {
        assert_eq!(
            cell::limit(cell.as_bytes()),
            Ok(Some(Limit::Infinity)),
            "{cell}"
        );
    }
    assert_eq!(cell::limit(b"400"), Ok(Some(Limit::Bytes(400))));
    assert_eq!(cell::limit(b""), Ok(None));
    assert_eq!(cell::limit(b"none"), Err(cell::Wrong));
}

#[test]
fn a_time_is_seconds_or_rfc_3339() {
    for (cell, time) in [
        ("1700000000", "2023-11-14T22:13:20Z"),
        ("1700000000.25", "2023-11-14T22:13:20.25Z"),
        ("-1.5", "1969-12-31T23:59:58.5Z"),
        ("2023-11-14T22:13:20Z", "2023-11-14T22:13:20Z"),
        ("2023-11-15T00:13:20.5+02:00", "2023-11-14T22:13:20.5Z"),
    ] {
        let expected: Timestamp = time.parse().expect(time);
        assert_eq!(cell::time(cell.as_bytes()), Ok(expected), "{cell}");
    }
    for cell in [
        "",
        "soon",
        "1.7e9",
        "1.",
        "-",
        "99999999999999",
        "2023-11-14 22:13",
        "+5",
    ] {
        assert_eq!(cell::time(cell.as_bytes()), Err(cell::Wrong), "{cell}");
    }
}

#[test]
fn an_invocation_is_any_text_that_is_another_one_for_each_start() {
    let number = "000102030405060708090a0b0c0d0e0f";
    assert_eq!(
        cell::invocation(number.as_bytes()),
        Invocation::parse(number)
    );
    let of = |text: &str| cell::invocation(text.as_bytes());
    assert_ne!(of("1"), of("2"));
    assert_eq!(of("1"), of(" 1 "));
    assert_eq!(of(" "), None);
}

#[test]
fn every_column_has_its_place() {
    let (readings, faults) = read(
        "max,swap,time,current,anon,file,shmem,slab_unreclaimable,kernel_stack,pagetables,percpu,sock,cpu_usec,high,invocation,x\n\
         400,7,60,1000,100,800,10,20,30,40,50,60,99,infinity,a,?\n\
         ,,61,,,,,,,,,,,,,\n",
    );
    assert_eq!(faults, [""; 0]);
    let first = &readings[0];
    // FACTS 24: page cache is not in it.
    assert_eq!(first.memory.resident(), Some(310));
    assert_eq!(first.memory.need(), Some(317));
    assert_eq!(first.memory.current, Some(1000));
    assert_eq!(first.memory.stat.file, Some(800));
    assert_eq!(
        (first.high, first.max),
        (Some(Limit::Infinity), Some(Limit::Bytes(400)))
    );
    assert_eq!(first.cpu_usec, Some(99));
    assert!(first.start.invocation.is_some());
    // What is empty is unknown, and not what it was before.
    assert_eq!(readings[1], Reading::blank(readings[1].time));
}

#[test]
fn with_anon_alone_it_is_need_and_with_current_alone_nothing_is() {
    let (readings, _) = read("time,anon\n1,100\n");
    assert_eq!(readings[0].memory.need(), Some(100));
    let (readings, _) = read("time,current\n1,100\n");
    assert_eq!(readings[0].memory.need(), None);
}

#[test]
fn quotes_empty_lines_a_byte_order_mark_and_windows_lines_are_no_matter() {
    let text = "\u{feff}time, current\r\n\r\n\"1\",\"100\"\r\n\r\n2,200";
    let (readings, faults) = read(text);
    assert_eq!(faults, [""; 0]);
    let held: Vec<_> = readings.iter().map(|r| r.memory.current).collect();
    assert_eq!(held, [Some(100), Some(200)]);
}
