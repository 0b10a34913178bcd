//! Saves the present view to a file, and opens a view file.

use crate::tui::app::App;
use crate::tui::message::LoopCommand;
use crate::tui::parts::{Pane, Popup, Screen};
use crate::tui::persist::view_file::{NamedEntity, QueryRecord, ViewFile, ViewSource};

impl App {
    /// Writes the present view to a file.
    pub(crate) fn save_view(&mut self) {
        let Some(file) = self.view_file() else {
            return self.notify("no index is open yet");
        };
        self.command = Some(LoopCommand::Write {
            stem: "view".into(),
            ending: "json",
            text: file.to_json(),
        });
    }

    /// Returns the present view; `None` until the index is open.
    fn view_file(&self) -> Option<ViewFile> {
        let catalogue = self.shared.catalogue.as_deref()?;
        let index = ViewSource {
            name: catalogue.name.clone(),
            path: catalogue.index.display().to_string(),
            dataset: catalogue.dataset_hash.clone(),
        };
        let selected = self.explore.candidates.selected_row(&self.shared);
        let cursor = selected.map(|row| NamedEntity::new(row.entity, catalogue));
        Some(ViewFile::new(
            index,
            QueryRecord::new(&self.explore.query, catalogue),
            self.screen,
            self.explore.candidates.reranked,
            cursor,
        ))
    }

    /// Opens a view, and shows a warning for each part of it that this index does not have.
    pub(crate) fn open_view_file(&mut self, file: &ViewFile) {
        let Some(catalogue) = self.shared.catalogue.clone() else {
            return;
        };
        let (query, mut warnings) = file.query.resolve(&catalogue);
        warnings.extend(file.dataset_warning(&catalogue));
        self.shared.evaluations.seed_count = query.seeds.count;
        self.explore.query = query;
        self.explore.candidates.reranked = file.reranked;
        self.screen = file.screen().unwrap_or_else(|| {
            warnings.push(format!("there is no screen “{}”", file.screen));
            Screen::Explore
        });
        if let Some(cursor) = &file.cursor {
            let selected = cursor.find(&catalogue);
            if selected.is_none() {
                let name = &cursor.name;
                warnings.push(format!("the selected entity “{name}” is not in this index"));
            }
            self.explore.candidates.selected = selected;
        }
        self.explore.cursor_to_class(&self.shared);
        if !self.explore.query.seeds.seeds.is_empty() {
            self.explore.focus = Pane::Candidates;
        }
        self.overlay.load_warnings.warnings = warnings;
        if !self.overlay.load_warnings.warnings.is_empty() {
            self.open_popup(Popup::LoadWarnings);
        }
    }
}
