//! Sizes as a person would have chosen them.

const M: u64 = 1 << 20;

/// Rounds up to the next friendly size: in steps of 5M below 100M, 10M below 500M, 50M below 2G, a quarter of a
/// gigabyte below 10G, a gigabyte beyond.
#[must_use]
pub fn round_up(bytes: u64) -> u64 {
    let step = match bytes {
        0..104_857_600 => 5 * M,
        104_857_600..524_288_000 => 10 * M,
        524_288_000..2_147_483_648 => 50 * M,
        2_147_483_648..10_737_418_240 => 256 * M,
        _ => 1024 * M,
    };
    match bytes.checked_next_multiple_of(step) {
        // 2000M and what follows it is a gigabyte's affair.
        Some(rounded) if bytes < 2048 * M && rounded > 2000 * M => 2048 * M,
        Some(rounded) => rounded,
        None => bytes,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::Memory;

    #[test]
    fn sizes_are_friendly() {
        let rounded = |bytes| Memory::Bytes(round_up(bytes)).to_string();
        for (bytes, expected) in [
            (1, "5M"),
            (5 * M, "5M"),
            (12 * M + 1, "15M"),
            (99 * M, "100M"),
            (101 * M, "110M"),
            (345 * M, "350M"),
            (501 * M, "550M"),
            (1001 * M, "1050M"),
            (1999 * M, "2000M"),
            (2001 * M, "2G"),
            (2049 * M, "2.25G"),
            (9 * 1024 * M + 1, "9.25G"),
            (10 * 1024 * M + 1, "11G"),
        ] {
            assert_eq!(rounded(bytes), expected, "{bytes}");
        }
    }

    proptest! {
        #[test]
        fn never_down_and_never_far_up(bytes in 20 * M..u64::MAX / 2) {
            let rounded = round_up(bytes);
            prop_assert!(rounded >= bytes);
            prop_assert!((rounded - bytes) as f64 <= bytes as f64 * 0.25);
            prop_assert_eq!(round_up(rounded), rounded);
        }
    }
}
