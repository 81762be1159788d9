//! One tick's rows in few bytes: of each unit only what changed since its last row of the same hour.
//!
//! ```text
//! for each unit, in the order of their numbers:
//!   number           minus the one before
//!   length           of what follows; 0: nothing changed
//!   changed          a bit for each column; one above all columns: which ones are known changed too, and
//!   [known]          follows
//!   step…            for each changed column, from its last value; an unknown one's is 0
//! ```

use super::row::{COLUMNS, Row};
use super::varint::{Damaged, follow, put, step, take};

/// That `known` changed.
const KNOWN: u64 = 1 << COLUMNS;

/// A unit's number in the database.
pub type UnitId = u32;

/// Packs the rows of a tick, sorted by number; `before` is a unit's last row of the same hour.
pub fn pack(rows: &[(UnitId, Row)], before: impl Fn(UnitId) -> Option<Row>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut body = Vec::new();
    let mut last = 0;
    for (unit, row) in rows {
        put(&mut bytes, u64::from(unit - last));
        last = *unit;
        body.clear();
        pack_row(&before(*unit).unwrap_or(Row::BLANK), row, &mut body);
        put(&mut bytes, body.len() as u64);
        bytes.extend_from_slice(&body);
    }
    bytes
}

fn pack_row(before: &Row, row: &Row, bytes: &mut Vec<u8>) {
    let mut changed = 0;
    for at in 0..COLUMNS {
        changed |= u64::from(before.values[at] != row.values[at]) << at;
    }
    if before.known != row.known {
        changed |= KNOWN;
    }
    if changed == 0 {
        return;
    }
    put(bytes, changed);
    if changed & KNOWN != 0 {
        put(bytes, row.known);
    }
    for at in (0..COLUMNS).filter(|at| changed & (1 << at) != 0) {
        put(bytes, step(before.values[at], row.values[at]));
    }
}

/// Walks through a packed tick: each unit's number and how its row changed.
///
/// # Errors
/// It is not what was packed.
pub fn walk<'b>(
    mut bytes: &'b [u8],
    mut each: impl FnMut(UnitId, &'b [u8]) -> Result<(), Damaged>,
) -> Result<(), Damaged> {
    let mut unit: UnitId = 0;
    while !bytes.is_empty() {
        let more = u32::try_from(take(&mut bytes)?).map_err(|_| Damaged)?;
        unit = unit.checked_add(more).ok_or(Damaged)?;
        let length = usize::try_from(take(&mut bytes)?).map_err(|_| Damaged)?;
        let (body, rest) = bytes.split_at_checked(length).ok_or(Damaged)?;
        bytes = rest;
        each(unit, body)?;
    }
    Ok(())
}

/// Changes a unit's last row into its next.
///
/// # Errors
/// The change is not what was packed.
pub fn change(row: &mut Row, mut body: &[u8]) -> Result<(), Damaged> {
    if body.is_empty() {
        return Ok(());
    }
    let changed = take(&mut body)?;
    if changed & KNOWN != 0 {
        row.known = take(&mut body)? & (KNOWN - 1);
    }
    for at in (0..COLUMNS).filter(|at| changed & (1 << at) != 0) {
        row.values[at] = follow(row.values[at], take(&mut body)?);
    }
    // What is unknown is 0, whatever a damaged change says.
    for at in (0..COLUMNS).filter(|at| row.known & (1 << at) == 0) {
        row.values[at] = 0;
    }
    if body.is_empty() && changed < KNOWN << 1 {
        Ok(())
    } else {
        Err(Damaged)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::row::tests::any_row;
    use super::*;

    proptest! {
        #[test]
        fn an_hour_of_ticks_comes_back(
            ticks in prop::collection::vec(prop::collection::btree_map(1..9_u32, any_row(), 0..5), 0..6),
        ) {
            let mut written: BTreeMap<UnitId, Row> = BTreeMap::new();
            let mut read: BTreeMap<UnitId, Row> = BTreeMap::new();
            for tick in ticks {
                let rows: Vec<_> = tick.into_iter().collect();
                let bytes = pack(&rows, |unit| written.get(&unit).copied());
                written.extend(rows.iter().copied());
                let mut back = Vec::new();
                walk(&bytes, |unit, body| {
                    let row = read.entry(unit).or_insert(Row::BLANK);
                    change(row, body)?;
                    back.push((unit, *row));
                    Ok(())
                })
                .expect("what was packed");
                prop_assert_eq!(back, rows);
            }
        }

        #[test]
        fn any_bytes_are_a_tick_or_damaged(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut row = Row::BLANK;
            let _ = walk(&bytes, |_, body| change(&mut row, body));
        }
    }

    #[test]
    fn an_idle_unit_costs_two_bytes_a_tick() {
        let rows: Vec<_> = (1..=1000).map(|unit| (unit, Row::BLANK)).collect();
        assert_eq!(pack(&rows, |_| Some(Row::BLANK)).len(), 2000);
    }
}
