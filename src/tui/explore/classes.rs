//! What is done to the tree of classes.
//!
//! The classes: coarse ▸ middle ▸ fine, each with its MAP@10 as it is measured.

use crate::config::{Action, Context, Role};
use crate::tui::app::App;
use crate::tui::class_tree::{Sort, TreeKind, TreeRow};
use crate::tui::parts::Pane;
use crate::tui::text_input::TextInput;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::{Extent, keep_in_sight};
use crate::tui::ui::text;
use ratatui::layout::Rect;
use ratatui::text::Line;

impl App {
    pub(crate) fn open_tree_row(&mut self, at: usize) {
        let rows = self.tree_rows();
        // under a filter a heading stands for the first class below it
        let first = || {
            rows.iter()
                .skip(at)
                .find(|r| matches!(r.kind, TreeKind::Class(_)))
        };
        match if self.explore.classes.tree.filter.is_empty() {
            rows.get(at)
        } else {
            first()
        }
        .map(|r| &r.kind)
        {
            Some(TreeKind::Group { .. }) => {
                self.explore.classes.tree.cursor = at;
                self.fold();
            }
            Some(&TreeKind::Class(class)) => {
                if std::mem::take(&mut self.explore.classes.filtering) {
                    self.explore.classes.tree.filter.clear();
                }
                self.open_query(class, self.explore.query.seeds.count, 0);
                self.cursor_to_class();
                self.explore.focus = Pane::Candidates;
            }
            None => {}
        }
    }

    pub(crate) fn fold(&mut self) {
        let rows = self.tree_rows();
        let Some(TreeKind::Group { key, open }) = rows
            .get(self.explore.classes.tree.cursor)
            .map(|r| r.kind.clone())
        else {
            return;
        };
        if open {
            self.explore.classes.tree.folded.insert(key);
        } else {
            self.explore.classes.tree.folded.remove(&key);
        }
    }

    pub(crate) fn fold_all(&mut self) {
        if !self.explore.classes.tree.folded.is_empty() {
            self.explore.classes.tree.folded.clear();
        } else {
            let keys = self.tree_rows().into_iter().filter_map(|r| match r.kind {
                TreeKind::Group { key, .. } => Some(key),
                TreeKind::Class(_) => None,
            });
            self.explore.classes.tree.folded = keys.collect();
        }
        self.cursor_to_class();
    }

    /// Puts the tree's cursor on the open class, where it is in sight.
    pub(crate) fn cursor_to_class(&mut self) {
        let rows = self.tree_rows();
        let open = self.explore.query.seeds.class.map(TreeKind::Class);
        let found = open.and_then(|open| rows.iter().position(|r| r.kind == open));
        self.explore.classes.tree.cursor = found.unwrap_or(
            self.explore
                .classes
                .tree
                .cursor
                .min(rows.len().saturating_sub(1)),
        );
    }
}

pub fn draw(canvas: &mut DrawContext, area: Rect) {
    let app = canvas.app;
    let title = Line::from(canvas.title(Pane::Classes, "Classes"));
    let right = match app.explore.classes.tree.sort {
        _ if canvas.catalogue().is_none_or(|c| c.classes.is_empty()) => Line::default(),
        Sort::Size => Line::from(canvas.span(Role::Quiet, " size ↓ ")),
        Sort::Map => Line::from(canvas.span(Role::Quiet, " MAP@10 ↓ ")),
        Sort::Name => Line::from(canvas.span(Role::Quiet, " MAP@10 ")),
    };
    let inner = canvas.pane(area, Pane::Classes, title, right);
    let [head, list] = [
        Rect {
            height: 1.min(inner.height),
            ..inner
        },
        below(inner),
    ];
    filter_line(canvas, head);
    let rows = app.tree_rows();
    if rows.is_empty() {
        return empty(canvas, list);
    }
    let page = usize::from(list.height);
    let offset = keep_in_sight(
        app.explore.classes.tree.cursor,
        app.shared.frame.classes.offset,
        page,
        rows.len(),
    );
    canvas.frame_info.classes = Extent {
        offset,
        page,
        furthest: rows.len().saturating_sub(page),
    };
    for (at, row) in rows.iter().enumerate().skip(offset).take(page) {
        let line = Rect::new(list.x, list.y + (at - offset) as u16, list.width, 1);
        draw_row(canvas, line, row, at == app.explore.classes.tree.cursor);
        canvas.click_target(line, ClickTarget::ClassRow(at));
    }
    canvas.scroll_bar(list, offset, page, rows.len());
}

fn below(inner: Rect) -> Rect {
    Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1),
        ..inner
    }
}

fn filter_line(canvas: &mut DrawContext, area: Rect) {
    let app = canvas.app;
    let key = app
        .shared
        .settings
        .keymap
        .key_of(Context::Classes, Action::FilterClasses)
        .unwrap_or_default();
    let lead = canvas.span(Role::Quiet, format!(" {key} "));
    match (
        app.explore.classes.filtering,
        app.explore.classes.tree.filter.as_str(),
    ) {
        (false, "") => canvas.line(
            area,
            Line::from(canvas.span(Role::Quiet, format!(" {key} filter"))),
        ),
        (false, filter) => canvas.line(
            area,
            Line::from(vec![lead, canvas.span(Role::Title, filter)]),
        ),
        (true, filter) => canvas.input_line(area, vec![lead], &TextInput::from(filter), vec![]),
    }
}

fn empty(canvas: &mut DrawContext, area: Rect) {
    let said = match canvas.catalogue() {
        None => "…",
        Some(c) if c.classes.is_empty() => "This index has no classes: type seeds to expand.",
        Some(_) => "No class is called that.",
    };
    for (at, line) in text::wrap(said, usize::from(area.width.saturating_sub(2)))
        .into_iter()
        .enumerate()
    {
        let at = Rect::new(
            area.x + 1,
            area.y + 1 + at as u16,
            area.width.saturating_sub(2),
            1,
        );
        if at.bottom() <= area.bottom() {
            let line = Line::from(canvas.span(Role::Quiet, line));
            canvas.line(at, line);
        }
    }
}

fn draw_row(canvas: &mut DrawContext, area: Rect, row: &TreeRow, selected: bool) {
    let open_class = canvas.app.explore.query.seeds.class;
    let (sign, role) = match &row.kind {
        TreeKind::Group { open: true, .. } => ("▾", Role::Title),
        TreeKind::Group { open: false, .. } => ("▸", Role::Title),
        TreeKind::Class(id) if Some(*id) == open_class => ("●", Role::Seed),
        TreeKind::Class(_) => (" ", Role::Text),
    };
    let number = match canvas.app.explore.classes.tree.sort {
        Sort::Size => row.size.to_string(),
        _ => row.map.map_or_else(|| "·".into(), text::fraction),
    };
    let number = text::fit_right(&number, 4);
    let indent = " ".repeat(row.depth);
    let room = usize::from(area.width).saturating_sub(indent.len() + 2 + text::width(&number) + 2);
    let number_role = if matches!(row.kind, TreeKind::Group { .. }) {
        Role::Quiet
    } else {
        Role::Text
    };
    let mut spans = vec![canvas.span(role, format!("{indent}{sign} "))];
    spans.extend(canvas.label(role, &text::fit(&row.label, room)));
    spans.push(canvas.span(number_role, format!(" {number} ")));
    let line = Line::from(spans);
    let focused = canvas.app.explore.focus == Pane::Classes;
    let line = if selected && focused {
        line.style(canvas.style(Role::Selection))
    } else {
        line
    };
    canvas.line(area, line);
}
