//! The pane of one entity: images, ranks, the probability that it is a member, the score as a sum, how
//! it was picked, its sentences and its nearest entities.

use std::path::PathBuf;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::{
    Candidate, Catalogue, EntityCard, EntityDetail, ExpandRequest, PickNumbers, RerankedPick,
};
use crate::table::probability_percent;
use crate::tui::explore::expansion::{CandidateList, CandidateRow};
use crate::tui::explore::pane_context::PaneContext;
use crate::tui::gold_mark::{GoldMark, gold_mark};
use crate::tui::parts::Pane;
use crate::tui::shared::{Detail, Shared};
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::{ClickTarget, FrameInfo};
use crate::tui::ui::labels::{class_titles, mark_sign, sentence_words};
use crate::tui::ui::scroll::{Extent, shifted};
use crate::tui::ui::{bars, text};
use crate::types::EntityId;

/// The least and the largest number of lines of an image. An image is twice as many columns wide,
/// which makes it about square.
const MIN_IMAGE_LINES: u16 = 6;
const MAX_IMAGE_LINES: u16 = 16;
/// The fraction of the pane's lines that images take at most is one over this number.
const IMAGE_FRACTION: u16 = 3;
/// The least number of lines of a pane with images.
const LINES_FOR_IMAGES: u16 = 14;
const RANK_LABEL: &str = "rank  ";
/// The number of nearest entities that are shown.
const NEIGHBOURS: usize = 12;
/// The least width in columns of the panes on both sides of the divider.
const MIN_WIDTH: u16 = 28;

/// The pane of one entity.
#[derive(Debug, Default)]
pub struct EntityPane {
    /// An entity inspected from elsewhere, such as a missing one or a neighbour; otherwise the
    /// selected candidate is shown.
    pub inspected: Option<EntityId>,
    /// The first of the entity's images that is shown, from 0.
    pub first_image: usize,
    pub scroll: usize,
    /// The width in columns that the user chose.
    pub width: Option<u16>,
    /// Set while the border is being dragged.
    pub(crate) resizing: bool,
}

/// One line of the pane, and the neighbour that a click on it inspects.
struct Item {
    line: Line<'static>,
    neighbour: Option<EntityId>,
}

impl From<Line<'static>> for Item {
    fn from(line: Line<'static>) -> Self {
        Item {
            line,
            neighbour: None,
        }
    }
}

impl EntityPane {
    /// Shows an inspected entity, or the selected candidate, from the top.
    pub(crate) fn show(&mut self, inspected: Option<EntityId>) {
        self.inspected = inspected;
        self.first_image = 0;
        self.scroll = 0;
    }

    /// Scrolls by a number of lines.
    pub(crate) fn step(&mut self, by: isize, shared: &Shared) {
        self.scroll = shifted(self.scroll, by, shared.frame.entity.furthest + 1);
    }

    /// Moves the left border of the pane to a column.
    pub(crate) fn drag_border(&mut self, column: u16, frame: &FrameInfo) {
        let candidates = frame.area_of(ClickTarget::Pane(Pane::Candidates));
        let left = candidates.map_or(0, |area| area.x);
        let max_width = frame.size.width.saturating_sub(left + MIN_WIDTH);
        let width = frame.size.width.saturating_sub(column);
        self.width = Some(width.clamp(MIN_WIDTH, max_width.max(MIN_WIDTH)));
    }

    /// Draws the pane.
    pub(crate) fn draw(&self, canvas: &mut DrawContext, area: Rect, context: &PaneContext) {
        let subject = context.subject;
        let name = subject.map_or_else(|| "Entity".to_owned(), |entity| canvas.name(entity));
        let name = text::cut(&name, usize::from(area.width).saturating_sub(12));
        let detail = subject.and_then(|entity| {
            let key = (entity, context.query.mode);
            canvas.shared.details.get(&key)
        });
        let right = self.image_count(canvas, images(detail).len());
        let inner = context.draw_frame(canvas, area, Pane::Entity, &name, right);
        let Some(entity) = subject else { return };
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        let image_lines = self.draw_images(canvas, inner, detail);
        let body = Rect {
            y: inner.y + image_lines,
            height: inner.height - image_lines,
            ..inner
        };
        let items = items(canvas, entity, detail, usize::from(body.width), context);
        self.draw_items(canvas, body, items);
    }

    /// Draws the visible lines.
    fn draw_items(&self, canvas: &mut DrawContext, body: Rect, items: Vec<Item>) {
        let (page, len) = (usize::from(body.height), items.len());
        let extent = Extent::scrolled(self.scroll, page, len);
        let offset = extent.offset;
        canvas.frame_info.entity = extent;
        for (at, item) in items.into_iter().skip(offset).take(page).enumerate() {
            let line = Rect::new(body.x, body.y + at as u16, body.width, 1);
            canvas.line(line, item.line);
            if let Some(neighbour) = item.neighbour {
                canvas.click_target(line, ClickTarget::Neighbor(neighbour));
            }
        }
        let scrolled = Rect {
            width: body.width + 1,
            ..body
        };
        canvas.scroll_bar(scrolled, offset, page, len);
    }

    /// Returns the number of images, and which of them is the first visible one: "2/5".
    fn image_count(&self, canvas: &DrawContext, count: usize) -> Line<'static> {
        let label = match (count, canvas.images.is_enabled()) {
            (0, _) => return Line::default(),
            (1, false) => " 1 picture ".into(),
            (_, false) => format!(" {count} pictures "),
            _ => format!(" {}/{count} ", self.first_image.min(count - 1) + 1),
        };
        Line::from(canvas.span(Role::Quiet, label))
    }

    /// Draws as many images side by side as fit, and returns the lines that they take.
    fn draw_images(&self, canvas: &mut DrawContext, inner: Rect, detail: Option<&Detail>) -> u16 {
        let paths = images(detail);
        let has_none = detail.is_some() && paths.is_empty();
        if !canvas.images.is_enabled() || inner.height < LINES_FOR_IMAGES || has_none {
            return 0;
        }
        let max_lines = (inner.height / IMAGE_FRACTION).clamp(MIN_IMAGE_LINES, MAX_IMAGE_LINES);
        let (fits, width, height) = strip_layout(inner.width, paths.len().max(1), max_lines);
        canvas.frame_info.visible_images = fits;
        let first = self.first_image.min(paths.len().saturating_sub(fits));
        let mut x = inner.x;
        for (at, path) in paths.iter().enumerate().skip(first).take(fits) {
            let area = Rect::new(x, inner.y, width, height);
            canvas.image(area, path);
            canvas.click_target(area, ClickTarget::Image(at));
            x += width + 1;
        }
        height + 1
    }
}

/// Returns the paths of the entity's images, once they have arrived.
fn images(detail: Option<&Detail>) -> &[PathBuf] {
    match detail {
        Some(Ok(detail)) => &detail.images,
        _ => &[],
    }
}

/// Returns how many of `count` images are shown side by side in `width` columns, and the columns and
/// lines of each. The layout leaves the fewest columns empty; no image has more than `max_lines`
/// lines.
fn strip_layout(width: u16, count: usize, max_lines: u16) -> (usize, u16, u16) {
    let layout = |fits: u16| {
        let wide = (width.saturating_sub(fits - 1) / fits).min(max_lines * 2);
        let left_over = width - (wide * fits + fits - 1).min(width);
        (left_over, fits, wide, wide.div_ceil(2))
    };
    let one = layout(1);
    let many = (2..=count.min(usize::from(width)) as u16)
        .map(layout)
        .take_while(|(.., tall)| *tall >= MIN_IMAGE_LINES);
    let (_, fits, wide, tall) = many.fold(
        one,
        |best, next| if next.0 + 1 < best.0 { next } else { best },
    );
    (usize::from(fits), wide, tall)
}

/// Returns the lines about an entity.
fn items(
    canvas: &DrawContext,
    entity: EntityId,
    detail: Option<&Detail>,
    width: usize,
    context: &PaneContext,
) -> Vec<Item> {
    let mut items = description(canvas, entity, width, context);
    if let Some(expansion) = context.expansion {
        let row = row_of(canvas, expansion, entity, context.reranked);
        items.extend(ranks(canvas, expansion, entity, row.as_ref(), width));
        if let Some(row) = row
            && let Some(candidate) = expansion.candidates.get(row.pick)
        {
            items.extend(probability(canvas, expansion, candidate, &row, width));
            items.extend(score(canvas, expansion, candidate, width));
            if let Some(numbers) = &candidate.pick {
                items.extend(pick_lines(canvas, expansion, &row, numbers, width));
            }
        }
    }
    match detail {
        Some(Ok(detail)) => {
            items.extend(sentences(canvas, detail, width));
            items.extend(neighbours(canvas, detail, width, context));
            items.extend(query_ranks(canvas, detail, width));
        }
        Some(Err(error)) => {
            let lines = text::wrap(error, width).into_iter();
            items.extend(lines.map(|line| quiet(canvas, line)));
        }
        None => items.push(quiet(canvas, "…".into())),
    }
    items
}

/// Returns an entity's row in the expansion, if it was picked.
fn row_of(
    canvas: &DrawContext,
    expansion: &CandidateList,
    entity: EntityId,
    reranked: bool,
) -> Option<CandidateRow> {
    let rows = expansion.rows(canvas.catalogue()?, reranked);
    rows.into_iter().find(|row| row.entity == entity)
}

fn quiet(canvas: &DrawContext, text: String) -> Item {
    Line::from(canvas.span(Role::Quiet, text)).into()
}

/// Returns an empty line and a heading with a note.
fn heading(canvas: &DrawContext, text: &str, note: String) -> Vec<Item> {
    let line = Line::from(vec![
        canvas.span(Role::Title, text.to_owned()),
        canvas.span(Role::Quiet, format!("  {note}")),
    ]);
    vec![Line::default().into(), line.into()]
}

/// Returns the entity's mark and its classes.
fn description(
    canvas: &DrawContext,
    entity: EntityId,
    width: usize,
    context: &PaneContext,
) -> Vec<Item> {
    let Some(catalogue) = canvas.catalogue() else {
        return Vec::new();
    };
    let Some(card) = catalogue.entity(entity) else {
        return Vec::new();
    };
    let seeds = &context.query.seeds;
    let sign = if seeds.seeds.contains(&entity) {
        canvas.span(Role::Seed, "seed")
    } else if seeds.accepted.contains(&entity) {
        canvas.span(Role::Gold, "accepted")
    } else if seeds.rejected.contains(&entity) {
        canvas.span(Role::Miss, "rejected")
    } else {
        mark_sign(canvas, gold_mark(catalogue, context.gold_class(), entity))
    };
    let lead = sign.width() + 1;
    let classes = classes(catalogue, card);
    let mut lines = text::wrap(&classes, width.saturating_sub(lead)).into_iter();
    let first = Line::from(vec![
        sign,
        Span::raw(" "),
        canvas.span(Role::Text, lines.next().unwrap_or_default()),
    ]);
    let mut items = vec![Item::from(first)];
    for line in lines {
        let line = " ".repeat(lead) + &line;
        items.push(Line::from(canvas.span(Role::Text, line)).into());
    }
    items
}

/// Returns the titles of an entity's classes; of a single class also the level above it.
fn classes(catalogue: &Catalogue, card: &EntityCard) -> String {
    let titles = class_titles(catalogue, &card.classes);
    if titles.is_empty() && !catalogue.classes.is_empty() {
        return "in no class".into();
    }
    if let [only] = card.classes[..] {
        let class = catalogue.class(only);
        if let Some(above) = class.middle.as_ref().or(class.coarse.as_ref()) {
            return format!("{titles} · {above}");
        }
    }
    titles
}

/// Returns the entity's rank in each mode, and the reason if it is missing.
fn ranks(
    canvas: &DrawContext,
    expansion: &CandidateList,
    entity: EntityId,
    row: Option<&CandidateRow>,
    width: usize,
) -> Vec<Item> {
    let mut items = Vec::new();
    let request = &expansion.request;
    if !request.seeds.contains(&entity) && !request.accepted.contains(&entity) {
        let ranks = mode_ranks(expansion, entity, row);
        let room = width.saturating_sub(RANK_LABEL.len());
        let mut label = RANK_LABEL;
        for line in text::wrap(&ranks, room) {
            let label = canvas.span(Role::Quiet, std::mem::replace(&mut label, "      "));
            let ranks = canvas.span(Role::Text, line);
            items.push(Line::from(vec![label, ranks]).into());
        }
    }
    let missing = expansion.missing.as_deref().unwrap_or_default();
    let missing = missing.iter().find(|missing| missing.entity == entity);
    if let (Some(missing), Some(catalogue)) = (missing, canvas.catalogue()) {
        let reason = format!("missing: {}", missing.reason.describe(catalogue));
        for line in text::wrap(&reason, width) {
            items.push(Line::from(canvas.span(Role::Warning, line)).into());
        }
    }
    items
}

/// Returns the entity's rank in each mode: "both 3 · text 7 · image –".
fn mode_ranks(expansion: &CandidateList, entity: EntityId, row: Option<&CandidateRow>) -> String {
    let label = |rank: Option<usize>| rank.map_or("–".into(), |rank| rank.to_string());
    let own = label(row.map(|row| row.rank));
    let mut ranks = vec![format!("{}\u{a0}{own}", expansion.request.mode)];
    for (mode, others) in &expansion.other_modes {
        let rank = label(others.get(&entity).copied());
        ranks.push(format!("{mode}\u{a0}{rank}"));
    }
    // A line does not start with the dot.
    ranks.join("\u{a0}· ")
}

/// One bar of the score.
struct ScoreBar {
    name: String,
    contribution: f64,
    role: Role,
}

impl ScoreBar {
    fn new(name: &str, contribution: f64, role: Role) -> Self {
        ScoreBar {
            name: name.to_owned(),
            contribution,
            role,
        }
    }

    /// Returns the line of the bar: name, contribution, and a bar scaled by the largest one.
    fn line(&self, canvas: &DrawContext, names: usize, scale: f64, width: usize) -> Item {
        let room = width.saturating_sub(names + 8);
        let value = self.contribution;
        let bar = bars::to_right(value / scale.max(f64::MIN_POSITIVE), room);
        Line::from(vec![
            canvas.span(Role::Quiet, text::fit(&self.name, names)),
            canvas.span(Role::Text, text::fit_right(&format!("{value:.2}"), 7)),
            canvas.span(self.role, format!(" {bar}")),
        ])
        .into()
    }
}

/// Returns the probability that a candidate is a member, once it is known.
fn probability(
    canvas: &DrawContext,
    expansion: &CandidateList,
    candidate: &Candidate,
    row: &CandidateRow,
    width: usize,
) -> Vec<Item> {
    let Some(probability) = candidate.probability else {
        return Vec::new();
    };
    let side = match expansion.boundary {
        Some(boundary) if row.rank <= boundary.size => " · within the boundary",
        Some(_) => " · after the boundary",
        None => "",
    };
    let mut line = Line::from(vec![
        canvas.span(Role::Quiet, "member  "),
        canvas.span(Role::Text, probability_percent(probability)),
    ]);
    if line.width() + text::width(side) <= width {
        line.push_span(canvas.span(Role::Quiet, side));
    }
    vec![line.into()]
}

/// Returns the score as a sum over modalities, then over seeds and other members.
fn score(
    canvas: &DrawContext,
    expansion: &CandidateList,
    candidate: &Candidate,
    width: usize,
) -> Vec<Item> {
    let modalities = modality_bars(candidate);
    let members = member_bars(canvas, expansion, candidate);
    let all = || modalities.iter().chain(&members);
    let names = all().map(|bar| text::width(&bar.name)).max().unwrap_or(0);
    let names = names.min(width / 3);
    let values = all().map(|bar| bar.contribution.abs());
    let scale = values.fold(0.0_f64, f64::max);
    let line = |bar: &ScoreBar| bar.line(canvas, names, scale, width);
    let mut items = heading(canvas, "score", format!("{:.2}", candidate.score));
    items.extend(modalities.iter().map(line));
    if let Some(weight) = expansion.image_weight {
        let lines = text::wrap(&image_weight_text(weight), width).into_iter();
        items.extend(lines.map(|line| quiet(canvas, line)));
    }
    if !modalities.is_empty() && !members.is_empty() {
        let is_by_seed = members.iter().all(|bar| bar.role == Role::Seed);
        let unit = if is_by_seed { "seed" } else { "member" };
        items.push(quiet(canvas, format!("the same score by {unit}")));
    }
    items.extend(members.iter().map(line));
    items
}

/// Returns the contributions of the modalities, of hubness and of rejected candidates, without those
/// that are 0.
fn modality_bars(candidate: &Candidate) -> Vec<ScoreBar> {
    let Some(parts) = candidate.parts else {
        return Vec::new();
    };
    let mut bars = vec![
        ScoreBar::new("prior", parts.prior, Role::Quiet),
        ScoreBar::new("text", parts.text, Role::TextShare),
        ScoreBar::new("image", parts.image, Role::ImageShare),
        ScoreBar::new("hubness", parts.hubness, Role::Quiet),
        ScoreBar::new("rejected", parts.rejected, Role::Miss),
    ];
    bars.retain(|bar| bar.contribution != 0.0);
    bars
}

/// Returns the contributions of the seeds, of the accepted candidates, of those that were fed back,
/// and of the rejected ones.
fn member_bars(
    canvas: &DrawContext,
    expansion: &CandidateList,
    candidate: &Candidate,
) -> Vec<ScoreBar> {
    let ExpandRequest {
        seeds, accepted, ..
    } = &expansion.request;
    let mut bars = Vec::new();
    let contributions = &candidate.seed_contributions;
    for (seed, &contribution) in seeds.iter().zip(contributions) {
        bars.push(ScoreBar::new(&canvas.name(*seed), contribution, Role::Seed));
    }
    for (accepted, &contribution) in accepted.iter().zip(contributions.iter().skip(seeds.len())) {
        let name = format!("+ {}", canvas.name(*accepted));
        bars.push(ScoreBar::new(&name, contribution, Role::Gold));
    }
    let rejected = candidate.parts.map_or(0.0, |parts| parts.rejected);
    for (name, contribution, role) in [
        ("fed back", candidate.feedback_contribution, Role::Quiet),
        ("rejected", rejected, Role::Miss),
    ] {
        if contribution != 0.0 {
            bars.push(ScoreBar::new(name, contribution, role));
        }
    }
    bars
}

/// Says how much images count, and why.
fn image_weight_text(weight: f64) -> String {
    if weight > 0.0 {
        let weight = text::fraction(weight);
        format!("images count {weight}: the seeds' images agree with their text")
    } else {
        "images do not count: the seeds' images do not agree with their text".into()
    }
}

/// Returns how the search picked the entity, and its rank after re-ranking.
fn pick_lines(
    canvas: &DrawContext,
    expansion: &CandidateList,
    row: &CandidateRow,
    pick: &PickNumbers,
    width: usize,
) -> Vec<Item> {
    let mut items = heading(canvas, "picked", format!("as number {}", row.pick + 1));
    let window = if pick.window == 1 {
        "the best of all".to_owned()
    } else {
        format!("rank {} in a window of {}", pick.window_rank, pick.window)
    };
    let mut facts = vec![
        format!("round {} · {window}", pick.round),
        format!(
            "set\u{a0}score\u{a0}{:.2} · divergence\u{a0}{:.4}",
            pick.set_score, pick.divergence
        ),
    ];
    if let Some(reranking) = row.reranking {
        facts.push(reranking_formula(expansion, row, &reranking));
    }
    for line in facts.iter().flat_map(|fact| text::wrap(fact, width)) {
        items.push(Line::from(canvas.span(Role::Text, line)).into());
    }
    items
}

/// Returns the score of re-ranking as a sum: "re-ranked by 1/3 + 1/5 = 0.533".
fn reranking_formula(
    expansion: &CandidateList,
    row: &CandidateRow,
    reranking: &RerankedPick,
) -> String {
    let (pick, divergence_rank) = (row.pick + 1, reranking.divergence_rank);
    match expansion.request.settings.weights() {
        [_, 0] => "not re-ranked".to_owned(),
        [rank, divergence] => format!(
            "re-ranked by {rank}/{pick} + {divergence}/{divergence_rank} = {:.3}",
            reranking.score
        ),
    }
}

/// Returns the entity's sentences, separated by empty lines.
fn sentences(canvas: &DrawContext, detail: &EntityDetail, width: usize) -> Vec<Item> {
    if detail.sentences.is_empty() {
        return Vec::new();
    }
    let count = detail.sentences.len();
    let mut items = heading(canvas, "sentences", count.to_string());
    for (at, sentence) in detail.sentences.iter().enumerate() {
        if at > 0 {
            items.push(Line::default().into());
        }
        let lines = text::wrap_words(sentence_words(canvas, sentence), width);
        items.extend(lines.into_iter().map(Item::from));
    }
    items
}

/// Returns the nearest entities by Z.
fn neighbours(
    canvas: &DrawContext,
    detail: &EntityDetail,
    width: usize,
    context: &PaneContext,
) -> Vec<Item> {
    if detail.neighbours.is_empty() {
        return Vec::new();
    }
    let mut items = heading(canvas, "nearest", "by Z".into());
    for &(entity, z) in detail.neighbours.iter().take(NEIGHBOURS) {
        items.push(Item {
            line: neighbour_line(canvas, entity, z, width, context),
            neighbour: Some(entity),
        });
    }
    items
}

fn neighbour_line(
    canvas: &DrawContext,
    entity: EntityId,
    z: f64,
    width: usize,
    context: &PaneContext,
) -> Line<'static> {
    let catalogue = canvas.catalogue();
    let mark = catalogue.map_or(GoldMark::Unjudged, |catalogue| {
        gold_mark(catalogue, context.gold_class(), entity)
    });
    let name = text::fit(&canvas.name(entity), width.saturating_sub(8));
    Line::from(vec![
        mark_sign(canvas, mark),
        canvas.span(Role::Text, format!(" {name}")),
        canvas.span(Role::Quiet, text::fit_right(&format!("{z:.2}"), 6)),
    ])
}

/// Returns the entity's ranks in the queries that were evaluated.
fn query_ranks(canvas: &DrawContext, detail: &EntityDetail, width: usize) -> Vec<Item> {
    if detail.query_ranks.is_empty() {
        return Vec::new();
    }
    let mut items = heading(canvas, "in queries", "rank".into());
    for &(class, number, rank) in &detail.query_ranks {
        let catalogue = canvas.catalogue();
        let title = catalogue.map(|catalogue| catalogue.class(class).title());
        let query = format!("{} {}", title.unwrap_or_default(), number + 1);
        let query = text::fit(&query, width.saturating_sub(6));
        let line = Line::from(vec![
            canvas.span(Role::Text, query),
            canvas.span(Role::Quiet, text::fit_right(&rank.to_string(), 5)),
        ]);
        items.push(line.into());
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_use_the_width_of_the_pane() {
        assert_eq!(strip_layout(31, 5, 12), (2, 15, 8));
        assert_eq!(strip_layout(31, 1, 12), (1, 24, 12));
        assert_eq!(strip_layout(60, 5, 16), (2, 29, 15));
        assert_eq!(strip_layout(20, 5, 6), (1, 12, 6));
        assert_eq!(strip_layout(5, 3, 6), (1, 5, 3));
        for width in 1..120 {
            let (fits, wide, tall) = strip_layout(width, 4, 9);
            assert!(
                fits as u16 * wide + fits as u16 - 1 <= width && tall <= 9,
                "{width}"
            );
        }
    }
}
