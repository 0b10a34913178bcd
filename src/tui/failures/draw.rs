//! Draws the Failures screen: the list or the matrix, the details beside it, and the last line.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::config::{Action, Context, Role};
use crate::tui::failures::{FailureInput, FailuresScreen};
use crate::tui::text_input::TextInput;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::{key_hints, text};

/// The least width of a screen with details beside the list.
const WITH_DETAILS: u16 = 76;
/// The width of the details.
const DETAILS: std::ops::RangeInclusive<u16> = 32..=60;

impl FailuresScreen {
    /// Draws the screen, and the input or the keys in the last line.
    pub fn draw(&self, canvas: &mut DrawContext, body: Rect, foot: Rect) {
        let width = if body.width < WITH_DETAILS {
            0
        } else {
            (body.width * 2 / 5).clamp(*DETAILS.start(), *DETAILS.end())
        };
        let columns = [Constraint::Fill(1), Constraint::Length(width)];
        let [left, right] = Layout::horizontal(columns).areas(body);
        if self.matrix.on {
            let confusion = self.confusion(canvas.shared);
            self.draw_matrix(canvas, left, &confusion);
            if width > 0 {
                self.draw_cell_details(canvas, right, &confusion);
            }
        } else {
            self.draw_list(canvas, left);
            if width > 0 {
                self.draw_details(canvas, right);
            }
        }
        self.draw_foot(canvas, foot);
    }

    /// Returns the mode, the cutoff and the queries, for the right side of a frame.
    pub(super) fn evaluated(&self, canvas: &DrawContext, room: usize) -> Line<'static> {
        let (mode, depth) = (self.mode, self.filters.depth());
        let evaluated = canvas.shared.evaluations.title();
        let title = format!(" {mode} @{depth} · {evaluated} ");
        Line::from(canvas.span(Role::Title, text::cut(&title, room)))
    }

    fn draw_foot(&self, canvas: &mut DrawContext, area: Rect) {
        match &self.input {
            Some(FailureInput::Note { text, .. }) => {
                draw_input(canvas, area, " note: ", text, "enter saves · esc cancels");
            }
            Some(FailureInput::Filter) => {
                let name = TextInput::from(self.filters.name.as_str());
                draw_input(
                    canvas,
                    area,
                    " filter: ",
                    &name,
                    "enter applies · esc clears",
                );
            }
            None if self.matrix.on => draw_hints(canvas, area, &MATRIX_HINTS),
            None => draw_hints(canvas, area, &LIST_HINTS),
        }
    }
}

const LIST_HINTS: [(Action, &str); 10] = [
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

const MATRIX_HINTS: [(Action, &str); 7] = [
    (Action::Open, "lists the cell"),
    (Action::RollUp, "rolls up"),
    (Action::Tag, "tags"),
    (Action::Cutoff, "cutoff"),
    (Action::Confusion, "list"),
    (Action::Mode, "mode"),
    (Action::Export, "exports"),
];

fn draw_input(canvas: &mut DrawContext, area: Rect, label: &str, input: &TextInput, keys: &str) {
    let lead = canvas.span(Role::Quiet, label);
    let tail = canvas.span(Role::Quiet, format!("   {keys}"));
    canvas.input_line(area, vec![lead], input, vec![tail]);
}

fn draw_hints(canvas: &mut DrawContext, area: Rect, hints: &[(Action, &str)]) {
    key_hints::draw(canvas, area, Line::from(" "), Context::Failures, 2, hints);
}
