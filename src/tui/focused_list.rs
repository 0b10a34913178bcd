//! The list that has the keys, whichever it is: its labels for searching and copying, and its
//! cursor.
//!
//! A new list needs an arm in `App::screen_list` or `App::popup_list`, and is drawn with
//! `DrawContext::label`.

use crate::config::Action;
use crate::table::TableFormat;
use crate::tui::app::App;
use crate::tui::overlay::help;
use crate::tui::parts::{Pane, Popup, Screen};
use crate::tui::search::{ListSearch, SearchableList};

impl App {
    /// Returns the list that has the keys; `None` if there is none or it is empty.
    pub fn focused_list(&self) -> Option<SearchableList> {
        let list = match self.overlay.popup {
            Some(popup) => self.popup_list(popup)?,
            None => self.screen_list(),
        };
        (!list.labels.is_empty()).then_some(list)
    }

    fn popup_list(&self, popup: Popup) -> Option<SearchableList> {
        let overlay = &self.overlay;
        let (labels, cursor) = match popup {
            Popup::Help => (help::labels(self.help_lines()), overlay.search.line),
            Popup::Missing => {
                let missing = self.explore.missing()?.iter();
                let names = missing.map(|one| self.shared.name(one.entity));
                (names.collect(), overlay.missing.cursor)
            }
            Popup::Export => {
                let names = TableFormat::ALL.map(|format| format.name().to_owned());
                (names.into(), overlay.export.cursor)
            }
            Popup::Rankers => {
                let rankers = self.compare.rankers.available(&self.shared).into_iter();
                let names = rankers.map(|ranker| self.shared.ranker_name(ranker));
                (names.collect(), self.compare.rankers.cursor)
            }
            Popup::Themes => (overlay.themes.names.clone(), overlay.themes.cursor),
            Popup::NamedQueries => {
                let queries = overlay.named_queries.queries.iter();
                let names = queries.map(|named| named.name.clone());
                (names.collect(), overlay.named_queries.cursor)
            }
            Popup::PastedNames => {
                let names = overlay.pasted_names.names.iter();
                let names = names.map(|pasted| pasted.name.clone());
                (names.collect(), overlay.pasted_names.cursor)
            }
            Popup::Explain => {
                let catalogue = self.shared.catalogue.as_deref()?;
                let labels = overlay.explain.labels(catalogue)?;
                (labels, overlay.explain.position())
            }
            Popup::Zoom
            | Popup::Palette
            | Popup::WhatIf
            | Popup::SaveQuery
            | Popup::LoadWarnings => return None,
        };
        Some(SearchableList { labels, cursor })
    }

    fn screen_list(&self) -> SearchableList {
        match self.screen {
            Screen::Explore => self.explore_list(),
            Screen::Compare => self.compare.list(&self.shared),
            Screen::Failures => self.failures.list(&self.shared),
            Screen::Metrics => self.metrics.list(&self.shared),
        }
    }

    fn explore_list(&self) -> SearchableList {
        let explore = &self.explore;
        let name = |entity| self.shared.name(entity);
        match explore.focus {
            Pane::Classes => {
                let rows = explore.classes.rows(&explore.query, &self.shared);
                SearchableList {
                    labels: rows.into_iter().map(|row| row.label).collect(),
                    cursor: explore.classes.tree.cursor,
                }
            }
            Pane::Seeds => {
                let members = explore.query.seeds.members().into_iter();
                SearchableList {
                    labels: members.map(name).collect(),
                    cursor: explore.seeds.chip,
                }
            }
            Pane::Candidates | Pane::Entity => {
                let rows = explore.rows(&self.shared);
                SearchableList {
                    labels: rows.iter().map(|row| name(row.entity)).collect(),
                    cursor: explore.candidates.cursor(&rows),
                }
            }
        }
    }

    /// Moves the cursor of the list to a line.
    fn select_line(&mut self, list: &SearchableList, line: usize) {
        let by = line as isize - list.cursor as isize;
        match (self.overlay.popup, self.screen, self.explore.focus) {
            (Some(Popup::Help), ..) => self.overlay.help.scroll_to(line, &self.shared),
            (Some(Popup::Explain), ..) => self.overlay.explain.go_to(line),
            (None, Screen::Explore, Pane::Seeds) => self.explore.seeds.chip = line,
            (None, Screen::Explore, Pane::Candidates | Pane::Entity) => {
                self.explore.step_candidate(by, &self.shared);
            }
            _ => self.step(by),
        }
        self.overlay.search.line = line;
    }

    /// Begins a search in the list that has the keys.
    pub(crate) fn start_search(&mut self) {
        self.overlay.search = ListSearch::default();
        let in_popup = self.overlay.popup.is_some();
        let line = self.overlay.help.scroll;
        self.overlay.search.line = line;
        match self.focused_list() {
            Some(list) => self.overlay.search = ListSearch::new(&list, in_popup, line),
            None => self.notify("there is no list to search"),
        }
    }

    /// Handles an action while the text of a search is typed.
    pub(crate) fn update_search(&mut self, action: Action) {
        match action {
            Action::Open => self.overlay.search.is_typing = false,
            Action::NextMatch => self.select_next_match(1),
            Action::PreviousMatch => self.select_next_match(-1),
            _ => {
                if self.overlay.search.input.edit(action) {
                    self.select_first_match();
                }
            }
        }
    }

    /// Selects the first match of the text that is typed.
    pub(crate) fn select_first_match(&mut self) {
        if let Some(list) = self.focused_list() {
            let line = self.overlay.search.first_match(&list);
            self.select_line(&list, line);
        }
    }

    /// Selects the next match (`by` > 0) or the previous one.
    pub(crate) fn select_next_match(&mut self, by: isize) {
        if !self.overlay.search.is_active() {
            return self.notify("search for a text first");
        }
        let Some(list) = self.focused_list() else {
            return;
        };
        self.overlay.search.is_shown = true;
        if let Some(line) = self.overlay.search.next_match(&list, by) {
            self.select_line(&list, line);
        }
    }

    /// Closes the search. If it is still being typed, the cursor goes back to where it was.
    pub(crate) fn cancel_search(&mut self) {
        let before = self.overlay.search.position_before();
        if let Some((line, list)) = before.zip(self.focused_list()) {
            self.select_line(&list, line);
        }
        self.overlay.search = ListSearch::default();
    }
}
