//! The pane of seeds: chips of seeds and of accepted candidates that wrap, and the field in which the
//! name of another seed is typed.
//!
//! ` lion ✕   tiger ✕   + jaguar ✕  a add…   − 2 rejected`

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::tui::explore::completion::Typing;
use crate::tui::explore::pane_context::PaneContext;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::parts::Pane;
use crate::tui::shared::Shared;
use crate::tui::text_input::TextInput;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::text;
use crate::types::EntityId;

/// The largest number of lines of chips; of more lines the last ones are shown.
const MAX_LINES: usize = 4;

/// The least width in columns of the field for another seed.
const FIELD: usize = 14;

/// The pane of seeds.
#[derive(Debug, Default)]
pub struct SeedsPane {
    /// The name of a new seed while it is typed.
    pub typing: Option<Typing>,
    /// The seed or accepted candidate in focus, from 0; one past the last is the field for a new one.
    pub chip: usize,
}

/// The position of a chip: line, column and width.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ChipPosition {
    line: usize,
    column: usize,
    width: usize,
}

impl SeedsPane {
    /// Opens an empty field at a position among the chips.
    pub(crate) fn start_typing(&mut self, position: usize) {
        self.chip = position;
        self.typing = Some(Typing::default());
    }

    /// Updates the matches of the typed name.
    pub(crate) fn complete(&mut self, query: &ExpansionQuery, shared: &Shared) {
        if let (Some(typing), Some(catalogue)) = (&mut self.typing, &shared.catalogue) {
            typing.search(catalogue, &query.seeds.members());
        }
    }

    /// Returns the height that the pane needs at a width.
    pub(crate) fn height(&self, query: &ExpansionQuery, shared: &Shared, width: u16) -> u16 {
        let positions = self.positions(query, shared, usize::from(width.saturating_sub(4)));
        let lines = positions.last().map_or(1, |last| last.line + 1);
        2 + lines.min(MAX_LINES) as u16
    }

    /// Returns the positions of all chips, and last that of the field.
    fn positions(
        &self,
        query: &ExpansionQuery,
        shared: &Shared,
        width: usize,
    ) -> Vec<ChipPosition> {
        let mut widths = Vec::new();
        for (at, seed) in query.seeds.members().into_iter().enumerate() {
            let catalogue = shared.catalogue.as_ref();
            let card = catalogue.and_then(|catalogue| catalogue.entity(seed));
            let sign = if at < query.seeds.seeds.len() { 0 } else { 2 };
            widths.push(card.map_or(6, |card| text::width(&card.name)) + 4 + sign);
        }
        let field = match &self.typing {
            Some(typing) => text::width(&typing.input) + 2,
            None => text::width(&field_hint(shared)) + text::width(&rejected_label(query)),
        };
        widths.push(field.max(FIELD));
        flow(&widths, width)
    }

    /// Draws the pane.
    pub(crate) fn draw(&self, canvas: &mut DrawContext, area: Rect, context: &PaneContext) {
        let right = source(canvas, context, usize::from(area.width.saturating_sub(12)));
        let inner = context.draw_frame(canvas, area, Pane::Seeds, "Seeds", right);
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        let positions = self.positions(context.query, canvas.shared, inner.width.into());
        let members = context.query.seeds.members();
        let lines = usize::from(inner.height);
        let hidden = positions
            .last()
            .map_or(0, |last| (last.line + 1).saturating_sub(lines));
        for (at, position) in positions.iter().enumerate() {
            let Some(line) = position.line.checked_sub(hidden) else {
                continue;
            };
            let area = Rect::new(
                inner.x + position.column as u16,
                inner.y + line as u16,
                position.width as u16,
                1,
            );
            match members.get(at) {
                Some(&member) => self.draw_chip(canvas, area, at, member, context),
                None => {
                    let width = inner.right().saturating_sub(area.x);
                    self.draw_field(canvas, Rect { width, ..area }, context);
                }
            }
        }
    }

    fn draw_chip(
        &self,
        canvas: &mut DrawContext,
        area: Rect,
        position: usize,
        member: EntityId,
        context: &PaneContext,
    ) {
        let focused =
            context.focus == Pane::Seeds && self.typing.is_none() && self.chip == position;
        let is_seed = position < context.query.seeds.seeds.len();
        let (role, sign) = if is_seed {
            (Role::Seed, "")
        } else {
            (Role::Gold, "+ ")
        };
        let mut style = canvas.style(role);
        let mut close_style = canvas.style(Role::Quiet);
        if focused {
            style = style.add_modifier(Modifier::REVERSED);
            close_style = style;
        }
        let name = format!("{sign}{}", canvas.name(member));
        let name = text::fit(&name, usize::from(area.width).saturating_sub(4));
        let line = Line::from(vec![
            Span::styled(format!(" {name} "), style),
            Span::styled("✕ ", close_style),
        ]);
        canvas.line(area, line);
        canvas.click_target(area, ClickTarget::Seed(position));
        let close = Rect {
            x: area.right().saturating_sub(2),
            width: 2.min(area.width),
            ..area
        };
        canvas.click_target(close, ClickTarget::RemoveSeed(position));
    }

    /// Draws the name that is typed, or the key that opens the field.
    fn draw_field(&self, canvas: &mut DrawContext, area: Rect, context: &PaneContext) {
        match &self.typing {
            Some(typing) => {
                let hint = if typing.input.is_empty() {
                    "a name…"
                } else {
                    ""
                };
                let hint = canvas.span(Role::Quiet, hint);
                let input = TextInput::from(typing.input.as_str());
                canvas.input_line(area, vec![], &input, vec![hint]);
            }
            None => self.draw_field_hint(canvas, area, context),
        }
        canvas.click_target(area, ClickTarget::AddSeed);
    }

    fn draw_field_hint(&self, canvas: &mut DrawContext, area: Rect, context: &PaneContext) {
        let focused =
            context.focus == Pane::Seeds && self.chip >= context.query.seeds.members().len();
        let mut style: Style = canvas.style(Role::Quiet);
        if focused {
            style = style.add_modifier(Modifier::REVERSED);
        }
        let line = Line::from(vec![
            Span::styled(field_hint(canvas.shared), style),
            canvas.span(Role::Quiet, rejected_label(context.query)),
        ]);
        canvas.line(area, line);
    }
}

/// Returns the key that opens the field.
fn field_hint(shared: &Shared) -> String {
    let keymap = &shared.settings.keymap;
    let key = keymap.key_of(Context::Global, Action::AddSeed);
    format!("{} add…", key.unwrap_or_default())
}

/// Returns the number of rejected candidates.
fn rejected_label(query: &ExpansionQuery) -> String {
    match query.seeds.rejected.len() {
        0 => String::new(),
        count => format!("   − {count} rejected"),
    }
}

/// Places boxes of these widths one after the other, a column apart, in lines of `width` columns.
fn flow(widths: &[usize], width: usize) -> Vec<ChipPosition> {
    let (mut line, mut column) = (0, 0);
    let mut positions = Vec::new();
    for &wide in widths {
        let wide = wide.min(width);
        if column > 0 && column + wide > width {
            (line, column) = (line + 1, 0);
        }
        positions.push(ChipPosition {
            line,
            column,
            width: wide,
        });
        column += wide + 1;
    }
    positions
}

/// Returns the source of the seeds: "carnivorous mammals · query 2 of 5 (3 seeds) · edited".
fn source(canvas: &DrawContext, context: &PaneContext, room: usize) -> Line<'static> {
    let Some(catalogue) = canvas.catalogue() else {
        return Line::default();
    };
    let seeds = &context.query.seeds;
    let Some(class) = seeds.class else {
        let shared_class = seeds.gold_class(catalogue);
        let label = shared_class.map(|class| format!(" all {} ", catalogue.class(class).title()));
        return Line::from(canvas.span(Role::Quiet, label.unwrap_or_default()));
    };
    let mut query = String::new();
    if let Some(number) = seeds.number {
        let count = catalogue.queries_of(class, seeds.count).count();
        let size = seeds.count.as_usize();
        query = format!("· query {} of {count} ({size} seeds) ", number + 1);
        if !seeds.is_query(catalogue) {
            query.push_str("· edited ");
        }
    }
    let title = catalogue.class(class).title();
    let title = text::cut(&title, room.saturating_sub(text::width(&query) + 2));
    Line::from(vec![
        canvas.span(Role::Title, format!(" {title} ")),
        canvas.span(Role::Quiet, query),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_wrap_and_never_pass_the_edge() {
        let positions = flow(&[8, 9, 11, 14], 30);
        let places: Vec<_> = positions.iter().map(|p| (p.line, p.column)).collect();
        assert_eq!(places, [(0, 0), (0, 9), (0, 19), (1, 0)]);
        let narrow = flow(&[50, 3], 20);
        assert!(narrow.iter().all(|p| p.column + p.width <= 20));
    }
}
