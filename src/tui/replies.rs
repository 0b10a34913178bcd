//! What the engine says, taken into the state.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::protocol::{Catalogue, Contender, Reply, Say};
use crate::tui::app::{App, Pane};
use crate::tui::explore::class_tree::TreeKind;
use crate::tui::explore::expansion::Expansion;
use crate::tui::explore::seeds::SeedSet;
use crate::tui::metrics::Overall;
use crate::tui::requests::Kind;
use crate::types::EntityId;

/// How many entities' details are kept.
const DETAILS: usize = 2000;

impl App {
    pub(crate) fn reply(&mut self, reply: Reply) {
        if let Say::Ended(why) = reply.say {
            self.notify(format!("{why}; what is shown stays, nothing new will come"));
            return;
        }
        let Some(kind) = self.asked.kind(reply.id) else {
            return;
        };
        match (kind, reply.say) {
            (_, Say::Progress(progress)) => drop(self.progress.insert(kind, progress)),
            (_, Say::Failed(why)) => self.failed(kind, why),
            (Kind::Open, Say::Opened(catalogue)) => self.opened(catalogue),
            (Kind::Expand, say) => self.expanding(say),
            (Kind::Inspect, Say::Inspected(detail)) => {
                self.asked.finish(Kind::Inspect);
                if let Some(key) = self.inspecting.take() {
                    self.keep_detail(key, Ok(*detail));
                }
            }
            (Kind::Pictures, Say::Pictures(found)) => {
                self.pictured(found);
            }
            (Kind::Evaluate, say) => self.evaluating(say),
            (Kind::Failures, Say::Failures(failures)) => self.take_failures(*failures),
            (Kind::Compare, Say::Compared(comparison)) => {
                self.asked.finish(Kind::Compare);
                if let Some(pair) = self.comparing.take() {
                    self.comparisons.insert(pair, *comparison);
                }
                self.compare();
            }
            (Kind::Bring, Say::Brought(rival)) => self.brought(rival),
            (Kind::Stop, Say::Stopped) => self.asked.finish(Kind::Stop),
            (Kind::Explain, Say::Explained(explained)) => self.explained(Ok(*explained)),
            (Kind::Measure, Say::Measured { picked, reranked }) => {
                self.asked.finish(Kind::Measure);
                if let Some(unchanged) = &mut self.unchanged {
                    unchanged.measured = Some((picked, reranked));
                }
            }
            _ => {}
        }
    }

    fn opened(&mut self, catalogue: Arc<Catalogue>) {
        self.asked.finish(Kind::Open);
        self.mode = catalogue.modes.first().copied().unwrap_or(self.mode);
        if catalogue.classes.is_empty() {
            self.focus = Pane::Candidates;
        }
        let left_out: Vec<String> = catalogue
            .left_out
            .iter()
            .map(|(what, n)| format!("{n} {what}"))
            .collect();
        if !left_out.is_empty() {
            self.notify(format!("left out: {}", left_out.join(", ")));
        }
        self.catalogue = Some(catalogue);
        self.choose_first();
        self.failures.mode = self.mode;
        let first_class = self
            .tree_rows()
            .iter()
            .position(|r| matches!(r.kind, TreeKind::Class(_)));
        self.tree.cursor = first_class.unwrap_or(0);
        self.restore();
        if let Some(file) = self.file.take() {
            self.open_file(&file);
        }
        self.expand();
        self.evaluate();
        self.bring_next();
    }

    /// Takes up the session of the last start; what is no longer there is said and left out.
    fn restore(&mut self) {
        let (Some(session), Some(catalogue)) = (self.session.take(), self.catalogue.clone()) else {
            return;
        };
        let known = |seeds: &[EntityId]| -> Vec<EntityId> {
            seeds
                .iter()
                .copied()
                .filter(|&s| catalogue.entity(s).is_some())
                .collect()
        };
        let expansion = &session.expansion;
        self.seeds = SeedSet {
            seeds: known(&expansion.seeds),
            rejected: known(&expansion.rejected),
            class: expansion
                .class
                .as_ref()
                .and_then(|name| catalogue.class_named(name)),
            count: expansion.count,
            number: expansion.number,
        };
        if self.seeds.seeds.len() < expansion.seeds.len() {
            self.warn("some seeds of the last session are not in this index; they are left out");
        }
        self.mode = expansion
            .mode
            .filter(|m| catalogue.modes.contains(m))
            .unwrap_or(self.mode);
        (self.joint, self.tuning) = (expansion.joint, expansion.tuning);
        (self.reranked, self.tall) = (expansion.reranked, session.tall);
        self.merge_session(&session);
        self.entity_width = session.entity_width;
        self.themes.kept = session.theme;
        self.tree.folded = session.folded.into_iter().collect();
        self.cursor_to_class();
        if !self.seeds.seeds.is_empty() {
            self.focus = Pane::Candidates;
        }
    }

    fn expanding(&mut self, say: Say) {
        // The first answer takes the older expansion off the screen.
        if let Some(coming) = self.coming.take() {
            self.expansion = Some(coming);
        }
        let Some(expansion) = &mut self.expansion else {
            return;
        };
        if let Say::Expanded { .. } = say {
            self.asked.finish(Kind::Expand);
            self.progress.remove(&Kind::Expand);
        }
        take_in(expansion, say);
    }

    fn evaluating(&mut self, say: Say) {
        let Some(plan) = self.evaluating else { return };
        match say {
            Say::ClassMeasured {
                class, measures, ..
            } => {
                self.maps.insert((plan, class), measures);
            }
            Say::Evaluated {
                measures, interval, ..
            } => {
                self.asked.finish(Kind::Evaluate);
                self.progress.remove(&Kind::Evaluate);
                self.overall.insert(
                    plan,
                    Overall {
                        mean: measures,
                        interval,
                    },
                );
                self.evaluating = None;
                // Ranks in other queries are known only now.
                self.details
                    .retain(|(_, m), _| plan.of != Contender::Own(*m));
                self.evaluate();
            }
            _ => {}
        }
    }

    fn failed(&mut self, kind: Kind, why: String) {
        self.asked.finish(kind);
        self.progress.remove(&kind);
        match kind {
            Kind::Open => self.broken = Some(why.clone()),
            Kind::Expand => {
                let failed = self.coming.take().or(self.expansion.take());
                // It is said in the list's place, and nowhere twice.
                self.expansion = failed.map(|e| Expansion {
                    failed: Some(why),
                    ..e
                });
                return;
            }
            Kind::Inspect => {
                if let Some(key) = self.inspecting.take() {
                    self.keep_detail(key, Err(why.clone()));
                }
            }
            Kind::Pictures => self.pictured(Vec::new()),
            Kind::Evaluate => self.evaluating = None,
            Kind::Compare => self.comparing = None,
            Kind::Bring => self.bring_next(),
            Kind::Failures => self.failures.searching = None,
            // said where the answer would be
            Kind::Explain => return self.explained(Err(why)),
            Kind::Measure | Kind::Stop => {}
        }
        self.notify(why);
    }

    /// An entity that was asked for and not answered has no picture: asked again, it would be asked
    /// for ever.
    fn pictured(&mut self, found: Vec<(EntityId, Option<PathBuf>)>) {
        self.asked.finish(Kind::Pictures);
        self.first_pictures.extend(found);
        for entity in std::mem::take(&mut self.picturing) {
            self.first_pictures.entry(entity).or_default();
        }
    }

    fn keep_detail(&mut self, key: crate::tui::app::DetailKey, detail: crate::tui::app::Detail) {
        if self.details.len() >= DETAILS {
            self.details.clear();
        }
        self.details.insert(key, detail);
    }
}

fn take_in(expansion: &mut Expansion, say: Say) {
    match say {
        Say::Picks(picks) => expansion.picks.extend(picks),
        Say::Reranked(order) => expansion.reranked = Some(order),
        Say::Measured { picked, reranked } => expansion.measured = Some((picked, reranked)),
        Say::Beside { mode, ranking } => {
            let ranks = ranking
                .into_iter()
                .enumerate()
                .map(|(at, entity)| (entity, at + 1))
                .collect();
            expansion.beside.push((mode, ranks));
        }
        Say::Missing(missing) => expansion.missing = Some(missing),
        Say::Expanded { took } => expansion.took = Some(took),
        _ => {}
    }
}
