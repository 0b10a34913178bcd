//! One entity: pictures, ranks, the score taken apart, how it was picked, its sentences, its
//! neighbours.

use std::path::PathBuf;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::{Candidate, EntityDetail};
use crate::tui::explore::expansion::{CandidateList, CandidateRow};
use crate::tui::gold_mark::{GoldMark, gold_mark};
use crate::tui::parts::Pane;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::labels::{class_titles, mark_sign, sentence_words};
use crate::tui::ui::scroll::Extent;
use crate::tui::ui::{bars, text};
use crate::types::EntityId;

/// Lines of a picture in the strip, at least, and at most so much of the pane. It is as wide as
/// twice its lines, so about square.
const PICTURE_LINES: u16 = 6;
const MOST_PICTURE_LINES: u16 = 16;
const PICTURE_SHARE: u16 = 3;
/// Below this many lines of the pane, text is worth more than pictures.
const LINES_FOR_PICTURES: u16 = 14;
const RANK_LABEL: &str = "rank  ";
/// Neighbours shown.
const NEIGHBOURS: usize = 12;

/// One line of the pane, and the neighbour it stands for.
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

pub fn draw(canvas: &mut DrawContext, area: Rect) {
    let app = canvas.app;
    let subject = app.subject();
    let name = subject.map_or_else(|| "Entity".to_owned(), |e| canvas.name(e));
    let name = text::cut(&name, usize::from(area.width).saturating_sub(12));
    let title = Line::from(canvas.title(Pane::Entity, &name));
    let inner = canvas.pane(area, Pane::Entity, title, picture_count(canvas));
    let Some(entity) = subject else { return };
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    let strip = strip(canvas, inner);
    let body = Rect {
        y: inner.y + strip,
        height: inner.height - strip,
        ..inner
    };
    let items = items(canvas, entity, usize::from(body.width));
    let page = usize::from(body.height);
    let furthest = items.len().saturating_sub(page);
    let offset = app.explore.entity.scroll.min(furthest);
    canvas.frame_info.entity = Extent {
        offset,
        page,
        furthest,
    };
    let len = items.len();
    for (at, item) in items.into_iter().skip(offset).take(page).enumerate() {
        let line = Rect::new(body.x, body.y + at as u16, body.width, 1);
        canvas.line(line, item.line);
        if let Some(neighbour) = item.neighbour {
            canvas.click_target(line, ClickTarget::Neighbor(neighbour));
        }
    }
    canvas.scroll_bar(
        Rect {
            width: body.width + 1,
            ..body
        },
        offset,
        page,
        len,
    );
}

fn pictures<'a>(canvas: &DrawContext<'a, '_>) -> &'a [PathBuf] {
    match canvas.app.detail() {
        Some(Ok(detail)) => &detail.images,
        _ => &[],
    }
}

/// "2/5 pictures" where they are off or do not all fit.
fn picture_count(canvas: &DrawContext) -> Line<'static> {
    let (app, all) = (canvas.app, pictures(canvas).len());
    let said = match (all, canvas.images.is_enabled()) {
        (0, _) => return Line::default(),
        (1, false) => " 1 picture ".into(),
        (_, false) => format!(" {all} pictures "),
        _ => format!(
            " {}/{all} ",
            app.explore.entity.first_image.min(all - 1) + 1
        ),
    };
    Line::from(canvas.span(Role::Quiet, said))
}

/// The pictures side by side, as many as fit; gives the lines taken.
fn strip(canvas: &mut DrawContext, inner: Rect) -> u16 {
    let paths = pictures(canvas);
    let known = canvas.app.detail().is_some();
    if !canvas.images.is_enabled()
        || inner.height < LINES_FOR_PICTURES
        || (known && paths.is_empty())
    {
        return 0;
    }
    let most = (inner.height / PICTURE_SHARE).clamp(PICTURE_LINES, MOST_PICTURE_LINES);
    let (fits, wide, tall) = strip_layout(inner.width, paths.len().max(1), most);
    canvas.frame_info.visible_images = fits;
    let first = canvas
        .app
        .explore
        .entity
        .first_image
        .min(paths.len().saturating_sub(fits));
    for (place, (at, path)) in paths.iter().enumerate().skip(first).take(fits).enumerate() {
        let area = Rect::new(inner.x + place as u16 * (wide + 1), inner.y, wide, tall);
        canvas.image(area, path);
        canvas.click_target(area, ClickTarget::Image(at));
    }
    tall + 1
}

/// How many of `count` pictures stand side by side in `width` columns, and the columns and lines of
/// each, at most `most`: as large as leaves the fewest columns empty.
fn strip_layout(width: u16, count: usize, most: u16) -> (usize, u16, u16) {
    let layout = |fits: u16| {
        let wide = (width.saturating_sub(fits - 1) / fits).min(most * 2);
        let left_over = width - (wide * fits + fits - 1).min(width);
        (left_over, fits, wide, wide.div_ceil(2))
    };
    let one = layout(1);
    let many = (2..=count.min(usize::from(width)) as u16)
        .map(layout)
        .take_while(|(.., tall)| *tall >= PICTURE_LINES);
    let (_, fits, wide, tall) = many.fold(
        one,
        |best, next| if next.0 + 1 < best.0 { next } else { best },
    );
    (usize::from(fits), wide, tall)
}

fn items(canvas: &DrawContext, entity: EntityId, width: usize) -> Vec<Item> {
    let app = canvas.app;
    let rows = match (&app.explore.candidates.expansion, canvas.catalogue()) {
        (Some(expansion), Some(catalogue)) => {
            expansion.rows(catalogue, app.explore.candidates.reranked)
        }
        _ => Vec::new(),
    };
    let row = rows.iter().find(|r| r.entity == entity);
    let mut out = known_as(canvas, entity, width);
    if let Some(expansion) = &app.explore.candidates.expansion {
        out.extend(ranks(canvas, expansion, entity, row, width));
        if let Some((row, pick)) = row.and_then(|r| Some((r, expansion.picks.get(r.pick)?))) {
            out.extend(score(canvas, expansion, pick, width));
            out.extend(picked(canvas, expansion, row, pick, width));
        }
    }
    match app.detail() {
        Some(Ok(detail)) => out.extend(in_corpus(canvas, detail, width)),
        Some(Err(why)) => out.extend(text::wrap(why, width).into_iter().map(|l| quiet(canvas, l))),
        None => out.push(quiet(canvas, "…".into())),
    }
    out
}

fn quiet(canvas: &DrawContext, text: String) -> Item {
    Line::from(canvas.span(Role::Quiet, text)).into()
}

fn heading(canvas: &DrawContext, text: &str, note: String) -> Vec<Item> {
    let line = Line::from(vec![
        canvas.span(Role::Title, text.to_owned()),
        canvas.span(Role::Quiet, format!("  {note}")),
    ]);
    vec![Line::default().into(), line.into()]
}

/// Its mark, its classes and what lies above them.
fn known_as(canvas: &DrawContext, entity: EntityId, width: usize) -> Vec<Item> {
    let (app, Some(catalogue)) = (canvas.app, canvas.catalogue()) else {
        return Vec::new();
    };
    let Some(card) = catalogue.entity(entity) else {
        return Vec::new();
    };
    let gold = app
        .explore
        .candidates
        .expansion
        .as_ref()
        .and_then(|e| e.ask.class);
    let sign = match app.explore.query.seeds.seeds.contains(&entity) {
        true => canvas.span(Role::Seed, "seed"),
        false => mark_sign(canvas, gold_mark(catalogue, gold, entity)),
    };
    let mut said = class_titles(catalogue, &card.classes);
    if said.is_empty() {
        said = if catalogue.classes.is_empty() {
            String::new()
        } else {
            "in no class".into()
        };
    }
    if let [only] = card.classes[..]
        && let Some(above) = catalogue
            .class(only)
            .middle
            .as_ref()
            .or(catalogue.class(only).coarse.as_ref())
    {
        said = format!("{said} · {above}");
    }
    let lead = sign.width() + 1;
    let mut lines = text::wrap(&said, width.saturating_sub(lead)).into_iter();
    let first = Line::from(vec![
        sign,
        Span::raw(" "),
        canvas.span(Role::Text, lines.next().unwrap_or_default()),
    ]);
    let mut out = vec![Item::from(first)];
    out.extend(lines.map(|l| Line::from(canvas.span(Role::Text, " ".repeat(lead) + &l)).into()));
    out
}

/// Its rank in each mode, or why it is not in the list.
fn ranks(
    canvas: &DrawContext,
    e: &CandidateList,
    entity: EntityId,
    row: Option<&CandidateRow>,
    width: usize,
) -> Vec<Item> {
    let mut said = vec![match row {
        Some(row) => format!("{}\u{a0}{}", e.ask.mode, row.rank),
        None => format!("{}\u{a0}–", e.ask.mode),
    }];
    for (mode, ranks) in &e.beside {
        said.push(format!(
            "{mode}\u{a0}{}",
            ranks.get(&entity).map_or("–".into(), usize::to_string)
        ));
    }
    let seed = e.ask.seeds.contains(&entity);
    let mut out = Vec::new();
    if !seed {
        let lines = text::wrap(&said.join(" · "), width.saturating_sub(RANK_LABEL.len()));
        for (at, line) in lines.into_iter().enumerate() {
            let lead = if at == 0 { RANK_LABEL } else { "      " };
            out.push(
                Line::from(vec![
                    canvas.span(Role::Quiet, lead),
                    canvas.span(Role::Text, line),
                ])
                .into(),
            );
        }
    }
    let missing = e
        .missing
        .as_ref()
        .and_then(|all| all.iter().find(|m| m.entity == entity));
    if let (Some(missing), Some(catalogue)) = (missing, canvas.catalogue()) {
        let lines = text::wrap(
            &format!("missing: {}", missing.reason.describe(catalogue)),
            width,
        );
        out.extend(
            lines
                .into_iter()
                .map(|l| Item::from(Line::from(canvas.span(Role::Warning, l)))),
        );
    }
    out
}

/// The score as a sum over modalities, then over seeds.
fn score(
    canvas: &DrawContext,
    expansion: &CandidateList,
    pick: &Candidate,
    width: usize,
) -> Vec<Item> {
    let mut out = heading(canvas, "score", format!("{:.2}", pick.score));
    let largest = pick
        .seed_contributions
        .iter()
        .fold(0.0_f64, |m, s| m.max(s.abs()));
    let mut bar_rows: Vec<(String, f64, Role)> = Vec::new();
    let mut scale = largest;
    if let Some(parts) = pick.parts {
        scale = scale
            .max(parts.text.abs())
            .max(parts.image.abs())
            .max(parts.prior.abs());
        bar_rows.push(("prior".into(), parts.prior, Role::Quiet));
        bar_rows.push(("text".into(), parts.text, Role::TextShare));
        bar_rows.push(("image".into(), parts.image, Role::ImageShare));
    }
    let shares = expansion.ask.seeds.iter().zip(&pick.seed_contributions);
    let from_seeds: Vec<_> = shares
        .map(|(&s, &share)| (canvas.name(s), share, Role::Seed))
        .collect();
    let names = bar_rows
        .iter()
        .chain(&from_seeds)
        .map(|(n, ..)| text::width(n))
        .max()
        .unwrap_or(0)
        .min(width / 3);
    let bar = |(name, share, role): &(String, f64, Role)| -> Item {
        let room = width.saturating_sub(names + 8);
        let drawn = bars::to_right(share / scale.max(f64::MIN_POSITIVE), room);
        Line::from(vec![
            canvas.span(Role::Quiet, text::fit(name, names)),
            canvas.span(Role::Text, text::fit_right(&format!("{share:.2}"), 7)),
            canvas.span(*role, format!(" {drawn}")),
        ])
        .into()
    };
    out.extend(bar_rows.iter().map(bar));
    if !bar_rows.is_empty() && !from_seeds.is_empty() {
        out.push(quiet(canvas, "which is, seed by seed".into()));
    }
    out.extend(from_seeds.iter().map(bar));
    out
}

/// How the search came to it and where re-ranking put it.
fn picked(
    canvas: &DrawContext,
    expansion: &CandidateList,
    row: &CandidateRow,
    pick: &Candidate,
    width: usize,
) -> Vec<Item> {
    let mut out = heading(canvas, "picked", format!("as number {}", row.pick + 1));
    let place = if pick.window == 1 {
        "the best of all".to_owned()
    } else {
        format!("place {} in a window of {}", pick.window_rank, pick.window)
    };
    let mut said = vec![
        format!("round {} · {place}", pick.round),
        format!(
            "set\u{a0}score\u{a0}{:.2} · divergence\u{a0}{:.4}",
            pick.set_score, pick.divergence
        ),
    ];
    if let Some(place) = row.place {
        let (i, j) = (row.pick + 1, place.divergence_rank);
        said.push(match expansion.ask.settings.weights() {
            [_, 0] => "not re-ranked".to_owned(),
            [rank, divergence] => format!(
                "re-ranked by {rank}/{i} + {divergence}/{j} = {:.3}",
                place.score
            ),
        });
    }
    let lines = said.iter().flat_map(|s| text::wrap(s, width));
    out.extend(lines.map(|l| Item::from(Line::from(canvas.span(Role::Text, l)))));
    out
}

/// Sentences, neighbours, ranks in other queries.
fn in_corpus(canvas: &DrawContext, detail: &EntityDetail, width: usize) -> Vec<Item> {
    let mut out = Vec::new();
    if !detail.sentences.is_empty() {
        out.extend(heading(
            canvas,
            "sentences",
            detail.sentences.len().to_string(),
        ));
        for sentence in &detail.sentences {
            out.extend(
                text::wrap_words(sentence_words(canvas, sentence), width)
                    .into_iter()
                    .map(Item::from),
            );
            out.push(Line::default().into());
        }
        out.pop();
    }
    if !detail.neighbours.is_empty() {
        out.extend(heading(canvas, "nearest", "by Z".into()));
        for &(entity, z) in detail.neighbours.iter().take(NEIGHBOURS) {
            out.push(Item {
                line: neighbour(canvas, entity, z, width),
                neighbour: Some(entity),
            });
        }
    }
    if !detail.query_ranks.is_empty() {
        out.extend(heading(canvas, "in queries", "rank".into()));
        for &(class, number, rank) in &detail.query_ranks {
            let title = canvas
                .catalogue()
                .map(|c| c.class(class).title())
                .unwrap_or_default();
            let said = text::fit(&format!("{title} {}", number + 1), width.saturating_sub(6));
            let rank = text::fit_right(&rank.to_string(), 5);
            out.push(
                Line::from(vec![
                    canvas.span(Role::Text, said),
                    canvas.span(Role::Quiet, rank),
                ])
                .into(),
            );
        }
    }
    out
}

fn neighbour(canvas: &DrawContext, entity: EntityId, z: f64, width: usize) -> Line<'static> {
    let gold = canvas
        .app
        .explore
        .candidates
        .expansion
        .as_ref()
        .and_then(|e| e.ask.class);
    let mark = canvas
        .catalogue()
        .map_or(GoldMark::Unjudged, |c| gold_mark(c, gold, entity));
    Line::from(vec![
        mark_sign(canvas, mark),
        canvas.span(
            Role::Text,
            format!(
                " {}",
                text::fit(&canvas.name(entity), width.saturating_sub(8))
            ),
        ),
        canvas.span(Role::Quiet, text::fit_right(&format!("{z:.2}"), 6)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_use_the_width_of_the_pane() {
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
