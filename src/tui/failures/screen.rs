//! What is wrong in the lists of one mode, and why; or which classes are taken for which.
//!
//! ```text
//!  multiexpan  demo · both · 825 entities                 1 Explore  2 Compare  3 Failures  4 Metrics  ? help
//! ┏ Failures by class ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ both @10 · 3 seeds · expanded ┓╭ horse ─────────────────╮
//! ┃ 212 false positives · 14 missed                            only shared word    ┃│ ✗ false positive, 3rd  │
//! ┃ ▾ carnivorous mammals                                          9 ✗   1 ○       ┃│ picture   of carniv…   │
//! ┃   * ✗    3 horse              q2  sibling class, picture misleads              ┃│           query 2      │
//! ┃     ○    – lynx               q2  long tail                                    ┃│ why                    │
//! ┃ ▸ drinks                                                       4 ✗   0 ○       ┃│ sibling class: in …    │
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛╰────────────────────────╯
//!  enter opens · b groups · f kinds · t tag · v cutoff · c matrix · x marks · n note · e exports
//! ```

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::config::{Action, Context, Role};
use crate::tui::failures::FailureInput;
use crate::tui::failures::{detail, list, matrix};
use crate::tui::text_input::TextInput;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::key_hints;

/// From this width on there is a pane beside the list,
const WITH_SIDE: u16 = 76;
/// so wide.
const SIDE: std::ops::RangeInclusive<u16> = 32..=60;

/// Draws the screen, and the keys or metrics in the last line.
pub fn draw(canvas: &mut DrawContext, body: Rect, foot_line: Rect) {
    let width = if body.width < WITH_SIDE {
        0
    } else {
        (body.width * 2 / 5).clamp(*SIDE.start(), *SIDE.end())
    };
    let [left, right] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).areas(body);
    if canvas.app.failures.matrix.on {
        let matrix = canvas.app.confusion();
        matrix::draw(canvas, left, &matrix);
        if width > 0 {
            detail::cell(canvas, right, &matrix);
        }
    } else {
        list::draw(canvas, left);
        if width > 0 {
            detail::draw(canvas, right);
        }
    }
    foot(canvas, foot_line);
}

/// The note being written, or the keys that matter here.
fn foot(canvas: &mut DrawContext, area: Rect) {
    if let Some(FailureInput::Note { text: note, .. }) = &canvas.app.failures.field {
        let (lead, tail) = (
            canvas.span(Role::Quiet, " note "),
            canvas.span(Role::Quiet, "   enter keeps it · esc does not"),
        );
        return canvas.input_line(area, vec![lead], note, vec![tail]);
    }
    if let Some(FailureInput::Filter) = &canvas.app.failures.field {
        let (lead, tail) = (
            canvas.span(Role::Quiet, " named "),
            canvas.span(Role::Quiet, "   enter keeps it · esc does not"),
        );
        return canvas.input_line(
            area,
            vec![lead],
            &TextInput::from(canvas.app.failures.filter.as_str()),
            vec![tail],
        );
    }
    let in_list = [
        (Action::Open, "opens"),
        (Action::Group, "groups"),
        (Action::FailureKinds, "kinds"),
        (Action::Tag, "tags"),
        (Action::Cutoff, "cutoff"),
        (Action::Confusion, "matrix"),
        (Action::Mark, "marks"),
        (Action::Annotate, "note"),
        (Action::FilterList, "filter"),
        (Action::Export, "exports"),
    ];
    let in_matrix = [
        (Action::Open, "lists the cell"),
        (Action::RollUp, "rolls up"),
        (Action::Tag, "tags"),
        (Action::Cutoff, "cutoff"),
        (Action::Confusion, "list"),
        (Action::Mode, "mode"),
        (Action::Export, "exports"),
    ];
    let wanted = if canvas.app.failures.matrix.on {
        &in_matrix[..]
    } else {
        &in_list[..]
    };
    key_hints::draw(canvas, area, Line::from(" "), Context::Failures, 2, wanted);
}
