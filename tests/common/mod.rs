//! Modules that several test programs use.
#![allow(dead_code)] // each program uses a part of them

pub mod formula;
pub mod workspace;
