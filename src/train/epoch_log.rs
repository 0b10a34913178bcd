//! The training log: one JSON line for each epoch, beside the model.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::write_atomic;

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EpochLine {
    /// The number of the epoch, from 1.
    pub epoch: usize,
    /// The stage: 1 is masked entity prediction alone, 2 is all tasks.
    pub stage: usize,
    /// The mean loss of each task, by the task's name.
    pub loss: BTreeMap<&'static str, f64>,
    /// The learning rate of the new layers at the end of the epoch.
    pub learning_rate: f64,
    pub seconds: f64,
    pub pairs_per_second: f64,
    /// MAP@10 on the held-out queries by mode, 0..1; empty if there are no such queries.
    #[serde(rename = "map@10")]
    pub map10: BTreeMap<&'static str, f64>,
}

pub fn append(path: &Path, line: &EpochLine) -> Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map_err(Error::io("write", path))?;
    let line = serde_json::to_string(line).map_err(|e| Error::format(path, e.to_string()))?;
    writeln!(file, "{line}").map_err(Error::io("write", path))
}

/// Removes all lines but those of the first `epochs` epochs. A training that was killed after
/// writing a line, but before its checkpoint, runs that epoch again.
pub fn truncate(path: &Path, epochs: usize) -> Result<()> {
    #[derive(Deserialize)]
    struct NumberedLine {
        epoch: usize,
    }
    let text = match std::fs::read_to_string(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(Error::io("read", path))?,
    };
    let is_finished =
        |line: &&str| serde_json::from_str::<NumberedLine>(line).is_ok_and(|n| n.epoch <= epochs);
    let text: String = text
        .lines()
        .filter(is_finished)
        .flat_map(|line| [line, "\n"])
        .collect();
    write_atomic(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_truncated_to_the_finished_epochs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        truncate(&path, 3).unwrap();
        let line = |epoch| EpochLine {
            epoch,
            stage: 1,
            loss: BTreeMap::from([("mep", 2.5)]),
            learning_rate: 1e-4,
            seconds: 1.0,
            pairs_per_second: 90.0,
            map10: BTreeMap::new(),
        };
        (1..=3).for_each(|epoch| append(&path, &line(epoch)).unwrap());
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"epoch\":")
            .unwrap();
        truncate(&path, 2).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains("\"map@10\"") && text.ends_with("}\n"));
    }
}
