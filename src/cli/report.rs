//! `multiexpan report`: a comparison as a page with plots and images.

use std::path::{Path, PathBuf};

use crate::cli::compare::CompareArgs;
use crate::cli::output::print_text;
use crate::cli::progress::{Reporter, interrupt};
use crate::error::{Error, Result};
use crate::eval::SubgroupAnalysis;
use crate::files::write_atomic;
use crate::jobs::report::report;
use crate::{printable, text_file};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub compared: CompareArgs,

    /// Analysis to add, as `analyse … --format json` writes it; can be repeated
    #[arg(long = "analysis", value_name = "FILE.json")]
    pub analyses: Vec<PathBuf>,

    /// Folder for report.html, report.md and the plots
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// The prefixes of plots that a report has one or more of.
const NUMBERED: [&str; 4] = ["scatter-", "classes-", "rolled-", "analysis-"];

/// Writes the pages and the plots, and prints their paths.
pub fn run(args: Args) -> Result<()> {
    let Args {
        compared,
        analyses,
        out,
    } = args;
    let mut added: Vec<SubgroupAnalysis> = Vec::with_capacity(analyses.len());
    for path in &analyses {
        added.push(text_file::read_json(path, "an analysis in JSON")?);
    }
    // fails early if the folder cannot be created
    std::fs::create_dir_all(&out).map_err(Error::io("create", &out))?;
    let mut reporter = Reporter::new(interrupt()?);
    let mut report = report(&compared.runs(), &compared.settings(), &mut reporter)?;
    drop(reporter);
    report.analyses.extend(added);
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
