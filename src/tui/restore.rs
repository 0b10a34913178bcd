//! The session: what is saved of the explorer, and how it is restored at the next start.

use crate::tui::app::App;
use crate::tui::explore::seed_set::SeedSet;
use crate::tui::overlay::named_queries::NamedQuery;
use crate::tui::parts::Pane;
use crate::tui::persist::session::{ExpansionRecord, NamedQueryRecord, SavedSession};
use crate::types::EntityId;

impl App {
    /// Returns the session to save; `None` until the index is open.
    pub fn session(&self) -> Option<SavedSession> {
        let catalogue = self.shared.catalogue.as_ref()?;
        let mut folded: Vec<String> = self.explore.classes.tree.folded.iter().cloned().collect();
        folded.sort();
        Some(SavedSession {
            expansion: ExpansionRecord {
                class: self
                    .explore
                    .query
                    .seeds
                    .class
                    .map(|c| catalogue.class(c).name.clone()),
                seeds: self.explore.query.seeds.seeds.clone(),
                accepted: self.explore.query.seeds.accepted.clone(),
                rejected: self.explore.query.seeds.rejected.clone(),
                count: self.explore.query.seeds.count,
                number: self.explore.query.seeds.number,
                mode: Some(self.explore.query.mode),
                ranking: self.explore.query.ranking,
                settings: self.explore.query.settings,
                reranked: self.explore.candidates.reranked,
            },
            tall: self.explore.candidates.tall,
            entity_width: self.explore.entity.width,
            theme: self.overlay.themes.saved.clone(),
            folded,
            annotations: self.failures.annotations.saved(),
            named_queries: self
                .overlay
                .named_queries
                .queries
                .iter()
                .map(|n| NamedQueryRecord {
                    name: n.name.clone(),
                    query: n.record.clone(),
                })
                .collect(),
            ..SavedSession::default()
        })
    }

    /// Takes up the named queries and annotations that another explorer saved in the same session.
    pub fn merge_session(&mut self, merged: &SavedSession) {
        let Some(catalogue) = self.shared.catalogue.clone() else {
            return;
        };
        self.overlay.named_queries.queries = merged
            .named_queries
            .iter()
            .map(|record| NamedQuery::from_record(record.clone(), &catalogue))
            .collect();
        self.failures.annotations.restore(&merged.annotations);
    }

    /// Restores the last session. Parts that the index does not have are left out, with a warning.
    pub(crate) fn restore_session(&mut self) {
        let (Some(session), Some(catalogue)) =
            (self.restore.session.take(), self.shared.catalogue.clone())
        else {
            return;
        };
        let known = |seeds: &[EntityId]| -> Vec<EntityId> {
            seeds
                .iter()
                .copied()
                .filter(|&s| catalogue.entity(s).is_some())
                .collect()
        };
        let expansion = &session.expansion;
        self.explore.query.seeds = SeedSet {
            seeds: known(&expansion.seeds),
            accepted: known(&expansion.accepted),
            rejected: known(&expansion.rejected),
            class: expansion
                .class
                .as_ref()
                .and_then(|name| catalogue.class_named(name)),
            count: expansion.count,
            number: expansion.number,
        };
        if self.explore.query.seeds.seeds.len() < expansion.seeds.len() {
            self.warn("some seeds of the last session are not in this index and were left out");
        }
        self.explore.query.mode = expansion
            .mode
            .filter(|m| catalogue.modes.contains(m))
            .unwrap_or(self.explore.query.mode);
        self.explore.query.ranking = expansion.ranking;
        self.explore.query.settings = expansion.settings;
        self.explore.candidates.reranked = expansion.reranked;
        self.explore.candidates.tall = session.tall;
        self.merge_session(&session);
        self.explore.entity.width = session.entity_width;
        self.overlay.themes.saved = session.theme;
        self.explore.classes.tree.folded = session.folded.into_iter().collect();
        self.cursor_to_class();
        if !self.explore.query.seeds.seeds.is_empty() {
            self.explore.focus = Pane::Candidates;
        }
    }
}
