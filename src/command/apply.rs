//! `memctl apply [PROFILE…]`.

use crate::cli::Apply;
use crate::command::wish::wish;
use crate::command::{Context, enact, plan, sources};
use crate::error::{Error, Kind, Result};

pub(super) fn run(context: &Context, options: &Apply) -> Result<u8> {
    let given = sources::read(&options.profiles.files, options.profiles.name.as_deref());
    let refused = given.is_refused(options.keep_going);
    let wish = || wish(context, given, &options.profiles, options.keep_going);
    // What is refused in any case needs neither the lock nor the manager.
    if options.dry_run || refused {
        return plan::preview(context, wish()?);
    }
    if context.root.is_host() {
        return enact::on_host(context, options.tight, wish);
    }
    enact::in_image(context, wish()?, |changed| match changed {
        0 => "Nothing to change in the image.".to_owned(),
        1 => "Installed in the image: 1 file changed; in force at its next boot.".to_owned(),
        n => format!("Installed in the image: {n} files changed; in force at its next boot."),
    })
}

/// Only root may; say so before anything else is tried.
pub(super) fn permitted(context: &Context) -> Result<()> {
    if context.scope.is_user() || rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(Error::new(
        Kind::NotPermitted,
        "limits of system services are root's to change",
    )
    .remedy("run it as root (sudo memctl …), or with --user for your own services; `memctl plan` needs no root"))
}
