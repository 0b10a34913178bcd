//! Gold as TREC qrels.

use std::fmt::Write as _;
use std::path::Path;

use crate::data::Dataset;
use crate::error::Result;
use crate::eval::metrics::gold;
use crate::eval::run::{run_query_id, text};

/// Writes the gold of every query as lines `query 0 entity label`: 1 a member, 0 a judged
/// non-member; seeds are left out, and queries without gold have no line. Returns how many queries
/// have lines. Errors: `Io`.
pub fn write_qrels(dataset: &Dataset, path: &Path) -> Result<usize> {
    let (mut lines, mut queries) = (String::new(), 0);
    for query in &dataset.queries {
        let class = &dataset.classes[query.class.index()];
        let wanted = gold(class, &query.seeds);
        if wanted.is_empty() {
            continue;
        }
        queries += 1;
        let key = run_query_id(&dataset.query_id(query));
        let members = class
            .members
            .iter()
            .filter(|e| wanted.contains(e))
            .map(|e| (e, 1));
        let negatives = class
            .negatives
            .iter()
            .filter(|e| !query.seeds.contains(e))
            .map(|e| (e, 0));
        for (entity, label) in members.chain(negatives) {
            // writing to a string cannot fail
            let _ = writeln!(lines, "{key} 0 {entity} {label}");
        }
    }
    text::write(path, &lines)?;
    Ok(queries)
}
