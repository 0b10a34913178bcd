//! The report of a comparison: plots, tables and images in one HTML page, and the same in Markdown.
//!
//! * `report_data` – everything that a report shows
//! * `report_files` – the files of a report
//! * `html_page`, `class_section`, `changes_section`, `html_table` – the page
//! * `markdown_page`, `settings_table`, `conclusion` – text
//! * `report_plots`, `plot`, `row_plot`, `scatter_plot`, `plot_axis` – plots as SVG
//! * `thumbnail` – images within the page

mod changes_section;
mod class_plots;
mod class_section;
mod conclusion;
mod html_page;
mod html_table;
mod markdown_page;
mod plot;
mod plot_axis;
mod report_data;
mod report_files;
mod report_plots;
mod row_plot;
mod scatter_plot;
mod settings_table;
#[cfg(test)]
mod tests;
mod thumbnail;

pub use plot::Plot;
pub use report_data::Report;
pub use row_plot::analysis_plot;
pub use thumbnail::thumbnails;
