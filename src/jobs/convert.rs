//! From a state dict of the published code to a model folder.

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

/// Where the order of the head's rows is looked for, beside the vocabulary, when it is not named.
const ROWS: &str = "rows.txt";

/// What is converted, and all that the file itself does not tell.
#[derive(Debug, Clone)]
pub struct Conversion {
    pub checkpoint: PathBuf,
    /// A data set's folder, or a file of the form of its `entity2id.txt`.
    pub vocabulary: PathBuf,
    /// None: `rows.txt` beside the vocabulary.
    pub rows: Option<RowOrder>,
    pub out: PathBuf,
    /// The encoders that it was trained with, as `features::source::resolve` finds them.
    pub text_encoder: String,
    pub image_encoder: String,
    /// Pixels were normalised by the image encoder's mean and deviation. The published code does
    /// not.
    pub normalize: bool,
    pub state: Pooling,
    /// Attention heads; none: the text encoder's.
    pub heads: Option<i64>,
}

/// Which entity each row of the head is. No state dict says it: the published loader takes the
/// order from a folder's listing.
#[derive(Debug, Clone)]
pub enum RowOrder {
    /// A list, one entity a line.
    Listed(PathBuf),
    /// That of `entity2id.txt`.
    Vocabulary,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Converted {
    /// The network, in words: "60 entities, BERT of 3 layers …".
    pub network: String,
    /// Where the rows' order was taken from.
    pub rows: PathBuf,
    /// What of the file is no part of the network, and how many.
    pub left_out: Vec<(String, usize)>,
    /// BERT's frozen layers are not the text encoder's, and are kept in the model folder.
    pub own_text_layers: bool,
}

/// Writes the model folder, whole or not at all.
///
/// Errors: `Argument` where the order of the rows is not given; `Missing`, `Format`, `Line` for
/// files that are not there or not what they should be; `Mismatch` where rows, encoders and state
/// dict do not belong together.
pub fn convert(asked: &Conversion, observe: &mut dyn Observer<Progress>) -> Result<Converted> {
    check_destination(&asked.out)?;
    let names = Names::open(&asked.vocabulary)?;
    let (order, entity_ids) = rows(asked, &names.vocabulary)?;
    let state_dict = StateDict::open(&asked.checkpoint)?;
    let encoders = Encoders::open(
        &asked.text_encoder,
        &asked.image_encoder,
        asked.normalize,
        tch::Device::Cpu,
    )?;
    let heads = asked.heads.unwrap_or(encoders.text.sizes.heads);
    let sizes = state_dict.sizes(&NetworkConfig {
        heads,
        pooling: asked.state,
        ..encoders.text.sizes.clone()
    })?;
    check_rows(&order, entity_ids.len(), &sizes)?;
    check_text_encoder(&sizes, &encoders.text)?;
    let grid = grid(&sizes, &encoders.image, &asked.image_encoder)?;
    let of_encoders = encoders.left_out();
    let filled = state_dict.fill(&sizes, &encoders.text.weights, observe)?;
    let config = ModelConfig {
        class_names: names.of_clusters(sizes.clusters),
        sizes,
        text_encoder: Some(encoders.text.source),
        image_encoder: Some(ImageSource {
            encoder: encoders.image_source,
            normalize: asked.normalize,
            grid,
        }),
        entity_ids,
        dataset_hash: None,
        training: serde_json::json!({ "converted_from": {
            "file": file_name(&asked.checkpoint), "hash": state_dict.hash(), "rows": file_name(&order) } }),
    };
    write_folder(&asked.out, &config, &filled)?;
    let of_file = filled
        .left_out
        .into_iter()
        .map(|(module, n)| (format!("parameters of {module}"), n));
    Ok(Converted {
        network: describe(&config.sizes),
        rows: order,
        left_out: of_file.chain(of_encoders).collect(),
        own_text_layers: !filled.frozen_layers_match_encoder,
    })
}

/// Writes the model folder, with BERT's frozen layers where they are not the text encoder's.
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

/// The entities, and the classes where a data set tells them.
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

    /// One more column is for no class. Columns that the data set's classes do not account for are
    /// numbered.
    fn of_clusters(self, columns: i64) -> Vec<String> {
        if self.classes.len() as i64 + 1 == columns {
            return self.classes;
        }
        (1..columns)
            .map(|number| format!("cluster {number}"))
            .collect()
    }
}

/// The entities in the order of the head's rows, and the file that says so.
fn rows(asked: &Conversion, vocabulary: &Vocabulary) -> Result<(PathBuf, Vec<EntityId>)> {
    let folder = if asked.vocabulary.is_dir() {
        Some(asked.vocabulary.as_path())
    } else {
        asked.vocabulary.parent()
    };
    let beside = folder
        .map(|folder| folder.join(ROWS))
        .filter(|file| file.is_file());
    match asked.rows.clone().or(beside.map(RowOrder::Listed)) {
        Some(RowOrder::Vocabulary) => Ok((
            asked.vocabulary.clone(),
            vocabulary.iter().map(|(id, _)| id).collect(),
        )),
        Some(RowOrder::Listed(list)) => {
            let rows = read_rows(&list, vocabulary)?;
            Ok((list, rows))
        }
        None => Err(Error::Argument(format!(
            "which entity each row of the head is, is not in {}: the published loader takes the order in which its folder \
             of entities is listed; on the machine that trained, `ls -U FOLDER > {ROWS}` writes it, and --rows {ROWS} \
             reads it (or say --vocabulary-order, if it is the order of entity2id.txt)",
            asked.checkpoint.display()
        ))),
    }
}

/// Refuses a list of rows that is not as long as the head.
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

/// BERT's sizes must be the encoder's; only its vocabulary may have grown.
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
            "the checkpoint's BERT has {what} {here}, {} has {there}; name the one it was trained with: --text-encoder",
            encoder.source.name
        ))),
    }
}

/// How the encoder's patch map is pooled to give the checkpoint's patches; none: not at all.
fn grid(sizes: &NetworkConfig, encoder: &ImageEncoder, name: &str) -> Result<Option<i64>> {
    let side = sizes.patches.isqrt();
    let pooled = side * side == sizes.patches && sizes.patches < encoder.patches();
    if sizes.patch_features != encoder.features() || !(pooled || sizes.patches == encoder.patches())
    {
        return Err(Error::Mismatch(format!(
            "the checkpoint takes pictures as {} × {} features, {name} gives {} × {}; name the one it was trained with: \
             --image-encoder",
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
