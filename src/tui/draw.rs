//! Draws a whole frame.

use crate::tui::parts::Screen;
use ratatui::Frame;
use ratatui::style::Color;
use ratatui::text::Line;

use crate::config::{Role, Theme};
use crate::tui::app::App;
use crate::tui::platform::bidi::isolate;
use crate::tui::search;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::FrameInfo;
use crate::tui::ui::image_cache::ImageCache;
use crate::tui::ui::sequence_hints;

/// Below this nothing can be laid out.
const SMALLEST: (u16, u16) = (60, 16);

/// Draws the whole terminal; gives what the app is to know of the frame.
pub fn draw(frame: &mut Frame, app: &App, theme: &Theme, pictures: &ImageCache) -> FrameInfo {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let said = format!(
            "multiexpan needs {}×{} cells; this is {}×{}",
            SMALLEST.0, SMALLEST.1, area.width, area.height
        );
        frame.render_widget(Line::from(said), area);
        return FrameInfo {
            size: area.as_size(),
            ..FrameInfo::default()
        };
    }
    let mut canvas = DrawContext {
        frame,
        app,
        shared: &app.shared,
        has_popup: app.overlay.popup.is_some(),
        highlighted: app.overlay.search.field.text(),
        theme,
        pictures,
        view: FrameInfo {
            size: area.as_size(),
            ..FrameInfo::default()
        },
        overlays: Vec::new(),
    };
    match app.screen {
        Screen::Explore => crate::tui::explore::screen::draw(&mut canvas, area),
        Screen::Compare => crate::tui::compare::screen::draw(&mut canvas, area),
        Screen::Failures => crate::tui::failures::screen::draw(&mut canvas, area),
        Screen::Metrics => crate::tui::metrics::screen::draw(&mut canvas, area),
    }
    search::draw(&mut canvas, area);
    sequence_hints::draw(&mut canvas, area);
    let view = canvas.view;
    fill(frame, theme);
    isolate(frame.buffer_mut());
    view
}

/// The theme's own paper and ink wherever a widget chose no colour: a theme reads the same on any
/// terminal.
fn fill(frame: &mut Frame, theme: &Theme) {
    let (paper, text) = (theme.style(Role::Paper).bg, theme.style(Role::Text).fg);
    for cell in &mut frame.buffer_mut().content {
        if cell.bg == Color::Reset {
            cell.bg = paper.unwrap_or(Color::Reset);
        }
        if cell.fg == Color::Reset {
            cell.fg = text.unwrap_or(Color::Reset);
        }
    }
}
