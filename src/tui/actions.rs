//! Actions, turned into changes of the state.

use crate::config::Action;
use crate::table::TableFormat;
use crate::tui::action_scope::{ANYWHERE, MOVES, ON_LISTS, acts_in_popup};
use crate::tui::app::App;
use crate::tui::explore::expansion::RowFilter;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::explore::seed_set::SeedSet;
use crate::tui::message::LoopCommand;
use crate::tui::overlay::what_if::Setting;
use crate::tui::parts::Pane;
use crate::tui::parts::Popup;
use crate::tui::parts::Screen;
use crate::tui::requests::RequestClass;
use crate::tui::ui::scroll::shifted;
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
            Action::Right => {
                self.explore.seeds.chip =
                    (self.explore.seeds.chip + 1).min(self.explore.query.seeds.seeds.len())
            }
            Action::FocusLeft => self.focus_left(),
            Action::FocusRight => self.focus_right(),
            Action::FocusNext => self.focus_next(),
            Action::FocusClasses => self.focus_there_and_back(Pane::Classes),
            Action::FocusEntity => self.focus_there_and_back(Pane::Entity),
            Action::PreviousImage => self.turn_picture(-1),
            Action::NextImage => self.turn_picture(1),
            Action::SaveView => self.save_view(),
            Action::StopEvaluation => self.stop_evaluation(),
            _ => self.act_on_data(action),
        }
    }

    /// Gives an action to the field, the popup or the screen that has the keys. Returns whether it
    /// was dealt with there; a popup also drops an action that it has no use for.
    fn intercept(&mut self, action: Action) -> bool {
        match (self.overlay.popup, self.screen) {
            _ if self.compare.rankers.path.is_some() => {
                let effects = self.compare.rankers.update_path(action);
                self.apply(effects);
            }
            _ if self.overlay.search.typing => self.act_on_search(action),
            (Some(Popup::Palette), _) => self.act_on_palette(action),
            (Some(popup), _) if !acts_in_popup(popup, action) => {}
            (Some(popup), _) => return self.act_on_popup(popup, action),
            (None, _) if MOVES.contains(&action) || ON_LISTS.contains(&action) => return false,
            (None, Screen::Compare) => {
                let effects = self.compare.update(action, &self.shared);
                self.apply(effects);
            }
            (None, Screen::Failures) => self.act_on_failures(action),
            (None, Screen::Metrics) => {
                let effects = self.metrics.update(action, &self.shared);
                self.apply(effects);
            }
            (None, Screen::Explore) => return false,
        }
        true
    }

    /// Actions that need an open index.
    fn act_on_data(&mut self, action: Action) {
        if self.shared.catalogue.is_none() {
            return;
        }
        match action {
            Action::FilterClasses => {
                (self.explore.focus, self.explore.classes.filtering) = (Pane::Classes, true)
            }
            Action::Fold => self.fold(),
            Action::FoldAll => self.fold_all(),
            Action::Sort => {
                self.explore.classes.tree.sort = self.explore.classes.tree.sort.next();
                self.cursor_to_class();
            }
            Action::AddSeed => self.start_typing(),
            Action::Accept => self.accept(),
            Action::Erase | Action::EraseWord | Action::EraseAll => self.erase(action),
            Action::Remove => self.remove_chip(self.explore.seeds.chip),
            Action::Seed => self.seed_subject(),
            Action::Reject => self.reject_subject(),
            Action::Undo => self.go_back(),
            Action::Redo => self.go_forth(),
            Action::PreviousQuery => self.walk_queries(-1),
            Action::NextQuery => self.walk_queries(1),
            Action::SeedCount => self.switch_seed_count(),
            Action::Mode => self.turn_mode(1),
            Action::Joint => self.toggle_joint(),
            Action::Rerank => self.explore.candidates.reranked = !self.explore.candidates.reranked,
            Action::Filter => self.cycle_filter(),
            Action::TallRows => self.explore.candidates.tall = !self.explore.candidates.tall,
            Action::Explain => self.explain_subject(),
            Action::ExplainSecond => self.explain_beside(),
            Action::WhatIf => self.open_what_if(),
            Action::SaveQuery => self.start_naming(),
            Action::NamedQueries => self.open_states(),
            _ => {}
        }
    }

    // Moving about.

    pub(crate) fn step(&mut self, by: isize) {
        match self.overlay.popup {
            Some(Popup::Help(_)) => {
                self.overlay.scroll = shifted(
                    self.overlay.scroll,
                    by,
                    self.shared.frame.popup.furthest + 1,
                );
            }
            Some(Popup::Missing(cursor)) => {
                let len = self
                    .explore
                    .candidates
                    .expansion
                    .as_ref()
                    .and_then(|e| e.missing.as_ref())
                    .map_or(0, Vec::len);
                self.overlay.popup = Some(Popup::Missing(shifted(cursor, by, len)));
            }
            Some(Popup::Export(cursor)) => {
                self.overlay.popup =
                    Some(Popup::Export(shifted(cursor, by, TableFormat::ALL.len())))
            }
            Some(Popup::Rankers(cursor)) => {
                // the last line is the field for a path
                let lines = self.compare.rankers.available(&self.shared).len() + 1;
                self.overlay.popup = Some(Popup::Rankers(shifted(cursor, by, lines)));
            }
            Some(Popup::Themes(cursor)) => {
                self.try_theme(shifted(cursor, by, self.overlay.themes.names.len()))
            }
            Some(Popup::Zoom) => self.step_candidate(by),
            Some(Popup::Palette) => {
                self.overlay.palette.cursor =
                    shifted(self.overlay.palette.cursor, by, self.palette_rows().len())
            }
            Some(Popup::Explain) => self.step_in_explanation(by),
            Some(Popup::WhatIf(cursor)) => {
                self.overlay.popup = Some(Popup::WhatIf(shifted(cursor, by, Setting::ALL.len())))
            }
            Some(Popup::NamedQueries(cursor)) => {
                self.overlay.popup = Some(Popup::NamedQueries(shifted(
                    cursor,
                    by,
                    self.overlay.named_queries.len(),
                )))
            }
            Some(Popup::PastedNames(cursor)) => {
                self.overlay.popup = Some(Popup::PastedNames(shifted(
                    cursor,
                    by,
                    self.overlay.pasted_names.len(),
                )))
            }
            Some(Popup::SaveQuery | Popup::LoadWarnings) => {}
            None if self.screen == Screen::Compare => self.compare.step(by, &self.shared),
            None if self.screen == Screen::Failures => self.step_in_failures(by),
            None if self.screen == Screen::Metrics => self.metrics.step(by, &self.shared),
            None => self.step_in_pane(by),
        }
    }

    fn step_in_pane(&mut self, by: isize) {
        if let Some(typing) = &mut self.explore.seeds.typing {
            typing.cursor = shifted(typing.cursor, by, typing.matches.len());
            return;
        }
        match self.explore.focus {
            Pane::Classes => {
                self.explore.classes.tree.cursor =
                    shifted(self.explore.classes.tree.cursor, by, self.tree_rows().len())
            }
            Pane::Seeds if by > 0 => self.explore.focus = Pane::Candidates,
            Pane::Seeds => self.explore.seeds.chip = 0,
            Pane::Candidates => {
                let rows = self.rows();
                if by == -1 && self.cursor(&rows) == 0 && !self.explore.query.seeds.seeds.is_empty()
                {
                    return self.explore.focus = Pane::Seeds;
                }
                self.step_candidate(by);
            }
            Pane::Entity => {
                self.explore.entity.scroll = shifted(
                    self.explore.entity.scroll,
                    by,
                    self.shared.frame.entity.furthest + 1,
                )
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
            (self.explore.entity.first_image, self.explore.entity.scroll) = (0, 0);
        }
        (
            self.explore.candidates.selected,
            self.explore.entity.inspected,
        ) = (Some(entity), None);
    }

    /// Shows an entity that need not be a candidate.
    pub(crate) fn look_at(&mut self, entity: EntityId) {
        if self.subject() != Some(entity) {
            self.keep_place(self.place());
        }
        (self.explore.entity.first_image, self.explore.entity.scroll) = (0, 0);
        if self.rows().iter().any(|r| r.entity == entity) {
            (
                self.explore.candidates.selected,
                self.explore.entity.inspected,
            ) = (Some(entity), None);
        } else {
            self.explore.entity.inspected = Some(entity);
        }
    }

    pub(crate) fn page(&self) -> usize {
        let extent = match (self.overlay.popup, self.screen, self.explore.focus) {
            (Some(_), ..) => self.shared.frame.popup,
            (None, Screen::Compare, _) => self.shared.frame.compare_rows,
            (None, Screen::Failures, _) => self.shared.frame.failures,
            (None, Screen::Metrics, _) => self.shared.frame.metrics_table,
            (None, Screen::Explore, Pane::Classes) => self.shared.frame.classes,
            (None, Screen::Explore, Pane::Entity) => self.shared.frame.entity,
            (None, Screen::Explore, _) => self.shared.frame.candidates,
        };
        extent.page.saturating_sub(1).max(1)
    }

    fn focus_left(&mut self) {
        self.explore.focus = match self.explore.focus {
            Pane::Entity => Pane::Candidates,
            _ => Pane::Classes,
        };
    }

    fn focus_right(&mut self) {
        self.explore.focus = match self.explore.focus {
            Pane::Classes => Pane::Candidates,
            _ => Pane::Entity,
        };
    }

    fn focus_next(&mut self) {
        self.explore.focus = match self.explore.focus {
            Pane::Classes => Pane::Seeds,
            Pane::Seeds => Pane::Candidates,
            Pane::Candidates => Pane::Entity,
            Pane::Entity => Pane::Classes,
        };
    }

    fn focus_there_and_back(&mut self, pane: Pane) {
        self.explore.focus = if self.explore.focus == pane {
            Pane::Candidates
        } else {
            pane
        };
    }

    fn chip_left(&mut self) {
        if self.explore.seeds.typing.is_some() {
            // From an empty field the arrow goes on to the chips.
            if self
                .explore
                .seeds
                .typing
                .as_ref()
                .is_some_and(|t| t.input.is_empty())
            {
                self.explore.seeds.typing = None;
                self.explore.seeds.chip = self.explore.query.seeds.seeds.len().saturating_sub(1);
            }
        } else if self.explore.seeds.chip == 0 {
            self.explore.focus = Pane::Classes;
        } else {
            self.explore.seeds.chip -= 1;
        }
    }

    // Popups.

    pub(crate) fn open_popup(&mut self, popup: Popup) {
        (self.overlay.popup, self.overlay.scroll) = (Some(popup), 0);
    }

    pub(crate) fn open_missing(&mut self) {
        match self
            .explore
            .candidates
            .expansion
            .as_ref()
            .and_then(|e| e.missing.as_ref())
        {
            Some(missing) if missing.is_empty() => self.notify("no gold entity is missing"),
            Some(_) => self.open_popup(Popup::Missing(0)),
            None => self.notify("what is missing is known once a class's seeds are expanded"),
        }
    }

    pub(crate) fn toggle_zoom(&mut self) {
        if self.overlay.popup == Some(Popup::Zoom) {
            self.overlay.popup = None;
        } else if self
            .detail()
            .is_some_and(|d| d.as_ref().is_ok_and(|d| !d.images.is_empty()))
        {
            self.open_popup(Popup::Zoom);
        } else {
            self.notify("no picture to enlarge");
        }
    }

    fn turn_picture(&mut self, by: isize) {
        let count = match self.detail() {
            Some(Ok(detail)) => detail.images.len(),
            _ => 0,
        };
        // In the pane the last picture stays at the right edge; on the full screen each has its
        // turn.
        let shown = if self.overlay.popup == Some(Popup::Zoom) {
            1
        } else {
            self.shared.frame.visible_images.max(1)
        };
        self.explore.entity.first_image = shifted(
            self.explore.entity.first_image,
            by,
            (count + 1).saturating_sub(shown),
        );
    }

    /// One step out: search, popup, field, filter, a look elsewhere, the drawer.
    pub(crate) fn close(&mut self) {
        if self.compare.rankers.path.take().is_some() {
        } else if self.overlay.search.holds(self.overlay.popup) {
            self.leave_search();
        } else if let Some(popup) = self.overlay.popup.take() {
            match popup {
                Popup::Themes(_) => self.restore_theme(),
                Popup::Help(below) => self.overlay.popup = below.popup(),
                _ => {}
            }
        } else if self.screen == Screen::Failures && self.close_in_failures() {
        } else if self.screen != Screen::Explore {
            self.go_to(Screen::Explore);
        } else if self.explore.seeds.typing.take().is_some() {
            self.explore.seeds.chip = 0;
            self.explore.focus = Pane::Candidates;
        } else if self.explore.classes.filtering
            || !self.explore.classes.tree.filter.is_empty() && self.explore.focus == Pane::Classes
        {
            self.explore.classes.filtering = false;
            self.explore.classes.tree.filter.clear();
            self.cursor_to_class();
        } else if self.explore.entity.inspected.take().is_none() {
            self.explore.focus = Pane::Candidates;
        }
    }

    pub(crate) fn open(&mut self) {
        match self.overlay.popup {
            Some(Popup::Missing(cursor)) => {
                let missing = self
                    .explore
                    .candidates
                    .expansion
                    .as_ref()
                    .and_then(|e| e.missing.as_ref()?.get(cursor).map(|m| m.entity));
                if let Some(entity) = missing {
                    self.overlay.popup = None;
                    self.look_at(entity);
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
            Some(_) => self.overlay.popup = None,
            None => match self.explore.focus {
                Pane::Classes => self.open_tree_row(self.explore.classes.tree.cursor),
                Pane::Seeds if self.explore.seeds.chip >= self.explore.query.seeds.seeds.len() => {
                    self.start_typing()
                }
                Pane::Seeds => {
                    self.explore.entity.inspected = self
                        .explore
                        .query
                        .seeds
                        .seeds
                        .get(self.explore.seeds.chip)
                        .copied();
                    self.explore.focus = Pane::Entity;
                }
                _ => self.explore.focus = Pane::Entity,
            },
        }
    }

    // Queries.

    pub(crate) fn open_query(&mut self, class: ClassId, count: SeedCount, number: usize) {
        let Some(catalogue) = self.shared.catalogue.clone() else {
            return;
        };
        let set = SeedSet::of_query(&catalogue, class, count, number);
        if set.seeds.is_empty() {
            self.notify(format!(
                "{} has no query; type seeds for it",
                catalogue.class(class).title()
            ));
        }
        (self.explore.candidates.selected, self.explore.seeds.chip) = (None, 0);
        self.change_seeds(set);
    }

    fn walk_queries(&mut self, by: isize) {
        let (Some(catalogue), Some(class)) = (
            self.shared.catalogue.clone(),
            self.explore.query.seeds.class,
        ) else {
            return self.notify("choose a class to walk its queries");
        };
        let count = catalogue
            .queries_of(class, self.explore.query.seeds.count)
            .count();
        let at = shifted(self.explore.query.seeds.number.unwrap_or(0), by, count);
        self.open_query(class, self.explore.query.seeds.count, at);
    }

    fn switch_seed_count(&mut self) {
        let Some(catalogue) = self.shared.catalogue.clone() else {
            return;
        };
        let other = self.explore.query.seeds.count.other();
        match self.explore.query.seeds.class {
            Some(class) if catalogue.queries_of(class, other).next().is_some() => {
                self.open_query(class, other, self.explore.query.seeds.number.unwrap_or(0));
            }
            Some(_) => self.notify(format!(
                "this class has no queries of {} seeds",
                other.as_usize()
            )),
            None => self.notify("choose a class to switch between its queries of 3 and 5 seeds"),
        }
    }

    // What is shown of the expansion.

    pub(crate) fn toggle_joint(&mut self) {
        let Some(catalogue) = &self.shared.catalogue else {
            return;
        };
        if !self.explore.query.joint && !self.explore.query.seeds.is_query(catalogue) {
            return self.notify(
                "only a class's own query, with its seeds as they are, can be expanded jointly",
            );
        }
        self.change(ExpansionQuery {
            joint: !self.explore.query.joint,
            ..self.state()
        });
    }

    fn cycle_filter(&mut self) {
        self.explore.candidates.filter = self.explore.candidates.filter.next();
        let judged = self
            .explore
            .candidates
            .expansion
            .as_ref()
            .is_some_and(|e| e.ask.class.is_some());
        while !judged
            && matches!(
                self.explore.candidates.filter,
                RowFilter::Hits | RowFilter::Misses
            )
        {
            self.explore.candidates.filter = self.explore.candidates.filter.next();
        }
    }

    /// Whether an expansion is being computed.
    pub fn expands(&self) -> bool {
        self.shared.engine.pending.runs(RequestClass::Expand)
    }
}
