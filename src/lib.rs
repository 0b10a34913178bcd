//! MultiExpan: multi-modal entity set expansion, and a terminal program to explore it.
//!
//! Data flows in one direction: data set → features → model → index → expansion → evaluation →
//! screen. The engine knows nothing about terminals, and the terminal knows nothing about tensors.
//!
//! * `error`, `types`, `progress`, `files`, … – the base, used by every folder
//! * [`data`] – data sets: vocabulary, corpus, gold classes, queries, validation
//! * [`features`] – sentences to tokens, images to patch features, and their caches
//! * [`model`] – the network, the frozen encoders, checkpoints, the device
//! * [`train`] – the pre-training tasks, sampling, mining, and the training loop
//! * [`index`] – the factorised index: building, storing, opening
//! * [`expand`] – seed ranking, window search and re-ranking
//! * [`eval`] – metrics, significance tests, runs, comparisons, error analysis
//! * [`baselines`] – the systems to compare with
//! * [`report`] – plots and the HTML page
//! * [`jobs`] – the work of the commands, one file for each, without printing
//! * [`engine`] – the explorer's engine: protocol, session, worker, background jobs
//! * [`config`] – settings, keymap and themes
//! * [`cli`] – one file for each command: arguments in, text out
//! * [`tui`] – the explorer, by feature
//!
//! The parts of the explorer's interface are called as follows:
//!
//! ```text
//!  multiexpan  demo · both · 151 entities …      1 Explore  2 Compare  3 Failures  4 Metrics  ? help
//! ╭ Classes ─────── MAP@10 ╮╭ Seeds ──────────────────────────────────────────────────────────────╮
//! │ / filter               ││  badger ✕   polar bear ✕   jaguar ✕  a add…                         │
//! │▾ Living things     .74 │╰─────────────────────────────────────────────────────────────────────╯
//! │ ▾ Animals          .62 │┏ Candidates ━━━━━━━━━━━━━━━━━ by feedback ━┓╭ Entity ────────────────╮
//! │  ● carnivorous m…  .69 │┃   #   entity      score member text│image ┃│ images, probability,   │
//! │    land birds      .54 │┃   1 ✓ otter        3.55   98 % ████│████  ┃│ score, sentences,      │
//! │    ungulates       .64 │┃───── about 11 of 12 are members ──────────┃│ neighbours             │
//! │                        │┃  13 ✗ rhea        -0.31   45 % ████│███▋  ┃│                        │
//! ╰────────────────────────╯┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛╰────────────────────────╯
//!  AP@10 .67  @20 .58  @50 .73  @100 .73  P@10 .70                            120 ranked, 11 ms
//! ```
//!
//! * The first line is the header: the data set, the mode and the device on the left, the tabs of the
//!   four screens on the right.
//! * Explore has four panes: the class tree, the seed bar, the candidate list and the entity pane. The
//!   pane with the focus has a heavy border.
//! * In the class tree, ● marks the class of the query. A gold mark is ✓ for a gold member, ✗ for a
//!   known non-member and ? for an unjudged entity.
//! * The seed bar has a chip for every seed, and one with + for every accepted candidate.
//! * A candidate has the probability that it is a member, a contribution bar for text and image, and the
//!   change of its rank against another mode (▲ ▼). The boundary line shows where the class probably
//!   ends.
//! * The last line is the metrics line, with the status on the right. A notice takes its place.
//! * Explain, What-if, the palette and the help are popups. All of them form the overlay.

pub mod baselines;
pub mod cli;
pub mod config;
pub mod data;
pub mod engine;
pub mod error;
pub mod eval;
pub mod expand;
pub mod features;
pub mod files;
pub mod git_lfs;
pub mod image_file;
pub mod index;
pub mod jobs;
pub mod model;
pub mod name;
pub mod pickle;
pub mod printable;
pub mod progress;
pub mod report;
pub mod table;
pub mod text_file;
pub mod train;
pub mod tui;
pub mod types;
