//! The size of the terminal, for commands that print to it.

/// Columns and rows, where the terminal tells.
pub fn size() -> Option<(u16, u16)> {
    let (columns, rows) = viuer::terminal_size();
    (columns > 0 && rows > 0).then_some((columns, rows))
}
