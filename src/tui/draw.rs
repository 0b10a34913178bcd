//! Draws a whole frame.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Color;
use ratatui::text::Line;

use crate::config::{Role, Theme};
use crate::tui::app::App;
use crate::tui::notice::Notice;
use crate::tui::overlay::zoom;
use crate::tui::parts::{Popup, Screen};
use crate::tui::platform::bidi::isolate;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::FrameInfo;
use crate::tui::ui::image_cache::ImageCache;
use crate::tui::ui::sequence_hints;
use crate::tui::ui::status_line::StatusLine;
use crate::tui::ui::text;
use crate::types::MetricValues;

/// The least width and height of the terminal.
const SMALLEST: (u16, u16) = (60, 16);

/// Draws the whole terminal, and returns the facts about the frame that the app needs.
pub fn draw(frame: &mut Frame, app: &App, theme: &Theme, images: &ImageCache) -> FrameInfo {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let message = format!(
            "multiexpan needs {}×{} cells; this is {}×{}",
            SMALLEST.0, SMALLEST.1, area.width, area.height
        );
        frame.render_widget(Line::from(message), area);
        return FrameInfo {
            size: area.as_size(),
            ..FrameInfo::default()
        };
    }
    let mut canvas = DrawContext {
        frame,
        shared: &app.shared,
        has_popup: app.overlay.popup.is_some(),
        highlighted: app.overlay.search.input.text(),
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
    if let Some(popup) = app.overlay.popup {
        draw_popup(&mut canvas, app, area, popup);
    }
    if let Some(notice) = &app.status.notice {
        draw_notice(&mut canvas, body, notice);
    }
    let list = app.focused_list().unwrap_or_default();
    app.overlay.search.draw(&mut canvas, area, &list);
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

/// Gives the theme's colours to every cell that has none, so that a theme looks the same in every
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

/// Draws a popup, and the popup below it if it is help.
fn draw_popup(canvas: &mut DrawContext, app: &App, area: Rect, popup: Popup) {
    let (overlay, explore) = (&app.overlay, &app.explore);
    match popup {
        Popup::Help => {
            if let Some(below) = overlay.help.below {
                draw_popup(canvas, app, area, below);
            }
            let found = overlay.search.is_active().then_some(overlay.search.line);
            overlay.help.draw(canvas, area, app.help_lines(), found);
        }
        Popup::Missing => {
            if let Some(missing) = explore.missing() {
                overlay.missing.draw(canvas, area, missing);
            }
        }
        Popup::Export => overlay.export.draw(canvas, area, app.export_stem()),
        Popup::Rankers => app.compare.rankers.draw(canvas, area),
        Popup::Zoom => draw_zoom(canvas, app, area),
        Popup::Palette => overlay.palette.draw(canvas, area, &app.palette_rows()),
        Popup::Themes => overlay.themes.draw(canvas, area),
        Popup::Explain => overlay.explain.draw(canvas, area),
        Popup::WhatIf => {
            let metrics = present_metrics(app);
            overlay.what_if.draw(canvas, area, &explore.query, metrics);
        }
        Popup::SaveQuery => {
            let query = &explore.query;
            overlay.named_queries.draw_name(canvas, area, query);
        }
        Popup::NamedQueries => overlay.named_queries.draw(canvas, area),
        Popup::LoadWarnings => overlay.load_warnings.draw(canvas, area),
        Popup::PastedNames => overlay.pasted_names.draw(canvas, area),
    }
}

fn draw_zoom(canvas: &mut DrawContext, app: &App, area: Rect) {
    let subject = app.explore.subject(&app.shared);
    let detail = app.explore.detail(&app.shared);
    if let (Some(entity), Some(Ok(detail))) = (subject, detail) {
        let index = app.explore.entity.first_image;
        zoom::draw(canvas, area, entity, &detail.images, index);
    }
}

/// Returns the metrics of the present expansion, re-ranked; `None` until they arrive.
fn present_metrics(app: &App) -> Option<MetricValues> {
    if app.shared.is_expanding() {
        return None;
    }
    let expansion = app.explore.candidates.expansion.as_ref()?;
    let (_, reranked) = expansion.metrics?;
    Some(reranked)
}

/// Draws a notice at the foot of the panes: on the lowest border, and above it if it is long.
fn draw_notice(canvas: &mut DrawContext, body: Rect, notice: &Notice) {
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
