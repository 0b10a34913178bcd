//! The files of a report.

use crate::printable;
use crate::report::report_data::Report;

impl Report {
    /// Returns every file of the report as (name, content): the page, its Markdown, and each plot.
    pub fn files(&self) -> Vec<(String, String)> {
        let plots = self.plot_files();
        let plot_names: Vec<&str> = plots.iter().map(|(name, _)| name.as_str()).collect();
        let mut files = Vec::with_capacity(plots.len() + 2);
        for (name, text) in [
            ("report.html", self.html()),
            ("report.md", self.markdown(&plot_names)),
        ] {
            files.push((name.to_owned(), printable::lines(&text).into_owned()));
        }
        files.extend(plots);
        files
    }
}
