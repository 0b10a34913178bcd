//! Classes × modes in one measure.
//!
//! ```text
//!  multiexpan  demo · both · 825 entities · 46 classes · cpu          1 Explore  2 Compare  4 Metrics  ? help
//! ┏ Metrics ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ MAP@10 · 3 seeds · expanded ┓
//! ┃ class ↓                      size   both         text         image        both−text  of     ┃
//! ┃ all queries                   847   .82 ██████   .80 █████▊   .81 █████▉        +.02  1.0    ┃
//! ┃   95 % interval                     .77–.86      .75–.85      .77–.86                        ┃
//! ┃ Living things                 412   .84 ██████▏  …                                           ┃
//! ┃   Animals                     208   …                                                        ┃
//! ┃     carnivorous mammals        17   …                                                        ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//!  enter opens the class · s sorts · S turns · v measure · r by seeds or expanded · tab 3 or 5 seeds · e exports
//! ```

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::{Action, Context, Role};
use crate::tui::metrics::Metrics;
use crate::tui::metrics::MetricsRow;
use crate::tui::parts::MetricsColumn;
use crate::tui::ui::delta::difference;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::{Extent, keep_in_sight};
use crate::tui::ui::{bars, key_hints, text};
use crate::types::Mode;

/// Columns of a number such as ".83".
const NUMBER: usize = 4;
const SIZE: usize = 6;
const DIFFERENCE: usize = 11;
const CEILING: usize = 5;
const BAR: std::ops::RangeInclusive<usize> = 4..=16;
/// A class's name gets so much before the bars grow, and so much before there are bars.
const LABEL: usize = 30;
const LEAST_LABEL: usize = 12;

/// How wide the columns are.
struct Widths {
    label: usize,
    bar: usize,
}

impl Widths {
    fn of(width: usize, modes: usize) -> Self {
        let fixed =
            1 + SIZE + modes * (NUMBER + 3) + if modes > 1 { DIFFERENCE } else { 0 } + CEILING + 1;
        let free = width.saturating_sub(fixed);
        let bar = (free.saturating_sub(LABEL) / modes.max(1)).clamp(*BAR.start(), *BAR.end());
        // a name comes before a bar
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
}

impl Metrics {
    /// Draws the table, and the keys in the last line.
    pub fn draw(&self, canvas: &mut DrawContext, body: Rect, foot: Rect) {
        self.draw_table(canvas, body);
        hints(canvas, foot);
    }

    fn draw_table(&self, canvas: &mut DrawContext, area: Rect) {
        let shared = canvas.shared;
        let title = Line::from(canvas.span(Role::Focus, " Metrics "));
        let right = Line::from(canvas.span(Role::Title, format!(" {} ", self.title(shared))));
        let inner = canvas.framed(area, true, title, right);
        let (rows, modes) = (self.rows(shared), shared.modes());
        let widths = Widths::of(inner.width.into(), modes.len());
        self.heads(canvas, Rect { height: 1, ..inner }, &widths, &modes);
        let list = Rect {
            y: inner.y + 1,
            height: inner.height.saturating_sub(1),
            ..inner
        };
        let (Some(all), false) = (rows.first(), modes.is_empty()) else {
            let said = format!(
                " {}",
                shared.engine.open_error.as_deref().unwrap_or("opening …")
            );
            return canvas.line(list, Line::from(canvas.span(Role::Quiet, said)));
        };
        let seeds = shared.evaluations.seed_count;
        if shared
            .catalogue
            .as_ref()
            .is_some_and(|c| !c.queries.iter().any(|q| q.seed_count == seeds))
        {
            let said = format!(
                " There are no queries of {} seeds: nothing can be measured.",
                seeds.as_usize()
            );
            return canvas.line(list, Line::from(canvas.span(Role::Quiet, said)));
        }
        // all queries and their interval stay in sight
        self.draw_all_queries(canvas, list, &widths, all);
        let list = Rect {
            y: list.y + 2,
            height: list.height.saturating_sub(2),
            ..list
        };
        self.class_rows(canvas, list, &widths, &rows);
    }

    /// Draws the line of all queries, and below it that of their interval.
    fn draw_all_queries(
        &self,
        canvas: &mut DrawContext,
        area: Rect,
        widths: &Widths,
        all: &MetricsRow,
    ) {
        let first = Rect { height: 1, ..area };
        let second = Rect {
            y: area.y + 1,
            ..first
        };
        let selected = self.cursor == 0;
        draw_row(canvas, first, widths, all, selected);
        canvas.click_target(first, ClickTarget::MetricsRow(0));
        interval(canvas, second, widths, all);
    }

    /// Draws every row but the first, as far as they are in sight.
    fn class_rows(
        &self,
        canvas: &mut DrawContext,
        list: Rect,
        widths: &Widths,
        rows: &[MetricsRow],
    ) {
        let shared = canvas.shared;
        let (page, len) = (usize::from(list.height), rows.len() - 1);
        let offset = keep_in_sight(
            self.cursor.saturating_sub(1),
            shared.frame.metrics_table.offset,
            page,
            len,
        );
        canvas.frame_info.metrics_table = Extent {
            offset,
            page,
            furthest: len.saturating_sub(page),
        };
        for (at, row) in rows.iter().enumerate().skip(1 + offset).take(page) {
            let line = Rect::new(list.x, list.y + (at - 1 - offset) as u16, list.width, 1);
            draw_row(canvas, line, widths, row, at == self.cursor);
            canvas.click_target(line, ClickTarget::MetricsRow(at));
        }
        canvas.scroll_bar(list, offset, page, len);
    }

    /// The heads; a click sorts.
    fn heads(&self, canvas: &mut DrawContext, area: Rect, widths: &Widths, modes: &[Mode]) {
        let _shared = canvas.shared;
        let mut columns = vec![
            (MetricsColumn::Class, "class".to_owned(), widths.label + 1),
            (MetricsColumn::Size, "size".to_owned(), SIZE),
        ];
        for (at, mode) in modes.iter().enumerate() {
            columns.push((
                MetricsColumn::Mode(at),
                format!("  {mode}"),
                NUMBER + 3 + widths.bar,
            ));
        }
        if let [first, second, ..] = modes {
            columns.push((
                MetricsColumn::Difference,
                format!("{first}−{second}"),
                DIFFERENCE,
            ));
        }
        columns.push((MetricsColumn::Ceiling, "of".to_owned(), CEILING));
        let (mut spans, mut x) = (Vec::new(), area.x);
        for (column, name, width) in columns {
            let sorted = column == self.sort;
            let arrow = match (sorted, self.ascending) {
                (false, _) => "",
                (true, true) => " ↑",
                (true, false) => " ↓",
            };
            let role = if sorted { Role::Title } else { Role::Quiet };
            let said = match column {
                MetricsColumn::Class => text::fit(&format!(" {name}{arrow}"), width),
                MetricsColumn::Mode(_) => text::fit(&format!("{name}{arrow}"), width),
                _ => text::fit_right(&format!("{name}{arrow}"), width),
            };
            spans.push(canvas.span(role, said));
            canvas.click_target(
                Rect::new(
                    x,
                    area.y,
                    (width as u16).min(area.right().saturating_sub(x)),
                    1,
                ),
                ClickTarget::MetricsColumn(column),
            );
            x = x.saturating_add(width as u16).min(area.right());
        }
        canvas.line(area, Line::from(spans));
    }
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
    spans.push(canvas.span(Role::Quiet, text::fit_right(&row.size.to_string(), SIZE)));
    for (at, value) in row.values.iter().enumerate() {
        let bar_role = [Role::Focus, Role::TextShare, Role::ImageShare][at.min(2)];
        let (number, bar) = match value {
            Some(value) => (text::fraction(*value), bars::to_right(*value, widths.bar)),
            None => ("·".to_owned(), String::new()),
        };
        spans.push(canvas.span(role, format!("  {} ", text::fit_right(&number, NUMBER))));
        spans.push(canvas.span(bar_role, text::fit(&bar, widths.bar)));
    }
    if row.values.len() > 1 {
        spans.push(difference(canvas, row.difference(), DIFFERENCE));
    }
    let ceiling = row.ceiling.map_or_else(|| "·".into(), text::fraction);
    spans.push(canvas.span(Role::Quiet, text::fit_right(&ceiling, CEILING)));
    let line = Line::from(spans);
    canvas.line(
        area,
        if selected {
            line.style(canvas.style(Role::Selection))
        } else {
            line
        },
    );
}

fn interval(canvas: &mut DrawContext, area: Rect, widths: &Widths, all: &MetricsRow) {
    // without bars there is no room for it
    if all.intervals.iter().all(Option::is_none) || widths.bar == 0 {
        return;
    }
    let mut spans = vec![canvas.span(
        Role::Quiet,
        text::fit("   95 % interval", widths.label + 1 + SIZE),
    )];
    for interval in &all.intervals {
        let said = interval.map_or_else(String::new, |(low, high)| {
            format!(
                "  {}–{}",
                text::fit_right(&text::fraction(low), NUMBER),
                text::fraction(high)
            )
        });
        spans.push(canvas.span(Role::Quiet, text::fit(&said, NUMBER + 3 + widths.bar)));
    }
    canvas.line(area, Line::from(spans));
}

/// The keys that matter here.
fn hints(canvas: &mut DrawContext, area: Rect) {
    let wanted = [
        (Action::Open, "opens the class"),
        (Action::Sort, "sorts"),
        (Action::ReverseOrder, "turns"),
        (Action::NextMetric, "measure"),
        (Action::Ranking, "expanded or by seeds"),
        (Action::SeedCount, "3 or 5 seeds"),
        (Action::Export, "exports"),
    ];
    key_hints::draw(canvas, area, Line::from(" "), Context::Metrics, 3, &wanted);
}
