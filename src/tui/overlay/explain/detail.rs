//! The details of the selected number: its sentence and image, or its description.

use std::path::Path;

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::engine::protocol::{Catalogue, Evidence, ExpandRequest};
use crate::tui::overlay::explain::format::format_value;
use crate::tui::overlay::explain::tree::ExplanationLine;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::labels::sentence_words;
use crate::tui::ui::text;

/// The greatest height of the image below its sentence.
const MAX_IMAGE_HEIGHT: u16 = 14;
/// The least height of the image; without room for it, none is drawn.
const MIN_IMAGE_HEIGHT: u16 = 6;

pub fn draw(
    canvas: &mut DrawContext,
    area: Rect,
    request: &ExpandRequest,
    catalogue: &Catalogue,
    line: &ExplanationLine,
) {
    if let Some(evidence) = &line.number.evidence {
        return draw_evidence(canvas, area, request, evidence, line);
    }
    let label = line.number.label(request, catalogue);
    let head = Line::from(canvas.span(Role::Title, label));
    canvas.line(Rect { height: 1, ..area }, head);
    let below = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    };
    canvas.paragraph(below, Role::Quiet, line.kind().description(request.ranking));
}

fn draw_evidence(
    canvas: &mut DrawContext,
    area: Rect,
    request: &ExpandRequest,
    evidence: &Evidence,
    line: &ExplanationLine,
) {
    let Some(sentence) = &evidence.sentence else {
        let message = "The index has no data set, so the sentence and the picture are not known.";
        return canvas.paragraph(area, Role::Quiet, message);
    };
    let mut lines = Vec::new();
    if request.mode.sees_text() {
        lines = text::wrap_words(sentence_words(canvas, sentence), usize::from(area.width));
    }
    let picture = sentence
        .image
        .as_deref()
        .filter(|_| request.mode.sees_image());
    let contribution = contribution(evidence, line);
    let note = match picture.and_then(Path::file_name) {
        Some(file) => format!("{} · {contribution}", file.to_string_lossy()),
        None => contribution,
    };
    let note: Vec<Line> = text::wrap(&note, usize::from(area.width))
        .into_iter()
        .map(|line| Line::from(canvas.span(Role::Quiet, line)))
        .collect();
    // the note is always shown, if need be instead of the sentence
    lines.truncate(usize::from(area.height).saturating_sub(note.len()));
    lines.extend(note);
    let used = lines.len() as u16;
    canvas.lines(area, lines);
    let left = area.height.saturating_sub(used + 1);
    if let Some(path) = picture.filter(|_| left >= MIN_IMAGE_HEIGHT) {
        let below = Rect {
            y: area.y + used + 1,
            height: left.min(MAX_IMAGE_HEIGHT),
            ..area
        };
        canvas.image(below, path);
    }
}

/// Says how much a pair of the seed contributes, and how many of the seed's pairs are like it.
fn contribution(evidence: &Evidence, line: &ExplanationLine) -> String {
    let values: Vec<String> = line
        .values
        .iter()
        .flatten()
        .map(|&value| format_value(line.kind(), value))
        .collect();
    format!(
        "contributes {} as {:.1} % of the seed's pairs",
        values.join(" and "),
        100.0 * evidence.fraction
    )
}
