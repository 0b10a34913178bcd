//! The report in Markdown.

use crate::eval::SubgroupAnalysis;
use crate::report::report_data::Report;
use crate::report::settings_table::settings_table;
use crate::table::{TableFormat, markdown_text};

impl Report {
    /// Returns the tables of the page, and links to the plots.
    pub(super) fn markdown(&self, plot_names: &[&str]) -> String {
        let mut tables = self.comparison.tables();
        tables.extend(self.analyses.iter().map(SubgroupAnalysis::table));
        let tables: Vec<String> = tables
            .iter()
            .map(|table| table.render(TableFormat::Markdown))
            .collect();
        let mut page = format!("# Runs on {}\n\n", markdown_text(&self.dataset_name()));
        page += &tables.join("\n");
        page.push('\n');
        page += &settings_table(&self.comparison.runs).render(TableFormat::Markdown);
        for note in &self.notes {
            page += &format!("\n{}\n", markdown_text(note));
        }
        for name in plot_names {
            page += &format!("\n![{name}]({name})\n");
        }
        page
    }
}
