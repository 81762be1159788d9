//! Many rows of one unit in few bytes: column by column, for most columns hardly ever change.
//!
//! ```text
//! rows, columns + 1, then the times and each column:
//!   shift            how many lowest bits are 0 in all of its values: sizes are whole pages
//!   run…             until all rows are there; count - 1 in the upper bits of a number, its kind in the lower two:
//!     0  so many values as expected: as the one before (a time: as long after the one before as that after its own)
//!     1  so many are unknown
//!     2  so many steps follow, each from what was expected
//! ```

use super::row::{COLUMNS, Row};
use super::varint::{Damaged, follow, put, step, take};

/// The most rows of one block: a reading each half second of an hour, and room for clocks that were set back.
pub const MOST_ROWS: usize = 7200;

/// A row and its time, in milliseconds since 1970.
pub type Timed = (i64, Row);

const EXPECTED: u64 = 0;
const UNKNOWN: u64 = 1;
const STEPS: u64 = 2;

/// What the next value is expected to be.
struct Expect {
    last: u64,
    pace: u64,
    linear: bool,
}

impl Expect {
    fn new(linear: bool) -> Self {
        Self {
            last: 0,
            pace: 0,
            linear,
        }
    }

    fn next(&self) -> u64 {
        self.last.wrapping_add(self.pace)
    }

    fn see(&mut self, value: u64) {
        // The first time is no pace.
        if self.linear && self.last != 0 {
            self.pace = value.wrapping_sub(self.last);
        }
        self.last = value;
    }
}

/// Packs rows. Those beyond [`MOST_ROWS`] are the caller's to leave out.
pub fn pack(rows: &[Timed]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, rows.len() as u64);
    put(&mut bytes, COLUMNS as u64 + 1);
    let mut column: Vec<Option<u64>> = Vec::with_capacity(rows.len());
    column.extend(rows.iter().map(|(time, _)| Some(*time as u64)));
    pack_column(&column, true, &mut bytes);
    for at in 0..COLUMNS {
        column.clear();
        let value = |row: &Row| (row.known & (1 << at) != 0).then_some(row.values[at]);
        column.extend(rows.iter().map(|(_, row)| value(row)));
        pack_column(&column, false, &mut bytes);
    }
    bytes
}

fn pack_column(values: &[Option<u64>], linear: bool, bytes: &mut Vec<u8>) {
    let all_bits = values.iter().flatten().fold(0, |bits, value| bits | value);
    let shift = if all_bits == 0 {
        0
    } else {
        all_bits.trailing_zeros()
    };
    bytes.push(shift as u8);
    let mut expect = Expect::new(linear);
    // Steps are gathered, because their count stands before them.
    let mut steps: Vec<u64> = Vec::new();
    let mut at = 0;
    while at < values.len() {
        let (kind, length) = run(&values[at..], shift, &expect);
        // A short run within steps is cheaper as steps of nothing.
        if kind == EXPECTED && length < 3 && !steps.is_empty() {
            steps.extend(std::iter::repeat_n(0, length));
            pass(&values[at..at + length], shift, &mut expect);
        } else if kind == STEPS {
            let value = values[at].unwrap_or(0) >> shift;
            steps.push(step(expect.next(), value));
            expect.see(value);
        } else {
            put_steps(&mut steps, bytes);
            put(bytes, (length as u64 - 1) << 2 | kind);
            pass(&values[at..at + length], shift, &mut expect);
        }
        at += length;
    }
    put_steps(&mut steps, bytes);
}

/// What stands at the beginning of some values, and how many of them; a single step.
fn run(values: &[Option<u64>], shift: u32, expect: &Expect) -> (u64, usize) {
    if values[0].is_none() {
        let length = values.iter().take_while(|v| v.is_none()).count();
        return (UNKNOWN, length);
    }
    let (mut next, pace) = (expect.next(), expect.pace);
    let mut length = 0;
    for value in values {
        if *value != Some(next << shift) {
            break;
        }
        length += 1;
        // The second time ever sets the pace: what comes after it is not known here yet.
        if expect.linear && expect.last == 0 {
            break;
        }
        next = next.wrapping_add(pace);
    }
    match length {
        0 => (STEPS, 1),
        _ => (EXPECTED, length),
    }
}

fn pass(values: &[Option<u64>], shift: u32, expect: &mut Expect) {
    for value in values.iter().flatten() {
        expect.see(value >> shift);
    }
}

fn put_steps(steps: &mut Vec<u64>, bytes: &mut Vec<u8>) {
    if let Some(more) = steps.len().checked_sub(1) {
        put(bytes, (more as u64) << 2 | STEPS);
        for step in steps.drain(..) {
            put(bytes, step);
        }
    }
}

/// Unpacks rows.
///
/// # Errors
/// They are not what was packed.
pub fn unpack(mut bytes: &[u8]) -> Result<Vec<Timed>, Damaged> {
    let count = usize::try_from(take(&mut bytes)?).map_err(|_| Damaged)?;
    let columns = take(&mut bytes)?.checked_sub(1).ok_or(Damaged)?;
    if count > MOST_ROWS || columns > 63 {
        return Err(Damaged);
    }
    let mut rows = vec![(0, Row::BLANK); count];
    unpack_column(&mut bytes, count, true, |at, value| {
        rows[at].0 = value as i64;
    })?;
    for column in 0..columns as usize {
        // One that a later memctl added within the same version says nothing here.
        unpack_column(&mut bytes, count, false, |at, value| {
            if column < COLUMNS {
                rows[at].1.set_at(column, Some(value));
            }
        })?;
    }
    if bytes.is_empty() {
        Ok(rows)
    } else {
        Err(Damaged)
    }
}

fn unpack_column(
    bytes: &mut &[u8],
    count: usize,
    linear: bool,
    mut set: impl FnMut(usize, u64),
) -> Result<(), Damaged> {
    let (shift, rest) = bytes.split_first().ok_or(Damaged)?;
    *bytes = rest;
    let shift = u32::from(*shift);
    if shift > 63 {
        return Err(Damaged);
    }
    let mut expect = Expect::new(linear);
    let mut at = 0;
    while at < count {
        let run = take(bytes)?;
        let length = (run >> 2).saturating_add(1);
        if length > (count - at) as u64 {
            return Err(Damaged);
        }
        let end = at + length as usize;
        for at in at..end {
            let value = match run & 3 {
                EXPECTED => expect.next(),
                STEPS => follow(expect.next(), take(bytes)?),
                UNKNOWN => continue,
                _ => return Err(Damaged),
            };
            expect.see(value);
            set(at, value << shift);
        }
        at = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::row::Column;
    use super::super::row::tests::any_row;
    use super::*;

    /// Rows as they come: stretches in which nothing changes, and others.
    fn any_rows() -> impl Strategy<Value = Vec<Timed>> {
        let time = prop_oneof![Just(10_000_i64), 9_990..10_010_i64, any::<i64>()];
        let stretch = (any_row(), prop::collection::vec(time, 1..20));
        prop::collection::vec(stretch, 0..6).prop_map(|stretches| {
            let mut rows = Vec::new();
            let mut time = 0_i64;
            for (row, steps) in stretches {
                for step in steps {
                    time = time.wrapping_add(step);
                    rows.push((time, row));
                }
            }
            rows
        })
    }

    proptest! {
        #[test]
        fn rows_come_back(rows in any_rows()) {
            prop_assert_eq!(unpack(&pack(&rows)), Ok(rows));
        }

        #[test]
        fn any_bytes_are_rows_or_damaged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes);
        }

        #[test]
        fn cut_bytes_are_damaged(rows in any_rows(), cut in any::<prop::sample::Index>()) {
            let packed = pack(&rows);
            let cut = cut.index(packed.len());
            prop_assert_eq!(unpack(&packed[..cut]), Err(Damaged));
        }

        #[test]
        fn changed_bytes_do_no_harm(rows in any_rows(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut packed = pack(&rows);
            let at = at.index(packed.len());
            packed[at] = byte;
            if let Ok(rows) = unpack(&packed) {
                for (_, row) in rows {
                    let _ = row.point(jiff::Timestamp::UNIX_EPOCH, crate::history::Grain::Raw);
                }
            }
        }
    }

    #[test]
    fn an_idle_hour_costs_next_to_nothing() {
        let mut row = Row::BLANK;
        row.set(Column::Current, Some(350 << 20));
        row.set(Column::Anon, Some(123 << 12));
        let hour: Vec<Timed> = (0..360)
            .map(|n| (1_700_000_000_000 + n * 10_000, row))
            .collect();
        let size = pack(&hour).len();
        assert!(size < 150, "{size} bytes");
    }

    #[test]
    fn a_later_version_s_columns_are_passed_over() {
        let rows = vec![(5, Row::BLANK)];
        let mut bytes = pack(&rows);
        bytes[1] += 1;
        bytes.extend([0, STEPS as u8, 7]);
        assert_eq!(unpack(&bytes), Ok(rows));
    }
}
