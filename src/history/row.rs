//! A point as the database has it: a row of numbers, each of which may be unknown.

use jiff::Timestamp;

use crate::history::{Figures, Grain, Point, Spread};
use crate::sample::{Invocation, Limit, Sample, Source, Start};

/// The columns. Their order is the database's format: new ones are added at the end. What changes often stands first,
/// so that the set of changed columns is a small number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Column {
    /// Microseconds.
    Cpu,
    /// The last that was known.
    Current,
    Anon,
    File,
    SlabUnreclaimable,
    Pagetables,
    KernelStack,
    Sock,
    Percpu,
    Shmem,
    Swap,
    Tasks,
    Peak,
    PressureSome,
    PressureFull,
    HighEvents,
    MaxEvents,
    OomKill,
    /// Limits: [`NO_LIMIT`] is none.
    High,
    Max,
    SwapMax,
    Ceiling,
    /// Of the invocation's 128 bits the upper ones.
    InvocationHigh,
    InvocationLow,
    Inode,
    /// 0 cgroup, 1 D-Bus.
    Source,
    /// How many readings the row is of.
    Readings,
    /// Gained since the reading before.
    Restarts,
    OomKills,
    Highs,
    /// How much less than the last one the least was.
    CurrentUnder,
    /// How much more the greatest was.
    CurrentOver,
    NeedUnder,
    NeedOver,
    /// The last need that was known, where the last reading's other figures do not say it.
    NeedLast,
}

/// How many there are.
pub const COLUMNS: usize = Column::NeedLast as usize + 1;

/// A limit's value where there is no limit.
const NO_LIMIT: u64 = u64::MAX;

/// A row of numbers. A value that is unknown is 0 in `values`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// A bit for each column whose value is known.
    pub known: u64,
    /// The values.
    pub values: [u64; COLUMNS],
}

impl Row {
    /// Nothing known.
    pub const BLANK: Self = Self {
        known: 0,
        values: [0; COLUMNS],
    };

    /// A value.
    pub fn get(&self, column: Column) -> Option<u64> {
        let at = column as usize;
        (self.known & (1 << at) != 0).then(|| self.values[at])
    }

    /// Sets a value, or that it is unknown.
    pub fn set(&mut self, column: Column, value: Option<u64>) {
        self.set_at(column as usize, value);
    }

    /// The same by the column's place.
    pub fn set_at(&mut self, at: usize, value: Option<u64>) {
        self.values[at] = value.unwrap_or(0);
        self.known &= !(1 << at);
        self.known |= u64::from(value.is_some()) << at;
    }

    /// A reading; what it gained on the one before is not known yet.
    pub fn of_sample(sample: &Sample, ceiling: Option<u64>) -> Self {
        let stat = &sample.memory.stat;
        let full = sample.pressure.and_then(|p| p.full);
        let point = Point {
            time: sample.time,
            grain: Grain::Raw,
            readings: 1,
            start: sample.start,
            source: sample.source,
            current: sample.memory.current.map(Spread::of),
            need: sample.memory.need().map(Spread::of),
            last: Figures {
                peak: sample.memory.peak,
                swap: sample.memory.swap,
                anon: stat.anon,
                file: stat.file,
                shmem: stat.shmem,
                slab_unreclaimable: stat.slab_unreclaimable,
                kernel_stack: stat.kernel_stack,
                pagetables: stat.pagetables,
                percpu: stat.percpu,
                sock: stat.sock,
                high: sample.limits.high,
                max: sample.limits.max,
                swap_max: sample.limits.swap_max,
                ceiling,
                cpu_usec: sample.cpu.usage_usec,
                tasks: sample.tasks,
                high_events: sample.events.high,
                max_events: sample.events.max,
                oom_kill: sample.events.oom_kill,
                pressure_some_usec: sample.pressure.map(|p| p.some.total),
                pressure_full_usec: full.map(|f| f.total),
            },
            restarts: 0,
            oom_kills: 0,
            highs: 0,
        };
        Self::of_point(&point)
    }

    /// Which start of the unit it is of.
    pub fn start(&self) -> Start {
        let half = |column| self.get(column).unwrap_or(0);
        let id = u128::from(half(Column::InvocationHigh)) << 64
            | u128::from(half(Column::InvocationLow));
        Start {
            invocation: (id != 0).then_some(Invocation(id)),
            inode: self.get(Column::Inode),
        }
    }

    /// A point as a row; without its time and grain.
    pub fn of_point(point: &Point) -> Self {
        let mut row = Self::BLANK;
        let last = &point.last;
        for (column, value) in [
            (Column::Cpu, last.cpu_usec),
            (Column::Current, point.current.map(|s| s.last)),
            (Column::Anon, last.anon),
            (Column::File, last.file),
            (Column::SlabUnreclaimable, last.slab_unreclaimable),
            (Column::Pagetables, last.pagetables),
            (Column::KernelStack, last.kernel_stack),
            (Column::Sock, last.sock),
            (Column::Percpu, last.percpu),
            (Column::Shmem, last.shmem),
            (Column::Swap, last.swap),
            (Column::Tasks, last.tasks),
            (Column::Peak, last.peak),
            (Column::PressureSome, last.pressure_some_usec),
            (Column::PressureFull, last.pressure_full_usec),
            (Column::HighEvents, last.high_events),
            (Column::MaxEvents, last.max_events),
            (Column::OomKill, last.oom_kill),
            (Column::High, last.high.map(limit_value)),
            (Column::Max, last.max.map(limit_value)),
            (Column::SwapMax, last.swap_max.map(limit_value)),
            (Column::Ceiling, last.ceiling),
            (Column::Inode, point.start.inode),
            (Column::Source, Some(source_value(point.source))),
            (Column::Readings, Some(point.readings)),
            (Column::Restarts, Some(point.restarts)),
            (Column::OomKills, Some(point.oom_kills)),
            (Column::Highs, Some(point.highs)),
            (Column::CurrentUnder, point.current.map(|s| s.last - s.min)),
            (Column::CurrentOver, point.current.map(|s| s.max - s.last)),
            (Column::NeedUnder, point.need.map(|s| s.last - s.min)),
            (Column::NeedOver, point.need.map(|s| s.max - s.last)),
        ] {
            row.set(column, value);
        }
        if let Some(Invocation(id)) = point.start.invocation {
            row.set(Column::InvocationHigh, Some((id >> 64) as u64));
            row.set(Column::InvocationLow, Some(id as u64));
        }
        let need = point.need.map(|s| s.last);
        if need != last.need() {
            row.set(Column::NeedLast, need);
        }
        row
    }

    /// The point that a row is.
    pub fn point(&self, time: Timestamp, grain: Grain) -> Point {
        let get = |column| self.get(column);
        let limit = |column| self.get(column).map(limit_of);
        // A damaged row may say anything; nothing here may overflow.
        let spread = |last: Option<u64>, under, over| {
            let last = last?;
            Some(Spread {
                min: last.saturating_sub(get(under)?),
                max: last.saturating_add(get(over)?),
                last,
            })
        };
        let last = Figures {
            peak: get(Column::Peak),
            swap: get(Column::Swap),
            anon: get(Column::Anon),
            file: get(Column::File),
            shmem: get(Column::Shmem),
            slab_unreclaimable: get(Column::SlabUnreclaimable),
            kernel_stack: get(Column::KernelStack),
            pagetables: get(Column::Pagetables),
            percpu: get(Column::Percpu),
            sock: get(Column::Sock),
            high: limit(Column::High),
            max: limit(Column::Max),
            swap_max: limit(Column::SwapMax),
            ceiling: get(Column::Ceiling),
            cpu_usec: get(Column::Cpu),
            tasks: get(Column::Tasks),
            high_events: get(Column::HighEvents),
            max_events: get(Column::MaxEvents),
            oom_kill: get(Column::OomKill),
            pressure_some_usec: get(Column::PressureSome),
            pressure_full_usec: get(Column::PressureFull),
        };
        let need = get(Column::NeedLast).or_else(|| last.need());
        Point {
            time,
            grain,
            readings: get(Column::Readings).unwrap_or(1),
            start: self.start(),
            source: match get(Column::Source) {
                Some(1) => Source::Bus,
                _ => Source::Cgroup,
            },
            current: spread(
                get(Column::Current),
                Column::CurrentUnder,
                Column::CurrentOver,
            ),
            need: spread(need, Column::NeedUnder, Column::NeedOver),
            last,
            restarts: get(Column::Restarts).unwrap_or(0),
            oom_kills: get(Column::OomKills).unwrap_or(0),
            highs: get(Column::Highs).unwrap_or(0),
        }
    }
}

fn source_value(source: Source) -> u64 {
    match source {
        Source::Cgroup => 0,
        Source::Bus => 1,
    }
}

fn limit_value(limit: Limit) -> u64 {
    limit.bytes().unwrap_or(NO_LIMIT)
}

fn limit_of(value: u64) -> Limit {
    match value {
        NO_LIMIT => Limit::Infinity,
        bytes => Limit::Bytes(bytes),
    }
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any row that keeps its own rule.
    pub fn any_row() -> impl Strategy<Value = Row> {
        let value = prop_oneof![
            3 => Just(None),
            3 => (0..1000_u64).prop_map(|pages| Some(pages << 12)),
            1 => any::<u64>().prop_map(Some),
        ];
        prop::collection::vec(value, COLUMNS).prop_map(|values| {
            let mut row = Row::BLANK;
            for (at, value) in values.into_iter().enumerate() {
                row.set_at(at, value);
            }
            row
        })
    }

    fn spread() -> impl Strategy<Value = Option<Spread>> {
        prop::option::of(prop::array::uniform3(any::<u64>()).prop_map(|mut three| {
            let [a, b, c] = &mut three;
            let last = *c;
            Spread {
                min: (*a).min(*b).min(last),
                max: (*a).max(*b).max(last),
                last,
            }
        }))
    }

    proptest! {
        #[test]
        fn points_come_back(row in any_row(), current in spread(), need in spread(), id in any::<u128>()) {
            let mut point = row.point(Timestamp::UNIX_EPOCH, Grain::Hours);
            point.current = current;
            point.need = need.or_else(|| point.last.need().map(Spread::of));
            point.start.invocation = (id != 0).then_some(Invocation(id));
            let back = Row::of_point(&point).point(point.time, point.grain);
            prop_assert_eq!(back, point);
        }
    }

    #[test]
    fn a_reading_is_a_point_of_itself() {
        let unit = crate::systemd::names::UnitName::parse("a.service").expect("a name");
        let mut sample = Sample::blank(unit, Timestamp::UNIX_EPOCH, Source::Bus);
        sample.memory.current = Some(500);
        let point = |s: &Sample| Row::of_sample(s, Some(9)).point(s.time, Grain::Raw);
        assert_eq!(point(&sample).need, None);
        sample.memory.stat.anon = Some(100);
        sample.memory.stat.sock = Some(1);
        sample.memory.swap = Some(10);
        sample.limits.high = Some(Limit::Infinity);
        sample.limits.max = Some(Limit::Bytes(7));
        let point = point(&sample);
        assert_eq!(point.need, Some(Spread::of(111)));
        assert_eq!(point.current, Some(Spread::of(500)));
        assert_eq!(point.last.high, Some(Limit::Infinity));
        assert_eq!(point.last.max, Some(Limit::Bytes(7)));
        assert_eq!(point.last.swap_max, None);
        assert_eq!(point.last.ceiling, Some(9));
        assert_eq!(point.source, Source::Bus);
    }
}
