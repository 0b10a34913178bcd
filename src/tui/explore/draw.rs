//! The main screen.
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
//! Narrower terminals turn side panes into drawers that lie over the candidates while they have the
//! focus: under 112 columns the classes, under 76 the entity too.

use ratatui::layout::{Constraint, Layout, Rect};

use crate::tui::explore::{candidates, classes, completion, entity, metrics_line, seeds};
use crate::tui::parts::Pane;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;

/// From this width on the classes have a pane of their own.
const WITH_CLASSES: u16 = 112;
/// From this width on the entity has a pane of its own.
const WITH_ENTITY: u16 = 76;
/// The classes get no narrower than this, and no wider than a quarter.
const CLASSES_WIDTH: u16 = 31;
/// Columns of a class's row and its frame but for the name.
const BESIDE_CLASS_NAME: usize = 13;
/// Dragged, the candidates get no narrower than this.
const CANDIDATES_LEAST: u16 = 28;
const DRAWER_WIDTH: u16 = 36;
/// The candidates get no narrower than this beside the entity.
const CANDIDATES_WIDTH: u16 = 46;

/// Draws the screen, and the keys or metrics in the last line.
pub fn draw(canvas: &mut DrawContext, body: Rect, foot_line: Rect) {
    panes(canvas, body);
    metrics_line::draw(canvas, foot_line);
}

fn panes(canvas: &mut DrawContext, body: Rect) {
    let app = canvas.app;
    let has_classes = app
        .shared
        .catalogue
        .as_ref()
        .is_none_or(|c| !c.classes.is_empty());
    let beside = body.width >= WITH_CLASSES && has_classes;
    let left = if beside {
        classes_width(canvas, body.width)
    } else {
        0
    };
    let [class_area, main] =
        Layout::horizontal([Constraint::Length(left), Constraint::Fill(1)]).areas(body);
    if beside {
        classes::draw(canvas, class_area);
    }
    let seeds_height = seeds::height(app, main.width);
    let [seed_area, lists] =
        Layout::vertical([Constraint::Length(seeds_height), Constraint::Fill(1)]).areas(main);
    seeds::draw(canvas, seed_area);
    let drawer_opens = app.explore.focus == Pane::Classes && !beside;
    // before anything is expanded there is no entity to show beside the drawer
    let is_bare = drawer_opens && app.subject().is_none();
    let entity_width = if is_bare {
        0
    } else {
        entity_width(canvas, lists.width)
    };
    let [list, detail] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(entity_width)]).areas(lists);
    candidates::draw(canvas, list, if drawer_opens { DRAWER_WIDTH } else { 0 });
    if entity_width > 0 {
        entity_beside(canvas, detail);
    }
    if drawer_opens {
        let width = DRAWER_WIDTH;
        drawer(canvas, Rect { width, ..body }, classes::draw);
    }
    if app.explore.focus == Pane::Entity && entity_width == 0 {
        entity_drawer(canvas, lists);
    }
    completion::draw(canvas, seed_area, body);
}

/// Draws the entity beside the candidates, with the divider that can be dragged.
fn entity_beside(canvas: &mut DrawContext, area: Rect) {
    entity::draw(canvas, area);
    let divider = Rect {
        x: area.x.saturating_sub(1),
        width: 2,
        ..area
    };
    canvas.click_target(divider, ClickTarget::Divider);
}

/// Draws the entity over the candidates, of which the left edge stays in sight.
fn entity_drawer(canvas: &mut DrawContext, lists: Rect) {
    let width = lists.width.saturating_sub(12);
    let area = Rect {
        x: lists.right() - width,
        width,
        ..lists
    };
    drawer(canvas, area, entity::draw);
}

/// As wide as the longest name needs.
fn classes_width(canvas: &DrawContext, whole: u16) -> u16 {
    let wanted = u16::try_from(canvas.longest_class_name() + BESIDE_CLASS_NAME).unwrap_or(u16::MAX);
    wanted.clamp(CLASSES_WIDTH, CLASSES_WIDTH.max(whole / 4))
}

fn entity_width(canvas: &DrawContext, width: u16) -> u16 {
    if canvas.frame.area().width < WITH_ENTITY {
        return 0;
    }
    let most = width.saturating_sub(CANDIDATES_WIDTH);
    let usual = (width * 2 / 5).min(64);
    match canvas.app.explore.entity.width {
        Some(dragged) => dragged.min(width.saturating_sub(CANDIDATES_LEAST)),
        None => usual.min(most),
    }
}

fn drawer(canvas: &mut DrawContext, area: Rect, draw: fn(&mut DrawContext, Rect)) {
    canvas.clear(area);
    draw(canvas, area);
}
