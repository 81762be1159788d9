//! `memctl history`: what a unit held over time.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use crate::cli::{self, Resolution};
use crate::command::Context;
use crate::error::{Error, Kind, Result};
use crate::history::{Grain, History};
use crate::systemd::names::{NameError, UnitName};
use crate::units::parse_moment;
use crate::view::chart::{self, Canvas};
use crate::view::course::Course;
use crate::view::history;
use crate::view::out::{colour_on_stdout, print, terminal};

pub(super) fn run(context: &Context, options: &cli::History) -> Result<u8> {
    let unit = unit_name(&options.unit)?;
    let now = ZonedDateTime::now();
    let from = moment("--since", &options.since, &now)?;
    let until = match &options.until {
        Some(text) => moment("--until", text, &now)?,
        None => now.timestamp(),
    };
    if from >= until {
        let zone = now.time_zone();
        let shown = |time| zone.to_datetime(time).strftime("%F %T").to_string();
        let [from, until] = [from, until].map(shown);
        let told = format!("--since is {from}, and that is not before --until, {until}");
        return Err(Error::usage(told));
    }
    let Some(past) = History::open(&context.root, &context.scope)? else {
        let (start, once) = if context.scope.is_user() {
            ("memctl --user watch", "memctl --user watch --once")
        } else {
            (
                "systemctl enable --now memctl.service",
                "memctl watch --once",
            )
        };
        return Err(Error::failed("nothing was recorded yet").remedy(format!(
            "`{start}` records from now on, `{once}` one reading"
        )));
    };
    let known = past.units()?;
    if !known.contains(&unit) {
        return Err(unknown(&unit, &known));
    }
    let grain = options.resolution.map(|resolution| match resolution {
        Resolution::Raw => Grain::Raw,
        Resolution::Minutes => Grain::Minutes,
        Resolution::Hours => Grain::Hours,
    });
    let points = past.series(&unit, from, until, grain)?;
    if options.csv {
        print(&history::csv(&points)?)?;
        return Ok(0);
    }
    let course = Course::new(&points, from, until);
    if context.json {
        let by_length = Grain::for_length(until.duration_since(from));
        let grain = points
            .first()
            .map(|p| p.grain)
            .or(grain)
            .unwrap_or(by_length);
        print(&history::json(&unit, &course, &points, grain).to_string())?;
        return Ok(0);
    }
    let zone = now.time_zone();
    if points.is_empty() {
        let all = past.series(
            &unit,
            Timestamp::MIN,
            Timestamp::MAX,
            Some(grain.unwrap_or(Grain::Hours)),
        )?;
        print(&history::nothing(&unit, &course, zone, &all))?;
        return Ok(0);
    }
    print(&shown(&unit, &course, &points, zone))?;
    Ok(0)
}

/// The heading, the chart and the figures, in what room there is.
fn shown(
    unit: &UnitName,
    course: &Course<'_>,
    points: &[crate::history::Point],
    zone: &TimeZone,
) -> String {
    let (width, height) = terminal().unwrap_or((80, 24));
    let figures = history::figures(course, points, zone);
    // The heading, an empty line after the chart, the figures, and the next prompt.
    let height = height.saturating_sub(figures.len() + 3);
    let canvas = Canvas {
        // Wider says no more, and higher neither.
        width: width.clamp(40, 240),
        height: height.clamp(8, 30),
        colour: colour_on_stdout(),
    };
    let heading = history::heading(unit, course, zone);
    let chart = chart::draw(course, zone, canvas);
    format!("{heading}\n{chart}\n\n{}", figures.join("\n"))
}

/// A unit name; a service if it names no type, as systemctl has it.
pub(super) fn unit_name(text: &str) -> Result<UnitName> {
    let parsed = match UnitName::parse(text) {
        Err(NameError::NoType) => UnitName::parse(&format!("{text}.service")),
        other => other,
    };
    parsed.map_err(|e| Error::usage(format!("{}: {e}", crate::units::quote(text))))
}

/// A time that was given with an option.
pub(super) fn moment(option: &str, text: &str, now: &ZonedDateTime) -> Result<Timestamp> {
    parse_moment(text, now).map_err(|e| Error::usage(format!("{option}: {e}")))
}

/// What is told of a unit that was never recorded.
fn unknown(unit: &UnitName, known: &[UnitName]) -> Error {
    let error = Error::new(Kind::Usage, format!("nothing of {unit} was recorded"));
    let mut near: Vec<(usize, &UnitName)> = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name.stem(), unit.stem()), name))
        .filter(|(distance, name)| {
            *distance <= (unit.stem().len() / 3).clamp(1, 3) || name.stem().contains(unit.stem())
        })
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    let names: Vec<&str> = near.iter().take(3).map(|(_, name)| name.as_str()).collect();
    match names.as_slice() {
        [] => error
            .remedy("`memctl watch` records the units of the profiles, with --all every service"),
        names => error.remedy(format!("perhaps {}?", names.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_were_perhaps_meant() {
        let name = |text: &str| UnitName::parse(text).expect(text);
        let known = ["nginx.service", "postgresql@15-main.service", "web.service"].map(name);
        let told = |text: &str| unknown(&unit_name(text).expect(text), &known).to_string();
        assert!(
            told("ngnix").ends_with("perhaps nginx.service?"),
            "{}",
            told("ngnix")
        );
        assert!(told("postgresql").contains("perhaps postgresql@15-main.service?"));
        assert!(told("zzz.service").contains("memctl watch"));
        assert_eq!(unknown(&name("a.service"), &known).kind(), Kind::Usage);
    }
}
