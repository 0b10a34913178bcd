//! Hidden states after BERT's frozen layers, computed once and cached on disk as f16.

use half::f16;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::features::loaded_pairs::{LoadedPairs, PairRef};
use crate::model::bert::Bert;
use crate::model::finite::find_not_finite;
use crate::model::layer::attention_bias;
use crate::model::network_config::TRAINED_BERT_LAYERS;
use crate::progress::{Observer, Progress};

/// The number of tokens in a batch, including padding.
const BATCH_TOKENS: usize = 4096;

/// The size limit of the files of all data sets, in bytes. The oldest files are deleted first.
const LIMIT: u64 = 64 << 30;

/// The hidden states of the text of every pair, `[L, D]` each.
#[derive(Debug)]
pub struct TextStates {
    file: File,
    path: PathBuf,
    /// The first token of each pair in the file, and the end of the last one.
    offsets: Vec<u64>,
    width: usize,
    /// The hidden states of `[CLS] [MASK] [SEP]`, `[3, D]` as f16.
    blank: Vec<f16>,
}

impl TextStates {
    /// Opens the hidden states of these pairs in `folder`, and computes them if they do not exist.
    ///
    /// `encoder_hash` is the hash of BERT's weights, `blank` is `[CLS] [MASK] [SEP]`.
    pub fn open(
        folder: &Path,
        pairs: &LoadedPairs,
        bert: &Bert,
        encoder_hash: &str,
        blank: &[i64],
        device: Device,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Self> {
        let mut offsets = vec![0];
        offsets.extend(pairs.pairs.iter().enumerate().scan(0, |at, (i, _)| {
            *at += pairs.length(i) as u64;
            Some(*at)
        }));
        let blank_states = run_frozen_layers(bert, &[blank], device);
        if find_not_finite(&blank_states.to_kind(Kind::Half))?.is_some() {
            return Err(not_finite("[CLS] [MASK] [SEP]"));
        }
        let width = blank_states.size()[2] as usize;
        let (settings, texts) = (bert.settings(), pairs.text_hash());
        let name = blake3::hash(
            format!("{encoder_hash} {settings} {texts} {TRAINED_BERT_LAYERS}").as_bytes(),
        );
        let path = folder.join(format!("text-{}.f16", &name.to_hex()[..32]));
        let bytes = offsets[pairs.pairs.len()] * width as u64 * 2;
        if std::fs::metadata(&path).map(|m| m.len()).ok() != Some(bytes) {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
            make_room(folder, bytes);
            compute(&path, pairs, bert, &offsets, device, observe)?;
        }
        let file = File::open(&path).map_err(Error::io("open", &path))?;
        Ok(TextStates {
            file,
            path,
            offsets,
            width,
            blank: to_f16(&blank_states),
        })
    }

    /// Returns the hidden states `[B, L, D]` of the texts of these pairs, and the mask `[B, L]`,
    /// which is true at tokens. `None` stands for a pair without its text.
    pub fn get(&self, shown: &[Option<usize>], device: Device) -> Result<(Tensor, Tensor)> {
        let blank_length = self.blank.len() / self.width;
        let length = |s: &Option<usize>| {
            s.map_or(blank_length, |p| {
                (self.offsets[p + 1] - self.offsets[p]) as usize
            })
        };
        let longest = shown.iter().map(length).max().unwrap_or(0);
        let row = longest * self.width;
        let mut states = vec![f16::ZERO; shown.len() * row];
        let mut keep = vec![false; shown.len() * longest];
        let mut bytes = Vec::new();
        for (i, s) in shown.iter().enumerate() {
            let n = length(s);
            keep[i * longest..i * longest + n].fill(true);
            let to = &mut states[i * row..i * row + n * self.width];
            match s {
                None => to.copy_from_slice(&self.blank),
                Some(pair) => {
                    bytes.resize(n * self.width * 2, 0);
                    let at = self.offsets[*pair] * self.width as u64 * 2;
                    self.file
                        .read_exact_at(&mut bytes, at)
                        .map_err(Error::io("read", &self.path))?;
                    to.iter_mut()
                        .zip(bytes.chunks_exact(2))
                        .for_each(|(to, b)| *to = f16::from_le_bytes([b[0], b[1]]));
                    if to.iter().any(|number| !number.is_finite()) {
                        let reason = format!(
                            "has values that are not finite for pair {pair}; delete the file"
                        );
                        return Err(Error::format(&self.path, reason));
                    }
                }
            }
        }
        let (b, l, d) = (shown.len() as i64, longest as i64, self.width as i64);
        let states = Tensor::from_slice(&states)
            .view([b, l, d])
            .to_device(device)
            .to_kind(Kind::Float);
        Ok((
            states,
            Tensor::from_slice(&keep).view([b, l]).to_device(device),
        ))
    }
}

/// Computes the hidden states of every pair, in batches of similar length. The file is written
/// atomically.
fn compute(
    path: &Path,
    pairs: &LoadedPairs,
    bert: &Bert,
    offsets: &[u64],
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<()> {
    let partial = path.with_extension("partial");
    let file = File::create(&partial).map_err(Error::io("create", &partial))?;
    let mut order: Vec<usize> = (0..pairs.pairs.len()).collect();
    order.sort_by_key(|&p| std::cmp::Reverse(pairs.length(p)));
    let mut done = 0;
    while done < order.len() {
        let most = (BATCH_TOKENS / pairs.length(order[done]).max(1)).clamp(1, order.len() - done);
        let batch = &order[done..done + most];
        let texts: Vec<&[i64]> = batch.iter().map(|&p| pairs.tokens(p)).collect();
        let states = run_frozen_layers(bert, &texts, device);
        for (i, &pair) in batch.iter().enumerate() {
            let own = to_f16(&states.get(i as i64).narrow(0, 0, pairs.length(pair) as i64));
            if own.iter().any(|number| !number.is_finite()) {
                let PairRef {
                    offset, mention, ..
                } = pairs.pairs[pair];
                return Err(not_finite(&format!(
                    "mention {mention} of the sentence at byte {offset} of sentences.json"
                )));
            }
            let width = own.len() / pairs.length(pair);
            let bytes: Vec<u8> = own.iter().flat_map(|h| h.to_le_bytes()).collect();
            file.write_all_at(&bytes, offsets[pair] * width as u64 * 2)
                .map_err(Error::io("write", &partial))?;
        }
        done += most;
        if let Err(stopped) = observe.report(Progress::new(
            "text states",
            done as u64,
            order.len() as u64,
        )) {
            let _ = std::fs::remove_file(&partial);
            return Err(stopped);
        }
    }
    file.sync_all().map_err(Error::io("write", &partial))?;
    std::fs::rename(&partial, path).map_err(Error::io("write", path))
}

fn not_finite(text: &str) -> Error {
    Error::Mismatch(format!(
        "the text encoder's hidden states of {text} are not finite as f16; its weights are damaged or of another network"
    ))
}

/// Computes the padded hidden states `[B, L, D]` of texts after the frozen layers.
fn run_frozen_layers(bert: &Bert, texts: &[&[i64]], device: Device) -> Tensor {
    let (ids, keep) = pad(texts, device);
    tch::no_grad(|| bert.lower(&ids, &attention_bias(&keep), TRAINED_BERT_LAYERS))
}

/// Pads token ids with 0 to one tensor `[B, L]`. Returns it with the mask `[B, L]`, which is true
/// at tokens.
pub(super) fn pad<T: AsRef<[i64]>>(texts: &[T], device: Device) -> (Tensor, Tensor) {
    let longest = texts.iter().map(|t| t.as_ref().len()).max().unwrap_or(0);
    let mut ids = vec![0i64; texts.len() * longest];
    let mut keep = vec![false; ids.len()];
    for (i, text) in texts.iter().map(AsRef::as_ref).enumerate() {
        ids[i * longest..i * longest + text.len()].copy_from_slice(text);
        keep[i * longest..i * longest + text.len()].fill(true);
    }
    let shape = [texts.len() as i64, longest as i64];
    let on_device = |t: Tensor| t.view(shape).to_device(device);
    (
        on_device(Tensor::from_slice(&ids)),
        on_device(Tensor::from_slice(&keep)),
    )
}

fn to_f16(states: &Tensor) -> Vec<f16> {
    let flat = states
        .to_device(Device::Cpu)
        .to_kind(Kind::Half)
        .contiguous()
        .view(-1);
    let mut out = vec![f16::ZERO; flat.numel()];
    let count = out.len();
    flat.copy_data(&mut out, count);
    out
}

/// Deletes the oldest files until `bytes` more fit into [`LIMIT`]. Files that cannot be deleted are
/// ignored.
fn make_room(folder: &Path, bytes: u64) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut files: Vec<_> = entries
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with("text-"))
        .filter_map(|e| {
            e.metadata()
                .ok()
                .and_then(|m| Some((m.modified().ok()?, m.len(), e.path())))
        })
        .collect();
    files.sort();
    let mut total: u64 = files.iter().map(|f| f.1).sum();
    for (_, size, path) in files {
        if total + bytes <= LIMIT {
            break;
        }
        if std::fs::remove_file(path).is_ok() {
            total -= size;
        }
    }
}
