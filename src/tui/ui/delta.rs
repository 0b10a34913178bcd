//! The difference of two means, with a mark and a sign as well as a colour.

use ratatui::text::Span;

use crate::config::Role;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::text;

/// Returns the mark, the sign and the role of a difference. It is rounded as it is shown, to two
/// decimals.
pub fn sign(difference: f64) -> (&'static str, &'static str, Role) {
    match (difference * 100.0).round() {
        rounded if rounded > 0.0 => ("▲", "+", Role::Gold),
        rounded if rounded < 0.0 => ("▼", "−", Role::Miss),
        _ => ("·", "", Role::Quiet),
    }
}

/// Returns a difference, right-aligned in `columns`. `None` is shown as a dot.
pub fn difference(canvas: &DrawContext, value: Option<f64>, columns: usize) -> Span<'static> {
    let Some(value) = value else {
        return canvas.span(Role::Quiet, text::fit_right("·", columns));
    };
    let (mark, sign, role) = sign(value);
    let shown = format!("{mark} {sign}{}", text::fraction(value.abs()));
    canvas.span(role, text::fit_right(&shown, columns))
}
