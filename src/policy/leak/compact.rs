//! Figures as a short text: each is the difference to the one before, in five bits a character.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::series::NONE;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Stands for a figure that is missing.
const MISSING: char = '-';

/// As text.
pub(super) fn write(figures: &[u32]) -> String {
    let mut text = String::new();
    let mut before = 0i64;
    for &figure in figures {
        if figure == NONE {
            text.push(MISSING);
            continue;
        }
        let difference = i64::from(figure) - before;
        before = i64::from(figure);
        // Zigzag: small ones of either sign are small numbers.
        let mut rest = ((difference << 1) ^ (difference >> 63)) as u64;
        loop {
            let more = if rest >= 32 { 32 } else { 0 };
            text.push(char::from(ALPHABET[(rest as usize & 31) | more]));
            rest >>= 5;
            if more == 0 {
                break;
            }
        }
    }
    text
}

/// From text; `None` where it is none of this.
pub(super) fn read(text: &str) -> Option<Vec<u32>> {
    let mut figures = Vec::new();
    let (mut before, mut rest, mut shift) = (0i64, 0u64, 0u32);
    for character in text.chars() {
        if character == MISSING && shift == 0 {
            figures.push(NONE);
            continue;
        }
        let digit = ALPHABET.iter().position(|&c| char::from(c) == character)? as u64;
        if shift > 35 {
            return None;
        }
        rest |= (digit & 31) << shift;
        shift += 5;
        if digit & 32 == 0 {
            let difference = (rest >> 1) as i64 ^ -((rest & 1) as i64);
            before = before.checked_add(difference)?;
            figures.push(
                u32::try_from(before)
                    .ok()
                    .filter(|&figure| figure != NONE)?,
            );
            (rest, shift) = (0, 0);
        }
    }
    (shift == 0).then_some(figures)
}

/// For `#[serde(with)]` on a fixed number of figures.
pub(super) fn serialize<S: Serializer, const N: usize>(
    figures: &[u32; N],
    to: S,
) -> Result<S::Ok, S::Error> {
    write(figures).serialize(to)
}

/// For `#[serde(with)]` on a fixed number of figures.
pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
    from: D,
) -> Result<[u32; N], D::Error> {
    let text = String::deserialize(from)?;
    read(&text)
        .and_then(|figures| figures.try_into().ok())
        .ok_or_else(|| D::Error::custom(format!("these are not {N} figures: {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_comes_back() {
        let figures = [0, 1, NONE, 70_000, NONE - 1, 0, 15, 16, 31, 32, NONE];
        let text = write(&figures);
        assert_eq!(read(&text).as_deref(), Some(&figures[..]), "{text}");
        assert_eq!(write(&[1000, 1001, 1003, 1003]), "w+BCEA");
    }

    #[test]
    fn what_is_no_text_of_this_is_refused() {
        for text in ["!", "g", "B-g", "////////////", "D", "//////H"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(""), Some(Vec::new()));
    }
}
