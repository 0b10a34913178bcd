//! Pasted text: names that become seeds, or text for the field that has the keys.

use crate::tui::app::App;
use crate::tui::overlay::pasted_names::{PastedNames, plain_text, split_names};
use crate::tui::parts::{Pane, Popup, Screen};

impl App {
    /// Handles pasted text. While a seed is typed, or if nothing else on the Explore screen takes
    /// text, several names all become seeds. Otherwise the first line that is not empty is inserted
    /// into the field.
    pub(crate) fn paste(&mut self, text: &str) {
        let text = plain_text(text);
        if self.pastes_seeds() {
            let names = match &self.shared.catalogue {
                Some(catalogue) => split_names(&text, catalogue),
                None => Vec::new(),
            };
            if names.len() > 1 {
                return self.add_pasted_names(names);
            }
            if self.explore.seeds.typing.is_none() && !names.is_empty() {
                self.explore.start_typing();
            }
        }
        let mut lines = text.lines().map(str::trim);
        let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
        self.insert_text(&line.replace('\t', " "));
    }

    /// Returns whether pasted names become seeds.
    fn pastes_seeds(&self) -> bool {
        let other_field = self.overlay.search.is_typing
            || self.explore.classes.filtering
            || self.compare.rankers.path.is_some();
        let has_other_popup = !matches!(self.overlay.popup, None | Some(Popup::PastedNames));
        self.explore.seeds.typing.is_some()
            || self.screen == Screen::Explore && !has_other_popup && !other_field
    }

    /// Adds every known name to the seeds, as one change, and shows the outcome of each.
    fn add_pasted_names(&mut self, names: Vec<String>) {
        let Some(catalogue) = self.shared.catalogue.clone() else {
            return;
        };
        let mut seeds = self.explore.query.seeds.clone();
        self.overlay.pasted_names = PastedNames::add(names, &mut seeds, &catalogue);
        if seeds != self.explore.query.seeds {
            let effects = self.explore.change_seeds(seeds, &self.shared);
            self.apply(effects);
        }
        self.explore.seeds.typing = None;
        self.explore.seeds.chip = self.explore.query.seeds.members().len();
        self.explore.focus = Pane::Candidates;
        self.open_popup(Popup::PastedNames);
    }
}
