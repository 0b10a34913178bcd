//! The pane of classes: a tree of coarse ▸ middle ▸ fine classes, each with its MAP@10 once it is
//! measured.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::{Action, Context, Role};
use crate::tui::class_tree::{ClassTree, Sort, TreeKind, TreeRow};
use crate::tui::explore::pane_context::PaneContext;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::parts::Pane;
use crate::tui::shared::Shared;
use crate::tui::text_input::{TextInput, erase_from_end};
use crate::tui::ui::draw_context::{DrawContext, split_first_line};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::{Extent, keep_in_sight, shifted};
use crate::tui::ui::text;

/// The pane of classes.
#[derive(Debug, Default)]
pub struct ClassesPane {
    pub tree: ClassTree,
    /// Set while the filter of the classes is being typed.
    pub filtering: bool,
}

impl ClassesPane {
    /// Returns the visible rows of the tree, with the MAP@10 of the query's mode and seed count.
    pub fn rows(&self, query: &ExpansionQuery, shared: &Shared) -> Vec<TreeRow> {
        let Some(catalogue) = &shared.catalogue else {
            return Vec::new();
        };
        let key = query.evaluation_key();
        let map = |class| Some(shared.class_metrics.get(&(key, class))?.ap[0]);
        self.tree.visible(self.tree.rows(catalogue, map))
    }

    /// Returns the row that opening a row opens. Under a filter, a group stands for the first class
    /// below it.
    pub(crate) fn row_to_open<'a>(
        &self,
        rows: &'a [TreeRow],
        position: usize,
    ) -> Option<&'a TreeKind> {
        if self.tree.filter.is_empty() {
            return rows.get(position).map(|row| &row.kind);
        }
        let mut below = rows.iter().skip(position).map(|row| &row.kind);
        below.find(|kind| matches!(kind, TreeKind::Class(_)))
    }

    /// Moves the cursor by a number of rows.
    pub(crate) fn step(&mut self, by: isize, query: &ExpansionQuery, shared: &Shared) {
        let rows = self.rows(query, shared);
        self.tree.cursor = shifted(self.tree.cursor, by, rows.len());
    }

    /// Folds or unfolds the group under the cursor.
    pub(crate) fn fold(&mut self, query: &ExpansionQuery, shared: &Shared) {
        let rows = self.rows(query, shared);
        match rows.get(self.tree.cursor).map(|row| &row.kind) {
            Some(TreeKind::Group { key, open: true }) => {
                self.tree.folded.insert(key.clone());
            }
            Some(TreeKind::Group { key, open: false }) => {
                self.tree.folded.remove(key);
            }
            Some(TreeKind::Class(_)) | None => {}
        }
    }

    /// Unfolds every group, or folds all if every group is unfolded.
    pub(crate) fn fold_all(&mut self, query: &ExpansionQuery, shared: &Shared) {
        if self.tree.folded.is_empty() {
            for row in self.rows(query, shared) {
                if let TreeKind::Group { key, .. } = row.kind {
                    self.tree.folded.insert(key);
                }
            }
        } else {
            self.tree.folded.clear();
        }
        self.cursor_to_class(query, shared);
    }

    /// Sorts by the next column.
    pub(crate) fn sort_by_next(&mut self, query: &ExpansionQuery, shared: &Shared) {
        self.tree.sort = self.tree.sort.next();
        self.cursor_to_class(query, shared);
    }

    /// Puts the cursor on the open class, if it is visible.
    pub(crate) fn cursor_to_class(&mut self, query: &ExpansionQuery, shared: &Shared) {
        let rows = self.rows(query, shared);
        let open = query.seeds.class.map(TreeKind::Class);
        let found = open.and_then(|open| rows.iter().position(|row| row.kind == open));
        let last = rows.len().saturating_sub(1);
        self.tree.cursor = found.unwrap_or(self.tree.cursor.min(last));
    }

    /// Puts the cursor on the first class.
    pub(crate) fn cursor_to_first_class(&mut self, query: &ExpansionQuery, shared: &Shared) {
        let rows = self.rows(query, shared);
        let is_class = |row: &TreeRow| matches!(row.kind, TreeKind::Class(_));
        self.tree.cursor = rows.iter().position(is_class).unwrap_or(0);
    }

    /// Appends text to the filter.
    pub(crate) fn insert_text(&mut self, text: &str) {
        self.tree.filter.push_str(text);
        self.tree.cursor = 0;
    }

    /// Erases from the end of the filter.
    pub(crate) fn erase(&mut self, action: Action) {
        erase_from_end(&mut self.tree.filter, action);
        self.tree.cursor = 0;
    }

    /// Shows every class again.
    pub(crate) fn clear_filter(&mut self) {
        self.filtering = false;
        self.tree.filter.clear();
    }

    /// Draws the pane.
    pub(crate) fn draw(&self, canvas: &mut DrawContext, area: Rect, context: &PaneContext) {
        let right = self.sort_label(canvas);
        let inner = context.draw_frame(canvas, area, Pane::Classes, "Classes", right);
        let (head, list) = split_first_line(inner);
        self.draw_filter(canvas, head);
        let shared = canvas.shared;
        let rows = self.rows(context.query, shared);
        if rows.is_empty() {
            return draw_reason(canvas, list);
        }
        let (cursor, page) = (self.tree.cursor, usize::from(list.height));
        let offset = keep_in_sight(cursor, shared.frame.classes.offset, page, rows.len());
        canvas.frame_info.classes = Extent::new(offset, page, rows.len());
        for (at, row) in rows.iter().enumerate().skip(offset).take(page) {
            let line = Rect::new(list.x, list.y + (at - offset) as u16, list.width, 1);
            let selected = at == cursor && context.focus == Pane::Classes;
            let row = self.row_line(canvas, line.width, row, context);
            canvas.list_line(line, row, selected);
            canvas.click_target(line, ClickTarget::ClassRow(at));
        }
        canvas.scroll_bar(list, offset, page, rows.len());
    }

    /// Returns the column that the classes are sorted by.
    fn sort_label(&self, canvas: &DrawContext) -> Line<'static> {
        let catalogue = canvas.catalogue();
        if catalogue.is_none_or(|catalogue| catalogue.classes.is_empty()) {
            return Line::default();
        }
        let label = match self.tree.sort {
            Sort::Size => " size ↓ ",
            Sort::Map => " MAP@10 ↓ ",
            Sort::Name => " MAP@10 ",
        };
        Line::from(canvas.span(Role::Quiet, label))
    }

    fn draw_filter(&self, canvas: &mut DrawContext, area: Rect) {
        let keymap = &canvas.shared.settings.keymap;
        let key = keymap.key_of(Context::Classes, Action::FilterClasses);
        let key = key.unwrap_or_default();
        let lead = canvas.span(Role::Quiet, format!(" {key} "));
        let filter = self.tree.filter.as_str();
        if self.filtering {
            canvas.input_line(area, vec![lead], &TextInput::from(filter), vec![]);
        } else if filter.is_empty() {
            let hint = canvas.span(Role::Quiet, format!(" {key} filter"));
            canvas.line(area, Line::from(hint));
        } else {
            let filter = canvas.span(Role::Title, filter);
            canvas.line(area, Line::from(vec![lead, filter]));
        }
    }

    /// Returns the line of one row: sign, label, and MAP@10 or size.
    fn row_line(
        &self,
        canvas: &DrawContext,
        width: u16,
        row: &TreeRow,
        context: &PaneContext,
    ) -> Line<'static> {
        let (sign, role) = match &row.kind {
            TreeKind::Group { open: true, .. } => ("▾", Role::Title),
            TreeKind::Group { open: false, .. } => ("▸", Role::Title),
            TreeKind::Class(id) if Some(*id) == context.query.seeds.class => ("●", Role::Seed),
            TreeKind::Class(_) => (" ", Role::Text),
        };
        let number_role = match row.kind {
            TreeKind::Group { .. } => Role::Quiet,
            TreeKind::Class(_) => Role::Text,
        };
        let number = match self.tree.sort {
            Sort::Size => row.size.to_string(),
            _ => row.map.map_or_else(|| "·".into(), text::fraction),
        };
        let number = text::fit_right(&number, 4);
        let indent = " ".repeat(row.depth);
        let taken = indent.len() + 2 + text::width(&number) + 2;
        let room = usize::from(width).saturating_sub(taken);
        let mut spans = vec![canvas.span(role, format!("{indent}{sign} "))];
        spans.extend(canvas.label(role, &text::fit(&row.label, room)));
        spans.push(canvas.span(number_role, format!(" {number} ")));
        Line::from(spans)
    }
}

/// Draws the reason why there are no rows.
fn draw_reason(canvas: &mut DrawContext, area: Rect) {
    let reason = match canvas.catalogue() {
        None => "…",
        Some(catalogue) if catalogue.classes.is_empty() => {
            "This index has no classes: type seeds to expand."
        }
        Some(_) => "No class matches the filter.",
    };
    let width = area.width.saturating_sub(2);
    let lines = text::wrap(reason, width.into());
    for (line, text) in (area.y + 1..area.bottom()).zip(lines) {
        let text = Line::from(canvas.span(Role::Quiet, text));
        canvas.line(Rect::new(area.x + 1, line, width, 1), text);
    }
}
