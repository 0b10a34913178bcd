//! The forms that a table can be written in.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::text;
use crate::config::Role;
use crate::tui::app::Form;
use crate::tui::canvas::Canvas;
use crate::tui::view::Hit;

const WIDTH: u16 = 48;

pub fn draw(canvas: &mut Canvas, whole: Rect, cursor: usize) {
    let (width, height) = (WIDTH.min(whole.width), Form::ALL.len() as u16 + 2);
    let area = Rect::new((whole.width - width) / 2, whole.height.saturating_sub(height) / 2, width, height);
    let inner = canvas.popup(area, "Write what is shown to a file", "enter writes · esc");
    for (at, form) in Form::ALL.into_iter().enumerate() {
        let line = Rect::new(inner.x, inner.y + at as u16, inner.width, 1);
        let mut spans = vec![Span::raw(" ")];
        spans.extend(canvas.label(Role::Text, &text::fit(form.name(), 10)));
        let file = format!("{}.{}", canvas.app.export_stem(), form.ending());
        spans.push(canvas.span(Role::Quiet, text::fit(&file, 34)));
        let said = Line::from(spans);
        let said = if at == cursor { said.style(canvas.style(Role::Selection)) } else { said };
        canvas.line(line, said);
        canvas.hit(line, Hit::ExportForm(at));
    }
}
