//! `multiexpan completions`: shell completions of commands and options.

use std::io::Write;

use clap::Command;
use clap_complete::{Shell, generate};

use crate::error::{Error, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    pub shell: Shell,
}

/// Writes the completion script to standard output.
pub fn run(args: Args, definition: Command) -> Result<()> {
    let script = script(args.shell, definition);
    std::io::stdout()
        .write_all(&script)
        .map_err(Error::io("write", "standard output"))
}

fn script(shell: Shell, mut definition: Command) -> Vec<u8> {
    let mut out = Vec::new();
    generate(shell, &mut definition, "multiexpan", &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    #[test]
    fn every_command_is_completed_in_every_shell() {
        use clap::ValueEnum;
        let commands = Cli::command();
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell, Cli::command())).unwrap();
            for command in commands.get_subcommands().filter(|c| !c.is_hide_set()) {
                assert!(
                    script.contains(command.get_name()),
                    "{shell}: {}",
                    command.get_name()
                );
            }
        }
    }
}
