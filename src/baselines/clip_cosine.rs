//! Cosines of a pre-trained CLIP, a dual encoder whose towers meet in dot products only.
//!
//! An entity is the mean of its texts and the mean of its images, both centred over the entities. A
//! text is the name of the entity and then a sentence that mentions it; a long sentence is cut, and
//! the name must not be. The cosines of both means are fused like those of the frozen encoders.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tch::{Device, Kind};

use crate::baselines::baseline_ranking::BaselineRanking;
use crate::baselines::baseline_sources::BaselineSources;
use crate::baselines::entity_vectors::EntityVectors;
use crate::baselines::fitted_baseline::FittedBaseline;
use crate::baselines::mean_vectors::{EncodedItem, MeanVectors};
use crate::baselines::score_fusion::ScoreFusion;
use crate::data::{Dataset, Diagnostics};
use crate::error::{Error, Result};
use crate::features::clip_encoder::ClipEncoder;
use crate::features::entity_mean::centred_unit_rows;
use crate::features::feature_cache::{CacheRecord, DEFAULT_LIMIT, FeatureCache};
use crate::features::image_encoder::PreparedImage;
use crate::features::load_pairs::load_pairs;
use crate::features::loaded_pairs::LoadedPairs;
use crate::progress::{Observer, Progress};

/// Computes the mean vectors of all entities with the CLIP in `sources.clip`.
///
/// Errors: `Argument` if there is no such folder; those of opening it, and of reading pairs;
/// `Stopped`.
pub fn fit(
    ranking: BaselineRanking,
    dataset: &Dataset,
    sources: &BaselineSources,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<FittedBaseline> {
    let folder = sources.clip.as_deref().ok_or_else(|| {
        Error::Argument("clip needs --clip DIR, a folder of Hugging Face's CLIPModel".into())
    })?;
    let encoder = ClipEncoder::open(folder, device)?;
    // the pairs, and so the candidates, are the same as for every other baseline
    let encoders = sources.encoders(device)?;
    let (pairs, _) = load_pairs(dataset, &encoders, None, &sources.cache, None, observer)?;
    let cache = sources.cache.join("clip");
    let vectors = mean_vectors(dataset, &pairs, &encoder, &cache, device, observer)?;
    let fusion = ScoreFusion::fit(ranking, dataset, &pairs.entities, vectors, observer)?;
    let mut settings = fusion.settings(dataset);
    settings.insert(
        "clip".into(),
        json!({ "name": folder, "hash": encoder.hash() }),
    );
    settings.extend(encoders.settings());
    let left_out = [encoder.left_out(), &pairs.left_out].concat();
    Ok(FittedBaseline {
        entities: pairs.entities,
        rank: fusion.into_rank_fn(),
        settings,
        left_out,
    })
}

/// Encodes all texts and images, with a cache in the folder `cache`. Returns the means of the texts
/// and of the images of every entity.
fn mean_vectors(
    dataset: &Dataset,
    pairs: &LoadedPairs,
    encoder: &ClipEncoder,
    cache: &Path,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<[EntityVectors; 2]> {
    let (texts, images) = collect_items(dataset, pairs, encoder, observer)?;
    let record = CacheRecord {
        numbers: encoder.width() as usize,
        kind: Kind::Float,
    };
    let mut means = MeanVectors {
        cache: FeatureCache::open(cache, encoder.hash(), record, DEFAULT_LIMIT)?,
        entities: pairs.entities.len(),
        device,
    };
    let encode_texts = |ids: &[&Vec<i64>]| Ok(encoder.texts(ids));
    let text = means.compute("texts", &texts, &encode_texts, observer)?;
    let encode_images = |paths: &[&PathBuf]| encoder.images(&decode(paths, encoder.side())?);
    let image = means.compute("images", &images, &encode_images, observer)?;
    Ok([text, image].map(|rows| EntityVectors::new(&centred_unit_rows(&rows))))
}

/// A text as token ids.
type TextItem = EncodedItem<Vec<i64>>;
/// An image as its path.
type ImageItem = EncodedItem<PathBuf>;

/// Collects the texts of all pairs, sorted by length, and their images.
fn collect_items(
    dataset: &Dataset,
    pairs: &LoadedPairs,
    encoder: &ClipEncoder,
    observer: &mut dyn Observer<Progress>,
) -> Result<(Vec<TextItem>, Vec<ImageItem>)> {
    let mut rows: HashMap<(u64, u16), usize> = HashMap::new();
    for (index, pair) in pairs.pairs.iter().enumerate() {
        rows.insert((pair.offset, pair.mention), pairs.row(index));
    }
    let mut texts: BTreeMap<Vec<i64>, Vec<usize>> = BTreeMap::new();
    let mut images: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    dataset.pairs(&mut Diagnostics::default(), observer, &mut |pair| {
        let Some(&row) = rows.get(&(pair.offset, pair.mention)) else {
            return Ok(());
        };
        let name = dataset.vocabulary.name(pair.entity).unwrap_or_default();
        let ids = encoder.ids(&format!("{name}: {}", pair.tokens.join(" ")))?;
        texts.entry(ids).or_default().push(row);
        if let Some(path) = pair.image {
            images.entry(path).or_default().push(row);
        }
        Ok(())
    })?;
    let mut texts: Vec<TextItem> = texts.into_iter().map(text_item).collect();
    texts.sort_by_key(|text| text.item.len());
    let images: Result<Vec<ImageItem>> = images.into_iter().map(image_item).collect();
    Ok((texts, images?))
}

fn text_item((ids, rows): (Vec<i64>, Vec<usize>)) -> TextItem {
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    EncodedItem {
        item: ids,
        content: blake3::hash(&bytes).into(),
        rows,
    }
}

fn image_item((path, rows): (PathBuf, Vec<usize>)) -> Result<ImageItem> {
    let content = blake3::hash(&read_bytes(&path)?).into();
    Ok(EncodedItem {
        item: path,
        content,
        rows,
    })
}

fn decode(paths: &[&PathBuf], side: u32) -> Result<Vec<PreparedImage>> {
    let mut images = Vec::with_capacity(paths.len());
    for path in paths {
        let image = PreparedImage::decode_center_crop(&read_bytes(path)?, side)
            .map_err(|reason| Error::format(path, reason))?;
        images.push(image);
    }
    Ok(images)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::io("read", path))
}
