//! One widget a file. Each draws one region from the app's state and notes what the mouse can hit.

pub mod bars;
pub mod candidates;
pub mod classes;
pub mod completion;
pub mod confusion;
pub mod contenders;
pub mod difference;
pub mod entity;
pub mod export;
pub mod failure;
pub mod failures;
pub mod following;
pub mod help;
pub mod hints;
pub mod metrics;
pub mod missing;
pub mod palette;
pub mod search;
pub mod seeds;
pub mod status;
pub mod text;
pub mod themes;
pub mod zoom;
