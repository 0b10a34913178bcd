//! The comparison of two evaluations, query by query.

use std::collections::HashSet;

use crate::engine::protocol::{EvaluationKey, QueryComparison, QueryPair};
use crate::engine::session::Session;
use crate::error::{Error, Result};
use crate::eval;
use crate::types::CUTOFFS;

impl Session {
    /// Compares two finished evaluations. Queries that only one of them has are counted, and left
    /// out. Fails if one of them was not made.
    pub(super) fn compare(
        &self,
        first: EvaluationKey,
        second: EvaluationKey,
    ) -> Result<QueryComparison> {
        let rankings = |key: EvaluationKey| {
            self.rankings.get(&key).ok_or_else(|| {
                Error::Mismatch("both rankings must be evaluated before they are compared".into())
            })
        };
        if first.seed_count != second.seed_count {
            return Err(Error::Mismatch(
                "queries of 3 and of 5 seeds are not comparable".into(),
            ));
        }
        let (of_first, of_second) = (rankings(first)?, rankings(second)?);
        let mut queries = Vec::new();
        for query in self
            .catalogue
            .queries
            .iter()
            .filter(|q| q.seed_count == first.seed_count)
        {
            let key = (query.class, query.number);
            let (Some(a), Some(b)) = (of_first.get(&key), of_second.get(&key)) else {
                continue;
            };
            let ap = |list| self.measure(query.class, &query.seeds, list).ap;
            queries.push(QueryPair {
                class: query.class,
                number: query.number,
                ap: [ap(a), ap(b)],
                similarity: eval::rank_similarity(a, b, CUTOFFS[3]),
                rankings: [a, b].map(|list| list.iter().take(CUTOFFS[3]).copied().collect()),
            });
        }
        let verdict = |at: usize| {
            let differences: Vec<_> = queries
                .iter()
                .map(|q| (q.class, q.ap[0][at] - q.ap[1][at]))
                .collect();
            eval::paired_test(&differences)
        };
        let both: HashSet<_> = queries.iter().map(|q| (q.class, q.number)).collect();
        let unmatched =
            [of_first, of_second].map(|all| all.keys().filter(|key| !both.contains(key)).count());
        Ok(QueryComparison {
            ap_tests: std::array::from_fn(verdict),
            queries,
            unmatched,
        })
    }
}
