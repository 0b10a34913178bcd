//! Actions and clicks on the Explore screen.

use crate::config::Action;
use crate::tui::class_tree::TreeKind;
use crate::tui::evaluations::next_ranking;
use crate::tui::explore::Explore;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::explore::seed_set::SeedSet;
use crate::tui::message::Effect;
use crate::tui::parts::{Pane, Popup};
use crate::tui::shared::Shared;
use crate::tui::text_input::erase_from_end;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::shifted;
use crate::types::{ClassId, EntityId, Mode, RankingKind, SeedCount};

/// Returns the effect that shows a message.
fn notify(message: impl Into<String>) -> Vec<Effect> {
    vec![Effect::Notify(message.into())]
}

impl Explore {
    /// Performs an action; returns what is left to others.
    pub(crate) fn update(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::Open => return self.open(shared),
            Action::Left => self.move_left(),
            Action::Right => {
                self.seeds.chip = (self.seeds.chip + 1).min(self.query.seeds.members().len());
            }
            Action::FocusLeft => self.focus_left(),
            Action::FocusRight => self.focus_right(),
            Action::FocusNext => self.focus_next(),
            Action::FocusClasses => self.toggle_focus(Pane::Classes),
            Action::FocusEntity => self.toggle_focus(Pane::Entity),
            Action::PreviousImage => {
                self.scroll_images(-1, shared.frame.visible_images.max(1), shared)
            }
            Action::NextImage => self.scroll_images(1, shared.frame.visible_images.max(1), shared),
            Action::Missing => return self.open_missing(),
            Action::Zoom => return self.open_zoom(shared),
            _ if shared.catalogue.is_some() => return self.update_query(action, shared),
            _ => {}
        }
        Vec::new()
    }

    /// Performs an action that needs an open index.
    fn update_query(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::FilterClasses => {
                self.focus = Pane::Classes;
                self.classes.filtering = true;
            }
            Action::Fold => self.classes.fold(&self.query, shared),
            Action::FoldAll => self.classes.fold_all(&self.query, shared),
            Action::Sort => self.classes.sort_by_next(&self.query, shared),
            Action::AddSeed => self.start_typing(),
            Action::Accept => return self.accept(shared),
            Action::Erase | Action::EraseWord | Action::EraseAll => {
                return self.erase(action, shared);
            }
            Action::Remove => return self.remove_seed(self.seeds.chip, shared),
            Action::AcceptCandidate => return self.accept_subject(shared),
            Action::Seed => return self.seed_subject(shared),
            Action::Reject => return self.reject_subject(shared),
            Action::Undo => return self.undo(shared),
            Action::Redo => return self.redo(shared),
            Action::PreviousQuery => return self.open_next_query(-1, shared),
            Action::NextQuery => return self.open_next_query(1, shared),
            Action::SeedCount => return self.switch_seed_count(shared),
            Action::Mode => return self.switch_mode(1, shared),
            Action::Ranking => return self.switch_ranking(1, shared),
            Action::Rerank => return self.toggle_reranking(),
            Action::Filter => self.candidates.next_filter(),
            Action::TallRows => self.candidates.tall = !self.candidates.tall,
            _ => {}
        }
        Vec::new()
    }

    // Navigation.

    /// Moves the cursor of the focused pane by a number of rows.
    pub(crate) fn step(&mut self, by: isize, shared: &Shared) {
        if let Some(typing) = &mut self.seeds.typing {
            typing.cursor = shifted(typing.cursor, by, typing.matches.len());
            return;
        }
        match self.focus {
            Pane::Classes => self.classes.step(by, &self.query, shared),
            Pane::Seeds if by > 0 => self.focus = Pane::Candidates,
            Pane::Seeds => self.seeds.chip = 0,
            Pane::Candidates if self.leaves_candidates(by, shared) => self.focus = Pane::Seeds,
            Pane::Candidates => self.step_candidate(by, shared),
            Pane::Entity => self.entity.step(by, shared),
        }
    }

    /// Returns whether a step leads from the first candidate up to the seeds.
    fn leaves_candidates(&self, by: isize, shared: &Shared) -> bool {
        by == -1
            && self.candidates.cursor(&self.rows(shared)) == 0
            && !self.query.seeds.members().is_empty()
    }

    /// Moves the cursor of the candidates by a number of rows.
    pub(crate) fn step_candidate(&mut self, by: isize, shared: &Shared) {
        let rows = self.rows(shared);
        let to = shifted(self.candidates.cursor(&rows), by, rows.len());
        if let Some(row) = rows.get(to) {
            self.select(row.entity, shared);
        }
    }

    /// Puts the cursor on a candidate.
    pub(crate) fn select(&mut self, entity: EntityId, shared: &Shared) {
        if self.subject(shared) != Some(entity) {
            self.entity.show(None);
        }
        self.entity.inspected = None;
        self.candidates.selected = Some(entity);
    }

    /// Shows an entity in the entity pane. A candidate is selected; any other entity is inspected.
    pub(crate) fn inspect(&mut self, entity: EntityId, shared: &Shared) {
        if self.rows(shared).iter().any(|row| row.entity == entity) {
            self.entity.show(None);
            self.candidates.selected = Some(entity);
        } else {
            self.entity.show(Some(entity));
        }
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

    /// Focuses a pane, or the candidates if that pane has the focus.
    fn toggle_focus(&mut self, pane: Pane) {
        self.focus = if self.focus == pane {
            Pane::Candidates
        } else {
            pane
        };
    }

    /// Moves to the seed on the left. From an empty field it leads to the last seed, and from the
    /// first seed to the classes.
    fn move_left(&mut self) {
        if let Some(typing) = &self.seeds.typing {
            if typing.input.is_empty() {
                self.seeds.typing = None;
                self.seeds.chip = self.query.seeds.members().len().saturating_sub(1);
            }
        } else if self.seeds.chip == 0 {
            self.focus = Pane::Classes;
        } else {
            self.seeds.chip -= 1;
        }
    }

    /// Moves the first visible image, of which `visible` are shown at once.
    pub(crate) fn scroll_images(&mut self, by: isize, visible: usize, shared: &Shared) {
        let count = match self.detail(shared) {
            Some(Ok(detail)) => detail.images.len(),
            _ => 0,
        };
        let positions = (count + 1).saturating_sub(visible);
        self.entity.first_image = shifted(self.entity.first_image, by, positions);
    }

    /// Closes one thing: the field of a seed, the filter, the inspected entity, or the drawer.
    pub(crate) fn close(&mut self, shared: &Shared) {
        let filters = self.classes.filtering
            || !self.classes.tree.filter.is_empty() && self.focus == Pane::Classes;
        if self.seeds.typing.take().is_some() {
            self.seeds.chip = 0;
            self.focus = Pane::Candidates;
        } else if filters {
            self.classes.clear_filter();
            self.cursor_to_class(shared);
        } else if self.entity.inspected.take().is_none() {
            self.focus = Pane::Candidates;
        }
    }

    fn open(&mut self, shared: &Shared) -> Vec<Effect> {
        match self.focus {
            Pane::Classes => return self.open_tree_row(self.classes.tree.cursor, shared),
            Pane::Seeds => match self.query.seeds.members().get(self.seeds.chip) {
                Some(&seed) => {
                    self.entity.inspected = Some(seed);
                    self.focus = Pane::Entity;
                }
                None => self.start_typing(),
            },
            Pane::Candidates | Pane::Entity => self.focus = Pane::Entity,
        }
        Vec::new()
    }

    // Popups.

    fn open_missing(&self) -> Vec<Effect> {
        match self.missing() {
            Some([]) => notify("no gold entity is missing"),
            Some(_) => vec![Effect::OpenPopup(Popup::Missing)],
            None => notify("missing entities are known once a class's seeds are expanded"),
        }
    }

    fn open_zoom(&self, shared: &Shared) -> Vec<Effect> {
        match self.detail(shared) {
            Some(Ok(detail)) if !detail.images.is_empty() => {
                vec![Effect::OpenPopup(Popup::Zoom)]
            }
            _ => notify("no picture to enlarge"),
        }
    }

    // Text fields.

    /// Opens the field in which the name of a new seed is typed.
    pub(crate) fn start_typing(&mut self) {
        self.focus = Pane::Seeds;
        self.seeds.start_typing(self.query.seeds.members().len());
    }

    /// Puts text into the field that is open, and updates its matches.
    pub(crate) fn insert_text(&mut self, text: &str, shared: &Shared) {
        if let Some(typing) = &mut self.seeds.typing {
            typing.input.push_str(text);
            self.seeds.complete(&self.query, shared);
        } else if self.classes.filtering {
            self.classes.insert_text(text);
        }
    }

    fn erase(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        let Some(typing) = &mut self.seeds.typing else {
            self.classes.erase(action);
            return Vec::new();
        };
        if typing.input.is_empty() && action == Action::Erase {
            let last = self.query.seeds.members().len().saturating_sub(1);
            return self.remove_seed(last, shared);
        }
        erase_from_end(&mut typing.input, action);
        self.seeds.complete(&self.query, shared);
        Vec::new()
    }

    /// Adds the highlighted match to the seeds. An empty field is closed.
    fn accept(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(typing) = &self.seeds.typing else {
            return notify("no entity has this name");
        };
        match typing.highlighted() {
            Some(entity) => {
                self.seeds.start_typing(self.seeds.chip);
                let effects = self.add_seed(entity, shared);
                self.seeds.chip = self.query.seeds.members().len();
                effects
            }
            None if typing.input.is_empty() => vec![Effect::Close],
            None => notify("no entity has this name"),
        }
    }

    // Seeds.

    fn add_seed(&mut self, entity: EntityId, shared: &Shared) -> Vec<Effect> {
        if self.query.seeds.seeds.contains(&entity) {
            return notify("this entity is a seed already");
        }
        let mut seeds = self.query.seeds.clone();
        seeds.add_seed(entity);
        self.change_seeds(seeds, shared)
    }

    fn remove_seed(&mut self, position: usize, shared: &Shared) -> Vec<Effect> {
        let mut seeds = self.query.seeds.clone();
        seeds.remove_member(position);
        self.change_seeds(seeds, shared)
    }

    fn seed_subject(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(entity) = self.subject(shared) else {
            return Vec::new();
        };
        self.candidates.step_past(entity, shared);
        self.add_seed(entity, shared)
    }

    /// Accepts the entity that is shown: it counts as a seed from now on.
    fn accept_subject(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(entity) = self.subject(shared) else {
            return Vec::new();
        };
        if self.query.seeds.members().contains(&entity) {
            return notify("this entity counts as a seed already");
        }
        self.candidates.step_past(entity, shared);
        let mut seeds = self.query.seeds.clone();
        seeds.accept(entity);
        self.change_seeds(seeds, shared)
    }

    fn reject_subject(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(entity) = self.subject(shared) else {
            return Vec::new();
        };
        let mut seeds = self.query.seeds.clone();
        if seeds.seeds.contains(&entity) || seeds.rejected.contains(&entity) {
            return Vec::new();
        }
        self.candidates.step_past(entity, shared);
        seeds.reject(entity);
        self.change_seeds(seeds, shared)
    }

    // Queries.

    /// Opens a query of a class; a class without queries is opened without seeds.
    pub(crate) fn open_query(
        &mut self,
        class: ClassId,
        count: SeedCount,
        number: usize,
        shared: &Shared,
    ) -> Vec<Effect> {
        let Some(catalogue) = &shared.catalogue else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        let seeds = SeedSet::from_query(catalogue, class, count, number);
        if seeds.seeds.is_empty() {
            let title = catalogue.class(class).title();
            effects = notify(format!("{title} has no query; type seeds for it"));
        }
        self.candidates.selected = None;
        self.seeds.chip = 0;
        effects.extend(self.change_seeds(seeds, shared));
        effects
    }

    fn open_next_query(&mut self, by: isize, shared: &Shared) -> Vec<Effect> {
        let (Some(catalogue), Some(class)) = (&shared.catalogue, self.query.seeds.class) else {
            return notify("choose a class to step through its queries");
        };
        let seed_count = self.query.seeds.count;
        let count = catalogue.queries_of(class, seed_count).count();
        let number = shifted(self.query.seeds.number.unwrap_or(0), by, count);
        self.open_query(class, seed_count, number, shared)
    }

    fn switch_seed_count(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(catalogue) = &shared.catalogue else {
            return Vec::new();
        };
        let other = self.query.seeds.count.other();
        let Some(class) = self.query.seeds.class else {
            return notify("choose a class to switch between its queries of 3 and 5 seeds");
        };
        if catalogue.queries_of(class, other).next().is_none() {
            let count = other.as_usize();
            return notify(format!("this class has no queries of {count} seeds"));
        }
        let number = self.query.seeds.number.unwrap_or(0);
        self.open_query(class, other, number, shared)
    }

    /// Expands in the next or previous mode of the index.
    pub(crate) fn switch_mode(&mut self, by: isize, shared: &Shared) -> Vec<Effect> {
        match shared.next_mode(self.query.mode, by) {
            Ok(mode) => {
                let query = ExpansionQuery {
                    mode,
                    ..self.query.clone()
                };
                self.change(query, shared)
            }
            Err(message) => notify(message),
        }
    }

    /// Ranks by the next or previous method. Rankings that are not possible are left out.
    pub(crate) fn switch_ranking(&mut self, by: isize, shared: &Shared) -> Vec<Effect> {
        let Some(catalogue) = &shared.catalogue else {
            return Vec::new();
        };
        let by_feedback_only = self.query.mode == Mode::Both && catalogue.is_without_model();
        let is_possible = |ranking| match ranking {
            RankingKind::Feedback => true,
            RankingKind::Joint => !by_feedback_only && self.query.seeds.is_query(catalogue),
            RankingKind::Window | RankingKind::SeedSimilarity => !by_feedback_only,
        };
        if by_feedback_only && self.query.ranking == RankingKind::Feedback {
            return notify("mode both of an index without a model is ranked by feedback only");
        }
        let query = ExpansionQuery {
            ranking: next_ranking(self.query.ranking, by, is_possible),
            ..self.query.clone()
        };
        self.change(query, shared)
    }

    /// Shows the candidates before or after the re-ranking of a window search.
    fn toggle_reranking(&mut self) -> Vec<Effect> {
        if !self.query.is_window_search() {
            return notify("only a window search re-ranks its candidates");
        }
        self.candidates.reranked = !self.candidates.reranked;
        Vec::new()
    }

    /// Opens a row of the class tree: folds or unfolds a group, opens the first query of a class.
    fn open_tree_row(&mut self, position: usize, shared: &Shared) -> Vec<Effect> {
        let rows = self.classes.rows(&self.query, shared);
        match self.classes.row_to_open(&rows, position) {
            Some(TreeKind::Group { .. }) => {
                self.classes.tree.cursor = position;
                self.classes.fold(&self.query, shared);
                Vec::new()
            }
            Some(&TreeKind::Class(class)) => {
                if self.classes.filtering {
                    self.classes.clear_filter();
                }
                let effects = self.open_query(class, self.query.seeds.count, 0, shared);
                self.cursor_to_class(shared);
                self.focus = Pane::Candidates;
                effects
            }
            None => Vec::new(),
        }
    }

    // The mouse.

    /// Focuses a pane that was clicked. Text fields in other panes are left.
    pub(crate) fn focus_clicked(&mut self, pane: Pane) {
        self.focus = pane;
        if pane != Pane::Seeds {
            self.seeds.typing = None;
        }
        self.classes.filtering &= pane == Pane::Classes;
    }

    /// Performs a click on something in the screen's panes.
    pub(crate) fn click(&mut self, hit: ClickTarget, shared: &Shared) -> Vec<Effect> {
        match hit {
            ClickTarget::ClassRow(position) => return self.open_tree_row(position, shared),
            ClickTarget::Seed(position) => self.seeds.chip = position,
            ClickTarget::RemoveSeed(position) => return self.remove_seed(position, shared),
            ClickTarget::AddSeed if self.seeds.typing.is_none() => self.start_typing(),
            ClickTarget::Completion(position) => {
                if let Some(typing) = &mut self.seeds.typing {
                    typing.cursor = position;
                    return self.accept(shared);
                }
            }
            ClickTarget::Candidate(entity) => self.select(entity, shared),
            ClickTarget::Neighbor(entity) => return vec![Effect::Inspect(entity)],
            ClickTarget::MissingCount => return self.open_missing(),
            ClickTarget::Image(position) => {
                self.entity.first_image = position;
                return self.open_zoom(shared);
            }
            ClickTarget::Divider => self.entity.resizing = true,
            _ => {}
        }
        Vec::new()
    }
}
