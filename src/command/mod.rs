//! One verb a file: fetch, call the pure part, print.

mod apply;
mod change;
mod completions;
mod doctor;
mod enact;
mod explain;
mod history;
mod hold;
mod log;
mod metrics;
mod names;
mod plan;
mod profiles;
mod realize;
mod recommend;
mod remove;
mod render;
mod replay;
mod restart;
mod sources;
mod status;
mod verify;
mod watch;
mod wish;
mod withdraw;

use std::path::{Path, PathBuf};

use crate::cli::{Cli, Common, Verb};
use crate::error::{Error, Kind, Result};
use crate::kernel::root::Root;
use crate::scope::{Scope, User};
use crate::systemd::manager::running_version;

/// What every verb works on.
#[derive(Debug)]
struct Context {
    root: Root,
    scope: Scope,
    json: bool,
}

impl Context {
    fn new(common: &Common) -> Result<Self> {
        let root = root_of(common);
        // A folder that is not there was mistyped: nothing was tried yet.
        let mistyped = |error: Error| match error.kind() {
            Kind::Failed => error.with_kind(Kind::Usage),
            _ => error,
        };
        Ok(Self {
            root: Root::open(&root).map_err(mistyped)?,
            scope: if common.user {
                Scope::User(User::from_env())
            } else {
                Scope::System
            },
            json: common.json,
        })
    }

    /// The running systemd's version, as far as it tells: what only informs goes on without.
    fn systemd(&self) -> Option<u32> {
        running_version(&self.root, &self.scope)
    }
}

/// The root to work on. However it is spelt, `/` is the running system: nobody writes there as if it were an image.
fn root_of(common: &Common) -> PathBuf {
    let running = Path::new("/");
    match &common.root {
        Some(root) if root.canonicalize().ok().as_deref() != Some(running) => root.clone(),
        _ => running.to_owned(),
    }
}

/// Runs what was typed; answers the exit code.
///
/// # Errors
/// What is to be told, and which exit code that has.
pub fn run(cli: &Cli) -> Result<u8> {
    let context = Context::new(&cli.common)?;
    match &cli.verb {
        Verb::Apply(options) => apply::run(&context, options),
        Verb::Plan(options) => plan::run(&context, options),
        Verb::Remove(options) => remove::run(&context, options),
        Verb::Profiles => profiles::run(&context),
        Verb::Verify(options) => verify::run(&context, options),
        Verb::Render(options) => render::run(&context, options),
        Verb::Status(options) => status::run(&context, options),
        Verb::History(options) => history::run(&context, options),
        Verb::Log(options) => log::run(&context, options),
        Verb::Metrics(options) => metrics::run(&context, options),
        Verb::Recommend(options) => recommend::run(&context, options),
        Verb::Doctor => doctor::run(&context),
        Verb::Watch(options) => watch::run(&context, options),
        Verb::Replay(options) => replay::run(&context, options),
        Verb::Restart(options) => restart::run(&context, options),
        Verb::Hold(options) => hold::hold(&context, options),
        Verb::Release(options) => hold::release(&context, options),
        Verb::Explain(options) => explain::run(&context, options),
        Verb::Completions { shell } => completions::run(*shell),
        Verb::Realize => realize::run(&context),
        Verb::Withdraw => withdraw::run(&context),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_system_is_no_image_of_itself() {
        let root = |text: &str| {
            root_of(&Common {
                user: false,
                root: Some(text.into()),
                json: false,
            })
        };
        for text in ["/", "//", "/.", "/tmp/.."] {
            assert_eq!(root(text), Path::new("/"), "{text}");
        }
        for text in ["/nowhere", "", "."] {
            assert_eq!(root(text), Path::new(text), "{text}");
        }
    }
}
