//! Cosines of what the frozen encoders see: the bar that a trained model has to pass. An entity is
//! the mean of its sentences (each the mean of the text encoder's last states, of unit length), or
//! of its pictures (each the mean of its patches), less what all entities share.

use tch::Device;
use tch::nn::VarStore;

use crate::baselines::entity_vectors::{EntityVectors, rank_by_scores};
use crate::baselines::score_fusion::ScoreFusion;
use crate::baselines::{BaselineSources, FittedBaseline, RankFn};
use crate::data::Dataset;
use crate::error::Result;
use crate::features::entity_mean::centred_unit_rows;
use crate::features::load_pairs::load_pairs;
use crate::features::profiles::Profiles;
use crate::model::bert::Bert;
use crate::model::parameters::load_encoder;
use crate::progress::{Observer, Progress};
use crate::types::Mode;

/// By sentences, by pictures, or by both.
pub fn prepare(
    mode: Mode,
    dataset: &Dataset,
    places: &BaselineSources,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<FittedBaseline> {
    let encoders = places.encoders(device)?;
    let (pairs, patches) = load_pairs(dataset, &encoders, None, &places.cache, None, observe)?;
    let store = VarStore::new(device);
    let bert = Bert::new(store.root() / "bert", &encoders.text.sizes);
    load_encoder(&store, &encoders.text.weights)?;
    let hash = &encoders.text.source.hash;
    let profiles = Profiles::open(
        &places.cache,
        &pairs,
        &patches,
        &bert,
        hash,
        device,
        observe,
    )?;
    let (text, image) = (
        EntityVectors::new(&centred_unit_rows(&profiles.text)),
        EntityVectors::new(&centred_unit_rows(&profiles.image)),
    );
    // both, whatever is ranked by: they settle which pairs are used
    let mut settings = encoders.settings();
    let rank: RankFn = match (mode.sees_text(), mode.sees_image()) {
        (true, true) => {
            let fusion = ScoreFusion::fit(dataset, &pairs.entities, [text, image], observe)?;
            settings.extend(fusion.settings(dataset));
            Box::new(move |class, seeds| Ok(rank_by_scores(&fusion.likeness(class, seeds)?, seeds)))
        }
        (sees_text, _) => {
            let seen = if sees_text { text } else { image };
            Box::new(move |_, seeds| Ok(rank_by_scores(&seen.likeness(seeds)?, seeds)))
        }
    };
    Ok(FittedBaseline {
        entities: pairs.entities,
        rank,
        settings,
        left_out: pairs.left_out,
    })
}
