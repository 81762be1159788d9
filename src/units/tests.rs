//! What systemd takes and refuses; the expected values were read off `systemd-analyze timespan` and the
//! unit loader of systemd 252.

use proptest::prelude::*;

use super::*;

fn bytes(text: &str) -> u64 {
    match Memory::parse(text) {
        Ok(Memory::Bytes(n)) => n,
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn sizes_count_by_1024() {
    for (text, expected) in [
        ("50M", 52_428_800),
        ("10K", 10_240),
        ("1G", 1 << 30),
        ("0", 0),
        ("7", 7),
        ("7B", 7),
        ("1.5G", 1_610_612_736),
        ("10.M", 10 << 20),
        ("1.5", 1),
        ("1G 512M", (1 << 30) + (512 << 20)),
        ("1G512M7", (1 << 30) + (512 << 20) + 7),
        ("10B 5", 15),
        ("  4 K\t", 4096),
        ("+5M", 5 << 20),
        ("15E", 15 << 60),
        ("18446744073709551614", u64::MAX - 1),
    ] {
        assert_eq!(bytes(text), expected, "{text:?}");
    }
}

#[test]
fn what_is_no_size_says_where_and_what_was_meant() {
    for (text, at, meant) in [
        ("", 0..0, None),
        ("400MB", 3..5, Some("400M")),
        ("400MiB", 3..6, Some("400M")),
        ("400 m", 4..5, Some("400M")),
        ("400m", 3..4, Some("400M")),
        ("1,5G", 1..4, Some("1.5G")),
        ("80 %", 2..3, Some("80%")),
        ("150%", 0..4, None),
        ("1.234%", 2..5, None),
        ("1.%", 2..2, None),
        ("-1", 0..2, Some("infinity")),
        ("-5M", 0..3, None),
        ("1.1.", 3..4, None),
        ("22[,20]", 2..7, None),
        ("unlimited", 0..9, Some("infinity")),
        ("512M 1G", 6..7, None),
        ("5 5", 2..3, None),
        ("16E", 0..3, None),
        ("18446744073709551615", 0..20, None),
        ("１００M", 0..10, Some("100M")),
    ] {
        let error = Memory::parse(text).expect_err(text);
        assert_eq!(
            (error.at.clone(), error.suggestion.as_deref()),
            (at, meant),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn percentages_have_two_decimals_at_most() {
    for (text, expected) in [
        ("80%", 8000),
        ("12.5%", 1250),
        ("0.01%", 1),
        ("800‰", 8000),
        ("800.5‰", 8005),
        ("8000‱", 8000),
        ("100%", 10_000),
        ("0%", 0),
        // Numbers are C's: hexadecimal, binary, octal.
        ("0x10%", 1600),
        ("0b11%", 300),
        ("010%", 800),
        ("+5%", 500),
    ] {
        assert_eq!(Memory::parse(text), Ok(Memory::Share(expected)), "{text:?}");
    }
    for text in [
        "",
        "%",
        "1.2.3%",
        "0x%",
        "08%",
        "1.5‱",
        "1.55‰",
        "100.01%",
        "-1%",
        "5",
        "5 %",
        "0x1.5",
        "99999999999%",
    ] {
        assert!(parse_share(text).is_err(), "{text:?}");
    }
}

#[test]
fn quotas_may_exceed_one_cpu_and_need_a_sign() {
    assert_eq!(CpuQuota::parse("80%"), Ok(CpuQuota(Some(8000))));
    assert_eq!(CpuQuota::parse("400%"), Ok(CpuQuota(Some(40_000))));
    assert_eq!(CpuQuota::parse("0.5%"), Ok(CpuQuota(Some(50))));
    let error = CpuQuota::parse("80").expect_err("no sign");
    assert_eq!(error.suggestion.as_deref(), Some("80%"));
    for text in ["", "0%", "-80%", "infinity", "80 %", "21474836.48%"] {
        assert!(CpuQuota::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn tasks_are_a_number_above_zero() {
    assert_eq!(parse_tasks("512"), Ok(Memory::Bytes(512)));
    assert_eq!(parse_tasks("0x10"), Ok(Memory::Bytes(16)));
    assert_eq!(parse_tasks("10%"), Ok(Memory::Share(1000)));
    assert_eq!(parse_tasks("infinity"), Ok(Memory::Infinity));
    for text in [
        "",
        "0",
        "-1",
        "1K",
        "5.5",
        "200%",
        "18446744073709551615",
        "99999999999999999999",
    ] {
        assert!(parse_tasks(text).is_err(), "{text:?}");
    }
}

#[test]
fn spans_are_systemds() {
    for (text, expected) in [
        ("0", 0),
        ("5", 5_000_000),
        ("5min", 300_000_000),
        ("5 m", 300_000_000),
        ("5minutes", 300_000_000),
        ("1h 30min", 5_400_000_000),
        ("1.5h", 5_400_000_000),
        ("1h1h", 7_200_000_000),
        ("1d 1w", 691_200_000_000),
        ("1month", 2_629_800_000_000),
        ("1M", 2_629_800_000_000),
        ("1.5M3s", 3_944_703_000_000),
        ("1y", 31_557_600_000_000),
        (".5s", 500_000),
        ("20 5s", 25_000_000),
        ("5 min 3", 303_000_000),
        ("3us", 3),
        ("3\u{b5}s", 3),
        ("3\u{3bc}s", 3),
        ("1.0000001s", 1_000_000),
        ("1.123456789123456789123456s", 1_123_456),
        ("+5s", 5_000_000),
        (" 5\ts ", 5_000_000),
        ("infinity", u64::MAX),
    ] {
        assert_eq!(Span::parse(text), Ok(Span(expected)), "{text:?}");
    }
    for text in [
        "",
        " ",
        "-1",
        "1.1.",
        "5.s",
        "2.h",
        "5mins",
        "1h,5m",
        "3 monthz",
        "infinity s",
        "5s infinity",
        "1e3s",
        "1ns",
        "5.5.5s",
        "5Sec",
        "+.5s",
        "584542y",
        "100000000y",
        "99999999999999999999s",
        "18446744073709551614us",
    ] {
        assert!(Span::parse(text).is_err(), "{text:?}");
    }
    let error = Span::parse("5mins").expect_err("no such unit");
    assert_eq!(
        (error.at.clone(), error.suggestion.as_deref()),
        (1..5, Some("5min")),
        "{error}"
    );
}

#[test]
fn display_is_short() {
    for (value, text) in [
        (Memory::Bytes(52_428_800), "50M"),
        (Memory::Bytes(1_610_612_736), "1.5G"),
        (Memory::Bytes(1000), "1000"),
        (Memory::Bytes(0), "0"),
        (Memory::Bytes(1 << 60), "1E"),
        (Memory::Share(1250), "12.5%"),
        (Memory::Share(1), "0.01%"),
        (Memory::Infinity, "infinity"),
    ] {
        assert_eq!(value.to_string(), text);
    }
    assert_eq!(Span(5_400_000_000).to_string(), "1h 30min");
    assert_eq!(Span(1_500_000).to_string(), "1s 500ms");
    assert_eq!(CpuQuota(Some(8050)).to_string(), "80.5%");
}

#[test]
fn people_get_rounded_bytes() {
    for (n, text) in [
        (0, "0B"),
        (512, "512B"),
        (1536, "1.5K"),
        (350 << 20, "350M"),
        (1_503_238_553, "1.4G"),
        ((1 << 30) - 1, "1G"),
        (10_700_000_000, "10G"),
        (u64::MAX, "16E"),
    ] {
        assert_eq!(show_bytes(n), text);
    }
}

proptest! {
    #[test]
    fn a_size_reads_back(n in 0..u64::MAX) {
        let text = Memory::Bytes(n).to_string();
        prop_assert_eq!(Memory::parse(&text), Ok(Memory::Bytes(n)));
    }

    #[test]
    fn a_round_size_reads_back(n in 0u64..100_000, shift in 0u32..5) {
        let n = n << (shift * 10);
        let text = Memory::Bytes(n).to_string();
        prop_assert!(text.len() <= 8 || shift == 0, "{}", text);
        prop_assert_eq!(Memory::parse(&text), Ok(Memory::Bytes(n)));
    }

    #[test]
    fn a_share_reads_back(n in 0u32..=10_000) {
        prop_assert_eq!(Memory::parse(&Memory::Share(n).to_string()), Ok(Memory::Share(n)));
    }

    #[test]
    fn a_quota_reads_back(n in 1u64..=0x7fff_ffff) {
        let quota = CpuQuota(Some(n));
        prop_assert_eq!(CpuQuota::parse(&quota.to_string()), Ok(quota));
    }

    #[test]
    fn a_span_reads_back(n: u64) {
        let span = Span(n);
        prop_assert_eq!(Span::parse(&span.to_string()), Ok(span));
    }

    #[test]
    fn more_digits_are_more(a in 0u64..1 << 40, b in 0u64..1 << 40, suffix in "[KM]?") {
        let read = |n: u64| Memory::parse(&format!("{n}{suffix}")).expect("fits");
        prop_assert_eq!(a.cmp(&b), read(a).cmp(&read(b)));
    }

    #[test]
    fn a_share_resolves_monotonically(a in 0u32..=10_000, b in 0u32..=10_000, ram in 1u64 << 24..1 << 48) {
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(Memory::Share(low).resolve(ram) <= Memory::Share(high).resolve(ram));
    }

    #[test]
    fn any_text_is_read_or_refused_within_itself(text in "\\PC{0,12}|[0-9.KMGsmhd%+ -]{0,12}|[ -~]{0,20}") {
        let errors = [
            Memory::parse(&text).err(),
            CpuQuota::parse(&text).err(),
            Span::parse(&text).err(),
            parse_tasks(&text).err(),
            parse_share(&text).err(),
        ];
        for error in errors.into_iter().flatten() {
            prop_assert!(text.get(error.at.clone()).is_some(), "{:?} in {:?}", error, text);
        }
    }

    #[test]
    fn suggestions_are_good(text in "[0-9,.]{1,4} ?[kKmMgG]?[iI]?[bB]?%?") {
        if let Err(UnitError { suggestion: Some(meant), .. }) = Memory::parse(&text) {
            prop_assert!(Memory::parse(&meant).is_ok(), "{} for {}", meant, text);
        }
        if let Err(UnitError { suggestion: Some(meant), .. }) = Span::parse(&text) {
            prop_assert!(Span::parse(&meant).is_ok(), "{} for {}", meant, text);
        }
    }
}
