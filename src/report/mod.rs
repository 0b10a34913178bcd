//! What was measured, as a page that people read: plots, tables, pictures, in one file.

mod classes;
mod exchanges;
mod page;
mod plot;
mod thumbnail;

pub use page::Report;
pub use plot::{Plot, analysis as analysis_plot};
pub use thumbnail::thumbnails;
