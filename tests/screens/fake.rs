//! A fake engine with made-up numbers over real names. It is deterministic and synchronous, and
//! uses no tensors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use multiexpan::data::Class;
use multiexpan::engine::protocol::*;
use multiexpan::eval;
use multiexpan::eval::{FailureContext, NameWords, PairCounts};
use multiexpan::progress::Progress;
use multiexpan::types::*;

use crate::fake_lists::{measure, search};

/// The classes: fine, middle and coarse name.
const CLASSES: [(&str, &str, &str); 8] = [
    ("baked_goods_and_sweets", "Dishes", "Food"),
    ("carnivorous_mammals", "Animals", "Living things"),
    ("drinks", "Drinks", "Food"),
    ("flowers", "Plants", "Living things"),
    ("fruits", "Plants", "Living things"),
    ("land_birds", "Animals", "Living things"),
    ("ungulates", "Animals", "Living things"),
    ("wind_instruments", "Musical instruments", "Artifacts"),
];

/// An entity that no catalogue has. A run has it second in every ranking.
const UNKNOWN_ENTITY: (EntityId, &str) = (EntityId(u32::MAX), "sea unicorn");

/// The fake engine.
pub struct FakeEngine {
    pub catalogue: Arc<Catalogue>,
    demo: PathBuf,
}

impl FakeEngine {
    /// Creates an engine over the names and classes in the gold files of the bundled demo.
    pub fn new() -> FakeEngine {
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo");
        let mut names: BTreeMap<u32, (String, Vec<ClassId>)> = BTreeMap::new();
        let mut catalogue = Catalogue::default();
        for (at, (class, middle, coarse)) in CLASSES.iter().enumerate() {
            let text =
                std::fs::read_to_string(demo.join("gt").join(format!("{class}.txt"))).unwrap();
            let mut members = Vec::new();
            for line in text.lines().filter(|l| !l.trim().is_empty()) {
                let mut fields = line.split('\t');
                let (id, name) = (
                    fields.next().unwrap().parse().unwrap(),
                    fields.next().unwrap(),
                );
                names
                    .entry(id)
                    .or_insert((name.to_owned(), Vec::new()))
                    .1
                    .push(ClassId(at as u16));
                members.push(EntityId(id));
            }
            for (number, seeds) in members.windows(5).step_by(3).take(5).enumerate() {
                for (seed_count, n) in [(SeedCount::Three, 3), (SeedCount::Five, 5)] {
                    let seeds = seeds[..n].to_vec();
                    catalogue.queries.push(Query {
                        class: ClassId(at as u16),
                        seed_count,
                        number,
                        seeds,
                    });
                }
            }
            catalogue.classes.push(ClassCard {
                name: (*class).into(),
                middle: Some((*middle).into()),
                coarse: Some((*coarse).into()),
                members,
                negatives: Vec::new(),
            });
        }
        let cards = names.into_iter().map(|(id, (name, classes))| EntityCard {
            id: EntityId(id),
            name,
            classes,
            pairs: 7,
        });
        catalogue.entities = cards.collect();
        catalogue.name = "demo".into();
        catalogue.device = "cpu".into();
        catalogue.modes = vec![Mode::Both, Mode::Text, Mode::Image, Mode::None];
        FakeEngine {
            catalogue: Arc::new(catalogue.with_positions()),
            demo,
        }
    }

    /// Creates an engine over a changed catalogue.
    pub fn with_catalogue(change: impl FnOnce(&mut Catalogue)) -> FakeEngine {
        let fake = FakeEngine::new();
        let mut catalogue = (*fake.catalogue).clone();
        change(&mut catalogue);
        FakeEngine {
            catalogue: Arc::new(catalogue.with_positions()),
            ..fake
        }
    }

    /// Returns every reply to a request, in order.
    pub fn answer(&self, request: &Request) -> Vec<Reply> {
        let replies = match &request.kind {
            RequestKind::Open { .. } => vec![ReplyKind::Opened(self.catalogue.clone())],
            RequestKind::Expand(request) => self.expand(request),
            RequestKind::Inspect { entity, mode } => {
                vec![ReplyKind::Inspected(Box::new(self.inspect(*entity, *mode)))]
            }
            RequestKind::FirstImages { entities } => {
                vec![ReplyKind::FirstImages(
                    entities
                        .iter()
                        .map(|&e| (e, self.images(e).into_iter().next()))
                        .collect(),
                )]
            }
            RequestKind::Evaluate(evaluation) => self.evaluate(mode_of(evaluation.ranker)),
            RequestKind::Failures(evaluation) => {
                let failures = self.failures(evaluation);
                vec![
                    ReplyKind::Progress(Progress::new("looking for failures", 3, 40)),
                    ReplyKind::Failures(Box::new(failures)),
                ]
            }
            RequestKind::Import { path } => vec![self.import(path)],
            RequestKind::Stop => vec![ReplyKind::Stopped],
            RequestKind::Explain {
                expansion,
                entities,
            } => {
                vec![ReplyKind::Explained(Box::new(
                    self.explain(expansion, entities),
                ))]
            }
            RequestKind::Measure(request) => self
                .expand(request)
                .into_iter()
                .filter(|reply| matches!(reply, ReplyKind::Measured { .. }))
                .collect(),
            RequestKind::Compare { first, second } => {
                vec![ReplyKind::Compared(Box::new(self.compare(first, second)))]
            }
        };
        replies
            .into_iter()
            .map(|kind| Reply {
                id: request.id,
                kind,
            })
            .collect()
    }

    pub fn inspect(&self, entity: EntityId, mode: Mode) -> EntityDetail {
        let name = self
            .catalogue
            .entity(entity)
            .map(|e| e.name.clone())
            .unwrap_or_default();
        let sentence = |text: &str| {
            let tokens: Vec<String> = text
                .replace('@', &name)
                .split(' ')
                .map(Into::into)
                .collect();
            let start = text.split(' ').position(|t| t == "@").unwrap_or(0);
            SentenceCard {
                end: start + name.split(' ').count() - 1,
                start,
                tokens,
                image: None,
            }
        };
        let ask = ExpandRequest {
            seeds: vec![entity],
            ..search(mode, 8)
        };
        EntityDetail {
            entity,
            images: self.images(entity),
            sentences: vec![
                sentence("The @ is known to most people , and to every child ."),
                sentence("Few have seen a @ in the wild ; many have read of one ."),
            ],
            neighbours: self
                .picks(&ask, mode)
                .iter()
                .map(|c| (c.entity, c.score))
                .collect(),
            query_ranks: if self.catalogue.classes.is_empty() {
                vec![]
            } else {
                vec![(ClassId(1), 0, 4), (ClassId(1), 2, 7)]
            },
        }
    }

    /// Returns the demo's images of an entity, whose names begin with its number.
    pub fn images(&self, entity: EntityId) -> Vec<PathBuf> {
        let lead = format!("{:04}_", entity.0);
        let Ok(folder) = std::fs::read_dir(self.demo.join("image")) else {
            return Vec::new();
        };
        let mut found: Vec<PathBuf> = folder
            .filter_map(|f| Some(f.ok()?.path()))
            .filter(|p| {
                p.file_name()
                    .is_some_and(|n| n.to_string_lossy().starts_with(&lead))
            })
            .collect();
        found.sort();
        found
    }

    fn compare(&self, first: &EvaluationKey, second: &EvaluationKey) -> QueryComparison {
        let queries = self
            .catalogue
            .queries
            .iter()
            .filter(|q| q.seed_count == first.seed_count);
        let pair = |q: &Query| {
            let list = |mode: Mode| -> Vec<EntityId> {
                let ask = ExpandRequest {
                    seeds: q.seeds.clone(),
                    ..search(mode, 100)
                };
                self.picks(&ask, mode).iter().map(|c| c.entity).collect()
            };
            let mut lists = [list(mode_of(first.ranker)), list(mode_of(second.ranker))];
            for (list, of) in lists.iter_mut().zip([first.ranker, second.ranker]) {
                if let Ranker::ImportedRun(_) = of {
                    list.insert(1, UNKNOWN_ENTITY.0);
                }
            }
            let members = &self.catalogue.class(q.class).members;
            let gold: Vec<EntityId> = members
                .iter()
                .copied()
                .filter(|m| !q.seeds.contains(m))
                .collect();
            let ap = lists.each_ref().map(|list| measure(list, &gold).ap);
            let similarity = RankSimilarity {
                overlap: 0.8,
                rbo: 0.7 + 0.2 * noise(q.seeds[0].0, 4),
                tau: Some(0.4),
            };
            QueryPair {
                class: q.class,
                number: q.number,
                ap,
                similarity,
                rankings: lists,
            }
        };
        let test = PairedTest {
            difference: 0.021,
            low: -0.004,
            high: 0.048,
            p: 0.112,
            p_t: 0.108,
            wins: 5,
            losses: 2,
            ties: 1,
        };
        QueryComparison {
            ap_tests: [Some(test); 4],
            queries: queries.map(pair).collect(),
            unmatched: [0, 0],
        }
    }

    /// Imports a run if the path has an extension, else an index.
    fn import(&self, path: &Path) -> ReplyKind {
        let label = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !path.exists() && label == "none" {
            return ReplyKind::Failed(format!("no run at {}", path.display()));
        }
        let (rankers, warnings) = match path.extension() {
            Some(_) => (
                vec![Ranker::ImportedRun(0)],
                vec!["3 queries of 3 seeds are missing".into()],
            ),
            None => (
                [Mode::Both, Mode::Text]
                    .map(|mode| Ranker::ImportedIndex(1, mode))
                    .into(),
                vec![],
            ),
        };
        let is_run = path.extension().is_some();
        let unknown_entities = is_run
            .then(|| (UNKNOWN_ENTITY.0, UNKNOWN_ENTITY.1.to_owned()))
            .into_iter()
            .collect();
        ReplyKind::Imported(Import {
            path: path.into(),
            label,
            rankers,
            warnings,
            unknown_entities,
        })
    }

    fn failures(&self, of: &EvaluationKey) -> Failures {
        let modes = vec![Mode::Both, Mode::Text, Mode::Image];
        let queries: Vec<&Query> = self
            .catalogue
            .queries
            .iter()
            .filter(|q| q.seed_count == of.seed_count)
            .collect();
        let failures = queries
            .iter()
            .flat_map(|query| self.failures_of(query, of, &modes))
            .collect();
        Failures {
            modes,
            previously_searched: 0,
            searched: queries.len(),
            total: queries.len(),
            failures,
        }
    }

    /// Returns the failures of rankings of 24, so that some entities are missing. The tags are
    /// computed as in the engine.
    fn failures_of(&self, query: &Query, of: &EvaluationKey, modes: &[Mode]) -> Vec<Failure> {
        let ask = |mode, size| ExpandRequest {
            seeds: query.seeds.clone(),
            ..search(mode, size)
        };
        let list = |mode| {
            self.picks(&ask(mode, 1000), mode)
                .iter()
                .map(|c| c.entity)
                .collect::<Vec<_>>()
        };
        let by_seeds: Vec<(Mode, Vec<EntityId>)> =
            modes.iter().map(|&mode| (mode, list(mode))).collect();
        let listed: Vec<EntityId> = list(mode_of(of.ranker)).into_iter().take(24).collect();
        let card = self.catalogue.class(query.class);
        let gold = |e: &EntityId| card.members.contains(e) && !query.seeds.contains(e);
        let classes: Vec<Class> = self.catalogue.classes.iter().map(class).collect();
        let named = query.seeds.iter().chain(&card.members);
        let words = NameWords::from_names(
            named.map(|&e| (e, self.catalogue.entity(e).unwrap().name.as_str())),
        );
        let pairs = PairCounts::from_counts((0..40).collect());
        let first_wrong = listed.iter().position(|e| !gold(e)).map(|at| at + 1);
        let wrong = listed
            .iter()
            .enumerate()
            .filter(|(_, e)| !gold(e))
            .map(|(at, e)| (*e, Some(at + 1)));
        let missed = card
            .members
            .iter()
            .filter(|e| gold(e) && !listed.contains(e))
            .map(|e| (*e, None));
        let failure = |(entity, rank): (EntityId, Option<usize>)| {
            let card = self.catalogue.entity(entity).unwrap();
            let rank_in = |ranking: &[EntityId]| {
                ranking
                    .iter()
                    .position(|e| *e == entity)
                    .map_or(999, |at| at + 1)
            };
            let by_seeds: Vec<(Mode, usize)> = by_seeds
                .iter()
                .map(|(mode, list)| (*mode, rank_in(list)))
                .collect();
            let facts = FailureContext {
                name: &card.name,
                rank,
                length: listed.len(),
                first_wrong,
                mode: mode_of(of.ranker),
                is_expansion: matches!(of.ranking, RankingKind::Window | RankingKind::Joint),
                seed_ranks: &by_seeds,
                pairs: Some(1 + entity.0 % 23),
                known_classes: &card.classes,
                is_negative: false,
                // the next class has taken every missed entity
                taken_by: Some((ClassId((query.class.0 + 1) % CLASSES.len() as u16), Some(3)))
                    .filter(|_| of.ranking == RankingKind::Joint),
            };
            let tags = eval::failure_tags(&facts, query.class, &classes, &words, &pairs);
            let seed_ranks = by_seeds.into_iter().map(|(_, rank)| rank).collect();
            Failure {
                class: query.class,
                number: query.number,
                entity,
                rank,
                seed_ranks,
                tags,
            }
        };
        wrong.chain(missed).map(failure).collect()
    }

    fn evaluate(&self, mode: Mode) -> Vec<ReplyKind> {
        let one = |class: usize| {
            let ap = 0.75 + 0.24 * noise(class as u32, 11 + mode as u32);
            MetricValues {
                ap: [ap; 4],
                p: [ap; 4],
                ceiling: [1.0; 4],
            }
        };
        let classes = 0..self.catalogue.classes.len();
        let mut replies: Vec<ReplyKind> = classes
            .map(|c| ReplyKind::ClassEvaluated {
                class: ClassId(c as u16),
                metrics: one(c),
            })
            .collect();
        let of = |by: f64| MetricValues {
            ap: [0.75 + by; 4],
            p: [0.75 + by; 4],
            ceiling: [1.0; 4],
        };
        let (metrics, interval) = (of(0.0), Some((of(-0.06), of(0.05))));
        replies.push(ReplyKind::Evaluated {
            metrics,
            interval,
            elapsed: Duration::from_secs(3),
        });
        replies
    }
}

/// Returns the mode whose rankings a ranker has.
fn mode_of(ranker: Ranker) -> Mode {
    match ranker {
        Ranker::OpenIndex(mode) => mode,
        Ranker::ImportedIndex(_, Mode::Both) => Mode::Image,
        Ranker::ImportedIndex(..) => Mode::Both,
        Ranker::ImportedRun(_) => Mode::Text,
    }
}

fn class(card: &ClassCard) -> Class {
    let ClassCard {
        name,
        middle,
        coarse,
        members,
        negatives,
    } = card.clone();
    Class {
        name,
        middle,
        coarse,
        members,
        negatives,
    }
}

/// Returns a pseudo-random number from −1 to 1.
pub fn noise(number: u32, salt: u32) -> f64 {
    let mixed = (number.wrapping_mul(2_654_435_761) ^ salt.wrapping_mul(40_503))
        .wrapping_mul(2_246_822_519);
    f64::from(mixed ^ (mixed >> 15)) / f64::from(u32::MAX) * 2.0 - 1.0
}
