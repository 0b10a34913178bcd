//! The size of the terminal, for commands that print to it.

/// Returns the columns and rows, if the terminal reports them.
pub fn size() -> Option<(u16, u16)> {
    let (columns, rows) = viuer::terminal_size();
    (columns > 0 && rows > 0).then_some((columns, rows))
}
