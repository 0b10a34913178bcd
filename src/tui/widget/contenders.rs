//! What can take part in a comparison, and the field for a path.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{choices, text};
use crate::config::Role;
use crate::engine::api::Contender;
use crate::tui::canvas::Canvas;
use crate::tui::view::Hit;

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
        let of = available[at];
        let place = app.contenders.chosen.iter().position(|&c| c == of);
        let place = place.map_or_else(|| "  ".to_owned(), |place| format!("{} ", place + 1));
        let mut spans = vec![canvas.span(Role::Focus, format!(" {place}"))];
        spans.extend(canvas.label(Role::Text, &text::fit(&app.contenders.name(of), 22)));
        let from = text::fit(
            &origin(canvas, of),
            usize::from(list.width).saturating_sub(26),
        );
        spans.push(canvas.span(Role::Quiet, from));
        (Line::from(spans), Hit::Contender(at))
    });
    let line = Rect {
        y: inner.bottom().saturating_sub(1),
        height: 1.min(inner.height),
        ..inner
    };
    match &app.contenders.path {
        Some(path) => canvas.input_line(
            line,
            vec![canvas.span(Role::Focus, " open: ")],
            path,
            vec![],
        ),
        None => {
            let hint = Line::from(canvas.span(Role::Quiet, " + an index folder or a run file …"));
            let at_path = cursor == available.len();
            canvas.line(
                line,
                if at_path {
                    hint.style(canvas.style(Role::Selection))
                } else {
                    hint
                },
            );
        }
    }
    canvas.hit(line, Hit::Contender(available.len()));
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
