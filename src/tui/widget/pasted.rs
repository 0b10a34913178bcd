//! What became of each name that was pasted.
//!
//! ```text
//! ┏ 3 names pasted: 2 added, 1 unknown ━━━━━━━━━━━━━━━━━━┓
//! ┃ lion      added                                      ┃
//! ┃ tiger     added                                      ┃
//! ┃ leopart   unknown; near it: leopard, leopard seal    ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ esc ━┛
//! ```

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::tui::app::pasting::PasteOutcome;
use crate::tui::canvas::Canvas;
use crate::tui::view::Hit;
use crate::tui::widget::{choices, text};

const WIDTH: u16 = 76;

pub fn draw(canvas: &mut Canvas, whole: Rect, cursor: usize) {
    let pasted = &canvas.app.pasted;
    let width = WIDTH.min(whole.width.saturating_sub(4));
    let height = (pasted.len() as u16 + 2).min(whole.height.saturating_sub(4));
    let area = Rect::new(
        (whole.width - width) / 2,
        (whole.height - height) / 2,
        width,
        height,
    );
    let inner = canvas.popup(area, &canvas.app.pasted_summary(), "esc");
    let names = pasted
        .iter()
        .map(|one| text::width(&one.name))
        .max()
        .unwrap_or(0)
        .min(usize::from(inner.width) / 2);
    let room = usize::from(inner.width).saturating_sub(names + 4);
    choices::draw(canvas, inner, cursor, pasted.len(), |canvas, at| {
        let one = &pasted[at];
        let (role, outcome) = match &one.outcome {
            PasteOutcome::Added => (Role::Gold, "added".to_owned()),
            PasteOutcome::AlreadySeed => (Role::Quiet, "already a seed".to_owned()),
            PasteOutcome::Unknown(near) if near.is_empty() => (Role::Miss, "unknown".to_owned()),
            PasteOutcome::Unknown(near) => {
                (Role::Miss, format!("unknown; near it: {}", near.join(", ")))
            }
        };
        let mut spans = vec![Span::raw(" ")];
        spans.extend(canvas.label(Role::Text, &text::fit(&one.name, names)));
        spans.push(canvas.span(role, format!("  {}", text::fit(&outcome, room))));
        (Line::from(spans), Hit::Popup)
    });
}
