//! CLIP as it comes, a dual encoder whose towers meet in dot products only. An entity is the mean
//! of its texts (its name, then a sentence that mentions it: a long one is cut, and the name must
//! not be), and the mean of its pictures; both less what all entities share. Their cosines are
//! fused as those of the frozen encoders are.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde_json::json;
use tch::{Device, Kind, Tensor};

use crate::baselines::entity_vectors::{EntityVectors, rank_by_scores};
use crate::baselines::score_fusion::ScoreFusion;
use crate::baselines::{BaselineSources, FittedBaseline};
use crate::data::{Dataset, Diagnostics};
use crate::error::{Error, Result};
use crate::features::clip_encoder::ClipEncoder;
use crate::features::entity_mean::{EntityMean, centred_unit_rows};
use crate::features::feature_cache::{CacheRecord, ContentHash, DEFAULT_LIMIT, FeatureCache};
use crate::features::image_encoder::PreparedImage;
use crate::features::load_pairs::load_pairs;
use crate::features::loaded_pairs::LoadedPairs;
use crate::progress::{Observer, Progress};

/// Texts, or pictures, encoded at once.
const BATCH: usize = 32;
/// Their vectors brought from the cache at once.
const BROUGHT: usize = 4096;

/// Gives every entity the means of what the CLIP in `places.clip` makes of its texts and of its
/// pictures.
///
/// Errors: `Argument` without such a folder; those of opening it, and of reading pairs; `Stopped`.
pub fn prepare(
    dataset: &Dataset,
    places: &BaselineSources,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<FittedBaseline> {
    let folder = places.clip.as_deref().ok_or_else(|| {
        Error::Argument("clip needs --clip DIR, a folder of Hugging Face's CLIPModel".into())
    })?;
    let encoder = ClipEncoder::open(folder, device)?;
    // the pairs, and so the candidates, are those of every other system
    let encoders = places.encoders(device)?;
    let (pairs, _) = load_pairs(dataset, &encoders, None, &places.cache, None, observe)?;
    let cache = places.cache.join("clip");
    let fusion = fit(dataset, &pairs, &encoder, &cache, device, observe)?;
    let mut settings = fusion.settings(dataset);
    settings.insert(
        "clip".into(),
        json!({ "name": folder, "hash": encoder.hash() }),
    );
    settings.extend(encoders.settings());
    let rank = Box::new(move |class, seeds: &[_]| {
        Ok(rank_by_scores(&fusion.likeness(class, seeds)?, seeds))
    });
    let left_out = [encoder.left_out(), &pairs.left_out].concat();
    Ok(FittedBaseline {
        entities: pairs.entities,
        rank,
        settings,
        left_out,
    })
}

/// Encodes all texts and pictures, keeps their vectors in the folder `cache`, and fuses the
/// likenesses of the entities' means.
fn fit(
    dataset: &Dataset,
    pairs: &LoadedPairs,
    encoder: &ClipEncoder,
    cache: &Path,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<ScoreFusion> {
    let (texts, pictures) = shown(dataset, pairs, encoder, observe)?;
    let record = CacheRecord {
        numbers: encoder.width() as usize,
        kind: Kind::Float,
    };
    let mut means = Means {
        cache: FeatureCache::open(cache, encoder.hash(), record, DEFAULT_LIMIT)?,
        entities: pairs.entities.len(),
        device,
    };
    let text = means.of("texts", &texts, &|ids| Ok(encoder.texts(ids)), observe)?;
    let image = means.of(
        "pictures",
        &pictures,
        &|paths| encoder.images(&decoded(paths, encoder.side())?),
        observe,
    )?;
    let vectors = [text, image].map(|means| EntityVectors::new(&centred_unit_rows(&means)));
    ScoreFusion::fit(dataset, &pairs.entities, vectors, observe)
}

/// A text or a picture, and the row of the entity of every pair that has it.
struct Shown<T> {
    what: T,
    content: ContentHash,
    rows: Vec<usize>,
}

type Texts = Vec<Shown<Vec<i64>>>;
type Pictures = Vec<Shown<PathBuf>>;

/// The texts of all pairs as ids, like lengths together, and their pictures.
fn shown(
    dataset: &Dataset,
    pairs: &LoadedPairs,
    encoder: &ClipEncoder,
    observe: &mut dyn Observer<Progress>,
) -> Result<(Texts, Pictures)> {
    let place = |pair: usize| {
        (
            (pairs.pairs[pair].offset, pairs.pairs[pair].mention),
            pairs.row(pair),
        )
    };
    let rows: HashMap<(u64, u16), usize> = (0..pairs.pairs.len()).map(place).collect();
    let mut texts: BTreeMap<Vec<i64>, Vec<usize>> = BTreeMap::new();
    let mut pictures: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    dataset.pairs(&mut Diagnostics::default(), observe, &mut |pair| {
        let Some(&row) = rows.get(&(pair.offset, pair.mention)) else {
            return Ok(());
        };
        let name = dataset.vocabulary.name(pair.entity).unwrap_or_default();
        let ids = encoder.ids(&format!("{name}: {}", pair.tokens.join(" ")))?;
        texts.entry(ids).or_default().push(row);
        pair.image
            .into_iter()
            .for_each(|path| pictures.entry(path).or_default().push(row));
        Ok(())
    })?;
    let text = |(ids, rows): (Vec<i64>, _)| {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        Shown {
            what: ids,
            content: blake3::hash(&bytes).into(),
            rows,
        }
    };
    let mut texts: Texts = texts.into_iter().map(text).collect();
    texts.sort_by_key(|text| text.what.len());
    let picture = |(path, rows): (PathBuf, _)| {
        Ok(Shown {
            content: blake3::hash(&bytes(&path)?).into(),
            what: path,
            rows,
        })
    };
    Ok((
        texts,
        pictures.into_iter().map(picture).collect::<Result<_>>()?,
    ))
}

/// Means by entity of vectors that are kept by content, so that a run that was stopped goes on
/// where it was.
struct Means {
    cache: FeatureCache,
    entities: usize,
    device: Device,
}

impl Means {
    /// `[V, D]`. What the cache lacks is encoded, a batch to `[B, D]` at a time.
    fn of<T>(
        &mut self,
        name: &str,
        all: &[Shown<T>],
        encode: &dyn Fn(&[&T]) -> Result<Tensor>,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Tensor> {
        let mut new = Vec::new();
        for shown in all {
            if self.cache.find(&shown.content)?.is_none() {
                new.push(shown);
            }
        }
        for (at, batch) in new.chunks(BATCH).enumerate() {
            let progress = Progress::new(
                format!("CLIP's {name}"),
                (at * BATCH) as u64,
                new.len() as u64,
            );
            observe.report(progress)?;
            let what: Vec<&T> = batch.iter().map(|shown| &shown.what).collect();
            for (shown, vector) in batch.iter().zip(Vec::<Vec<f32>>::try_from(
                encode(&what)?.to_device(Device::Cpu),
            )?) {
                let record: Vec<u8> = vector
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                self.cache
                    .append(shown.content, &record, || format!("one of the {name}"))?;
            }
        }
        self.cache.flush()?;
        let mut mean = EntityMean::new(self.entities, self.device);
        for some in all.chunks(BROUGHT) {
            let vectors = self.brought(some)?;
            let pairs = some
                .iter()
                .zip(0i64..)
                .flat_map(|(shown, at)| shown.rows.iter().map(move |&row| (row as i64, at)));
            let (labels, at): (Vec<i64>, Vec<i64>) = pairs.unzip();
            let [labels, at] =
                [labels, at].map(|numbers| Tensor::from_slice(&numbers).to_device(self.device));
            mean.add(&labels, &vectors.index_select(0, &at));
        }
        Ok(mean.finish())
    }

    /// `[N, D]`.
    fn brought<T>(&mut self, all: &[Shown<T>]) -> Result<Tensor> {
        let mut values: Vec<f32> = Vec::new();
        for shown in all {
            let lost =
                || Error::Mismatch("vectors were lost from CLIP's cache while it was used".into());
            let place = self.cache.find(&shown.content)?.ok_or_else(lost)?;
            values.extend(
                self.cache
                    .record(place)?
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|bytes| f32::from_le_bytes(*bytes)),
            );
        }
        Ok(Tensor::from_slice(&values)
            .view([all.len() as i64, -1])
            .to_device(self.device)
            .to_kind(Kind::Float))
    }
}

fn decoded(paths: &[&PathBuf], side: u32) -> Result<Vec<PreparedImage>> {
    let picture = |path: &&PathBuf| {
        PreparedImage::decode_center_crop(&bytes(path)?, side)
            .map_err(|reason| Error::format(path, reason))
    };
    paths.iter().map(picture).collect()
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(Error::io("read", path))
}
