//! Writing runs in any format.

use std::path::Path;

use crate::data::Dataset;
use crate::error::Result;
use crate::eval::run::ranking::Run;
use crate::eval::run::run_format::RunFormat;
use crate::eval::run::run_settings::write_settings;
use crate::eval::run::{nlpcc, published, trec};

impl Run {
    /// Writes the run as TREC lines, and its settings beside them, each file atomically. A path
    /// that ends in `.gz` is written as gzip. Errors: `Io`, and `Mismatch` for a score that is not
    /// finite.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.check_scores()?;
        trec::write(self, path)?;
        write_settings(&self.settings, path)
    }

    /// Like [`Run::write`], in any format. Published results get their number of seeds into the
    /// settings, since their file names do not state it. Errors: `Io`, and `Format` and `Mismatch`
    /// for a run that the format cannot store.
    pub fn write_as(&self, format: RunFormat, path: &Path, dataset: &Dataset) -> Result<()> {
        format.check_output_path(path)?;
        self.check_scores()?;
        let mut settings = self.settings.clone();
        match format {
            RunFormat::Trec => trec::write(self, path)?,
            RunFormat::Nlpcc => nlpcc::write(self, path, dataset)?,
            RunFormat::Published => {
                let seeds = published::write(self, path, dataset)?;
                settings.insert("seeds".into(), seeds.as_usize().to_string().into());
            }
        }
        write_settings(&settings, path)
    }
}
