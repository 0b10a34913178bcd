//! Draws the rankings of one query side by side, joined by entity.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::QueryPair;
use crate::tui::compare::Compare;
use crate::tui::compare::table_state::{CompareRow, JoinedRow};
use crate::tui::gold_mark::{GoldMark, gold_mark};
use crate::tui::ui::draw_context::{DrawContext, split_first_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::labels::mark_sign;
use crate::tui::ui::scroll::Extent;
use crate::tui::ui::text;
use crate::types::ClassId;

/// The width of a rank.
const RANK: usize = 4;
/// The width of the move between the reference and the first ranker, with its margin.
const MOVE: usize = 2 + 7;

impl Compare {
    pub(super) fn draw_rankings(&self, canvas: &mut DrawContext, area: Rect, rows: &[CompareRow]) {
        let row = rows.get(self.table.cursor(rows));
        let (Some(query), Some(row)) = (self.selected_query(canvas.shared), row) else {
            canvas.framed(area, false, Line::default(), Line::default());
            return;
        };
        let count = self.query_count(row.class, canvas.shared);
        let number = row.query.unwrap_or(self.table.query) + 1;
        let number = format!(" query {} of {count} ", number.min(count));
        let room = usize::from(area.width).saturating_sub(text::width(&number) + 6);
        let title = canvas.span(Role::Title, format!(" {} ", text::cut(&row.label, room)));
        let right = canvas.span(Role::Quiet, number);
        let inner = canvas.framed(area, false, title.into(), right.into());
        let (head, list) = split_first_line(inner);
        let facts = text::cut(&self.query_facts(query), inner.width.into());
        canvas.line(head, Line::from(canvas.span(Role::Quiet, facts)));
        self.draw_joined_rows(canvas, list, query);
    }

    /// Returns the AP of both rankings of a query, and their similarity.
    fn query_facts(&self, query: &QueryPair) -> String {
        let similarity = &query.similarity;
        let tau = match similarity.tau {
            Some(tau) => format!("{tau:.2}"),
            None => "–".to_owned(),
        };
        let ap = query.ap.map(|ap| text::fraction(ap[self.table.cutoff]));
        format!(
            " AP {} and {} · shared {} · RBO {} · τ {tau}",
            ap[0],
            ap[1],
            text::fraction(similarity.overlap),
            text::fraction(similarity.rbo),
        )
    }

    fn draw_joined_rows(&self, canvas: &mut DrawContext, list: Rect, query: &QueryPair) {
        let rows = self.joined_rows(query, canvas.shared);
        let page = usize::from(list.height);
        let extent = Extent::scrolled(self.table.scroll, page, rows.len());
        let offset = extent.offset;
        canvas.frame_info.compare_rankings = extent;
        canvas.click_target(list, ClickTarget::CompareRankings);
        for (index, row) in rows.iter().enumerate().skip(offset).take(page) {
            let line = self.joined_line(canvas, row, query.class, list.width.into());
            let area = Rect::new(list.x, list.y + (index - offset) as u16, list.width, 1);
            canvas.line(area, line);
        }
        canvas.scroll_bar(list, offset, page, rows.len());
    }

    /// Returns the line of an entity: its rank by every ranker, and its move from the reference to
    /// the first ranker.
    fn joined_line(
        &self,
        canvas: &DrawContext,
        row: &JoinedRow,
        class: ClassId,
        width: usize,
    ) -> Line<'static> {
        let mark = match canvas.catalogue() {
            Some(catalogue) => gold_mark(catalogue, Some(class), row.entity),
            None => GoldMark::Unjudged,
        };
        let reference = self.rankers.reference;
        let first_rank = row.ranks.first().copied().flatten();
        let reference_rank = row.ranks.get(reference).copied().flatten();
        let (moved, move_role) = rank_move(mark, first_rank, reference_rank);
        let others = row.ranks.len().saturating_sub(1);
        let name = width.saturating_sub(RANK + 3 + others * RANK + MOVE);
        let mut spans = vec![
            canvas.span(Role::Text, rank_text(first_rank)),
            Span::raw(" "),
            mark_sign(canvas, mark),
            Span::raw(" "),
            canvas.span(Role::Text, text::fit(&canvas.name(row.entity), name)),
        ];
        for (index, &rank) in row.ranks.iter().enumerate().skip(1) {
            // among several the reference stands out
            let role = if index == reference && others > 1 {
                Role::Text
            } else {
                Role::Quiet
            };
            spans.push(canvas.span(role, rank_text(rank)));
        }
        spans.push(canvas.span(move_role, format!("  {moved}")));
        Line::from(spans)
    }
}

fn rank_text(rank: Option<usize>) -> String {
    let rank = rank.map_or_else(|| "–".to_owned(), |rank| rank.to_string());
    text::fit_right(&rank, RANK)
}

/// Returns the move of an entity from the reference's ranking to the first one, and its role.
fn rank_move(mark: GoldMark, first: Option<usize>, reference: Option<usize>) -> (String, Role) {
    match (first, reference) {
        (Some(a), Some(b)) if a < b => (format!("▲ {}", b - a), Role::Gold),
        (Some(a), Some(b)) if a > b => (format!("▼ {}", a - b), Role::Miss),
        (Some(_), Some(_)) => ("·".to_owned(), Role::Quiet),
        (None, None) => (String::new(), Role::Quiet),
        // a gained member is good, a gained non-member is not
        (Some(_), None) => {
            let role = match mark {
                GoldMark::Gold => Role::Gold,
                GoldMark::Other(_) => Role::Miss,
                GoldMark::Unjudged => Role::Unjudged,
            };
            ("gained".to_owned(), role)
        }
        (None, Some(_)) if mark == GoldMark::Gold => ("lost".to_owned(), Role::Miss),
        (None, Some(_)) => ("lost".to_owned(), Role::Quiet),
    }
}
