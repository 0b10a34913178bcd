//! Progress on standard error (a bar on a terminal, plain lines elsewhere), and ctrl-c.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::cli::output::print_note;
use crate::error::{Error, Result};
use crate::printable;
use crate::progress::{CancelFlag, Observer, Progress};

/// The least time between two plain lines of the same stage.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);
/// The exit code of a program that ctrl-c ended.
const INTERRUPTED: i32 = 130;

/// Returns a flag that ctrl-c raises. A second ctrl-c ends the process at once. May be called only
/// once in a process.
pub fn interrupt() -> Result<CancelFlag> {
    let cancel = CancelFlag::default();
    let raised = cancel.clone();
    ctrlc::set_handler(move || {
        if raised.is_cancelled() {
            std::process::exit(INTERRUPTED);
        }
        raised.cancel();
        // a failure to write cannot be reported
        let _ = writeln!(
            std::io::stderr(),
            "\nstopping; ctrl-c again to stop at once"
        );
    })
    .map_err(|e| Error::Mismatch(format!("ctrl-c cannot be caught: {e}")))?;
    Ok(cancel)
}

/// Shows a job's progress and stops it when `cancel` is raised.
pub struct Reporter {
    cancel: CancelFlag,
    display: Display,
}

enum Display {
    Bar { bar: ProgressBar, stage: String },
    Plain(Pace),
}

impl Reporter {
    pub fn new(cancel: CancelFlag) -> Self {
        let display = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            Display::Bar {
                bar,
                stage: String::new(),
            }
        } else {
            Display::Plain(Pace::default())
        };
        Reporter { cancel, display }
    }

    fn show(&mut self, progress: &Progress) {
        match &mut self.display {
            Display::Bar { bar, stage } => draw(bar, stage, progress),
            Display::Plain(pace) => {
                if pace.due(progress, Instant::now()) {
                    // a failure to write progress does not end the work
                    print_note(&line(progress));
                }
            }
        }
    }
}

impl Observer<Progress> for Reporter {
    fn report(&mut self, progress: Progress) -> Result<()> {
        self.show(&progress);
        self.cancel.check()
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        if let Display::Bar { bar, .. } = &self.display {
            bar.finish_and_clear();
        }
    }
}

/// Draws the progress bar; a new stage resets it.
fn draw(bar: &ProgressBar, stage: &mut String, progress: &Progress) {
    if *stage != progress.stage {
        stage.clone_from(&progress.stage);
        bar.reset();
        bar.set_style(style(progress.total > 0));
    }
    if progress.total > 0 {
        bar.set_length(progress.total);
    }
    bar.set_prefix(printable::one_line(&progress.stage).into_owned());
    bar.set_message(printable::one_line(&details(progress)).into_owned());
    bar.set_position(progress.done);
}

fn style(counted: bool) -> ProgressStyle {
    let template = if counted {
        "{prefix} {wide_bar} {percent:>3}% {msg}"
    } else {
        "{spinner} {prefix} {pos} {msg}"
    };
    // The templates are constants that parse, as the test below shows.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Returns a line like "image features: 1200 of 3410 (35 %), 210 pictures/s, 40 s left".
fn line(progress: &Progress) -> String {
    let Progress {
        stage, done, total, ..
    } = progress;
    let count = match (*done, *total) {
        (0, 0) => String::new(),
        (done, 0) => format!(": {done}"),
        (done, total) => format!(": {done} of {total} ({} %)", 100 * done / total),
    };
    match details(progress) {
        details if details.is_empty() => format!("{stage}{count}"),
        details => format!("{stage}{count}, {details}"),
    }
}

/// Returns the note and the time left, separated by a comma.
fn details(progress: &Progress) -> String {
    let left = progress
        .remaining
        .map(|left| format!("{} left", span(left)));
    let note = Some(progress.details.clone()).filter(|note| !note.is_empty());
    note.into_iter().chain(left).collect::<Vec<_>>().join(", ")
}

/// Formats a duration like "40 s", "3 min 20 s" or "2 h 5 min".
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Decides when a plain line is due: at a new stage, at its end, and in intervals between.
#[derive(Default)]
struct Pace {
    stage: String,
    last: Option<Instant>,
    ended: bool,
}

impl Pace {
    fn due(&mut self, progress: &Progress, now: Instant) -> bool {
        let new_stage = self.stage != progress.stage;
        let ends = progress.total > 0 && progress.done >= progress.total;
        let late = self
            .last
            .is_none_or(|last| now.duration_since(last) >= PLAIN_INTERVAL);
        let due = new_stage || (ends && !self.ended) || (late && !ends);
        if due {
            self.stage.clone_from(&progress.stage);
            self.last = Some(now);
            self.ended = ends;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(stage: &str, done: u64, total: u64) -> Progress {
        Progress::new(stage, done, total)
    }

    #[test]
    fn lines_are_few() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let seconds = |s| start + Duration::from_secs(s);
        assert!(
            pace.due(&at("reading", 0, 10), seconds(0)),
            "a stage begins"
        );
        assert!(!pace.due(&at("reading", 1, 10), seconds(1)), "too soon");
        assert!(pace.due(&at("reading", 5, 10), seconds(6)), "it is time");
        assert!(
            pace.due(&at("reading", 10, 10), seconds(7)),
            "the stage ends"
        );
        assert!(
            !pace.due(&at("reading", 10, 10), seconds(60)),
            "it ended already"
        );
        assert!(
            pace.due(&at("writing", 0, 0), seconds(60)),
            "another begins"
        );
    }

    #[test]
    fn a_line_has_the_known_numbers() {
        assert_eq!(line(&at("reading", 0, 0)), "reading");
        assert_eq!(line(&at("reading", 7, 0)), "reading: 7");
        let mut progress = at("epoch 2 of 5", 30, 120);
        progress.details = "loss 4.21".into();
        progress.remaining = Some(Duration::from_secs(200));
        assert_eq!(
            line(&progress),
            "epoch 2 of 5: 30 of 120 (25 %), loss 4.21, 3 min 20 s left"
        );
    }

    #[test]
    fn durations_have_two_units_at_most() {
        assert_eq!(span(Duration::from_secs(40)), "40 s");
        assert_eq!(span(Duration::from_secs(7500)), "2 h 5 min");
    }

    #[test]
    fn the_templates_parse() {
        for counted in [true, false] {
            style(counted);
        }
        assert!(ProgressStyle::with_template("{prefix} {wide_bar} {percent:>3}% {msg}").is_ok());
        assert!(ProgressStyle::with_template("{spinner} {prefix} {pos} {msg}").is_ok());
    }

    #[test]
    fn a_raised_flag_stops_the_job() {
        let cancel = CancelFlag::default();
        let mut reporter = Reporter::new(cancel.clone());
        assert!(reporter.report(at("reading", 0, 2)).is_ok());
        cancel.cancel();
        assert!(matches!(
            reporter.report(at("reading", 1, 2)),
            Err(Error::Stopped)
        ));
    }
}
