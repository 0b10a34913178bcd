//! The mouse: clicks act on what is under the pointer, the wheel moves the list there.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use crate::tui::app::App;
use crate::tui::parts::Pane;
use crate::tui::parts::Popup;
use crate::tui::parts::Screen;
use crate::tui::ui::frame_info::ClickTarget;

/// The number of rows that one notch of the wheel moves.
const NOTCH: isize = 3;

impl App {
    pub(crate) fn handle_mouse(&mut self, event: MouseEvent) {
        let before = self.place();
        self.navigation.pending_keys.clear();
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click(event.column, event.row),
            MouseEventKind::Drag(MouseButton::Left) if self.explore.entity.resizing => self
                .explore
                .entity
                .drag_border(event.column, &self.shared.frame),
            MouseEventKind::Up(MouseButton::Left) => self.explore.entity.resizing = false,
            MouseEventKind::ScrollUp => self.wheel(event, -NOTCH),
            MouseEventKind::ScrollDown => self.wheel(event, NOTCH),
            _ => {}
        }
        self.remember_jump(before);
    }

    fn click(&mut self, column: u16, row: u16) {
        self.overlay.search.is_typing = false;
        self.overlay.search.is_shown = false;
        if self.overlay.popup.is_none()
            && let Some(pane) = self.shared.frame.pane_at(column, row)
        {
            self.explore.focus_clicked(pane);
        }
        if let Some(hit) = self.shared.frame.target_at(column, row) {
            self.click_on(hit);
        }
    }

    fn click_on(&mut self, hit: ClickTarget) {
        match hit {
            ClickTarget::ClassRow(_)
            | ClickTarget::Seed(_)
            | ClickTarget::RemoveSeed(_)
            | ClickTarget::AddSeed
            | ClickTarget::Completion(_)
            | ClickTarget::Candidate(_)
            | ClickTarget::Neighbor(_)
            | ClickTarget::MissingCount
            | ClickTarget::Image(_)
            | ClickTarget::Divider => {
                let effects = self.explore.click(hit, &self.shared);
                self.apply(effects);
            }
            ClickTarget::Help => self.open_popup(Popup::Help),
            ClickTarget::Tab(screen) => self.go_to(screen),
            ClickTarget::MetricsColumn(column) => self.metrics.sort_by(column),
            ClickTarget::MetricsRow(row) => {
                let effects = self.metrics.click(row, &self.shared);
                self.apply(effects);
            }
            ClickTarget::CompareRow(index) => {
                let effects = self.compare.click(index, &self.shared);
                self.apply(effects);
            }
            ClickTarget::FailureRow(line) => {
                let effects = self.failures.click_line(line, &self.shared);
                self.apply(effects);
                self.failures.rebuild_list(&self.shared);
            }
            ClickTarget::MatrixCell(row, column) => {
                let effects = self.failures.click_cell(row, column, &self.shared);
                self.apply(effects);
            }
            _ => self.click_in_popup(hit),
        }
    }

    fn wheel(&mut self, event: MouseEvent, by: isize) {
        if self.overlay.popup.is_some() {
            return self.scroll(self.explore.focus, by);
        }
        if self.screen == Screen::Compare
            && self.shared.frame.target_at(event.column, event.row)
                == Some(ClickTarget::CompareRankings)
        {
            return self.compare.scroll_rankings(by, &self.shared);
        }
        if self.screen != Screen::Explore {
            return self.step(by);
        }
        if let Some(pane) = self.shared.frame.pane_at(event.column, event.row) {
            self.scroll(pane, by);
        }
    }

    /// Moves a pane's list without focusing the pane.
    fn scroll(&mut self, pane: Pane, by: isize) {
        let focus = std::mem::replace(&mut self.explore.focus, pane);
        if pane != Pane::Seeds
            || self.explore.seeds.typing.is_some()
            || self.overlay.popup.is_some()
        {
            self.step(by);
        }
        self.explore.focus = focus;
    }
}
