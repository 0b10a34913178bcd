//! Tables in the page.

use maud::{Markup, html};

use crate::table::{Cell, Table};

/// The greatest number of rows of a table that is not folded.
const MAX_OPEN_ROWS: usize = 40;
/// The greatest number of characters of a cell that is not wrapped.
const MAX_LINE: usize = 60;

/// Returns a table, folded under `summary` if it is long.
pub(super) fn foldable_table(summary: &str, table: &Table) -> Markup {
    let rows = table.rows.len();
    if rows <= MAX_OPEN_ROWS {
        return html_table(table);
    }
    html! {
        details {
            summary { (summary) span.quiet { (rows) " rows" } }
            (html_table(table))
        }
    }
}

/// Returns a table that scrolls on its own if it is too wide.
pub(super) fn html_table(table: &Table) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                @if !table.title.is_empty() { caption { (table.title) } }
                thead { tr { @for header in &table.headers { th scope="col" { (header) } } } }
                tbody { @for row in &table.rows { (table_row(row)) } }
            }
        }
    }
}

fn table_row(row: &[Cell]) -> Markup {
    html! {
        tr {
            @for (column, cell) in row.iter().enumerate() {
                @if column == 0 {
                    th scope="row" { (cell.to_plain_text()) }
                } @else {
                    td class=(cell_class(cell)) { (cell.to_plain_text()) }
                }
            }
        }
    }
}

fn cell_class(cell: &Cell) -> &'static str {
    match cell {
        Cell::Text(text) if text.chars().count() > MAX_LINE => "long",
        Cell::Text(_) => "",
        _ => "number",
    }
}
