//! `memctl recommend [UNIT…]`: limits from what units held over time.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli;
use crate::command::Context;
use crate::error::{Error, Result};
use crate::history::{Grain, History};
use crate::kernel::meminfo::MemInfo;
use crate::recommend::{Advice, Margins, Unknown, observations, recommend};
use crate::systemd::names::{UnitName, UnitType};
use crate::units::quote;
use crate::view::out::print;
use crate::view::recommend::{Recommended, json, profile, why_not};

pub(super) fn run(context: &Context, options: &cli::Recommend) -> Result<u8> {
    let history = History::open(&context.root, &context.scope)?.ok_or_else(nothing_yet)?;
    let known = history.units()?;
    let wanted = match options.units.as_slice() {
        [] => known.into_iter().filter(by_itself).collect(),
        named => named_units(named, &known)?,
    };
    let now = Timestamp::now();
    let mut units = Vec::new();
    for unit in wanted {
        let advice = advice(&history, &unit, now)?;
        units.push((unit, advice));
    }
    let recommended = Recommended {
        now,
        ram: MemInfo::read(&context.root).ok().map(|info| info.total),
        units,
    };
    if context.json {
        print(&json(&recommended).to_string())?;
        return Ok(u8::from(recommended.is_empty()));
    }
    if recommended.is_empty() {
        return Err(nothing(&recommended));
    }
    print(&profile(&recommended, &TimeZone::system()))?;
    Ok(0)
}

fn advice(
    history: &History,
    unit: &UnitName,
    now: Timestamp,
) -> Result<std::result::Result<Advice, Unknown>> {
    let series = |from, until, grain| history.series(unit, from, until, Some(grain));
    let minutes = series(Timestamp::MIN, now, Grain::Minutes)?;
    let hours_until = minutes.first().map_or(now, |point| point.time);
    let raw_from = minutes.last().map_or(Timestamp::MIN, |point| point.time);
    let hours = series(Timestamp::MIN, hours_until, Grain::Hours)?;
    let raw = series(raw_from, now, Grain::Raw)?;
    let seen = observations(&hours, &minutes, &raw);
    Ok(recommend(&seen, &Margins::default()))
}

/// Whether a unit is among those that nobody has to name. A slice's limit is one over others; a scope's name is
/// gone when it ends; what a user's manager holds depends on what that user starts.
fn by_itself(unit: &UnitName) -> bool {
    unit.unit_type() == UnitType::Service && !unit.as_str().starts_with("user@")
}

/// The units that were named; every one that cannot be meant is told.
fn named_units(named: &[String], known: &[UnitName]) -> Result<Vec<UnitName>> {
    let mut units = Vec::new();
    let mut wrong = Vec::new();
    for text in named {
        let with_suffix = format!("{text}.service");
        let is_meant = |unit: &&UnitName| [text, with_suffix.as_str()].contains(&unit.as_str());
        match known.iter().find(is_meant) {
            Some(unit) if !can_be_limited(unit) => {
                wrong.push(format!("{unit} cannot be limited by a profile"));
            }
            Some(unit) if units.contains(unit) => {}
            Some(unit) => units.push(unit.clone()),
            None => wrong.push(unknown(text, known)),
        }
    }
    if wrong.is_empty() {
        return Ok(units);
    }
    Err(Error::usage(wrong.join("\n"))
        .remedy("name units that memctl watch has recorded; without any, all of them are taken"))
}

fn can_be_limited(unit: &UnitName) -> bool {
    let profiles_have = [UnitType::Service, UnitType::Slice, UnitType::Scope];
    profiles_have.contains(&unit.unit_type()) && !["init.scope", "-.slice"].contains(&unit.as_str())
}

fn unknown(text: &str, known: &[UnitName]) -> String {
    let meant = meant(text, known).map_or_else(String::new, |unit| format!("; perhaps {unit}?"));
    format!("the history has no unit {}{meant}", quote(text))
}

/// The known unit that was perhaps meant: without its suffix, or mistyped.
fn meant<'a>(text: &str, known: &'a [UnitName]) -> Option<&'a UnitName> {
    // Distances cost the product of the lengths.
    let text: String = text.chars().take(256).collect();
    let near = |unit: &&UnitName| {
        let whole = strsim::damerau_levenshtein(unit.as_str(), &text);
        let stem = unit.as_str().rsplit_once('.').map_or("", |(stem, _)| stem);
        whole.min(strsim::damerau_levenshtein(stem, &text))
    };
    let unit = known.iter().min_by_key(near)?;
    (near(&unit) <= (text.chars().count() / 4).clamp(1, 3)).then_some(unit)
}

fn nothing_yet() -> Error {
    Error::failed("there is no history yet").remedy(
        "memctl watch records what units hold; let it run for a day, better for a week, then ask again",
    )
}

fn nothing(recommended: &Recommended) -> Error {
    let units = recommended.units.iter();
    let reasons: Vec<String> = units
        .filter_map(|(unit, advice)| Some(format!("{unit}: {}", why_not(*advice.as_ref().err()?))))
        .collect();
    match reasons.as_slice() {
        [] => nothing_yet(),
        _ => Error::failed(format!(
            "nothing can be recommended\n{}",
            reasons.join("\n")
        ))
        .remedy("let memctl watch run for a day, better for a week, then ask again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(names: &[&str]) -> Vec<UnitName> {
        let parse = |name: &&str| UnitName::parse(name).expect("a unit");
        names.iter().map(parse).collect()
    }

    #[test]
    fn an_unknown_unit_is_told_with_what_was_perhaps_meant() {
        let known = units(&["nginx.service", "postgresql.service", "init.scope"]);
        let asked = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            named_units(&names, &known)
        };
        assert_eq!(
            asked(&["postgresql", "nginx.service", "nginx.service"]).expect("known"),
            units(&["postgresql.service", "nginx.service"])
        );
        for (text, told) in [
            ("ngnix.service", "perhaps nginx.service?"),
            ("postgres", "perhaps postgresql.service?"),
            ("init.scope", "cannot be limited"),
        ] {
            let error = asked(&[text, "nginx.service"]).expect_err(text);
            assert_eq!(error.kind(), crate::error::Kind::Usage);
            assert!(error.message().contains(told), "{error}");
        }
        let error = asked(&["x", "zzzzzzzz"]).expect_err("unknown").to_string();
        assert!(!error.contains("perhaps"), "{error}");
        assert!(
            error.contains("`x`") && error.contains("`zzzzzzzz`"),
            "{error}"
        );
    }

    #[test]
    fn only_services_are_taken_unasked() {
        let known = units(&[
            "a.service",
            "user@1000.service",
            "user.slice",
            "session-3.scope",
        ]);
        let taken: Vec<_> = known.into_iter().filter(by_itself).collect();
        assert_eq!(taken, units(&["a.service"]));
    }
}
