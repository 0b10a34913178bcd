//! Actions, turned into changes of the state.

use crate::config::Action;
use crate::table::TableFormat;
use crate::tui::action_scope::{ANYWHERE, MOVES, ON_LISTS, acts_in_popup};
use crate::tui::app::{App, Effect, Pane, Popup};
use crate::tui::explore::expansion::RowFilter;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::explore::seeds::SeedSet;
use crate::tui::overlay::what_if::Setting;
use crate::tui::requests::RequestClass;
use crate::tui::ui::screen::Screen;
use crate::types::{ClassId, EntityId, SeedCount};

impl App {
    pub(crate) fn act(&mut self, action: Action) {
        if !ANYWHERE.contains(&action) && self.intercept(action) {
            return;
        }
        match action {
            Action::Explore => self.go_to(Screen::Explore),
            Action::Compare => self.go_to(Screen::Compare),
            Action::Failures => self.go_to(Screen::Failures),
            Action::Metrics => self.go_to(Screen::Metrics),
            Action::Quit => self.wish = Some(Effect::Quit),
            Action::Suspend => self.wish = Some(Effect::Suspend),
            Action::Redraw => self.wish = Some(Effect::Redraw),
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
            Action::Missing => self.open_missing(),
            Action::Zoom => self.toggle_zoom(),
            Action::Close => self.close(),
            Action::Up => self.step(-1),
            Action::Down => self.step(1),
            Action::PageUp => self.step(-(self.page() as isize)),
            Action::PageDown => self.step(self.page() as isize),
            Action::First => self.step(isize::MIN),
            Action::Last => self.step(isize::MAX),
            Action::Open => self.open(),
            Action::Left => self.chip_left(),
            Action::Right => self.chip = (self.chip + 1).min(self.seeds.seeds.len()),
            Action::FocusLeft => self.focus_left(),
            Action::FocusRight => self.focus_right(),
            Action::FocusNext => self.focus_next(),
            Action::FocusClasses => self.focus_there_and_back(Pane::Classes),
            Action::FocusEntity => self.focus_there_and_back(Pane::Entity),
            Action::PreviousPicture => self.turn_picture(-1),
            Action::NextPicture => self.turn_picture(1),
            Action::SaveView => self.save_view(),
            Action::StopEvaluation => self.stop_evaluation(),
            _ => self.act_on_data(action),
        }
    }

    /// Gives an action to the field, the popup or the screen that has the keys. Returns whether it
    /// was dealt with there; a popup also drops an action that it has no use for.
    fn intercept(&mut self, action: Action) -> bool {
        match (self.popup, self.screen) {
            _ if self.contenders.path.is_some() => self.act_on_path(action),
            _ if self.search.typing => self.act_on_search(action),
            (Some(Popup::Palette), _) => self.act_on_palette(action),
            (Some(popup), _) if !acts_in_popup(popup, action) => {}
            (Some(popup), _) => return self.act_on_popup(popup, action),
            (None, _) if MOVES.contains(&action) || ON_LISTS.contains(&action) => return false,
            (None, Screen::Compare) => self.act_on_compare(action),
            (None, Screen::Failures) => self.act_on_failures(action),
            (None, Screen::Metrics) => self.act_on_metrics(action),
            (None, Screen::Explore) => return false,
        }
        true
    }

    /// Actions that need an open index.
    fn act_on_data(&mut self, action: Action) {
        if self.catalogue.is_none() {
            return;
        }
        match action {
            Action::FilterClasses => (self.focus, self.filtering) = (Pane::Classes, true),
            Action::Fold => self.fold(),
            Action::FoldAll => self.fold_all(),
            Action::Sort => {
                self.tree.sort = self.tree.sort.next();
                self.cursor_to_class();
            }
            Action::AddSeed => self.start_typing(),
            Action::Accept => self.accept(),
            Action::Erase | Action::EraseWord | Action::EraseAll => self.erase(action),
            Action::Remove => self.remove_chip(self.chip),
            Action::Seed => self.seed_subject(),
            Action::Reject => self.reject_subject(),
            Action::Undo => self.go_back(),
            Action::Redo => self.go_forth(),
            Action::PreviousQuery => self.walk_queries(-1),
            Action::NextQuery => self.walk_queries(1),
            Action::SeedCount => self.switch_seed_count(),
            Action::Mode => self.turn_mode(1),
            Action::Joint => self.toggle_joint(),
            Action::Rerank => self.reranked = !self.reranked,
            Action::Filter => self.cycle_filter(),
            Action::Tall => self.tall = !self.tall,
            Action::Explain => self.explain_subject(),
            Action::ExplainBeside => self.explain_beside(),
            Action::WhatIf => self.open_what_if(),
            Action::NameState => self.start_naming(),
            Action::States => self.open_states(),
            _ => {}
        }
    }

    // Moving about.

    pub(crate) fn step(&mut self, by: isize) {
        match self.popup {
            Some(Popup::Help(_)) => {
                self.popup_scroll = shifted(self.popup_scroll, by, self.view.popup.furthest + 1);
            }
            Some(Popup::Missing(cursor)) => {
                let len = self
                    .expansion
                    .as_ref()
                    .and_then(|e| e.missing.as_ref())
                    .map_or(0, Vec::len);
                self.popup = Some(Popup::Missing(shifted(cursor, by, len)));
            }
            Some(Popup::Export(cursor)) => {
                self.popup = Some(Popup::Export(shifted(cursor, by, TableFormat::ALL.len())))
            }
            Some(Popup::Rankers(cursor)) => self.step_in_contenders(cursor, by),
            Some(Popup::Theme(cursor)) => {
                self.try_theme(shifted(cursor, by, self.themes.names.len()))
            }
            Some(Popup::Zoom) => self.step_candidate(by),
            Some(Popup::Palette) => {
                self.palette.cursor = shifted(self.palette.cursor, by, self.palette_rows().len())
            }
            Some(Popup::Explain) => self.step_in_explanation(by),
            Some(Popup::WhatIf(cursor)) => {
                self.popup = Some(Popup::WhatIf(shifted(cursor, by, Setting::ALL.len())))
            }
            Some(Popup::States(cursor)) => {
                self.popup = Some(Popup::States(shifted(cursor, by, self.named.len())))
            }
            Some(Popup::Pasted(cursor)) => {
                self.popup = Some(Popup::Pasted(shifted(cursor, by, self.pasted.len())))
            }
            Some(Popup::Naming | Popup::Told) => {}
            None if self.screen == Screen::Compare => self.step_in_compare(by),
            None if self.screen == Screen::Failures => self.step_in_failures(by),
            None if self.screen == Screen::Metrics => self.step_in_table(by),
            None => self.step_in_pane(by),
        }
    }

    fn step_in_pane(&mut self, by: isize) {
        if let Some(typing) = &mut self.typing {
            typing.cursor = shifted(typing.cursor, by, typing.matches.len());
            return;
        }
        match self.focus {
            Pane::Classes => {
                self.tree.cursor = shifted(self.tree.cursor, by, self.tree_rows().len())
            }
            Pane::Seeds if by > 0 => self.focus = Pane::Candidates,
            Pane::Seeds => self.chip = 0,
            Pane::Candidates => {
                let rows = self.rows();
                if by == -1 && self.cursor(&rows) == 0 && !self.seeds.seeds.is_empty() {
                    return self.focus = Pane::Seeds;
                }
                self.step_candidate(by);
            }
            Pane::Entity => {
                self.entity_scroll = shifted(self.entity_scroll, by, self.view.entity.furthest + 1)
            }
        }
    }

    pub(crate) fn step_candidate(&mut self, by: isize) {
        let rows = self.rows();
        let to = shifted(self.cursor(&rows), by, rows.len());
        if let Some(row) = rows.get(to) {
            self.select(row.entity);
        }
    }

    /// Puts the cursor on a candidate.
    pub(crate) fn select(&mut self, entity: EntityId) {
        if self.subject() != Some(entity) {
            (self.picture, self.entity_scroll) = (0, 0);
        }
        (self.selected, self.looking_at) = (Some(entity), None);
    }

    /// Shows an entity that need not be a candidate.
    pub(crate) fn look_at(&mut self, entity: EntityId) {
        if self.subject() != Some(entity) {
            self.keep_place(self.place());
        }
        (self.picture, self.entity_scroll) = (0, 0);
        if self.rows().iter().any(|r| r.entity == entity) {
            (self.selected, self.looking_at) = (Some(entity), None);
        } else {
            self.looking_at = Some(entity);
        }
    }

    pub(crate) fn page(&self) -> usize {
        let extent = match (self.popup, self.screen, self.focus) {
            (Some(_), ..) => self.view.popup,
            (None, Screen::Compare, _) => self.view.pairs,
            (None, Screen::Failures, _) => self.view.failures,
            (None, Screen::Metrics, _) => self.view.table,
            (None, Screen::Explore, Pane::Classes) => self.view.classes,
            (None, Screen::Explore, Pane::Entity) => self.view.entity,
            (None, Screen::Explore, _) => self.view.candidates,
        };
        extent.page.saturating_sub(1).max(1)
    }

    fn focus_left(&mut self) {
        self.focus = match self.focus {
            Pane::Entity => Pane::Candidates,
            _ => Pane::Classes,
        };
    }

    fn focus_right(&mut self) {
        self.focus = match self.focus {
            Pane::Classes => Pane::Candidates,
            _ => Pane::Entity,
        };
    }

    fn focus_next(&mut self) {
        self.focus = match self.focus {
            Pane::Classes => Pane::Seeds,
            Pane::Seeds => Pane::Candidates,
            Pane::Candidates => Pane::Entity,
            Pane::Entity => Pane::Classes,
        };
    }

    fn focus_there_and_back(&mut self, pane: Pane) {
        self.focus = if self.focus == pane {
            Pane::Candidates
        } else {
            pane
        };
    }

    fn chip_left(&mut self) {
        if self.typing.is_some() {
            // From an empty field the arrow goes on to the chips.
            if self.typing.as_ref().is_some_and(|t| t.input.is_empty()) {
                self.typing = None;
                self.chip = self.seeds.seeds.len().saturating_sub(1);
            }
        } else if self.chip == 0 {
            self.focus = Pane::Classes;
        } else {
            self.chip -= 1;
        }
    }

    // Popups.

    pub(crate) fn open_popup(&mut self, popup: Popup) {
        (self.popup, self.popup_scroll) = (Some(popup), 0);
    }

    pub(crate) fn open_missing(&mut self) {
        match self.expansion.as_ref().and_then(|e| e.missing.as_ref()) {
            Some(missing) if missing.is_empty() => self.notify("no gold entity is missing"),
            Some(_) => self.open_popup(Popup::Missing(0)),
            None => self.notify("what is missing is known once a class's seeds are expanded"),
        }
    }

    pub(crate) fn toggle_zoom(&mut self) {
        if self.popup == Some(Popup::Zoom) {
            self.popup = None;
        } else if self
            .detail()
            .is_some_and(|d| d.as_ref().is_ok_and(|d| !d.pictures.is_empty()))
        {
            self.open_popup(Popup::Zoom);
        } else {
            self.notify("no picture to enlarge");
        }
    }

    fn turn_picture(&mut self, by: isize) {
        let count = match self.detail() {
            Some(Ok(detail)) => detail.pictures.len(),
            _ => 0,
        };
        // In the pane the last picture stays at the right edge; on the full screen each has its
        // turn.
        let shown = if self.popup == Some(Popup::Zoom) {
            1
        } else {
            self.view.strip.max(1)
        };
        self.picture = shifted(self.picture, by, (count + 1).saturating_sub(shown));
    }

    /// One step out: search, popup, field, filter, a look elsewhere, the drawer.
    pub(crate) fn close(&mut self) {
        if self.contenders.path.take().is_some() {
        } else if self.search.holds(self.popup) {
            self.leave_search();
        } else if let Some(popup) = self.popup.take() {
            match popup {
                Popup::Theme(_) => self.restore_theme(),
                Popup::Help(below) => self.popup = below.popup(),
                _ => {}
            }
        } else if self.screen == Screen::Failures && self.close_in_failures() {
        } else if self.screen != Screen::Explore {
            self.go_to(Screen::Explore);
        } else if self.typing.take().is_some() {
            self.chip = 0;
            self.focus = Pane::Candidates;
        } else if self.filtering || !self.tree.filter.is_empty() && self.focus == Pane::Classes {
            self.filtering = false;
            self.tree.filter.clear();
            self.cursor_to_class();
        } else if self.looking_at.take().is_none() {
            self.focus = Pane::Candidates;
        }
    }

    pub(crate) fn open(&mut self) {
        match self.popup {
            Some(Popup::Missing(cursor)) => {
                let missing = self
                    .expansion
                    .as_ref()
                    .and_then(|e| e.missing.as_ref()?.get(cursor).map(|m| m.entity));
                if let Some(entity) = missing {
                    self.popup = None;
                    self.look_at(entity);
                    self.focus = Pane::Entity;
                }
            }
            Some(Popup::Export(cursor)) => self.export(cursor),
            Some(Popup::Rankers(cursor)) => self.toggle_contender(cursor),
            Some(Popup::Theme(_)) => self.keep_theme(),
            Some(Popup::States(cursor)) => self.open_named(cursor),
            Some(Popup::Help(below)) => self.popup = below.popup(),
            Some(_) => self.popup = None,
            None => match self.focus {
                Pane::Classes => self.open_tree_row(self.tree.cursor),
                Pane::Seeds if self.chip >= self.seeds.seeds.len() => self.start_typing(),
                Pane::Seeds => {
                    self.looking_at = self.seeds.seeds.get(self.chip).copied();
                    self.focus = Pane::Entity;
                }
                _ => self.focus = Pane::Entity,
            },
        }
    }

    // Queries.

    pub(crate) fn open_query(&mut self, class: ClassId, count: SeedCount, number: usize) {
        let Some(catalogue) = self.catalogue.clone() else {
            return;
        };
        let set = SeedSet::of_query(&catalogue, class, count, number);
        if set.seeds.is_empty() {
            self.notify(format!(
                "{} has no query; type seeds for it",
                catalogue.class(class).title()
            ));
        }
        (self.selected, self.chip) = (None, 0);
        self.change_seeds(set);
    }

    fn walk_queries(&mut self, by: isize) {
        let (Some(catalogue), Some(class)) = (self.catalogue.clone(), self.seeds.class) else {
            return self.notify("choose a class to walk its queries");
        };
        let count = catalogue.queries_of(class, self.seeds.count).count();
        let at = shifted(self.seeds.number.unwrap_or(0), by, count);
        self.open_query(class, self.seeds.count, at);
    }

    fn switch_seed_count(&mut self) {
        let Some(catalogue) = self.catalogue.clone() else {
            return;
        };
        let other = self.seeds.count.other();
        match self.seeds.class {
            Some(class) if catalogue.queries_of(class, other).next().is_some() => {
                self.open_query(class, other, self.seeds.number.unwrap_or(0));
            }
            Some(_) => self.notify(format!(
                "this class has no queries of {} seeds",
                other.number()
            )),
            None => self.notify("choose a class to switch between its queries of 3 and 5 seeds"),
        }
    }

    // What is shown of the expansion.

    pub(crate) fn toggle_joint(&mut self) {
        let Some(catalogue) = &self.catalogue else {
            return;
        };
        if !self.joint && !self.seeds.is_query(catalogue) {
            return self.notify(
                "only a class's own query, with its seeds as they are, can be expanded jointly",
            );
        }
        self.change(ExpansionQuery {
            joint: !self.joint,
            ..self.state()
        });
    }

    fn cycle_filter(&mut self) {
        self.filter = self.filter.next();
        let judged = self
            .expansion
            .as_ref()
            .is_some_and(|e| e.ask.class.is_some());
        while !judged && matches!(self.filter, RowFilter::Hits | RowFilter::Misses) {
            self.filter = self.filter.next();
        }
    }

    /// Whether an expansion is being computed.
    pub fn expands(&self) -> bool {
        self.asked.runs(RequestClass::Expand)
    }
}

/// A place moved by some steps and kept within `0..len`.
pub(crate) fn shifted(at: usize, by: isize, len: usize) -> usize {
    at.saturating_add_signed(by).min(len.saturating_sub(1))
}
