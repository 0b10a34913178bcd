//! The popup of the formats that a table can be exported in.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::table::TableFormat;
use crate::tui::ui::draw_context::{DrawContext, centered};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::shifted;
use crate::tui::ui::{popup_list, text};

/// The width of the popup in columns.
const WIDTH: u16 = 48;

/// The export popup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportPopup {
    pub(crate) cursor: usize,
}

impl ExportPopup {
    pub(crate) fn step(&mut self, by: isize) {
        self.cursor = shifted(self.cursor, by, TableFormat::ALL.len());
    }

    /// Draws the popup. `stem` is the name of the exported file without its extension.
    pub fn draw(&self, canvas: &mut DrawContext, screen: Rect, stem: &str) {
        let width = WIDTH.min(screen.width);
        let area = centered(screen, width, TableFormat::ALL.len() as u16 + 2);
        let inner = canvas.popup(area, "Export the table", "enter writes · esc cancels");
        let len = TableFormat::ALL.len();
        popup_list::draw(canvas, inner, self.cursor, len, |canvas, index| {
            let format = TableFormat::ALL[index];
            let mut spans = vec![Span::raw(" ")];
            spans.extend(canvas.label(Role::Text, &text::fit(format.name(), 10)));
            let file = format!("{stem}.{}", format.extension());
            spans.push(canvas.span(Role::Quiet, text::fit(&file, 34)));
            (Line::from(spans), ClickTarget::ExportFormat(index))
        });
    }
}
