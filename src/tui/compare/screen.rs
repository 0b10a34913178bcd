//! Two to four rankings of the same queries: modes, other indexes, runs. A line a class, or a
//! query.
//!
//! ```text
//!  multiexpan  demo · both · 825 entities                        1 Explore  2 Compare  4 Metrics  ? help
//! ┏ both against text ━━━━ MAP@10 · 3 seeds · expanded ┓╭ classes ─────────────────────────────────────╮
//! ┃ class               both  text  diff.  shared  RBO ┃│ both ↑                  ▲      ◆  ▲ ·         │
//! ┃ fish                 .91   .62 ▲ +.29     .61   .58 ┃│               ▲           ·    ▼             │
//! ┃ drinks               .83   .80 ▲ +.03     .70   .66 ┃│        ·  ·            ▼                     │
//! ┃                                                    ┃│   ·                               text →     │
//! ┃                                                    ┃╰──────────────────────────────────────────────╯
//! ┃                                                    ┃╭ fish · query 2 of 5 ─────────────────────────╮
//! ┃                                                    ┃│  1 ✓ trout               4 ▲ 3               │
//! ┃                                                    ┃│  2 ✗ frog                – gained            │
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛╰──────────────────────────────────────────────╯
//!  +.023 [−.004, +.050] p .110 uncorrected · 24 wins, 5 ties, 17 losses
//! ```

use std::ops::RangeInclusive;

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::engine::protocol::{QueryPair, Ranker};
use crate::tui::compare::{CompareOrder, CompareRow, JoinedRow, verdict_text};
use crate::tui::failures::list;
use crate::tui::gold_mark::{GoldMark, gold_mark};
use crate::tui::ui::delta::{difference, sign};
use crate::tui::ui::draw_context::{DrawContext, split_first_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::labels::mark_sign;
use crate::tui::ui::scroll::{Extent, keep_in_sight};
use crate::tui::ui::{key_hints, text};
use crate::types::CUTOFFS;

/// The right side gets no narrower.
const BESIDE: u16 = 28;
/// Columns of the class list but for the names and a contender's MAP.
const NUMBERS: usize = 8 + 7 + 5 + 1;
/// Columns of a contender's MAP.
const MAP: usize = 6;
/// Columns of a contender's MAP where they have names of their own.
const NAMED_MAP: usize = 8;
/// Columns of a rank.
const RANK: usize = 4;
const NAME: RangeInclusive<usize> = 15..=26;
/// Where classes have longer names and there is room.
const LONGEST_NAME: usize = 34;
/// Columns of a query's number.
const QUERY: usize = 4;
/// Of its class and seeds too.
const QUERY_NAME: RangeInclusive<usize> = 17..=48;

/// Draws the screen, and the keys or metrics in the last line.
pub fn draw(canvas: &mut DrawContext, body: Rect, foot_line: Rect) {
    let pairs = canvas.app.pairs();
    let numbers = numbers(canvas);
    let name = if canvas.app.compare.table.by_query {
        QUERY_NAME
    } else {
        class_name(canvas)
    };
    let width = (usize::from(body.width) * 11 / 20)
        .clamp(numbers + name.start() + 2, numbers + name.end() + 2) as u16;
    if body.width < width + BESIDE {
        // too narrow for all three, it is without the scatter
        let [above, below] =
            Layout::vertical([Constraint::Percentage(55), Constraint::Fill(1)]).areas(body);
        classes(canvas, above, &pairs);
        joined(canvas, below, &pairs);
    } else {
        let [left, right] =
            Layout::horizontal([Constraint::Length(width), Constraint::Fill(1)]).areas(body);
        let [above, below] =
            Layout::vertical([Constraint::Percentage(45), Constraint::Fill(1)]).areas(right);
        classes(canvas, left, &pairs);
        scatter(canvas, above, &pairs);
        joined(canvas, below, &pairs);
    }
    foot(canvas, foot_line);
}

/// The least and the most columns of a class's name.
fn class_name(canvas: &DrawContext) -> RangeInclusive<usize> {
    *NAME.start()..=canvas.longest_class_name().clamp(*NAME.end(), LONGEST_NAME)
}

/// Columns of a contender's MAP.
fn map_width(canvas: &DrawContext) -> usize {
    let own = canvas
        .app
        .compare
        .rankers
        .chosen
        .iter()
        .all(|of| matches!(of, Ranker::OpenIndex(_)));
    if own { MAP } else { NAMED_MAP }
}

/// Columns of the class list but for the names.
fn numbers(canvas: &DrawContext) -> usize {
    NUMBERS + canvas.app.compare.rankers.chosen.len().max(2) * map_width(canvas)
}

/// The names of the two that are set against each other.
fn names(canvas: &DrawContext) -> [String; 2] {
    let contenders = &canvas.app.compare.rankers;
    contenders.pair().map_or_else(Default::default, |pair| {
        pair.map(|of| canvas.shared.ranker_name(of))
    })
}

/// The widths of those columns of the class list that have no fixed width.
struct Columns {
    name: usize,
    /// A contender's MAP.
    map: usize,
}

fn classes(canvas: &mut DrawContext, area: Rect, pairs: &[CompareRow]) {
    let app = canvas.app;
    let [first, second] = names(canvas);
    let title = canvas.span(Role::Focus, format!(" {first} against {second} "));
    let measure = format!(
        " MAP@{} · {} ",
        CUTOFFS[app.compare.table.cutoff],
        app.shared.evaluations.title()
    );
    let room = usize::from(area.width).saturating_sub(title.width() + 4);
    let right = canvas.span(Role::Title, text::cut(&measure, room));
    let inner = canvas.framed(area, true, title.into(), right.into());
    let columns = Columns {
        name: usize::from(inner.width).saturating_sub(numbers(canvas)),
        map: map_width(canvas),
    };
    let (head, list) = split_first_line(inner);
    canvas.line(head, class_heads(canvas, &columns));
    if pairs.is_empty() {
        return list::said(canvas, list, &app.compare_state());
    }
    let cursor = app.pair_cursor(pairs);
    let page = usize::from(list.height);
    let offset = keep_in_sight(
        cursor,
        app.shared.frame.compare_rows.offset,
        page,
        pairs.len(),
    );
    canvas.frame_info.compare_rows = Extent {
        offset,
        page,
        furthest: pairs.len().saturating_sub(page),
    };
    for (at, pair) in pairs.iter().enumerate().skip(offset).take(page) {
        let area = Rect::new(list.x, list.y + (at - offset) as u16, list.width, 1);
        let line = class_line(canvas, pair, &columns);
        canvas.list_line(area, line, at == cursor);
        canvas.click_target(area, ClickTarget::CompareRow(at));
    }
    canvas.scroll_bar(list, offset, page, pairs.len());
}

/// Returns the heads of the class list; an arrow marks the column that it is sorted by.
fn class_heads(canvas: &DrawContext, columns: &Columns) -> Line<'static> {
    let app = canvas.app;
    let sorted = |order: CompareOrder, head: &str| {
        if order != app.compare.table.order {
            return head.to_owned();
        }
        let arrow = if app.compare.table.reversed {
            "↑"
        } else {
            "↓"
        };
        format!("{head}{arrow}")
    };
    let one = if app.compare.table.by_query {
        "query"
    } else {
        "class"
    };
    let name = format!(" {}", sorted(CompareOrder::Name, one));
    let mut heads = vec![canvas.span(Role::Quiet, text::fit(&name, columns.name))];
    for (at, contender) in app.contender_names().iter().enumerate() {
        let head = text::fit_right(contender, columns.map - 1);
        heads.push(Span::raw(" "));
        heads.push(canvas.span(contender_role(canvas, at), head));
    }
    let others = [
        (CompareOrder::Difference, "diff.", 8),
        (CompareOrder::Overlap, "shared", 7),
        (CompareOrder::Rbo, "RBO", 5),
    ];
    for (order, head, width) in others {
        let head = text::fit_right(&sorted(order, head), width);
        heads.push(canvas.span(Role::Quiet, head));
    }
    Line::from(heads)
}

/// Returns the role of a contender's column: the two that are set against each other stand out.
fn contender_role(canvas: &DrawContext, at: usize) -> Role {
    if canvas.app.is_set_against(at) {
        Role::Text
    } else {
        Role::Quiet
    }
}

/// Returns the line of one class or one query, with its numbers.
fn class_line(canvas: &DrawContext, pair: &CompareRow, columns: &Columns) -> Line<'static> {
    let lead = match canvas.app.query_number(pair) {
        Some(number) => canvas.span(Role::Quiet, text::fit(&format!(" q{number}"), QUERY)),
        None => Span::raw(" "),
    };
    let known = |value: Option<f64>| value.map_or_else(|| "·".to_owned(), text::fraction);
    let room = columns.name.saturating_sub(lead.width());
    let mut spans = vec![lead];
    spans.extend(canvas.label(Role::Text, &text::fit(&pair.label, room)));
    for (at, &ap) in pair.all.iter().enumerate() {
        let number = text::fit_right(&known(ap), columns.map);
        spans.push(canvas.span(contender_role(canvas, at), number));
    }
    spans.push(difference(canvas, pair.difference(), 8));
    spans.push(canvas.span(Role::Quiet, text::fit_right(&known(pair.overlap), 7)));
    spans.push(canvas.span(Role::Quiet, text::fit_right(&known(pair.rbo), 5)));
    Line::from(spans)
}

/// A point a class or a query: the second across, the first up; above the diagonal the first is
/// better.
fn scatter(canvas: &mut DrawContext, area: Rect, pairs: &[CompareRow]) {
    let app = canvas.app;
    let [first, second] = names(canvas);
    let cursor = app.pair_cursor(pairs);
    let selected = pairs
        .get(cursor)
        .map(|p| p.label.clone())
        .unwrap_or_default();
    let title = canvas.span(Role::Title, format!(" {first} ↑  {second} → "));
    let room = usize::from(area.width).saturating_sub(title.width() + 6);
    let right = canvas.span(
        Role::Focus,
        format!(" {} ", text::cut(&format!("◆ {selected}"), room)),
    );
    let inner = canvas.framed(area, false, title.into(), right.into());
    if inner.width < 4 || inner.height < 3 || pairs.is_empty() {
        return;
    }
    let plot = Plot::new(inner, pairs);
    diagonal(canvas, &plot);
    let order = (0..pairs.len()).filter(|&i| i != cursor).chain([cursor]);
    for index in order.filter(|&i| i < pairs.len()) {
        let [Some(first), Some(second)] = pairs[index].ap else {
            continue;
        };
        let cell = plot.cell_of(second, first);
        let (mark, role) = match sign(first - second) {
            _ if index == cursor => ("◆", Role::Focus),
            // the diagonal is of dots
            ("·", _, role) => ("○", role),
            (mark, _, role) => (mark, role),
        };
        canvas.line(cell, Line::from(canvas.span(role, mark)));
        canvas.click_target(cell, ClickTarget::CompareRow(index));
    }
}

/// The inside of the scatter plot. Both axes go from `least` to 1.
struct Plot {
    area: Rect,
    least: f64,
}

impl Plot {
    /// Returns a plot whose axes begin with the least value, rounded down to tenths: most classes
    /// are near the top.
    fn new(area: Rect, pairs: &[CompareRow]) -> Plot {
        let least = pairs
            .iter()
            .flat_map(|p| p.ap)
            .flatten()
            .fold(1.0, f64::min);
        let least = ((least * 10.0).floor() / 10.0).min(0.9);
        Plot { area, least }
    }

    /// Returns the cell that is so many columns from the left and so many rows from the bottom.
    fn cell(&self, x: u16, y: u16) -> Rect {
        Rect::new(
            self.area.x + x.min(self.area.width - 1),
            self.area.bottom() - 1 - y.min(self.area.height - 1),
            1,
            1,
        )
    }

    /// Returns the cell of a point.
    fn cell_of(&self, across: f64, up: f64) -> Rect {
        let x = self.place(across, self.area.width);
        let y = self.place(up, self.area.height);
        self.cell(x, y)
    }

    /// Returns the place of a value on an axis of so many cells.
    fn place(&self, value: f64, cells: u16) -> u16 {
        (((value - self.least) / (1.0 - self.least)) * f64::from(cells - 1)).round() as u16
    }
}

/// Draws the diagonal, and the least value in the corner where it begins.
fn diagonal(canvas: &mut DrawContext, plot: &Plot) {
    let (columns, rows) = (plot.area.width, plot.area.height);
    for x in 0..columns {
        let y = (f64::from(x) / f64::from(columns - 1) * f64::from(rows - 1)).round() as u16;
        canvas.line(plot.cell(x, y), Line::from(canvas.span(Role::Border, "·")));
    }
    let corner = Rect {
        width: 4.min(columns),
        ..plot.cell(0, 0)
    };
    let least = canvas.span(Role::Quiet, text::fraction(plot.least));
    canvas.line(corner, Line::from(least));
}

/// One query's two lists, joined by their moves.
fn joined(canvas: &mut DrawContext, area: Rect, pairs: &[CompareRow]) {
    let app = canvas.app;
    let (Some(query), Some(pair)) = (app.compared_query(), pairs.get(app.pair_cursor(pairs)))
    else {
        canvas.framed(area, false, Line::default(), Line::default());
        return;
    };
    let count = app.queries_compared(pair.class);
    let number = format!(
        " query {} of {count} ",
        (pair.query.unwrap_or(app.compare.table.query) + 1).min(count)
    );
    let room = usize::from(area.width).saturating_sub(text::width(&number) + 6);
    let title = canvas.span(Role::Title, format!(" {} ", text::cut(&pair.label, room)));
    let right = canvas.span(Role::Quiet, number);
    let inner = canvas.framed(area, false, title.into(), right.into());
    let head = Rect {
        height: 1.min(inner.height),
        ..inner
    };
    let list = Rect {
        y: inner.y + head.height,
        height: inner.height - head.height,
        ..inner
    };
    let facts = text::cut(
        &likeness(query, app.compare.table.cutoff),
        inner.width.into(),
    );
    canvas.line(head, Line::from(canvas.span(Role::Quiet, facts)));
    joined_rows(canvas, list, query);
}

/// Returns the AP of both lists of a query, and the measures of their likeness.
fn likeness(query: &QueryPair, cutoff: usize) -> String {
    let tau = query
        .similarity
        .tau
        .map_or_else(|| "–".into(), |tau| format!("{tau:.2}"));
    format!(
        " AP {} and {} · shared {} · RBO {} · τ {tau}",
        text::fraction(query.ap[0][cutoff]),
        text::fraction(query.ap[1][cutoff]),
        text::fraction(query.similarity.overlap),
        text::fraction(query.similarity.rbo),
    )
}

fn joined_rows(canvas: &mut DrawContext, list: Rect, query: &QueryPair) {
    let app = canvas.app;
    let rows = app.joined(query);
    let page = usize::from(list.height);
    let furthest = rows.len().saturating_sub(page);
    let offset = app.compare.table.scroll.min(furthest);
    canvas.frame_info.compare_rankings = Extent {
        offset,
        page,
        furthest,
    };
    canvas.click_target(list, ClickTarget::CompareRankings);
    for (at, row) in rows.iter().enumerate().skip(offset).take(page) {
        let said = joined_row(canvas, row, query.class, list.width.into());
        canvas.line(
            Rect::new(list.x, list.y + (at - offset) as u16, list.width, 1),
            said,
        );
    }
    canvas.scroll_bar(list, offset, page, rows.len());
}

fn joined_row(
    canvas: &DrawContext,
    row: &JoinedRow,
    class: crate::types::ClassId,
    width: usize,
) -> Line<'static> {
    let rank = |rank: Option<usize>| {
        text::fit_right(&rank.map_or_else(|| "–".into(), |r| r.to_string()), RANK)
    };
    let mark = canvas.catalogue().map_or(GoldMark::Unjudged, |c| {
        gold_mark(c, Some(class), row.entity)
    });
    let against = canvas.app.compare.rankers.against;
    let (moved, role) = moved(
        mark,
        row.ranks.first().copied().flatten(),
        row.ranks.get(against).copied().flatten(),
    );
    let others = row.ranks.len().saturating_sub(1);
    let name = width.saturating_sub(RANK + 3 + others * RANK + 2 + 7);
    let mut spans = vec![
        canvas.span(Role::Text, rank(row.ranks.first().copied().flatten())),
        Span::raw(" "),
    ];
    spans.extend([mark_sign(canvas, mark), Span::raw(" ")]);
    spans.push(canvas.span(Role::Text, text::fit(&canvas.name(row.entity), name)));
    for (at, &other) in row.ranks.iter().enumerate().skip(1) {
        // the one that the move is told against stands out
        let role = if at == against && others > 1 {
            Role::Text
        } else {
            Role::Quiet
        };
        spans.push(canvas.span(role, rank(other)));
    }
    spans.push(canvas.span(role, format!("  {moved}")));
    Line::from(spans)
}

/// How the first has it against the second.
fn moved(mark: GoldMark, first: Option<usize>, second: Option<usize>) -> (String, Role) {
    match (first, second) {
        (Some(a), Some(b)) if a < b => (format!("▲ {}", b - a), Role::Gold),
        (Some(a), Some(b)) if a > b => (format!("▼ {}", a - b), Role::Miss),
        (Some(_), Some(_)) => ("·".to_owned(), Role::Quiet),
        (None, None) => (String::new(), Role::Quiet),
        // what it means depends on who it is
        (Some(_), None) => match mark {
            GoldMark::Gold => ("gained".to_owned(), Role::Gold),
            GoldMark::Other(_) => ("gained".to_owned(), Role::Miss),
            GoldMark::Unjudged => ("gained".to_owned(), Role::Unjudged),
        },
        (None, Some(_)) => (
            "lost".to_owned(),
            if mark == GoldMark::Gold {
                Role::Miss
            } else {
                Role::Quiet
            },
        ),
    }
}

/// The verdict, then the keys.
fn foot(canvas: &mut DrawContext, area: Rect) {
    let mut verdict = canvas
        .app
        .verdict()
        .map(|v| format!(" {}", verdict_text(&v)))
        .unwrap_or_default();
    if text::width(&verdict) > usize::from(area.width) {
        // who loses is not to be cut off
        verdict = verdict.replacen(" uncorrected", "", 1);
    }
    if let Some(lacking) = canvas
        .app
        .comparison()
        .map(|c| c.unmatched)
        .filter(|lacking| *lacking != [0, 0])
    {
        let alone = names(canvas)
            .into_iter()
            .zip(lacking)
            .filter(|(_, count)| *count > 0);
        let alone: Vec<String> = alone
            .map(|(name, count)| format!("{count} queries that only “{name}” has"))
            .collect();
        let between = if verdict.is_empty() { " " } else { " · " };
        verdict.push_str(&format!("{between}{}", alone.join(", ")));
    }
    let begin = Line::from(vec![canvas.span(Role::Title, verdict), Span::raw("   ")]);
    let by_query = canvas.app.compare.table.by_query;
    let wanted = [
        (Action::Open, "opens"),
        (Action::Rankers, "side by side"),
        (Action::Mode, "modes"),
        (
            Action::Queries,
            if by_query { "classes" } else { "queries" },
        ),
        (Action::Sort, "sorts"),
        (Action::NextQuery, "query"),
        (Action::NextMetric, "measure"),
        (Action::Ranking, "expanded or by seeds"),
    ];
    key_hints::draw(canvas, area, begin, Context::Compare, 2, &wanted);
}
