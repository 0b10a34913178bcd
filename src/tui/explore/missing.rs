//! The popup of gold entities that the expansion has not found, each with the reason.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::Missing;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::{popup_list, text};

/// Draws the popup.
pub(crate) fn draw(canvas: &mut DrawContext, screen: Rect, missing: &[Missing], cursor: usize) {
    let Some(catalogue) = canvas.shared.catalogue.as_deref() else {
        return;
    };
    let width = screen.width.saturating_sub(8).min(92);
    let height = (missing.len() as u16 + 2).min(screen.height.saturating_sub(4));
    let area = Rect::new(
        (screen.width - width) / 2,
        (screen.height - height) / 2,
        width,
        height,
    );
    let title = match missing.len() {
        1 => "1 missing gold entity".to_owned(),
        count => format!("{count} missing gold entities"),
    };
    let inner = canvas.popup(
        area,
        &title,
        "enter inspects · + makes it a seed · esc closes",
    );
    let names = missing
        .iter()
        .map(|one| text::width(&canvas.name(one.entity)));
    let names = names.max().unwrap_or(0).min(usize::from(inner.width) / 3);
    let room = usize::from(inner.width).saturating_sub(names + 4);
    popup_list::draw(canvas, inner, cursor, missing.len(), |canvas, at| {
        let one = &missing[at];
        let name = text::fit(&canvas.name(one.entity), names);
        let reason = text::fit(&one.reason.describe(catalogue), room);
        let mut spans = vec![Span::raw(" ")];
        spans.extend(canvas.label(Role::Text, &name));
        spans.push(canvas.span(Role::Quiet, format!("  {reason}")));
        (Line::from(spans), ClickTarget::MissingRow(at))
    });
}
