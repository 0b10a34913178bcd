//! Draws a whole frame.

use crate::tui::explore::missing;
use crate::tui::overlay::explain::view;
use crate::tui::overlay::{
    export, help, load_warnings, named_queries, palette, pasted_names, themes, what_if, zoom,
};
use crate::tui::parts::Popup;
use crate::tui::parts::Screen;
use crate::tui::ui::status_line::StatusLine;
use crate::tui::ui::text;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
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
pub fn draw(frame: &mut Frame, app: &App, theme: &Theme, images: &ImageCache) -> FrameInfo {
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
        images,
        frame_info: FrameInfo {
            size: area.as_size(),
            ..FrameInfo::default()
        },
        overlays: Vec::new(),
    };
    let [top, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    let status_line = StatusLine {
        screen: app.screen,
        mode: app.explore.query.mode,
        is_joint: app.explore.query.joint,
        is_stopped: app.is_stopped(),
        ticks: app.status.ticks,
    };
    status_line.draw(&mut canvas, top);
    match app.screen {
        Screen::Explore => app.explore.draw(&mut canvas, body, foot),
        Screen::Compare => app.compare.draw(&mut canvas, body, foot),
        Screen::Failures => app.failures.draw(&mut canvas, body, foot),
        Screen::Metrics => app.metrics.draw(&mut canvas, body, foot),
    }
    draw_popups(&mut canvas, area);
    draw_notice(&mut canvas, body);
    search::draw(&mut canvas, area);
    sequence_hints::draw(
        &mut canvas,
        area,
        &app.navigation.pending_keys,
        &app.following(),
    );
    let frame_info = canvas.frame_info;
    fill(frame, theme);
    isolate(frame.buffer_mut());
    frame_info
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

/// What lies over any screen.
fn draw_popups(canvas: &mut DrawContext, area: Rect) {
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
        Popup::Missing(cursor) => {
            if let Some(missing) = canvas.app.explore.missing() {
                missing::draw(canvas, area, missing, cursor);
            }
        }
        Popup::Export(cursor) => export::draw(canvas, area, cursor),
        Popup::Rankers(cursor) => canvas.app.compare.rankers.draw(canvas, area, cursor),
        Popup::Zoom => zoom::draw(canvas, area),
        Popup::Palette => palette::draw(canvas, area),
        Popup::Themes(cursor) => themes::draw(canvas, area, cursor),
        Popup::Explain => view::draw(canvas, area),
        Popup::WhatIf(cursor) => what_if::draw(canvas, area, cursor),
        Popup::SaveQuery => named_queries::draw_naming(canvas, area),
        Popup::NamedQueries(cursor) => named_queries::draw(canvas, area, cursor),
        Popup::LoadWarnings => load_warnings::draw(canvas, area),
        Popup::PastedNames(cursor) => pasted_names::draw(canvas, area, cursor),
    }
}

/// A sentence for people at the foot of the panes: on the lowest border, and above it as far as a
/// long one needs.
fn draw_notice(canvas: &mut DrawContext, body: Rect) {
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
