//! The Explore screen: classes, seeds, candidates and one entity.

pub mod candidates;
pub mod class_tree;
pub mod classes;
pub mod completion;
pub mod entity;
pub mod expansion;
pub mod metrics_line;
pub mod missing;
pub mod query;
pub mod screen;
pub mod seeds;
pub mod selection;
