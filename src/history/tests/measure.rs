//! How large it becomes: a little of it in every run, all of it for documents, by hand.

use super::super::row::Column;
use super::*;

/// What a server's units do, made up: some busy, most idle.
struct Host {
    rows: Vec<(UnitName, Row)>,
    busy: usize,
    seed: u64,
}

impl Host {
    fn new(units: usize, busy: usize) -> Self {
        let mut sample = sample("web.service", 0, 100 << 20);
        let stat = &mut sample.memory.stat;
        stat.shmem = Some(1 << 20);
        stat.slab_unreclaimable = Some(300_000);
        stat.kernel_stack = Some(64 << 10);
        stat.pagetables = Some(1 << 20);
        stat.percpu = Some(2000);
        stat.sock = Some(8192);
        sample.memory.swap = Some(0);
        sample.memory.peak = Some(400 << 20);
        sample.limits.high = Some(crate::sample::Limit::Bytes(350 << 20));
        sample.limits.max = Some(crate::sample::Limit::Bytes(400 << 20));
        sample.limits.swap_max = Some(crate::sample::Limit::Infinity);
        sample.cpu.usage_usec = Some(1_000_000);
        sample.tasks = Some(12);
        sample.events.max = Some(0);
        sample.pressure = Some(crate::kernel::psi::Pressure::default());
        let row = Row::of_sample(&sample, Some(350 << 20));
        let rows = (0..units).map(|n| (name(&format!("unit-{n}.service")), row));
        Self {
            rows: rows.collect(),
            busy,
            seed: 88172645463325252,
        }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % below
    }

    fn tick(&mut self, second: i64) -> Batch {
        // A reading is taken some milliseconds after the tick.
        let time = second * 1000 + self.random(9) as i64;
        for at in 0..self.busy {
            let steps: Vec<u64> = (0..8).map(|_| self.random(400)).collect();
            let row = &mut self.rows[at].1;
            let mut walk = |column, step: u64, unit: u64| {
                let value = row.get(column).unwrap_or(0) + step * unit;
                row.set(column, Some(value.saturating_sub(200 * unit)));
            };
            walk(Column::Anon, steps[0], 4096);
            walk(Column::File, steps[1], 4096);
            walk(Column::SlabUnreclaimable, steps[2], 64);
            walk(Column::Pagetables, steps[3] / 100 + 198, 4096);
            walk(Column::Sock, steps[4] / 100 + 198, 4096);
            walk(Column::Tasks, steps[5] / 200 + 199, 1);
            row.set(
                Column::Cpu,
                row.get(Column::Cpu).map(|c| c + 1000 * steps[6]),
            );
            row.set(
                Column::PressureSome,
                row.get(Column::PressureSome).map(|p| p + steps[7] / 50),
            );
            let held = row.get(Column::Anon).unwrap_or(0) + row.get(Column::File).unwrap_or(0);
            row.set(Column::Current, Some(held));
        }
        Batch {
            time: Timestamp::from_millisecond(time).expect("a time"),
            rows: self.rows.clone(),
        }
    }
}

/// What the module says of its size, on a small scale: hours that are closed, and the bytes of a reading in them.
#[test]
fn a_reading_takes_a_few_bytes() {
    for (busy, most) in [(0, 2), (4, 5), (20, 17)] {
        let place = Place::new();
        let mut store = place.store();
        let mut host = Host::new(20, busy);
        for second in (TEN..TEN + 2 * 3600 + 60).step_by(10) {
            store.append(&host.tick(second)).expect("written");
        }
        let db = rusqlite::Connection::open(place.file()).expect("opens");
        let bytes: i64 = db
            .query_row(
                "SELECT sum(length(data)) FROM block WHERE grain = 0",
                (),
                |row| row.get(0),
            )
            .expect("blocks");
        let readings = 20 * 2 * 360;
        assert!(bytes < most * readings, "{busy}: {bytes} of {readings}");
    }
}

/// `cargo test --release --lib -- --ignored --nocapture measure`
#[test]
#[ignore = "takes minutes, and only tells"]
fn a_hundred_units_at_full_retention() {
    for busy in [0, 20, 100] {
        let place = Place::new();
        let mut store = place.store();
        let mut host = Host::new(100, busy);
        let end = TEN + 396 * 86_400;
        let fine = end - 15 * 86_400;
        // Hours are the same from few readings; what is kept in more detail gets one each 10 seconds.
        for second in (TEN..fine).step_by(600) {
            store.append(&host.tick(second)).expect("written");
        }
        let (mut ticks, mut closings) = (Vec::new(), Vec::new());
        for second in (fine..end).step_by(10) {
            let batch = host.tick(second);
            let begun = std::time::Instant::now();
            store.append(&batch).expect("written");
            let took = begun.elapsed();
            if second % 3600 == 0 {
                closings.push(took);
            } else {
                ticks.push(took);
            }
        }
        ticks.sort();
        closings.sort();
        println!("{busy} of 100 units busy:");
        println!(
            "  a tick {:?} (99 %: {:?}), the closing of an hour {:?}",
            ticks[ticks.len() / 2],
            ticks[ticks.len() * 99 / 100],
            closings[closings.len() / 2],
        );
        let db = rusqlite::Connection::open(place.file()).expect("opens");
        let mut grains = db
            .prepare("SELECT grain, count(*), sum(length(data)) FROM block GROUP BY grain")
            .expect("a query");
        let grains = grains.query_map((), |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
            ))
        });
        for grain in grains.expect("rows") {
            let (grain, blocks, bytes) = grain.expect("a row");
            println!("  grain {grain}: {blocks} blocks, {bytes} bytes");
        }
        for name in place.beside("history.db") {
            let path = place.file().with_file_name(&name);
            println!(
                "  {name}: {} bytes",
                std::fs::metadata(path).expect("a file").len()
            );
        }
        let history = place.history();
        let begun = std::time::Instant::now();
        let sparks = history.sparks(at(end - 3600), at(end), 20).expect("sparks");
        println!("  sparks of {} units: {:?}", sparks.len(), begun.elapsed());
        let begun = std::time::Instant::now();
        let unit = name("unit-0.service");
        let series = history.series(
            &unit,
            at(end - 2 * 86_400),
            at(end),
            Some(super::super::Grain::Raw),
        );
        let count = series.expect("a series").len();
        println!("  two days of readings ({count}): {:?}", begun.elapsed());
    }
}

/// The memory of a recorder of 1000 units that closes hours.
#[test]
#[ignore = "only tells"]
fn a_thousand_units_memory() {
    let place = Place::new();
    let mut store = place.store();
    let mut host = Host::new(1000, 200);
    let mut memory = Vec::new();
    let mut closing = std::time::Duration::ZERO;
    for second in (TEN..TEN + 2 * 3600 + 60).step_by(10) {
        let batch = host.tick(second);
        let begun = std::time::Instant::now();
        store.append(&batch).expect("written");
        closing = closing.max(begun.elapsed());
        drop(batch);
        let status = std::fs::read_to_string("/proc/self/status").expect("a status");
        let line = status
            .lines()
            .find(|l| l.starts_with("VmRSS"))
            .expect("a line")
            .to_owned();
        memory.push(line);
    }
    println!("first {} last {}", memory[0], memory[memory.len() - 1]);
    println!("the longest tick {closing:?}");
}
