//! Draws the Compare screen: the layout of its parts, and the last line.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::tui::compare::Compare;
use crate::tui::compare::comparison_export::paired_test_text;
use crate::tui::shared::Shared;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::{key_hints, text};

/// The least width of the scatter plot and the rankings beside the table.
const SIDE: u16 = 28;

impl Compare {
    /// Draws the screen, and the test and the keys in the last line.
    pub fn draw(&self, canvas: &mut DrawContext, body: Rect, foot: Rect) {
        let rows = self.rows(canvas.shared);
        let width = self.table_width(canvas, body.width);
        if body.width < width + SIDE {
            // the scatter plot has no room
            let halves = [Constraint::Percentage(55), Constraint::Fill(1)];
            let [top, bottom] = Layout::vertical(halves).areas(body);
            self.draw_table(canvas, top, &rows);
            self.draw_rankings(canvas, bottom, &rows);
        } else {
            let columns = [Constraint::Length(width), Constraint::Fill(1)];
            let [left, right] = Layout::horizontal(columns).areas(body);
            let halves = [Constraint::Percentage(45), Constraint::Fill(1)];
            let [top, bottom] = Layout::vertical(halves).areas(right);
            self.draw_table(canvas, left, &rows);
            self.draw_scatter(canvas, top, &rows);
            self.draw_rankings(canvas, bottom, &rows);
        }
        self.draw_foot(canvas, foot);
    }

    /// Draws the test of the difference, the queries that are left out, and the keys.
    fn draw_foot(&self, canvas: &mut DrawContext, area: Rect) {
        let mut result = match self.paired_test(canvas.shared) {
            Some(test) => format!(" {}", paired_test_text(&test)),
            None => String::new(),
        };
        if text::width(&result) > usize::from(area.width) {
            // the wins and losses matter more
            result = result.replacen(" uncorrected", "", 1);
        }
        if let Some(unmatched) = self.unmatched_text(canvas.shared) {
            result.push_str(if result.is_empty() { " " } else { " · " });
            result.push_str(&unmatched);
        }
        let lead = Line::from(vec![canvas.span(Role::Title, result), Span::raw("   ")]);
        let rows = if self.table.by_query {
            "classes"
        } else {
            "queries"
        };
        let hints = [
            (Action::Open, "opens"),
            (Action::Rankers, "rankers"),
            (Action::Mode, "modes"),
            (Action::Queries, rows),
            (Action::Sort, "sorts"),
            (Action::NextQuery, "query"),
            (Action::NextMetric, "metric"),
            (Action::Ranking, "ranking"),
        ];
        key_hints::draw(canvas, area, lead, Context::Compare, 2, &hints);
    }

    /// Returns the number of queries that only the first ranker or only the reference has.
    fn unmatched_text(&self, shared: &Shared) -> Option<String> {
        let unmatched = self.rankers.comparison(shared)?.unmatched;
        let mut counts = Vec::new();
        for (name, count) in self.rankers.pair_names(shared).iter().zip(unmatched) {
            if count > 0 {
                counts.push(format!("{count} queries only in “{name}”"));
            }
        }
        if counts.is_empty() {
            return None;
        }
        Some(counts.join(", "))
    }
}
