//! Keys and typed text, and the actions or fields that they go to.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::config::{Action, Bound, Context, Key};
use crate::tui::action_scope::{GLOBAL_ACTIONS, popup_accepts};
use crate::tui::app::App;
use crate::tui::parts::Popup;

impl App {
    /// Performs the action of a key or of a key sequence, or types the key's letter.
    pub(crate) fn handle_key(&mut self, event: KeyEvent) {
        if let Some(notice) = &mut self.status.notice {
            notice.is_sticky = false;
        }
        let mut context = self.context();
        let before = self.place();
        self.overlay.search.is_shown = context == Context::Searching;
        let mut keys = std::mem::take(&mut self.navigation.pending_keys);
        keys.push(Key::from(event));
        let mut bound = self.shared.settings.keymap.find(context, &keys);
        if self.closes_pasted_list(context, &bound, keys.len()) {
            self.overlay.popup = None;
            context = self.context();
            bound = self.shared.settings.keymap.find(context, &keys);
        }
        match bound {
            Bound::Action(action) => self.act(action),
            Bound::Prefix => self.navigation.pending_keys = keys,
            // esc cancels the sequence only
            Bound::Nothing if keys.len() > 1 && event.code == KeyCode::Esc => {}
            Bound::Nothing if keys.len() > 1 => {
                let typed = keys
                    .iter()
                    .map(|key| key.display())
                    .collect::<Vec<_>>()
                    .join(" ");
                self.notify(format!("no action is bound to {typed}"));
            }
            Bound::Nothing => self.type_letter(context, event),
        }
        self.remember_jump(before);
    }

    /// Returns whether a key closes the list of pasted names, because it has no effect there, and acts
    /// on the screen.
    fn closes_pasted_list(&self, context: Context, bound: &Bound, keys: usize) -> bool {
        let Some(popup @ Popup::PastedNames) = self.overlay.popup else {
            return false;
        };
        let is_unused = match bound {
            Bound::Action(action) => {
                !GLOBAL_ACTIONS.contains(action) && !popup_accepts(popup, *action)
            }
            Bound::Prefix => false,
            Bound::Nothing => keys == 1,
        };
        context == Context::Popup && is_unused
    }

    /// Types the letter of a key that is not bound.
    fn type_letter(&mut self, context: Context, event: KeyEvent) {
        let plain = !event
            .modifiers
            .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match event.code {
            KeyCode::Char(letter) if plain && context.takes_text() => {
                self.insert_text(letter.encode_utf8(&mut [0; 4]))
            }
            _ => {}
        }
    }

    /// Puts text into the field that has the keys.
    pub(crate) fn insert_text(&mut self, text: &str) {
        if self.overlay.search.is_typing {
            self.overlay.search.input.insert(text);
            self.select_first_match();
        } else if let Some(path) = &mut self.compare.rankers.path {
            path.insert(text);
        } else if self.overlay.popup == Some(Popup::SaveQuery) {
            self.overlay.named_queries.input.insert(text);
        } else if self.overlay.popup == Some(Popup::Palette) {
            self.overlay.palette.insert_text(text);
        } else if self.explore.is_typing() {
            self.explore.insert_text(text, &self.shared);
        } else {
            self.failures.insert_text(text, &self.shared);
        }
    }

    /// Returns the keys that can continue the pressed sequence, with their actions. Empty without a
    /// sequence.
    pub fn following(&self) -> Vec<(String, Action)> {
        match self.navigation.pending_keys[..] {
            [] => Vec::new(),
            _ => self
                .shared
                .settings
                .keymap
                .following(self.context(), &self.navigation.pending_keys),
        }
    }
}
