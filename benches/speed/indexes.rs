//! The indexes of the benchmarks: the demo's, and synthetic ones (clusters and noise) that are
//! created once in `target/tmp`.

use multiexpan::data::Dataset;
use multiexpan::index::{
    Builder, Entity, Index, Origin, Provenance, States, StoragePrecision, neighborhood_sizes,
};
use multiexpan::progress::Unobserved;
use multiexpan::types::{EntityId, Mode, Row};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};

pub const CLASSES: usize = 70;
/// The number of queries of a class.
const QUERIES: usize = 5;
const SEEDS: usize = 3;

/// The size of a synthetic index.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub entities: usize,
    pub width: usize,
    /// The number of pairs of an entity.
    pub pairs: usize,
}

/// The size of the paper's data set, with the width of BERT-base.
pub const MESED: Shape = Shape {
    entities: 14_489,
    width: 768,
    pairs: 4,
};

/// An index of the table and of divan's arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Demo,
    Mesed,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.pad(match self {
            Case::Demo => "demo",
            Case::Mesed => "mesed",
        })
    }
}

pub const CASES: [Case; 2] = [Case::Demo, Case::Mesed];

impl Case {
    pub fn path(self) -> PathBuf {
        match self {
            Case::Demo => Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index"),
            Case::Mesed => create_once("mesed-2", |folder| build(MESED, folder)),
        }
    }

    pub fn open(self) -> Index {
        Index::open(&self.path(), Device::Cpu).expect("the index opens")
    }

    /// Returns three seeds of one class.
    pub fn seeds(self, index: &Index) -> Vec<Row> {
        let names: &[&str] = if self == Case::Demo {
            &["lion", "tiger", "leopard"]
        } else {
            &["10", "80", "150"]
        };
        let row = |name: &&str| {
            index
                .entities()
                .iter()
                .position(|e| e.name == **name)
                .expect("the seed is there")
        };
        names.iter().map(|n| Row(row(n) as u32)).collect()
    }
}

/// Returns the folder of an index in `target/tmp`, created if it does not exist.
fn create_once(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("speed")
        .join(name);
    let index = folder.join("index");
    if !index.join("index.json").is_file() {
        eprintln!("making {}", folder.display());
        fs::create_dir_all(&folder).expect("a folder for the index");
        make(&folder);
    }
    index
}

fn normal(rows: usize, width: usize) -> Tensor {
    Tensor::randn([rows as i64, width as i64], (Kind::Float, Device::Cpu))
}

/// Returns W `[V, D]`, b `[V]` and the states `[V · pairs, D]`. Entity e is of class e modulo
/// [`CLASSES`].
pub fn tensors(shape: Shape) -> (Tensor, Tensor, Tensor) {
    tch::manual_seed(1);
    let Shape {
        entities: v,
        width: d,
        pairs: s,
    } = shape;
    let class: Vec<i64> = (0..v).map(|e| (e % CLASSES) as i64).collect();
    let centres = normal(CLASSES, d).index_select(0, &Tensor::from_slice(&class));
    let weight = (&centres + 1.5 * normal(v, d)) / (d as f64).sqrt();
    let states = centres.repeat_interleave_self_int(s as i64, 0, None) + 1.5 * normal(v * s, d);
    (weight, normal(1, v).squeeze_dim(0) * 0.1, states)
}

fn entities(count: usize) -> Vec<Entity> {
    (0..count as u32)
        .map(|n| Entity {
            id: EntityId(n),
            name: n.to_string(),
        })
        .collect()
}

/// Builds an index, and beside it a data set with its classes and queries.
pub fn build(shape: Shape, folder: &Path) {
    let source = dataset(shape, &folder.join("data"));
    let (weight, bias, states) = tensors(shape);
    let offsets: Vec<i64> = (0..=shape.entities)
        .map(|e| (e * shape.pairs) as i64)
        .collect();
    let pairs: Vec<i32> = (0..(shape.entities * shape.pairs) as i32).collect();
    let states = States::from_pairs(states, &offsets, &pairs, StoragePrecision::Single);
    let provenance = Provenance {
        dataset: Some(source),
        ..Provenance::default()
    };
    let built = Builder::new(
        &folder.join("index"),
        entities(shape.entities),
        &weight,
        &bias,
        provenance,
    );
    let built = built.and_then(|mut builder| {
        builder.add_mode(Mode::Both, states, &mut Unobserved)?;
        builder.finish()
    });
    built.expect("the index is written");
}

/// Writes a data set of names, gold and queries, without sentences.
fn dataset(shape: Shape, root: &Path) -> Origin {
    let write = |name: String, text: String| {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("it is in the root"))
            .expect("a folder of the data set");
        fs::write(path, text).expect("a file of the data set");
    };
    write(
        "entity2id.txt".into(),
        (0..shape.entities).map(|e| format!("{e}\t{e}\n")).collect(),
    );
    write("sentences.json".into(), String::new());
    for class in 0..CLASSES {
        let members = (class..shape.entities).step_by(CLASSES);
        write(
            format!("gt/class_{class}.txt"),
            members.clone().map(|e| format!("{e}\t{e}\t1\n")).collect(),
        );
        let members: Vec<String> = members.map(|e| e.to_string()).collect();
        let queries = members
            .chunks(SEEDS)
            .take(QUERIES)
            .map(|seeds| seeds.join(" ") + "\n");
        write(format!("query/class_{class}.txt"), queries.collect());
    }
    let hash = Dataset::open(root)
        .and_then(|d| d.hash())
        .expect("the data set opens");
    Origin {
        name: "synthetic".into(),
        path: "../data".into(),
        hash,
    }
}

/// Returns an index of one pair for each entity, for timing at any size. Its logZ, which would take
/// V² work, are those of normal logits. Times do not depend on them.
pub fn build_estimated(entities_count: usize, width: usize) -> PathBuf {
    create_once(
        &format!("build_estimated-2-{entities_count}x{width}"),
        |folder| {
            let (v, index) = (entities_count, folder.join("index"));
            fs::create_dir_all(&index).expect("a folder for the index");
            let (weight, bias, states) = tensors(Shape {
                entities: v,
                width,
                pairs: 1,
            });
            let mean = weight.mean_dim([0i64].as_slice(), false, Kind::Float);
            let covariance = weight.tr().matmul(&weight) / v as f64
                - mean.unsqueeze(1).matmul(&mean.unsqueeze(0));
            let variance = (states.matmul(&covariance) * &states).sum_dim_intlist(
                [1i64].as_slice(),
                false,
                Kind::Float,
            );
            let log_z = &variance * 0.5 + (v as f64).ln() + states.matmul(&mean);
            let double = |t: &Tensor| t.to_kind(Kind::Double);
            let (least, most) = neighborhood_sizes(v);
            // Times do not depend on it either.
            let size = [(most - least + 1) as i64, v as i64];
            let hubness = Tensor::zeros(size, (Kind::Float, Device::Cpu));
            let mean = double(&(states.matmul(&mean) - &log_z));
            let head = [("weight", weight), ("bias", bias * 0.0)];
            let mode = [
                (
                    "row_offsets",
                    Tensor::arange(v as i64 + 1, (Kind::Int64, Device::Cpu)),
                ),
                (
                    "entry_state",
                    Tensor::arange(v as i64, (Kind::Int, Device::Cpu)),
                ),
                (
                    "entry_share",
                    Tensor::ones([v as i64], (Kind::Float, Device::Cpu)),
                ),
                ("log_z", log_z.shallow_clone()),
                ("mean_state", states.shallow_clone()),
                ("states", states),
                ("mean_log_z", double(&log_z)),
                ("deviation", double(&variance.sqrt())),
                ("sum_log_prob", &mean * v as f64),
                ("mean", mean),
                ("hubness", hubness),
            ];
            let mut files = BTreeMap::new();
            for (name, tensors) in [
                ("head.safetensors", head.as_slice()),
                ("both.safetensors", mode.as_slice()),
            ] {
                Tensor::write_safetensors(tensors, index.join(name)).expect("a file of the index");
                let bytes = index.join(name).metadata().expect("it was written").len();
                files.insert(name, serde_json::json!({"bytes": bytes, "blake3": ""}));
            }
            let meta = serde_json::json!({
                "kind": "multiexpan index", "version": 2, "width": width, "entities": entities(v),
                "modes": [{"mode": "both", "states": v}], "provenance": Provenance::default(), "files": files,
            });
            fs::write(index.join("index.json"), meta.to_string()).expect("the index's description");
        },
    )
}
