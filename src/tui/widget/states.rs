//! Named states: the field for a name, and the list to come back from.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::tui::app::state::State;
use crate::tui::canvas::Canvas;
use crate::tui::view::Hit;
use crate::tui::widget::whatif::{change_words, origin};
use crate::tui::widget::{choices, text};

const WIDTH: u16 = 84;
const FIELD: u16 = 60;

pub fn draw_naming(canvas: &mut Canvas, whole: Rect) {
    let width = FIELD.min(whole.width);
    let area = Rect::new(
        (whole.width - width) / 2,
        whole.height / 3,
        width,
        4.min(whole.height),
    );
    let inner = canvas.popup(area, "A name for the present state", "enter keeps · esc");
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    let app = canvas.app;
    canvas.input_line(Rect { height: 1, ..inner }, vec![], &app.naming, vec![]);
    let what = text::cut(&summary(canvas, &app.state()), usize::from(inner.width));
    let line = Line::from(canvas.span(Role::Quiet, what));
    canvas.line(
        Rect {
            y: inner.y + 1,
            height: 1.min(inner.height.saturating_sub(1)),
            ..inner
        },
        line,
    );
}

pub fn draw(canvas: &mut Canvas, whole: Rect, cursor: usize) {
    let app = canvas.app;
    let named = &app.named;
    let width = WIDTH.min(whole.width.saturating_sub(4));
    let height = (named.len() as u16 + 2).min(whole.height.saturating_sub(4));
    let area = Rect::new(
        (whole.width - width) / 2,
        (whole.height - height) / 2,
        width,
        height,
    );
    let inner = canvas.popup(
        area,
        "Named states",
        "enter comes back to it · x takes it off · esc",
    );
    let names = named
        .iter()
        .map(|n| text::width(&n.name))
        .max()
        .unwrap_or(0)
        .min(usize::from(inner.width) / 3);
    let room = usize::from(inner.width).saturating_sub(names + 4);
    choices::draw(canvas, inner, cursor, named.len(), |canvas, at| {
        let mut spans = vec![Span::raw(" ")];
        spans.extend(canvas.label(Role::Text, &text::fit(&named[at].name, names)));
        spans.push(canvas.span(
            Role::Quiet,
            format!("  {}", text::fit(&summary(canvas, &named[at].state), room)),
        ));
        (Line::from(spans), Hit::NamedState(at))
    });
}

/// Where it comes from and what is changed.
fn summary(canvas: &Canvas, state: &State) -> String {
    let Some(catalogue) = canvas.catalogue() else {
        return String::new();
    };
    let changes: Vec<String> = state
        .changes(catalogue)
        .iter()
        .map(|&change| change_words(canvas, change).1)
        .collect();
    match changes.is_empty() {
        true => origin(canvas, state),
        false => format!("{} · {}", origin(canvas, state), changes.join("  ")),
    }
}
