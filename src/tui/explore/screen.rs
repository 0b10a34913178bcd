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
use ratatui::text::Line;

use crate::config::Role;
use crate::tui::compare::rankers;
use crate::tui::explore::{candidates, classes, completion, entity, metrics_line, missing, seeds};
use crate::tui::overlay::explain::view;
use crate::tui::overlay::{
    export, help, load_warnings, named_queries, palette, pasted_names, themes, what_if, zoom,
};
use crate::tui::parts::Pane;
use crate::tui::parts::Popup;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::Hit;
use crate::tui::ui::{status_line, text};

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

pub fn draw(canvas: &mut DrawContext, area: Rect) {
    let [top, body, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    status_line::draw(canvas, top);
    panes(canvas, body);
    metrics_line::draw(canvas, bottom);
    popups(canvas, area);
    notice(canvas, body);
}

/// What lies over any screen.
pub fn popups(canvas: &mut DrawContext, area: Rect) {
    if let Some(popup) = canvas.app.overlay.popup {
        draw_popup(canvas, area, popup);
    }
}

fn draw_popup(canvas: &mut DrawContext, area: Rect, popup: Popup) {
    match popup {
        Popup::Help(below) => {
            below
                .popup()
                .into_iter()
                .for_each(|below| draw_popup(canvas, area, below));
            help::draw(canvas, area);
        }
        Popup::Missing(cursor) => missing::draw(canvas, area, cursor),
        Popup::Export(cursor) => export::draw(canvas, area, cursor),
        Popup::Rankers(cursor) => rankers::draw(canvas, area, cursor),
        Popup::Zoom => zoom::draw(canvas, area),
        Popup::Palette => palette::draw(canvas, area),
        Popup::Theme(cursor) => themes::draw(canvas, area, cursor),
        Popup::Explain => view::draw(canvas, area),
        Popup::WhatIf(cursor) => what_if::draw(canvas, area, cursor),
        Popup::Naming => named_queries::draw_naming(canvas, area),
        Popup::States(cursor) => named_queries::draw(canvas, area, cursor),
        Popup::Told => load_warnings::draw(canvas, area),
        Popup::Pasted(cursor) => pasted_names::draw(canvas, area, cursor),
    }
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
    canvas.hit(divider, Hit::Divider);
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

/// A sentence for people at the foot of the panes: on the lowest border, and above it as far as a
/// long one needs.
pub fn notice(canvas: &mut DrawContext, body: Rect) {
    let Some(notice) = &canvas.app.status.notice else {
        return;
    };
    let room = usize::from(body.width).saturating_sub(6);
    let lines: Vec<String> = text::wrap(&notice.text(), room);
    let height = (lines.len() as u16).min(body.height);
    let width = lines
        .iter()
        .map(|line| text::width(line))
        .max()
        .unwrap_or(0) as u16
        + 2;
    let x = body.right().saturating_sub(width + 2);
    let area = Rect::new(x, body.bottom() - height, width, height).intersection(body);
    canvas.clear(area);
    for (row, line) in area.rows().zip(lines) {
        let line = Line::from(canvas.span(Role::Warning, format!(" {line} ")));
        canvas.line(row, line);
    }
}
