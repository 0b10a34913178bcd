//! One picture on the full screen, with whose it is below.

use std::path::Path;

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::labels::class_titles;
use crate::types::EntityId;

pub fn draw(canvas: &mut DrawContext, whole: Rect) {
    let app = canvas.app;
    let (Some(entity), Some(Ok(detail))) = (app.subject(), app.detail()) else {
        return;
    };
    let Some(path) = detail.images.get(
        app.explore
            .entity
            .first_image
            .min(detail.images.len().saturating_sub(1)),
    ) else {
        return;
    };
    canvas.clear(whole);
    canvas.click_target(whole, ClickTarget::Backdrop);
    if canvas.images.is_enabled() {
        let above_caption = Rect {
            height: whole.height - 2,
            ..whole
        };
        canvas.image(above_caption, path);
    } else {
        pictures_are_off(canvas, whole, path);
    }
    let caption = caption(canvas, entity, detail.images.len());
    let last_line = Rect {
        y: whole.bottom() - 1,
        height: 1,
        ..whole
    };
    canvas.line(last_line, caption.centered());
}

/// Draws the path of a picture in the place of the picture.
fn pictures_are_off(canvas: &mut DrawContext, whole: Rect, path: &Path) {
    let middle = Rect {
        y: whole.height / 2,
        height: 1,
        ..whole
    };
    let said = format!("pictures are off: {}", path.display());
    let line = Line::from(canvas.span(Role::Quiet, said));
    canvas.line(middle, line.centered());
}

/// Returns the line below the picture: its entity, its number among the entity's pictures, and the
/// keys.
fn caption(canvas: &DrawContext, entity: EntityId, pictures: usize) -> Line<'static> {
    let classes = match canvas.catalogue() {
        Some(c) => c
            .entity(entity)
            .map(|e| class_titles(c, &e.classes))
            .unwrap_or_default(),
        None => String::new(),
    };
    let count = format!("{}/{pictures}", canvas.app.explore.entity.first_image + 1);
    Line::from(vec![
        canvas.span(Role::Title, format!("{}  ", canvas.name(entity))),
        canvas.span(
            Role::Quiet,
            format!("{classes}   {count}   < > pictures   j k candidates   esc"),
        ),
    ])
}
