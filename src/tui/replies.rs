//! What the engine says, taken into the state.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::protocol::{Catalogue, Ranker, Reply, ReplyKind};
use crate::tui::app::App;
use crate::tui::evaluations::Overall;
use crate::tui::parts::Pane;
use crate::tui::requests::RequestClass;
use crate::types::EntityId;

/// How many entities' details are kept.
const DETAILS: usize = 2000;

impl App {
    pub(crate) fn reply(&mut self, reply: Reply) {
        if let ReplyKind::EngineExited(why) = reply.kind {
            self.notify(format!("{why}; what is shown stays, nothing new will come"));
            return;
        }
        let Some(kind) = self.shared.engine.pending.kind(reply.id) else {
            return;
        };
        match (kind, reply.kind) {
            (_, ReplyKind::Progress(progress)) => {
                drop(self.shared.engine.progress.insert(kind, progress))
            }
            (_, ReplyKind::Failed(why)) => self.failed(kind, why),
            (RequestClass::Open, ReplyKind::Opened(catalogue)) => self.opened(catalogue),
            (RequestClass::Expand, say) => self.expanding(say),
            (RequestClass::Inspect, ReplyKind::Inspected(detail)) => {
                self.shared.engine.pending.finish(RequestClass::Inspect);
                if let Some(key) = self.shared.inspecting.take() {
                    self.keep_detail(key, Ok(*detail));
                }
            }
            (RequestClass::Pictures, ReplyKind::FirstImages(found)) => {
                self.pictured(found);
            }
            (RequestClass::Evaluate, say) => self.evaluating(say),
            (RequestClass::Failures, ReplyKind::Failures(failures)) => {
                self.take_failures(*failures)
            }
            (RequestClass::Compare, ReplyKind::Compared(comparison)) => {
                self.shared.engine.pending.finish(RequestClass::Compare);
                if let Some(pair) = self.shared.evaluations.comparing.take() {
                    self.shared.comparisons.insert(pair, *comparison);
                }
                self.request_comparison();
            }
            (RequestClass::Bring, ReplyKind::Imported(import)) => self.imported(import),
            (RequestClass::Stop, ReplyKind::Stopped) => {
                self.shared.engine.pending.finish(RequestClass::Stop)
            }
            (RequestClass::Explain, ReplyKind::Explained(explained)) => {
                self.explained(Ok(*explained))
            }
            (RequestClass::Measure, ReplyKind::Measured { picked, reranked }) => {
                self.shared.engine.pending.finish(RequestClass::Measure);
                if let Some(unchanged) = &mut self.overlay.what_if {
                    unchanged.measured = Some((picked, reranked));
                }
            }
            _ => {}
        }
    }

    fn opened(&mut self, catalogue: Arc<Catalogue>) {
        self.shared.engine.pending.finish(RequestClass::Open);
        self.explore.query.mode = catalogue
            .modes
            .first()
            .copied()
            .unwrap_or(self.explore.query.mode);
        if catalogue.classes.is_empty() {
            self.explore.focus = Pane::Candidates;
        }
        let left_out: Vec<String> = catalogue
            .left_out
            .iter()
            .map(|(what, n)| format!("{n} {what}"))
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
        self.restore();
        if let Some(file) = self.restore.view_file.take() {
            self.open_file(&file);
        }
        self.expand();
        self.evaluate();
        self.import_next();
    }

    fn expanding(&mut self, reply: ReplyKind) {
        if let ReplyKind::Expanded { .. } = reply {
            self.shared.engine.pending.finish(RequestClass::Expand);
            self.shared.engine.progress.remove(&RequestClass::Expand);
        }
        self.explore.add_reply(reply);
    }

    fn evaluating(&mut self, say: ReplyKind) {
        let Some(plan) = self.shared.evaluations.current else {
            return;
        };
        match say {
            ReplyKind::ClassEvaluated { class, metrics, .. } => {
                self.shared.class_metrics.insert((plan, class), metrics);
            }
            ReplyKind::Evaluated {
                metrics, interval, ..
            } => {
                self.shared.engine.pending.finish(RequestClass::Evaluate);
                self.shared.engine.progress.remove(&RequestClass::Evaluate);
                self.shared.overall.insert(
                    plan,
                    Overall {
                        mean: metrics,
                        interval,
                    },
                );
                self.shared.evaluations.current = None;
                // Ranks in other queries are known only now.
                self.shared
                    .details
                    .retain(|(_, m), _| plan.ranker != Ranker::OpenIndex(*m));
                self.evaluate();
            }
            _ => {}
        }
    }

    fn failed(&mut self, kind: RequestClass, why: String) {
        self.shared.engine.pending.finish(kind);
        self.shared.engine.progress.remove(&kind);
        match kind {
            RequestClass::Open => self.shared.engine.open_error = Some(why.clone()),
            RequestClass::Expand => {
                // the pane of candidates shows the reason
                return self.explore.candidates.fail(why);
            }
            RequestClass::Inspect => {
                if let Some(key) = self.shared.inspecting.take() {
                    self.keep_detail(key, Err(why.clone()));
                }
            }
            RequestClass::Pictures => self.pictured(Vec::new()),
            RequestClass::Evaluate => self.shared.evaluations.current = None,
            RequestClass::Compare => self.shared.evaluations.comparing = None,
            RequestClass::Bring => self.import_next(),
            RequestClass::Failures => self.failures.searching = None,
            // said where the answer would be
            RequestClass::Explain => return self.explained(Err(why)),
            RequestClass::Measure | RequestClass::Stop => {}
        }
        self.notify(why);
    }

    /// An entity that was asked for and not answered has no picture: asked again, it would be asked
    /// for ever.
    fn pictured(&mut self, found: Vec<(EntityId, Option<PathBuf>)>) {
        self.shared.engine.pending.finish(RequestClass::Pictures);
        self.shared.first_images.extend(found);
        for entity in std::mem::take(&mut self.shared.requested_images) {
            self.shared.first_images.entry(entity).or_default();
        }
    }

    fn keep_detail(
        &mut self,
        key: crate::tui::shared::DetailKey,
        detail: crate::tui::shared::Detail,
    ) {
        if self.shared.details.len() >= DETAILS {
            self.shared.details.clear();
        }
        self.shared.details.insert(key, detail);
    }
}
