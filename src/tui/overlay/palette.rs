//! The palette: every action by its name, found by a few letters and run on the screen below.
//!
//! ```text
//! ┏ Actions ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ : sort                                                        ┃
//! ┃ sort by the next column             sort                    s ┃
//! ┃ reverse the sort order              reverse        in Compare ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ enter runs · esc · 2 ━━┛
//! ```

use std::cmp::Reverse;

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Keymap, Role};
use crate::tui::action_scope::screen_accepts;
use crate::tui::message::Effect;
use crate::tui::parts::Screen;
use crate::tui::text_input::TextInput;
use crate::tui::ui::draw_context::{DrawContext, centered, split_first_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::shifted;
use crate::tui::ui::{popup_list, text};

const WIDTH: u16 = 96;
const HEIGHT: u16 = 24;
/// The width of an action's name in columns.
const NAME_WIDTH: usize = 17;

/// The text that is typed, and the selected row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Palette {
    pub input: TextInput,
    pub cursor: usize,
}

/// An action in the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaletteRow {
    pub action: Action,
    /// The action's key on the screen below.
    pub key: Option<String>,
    /// The contexts that the action belongs to, if it does nothing on the screen below.
    pub elsewhere: Option<String>,
}

impl Palette {
    /// Handles an action. `rows` are those of the present text, and `page` the rows of a page.
    pub(crate) fn update(
        &mut self,
        action: Action,
        rows: &[PaletteRow],
        page: usize,
    ) -> Vec<Effect> {
        let page = page as isize;
        match action {
            Action::Up => self.step(-1, rows.len()),
            Action::Down => self.step(1, rows.len()),
            Action::PageUp => self.step(-page, rows.len()),
            Action::PageDown => self.step(page, rows.len()),
            Action::Open => return rows.get(self.cursor).map_or_else(Vec::new, run),
            _ => {
                if self.input.edit(action) {
                    self.cursor = 0;
                }
            }
        }
        Vec::new()
    }

    pub(crate) fn step(&mut self, by: isize, rows: usize) {
        self.cursor = shifted(self.cursor, by, rows);
    }

    pub(crate) fn insert_text(&mut self, text: &str) {
        self.input.insert(text);
        self.cursor = 0;
    }

    /// Returns the actions that match the typed text, the best match first. Actions that do nothing
    /// on the screen below come last. `context` is the one of the keys on that screen.
    pub fn rows(&self, screen: Screen, context: Context, keymap: &Keymap) -> Vec<PaletteRow> {
        let mut found = Vec::new();
        for &action in Action::ALL {
            if let Some(score) = match_score(action, self.input.text()) {
                let elsewhere = elsewhere(screen, context, keymap, action);
                found.push((elsewhere, score, action));
            }
        }
        // a stable sort: equal scores stay in the order of the help
        found.sort_by_key(|(elsewhere, score, _)| (elsewhere.is_some(), *score));
        let row = |(elsewhere, _, action)| PaletteRow {
            action,
            key: [context, Context::Global]
                .into_iter()
                .find_map(|context| keymap.key_of(context, action)),
            elsewhere,
        };
        found.into_iter().map(row).collect()
    }

    pub fn draw(&self, canvas: &mut DrawContext, screen: Rect, rows: &[PaletteRow]) {
        let width = WIDTH.min(screen.width.saturating_sub(4));
        let height = HEIGHT.min(screen.height.saturating_sub(2));
        let footer = match rows.len() {
            0 => "no matching action · esc closes".to_owned(),
            count => format!("enter runs · esc closes · {} of {count}", self.cursor + 1),
        };
        let inner = canvas.popup(centered(screen, width, height), "Actions", &footer);
        let keymap = &canvas.shared.settings.keymap;
        let key = keymap.key_of(Context::Global, Action::Palette);
        let lead = format!(" {} ", key.unwrap_or_default());
        let lead = vec![canvas.span(Role::Quiet, lead)];
        let (first_line, list) = split_first_line(inner);
        canvas.input_line(first_line, lead, &self.input, vec![]);
        let width = usize::from(list.width);
        popup_list::draw(canvas, list, self.cursor, rows.len(), |canvas, index| {
            let line = draw_row(canvas, &rows[index], width);
            (line, ClickTarget::PaletteRow(index))
        });
    }
}

/// Runs the action of a row, as its key on the screen below does.
pub(crate) fn run(row: &PaletteRow) -> Vec<Effect> {
    match &row.elsewhere {
        Some(_) if row.action == Action::Palette => {
            vec![Effect::Notify("the palette is already open".into())]
        }
        Some(contexts) => {
            let message = format!("{} is available {contexts}", row.action.name());
            vec![Effect::Notify(message)]
        }
        None => vec![Effect::ClosePopup, Effect::Act(row.action)],
    }
}

/// Returns the contexts that an action belongs to; `None` if it does something on the screen below.
fn elsewhere(screen: Screen, context: Context, keymap: &Keymap, action: Action) -> Option<String> {
    if action == Action::Palette {
        return Some("open".into());
    }
    let binds =
        |keymap: &Keymap, context| keymap.bindings(context).any(|(_, bound)| bound == action);
    let is_bound = |context| binds(keymap, context) || binds(Keymap::shipped(), context);
    if is_bound(context) || is_bound(Context::Global) && screen_accepts(screen, action) {
        return None;
    }
    let contexts: Vec<&str> = Context::ALL
        .iter()
        .copied()
        .filter(|&context| binds(Keymap::shipped(), context))
        .map(Context::title)
        .collect();
    Some(format!("in {}", contexts.join(", ")))
}

/// The quality of a match; the least is the best.
type MatchScore = (u8, Reverse<i64>);

/// Ranks a match of words of the name before one of words of the help, and that before one of
/// letters of the name. Returns `None` if nothing matches.
fn match_score(action: Action, typed: &str) -> Option<MatchScore> {
    let typed = typed.to_lowercase();
    let has_words = |text: &str| {
        let text = text.to_lowercase();
        typed.split_whitespace().all(|word| text.contains(word))
    };
    if has_words(action.name()) {
        return Some((0, Reverse(0)));
    }
    if has_words(action.help()) {
        return Some((1, Reverse(0)));
    }
    let score = SkimMatcherV2::default().fuzzy_match(action.name(), typed.trim())?;
    Some((2, Reverse(score)))
}

/// Returns the help, the name, and the key or the contexts of an action.
fn draw_row(canvas: &DrawContext, row: &PaletteRow, width: usize) -> Line<'static> {
    let (last, role, last_role) = match (&row.elsewhere, &row.key) {
        (Some(contexts), _) => (contexts.as_str(), Role::Quiet, Role::Quiet),
        (None, key) => (key.as_deref().unwrap_or("–"), Role::Text, Role::Focus),
    };
    let last_width = (width / 4).clamp(10, 24);
    let help_width = width.saturating_sub(NAME_WIDTH + last_width + 4);
    let name = format!(" {} ", text::fit(row.action.name(), NAME_WIDTH));
    Line::from(vec![
        Span::raw(" "),
        canvas.span(role, text::fit(row.action.help(), help_width)),
        canvas.span(Role::Quiet, name),
        canvas.span(last_role, text::fit_right(last, last_width)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_before_help_and_help_before_letters() {
        let tier = |action, typed| match_score(action, typed).map(|(tier, _)| tier);
        assert_eq!(tier(Action::Sort, "Sort"), Some(0));
        assert_eq!(tier(Action::ReverseOrder, "order sort"), Some(1));
        assert_eq!(tier(Action::CopyList, "cpl"), Some(2));
        assert_eq!(tier(Action::Close, "sort"), None);
        assert_eq!(
            tier(Action::Up, ""),
            Some(0),
            "an empty text matches every action"
        );
    }
}
