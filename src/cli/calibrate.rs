//! `multiexpan calibrate`: fits the boundary of classes to the gold of a data set.

use std::path::PathBuf;

use crate::cli::arguments::{DeviceArg, mode_parser, seeds_parser};
use crate::cli::output::print_text;
use crate::cli::progress::{Reporter, interrupt};
use crate::engine::Session;
use crate::error::Result;
use crate::eval::CutMetrics;
use crate::jobs::calibrate::{Calibration, calibrate, calibrated_modes, store};
use crate::types::{Mode, SeedCount};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the index
    pub index: PathBuf,

    /// Mode to fit [default: every mode of the index]
    #[arg(long, value_parser = mode_parser())]
    pub mode: Option<Mode>,

    /// Number of seeds of the queries to fit on
    #[arg(long, value_name = "N", default_value = "5", value_parser = seeds_parser())]
    pub seeds: SeedCount,

    /// Print the result without writing it to the index
    #[arg(long)]
    pub dry_run: bool,

    /// Data set with gold and queries [default: the one the index was built from]
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,

    #[command(flatten)]
    pub device: DeviceArg,
}

/// Fits the boundary of each mode, prints how good it is on classes that it was not fitted on, and
/// writes it to the index.
pub fn run(args: Args) -> Result<()> {
    let session = Session::open(&args.index, args.dataset.as_deref(), args.device.device)?;
    let modes = match args.mode {
        Some(mode) => vec![mode],
        None => calibrated_modes(&session.catalogue),
    };
    let mut reporter = Reporter::new(interrupt()?);
    let calibrations = calibrate(&session, &modes, args.seeds, &mut reporter)?;
    drop(reporter);
    print_text(&table(&calibrations))?;
    if args.dry_run {
        return Ok(());
    }
    store(&session, &calibrations)
}

fn table(calibrations: &[Calibration]) -> String {
    let mut text = format!(
        "{:<13} {:>5} {:>7} {:>7} {:>9} {:>7} {:>17}\n",
        "mode", "seeds", "queries", "F1", "precision", "recall", "calibration error"
    );
    for calibration in calibrations {
        for (seeds, cut) in &calibration.cross_validated {
            text += &row(calibration.fitted.mode, *seeds, cut);
        }
    }
    text += "\nEach query was cut by a model that was fitted without its class.\n";
    for Calibration { fitted, .. } in calibrations {
        let model = &fitted.model;
        text += &format!(
            "{}: {:.2} · score {:+.2} · cohesion {:+.2} · background {:+.2}, fitted on {}\n",
            fitted.mode,
            model.score,
            model.cohesion,
            model.background,
            model.bias,
            fitted.fitted_on
        );
    }
    text
}

fn row(mode: Mode, seeds: SeedCount, cut: &CutMetrics) -> String {
    let percent = |value: f64| format!("{:.1}", 100.0 * value);
    format!(
        "{mode:<13} {:>5} {:>7} {:>7} {:>9} {:>7} {:>17}\n",
        seeds.as_usize(),
        cut.queries,
        percent(cut.f1),
        percent(cut.precision),
        percent(cut.recall),
        percent(cut.calibration_error)
    )
}
