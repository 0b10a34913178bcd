//! The list: which failures pass the filters, in which groups.
//!
//! The failures in their groups.

use crate::config::Role;
use crate::engine::protocol::FailureKind;
use crate::engine::protocol::{Catalogue, Failure, Failures};
use crate::name::lower;
use crate::tui::app::App;
use crate::tui::failures::FailureId;
use crate::tui::gold_mark::{GoldMark, gold_mark};
use crate::tui::search::SearchableList;
use crate::tui::ui::draw_context::{DrawContext, split_first_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::labels::mark_sign;
use crate::tui::ui::scroll::{Extent, keep_in_sight};
use crate::tui::ui::text;
use crate::types::CUTOFFS;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::collections::HashMap;

/// What failures are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// The query's class.
    Class,
    /// In each of its tags' groups.
    Tag,
    Entity,
}

impl Grouping {
    pub fn next(self) -> Grouping {
        match self {
            Grouping::Class => Grouping::Tag,
            Grouping::Tag => Grouping::Entity,
            Grouping::Entity => Grouping::Class,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Grouping::Class => "class",
            Grouping::Tag => "tag",
            Grouping::Entity => "entity",
        }
    }

    /// The groups that a failure is in.
    fn labels(self, catalogue: &Catalogue, failure: &Failure) -> Vec<String> {
        match self {
            Grouping::Class => vec![catalogue.class(failure.class).title()],
            Grouping::Entity => vec![catalogue.name(failure.entity)],
            Grouping::Tag if failure.tags.is_empty() => vec!["no tag".into()],
            Grouping::Tag => failure
                .tags
                .iter()
                .map(|tag| tag.kind().name().to_owned())
                .collect(),
        }
    }
}

/// One line of the list; failures by their places in [`Failures::failures`].
#[derive(Debug, Clone, PartialEq)]
pub enum FailureLine {
    Group {
        label: String,
        members: Vec<usize>,
        open: bool,
    },
    One(usize),
}

impl App {
    /// Makes the list anew; the cursor stays on its failure, else on its group.
    pub(crate) fn regroup(&mut self) {
        let lines = match (&self.shared.catalogue, self.failures_found()) {
            (Some(catalogue), Some(found)) => self.grouped(catalogue, found),
            _ => Vec::new(),
        };
        let place = self.place_of_cursor(&lines);
        let last = lines.len().saturating_sub(1);
        self.failures.lines = lines;
        self.failures.cursor = place.unwrap_or(self.failures.cursor.min(last));
    }

    fn grouped(&self, catalogue: &Catalogue, found: &Failures) -> Vec<FailureLine> {
        let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
        for place in self.passing(catalogue, found) {
            for label in self
                .failures
                .grouping
                .labels(catalogue, &found.failures[place])
            {
                groups.entry(label).or_default().push(place);
            }
        }
        let mut groups: Vec<(String, Vec<usize>)> = groups.into_iter().collect();
        groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
        let mut lines = Vec::new();
        for (label, members) in groups {
            let open = !self.failures.folded.contains(&label);
            let below = if open { members.clone() } else { Vec::new() };
            lines.push(FailureLine::Group {
                label,
                members,
                open,
            });
            lines.extend(below.into_iter().map(FailureLine::One));
        }
        lines
    }

    /// The failures that pass every filter, by place.
    fn passing(&self, catalogue: &Catalogue, found: &Failures) -> Vec<usize> {
        let list = &self.failures;
        let filter = lower(&list.filter);
        let named = |f: &Failure| {
            lower(&catalogue.name(f.entity)).contains(&filter)
                || lower(&catalogue.class(f.class).title()).contains(&filter)
        };
        let in_cell = list
            .confused
            .as_ref()
            .map(|confused| confused.filter(catalogue));
        let passes = |f: &Failure| {
            self.passes_but_for_cell(f)
                && list.kind.is_none_or(|kind| kind == f.kind())
                && in_cell.as_ref().is_none_or(|holds| holds(f))
                && (filter.is_empty() || named(f))
        };
        found
            .failures
            .iter()
            .enumerate()
            .filter(|(_, f)| passes(f))
            .map(|(place, _)| place)
            .collect()
    }

    /// The filters that the matrix obeys too: cutoff, tag, mark.
    pub(crate) fn passes_but_for_cell(&self, failure: &Failure) -> bool {
        let list = &self.failures;
        failure.rank.is_none_or(|rank| rank <= CUTOFFS[list.cutoff])
            && list
                .tag
                .is_none_or(|tag| failure.tags.iter().any(|t| t.kind() == tag))
            && (!list.marked || self.remark(failure).is_some_and(|remark| remark.marked))
    }

    /// The label of the group that a line is in.
    fn label_at(&self, cursor: usize) -> Option<&String> {
        self.failures
            .lines
            .get(..=cursor)?
            .iter()
            .rev()
            .find_map(|line| match line {
                FailureLine::Group { label, .. } => Some(label),
                FailureLine::One(_) => None,
            })
    }

    pub(crate) fn put_cursor(&mut self, to: usize) {
        self.failures.cursor = to;
        let failure = self.failure().map(FailureId::of);
        self.failures.at = self.label_at(to).map(|label| (label.clone(), failure));
    }

    fn place_of_cursor(&self, lines: &[FailureLine]) -> Option<usize> {
        let (wanted, failure) = self.failures.at.as_ref()?;
        let is_wanted = |line: &FailureLine| matches!(line, FailureLine::Group { label, .. } if label == wanted);
        let found = &self.failures_found()?.failures;
        let same = |line: &FailureLine| match line {
            FailureLine::One(place) => Some(FailureId::of(&found[*place])) == *failure,
            FailureLine::Group { .. } => false,
        };
        // grouped by something else it is in a group of another name
        let Some(group) = lines.iter().position(is_wanted) else {
            return lines.iter().position(same);
        };
        let mut below = lines[group + 1..]
            .iter()
            .take_while(|line| matches!(line, FailureLine::One(_)));
        Some(below.position(same).map_or(group, |at| group + 1 + at))
    }

    /// What the list shows, or the matrix's rows.
    pub(crate) fn failure_labels(&self) -> SearchableList {
        if self.failures.matrix.on {
            let confusion = self.confusion();
            let cursor = self.cell(&confusion).0;
            return SearchableList {
                labels: confusion.rows,
                cursor,
            };
        }
        let (Some(catalogue), Some(found)) = (&self.shared.catalogue, self.failures_found()) else {
            return SearchableList::default();
        };
        let by_entity = self.failures.grouping == Grouping::Entity;
        let label = |line: &FailureLine| match line {
            FailureLine::Group { label, .. } => label.clone(),
            // as it is drawn
            FailureLine::One(place) if by_entity => {
                catalogue.class(found.failures[*place].class).title()
            }
            FailureLine::One(place) => catalogue.name(found.failures[*place].entity),
        };
        SearchableList {
            labels: self.failures.lines.iter().map(label).collect(),
            cursor: self.failures.cursor,
        }
    }

    // Folding.

    /// Folds the cursor's group, and puts the cursor on its head; or unfolds it.
    pub(crate) fn fold_group(&mut self, fold: bool) {
        let Some(label) = self.label_at(self.failures.cursor).cloned() else {
            return;
        };
        if fold {
            self.failures.at = Some((label.clone(), None));
            self.failures.folded.insert(label);
        } else {
            self.failures.folded.remove(&label);
        }
    }

    pub(crate) fn toggle_group(&mut self) {
        let open = self
            .label_at(self.failures.cursor)
            .is_some_and(|label| !self.failures.folded.contains(label));
        self.fold_group(open);
    }

    pub(crate) fn fold_groups(&mut self) {
        if !self.failures.folded.is_empty() {
            return self.failures.folded.clear();
        }
        let heads = self.failures.lines.iter().filter_map(|line| match line {
            FailureLine::Group { label, .. } => Some(label.clone()),
            FailureLine::One(_) => None,
        });
        self.failures.folded = heads.collect();
        self.failures.at = self.failures.at.take().map(|(label, _)| (label, None));
    }
}

/// Indent, mark, sign and rank.
const LEAD: usize = 2 + 2 + 2 + 4;
/// A group's counts.
const COUNTS: usize = 16;
/// From this width on a failure in a tag's group says its class.
const WITH_CLASS: usize = 64;

pub fn draw(canvas: &mut DrawContext, area: Rect) {
    let app = canvas.app;
    let title = canvas.span(
        Role::Focus,
        format!(" Failures by {} ", app.failures.grouping.name()),
    );
    let right = measured(
        canvas,
        usize::from(area.width).saturating_sub(title.width() + 4),
    );
    let inner = canvas.framed(area, true, title.into(), right);
    let (head, list) = split_first_line(inner);
    summary(canvas, head);
    if app.failures.lines.is_empty() {
        return said(canvas, list, &app.failures_state());
    }
    draw_lines(canvas, list);
}

/// Draws the groups and failures that are in sight.
fn draw_lines(canvas: &mut DrawContext, list: Rect) {
    let app = canvas.app;
    let lines = &app.failures.lines;
    let cursor = app.failures.cursor;
    let page = usize::from(list.height);
    let offset = keep_in_sight(cursor, app.shared.frame.failures.offset, page, lines.len());
    canvas.frame_info.failures = Extent {
        offset,
        page,
        furthest: lines.len().saturating_sub(page),
    };
    for (at, line) in lines.iter().enumerate().skip(offset).take(page) {
        let area = Rect::new(list.x, list.y + (at - offset) as u16, list.width, 1);
        let drawn = match line {
            FailureLine::Group {
                label,
                members,
                open,
            } => group(canvas, label, members, *open, list.width.into()),
            FailureLine::One(place) => one(canvas, *place, list.width.into()),
        };
        canvas.list_line(area, drawn, at == cursor);
        canvas.click_target(area, ClickTarget::FailureRow(at));
    }
    canvas.scroll_bar(list, offset, page, lines.len());
}

/// The mode, the cutoff and the queries, for a frame's right side.
pub fn measured(canvas: &DrawContext, room: usize) -> Line<'static> {
    let app = canvas.app;
    let cutoff = CUTOFFS[app.failures.cutoff];
    let said = format!(
        " {} @{cutoff} · {} ",
        app.failures.mode,
        app.shared.evaluations.title()
    );
    Line::from(canvas.span(Role::Title, text::cut(&said, room)))
}

/// A sentence in the place of a list.
pub fn said(canvas: &mut DrawContext, area: Rect, sentence: &str) {
    for (at, line) in text::wrap(sentence, usize::from(area.width).saturating_sub(2))
        .iter()
        .enumerate()
    {
        let at = Rect {
            x: area.x + 1,
            y: area.y + at as u16,
            width: area.width.saturating_sub(1),
            height: 1,
        };
        canvas.line(
            at.intersection(area),
            Line::from(canvas.span(Role::Quiet, line.as_str())),
        );
    }
}

/// Draws the number of failures, and the conditions that leave some of them out.
fn summary(canvas: &mut DrawContext, area: Rect) {
    let counted = total(canvas);
    let room = usize::from(area.width).saturating_sub(text::width(&counted));
    let conditions = conditions(canvas);
    let only = if conditions.is_empty() {
        String::new()
    } else {
        format!("only {} ", conditions.join(" · "))
    };
    let line = Line::from(vec![
        canvas.span(Role::Quiet, counted),
        canvas.span(Role::Warning, text::fit_right(&only, room)),
    ]);
    canvas.line(area, line);
}

/// Returns the number of failures in all groups; each counts once. Nothing is counted before
/// anything is searched.
fn total(canvas: &DrawContext) -> String {
    let Some(found) = canvas.app.failures_found() else {
        return String::new();
    };
    let mut all: Vec<usize> = Vec::new();
    for line in &canvas.app.failures.lines {
        if let FailureLine::Group { members, .. } = line {
            all.extend(members);
        }
    }
    all.sort_unstable();
    all.dedup();
    let (wrong, missed) = counts(canvas, &all);
    let plural = if wrong == 1 { "" } else { "s" };
    let so_far = if found.is_complete() {
        String::new()
    } else {
        format!("in {} of {} queries ", found.searched, found.total)
    };
    format!(" {wrong} false positive{plural} · {missed} missed {so_far}")
}

/// Returns the conditions that a failure must meet to be listed.
fn conditions(canvas: &DrawContext) -> Vec<String> {
    let failures = &canvas.app.failures;
    let mut conditions = Vec::new();
    match failures.kind {
        Some(FailureKind::Missed) => conditions.push("missed".to_owned()),
        Some(FailureKind::FalsePositive) => conditions.push("false positives".to_owned()),
        None => {}
    }
    if let Some(tag) = failures.tag {
        conditions.push(tag.name().to_owned());
    }
    if failures.marked {
        conditions.push("marked".to_owned());
    }
    if let Some(cell) = &failures.confused {
        conditions.push(format!("{} as {}", cell.other, cell.gold));
    }
    if !failures.filter.is_empty() {
        conditions.push(format!("named {}", failures.filter));
    }
    conditions
}

/// False positives and missed ones.
fn counts(canvas: &DrawContext, places: &[usize]) -> (usize, usize) {
    let Some(found) = canvas.app.failures_found() else {
        return (0, 0);
    };
    let wrong = places
        .iter()
        .filter(|&&place| found.failures[place].rank.is_some())
        .count();
    (wrong, places.len() - wrong)
}

fn group(
    canvas: &DrawContext,
    label: &str,
    members: &[usize],
    open: bool,
    width: usize,
) -> Line<'static> {
    let (wrong, missed) = counts(canvas, members);
    let count = |n: usize, sign: &str| {
        if n == 0 {
            String::new()
        } else {
            format!("{n} {sign}")
        }
    };
    let name = width.saturating_sub(COUNTS + 4);
    let mut spans = canvas.label(
        Role::Title,
        &format!(
            " {} {}",
            if open { "▾" } else { "▸" },
            text::fit(label, name)
        ),
    );
    spans.extend([
        canvas.span(Role::Miss, text::fit_right(&count(wrong, "✗"), COUNTS / 2)),
        canvas.span(
            Role::Unjudged,
            text::fit_right(&count(missed, "○"), COUNTS / 2),
        ),
    ]);
    Line::from(spans)
}

fn one(canvas: &DrawContext, place: usize, width: usize) -> Line<'static> {
    let (Some(found), Some(catalogue)) = (canvas.app.failures_found(), canvas.catalogue()) else {
        return Line::default();
    };
    let failure = &found.failures[place];
    let (name, beside) = names(canvas, catalogue, failure, width);
    let says_class = canvas.app.failures.grouping == Grouping::Tag && width >= WITH_CLASS;
    let beside_width = if says_class { 22 } else { 3 };
    let rest = width.saturating_sub(LEAD + 1 + beside_width + 4);
    let name_width = (rest * 2 / 5).max(12).min(rest);
    let is_marked = canvas.app.remark(failure).is_some_and(|r| r.marked);
    let rank = failure
        .rank
        .map_or_else(|| "–".to_owned(), |rank| rank.to_string());
    let mut spans = vec![
        Span::raw("  "),
        canvas.span(Role::Seed, if is_marked { "* " } else { "  " }),
        sign(canvas, failure),
        canvas.span(Role::Quiet, format!(" {} ", text::fit_right(&rank, 4))),
    ];
    spans.extend(canvas.label(Role::Text, &format!("{}  ", text::fit(&name, name_width))));
    spans.extend([
        canvas.span(
            Role::Quiet,
            format!("{}  ", text::fit(&beside, beside_width)),
        ),
        canvas.span(
            Role::Quiet,
            text::cut(&why(canvas, failure), rest.saturating_sub(name_width)),
        ),
    ]);
    Line::from(spans)
}

/// Returns the name that a failure is listed under in its group, and the text beside it: its query
/// and, where there is room, a class that neither the group nor the name says.
fn names(
    canvas: &DrawContext,
    catalogue: &Catalogue,
    failure: &Failure,
    width: usize,
) -> (String, String) {
    let class = catalogue.class(failure.class).title();
    let query = format!("q{}", failure.number + 1);
    match canvas.app.failures.grouping {
        Grouping::Class => (canvas.name(failure.entity), query),
        Grouping::Entity => (class, query),
        Grouping::Tag if width >= WITH_CLASS => {
            (canvas.name(failure.entity), format!("{class} {query}"))
        }
        Grouping::Tag => (canvas.name(failure.entity), query),
    }
}

/// Returns the user's note, if there is one, and the names of the tags.
fn why(canvas: &DrawContext, failure: &Failure) -> String {
    let mut why = Vec::new();
    if let Some(remark) = canvas.app.remark(failure)
        && !remark.note.is_empty()
    {
        why.push(format!("“{}”", remark.note));
    }
    for tag in &failure.tags {
        why.push(tag.kind().name().to_owned());
    }
    why.join(", ")
}

/// ✗ of a false positive, ? where nothing says that it is one, ○ of a missed member.
pub fn sign(canvas: &DrawContext, failure: &Failure) -> Span<'static> {
    match failure.kind() {
        FailureKind::FalsePositive => mark_sign(
            canvas,
            canvas.catalogue().map_or(GoldMark::Unjudged, |c| {
                gold_mark(c, Some(failure.class), failure.entity)
            }),
        ),
        FailureKind::Missed => canvas.span(Role::Unjudged, "○"),
    }
}
