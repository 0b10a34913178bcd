//! Expansions, as the explorer streams them and as the command line prints them.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::engine::list_ranking::ListRanking;
use crate::engine::protocol::{
    Candidate, ExpandRequest, JointScope, Missing, MissingReason, PickNumbers, RankedList,
    ReplyKind, RerankedPick,
};
use crate::engine::session::Session;
use crate::error::{Error, Result};
use crate::eval;
use crate::expand;
use crate::expand::{ExpandConfig, Expansion, Pick};
use crate::index::ModeIndex;
use crate::types::{CUTOFFS, ClassId, EntityId, EvaluationProtocol, MetricValues, Mode, Row};

/// The number of picks in the first page that is sent.
const FIRST_PAGE_SIZE: usize = 12;
/// The time between further pages.
const PAGE_INTERVAL: Duration = Duration::from_millis(16);
/// The number of picks of a single expansion after which the index is released from memory.
const RELEASE_INTERVAL: usize = 2;

/// Receives the replies to one request. Returns [`Error::Stopped`] once there is a newer request.
pub(super) type ReplySink<'a> = dyn FnMut(ReplyKind) -> Result<()> + 'a;

/// Returns [`Error::Stopped`] once there is a newer request. Called at every pick.
pub(super) type IsCurrent<'a> = dyn Fn() -> Result<()> + 'a;

/// The ranks of entities among all that are not seeds, from 1.
pub(super) struct EntityRanks {
    /// The ranks by ΣZ over the seeds, without the seeds.
    pub(super) by_seeds: HashMap<Row, usize>,
    /// The ranks by ΣZ over the final set, `[V]`.
    by_set: Vec<usize>,
}

/// The result of a search.
pub(super) struct SearchResult {
    pub(super) expansion: Expansion,
    /// For a joint search, the entities that other classes have, with the class.
    pub(super) taken: HashMap<Row, ClassId>,
}

/// The queries of a joint expansion.
struct JointQueries {
    classes: Vec<ClassId>,
    /// The seeds of each class.
    queries: Vec<Vec<Row>>,
    /// The position of the requested class.
    own: usize,
}

impl Session {
    /// Answers a request, reply by reply.
    pub(super) fn stream(
        &mut self,
        request: &ExpandRequest,
        send: &mut ReplySink,
        is_current: &IsCurrent,
    ) -> Result<()> {
        let started = Instant::now();
        self.check(request)?;
        if !request.is_window_search() {
            return self.stream_list(request, started, send, is_current);
        }
        let seeds = self.rows(&request.seeds)?;
        let search = self.search(request, &seeds, send, is_current)?;
        send(ReplyKind::Reranked(reranked_picks(&search.expansion)))?;
        let elapsed = started.elapsed();
        if let Some(class) = request.class {
            send(self.measured(class, &request.seeds, &search.expansion))?;
            let missing = self.missing(request, class, &seeds, &search)?;
            send(ReplyKind::Missing(missing))?;
        }
        for mode in self.modes_of_ranking(request.ranking) {
            if mode != request.mode {
                let ranking = self.rank_in_mode(mode, request, &seeds, is_current)?;
                send(ReplyKind::OtherMode { mode, ranking })?;
            }
        }
        send(ReplyKind::Expanded { elapsed })
    }

    /// Answers a request for a whole list, by feedback or by seeds.
    fn stream_list(
        &self,
        request: &ExpandRequest,
        started: Instant,
        send: &mut ReplySink,
        is_current: &IsCurrent,
    ) -> Result<()> {
        let ranking = self.rank_list(request)?;
        send(ReplyKind::Ranked(Box::new(ranking.list.clone())))?;
        let elapsed = started.elapsed();
        if let Some(class) = request.class {
            send(self.measured_list(class, request, &ranking))?;
            let missing = self.missing_in_list(request, class, &ranking);
            send(ReplyKind::Missing(missing))?;
        }
        for mode in self.modes_of_ranking(request.ranking) {
            if mode != request.mode {
                is_current()?;
                let ranking = self.list_in_mode(mode, request)?;
                send(ReplyKind::OtherMode { mode, ranking })?;
            }
        }
        send(ReplyKind::Expanded { elapsed })
    }

    fn measured_list(
        &self,
        class: ClassId,
        request: &ExpandRequest,
        ranking: &ListRanking,
    ) -> ReplyKind {
        let candidates = ranking.list.candidates.iter();
        let entities: Vec<EntityId> = candidates.map(|c| c.entity).collect();
        // What the user accepted is no longer to be found.
        let mut known = request.seeds.clone();
        known.extend(&request.accepted);
        let metrics = self.measure(class, &known, &entities);
        ReplyKind::Measured {
            picked: metrics,
            reranked: metrics,
        }
    }

    /// Expands the seeds alone in another mode, and returns the final ranking.
    fn rank_in_mode(
        &self,
        mode: Mode,
        request: &ExpandRequest,
        seeds: &[Row],
        is_current: &IsCurrent,
    ) -> Result<Vec<EntityId>> {
        let config = ExpandConfig::with_settings(request.size, request.settings);
        let rejected = self.known_rows(&request.rejected);
        let view = self.index.view(mode)?;
        let expansion = expand::expand(&view, seeds, &rejected, &config, &mut |_: &Pick| {
            is_current()
        })?;
        Ok(self.reranked(&expansion))
    }

    /// Computes only the metrics of an expansion. Fails if it has no class.
    pub(super) fn measure_expansion(
        &self,
        request: &ExpandRequest,
        is_current: &IsCurrent,
    ) -> Result<ReplyKind> {
        self.check(request)?;
        let class = request
            .class
            .ok_or_else(|| Error::Argument("metrics need a class".into()))?;
        if !request.is_window_search() {
            return Ok(self.measured_list(class, request, &self.rank_list(request)?));
        }
        let seeds = self.rows(&request.seeds)?;
        let search = self.search(request, &seeds, &mut |_| Ok(()), is_current)?;
        Ok(self.measured(class, &request.seeds, &search.expansion))
    }

    fn measured(&self, class: ClassId, seeds: &[EntityId], expansion: &Expansion) -> ReplyKind {
        ReplyKind::Measured {
            picked: self.measure(class, seeds, &self.picked(expansion)),
            reranked: self.measure(class, seeds, &self.reranked(expansion)),
        }
    }

    /// Ranks the candidates of a request by feedback or by seeds, for a process that expands once.
    pub fn list(&self, request: &ExpandRequest) -> Result<RankedList> {
        self.check(request)?;
        Ok(self.rank_list(request)?.list)
    }

    /// Runs one window search and returns the candidates in re-ranked order, each with its position
    /// among the picks. It is for a process that expands once, and keeps little of the index in
    /// memory.
    pub fn expand(&mut self, request: &ExpandRequest) -> Result<Vec<(Candidate, RerankedPick)>> {
        self.check(request)?;
        let seeds = self.rows(&request.seeds)?;
        let mut picks: Vec<Candidate> = Vec::new();
        let mut collect = |reply| {
            if let ReplyKind::Picks(page) = reply {
                picks.extend(page);
            }
            Ok(())
        };
        let pick_count = Cell::new(0usize);
        let release_memory = || {
            pick_count.set(pick_count.get() + 1);
            if pick_count.get().is_multiple_of(RELEASE_INTERVAL) {
                self.index.release_memory();
            }
            Ok(())
        };
        let search = self.search(request, &seeds, &mut collect, &release_memory)?;
        let mut candidates = Vec::with_capacity(picks.len());
        for entry in reranked_picks(&search.expansion) {
            candidates.push((picks[entry.pick].clone(), entry));
        }
        Ok(candidates)
    }

    /// Fails if the size or the number of seeds is not possible.
    pub(super) fn check(&self, request: &ExpandRequest) -> Result<()> {
        let (size, max) = (request.size, self.index.len());
        if size == 0 || size > max {
            return Err(Error::Argument(format!(
                "invalid size {size} (expected 1 to {max} for this index)"
            )));
        }
        if request.seeds.is_empty() {
            return Err(Error::Argument(
                "an expansion needs at least one seed".into(),
            ));
        }
        Ok(())
    }

    /// Runs the search and sends its picks in pages.
    pub(super) fn search(
        &self,
        request: &ExpandRequest,
        seeds: &[Row],
        send: &mut ReplySink,
        is_current: &IsCurrent,
    ) -> Result<SearchResult> {
        let view = self.index.view(request.mode)?;
        let config = ExpandConfig::with_settings(request.size, request.settings);
        let mut page = Page {
            session: self,
            mode: request.mode,
            seeds,
            waiting: Vec::new(),
            sent: 0,
            last: Instant::now(),
        };
        let result = match request.joint.zip(request.class) {
            Some((scope, class)) => {
                let joint = self.joint_queries(scope, class, seeds)?;
                page.expand_jointly(&view, &config, &joint, send, is_current)?
            }
            None => {
                let excluded = self.known_rows(&request.rejected);
                page.expand_alone(&view, &config, &excluded, send, is_current)?
            }
        };
        page.send(send)?;
        Ok(result)
    }

    /// Returns the queries of one number of all classes, with `seeds` for this class.
    fn joint_queries(
        &self,
        scope: JointScope,
        class: ClassId,
        seeds: &[Row],
    ) -> Result<JointQueries> {
        let (mut classes, mut queries) = (Vec::new(), Vec::new());
        for i in 0..self.catalogue.classes.len() {
            let id = ClassId(i as u16);
            let own = match self.query(id, scope.seed_count, scope.number) {
                _ if id == class => seeds.to_vec(),
                Some(query) => self.known_rows(&query.seeds),
                None => continue,
            };
            if !own.is_empty() {
                classes.push(id);
                queries.push(own);
            }
        }
        let own = classes
            .iter()
            .position(|&c| c == class)
            .ok_or_else(|| Error::Mismatch("a joint expansion needs a class".into()))?;
        Ok(JointQueries {
            classes,
            queries,
            own,
        })
    }

    /// Returns the picks with their scores taken apart.
    fn candidates(&self, mode: Mode, seeds: &[Row], picks: &[Pick]) -> Result<Vec<Candidate>> {
        let rows: Vec<Row> = picks.iter().map(|p| p.row).collect();
        let explained = expand::explain(&self.index, mode, seeds, &rows)?;
        for (pick, score) in picks.iter().zip(&explained) {
            if ![score.score, pick.set_score, pick.divergence]
                .iter()
                .all(|number| number.is_finite())
            {
                let name = &self.index.entity(pick.row).name;
                return Err(Error::Mismatch(format!(
                    "the score of “{name}” is {}, not a finite number",
                    score.score
                )));
            }
        }
        Ok(picks
            .iter()
            .zip(explained)
            .map(|(pick, score)| Candidate {
                entity: self.entity(pick.row),
                score: score.score,
                parts: score.parts,
                seed_contributions: score.seeds,
                feedback_contribution: 0.0,
                probability: None,
                pick: Some(PickNumbers {
                    set_score: pick.set_score,
                    round: pick.round,
                    window: pick.window,
                    window_rank: pick.window_rank,
                    divergence: pick.divergence,
                }),
            })
            .collect())
    }

    pub(super) fn picked(&self, expansion: &Expansion) -> Vec<EntityId> {
        expansion.picks.iter().map(|p| self.entity(p.row)).collect()
    }

    pub(super) fn reranked(&self, expansion: &Expansion) -> Vec<EntityId> {
        expansion
            .reranked
            .iter()
            .map(|r| self.entity(expansion.picks[r.pick].row))
            .collect()
    }

    /// Computes the metrics of a ranking for a class. The seeds are not gold.
    pub(crate) fn measure(
        &self,
        class: ClassId,
        seeds: &[EntityId],
        ranking: &[EntityId],
    ) -> MetricValues {
        let Some(dataset) = &self.dataset else {
            return MetricValues::default();
        };
        let gold = eval::gold(&dataset.classes[class.index()], seeds);
        let reachable = gold
            .iter()
            .filter(|&&e| self.index.row(e).is_some())
            .count();
        eval::ranking_metrics(
            &ranking[..ranking.len().min(CUTOFFS[3])],
            &gold,
            reachable,
            EvaluationProtocol::Standard,
        )
    }

    pub(crate) fn known_rows(&self, entities: &[EntityId]) -> Vec<Row> {
        entities.iter().filter_map(|&e| self.index.row(e)).collect()
    }

    /// Finds the reason for each gold entity that was not picked.
    fn missing(
        &self,
        request: &ExpandRequest,
        class: ClassId,
        seeds: &[Row],
        search: &SearchResult,
    ) -> Result<Vec<Missing>> {
        let listed: HashSet<EntityId> = self.picked(&search.expansion).into_iter().collect();
        let members = &self.catalogue.class(class).members;
        let absent: Vec<EntityId> = members
            .iter()
            .copied()
            .filter(|e| !listed.contains(e) && !request.seeds.contains(e))
            .collect();
        let ranks = self.entity_ranks(request, seeds, search)?;
        Ok(absent
            .into_iter()
            .map(|entity| Missing {
                entity,
                reason: self.missing_reason(request, search, &ranks, entity),
            })
            .collect())
    }

    pub(super) fn entity_ranks(
        &self,
        request: &ExpandRequest,
        seeds: &[Row],
        search: &SearchResult,
    ) -> Result<EntityRanks> {
        let view: ModeIndex = self.index.view(request.mode)?;
        let ranking = expand::rank_by_seeds(&view, seeds, &[])
            .into_iter()
            .zip(1..);
        let by_seeds = ranking.map(|((row, _), rank)| (row, rank)).collect();
        Ok(EntityRanks {
            by_seeds,
            by_set: search.expansion.final_ranks(&view),
        })
    }

    /// Returns the reason why an entity that is not a seed was not picked.
    pub(super) fn missing_reason(
        &self,
        request: &ExpandRequest,
        search: &SearchResult,
        ranks: &EntityRanks,
        entity: EntityId,
    ) -> MissingReason {
        let Some(row) = self.index.row(entity) else {
            return MissingReason::NotIndexed(
                "it has fewer than 2 usable sentence–picture pairs".into(),
            );
        };
        if request.rejected.contains(&entity) {
            MissingReason::Rejected
        } else if let Some(class) = search.taken.get(&row) {
            MissingReason::TakenBy(*class)
        } else if let Some(pick) = search.expansion.first_window(row) {
            MissingReason::LostInWindow { pick }
        } else {
            let seed_rank = ranks
                .by_seeds
                .get(&row)
                .copied()
                .unwrap_or(self.index.len());
            MissingReason::BelowWindow {
                seed_rank,
                final_rank: ranks.by_set[row.index()],
            }
        }
    }
}

fn reranked_picks(expansion: &Expansion) -> Vec<RerankedPick> {
    let mut picks = Vec::with_capacity(expansion.reranked.len());
    for entry in &expansion.reranked {
        picks.push(RerankedPick {
            pick: entry.pick,
            divergence_rank: entry.divergence_rank,
            score: entry.score,
        });
    }
    picks
}

/// Picks that are sent together.
struct Page<'a> {
    session: &'a Session,
    mode: Mode,
    seeds: &'a [Row],
    waiting: Vec<Pick>,
    sent: usize,
    last: Instant,
}

impl Page<'_> {
    /// Expands the seeds alone, and sends the picks.
    fn expand_alone(
        &mut self,
        view: &ModeIndex,
        config: &ExpandConfig,
        excluded: &[Row],
        send: &mut ReplySink,
        is_current: &IsCurrent,
    ) -> Result<SearchResult> {
        let seeds = self.seeds;
        let expansion = expand::expand(view, seeds, excluded, config, &mut |pick: &Pick| {
            is_current()?;
            self.add(pick, send)
        })?;
        Ok(SearchResult {
            expansion,
            taken: HashMap::new(),
        })
    }

    /// Expands all classes jointly, and sends the picks of the requested class.
    fn expand_jointly(
        &mut self,
        view: &ModeIndex,
        config: &ExpandConfig,
        joint: &JointQueries,
        send: &mut ReplySink,
        is_current: &IsCurrent,
    ) -> Result<SearchResult> {
        let mut on_pick = |(query, pick): (usize, &Pick)| {
            is_current()?;
            if query == joint.own {
                self.add(pick, send)
            } else {
                Ok(())
            }
        };
        let mut all = expand::expand_joint(view, &joint.queries, config, &mut on_pick)?;
        let expansion = all.remove(joint.own);
        let others = (0..joint.classes.len()).filter(|&position| position != joint.own);
        let mut taken = HashMap::new();
        for (position, other) in others.zip(&all) {
            // the seeds of other classes are not candidates either
            for row in joint.queries[position]
                .iter()
                .copied()
                .chain(other.ranking())
            {
                taken.insert(row, joint.classes[position]);
            }
        }
        Ok(SearchResult { expansion, taken })
    }

    fn add(&mut self, pick: &Pick, send: &mut ReplySink) -> Result<()> {
        self.waiting.push(*pick);
        let is_due = if self.sent == 0 {
            self.waiting.len() >= FIRST_PAGE_SIZE
        } else {
            self.last.elapsed() >= PAGE_INTERVAL
        };
        if is_due { self.send(send) } else { Ok(()) }
    }

    fn send(&mut self, send: &mut ReplySink) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let page = self
            .session
            .candidates(self.mode, self.seeds, &self.waiting)?;
        self.sent += self.waiting.len();
        self.waiting.clear();
        self.last = Instant::now();
        send(ReplyKind::Picks(page))
    }
}
