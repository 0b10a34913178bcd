//! `multiexpan check`: the validator.

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

/// Prints every finding; fails where one of them is an error.
pub fn run(args: Args) -> Result<()> {
    let mut reporter = Reporter::new(interrupt()?);
    let findings = check(&args.dataset, &mut reporter)?;
    // the bar goes before the findings come
    drop(reporter);
    let shown = printable::path(&args.dataset);
    let text = match findings.is_empty() {
        true => format!("{shown} is sound: every line is used and every image decodes\n"),
        false => format!("{}\n{shown} has {}\n", report(&findings), tally(&findings)),
    };
    print_text(&text)?;
    match findings.total(Severity::Error) {
        0 => Ok(()),
        errors => Err(Error::format(
            &args.dataset,
            format!("has {}", counted(errors, "error")),
        )),
    }
}

/// Findings by kind, errors first: the kind and how often, then `file:line: reason` of each that
/// was kept.
pub(super) fn report(findings: &Diagnostics) -> String {
    let mut text = String::new();
    let all: Vec<&Diagnostic> = findings.iter().collect();
    for kind in all.chunk_by(|a, b| a.kind == b.kind) {
        let (first, count) = (kind[0], findings.count(kind[0].kind));
        let severity = match first.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        // writing to a string cannot fail
        let _ = writeln!(text, "{severity}: {} ({count})", first.kind);
        for finding in kind {
            let line = finding
                .line
                .map(|line| format!(":{line}"))
                .unwrap_or_default();
            let (file, reason) = (
                printable::path(&finding.file),
                printable::one_line(&finding.reason),
            );
            let _ = writeln!(text, "  {file}{line}: {reason}");
        }
        if count > kind.len() {
            let _ = writeln!(text, "  … and {} more", count - kind.len());
        }
    }
    text
}

/// "2 errors and 1 warning"
pub(super) fn tally(findings: &Diagnostics) -> String {
    let errors = counted(findings.total(Severity::Error), "error");
    let warnings = counted(findings.total(Severity::Warning), "warning");
    format!("{errors} and {warnings}")
}

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

    fn finding(severity: Severity, kind: &'static str, line: Option<usize>) -> Diagnostic {
        Diagnostic {
            severity,
            kind,
            file: "d/f.txt".into(),
            line,
            reason: "so it is".into(),
        }
    }

    #[test]
    fn errors_come_first_and_every_finding_has_its_place() {
        let mut findings = Diagnostics::default();
        findings.push(finding(Severity::Warning, "odd lines", None));
        findings.push(finding(Severity::Error, "bad lines", Some(3)));
        findings.push(finding(Severity::Error, "bad lines", Some(7)));
        assert_eq!(
            report(&findings),
            "error: bad lines (2)\n  d/f.txt:3: so it is\n  d/f.txt:7: so it is\n\
             warning: odd lines (1)\n  d/f.txt: so it is\n"
        );
        assert_eq!(tally(&findings), "2 errors and 1 warning");
    }

    #[test]
    fn what_data_holds_takes_one_line_and_cannot_act() {
        let mut findings = Diagnostics::default();
        let reason = "there is no image \x1b[2J\ne\u{202e}".into();
        let file = "d/\x1b]0;x\x07.txt".into();
        findings.push(Diagnostic {
            file,
            reason,
            ..finding(Severity::Error, "bad lines", Some(3))
        });
        assert_eq!(
            report(&findings),
            "error: bad lines (1)\n  d/\\x1b]0;x\\x07.txt:3: there is no image \\x1b[2J\\ne\\u{202e}\n"
        );
    }

    #[test]
    fn what_is_not_kept_is_still_told() {
        let mut findings = Diagnostics::default();
        (0..53).for_each(|line| findings.push(finding(Severity::Warning, "odd lines", Some(line))));
        assert!(report(&findings).ends_with("  … and 3 more\n"));
        assert_eq!(tally(&findings), "no errors and 53 warnings");
    }
}
