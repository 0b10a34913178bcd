//! `multiexpan man`: manual pages, from the definitions of the commands and the keymap.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::config::{Context, Keymap};
use crate::error::{Error, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Command to write the page of [default: the program, with the explorer's keys]
    pub command: Option<String>,
    /// Folder for the pages of the program and of every command (multiexpan.1,
    /// multiexpan-expand.1 …)
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    pub out: Option<PathBuf>,
}

/// Writes the page to standard output, for `man -l -`, or every page into a folder.
///
/// # Errors
///
/// `Argument` for an unknown command, and `Io` if a page cannot be written.
pub fn run(args: Args, mut program: Command) -> Result<()> {
    program.build();
    if let Some(folder) = &args.out {
        return write_all(program, folder);
    }
    let page = match &args.command {
        None => program_page(program),
        Some(name) => match program.find_subcommand(name).filter(|c| !c.is_hide_set()) {
            Some(command) => command_page(command, &format!("multiexpan-{name}")),
            None => {
                let all: Vec<&str> = program
                    .get_subcommands()
                    .filter(|c| !c.is_hide_set())
                    .map(|c| c.get_name())
                    .collect();
                return Err(Error::Argument(format!(
                    "unknown command `{name}` (expected one of: {})",
                    all.join(", ")
                )));
            }
        },
    };
    let failed = Error::io("write", "standard output");
    match page {
        Ok(page) => io::stdout().write_all(&page).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

fn write_all(program: Command, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let page_of = |command: &Command, title: &str| {
        let path = folder.join(format!("{title}.1"));
        let page = command_page(command, title).map_err(Error::io("write", &path))?;
        std::fs::write(&path, page).map_err(Error::io("write", &path))
    };
    for command in program
        .get_subcommands()
        .filter(|c| !c.is_hide_set() && c.get_name() != "help")
    {
        let title = format!("multiexpan-{}", command.get_name());
        page_of(command, &title)?;
        for nested in command.get_subcommands().filter(|c| c.get_name() != "help") {
            page_of(nested, &format!("{title}-{}", nested.get_name()))?;
        }
    }
    let path = folder.join("multiexpan.1");
    let page = program_page(program).map_err(Error::io("write", &path))?;
    std::fs::write(&path, page).map_err(Error::io("write", &path))
}

fn program_page(program: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(program).render(&mut page)?;
    keys().to_writer(&mut page)?;
    Ok(page)
}

/// Renders the page of a command. `title` is the name of the page, as in "multiexpan-expand".
fn command_page(command: &Command, title: &str) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone().display_name(title))
        .title(title)
        .render(&mut page)?;
    Ok(page)
}

/// Renders the keys of the shipped keymap by context.
fn keys() -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["KEYS OF THE EXPLORER"]);
    for &context in Context::ALL {
        let context_name = if context == Context::Global {
            "everywhere"
        } else {
            context.title()
        };
        page.control("SS", [context_name]);
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
    use crate::cli::Cli;
    use crate::config::Action;
    use clap::CommandFactory;

    #[test]
    fn the_page_has_every_command_and_every_action() {
        let page = String::from_utf8(program_page(Cli::command()).unwrap()).unwrap();
        let plain = page.replace("\\-", "-");
        for command in Cli::command()
            .get_subcommands()
            .filter(|c| !c.is_hide_set())
        {
            assert!(
                plain.contains(&format!("multiexpan-{}(1)", command.get_name())),
                "{}",
                command.get_name()
            );
        }
        for action in Action::ALL {
            assert!(
                plain.contains(&format!("({})", action.name())),
                "{}",
                action.name()
            );
        }
        assert!(!plain.contains("multiexpan-serve"));
    }

    #[test]
    fn every_command_has_a_page_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        run(
            Args {
                command: None,
                out: Some(folder.path().to_owned()),
            },
            Cli::command(),
        )
        .unwrap();
        let page =
            |name: &str| std::fs::read_to_string(folder.path().join(format!("{name}.1"))).unwrap();
        for command in Cli::command()
            .get_subcommands()
            .filter(|c| !c.is_hide_set())
        {
            let page = page(&format!("multiexpan-{}", command.get_name()));
            assert!(
                page.contains(".SH SYNOPSIS") && page.contains(".SH DESCRIPTION"),
                "{page}"
            );
        }
        assert!(page("multiexpan").contains("KEYS OF THE EXPLORER"));
        assert!(page("multiexpan-analyse-pairs").contains("multiexpan-analyse-pairs 1"));
        assert!(!folder.path().join("multiexpan-serve.1").exists());
    }
}
