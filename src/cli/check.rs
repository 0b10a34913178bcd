//! `multiexpan check`: validates a data set.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::cli::output::print_text;
use crate::cli::progress::{Reporter, interrupt};
use crate::data::check;
use crate::data::{Diagnostic, Diagnostics, Severity};
use crate::error::{Error, Result};
use crate::printable;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the data set
    pub dataset: PathBuf,
}

/// Prints every diagnostic, and fails if one of them is an error.
pub fn run(args: Args) -> Result<()> {
    let mut reporter = Reporter::new(interrupt()?);
    let diagnostics = check(&args.dataset, &mut reporter)?;
    // the progress bar is removed before the report is printed
    drop(reporter);
    let shown = printable::path(&args.dataset);
    let text = if diagnostics.is_empty() {
        format!("{shown} is valid: every line is used and every image decodes\n")
    } else {
        format!(
            "{}\n{shown} has {}\n",
            report(&diagnostics),
            totals(&diagnostics)
        )
    };
    print_text(&text)?;
    match diagnostics.total(Severity::Error) {
        0 => Ok(()),
        errors => Err(Error::format(
            &args.dataset,
            format!("has {}", counted(errors, "error")),
        )),
    }
}

/// Formats diagnostics by kind, errors first: the kind and its count, then `file:line: reason` of
/// each that was stored.
pub(super) fn report(diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    let all: Vec<&Diagnostic> = diagnostics.iter().collect();
    for kind in all.chunk_by(|a, b| a.kind == b.kind) {
        let (first, count) = (kind[0], diagnostics.count(kind[0].kind));
        let severity = match first.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        // writing to a string cannot fail
        let _ = writeln!(text, "{severity}: {} ({count})", first.kind);
        for diagnostic in kind {
            let line = diagnostic
                .line
                .map(|line| format!(":{line}"))
                .unwrap_or_default();
            let (file, reason) = (
                printable::path(&diagnostic.file),
                printable::one_line(&diagnostic.reason),
            );
            let _ = writeln!(text, "  {file}{line}: {reason}");
        }
        if count > kind.len() {
            let _ = writeln!(text, "  … and {} more", count - kind.len());
        }
    }
    text
}

/// Returns the number of errors and warnings, as in "2 errors and 1 warning".
pub(super) fn totals(diagnostics: &Diagnostics) -> String {
    let errors = counted(diagnostics.total(Severity::Error), "error");
    let warnings = counted(diagnostics.total(Severity::Warning), "warning");
    format!("{errors} and {warnings}")
}

/// Returns a count with its noun, as in "no errors", "1 error", "2 errors".
pub(super) fn counted(n: usize, what: &str) -> String {
    match n {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(severity: Severity, kind: &'static str, line: Option<usize>) -> Diagnostic {
        Diagnostic {
            severity,
            kind,
            file: "d/f.txt".into(),
            line,
            reason: "so it is".into(),
        }
    }

    #[test]
    fn errors_come_first_and_every_diagnostic_has_its_line() {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(diagnostic(Severity::Warning, "odd lines", None));
        diagnostics.push(diagnostic(Severity::Error, "bad lines", Some(3)));
        diagnostics.push(diagnostic(Severity::Error, "bad lines", Some(7)));
        assert_eq!(
            report(&diagnostics),
            "error: bad lines (2)\n  d/f.txt:3: so it is\n  d/f.txt:7: so it is\n\
             warning: odd lines (1)\n  d/f.txt: so it is\n"
        );
        assert_eq!(totals(&diagnostics), "2 errors and 1 warning");
    }

    #[test]
    fn text_from_data_takes_one_line_and_cannot_act() {
        let mut diagnostics = Diagnostics::default();
        let reason = "there is no image \x1b[2J\ne\u{202e}".into();
        let file = "d/\x1b]0;x\x07.txt".into();
        diagnostics.push(Diagnostic {
            file,
            reason,
            ..diagnostic(Severity::Error, "bad lines", Some(3))
        });
        assert_eq!(
            report(&diagnostics),
            "error: bad lines (1)\n  d/\\x1b]0;x\\x07.txt:3: there is no image \\x1b[2J\\ne\\u{202e}\n"
        );
    }

    #[test]
    fn diagnostics_that_are_not_stored_are_counted() {
        let mut diagnostics = Diagnostics::default();
        (0..53).for_each(|line| {
            diagnostics.push(diagnostic(Severity::Warning, "odd lines", Some(line)))
        });
        assert!(report(&diagnostics).ends_with("  … and 3 more\n"));
        assert_eq!(totals(&diagnostics), "no errors and 53 warnings");
    }
}
