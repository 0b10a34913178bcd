//! The choice of a theme, which is tried on while the cursor moves.
//!
//! The themes, each shown by the screen behind while the cursor is on it.

use crate::config::Role;
use crate::tui::app::App;
use crate::tui::parts::Popup;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::{popup_list, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// The names to choose from and the one in use. The event loop loads what is named here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThemePicker {
    /// The shipped ones and the user's.
    pub names: Vec<String>,
    pub shown: String,
    /// Chosen here, and so kept for the next start.
    pub kept: Option<String>,
    /// In use when the choice was opened.
    before: String,
}

impl App {
    pub(crate) fn open_themes(&mut self) {
        let themes = &mut self.overlay.themes;
        themes.before.clone_from(&themes.shown);
        let cursor = themes
            .names
            .iter()
            .position(|name| *name == themes.shown)
            .unwrap_or(0);
        self.overlay.popup = Some(Popup::Themes(cursor));
    }

    /// Moves the cursor, and shows the theme that it is on.
    pub(crate) fn try_theme(&mut self, cursor: usize) {
        if let Some(name) = self.overlay.themes.names.get(cursor) {
            self.overlay.themes.shown.clone_from(name);
            self.overlay.popup = Some(Popup::Themes(cursor));
        }
    }

    pub(crate) fn keep_theme(&mut self) {
        self.overlay.popup = None;
        self.overlay.themes.kept = Some(self.overlay.themes.shown.clone());
    }

    pub(crate) fn restore_theme(&mut self) {
        self.overlay
            .themes
            .shown
            .clone_from(&self.overlay.themes.before);
    }
}

const WIDTH: u16 = 40;

/// What each colour means, in its colour.
const SAMPLE: [(Role, &str); 4] = [
    (Role::Gold, "✓ ▲"),
    (Role::Miss, "✗ ▼"),
    (Role::TextShare, "██"),
    (Role::ImageShare, "██"),
];

/// At the right, so that the screen stays in sight.
pub fn draw(canvas: &mut DrawContext, whole: Rect, cursor: usize) {
    let names = &canvas.app.overlay.themes.names;
    let width = WIDTH.min(whole.width);
    let height = (names.len() as u16 + 3).min(whole.height.saturating_sub(2));
    let area = Rect::new(
        whole.right().saturating_sub(width + 1),
        whole.y + 1,
        width,
        height,
    );
    let inner = canvas.popup(area, "Colours", "enter keeps it · esc");
    let list = Rect {
        height: inner.height.saturating_sub(1),
        ..inner
    };
    popup_list::draw(canvas, list, cursor, names.len(), |canvas, at| {
        let mut spans = vec![Span::raw(" ")];
        spans.extend(canvas.label(Role::Text, &text::fit(&names[at], list.width.into())));
        (Line::from(spans), ClickTarget::Theme(at))
    });
    let sample = SAMPLE.map(|(role, text)| canvas.span(role, format!(" {text} ")));
    canvas.line(
        Rect {
            y: list.bottom(),
            height: 1.min(inner.height),
            ..inner
        },
        Line::from(sample.to_vec()),
    );
}
