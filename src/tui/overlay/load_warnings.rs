//! What a file asked for and is not there.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::text;

const WIDTH: u16 = 76;

pub fn draw(canvas: &mut DrawContext, whole: Rect) {
    let width = WIDTH.min(whole.width.saturating_sub(4));
    let app = canvas.app;
    let lines: Vec<String> = app
        .overlay
        .load_warnings
        .iter()
        .flat_map(|said| text::wrap(&format!("• {said}"), usize::from(width) - 4))
        .collect();
    let height = (lines.len() as u16 + 2).min(whole.height.saturating_sub(2));
    let area = Rect::new(
        (whole.width - width) / 2,
        (whole.height - height) / 2,
        width,
        height,
    );
    let inner = canvas.popup(area, "Opened, but", "esc");
    for (at, line) in lines
        .into_iter()
        .take(usize::from(inner.height))
        .enumerate()
    {
        let line = Line::from(canvas.span(Role::Text, line));
        canvas.line(
            Rect {
                x: inner.x + 1,
                y: inner.y + at as u16,
                height: 1,
                width: inner.width - 1,
            },
            line,
        );
    }
}
