//! The seeds as chips that wrap, and the place where another is typed.

use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::tui::app::field::Field;
use crate::tui::app::{App, Pane};
use crate::tui::canvas::Canvas;
use crate::tui::view::Hit;
use crate::tui::widget::text;

/// More lines of chips than this are not shown; the last ones are.
const MOST_LINES: usize = 4;

/// Columns that the place to add a seed takes at least.
const FIELD: usize = 14;

/// A chip's place: line, column, width.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    line: usize,
    column: usize,
    width: usize,
}

/// How tall the pane is to be at this width.
pub fn height(app: &App, width: u16) -> u16 {
    let places = places(app, usize::from(width.saturating_sub(4)));
    2 + places.last().map_or(1, |p| (p.line + 1).min(MOST_LINES)) as u16
}

/// The places of all chips, and last that of the field.
fn places(app: &App, width: usize) -> Vec<Place> {
    let chips = app.seeds.seeds.iter().map(|&s| {
        let name = app
            .catalogue
            .as_ref()
            .and_then(|c| c.entity(s))
            .map_or(6, |e| text::width(&e.name));
        name + 4
    });
    let typed = app.typing.as_ref().map_or(0, |t| text::width(&t.input) + 2);
    flow(chips.chain([typed.max(FIELD)]), width)
}

/// Boxes of these widths one after the other, a column apart, in lines of `width`.
fn flow(widths: impl Iterator<Item = usize>, width: usize) -> Vec<Place> {
    let (mut line, mut column) = (0, 0);
    let mut out = Vec::new();
    for wide in widths {
        let wide = wide.min(width);
        if column > 0 && column + wide > width {
            (line, column) = (line + 1, 0);
        }
        out.push(Place {
            line,
            column,
            width: wide,
        });
        column += wide + 1;
    }
    out
}

pub fn draw(canvas: &mut Canvas, area: Rect) {
    let app = canvas.app;
    let title = Line::from(canvas.title(Pane::Seeds, "Seeds"));
    let right = origin(canvas, usize::from(area.width.saturating_sub(12)));
    let inner = canvas.pane(area, Pane::Seeds, title, right);
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    let places = places(app, inner.width.into());
    let lines = usize::from(inner.height);
    let skip = places
        .last()
        .map_or(0, |p| (p.line + 1).saturating_sub(lines));
    for (at, place) in places.iter().enumerate() {
        let Some(line) = place.line.checked_sub(skip) else {
            continue;
        };
        let spot = Rect::new(
            inner.x + place.column as u16,
            inner.y + line as u16,
            place.width as u16,
            1,
        );
        match app.seeds.seeds.get(at) {
            Some(&seed) => {
                let name = canvas.name(seed);
                chip(canvas, spot, at, &name);
            }
            None => field(canvas, spot, inner),
        }
    }
}

fn chip(canvas: &mut Canvas, area: Rect, at: usize, name: &str) {
    let app = canvas.app;
    let focused = app.focus == Pane::Seeds && app.typing.is_none() && app.chip == at;
    let style = canvas.style(Role::Seed);
    let style = if focused {
        style.add_modifier(Modifier::REVERSED)
    } else {
        style
    };
    let name = text::fit(name, usize::from(area.width).saturating_sub(4));
    let line = Line::from(vec![
        Span::styled(format!(" {name} "), style),
        Span::styled(
            "✕ ",
            if focused {
                style
            } else {
                canvas.style(Role::Quiet)
            },
        ),
    ]);
    canvas.line(area, line);
    canvas.hit(area, Hit::Chip(at));
    canvas.hit(
        Rect {
            x: area.right().saturating_sub(2),
            width: 2.min(area.width),
            ..area
        },
        Hit::ChipClose(at),
    );
}

fn field(canvas: &mut Canvas, area: Rect, inner: Rect) {
    let app = canvas.app;
    let area = Rect {
        width: inner.right().saturating_sub(area.x),
        ..area
    };
    match &app.typing {
        Some(typing) => {
            let hint = canvas.span(
                Role::Quiet,
                if typing.input.is_empty() {
                    "a name…"
                } else {
                    ""
                },
            );
            canvas.input_line(
                area,
                vec![],
                &Field::from(typing.input.as_str()),
                vec![hint],
            );
        }
        None => {
            let key = app
                .settings
                .keymap
                .key_of(Context::Global, Action::AddSeed)
                .unwrap_or_default();
            let style = canvas.style(Role::Quiet);
            let here = app.focus == Pane::Seeds && app.chip >= app.seeds.seeds.len();
            let style = if here {
                style.add_modifier(Modifier::REVERSED)
            } else {
                style
            };
            let rejected = match app.seeds.rejected.len() {
                0 => String::new(),
                n => format!("   − {n} rejected"),
            };
            let hint = format!("{key} add…");
            let line = Line::from(vec![
                Span::styled(hint, style),
                canvas.span(Role::Quiet, rejected),
            ]);
            canvas.line(area, line);
        }
    }
    canvas.hit(area, Hit::AddSeed);
}

/// Where the seeds come from: "carnivorous mammals · query 2 of 5 (3 seeds) · edited".
fn origin(canvas: &Canvas, room: usize) -> Line<'static> {
    let (app, Some(catalogue)) = (canvas.app, canvas.catalogue()) else {
        return Line::default();
    };
    let Some(class) = app.seeds.class else {
        let guessed = app
            .seeds
            .gold_class(catalogue)
            .map(|c| format!(" all {} ", catalogue.class(c).title()));
        return Line::from(canvas.span(Role::Quiet, guessed.unwrap_or_default()));
    };
    let title = catalogue.class(class).title();
    let mut said = String::new();
    if let Some(number) = app.seeds.number {
        let of = catalogue.queries_of(class, app.seeds.count).count();
        said = format!(
            "· query {} of {of} ({} seeds) ",
            number + 1,
            app.seeds.count.number()
        );
    }
    if !app.seeds.is_query(catalogue) && app.seeds.number.is_some() {
        said.push_str("· edited ");
    }
    let title = text::cut(&title, room.saturating_sub(text::width(&said) + 2));
    Line::from(vec![
        canvas.span(Role::Title, format!(" {title} ")),
        canvas.span(Role::Quiet, said),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_wrap_and_never_pass_the_edge() {
        let places = flow([8, 9, 11, 14].into_iter(), 30);
        assert_eq!(
            places
                .iter()
                .map(|p| (p.line, p.column))
                .collect::<Vec<_>>(),
            [(0, 0), (0, 9), (0, 19), (1, 0)]
        );
        assert!(
            flow([50, 3].into_iter(), 20)
                .iter()
                .all(|p| p.column + p.width <= 20)
        );
    }
}
