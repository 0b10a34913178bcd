//! What the front ends talk to: plain requests and replies over one worker thread that owns every
//! tensor, and the long jobs of the command line.
//!
//! The explorer has its engine in a process of its own ([`Process`] there, [`pipe::serve`] here):
//! the screen is up before libtorch is loaded, and lives on when the engine does not.

mod batch_ranker;
mod compare;
pub mod describe;
mod evaluation;
mod evaluation_cache;
mod expansion;
mod explanation;
pub mod external;
mod failures;
mod inspect;
pub mod pipe;
mod process;
pub mod protocol;
mod session;
mod worker;

pub use crate::eval::{Evaluation, comparison};
pub use crate::index::check_is_index;
pub use evaluation::{Evaluated, Plan, QueryResult};
pub use process::Process;
pub use session::Session;
pub use worker::Engine;
// for front ends, which may not import the model
pub use crate::model::device;
// And the validator, which needs no engine.
pub use crate::data::{Diagnostic, Diagnostics, Severity, check};
