//! Opens, reads and closes files again and again, and does nothing with them: what reading them costs at the least.
//!
//! `bare-loop ROUNDS <PATHS` prints the milliseconds of processor time for one round.

use std::fs::File;
use std::io::{Read, stdin};

use rustix::time::{ClockId, clock_gettime};

fn main() -> anyhow::Result<()> {
    let rounds: u32 = std::env::args().nth(1).unwrap_or_default().parse()?;
    let mut text = String::new();
    stdin().read_to_string(&mut text)?;
    let paths: Vec<&str> = text.lines().collect();
    let mut buffer = vec![0; 16 << 10];
    let before = spent();
    for _ in 0..rounds {
        for path in &paths {
            let mut file = File::open(path)?;
            while file.read(&mut buffer)? > 0 {}
        }
    }
    println!("{:.4}", (spent() - before) / f64::from(rounds));
    Ok(())
}

/// Milliseconds of processor time, in user mode and in the kernel.
fn spent() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
