//! Every action by its name: found by a few letters, run where the keys were before.
//!
//! Every action by its name.
//!
//! ```text
//! ┏ Actions ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ : sort                                                        ┃
//! ┃ sort by the next column             sort                    s ┃
//! ┃ sort the other way round            reverse        in Compare ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ enter runs it · esc · 2 ┛
//! ```

use crate::config::{Action, Context, Keymap, Role};
use crate::tui::app::App;
use crate::tui::parts::Popup;
use crate::tui::text_input::TextInput;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::shifted;
use crate::tui::ui::{popup_list, text};
use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::cmp::Reverse;

/// What is typed, and the line that the cursor is on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Palette {
    pub field: TextInput,
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
    pub(crate) fn open_palette(&mut self) {
        self.overlay.palette = Palette::default();
        self.overlay.popup = Some(Popup::Palette);
    }

    pub(crate) fn act_on_palette(&mut self, action: Action) {
        let len = self.palette_rows().len();
        let page = self.page() as isize;
        let palette = &mut self.overlay.palette;
        match action {
            Action::Up => palette.cursor = shifted(palette.cursor, -1, len),
            Action::Down => palette.cursor = shifted(palette.cursor, 1, len),
            Action::PageUp => palette.cursor = shifted(palette.cursor, -page, len),
            Action::PageDown => palette.cursor = shifted(palette.cursor, page, len),
            Action::Open => self.run_from_palette(self.overlay.palette.cursor),
            _ if palette.field.edit(action) => palette.cursor = 0,
            _ => {}
        }
    }

    /// Runs the action of a line, as its key would where the keys were before.
    pub(crate) fn run_from_palette(&mut self, at: usize) {
        let Some(row) = self.palette_rows().into_iter().nth(at) else {
            return;
        };
        match row.elsewhere {
            Some(place) => self.notify(format!("{} acts {place}", row.action.name())),
            None => {
                self.overlay.popup = None;
                self.act(row.action);
            }
        }
    }

    /// The actions that what is typed may mean, the best first, those that do nothing here last.
    pub fn palette_rows(&self) -> Vec<PaletteRow> {
        let context = self.screen_context();
        let mut found: Vec<(Option<String>, Nearness, Action)> = Action::ALL
            .iter()
            .filter_map(|&action| {
                Some((
                    self.elsewhere(context, action),
                    nearness(action, self.overlay.palette.field.text())?,
                    action,
                ))
            })
            .collect();
        // stable: of equal nearness the order of help
        found.sort_by_key(|(elsewhere, nearness, _)| (elsewhere.is_some(), *nearness));
        let keymap = &self.shared.settings.keymap;
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
        let binds =
            |keymap: &Keymap, context| keymap.bindings(context).any(|(_, bound)| bound == action);
        let here = |context| {
            binds(&self.shared.settings.keymap, context) || binds(Keymap::shipped(), context)
        };
        if action == Action::Palette {
            return Some("open".into());
        }
        if here(context) || here(Context::Global) && self.acts_on_screen(action) {
            return None;
        }
        let places: Vec<&str> = Context::ALL
            .iter()
            .filter(|&&c| binds(Keymap::shipped(), c))
            .map(|c| c.title())
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

const WIDTH: u16 = 96;
const HEIGHT: u16 = 24;
/// Columns of an action's name.
const NAME: usize = 17;

pub fn draw(canvas: &mut DrawContext, whole: Rect) {
    let app = canvas.app;
    let (width, height) = (
        WIDTH.min(whole.width.saturating_sub(4)),
        HEIGHT.min(whole.height.saturating_sub(2)),
    );
    let area = Rect::new(
        (whole.width - width) / 2,
        (whole.height - height) / 2,
        width,
        height,
    );
    let rows = app.palette_rows();
    let foot = match rows.len() {
        0 => "no action is called that · esc".to_owned(),
        n => format!(
            "enter runs it · esc · {} of {n}",
            app.overlay.palette.cursor + 1
        ),
    };
    let inner = canvas.popup(area, "Actions", &foot);
    let key = app
        .shared
        .settings
        .keymap
        .key_of(Context::Global, Action::Palette)
        .unwrap_or_default();
    let lead = vec![canvas.span(Role::Quiet, format!(" {key} "))];
    canvas.input_line(
        Rect {
            height: 1.min(inner.height),
            ..inner
        },
        lead,
        &app.overlay.palette.field,
        vec![],
    );
    let list = Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1),
        ..inner
    };
    popup_list::draw(
        canvas,
        list,
        app.overlay.palette.cursor,
        rows.len(),
        |canvas, at| {
            (
                said(canvas, &rows[at], list.width.into()),
                ClickTarget::PaletteRow(at),
            )
        },
    );
}

/// Help, name, and the key here or where it acts.
fn said(canvas: &DrawContext, row: &PaletteRow, width: usize) -> Line<'static> {
    let (last, role, last_role) = match (&row.elsewhere, &row.key) {
        (Some(place), _) => (place.as_str(), Role::Quiet, Role::Quiet),
        (None, key) => (key.as_deref().unwrap_or("–"), Role::Text, Role::Focus),
    };
    let wide = (width / 4).clamp(10, 24);
    let help = width.saturating_sub(NAME + wide + 4);
    Line::from(vec![
        Span::raw(" "),
        canvas.span(role, text::fit(row.action.help(), help)),
        canvas.span(
            Role::Quiet,
            format!(" {} ", text::fit(row.action.name(), NAME)),
        ),
        canvas.span(last_role, text::fit_right(last, wide)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_before_help_and_help_before_letters() {
        let near = |action, typed| nearness(action, typed).map(|(tier, _)| tier);
        assert_eq!(near(Action::Sort, "Sort"), Some(0));
        assert_eq!(near(Action::ReverseOrder, "other sort"), Some(1));
        assert_eq!(near(Action::CopyList, "cpl"), Some(2));
        assert_eq!(near(Action::Close, "sort"), None);
        assert_eq!(
            near(Action::Up, ""),
            Some(0),
            "before anything is typed all are there"
        );
    }
}
