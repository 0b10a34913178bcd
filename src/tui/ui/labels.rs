//! Labels of candidates, classes and sentences that several screens draw.

use ratatui::style::Style;
use ratatui::text::Span;

use crate::config::Role;
use crate::engine::protocol::{Catalogue, SentenceCard};
use crate::tui::gold_mark::GoldMark;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::text;
use crate::types::ClassId;

/// Returns the sign of a mark in its colour: ✓, ✗ or ?.
pub fn mark_sign(canvas: &DrawContext, mark: GoldMark) -> Span<'static> {
    match mark {
        GoldMark::Gold => canvas.span(Role::Gold, "✓"),
        GoldMark::Other(_) => canvas.span(Role::Miss, "✗"),
        GoldMark::Unjudged => canvas.span(Role::Unjudged, "?"),
    }
}

/// Returns the titles of classes, separated by commas.
pub fn class_titles(catalogue: &Catalogue, classes: &[ClassId]) -> String {
    classes
        .iter()
        .map(|&c| catalogue.class(c).title())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Returns " (sibling class)" if two classes share the level above them, else nothing.
pub fn kinship(catalogue: &Catalogue, of: Option<ClassId>, class: ClassId) -> &'static str {
    let Some(of) = of else { return "" };
    let (a, b) = (catalogue.class(of), catalogue.class(class));
    if a.middle.is_some() && a.middle == b.middle {
        " (sibling class)"
    } else {
        ""
    }
}

/// Returns a sentence's words with the mention highlighted and punctuation joined to its word.
pub fn sentence_words(canvas: &DrawContext, sentence: &SentenceCard) -> Vec<(String, Style)> {
    let (plain, marked) = (canvas.style(Role::Text), canvas.style(Role::Mention));
    let mut out: Vec<(String, Style)> = Vec::new();
    for (at, token) in sentence.tokens.iter().enumerate() {
        let mention = (sentence.start..=sentence.end).contains(&at);
        match out.last_mut() {
            Some((word, _)) if text::attaches_to_previous(token) && !mention => {
                word.push_str(token)
            }
            _ => out.push((token.clone(), if mention { marked } else { plain })),
        }
    }
    out
}
