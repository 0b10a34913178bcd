//! One widget a file. Each draws one region from the app's state and notes what the mouse can hit.

pub mod bars;
pub mod candidates;
pub mod classes;
pub mod completion;
pub mod difference;
pub mod entity;
pub mod explain;
pub mod export;
pub mod help;
pub mod hints;
pub mod metrics;
pub mod missing;
pub mod seeds;
pub mod states;
pub mod status;
pub mod text;
pub mod told;
pub mod under_cursor;
pub mod verdict;
pub mod whatif;
pub mod zoom;
