//! The work of the commands, one file for each, without printing. Each takes paths and plain
//! settings, and reports its progress to an observer.

pub mod ablate;
pub mod analyse;
pub mod analyse_sentences;
pub mod baseline;
pub mod calibrate;
pub mod compare;
pub mod convert;
pub mod convert_run;
pub mod evaluate;
pub mod index;
pub mod qrels;
pub mod report;
pub mod train;
