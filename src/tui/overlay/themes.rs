//! The popup of the themes. The screen behind it is drawn in the selected one.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::tui::message::Effect;
use crate::tui::ui::draw_context::{DrawContext, split_last_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::shifted;
use crate::tui::ui::{popup_list, text};

/// The width of the popup in columns.
const WIDTH: u16 = 40;

/// Samples of the most important colours.
const SAMPLES: [(Role, &str); 4] = [
    (Role::Gold, "✓ ▲"),
    (Role::Miss, "✗ ▼"),
    (Role::TextShare, "██"),
    (Role::ImageShare, "██"),
];

/// The themes to choose from, and the one in use. The event loop loads the theme that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThemePicker {
    /// The names of the built-in themes and of the user's.
    pub names: Vec<String>,
    /// The theme that the screen is drawn in.
    pub shown: String,
    /// The theme that the user chose, saved for the next start.
    pub saved: Option<String>,
    /// The theme in use when the popup was opened.
    previous: String,
    pub(crate) cursor: usize,
}

impl ThemePicker {
    /// Puts the cursor on the theme in use.
    pub(crate) fn open(&mut self) {
        self.previous.clone_from(&self.shown);
        let shown = self.names.iter().position(|name| *name == self.shown);
        self.cursor = shown.unwrap_or(0);
    }

    pub(crate) fn step(&mut self, by: isize) {
        self.show(shifted(self.cursor, by, self.names.len()));
    }

    /// Moves the cursor to a theme and shows it.
    fn show(&mut self, index: usize) {
        if let Some(name) = self.names.get(index) {
            self.shown.clone_from(name);
            self.cursor = index;
        }
    }

    /// Saves the theme that is shown, and closes the popup.
    pub(crate) fn accept(&mut self) -> Vec<Effect> {
        self.saved = Some(self.shown.clone());
        vec![Effect::ClosePopup]
    }

    /// Shows the theme that was in use before.
    pub(crate) fn cancel(&mut self) {
        self.shown.clone_from(&self.previous);
    }

    /// Shows a theme; a second click accepts it.
    pub(crate) fn click(&mut self, index: usize) -> Vec<Effect> {
        if self.cursor == index {
            return self.accept();
        }
        self.show(index);
        Vec::new()
    }

    /// Draws the popup at the right, so that the screen stays visible.
    pub fn draw(&self, canvas: &mut DrawContext, screen: Rect) {
        let width = WIDTH.min(screen.width);
        let height = (self.names.len() as u16 + 3).min(screen.height.saturating_sub(2));
        let x = screen.right().saturating_sub(width + 1);
        let area = Rect::new(x, screen.y + 1, width, height);
        let inner = canvas.popup(area, "Themes", "enter saves · esc cancels");
        let (list, last_line) = split_last_line(inner);
        let len = self.names.len();
        popup_list::draw(canvas, list, self.cursor, len, |canvas, index| {
            let name = text::fit(&self.names[index], list.width.into());
            let mut spans = vec![Span::raw(" ")];
            spans.extend(canvas.label(Role::Text, &name));
            (Line::from(spans), ClickTarget::Theme(index))
        });
        let samples = SAMPLES.map(|(role, text)| canvas.span(role, format!(" {text} ")));
        canvas.line(last_line, Line::from(samples.to_vec()));
    }
}
