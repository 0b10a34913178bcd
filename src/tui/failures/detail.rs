//! Beside the failures: why this one is there, what a group is made of, what is in a cell of the
//! matrix.

use std::collections::BTreeMap;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::{Catalogue, Failure, Failures};
use crate::tui::failures::export::reason;
use crate::tui::failures::list;
use crate::tui::failures::list::FailureLine;
use crate::tui::failures::matrix::{Confusion, NO_CLASS};
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::labels::class_titles;
use crate::tui::ui::{bars, text};

/// Cells of the picture.
const PICTURE: (u16, u16) = (14, 7);
/// Below so many lines text is worth more than a picture.
const LINES_FOR_PICTURE: u16 = 18;
/// A count's bar is at most so long, and less where names need the room.
const BAR: usize = 12;

pub fn draw(canvas: &mut DrawContext, area: Rect) {
    let app = canvas.app;
    match (app.failure(), app.failures.lines.get(app.failures.cursor)) {
        (Some(failure), _) => one(canvas, area, failure),
        (None, Some(FailureLine::Group { label, members, .. })) => {
            group(canvas, area, label, members)
        }
        _ => {
            frame(canvas, area, "");
        }
    }
}

/// The pane with its title; gives its inside, a column in from both sides.
fn frame(canvas: &mut DrawContext, area: Rect, title: &str) -> Rect {
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

fn one(canvas: &mut DrawContext, area: Rect, failure: &Failure) {
    let inner = frame(canvas, area, &canvas.name(failure.entity));
    let app = canvas.app;
    let (Some(found), Some(catalogue)) = (app.failures_found(), app.shared.catalogue.as_deref())
    else {
        return;
    };
    let pictured = canvas.images.is_enabled()
        && inner.height >= LINES_FOR_PICTURE
        && inner.width > PICTURE.0 * 2;
    let mut below = inner;
    if pictured {
        canvas.thumbnail(
            Rect {
                width: PICTURE.0,
                height: PICTURE.1.min(inner.height),
                ..inner
            },
            failure.entity,
        );
        let beside = Rect {
            x: inner.x + PICTURE.0 + 2,
            width: inner.width - PICTURE.0 - 2,
            ..inner
        };
        let about = about(canvas, catalogue, failure, beside.width.into());
        let tall = (about.len() as u16).max(PICTURE.1);
        canvas.lines(beside, about);
        below = Rect {
            y: inner.y + tall,
            height: inner.height.saturating_sub(tall),
            ..inner
        };
    }
    let width = usize::from(inner.width);
    let mut lines = if pictured {
        Vec::new()
    } else {
        about(canvas, catalogue, failure, width)
    };
    lines.extend(note(canvas, failure, width));
    lines.extend(why(canvas, catalogue, failure, width));
    lines.extend(ranks(canvas, found, failure, width));
    lines.extend(seeds(canvas, catalogue, failure, width));
    canvas.lines(below, lines);
}

/// What is wrong, in which query, and what it is known as.
fn about(
    canvas: &DrawContext,
    catalogue: &Catalogue,
    failure: &Failure,
    width: usize,
) -> Vec<Line<'static>> {
    let what = match failure.rank {
        Some(rank) => format!("rank {rank}, and no member of"),
        None => "missed, though a member of".to_owned(),
    };
    let first = Line::from(vec![
        list::sign(canvas, failure),
        canvas.span(Role::Text, format!(" {what}")),
    ]);
    let query = format!(
        "{} · query\u{a0}{}",
        catalogue.class(failure.class).title(),
        failure.number + 1
    );
    let mut lines = vec![first];
    lines.extend(
        text::wrap(&query, width)
            .into_iter()
            .map(|line| Line::from(canvas.span(Role::Title, line))),
    );
    let mut known = Vec::new();
    if failure.rank.is_some() {
        known.push(known_as(catalogue, failure));
    }
    if let Some(card) = catalogue.entity(failure.entity) {
        known.push(format!("{} pairs", card.pairs));
    }
    lines.extend(quiet(canvas, &known.join(" · "), width));
    lines
}

/// Describes a false positive by the data set: as judged not to be a member, or by its classes.
fn known_as(catalogue: &Catalogue, failure: &Failure) -> String {
    let negatives = &catalogue.class(failure.class).negatives;
    if negatives.contains(&failure.entity) {
        return "judged not to be a member".into();
    }
    let classes = catalogue
        .entity(failure.entity)
        .map(|card| class_titles(catalogue, &card.classes))
        .unwrap_or_default();
    if classes.is_empty() {
        "in no class".into()
    } else {
        format!("in {classes}")
    }
}

fn quiet(canvas: &DrawContext, said: &str, width: usize) -> Vec<Line<'static>> {
    text::wrap(said, width)
        .into_iter()
        .map(|line| Line::from(canvas.span(Role::Quiet, line)))
        .collect()
}

fn heading(canvas: &DrawContext, said: &str, note: &str) -> [Line<'static>; 2] {
    let line = vec![
        canvas.span(Role::Title, said.to_owned()),
        canvas.span(Role::Quiet, format!("  {note}")),
    ];
    [Line::default(), Line::from(line)]
}

fn note(canvas: &DrawContext, failure: &Failure, width: usize) -> Vec<Line<'static>> {
    let Some(remark) = canvas.app.remark(failure) else {
        return Vec::new();
    };
    let mut lines: Vec<Line> =
        heading(canvas, "note", if remark.marked { "* marked" } else { "" }).into();
    lines.extend(
        text::wrap(&remark.note, width)
            .into_iter()
            .map(|line| Line::from(canvas.span(Role::Seed, line))),
    );
    lines
}

fn why(
    canvas: &DrawContext,
    catalogue: &Catalogue,
    failure: &Failure,
    width: usize,
) -> Vec<Line<'static>> {
    let mut lines: Vec<Line> = heading(canvas, "why", "").into();
    if failure.tags.is_empty() {
        lines.extend(quiet(
            canvas,
            "neither its class, its name, its pairs nor its ranks tell",
            width,
        ));
    }
    for tag in &failure.tags {
        let name = format!("{}:", tag.kind().name());
        let words = name
            .split(' ')
            .map(|word| (word.to_owned(), canvas.style(Role::Warning)));
        let reason = reason(catalogue, tag);
        let reason = reason
            .split(' ')
            .map(|word| (word.to_owned(), canvas.style(Role::Text)));
        lines.extend(text::wrap_words(words.chain(reason), width));
    }
    lines
}

fn ranks(
    canvas: &DrawContext,
    found: &Failures,
    failure: &Failure,
    width: usize,
) -> Vec<Line<'static>> {
    if failure.seed_ranks.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<Line> = heading(canvas, "ranks", "by the seeds alone").into();
    let ranks = found
        .modes
        .iter()
        .zip(&failure.seed_ranks)
        .map(|(mode, rank)| format!("{mode}\u{a0}{rank}"));
    let said = ranks.collect::<Vec<_>>().join(" · ");
    lines.extend(
        text::wrap(&said, width)
            .into_iter()
            .map(|line| Line::from(canvas.span(Role::Text, line))),
    );
    lines
}

fn seeds(
    canvas: &DrawContext,
    catalogue: &Catalogue,
    failure: &Failure,
    width: usize,
) -> Vec<Line<'static>> {
    let mut queries = catalogue.queries_of(failure.class, canvas.app.shared.evaluations.seed_count);
    let Some(query) = queries.find(|query| query.number == failure.number) else {
        return Vec::new();
    };
    let names: Vec<String> = query
        .seeds
        .iter()
        .map(|&seed| canvas.name(seed).replace(' ', "\u{a0}"))
        .collect();
    let mut lines: Vec<Line> = heading(canvas, "seeds", "").into();
    let said = names.join(" · ");
    lines.extend(
        text::wrap(&said, width)
            .into_iter()
            .map(|line| Line::from(canvas.span(Role::Seed, line))),
    );
    lines
}

/// A group's failures by tag, and its entities.
fn group(canvas: &mut DrawContext, area: Rect, label: &str, members: &[usize]) {
    let inner = frame(canvas, area, label);
    let Some(found) = canvas.app.failures_found() else {
        return;
    };
    let members: Vec<&Failure> = members
        .iter()
        .map(|&place| &found.failures[place])
        .collect();
    let tags = members
        .iter()
        .flat_map(|f| &f.tags)
        .map(|tag| tag.kind().name().to_owned());
    let untagged = members
        .iter()
        .filter(|f| f.tags.is_empty())
        .map(|_| "no tag".to_owned());
    let mut lines = vec![Line::from(canvas.span(Role::Title, "by tag"))];
    lines.extend(counted(
        canvas,
        tags.chain(untagged),
        members.len(),
        inner.width.into(),
    ));
    lines.extend(heading(canvas, "by entity", ""));
    let entities = members.iter().map(|f| canvas.name(f.entity));
    lines.extend(counted(canvas, entities, members.len(), inner.width.into()));
    canvas.lines(inner, lines);
}

/// The false positives of the matrix's cell, by entity.
pub fn cell(canvas: &mut DrawContext, area: Rect, matrix: &Confusion) {
    let cell = canvas.app.confused(matrix);
    let inner = frame(canvas, area, cell.as_ref().map_or("", |cell| &cell.gold));
    let Some(cell) = cell else { return };
    let found = canvas.app.failures_in(&cell);
    let width = usize::from(inner.width);
    let said = match found.len() {
        0 if cell.other == NO_CLASS => "every pick of its lists is in a class".to_owned(),
        0 => format!("{} never come into its lists", cell.other),
        1 => format!("1 pick is in {}", cell.other),
        n => format!("{n} picks are in {}", cell.other),
    };
    let mut lines: Vec<Line> = text::wrap(&said, width)
        .into_iter()
        .map(|line| Line::from(canvas.span(Role::Text, line)))
        .collect();
    lines.push(Line::default());
    let entities = found.iter().map(|f| canvas.name(f.entity));
    lines.extend(counted(canvas, entities, found.len(), width));
    canvas.lines(inner, lines);
}

/// How often each is there, the most frequent first, with a bar of its share.
fn counted(
    canvas: &DrawContext,
    names: impl Iterator<Item = String>,
    of: usize,
    width: usize,
) -> impl Iterator<Item = Line<'static>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let bar = BAR.min(width / 5);
    let line = |(name, count): (String, usize)| {
        Line::from(vec![
            canvas.span(Role::Text, text::fit(&name, width.saturating_sub(bar + 7))),
            canvas.span(Role::Text, text::fit_right(&count.to_string(), 6)),
            Span::raw(" "),
            canvas.span(
                Role::Focus,
                bars::to_right(count as f64 / of.max(1) as f64, bar),
            ),
        ])
    };
    counts.into_iter().map(line).collect::<Vec<_>>().into_iter()
}
