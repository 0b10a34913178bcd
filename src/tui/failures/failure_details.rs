//! Draws the details beside the list or the matrix: the causes of a failure, the tags and entities
//! of a group, the entities of a cell.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::{Catalogue, Failure, Failures};
use crate::tui::failures::FailuresScreen;
use crate::tui::failures::confusion::{Confusion, NO_CLASS};
use crate::tui::failures::failure_id::FailureId;
use crate::tui::failures::list::FailureLine;
use crate::tui::failures::list_view::failure_sign;
use crate::tui::failures::tag_text::tag_text;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::labels::class_titles;
use crate::tui::ui::{bars, text};

/// The width and the height of the image in cells.
const IMAGE: (u16, u16) = (14, 7);
/// The least height of details with an image.
const LINES_WITH_IMAGE: u16 = 18;
/// The largest width of a count's bar.
const BAR: usize = 12;

impl FailuresScreen {
    /// Draws the details of the failure or the group under the cursor.
    pub(super) fn draw_details(&self, canvas: &mut DrawContext, area: Rect) {
        let found = self.found_failures(canvas.shared);
        let line = self.list.lines.get(self.list.cursor);
        match (found, line) {
            (Some(found), Some(FailureLine::Failure(index))) => {
                self.draw_failure(canvas, area, found, &found.failures[*index]);
            }
            (Some(found), Some(FailureLine::Group { label, members, .. })) => {
                let members = members.iter().map(|&index| &found.failures[index]);
                draw_group(canvas, area, label, &members.collect::<Vec<_>>());
            }
            _ => {
                draw_frame(canvas, area, "");
            }
        }
    }

    fn draw_failure(
        &self,
        canvas: &mut DrawContext,
        area: Rect,
        found: &Failures,
        failure: &Failure,
    ) {
        let inner = draw_frame(canvas, area, &canvas.name(failure.entity));
        let Some(catalogue) = canvas.shared.catalogue.as_deref() else {
            return;
        };
        let width = usize::from(inner.width);
        let has_image = canvas.images.is_enabled()
            && inner.height >= LINES_WITH_IMAGE
            && inner.width > IMAGE.0 * 2;
        let (mut lines, rest) = if has_image {
            (
                Vec::new(),
                draw_image_and_summary(canvas, inner, catalogue, failure),
            )
        } else {
            (summary(canvas, catalogue, failure, width), inner)
        };
        lines.extend(self.note(canvas, failure, width));
        lines.extend(causes(canvas, catalogue, failure, width));
        lines.extend(ranks(canvas, found, failure, width));
        lines.extend(seeds(canvas, catalogue, failure, width));
        canvas.lines(rest, lines);
    }

    /// Returns the lines of the user's mark and note, if there are any.
    fn note(&self, canvas: &DrawContext, failure: &Failure, width: usize) -> Vec<Line<'static>> {
        let failure_id = FailureId::from(failure);
        let Some(annotation) = self.annotations.get(failure_id, canvas.shared) else {
            return Vec::new();
        };
        let mark = if annotation.marked { "* marked" } else { "" };
        let mut lines = heading(canvas, "note", mark);
        lines.extend(paragraph(canvas, Role::Seed, &annotation.note, width));
        lines
    }

    /// Draws the false positives of the matrix's selected cell, by entity.
    pub(super) fn draw_cell_details(
        &self,
        canvas: &mut DrawContext,
        area: Rect,
        confusion: &Confusion,
    ) {
        let Some(cell) = self.matrix.selected(confusion) else {
            draw_frame(canvas, area, "");
            return;
        };
        let inner = draw_frame(canvas, area, &cell.gold);
        let failures = self.failures_in(&cell, canvas.shared);
        let summary = match failures.len() {
            0 if cell.other == NO_CLASS => "every false positive is in a class".to_owned(),
            0 => format!("no false positive is in {}", cell.other),
            1 => format!("1 false positive is in {}", cell.other),
            count => format!("{count} false positives are in {}", cell.other),
        };
        let width = usize::from(inner.width);
        let mut lines = paragraph(canvas, Role::Text, &summary, width);
        lines.push(Line::default());
        let entities = failures.iter().map(|f| canvas.name(f.entity)).collect();
        lines.extend(counted(canvas, entities, failures.len(), width));
        canvas.lines(inner, lines);
    }
}

/// Draws the frame with its title; returns its inside without a column on both sides.
fn draw_frame(canvas: &mut DrawContext, area: Rect, title: &str) -> Rect {
    let title = text::cut(title, usize::from(area.width).saturating_sub(6));
    let title = if title.is_empty() {
        Line::default()
    } else {
        canvas.span(Role::Title, format!(" {title} ")).into()
    };
    let inner = canvas.framed(area, false, title, Line::default());
    Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    }
}

/// Draws the image of the entity with the summary beside it; returns the area below them.
fn draw_image_and_summary(
    canvas: &mut DrawContext,
    inner: Rect,
    catalogue: &Catalogue,
    failure: &Failure,
) -> Rect {
    let (width, height) = IMAGE;
    let image = Rect {
        width,
        height: height.min(inner.height),
        ..inner
    };
    canvas.thumbnail(image, failure.entity);
    let summary_area = Rect {
        x: inner.x + width + 2,
        width: inner.width - width - 2,
        ..inner
    };
    let summary = summary(canvas, catalogue, failure, summary_area.width.into());
    let used = (summary.len() as u16).max(height);
    canvas.lines(summary_area, summary);
    Rect {
        y: inner.y + used,
        height: inner.height.saturating_sub(used),
        ..inner
    }
}

/// Returns the kind of the failure, its query, and the entity's classes and pairs.
fn summary(
    canvas: &DrawContext,
    catalogue: &Catalogue,
    failure: &Failure,
    width: usize,
) -> Vec<Line<'static>> {
    let kind = match failure.rank {
        Some(rank) => format!(" rank {rank}, not a member of"),
        None => " missed member of".to_owned(),
    };
    let sign = failure_sign(canvas, failure);
    let mut lines = vec![Line::from(vec![sign, canvas.span(Role::Text, kind)])];
    let title = catalogue.class(failure.class).title();
    let query = format!("{title} · query\u{a0}{}", failure.number + 1);
    lines.extend(paragraph(canvas, Role::Title, &query, width));
    let mut facts = Vec::new();
    if failure.rank.is_some() {
        facts.push(known_class_text(catalogue, failure));
    }
    if let Some(card) = catalogue.entity(failure.entity) {
        facts.push(format!("{} pairs", card.pairs));
    }
    lines.extend(paragraph(canvas, Role::Quiet, &facts.join(" · "), width));
    lines
}

/// Describes a false positive by the data set: as judged not to be a member, or by its classes.
fn known_class_text(catalogue: &Catalogue, failure: &Failure) -> String {
    let negatives = &catalogue.class(failure.class).negatives;
    if negatives.contains(&failure.entity) {
        return "judged not to be a member".into();
    }
    let classes = match catalogue.entity(failure.entity) {
        Some(card) => class_titles(catalogue, &card.classes),
        None => String::new(),
    };
    if classes.is_empty() {
        "in no class".into()
    } else {
        format!("in {classes}")
    }
}

/// Returns the tags of a failure with their explanations.
fn causes(
    canvas: &DrawContext,
    catalogue: &Catalogue,
    failure: &Failure,
    width: usize,
) -> Vec<Line<'static>> {
    let mut lines = heading(canvas, "why", "");
    if failure.tags.is_empty() {
        let unknown = "no cause found in its classes, name, pairs or ranks";
        lines.extend(paragraph(canvas, Role::Quiet, unknown, width));
    }
    let (name_style, text_style) = (canvas.style(Role::Warning), canvas.style(Role::Text));
    for tag in &failure.tags {
        let name = format!("{}:", tag.kind().name());
        let text = tag_text(catalogue, tag);
        let mut words = Vec::new();
        words.extend(name.split(' ').map(|word| (word.to_owned(), name_style)));
        words.extend(text.split(' ').map(|word| (word.to_owned(), text_style)));
        lines.extend(text::wrap_words(words, width));
    }
    lines
}

/// Returns the entity's ranks in the seed rankings of all modes.
fn ranks(
    canvas: &DrawContext,
    found: &Failures,
    failure: &Failure,
    width: usize,
) -> Vec<Line<'static>> {
    if failure.seed_ranks.is_empty() {
        return Vec::new();
    }
    let mut ranks = Vec::new();
    for (mode, rank) in found.modes.iter().zip(&failure.seed_ranks) {
        ranks.push(format!("{mode}\u{a0}{rank}"));
    }
    let mut lines = heading(canvas, "ranks", "in the seed ranking");
    lines.extend(paragraph(canvas, Role::Text, &ranks.join(" · "), width));
    lines
}

/// Returns the seeds of the query.
fn seeds(
    canvas: &DrawContext,
    catalogue: &Catalogue,
    failure: &Failure,
    width: usize,
) -> Vec<Line<'static>> {
    let seed_count = canvas.shared.evaluations.seed_count;
    let mut queries = catalogue.queries_of(failure.class, seed_count);
    let Some(query) = queries.find(|query| query.number == failure.number) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for &seed in &query.seeds {
        names.push(canvas.name(seed).replace(' ', "\u{a0}"));
    }
    let mut lines = heading(canvas, "seeds", "");
    lines.extend(paragraph(canvas, Role::Seed, &names.join(" · "), width));
    lines
}

/// Draws the tags and the entities of a group's failures.
fn draw_group(canvas: &mut DrawContext, area: Rect, label: &str, members: &[&Failure]) {
    let inner = draw_frame(canvas, area, label);
    let width = usize::from(inner.width);
    let mut tags = Vec::new();
    for failure in members {
        if failure.tags.is_empty() {
            tags.push("no tag".to_owned());
        }
        tags.extend(failure.tags.iter().map(|tag| tag.kind().name().to_owned()));
    }
    let entities = members.iter().map(|f| canvas.name(f.entity)).collect();
    let mut lines = vec![Line::from(canvas.span(Role::Title, "by tag"))];
    lines.extend(counted(canvas, tags, members.len(), width));
    lines.extend(heading(canvas, "by entity", ""));
    lines.extend(counted(canvas, entities, members.len(), width));
    canvas.lines(inner, lines);
}

/// Counts names, the most frequent first. A bar shows each count as a fraction of the total.
fn counted(
    canvas: &DrawContext,
    names: Vec<String>,
    total: usize,
    width: usize,
) -> Vec<Line<'static>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let bar_width = BAR.min(width / 5);
    let name_width = width.saturating_sub(bar_width + 7);
    let mut lines = Vec::new();
    for (name, count) in counts {
        let bar = bars::to_right(count as f64 / total.max(1) as f64, bar_width);
        lines.push(Line::from(vec![
            canvas.span(Role::Text, text::fit(&name, name_width)),
            canvas.span(Role::Text, text::fit_right(&count.to_string(), 6)),
            Span::raw(" "),
            canvas.span(Role::Focus, bar),
        ]));
    }
    lines
}

/// Returns an empty line, and a title with a text beside it.
fn heading(canvas: &DrawContext, title: &'static str, note: &str) -> Vec<Line<'static>> {
    let title = vec![
        canvas.span(Role::Title, title),
        canvas.span(Role::Quiet, format!("  {note}")),
    ];
    vec![Line::default(), Line::from(title)]
}

/// Wraps a text into lines.
fn paragraph(canvas: &DrawContext, role: Role, text: &str, width: usize) -> Vec<Line<'static>> {
    let lines = text::wrap(text, width).into_iter();
    lines
        .map(|line| Line::from(canvas.span(role, line)))
        .collect()
}
