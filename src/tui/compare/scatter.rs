//! Draws the scatter plot of the Compare screen. A point is a class or a query, with the AP of the
//! reference across and that of the first ranker up.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::tui::compare::Compare;
use crate::tui::compare::table_state::CompareRow;
use crate::tui::ui::delta::sign;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::text;

impl Compare {
    pub(super) fn draw_scatter(&self, canvas: &mut DrawContext, area: Rect, rows: &[CompareRow]) {
        let cursor = self.table.cursor(rows);
        let selected = rows.get(cursor).map_or("", |row| &row.label);
        let [first, reference] = self.rankers.pair_names(canvas.shared);
        let title = canvas.span(Role::Title, format!(" {first} ↑  {reference} → "));
        let room = usize::from(area.width).saturating_sub(title.width() + 6);
        let selected = text::cut(&format!("◆ {selected}"), room);
        let right = canvas.span(Role::Focus, format!(" {selected} "));
        let inner = canvas.framed(area, false, title.into(), right.into());
        if inner.width < 4 || inner.height < 3 || rows.is_empty() {
            return;
        }
        let plot = Plot::new(inner, rows);
        plot.draw_diagonal(canvas);
        for (index, row) in rows.iter().enumerate() {
            if index != cursor {
                plot.draw_point(canvas, index, row, false);
            }
        }
        // the selected point lies above the others
        if let Some(row) = rows.get(cursor) {
            plot.draw_point(canvas, cursor, row, true);
        }
    }
}

/// The inside of the scatter plot. Both axes go from `least` to 1.
struct Plot {
    area: Rect,
    least: f64,
}

impl Plot {
    /// Returns a plot whose axes begin with the least value, rounded down to tenths: most classes
    /// are near the top.
    fn new(area: Rect, rows: &[CompareRow]) -> Plot {
        let values = rows.iter().flat_map(|row| row.ap).flatten();
        let least = values.fold(1.0, f64::min);
        let least = ((least * 10.0).floor() / 10.0).min(0.9);
        Plot { area, least }
    }

    /// Returns the cell `x` columns from the left and `y` rows from the bottom.
    fn cell(&self, x: u16, y: u16) -> Rect {
        Rect::new(
            self.area.x + x.min(self.area.width - 1),
            self.area.bottom() - 1 - y.min(self.area.height - 1),
            1,
            1,
        )
    }

    /// Returns the position of a value on an axis of this many cells.
    fn position(&self, value: f64, cells: u16) -> u16 {
        (((value - self.least) / (1.0 - self.least)) * f64::from(cells - 1)).round() as u16
    }

    /// Draws the diagonal, and the least value in the corner where it begins.
    fn draw_diagonal(&self, canvas: &mut DrawContext) {
        let (columns, rows) = (self.area.width, self.area.height);
        for x in 0..columns {
            let y = (f64::from(x) / f64::from(columns - 1) * f64::from(rows - 1)).round() as u16;
            canvas.line(self.cell(x, y), Line::from(canvas.span(Role::Border, "·")));
        }
        let corner = Rect {
            width: 4.min(columns),
            ..self.cell(0, 0)
        };
        let least = canvas.span(Role::Quiet, text::fraction(self.least));
        canvas.line(corner, Line::from(least));
    }

    /// Draws the point of a row. Above the diagonal the first ranker is better.
    fn draw_point(&self, canvas: &mut DrawContext, index: usize, row: &CompareRow, selected: bool) {
        let [Some(first), Some(reference)] = row.ap else {
            return;
        };
        let x = self.position(reference, self.area.width);
        let y = self.position(first, self.area.height);
        let cell = self.cell(x, y);
        let (mark, role) = match sign(first - reference) {
            _ if selected => ("◆", Role::Focus),
            // the diagonal is drawn with dots
            ("·", _, role) => ("○", role),
            (mark, _, role) => (mark, role),
        };
        canvas.line(cell, Line::from(canvas.span(role, mark)));
        canvas.click_target(cell, ClickTarget::CompareRow(index));
    }
}
