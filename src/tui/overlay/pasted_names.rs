//! The popup of the names that were pasted, with the outcome of each.
//!
//! ```text
//! ┏ 3 names pasted: 2 added, 1 unknown ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ lion      added                                                    ┃
//! ┃ tiger     added                                                    ┃
//! ┃ leopart   unknown; did you mean: leopard, leopard seal             ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ esc closes ━┛
//! ```

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::Catalogue;
use crate::printable::is_unprintable;
use crate::tui::explore::seed_set::SeedSet;
use crate::tui::ui::draw_context::{DrawContext, centered};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::shifted;
use crate::tui::ui::{popup_list, text};
use crate::types::EntityId;

/// The width of the popup in columns.
const WIDTH: u16 = 76;
/// The greatest number of similar names that are suggested for an unknown one.
const MAX_SUGGESTIONS: usize = 3;

/// The outcome of one pasted name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasteOutcome {
    /// It is a seed now.
    Added,
    /// It was a seed before, or was pasted twice.
    AlreadySeed,
    /// No entity has this name; these have similar ones.
    Unknown(Vec<String>),
}

/// One pasted name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastedName {
    pub name: String,
    pub outcome: PasteOutcome,
}

/// The names of the last paste.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PastedNames {
    pub names: Vec<PastedName>,
    pub(crate) cursor: usize,
}

impl PastedNames {
    /// Adds every known name to the seeds, and lists the outcome of each.
    pub(crate) fn add(names: Vec<String>, seeds: &mut SeedSet, catalogue: &Catalogue) -> Self {
        let mut pasted = PastedNames::default();
        for name in names {
            let outcome = match catalogue.find(&name) {
                None => PasteOutcome::Unknown(catalogue.similar_names(&name, MAX_SUGGESTIONS)),
                Some(entity) => add_seed(&mut seeds.seeds, entity),
            };
            pasted.names.push(PastedName { name, outcome });
        }
        let SeedSet {
            seeds,
            accepted,
            rejected,
            ..
        } = seeds;
        accepted.retain(|entity| !seeds.contains(entity));
        rejected.retain(|entity| !seeds.contains(entity));
        pasted
    }

    pub(crate) fn step(&mut self, by: isize) {
        self.cursor = shifted(self.cursor, by, self.names.len());
    }

    /// Returns the number of names by their outcome: "3 names pasted: 2 added, 1 unknown".
    fn summary(&self) -> String {
        let (mut added, mut known, mut unknown) = (0, 0, 0);
        for pasted in &self.names {
            match pasted.outcome {
                PasteOutcome::Added => added += 1,
                PasteOutcome::AlreadySeed => known += 1,
                PasteOutcome::Unknown(_) => unknown += 1,
            }
        }
        let counts = [
            (added, "added"),
            (known, "already seeds"),
            (unknown, "unknown"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, outcome)| format!("{count} {outcome}"))
            .collect();
        format!("{} names pasted: {}", self.names.len(), counts.join(", "))
    }

    pub fn draw(&self, canvas: &mut DrawContext, screen: Rect) {
        let width = WIDTH.min(screen.width.saturating_sub(4));
        let height = (self.names.len() as u16 + 2).min(screen.height.saturating_sub(4));
        let area = centered(screen, width, height);
        let inner = canvas.popup(area, &self.summary(), "esc closes");
        let names = self.names.iter().map(|pasted| text::width(&pasted.name));
        let name_width = names.max().unwrap_or(0).min(usize::from(inner.width) / 2);
        let room = usize::from(inner.width).saturating_sub(name_width + 4);
        let len = self.names.len();
        popup_list::draw(canvas, inner, self.cursor, len, |canvas, index| {
            let pasted = &self.names[index];
            let (role, outcome) = outcome_label(&pasted.outcome);
            let outcome = text::fit(&outcome, room);
            let mut spans = vec![Span::raw(" ")];
            spans.extend(canvas.label(Role::Text, &text::fit(&pasted.name, name_width)));
            spans.push(canvas.span(role, format!("  {outcome}")));
            (Line::from(spans), ClickTarget::Popup)
        });
    }
}

fn outcome_label(outcome: &PasteOutcome) -> (Role, String) {
    match outcome {
        PasteOutcome::Added => (Role::Gold, "added".to_owned()),
        PasteOutcome::AlreadySeed => (Role::Quiet, "already a seed".to_owned()),
        PasteOutcome::Unknown(similar) if similar.is_empty() => (Role::Miss, "unknown".to_owned()),
        PasteOutcome::Unknown(similar) => {
            let label = format!("unknown; did you mean: {}", similar.join(", "));
            (Role::Miss, label)
        }
    }
}

fn add_seed(seeds: &mut Vec<EntityId>, entity: EntityId) -> PasteOutcome {
    if seeds.contains(&entity) {
        return PasteOutcome::AlreadySeed;
    }
    seeds.push(entity);
    PasteOutcome::Added
}

/// Removes escape sequences and control characters from a pasted text, and ends its lines with
/// `\n`. Terminals send `\r` for the end of a line in a paste.
pub(crate) fn plain_text(text: &str) -> String {
    let with_lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let stripped = anstream::adapter::strip_str(&with_lines).to_string();
    // text from web pages and files may have zero-width spaces and byte order marks
    let is_text =
        |character: &char| matches!(character, '\n' | '\t') || !is_unprintable(*character);
    stripped.chars().filter(is_text).collect()
}

/// Splits a pasted text into names: at line ends and tabs, and at commas and semicolons if the text
/// between line ends is not itself a name.
pub(crate) fn split_names(text: &str, catalogue: &Catalogue) -> Vec<String> {
    let mut names = Vec::new();
    for piece in text.split(['\n', '\t']) {
        let piece = without_quotes(piece);
        if catalogue.find(piece).is_some() {
            names.push(piece.to_owned());
        } else {
            let parts = piece.split([',', ';']);
            names.extend(parts.map(|part| without_quotes(part).to_owned()));
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Returns a name without the spaces and quotation marks around it.
fn without_quotes(name: &str) -> &str {
    name.trim().trim_matches(['"', '“', '”']).trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::EntityCard;

    fn catalogue() -> Catalogue {
        let names = ["lion", "tiger", "Washington, D.C.", "sea lion"];
        let entities = (0..).zip(names).map(|(id, name)| EntityCard {
            id: EntityId(id),
            name: name.into(),
            classes: Vec::new(),
            pairs: 2,
        });
        Catalogue {
            entities: entities.collect(),
            ..Catalogue::default()
        }
        .with_positions()
    }

    #[test]
    fn lines_tabs_and_commas_separate_names() {
        let split = |text: &str| split_names(&plain_text(text), &catalogue());
        for text in [
            "lion\rtiger\r",
            "lion\ntiger",
            "lion\r\n\r\ntiger",
            "lion\ttiger",
            "lion, tiger",
            "lion;tiger",
        ] {
            assert_eq!(split(text), ["lion", "tiger"], "{text:?}");
        }
        assert_eq!(
            split("Washington, D.C.\n\"sea lion\", lion"),
            ["Washington, D.C.", "sea lion", "lion"]
        );
        assert_eq!(split(" \n\t"), Vec::<String>::new());
    }

    #[test]
    fn escape_sequences_and_control_characters_are_removed() {
        assert_eq!(
            plain_text("li\x1b[31mon\x1b]0;title\x07\u{9b}1m\0"),
            "lion1m"
        );
        assert_eq!(plain_text("a\rb\r\nc"), "a\nb\nc");
    }
}
