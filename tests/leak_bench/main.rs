//! What `cargo bench --bench leak` measures with is itself right: the services, the other detectors, the measures.

#[path = "../../benches/leak/baselines.rs"]
mod baselines;
#[expect(dead_code, reason = "the bench uses the rest")]
#[path = "../../benches/leak/families/mod.rs"]
mod families;
#[expect(dead_code, reason = "the bench uses the rest")]
#[path = "../../benches/leak/judges.rs"]
mod judges;
#[path = "../../benches/leak/leaking.rs"]
mod leaking;
#[path = "../../benches/leak/load.rs"]
mod load;
#[expect(dead_code, reason = "the bench uses the rest")]
#[path = "../../benches/leak/measure.rs"]
mod measure;
#[path = "../../benches/leak/parts.rs"]
mod parts;
#[path = "../../benches/leak/prototype.rs"]
mod prototype;
#[path = "../../benches/leak/random.rs"]
mod random;
#[path = "../../benches/leak/service.rs"]
mod service;
#[path = "../../benches/leak/stats.rs"]
mod stats;
#[path = "../../benches/leak/trace.rs"]
mod trace;
#[expect(dead_code, reason = "the bench uses the rest")]
#[path = "../../benches/leak/write.rs"]
mod write;

mod figures;
mod others;
mod services;
mod watching;

use memctl::policy::leak::Point;

/// A sample of need, in a unit with a limit of 1000 MiB.
fn point(time: i64, mebibytes: f64) -> Point {
    Point {
        time,
        need: (mebibytes * 1_048_576.0) as u64,
        is_need: true,
        limit: Some(1000 << 20),
        cpu_usec: None,
        start: Some(1),
    }
}
