//! The programs as a user runs them: every command, its output, its errors, and its files after a
//! crash.

mod ablation;
mod baselines;
mod calibrate;
mod causes;
mod check;
mod cli;
#[path = "../common/mod.rs"]
mod common;
mod compare;
mod convert;
mod crash_safety;
mod evaluate;
mod foreign_text;
mod frozen_index;
mod hub;
mod invalid_input;
mod report;
mod resume;
mod runs;
