//! `multiexpan man`: the manual page, from the definitions of the commands and the table of keys.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::Cli;
use crate::config::{Context, Keymap};
use crate::error::{Error, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The command that the page is of [default: the whole program, with the explorer's keys]
    pub command: Option<String>,
}

/// Writes the page to standard output, as `man -l -` reads it.
///
/// Errors: `Unknown` where there is no such command.
pub fn run(args: Args) -> Result<()> {
    let mut whole = Cli::command();
    whole.build();
    let page = match &args.command {
        None => whole_page(whole),
        Some(name) => match whole.find_subcommand(name).filter(|c| !c.is_hide_set()) {
            Some(command) => command_page(command),
            None => {
                let near =
                    whole.get_subcommands().filter(|c| !c.is_hide_set()).map(|c| c.get_name().to_owned()).collect();
                return Err(Error::Unknown { kind: "command", name: name.clone(), near });
            }
        },
    };
    let failed = Error::io("write", "standard output");
    match page {
        Ok(page) => io::stdout().write_all(&page).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

fn whole_page(whole: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(whole).render(&mut page)?;
    keys().to_writer(&mut page)?;
    Ok(page)
}

fn command_page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let title = format!("multiexpan-{}", command.get_name());
    Man::new(command.clone().display_name(&title)).title(title).render(&mut page)?;
    Ok(page)
}

/// Every key of the shipped table, by where it is pressed.
fn keys() -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["KEYS OF THE EXPLORER"]);
    for context in Context::ALL {
        let place = if context == Context::Global { "everywhere" } else { context.place() };
        page.control("SS", [place]);
        for (action, keys) in Keymap::shipped().listing(context) {
            page.control("TP", []);
            page.text([bold(keys)]);
            page.text([roman(format!("{} ({})", action.help(), action.name()))]);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Action;

    #[test]
    fn the_page_has_every_command_and_every_action() {
        let page = String::from_utf8(whole_page(Cli::command()).unwrap()).unwrap();
        let plain = page.replace("\\-", "-");
        for command in Cli::command().get_subcommands().filter(|c| !c.is_hide_set()) {
            assert!(plain.contains(&format!("multiexpan-{}(1)", command.get_name())), "{}", command.get_name());
        }
        for action in Action::ALL {
            assert!(plain.contains(&format!("({})", action.name())), "{}", action.name());
        }
        assert!(!plain.contains("multiexpan-serve"));
    }

    #[test]
    fn every_command_has_a_page() {
        let mut whole = Cli::command();
        whole.build();
        for command in whole.get_subcommands() {
            let page = String::from_utf8(command_page(command).unwrap()).unwrap();
            assert!(page.contains(".SH SYNOPSIS") && page.contains(".SH DESCRIPTION"), "{page}");
        }
    }
}
