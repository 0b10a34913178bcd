//! What can take part in a comparison, and the field for a path.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::engine::protocol::Contender;
use crate::tui::canvas::Canvas;
use crate::tui::view::Hit;
use crate::tui::widget::{choices, text};

const WIDTH: u16 = 60;

pub fn draw(canvas: &mut Canvas, whole: Rect, cursor: usize) {
    let app = canvas.app;
    let available = app.available();
    let (width, height) = (
        WIDTH.min(whole.width),
        (available.len() as u16 + 3).min(whole.height),
    );
    let area = Rect::new(
        (whole.width - width) / 2,
        whole.height.saturating_sub(height) / 2,
        width,
        height,
    );
    let inner = canvas.popup(area, "Side by side", "enter takes in or out · esc");
    // the line of the path always has its place
    let list = Rect {
        height: inner.height.saturating_sub(1),
        ..inner
    };
    choices::draw(canvas, list, cursor, available.len(), |canvas, at| {
        let line = contender_line(canvas, available[at], usize::from(list.width));
        (line, Hit::Contender(at))
    });
    let line = Rect {
        y: inner.bottom().saturating_sub(1),
        height: 1.min(inner.height),
        ..inner
    };
    path_line(canvas, line, cursor == available.len());
    canvas.hit(line, Hit::Contender(available.len()));
}

/// Returns the line of a contender: its place among the chosen ones, its name and its origin.
fn contender_line(canvas: &Canvas, contender: Contender, width: usize) -> Line<'static> {
    let contenders = &canvas.app.contenders;
    let place = contenders.chosen.iter().position(|&c| c == contender);
    let place = place.map_or_else(|| "  ".to_owned(), |place| format!("{} ", place + 1));
    let mut spans = vec![canvas.span(Role::Focus, format!(" {place}"))];
    spans.extend(canvas.label(Role::Text, &text::fit(&contenders.name(contender), 22)));
    let from = text::fit(&origin(canvas, contender), width.saturating_sub(26));
    spans.push(canvas.span(Role::Quiet, from));
    Line::from(spans)
}

/// Draws the field in which a path is typed, or the hint that takes its place until then.
fn path_line(canvas: &mut Canvas, line: Rect, selected: bool) {
    let app = canvas.app;
    match &app.contenders.path {
        Some(path) => {
            let lead = vec![canvas.span(Role::Focus, " open: ")];
            canvas.input_line(line, lead, path, vec![]);
        }
        None => {
            let hint = Line::from(canvas.span(Role::Quiet, " + an index folder or a run file …"));
            canvas.list_line(line, hint, selected);
        }
    }
}

/// Where it comes from.
fn origin(canvas: &Canvas, of: Contender) -> String {
    let import = |at: u16| {
        let import = canvas.app.contenders.imports.get(usize::from(at));
        import.map_or_else(String::new, |import| import.path.display().to_string())
    };
    match of {
        Contender::Own(_) => "this index".into(),
        Contender::Index(at, _) | Contender::Run(at) => import(at),
    }
}
