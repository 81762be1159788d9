//! Scenarios in booted guests of every systemd that memctl is made for.
//!
//! A scenario is a function of a suite; `scenarios!` makes a test of it for
//! each suite, named `trixie::boots`. `cargo xtask test` runs them, or
//! `cargo nextest run --profile vm -E 'test(boots)'`.

mod boots;
mod by_hand;
mod crash;
mod demo;
mod doctor;
mod grammar;
mod hard_days;
mod leaky;
mod limits;
mod metrics;
mod package;
mod restarts;
mod rules;
mod safety;
mod server;
mod status;
mod told;
mod units;
mod watch;

/// Makes of each function one test for every suite. It may end with an error
/// or with a panic.
macro_rules! scenarios {
    ($($module:ident::$scenario:ident),* $(,)?) => {
        scenarios!(@suite bookworm Bookworm $($module::$scenario)*);
        scenarios!(@suite trixie Trixie $($module::$scenario)*);
        scenarios!(@suite forky Forky $($module::$scenario)*);
    };
    (@suite $name:ident $suite:ident $($module:ident::$scenario:ident)*) => {
        mod $name {
            $(
                #[test]
                fn $scenario() -> anyhow::Result<()> {
                    crate::$module::$scenario(xtask::guest::Suite::$suite)
                }
            )*
        }
    };
}

scenarios! {
    boots::boots,
    demo::homework_is_limited,
    limits::limits_are_in_the_kernel,
    limits::the_administrator_wins,
    limits::plans_and_permissions,
    limits::users_have_their_own,
    safety::what_cannot_fit_is_refused,
    safety::caches_give_way,
    safety::neighbours_are_safe,
    safety::the_way_back_is_safe,
    safety::swap_is_counted,
    by_hand::a_reload_is_enough,
    by_hand::what_was_raised_stays_until_the_next_start,
    crash::killed_before_the_commit,
    crash::killed_after_the_commit,
    crash::the_disk_is_full,
    metrics::prometheus_reads_them,
    doctor::what_is_broken_is_found_and_mended,
    package::package_comes_and_goes,
    status::status_is_the_kernels,
    grammar::grammar_is_systemds,
    watch::readings_are_recorded,
    units::what_the_daemon_needs_stays,
    units::the_timer_and_the_daemon_exclude_each_other,
    restarts::a_leak_is_restarted_before_it_is_throttled,
    restarts::a_restart_that_goes_wrong_is_told_and_not_repeated,
    restarts::what_goes_down_along_is_named_and_comes_back,
    restarts::a_shutdown_is_not_delayed,
    rules::each_condition_fires_by_the_kernels_own_word,
    hard_days::the_daemon_lives_through_hard_days,
    hard_days::the_timer_gives_the_same_verdicts,
}

/// What the guests' own machinery can do is the same for every suite.
mod machinery {
    use xtask::guest::Suite;

    #[test]
    fn runs_scripts_beside_each_other() -> anyhow::Result<()> {
        crate::boots::runs_scripts_beside_each_other(Suite::Trixie)
    }

    #[test]
    fn brings_files_and_swap() -> anyhow::Result<()> {
        crate::boots::brings_files_and_swap(Suite::Trixie)
    }
}
