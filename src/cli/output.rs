//! Text on standard output and standard error. Nothing in it from data can act on a terminal.

use std::io::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::error::{Error, Result};
use crate::printable;

/// Prints text of one or more lines to standard output. Unlike `print!` it returns an error if the
/// text cannot be written.
pub(super) fn print_text(text: &str) -> Result<()> {
    let shown = printable::lines(text);
    std::io::stdout()
        .write_all(shown.as_bytes())
        .map_err(Error::io("write to", "standard output"))
}

/// Prints a result as JSON, from which names can be read back exactly.
pub(super) fn print_json(result: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(result)
        .map_err(|e| Error::Mismatch(format!("cannot be written as JSON: {e}")))?;
    print_text(&(printable::json(&text) + "\n"))
}

/// Prints one line to standard error. A failure to write it does not end the work.
pub(super) fn print_note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", printable::one_line(line));
}

/// Prints what a job left out to standard error.
pub(super) fn print_left_out(left_out: &[(String, usize)]) {
    for (what, count) in left_out {
        print_note(&format!("left out: {count} {what}"));
    }
}

/// Returns a name in exactly `width` terminal columns, padded with spaces or cut with `…`.
pub(super) fn fit_columns(name: &str, width: usize) -> String {
    let name = printable::one_line(name);
    let mut out = String::new();
    let mut used = 0;
    let fits = name.width() <= width;
    for c in name.chars() {
        let columns = c.width().unwrap_or(0);
        if !fits && used + columns > width - 1 {
            out.push('…');
            used += 1;
            break;
        }
        out.push(c);
        used += columns;
    }
    out + &" ".repeat(width.saturating_sub(used))
}
