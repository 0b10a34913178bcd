//! What is under the cursor of an explanation: the sentence and the picture, or what the number
//! means.

use std::path::Path;

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::engine::protocol::{Explained, StateCard};
use crate::tui::overlay::explain::tree::{ExplanationLine, Fact, Modality, Subject};
use crate::tui::overlay::explain::view::{number, paragraph};
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::labels::sentence_words;
use crate::tui::ui::text;

/// Lines of a picture below its sentence, where there is room.
const PICTURE: u16 = 14;
/// Lines of a picture, at least.
const LEAST_PICTURE: u16 = 6;

pub fn draw(canvas: &mut DrawContext, area: Rect, explained: &Explained, line: &ExplanationLine) {
    if let Subject::State(seed, state) = line.subject {
        let card = &explained.seeds[seed].states[state];
        return evidence(canvas, area, explained, card, line);
    }
    let head = Line::from(canvas.span(Role::Title, canvas.app.why_label(explained, line.subject)));
    canvas.line(Rect { height: 1, ..area }, head);
    let below = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    };
    paragraph(canvas, below, Role::Quiet, meaning(line.subject));
}

fn evidence(
    canvas: &mut DrawContext,
    area: Rect,
    explained: &Explained,
    card: &StateCard,
    line: &ExplanationLine,
) {
    let Some(sentence) = &card.sentence else {
        return paragraph(
            canvas,
            area,
            Role::Quiet,
            "The index has no data set: its sentence and picture are not known.",
        );
    };
    let mut lines = Vec::new();
    if explained.ask.mode.sees_text() {
        lines = text::wrap_words(sentence_words(canvas, sentence), usize::from(area.width));
    }
    let picture = sentence
        .image
        .as_deref()
        .filter(|_| explained.ask.mode.sees_image());
    let share = share(card, line);
    let note = match picture.and_then(Path::file_name) {
        Some(file) => format!("{} · {share}", file.to_string_lossy()),
        None => share,
    };
    let note: Vec<Line> = text::wrap(&note, usize::from(area.width))
        .into_iter()
        .map(|line| Line::from(canvas.span(Role::Quiet, line)))
        .collect();
    // what it is and what it brings is said in any case
    lines.truncate(usize::from(area.height).saturating_sub(note.len()));
    lines.extend(note);
    let used = lines.len() as u16;
    canvas.lines(area, lines);
    let left = area.height.saturating_sub(used + 1);
    if let Some(path) = picture.filter(|_| left >= LEAST_PICTURE) {
        let below = Rect {
            y: area.y + used + 1,
            height: left.min(PICTURE),
            ..area
        };
        canvas.picture(below, path);
    }
}

/// Says how much a pair of the seed brings, and how much of all the seed's pairs it is.
fn share(card: &StateCard, line: &ExplanationLine) -> String {
    let values: Vec<String> = line
        .values
        .iter()
        .flatten()
        .map(|&value| number(line.subject, value))
        .collect();
    format!(
        "brings {} as {:.1} % of the seed's pairs",
        values.join(" and "),
        100.0 * card.share
    )
}

/// Explains a number.
fn meaning(subject: Subject) -> &'static str {
    match subject {
        Subject::Score => {
            "What all seeds together say of it: comparable down the list. The search starts from this."
        }
        Subject::Part(Modality::Prior) | Subject::SeedPart(_, Modality::Prior) => {
            "What it would score without any sentence or picture of the seeds."
        }
        Subject::Part(Modality::Text) | Subject::SeedPart(_, Modality::Text) => {
            "What sentences bring: the mean gain of adding them, before and after pictures."
        }
        Subject::Part(Modality::Image) | Subject::SeedPart(_, Modality::Image) => {
            "What pictures bring: the mean gain of adding them, before and after sentences."
        }
        Subject::Seed(_) => {
            "Z of this seed: how far above the mean of all entities its pairs put it. Unfolded, its pairs."
        }
        Subject::State(..) => "A pair of the seed.",
        Subject::Rest(_) => "All other pairs of this seed.",
        Subject::Pick => {
            "Which pick it was, or the first that it lost. The least divergence in the window wins."
        }
        Subject::Rival(_) => {
            "Its divergence from the set at that pick, and by how much that was too much."
        }
        Subject::Reranking => {
            "Its place after re-ranking; picks of less divergence from the finished set move up."
        }
        Subject::Fact(fact) => meaning_of_fact(fact),
    }
}

/// Explains a number of the pick or of the re-ranking.
fn meaning_of_fact(fact: Fact) -> &'static str {
    match fact {
        Fact::SeedRank => "Before any pick; what is picked then joins the set and speaks too.",
        Fact::Round => "The size of the set at that pick, less 3. The window goes by it.",
        Fact::Window => "How many competed for the pick.",
        Fact::WindowPlace => "1 is the best by score: further down, divergence has decided.",
        Fact::SetScore => {
            "What seeds and earlier picks together say; the best of it are in the window."
        }
        Fact::Divergence => {
            "KL from an ideal member of the set, in nats: the less, the more it is like the set."
        }
        Fact::Picked => "i of the re-ranking.",
        Fact::ByDivergence => {
            "j of the re-ranking: by divergence from the finished set, among all picks."
        }
        Fact::Rerank => "The greatest comes first.",
        Fact::Rank => "What the list shows.",
    }
}
