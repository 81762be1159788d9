//! One scale's figures held against what a leak must show.
//!
//! A leak must have risen, in itself and not with load, in small steps, without giving back, to where need has not been
//! before, and must reach the limit even if it goes on slowing down as it has. Above all no forecast reaches further
//! than what was seen: what has risen must be a good part of what is left below the limit. Each doubt asks for more.

use super::series::{NONE, Series};
use super::window::{Trend, Window};

/// The least rise, in pages: 2 MiB.
pub(super) const RISE: f32 = 512.0;
/// The least rise, of the level.
pub(super) const SHARE: f32 = 0.03;
/// The least rise, of what is left below the limit.
pub(super) const LEFT: f32 = 0.1;
/// The least tau.
const TAU: f32 = 0.65;
/// A drop of this part of the rise is a release.
const RELEASE: f32 = 0.3;
/// The least number of even steps.
pub(super) const STEPS: f32 = 3.3;
/// The same of means over a day, in days.
const MEAN_STEPS: f32 = 2.4;
/// The least that must be over all that was before, of the rise.
pub(super) const FRESH: f32 = 0.25;
/// The least pace of the last quarter, of the whole's.
pub(super) const RECENT: f32 = 0.4;
/// The least part of the rise that load does not explain, without a doubt.
pub(super) const BESIDE: f32 = 0.5;
/// What has risen, of what is left, without any doubt.
const DEMAND: f32 = 0.5;
/// And with all of them.
const MOST: f32 = 5.0;
/// What is so much more than the demand that it need not be seen twice.
const PLAIN: f32 = 1.2;
/// And what tau is so clean.
const CLEAN: f32 = 0.9;
/// It has stood still if it stood for this part of the time that it has grown for.
const STOOD: f32 = 0.5;
/// A window stands still if it rises by less than this part of what is left below the limit.
const STILL: f32 = 0.05;
/// It stands still if it moves by less than this part of what it would have risen by.
const PACE: f32 = 0.3;
/// So much more must be left of a rise where load rose as well.
pub(super) const LOADED: f32 = 1.4;
/// Load explains a rise if it rose by this part of it.
const ELASTIC: f32 = 0.5;

/// What is asked beside the figures of the scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    /// The limit, in pages.
    pub limit: Option<f32>,
    /// The most that was seen of late, in pages.
    pub high: f32,
    /// The least of the last bucket of the finest scale.
    pub now: f32,
    /// Need is told, and not only what is in use.
    pub is_need: bool,
    /// How long this start was watched, in seconds.
    pub age: f32,
    /// The longest time that it has stood still, in seconds.
    pub stood: f32,
    /// By how much a finer scale moved of late, in pages, and in how many buckets of this one.
    pub lately: Option<(f32, f32)>,
    /// How long a bucket is, in seconds.
    pub bucket: f32,
    /// The figures are means over a day.
    pub is_mean: bool,
    /// Up to here an earlier start grew, and stopped; in pages.
    pub worked: Option<f32>,
    /// An earlier start was taken for a leak.
    pub tried: bool,
    /// An earlier start grew as this one does, up to its end.
    pub again: bool,
}

/// A doubt that asks for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It grows since it is watched.
    First,
    /// A day was not seen yet.
    Cycle,
    /// Load tells most of the rise.
    Load,
    /// Page cache may be in it.
    Cache,
    /// It is within half a day, as much of what services do is.
    Within,
    /// It is less than three hours.
    Short,
    /// It is less than an hour, even.
    Shorter,
    /// An earlier start grew up to here, and stopped.
    Worked,
    /// It slows down.
    Slower,
    /// It rises by few steps.
    Uneven,
    /// As much was given back before.
    Gave,
    /// An earlier start was taken for a leak, too.
    Tried,
    /// It stands still just now.
    Still,
}

impl Doubt {
    pub const ALL: [Self; 13] = [
        Self::First,
        Self::Cycle,
        Self::Load,
        Self::Cache,
        Self::Within,
        Self::Short,
        Self::Shorter,
        Self::Worked,
        Self::Slower,
        Self::Uneven,
        Self::Gave,
        Self::Tried,
        Self::Still,
    ];

    fn factor(self) -> f32 {
        match self {
            Self::First => 1.6,
            Self::Cycle => 2.0,
            Self::Load => 3.0,
            Self::Cache => 1.5,
            Self::Within => 1.3,
            Self::Short => 1.4,
            Self::Shorter => 2.0,
            Self::Worked => 3.0,
            Self::Slower => 1.3,
            Self::Uneven => 1.3,
            Self::Gave => 1.5,
            Self::Tried => 1.5,
            Self::Still => 1.6,
        }
    }
}

/// A scale's figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judged {
    pub n: usize,
    /// It rose enough for the rest to be looked at.
    pub is_weighed: bool,
    /// It passed all that comes before the doubts.
    pub is_doubted: bool,
    pub trend: Trend,
    pub tau: f32,
    /// How far need has risen over all that was before.
    pub fresh: f32,
    /// The highest that was seen and given back.
    pub before: f32,
    pub steps: f32,
    /// The least number of steps. A jump becomes a day of rise in the mean over a day: two of these must not do.
    pub least_steps: f32,
    pub recent: f32,
    /// Nothing to speak of was given back since the window ended.
    pub kept: bool,
    /// What is left below the limit.
    pub room: Option<f32>,
    pub beside: Option<f32>,
    pub demand: f32,
    pub doubts: u16,
    /// How long it stands still, in seconds; 0 if it does not.
    pub stood: f32,
    pub grows: bool,
    pub leaks: bool,
    /// And by so much that it need not be seen twice.
    pub plainly: bool,
    pub strict: bool,
}

impl Judged {
    pub fn has(&self, doubt: Doubt) -> bool {
        self.doubts & (1 << doubt as u8) != 0
    }

    /// The least tau: few figures must rise nearly all.
    pub fn least_tau(&self) -> f32 {
        if self.n < 8 { 0.8 } else { TAU }
    }
}

/// How many figures a window must have.
pub(super) fn needed(bucket: f32) -> usize {
    if bucket >= 6.0 * 3600.0 { 6 } else { 8 }
}

/// Judges a scale; `None` where there is too little of it. What plainly does not grow is not weighed.
pub(super) fn judge(low: &Series, around: &Around) -> Option<Judged> {
    if low.back(0) == NONE || low.back(2) == NONE {
        return None;
    }
    let window = Window::of(low);
    if window.n < needed(around.bucket) {
        return None;
    }
    let trend = window.trend();
    if trend.span <= 0.0 {
        return None;
    }
    let rise = trend.rise();
    let mut judged = Judged {
        n: window.n,
        is_weighed: false,
        is_doubted: false,
        trend,
        tau: 0.0,
        fresh: 0.0,
        before: 0.0,
        steps: 0.0,
        least_steps: if around.is_mean {
            MEAN_STEPS * 86_400.0 / around.bucket
        } else {
            STEPS
        },
        recent: 0.0,
        kept: false,
        room: around
            .limit
            .map(|limit| (limit - around.high.max(trend.to)).max(0.0)),
        beside: None,
        demand: DEMAND,
        doubts: 0,
        stood: 0.0,
        grows: false,
        leaks: false,
        plainly: false,
        strict: false,
    };
    if rise < STILL * judged.room.unwrap_or(trend.to) {
        judged.stood = trend.span * around.bucket;
    }
    if rise < RISE || rise < SHARE * trend.to {
        return Some(judged);
    }
    if judged.room.is_some_and(|room| rise < LEFT * room) {
        return Some(judged);
    }
    judged.is_weighed = true;
    judged.before = window.released(RELEASE * rise).max(low.past() as f32);
    // What was flat before it began to grow is left away, as far as enough stays to judge by.
    let least = window.least();
    let begun = window
        .begun(trend.from + 0.1 * rise)
        .min(window.n - needed(around.bucket));
    let (first, _) = window.ends(&trend);
    let window = window.cut(begun);
    let trend = window.trend();
    let rise = trend.rise();
    (judged.n, judged.trend) = (window.n, trend);
    if rise < RISE || trend.span <= 0.0 {
        return Some(judged);
    }
    let (_, last) = window.ends(&trend);
    judged.fresh = (last - first.max(judged.before)).max(0.0);
    judged.tau = window.tau();
    judged.steps = window.steps();
    // Not given back since, by a part that would be a release.
    judged.kept = around.is_mean || around.now >= trend.to - RELEASE * rise;
    // It must still go on: the last quarter.
    let n = window.n;
    let q = n / 4;
    let levels = window.levels();
    let late = levels[n - 1].max(levels[n - 2]) - levels[n - 1 - q].min(levels[n - 2 - q]);
    judged.recent = late / (rise / trend.span * (q as f32 + 1.0));
    if judged.tau < judged.least_tau()
        || judged.steps < judged.least_steps
        || !judged.kept
        || judged.fresh < FRESH * rise
        || judged.recent < RECENT
    {
        return Some(judged);
    }
    judged.is_doubted = true;
    let load = window.load(low);
    judged.beside = load.map(|load| load.beside);
    let span = trend.span * around.bucket;
    let mut doubt = |doubt: Doubt, is: bool| {
        if is {
            judged.doubts |= 1 << doubt as u8;
            judged.demand *= doubt.factor();
        }
    };
    // Need that follows load rises by no larger a part than load does.
    let by_load = load.is_some_and(|load| {
        load.beside < BESIDE
            || load.beside < LOADED * BESIDE && load.rise >= ELASTIC * rise / trend.from.max(1.0)
    });
    // The trend is between the middles of three figures, and begins when a tenth had risen.
    let grew = (trend.span + 2.0) / 0.9 * around.bucket;
    doubt(Doubt::First, around.stood < STOOD * grew && !around.again);
    // Within half a day, the day before must have been seen whole: a first one may have begun at noon.
    let day = if span < 12.0 * 3600.0 { 48.0 } else { 26.0 };
    doubt(Doubt::Cycle, around.age < day * 3600.0);
    doubt(Doubt::Load, by_load);
    doubt(Doubt::Cache, !around.is_need);
    doubt(Doubt::Within, span < 12.0 * 3600.0);
    doubt(Doubt::Short, span < 3.0 * 3600.0);
    doubt(Doubt::Shorter, span < 3600.0);
    doubt(
        Doubt::Worked,
        around.worked.is_some_and(|level| trend.to < 1.1 * level),
    );
    doubt(Doubt::Slower, trend.ratio() < 0.7);
    doubt(Doubt::Uneven, judged.steps < 0.45 * n as f32);
    doubt(Doubt::Gave, judged.before - least > 0.5 * judged.fresh);
    doubt(Doubt::Tried, around.tried);
    // What a finer scale saw move in the meantime, against what it would have risen by.
    doubt(
        Doubt::Still,
        around
            .lately
            .is_some_and(|(moved, part)| moved < PACE * rise / trend.span * part),
    );
    judged.demand = judged.demand.min(MOST);
    judged.grows = trend.ratio() > 0.3;
    let Some(room) = judged.room else {
        return Some(judged);
    };
    let part = judged.fresh / room.max(1.0);
    judged.leaks = part >= judged.demand && trend.left() >= room;
    judged.plainly = judged.leaks && (part >= PLAIN * judged.demand || judged.tau >= CLEAN);
    judged.strict = part >= 2.0 * judged.demand && trend.left() >= 1.5 * room;
    Some(judged)
}
