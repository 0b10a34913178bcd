//! The candidates as they stream in.
//!
//! ```text
//!    # entity            score   text│image   vs text
//!    1 ✓ jaguar           14.2    ▐██│███         ▲ 3
//!    3 ✗ horse            11.0     ██│██████     ▲ 21
//! ╰─ ✗ ungulates (sibling class) ────────────────────╯
//! ```

use std::collections::HashMap;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::tui::explore::expansion::{CandidateList, CandidateRow, RankShift, RowFilter};
use crate::tui::gold_mark::GoldMark;
use crate::tui::parts::Pane;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::labels::{kinship, mark_sign};
use crate::tui::ui::scroll::Extent;
use crate::tui::ui::{bars, text};
use crate::types::EntityId;

/// Columns of the list, from the width of the pane.
struct Columns {
    /// Cells of a thumbnail; 0 in compact rows.
    thumb: usize,
    name: usize,
    score: usize,
    /// Cells of one side of the bars; 0 where the modalities are not known.
    bar: usize,
    shift: usize,
}

const RANK: usize = 4;
const THUMB: usize = 5;
const SCORE: usize = 6;
/// A name gets so many columns before the bars grow.
const NAME: std::ops::RangeInclusive<usize> = 20..=40;
/// Cells of one side of the bars where there is room.
const WIDEST_BAR: usize = 40;

impl Columns {
    fn new(
        canvas: &DrawContext,
        expansion: &CandidateList,
        rows: &[CandidateRow],
        width: usize,
    ) -> Columns {
        let thumb = if canvas.app.explore.candidates.tall && canvas.images.is_enabled() {
            THUMB
        } else {
            0
        };
        let shift = expansion.beside_mode().map_or(0, |m| 4 + m.name().len());
        let fixed = RANK + 3 + thumb + SCORE + if shift > 0 { shift + 1 } else { 0 };
        let room = width.saturating_sub(fixed);
        let bar = match (expansion.largest_share(), width) {
            (None, _) => 0,
            (_, 0..50) => 4,
            (_, 50..70) => 6,
            // what the names do not need
            _ => {
                let longest = rows
                    .iter()
                    .map(|row| text::width(&canvas.name(row.entity)) + 1)
                    .max()
                    .unwrap_or(0);
                let name = longest.clamp(*NAME.start(), *NAME.end());
                (room.saturating_sub(name + 2) / 2).clamp(10, WIDEST_BAR)
            }
        };
        let bars = if bar > 0 { 2 * bar + 2 } else { 0 };
        Columns {
            thumb,
            name: room.saturating_sub(bars),
            score: SCORE,
            bar,
            shift,
        }
    }
}

/// Draws the pane; `covered` columns of it at the left lie under a drawer.
pub fn draw(canvas: &mut DrawContext, area: Rect, covered: u16) {
    let app = canvas.app;
    let rows = app.rows();
    let title = Line::from(canvas.title(Pane::Candidates, "Candidates"));
    let right = state(canvas, rows.len());
    let inner = canvas.pane(area, Pane::Candidates, title, right);
    let Some(expansion) = app
        .explore
        .candidates
        .expansion
        .as_ref()
        .filter(|e| e.failed.is_none())
    else {
        let left = (area.x + covered).max(inner.x).min(inner.right());
        return empty(
            canvas,
            Rect {
                x: left,
                width: inner.right() - left,
                ..inner
            },
        );
    };
    let columns = Columns::new(
        canvas,
        expansion,
        &rows,
        usize::from(inner.width).saturating_sub(1),
    );
    let head = header(canvas, expansion, &columns);
    canvas.line(
        Rect {
            height: 1.min(inner.height),
            ..inner
        },
        head,
    );
    let list = Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1),
        ..inner
    };
    if rows.is_empty() {
        return nothing_passes(canvas, list);
    }
    draw_rows(canvas, list, expansion, &columns, &rows);
    if !app.explore.candidates.tall {
        class_of_miss(canvas, area, expansion, &rows[app.cursor(&rows)]);
    }
}

/// The class of the miss under the cursor, on the lower border: a line of its own would push the
/// list about.
fn class_of_miss(
    canvas: &mut DrawContext,
    area: Rect,
    expansion: &CandidateList,
    row: &CandidateRow,
) {
    let said = miss(canvas, expansion, row).map(|said| format!(" ✗ {said} "));
    let Some(said) = said.filter(|_| area.height > 2 && area.width > 6) else {
        return;
    };
    let at = Rect {
        x: area.x + 2,
        y: area.bottom() - 1,
        width: area.width - 4,
        height: 1,
    };
    let said = text::cut(&said, at.width.into());
    canvas.line(
        Rect {
            width: text::width(&said) as u16,
            ..at
        },
        Line::from(canvas.span(Role::Miss, said)),
    );
}

fn draw_rows(
    canvas: &mut DrawContext,
    list: Rect,
    expansion: &CandidateList,
    columns: &Columns,
    rows: &[CandidateRow],
) {
    let app = canvas.app;
    let cursor = app.cursor(rows);
    let heights = vec![if app.explore.candidates.tall { 2 } else { 1 }; rows.len()];
    let room = usize::from(list.height);
    let offset = offset(&heights, cursor, app.shared.frame.candidates.offset, room);
    let mut y = list.y;
    let mut shown = 0;
    for (at, row) in rows.iter().enumerate().skip(offset) {
        let left = list.bottom().saturating_sub(y);
        let tall = (heights[at] as u16).min(left);
        if tall == 0 {
            break;
        }
        let area = Rect::new(list.x, y, list.width, tall);
        draw_row(canvas, area, expansion, columns, row, at == cursor);
        canvas.click_target(area, ClickTarget::Candidate(row.entity));
        y += tall;
        shown += 1;
    }
    canvas.frame_info.candidates = Extent {
        offset,
        page: shown,
        furthest: rows.len().saturating_sub(shown),
    };
    canvas.scroll_bar(list, offset, shown, rows.len());
}

/// The first row to show, so that the cursor's row is whole and the list is full.
fn offset(heights: &[usize], cursor: usize, before: usize, room: usize) -> usize {
    let fits_from = |end: usize| {
        let mut used = 0;
        let mut from = end + 1;
        while from > 0 && used + heights[from - 1] <= room {
            from -= 1;
            used += heights[from];
        }
        from.min(end)
    };
    let last = fits_from(heights.len() - 1);
    before
        .clamp(fits_from(cursor), cursor)
        .min(last.max(fits_from(cursor)))
}

/// What is shown, at the right of the title: filter, order, joint.
fn state(canvas: &DrawContext, shown: usize) -> Line<'static> {
    let app = canvas.app;
    let filter = match app.explore.candidates.filter {
        RowFilter::All => String::new(),
        RowFilter::Hits => format!("{shown} hits"),
        RowFilter::Misses => format!("{shown} misses"),
        RowFilter::Moved => format!("{shown} moved by > {}", app.shared.settings.moved_by),
    };
    let order = if app.explore.candidates.reranked {
        ""
    } else {
        "before re-ranking"
    };
    let joint = match &app.explore.candidates.expansion {
        Some(e) if e.ask.joint.is_some() => "joint",
        Some(_) if app.explore.query.joint => "solo: edited seeds",
        _ => "",
    };
    let said: Vec<&str> = [filter.as_str(), order, joint]
        .into_iter()
        .filter(|s| !s.is_empty())
        .collect();
    if said.is_empty() {
        return Line::default();
    }
    Line::from(canvas.span(Role::Warning, format!(" {} ", said.join(" · "))))
}

/// Draws a sentence or a few hints in the place of the candidates.
fn empty(canvas: &mut DrawContext, area: Rect) {
    let said = reason_for_none(canvas);
    let width = said
        .iter()
        .map(|l| text::width(l))
        .max()
        .unwrap_or(0)
        .min(usize::from(area.width).saturating_sub(4));
    let mut lines: Vec<String> = Vec::new();
    for line in said {
        if text::width(&line) <= width {
            lines.push(line);
        } else {
            lines.extend(text::wrap(&line, width));
        }
    }
    let top = area.y + area.height.saturating_sub(lines.len() as u16) / 3;
    let left = area.x + (area.width.saturating_sub(width as u16)) / 2;
    for (at, line) in lines.into_iter().enumerate().take(usize::from(area.height)) {
        let role = if at == 0 { Role::Text } else { Role::Quiet };
        let line = Line::from(canvas.span(role, line));
        canvas.line(Rect::new(left, top + at as u16, width as u16, 1), line);
    }
}

/// Returns the reason why there are no candidates, or hints about how to get some.
fn reason_for_none(canvas: &DrawContext) -> Vec<String> {
    let app = canvas.app;
    let failed = app
        .explore
        .candidates
        .expansion
        .as_ref()
        .and_then(|e| e.failed.as_ref());
    if let Some(why) = app.shared.engine.open_error.as_ref().or(failed) {
        return vec![why.clone()];
    }
    let Some(catalogue) = &app.shared.catalogue else {
        return vec!["opening the index…".into()];
    };
    if app.expands() {
        return vec!["expanding…".into()];
    }
    let key = |context, action| {
        app.shared
            .settings
            .keymap
            .key_of(context, action)
            .unwrap_or_default()
    };
    let add_seed = key(Context::Global, Action::AddSeed);
    if catalogue.classes.is_empty() {
        return vec![format!(
            "Type seeds ({add_seed}) and the entities like them come."
        )];
    }
    let open = key(Context::Classes, Action::Open);
    let help = key(Context::Global, Action::Help);
    vec![
        "Choose a class, or type seeds.".into(),
        String::new(),
        format!("{open}   opens the class under the cursor"),
        format!("{add_seed}       types a seed"),
        format!("{help}       shows every key"),
    ]
}

fn nothing_passes(canvas: &mut DrawContext, area: Rect) {
    let said = match canvas.app.explore.candidates.filter {
        RowFilter::All if canvas.app.expands() => "no candidate yet…".to_owned(),
        RowFilter::All => "no candidate is left".to_owned(),
        RowFilter::Hits => "no hit in this list".to_owned(),
        RowFilter::Misses => "no known miss in this list".to_owned(),
        RowFilter::Moved => format!(
            "no candidate moved by more than {}",
            canvas.app.shared.settings.moved_by
        ),
    };
    let line = Line::from(canvas.span(Role::Quiet, said)).centered();
    let at = Rect {
        y: area.y + area.height / 3,
        height: 1.min(area.height),
        ..area
    };
    canvas.line(at, line);
}

fn header(canvas: &DrawContext, expansion: &CandidateList, columns: &Columns) -> Line<'static> {
    let mut said = text::fit_right("#", RANK)
        + "   "
        + &" ".repeat(columns.thumb)
        + &text::fit("entity", columns.name);
    said += &text::fit_right("score", columns.score);
    if columns.bar > 0 {
        said += &format!(
            " {}│{}",
            text::fit_right("text", columns.bar),
            text::fit(if columns.bar < 5 { "img" } else { "image" }, columns.bar)
        );
    }
    if let Some(mode) = expansion.beside_mode() {
        said += &text::fit_right(&format!("vs {mode}"), columns.shift + 1);
    }
    Line::from(canvas.span(Role::Quiet, said))
}

fn draw_row(
    canvas: &mut DrawContext,
    area: Rect,
    expansion: &CandidateList,
    columns: &Columns,
    row: &CandidateRow,
    selected: bool,
) {
    let style = if selected {
        canvas.style(Role::Selection)
    } else {
        Style::default()
    };
    let first = Rect { height: 1, ..area };
    let mut spans = vec![
        canvas.span(Role::Quiet, text::fit_right(&row.rank.to_string(), RANK)),
        Span::raw(" "),
    ];
    spans.push(mark_sign(canvas, row.mark));
    spans.push(Span::raw(" ".repeat(1 + columns.thumb)));
    let name = canvas.name(row.entity);
    let name_role = if selected { Role::Title } else { Role::Text };
    spans.extend(canvas.label(name_role, &text::fit(&name, columns.name)));
    spans.extend(numbers(canvas, expansion, columns, row));
    canvas.line(first, Line::from(spans).style(style));
    if area.height < 2 {
        return;
    }
    let second = Rect {
        y: area.y + 1,
        height: 1,
        ..area
    };
    let indent = RANK + 3 + columns.thumb;
    let room = usize::from(area.width).saturating_sub(indent + 1);
    let said = text::cut(&explained(canvas, expansion, row), room);
    canvas.line(
        second,
        Line::from(canvas.span(Role::Quiet, " ".repeat(indent) + &said)).style(style),
    );
    if columns.thumb > 0 {
        let at = Rect::new(area.x + (RANK + 3) as u16, area.y, (THUMB - 1) as u16, 2);
        canvas.thumbnail(at, row.entity);
    }
}

/// Score, bars and the change of rank.
fn numbers(
    canvas: &DrawContext,
    expansion: &CandidateList,
    columns: &Columns,
    row: &CandidateRow,
) -> Vec<Span<'static>> {
    let Some(candidate) = expansion.picks.get(row.pick) else {
        return Vec::new();
    };
    let mut spans = vec![canvas.span(
        Role::Text,
        text::fit_right(&format!("{:.1}", candidate.score), columns.score),
    )];
    if columns.bar > 0 {
        let scale = expansion.largest_share().unwrap_or(1.0);
        let (left, right) = candidate
            .parts
            .map_or((0.0, 0.0), |p| (p.text / scale, p.image / scale));
        spans.push(canvas.span(
            Role::TextShare,
            format!(" {}", bars::to_left(left, columns.bar)),
        ));
        spans.push(canvas.span(Role::Border, "│"));
        let right = text::fit(&bars::to_right(right, columns.bar), columns.bar);
        spans.push(canvas.span(Role::ImageShare, right));
    }
    if columns.shift > 0 {
        let (role, said) = shift(row.shift);
        spans.push(canvas.span(role, text::fit_right(&said, columns.shift + 1)));
    }
    spans
}

fn shift(shift: RankShift) -> (Role, String) {
    match shift {
        RankShift::By(0) => (Role::Quiet, "·".into()),
        RankShift::By(up) if up > 0 => (Role::Gold, format!("▲ {up}")),
        RankShift::By(down) => (Role::Miss, format!("▼ {}", -down)),
        RankShift::New => (Role::Warning, "new".into()),
        RankShift::Unknown => (Role::Quiet, String::new()),
    }
}

/// What a miss is instead.
fn miss(canvas: &DrawContext, expansion: &CandidateList, row: &CandidateRow) -> Option<String> {
    let catalogue = canvas.catalogue()?;
    match row.mark {
        GoldMark::Other(Some(class)) => {
            let kin = kinship(catalogue, expansion.ask.class, class);
            Some(format!("{}{kin}", catalogue.class(class).title()))
        }
        GoldMark::Other(None) => Some("judged not to be a member".into()),
        _ => None,
    }
}

/// The second line of a tall row: its class if it is a miss, and its ranks in the other modes.
fn explained(canvas: &DrawContext, expansion: &CandidateList, row: &CandidateRow) -> String {
    let rank = |ranks: &HashMap<EntityId, usize>| {
        ranks.get(&row.entity).map_or("–".into(), usize::to_string)
    };
    let ranks = expansion
        .beside
        .iter()
        .map(|(mode, ranks)| format!("{mode} {}", rank(ranks)));
    miss(canvas, expansion, row)
        .map(|said| format!("└ {said}"))
        .into_iter()
        .chain(ranks)
        .collect::<Vec<_>>()
        .join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_under_the_cursor_is_whole_and_the_list_is_full() {
        let heights = [2, 1, 1, 2, 1, 1];
        assert_eq!(offset(&heights, 0, 0, 4), 0);
        assert_eq!(offset(&heights, 3, 0, 4), 1, "1 + 1 + 2 lines");
        assert_eq!(offset(&heights, 5, 0, 4), 3);
        assert_eq!(offset(&heights, 1, 5, 4), 1);
        assert_eq!(
            offset(&heights, 5, 5, 100),
            0,
            "a list that fits is not scrolled"
        );
        assert_eq!(offset(&[2, 2], 1, 0, 1), 1, "no room for a whole row");
    }

    #[test]
    fn a_rise_and_a_fall_have_their_own_signs() {
        assert_eq!(shift(RankShift::By(21)).1, "▲ 21");
        assert_eq!(shift(RankShift::By(-2)).1, "▼ 2");
        assert_eq!(shift(RankShift::By(0)).1, "·");
        assert_eq!(shift(RankShift::New).1, "new");
    }
}
