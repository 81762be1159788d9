use proptest::prelude::*;

use super::*;

proptest! {
    /// Whatever a file holds, it is read to its end; a fault names a line that is there.
    #[test]
    fn any_file_is_readings_and_faults(
        text in "(time,current\n)?([-0-9.,\"x \r\n]|\\PC){0,80}",
    ) {
        let (readings, _) = read(&text);
        let played = play(text.as_bytes(), &[], &host());
        if played.faults.is_empty() {
            prop_assert_eq!(played.readings as usize, readings.len());
        }
        let lines = text.lines().count() as u64;
        for fault in &played.faults.told {
            prop_assert!(fault.line <= lines.max(1), "{}", fault);
            if fault.column > 0 && !text.contains(['"', '\r']) {
                let line = text.lines().nth(fault.line as usize - 1).unwrap_or_default();
                prop_assert!(fault.column as usize <= line.len() + 1, "{} in {:?}", fault, line);
            }
        }
        prop_assert!(readings.is_sorted_by_key(|reading| reading.time));
    }

    /// What is written is read.
    #[test]
    fn numbers_read_as_they_were_written(
        rows in prop::collection::vec((0..i64::from(i32::MAX), any::<Option<u64>>(), any::<u64>()), 0..20),
    ) {
        let mut rows = rows;
        rows.sort_by_key(|(time, ..)| *time);
        let lines = rows.iter().map(|(time, current, anon)| {
            let current = current.map_or_else(String::new, |n| n.to_string());
            format!("{time},{current},{anon}\n")
        });
        let (readings, faults) = read(&format!("time,current,anon\n{}", lines.collect::<String>()));
        prop_assert_eq!(faults, Vec::<String>::new());
        let found = readings.iter().map(|r| {
            (r.time.as_second(), r.memory.current, r.memory.stat.anon.unwrap_or_default())
        });
        prop_assert_eq!(found.collect::<Vec<_>>(), rows);
    }

    /// The fast way of a number is the slow one.
    #[test]
    fn digits_are_parsed_as_the_standard_library_does(text in "[0-9]{0,21}") {
        let slow = text.parse::<u64>().ok();
        prop_assert_eq!(cell::digits(text.as_bytes()), slow.filter(|_| text.len() <= 19));
        if !text.is_empty() {
            prop_assert_eq!(cell::count(text.as_bytes()), slow.map(Some).ok_or(cell::Wrong));
        }
    }
}
