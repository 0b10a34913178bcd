//! The help popup: the keys of the screen or popup below it, then those that act everywhere.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Keymap, Role};
use crate::tui::action_scope::{GLOBAL_ACTIONS, popup_accepts, screen_accepts};
use crate::tui::parts::{Popup, Screen};
use crate::tui::shared::Shared;
use crate::tui::ui::draw_context::{DrawContext, centered};
use crate::tui::ui::scroll::{Extent, shifted};
use crate::tui::ui::text;

/// The width of one column of lines.
const COLUMN_WIDTH: u16 = 56;
/// The width of the keys in a column.
const KEYS_WIDTH: usize = 16;

/// The help popup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Help {
    /// The popup below, whose keys are listed and which is restored when help is closed; `None` for
    /// the screen.
    pub below: Option<Popup>,
    /// The index of the first line that is shown.
    pub scroll: usize,
}

/// A line of help. A heading has no keys, and an empty line has no text either.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HelpLine {
    pub keys: String,
    pub text: String,
}

impl Help {
    /// Opens help over the screen, or over a popup that has keys of its own.
    pub(crate) fn open(&mut self, popup: Option<Popup>) {
        let has_keys = |popup: &Popup| matches!(popup, Popup::Explain | Popup::WhatIf);
        self.below = popup.filter(has_keys);
        self.scroll = 0;
    }

    pub(crate) fn step(&mut self, by: isize, shared: &Shared) {
        self.scroll = shifted(self.scroll, by, shared.frame.popup.furthest + 1);
    }

    /// Scrolls to a line.
    pub(crate) fn scroll_to(&mut self, line: usize, shared: &Shared) {
        self.scroll = line.min(shared.frame.popup.furthest);
    }

    /// Returns the lines. `context` is the one of the keys on this screen.
    pub fn lines(&self, screen: Screen, context: Context, keymap: &Keymap) -> Vec<HelpLine> {
        let context = match self.below {
            Some(Popup::Explain) => Context::Explain,
            Some(Popup::WhatIf) => Context::WhatIf,
            _ => context,
        };
        let acts = |action: Action| match self.below {
            Some(popup) => GLOBAL_ACTIONS.contains(&action) || popup_accepts(popup, action),
            None => screen_accepts(screen, action),
        };
        let mut everywhere = keymap.everywhere(context);
        everywhere.retain(|(action, _)| acts(*action));
        let mut lines = vec![heading(&capitalized(context.title()))];
        lines.extend(keymap.listing(context).into_iter().map(key_line));
        lines.push(HelpLine::default());
        lines.push(heading("Everywhere"));
        lines.extend(everywhere.into_iter().map(key_line));
        lines
    }

    /// Draws the popup. `found` is the index of the line that a search found.
    pub fn draw(
        &self,
        canvas: &mut DrawContext,
        screen: Rect,
        lines: Vec<HelpLine>,
        found: Option<usize>,
    ) {
        let columns = if screen.width >= 2 * COLUMN_WIDTH + 8 {
            2
        } else {
            1
        };
        let column_height = lines.len().div_ceil(columns);
        let width = (COLUMN_WIDTH * columns as u16 + 4).min(screen.width.saturating_sub(4));
        let height = (column_height as u16 + 2).min(screen.height.saturating_sub(2));
        let area = centered(screen, width, height);
        let inner = canvas.popup(area, "Keys", "esc closes · config.toml changes them");
        let page = usize::from(inner.height);
        let extent = Extent::scrolled(self.scroll, page, column_height);
        let offset = extent.offset;
        canvas.frame_info.popup = extent;
        for (index, line) in lines.iter().enumerate() {
            let column = (index / column_height) as u16;
            let Some(row) = (index % column_height).checked_sub(offset) else {
                continue;
            };
            if row >= page {
                continue;
            }
            let x = inner.x + 1 + column * COLUMN_WIDTH;
            let width = COLUMN_WIDTH.min(inner.right().saturating_sub(x + 1));
            let area = Rect::new(x, inner.y + row as u16, width, 1);
            let drawn = draw_line(canvas, line);
            let is_found = found == Some(index) && !line.keys.is_empty();
            canvas.list_line(area, drawn, is_found);
        }
        canvas.scroll_bar(inner, offset, page, column_height);
    }
}

/// Returns the labels of the lines, for a search.
pub(crate) fn labels(lines: Vec<HelpLine>) -> Vec<String> {
    lines
        .into_iter()
        .map(|line| format!("{} {}", line.keys, line.text))
        .collect()
}

fn heading(text: &str) -> HelpLine {
    HelpLine {
        keys: String::new(),
        text: text.to_owned(),
    }
}

fn key_line((action, keys): (Action, String)) -> HelpLine {
    HelpLine {
        keys,
        text: action.help().into(),
    }
}

/// Returns the text with a capital first letter.
fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let Some(first) = characters.next() else {
        return String::new();
    };
    first.to_uppercase().chain(characters).collect()
}

fn draw_line(canvas: &DrawContext, line: &HelpLine) -> Line<'static> {
    if line.keys.is_empty() {
        return Line::from(canvas.label(Role::Title, &line.text));
    }
    let mut spans = canvas.label(Role::Focus, &text::fit_right(&line.keys, KEYS_WIDTH));
    spans.push(Span::raw("  "));
    spans.extend(canvas.label(Role::Text, &line.text));
    Line::from(spans)
}
