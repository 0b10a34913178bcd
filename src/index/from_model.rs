//! Building of an index from a trained model and a data set: runs every pair through the network,
//! mode by mode.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::features::entity_mean::EntityMean;
use crate::features::frozen_corpus::FrozenCorpus;
use crate::features::image_encoder::ImageEncoder;
use crate::features::load_pairs::{Encoders, load_pairs};
use crate::features::loaded_pairs::LoadedPairs;
use crate::features::samples::{FeatureSources, Sample};
use crate::index::builder::Builder;
use crate::index::from_encoders::{FrozenModes, FrozenSources};
use crate::index::meta::{Entity, LeftOut, Origin, Provenance};
use crate::index::pair_table::PairTable;
use crate::index::prototypes::Prototypes;
use crate::index::staged_folder::prepare_destination;
use crate::index::states::{States, StoragePrecision};
use crate::model::{ModelFolder, Network, checkpoint};
use crate::progress::{Observer, Progress};
use crate::types::{EntityId, Mode};

/// The number of pairs in a batch. Without gradients it bounds memory only.
const BATCH: usize = 128;

/// The inputs and the output of an index build.
#[derive(Debug, Clone)]
pub struct IndexPaths {
    pub dataset: PathBuf,
    pub model: PathBuf,
    pub out: PathBuf,
    /// The folder for cached features of the frozen encoders.
    pub cache: PathBuf,
    /// The refinement of the head's rows; [`model_prototypes`] returns the model's own setting.
    pub prototypes: Option<Prototypes>,
    /// Whether the index has the modes without training too.
    pub with_frozen_modes: bool,
}

/// Returns the prototype settings that a model was trained with; `None` if it has none, like a
/// converted model.
///
/// Errors: those of a model folder; `Format` for invalid settings.
pub fn model_prototypes(model: &Path) -> Result<Option<Prototypes>> {
    let folder = ModelFolder::open(model)?;
    let settings = folder
        .config
        .training
        .get("prototypes")
        .cloned()
        .unwrap_or_default();
    let prototypes: Option<Prototypes> = serde_json::from_value(settings)
        .map_err(|e| Error::format(model, format!("has invalid prototype settings: {e}")))?;
    if let Some(prototypes) = prototypes {
        prototypes.validate()?;
    }
    Ok(prototypes)
}

/// A model and the features of a data set's pairs.
pub struct ModelSources {
    pub folder: ModelFolder,
    /// The network in evaluation state.
    pub network: Network,
    pub sources: FeatureSources,
    pub encoders: Encoders,
}

/// Opens a model with the encoders that it was trained with, and a data set that has its entities.
///
/// Errors: a missing or damaged model folder; `Mismatch` if the model has another vocabulary or
/// other encoders.
pub fn open_model(
    dataset: &Dataset,
    model: &Path,
    cache: &Path,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<ModelSources> {
    let folder = ModelFolder::open(model)?;
    let config = &folder.config;
    check_vocabulary(dataset, &folder)?;
    let (text, image) = encoder_names(&folder)?;
    let mut encoders = Encoders::open(&text, &image.encoder.name, image.normalize, device)?;
    check_encoders(&folder, model, &encoders)?;
    if folder.has_frozen_layers() {
        // text states are cached under the hash of the layers that computed them
        encoders.text.source.hash = folder.hash()?;
    }
    let sizes = &config.sizes;
    encoders.text.tokenizer = encoders
        .text
        .tokenizer
        .with_limits(sizes.token_vocabulary, sizes.max_positions)?;
    check_patches(&folder, &encoders.image, image.grid)?;
    let checkpoint::OpenedNetwork {
        network, left_out, ..
    } = folder.network(Some(&encoders.text.weights), device)?;
    let (mut pairs, patches) = load_pairs(
        dataset,
        &encoders,
        image.grid,
        cache,
        Some(&config.entity_ids),
        observer,
    )?;
    pairs
        .left_out
        .extend(folder.weights().describe_unused(&left_out));
    let texts = encoders
        .text
        .states(cache, &pairs, &network.student.bert, device, observer)?;
    Ok(ModelSources {
        network,
        sources: FeatureSources {
            pairs,
            texts,
            patches,
            device,
        },
        folder,
        encoders,
    })
}

/// Runs the model over the data set and writes the index. Returns what was left out. Modes that an
/// interrupted build of the same model and data set completed are reused.
///
/// Errors: a missing or damaged model folder or data set; `Mismatch` if the model has another
/// vocabulary.
pub fn build_index(
    paths: &IndexPaths,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<Vec<(String, usize)>> {
    let dataset = Dataset::open(&paths.dataset)?;
    prepare_destination(&paths.out)?;
    let ModelSources {
        folder,
        network,
        sources,
        encoders,
    } = open_model(&dataset, &paths.model, &paths.cache, device, observer)?;
    check_task(&folder)?;
    let left_out = sources.pairs.left_out.clone();
    let frozen = match paths.with_frozen_modes {
        true => Some(frozen_modes(
            paths, &dataset, &encoders, &sources, observer,
        )?),
        false => None,
    };
    write_index(
        paths, &dataset, &folder, &network, &sources, frozen, observer,
    )?;
    Ok(left_out)
}

/// Computes the modes without training, for the entities of the model.
fn frozen_modes(
    paths: &IndexPaths,
    dataset: &Dataset,
    encoders: &Encoders,
    sources: &FeatureSources,
    observer: &mut dyn Observer<Progress>,
) -> Result<FrozenModes> {
    let rows = Some(sources.pairs.entities.as_slice());
    let corpus = FrozenCorpus::read(dataset, &encoders.text.tokenizer, rows, observer)?;
    let frozen = FrozenSources::new(
        corpus,
        &encoders.text,
        Some(&encoders.image),
        &paths.cache,
        sources.device,
        observer,
    )?;
    frozen.modes(None, observer)
}

/// Computes the states of every mode and writes the index.
fn write_index(
    paths: &IndexPaths,
    dataset: &Dataset,
    folder: &ModelFolder,
    network: &Network,
    sources: &FeatureSources,
    frozen: Option<FrozenModes>,
    observer: &mut dyn Observer<Progress>,
) -> Result<()> {
    let pairs = &sources.pairs;
    let RefinedHead {
        weight,
        bias,
        mut computed,
    } = refined_head(paths, folder, network, sources, observer)?;
    let mut builder = Builder::resume(
        &paths.out,
        entities(dataset, pairs),
        &weight,
        &bias,
        provenance(paths, dataset, folder, sources)?,
    )?;
    let mut table = pair_table(pairs);
    let row_offsets = table.row_offsets.clone();
    for mode in Mode::TRAINED {
        let distinct = DistinctSamples::from_mode(sources, mode);
        if builder.has_mode(mode) {
            report_reused_mode(mode, observer)?;
            table.states.push((mode, distinct.state_of_pair));
            continue;
        }
        let states = match computed.take_if(|(computed_mode, _)| *computed_mode == mode) {
            Some((_, states)) => states,
            None => compute_states(network, sources, &distinct.samples, observer)?,
        };
        let states = States::from_pairs(
            states,
            &row_offsets,
            &distinct.state_of_pair,
            StoragePrecision::Half,
        );
        builder.add_mode(mode, states, observer)?;
        table.states.push((mode, distinct.state_of_pair));
    }
    if let Some(frozen) = frozen {
        frozen.add_to(&mut builder, observer)?;
    }
    builder.add_pairs(&table)?;
    builder.finish()
}

/// Returns the entities of the pairs with their names, in row order.
fn entities(dataset: &Dataset, pairs: &LoadedPairs) -> Vec<Entity> {
    let name = |id| dataset.vocabulary.name(id).unwrap_or_default().to_owned();
    let entity = |&id: &EntityId| Entity { id, name: name(id) };
    pairs.entities.iter().map(entity).collect()
}

/// The last layer of the entity head, and the states that were computed to refine it.
struct RefinedHead {
    weight: Tensor,
    bias: Tensor,
    /// The states of one mode, if they were computed.
    computed: Option<(Mode, Tensor)>,
}

/// Returns the head as it was trained, or refined by prototypes if the settings have them.
fn refined_head(
    paths: &IndexPaths,
    folder: &ModelFolder,
    network: &Network,
    sources: &FeatureSources,
    observer: &mut dyn Observer<Progress>,
) -> Result<RefinedHead> {
    let (weight, bias) = network.student.head.last_layer();
    let Some(prototypes) = paths.prototypes else {
        return Ok(RefinedHead {
            weight,
            bias,
            computed: None,
        });
    };
    // text states separate classes best; a model trained without text has image states only
    let mode = if was_trained_with_text(folder) {
        Mode::Text
    } else {
        Mode::Image
    };
    let distinct = DistinctSamples::from_mode(sources, mode);
    let states = compute_states(network, sources, &distinct.samples, observer)?;
    let means = distinct.means(sources, &states).to_device(sources.device);
    let (weight, bias) = prototypes.refine(&weight, &bias, &means);
    Ok(RefinedHead {
        weight,
        bias,
        computed: Some((mode, states)),
    })
}

/// Returns the table of the pairs, still without states.
fn pair_table(pairs: &LoadedPairs) -> PairTable {
    PairTable {
        row_offsets: pairs.row_offsets().iter().map(|&o| o as i64).collect(),
        offset: pairs.pairs.iter().map(|p| p.offset).collect(),
        mention: pairs.pairs.iter().map(|p| u32::from(p.mention)).collect(),
        states: Vec::new(),
    }
}

/// Refuses a model that was trained without masked entity prediction, on whose head an index is
/// based.
fn check_task(folder: &ModelFolder) -> Result<()> {
    match folder
        .config
        .training
        .get("tasks")
        .and_then(serde_json::Value::as_array)
    {
        Some(tasks) if !tasks.iter().any(|task| task == "mep") => Err(Error::Mismatch(format!(
            "{} was trained without masked entity prediction (mep), which an index requires",
            folder.path.display()
        ))),
        _ => Ok(()),
    }
}

/// Returns whether the model was trained with text.
fn was_trained_with_text(folder: &ModelFolder) -> bool {
    folder
        .config
        .training
        .get("drop_text")
        .and_then(serde_json::Value::as_f64)
        .is_none_or(|fraction| fraction < 1.0)
}

/// Reports that a mode is reused from an interrupted build.
fn report_reused_mode(mode: Mode, observer: &mut dyn Observer<Progress>) -> Result<()> {
    let progress = Progress {
        details: "reused from the interrupted build".into(),
        ..Progress::new(format!("mode {mode}"), 1, 1)
    };
    observer.report(progress)
}

fn provenance(
    paths: &IndexPaths,
    dataset: &Dataset,
    folder: &ModelFolder,
    sources: &FeatureSources,
) -> Result<Provenance> {
    let file_name = |path: &Path| {
        path.file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned())
    };
    Ok(Provenance {
        dataset: Some(Origin::relative_to(
            &paths.out,
            dataset.name.clone(),
            &dataset.root,
            dataset.hash()?,
        )?),
        // the path of the model means nothing where only the index is available
        model: Some(Origin {
            name: file_name(&paths.model),
            path: String::new(),
            hash: folder.hash()?,
        }),
        state: serde_json::to_value(folder.config.sizes.pooling)
            .ok()
            .and_then(|s| s.as_str().map(str::to_owned))
            .unwrap_or_default(),
        device: crate::model::device::device_name(sources.device),
        seed: folder
            .config
            .training
            .get("seed")
            .and_then(serde_json::Value::as_u64),
        settings: settings(folder, paths.prototypes),
        left_out: sources
            .pairs
            .left_out
            .iter()
            .map(|(reason, count)| LeftOut {
                reason: reason.clone(),
                count: *count,
                ..LeftOut::default()
            })
            .collect(),
    })
}

/// Returns the settings of the training, with the prototypes of this index.
fn settings(folder: &ModelFolder, prototypes: Option<Prototypes>) -> serde_json::Value {
    let mut settings = folder.config.training.clone();
    if let Some(settings) = settings.as_object_mut() {
        settings.insert("prototypes".into(), serde_json::json!(prototypes));
    }
    settings
}

/// Refuses a data set that does not have all entities of the model.
fn check_vocabulary(dataset: &Dataset, folder: &ModelFolder) -> Result<()> {
    let ids = &folder.config.entity_ids;
    let unknown = ids
        .iter()
        .filter(|&&id| !dataset.vocabulary.contains(id))
        .count();
    if ids.is_empty() || unknown > 0 {
        return Err(Error::Mismatch(format!(
            "{} has another vocabulary: {unknown} of its {} entities are not in {}",
            folder.path.display(),
            ids.len(),
            dataset.root.display()
        )));
    }
    Ok(())
}

/// Refuses encoders other than those that the model was trained with.
fn check_encoders(folder: &ModelFolder, model: &Path, encoders: &Encoders) -> Result<()> {
    let (text, image) = encoder_names(folder)?;
    let config = &folder.config;
    if encoders.text.source.hash == config.text_encoder.as_ref().map_or("", |e| &e.hash)
        && encoders.image_source.hash == image.encoder.hash
    {
        return Ok(());
    }
    Err(Error::Mismatch(format!(
        "the encoders {text} and {} are not the ones that {} was trained with",
        image.encoder.name,
        model.display()
    )))
}

fn encoder_names(folder: &ModelFolder) -> Result<(String, crate::model::checkpoint::ImageSource)> {
    match (&folder.config.text_encoder, &folder.config.image_encoder) {
        (Some(text), Some(image)) => Ok((text.name.clone(), image.clone())),
        _ => Err(Error::format(
            folder.path.join("config.json"),
            "does not have the names of the model's encoders",
        )),
    }
}

/// Refuses an image encoder whose features do not have the shape that the model takes.
fn check_patches(folder: &ModelFolder, encoder: &ImageEncoder, grid: Option<i64>) -> Result<()> {
    let sizes = &folder.config.sizes;
    let patches = grid.map_or(encoder.patches(), |grid| grid.saturating_mul(grid));
    if (patches, encoder.features()) == (sizes.patches, sizes.patch_features) {
        return Ok(());
    }
    Err(Error::Mismatch(format!(
        "{} takes images as {} × {} features, but its image encoder returns {patches} × {}",
        folder.path.display(),
        sizes.patches,
        sizes.patch_features,
        encoder.features()
    )))
}

/// The distinct inputs of a mode. Pairs that differ only in a modality that the mode does not show
/// share one state.
struct DistinctSamples {
    samples: Vec<Sample>,
    /// The index of each pair's state.
    state_of_pair: Vec<i32>,
}

impl DistinctSamples {
    fn from_mode(sources: &FeatureSources, mode: Mode) -> Self {
        let pairs = &sources.pairs;
        let mut states: HashMap<(usize, usize), i32> = HashMap::new();
        let mut samples = Vec::new();
        let state_of_pair = (0..pairs.pairs.len())
            .map(|pair| {
                let image = pairs.pairs[pair].image;
                let key = match mode {
                    Mode::Both | Mode::Text => (pair, 0),
                    // states are stored by row, so an image of two entities has a state for each
                    Mode::Image => (pairs.row(pair), image + 1),
                    // not a mode of the model
                    Mode::None | Mode::FrozenText | Mode::FrozenImage | Mode::Words => {
                        (usize::MAX, 0)
                    }
                };
                let next = samples.len() as i32;
                *states.entry(key).or_insert_with(|| {
                    samples.push(Sample { pair, image, mode });
                    next
                })
            })
            .collect();
        DistinctSamples {
            samples,
            state_of_pair,
        }
    }

    /// Returns the mean of each entity over its pairs, `[V, D]`, from `states [U, D]`.
    fn means(&self, sources: &FeatureSources, states: &Tensor) -> Tensor {
        let mut mean = EntityMean::new(sources.pairs.entities.len(), Device::Cpu);
        let pairs: Vec<usize> = (0..self.state_of_pair.len()).collect();
        for pairs in pairs.chunks(BATCH) {
            let per_pair = |number: &dyn Fn(usize) -> i64| {
                Tensor::from_slice(&pairs.iter().map(|&p| number(p)).collect::<Vec<_>>())
            };
            let rows = states.index_select(0, &per_pair(&|pair| self.state_of_pair[pair].into()));
            mean.add(&per_pair(&|pair| sources.pairs.row(pair) as i64), &rows);
        }
        mean.finish()
    }
}

/// Returns the input of the entity head's last layer for each sample, `[U, D]` on the CPU. Samples
/// of similar lengths are computed together.
fn compute_states(
    network: &Network,
    sources: &FeatureSources,
    samples: &[Sample],
    observer: &mut dyn Observer<Progress>,
) -> Result<Tensor> {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.sort_by_key(|&i| sources.pairs.length(samples[i].pair));
    let mode = samples.first().map_or(Mode::None, |s| s.mode);
    let out = Tensor::zeros(
        [samples.len() as i64, network.config.hidden],
        (Kind::Float, Device::Cpu),
    );
    for (done, batch) in order.chunks(BATCH).enumerate() {
        let batch_samples: Vec<Sample> = batch.iter().map(|&i| samples[i]).collect();
        let states = network.student.pre_head(&sources.input(&batch_samples)?);
        let rows: Vec<i64> = batch.iter().map(|&i| i as i64).collect();
        let _ = out.shallow_clone().index_copy_(
            0,
            &Tensor::from_slice(&rows),
            &states.to_device(Device::Cpu),
        );
        let done = (done * BATCH + batch.len()) as u64;
        observer.report(Progress::new(
            format!("states, {mode}"),
            done,
            samples.len() as u64,
        ))?;
    }
    Ok(out)
}
