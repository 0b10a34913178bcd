//! The popup of the parts of a view file that this index does not have.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::tui::ui::draw_context::{DrawContext, centered, indented};
use crate::tui::ui::text;

/// The width of the popup in columns.
const WIDTH: u16 = 76;

/// The warnings of the view file that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadWarnings {
    pub warnings: Vec<String>,
}

impl LoadWarnings {
    pub fn draw(&self, canvas: &mut DrawContext, screen: Rect) {
        let width = WIDTH.min(screen.width.saturating_sub(4));
        let room = usize::from(width) - 4;
        let mut lines = Vec::new();
        for warning in &self.warnings {
            for line in text::wrap(&format!("• {warning}"), room) {
                lines.push(Line::from(canvas.span(Role::Text, line)));
            }
        }
        let height = (lines.len() as u16 + 2).min(screen.height.saturating_sub(2));
        let area = centered(screen, width, height);
        let inner = canvas.popup(area, "Opened with warnings", "esc closes");
        canvas.lines(indented(inner), lines);
    }
}
