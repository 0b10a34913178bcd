//! Replies of the engine, and the state that each of them changes.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::protocol::{Catalogue, EvaluationKey, Ranker, Reply, ReplyKind};
use crate::tui::app::App;
use crate::tui::evaluations::Overall;
use crate::tui::parts::Pane;
use crate::tui::requests::RequestClass;
use crate::tui::shared::{Detail, DetailKey};
use crate::types::EntityId;

/// The largest number of entities whose details are cached.
const MAX_DETAILS: usize = 2000;

impl App {
    /// Handles a reply, unless it is stale.
    pub(crate) fn handle_reply(&mut self, reply: Reply) {
        if let ReplyKind::EngineExited(reason) = reply.kind {
            self.notify(format!("{reason}; no further results will arrive"));
            return;
        }
        let engine = &mut self.shared.engine;
        let Some(class) = engine.pending.class_of(reply.id) else {
            return;
        };
        match (class, reply.kind) {
            (_, ReplyKind::Progress(progress)) => {
                engine.progress.insert(class, progress);
            }
            (_, ReplyKind::Failed(reason)) => self.handle_failure(class, reason),
            (RequestClass::Open, ReplyKind::Opened(catalogue)) => self.handle_opened(catalogue),
            (RequestClass::Expand, reply) => {
                if let ReplyKind::Expanded { .. } = reply {
                    engine.finish(RequestClass::Expand);
                }
                self.explore.add_reply(reply);
            }
            (RequestClass::Inspect, ReplyKind::Inspected(detail)) => {
                engine.finish(RequestClass::Inspect);
                if let Some(key) = self.shared.inspecting.take() {
                    self.add_detail(key, Ok(*detail));
                }
            }
            (RequestClass::FirstImages, ReplyKind::FirstImages(found)) => {
                self.add_first_images(found);
            }
            (RequestClass::Evaluate, reply) => self.handle_evaluation(reply),
            (RequestClass::Failures, ReplyKind::Failures(failures)) => {
                self.add_failures(*failures);
            }
            (RequestClass::Compare, ReplyKind::Compared(comparison)) => {
                engine.finish(RequestClass::Compare);
                if let Some(pair) = self.shared.evaluations.comparing.take() {
                    self.shared.comparisons.insert(pair, *comparison);
                }
                self.request_comparison();
            }
            (RequestClass::Import, ReplyKind::Imported(import)) => self.imported(import),
            (RequestClass::Stop, ReplyKind::Stopped) => engine.finish(RequestClass::Stop),
            (RequestClass::Explain, ReplyKind::Explained(explanation)) => {
                self.add_explanation(Ok(*explanation));
            }
            (RequestClass::Measure, ReplyKind::Measured { picked, reranked }) => {
                engine.finish(RequestClass::Measure);
                self.overlay.what_if.add_metrics(picked, reranked);
            }
            _ => {}
        }
    }

    /// Restores the last session or a view over the index, and expands and evaluates it.
    fn handle_opened(&mut self, catalogue: Arc<Catalogue>) {
        self.shared.engine.finish(RequestClass::Open);
        if let Some(&mode) = catalogue.modes.first() {
            self.explore.query.mode = mode;
        }
        if catalogue.classes.is_empty() {
            self.explore.focus = Pane::Candidates;
        }
        let left_out = catalogue.left_out.iter();
        let left_out: Vec<String> = left_out
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        if !left_out.is_empty() {
            self.notify(format!("left out: {}", left_out.join(", ")));
        }
        self.shared.catalogue = Some(catalogue);
        self.compare.rankers.choose_first_modes(&self.shared);
        self.failures.mode = self.explore.query.mode;
        self.explore
            .classes
            .cursor_to_first_class(&self.explore.query, &self.shared);
        self.restore_session();
        if let Some(file) = self.restore.view_file.take() {
            self.open_view_file(&file);
        }
        self.expand();
        self.evaluate();
        self.import_next();
    }

    fn handle_evaluation(&mut self, reply: ReplyKind) {
        let Some(key) = self.shared.evaluations.current else {
            return;
        };
        match reply {
            ReplyKind::ClassEvaluated { class, metrics, .. } => {
                self.shared.class_metrics.insert((key, class), metrics);
            }
            ReplyKind::Evaluated {
                metrics, interval, ..
            } => {
                let overall = Overall {
                    mean: metrics,
                    interval,
                };
                self.finish_evaluation(key, overall);
            }
            _ => {}
        }
    }

    /// Records the result of an evaluation, and starts the next one.
    fn finish_evaluation(&mut self, key: EvaluationKey, overall: Overall) {
        self.shared.engine.finish(RequestClass::Evaluate);
        self.shared.overall.insert(key, overall);
        self.shared.evaluations.current = None;
        // the ranks in other queries are known only now
        let is_unaffected = |mode| key.ranker != Ranker::OpenIndex(mode);
        self.shared
            .details
            .retain(|(_, mode), _| is_unaffected(*mode));
        self.evaluate();
    }

    /// Shows the reason for which a request failed.
    fn handle_failure(&mut self, class: RequestClass, reason: String) {
        self.shared.engine.finish(class);
        match class {
            RequestClass::Open => self.shared.engine.open_error = Some(reason.clone()),
            // the pane of candidates and the explanation show the reason themselves
            RequestClass::Expand => return self.explore.candidates.fail(reason),
            RequestClass::Explain => return self.add_explanation(Err(reason)),
            RequestClass::Inspect => {
                if let Some(key) = self.shared.inspecting.take() {
                    self.add_detail(key, Err(reason.clone()));
                }
            }
            RequestClass::FirstImages => self.add_first_images(Vec::new()),
            RequestClass::Evaluate => self.shared.evaluations.current = None,
            RequestClass::Compare => self.shared.evaluations.comparing = None,
            RequestClass::Import => self.import_next(),
            RequestClass::Failures => self.failures.found.searching = None,
            RequestClass::Measure | RequestClass::Stop => {}
        }
        self.notify(reason);
    }

    /// Adds the first images that were requested. An entity without an answer is recorded as one
    /// without images; otherwise it would be requested again and again.
    fn add_first_images(&mut self, found: Vec<(EntityId, Option<PathBuf>)>) {
        self.shared.engine.finish(RequestClass::FirstImages);
        self.shared.first_images.extend(found);
        for entity in std::mem::take(&mut self.shared.requested_images) {
            self.shared.first_images.entry(entity).or_default();
        }
    }

    /// Adds an entity's details to the cache.
    fn add_detail(&mut self, key: DetailKey, detail: Detail) {
        if self.shared.details.len() >= MAX_DETAILS {
            self.shared.details.clear();
        }
        self.shared.details.insert(key, detail);
    }
}
