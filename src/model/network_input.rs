//! The input of the network: a batch of pairs after BERT's frozen layers.

use tch::{Kind, Tensor};

/// A batch of pairs for the trained part of the network.
#[derive(Debug)]
pub struct NetworkInput {
    /// Hidden states after BERT's frozen layers, `[B, L, D]`.
    pub text: Tensor,
    /// True at tokens, false at padding, `[B, L]`.
    pub text_keep: Tensor,
    /// The position of `[MASK]`, `[B]`.
    pub mask_position: Tensor,
    /// Patch features `[B, P, F]`. `None` if no row has an image.
    pub patches: Option<Tensor>,
    /// True for rows whose image is visible, `[B]`. `None` means all rows.
    pub image_keep: Option<Tensor>,
}

impl NetworkInput {
    /// Returns the mean over the tokens of each text: `[B, L, D]` → `[B, D]`.
    pub fn mean_over_tokens(&self, texts: &Tensor) -> Tensor {
        let keep = self.text_keep.to_kind(Kind::Float).unsqueeze(-1); // [B, L, 1]
        let sums = (texts * &keep).sum_dim_intlist([1i64].as_slice(), false, Kind::Float); // [B, D]
        let counts = keep.sum_dim_intlist([1i64].as_slice(), false, Kind::Float); // [B, 1]
        sums / counts
    }

    /// Returns the hidden state at `[MASK]` of each text: `[B, L, D]` → `[B, D]`.
    pub fn at_mask(&self, texts: &Tensor) -> Tensor {
        let positions = self
            .mask_position
            .view([-1, 1, 1])
            .expand([-1, 1, texts.size()[2]], false); // [B, 1, D]
        texts.gather(1, &positions, false).squeeze_dim(1)
    }

    /// Returns other pairs of the same sentences and images: row i has the text `texts[i]` and the
    /// image `images[i]`.
    pub fn recombined(&self, texts: &Tensor, images: &Tensor) -> NetworkInput {
        let select = |x: &Tensor, rows: &Tensor| x.index_select(0, rows);
        NetworkInput {
            text: select(&self.text, texts),
            text_keep: select(&self.text_keep, texts),
            mask_position: select(&self.mask_position, texts),
            patches: self.patches.as_ref().map(|x| select(x, images)),
            image_keep: self.image_keep.as_ref().map(|x| select(x, images)),
        }
    }
}
