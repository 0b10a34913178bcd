//! `multiexpan explore`: what the explorer is to open. `main` opens it.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::arguments::{DeviceArg, existing_path};
use crate::cli::demo;
use crate::config::DEFAULT_TOML;
use crate::engine::Process;
use crate::engine::protocol::{Reply, Request};
use crate::error::{Error, Result};
use crate::index;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// Folder of the index [default: the bundled demo's]
    pub index: Option<PathBuf>,

    /// Data set with sentences, pictures, gold and queries [default: the one the index was built
    /// from]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    /// An index of the same data set, or a run, to stand beside it in Compare; may be given again
    #[arg(long, value_name = "PATH")]
    pub beside: Vec<PathBuf>,

    /// How to draw pictures [default: the settings file's, else auto]
    #[arg(long, value_name = "HOW", value_parser = ["auto", "kitty", "sixel", "iterm2", "halfblocks", "off"])]
    pub images: Option<String>,

    /// View to open, as the explorer wrote it with ctrl-s
    #[arg(long, value_name = "FILE")]
    pub open: Option<PathBuf>,

    /// Colour theme [default: the settings file's]
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,

    /// Print the default settings with their explanations, and open nothing
    #[arg(long)]
    pub print_config: bool,

    #[command(flatten)]
    pub device: DeviceArg,
}

/// Prints the settings' embedded file.
pub fn print_config() -> Result<()> {
    std::io::stdout()
        .write_all(DEFAULT_TOML.as_bytes())
        .map_err(Error::io("write", "standard output"))
}

impl Args {
    /// The index's folder: the one named, or the demo's. `Missing` where there is none.
    pub fn find_index(&self) -> Result<PathBuf> {
        match &self.index {
            Some(index) => existing_path("index", index.clone()),
            None => demo::index(),
        }
    }
}

/// Fails if the folder is not an index. The engine checks this too, but only when the screen is up.
pub fn check_is_index(folder: &Path) -> Result<()> {
    index::check_is_index(folder)
}

/// What hands requests over, and where replies arrive.
pub type Line = (Box<dyn Fn(Request) + Send>, UnboundedReceiver<Reply>);

/// An engine in a process of its own.
pub fn start_engine() -> Result<Line> {
    let (replies, inbox) = unbounded_channel();
    // a reply that nobody waits for any more is dropped
    let engine = Process::start(move |reply| drop(replies.send(reply)))?;
    Ok((Box::new(move |request| engine.send(request)), inbox))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_index_must_be_there() {
        let args = Args {
            index: Some("/no/such/index".into()),
            ..Args::default()
        };
        assert_eq!(
            args.find_index().unwrap_err().to_string(),
            "no index at /no/such/index"
        );
    }
}
