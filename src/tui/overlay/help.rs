//! What help says: the keys where they are pressed, then those that act everywhere.
//!
//! The keys, printed from the table that dispatches them: the pane in focus first, then those that
//! act everywhere.

use crate::config::{Action, Context, Role};
use crate::tui::action_scope::{GLOBAL_ACTIONS, popup_accepts};
use crate::tui::app::App;
use crate::tui::parts::{HelpScope, Popup};
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::scroll::Extent;
use crate::tui::ui::text;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// A line of help: a heading where it has no keys, empty where it has no text either.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HelpLine {
    pub keys: String,
    pub text: String,
}

impl App {
    /// Lays help over the screen, or over a popup that fills it and has keys of its own.
    pub(crate) fn open_help(&mut self) {
        let below = match self.overlay.popup {
            Some(Popup::Explain) => HelpScope::Explain,
            Some(Popup::WhatIf(cursor)) => HelpScope::WhatIf(cursor),
            _ => HelpScope::Screen,
        };
        self.open_popup(Popup::Help(below));
    }

    pub fn help_lines(&self) -> Vec<HelpLine> {
        let below = if let Some(Popup::Help(below)) = self.overlay.popup {
            below
        } else {
            HelpScope::Screen
        };
        let here = match below {
            HelpScope::Screen => self.screen_context(),
            HelpScope::Explain => Context::Explain,
            HelpScope::WhatIf(_) => Context::WhatIf,
        };
        let acts = |action: Action| match below.popup() {
            Some(popup) => GLOBAL_ACTIONS.contains(&action) || popup_accepts(popup, action),
            None => self.acts_on_screen(action),
        };
        let keymap = &self.shared.settings.keymap;
        let everywhere = keymap
            .everywhere(here)
            .into_iter()
            .filter(|(action, _)| acts(*action))
            .collect();
        let mut lines = Vec::new();
        for (title, listing) in [
            (sentence(here.title()), keymap.listing(here)),
            ("Everywhere".into(), everywhere),
        ] {
            if !lines.is_empty() {
                lines.push(HelpLine::default());
            }
            lines.push(HelpLine {
                text: title,
                keys: String::new(),
            });
            lines.extend(listing.into_iter().map(|(action, keys)| HelpLine {
                keys,
                text: action.help().into(),
            }));
        }
        lines
    }

    pub(crate) fn help_labels(&self) -> Vec<String> {
        self.help_lines()
            .into_iter()
            .map(|line| format!("{} {}", line.keys, line.text))
            .collect()
    }
}

/// With a capital at its beginning.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Columns of one column of keys.
const COLUMN: u16 = 56;
/// Columns of the keys in it.
const KEYS: usize = 16;

pub fn draw(canvas: &mut DrawContext, whole: Rect) {
    let lines = lines(canvas);
    let columns = if whole.width >= 2 * COLUMN + 8 { 2 } else { 1 };
    let tall = lines.len().div_ceil(columns) as u16;
    let width = (COLUMN * columns as u16 + 4).min(whole.width.saturating_sub(4));
    let height = (tall + 2).min(whole.height.saturating_sub(2));
    let area = Rect::new(
        (whole.width - width) / 2,
        (whole.height - height) / 2,
        width,
        height,
    );
    let inner = canvas.popup(area, "Keys", "esc closes · config.toml changes them");
    let page = usize::from(inner.height);
    let furthest = usize::from(tall).saturating_sub(page);
    let offset = canvas.app.overlay.scroll.min(furthest);
    canvas.frame_info.popup = Extent {
        offset,
        page,
        furthest,
    };
    for (at, line) in lines.into_iter().enumerate() {
        let (column, row) = (at / usize::from(tall), at % usize::from(tall));
        let Some(row) = row.checked_sub(offset).filter(|r| *r < page) else {
            continue;
        };
        let x = inner.x + 1 + column as u16 * COLUMN;
        let wide = COLUMN.min(inner.right().saturating_sub(x + 1));
        canvas.line(Rect::new(x, inner.y + row as u16, wide, 1), line);
    }
    canvas.scroll_bar(inner, offset, page, usize::from(tall));
}

fn lines(canvas: &DrawContext) -> Vec<Line<'static>> {
    let app = canvas.app;
    let found = !app.overlay.search.field.text().is_empty();
    let line = |(at, line): (usize, HelpLine)| {
        let HelpLine { keys, text } = line;
        if keys.is_empty() {
            return Line::from(canvas.label(Role::Title, &text));
        }
        let mut spans = canvas.label(Role::Focus, &text::fit_right(&keys, KEYS));
        spans.push(Span::raw("  "));
        spans.extend(canvas.label(Role::Text, &text));
        let line = Line::from(spans);
        if found && at == app.overlay.search.line {
            line.style(canvas.style(Role::Selection))
        } else {
            line
        }
    };
    app.help_lines().into_iter().enumerate().map(line).collect()
}
