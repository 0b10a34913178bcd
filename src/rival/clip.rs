//! CLIP as it comes, a dual encoder whose towers meet in dot products only. An entity is the mean of its texts (its name, then a
//! sentence that mentions it: a long one is cut, and the name must not be), and the mean of its pictures; both less what all entities
//! share. Their cosines are fused as those of the frozen encoders are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use tch::{Device, Tensor};

use super::fusion::Fusion;
use super::similarity::{Vectors, ranking};
use super::{Places, System};
use crate::data::{Dataset, Findings};
use crate::error::{Error, Result};
use crate::features::clip::ClipEncoder;
use crate::features::image::Picture;
use crate::features::mean::{EntityMean, centred};
use crate::features::pairs::Pairs;
use crate::features::prepare::{Encoders, gather};
use crate::job::{Observer, Progress};
use crate::model::checkpoint::write_tensors;
use crate::model::weights::Weights;

/// Texts, or pictures, encoded at once.
const BATCH: usize = 32;
/// Changes whenever the same pairs and weights would give other vectors.
const REPRESENTATION: u32 = 1;

/// Of the CLIP that is in the folder that the places name. Error: `Argument` where they name none; those of reading it and the data set.
pub fn prepare(
    dataset: &Dataset,
    places: &Places,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<System> {
    let folder = places
        .clip
        .as_deref()
        .ok_or_else(|| Error::Argument("clip needs --clip DIR, a folder of Hugging Face's CLIPModel".into()))?;
    let encoder = ClipEncoder::open(folder, device)?;
    // the pairs, and so the candidates, are those of every other system
    let encoders = Encoders::open(&places.text_encoder, &places.image_encoder, true, device)?;
    let (pairs, _) = gather(dataset, &encoders, None, &places.cache, None, observe)?;
    let [text, image] = kept(dataset, &pairs, &encoder, places, device, observe)?;
    let vectors = [Vectors::new(&centred(&text)), Vectors::new(&centred(&image))];
    let fusion = Fusion::fit(dataset, &pairs.entities, vectors, observe)?;
    let mut settings = fusion.settings(dataset);
    settings.insert("clip".into(), json!({ "name": folder, "hash": encoder.weights_hash() }));
    let rank = Box::new(move |class, seeds: &[_]| Ok(ranking(&fusion.likeness(class, seeds)?, seeds)));
    Ok(System { entities: pairs.entities, rank, settings, left_out: pairs.left_out })
}

/// Every entity's mean text and mean picture, `[V, D]` each: kept under the cache folder.
fn kept(
    dataset: &Dataset,
    pairs: &Pairs,
    encoder: &ClipEncoder,
    places: &Places,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<[Tensor; 2]> {
    let of = [encoder.weights_hash(), &dataset.hash()?, &format!("{:?} {REPRESENTATION}", pairs.entities)].join(" ");
    let name = blake3::hash(of.as_bytes()).to_hex();
    let path = places.cache.join(format!("clip-{}.safetensors", &name[..32]));
    let read = |weights: Weights| Ok::<_, Error>([weights.get("text")?, weights.get("image")?]);
    // not there yet, or cut short: made anew
    if let Ok(found) = Weights::open(&path).and_then(read) {
        return Ok(found.map(|mean| mean.to_device(device)));
    }
    let shown = Shown::read(dataset, pairs, observe)?;
    let text = shown.texts(encoder, pairs.entities.len(), device, observe)?;
    let image = shown.pictures(encoder, pairs.entities.len(), device, observe)?;
    std::fs::create_dir_all(&places.cache).map_err(Error::io("create", &places.cache))?;
    write_tensors(&path, &[("text".into(), text.shallow_clone()), ("image".into(), image.shallow_clone())])?;
    Ok([text, image])
}

/// What the encoder is shown of the pairs: texts and pictures with the rows of their entities.
struct Shown {
    texts: Vec<(usize, String)>,
    pictures: Vec<(usize, PathBuf)>,
}

impl Shown {
    fn read(dataset: &Dataset, pairs: &Pairs, observe: &mut dyn Observer<Progress>) -> Result<Shown> {
        let place = |pair: usize| ((pairs.pairs[pair].offset, pairs.pairs[pair].mention), pairs.row(pair));
        let rows: HashMap<(u64, u16), usize> = (0..pairs.pairs.len()).map(place).collect();
        let mut shown = Shown { texts: Vec::new(), pictures: Vec::new() };
        dataset.pairs(&mut Findings::default(), observe, &mut |pair| {
            let Some(&row) = rows.get(&(pair.offset, pair.mention)) else { return Ok(()) };
            let name = dataset.vocabulary.name(pair.entity).unwrap_or_default();
            shown.texts.push((row, format!("{name}: {}", pair.tokens.join(" "))));
            shown.pictures.extend(pair.image.map(|path| (row, path)));
            Ok(())
        })?;
        Ok(shown)
    }

    /// The mean text of every entity, `[V, D]`. Like lengths run together.
    fn texts(
        &self,
        encoder: &ClipEncoder,
        entities: usize,
        device: Device,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Tensor> {
        let ids = |(row, text): &(usize, String)| Ok((*row, encoder.ids(text)?));
        let mut texts = self.texts.iter().map(ids).collect::<Result<Vec<_>>>()?;
        texts.sort_by_key(|(_, ids)| ids.len());
        let mut mean = EntityMean::new(entities, device);
        let mut done = 0;
        for batch in texts.chunks(BATCH) {
            let (rows, ids): (Vec<usize>, Vec<Vec<i64>>) = batch.iter().cloned().unzip();
            mean.add(&labels(&rows, device), &encoder.texts(&ids));
            done += batch.len();
            told("texts", done, texts.len(), observe)?;
        }
        Ok(mean.result())
    }

    /// The mean picture of every entity, `[V, D]`: over its pairs, each picture encoded once.
    fn pictures(
        &self,
        encoder: &ClipEncoder,
        entities: usize,
        device: Device,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Tensor> {
        let mut rows_of: HashMap<&Path, Vec<usize>> = HashMap::new();
        self.pictures.iter().for_each(|(row, path)| rows_of.entry(path).or_default().push(*row));
        let mut paths: Vec<&Path> = rows_of.keys().copied().collect();
        paths.sort();
        let mut mean = EntityMean::new(entities, device);
        let mut done = 0;
        for batch in paths.chunks(BATCH) {
            let pictures = batch.iter().map(|path| picture(path, encoder.side())).collect::<Result<Vec<_>>>()?;
            let vectors = encoder.pictures(&pictures)?;
            let shown =
                batch.iter().enumerate().flat_map(|(i, path)| rows_of[path].iter().map(move |&row| (row, i as i64)));
            let (rows, of): (Vec<usize>, Vec<i64>) = shown.unzip();
            mean.add(&labels(&rows, device), &vectors.index_select(0, &Tensor::from_slice(&of).to_device(device)));
            done += batch.len();
            told("pictures", done, paths.len(), observe)?;
        }
        Ok(mean.result())
    }
}

fn picture(path: &Path, side: u32) -> Result<Picture> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    Picture::decode_middle(&bytes, side)
        .map_err(|reason| Error::format(path, format!("is no usable picture: {reason}")))
}

fn labels(rows: &[usize], device: Device) -> Tensor {
    Tensor::from_slice(&rows.iter().map(|&row| row as i64).collect::<Vec<_>>()).to_device(device)
}

fn told(what: &str, done: usize, total: usize, observe: &mut dyn Observer<Progress>) -> Result<()> {
    match observe.on(Progress::new(format!("CLIP's {what}"), done as u64, total as u64)).is_break() {
        true => Err(Error::Stopped),
        false => Ok(()),
    }
}
