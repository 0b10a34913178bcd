//! What the panes of Explore show of the state.

use crate::tui::app::{App, Detail, Pane};
use crate::tui::explore::class_tree::TreeRow;
use crate::tui::explore::expansion::CandidateRow;
use crate::types::{ClassId, EntityId, Mode};

impl App {
    /// The candidates as shown.
    pub fn rows(&self) -> Vec<CandidateRow> {
        let (Some(expansion), Some(catalogue)) = (&self.expansion, &self.catalogue) else {
            return Vec::new();
        };
        expansion.filtered(
            catalogue,
            self.reranked,
            self.filter,
            self.settings.moved_by,
        )
    }

    /// The cursor's place among [`App::rows`].
    pub fn cursor(&self, rows: &[CandidateRow]) -> usize {
        self.selected
            .and_then(|s| rows.iter().position(|r| r.entity == s))
            .unwrap_or(0)
    }

    /// The entity that the entity pane is about.
    pub fn subject(&self) -> Option<EntityId> {
        if let Some(entity) = self.looking_at {
            return Some(entity);
        }
        if self.focus == Pane::Seeds
            && let Some(&seed) = self.seeds.seeds.get(self.chip)
        {
            return Some(seed);
        }
        let rows = self.rows();
        rows.get(self.cursor(&rows))
            .map(|r| r.entity)
            .or(self.seeds.seeds.first().copied())
    }

    /// The subject's details once they are there.
    pub fn detail(&self) -> Option<&Detail> {
        self.details.get(&(self.subject()?, self.mode))
    }

    pub fn tree_rows(&self) -> Vec<TreeRow> {
        let Some(catalogue) = &self.catalogue else {
            return Vec::new();
        };
        self.tree
            .visible(self.tree.rows(catalogue, |c| self.map(c)))
    }

    /// A class's MAP@10 in the present mode and seed count.
    pub fn map(&self, class: ClassId) -> Option<f64> {
        self.maps.get(&(self.explored(), class)).map(|m| m.ap[0])
    }

    /// The modes to choose from: those of the index that a person would ask for.
    pub fn modes(&self) -> Vec<Mode> {
        let held = self
            .catalogue
            .as_ref()
            .map(|c| c.modes.clone())
            .unwrap_or_default();
        held.into_iter().filter(|m| *m != Mode::None).collect()
    }
}
