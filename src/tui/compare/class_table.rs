//! Draws the table of classes or queries on the Compare screen.

use std::ops::RangeInclusive;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::Ranker;
use crate::tui::compare::Compare;
use crate::tui::compare::table_state::{CompareOrder, CompareRow};
use crate::tui::ui::delta::difference;
use crate::tui::ui::draw_context::{DrawContext, split_first_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::{Extent, keep_in_sight};
use crate::tui::ui::{empty_list, text};

/// The widths of the difference, the overlap and the rank-biased overlap.
const DIFFERENCE: usize = 8;
const OVERLAP: usize = 7;
const RBO: usize = 5;
/// The width of all columns but the names and the rankers' MAP.
const FIXED: usize = DIFFERENCE + OVERLAP + RBO + 1;
/// The width of a ranker's MAP.
const MAP: usize = 6;
/// The width of a ranker's MAP if the rankers have names of their own.
const NAMED_MAP: usize = 8;
/// The width of a class's name.
const NAME: RangeInclusive<usize> = 15..=26;
/// The width of a long class name if there is room.
const LONGEST_NAME: usize = 34;
/// The width of a query's number.
const QUERY: usize = 4;
/// The width of a query's number, class and seeds.
const QUERY_NAME: RangeInclusive<usize> = 17..=48;

/// The widths of the columns that have no fixed width.
struct Columns {
    name: usize,
    /// A ranker's MAP.
    map: usize,
}

impl Compare {
    /// Returns the width of the table with its frame, on a screen of this width.
    pub(super) fn table_width(&self, canvas: &DrawContext, screen: u16) -> u16 {
        let name = if self.table.by_query {
            QUERY_NAME
        } else {
            *NAME.start()..=canvas.longest_class_name().clamp(*NAME.end(), LONGEST_NAME)
        };
        let numbers = self.numbers_width() + 2;
        let width = usize::from(screen) * 11 / 20;
        width.clamp(numbers + name.start(), numbers + name.end()) as u16
    }

    fn map_width(&self) -> usize {
        let mut rankers = self.rankers.chosen.iter();
        let are_modes = rankers.all(|ranker| matches!(ranker, Ranker::OpenIndex(_)));
        if are_modes { MAP } else { NAMED_MAP }
    }

    /// Returns the width of all columns but the names.
    fn numbers_width(&self) -> usize {
        FIXED + self.rankers.chosen.len().max(2) * self.map_width()
    }

    pub(super) fn draw_table(&self, canvas: &mut DrawContext, area: Rect, rows: &[CompareRow]) {
        let inner = self.draw_frame(canvas, area);
        let columns = Columns {
            name: usize::from(inner.width).saturating_sub(self.numbers_width()),
            map: self.map_width(),
        };
        let (head, list) = split_first_line(inner);
        let heads = self.heads(canvas, &columns);
        canvas.line(head, heads);
        if rows.is_empty() {
            let text = self.empty_text(canvas.shared);
            return empty_list::draw(canvas, list, &text);
        }
        let cursor = self.table.cursor(rows);
        let page = usize::from(list.height);
        let offset = canvas.shared.frame.compare_rows.offset;
        let offset = keep_in_sight(cursor, offset, page, rows.len());
        canvas.frame_info.compare_rows = Extent::new(offset, page, rows.len());
        for (index, row) in rows.iter().enumerate().skip(offset).take(page) {
            let area = Rect::new(list.x, list.y + (index - offset) as u16, list.width, 1);
            let line = self.line(canvas, row, &columns);
            canvas.list_line(area, line, index == cursor);
            canvas.click_target(area, ClickTarget::CompareRow(index));
        }
        canvas.scroll_bar(list, offset, page, rows.len());
    }

    /// Draws the frame with the names of the pair, the metric and the queries; returns its inside.
    fn draw_frame(&self, canvas: &mut DrawContext, area: Rect) -> Rect {
        let [first, reference] = self.rankers.pair_names(canvas.shared);
        let title = canvas.span(Role::Focus, format!(" {first} against {reference} "));
        let evaluated = canvas.shared.evaluations.title();
        let metric = format!(" MAP@{} · {evaluated} ", self.table.depth());
        let room = usize::from(area.width).saturating_sub(title.width() + 4);
        let right = canvas.span(Role::Title, text::cut(&metric, room));
        canvas.framed(area, true, title.into(), right.into())
    }

    /// Returns the heads of the columns; an arrow marks the one that the table is sorted by.
    fn heads(&self, canvas: &DrawContext, columns: &Columns) -> Line<'static> {
        let rows = if self.table.by_query {
            "query"
        } else {
            "class"
        };
        let name = format!(" {}", self.head(CompareOrder::Name, rows));
        let mut heads = vec![canvas.span(Role::Quiet, text::fit(&name, columns.name))];
        for (index, name) in self.rankers.names(canvas.shared).iter().enumerate() {
            let head = text::fit_right(name, columns.map - 1);
            heads.push(Span::raw(" "));
            heads.push(canvas.span(self.ranker_role(index), head));
        }
        let others = [
            (CompareOrder::Difference, "diff.", DIFFERENCE),
            (CompareOrder::Overlap, "shared", OVERLAP),
            (CompareOrder::Rbo, "RBO", RBO),
        ];
        for (order, head, width) in others {
            let head = text::fit_right(&self.head(order, head), width);
            heads.push(canvas.span(Role::Quiet, head));
        }
        Line::from(heads)
    }

    /// Returns the head of a column, with an arrow if the table is sorted by it.
    fn head(&self, order: CompareOrder, head: &str) -> String {
        if order != self.table.order {
            return head.to_owned();
        }
        let arrow = if self.table.reversed { "↑" } else { "↓" };
        format!("{head}{arrow}")
    }

    /// Returns the role of a ranker's column: the first and the reference stand out.
    fn ranker_role(&self, index: usize) -> Role {
        if self.rankers.is_paired(index) {
            Role::Text
        } else {
            Role::Quiet
        }
    }

    /// Returns the line of a class or a query, with its numbers.
    fn line(&self, canvas: &DrawContext, row: &CompareRow, columns: &Columns) -> Line<'static> {
        let lead = match self.query_number(row, canvas.shared) {
            Some(number) => canvas.span(Role::Quiet, text::fit(&format!(" q{number}"), QUERY)),
            None => Span::raw(" "),
        };
        let name_width = columns.name.saturating_sub(lead.width());
        let mut spans = vec![lead];
        spans.extend(canvas.label(Role::Text, &text::fit(&row.label, name_width)));
        for (index, &ap) in row.all_ap.iter().enumerate() {
            let number = text::fit_right(&number(ap), columns.map);
            spans.push(canvas.span(self.ranker_role(index), number));
        }
        spans.push(difference(canvas, row.difference(), DIFFERENCE));
        for (value, width) in [(row.overlap, OVERLAP), (row.rbo, RBO)] {
            spans.push(canvas.span(Role::Quiet, text::fit_right(&number(value), width)));
        }
        Line::from(spans)
    }
}

/// Returns a value as it is shown; a dot if it is unknown.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "·".to_owned(), text::fraction)
}
