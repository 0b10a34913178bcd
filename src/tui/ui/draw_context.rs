//! The context that components and widgets draw in: the frame, the theme, and the facts about the
//! frame that the app needs afterwards.

use std::path::Path;

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};

use crate::config::{Role, Theme};
use crate::engine::protocol::Catalogue;
use crate::tui::shared::Shared;
use crate::tui::text_input::TextInput;
use crate::tui::ui::frame_info::{ClickTarget, FrameInfo, ImageKey};
use crate::tui::ui::image_cache::{ImageCache, ImageState};
use crate::tui::ui::text;
use crate::tui::ui::text_search::occurrences;
use crate::types::EntityId;

/// One frame while it is drawn.
pub struct DrawContext<'a, 'f> {
    pub frame: &'a mut Frame<'f>,
    pub shared: &'a Shared,
    /// Set while a popup lies over the screen, so that no pane has the keys.
    pub has_popup: bool,
    /// The text that is searched for, highlighted in every list. Empty without a search.
    pub highlighted: &'a str,
    pub theme: &'a Theme,
    pub images: &'a ImageCache,
    pub frame_info: FrameInfo,
    /// The areas of images that the terminal draws over its cells, so that text written there does
    /// not replace them.
    pub overlays: Vec<Rect>,
}

/// Splits an area into its first line and the rest.
pub fn split_first_line(area: Rect) -> (Rect, Rect) {
    let first = Rect {
        height: 1.min(area.height),
        ..area
    };
    let rest = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    };
    (first, rest)
}

/// Splits an area into all but its last line, and the last line.
pub fn split_last_line(area: Rect) -> (Rect, Rect) {
    let rest = Rect {
        height: area.height.saturating_sub(1),
        ..area
    };
    let last = Rect {
        y: rest.bottom(),
        height: 1.min(area.height),
        ..area
    };
    (rest, last)
}

/// Returns an area of this size in the middle of the screen.
pub fn centered(screen: Rect, width: u16, height: u16) -> Rect {
    Rect::new(
        screen.width.saturating_sub(width) / 2,
        screen.height.saturating_sub(height) / 2,
        width,
        height,
    )
}

/// Returns an area without its first and its last column.
pub fn indented(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(2),
        ..area
    }
}

impl DrawContext<'_, '_> {
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    pub fn span(&self, role: Role, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.theme.style(role))
    }

    pub fn catalogue(&self) -> Option<&Catalogue> {
        self.shared.catalogue.as_deref()
    }

    /// Returns the columns of the longest class name; 0 without classes.
    pub fn longest_class_name(&self) -> usize {
        let classes = self
            .catalogue()
            .map_or(&[][..], |catalogue| &catalogue.classes);
        let widths = classes.iter().map(|class| text::width(&class.name));
        widths.max().unwrap_or(0)
    }

    /// Returns an entity's name, as [`Shared::name`] does.
    pub fn name(&self, entity: EntityId) -> String {
        self.shared.name(entity)
    }

    /// Returns a label of a list, with the occurrences of the searched text highlighted.
    pub fn label(&self, role: Role, text: &str) -> Vec<Span<'static>> {
        let style = self.style(role);
        let found_style = style.patch(self.style(Role::Found));
        let mut spans = Vec::new();
        let mut end = 0;
        for found in occurrences(text, self.highlighted) {
            spans.push(Span::styled(text[end..found.start].to_owned(), style));
            spans.push(Span::styled(text[found.clone()].to_owned(), found_style));
            end = found.end;
        }
        spans.push(Span::styled(text[end..].to_owned(), style));
        spans
    }

    /// Draws a line in which text is typed: the spans before the field, its text, and the spans
    /// after it. The terminal's own cursor is placed in the field, since input methods and braille
    /// displays follow it. If the text is too long, its end is shown.
    pub fn input_line(
        &mut self,
        area: Rect,
        mut lead: Vec<Span<'static>>,
        input: &TextInput,
        tail: Vec<Span<'static>>,
    ) {
        let (before, after) = input.split_at_cursor();
        let lead_width: usize = lead.iter().map(Span::width).sum();
        let room = usize::from(area.width).saturating_sub(lead_width + 1);
        let before = text::cut_left(before, room);
        let column = lead_width + text::width(&before);
        lead.extend([
            self.span(Role::Title, before),
            self.span(Role::Title, after),
        ]);
        lead.extend(tail);
        self.line(area, Line::from(lead));
        self.place_cursor(area, column);
    }

    /// Shows the terminal's cursor in this column of a line.
    pub fn place_cursor(&mut self, line: Rect, column: usize) {
        if column < usize::from(line.width) && line.height > 0 {
            let position = Position::new(line.x + column as u16, line.y);
            self.frame.set_cursor_position(position);
            self.frame_info.cursor = Some(position);
        }
    }

    pub fn line(&mut self, area: Rect, line: Line<'_>) {
        self.frame.render_widget(line, area);
    }

    /// Draws as many lines as fit, from the top of an area down.
    pub fn lines(&mut self, area: Rect, lines: Vec<Line<'_>>) {
        for (row, line) in area.rows().zip(lines) {
            self.line(row, line);
        }
    }

    /// Draws a text, wrapped to the width of the area.
    pub fn paragraph(&mut self, area: Rect, role: Role, text: &str) {
        let lines = text::wrap(text, usize::from(area.width));
        let lines = lines
            .into_iter()
            .map(|line| Line::from(self.span(role, line)));
        let lines = lines.collect();
        self.lines(area, lines);
    }

    /// Draws a line of a list, highlighted if it is selected.
    pub fn list_line(&mut self, area: Rect, line: Line<'_>, selected: bool) {
        let line = if selected {
            line.style(self.style(Role::Selection))
        } else {
            line
        };
        self.line(area, line);
    }

    /// Registers the target of clicks in an area.
    pub fn click_target(&mut self, area: Rect, target: ClickTarget) {
        self.frame_info.click_targets.push((area, target));
    }

    /// Draws a frame with its titles and returns its inside.
    pub fn framed(&mut self, area: Rect, focused: bool, title: Line<'_>, right: Line<'_>) -> Rect {
        let border = if focused { Role::Focus } else { Role::Border };
        let block = Block::bordered()
            .border_type(if focused {
                BorderType::Thick
            } else {
                BorderType::Rounded
            })
            .border_style(self.style(border))
            .title_top(title)
            .title_top(right.right_aligned());
        let inner = block.inner(area);
        self.frame.render_widget(block, area);
        inner
    }

    /// Draws a framed box over everything else and returns its inside.
    pub fn popup(&mut self, area: Rect, title: &str, footer: &str) -> Rect {
        let screen = self.frame.area();
        self.click_target(screen, ClickTarget::Backdrop);
        self.click_target(area, ClickTarget::Popup);
        let block = Block::bordered()
            .border_type(BorderType::Thick)
            .border_style(self.style(Role::Focus))
            .title_top(self.span(Role::Title, format!(" {title} ")))
            .title_bottom(
                Line::from(self.span(Role::Quiet, format!(" {footer} "))).right_aligned(),
            );
        let inner = block.inner(area);
        self.clear(area);
        self.frame.render_widget(block, area);
        inner
    }

    /// Clears an area for something that lies over what was drawn so far. An image that is not made
    /// of cells and reaches into the area is cleared completely, since a terminal erases such images
    /// only where text is written. It is drawn again once nothing covers it.
    pub fn clear(&mut self, area: Rect) {
        let (covered, left) = std::mem::take(&mut self.overlays)
            .into_iter()
            .partition(|image| image.intersects(area));
        self.overlays = left;
        let covered: Vec<Rect> = covered;
        for image in covered {
            self.frame.render_widget(Clear, image);
        }
        self.frame.render_widget(Clear, area);
    }

    /// Draws a bar on the right border that shows which part of a list is visible. A list that is
    /// completely visible has none.
    pub fn scroll_bar(&mut self, inner: Rect, offset: usize, page: usize, len: usize) {
        if len <= page || page == 0 || inner.height == 0 {
            return;
        }
        let height = usize::from(inner.height);
        let size = (page * height / len).max(1);
        let top = offset * (height - size).max(1) / (len - page).max(1);
        let style = self.style(Role::Quiet);
        for y in top..(top + size).min(height) {
            let at = Rect::new(inner.right(), inner.y + y as u16, 1, 1);
            self.line(at, Line::styled("▐", style));
        }
    }

    /// Draws an image in the middle of an area, or a box with the reason why there is none.
    pub fn image(&mut self, area: Rect, path: &Path) {
        if area.is_empty() || !self.images.is_enabled() {
            return;
        }
        let key = ImageKey {
            path: path.to_owned(),
            size: Size::new(area.width, area.height),
        };
        match self.images.state(&key) {
            ImageState::Ready(encoded) => {
                let size = encoded.size();
                let (width, height) = (size.width.min(area.width), size.height.min(area.height));
                let x = area.x + (area.width - width) / 2;
                let y = area.y + (area.height - height) / 2;
                let at = Rect::new(x, y, width, height);
                self.frame.render_widget(encoded, at);
                if !encoded.is_made_of_cells() {
                    self.overlays.push(at);
                }
            }
            ImageState::Failed(reason) => self.image_placeholder(area, reason),
            ImageState::Pending => self.image_placeholder(area, "…"),
            ImageState::Off => {}
        }
        self.frame_info.images.push(key);
    }

    /// Draws a box in place of an image.
    fn image_placeholder(&mut self, area: Rect, reason: &str) {
        let style = self.style(Role::Quiet);
        if area.width < 8 || area.height < 3 {
            let sign = if reason == "…" { "…" } else { "✗" };
            self.line(
                Rect { height: 1, ..area },
                Line::styled(text::cut(sign, area.width.into()), style),
            );
            return;
        }
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(self.style(Role::Border));
        let inner = block.inner(area);
        self.frame.render_widget(block, area);
        let lines: Vec<Line> = text::wrap(reason, inner.width.into())
            .into_iter()
            .map(Line::from)
            .collect();
        let top = inner.y + inner.height.saturating_sub(lines.len() as u16) / 2;
        let within = Rect::new(inner.x, top, inner.width, inner.bottom() - top);
        self.frame
            .render_widget(Paragraph::new(lines).style(style).centered(), within);
    }

    /// Draws the first image of an entity; requests it if it is not known yet.
    pub fn thumbnail(&mut self, area: Rect, entity: EntityId) {
        if !self.images.is_enabled() {
            return;
        }
        match self.shared.first_images.get(&entity) {
            Some(Some(path)) => self.image(area, path),
            Some(None) => self.image_placeholder(area, "no picture"),
            None => self.frame_info.unknown_images.push(entity),
        }
    }
}
