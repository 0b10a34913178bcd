//! The line in the list of candidates where the class probably ends.
//!
//! ```text
//!   19 ✓ lynx             0.42   41 %
//! ───── about 17 of 19 are members ─────────
//!   20 ✗ horse           -0.31   33 %
//! ```

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::engine::protocol::ListBoundary;
use crate::tui::explore::expansion::CandidateRow;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::text;

/// Columns of the rule before the label, so that the label begins near the names.
const LEAD: usize = 5;

/// The place of the line among the rows that pass the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoundaryPlace {
    /// Before the first row: no row before the boundary passes the filter.
    Top,
    /// After the row at this position.
    After(usize),
}

impl BoundaryPlace {
    /// Returns the place after the last row whose rank is within the boundary.
    pub(super) fn new(boundary: ListBoundary, rows: &[CandidateRow]) -> Self {
        let last = rows.iter().rposition(|row| row.rank <= boundary.size);
        last.map_or(BoundaryPlace::Top, BoundaryPlace::After)
    }

    /// Returns the position of the row with which the line scrolls.
    pub(super) fn row(self) -> usize {
        match self {
            BoundaryPlace::Top => 0,
            BoundaryPlace::After(row) => row,
        }
    }
}

/// Draws the line.
pub(super) fn draw(canvas: &mut DrawContext, area: Rect, boundary: ListBoundary) {
    let width = usize::from(area.width);
    let label = label(boundary, width.saturating_sub(LEAD + 3));
    let rest = width.saturating_sub(LEAD + text::width(&label) + 2);
    let line = Line::from(vec![
        canvas.span(Role::Border, "─".repeat(LEAD.min(width)) + " "),
        canvas.span(Role::Quiet, label),
        canvas.span(Role::Border, " ".to_owned() + &"─".repeat(rest)),
    ]);
    canvas.line(area, line);
}

/// Returns the longest label that fits: "about 17 of 19 are members", "17 of 19".
fn label(boundary: ListBoundary, room: usize) -> String {
    let (members, size) = (boundary.expected_members.round(), boundary.size);
    let labels = [
        format!("about {members} of {size} are members"),
        format!("{members} of {size} members"),
        format!("{members} of {size}"),
    ];
    let [.., shortest] = &labels;
    let fits = labels.iter().find(|label| text::width(label) <= room);
    fits.unwrap_or(shortest).clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::explore::expansion::RankShift;
    use crate::tui::gold_mark::GoldMark;
    use crate::types::EntityId;

    const BOUNDARY: ListBoundary = ListBoundary {
        size: 19,
        expected_members: 16.7,
    };

    fn rows(ranks: &[usize]) -> Vec<CandidateRow> {
        let row = |&rank: &usize| CandidateRow {
            rank,
            pick: rank - 1,
            entity: EntityId(rank as u32),
            reranking: None,
            mark: GoldMark::Gold,
            shift: RankShift::Unknown,
        };
        ranks.iter().map(row).collect()
    }

    #[test]
    fn the_line_follows_the_last_row_within_the_boundary() {
        let place = |ranks: &[usize]| BoundaryPlace::new(BOUNDARY, &rows(ranks));
        assert_eq!(place(&[18, 19, 20]), BoundaryPlace::After(1));
        assert_eq!(place(&[3, 40]), BoundaryPlace::After(0));
        assert_eq!(place(&[3, 7]), BoundaryPlace::After(1), "all are within it");
        assert_eq!(place(&[20, 30]), BoundaryPlace::Top);
        assert_eq!(place(&[20, 30]).row(), 0);
    }

    #[test]
    fn the_label_becomes_shorter_in_a_narrow_pane() {
        assert_eq!(label(BOUNDARY, 40), "about 17 of 19 are members");
        assert_eq!(label(BOUNDARY, 20), "17 of 19 members");
        assert_eq!(label(BOUNDARY, 9), "17 of 19");
        assert_eq!(label(BOUNDARY, 3), "17 of 19");
    }
}
