//! `multiexpan report`: a comparison as a page with plots and images.

use std::path::{Path, PathBuf};

use crate::cli::compare::CompareArgs;
use crate::cli::output::print_text;
use crate::cli::progress::{Reporter, interrupt};
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::jobs::report::report;
use crate::printable;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub compared: CompareArgs,

    /// Folder for report.html, report.md and the plots
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// The prefixes of plots that a report has one or more of.
const NUMBERED: [&str; 4] = ["scatter-", "classes-", "rolled-", "analysis-"];

/// Writes the pages and the plots, and prints their paths.
pub fn run(args: Args) -> Result<()> {
    let Args { compared, out } = args;
    // fails early if the folder cannot be created
    std::fs::create_dir_all(&out).map_err(Error::io("create", &out))?;
    let mut reporter = Reporter::new(interrupt()?);
    let report = report(&compared.runs(), &compared.settings(), &mut reporter)?;
    drop(reporter);
    let files = report.files();
    for (name, text) in &files {
        let path = out.join(name);
        write_atomic(&path, text.as_bytes())?;
        print_text(&format!("{}\n", printable::path(&path)))?;
    }
    remove_old_plots(&out, |name| files.iter().any(|(new, _)| new == name))
}

/// Removes the plots of an earlier report that had more runs.
fn remove_old_plots(folder: &Path, is_new: impl Fn(&str) -> bool) -> Result<()> {
    let is_plot = |name: &str| {
        let number = NUMBERED
            .iter()
            .find_map(|kind| name.strip_prefix(kind)?.strip_suffix(".svg"));
        number.is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
        })
    };
    for entry in std::fs::read_dir(folder)
        .map_err(Error::io("read", folder))?
        .flatten()
    {
        if entry
            .file_name()
            .to_str()
            .is_some_and(|name| is_plot(name) && !is_new(name))
        {
            std::fs::remove_file(entry.path()).map_err(Error::io("remove", &entry.path()))?;
        }
    }
    Ok(())
}
