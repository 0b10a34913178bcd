//! The names that a typed one may become, best first, with class and picture.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType};

use crate::config::Role;
use crate::tui::explore::seeds::Typing;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::labels::class_titles;
use crate::tui::ui::scroll::keep_in_sight;
use crate::tui::ui::text;
use crate::types::EntityId;

const LINES: u16 = 8;
const WIDTH: u16 = 46;
/// Columns of the picture of the highlighted entity; it is as many lines tall as the list.
const PICTURE: u16 = 16;

/// Draws below the seeds pane, over what is there.
pub fn draw(canvas: &mut DrawContext, seeds: Rect, whole: Rect) {
    let app = canvas.app;
    let Some(typing) = app
        .explore
        .seeds
        .typing
        .as_ref()
        .filter(|t| !t.input.is_empty())
    else {
        return;
    };
    let pictured = canvas.images.is_enabled();
    let width = (WIDTH + if pictured { PICTURE + 1 } else { 0 }).min(seeds.width);
    let lines = if pictured {
        LINES
    } else {
        (typing.matches.len() as u16).clamp(1, LINES)
    };
    let below = whole.bottom().saturating_sub(seeds.bottom());
    let area = Rect::new(
        seeds.x,
        seeds.bottom().saturating_sub(1),
        width,
        (lines + 2).min(below),
    );
    let inner = frame(canvas, area, typing);
    let listed = if pictured {
        inner.width.saturating_sub(PICTURE + 1)
    } else {
        inner.width
    };
    let list = Rect {
        width: listed,
        ..inner
    };
    matches(canvas, list, typing);
    if let Some(entity) = typing
        .highlighted()
        .filter(|_| pictured && inner.width > PICTURE)
    {
        let at = Rect {
            x: inner.right() - PICTURE,
            width: PICTURE,
            ..inner
        };
        canvas.thumbnail(at, entity);
    }
}

/// Draws the frame over what is there, with the number of matches; gives its inside.
fn frame(canvas: &mut DrawContext, area: Rect, typing: &Typing) -> Rect {
    let count = match typing.matches.len() {
        0 => " no such entity ".to_owned(),
        n => format!(" {} of {n} ", typing.cursor + 1),
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

/// Draws the matches that are in sight.
fn matches(canvas: &mut DrawContext, list: Rect, typing: &Typing) {
    let page = usize::from(list.height);
    let offset = keep_in_sight(typing.cursor, 0, page, typing.matches.len());
    for (at, &entity) in typing.matches.iter().enumerate().skip(offset).take(page) {
        let line = Rect::new(list.x, list.y + (at - offset) as u16, list.width, 1);
        draw_match(canvas, line, entity, at == typing.cursor);
        canvas.click_target(line, ClickTarget::Completion(at));
    }
}

fn draw_match(canvas: &mut DrawContext, area: Rect, entity: EntityId, highlighted: bool) {
    let name = canvas.name(entity);
    let classes = match canvas.catalogue() {
        _ if canvas.app.explore.query.seeds.seeds.contains(&entity) => "already a seed".to_owned(),
        Some(c) => c
            .entity(entity)
            .map(|e| class_titles(c, &e.classes))
            .unwrap_or_default(),
        None => String::new(),
    };
    let room = usize::from(area.width).saturating_sub(2);
    let for_name = text::width(&name).min(room).max(room / 2);
    let line = Line::from(vec![
        Span::raw(" "),
        canvas.span(
            if highlighted { Role::Title } else { Role::Text },
            text::fit(&name, for_name),
        ),
        canvas.span(Role::Quiet, " "),
        canvas.span(Role::Quiet, text::fit(&classes, room - for_name)),
    ]);
    let line = if highlighted {
        line.style(canvas.style(Role::Selection))
    } else {
        line
    };
    canvas.line(area, line);
}
