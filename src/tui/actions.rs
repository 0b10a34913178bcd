//! Actions: where each of them goes.

use crate::config::Action;
use crate::tui::action_scope::{CURSOR_ACTIONS, GLOBAL_ACTIONS, LIST_ACTIONS, popup_accepts};
use crate::tui::app::App;
use crate::tui::message::LoopCommand;
use crate::tui::parts::{Pane, Popup, Screen};

impl App {
    /// Performs an action, where the popup, field or screen that has the keys takes it.
    pub(crate) fn act(&mut self, action: Action) {
        if !GLOBAL_ACTIONS.contains(&action) && self.intercept(action) {
            return;
        }
        match action {
            Action::Explore => self.go_to(Screen::Explore),
            Action::Compare => self.go_to(Screen::Compare),
            Action::Failures => self.go_to(Screen::Failures),
            Action::Metrics => self.go_to(Screen::Metrics),
            Action::Quit => self.command = Some(LoopCommand::Quit),
            Action::Suspend => self.command = Some(LoopCommand::Suspend),
            Action::Redraw => self.command = Some(LoopCommand::Redraw),
            Action::Help => self.open_popup(Popup::Help),
            Action::Palette => self.open_popup(Popup::Palette),
            Action::Theme => self.open_popup(Popup::Themes),
            Action::Search => self.start_search(),
            Action::NextMatch => self.select_next_match(1),
            Action::PreviousMatch => self.select_next_match(-1),
            Action::Back => self.jump_back(),
            Action::Forward => self.jump_forward(),
            Action::Copy => self.copy_name(),
            Action::CopyList => self.copy_list(),
            Action::CopySeeds => self.copy_seeds(),
            Action::Close => self.close(),
            Action::Up => self.step(-1),
            Action::Down => self.step(1),
            Action::PageUp => self.step(-(self.page() as isize)),
            Action::PageDown => self.step(self.page() as isize),
            Action::First => self.step(isize::MIN),
            Action::Last => self.step(isize::MAX),
            Action::SaveView => self.save_view(),
            Action::StopEvaluation => self.stop_evaluation(),
            _ => self.act_in_explore(action),
        }
    }

    /// Gives an action to the field, popup or screen that has the keys. Returns whether it was
    /// handled; a popup also drops an action that it has no use for.
    fn intercept(&mut self, action: Action) -> bool {
        match (self.overlay.popup, self.screen) {
            _ if self.compare.rankers.path.is_some() => {
                let effects = self.compare.rankers.update_path(action);
                self.apply(effects);
            }
            _ if self.overlay.search.is_typing => self.update_search(action),
            (Some(popup @ Popup::Palette), _) => return self.update_popup(popup, action),
            (Some(popup), _) if !popup_accepts(popup, action) => {}
            (Some(popup), _) => return self.update_popup(popup, action),
            (None, _) if CURSOR_ACTIONS.contains(&action) || LIST_ACTIONS.contains(&action) => {
                return false;
            }
            (None, Screen::Compare) => {
                let effects = self.compare.update(action, &self.shared);
                self.apply(effects);
            }
            (None, Screen::Failures) => {
                let effects = self.failures.update(action, &self.shared);
                self.apply(effects);
                self.failures.rebuild_list(&self.shared);
            }
            (None, Screen::Metrics) => {
                let effects = self.metrics.update(action, &self.shared);
                self.apply(effects);
            }
            (None, Screen::Explore) => return false,
        }
        true
    }

    /// Performs an action on the Explore screen or on one of its entities in a popup.
    fn act_in_explore(&mut self, action: Action) {
        match (self.overlay.popup, action) {
            (Some(_), Action::Open) => return self.open_in_popup(),
            (Some(Popup::Zoom), Action::Zoom) => return self.overlay.popup = None,
            (Some(Popup::Zoom), Action::PreviousImage) => {
                return self.explore.scroll_images(-1, 1, &self.shared);
            }
            (Some(Popup::Zoom), Action::NextImage) => {
                return self.explore.scroll_images(1, 1, &self.shared);
            }
            (Some(Popup::Missing), Action::AcceptCandidate | Action::Seed) => self.open_in_popup(),
            _ => {}
        }
        match action {
            _ if self.shared.catalogue.is_none() => {}
            Action::Explain => return self.explain_subject(),
            Action::ExplainSecond => return self.explain_second(),
            Action::WhatIf => return self.open_what_if(),
            Action::SaveQuery => return self.open_popup(Popup::SaveQuery),
            Action::NamedQueries => return self.open_named_queries(),
            _ => {}
        }
        let effects = self.explore.update(action, &self.shared);
        self.apply(effects);
    }

    /// Moves the cursor of the list that has the keys by a number of rows.
    pub(crate) fn step(&mut self, by: isize) {
        match (self.overlay.popup, self.screen) {
            (Some(popup), _) => self.step_in_popup(popup, by),
            (None, Screen::Explore) => self.explore.step(by, &self.shared),
            (None, Screen::Compare) => self.compare.step(by, &self.shared),
            (None, Screen::Failures) => self.failures.step(by, &self.shared),
            (None, Screen::Metrics) => self.metrics.step(by, &self.shared),
        }
    }

    /// Returns the number of rows that a page of the list that has the keys moves the cursor by.
    pub(crate) fn page(&self) -> usize {
        let frame = &self.shared.frame;
        let extent = match (self.overlay.popup, self.screen, self.explore.focus) {
            (Some(_), ..) => frame.popup,
            (None, Screen::Compare, _) => frame.compare_rows,
            (None, Screen::Failures, _) => frame.failures,
            (None, Screen::Metrics, _) => frame.metrics_table,
            (None, Screen::Explore, Pane::Classes) => frame.classes,
            (None, Screen::Explore, Pane::Entity) => frame.entity,
            (None, Screen::Explore, _) => frame.candidates,
        };
        extent.page.saturating_sub(1).max(1)
    }

    /// Closes one thing: the field of a path, the search, the popup, or what the screen closes.
    /// Other screens than Explore are left for Explore.
    pub(crate) fn close(&mut self) {
        if self.compare.rankers.path.take().is_some() {
            return;
        }
        if self
            .overlay
            .search
            .closes_first(self.overlay.popup.is_some())
        {
            return self.cancel_search();
        }
        if let Some(popup) = self.overlay.popup {
            return self.close_popup(popup);
        }
        match self.screen {
            Screen::Explore => self.explore.close(&self.shared),
            Screen::Failures => {
                if !self.failures.close(&self.shared) {
                    self.go_to(Screen::Explore);
                }
            }
            Screen::Compare | Screen::Metrics => self.go_to(Screen::Explore),
        }
    }
}
