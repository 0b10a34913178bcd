//! Every action by its name: found by a few letters, run where the keys were before.

use std::cmp::Reverse;

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;

use crate::config::{Action, Context, Keymap};
use crate::tui::app::act::shifted;
use crate::tui::app::field::Field;
use crate::tui::app::{App, Popup};

/// What is typed, and the line that the cursor is on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Palette {
    pub field: Field,
    pub cursor: usize,
}

/// An action as the palette lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaletteRow {
    pub action: Action,
    /// Its key where the keys are.
    pub key: Option<String>,
    /// Where it acts, if it does nothing here.
    pub elsewhere: Option<String>,
}

impl App {
    pub(super) fn open_palette(&mut self) {
        self.palette = Palette::default();
        self.popup = Some(Popup::Palette);
    }

    pub(super) fn act_on_palette(&mut self, action: Action) {
        let len = self.palette_rows().len();
        let page = self.page() as isize;
        let palette = &mut self.palette;
        match action {
            Action::Up => palette.cursor = shifted(palette.cursor, -1, len),
            Action::Down => palette.cursor = shifted(palette.cursor, 1, len),
            Action::PageUp => palette.cursor = shifted(palette.cursor, -page, len),
            Action::PageDown => palette.cursor = shifted(palette.cursor, page, len),
            Action::Open => self.run_from_palette(self.palette.cursor),
            _ if palette.field.edit(action) => palette.cursor = 0,
            _ => {}
        }
    }

    /// Runs the action of a line, as its key would where the keys were before.
    pub(super) fn run_from_palette(&mut self, at: usize) {
        let Some(row) = self.palette_rows().into_iter().nth(at) else {
            return;
        };
        match row.elsewhere {
            Some(place) => self.notify(format!("{} acts {place}", row.action.name())),
            None => {
                self.popup = None;
                self.act(row.action);
            }
        }
    }

    /// The actions that what is typed may mean, the best first, those that do nothing here last.
    pub fn palette_rows(&self) -> Vec<PaletteRow> {
        let context = self.context_below();
        let mut found: Vec<(Option<String>, Nearness, Action)> = Action::ALL
            .iter()
            .filter_map(|&action| {
                Some((
                    self.elsewhere(context, action),
                    nearness(action, self.palette.field.text())?,
                    action,
                ))
            })
            .collect();
        // stable: of equal nearness the order of help
        found.sort_by_key(|(elsewhere, nearness, _)| (elsewhere.is_some(), *nearness));
        let keymap = &self.settings.keymap;
        let key = |action| {
            [context, Context::Global]
                .into_iter()
                .find_map(|context| keymap.key_of(context, action))
        };
        let row = |(elsewhere, _, action)| PaletteRow {
            action,
            key: key(action),
            elsewhere,
        };
        found.into_iter().map(row).collect()
    }

    /// None where the action does something in this context; else the places where it does.
    fn elsewhere(&self, context: Context, action: Action) -> Option<String> {
        let binds = |keymap: &Keymap, context| keymap.of(context).any(|(_, bound)| bound == action);
        let here =
            |context| binds(&self.settings.keymap, context) || binds(Keymap::shipped(), context);
        if action == Action::Palette {
            return Some("open".into());
        }
        if here(context) || here(Context::Global) && self.acts_here(action) {
            return None;
        }
        let places: Vec<&str> = Context::ALL
            .into_iter()
            .filter(|&c| binds(Keymap::shipped(), c))
            .map(Context::place)
            .collect();
        Some(format!("in {}", places.join(", ")))
    }
}

/// How near an action is to what was typed; the least is the nearest.
type Nearness = (u8, Reverse<i64>);

/// Words of its name before words of its help before letters of its name. None where it is none of
/// them.
fn nearness(action: Action, typed: &str) -> Option<Nearness> {
    let typed = typed.to_lowercase();
    let holds = |text: &str| {
        typed
            .split_whitespace()
            .all(|word| text.to_lowercase().contains(word))
    };
    if holds(action.name()) {
        return Some((0, Reverse(0)));
    }
    if holds(action.help()) {
        return Some((1, Reverse(0)));
    }
    let score = SkimMatcherV2::default().fuzzy_match(action.name(), typed.trim())?;
    Some((2, Reverse(score)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_before_help_and_help_before_letters() {
        let near = |action, typed| nearness(action, typed).map(|(tier, _)| tier);
        assert_eq!(near(Action::Sort, "Sort"), Some(0));
        assert_eq!(near(Action::Reverse, "other sort"), Some(1));
        assert_eq!(near(Action::CopyList, "cpl"), Some(2));
        assert_eq!(near(Action::Close, "sort"), None);
        assert_eq!(
            near(Action::Up, ""),
            Some(0),
            "before anything is typed all are there"
        );
    }
}
