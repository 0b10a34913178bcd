//! Copies names to the clipboard.

use crate::tui::app::App;
use crate::tui::message::LoopCommand;
use crate::tui::parts::{Pane, Screen};
use crate::types::EntityId;

/// The greatest length of a copied text in bytes. Most terminals ignore a longer one silently.
const MAX_BYTES: usize = 74_000;

impl App {
    /// Copies the name under the cursor.
    pub(crate) fn copy_name(&mut self) {
        match self.name_under_cursor() {
            Some(name) => self.copy(name.clone(), format!("copied: {name}")),
            None => self.notify("there is no name under the cursor"),
        }
    }

    fn name_under_cursor(&self) -> Option<String> {
        match (self.screen, self.explore.focus) {
            (Screen::Explore, Pane::Seeds | Pane::Candidates | Pane::Entity) => {
                let entity = self.explore.subject(&self.shared)?;
                Some(self.shared.name(entity))
            }
            _ => {
                let list = self.focused_list()?;
                list.labels.get(list.cursor).cloned()
            }
        }
    }

    /// Copies every name of the list, one on each line.
    pub(crate) fn copy_list(&mut self) {
        let Some(list) = self.focused_list() else {
            return self.notify("there is no list to copy");
        };
        let message = format!("copied {} names", list.labels.len());
        self.copy(list.labels.join("\n") + "\n", message);
    }

    /// Copies the seeds in the form that `multiexpan expand --seeds` reads: by name, or by id if a
    /// name has a comma or a line end in it.
    pub(crate) fn copy_seeds(&mut self) {
        let seeds = &self.explore.query.seeds.seeds;
        if seeds.is_empty() {
            return self.notify("there are no seeds to copy");
        }
        let names: Vec<String> = seeds.iter().map(|&seed| self.seed_argument(seed)).collect();
        let message = format!("copied {} seeds", names.len());
        self.copy(names.join(","), message);
    }

    fn seed_argument(&self, seed: EntityId) -> String {
        let name = self.shared.name(seed);
        if name.contains([',', '\n', '\r']) {
            seed.to_string()
        } else {
            name
        }
    }

    fn copy(&mut self, text: String, message: String) {
        let length = text.len();
        if length > MAX_BYTES {
            return self.notify(format!(
                "not copied: {length} bytes are more than the {MAX_BYTES} that terminals accept"
            ));
        }
        self.command = Some(LoopCommand::Copy(text));
        self.notify(message);
    }
}
