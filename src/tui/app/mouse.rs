//! The mouse: a click does what the hand expects, the wheel moves the list under the pointer.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::{App, Pane, Popup};
use crate::tui::screen::Screen;
use crate::tui::view::Hit;

/// Lines that one notch of the wheel moves.
const NOTCH: isize = 3;

/// Neither side of the divider gets narrower than this.
const NARROWEST: u16 = 28;

impl App {
    pub(super) fn mouse(&mut self, event: MouseEvent) {
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click(event.column, event.row),
            MouseEventKind::Drag(MouseButton::Left) if self.dragging => self.drag(event.column),
            MouseEventKind::Up(MouseButton::Left) => self.dragging = false,
            MouseEventKind::ScrollUp => self.wheel(event, -NOTCH),
            MouseEventKind::ScrollDown => self.wheel(event, NOTCH),
            _ => {}
        }
    }

    fn click(&mut self, column: u16, row: u16) {
        let pane = self.view.pane(column, row);
        if self.popup.is_none()
            && let Some(pane) = pane
        {
            self.focus = pane;
            if pane != Pane::Seeds {
                self.typing = None;
            }
            self.filtering &= pane == Pane::Classes;
        }
        match self.view.hit(column, row) {
            Some(Hit::Class(at)) => self.open_tree_row(at),
            Some(Hit::Chip(at)) => self.chip = at,
            Some(Hit::ChipClose(at)) => self.remove_chip(at),
            Some(Hit::AddSeed) if self.typing.is_none() => self.start_typing(),
            Some(Hit::Completion(at)) => {
                if let Some(typing) = &mut self.typing {
                    typing.cursor = at;
                    self.accept();
                }
            }
            Some(Hit::Candidate(entity)) => self.select(entity),
            Some(Hit::Neighbour(entity)) => self.look_at(entity),
            Some(Hit::MissingCount) => self.open_missing(),
            Some(Hit::MissingRow(at)) => self.popup = Some(Popup::Missing(at)),
            Some(Hit::Picture(at)) => {
                self.picture = at;
                self.toggle_zoom();
            }
            Some(Hit::Divider) => self.dragging = true,
            Some(Hit::Backdrop) => self.popup = None,
            Some(Hit::Help) => self.popup = Some(Popup::Help),
            Some(Hit::Tab(screen)) => self.go_to(screen),
            Some(Hit::MetricsColumn(column)) => self.sort_by(column),
            // a second click opens
            Some(Hit::MetricsRow(at)) if self.table.cursor == at => self.open_metrics_row(),
            Some(Hit::MetricsRow(at)) => self.table.cursor = at,
            Some(Hit::Pair(at)) if self.pair_cursor(&self.class_pairs()) == at => self.open_pair(),
            Some(Hit::Pair(at)) => self.select_pair(at),
            Some(Hit::ExportForm(at)) => self.export(at),
            Some(Hit::WhyLine(at)) => self.click_why_line(at),
            Some(Hit::Setting(at)) => self.click_setting(at),
            Some(Hit::NamedState(at)) => self.open_named(at),
            _ => {}
        }
    }

    fn drag(&mut self, column: u16) {
        let room = self.view.area_of(Hit::Pane(Pane::Candidates)).map_or(0, |a| a.x);
        let widest = self.size.width.saturating_sub(room + NARROWEST).max(NARROWEST);
        self.entity_width = Some(self.size.width.saturating_sub(column).clamp(NARROWEST, widest));
    }

    fn wheel(&mut self, event: MouseEvent, by: isize) {
        if self.popup.is_some() {
            return self.scroll(self.focus, by);
        }
        if self.screen != Screen::Explore {
            return self.step(by);
        }
        if let Some(pane) = self.view.pane(event.column, event.row) {
            self.scroll(pane, by);
        }
    }

    /// Moves a pane's list without giving it the focus.
    fn scroll(&mut self, pane: Pane, by: isize) {
        let focus = std::mem::replace(&mut self.focus, pane);
        if pane != Pane::Seeds || self.typing.is_some() || self.popup.is_some() {
            self.step(by);
        }
        self.focus = focus;
    }
}
