//! What the panes of Explore show of the state.

use crate::tui::app::App;
use crate::tui::class_tree::TreeRow;
use crate::tui::explore::expansion::CandidateRow;
use crate::tui::parts::Pane;
use crate::tui::shared::Detail;
use crate::types::{ClassId, EntityId};

impl App {
    /// The candidates as shown.
    pub fn rows(&self) -> Vec<CandidateRow> {
        let (Some(expansion), Some(catalogue)) =
            (&self.explore.candidates.expansion, &self.shared.catalogue)
        else {
            return Vec::new();
        };
        expansion.filtered(
            catalogue,
            self.explore.candidates.reranked,
            self.explore.candidates.filter,
            self.shared.settings.moved_by,
        )
    }

    /// The cursor's place among [`App::rows`].
    pub fn cursor(&self, rows: &[CandidateRow]) -> usize {
        self.explore
            .candidates
            .selected
            .and_then(|s| rows.iter().position(|r| r.entity == s))
            .unwrap_or(0)
    }

    /// The entity that the entity pane is about.
    pub fn subject(&self) -> Option<EntityId> {
        if let Some(entity) = self.explore.entity.inspected {
            return Some(entity);
        }
        if self.explore.focus == Pane::Seeds
            && let Some(&seed) = self.explore.query.seeds.seeds.get(self.explore.seeds.chip)
        {
            return Some(seed);
        }
        let rows = self.rows();
        rows.get(self.cursor(&rows)).map(|r| r.entity).or(self
            .explore
            .query
            .seeds
            .seeds
            .first()
            .copied())
    }

    /// The subject's details once they are there.
    pub fn detail(&self) -> Option<&Detail> {
        self.shared
            .details
            .get(&(self.subject()?, self.explore.query.mode))
    }

    pub fn tree_rows(&self) -> Vec<TreeRow> {
        let Some(catalogue) = &self.shared.catalogue else {
            return Vec::new();
        };
        self.explore
            .classes
            .tree
            .visible(self.explore.classes.tree.rows(catalogue, |c| self.map(c)))
    }

    /// A class's MAP@10 in the present mode and seed count.
    pub fn map(&self, class: ClassId) -> Option<f64> {
        self.shared
            .class_metrics
            .get(&(self.explored(), class))
            .map(|m| m.ap[0])
    }
}
