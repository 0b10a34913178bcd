//! Actions: where each of them goes.

use crate::config::Action;
use crate::table::TableFormat;
use crate::tui::action_scope::{CURSOR_ACTIONS, GLOBAL_ACTIONS, LIST_ACTIONS, popup_accepts};
use crate::tui::app::App;
use crate::tui::message::LoopCommand;
use crate::tui::overlay::what_if::Setting;
use crate::tui::parts::{Pane, Popup, Screen};
use crate::tui::ui::scroll::shifted;

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
            Action::Help => self.open_help(),
            Action::Palette => self.open_palette(),
            Action::Theme => self.open_themes(),
            Action::Search => self.start_search(),
            Action::NextMatch => self.next_match(1),
            Action::PreviousMatch => self.next_match(-1),
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
            _ if self.overlay.search.typing => self.act_on_search(action),
            (Some(Popup::Palette), _) => self.act_on_palette(action),
            (Some(popup), _) if !popup_accepts(popup, action) => {}
            (Some(popup), _) => return self.act_on_popup(popup, action),
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
            (Some(Popup::Missing(_)), Action::Seed) => self.open_in_popup(),
            _ => {}
        }
        match action {
            _ if self.shared.catalogue.is_none() => {}
            Action::Explain => return self.explain_subject(),
            Action::ExplainSecond => return self.explain_beside(),
            Action::WhatIf => return self.open_what_if(),
            Action::SaveQuery => return self.start_naming(),
            Action::NamedQueries => return self.open_states(),
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

    fn step_in_popup(&mut self, popup: Popup, by: isize) {
        let overlay = &mut self.overlay;
        match popup {
            Popup::Help(_) => {
                let len = self.shared.frame.popup.furthest + 1;
                overlay.scroll = shifted(overlay.scroll, by, len);
            }
            Popup::Missing(cursor) => {
                let len = self.explore.missing().map_or(0, <[_]>::len);
                overlay.popup = Some(Popup::Missing(shifted(cursor, by, len)));
            }
            Popup::Export(cursor) => {
                overlay.popup = Some(Popup::Export(shifted(cursor, by, TableFormat::ALL.len())));
            }
            Popup::Rankers(cursor) => {
                // the last line is the field for a path
                let lines = self.compare.rankers.available(&self.shared).len() + 1;
                overlay.popup = Some(Popup::Rankers(shifted(cursor, by, lines)));
            }
            Popup::Themes(cursor) => {
                let cursor = shifted(cursor, by, overlay.themes.names.len());
                self.try_theme(cursor);
            }
            Popup::Zoom => self.explore.step_candidate(by, &self.shared),
            Popup::Palette => {
                let len = self.palette_rows().len();
                self.overlay.palette.cursor = shifted(self.overlay.palette.cursor, by, len);
            }
            Popup::Explain => self.step_in_explanation(by),
            Popup::WhatIf(cursor) => {
                overlay.popup = Some(Popup::WhatIf(shifted(cursor, by, Setting::ALL.len())));
            }
            Popup::NamedQueries(cursor) => {
                let len = overlay.named_queries.len();
                overlay.popup = Some(Popup::NamedQueries(shifted(cursor, by, len)));
            }
            Popup::PastedNames(cursor) => {
                let len = overlay.pasted_names.len();
                overlay.popup = Some(Popup::PastedNames(shifted(cursor, by, len)));
            }
            Popup::SaveQuery | Popup::LoadWarnings => {}
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

    /// Opens a popup from its top.
    pub(crate) fn open_popup(&mut self, popup: Popup) {
        self.overlay.popup = Some(popup);
        self.overlay.scroll = 0;
    }

    /// Closes one thing: the field of a path, the search, the popup, or what the screen closes.
    /// Other screens than Explore are left for Explore.
    pub(crate) fn close(&mut self) {
        if self.compare.rankers.path.take().is_some() {
            return;
        }
        if self.overlay.search.holds(self.overlay.popup) {
            return self.leave_search();
        }
        if let Some(popup) = self.overlay.popup.take() {
            return self.after_popup(popup);
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

    /// Restores what a popup that was closed lay over.
    fn after_popup(&mut self, popup: Popup) {
        match popup {
            Popup::Themes(_) => self.restore_theme(),
            Popup::Help(below) => self.overlay.popup = below.popup(),
            _ => {}
        }
    }

    /// Opens the row under the cursor of the popup.
    pub(crate) fn open_in_popup(&mut self) {
        match self.overlay.popup {
            Some(Popup::Missing(cursor)) => {
                let missing = self.explore.missing().unwrap_or_default();
                if let Some(entity) = missing.get(cursor).map(|missing| missing.entity) {
                    self.overlay.popup = None;
                    self.inspect_entity(entity);
                    self.explore.focus = Pane::Entity;
                }
            }
            Some(Popup::Export(cursor)) => self.export(cursor),
            Some(Popup::Rankers(cursor)) => {
                let effects = self.compare.rankers.toggle(cursor, &self.shared);
                self.apply(effects);
            }
            Some(Popup::Themes(_)) => self.keep_theme(),
            Some(Popup::NamedQueries(cursor)) => self.open_named(cursor),
            Some(Popup::Help(below)) => self.overlay.popup = below.popup(),
            Some(_) | None => self.overlay.popup = None,
        }
    }
}
