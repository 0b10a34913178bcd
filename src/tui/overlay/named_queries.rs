//! Named queries: the popup in which the present query gets a name, and the popup of all of them.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::engine::protocol::Catalogue;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::message::Effect;
use crate::tui::overlay::query_labels::summary;
use crate::tui::persist::session::NamedQueryRecord;
use crate::tui::persist::view_file::QueryRecord;
use crate::tui::shared::Shared;
use crate::tui::text_input::TextInput;
use crate::tui::ui::draw_context::{DrawContext, centered, indented, split_first_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::shifted;
use crate::tui::ui::{popup_list, text};

/// The width of the list in columns.
const LIST_WIDTH: u16 = 84;
/// The width of the field for a name in columns.
const FIELD_WIDTH: u16 = 60;

/// A query that was given a name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedQuery {
    pub name: String,
    pub query: ExpansionQuery,
    /// The query as it is saved, with the parts that this index does not have.
    pub record: QueryRecord,
}

impl NamedQuery {
    /// Creates a query from its record, without the parts that this index does not have.
    pub fn from_record(record: NamedQueryRecord, catalogue: &Catalogue) -> Self {
        let (query, _) = record.query.resolve(catalogue);
        NamedQuery {
            name: record.name,
            query,
            record: record.query,
        }
    }
}

/// All named queries, and the name of a new one while it is typed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NamedQueries {
    pub queries: Vec<NamedQuery>,
    pub input: TextInput,
    pub(crate) cursor: usize,
}

impl NamedQueries {
    /// Opens the field for a name.
    pub(crate) fn start_naming(&mut self) {
        self.input = TextInput::default();
    }

    /// Saves the present query under the typed name. A query of the same name is replaced.
    pub(crate) fn save(&mut self, query: &ExpansionQuery, shared: &Shared) -> Vec<Effect> {
        let Some(catalogue) = &shared.catalogue else {
            return Vec::new();
        };
        let name = self.input.text().trim().to_owned();
        if name.is_empty() {
            return vec![Effect::Notify("type a name first".into())];
        }
        let saved = format!("saved the query “{name}”");
        let named = NamedQuery {
            record: QueryRecord::new(query, catalogue),
            query: query.clone(),
            name,
        };
        let same_name = |other: &&mut NamedQuery| other.name == named.name;
        match self.queries.iter_mut().find(same_name) {
            Some(other) => *other = named,
            None => self.queries.push(named),
        }
        vec![Effect::ClosePopup, Effect::Notify(saved)]
    }

    pub(crate) fn step(&mut self, by: isize) {
        self.cursor = shifted(self.cursor, by, self.queries.len());
    }

    /// Expands a named query, which can be undone.
    pub(crate) fn open(&self, index: usize) -> Vec<Effect> {
        let Some(named) = self.queries.get(index) else {
            return vec![Effect::ClosePopup];
        };
        vec![
            Effect::ClosePopup,
            Effect::ChangeQuery(Box::new(named.query.clone())),
        ]
    }

    /// Removes the query under the cursor. The popup closes with the last one.
    pub(crate) fn remove(&mut self) -> Vec<Effect> {
        if self.cursor < self.queries.len() {
            self.queries.remove(self.cursor);
            self.step(0);
        }
        if self.queries.is_empty() {
            vec![Effect::ClosePopup]
        } else {
            Vec::new()
        }
    }

    /// Draws the field for a name, with a summary of the present query below.
    pub fn draw_name(&self, canvas: &mut DrawContext, screen: Rect, query: &ExpansionQuery) {
        let width = FIELD_WIDTH.min(screen.width);
        let area = Rect {
            y: screen.height / 3,
            ..centered(screen, width, 4.min(screen.height))
        };
        let inner = canvas.popup(area, "Save the query as", "enter saves · esc cancels");
        let (field, below) = split_first_line(indented(inner));
        canvas.input_line(field, vec![], &self.input, vec![]);
        let summary = text::cut(&summary(canvas, query), usize::from(below.width));
        let summary = Line::from(canvas.span(Role::Quiet, summary));
        canvas.lines(below, vec![summary]);
    }

    /// Draws the list of all named queries.
    pub fn draw(&self, canvas: &mut DrawContext, screen: Rect) {
        let width = LIST_WIDTH.min(screen.width.saturating_sub(4));
        let height = (self.queries.len() as u16 + 2).min(screen.height.saturating_sub(4));
        let area = centered(screen, width, height);
        let footer = "enter opens · x removes · esc closes";
        let inner = canvas.popup(area, "Named queries", footer);
        let names = self.queries.iter().map(|named| text::width(&named.name));
        let name_width = names.max().unwrap_or(0).min(usize::from(inner.width) / 3);
        let room = usize::from(inner.width).saturating_sub(name_width + 4);
        let len = self.queries.len();
        popup_list::draw(canvas, inner, self.cursor, len, |canvas, index| {
            let named = &self.queries[index];
            let summary = text::fit(&summary(canvas, &named.query), room);
            let mut spans = vec![Span::raw(" ")];
            spans.extend(canvas.label(Role::Text, &text::fit(&named.name, name_width)));
            spans.push(canvas.span(Role::Quiet, format!("  {summary}")));
            (Line::from(spans), ClickTarget::NamedQuery(index))
        });
    }
}
