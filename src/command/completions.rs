//! `memctl completions SHELL`.

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::error::Result;
use crate::view::out::print;

pub(super) fn run(shell: Shell) -> Result<u8> {
    print(&script(shell))?;
    Ok(0)
}

/// The script, without the verbs that are not for people: clap_complete would offer those too.
fn script(shell: Shell) -> String {
    let all = Cli::command();
    let mut shown = Command::new("memctl")
        .version(env!("CARGO_PKG_VERSION"))
        .args(all.get_arguments().cloned())
        .subcommands(all.get_subcommands().filter(|v| !v.is_hide_set()).cloned());
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut shown, "memctl", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_verbs_are_not_offered() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell);
            for offered in ["apply", "--next-start", "--json", "--version"] {
                let short = offered.trim_start_matches('-');
                assert!(script.contains(short), "{shell}: {offered}");
            }
            assert!(!script.contains("withdraw"), "{shell}");
        }
    }
}
