//! The popups, which lie over the screens, and the search of lists.

pub mod explain;
pub mod export;
pub mod help;
pub mod load_warnings;
pub mod missing;
pub mod named_queries;
pub mod palette;
pub mod pasted_names;
mod query_labels;
pub mod themes;
pub mod what_if;
pub mod zoom;

use crate::tui::overlay::explain::tree::ExplainState;
use crate::tui::overlay::export::ExportPopup;
use crate::tui::overlay::help::Help;
use crate::tui::overlay::load_warnings::LoadWarnings;
use crate::tui::overlay::missing::MissingPopup;
use crate::tui::overlay::named_queries::NamedQueries;
use crate::tui::overlay::palette::Palette;
use crate::tui::overlay::pasted_names::PastedNames;
use crate::tui::overlay::themes::ThemePicker;
use crate::tui::overlay::what_if::WhatIf;
use crate::tui::parts::Popup;
use crate::tui::search::ListSearch;

/// The open popup, and the state of each.
#[derive(Debug, Default)]
pub struct Overlay {
    pub popup: Option<Popup>,
    pub help: Help,
    pub missing: MissingPopup,
    pub export: ExportPopup,
    pub palette: Palette,
    pub themes: ThemePicker,
    pub explain: ExplainState,
    pub what_if: WhatIf,
    pub named_queries: NamedQueries,
    pub load_warnings: LoadWarnings,
    pub pasted_names: PastedNames,
    pub search: ListSearch,
}
