//! What is searched in the list, on the last line: ` /jag  1 of 3   ↓ next  ↑ previous  enter
//! esc`.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::tui::canvas::Canvas;
use crate::tui::widget::{hints, text};

/// Columns before the text.
const LEAD: usize = 3;

pub fn draw(canvas: &mut Canvas, whole: Rect) {
    let search = &canvas.app.search;
    if !search.shown {
        return;
    }
    let line = Rect {
        y: whole.bottom().saturating_sub(1),
        height: 1,
        ..whole
    };
    canvas.clear(line);
    let mut spans = vec![canvas.span(Role::Quiet, format!("{:^LEAD$}", "/"))];
    spans.push(canvas.span(Role::Title, search.field.text()));
    spans.push(canvas.span(Role::Warning, format!("  {}", canvas.app.search_count())));
    spans.push(Span::raw("   "));
    let wanted = [
        (Action::NextMatch, "next"),
        (Action::PreviousMatch, "previous"),
        (Action::Open, "done"),
        (Action::Close, "leaves it"),
    ];
    let (context, wanted) = match search.typing {
        true => (Context::Searching, &wanted[..]),
        false => (Context::Global, &[wanted[0], wanted[1], wanted[3]][..]),
    };
    let column = LEAD + text::width(search.field.halves().0);
    hints::draw(canvas, line, Line::from(spans), context, 2, wanted);
    if canvas.app.search.typing {
        canvas.place_cursor(line, column);
    }
}
