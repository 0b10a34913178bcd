//! What is done to the tree of classes.

use crate::tui::app::tree::TreeKind;
use crate::tui::app::{App, Pane};

impl App {
    pub(super) fn open_tree_row(&mut self, at: usize) {
        let rows = self.tree_rows();
        // under a filter a heading stands for the first class below it
        let first = || {
            rows.iter()
                .skip(at)
                .find(|r| matches!(r.kind, TreeKind::Class(_)))
        };
        match if self.tree.filter.is_empty() {
            rows.get(at)
        } else {
            first()
        }
        .map(|r| &r.kind)
        {
            Some(TreeKind::Group { .. }) => {
                self.tree.cursor = at;
                self.fold();
            }
            Some(&TreeKind::Class(class)) => {
                if std::mem::take(&mut self.filtering) {
                    self.tree.filter.clear();
                }
                self.open_query(class, self.seeds.count, 0);
                self.cursor_to_class();
                self.focus = Pane::Candidates;
            }
            None => {}
        }
    }

    pub(super) fn fold(&mut self) {
        let rows = self.tree_rows();
        let Some(TreeKind::Group { key, open }) =
            rows.get(self.tree.cursor).map(|r| r.kind.clone())
        else {
            return;
        };
        if open {
            self.tree.folded.insert(key);
        } else {
            self.tree.folded.remove(&key);
        }
    }

    pub(super) fn fold_all(&mut self) {
        if !self.tree.folded.is_empty() {
            self.tree.folded.clear();
        } else {
            let keys = self.tree_rows().into_iter().filter_map(|r| match r.kind {
                TreeKind::Group { key, .. } => Some(key),
                TreeKind::Class(_) => None,
            });
            self.tree.folded = keys.collect();
        }
        self.cursor_to_class();
    }

    /// Puts the tree's cursor on the open class, where it is in sight.
    pub(super) fn cursor_to_class(&mut self) {
        let rows = self.tree_rows();
        let open = self.seeds.class.map(TreeKind::Class);
        let found = open.and_then(|open| rows.iter().position(|r| r.kind == open));
        self.tree.cursor = found.unwrap_or(self.tree.cursor.min(rows.len().saturating_sub(1)));
    }
}
