//! Where each gold entity is that is not in the list.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::{popup_list, text};

pub fn draw(canvas: &mut DrawContext, whole: Rect, cursor: usize) {
    let app = canvas.app;
    let Some(missing) = app
        .explore
        .candidates
        .expansion
        .as_ref()
        .and_then(|e| e.missing.as_ref())
    else {
        return;
    };
    let Some(catalogue) = app.shared.catalogue.as_deref() else {
        return;
    };
    let width = whole.width.saturating_sub(8).min(92);
    let height = (missing.len() as u16 + 2).min(whole.height.saturating_sub(4));
    let area = Rect::new(
        (whole.width - width) / 2,
        (whole.height - height) / 2,
        width,
        height,
    );
    let title = match missing.len() {
        1 => "1 gold entity is not in the list".to_owned(),
        n => format!("{n} gold entities are not in the list"),
    };
    let inner = canvas.popup(area, &title, "enter looks at it · + makes it a seed · esc");
    let names = missing
        .iter()
        .map(|m| text::width(&canvas.name(m.entity)))
        .max()
        .unwrap_or(0);
    let names = names.min(usize::from(inner.width) / 3);
    let room = usize::from(inner.width).saturating_sub(names + 4);
    popup_list::draw(canvas, inner, cursor, missing.len(), |canvas, at| {
        let one = &missing[at];
        let mut spans = vec![Span::raw(" ")];
        spans.extend(canvas.label(Role::Text, &text::fit(&canvas.name(one.entity), names)));
        spans.push(canvas.span(
            Role::Quiet,
            format!("  {}", text::fit(&one.reason.describe(catalogue), room)),
        ));
        (Line::from(spans), ClickTarget::MissingRow(at))
    });
}
