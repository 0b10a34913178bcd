//! The layout of the Explore screen.
//!
//! ```text
//!  multiexpan  demo · both · 825 entities · 46 classes · cpu      status           1 Explore  ? help
//! ┌ Classes ─────────┐┌ Seeds ───────────────────── carnivorous mammals · query 2 of 5 (3 seeds) ┐
//! │ / filter         ││ lion ✕   tiger ✕   leopard ✕   a add…           seeds, completion below  │
//! │ ▾ Living things  │└──────────────────────────────────────────────────────────────────────────┘
//! │   ▾ Animals      │┌ Candidates ─────────────────────────────────┐┌ jaguar ───────────────────┐
//! │   ● carnivor .83 ││  # entity     score  text│image   vs text   ││ pictures                  │
//! │     ungulat  .91 ││  1 ✓ jaguar    14.2  ████│███         ▲ 3   ││ classes, ranks            │
//! │   ▸ Plants   .77 ││  3 ✗ horse     11.0    ██│██████     ▲ 21   ││ score, how it was picked  │
//! │ ▸ Food           ││                                             ││ sentences, neighbours     │
//! └──────────────────┘└─────────────────────────────────────────────┘└───────────────────────────┘
//!  AP@10 .93  @20 .88  @50 .81  @100 .81  P@10 .90  of 1.0  missing 3 ▸   120 picked, re-ranked
//! ```
//!
//! In narrower terminals the side panes are drawers, which lie over the candidates while they have
//! the focus: the classes below 112 columns, the entity below 76 columns.

use ratatui::layout::{Constraint, Layout, Rect};

use crate::tui::explore::Explore;
use crate::tui::explore::metrics_line;
use crate::tui::explore::pane_context::PaneContext;
use crate::tui::parts::Pane;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;

/// The least width of a screen in which the classes have a pane of their own.
const WITH_CLASSES: u16 = 112;
/// The least width of a screen in which the entity has a pane of its own.
const WITH_ENTITY: u16 = 76;
/// The least width of the classes; the largest is a quarter of the screen.
const CLASSES_WIDTH: u16 = 31;
/// The columns of a class's row and its frame without the name.
const CLASS_ROW_EXTRA: usize = 13;
/// The least width of the candidates when the border is dragged.
const MIN_DRAGGED_WIDTH: u16 = 28;
const DRAWER_WIDTH: u16 = 36;
/// The least width of the candidates otherwise.
const CANDIDATES_WIDTH: u16 = 46;

impl Explore {
    /// Draws the screen, and the metrics in the last line.
    pub(crate) fn draw(&self, canvas: &mut DrawContext, body: Rect, foot: Rect) {
        let shared = canvas.shared;
        let context = &self.pane_context(shared);
        let catalogue = shared.catalogue.as_ref();
        let has_classes = catalogue.is_none_or(|catalogue| !catalogue.classes.is_empty());
        let classes_width = if body.width >= WITH_CLASSES && has_classes {
            classes_width(canvas, body.width)
        } else {
            0
        };
        let [classes, main] =
            Layout::horizontal([Constraint::Length(classes_width), Constraint::Fill(1)])
                .areas(body);
        if classes_width > 0 {
            self.classes.draw(canvas, classes, context);
        }
        let seeds_height = self.seeds.height(&self.query, shared, main.width);
        let [seeds, lists] =
            Layout::vertical([Constraint::Length(seeds_height), Constraint::Fill(1)]).areas(main);
        self.seeds.draw(canvas, seeds, context);
        let has_drawer = self.focus == Pane::Classes && classes_width == 0;
        let entity_width = self.entity_width(canvas, lists.width, has_drawer, context);
        let covered = if has_drawer { DRAWER_WIDTH } else { 0 };
        self.draw_lists(canvas, lists, entity_width, covered, context);
        if has_drawer {
            let drawer = Rect {
                width: DRAWER_WIDTH,
                ..body
            };
            canvas.clear(drawer);
            self.classes.draw(canvas, drawer, context);
        }
        if self.focus == Pane::Entity && entity_width == 0 {
            self.draw_entity_drawer(canvas, lists, context);
        }
        if let Some(typing) = &self.seeds.typing {
            typing.draw(canvas, seeds, body, &self.query.seeds.members());
        }
        metrics_line::draw(canvas, foot, &self.candidates);
    }

    /// Draws the candidates, and the entity next to them if it has a width.
    fn draw_lists(
        &self,
        canvas: &mut DrawContext,
        area: Rect,
        entity_width: u16,
        covered: u16,
        context: &PaneContext,
    ) {
        let [list, entity] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(entity_width)]).areas(area);
        self.candidates.draw(canvas, list, covered, context);
        if entity_width > 0 {
            self.entity.draw(canvas, entity, context);
            // the border between the panes can be dragged
            let divider = Rect {
                x: entity.x.saturating_sub(1),
                width: 2,
                ..entity
            };
            canvas.click_target(divider, ClickTarget::Divider);
        }
    }

    /// Draws the entity over the candidates, whose left edge stays visible.
    fn draw_entity_drawer(&self, canvas: &mut DrawContext, area: Rect, context: &PaneContext) {
        let width = area.width.saturating_sub(12);
        let drawer = Rect {
            x: area.right() - width,
            width,
            ..area
        };
        canvas.clear(drawer);
        self.entity.draw(canvas, drawer, context);
    }

    /// Returns the width of the entity's pane; 0 if there is no room for it.
    fn entity_width(
        &self,
        canvas: &DrawContext,
        width: u16,
        has_drawer: bool,
        context: &PaneContext,
    ) -> u16 {
        // before the first expansion there is no entity to show next to the drawer
        let is_empty = has_drawer && context.subject.is_none();
        if is_empty || canvas.frame.area().width < WITH_ENTITY {
            return 0;
        }
        match self.entity.width {
            Some(dragged) => dragged.min(width.saturating_sub(MIN_DRAGGED_WIDTH)),
            None => {
                let usual = (width * 2 / 5).min(64);
                usual.min(width.saturating_sub(CANDIDATES_WIDTH))
            }
        }
    }
}

/// Returns the width that the longest class name needs.
fn classes_width(canvas: &DrawContext, screen_width: u16) -> u16 {
    let wanted = canvas.longest_class_name() + CLASS_ROW_EXTRA;
    let wanted = u16::try_from(wanted).unwrap_or(u16::MAX);
    wanted.clamp(CLASSES_WIDTH, CLASSES_WIDTH.max(screen_width / 4))
}
