//! The mouse: a click does what the hand expects, the wheel moves the list under the pointer.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use crate::config::Action;
use crate::tui::app::App;
use crate::tui::parts::Pane;
use crate::tui::parts::Popup;
use crate::tui::parts::Screen;
use crate::tui::search::ListSearch;
use crate::tui::ui::frame_info::Hit;

/// Lines that one notch of the wheel moves.
const NOTCH: isize = 3;

/// Neither side of the divider gets narrower than this.
const NARROWEST: u16 = 28;

impl App {
    pub(crate) fn mouse(&mut self, event: MouseEvent) {
        let before = self.place();
        self.navigation.pending_keys.clear();
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click(event.column, event.row),
            MouseEventKind::Drag(MouseButton::Left) if self.explore.entity.resizing => {
                self.drag(event.column)
            }
            MouseEventKind::Up(MouseButton::Left) => self.explore.entity.resizing = false,
            MouseEventKind::ScrollUp => self.wheel(event, -NOTCH),
            MouseEventKind::ScrollDown => self.wheel(event, NOTCH),
            _ => {}
        }
        self.remember_jump(before);
    }

    fn click(&mut self, column: u16, row: u16) {
        (self.overlay.search.typing, self.overlay.search.shown) = (false, false);
        if self.overlay.popup.is_none()
            && let Some(pane) = self.shared.frame.pane(column, row)
        {
            self.focus_clicked(pane);
        }
        if let Some(hit) = self.shared.frame.hit(column, row) {
            self.click_on(hit);
        }
    }

    fn focus_clicked(&mut self, pane: Pane) {
        self.explore.focus = pane;
        if pane != Pane::Seeds {
            self.explore.seeds.typing = None;
        }
        self.explore.classes.filtering &= pane == Pane::Classes;
    }

    fn click_on(&mut self, hit: Hit) {
        match hit {
            Hit::Class(at) => self.open_tree_row(at),
            Hit::Chip(at) => self.explore.seeds.chip = at,
            Hit::ChipClose(at) => self.remove_chip(at),
            Hit::AddSeed if self.explore.seeds.typing.is_none() => self.start_typing(),
            Hit::Completion(at) => {
                if let Some(typing) = &mut self.explore.seeds.typing {
                    typing.cursor = at;
                    self.accept();
                }
            }
            Hit::Candidate(entity) => self.select(entity),
            Hit::Neighbour(entity) => self.look_at(entity),
            Hit::MissingCount => self.open_missing(),
            Hit::Picture(at) => {
                self.explore.entity.first_image = at;
                self.toggle_zoom();
            }
            Hit::Divider => self.explore.entity.resizing = true,
            Hit::Help => self.open_help(),
            Hit::Tab(screen) => self.go_to(screen),
            Hit::MetricsColumn(column) => self.metrics.sort_by(column),
            // a second click opens
            Hit::MetricsRow(at) if self.metrics.cursor == at => {
                let effect = self.metrics.open_row(&self.shared);
                self.apply(vec![effect]);
            }
            Hit::MetricsRow(at) => self.metrics.cursor = at,
            Hit::Pair(at) if self.pair_cursor(&self.pairs()) == at => self.open_pair(),
            Hit::Pair(at) => self.select_pair(at),
            Hit::Failure(at) if self.failures.cursor == at => self.act(Action::Open),
            Hit::Failure(at) => self.put_cursor(at),
            Hit::Cell(row, column) if self.failures.matrix.is_at(row, column) => self.open_cell(),
            Hit::Cell(row, column) => self.put_cell(row, column),
            _ => self.click_in_popup(hit),
        }
    }

    fn click_in_popup(&mut self, hit: Hit) {
        match hit {
            Hit::Backdrop => self.dismiss(),
            Hit::MissingRow(at) => self.overlay.popup = Some(Popup::Missing(at)),
            Hit::Action(at) => self.run_from_palette(at),
            Hit::Theme(at) if self.overlay.popup == Some(Popup::Theme(at)) => self.keep_theme(),
            Hit::Theme(at) => self.try_theme(at),
            Hit::ExportForm(at) => self.export(at),
            Hit::Contender(at) => {
                self.overlay.popup = Some(Popup::Rankers(at));
                self.toggle_contender(at);
            }
            Hit::WhyLine(at) => self.click_why_line(at),
            Hit::Setting(at) => self.click_setting(at),
            Hit::NamedState(at) => self.open_named(at),
            _ => {}
        }
    }

    /// A click beside a popup closes it, as `esc` does.
    fn dismiss(&mut self) {
        self.overlay.search = ListSearch::default();
        self.close();
    }

    fn drag(&mut self, column: u16) {
        let room = self
            .shared
            .frame
            .area_of(Hit::Pane(Pane::Candidates))
            .map_or(0, |a| a.x);
        let widest = self
            .shared
            .frame
            .size
            .width
            .saturating_sub(room + NARROWEST)
            .max(NARROWEST);
        self.explore.entity.width = Some(
            self.shared
                .frame
                .size
                .width
                .saturating_sub(column)
                .clamp(NARROWEST, widest),
        );
    }

    fn wheel(&mut self, event: MouseEvent, by: isize) {
        if self.overlay.popup.is_some() {
            return self.scroll(self.explore.focus, by);
        }
        if self.screen == Screen::Compare
            && self.shared.frame.hit(event.column, event.row) == Some(Hit::Joined)
        {
            return self.scroll_joined(by);
        }
        if self.screen != Screen::Explore {
            return self.step(by);
        }
        if let Some(pane) = self.shared.frame.pane(event.column, event.row) {
            self.scroll(pane, by);
        }
    }

    /// Moves a pane's list without giving it the focus.
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
