//! The forms that a table can be written in.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::table::TableFormat;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::{popup_list, text};

const WIDTH: u16 = 48;

pub fn draw(canvas: &mut DrawContext, whole: Rect, cursor: usize) {
    let (width, height) = (WIDTH.min(whole.width), TableFormat::ALL.len() as u16 + 2);
    let area = Rect::new(
        (whole.width - width) / 2,
        whole.height.saturating_sub(height) / 2,
        width,
        height,
    );
    let inner = canvas.popup(area, "Write what is shown to a file", "enter writes · esc");
    popup_list::draw(
        canvas,
        inner,
        cursor,
        TableFormat::ALL.len(),
        |canvas, at| {
            let form = TableFormat::ALL[at];
            let mut spans = vec![Span::raw(" ")];
            spans.extend(canvas.label(Role::Text, &text::fit(form.name(), 10)));
            let file = format!("{}.{}", canvas.app.export_stem(), form.extension());
            spans.push(canvas.span(Role::Quiet, text::fit(&file, 34)));
            (Line::from(spans), ClickTarget::ExportFormat(at))
        },
    );
}
