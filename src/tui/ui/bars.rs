//! Bars of block characters. A bar of a negative fraction is hatched, so that it differs even
//! without colour.

use crate::tui::ui::text;

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Returns a bar that grows to the right, at most `columns` long. `fraction` is −1..1.
pub fn to_right(fraction: f64, columns: usize) -> String {
    if fraction < 0.0 {
        return "░".repeat(hatched_cells(fraction, columns));
    }
    let eighths = (fraction.min(1.0) * columns as f64 * 8.0).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// Returns a bar that grows to the left and ends at the right edge, exactly `columns` wide.
/// `fraction` is −1..1.
pub fn to_left(fraction: f64, columns: usize) -> String {
    let bar = if fraction < 0.0 {
        "░".repeat(hatched_cells(fraction, columns))
    } else {
        // Of the eighths, Unicode has only the half for bars that grow to the left.
        let halves = (fraction.min(1.0) * columns as f64 * 2.0).round() as usize;
        let end = if halves % 2 == 1 { "▐" } else { "" };
        end.to_owned() + &"█".repeat(halves / 2)
    };
    text::fit_right(&bar, columns)
}

/// Returns the length of a hatched bar: at least one cell, since its sign matters most.
fn hatched_cells(fraction: f64, columns: usize) -> usize {
    let cells = (fraction.abs().min(1.0) * columns as f64).round() as usize;
    cells.max(1).min(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_from_the_middle() {
        assert_eq!(to_left(0.5, 4), "  ██");
        assert_eq!(to_left(0.625, 4), " ▐██");
        assert_eq!(to_right(0.625, 4), "██▌");
        assert_eq!(to_right(2.0, 3), "███");
        assert_eq!(to_right(0.0, 3), "");
    }

    #[test]
    fn a_negative_bar_is_hatched() {
        assert_eq!(to_left(-0.5, 4), "  ░░");
        assert_eq!(to_right(-0.01, 4), "░");
    }
}
