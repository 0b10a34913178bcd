//! One picture on the full screen, with whose it is below.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::candidates::titles;
use crate::config::Role;
use crate::tui::canvas::Canvas;
use crate::tui::view::Hit;

pub fn draw(canvas: &mut Canvas, whole: Rect) {
    let app = canvas.app;
    let (Some(entity), Some(Ok(detail))) = (app.subject(), app.detail()) else {
        return;
    };
    let Some(path) = detail
        .pictures
        .get(app.picture.min(detail.pictures.len().saturating_sub(1)))
    else {
        return;
    };
    canvas.clear(whole);
    canvas.hit(whole, Hit::Backdrop);
    let (picture, below) = (
        Rect {
            height: whole.height - 2,
            ..whole
        },
        whole.bottom() - 1,
    );
    if canvas.pictures.on() {
        canvas.picture(picture, path);
    } else {
        let line =
            Line::from(canvas.span(Role::Quiet, format!("pictures are off: {}", path.display())))
                .centered();
        canvas.line(
            Rect {
                y: whole.height / 2,
                height: 1,
                ..whole
            },
            line,
        );
    }
    let classes = match canvas.catalogue() {
        Some(c) => c
            .entity(entity)
            .map(|e| titles(c, &e.classes))
            .unwrap_or_default(),
        None => String::new(),
    };
    let count = format!("{}/{}", app.picture + 1, detail.pictures.len());
    let line = Line::from(vec![
        canvas.span(Role::Title, format!("{}  ", canvas.name(entity))),
        canvas.span(
            Role::Quiet,
            format!("{classes}   {count}   < > pictures   j k candidates   esc"),
        ),
    ]);
    canvas.line(
        Rect {
            y: below,
            height: 1,
            ..whole
        },
        line.centered(),
    );
}
