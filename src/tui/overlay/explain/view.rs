//! The explanation popup, which fills the screen: a summary, the tree of the score, the pick and the
//! re-ranking, and the details of the selected number. Two entities have a column each, and their
//! difference.
//!
//! ```text
//! ┏ Explanation: jaguar and lynx ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ jaguar (3) is above lynx (9) because: …                                              ┃
//! ┃                                         jaguar     lynx difference │ “The lion is …” ┃
//! ┃ ▾ score: ΣZ over the seeds               14.21     9.90    ▲ +4.31 │ ┌─────────────┐ ┃
//! ┃   ▾ lion                                  5.10     3.00    ▲ +2.10 │ │             │ ┃
//! ┃       “The lion is a large …”             .420     .110    ▲ +.310 │ └─────────────┘ ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ space folds · ? keys · esc ━━━━━┛
//! ```

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::{
    Catalogue, ExplanationKind, Modality, RankExplanation, SentenceCard, without_leading_zero,
};
use crate::tui::gold_mark::gold_mark;
use crate::tui::overlay::explain::detail;
use crate::tui::overlay::explain::format::format_value;
use crate::tui::overlay::explain::tree::{ExplainState, ExplanationLine};
use crate::tui::ui::draw_context::{DrawContext, indented, split_first_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::labels::mark_sign;
use crate::tui::ui::scroll::{Extent, keep_in_sight};
use crate::tui::ui::{bars, text};

/// The least width at which the details have a column of their own.
const MIN_WIDTH_FOR_COLUMN: u16 = 110;
/// The least height at which the details are below the tree, if they have no column.
const MIN_HEIGHT_FOR_LINES: u16 = 20;
const DETAIL_WIDTH: u16 = 42;
const DETAIL_HEIGHT: u16 = 4;
const VALUE_WIDTH: usize = 10;
const DIFFERENCE_WIDTH: usize = 12;
/// The greatest number of lines of the summary.
const MAX_SUMMARY_LINES: usize = 4;

/// An explanation and the names of its entities.
#[derive(Clone, Copy)]
struct Explained<'a> {
    explanation: &'a RankExplanation,
    catalogue: &'a Catalogue,
}

impl Explained<'_> {
    fn is_pair(&self) -> bool {
        self.explanation.entities.len() > 1
    }

    fn label(&self, line: &ExplanationLine) -> String {
        line.number.label(&self.explanation.request, self.catalogue)
    }
}

impl ExplainState {
    pub fn draw(&self, canvas: &mut DrawContext, screen: Rect) {
        let inner = self.frame(canvas, screen);
        let catalogue = canvas.shared.catalogue.as_deref();
        let Some((explanation, catalogue)) = self.explanation().zip(catalogue) else {
            let text = match &self.answer {
                Some(Err(error)) => error.clone(),
                _ => "…".to_owned(),
            };
            return canvas.paragraph(inner, Role::Quiet, &text);
        };
        let explained = Explained {
            explanation,
            catalogue,
        };
        let below = draw_summary(canvas, inner, explained);
        let lines = self.lines();
        let (tree, detail) = tree_and_detail_areas(below);
        self.draw_tree(canvas, tree, explained, &lines);
        if detail.y > tree.bottom() {
            let between = Rect {
                y: tree.bottom(),
                height: 1,
                ..detail
            };
            rule(canvas, between);
        }
        if let Some(line) = lines.get(self.cursor)
            && !detail.is_empty()
        {
            detail::draw(canvas, detail, &explanation.request, catalogue, line);
        }
    }

    /// Draws the popup's frame with the names of the entities. Returns the area inside it, with a
    /// margin of one column on both sides.
    fn frame(&self, canvas: &mut DrawContext, screen: Rect) -> Rect {
        let names: Vec<String> = self.entities.iter().map(|&e| canvas.name(e)).collect();
        let title = text::cut(
            &format!("Explanation: {}", names.join(" and ")),
            usize::from(screen.width).saturating_sub(8),
        );
        let footer = "space folds · [ ] compare · w alone · / searches · ? keys · esc";
        indented(canvas.popup(screen, &title, footer))
    }

    fn draw_tree(
        &self,
        canvas: &mut DrawContext,
        area: Rect,
        explained: Explained,
        lines: &[ExplanationLine],
    ) {
        let mut list = area;
        if explained.is_pair() {
            let header = header(canvas, explained, usize::from(area.width));
            let (first_line, below) = split_first_line(area);
            canvas.line(first_line, header);
            list = below;
        }
        let page = usize::from(list.height);
        let offset = canvas.shared.frame.popup.offset;
        let offset = keep_in_sight(self.cursor, offset, page, lines.len());
        canvas.frame_info.popup = Extent::new(offset, page, lines.len());
        let scale = Scale::new(lines);
        for (index, line) in lines.iter().enumerate().skip(offset).take(page) {
            let row = Rect::new(list.x, list.y + (index - offset) as u16, list.width, 1);
            let drawn = draw_line(canvas, explained, line, &scale, usize::from(list.width));
            canvas.list_line(row, drawn, index == self.cursor);
            canvas.click_target(row, ClickTarget::ExplanationLine(index));
        }
        canvas.scroll_bar(list, offset, page, lines.len());
    }
}

/// Draws the summary, and returns the area below it.
fn draw_summary(canvas: &mut DrawContext, area: Rect, explained: Explained) -> Rect {
    let summary = explained.explanation.summary(explained.catalogue);
    let mut lines = text::wrap(&summary, usize::from(area.width));
    lines.truncate(MAX_SUMMARY_LINES.min(usize::from(area.height / 3)));
    let height = lines.len() as u16 + 1;
    let lines = lines
        .into_iter()
        .map(|line| Line::from(canvas.span(Role::Title, line)))
        .collect();
    canvas.lines(area, lines);
    Rect {
        y: area.y + height,
        height: area.height.saturating_sub(height),
        ..area
    }
}

/// Draws a horizontal line.
fn rule(canvas: &mut DrawContext, area: Rect) {
    let rule = "─".repeat(usize::from(area.width));
    canvas.line(area, Line::from(canvas.span(Role::Border, rule)));
}

/// Returns the area of the tree, and that of the details: beside it, below it, or empty.
fn tree_and_detail_areas(area: Rect) -> (Rect, Rect) {
    let [tree, detail] = if area.width + 4 >= MIN_WIDTH_FOR_COLUMN {
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(DETAIL_WIDTH)])
            .spacing(2)
            .areas(area)
    } else if area.height + 4 >= MIN_HEIGHT_FOR_LINES {
        Layout::vertical([Constraint::Fill(1), Constraint::Length(DETAIL_HEIGHT)])
            .spacing(1)
            .areas(area)
    } else {
        [area, Rect::default()]
    };
    (tree, detail)
}

/// Returns the column titles for two entities.
fn header(canvas: &DrawContext, explained: Explained, width: usize) -> Line<'static> {
    let mut spans = vec![Span::raw(
        " ".repeat(width.saturating_sub(2 * VALUE_WIDTH + DIFFERENCE_WIDTH)),
    )];
    for one in explained.explanation.entities.iter().take(2) {
        let name = text::cut(&canvas.name(one.entity), VALUE_WIDTH - 1);
        spans.push(canvas.span(Role::Title, text::fit_right(&name, VALUE_WIDTH)));
    }
    let difference = text::fit_right("difference", DIFFERENCE_WIDTH);
    spans.push(canvas.span(Role::Quiet, difference));
    Line::from(spans)
}

/// The values that a full bar stands for.
struct Scale {
    modalities_and_seeds: f64,
    states: f64,
}

impl Scale {
    fn new(lines: &[ExplanationLine]) -> Scale {
        let mut scale = Scale {
            modalities_and_seeds: f64::MIN_POSITIVE,
            states: f64::MIN_POSITIVE,
        };
        for line in lines {
            let greatest = match line.kind() {
                kind if part_role(kind).is_some() => &mut scale.modalities_and_seeds,
                ExplanationKind::State(_) | ExplanationKind::OtherStates(_) => &mut scale.states,
                _ => continue,
            };
            for value in line.values.iter().flatten() {
                *greatest = greatest.max(value.abs());
            }
        }
        scale
    }
}

fn draw_line(
    canvas: &DrawContext,
    explained: Explained,
    line: &ExplanationLine,
    scale: &Scale,
    width: usize,
) -> Line<'static> {
    let sign = match line.is_unfolded {
        Some(true) => "▾ ",
        Some(false) => "▸ ",
        None => "  ",
    };
    let indent = format!("{}{sign}", "  ".repeat(line.depth));
    let right = if explained.is_pair() {
        2 * VALUE_WIDTH + DIFFERENCE_WIDTH
    } else {
        VALUE_WIDTH + width / 4
    };
    let room = width.saturating_sub(text::width(&indent) + right);
    let role = if line.is_unfolded.is_some() {
        Role::Title
    } else {
        Role::Text
    };
    let mut spans = vec![canvas.span(Role::Quiet, indent)];
    spans.extend(label(canvas, explained, line, room, role));
    for value in &line.values {
        let value = value.map_or_else(|| "–".into(), |value| format_value(line.kind(), value));
        spans.push(canvas.span(role, text::fit_right(&value, VALUE_WIDTH)));
    }
    spans.push(if explained.is_pair() {
        difference(canvas, explained, line)
    } else {
        bar_or_outcome(canvas, explained, line, scale, width / 4)
    });
    Line::from(spans)
}

/// Returns the label of a line, exactly `room` wide.
fn label(
    canvas: &DrawContext,
    explained: Explained,
    line: &ExplanationLine,
    room: usize,
    role: Role,
) -> Vec<Span<'static>> {
    let request = &explained.explanation.request;
    let text = explained.label(line);
    match line.kind() {
        ExplanationKind::State(_) => {
            let evidence = line.number.evidence.as_ref();
            let sentence = evidence.and_then(|evidence| evidence.sentence.as_ref());
            let text = match sentence {
                Some(sentence) if request.mode.sees_text() => {
                    format!("“{}”", around_mention(sentence, room.saturating_sub(2)))
                }
                _ => text,
            };
            canvas.label(Role::Text, &text::fit(&text, room))
        }
        ExplanationKind::Competitor { entity, rank, .. } => {
            let mark = gold_mark(explained.catalogue, request.class, entity);
            let rank = format!("{} ", text::fit_right(&rank.to_string(), 2));
            let mut spans = vec![
                canvas.span(Role::Quiet, rank),
                mark_sign(canvas, mark),
                Span::raw(" "),
            ];
            spans.extend(canvas.label(role, &text::fit(&text, room.saturating_sub(5))));
            spans
        }
        _ => canvas.label(role, &text::fit(&text, room)),
    }
}

/// Returns a sentence that starts a little before its mention.
fn around_mention(sentence: &SentenceCard, room: usize) -> String {
    let joined = |from: usize| {
        let mut out = if from > 0 {
            "… ".to_owned()
        } else {
            String::new()
        };
        for (at, token) in sentence.tokens.iter().enumerate().skip(from) {
            if at > from && !text::attaches_to_previous(token) {
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

/// Returns a bar, or the outcome of the pick for a competitor.
fn bar_or_outcome(
    canvas: &DrawContext,
    explained: Explained,
    line: &ExplanationLine,
    scale: &Scale,
    room: usize,
) -> Span<'static> {
    let Some(value) = line.values[0] else {
        return Span::raw("");
    };
    let (role, full) = match line.kind() {
        ExplanationKind::State(_) | ExplanationKind::OtherStates(_) => (Role::Seed, scale.states),
        ExplanationKind::Competitor { is_winner, .. } => {
            return outcome(canvas, explained, value, is_winner, room);
        }
        kind => match part_role(kind) {
            Some(role) => (role, scale.modalities_and_seeds),
            None => return Span::raw(""),
        },
    };
    let bar = bars::to_right(value / full, room.saturating_sub(1));
    canvas.span(role, format!(" {bar}"))
}

/// Returns whether a competitor was picked, or by how much its divergence was too great.
fn outcome(
    canvas: &DrawContext,
    explained: Explained,
    divergence: f64,
    is_winner: bool,
    room: usize,
) -> Span<'static> {
    if is_winner {
        return canvas.span(Role::Focus, text::cut("  picked", room));
    }
    let pick = explained.explanation.entities[0].pick();
    let least = pick.and_then(|pick| pick.winner());
    let lost_by = least.map_or(0.0, |(_, least)| divergence - least);
    let text = format!("  lost by {}", without_leading_zero(lost_by));
    canvas.span(Role::Quiet, text::cut(&text, room))
}

/// Returns the colour of a part of the score, whose bars have one scale.
fn part_role(kind: ExplanationKind) -> Option<Role> {
    match kind {
        ExplanationKind::Modality(modality) => Some(modality_role(modality)),
        ExplanationKind::Seed(_) | ExplanationKind::OwnPairs(_) => Some(Role::Seed),
        ExplanationKind::Accepted(_) => Some(Role::Gold),
        ExplanationKind::Rejections | ExplanationKind::RejectedCandidate(_) => Some(Role::Miss),
        ExplanationKind::Hubness
        | ExplanationKind::FedBack
        | ExplanationKind::FedBackCandidate(_)
        | ExplanationKind::CandidatePairs
        | ExplanationKind::StoredMode { .. } => Some(Role::Quiet),
        _ => None,
    }
}

fn modality_role(modality: Modality) -> Role {
    match modality {
        Modality::Prior => Role::Quiet,
        Modality::Text => Role::TextShare,
        Modality::Image => Role::ImageShare,
    }
}

/// Returns the first value minus the second, with ▲ if that favours the first. Numbers of two
/// different picks have no difference.
fn difference(canvas: &DrawContext, explained: Explained, line: &ExplanationLine) -> Span<'static> {
    let is_comparable = match line.kind() {
        ExplanationKind::Round | ExplanationKind::WindowSize => false,
        ExplanationKind::WindowRank | ExplanationKind::SetScore | ExplanationKind::Divergence => {
            is_one_pick(explained.explanation)
        }
        _ => true,
    };
    let Some(difference) = line.difference().filter(|_| is_comparable) else {
        return Span::raw("");
    };
    let shown = format_value(line.kind(), difference.abs());
    if shown.chars().all(|c| matches!(c, '0' | '.')) {
        return canvas.span(Role::Quiet, text::fit_right("·", DIFFERENCE_WIDTH));
    }
    let less_is_better = line.kind().is_rank() || line.kind() == ExplanationKind::Divergence;
    let (mark, role) = if (difference < 0.0) == less_is_better {
        ("▲", Role::Gold)
    } else {
        ("▼", Role::Miss)
    };
    let sign = if difference < 0.0 { "−" } else { "+" };
    let text = format!("{mark} {sign}{shown}");
    canvas.span(role, text::fit_right(&text, DIFFERENCE_WIDTH))
}

/// Returns true if the same pick decided about both entities.
fn is_one_pick(explanation: &RankExplanation) -> bool {
    let mut picks = Vec::new();
    for one in &explanation.entities {
        picks.push(one.pick().and_then(|pick| pick.value));
    }
    picks.windows(2).all(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sentence_starts_close_to_its_mention() {
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
