//! Why an entity stands where it stands, on the whole screen: one sentence, the tree of its score,
//! pick and re-ranking, and what is under the cursor. Two entities have a column each, and their
//! difference.
//!
//! ```text
//! ┏ jaguar beside lynx ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ both · published ┓
//! ┃ jaguar (3) is above lynx (9) because: lion brings 2.10 more, mostly by pictures; …   ┃
//! ┃                                         jaguar     lynx difference │ “The lion is …” ┃
//! ┃ ▾ score by the seeds, ΣZ                 14.21     9.90    ▲ +4.31 │ ┌─────────────┐ ┃
//! ┃   ▾ lion                                  5.10     3.00    ▲ +2.10 │ │             │ ┃
//! ┃       “The lion is a large …”             .420     .110    ▲ +.310 │ └─────────────┘ ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ space folds · ? keys · esc ━━━━━┛
//! ```

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::{Explained, SentenceCard};
use crate::tui::gold_mark::{GoldMark, gold_mark};
use crate::tui::overlay::explain::detail;
use crate::tui::overlay::explain::sentence::{small, verdict};
use crate::tui::overlay::explain::tree::{ExplanationLine, Fact, Modality, Subject};
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::Hit;
use crate::tui::ui::labels::mark_sign;
use crate::tui::ui::scroll::{Extent, keep_in_sight};
use crate::tui::ui::{bars, text};

/// From this width on what is under the cursor has a column of its own.
const WITH_COLUMN: u16 = 110;
/// From this height on it has lines of its own where it has no column.
const WITH_LINES: u16 = 20;
const DETAIL: u16 = 42;
const DETAIL_LINES: u16 = 4;
const NUMBER: usize = 10;
const DIFFERENCE: usize = 12;
/// Lines of the sentence on top, at most.
const VERDICT: usize = 4;

pub fn draw(canvas: &mut DrawContext, whole: Rect) {
    let app = canvas.app;
    let inner = frame(canvas, whole);
    let (Some(explained), Some(catalogue)) = (app.overlay.explain.explained(), canvas.catalogue())
    else {
        let said = match &app.overlay.explain.answer {
            Some(Err(why)) => why.clone(),
            _ => "…".to_owned(),
        };
        return paragraph(canvas, inner, Role::Quiet, &said);
    };
    let mut said = text::wrap(&verdict(explained, catalogue), usize::from(inner.width));
    said.truncate(VERDICT.min(usize::from(inner.height / 3)));
    let top = said.len() as u16 + 1;
    let said = said
        .into_iter()
        .map(|line| Line::from(canvas.span(Role::Title, line)))
        .collect();
    canvas.lines(inner, said);
    let below = Rect {
        y: inner.y + top,
        height: inner.height.saturating_sub(top),
        ..inner
    };
    let lines = app.overlay.explain.lines();
    let (tree, detail) = places(below);
    draw_tree(canvas, tree, explained, &lines);
    if detail.y > tree.bottom() {
        let between = Rect {
            y: tree.bottom(),
            height: 1,
            ..detail
        };
        rule(canvas, between);
    }
    if let Some(line) = lines
        .get(app.overlay.explain.cursor)
        .filter(|_| !detail.is_empty())
    {
        detail::draw(canvas, detail, explained, line);
    }
}

/// Draws the popup's frame with the names of the entities; gives its inside, a column in from both
/// sides.
fn frame(canvas: &mut DrawContext, whole: Rect) -> Rect {
    let entities = &canvas.app.overlay.explain.entities;
    let names: Vec<String> = entities.iter().map(|&e| canvas.name(e)).collect();
    let title = text::cut(
        &format!("Why: {}", names.join(" beside ")),
        usize::from(whole.width).saturating_sub(8),
    );
    let inner = canvas.popup(
        whole,
        &title,
        "space folds · [ ] beside another · w alone · / searches · ? keys · esc",
    );
    Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    }
}

fn rule(canvas: &mut DrawContext, area: Rect) {
    let rule = "─".repeat(usize::from(area.width));
    canvas.line(area, Line::from(canvas.span(Role::Border, rule)));
}

/// Where the tree is, and what is under its cursor: beside it, below it, or nowhere.
fn places(area: Rect) -> (Rect, Rect) {
    let [first, second] = match (area.width + 4, area.height + 4) {
        (width, _) if width >= WITH_COLUMN => {
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(DETAIL)])
                .spacing(2)
                .areas(area)
        }
        (_, height) if height >= WITH_LINES => {
            Layout::vertical([Constraint::Fill(1), Constraint::Length(DETAIL_LINES)])
                .spacing(1)
                .areas(area)
        }
        _ => [area, Rect::default()],
    };
    (first, second)
}

pub fn paragraph(canvas: &mut DrawContext, area: Rect, role: Role, said: &str) {
    let lines = text::wrap(said, usize::from(area.width))
        .into_iter()
        .map(|line| Line::from(canvas.span(role, line)))
        .collect();
    canvas.lines(area, lines);
}

fn draw_tree(
    canvas: &mut DrawContext,
    area: Rect,
    explained: &Explained,
    lines: &[ExplanationLine],
) {
    let app = canvas.app;
    let head = u16::from(explained.entities.len() > 1);
    if head == 1 {
        let line = heads(canvas, explained, usize::from(area.width));
        canvas.line(
            Rect {
                height: 1.min(area.height),
                ..area
            },
            line,
        );
    }
    let list = Rect {
        y: area.y + head,
        height: area.height.saturating_sub(head),
        ..area
    };
    let page = usize::from(list.height);
    let cursor = app.overlay.explain.cursor;
    let offset = keep_in_sight(cursor, app.shared.frame.popup.offset, page, lines.len());
    canvas.view.popup = Extent {
        offset,
        page,
        furthest: lines.len().saturating_sub(page),
    };
    let scale = Scale::of(lines);
    for (at, line) in lines.iter().enumerate().skip(offset).take(page) {
        let place = Rect::new(list.x, list.y + (at - offset) as u16, list.width, 1);
        let said = draw_line(canvas, explained, line, &scale, usize::from(list.width));
        canvas.list_line(place, said, at == cursor);
        canvas.hit(place, Hit::WhyLine(at));
    }
    canvas.scroll_mark(list, offset, page, lines.len());
}

fn heads(canvas: &DrawContext, explained: &Explained, width: usize) -> Line<'static> {
    let label = width.saturating_sub(2 * NUMBER + DIFFERENCE);
    let name = |at: usize| {
        text::fit_right(
            &text::cut(&canvas.name(explained.entities[at].entity), NUMBER - 1),
            NUMBER,
        )
    };
    Line::from(vec![
        Span::raw(" ".repeat(label)),
        canvas.span(Role::Title, name(0)),
        canvas.span(Role::Title, name(1)),
        canvas.span(Role::Quiet, text::fit_right("difference", DIFFERENCE)),
    ])
}

/// What a full bar stands for.
struct Scale {
    sums: f64,
    states: f64,
}

impl Scale {
    fn of(lines: &[ExplanationLine]) -> Scale {
        let most = |wanted: fn(&Subject) -> bool| {
            let values = lines
                .iter()
                .filter(|line| wanted(&line.subject))
                .flat_map(|line| line.values.iter().flatten());
            values.fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()))
        };
        let is_sum = |s: &Subject| {
            matches!(
                s,
                Subject::Part(_) | Subject::Seed(_) | Subject::SeedPart(..)
            )
        };
        Scale {
            sums: most(is_sum),
            states: most(|s| matches!(s, Subject::State(..) | Subject::Rest(_))),
        }
    }
}

fn draw_line(
    canvas: &DrawContext,
    explained: &Explained,
    line: &ExplanationLine,
    scale: &Scale,
    width: usize,
) -> Line<'static> {
    let sign = match line.branch {
        Some((_, true)) => "▾ ",
        Some((_, false)) => "▸ ",
        None => "  ",
    };
    let indent = format!("{}{sign}", "  ".repeat(line.depth));
    let paired = explained.entities.len() > 1;
    let right = if paired {
        2 * NUMBER + DIFFERENCE
    } else {
        NUMBER + width / 4
    };
    let room = width.saturating_sub(text::width(&indent) + right);
    let role = if line.branch.is_some() {
        Role::Title
    } else {
        Role::Text
    };
    let mut spans = vec![canvas.span(Role::Quiet, indent)];
    spans.extend(label(canvas, explained, line, room, role));
    for value in &line.values {
        let number = value.map_or_else(|| "–".into(), |value| number(line.subject, value));
        spans.push(canvas.span(role, text::fit_right(&number, NUMBER)));
    }
    spans.push(match paired {
        true => apart(canvas, explained, line),
        false => beside(canvas, explained, line, scale, width / 4),
    });
    Line::from(spans)
}

/// Exactly `room` wide.
fn label(
    canvas: &DrawContext,
    explained: &Explained,
    line: &ExplanationLine,
    room: usize,
    role: Role,
) -> Vec<Span<'static>> {
    match line.subject {
        Subject::State(seed, state) => match &explained.seeds[seed].states[state].sentence {
            Some(sentence) if explained.ask.mode.sees_text() => {
                let said = format!("“{}”", around_mention(sentence, room.saturating_sub(2)));
                canvas.label(Role::Text, &text::fit(&said, room))
            }
            _ => canvas.label(
                Role::Text,
                &text::fit(&canvas.app.why_label(explained, line.subject), room),
            ),
        },
        Subject::Rival(at) => {
            let rival = explained.rival(at).map(|rival| rival.entity);
            let mark = canvas
                .catalogue()
                .zip(rival)
                .map_or(GoldMark::Unjudged, |(c, e)| {
                    gold_mark(c, explained.ask.class, e)
                });
            let place = format!("{} ", text::fit_right(&(at + 1).to_string(), 2));
            let name = text::fit(
                &canvas.app.why_label(explained, line.subject),
                room.saturating_sub(5),
            );
            let mut spans = vec![
                canvas.span(Role::Quiet, place),
                mark_sign(canvas, mark),
                Span::raw(" "),
            ];
            spans.extend(canvas.label(role, &name));
            spans
        }
        subject => canvas.label(
            role,
            &text::fit(&canvas.app.why_label(explained, subject), room),
        ),
    }
}

/// A sentence from a little before its mention on.
fn around_mention(sentence: &SentenceCard, room: usize) -> String {
    let joined = |from: usize| {
        let mut out = if from > 0 {
            "… ".to_owned()
        } else {
            String::new()
        };
        for (at, token) in sentence.tokens.iter().enumerate().skip(from) {
            if at > from && !text::closes(token) {
                out.push(' ');
            }
            out.push_str(token);
        }
        out
    };
    let to_mention =
        |from: usize| sentence.tokens[from..sentence.end.min(sentence.tokens.len())].iter();
    let wide = |from: usize| to_mention(from).map(|t| text::width(t) + 1).sum::<usize>();
    let last = sentence.start.min(sentence.tokens.len());
    let from = (0..last)
        .find(|&from| wide(from) + 8 <= room)
        .unwrap_or(last);
    joined(from)
}

/// A number as its subject has it: counts whole, sums with two places, what a pair brings with
/// three.
pub fn number(subject: Subject, value: f64) -> String {
    let digits = match subject {
        Subject::Pick | Subject::Reranking => 0,
        Subject::Fact(fact) if fact.is_place() => 0,
        Subject::Rival(_) | Subject::Fact(Fact::Divergence | Fact::Rerank) => 4,
        Subject::State(..) | Subject::Rest(_) => 3,
        _ => 2,
    };
    format!("{value:.digits$}").replace('-', "−")
}

/// A bar, or what there is to say of a rival.
fn beside(
    canvas: &DrawContext,
    explained: &Explained,
    line: &ExplanationLine,
    scale: &Scale,
    room: usize,
) -> Span<'static> {
    let Some(value) = line.values[0] else {
        return Span::raw("");
    };
    let (role, scale) = match line.subject {
        Subject::Part(modality) | Subject::SeedPart(_, modality) => {
            (modality_role(modality), scale.sums)
        }
        Subject::Seed(_) => (Role::Seed, scale.sums),
        Subject::State(..) | Subject::Rest(_) => (Role::Seed, scale.states),
        Subject::Rival(at) => {
            let Some(contest) = &explained.entities[0].contest else {
                return Span::raw("");
            };
            let by = contest.lost_by(&contest.rivals[at]);
            let winner = contest.rivals[at].entity == contest.winner;
            let said = if winner {
                "  picked".to_owned()
            } else {
                format!("  lost by {}", small(by))
            };
            return canvas.span(
                if winner { Role::Focus } else { Role::Quiet },
                text::cut(&said, room),
            );
        }
        _ => return Span::raw(""),
    };
    canvas.span(
        role,
        format!(" {}", bars::to_right(value / scale, room.saturating_sub(1))),
    )
}

fn modality_role(modality: Modality) -> Role {
    match modality {
        Modality::Prior => Role::Quiet,
        Modality::Text => Role::TextShare,
        Modality::Image => Role::ImageShare,
    }
}

/// The first less the second; ▲ where that speaks for the first. Numbers of two different picks
/// have none.
fn apart(canvas: &DrawContext, explained: &Explained, line: &ExplanationLine) -> Span<'static> {
    let contests = explained
        .entities
        .iter()
        .map(|why| why.contest.as_ref().map(|c| c.pick))
        .collect::<Vec<_>>();
    let of_one_pick = contests.windows(2).all(|two| two[0] == two[1]);
    let less_is_better = match line.subject {
        Subject::Fact(Fact::Round | Fact::Window) => return Span::raw(""),
        Subject::Fact(Fact::WindowPlace | Fact::SetScore | Fact::Divergence) if !of_one_pick => {
            return Span::raw("");
        }
        Subject::Pick | Subject::Reranking | Subject::Fact(Fact::Divergence) => true,
        Subject::Fact(fact) => fact.is_place(),
        _ => false,
    };
    let Some(difference) = line.difference() else {
        return Span::raw("");
    };
    let shown = number(line.subject, difference.abs());
    let (mark, role) = match difference * if less_is_better { -1.0 } else { 1.0 } {
        _ if shown.chars().all(|c| matches!(c, '0' | '.')) => {
            return canvas.span(Role::Quiet, text::fit_right("·", DIFFERENCE));
        }
        better if better > 0.0 => ("▲", Role::Gold),
        _ => ("▼", Role::Miss),
    };
    let sign = if difference < 0.0 { "−" } else { "+" };
    canvas.span(
        role,
        text::fit_right(&format!("{mark} {sign}{shown}"), DIFFERENCE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sentence_begins_near_its_mention() {
        let tokens: Vec<String> = "one two three four five six seven lion eight ."
            .split(' ')
            .map(Into::into)
            .collect();
        let sentence = SentenceCard {
            tokens,
            start: 7,
            end: 7,
            image: None,
        };
        assert_eq!(
            around_mention(&sentence, 80),
            "one two three four five six seven lion eight."
        );
        assert!(around_mention(&sentence, 24).starts_with("… five six seven lion"));
        assert!(around_mention(&sentence, 4).starts_with("… lion"));
    }
}
