//! What widgets draw on: the frame, the theme, and the notes that a frame leaves for the app.

use std::path::Path;

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};

use crate::config::{Role, Theme};
use crate::engine::protocol::Catalogue;
use crate::tui::app::App;
use crate::tui::parts::Pane;
use crate::tui::search::occurrences;
use crate::tui::shared::Shared;
use crate::tui::text_input::TextInput;
use crate::tui::ui::frame_info::{ClickTarget, FrameInfo, ImageKey};
use crate::tui::ui::image_cache::{ImageCache, ImageState};
use crate::tui::ui::text;
use crate::types::EntityId;

/// One frame in the making.
pub struct DrawContext<'a, 'f> {
    pub frame: &'a mut Frame<'f>,
    /// TODO(remove once every component draws itself)
    pub app: &'a App,
    pub shared: &'a Shared,
    /// Whether a popup lies over the screen, so that no pane has the keys.
    pub has_popup: bool,
    /// The text that is searched for: it stands out in every list. Empty without a search.
    pub highlighted: &'a str,
    pub theme: &'a Theme,
    pub images: &'a ImageCache,
    pub frame_info: FrameInfo,
    /// Where images lie that are no cells: text over one of them would not replace it.
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

    /// As [`App::name`].
    pub fn name(&self, entity: EntityId) -> String {
        self.app.shared.name(entity)
    }

    /// A label of a list; what is searched for stands out in it.
    pub fn label(&self, role: Role, text: &str) -> Vec<Span<'static>> {
        let style = self.style(role);
        let (mut spans, mut at) = (Vec::new(), 0);
        for found in occurrences(text, self.highlighted) {
            spans.push(Span::styled(text[at..found.start].to_owned(), style));
            spans.push(Span::styled(
                text[found.clone()].to_owned(),
                style.patch(self.style(Role::Found)),
            ));
            at = found.end;
        }
        spans.push(Span::styled(text[at..].to_owned(), style));
        spans
    }

    /// A line in which text is typed: what stands before the field, its text, and what stands after
    /// it. The terminal's own cursor goes where the next letter will: input methods and braille
    /// displays follow it. A text that is too long is seen from its end.
    pub fn input_line(
        &mut self,
        area: Rect,
        mut lead: Vec<Span<'static>>,
        field: &TextInput,
        tail: Vec<Span<'static>>,
    ) {
        let (before, after) = field.halves();
        let taken: usize = lead.iter().map(Span::width).sum();
        let before = text::cut_left(before, usize::from(area.width).saturating_sub(taken + 1));
        let column = taken + text::width(&before);
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

    /// Draws lines from the top of an area down, as many as have room.
    pub fn lines(&mut self, area: Rect, lines: Vec<Line<'_>>) {
        for (row, line) in area.rows().zip(lines) {
            self.line(row, line);
        }
    }

    /// Draws a line of a list; the selected one stands out.
    pub fn list_line(&mut self, area: Rect, line: Line<'_>, selected: bool) {
        let line = if selected {
            line.style(self.style(Role::Selection))
        } else {
            line
        };
        self.line(area, line);
    }

    pub fn click_target(&mut self, area: Rect, hit: ClickTarget) {
        self.frame_info.click_targets.push((area, hit));
    }

    /// A pane's frame; gives its inside. The focus is heavy as well as coloured.
    pub fn pane(&mut self, area: Rect, pane: Pane, title: Line<'_>, right: Line<'_>) -> Rect {
        let focused = self.app.explore.focus == pane && !self.has_popup;
        let inner = self.framed(area, focused, title, right);
        self.click_target(area, ClickTarget::Pane(pane));
        inner
    }

    /// A frame with its titles; gives its inside.
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

    /// A pane's title in the style that its focus asks for.
    pub fn title(&self, pane: Pane, text: &str) -> Span<'static> {
        let focused = self.app.explore.focus == pane && !self.has_popup;
        self.span(
            if focused { Role::Focus } else { Role::Title },
            format!(" {text} "),
        )
    }

    /// A framed box over everything else; gives its inside.
    pub fn popup(&mut self, area: Rect, title: &str, foot: &str) -> Rect {
        let whole = self.frame.area();
        self.click_target(whole, ClickTarget::Backdrop);
        self.click_target(area, ClickTarget::Popup);
        let block = Block::bordered()
            .border_type(BorderType::Thick)
            .border_style(self.style(Role::Focus))
            .title_top(self.span(Role::Title, format!(" {title} ")))
            .title_bottom(Line::from(self.span(Role::Quiet, format!(" {foot} "))).right_aligned());
        let inner = block.inner(area);
        self.clear(area);
        self.frame.render_widget(block, area);
        inner
    }

    /// Makes room for something that lies over what was drawn so far. An image that is no cells and
    /// reaches into the area leaves the frame whole, since a terminal erases such images only where
    /// text is written; once nothing lies over it, it is drawn again.
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

    /// A mark on the right border that shows which part of a list is seen. Nothing where all of it
    /// is.
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

    /// A picture in the middle of an area; a box with a sentence where there is none to show.
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
            ImageState::Failed(why) => self.image_placeholder(area, why),
            ImageState::Pending => self.image_placeholder(area, "…"),
            ImageState::Off => {}
        }
        self.frame_info.images.push(key);
    }

    /// A box in the place of a picture.
    fn image_placeholder(&mut self, area: Rect, why: &str) {
        let style = self.style(Role::Quiet);
        if area.width < 8 || area.height < 3 {
            let sign = if why == "…" { "…" } else { "✗" };
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
        let said: Vec<Line> = text::wrap(why, inner.width.into())
            .into_iter()
            .map(Line::from)
            .collect();
        let top = inner.y + inner.height.saturating_sub(said.len() as u16) / 2;
        let within = Rect::new(inner.x, top, inner.width, inner.bottom() - top);
        self.frame
            .render_widget(Paragraph::new(said).style(style).centered(), within);
    }

    /// The first picture of an entity, asked for where it is not known yet.
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
