//! Draws the list of failures in their groups.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::{Catalogue, Failure, FailureKind, Failures};
use crate::tui::failures::FailuresScreen;
use crate::tui::failures::failure_id::FailureId;
use crate::tui::failures::list::{FailureLine, Grouping};
use crate::tui::gold_mark::{GoldMark, gold_mark};
use crate::tui::ui::draw_context::{DrawContext, split_first_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::labels::mark_sign;
use crate::tui::ui::scroll::{Extent, keep_in_sight};
use crate::tui::ui::{empty_list, text};

/// The width of indent, mark, sign and rank.
const LEAD: usize = 2 + 2 + 2 + 4;
/// The width of a group's counts.
const COUNTS: usize = 16;
/// The least width of a list that shows the class of a failure in a tag's group.
const WITH_CLASS: usize = 64;

impl FailuresScreen {
    pub(super) fn draw_list(&self, canvas: &mut DrawContext, area: Rect) {
        let title = format!(" Failures by {} ", self.list.grouping.name());
        let title = canvas.span(Role::Focus, title);
        let room = usize::from(area.width).saturating_sub(title.width() + 4);
        let right = self.evaluated(canvas, room);
        let inner = canvas.framed(area, true, title.into(), right);
        let (head, list) = split_first_line(inner);
        self.draw_summary(canvas, head);
        if self.list.lines.is_empty() {
            let text = self.empty_text(canvas.shared);
            return empty_list::draw(canvas, list, &text);
        }
        self.draw_lines(canvas, list);
    }

    /// Draws the groups and failures that are in sight.
    fn draw_lines(&self, canvas: &mut DrawContext, list: Rect) {
        let (Some(found), Some(catalogue)) = (
            self.found_failures(canvas.shared),
            canvas.shared.catalogue.as_deref(),
        ) else {
            return;
        };
        let lines = &self.list.lines;
        let page = usize::from(list.height);
        let width = usize::from(list.width);
        let offset = canvas.shared.frame.failures.offset;
        let offset = keep_in_sight(self.list.cursor, offset, page, lines.len());
        canvas.frame_info.failures = Extent::new(offset, page, lines.len());
        for (index, line) in lines.iter().enumerate().skip(offset).take(page) {
            let area = Rect::new(list.x, list.y + (index - offset) as u16, list.width, 1);
            let drawn = match line {
                FailureLine::Group {
                    label,
                    members,
                    open,
                } => group_line(canvas, label, counts(members, found), *open, width),
                FailureLine::Failure(index) => {
                    self.failure_line(canvas, catalogue, &found.failures[*index], width)
                }
            };
            canvas.list_line(area, drawn, index == self.list.cursor);
            canvas.click_target(area, ClickTarget::FailureRow(index));
        }
        canvas.scroll_bar(list, offset, page, lines.len());
    }

    /// Draws the number of failures, and the conditions that leave some of them out.
    fn draw_summary(&self, canvas: &mut DrawContext, area: Rect) {
        let total = match self.found_failures(canvas.shared) {
            Some(found) => total_text(&self.list.members(), found),
            None => String::new(),
        };
        let room = usize::from(area.width).saturating_sub(text::width(&total));
        let conditions = self.filters.conditions();
        let only = if conditions.is_empty() {
            String::new()
        } else {
            format!("only {} ", conditions.join(" · "))
        };
        let line = Line::from(vec![
            canvas.span(Role::Quiet, total),
            canvas.span(Role::Warning, text::fit_right(&only, room)),
        ]);
        canvas.line(area, line);
    }

    /// Returns the line of a failure: mark, sign, rank, name, query, note and tags.
    fn failure_line(
        &self,
        canvas: &DrawContext,
        catalogue: &Catalogue,
        failure: &Failure,
        width: usize,
    ) -> Line<'static> {
        let (name, query) = self.name_and_query(canvas, catalogue, failure, width);
        let with_class = self.list.grouping == Grouping::Tag && width >= WITH_CLASS;
        let query_width = if with_class { 22 } else { 3 };
        let rest = width.saturating_sub(LEAD + 1 + query_width + 4);
        let name_width = (rest * 2 / 5).max(12).min(rest);
        let failure_id = FailureId::from(failure);
        let mark = match self.annotations.is_marked(failure_id, canvas.shared) {
            true => "* ",
            false => "  ",
        };
        let rank = failure
            .rank
            .map_or_else(|| "–".to_owned(), |rank| rank.to_string());
        let causes = self.causes(canvas, failure);
        let causes = text::cut(&causes, rest.saturating_sub(name_width));
        let mut spans = vec![
            Span::raw("  "),
            canvas.span(Role::Seed, mark),
            failure_sign(canvas, failure),
            canvas.span(Role::Quiet, format!(" {} ", text::fit_right(&rank, 4))),
        ];
        spans.extend(canvas.label(Role::Text, &format!("{}  ", text::fit(&name, name_width))));
        let query = format!("{}  ", text::fit(&query, query_width));
        spans.push(canvas.span(Role::Quiet, query));
        spans.push(canvas.span(Role::Quiet, causes));
        Line::from(spans)
    }

    /// Returns the name that a failure is listed under in its group, and its query. If there is
    /// room, the query has the class that neither the group nor the name shows.
    fn name_and_query(
        &self,
        canvas: &DrawContext,
        catalogue: &Catalogue,
        failure: &Failure,
        width: usize,
    ) -> (String, String) {
        let class = catalogue.class(failure.class).title();
        let query = format!("q{}", failure.number + 1);
        match self.list.grouping {
            Grouping::Entity => (class, query),
            Grouping::Tag if width >= WITH_CLASS => {
                (canvas.name(failure.entity), format!("{class} {query}"))
            }
            Grouping::Class | Grouping::Tag => (canvas.name(failure.entity), query),
        }
    }

    /// Returns the user's note, if there is one, and the names of the tags.
    fn causes(&self, canvas: &DrawContext, failure: &Failure) -> String {
        let mut causes = Vec::new();
        let failure_id = FailureId::from(failure);
        let note = self.annotations.note(failure_id, canvas.shared);
        if !note.is_empty() {
            causes.push(format!("“{note}”"));
        }
        for tag in &failure.tags {
            causes.push(tag.kind().name().to_owned());
        }
        causes.join(", ")
    }
}

/// The number of false positives and of missed members.
struct Counts {
    false_positives: usize,
    missed: usize,
}

fn counts(indexes: &[usize], found: &Failures) -> Counts {
    let failures = indexes.iter().map(|&index| &found.failures[index]);
    let false_positives = failures.filter(|failure| failure.rank.is_some()).count();
    Counts {
        false_positives,
        missed: indexes.len() - false_positives,
    }
}

/// Returns the number of failures in all groups, and of the queries searched so far.
fn total_text(indexes: &[usize], found: &Failures) -> String {
    let Counts {
        false_positives,
        missed,
    } = counts(indexes, found);
    let plural = if false_positives == 1 { "" } else { "s" };
    let mut text = format!(" {false_positives} false positive{plural} · {missed} missed ");
    if !found.is_complete() {
        let (searched, total) = (found.searched, found.total);
        text.push_str(&format!("in {searched} of {total} queries "));
    }
    text
}

fn group_line(
    canvas: &DrawContext,
    label: &str,
    counts: Counts,
    open: bool,
    width: usize,
) -> Line<'static> {
    let arrow = if open { "▾" } else { "▸" };
    let label = text::fit(label, width.saturating_sub(COUNTS + 4));
    let mut spans = canvas.label(Role::Title, &format!(" {arrow} {label}"));
    let columns = [
        (Role::Miss, counts.false_positives, "✗"),
        (Role::Unjudged, counts.missed, "○"),
    ];
    for (role, count, sign) in columns {
        let count = if count == 0 {
            String::new()
        } else {
            format!("{count} {sign}")
        };
        spans.push(canvas.span(role, text::fit_right(&count, COUNTS / 2)));
    }
    Line::from(spans)
}

/// Returns ✗ for a false positive, ? for one that is not judged, ○ for a missed member.
pub(super) fn failure_sign(canvas: &DrawContext, failure: &Failure) -> Span<'static> {
    if failure.kind() == FailureKind::Missed {
        return canvas.span(Role::Unjudged, "○");
    }
    let mark = match canvas.catalogue() {
        Some(catalogue) => gold_mark(catalogue, Some(failure.class), failure.entity),
        None => GoldMark::Unjudged,
    };
    mark_sign(canvas, mark)
}
