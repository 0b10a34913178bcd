//! What a drawn frame tells the app: where things are (for the mouse), how far they scroll, and
//! what is wanting.

use crate::tui::ui::scroll::Extent;
use std::path::PathBuf;

use ratatui::layout::{Position, Rect, Size};

use crate::tui::parts::MetricsColumn;
use crate::tui::parts::Pane;
use crate::tui::parts::Screen;
use crate::types::EntityId;

/// What lies under the pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClickTarget {
    Pane(Pane),
    /// A line of the class tree.
    ClassRow(usize),
    Seed(usize),
    /// The ✕ of a chip.
    RemoveSeed(usize),
    AddSeed,
    Completion(usize),
    Candidate(EntityId),
    /// "missing n ▸" in the metrics line.
    MissingCount,
    MissingRow(usize),
    Image(usize),
    Neighbor(EntityId),
    /// Between candidates and entity.
    Divider,
    /// A popup's inside, which lets nothing through.
    Popup,
    /// Beside a popup: a click closes it.
    Backdrop,
    Help,
    Tab(Screen),
    MetricsRow(usize),
    MetricsColumn(MetricsColumn),
    /// A row of the Compare table.
    CompareRow(usize),
    /// A query's joined rankings.
    CompareRankings,
    /// A line of the Failures screen.
    FailureRow(usize),
    /// Row and column of the confusion matrix.
    MatrixCell(usize, usize),
    ExportFormat(usize),
    /// A line of the rankers to compare.
    Ranker(usize),
    /// A line of the palette.
    PaletteRow(usize),
    Theme(usize),
    /// A line of an explanation.
    ExplanationLine(usize),
    /// A setting of the What-if popup.
    Setting(usize),
    NamedQuery(usize),
}

/// A picture at a size in cells.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageKey {
    pub path: PathBuf,
    pub size: Size,
}

/// One drawn frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FrameInfo {
    /// Of the terminal, in cells.
    pub size: Size,
    /// Later ones lie above.
    pub click_targets: Vec<(Rect, ClickTarget)>,
    /// Every picture of the frame, ready or not, the most wanted first.
    pub images: Vec<ImageKey>,
    /// Entities whose first picture is not known yet.
    pub unknown_images: Vec<EntityId>,
    pub classes: Extent,
    pub candidates: Extent,
    pub entity: Extent,
    pub popup: Extent,
    /// The Metrics screen's table, without the line of all queries.
    pub metrics_table: Extent,
    /// The rows of the Compare table.
    pub compare_rows: Extent,
    /// The joined rankings of the Compare screen.
    pub compare_rankings: Extent,
    /// The Failures screen's list, or its matrix's rows.
    pub failures: Extent,
    /// The matrix's columns.
    pub matrix_columns: Extent,
    /// How many pictures of the entity are shown at once.
    pub visible_images: usize,
    /// Where the terminal's cursor stands; `None` where nothing is typed.
    pub cursor: Option<Position>,
}

impl FrameInfo {
    pub fn target_at(&self, column: u16, row: u16) -> Option<ClickTarget> {
        let at = Position::new(column, row);
        self.click_targets
            .iter()
            .rev()
            .find(|(area, _)| area.contains(at))
            .map(|(_, hit)| *hit)
    }

    /// The pane under the pointer, whatever else lies there.
    pub fn pane_at(&self, column: u16, row: u16) -> Option<Pane> {
        let at = Position::new(column, row);
        self.click_targets
            .iter()
            .rev()
            .find_map(|(area, hit)| match hit {
                ClickTarget::Pane(pane) if area.contains(at) => Some(*pane),
                _ => None,
            })
    }

    pub fn area_of(&self, wanted: ClickTarget) -> Option<Rect> {
        self.click_targets
            .iter()
            .find(|(_, hit)| *hit == wanted)
            .map(|(area, _)| *area)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_later_is_hit_first() {
        let mut view = FrameInfo::default();
        view.click_targets
            .push((Rect::new(0, 0, 10, 10), ClickTarget::Pane(Pane::Candidates)));
        view.click_targets
            .push((Rect::new(0, 2, 10, 1), ClickTarget::Candidate(EntityId(7))));
        assert_eq!(
            view.target_at(3, 2),
            Some(ClickTarget::Candidate(EntityId(7)))
        );
        assert_eq!(
            view.target_at(3, 3),
            Some(ClickTarget::Pane(Pane::Candidates))
        );
        assert_eq!(view.pane_at(3, 2), Some(Pane::Candidates));
        assert_eq!(view.target_at(30, 3), None);
    }
}
