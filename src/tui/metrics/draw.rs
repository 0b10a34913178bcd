//! Draws the Metrics screen.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::tui::metrics::Metrics;
use crate::tui::metrics::metrics_row::MetricsRow;
use crate::tui::parts::MetricsColumn;
use crate::tui::ui::delta::difference;
use crate::tui::ui::draw_context::{DrawContext, split_first_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::{Extent, keep_in_sight};
use crate::tui::ui::{bars, empty_list, key_hints, text};
use crate::types::Mode;

/// The width of a number such as ".83".
const NUMBER: usize = 4;
const SIZE: usize = 6;
const DIFFERENCE: usize = 11;
const CEILING: usize = 5;
const BAR: std::ops::RangeInclusive<usize> = 4..=16;
/// The width of a class's name before the bars get wider than the least.
const LABEL: usize = 30;
/// The least width of a class's name beside bars.
const LEAST_LABEL: usize = 12;

const HINTS: [(Action, &str); 7] = [
    (Action::Open, "opens the class"),
    (Action::Sort, "sorts"),
    (Action::ReverseOrder, "reverses"),
    (Action::NextMetric, "metric"),
    (Action::Ranking, "ranking"),
    (Action::SeedCount, "3 or 5 seeds"),
    (Action::Export, "exports"),
];

/// The widths of the columns that depend on the screen.
struct Widths {
    label: usize,
    /// A bar; 0 if there is no room for bars.
    bar: usize,
}

impl Widths {
    fn new(width: usize, modes: usize) -> Self {
        let difference = if modes > 1 { DIFFERENCE } else { 0 };
        let fixed = 1 + SIZE + modes * (NUMBER + 3) + difference + CEILING + 1;
        let free = width.saturating_sub(fixed);
        let bar = (free.saturating_sub(LABEL) / modes.max(1)).clamp(*BAR.start(), *BAR.end());
        // names matter more than bars
        let bar = if free < bar * modes + LEAST_LABEL {
            0
        } else {
            bar
        };
        Widths {
            label: free.saturating_sub(bar * modes),
            bar,
        }
    }

    /// The width of a mode's number and bar.
    fn mode(&self) -> usize {
        NUMBER + 3 + self.bar
    }
}

impl Metrics {
    /// Draws the table, and the keys in the last line.
    pub fn draw(&self, canvas: &mut DrawContext, body: Rect, foot: Rect) {
        self.draw_table(canvas, body);
        key_hints::draw(canvas, foot, Line::from(" "), Context::Metrics, 3, &HINTS);
    }

    fn draw_table(&self, canvas: &mut DrawContext, area: Rect) {
        let shared = canvas.shared;
        let title = Line::from(canvas.span(Role::Focus, " Metrics "));
        let right = Line::from(canvas.span(Role::Title, format!(" {} ", self.title(shared))));
        let inner = canvas.framed(area, true, title, right);
        let modes = shared.modes();
        let widths = Widths::new(inner.width.into(), modes.len());
        let (head, list) = split_first_line(inner);
        self.draw_heads(canvas, head, &widths, &modes);
        if let Some(text) = self.empty_text(shared) {
            return empty_list::draw(canvas, list, &text);
        }
        let rows = self.rows(shared);
        let Some((all_queries, rows)) = rows.split_first() else {
            return;
        };
        // all queries and their interval are always in sight
        let (first, list) = split_first_line(list);
        let (second, list) = split_first_line(list);
        draw_row(canvas, first, &widths, all_queries, self.cursor == 0);
        canvas.click_target(first, ClickTarget::MetricsRow(0));
        draw_intervals(canvas, second, &widths, all_queries);
        self.draw_rows(canvas, list, &widths, rows);
    }

    /// Draws the rows below all queries, as far as they are in sight.
    fn draw_rows(
        &self,
        canvas: &mut DrawContext,
        list: Rect,
        widths: &Widths,
        rows: &[MetricsRow],
    ) {
        let page = usize::from(list.height);
        let cursor = self.cursor.saturating_sub(1);
        let offset = canvas.shared.frame.metrics_table.offset;
        let offset = keep_in_sight(cursor, offset, page, rows.len());
        canvas.frame_info.metrics_table = Extent::new(offset, page, rows.len());
        for (index, row) in rows.iter().enumerate().skip(offset).take(page) {
            let line = Rect::new(list.x, list.y + (index - offset) as u16, list.width, 1);
            draw_row(canvas, line, widths, row, index + 1 == self.cursor);
            canvas.click_target(line, ClickTarget::MetricsRow(index + 1));
        }
        canvas.scroll_bar(list, offset, page, rows.len());
    }

    /// Draws the heads of the columns; a click on one sorts.
    fn draw_heads(&self, canvas: &mut DrawContext, area: Rect, widths: &Widths, modes: &[Mode]) {
        let mut spans = Vec::new();
        let mut x = area.x;
        for (column, name, width) in columns(widths, modes) {
            spans.push(self.head(canvas, column, &name, width));
            let width = width as u16;
            let target = Rect {
                x,
                width: width.min(area.right().saturating_sub(x)),
                height: 1,
                ..area
            };
            canvas.click_target(target, ClickTarget::MetricsColumn(column));
            x = x.saturating_add(width).min(area.right());
        }
        canvas.line(area, Line::from(spans));
    }

    /// Returns the head of a column, with an arrow if the rows are sorted by it.
    fn head(
        &self,
        canvas: &DrawContext,
        column: MetricsColumn,
        name: &str,
        width: usize,
    ) -> Span<'static> {
        let is_sorted = column == self.sort;
        let arrow = match (is_sorted, self.ascending) {
            (false, _) => "",
            (true, true) => " ↑",
            (true, false) => " ↓",
        };
        let head = match column {
            MetricsColumn::Class => text::fit(&format!(" {name}{arrow}"), width),
            MetricsColumn::Mode(_) => text::fit(&format!("  {name}{arrow}"), width),
            _ => text::fit_right(&format!("{name}{arrow}"), width),
        };
        let role = if is_sorted { Role::Title } else { Role::Quiet };
        canvas.span(role, head)
    }
}

/// Returns the columns from left to right, with their names and widths.
fn columns(widths: &Widths, modes: &[Mode]) -> Vec<(MetricsColumn, String, usize)> {
    let mut columns = vec![
        (MetricsColumn::Class, "class".to_owned(), widths.label + 1),
        (MetricsColumn::Size, "size".to_owned(), SIZE),
    ];
    for (index, mode) in modes.iter().enumerate() {
        columns.push((MetricsColumn::Mode(index), mode.to_string(), widths.mode()));
    }
    if let [first, second, ..] = modes {
        let name = format!("{first}−{second}");
        columns.push((MetricsColumn::Difference, name, DIFFERENCE));
    }
    columns.push((MetricsColumn::Ceiling, "of".to_owned(), CEILING));
    columns
}

fn draw_row(
    canvas: &mut DrawContext,
    area: Rect,
    widths: &Widths,
    row: &MetricsRow,
    selected: bool,
) {
    let role = if row.class.is_some() {
        Role::Text
    } else {
        Role::Title
    };
    let label = format!("{}{}", "  ".repeat(row.depth), row.label);
    let mut spans = canvas.label(role, &format!(" {}", text::fit(&label, widths.label)));
    let size = text::fit_right(&row.size.to_string(), SIZE);
    spans.push(canvas.span(Role::Quiet, size));
    for (mode, &value) in row.values.iter().enumerate() {
        let bar_role = [Role::Focus, Role::TextShare, Role::ImageShare][mode.min(2)];
        let number = text::fit_right(&number(value), NUMBER);
        let bar = value.map_or_else(String::new, |value| bars::to_right(value, widths.bar));
        spans.push(canvas.span(role, format!("  {number} ")));
        spans.push(canvas.span(bar_role, text::fit(&bar, widths.bar)));
    }
    if row.values.len() > 1 {
        spans.push(difference(canvas, row.difference(), DIFFERENCE));
    }
    let ceiling = text::fit_right(&number(row.ceiling), CEILING);
    spans.push(canvas.span(Role::Quiet, ceiling));
    canvas.list_line(area, Line::from(spans), selected);
}

/// Returns a value as it is shown; a dot if it is unknown.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "·".to_owned(), text::fraction)
}

/// Draws the 95 % intervals of all queries. They take the room of the bars.
fn draw_intervals(canvas: &mut DrawContext, area: Rect, widths: &Widths, all_queries: &MetricsRow) {
    if all_queries.intervals.iter().all(Option::is_none) || widths.bar == 0 {
        return;
    }
    let label = text::fit("   95 % interval", widths.label + 1 + SIZE);
    let mut spans = vec![canvas.span(Role::Quiet, label)];
    for interval in &all_queries.intervals {
        let interval = match interval {
            Some((low, high)) => {
                let low = text::fit_right(&text::fraction(*low), NUMBER);
                format!("  {low}–{}", text::fraction(*high))
            }
            None => String::new(),
        };
        spans.push(canvas.span(Role::Quiet, text::fit(&interval, widths.mode())));
    }
    canvas.line(area, Line::from(spans));
}
