//! Bars out of block letters. A negative share is hatched, so that it is told apart without colour.

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar that grows to the right, at most `columns` long. `share` is −1..1.
pub fn to_right(share: f64, columns: usize) -> String {
    if share < 0.0 {
        return "░".repeat(cells(share, columns));
    }
    let eighths = (share.min(1.0) * columns as f64 * 8.0).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// A bar that grows to the left and ends at the right edge, exactly `columns` wide. `share` is
/// −1..1.
pub fn to_left(share: f64, columns: usize) -> String {
    let bar = if share < 0.0 {
        "░".repeat(cells(share, columns))
    } else {
        // Unicode has no eighths that grow to the left, but for the half.
        let halves = (share.min(1.0) * columns as f64 * 2.0).round() as usize;
        (if halves % 2 == 1 { "▐" } else { "" }).to_owned() + &"█".repeat(halves / 2)
    };
    crate::tui::ui::text::fit_right(&bar, columns)
}

/// A negative share shows at least one cell: its sign is what matters.
fn cells(share: f64, columns: usize) -> usize {
    ((share.abs().min(1.0) * columns as f64).round() as usize)
        .max(1)
        .min(columns)
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
    fn a_negative_share_is_hatched() {
        assert_eq!(to_left(-0.5, 4), "  ░░");
        assert_eq!(to_right(-0.01, 4), "░");
    }
}
