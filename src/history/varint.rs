//! Numbers in as few bytes as they need: seven bits a byte, the lowest first, the eighth says that more follow.

/// Bytes that are not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

/// Appends a number.
pub fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Takes a number off the front.
pub fn take(bytes: &mut &[u8]) -> Result<u64, Damaged> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Damaged)?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if shift == 63 && bits > 1 {
            return Err(Damaged);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Damaged)
}

/// How to come from a number to another, small where they are near: 0, 1 up, 1 down…
pub fn step(from: u64, to: u64) -> u64 {
    let difference = to.wrapping_sub(from) as i64;
    ((difference << 1) ^ (difference >> 63)) as u64
}

/// Where a step leads.
pub fn follow(from: u64, step: u64) -> u64 {
    let difference = (step >> 1) ^ (step & 1).wrapping_neg();
    from.wrapping_add(difference)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(a in any::<u64>(), b in any::<u64>(), small in 0..300_u64) {
            let mut bytes = Vec::new();
            for value in [a, b, small, u64::MAX, 0] {
                put(&mut bytes, value);
            }
            let mut left = &bytes[..];
            for value in [a, b, small, u64::MAX, 0] {
                prop_assert_eq!(take(&mut left), Ok(value));
            }
            prop_assert_eq!(take(&mut left), Err(Damaged));
            prop_assert_eq!(follow(a, step(a, b)), b);
            prop_assert!(step(a, a.wrapping_sub(small)) <= 2 * small);
        }

        #[test]
        fn any_bytes_are_a_number_or_damaged(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut left = &bytes[..];
            let _ = take(&mut left);
        }
    }
}
