//! Scenarios in booted guests of every systemd that memctl is made for.
//!
//! A scenario is a function of a suite; `scenarios!` makes a test of it for
//! each suite, named `trixie::boots`. `cargo xtask test` runs them, or
//! `cargo nextest run --profile vm -E 'test(boots)'`.

mod boots;
mod demo;

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
    boots::runs_scripts_beside_each_other,
    boots::brings_files_and_swap,
    demo::services_run,
}
