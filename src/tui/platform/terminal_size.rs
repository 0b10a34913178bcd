//! The size of the screen and of its cells, as the kernel reports them.

use ratatui::layout::Size;

/// The size of a screen whose size is not known.
const DEFAULT_SCREEN: (u16, u16) = (80, 24);

/// Returns the columns and rows of the screen.
pub fn screen_size() -> Size {
    let (columns, rows) = crossterm::terminal::size().unwrap_or(DEFAULT_SCREEN);
    Size::new(columns, rows)
}

/// Returns the width and height of a cell in pixels, computed from the size of the screen. `None`
/// if the kernel does not know the number of columns or rows.
pub fn kernel_cell_size() -> Option<(u16, u16)> {
    let size = crossterm::terminal::window_size().ok()?;
    Some((
        size.width.checked_div(size.columns)?,
        size.height.checked_div(size.rows)?,
    ))
}
