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
pub enum Hit {
    Pane(Pane),
    /// A line of the class tree.
    Class(usize),
    Chip(usize),
    /// The ✕ of a chip.
    ChipClose(usize),
    AddSeed,
    Completion(usize),
    Candidate(EntityId),
    /// "missing n ▸" in the metrics line.
    MissingCount,
    MissingRow(usize),
    Picture(usize),
    Neighbour(EntityId),
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
    /// A class or a query of the Compare screen.
    Pair(usize),
    /// A query's joined lists.
    Joined,
    /// A line of the Failures screen.
    Failure(usize),
    /// Row and column of the confusion matrix.
    Cell(usize, usize),
    ExportForm(usize),
    /// A line of what can take part in a comparison.
    Contender(usize),
    /// A line of the palette.
    Action(usize),
    Theme(usize),
    /// A line of an explanation.
    WhyLine(usize),
    /// A setting of the What-if popup.
    Setting(usize),
    NamedState(usize),
}

/// A picture at a size in cells.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PictureKey {
    pub path: PathBuf,
    pub size: Size,
}

/// One drawn frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FrameInfo {
    /// Of the terminal, in cells.
    pub size: Size,
    /// Later ones lie above.
    pub hits: Vec<(Rect, Hit)>,
    /// Every picture of the frame, ready or not, the most wanted first.
    pub pictures: Vec<PictureKey>,
    /// Entities whose first picture is not known yet.
    pub unpictured: Vec<EntityId>,
    pub classes: Extent,
    pub candidates: Extent,
    pub entity: Extent,
    pub popup: Extent,
    /// The Metrics screen's table, without the line of all queries.
    pub table: Extent,
    /// The Compare screen's classes or queries.
    pub pairs: Extent,
    /// Its joined lists.
    pub joined: Extent,
    /// The Failures screen's list, or its matrix's rows.
    pub failures: Extent,
    /// The matrix's columns.
    pub confused: Extent,
    /// How many pictures of the entity are shown at once.
    pub strip: usize,
    /// Where the terminal's cursor stands; `None` where nothing is typed.
    pub cursor: Option<Position>,
}

impl FrameInfo {
    pub fn hit(&self, column: u16, row: u16) -> Option<Hit> {
        let at = Position::new(column, row);
        self.hits
            .iter()
            .rev()
            .find(|(area, _)| area.contains(at))
            .map(|(_, hit)| *hit)
    }

    /// The pane under the pointer, whatever else lies there.
    pub fn pane(&self, column: u16, row: u16) -> Option<Pane> {
        let at = Position::new(column, row);
        self.hits.iter().rev().find_map(|(area, hit)| match hit {
            Hit::Pane(pane) if area.contains(at) => Some(*pane),
            _ => None,
        })
    }

    pub fn area_of(&self, wanted: Hit) -> Option<Rect> {
        self.hits
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
        view.hits
            .push((Rect::new(0, 0, 10, 10), Hit::Pane(Pane::Candidates)));
        view.hits
            .push((Rect::new(0, 2, 10, 1), Hit::Candidate(EntityId(7))));
        assert_eq!(view.hit(3, 2), Some(Hit::Candidate(EntityId(7))));
        assert_eq!(view.hit(3, 3), Some(Hit::Pane(Pane::Candidates)));
        assert_eq!(view.pane(3, 2), Some(Pane::Candidates));
        assert_eq!(view.hit(30, 3), None);
    }
}
