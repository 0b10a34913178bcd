//! Gold as TREC qrels.

use std::fmt::Write as _;
use std::path::Path;

use crate::data::Dataset;
use crate::error::Result;
use crate::eval::metrics::gold;
use crate::eval::run::gzip_text;
use crate::eval::run::query_id::run_query_id;

/// Writes the gold of every query as lines `query 0 entity label`: label 1 for a member, 0 for a
/// negative. Seeds are left out, and queries without gold have no line. Returns the number of
/// queries that have lines. Error: `Io`.
pub fn write_qrels(dataset: &Dataset, path: &Path) -> Result<usize> {
    let mut lines = String::new();
    let mut queries = 0;
    for query in &dataset.queries {
        let class = &dataset.classes[query.class.index()];
        let gold = gold(class, &query.seeds);
        if gold.is_empty() {
            continue;
        }
        queries += 1;
        let id = run_query_id(&dataset.query_id(query));
        let members = class.members.iter().filter(|e| gold.contains(e));
        for entity in members {
            // writing to a string cannot fail
            let _ = writeln!(lines, "{id} 0 {entity} 1");
        }
        let negatives = class.negatives.iter().filter(|e| !query.seeds.contains(e));
        for entity in negatives {
            let _ = writeln!(lines, "{id} 0 {entity} 0");
        }
    }
    gzip_text::write(path, &lines)?;
    Ok(queries)
}
