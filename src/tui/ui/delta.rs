//! A difference of two means: a sign and a mark beside the colour.

use ratatui::text::Span;

use crate::config::Role;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::text;

/// Mark, sign and role of a difference as people round it.
pub fn sign(difference: f64) -> (&'static str, &'static str, Role) {
    match (difference * 100.0).round() {
        more if more > 0.0 => ("▲", "+", Role::Gold),
        less if less < 0.0 => ("▼", "−", Role::Miss),
        _ => ("·", "", Role::Quiet),
    }
}

/// To the right in so many columns; a dot where it is not known.
pub fn difference(canvas: &DrawContext, value: Option<f64>, columns: usize) -> Span<'static> {
    let Some(value) = value else {
        return canvas.span(Role::Quiet, text::fit_right("·", columns));
    };
    let (mark, sign, role) = sign(value);
    canvas.span(
        role,
        text::fit_right(
            &format!("{mark} {sign}{}", text::fraction(value.abs())),
            columns,
        ),
    )
}
