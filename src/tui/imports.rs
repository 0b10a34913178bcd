//! Imports other indexes and runs for Compare, one after the other.

use std::path::PathBuf;

use crate::engine::protocol::{Import, RequestKind};
use crate::tui::app::App;
use crate::tui::requests::RequestClass;

impl App {
    /// Imports an index or a run after those that are pending.
    pub(crate) fn import(&mut self, path: PathBuf) {
        self.compare.rankers.pending_imports.push(path);
        self.import_next();
    }

    /// Sends the next import. There is one at a time, since a newer request makes the pending one
    /// of its class stale.
    pub(crate) fn import_next(&mut self) {
        let imports = &mut self.compare.rankers.pending_imports;
        let engine = &mut self.shared.engine;
        let is_busy = engine.pending.is_running(RequestClass::Import);
        if self.shared.catalogue.is_none() || is_busy || imports.is_empty() {
            return;
        }
        let path = imports.remove(0);
        engine.send(RequestClass::Import, RequestKind::Import { path });
    }

    /// Takes up an import. Compare shows it at once if there is room.
    pub(crate) fn imported(&mut self, import: Import) {
        self.shared.engine.pending.finish(RequestClass::Import);
        if !import.warnings.is_empty() {
            self.notify(format!("{}: {}", import.label, import.warnings.join(", ")));
        }
        let is_added = self.compare.rankers.add_imported(&import.rankers);
        self.shared.imports.push(import);
        if is_added {
            self.evaluate();
        }
        self.import_next();
    }
}
