//! The facts about a drawn frame that the app needs: where things are (for the mouse), how far they
//! scroll, and which images are missing.

use std::path::PathBuf;

use ratatui::layout::{Position, Rect, Size};

use crate::tui::parts::{MetricsColumn, Pane, Screen};
use crate::tui::ui::scroll::Extent;
use crate::types::EntityId;

/// The target of a click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClickTarget {
    Pane(Pane),
    /// A row of the class tree.
    ClassRow(usize),
    /// A seed, by its index.
    Seed(usize),
    /// The ✕ of a seed.
    RemoveSeed(usize),
    AddSeed,
    Completion(usize),
    Candidate(EntityId),
    /// The number of missing entities in the metrics line.
    MissingCount,
    MissingRow(usize),
    Image(usize),
    Neighbor(EntityId),
    /// The border between candidates and entity.
    Divider,
    /// The inside of a popup, which lets no click through.
    Popup,
    /// The screen behind a popup: a click closes the popup.
    Backdrop,
    Help,
    Tab(Screen),
    MetricsRow(usize),
    MetricsColumn(MetricsColumn),
    /// A row of the Compare table.
    CompareRow(usize),
    /// The rankings of a query, side by side.
    CompareRankings,
    /// A row of the Failures screen.
    FailureRow(usize),
    /// A row and a column of the confusion matrix.
    MatrixCell(usize, usize),
    ExportFormat(usize),
    /// A row of the ranker picker.
    Ranker(usize),
    PaletteRow(usize),
    Theme(usize),
    ExplanationLine(usize),
    /// A setting of the What-if popup.
    Setting(usize),
    NamedQuery(usize),
}

/// An image file, and the size in cells that it is drawn in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageKey {
    pub path: PathBuf,
    pub size: Size,
}

/// The facts about one drawn frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FrameInfo {
    /// The size of the terminal in cells.
    pub size: Size,
    /// The targets of clicks; a later one lies above an earlier one.
    pub click_targets: Vec<(Rect, ClickTarget)>,
    /// Every image of the frame, ready or not, the most important first.
    pub images: Vec<ImageKey>,
    /// The entities whose first image is not known yet.
    pub unknown_images: Vec<EntityId>,
    pub classes: Extent,
    pub candidates: Extent,
    pub entity: Extent,
    pub popup: Extent,
    /// The Metrics screen's table, without the row of all queries.
    pub metrics_table: Extent,
    /// The rows of the Compare table.
    pub compare_rows: Extent,
    /// The Compare screen's rankings of a query.
    pub compare_rankings: Extent,
    /// The Failures screen's list, or the rows of its matrix.
    pub failures: Extent,
    pub matrix_columns: Extent,
    /// The number of the entity's images that are shown at once.
    pub visible_images: usize,
    /// The position of the terminal's cursor; `None` unless text is typed.
    pub cursor: Option<Position>,
}

impl FrameInfo {
    /// Returns the topmost target at a position.
    pub fn target_at(&self, column: u16, row: u16) -> Option<ClickTarget> {
        let position = Position::new(column, row);
        self.click_targets
            .iter()
            .rev()
            .find(|(area, _)| area.contains(position))
            .map(|(_, target)| *target)
    }

    /// Returns the pane at a position, whatever else lies there.
    pub fn pane_at(&self, column: u16, row: u16) -> Option<Pane> {
        let position = Position::new(column, row);
        self.click_targets
            .iter()
            .rev()
            .find_map(|(area, target)| match target {
                ClickTarget::Pane(pane) if area.contains(position) => Some(*pane),
                _ => None,
            })
    }

    /// Returns the area of a target.
    pub fn area_of(&self, wanted: ClickTarget) -> Option<Rect> {
        self.click_targets
            .iter()
            .find(|(_, target)| *target == wanted)
            .map(|(area, _)| *area)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_drawn_last_is_hit_first() {
        let mut frame_info = FrameInfo::default();
        frame_info
            .click_targets
            .push((Rect::new(0, 0, 10, 10), ClickTarget::Pane(Pane::Candidates)));
        frame_info
            .click_targets
            .push((Rect::new(0, 2, 10, 1), ClickTarget::Candidate(EntityId(7))));
        assert_eq!(
            frame_info.target_at(3, 2),
            Some(ClickTarget::Candidate(EntityId(7)))
        );
        assert_eq!(
            frame_info.target_at(3, 3),
            Some(ClickTarget::Pane(Pane::Candidates))
        );
        assert_eq!(frame_info.pane_at(3, 2), Some(Pane::Candidates));
        assert_eq!(frame_info.target_at(30, 3), None);
    }
}
