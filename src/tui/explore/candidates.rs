//! The pane of candidates, which fills as the engine replies. A line after the last probable member
//! shows where the class ends.
//!
//! ```text
//!    # entity            score member   text│image   vs text
//!    1 ✓ jaguar           2.31   97 %    ▐██│███         ▲ 3
//! ───── about 1 of 1 are members ─────────────────────────
//!    2 ✗ horse           -0.85   12 %     ██│██████     ▲ 21
//! ╰─ ✗ ungulates (sibling class) ─────────────────────────╯
//! ```

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::engine::protocol::{Candidate, ListBoundary, ReplyKind};
use crate::table::probability_percent;
use crate::tui::evaluations::ranking_name;
use crate::tui::explore::boundary_line::{self, BoundaryPlace};
use crate::tui::explore::expansion::{CandidateList, CandidateRow, RankShift, RowFilter};
use crate::tui::explore::pane_context::PaneContext;
use crate::tui::gold_mark::GoldMark;
use crate::tui::parts::Pane;
use crate::tui::shared::Shared;
use crate::tui::ui::draw_context::{DrawContext, split_first_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::labels::{kinship, mark_sign};
use crate::tui::ui::scroll::Extent;
use crate::tui::ui::{bars, text};
use crate::types::{EntityId, RankingKind};

/// The pane of candidates.
#[derive(Debug)]
pub struct CandidatesPane {
    pub expansion: Option<CandidateList>,
    /// The next expansion until its first reply; the one before stays readable until then.
    pub(crate) pending_expansion: Option<CandidateList>,
    /// The candidate under the cursor; `None` means the first, whichever it is.
    pub selected: Option<EntityId>,
    pub filter: RowFilter,
    /// True if candidates are shown in their re-ranked order.
    pub reranked: bool,
    /// True if a candidate takes two lines.
    pub tall: bool,
}

impl Default for CandidatesPane {
    fn default() -> Self {
        CandidatesPane {
            expansion: None,
            pending_expansion: None,
            selected: None,
            filter: RowFilter::All,
            reranked: true,
            tall: false,
        }
    }
}

impl CandidatesPane {
    /// Returns the candidates that pass the filter.
    pub fn rows(&self, shared: &Shared) -> Vec<CandidateRow> {
        match (&self.expansion, &shared.catalogue) {
            (Some(expansion), Some(catalogue)) => {
                let moved_by = shared.settings.moved_by;
                expansion.filtered(catalogue, self.reranked, self.filter, moved_by)
            }
            _ => Vec::new(),
        }
    }

    /// Returns the cursor's position among the rows.
    pub fn cursor(&self, rows: &[CandidateRow]) -> usize {
        let selected = self.selected;
        let found = rows.iter().position(|row| Some(row.entity) == selected);
        found.unwrap_or(0)
    }

    /// Returns the row under the cursor.
    pub(crate) fn selected_row(&self, shared: &Shared) -> Option<CandidateRow> {
        let rows = self.rows(shared);
        rows.get(self.cursor(&rows)).copied()
    }

    /// Moves the cursor to the candidate after an entity that leaves the list.
    pub(crate) fn step_past(&mut self, entity: EntityId, shared: &Shared) {
        let rows = self.rows(shared);
        if let Some(position) = rows.iter().position(|row| row.entity == entity) {
            self.selected = rows.get(position + 1).map(|row| row.entity);
        }
    }

    /// Shows the candidates of the next filter. Without gold there are no hits and no misses.
    pub(crate) fn next_filter(&mut self) {
        let expansion = self.expansion.as_ref();
        let has_gold = expansion.is_some_and(|expansion| expansion.request.class.is_some());
        self.filter = self.filter.next();
        while !has_gold && matches!(self.filter, RowFilter::Hits | RowFilter::Misses) {
            self.filter = self.filter.next();
        }
    }

    /// Adds a reply of the engine. The first reply replaces the older expansion.
    pub(crate) fn add_reply(&mut self, reply: ReplyKind) {
        if let Some(pending) = self.pending_expansion.take() {
            self.expansion = Some(pending);
        }
        if let Some(expansion) = &mut self.expansion {
            expansion.add_reply(reply);
        }
    }

    /// Records that the engine could not expand. The pane shows the reason.
    pub(crate) fn fail(&mut self, reason: String) {
        let failed = self.pending_expansion.take().or(self.expansion.take());
        self.expansion = failed.map(|expansion| CandidateList {
            error: Some(reason),
            ..expansion
        });
    }

    /// Draws the pane; `covered` columns of it at the left lie under a drawer.
    pub(crate) fn draw(
        &self,
        canvas: &mut DrawContext,
        area: Rect,
        covered: u16,
        context: &PaneContext,
    ) {
        let rows = self.rows(canvas.shared);
        let right = self.state_label(canvas, rows.len(), context);
        let inner = context.draw_frame(canvas, area, Pane::Candidates, "Candidates", right);
        let expansion = self.expansion.as_ref();
        let Some(expansion) = expansion.filter(|expansion| expansion.error.is_none()) else {
            let left = (area.x + covered).max(inner.x).min(inner.right());
            let free = Rect {
                x: left,
                width: inner.right() - left,
                ..inner
            };
            let message = self.placeholder(canvas.shared);
            return draw_placeholder(canvas, free, message);
        };
        let table = CandidateTable::new(canvas, expansion, &rows, inner.width, self.tall);
        let (head, list) = split_first_line(inner);
        let titles = table.header(canvas);
        canvas.line(head, titles);
        if rows.is_empty() {
            return self.draw_no_rows(canvas, list);
        }
        let cursor = self.cursor(&rows);
        self.draw_rows(canvas, list, &table, &rows, cursor);
        if !self.tall {
            table.draw_miss_class(canvas, area, &rows[cursor]);
        }
    }

    /// Draws the visible rows.
    fn draw_rows(
        &self,
        canvas: &mut DrawContext,
        list: Rect,
        table: &CandidateTable,
        rows: &[CandidateRow],
        cursor: usize,
    ) {
        let row_height = if self.tall { 2 } else { 1 };
        let mut heights = vec![usize::from(row_height); rows.len()];
        let boundary = table.expansion.boundary;
        let boundary = boundary.map(|boundary| (boundary, BoundaryPlace::new(boundary, rows)));
        if let Some((_, place)) = boundary {
            heights[place.row()] += 1;
        }
        let last_offset = canvas.shared.frame.candidates.offset;
        let offset = offset(&heights, cursor, last_offset, usize::from(list.height));
        let mut y = list.y;
        let mut shown = 0;
        for (at, row) in rows.iter().enumerate().skip(offset) {
            if y >= list.bottom() {
                break;
            }
            let at_boundary = boundary.filter(|(_, place)| place.row() == at);
            if let Some((boundary, BoundaryPlace::Top)) = at_boundary {
                y += draw_boundary(canvas, list, y, boundary);
            }
            let height = list.bottom().saturating_sub(y).min(row_height);
            if height == 0 {
                break;
            }
            let area = Rect::new(list.x, y, list.width, height);
            table.draw_row(canvas, area, row, at == cursor);
            canvas.click_target(area, ClickTarget::Candidate(row.entity));
            y += height;
            shown += 1;
            if let Some((boundary, BoundaryPlace::After(_))) = at_boundary {
                y += draw_boundary(canvas, list, y, boundary);
            }
        }
        canvas.frame_info.candidates = Extent::new(offset, shown, rows.len());
        canvas.scroll_bar(list, offset, shown, rows.len());
    }

    /// Returns the filter, the order and the ranking, for the right of the title.
    fn state_label(
        &self,
        canvas: &DrawContext,
        shown: usize,
        context: &PaneContext,
    ) -> Line<'static> {
        let filter = match self.filter {
            RowFilter::All => String::new(),
            RowFilter::Hits => format!("{shown} hits"),
            RowFilter::Misses => format!("{shown} misses"),
            RowFilter::Moved => {
                format!("{shown} moved by > {}", canvas.shared.settings.moved_by)
            }
        };
        let request = self.expansion.as_ref().map(|expansion| &expansion.request);
        let order = match request {
            Some(request) if request.is_window_search() && !self.reranked => "before re-ranking",
            _ => "",
        };
        let ranking = match request {
            None => "",
            Some(request) if request.ranking == RankingKind::Joint && request.joint.is_none() => {
                "not joint: edited seeds"
            }
            Some(request) => ranking_name(request.ranking),
        };
        let is_changed = !filter.is_empty()
            || !order.is_empty()
            || context.query.ranking != RankingKind::default();
        let mut labels = vec![filter.as_str(), order, ranking];
        labels.retain(|label| !label.is_empty());
        if labels.is_empty() {
            return Line::default();
        }
        let role = if is_changed {
            Role::Warning
        } else {
            Role::Quiet
        };
        Line::from(canvas.span(role, format!(" {} ", labels.join(" · "))))
    }

    /// Returns the reason why there are no candidates, or hints about how to get some.
    fn placeholder(&self, shared: &Shared) -> Vec<String> {
        let expansion = self.expansion.as_ref();
        let error = expansion.and_then(|expansion| expansion.error.as_ref());
        if let Some(error) = shared.engine.open_error.as_ref().or(error) {
            return vec![error.clone()];
        }
        let Some(catalogue) = &shared.catalogue else {
            return vec!["opening the index…".into()];
        };
        if shared.is_expanding() {
            return vec!["expanding…".into()];
        }
        let keymap = &shared.settings.keymap;
        let key = |context, action| keymap.key_of(context, action).unwrap_or_default();
        let add_seed = key(Context::Global, Action::AddSeed);
        if catalogue.classes.is_empty() {
            return vec![format!(
                "Type seeds ({add_seed}) to find entities like them."
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

    /// Draws the reason why no candidate passes the filter.
    fn draw_no_rows(&self, canvas: &mut DrawContext, area: Rect) {
        let reason = match self.filter {
            RowFilter::All if canvas.shared.is_expanding() => "no candidate yet…".to_owned(),
            RowFilter::All => "no candidate is left".to_owned(),
            RowFilter::Hits => "no hit in this list".to_owned(),
            RowFilter::Misses => "no known miss in this list".to_owned(),
            RowFilter::Moved => format!(
                "no candidate moved by more than {}",
                canvas.shared.settings.moved_by
            ),
        };
        let line = Line::from(canvas.span(Role::Quiet, reason)).centered();
        let at = Rect {
            y: area.y + area.height / 3,
            height: 1.min(area.height),
            ..area
        };
        canvas.line(at, line);
    }
}

/// Draws the line of the boundary if there is room for it, and returns its height.
fn draw_boundary(canvas: &mut DrawContext, list: Rect, y: u16, boundary: ListBoundary) -> u16 {
    if y >= list.bottom() {
        return 0;
    }
    let width = list.width.saturating_sub(1);
    boundary_line::draw(canvas, Rect::new(list.x, y, width, 1), boundary);
    1
}

/// Draws lines instead of the candidates. The first line is emphasised.
fn draw_placeholder(canvas: &mut DrawContext, area: Rect, message: Vec<String>) {
    let widths = message.iter().map(|line| text::width(line));
    let room = usize::from(area.width).saturating_sub(4);
    let width = widths.max().unwrap_or(0).min(room);
    let mut lines: Vec<String> = Vec::new();
    for line in message {
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

/// Returns the first row to show so that the cursor's row is visible as a whole and the list is
/// full.
fn offset(heights: &[usize], cursor: usize, last_offset: usize, room: usize) -> usize {
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
    last_offset
        .clamp(fits_from(cursor), cursor)
        .min(last.max(fits_from(cursor)))
}

/// Columns of the rank.
const RANK: usize = 4;
/// Columns of a thumbnail in a tall row.
const THUMBNAIL: usize = 5;
/// Columns of the score.
const SCORE: usize = 6;
/// Columns of the probability of membership, and of a space before it.
const PROBABILITY: usize = 7;
/// The least columns of a name beside the probability.
const MIN_NAME_WITH_PROBABILITY: usize = 12;
/// Columns of a name, before the bars get more.
const NAME: std::ops::RangeInclusive<usize> = 20..=40;
/// The largest width in columns of one side of the bars.
const MAX_BAR: usize = 40;

/// An expansion with the columns that fit into the pane.
struct CandidateTable<'a> {
    expansion: &'a CandidateList,
    /// Columns of a thumbnail; 0 in compact rows.
    thumbnail: usize,
    name: usize,
    /// Columns of the probability of membership; 0 if it is not known or has no room.
    probability: usize,
    /// Columns of one side of the bars; 0 without contributions of modalities.
    bar: usize,
    /// Columns of the shift of the rank; 0 without a mode to compare with.
    shift: usize,
}

impl<'a> CandidateTable<'a> {
    fn new(
        canvas: &DrawContext,
        expansion: &'a CandidateList,
        rows: &[CandidateRow],
        width: u16,
        tall: bool,
    ) -> Self {
        let width = usize::from(width).saturating_sub(1);
        let thumbnail = if tall && canvas.images.is_enabled() {
            THUMBNAIL
        } else {
            0
        };
        let compared = expansion.compared_mode();
        let compared = compared.map_or(0, |mode| mode.name().len());
        let fixed = RANK + 3 + thumbnail + SCORE;
        let names = rows.iter().map(|row| text::width(&canvas.name(row.entity)));
        let longest_name = names.max().map_or(0, |longest| longest + 1);
        let table = |probability: usize| {
            let shift = match (compared, probability) {
                (0, _) => 0,
                (name, 0) => 4 + name,
                (name, _) => 3 + name,
            };
            let shift_column = if shift > 0 { shift + 1 } else { 0 };
            let room = width.saturating_sub(fixed + probability + shift_column);
            let has_bars = expansion.largest_contribution().is_some();
            let bar = if has_bars {
                bar_width(width, room, longest_name, probability > 0)
            } else {
                0
            };
            let bars = if bar > 0 { 2 * bar + 2 } else { 0 };
            CandidateTable {
                expansion,
                thumbnail,
                name: room.saturating_sub(bars),
                probability,
                bar,
                shift,
            }
        };
        let mut candidates = expansion.candidates.iter();
        if candidates.any(|candidate| candidate.probability.is_some()) {
            let with_probability = table(PROBABILITY);
            if with_probability.name >= MIN_NAME_WITH_PROBABILITY {
                return with_probability;
            }
        }
        table(0)
    }

    fn header(&self, canvas: &DrawContext) -> Line<'static> {
        let mut header = text::fit_right("#", RANK) + "   " + &" ".repeat(self.thumbnail);
        header += &text::fit("entity", self.name);
        header += &text::fit_right("score", SCORE);
        if self.probability > 0 {
            header += &text::fit_right("member", self.probability);
        }
        if self.bar > 0 {
            let image = if self.bar < 5 { "img" } else { "image" };
            let text_title = text::fit_right("text", self.bar);
            header += &format!(" {text_title}│{}", text::fit(image, self.bar));
        }
        if let Some(mode) = self.expansion.compared_mode() {
            header += &text::fit_right(&format!("vs {mode}"), self.shift + 1);
        }
        Line::from(canvas.span(Role::Quiet, header))
    }

    fn draw_row(&self, canvas: &mut DrawContext, area: Rect, row: &CandidateRow, selected: bool) {
        let style = if selected {
            canvas.style(Role::Selection)
        } else {
            Style::default()
        };
        let (first, second) = split_first_line(area);
        let rank = text::fit_right(&row.rank.to_string(), RANK);
        let mut spans = vec![canvas.span(Role::Quiet, rank), Span::raw(" ")];
        spans.push(mark_sign(canvas, row.mark));
        spans.push(Span::raw(" ".repeat(1 + self.thumbnail)));
        let name = text::fit(&canvas.name(row.entity), self.name);
        let name_role = if selected { Role::Title } else { Role::Text };
        spans.extend(canvas.label(name_role, &name));
        if let Some(candidate) = self.expansion.candidates.get(row.pick) {
            spans.extend(self.numbers(canvas, row, candidate));
        }
        canvas.line(first, Line::from(spans).style(style));
        if area.height < 2 {
            return;
        }
        let indent = RANK + 3 + self.thumbnail;
        let room = usize::from(area.width).saturating_sub(indent + 1);
        let explanation = text::cut(&self.explanation(canvas, row), room);
        let explanation = " ".repeat(indent) + &explanation;
        let line = Line::from(canvas.span(Role::Quiet, explanation));
        canvas.line(second, line.style(style));
        if self.thumbnail > 0 {
            let x = area.x + (RANK + 3) as u16;
            let at = Rect::new(x, area.y, (THUMBNAIL - 1) as u16, 2);
            canvas.thumbnail(at, row.entity);
        }
    }

    /// Returns the score, the probability, the bars and the shift of the rank.
    fn numbers(
        &self,
        canvas: &DrawContext,
        row: &CandidateRow,
        candidate: &Candidate,
    ) -> Vec<Span<'static>> {
        // scores by feedback are means, and differ by less than sums over the seeds
        let decimals = match self.expansion.request.ranking {
            RankingKind::Feedback => 2,
            _ => 1,
        };
        let score = format!("{:.decimals$}", candidate.score);
        let mut spans = vec![canvas.span(Role::Text, text::fit_right(&score, SCORE))];
        if self.probability > 0 {
            let percent = candidate.probability.map(probability_percent);
            let percent = text::fit_right(&percent.unwrap_or_default(), self.probability);
            spans.push(canvas.span(Role::Quiet, percent));
        }
        if self.bar > 0 {
            let scale = self.expansion.largest_contribution().unwrap_or(1.0);
            let (text, image) = match candidate.parts {
                Some(parts) => (parts.text / scale, parts.image / scale),
                None => (0.0, 0.0),
            };
            let left = format!(" {}", bars::to_left(text, self.bar));
            let right = text::fit(&bars::to_right(image, self.bar), self.bar);
            spans.push(canvas.span(Role::TextShare, left));
            spans.push(canvas.span(Role::Border, "│"));
            spans.push(canvas.span(Role::ImageShare, right));
        }
        if self.shift > 0 {
            let (role, label) = shift_label(row.shift);
            spans.push(canvas.span(role, text::fit_right(&label, self.shift + 1)));
        }
        spans
    }

    /// Returns the second line of a tall row: the class of a miss, and the ranks in the other
    /// modes.
    fn explanation(&self, canvas: &DrawContext, row: &CandidateRow) -> String {
        let mut parts = Vec::new();
        if let Some(class) = self.miss_class(canvas, row) {
            parts.push(format!("└ {class}"));
        }
        for (mode, ranks) in &self.expansion.other_modes {
            let rank = ranks.get(&row.entity).map_or("–".into(), usize::to_string);
            parts.push(format!("{mode} {rank}"));
        }
        parts.join(" · ")
    }

    /// Returns the class that a miss belongs to.
    fn miss_class(&self, canvas: &DrawContext, row: &CandidateRow) -> Option<String> {
        let catalogue = canvas.catalogue()?;
        match row.mark {
            GoldMark::Other(Some(class)) => {
                let kinship = kinship(catalogue, self.expansion.request.class, class);
                Some(format!("{}{kinship}", catalogue.class(class).title()))
            }
            GoldMark::Other(None) => Some("judged not to be a member".into()),
            GoldMark::Gold | GoldMark::Unjudged => None,
        }
    }

    /// Draws the class of the miss under the cursor on the lower border, where it takes no line
    /// from the list.
    fn draw_miss_class(&self, canvas: &mut DrawContext, area: Rect, row: &CandidateRow) {
        let Some(class) = self.miss_class(canvas, row) else {
            return;
        };
        if area.height <= 2 || area.width <= 6 {
            return;
        }
        let label = text::cut(&format!(" ✗ {class} "), usize::from(area.width) - 4);
        let at = Rect {
            x: area.x + 2,
            y: area.bottom() - 1,
            width: text::width(&label) as u16,
            height: 1,
        };
        let line = Line::from(canvas.span(Role::Miss, label));
        canvas.line(at, line);
    }
}

/// Returns the columns of one side of the bars in a pane of this width. `room` is what names and bars
/// share; wide bars have the columns that the names do not need.
fn bar_width(width: usize, room: usize, longest_name: usize, has_probability: bool) -> usize {
    match width {
        0..50 => 4,
        50..70 if has_probability => 4,
        50..70 => 6,
        _ => {
            let name = longest_name.clamp(*NAME.start(), *NAME.end());
            (room.saturating_sub(name + 2) / 2).clamp(10, MAX_BAR)
        }
    }
}

/// Returns the label of a shift of the rank, and its role.
fn shift_label(shift: RankShift) -> (Role, String) {
    match shift {
        RankShift::By(0) => (Role::Quiet, "·".into()),
        RankShift::By(up) if up > 0 => (Role::Gold, format!("▲ {up}")),
        RankShift::By(down) => (Role::Miss, format!("▼ {}", -down)),
        RankShift::New => (Role::Warning, "new".into()),
        RankShift::Unknown => (Role::Quiet, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_under_the_cursor_is_visible_and_the_list_is_full() {
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
    fn rises_and_falls_have_different_signs() {
        assert_eq!(shift_label(RankShift::By(21)).1, "▲ 21");
        assert_eq!(shift_label(RankShift::By(-2)).1, "▼ 2");
        assert_eq!(shift_label(RankShift::By(0)).1, "·");
        assert_eq!(shift_label(RankShift::New).1, "new");
    }
}
