//! Analyses of runs and of an index, and the report.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::comparison::Settings;
use super::jobs;
use super::session::Session;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::eval::{self, Groups, Judged, comparison};
use crate::expand::{self, Config, Pick};
use crate::job::{Observer, Progress};
use crate::report::{Report, thumbnail};
use crate::types::{CUTOFFS, EntityId, Mode, Query, RankingKind, Row, SeedCount};

pub use crate::eval::Analysis;
pub use crate::report::{analysis_plot, standalone};

/// What entities are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property {
    Pictures,
    Polysemy,
    Pairs,
}

/// The rank up to which a report's analyses look.
const DEPTH: usize = 50;

fn groups(dataset: &Dataset, property: Property, observe: &mut dyn Observer<Progress>) -> Result<Groups> {
    Ok(match property {
        Property::Pictures => {
            let kinds = dataset.picture_kinds()?;
            eval::by_pictures(&dataset.evidence(observe)?, &kinds)
        }
        Property::Polysemy => eval::by_polysemy(dataset),
        Property::Pairs => eval::by_pairs(&dataset.evidence(observe)?),
    })
}

/// Recall at rank `k` by a property of entities, for runs side by side; one that is not comparable is left out and noted. Errors:
/// those of reading them, of the data set's files, and `Mismatch` where no run is left or they have no query in common.
pub fn analyse(
    runs: &[PathBuf],
    dataset: Option<&Path>,
    property: Property,
    (seeds, k): (SeedCount, usize),
    observe: &mut dyn Observer<Progress>,
) -> Result<Analysis> {
    let (entries, dataset) = jobs::entries(runs, dataset, Some(seeds))?;
    let (judged, left_out) = judged(&entries, &dataset, &dataset.hash()?);
    if judged.is_empty() {
        return Err(Error::Mismatch(left_out.join("; ")));
    }
    let mut analysis = eval::recall(&dataset, &groups(&dataset, property, observe)?, &judged, seeds, k)?;
    analysis.notes.extend(left_out.into_iter().map(|why| format!("{why}.")));
    Ok(analysis)
}

/// The runs that can be scored on the data set, whose [`Dataset::hash`] this is, and why which are left out.
fn judged(entries: &[comparison::Entry], dataset: &Dataset, hash: &str) -> (Vec<(String, Judged)>, Vec<String>) {
    let (mut judged, mut left_out) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.run.mismatch(dataset, hash) {
            Some(why) => left_out.push(format!("{} is not comparable: {why}", entry.name)),
            None => judged.push((entry.name.clone(), Judged::of(&entry.run, dataset))),
        }
    }
    (judged, left_out)
}

/// A comparison with every analysis that the data set allows and the pictures of what was gained and lost. Errors: those of
/// [`jobs::compare`]; `Stopped`.
pub fn report(
    runs: &[PathBuf],
    dataset: Option<&Path>,
    settings: &Settings,
    observe: &mut dyn Observer<Progress>,
) -> Result<Report> {
    let (entries, dataset) = jobs::entries(runs, dataset, settings.seeds)?;
    let comparison = comparison::compare(&entries, &dataset, settings)?;
    let (judged, left_out) = judged(&entries, &dataset, &comparison.dataset_hash);
    let evidence = dataset.evidence(observe)?;
    let by_pictures = dataset.picture_kinds().map(|kinds| eval::by_pictures(&evidence, &kinds));
    let mut analyses = Vec::new();
    let mut notes: Vec<String> = left_out.into_iter().map(|why| format!("{why}.")).collect();
    for groups in [by_pictures, Ok(eval::by_polysemy(&dataset)), Ok(eval::by_pairs(&evidence))] {
        match groups.and_then(|groups| eval::recall(&dataset, &groups, &judged, comparison.seeds, DEPTH)) {
            Ok(analysis) => analyses.push(analysis),
            Err(why) => notes.push(format!("One analysis is not here: {why}.")),
        }
    }
    let paired = comparison.pairs.iter().filter_map(|pair| pair.result.done());
    let exchanged = paired.flat_map(|paired| &paired.exchanges).flat_map(|e| e.gained.iter().chain(&e.lost));
    let shown: HashSet<EntityId> = exchanged.map(|entity| entity.id).collect();
    let picture = |id: EntityId| Some((id, thumbnail(evidence.get(&id)?.pictures.first()?)?));
    let pictures = shown.into_iter().filter_map(picture).collect();
    Ok(Report { comparison, analyses, notes, pictures })
}

impl Session {
    /// MAP at a cutoff by how many of the seeds of 5-seed queries are given. The other seeds are neither candidates nor gold.
    /// Errors: `Mismatch` without such queries; `Stopped`.
    pub fn analyse_seeds(
        &self,
        modes: &[Mode],
        ranking: RankingKind,
        cutoff: usize,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Analysis> {
        let place = CUTOFFS.iter().position(|&k| k == cutoff);
        let place =
            place.ok_or_else(|| Error::Argument(format!("a cutoff of {cutoff}: there are 10, 20, 50 and 100")))?;
        let five = SeedCount::Five.number();
        let known =
            |query: &&Query| query.seeds.len() == five && query.seeds.iter().all(|&s| self.index.row(s).is_some());
        let asked = self.catalogue.queries.iter().filter(|query| query.seed_count == SeedCount::Five);
        let (total, queries) = (asked.clone().count(), asked.filter(known).collect::<Vec<_>>());
        if queries.is_empty() {
            return Err(Error::Mismatch("there is no query of 5 seeds that are all in the index".into()));
        }
        let mut columns = Vec::new();
        for &mode in modes {
            let mut by_number = vec![Vec::new(); five];
            for (done, query) in queries.iter().enumerate() {
                let stage = format!("ranking by 1 to 5 seeds, {mode}");
                if observe.on(Progress::new(stage, done as u64, queries.len() as u64)).is_break() {
                    return Err(Error::Stopped);
                }
                for (given, values) in (1..).zip(&mut by_number) {
                    let list = self.rank_by_first(mode, ranking, query, given)?;
                    values.push((query.class, self.measure(query.class, &query.seeds, &list).ap[place]));
                }
            }
            columns.push((mode.name().to_owned(), by_number));
        }
        let mut analysis = eval::by_seeds(&columns, cutoff);
        let left_out = total - queries.len();
        analysis
            .notes
            .extend((left_out > 0).then(|| format!("{left_out} queries are left out: a seed is not in the index.")));
        Ok(analysis)
    }

    /// The best candidates by the first `given` of a query's seeds, alone; the other seeds are none.
    fn rank_by_first(&self, mode: Mode, ranking: RankingKind, query: &Query, given: usize) -> Result<Vec<EntityId>> {
        let (view, rows) = (self.index.view(mode)?, self.known_rows(&query.seeds));
        let (seeds, others) = rows.split_at(given);
        let size = CUTOFFS[3].min(view.len() - rows.len());
        let found: Vec<Row> = match ranking {
            RankingKind::Seeds => expand::rank_by_seeds(&view, seeds, others).into_iter().map(|(row, _)| row).collect(),
            RankingKind::Expanded | RankingKind::Joint => {
                let config = Config { size, ..Config::default() };
                let all = &mut |_: &Pick| std::ops::ControlFlow::Continue(());
                expand::expand(&view, seeds, others, &config, all)?.ranking().collect()
            }
        };
        Ok(found.into_iter().take(size).map(|row| self.entity(row)).collect())
    }
}
