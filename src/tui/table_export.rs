//! The export of the table that the screen shows.

use crate::table::{Cell, Table, TableFormat};
use crate::tui::app::App;
use crate::tui::message::LoopCommand;
use crate::tui::parts::Screen;

impl App {
    /// Returns the name of the exported file, without its extension.
    pub fn export_stem(&self) -> &'static str {
        match self.screen {
            Screen::Compare => "multiexpan-compare",
            Screen::Failures if self.failures.matrix.on => "multiexpan-confusion",
            Screen::Failures => "multiexpan-failures",
            Screen::Explore | Screen::Metrics => "multiexpan-metrics",
        }
    }

    /// Returns the table of the screen for other programs.
    fn export_table(&self) -> Table {
        match self.screen {
            Screen::Compare => self.compare.export_table(&self.shared),
            Screen::Failures => self.failures.export_table(&self.shared),
            Screen::Explore | Screen::Metrics => self.metrics.export_table(&self.shared),
        }
    }

    /// Writes the table of the screen in the format under the popup's cursor.
    pub(crate) fn export(&mut self, cursor: usize) {
        self.overlay.popup = None;
        let Some(&format) = TableFormat::ALL.get(cursor) else {
            return;
        };
        let table = self.export_table();
        let mut cells = table.rows.iter().flatten();
        if self.screen == Screen::Failures {
            if cells.next().is_none() {
                return self.notify("no failure is shown");
            }
        } else if !cells.any(|cell| matches!(cell, Cell::Number(_))) {
            // counts alone describe the data set
            return self.notify("nothing is evaluated yet");
        }
        self.command = Some(LoopCommand::Write {
            stem: self.export_stem().to_owned(),
            ending: format.extension(),
            text: table.render(format),
        });
    }
}
