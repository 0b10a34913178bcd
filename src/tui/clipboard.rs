//! Names on their way to the clipboard.

use crate::tui::app::App;
use crate::tui::message::LoopCommand;
use crate::tui::parts::Pane;
use crate::tui::parts::Screen;
use crate::types::EntityId;

/// Terminals drop what is longer, most of them without a word. In bytes.
const LONGEST: usize = 74_000;

impl App {
    pub(crate) fn copy_name(&mut self) {
        let subject = || self.subject().map(|entity| self.shared.name(entity));
        let listed = || {
            self.list()
                .and_then(|list| list.labels.get(list.cursor).cloned())
        };
        let name = match (self.screen, self.explore.focus) {
            (Screen::Explore, Pane::Seeds | Pane::Candidates | Pane::Entity) => subject(),
            _ => listed(),
        };
        match name {
            Some(name) => self.copy(name.clone(), format!("copied: {name}")),
            None => self.notify("there is no name under the cursor"),
        }
    }

    /// One name a line.
    pub(crate) fn copy_list(&mut self) {
        let Some(list) = self.list() else {
            return self.notify("there is no list to copy");
        };
        let count = list.labels.len();
        self.copy(
            list.labels.join("\n") + "\n",
            format!("copied {count} names"),
        );
    }

    /// As `multiexpan expand --seeds` takes them: by name, or by id where a name has a comma or a
    /// line end in it.
    pub(crate) fn copy_seeds(&mut self) {
        if self.explore.query.seeds.seeds.is_empty() {
            return self.notify("there are no seeds to copy");
        }
        let name = |seed: &EntityId| match self.shared.name(*seed) {
            name if name.contains([',', '\n', '\r']) => seed.to_string(),
            name => name,
        };
        let names: Vec<String> = self.explore.query.seeds.seeds.iter().map(name).collect();
        self.copy(names.join(","), format!("copied {} seeds", names.len()));
    }

    fn copy(&mut self, text: String, said: String) {
        if text.len() > LONGEST {
            let over = text.len();
            return self.notify(format!(
                "not copied: {over} bytes, and a terminal's clipboard takes {LONGEST}"
            ));
        }
        self.command = Some(LoopCommand::Copy(text));
        self.notify(said);
    }
}
