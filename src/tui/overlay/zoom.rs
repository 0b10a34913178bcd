//! The popup of one image on the full screen, with the entity's name below.

use std::path::{Path, PathBuf};

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::tui::ui::draw_context::{DrawContext, split_last_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::labels::class_titles;
use crate::types::EntityId;

/// Draws the entity's image at this index.
pub fn draw(
    canvas: &mut DrawContext,
    screen: Rect,
    entity: EntityId,
    images: &[PathBuf],
    index: usize,
) {
    let Some(path) = images.get(index.min(images.len().saturating_sub(1))) else {
        return;
    };
    canvas.clear(screen);
    canvas.click_target(screen, ClickTarget::Backdrop);
    if canvas.images.is_enabled() {
        let above_caption = Rect {
            height: screen.height - 2,
            ..screen
        };
        canvas.image(above_caption, path);
    } else {
        draw_path(canvas, screen, path);
    }
    let caption = caption(canvas, entity, index, images.len());
    let (_, last_line) = split_last_line(screen);
    canvas.line(last_line, caption.centered());
}

/// Draws the path of an image in place of the image.
fn draw_path(canvas: &mut DrawContext, screen: Rect, path: &Path) {
    let middle = Rect {
        y: screen.height / 2,
        height: 1,
        ..screen
    };
    let message = format!("pictures are off: {}", path.display());
    let line = Line::from(canvas.span(Role::Quiet, message));
    canvas.line(middle, line.centered());
}

/// Returns the line below the image: the entity and its classes, the image's number, and the keys.
fn caption(canvas: &DrawContext, entity: EntityId, index: usize, count: usize) -> Line<'static> {
    let classes = canvas.catalogue().and_then(|catalogue| {
        let card = catalogue.entity(entity)?;
        Some(class_titles(catalogue, &card.classes))
    });
    let classes = classes.unwrap_or_default();
    let number = index + 1;
    Line::from(vec![
        canvas.span(Role::Title, format!("{}  ", canvas.name(entity))),
        canvas.span(
            Role::Quiet,
            format!("{classes}   {number}/{count}   < > pictures   j k candidates   esc"),
        ),
    ])
}
