//! The completion of a name that is typed: the best matches with class and image.

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType};

use crate::config::Role;
use crate::engine::protocol::Catalogue;
use crate::name::matchable;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::labels::class_titles;
use crate::tui::ui::scroll::keep_in_sight;
use crate::tui::ui::text;
use crate::types::EntityId;

/// The number of matches that are found.
const MAX_MATCHES: usize = 50;

/// The number of matches that are visible at once.
const LINES: u16 = 8;
const WIDTH: u16 = 46;
/// Columns of the image of the highlighted entity; it has as many lines as the list.
const IMAGE: u16 = 16;

/// A name that is typed, and the entities that match it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Typing {
    pub input: String,
    /// The matches, best first.
    pub matches: Vec<EntityId>,
    pub cursor: usize,
}

impl Typing {
    /// Finds the entities of the catalogue that match the input. The first match that is not a seed
    /// yet is highlighted.
    pub fn search(&mut self, catalogue: &Catalogue, seeds: &[EntityId]) {
        self.cursor = 0;
        self.matches.clear();
        if self.input.trim().is_empty() {
            return;
        }
        let matcher = SkimMatcherV2::default().ignore_case();
        let input = matchable(self.input.trim());
        let mut found: Vec<(i64, &str, EntityId)> = Vec::new();
        for card in &catalogue.entities {
            if let Some(score) = matcher.fuzzy_match(&matchable(&card.name), &input) {
                found.push((score, card.name.as_str(), card.id));
            }
        }
        // of equal scores the shorter name matches better
        found.sort_by_key(|&(score, name, _)| (std::cmp::Reverse(score), name.len(), name));
        let best = found.into_iter().take(MAX_MATCHES);
        self.matches = best.map(|(_, _, entity)| entity).collect();
        let is_new = |entity: &EntityId| !seeds.contains(entity);
        self.cursor = self.matches.iter().position(is_new).unwrap_or(0);
    }

    /// Returns the match under the cursor.
    pub fn highlighted(&self) -> Option<EntityId> {
        self.matches.get(self.cursor).copied()
    }

    /// Draws the matches below the pane of seeds, over what is there.
    pub(crate) fn draw(
        &self,
        canvas: &mut DrawContext,
        seeds_area: Rect,
        screen: Rect,
        seeds: &[EntityId],
    ) {
        if self.input.is_empty() {
            return;
        }
        let has_image = canvas.images.is_enabled();
        let inner = self.draw_frame(canvas, self.area(seeds_area, screen, has_image));
        let mut list = inner;
        if has_image {
            list.width = inner.width.saturating_sub(IMAGE + 1);
        }
        self.draw_matches(canvas, list, seeds);
        if let Some(entity) = self.highlighted()
            && has_image
            && inner.width > IMAGE
        {
            let image = Rect {
                x: inner.right() - IMAGE,
                width: IMAGE,
                ..inner
            };
            canvas.thumbnail(image, entity);
        }
    }

    fn area(&self, seeds_area: Rect, screen: Rect, has_image: bool) -> Rect {
        let mut width = WIDTH;
        let mut lines = (self.matches.len() as u16).clamp(1, LINES);
        if has_image {
            width += IMAGE + 1;
            lines = LINES;
        }
        let below = screen.bottom().saturating_sub(seeds_area.bottom());
        Rect::new(
            seeds_area.x,
            seeds_area.bottom().saturating_sub(1),
            width.min(seeds_area.width),
            (lines + 2).min(below),
        )
    }

    /// Draws the frame with the number of matches, and returns the area inside it.
    fn draw_frame(&self, canvas: &mut DrawContext, area: Rect) -> Rect {
        let count = match self.matches.len() {
            0 => " no match ".to_owned(),
            count => format!(" {} of {count} ", self.cursor + 1),
        };
        let block = Block::bordered()
            .border_type(BorderType::Thick)
            .border_style(canvas.style(Role::Focus))
            .title_bottom(Line::from(canvas.span(Role::Quiet, count)).right_aligned());
        let inner = block.inner(area);
        canvas.clear(area);
        canvas.frame.render_widget(block, area);
        canvas.click_target(area, ClickTarget::Popup);
        inner
    }

    /// Draws the visible matches.
    fn draw_matches(&self, canvas: &mut DrawContext, list: Rect, seeds: &[EntityId]) {
        let page = usize::from(list.height);
        let offset = keep_in_sight(self.cursor, 0, page, self.matches.len());
        for (at, &entity) in self.matches.iter().enumerate().skip(offset).take(page) {
            let area = Rect::new(list.x, list.y + (at - offset) as u16, list.width, 1);
            let highlighted = at == self.cursor;
            let is_seed = seeds.contains(&entity);
            let line = match_line(canvas, area.width, entity, is_seed, highlighted);
            canvas.list_line(area, line, highlighted);
            canvas.click_target(area, ClickTarget::Completion(at));
        }
    }
}

/// Returns the line of a match: its name and its classes.
fn match_line(
    canvas: &DrawContext,
    width: u16,
    entity: EntityId,
    is_seed: bool,
    highlighted: bool,
) -> Line<'static> {
    let name = canvas.name(entity);
    let mut classes = String::new();
    if is_seed {
        classes = "already a seed".to_owned();
    } else if let Some(catalogue) = canvas.catalogue()
        && let Some(card) = catalogue.entity(entity)
    {
        classes = class_titles(catalogue, &card.classes);
    }
    let room = usize::from(width).saturating_sub(2);
    let name_room = text::width(&name).min(room).max(room / 2);
    let role = if highlighted { Role::Title } else { Role::Text };
    Line::from(vec![
        Span::raw(" "),
        canvas.span(role, text::fit(&name, name_room)),
        canvas.span(Role::Quiet, " "),
        canvas.span(Role::Quiet, text::fit(&classes, room - name_room)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::explore::test_catalogue::catalogue;

    #[test]
    fn completion_is_best_first_and_highlights_no_seed() {
        let mut typing = Typing {
            input: "lion".into(),
            ..Typing::default()
        };
        typing.search(&catalogue(), &[]);
        assert_eq!(typing.matches, [EntityId(0), EntityId(1), EntityId(2)]);
        typing.search(&catalogue(), &[EntityId(0)]);
        assert_eq!(typing.matches, [EntityId(0), EntityId(1), EntityId(2)]);
        assert_eq!(typing.highlighted(), Some(EntityId(1)));
    }

    #[test]
    fn completion_finds_names_in_every_unicode_form() {
        let mut islands = catalogue();
        islands.entities[3].name = "I\u{302}le d'Yeu".into();
        for typed in ["Île", "île", "I\u{302}le"] {
            let mut typing = Typing {
                input: typed.into(),
                ..Typing::default()
            };
            typing.search(&islands, &[]);
            assert_eq!(typing.highlighted(), Some(EntityId(3)), "{typed}");
        }
    }
}
