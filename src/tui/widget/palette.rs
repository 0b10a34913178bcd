//! Every action by its name.
//!
//! ```text
//! ┏ Actions ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ : sort                                                        ┃
//! ┃ sort by the next column             sort                    s ┃
//! ┃ sort the other way round            reverse        in Compare ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ enter runs it · esc · 2 ┛
//! ```

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::tui::app::palette::PaletteRow;
use crate::tui::canvas::Canvas;
use crate::tui::view::Hit;
use crate::tui::widget::{choices, text};

const WIDTH: u16 = 96;
const HEIGHT: u16 = 24;
/// Columns of an action's name.
const NAME: usize = 17;

pub fn draw(canvas: &mut Canvas, whole: Rect) {
    let app = canvas.app;
    let (width, height) = (
        WIDTH.min(whole.width.saturating_sub(4)),
        HEIGHT.min(whole.height.saturating_sub(2)),
    );
    let area = Rect::new(
        (whole.width - width) / 2,
        (whole.height - height) / 2,
        width,
        height,
    );
    let rows = app.palette_rows();
    let foot = match rows.len() {
        0 => "no action is called that · esc".to_owned(),
        n => format!("enter runs it · esc · {} of {n}", app.palette.cursor + 1),
    };
    let inner = canvas.popup(area, "Actions", &foot);
    let key = app
        .settings
        .keymap
        .key_of(Context::Global, Action::Palette)
        .unwrap_or_default();
    let lead = vec![canvas.span(Role::Quiet, format!(" {key} "))];
    canvas.input_line(
        Rect {
            height: 1.min(inner.height),
            ..inner
        },
        lead,
        &app.palette.field,
        vec![],
    );
    let list = Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1),
        ..inner
    };
    choices::draw(
        canvas,
        list,
        app.palette.cursor,
        rows.len(),
        |canvas, at| (said(canvas, &rows[at], list.width.into()), Hit::Action(at)),
    );
}

/// Help, name, and the key here or where it acts.
fn said(canvas: &Canvas, row: &PaletteRow, width: usize) -> Line<'static> {
    let (last, role, last_role) = match (&row.elsewhere, &row.key) {
        (Some(place), _) => (place.as_str(), Role::Quiet, Role::Quiet),
        (None, key) => (key.as_deref().unwrap_or("–"), Role::Text, Role::Focus),
    };
    let wide = (width / 4).clamp(10, 24);
    let help = width.saturating_sub(NAME + wide + 4);
    Line::from(vec![
        Span::raw(" "),
        canvas.span(role, text::fit(row.action.help(), help)),
        canvas.span(
            Role::Quiet,
            format!(" {} ", text::fit(row.action.name(), NAME)),
        ),
        canvas.span(last_role, text::fit_right(last, wide)),
    ])
}
