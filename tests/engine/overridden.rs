//! What the kernel or the administrator says against it.

use crate::world::{Fake, unit};
use crate::{WEB, web, world};

#[test]
fn the_administrator_s_drop_in_wins_and_is_named() {
    let world = world(&[(WEB, 100)]);
    world.write(
        "etc/systemd/system.control/web.service.d/50-MemoryMax.conf",
        "# This is a drop-in unit file extension, created via \"systemctl set-property\"\n[Service]\nMemoryMax=1073741824\n",
    );
    let mut fake = Fake::boot(&world, false);
    let outcome = fake.install("web", &web(400)).expect("applied");
    let by = outcome.plan.rows[0]
        .overridden
        .as_ref()
        .expect("overridden");
    assert_eq!(
        by.by.path.to_str(),
        Some("/etc/systemd/system.control/web.service.d/50-MemoryMax.conf")
    );
    assert_eq!(by.by.line, 3);
    assert_eq!(by.wanted, "400M");
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(1024));
    fake.asked();
    fake.install("web", &web(400)).expect("applied");
    assert_eq!(fake.asked(), [""; 0]);
    let hard = unit("web.service", "override = true\nMemoryMax = \"400M\"");
    fake.install("web", &hard).expect("applied");
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(400));
}

#[test]
fn a_kernel_without_the_file_is_a_warning_once() {
    for (key, file, value, lags) in [
        ("MemoryZSwapMax", "memory.zswap.max", "10M", false),
        ("MemoryZSwapMax", "memory.zswap.max", "10M", true),
        ("IOWeight", "io.weight", "50", true),
    ] {
        let world = world(&[(WEB, 100)]);
        let mut fake = Fake::boot(&world, lags);
        let text = unit(
            "web.service",
            &format!("MemoryMax = \"400M\"\n{key} = \"{value}\""),
        );
        let outcome = fake.install("web", &text).expect("applied");
        assert!(
            outcome.warnings.iter().any(|w| w.contains(file)),
            "{:?}",
            outcome.warnings
        );
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(400));
        // No nudge for what no nudge brings.
        assert_eq!(fake.asked().len(), if lags { 2 } else { 1 });
        let again = fake.install("web", &text).expect("applied");
        assert!(!again.changed, "lags: {lags}");
        assert_eq!(fake.asked(), [""; 0]);
    }
}
