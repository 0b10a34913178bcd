//! What a training tells beside its model: one JSON line an epoch.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::write_atomic;

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EpochLine {
    /// From 1.
    pub epoch: usize,
    /// 1: masked entity prediction alone; 2: all tasks.
    pub stage: usize,
    /// Each task's mean loss, by its name.
    pub loss: BTreeMap<&'static str, f64>,
    /// Of the new layers, at the epoch's end.
    pub learning_rate: f64,
    pub seconds: f64,
    pub pairs_per_second: f64,
    /// MAP@10 by mode over the held-out queries, 0..1; empty where there are none.
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

/// Keeps the lines of the first `epochs` epochs: a training that was killed after writing one goes
/// through that epoch again.
pub fn cut(path: &Path, epochs: usize) -> Result<()> {
    #[derive(Deserialize)]
    struct Numbered {
        epoch: usize,
    }
    let text = match std::fs::read_to_string(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(Error::io("read", path))?,
    };
    let kept =
        |line: &&str| serde_json::from_str::<Numbered>(line).is_ok_and(|n| n.epoch <= epochs);
    let text: String = text
        .lines()
        .filter(kept)
        .flat_map(|line| [line, "\n"])
        .collect();
    write_atomic(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_cut_to_what_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        cut(&path, 3).unwrap();
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
        cut(&path, 2).unwrap();
        let left = std::fs::read_to_string(&path).unwrap();
        assert_eq!(left.lines().count(), 2);
        assert!(left.contains("\"map@10\"") && left.ends_with("}\n"));
    }
}
