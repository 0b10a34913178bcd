//! `multiexpan explore`: the arguments of the explorer, which `main` opens.

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
    /// Folder of the index [default: that of the bundled demo]
    pub index: Option<PathBuf>,

    /// Data set with sentences, images, gold and queries [default: the one the index was built
    /// from]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    /// Index of the same data set, or run, to import into Compare; may be repeated
    #[arg(long = "beside", value_name = "PATH")]
    pub imports: Vec<PathBuf>,

    /// Protocol for drawing images [default: that of the settings file, or auto]
    #[arg(long, value_name = "HOW", value_parser = ["auto", "kitty", "sixel", "iterm2", "halfblocks", "off"])]
    pub images: Option<String>,

    /// View file to open, written by the explorer with ctrl-s
    #[arg(long, value_name = "FILE")]
    pub open: Option<PathBuf>,

    /// Colour theme [default: that of the settings file]
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,

    /// Print the default settings with explanations, and exit
    #[arg(long)]
    pub print_config: bool,

    #[command(flatten)]
    pub device: DeviceArg,
}

/// Prints the embedded settings file.
pub fn print_config() -> Result<()> {
    std::io::stdout()
        .write_all(DEFAULT_TOML.as_bytes())
        .map_err(Error::io("write", "standard output"))
}

impl Args {
    /// Returns the folder of the index: the given one, or that of the demo. Fails if there is none.
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

/// The function that sends requests, and the receiver of replies.
pub type EngineConnection = (Box<dyn Fn(Request) + Send>, UnboundedReceiver<Reply>);

/// Starts the engine in a process of its own.
pub fn start_engine() -> Result<EngineConnection> {
    let (replies, inbox) = unbounded_channel();
    // a reply that is no longer awaited is dropped
    let engine = Process::start(move |reply| drop(replies.send(reply)))?;
    Ok((Box::new(move |request| engine.send(request)), inbox))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_index_must_exist() {
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
