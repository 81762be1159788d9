//! One verb a file: fetch, call the pure part, print.

mod apply;
mod change;
mod completions;
mod enact;
mod plan;
mod profiles;
mod remove;
mod render;
mod sources;
mod verify;
mod wish;
mod withdraw;

use std::path::Path;

use crate::cli::{Cli, Common, Verb};
use crate::error::Result;
use crate::kernel::root::Root;
use crate::scope::{Scope, User};

/// What every verb works on.
#[derive(Debug)]
struct Context {
    root: Root,
    scope: Scope,
    json: bool,
}

impl Context {
    fn new(common: &Common) -> Result<Self> {
        let root = common.root.as_deref().unwrap_or(Path::new("/"));
        Ok(Self {
            root: Root::open(root)?,
            scope: if common.user {
                Scope::User(User::from_env())
            } else {
                Scope::System
            },
            json: common.json,
        })
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
        Verb::Completions { shell } => completions::run(*shell),
        Verb::Withdraw => withdraw::run(&context),
    }
}
