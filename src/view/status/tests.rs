use jiff::Timestamp;

use super::*;
use crate::kernel::meminfo::MemInfo;
use crate::kernel::process::Process;
use crate::kernel::psi::{Pressure, Stall};
use crate::sample::{Reading, Sample};
use crate::status::{Sparks, rows};
use crate::systemd::manager::UnitInfo;
use crate::systemd::names::UnitName;
use crate::watched::Watched;

const M: u64 = 1 << 20;

fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect(text)
}

fn sample(unit: &str, need: u64, high: Option<u64>, max: Option<u64>, source: Source) -> Sample {
    let mut sample = Sample::blank(name(unit), Timestamp::UNIX_EPOCH, source);
    sample.slice = Some(name("system.slice"));
    sample.memory.current = Some((need + 40) * M);
    sample.limits.high = Some(high.map(|n| n * M).into());
    sample.limits.max = Some(max.map(|n| n * M).into());
    if source == Source::Cgroup {
        sample.memory.stat.anon = Some(need * M);
        sample.memory.swap = Some(0);
        sample.events.high = Some(0);
        let some = Stall {
            avg10: 1234,
            ..Stall::default()
        };
        sample.pressure = Some(Pressure { some, full: None });
    }
    sample
}

fn status(source: Source) -> Status {
    let mut samples = vec![
        sample("homework-celery.service", 238, Some(240), Some(250), source),
        sample("homework-scraper.service", 80, Some(350), Some(400), source),
        sample(
            "idle-with-a-name-that-goes-on-and-on-for-ever.service",
            1,
            None,
            None,
            source,
        ),
    ];
    samples[0].events.high = Some(12_345);
    samples[0].events.oom_kill = Some(1);
    let reading = Reading {
        time: Timestamp::UNIX_EPOCH,
        host: None,
        samples,
        faults: Vec::new(),
    };
    let info = UnitInfo {
        name: name("homework-scraper.service"),
        load: "loaded".to_owned(),
        active: "active".to_owned(),
        sub: "running".to_owned(),
        description: "Scrapes\u{1b}[2J homework".to_owned(),
    };
    let sparks = Sparks::from([(
        name("homework-celery.service"),
        vec![None, Some(1), Some(2)],
    )]);
    let acts = std::collections::BTreeMap::from([(
        name("homework-celery.service"),
        Acts {
            done: 2,
            holding: vec!["grown".to_owned(), "leak".to_owned()],
            ..Acts::default()
        },
    )]);
    Status {
        time: Timestamp::UNIX_EPOCH,
        source,
        why: None,
        host: Some(MemInfo {
            total: 1024 * M,
            available: Some(512 * M),
            swap_total: Some(100 * M),
            swap_free: Some(100 * M),
            ..MemInfo::default()
        }),
        pressure: None,
        rows: rows(
            &reading,
            Some(&[info]),
            &Watched::Services,
            &sparks,
            &[],
            &acts,
        ),
        notes: vec!["A note.".to_owned()],
        faults: Vec::new(),
    }
}

fn shown(status: &Status, width: Option<usize>) -> String {
    let look = Look {
        width,
        ..Look::default()
    };
    table(status, look).join("\n")
}

#[test]
fn at_two_hundred_columns_everything_is_there() {
    let text = shown(&status(Source::Cgroup), Some(200));
    let expected = "\
RAM 512M of 1G used (50%); swap 0 of 100M

   UNIT                                                   STATE   SUB      %CEIL  NEED  CURRENT  HIGH   MAX  SWAP  EVENTS           PRESSURE  MEMCTL    LAST HOUR
!  homework-celery.service                                –                  99%  238M     278M  240M  250M     0  high 12k kill 1       12%  grown +1  ·▅█
   homework-scraper.service                               active  running    22%   80M     120M  350M  400M     0  0                     12%
   idle-with-a-name-that-goes-on-and-on-for-ever.service  –                 none    1M      41M  none  none     0  0                     12%

! = needs nine tenths of its ceiling or more
A note.";
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn at_eighty_columns_what_matters_is_there() {
    let text = shown(&status(Source::Cgroup), Some(80));
    let expected = "\
RAM 512M of 1G used (50%); swap 0 of 100M

   UNIT                                STATE   %CEIL  NEED  HIGH   MAX  MEMCTL
!  homework-celery.service             –         99%  238M  240M  250M  grown +1
   homework-scraper.service            active    22%   80M  350M  400M
   idle-with-a-name-…for-ever.service  –        none    1M  none  none

! = needs nine tenths of its ceiling or more
A note.";
    assert_eq!(text, expected, "\n{text}");
    for width in [40, 60, 80, 100, 132] {
        for line in shown(&status(Source::Cgroup), Some(width)).lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn by_d_bus_it_says_so_and_what_is_unknown_is_no_zero() {
    let mut status = status(Source::Bus);
    status.why = Some("/sys/fs/cgroup is not there".to_owned());
    let text = shown(&status, None);
    assert!(text.contains("Source: systemd over D-Bus"), "{text}");
    assert!(
        text.contains("cgroupfs cannot be read: /sys/fs/cgroup is not there"),
        "{text}"
    );
    let line = text
        .lines()
        .find(|l| l.contains("homework-scraper"))
        .expect("a line");
    let words: Vec<&str> = line.split_whitespace().collect();
    let expected = [
        "homework-scraper.service",
        "active",
        "running",
        "–",
        "–",
        "120M",
        "350M",
        "400M",
        "–",
        "–",
        "–",
    ];
    assert_eq!(words, expected, "{text}");
    let one = &status.rows[0];
    let page = detail(&status, one, &Detail::default(), Look::default()).join("\n");
    assert!(page.contains("MemoryCurrent"), "{page}");
    assert!(page.contains("Need: –"), "{page}");
    assert!(!page.contains("memory.current"), "{page}");
}

#[test]
fn one_unit_in_detail_with_where_each_figure_stands() {
    let status = status(Source::Cgroup);
    let row = status
        .rows
        .iter()
        .find(|r| r.description.is_some())
        .expect("a row");
    let more = Detail {
        cgroup: Some("/sys/fs/cgroup/system.slice/homework-scraper.service".into()),
        processes: vec![Process {
            pid: 7,
            comm: "python3".to_owned(),
            command: format!("python3 {}", "x".repeat(200)),
            rss: Some(9 * M),
            threads: Some(3),
            ..Process::default()
        }],
        ..Detail::default()
    };
    for width in [Some(60), Some(80), None] {
        let look = Look {
            width,
            ..Look::default()
        };
        let page = detail(&status, row, &more, look);
        let text = page.join("\n");
        assert!(
            !text.contains('\u{1b}'),
            "a description commands no terminal: {text}"
        );
        assert!(
            text.contains("Ceiling: 350M, its own MemoryHigh; 22% of it needed"),
            "{text}"
        );
        let high = page.iter().find(|line| line.contains("MemoryHigh: "));
        assert!(
            high.is_some_and(|line| line.ends_with("memory.high")),
            "{text}"
        );
        assert!(text.contains("Current: 120M (40M reclaimable)"), "{text}");
        assert!(text.contains("as root"), "{text}");
        let width = width.unwrap_or(usize::MAX);
        let wide = page.iter().find(|line| line.chars().count() > width);
        assert_eq!(wide, None, "{text}");
    }
}

#[test]
fn a_unit_that_grows_shows_how_fast_and_until_when() {
    use crate::policy::leak::{Finding, Forecast, Verdict};
    let mut status = status(Source::Cgroup);
    let found = |finding, forecast| Verdict {
        finding,
        is_cautious: false,
        slope: Some(1000.0),
        forecast,
        window: Some(6 * 3600),
    };
    let forecast = Forecast {
        early: 3600,
        likely: 7200,
        late: None,
    };
    status.rows[0].trend = Some(found(Finding::Growing, Some(forecast)));
    status.rows[1].trend = Some(found(Finding::Steady, Some(forecast)));
    let text = shown(&status, None);
    let cells = |unit: &str| {
        let line = text.lines().find(|line| line.contains(unit)).expect(unit);
        line.split("  ")
            .map(str::trim)
            .filter(|c| !c.is_empty())
            .collect::<Vec<_>>()
    };
    assert!(text.contains("SLOPE  FORECAST"), "{text}");
    assert!(
        cells("celery").contains(&"3.4M an hour") && cells("celery").contains(&"2h (1h or more)")
    );
    assert!(cells("scraper").contains(&"3.4M an hour"));
    assert!(
        !text
            .lines()
            .any(|line| line.contains("scraper") && line.contains("2h")),
        "{text}"
    );
}

#[test]
fn only_what_was_learnt_of_this_start_and_lately_is_shown() {
    use crate::policy::Trend;
    use crate::sample::{Invocation, Start};
    use crate::status::add_trends;
    let mut status = status(Source::Cgroup);
    let unit = status.rows[0].unit.clone();
    let sample = status.rows[0].sample.as_mut().expect("it runs");
    sample.start = Start {
        invocation: Some(Invocation(1)),
        inode: None,
    };
    let at = |second| Timestamp::from_second(second).expect("a time");
    let mut trend = Trend::default();
    trend.take(sample, None, at(1000));
    let trends = [(unit, trend)].into();
    let mut shown = |now: i64, invocation: u128| {
        let sample = status.rows[0].sample.as_mut().expect("it runs");
        sample.start.invocation = Some(Invocation(invocation));
        status.rows[0].trend = None;
        add_trends(&mut status.rows, &trends, at(now));
        status.rows[0].trend.is_some()
    };
    assert!(shown(1000, 1) && shown(1899, 1));
    assert!(!shown(1900, 1), "nobody watches any more");
    assert!(!shown(1000, 2), "it was started anew");
}
