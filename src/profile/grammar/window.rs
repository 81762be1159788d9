//! Restart windows: days, times, time zone.

use std::ops::Range;

use super::super::restart::Window;
use super::{Read, part, words, wrong};
use crate::units::{UnitError, quote};

const WINDOW: &str = "[days] HH:MM-HH:MM [zone]: 02:00-05:00, Sat,Sun 22:00-04:00, Mon..Fri 02:00-05:00 Europe/Berlin";

/// `02:00-05:00`, `Mon..Fri 02:00-05:00`, `Sat,Sun 22:00-04:00 Europe/Berlin`.
pub(in crate::profile) fn window(text: &str) -> Read<Window> {
    let words = words(text);
    let is_time =
        |word: &Range<usize>| text[word.clone()].starts_with(|c: char| c.is_ascii_digit());
    let (days, times, zone) = match words.as_slice() {
        [times] => (None, times, None),
        [times, zone] if is_time(times) => (None, times, Some(zone)),
        [days, times] => (Some(days), times, None),
        [days, times, zone] => (Some(days), times, Some(zone)),
        _ => return Err(wrong(text, "the window cannot be read", WINDOW)),
    };
    let days = match days {
        Some(at) => part(text, at.clone(), WINDOW, read_days)?,
        None => Window::EVERY_DAY,
    };
    let (from, to) = part(text, times.clone(), WINDOW, read_times)?;
    let zone = zone
        .map(|at| part(text, at.clone(), WINDOW, read_zone))
        .transpose()?;
    Ok(Window {
        days,
        from,
        to,
        zone,
    })
}

/// `Mon..Fri`, `Sat,Sun`, by short or full names, whatever their case, as in systemd's calendars.
fn read_days(text: &str) -> Read<u8> {
    const DAYS: [&str; 7] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let day = |name: &str, at: usize| {
        let lower = name.to_ascii_lowercase();
        DAYS.iter()
            .position(|day| *day == lower || day[..3] == lower)
            .ok_or_else(|| {
                UnitError::new(
                    at..at + name.len(),
                    format!("{} is no day", quote(name)),
                    WINDOW,
                )
            })
    };
    let mut mask = 0u8;
    let mut at = 0;
    for item in text.split(',') {
        match item.split_once("..").or_else(|| item.split_once('-')) {
            None => mask |= 1 << day(item, at)?,
            Some((from, to)) => {
                let first = day(from, at)?;
                let last = day(to, at + item.len() - to.len())?;
                // Sat..Mon goes over the end of the week.
                let length = (last + 7 - first) % 7;
                for offset in 0..=length {
                    mask |= 1 << ((first + offset) % 7);
                }
            }
        }
        at += item.len() + 1;
    }
    Ok(mask)
}

fn read_times(text: &str) -> Read<(u16, u16)> {
    let Some((from, to)) = text.split_once('-') else {
        return Err(wrong(text, "a beginning and an end are expected", WINDOW));
    };
    let to_at = text.len() - to.len()..text.len();
    let from = part(text, 0..from.len(), WINDOW, read_time)?;
    let to = part(text, to_at.clone(), WINDOW, read_time)?;
    match (from, to) {
        (1440, _) => Err(wrong(
            text,
            "a window begins at 00:00, not at 24:00",
            WINDOW,
        )),
        _ if from == to => Err(UnitError::new(
            to_at,
            "the window has no length; the whole day is 00:00-24:00",
            WINDOW,
        )),
        times => Ok(times),
    }
}

/// `02:00` in minutes; 24:00 is the end of the day.
fn read_time(text: &str) -> Read<u16> {
    let digits = |t: &str, most: u16| {
        let good = (1..=2).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
        t.parse::<u16>().ok().filter(|n| good && *n <= most)
    };
    text.split_once(':')
        .and_then(|(h, m)| Some(digits(h, 24)? * 60 + digits(m, 59).filter(|_| m.len() == 2)?))
        .filter(|minutes| *minutes <= 1440)
        .ok_or_else(|| {
            wrong(
                text,
                format!("{} is no time of the day", quote(text)),
                WINDOW,
            )
        })
}

/// The form of a name of the time zone database; whether it is there is known where it is used.
fn read_zone(text: &str) -> Read<String> {
    let good = text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
    if good {
        Ok(text.to_owned())
    } else {
        Err(wrong(
            text,
            format!("{} is no time zone", quote(text)),
            WINDOW,
        ))
    }
}
