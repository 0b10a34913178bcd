//! Two evaluated rankings of this index, query by query.

use super::api::{Comparison, Evaluation, QueryPair};
use super::session::Session;
use crate::error::{Error, Result};
use crate::eval;
use crate::types::{CUTOFFS, EntityId};

impl Session {
    /// Compares what two evaluations kept. A query that one of them lacks is in
    /// neither. Error: an evaluation that was not made.
    pub(super) fn compare(&self, first: Evaluation, second: Evaluation) -> Result<Comparison> {
        let kept = |wanted: Evaluation| {
            let found = self.ranked.get(&(wanted.mode, wanted.seed_count, wanted.ranking));
            found.ok_or_else(|| Error::Mismatch(format!("mode {} has not been evaluated yet", wanted.mode)))
        };
        let (of_first, of_second) = (kept(first)?, kept(second)?);
        let mut queries = Vec::new();
        for query in &self.catalogue.queries {
            let key = (query.class, query.number);
            if query.seed_count != first.seed_count || first.seed_count != second.seed_count {
                continue;
            }
            let (Some(a), Some(b)) = (of_first.get(&key), of_second.get(&key)) else { continue };
            let list = |rows: &[crate::types::Row]| rows.iter().map(|&r| self.entity(r)).collect::<Vec<EntityId>>();
            let (a, b) = (list(a), list(b));
            queries.push(QueryPair {
                class: query.class,
                number: query.number,
                ap: [self.measure(query.class, &query.seeds, &a).ap, self.measure(query.class, &query.seeds, &b).ap],
                likeness: eval::likeness(&a, &b, CUTOFFS[3]),
                lists: [a, b],
            });
        }
        let verdict = |at: usize| {
            let differences: Vec<_> = queries.iter().map(|q| (q.class, q.ap[0][at] - q.ap[1][at])).collect();
            eval::verdict(&differences)
        };
        Ok(Comparison { verdicts: std::array::from_fn(verdict), queries })
    }
}
