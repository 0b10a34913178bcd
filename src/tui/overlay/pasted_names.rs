//! Pasted text: a name for the field that takes it, or many names that become seeds.
//!
//! What became of each name that was pasted.
//!
//! ```text
//! ┏ 3 names pasted: 2 added, 1 unknown ━━━━━━━━━━━━━━━━━━┓
//! ┃ lion      added                                      ┃
//! ┃ tiger     added                                      ┃
//! ┃ leopart   unknown; near it: leopard, leopard seal    ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ esc ━┛
//! ```

use crate::config::Role;
use crate::engine::protocol::Catalogue;
use crate::printable::is_unprintable;
use crate::tui::app::App;
use crate::tui::parts::Pane;
use crate::tui::parts::Popup;
use crate::tui::parts::Screen;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::{popup_list, text};
use crate::types::EntityId;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// How many near names an unknown one is shown with.
const SUGGESTIONS: usize = 3;

/// What became of one pasted name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasteOutcome {
    /// It is a seed now.
    Added,
    /// It was a seed before, or came twice.
    AlreadySeed,
    /// No entity is called so; near names.
    Unknown(Vec<String>),
}

/// One name of a paste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastedName {
    pub name: String,
    pub outcome: PasteOutcome,
}

impl App {
    /// Takes in pasted text. Where seeds are typed, or nothing else takes text on the Explore
    /// screen, a paste of several names makes each a seed; otherwise its first line that is not
    /// empty goes into the field.
    pub(crate) fn paste(&mut self, text: &str) {
        let text = plain(text);
        if self.pastes_seeds() {
            let names = match &self.shared.catalogue {
                Some(catalogue) => names(&text, catalogue),
                None => Vec::new(),
            };
            if names.len() > 1 {
                return self.add_pasted(names);
            }
            if self.explore.seeds.typing.is_none() && !names.is_empty() {
                self.start_typing();
            }
        }
        let line = text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
            .unwrap_or_default();
        let line: String = line
            .chars()
            .map(|letter| if letter == '\t' { ' ' } else { letter })
            .collect();
        self.insert_text(&line);
    }

    fn pastes_seeds(&self) -> bool {
        let field_elsewhere = self.overlay.search.typing
            || self.explore.classes.filtering
            || self.compare.rankers.path.is_some();
        self.explore.seeds.typing.is_some()
            || self.screen == Screen::Explore
                && self.overlay.popup.is_none_or(is_pasted_list)
                && !field_elsewhere
    }

    /// Makes every known name a seed, as one change, and shows what became of each.
    fn add_pasted(&mut self, names: Vec<String>) {
        let Some(catalogue) = self.shared.catalogue.clone() else {
            return;
        };
        let mut seeds = self.explore.query.seeds.clone();
        let mut pasted = Vec::new();
        for name in names {
            let outcome = match catalogue.find(&name) {
                None => PasteOutcome::Unknown(catalogue.similar_names(&name, SUGGESTIONS)),
                Some(entity) => add(&mut seeds.seeds, entity),
            };
            pasted.push(PastedName { name, outcome });
        }
        seeds
            .rejected
            .retain(|rejected| !seeds.seeds.contains(rejected));
        if seeds != self.explore.query.seeds {
            self.change_seeds(seeds);
        }
        (
            self.explore.seeds.typing,
            self.explore.seeds.chip,
            self.explore.focus,
        ) = (None, self.explore.query.seeds.seeds.len(), Pane::Candidates);
        self.overlay.pasted_names = pasted;
        self.open_popup(Popup::PastedNames(0));
    }

    /// "3 names pasted: 2 added, 1 unknown"
    pub fn pasted_summary(&self) -> String {
        let pasted = &self.overlay.pasted_names;
        let count = |wanted: fn(&PasteOutcome) -> bool| {
            pasted.iter().filter(|one| wanted(&one.outcome)).count()
        };
        let counts = [
            (count(|o| matches!(o, PasteOutcome::Added)), "added"),
            (
                count(|o| matches!(o, PasteOutcome::AlreadySeed)),
                "there already",
            ),
            (count(|o| matches!(o, PasteOutcome::Unknown(_))), "unknown"),
        ];
        let said: Vec<String> = counts
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{n} {what}"))
            .collect();
        format!("{} names pasted: {}", pasted.len(), said.join(", "))
    }
}

fn add(seeds: &mut Vec<EntityId>, entity: EntityId) -> PasteOutcome {
    if seeds.contains(&entity) {
        return PasteOutcome::AlreadySeed;
    }
    seeds.push(entity);
    PasteOutcome::Added
}

fn is_pasted_list(popup: Popup) -> bool {
    matches!(popup, Popup::PastedNames(_))
}

/// The text without escape sequences and control characters; lines end in `\n`. Terminals send `\r`
/// for a line's end in a paste.
fn plain(text: &str) -> String {
    let with_lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let stripped = anstream::adapter::strip_str(&with_lines).to_string();
    // zero-width spaces and byte order marks come along from web pages and files
    let is_text = |letter: &char| matches!(letter, '\n' | '\t') || !is_unprintable(*letter);
    stripped.chars().filter(is_text).collect()
}

/// The names of a paste: by lines and tabs, and by commas where what is between them is not one
/// name.
fn names(text: &str, catalogue: &Catalogue) -> Vec<String> {
    let mut names = Vec::new();
    for piece in text.split(['\n', '\t']) {
        let piece = bare(piece);
        if catalogue.find(piece).is_some() {
            names.push(piece.to_owned());
        } else {
            names.extend(piece.split([',', ';']).map(|part| bare(part).to_owned()));
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Without the spaces and quotation marks around it.
fn bare(name: &str) -> &str {
    name.trim().trim_matches(['"', '“', '”']).trim()
}

const WIDTH: u16 = 76;

pub fn draw(canvas: &mut DrawContext, whole: Rect, cursor: usize) {
    let pasted = &canvas.app.overlay.pasted_names;
    let width = WIDTH.min(whole.width.saturating_sub(4));
    let height = (pasted.len() as u16 + 2).min(whole.height.saturating_sub(4));
    let area = Rect::new(
        (whole.width - width) / 2,
        (whole.height - height) / 2,
        width,
        height,
    );
    let inner = canvas.popup(area, &canvas.app.pasted_summary(), "esc");
    let names = pasted
        .iter()
        .map(|one| text::width(&one.name))
        .max()
        .unwrap_or(0)
        .min(usize::from(inner.width) / 2);
    let room = usize::from(inner.width).saturating_sub(names + 4);
    popup_list::draw(canvas, inner, cursor, pasted.len(), |canvas, at| {
        let one = &pasted[at];
        let (role, outcome) = match &one.outcome {
            PasteOutcome::Added => (Role::Gold, "added".to_owned()),
            PasteOutcome::AlreadySeed => (Role::Quiet, "already a seed".to_owned()),
            PasteOutcome::Unknown(near) if near.is_empty() => (Role::Miss, "unknown".to_owned()),
            PasteOutcome::Unknown(near) => {
                (Role::Miss, format!("unknown; near it: {}", near.join(", ")))
            }
        };
        let mut spans = vec![Span::raw(" ")];
        spans.extend(canvas.label(Role::Text, &text::fit(&one.name, names)));
        spans.push(canvas.span(role, format!("  {}", text::fit(&outcome, room))));
        (Line::from(spans), ClickTarget::Popup)
    });
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
        let split = |text: &str| names(&plain(text), &catalogue());
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
    fn escape_sequences_and_control_characters_are_not_text() {
        assert_eq!(plain("li\x1b[31mon\x1b]0;title\x07\u{9b}1m\0"), "lion1m");
        assert_eq!(plain("a\rb\r\nc"), "a\nb\nc");
    }
}
