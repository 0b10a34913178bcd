//! Converts a state dict of the published code to a model folder.

use std::path::{Path, PathBuf};

use crate::data::{Dataset, Vocabulary, read_rows};
use crate::error::{Error, Result};
use crate::features::image_encoder::ImageEncoder;
use crate::features::load_pairs::{Encoders, TextEncoder};
use crate::index::StagedFolder;
use crate::model::checkpoint::{ImageSource, ModelConfig, save, save_with_frozen_layers};
use crate::model::state_dict::{ConvertedNetwork, StateDict};
use crate::model::{NetworkConfig, Pooling};
use crate::progress::{Observer, Progress};
use crate::types::EntityId;

/// The default file with the order of the head's rows, in the folder of the vocabulary.
const ROWS: &str = "rows.txt";

/// The checkpoint and everything that it does not state itself.
#[derive(Debug, Clone)]
pub struct Conversion {
    pub checkpoint: PathBuf,
    /// The folder of a data set, or a file in the format of its `entity2id.txt`.
    pub vocabulary: PathBuf,
    /// `None` for `rows.txt` in the folder of the vocabulary.
    pub rows: Option<RowOrder>,
    pub out: PathBuf,
    /// The encoders of the training, by name or path.
    pub text_encoder: String,
    pub image_encoder: String,
    /// True if pixels were normalised by the image encoder's mean and deviation, unlike in the
    /// published code.
    pub normalize: bool,
    pub state: Pooling,
    /// The number of attention heads; `None` for that of the text encoder.
    pub heads: Option<i64>,
}

/// The source of the entity of each row of the head. A state dict does not state it: the published
/// loader takes the order from the listing of a folder.
#[derive(Debug, Clone)]
pub enum RowOrder {
    /// A list with one entity per line.
    Listed(PathBuf),
    /// The order of `entity2id.txt`.
    Vocabulary,
}

/// The result of a conversion.
#[derive(Debug, Clone)]
pub struct Converted {
    /// A description of the network, as in "60 entities, BERT of 3 layers …".
    pub network: String,
    /// The file with the order of the rows.
    pub rows: PathBuf,
    /// The parameters of the file that are not part of the network, with counts.
    pub left_out: Vec<(String, usize)>,
    /// True if BERT's frozen layers differ from the text encoder's, and are stored in the model folder.
    pub own_text_layers: bool,
}

/// Converts a checkpoint and commits the model folder.
///
/// # Errors
///
/// `Argument` if the order of the rows is not given; `Missing`, `Format` and `Line` for missing or
/// invalid files; `Mismatch` if rows, encoders and state dict do not fit together.
pub fn convert(
    conversion: &Conversion,
    observer: &mut dyn Observer<Progress>,
) -> Result<Converted> {
    check_destination(&conversion.out)?;
    let names = Names::open(&conversion.vocabulary)?;
    let (order, entity_ids) = rows(conversion, &names.vocabulary)?;
    let state_dict = StateDict::open(&conversion.checkpoint)?;
    let encoders = Encoders::open(
        &conversion.text_encoder,
        &conversion.image_encoder,
        conversion.normalize,
        tch::Device::Cpu,
    )?;
    let heads = conversion.heads.unwrap_or(encoders.text.sizes.heads);
    let sizes = state_dict.sizes(&NetworkConfig {
        heads,
        pooling: conversion.state,
        ..encoders.text.sizes.clone()
    })?;
    check_rows(&order, entity_ids.len(), &sizes)?;
    check_text_encoder(&sizes, &encoders.text)?;
    let grid = grid(&sizes, &encoders.image, &conversion.image_encoder)?;
    let from_encoders = encoders.left_out();
    let filled = state_dict.fill(&sizes, &encoders.text.weights, observer)?;
    let config = ModelConfig {
        class_names: names.cluster_names(sizes.clusters),
        sizes,
        text_encoder: Some(encoders.text.source),
        image_encoder: Some(ImageSource {
            encoder: encoders.image_source,
            normalize: conversion.normalize,
            grid,
        }),
        entity_ids,
        dataset_hash: None,
        training: serde_json::json!({ "converted_from": {
            "file": file_name(&conversion.checkpoint), "hash": state_dict.hash(), "rows": file_name(&order) } }),
    };
    write_folder(&conversion.out, &config, &filled)?;
    let from_file = filled
        .left_out
        .into_iter()
        .map(|(module, n)| (format!("parameters of {module}"), n));
    Ok(Converted {
        network: describe(&config.sizes),
        rows: order,
        left_out: from_file.chain(from_encoders).collect(),
        own_text_layers: !filled.frozen_layers_match_encoder,
    })
}

/// Writes the model folder, with BERT's frozen layers if they differ from the text encoder's.
fn write_folder(out: &Path, config: &ModelConfig, filled: &ConvertedNetwork) -> Result<()> {
    let folder = StagedFolder::create(out)?;
    let write = if filled.frozen_layers_match_encoder {
        save
    } else {
        save_with_frozen_layers
    };
    write(folder.path(), config, &filled.store)?;
    folder.commit()
}

fn check_destination(out: &Path) -> Result<()> {
    let empty = || {
        out.read_dir()
            .is_ok_and(|mut entries| entries.next().is_none())
    };
    if out.exists() && !empty() {
        return Err(Error::format(
            out,
            "is there and is not an empty folder; name another with --out",
        ));
    }
    Ok(())
}

/// The entities, and the classes if a data set has them.
struct Names {
    vocabulary: Vocabulary,
    classes: Vec<String>,
}

impl Names {
    fn open(path: &Path) -> Result<Names> {
        if path.is_file() {
            return Ok(Names {
                vocabulary: Vocabulary::open(path)?,
                classes: Vec::new(),
            });
        }
        let dataset = Dataset::open(path)?;
        let classes = dataset
            .classes
            .into_iter()
            .map(|class| class.name)
            .collect();
        Ok(Names {
            vocabulary: dataset.vocabulary,
            classes,
        })
    }

    /// Returns the names of the cluster columns, without the last, which stands for no class. They are
    /// numbered if they do not match the classes of the data set.
    fn cluster_names(self, columns: i64) -> Vec<String> {
        if self.classes.len() as i64 + 1 == columns {
            return self.classes;
        }
        (1..columns)
            .map(|number| format!("cluster {number}"))
            .collect()
    }
}

/// Returns the entities in the order of the head's rows, and the file with that order.
fn rows(conversion: &Conversion, vocabulary: &Vocabulary) -> Result<(PathBuf, Vec<EntityId>)> {
    let folder = if conversion.vocabulary.is_dir() {
        Some(conversion.vocabulary.as_path())
    } else {
        conversion.vocabulary.parent()
    };
    let default = folder
        .map(|folder| folder.join(ROWS))
        .filter(|file| file.is_file());
    match conversion.rows.clone().or(default.map(RowOrder::Listed)) {
        Some(RowOrder::Vocabulary) => Ok((
            conversion.vocabulary.clone(),
            vocabulary.iter().map(|(id, _)| id).collect(),
        )),
        Some(RowOrder::Listed(list)) => {
            let rows = read_rows(&list, vocabulary)?;
            Ok((list, rows))
        }
        None => Err(Error::Argument(format!(
            "{} does not state the entity of each row of the head: the published loader uses the order in which its \
             folder of entities is listed; on the machine of the training, `ls -U FOLDER > {ROWS}` writes it, and \
             --rows {ROWS} reads it (or use --vocabulary-order for the order of entity2id.txt)",
            conversion.checkpoint.display()
        ))),
    }
}

/// Fails if the list of rows is not as long as the head.
fn check_rows(order: &Path, listed: usize, sizes: &NetworkConfig) -> Result<()> {
    if listed as i64 == sizes.entities {
        return Ok(());
    }
    let reason = format!(
        "lists {listed} entities for a head of {} rows",
        sizes.entities
    );
    Err(Error::format(order, reason))
}

/// Fails if BERT's sizes are not the encoder's. Its vocabulary may be larger.
fn check_text_encoder(sizes: &NetworkConfig, encoder: &TextEncoder) -> Result<()> {
    let own = &encoder.sizes;
    let pairs = [
        ("width", sizes.hidden, own.hidden),
        ("layers", sizes.bert_layers, own.bert_layers),
        ("feed-forward width", sizes.feed_forward, own.feed_forward),
        ("positions", sizes.max_positions, own.max_positions),
        (
            "least vocabulary",
            sizes.token_vocabulary.min(own.token_vocabulary),
            own.token_vocabulary,
        ),
    ];
    match pairs.iter().find(|(_, here, there)| here != there) {
        None => Ok(()),
        Some((what, here, there)) => Err(Error::Mismatch(format!(
            "the checkpoint's BERT has {what} {here}, {} has {there}; give the text encoder of the training with --text-encoder",
            encoder.source.name
        ))),
    }
}

/// Returns the side of the grid to which the encoder's patch map is pooled to match the checkpoint;
/// `None` without pooling.
fn grid(sizes: &NetworkConfig, encoder: &ImageEncoder, name: &str) -> Result<Option<i64>> {
    let side = sizes.patches.isqrt();
    let pooled = side * side == sizes.patches && sizes.patches < encoder.patches();
    if sizes.patch_features != encoder.features() || !(pooled || sizes.patches == encoder.patches())
    {
        return Err(Error::Mismatch(format!(
            "the checkpoint takes pictures as {} × {} features, {name} gives {} × {}; give the image encoder of the \
             training with --image-encoder",
            sizes.patches,
            sizes.patch_features,
            encoder.patches(),
            encoder.features()
        )));
    }
    Ok(pooled.then_some(side))
}

fn describe(sizes: &NetworkConfig) -> String {
    format!(
        "{} entities, {} clusters, BERT of {} layers, {} vision and {} fusion layers, width {}, {} heads, pictures {} × {}",
        sizes.entities,
        sizes.clusters,
        sizes.bert_layers,
        sizes.vision_layers,
        sizes.fusion_layers,
        sizes.hidden,
        sizes.heads,
        sizes.patches,
        sizes.patch_features
    )
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
