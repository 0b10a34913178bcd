//! Opens, updates and closes the popups, and gives them what they need of the screens.

use crate::config::Action;
use crate::engine::protocol::RankExplanation;
use crate::tui::action_scope::screen_accepts;
use crate::tui::app::App;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::message::Effect;
use crate::tui::overlay::help::HelpLine;
use crate::tui::overlay::palette::{self, Palette, PaletteRow};
use crate::tui::overlay::what_if::{Setting, next_settings};
use crate::tui::parts::{Pane, Popup};
use crate::tui::requests::RequestClass;
use crate::tui::search::ListSearch;
use crate::tui::ui::frame_info::ClickTarget;
use crate::types::EntityId;

impl App {
    /// Opens a popup with the cursor on its first line.
    pub(crate) fn open_popup(&mut self, popup: Popup) {
        match popup {
            Popup::Help => self.overlay.help.open(self.overlay.popup),
            Popup::Missing => self.overlay.missing.cursor = 0,
            Popup::Export => self.overlay.export.cursor = 0,
            Popup::Rankers => self.compare.rankers.cursor = 0,
            Popup::Palette => self.overlay.palette = Palette::default(),
            Popup::Themes => self.overlay.themes.open(),
            Popup::WhatIf => self.overlay.what_if.cursor = 0,
            Popup::SaveQuery => self.overlay.named_queries.start_naming(),
            Popup::NamedQueries => self.overlay.named_queries.cursor = 0,
            Popup::Zoom | Popup::Explain | Popup::LoadWarnings | Popup::PastedNames => {}
        }
        self.overlay.popup = Some(popup);
    }

    /// Closes a popup, and restores what it changed or lay over.
    pub(crate) fn close_popup(&mut self, popup: Popup) {
        self.overlay.popup = None;
        match popup {
            Popup::Themes => self.overlay.themes.cancel(),
            Popup::Help => self.overlay.popup = self.overlay.help.below,
            _ => {}
        }
    }

    /// Closes the popup after a click beside it, as `esc` does.
    fn dismiss_popup(&mut self) {
        self.overlay.search = ListSearch::default();
        self.close();
    }

    /// Handles an action in a popup. Returns false if the action does the same there as elsewhere.
    pub(crate) fn update_popup(&mut self, popup: Popup, action: Action) -> bool {
        let effects = match (popup, action) {
            (Popup::Palette, _) => {
                let rows = self.palette_rows();
                let page = self.page();
                self.overlay.palette.update(action, &rows, page)
            }
            (Popup::Explain, Action::PreviousSecond) => self.explain_next_second(-1),
            (Popup::Explain, Action::NextSecond) => self.explain_next_second(1),
            (Popup::Explain, Action::Fold | Action::Left | Action::Right | Action::FoldAll) => {
                self.overlay.explain.update(action);
                Vec::new()
            }
            (Popup::WhatIf, Action::Left) => self.change_setting(-1),
            (Popup::WhatIf, Action::Right) => self.change_setting(1),
            (Popup::WhatIf, Action::ResetQuery) => self.reset_query(),
            (Popup::NamedQueries, Action::Remove) => self.overlay.named_queries.remove(),
            (Popup::SaveQuery, Action::Accept) => {
                let query = &self.explore.query;
                self.overlay.named_queries.save(query, &self.shared)
            }
            (Popup::SaveQuery, _) => return self.overlay.named_queries.input.edit(action),
            _ => return false,
        };
        self.apply(effects);
        true
    }

    /// Moves the cursor of a popup by a number of rows.
    pub(crate) fn step_in_popup(&mut self, popup: Popup, by: isize) {
        let overlay = &mut self.overlay;
        match popup {
            Popup::Help => overlay.help.step(by, &self.shared),
            Popup::Missing => {
                let missing = self.explore.missing().unwrap_or_default();
                overlay.missing.step(by, missing);
            }
            Popup::Export => overlay.export.step(by),
            Popup::Rankers => self.compare.rankers.step(by, &self.shared),
            Popup::Themes => overlay.themes.step(by),
            Popup::Zoom => self.explore.step_candidate(by, &self.shared),
            Popup::Palette => {
                let rows = self.palette_rows().len();
                self.overlay.palette.step(by, rows);
            }
            Popup::Explain => overlay.explain.step(by),
            Popup::WhatIf => overlay.what_if.step(by),
            Popup::NamedQueries => overlay.named_queries.step(by),
            Popup::PastedNames => overlay.pasted_names.step(by),
            Popup::SaveQuery | Popup::LoadWarnings => {}
        }
    }

    /// Opens the row under the cursor of the popup.
    pub(crate) fn open_in_popup(&mut self) {
        let Some(popup) = self.overlay.popup else {
            return;
        };
        let effects = match popup {
            Popup::Missing => {
                self.inspect_missing();
                Vec::new()
            }
            Popup::Export => {
                self.export(self.overlay.export.cursor);
                Vec::new()
            }
            Popup::Rankers => {
                let cursor = self.compare.rankers.cursor;
                self.compare.rankers.toggle(cursor, &self.shared)
            }
            Popup::Themes => self.overlay.themes.accept(),
            Popup::NamedQueries => self.open_named_query(self.overlay.named_queries.cursor),
            Popup::Help => {
                self.close_popup(popup);
                Vec::new()
            }
            _ => vec![Effect::ClosePopup],
        };
        self.apply(effects);
    }

    /// Handles a click in a popup or beside it.
    pub(crate) fn click_in_popup(&mut self, target: ClickTarget) {
        let effects = match target {
            ClickTarget::Backdrop => {
                self.dismiss_popup();
                Vec::new()
            }
            ClickTarget::MissingRow(index) => {
                self.overlay.missing.cursor = index;
                Vec::new()
            }
            ClickTarget::PaletteRow(index) => {
                let rows = self.palette_rows();
                rows.get(index).map_or_else(Vec::new, palette::run)
            }
            ClickTarget::Theme(index) => self.overlay.themes.click(index),
            ClickTarget::ExportFormat(index) => {
                self.export(index);
                Vec::new()
            }
            ClickTarget::Ranker(index) => {
                self.compare.rankers.cursor = index;
                self.compare.rankers.toggle(index, &self.shared)
            }
            ClickTarget::ExplanationLine(index) => {
                self.overlay.explain.click(index);
                Vec::new()
            }
            ClickTarget::Setting(index) => self.click_setting(index),
            ClickTarget::NamedQuery(index) => self.open_named_query(index),
            _ => Vec::new(),
        };
        self.apply(effects);
    }

    /// Returns whether an action that is bound everywhere does something on the screen.
    pub fn acts_on_screen(&self, action: Action) -> bool {
        screen_accepts(self.screen, action)
    }

    pub fn help_lines(&self) -> Vec<HelpLine> {
        let keymap = &self.shared.settings.keymap;
        let context = self.screen_context();
        self.overlay.help.lines(self.screen, context, keymap)
    }

    pub fn palette_rows(&self) -> Vec<PaletteRow> {
        let keymap = &self.shared.settings.keymap;
        let context = self.screen_context();
        self.overlay.palette.rows(self.screen, context, keymap)
    }

    /// Shows the missing entity under the cursor in the entity pane.
    fn inspect_missing(&mut self) {
        let missing = self.explore.missing().unwrap_or_default();
        let Some(missing) = missing.get(self.overlay.missing.cursor) else {
            return;
        };
        let entity = missing.entity;
        self.overlay.popup = None;
        self.inspect_entity(entity);
        self.explore.focus = Pane::Entity;
    }
}

// Named queries.
impl App {
    pub(crate) fn open_named_queries(&mut self) {
        if self.overlay.named_queries.queries.is_empty() {
            self.notify("there are no named queries yet");
        } else {
            self.open_popup(Popup::NamedQueries);
        }
    }

    fn open_named_query(&mut self, index: usize) -> Vec<Effect> {
        if index < self.overlay.named_queries.queries.len() {
            self.explore.candidates.selected = None;
        }
        self.overlay.named_queries.open(index)
    }
}

// The What-if popup.
impl App {
    pub(crate) fn open_what_if(&mut self) {
        let seeds = &self.explore.query.seeds;
        if seeds.seeds.is_empty() && seeds.class.is_none() {
            return self.notify("open a class or type seeds first");
        }
        self.open_popup(Popup::WhatIf);
    }

    /// Selects a setting; a second click changes it.
    fn click_setting(&mut self, index: usize) -> Vec<Effect> {
        if self.overlay.what_if.cursor == index {
            return self.change_setting(1);
        }
        self.overlay.what_if.cursor = index;
        Vec::new()
    }

    /// Gives the selected setting its next or previous value.
    fn change_setting(&mut self, by: isize) -> Vec<Effect> {
        match self.overlay.what_if.setting() {
            Setting::Mode => self.explore.switch_mode(by, &self.shared),
            Setting::Ranking => self.explore.switch_ranking(by, &self.shared),
            Setting::Window | Setting::Reranking if !self.explore.query.is_window_search() => {
                let message = "only the window search has this setting: change the ranking first";
                vec![Effect::Notify(message.into())]
            }
            setting @ (Setting::Window | Setting::Reranking) => {
                let query = ExpansionQuery {
                    settings: next_settings(setting, self.explore.query.settings, by),
                    ..self.explore.query.clone()
                };
                self.explore.change(query, &self.shared)
            }
        }
    }

    /// Restores the class's own query. One undo brings all changes back.
    fn reset_query(&mut self) -> Vec<Effect> {
        let Some(catalogue) = &self.shared.catalogue else {
            return Vec::new();
        };
        let unchanged = self.explore.query.unchanged(catalogue);
        if unchanged == self.explore.query {
            return vec![Effect::Notify("there are no changes to reset".into())];
        }
        self.explore.change(unchanged, &self.shared)
    }

    /// Requests the metrics that the What-if popup compares with, if that popup is open.
    pub(crate) fn request_baseline(&mut self) {
        if self.overlay.popup == Some(Popup::WhatIf) {
            let what_if = &mut self.overlay.what_if;
            let effects = what_if.request_baseline(&self.explore.query, &self.shared);
            self.apply(effects);
        }
    }
}

// The explanation popup.
impl App {
    /// Explains the entity that is shown. If the popup is open, leaves out the second entity, or
    /// closes it.
    pub(crate) fn explain_subject(&mut self) {
        match self.overlay.popup {
            Some(Popup::Explain) => {
                return match self.overlay.explain.entities[..] {
                    [first, _] => self.explain(vec![first]),
                    _ => self.overlay.popup = None,
                };
            }
            Some(Popup::Missing) => self.open_in_popup(),
            _ => {}
        }
        match self.explore.subject(&self.shared) {
            Some(entity) => self.explain(vec![entity]),
            None => self.notify("there is nothing to explain yet"),
        }
    }

    /// Explains the entity that is shown beside the one that was explained last.
    pub(crate) fn explain_second(&mut self) {
        let Some(entity) = self.explore.subject(&self.shared) else {
            return self.notify("there is nothing to explain yet");
        };
        match self.overlay.explain.entities.first() {
            Some(&first) if first != entity => self.explain(vec![first, entity]),
            _ => self.notify("explain another entity first, then compare this one with it"),
        }
    }

    /// Explains the next or previous candidate of the list beside the first entity.
    fn explain_next_second(&mut self, by: isize) -> Vec<Effect> {
        let Some(&first) = self.overlay.explain.entities.first() else {
            return Vec::new();
        };
        let rows = self.explore.rows(&self.shared);
        let candidates: Vec<EntityId> = rows.iter().map(|row| row.entity).collect();
        match self.overlay.explain.next_second(by, &candidates) {
            Some(second) => self.explain(vec![first, second]),
            None => self.notify("there is no further candidate"),
        }
        Vec::new()
    }

    fn explain(&mut self, entities: Vec<EntityId>) {
        let Some(expansion) = &self.explore.candidates.expansion else {
            return self.notify("there is no expansion to explain");
        };
        let is_open = self.overlay.popup == Some(Popup::Explain);
        let explain = &mut self.overlay.explain;
        let effects = explain.request(entities, &expansion.request, is_open);
        self.open_popup(Popup::Explain);
        self.apply(effects);
    }

    /// Adds the answer to an explanation's request.
    pub(crate) fn add_explanation(&mut self, answer: Result<RankExplanation, String>) {
        self.shared.engine.pending.finish(RequestClass::Explain);
        self.overlay.explain.add_answer(answer);
    }
}
