//! Letters for terminals that have none beyond ASCII.

/// What stands for a cell's symbol: as wide, and of ASCII alone. Borders, marks and bars have their
/// look-alikes; any other letter is a question mark.
pub fn fallback(symbol: &str, width: usize) -> String {
    if symbol.is_ascii() {
        return symbol.to_owned();
    }
    let Some(first) = symbol.chars().next() else {
        return String::new();
    };
    let letter = match first {
        '─' | '━' | '╌' | '┄' | '–' | '—' | '−' | '‐' | '‑' => '-',
        '│' | '┃' | '▏' | '▎' | '▍' | '▐' | '▌' => '|',
        '┌'..='┏' | '┐'..='┛' | '├'..='╋' | '╭'..='╰' => '+',
        '█' | '▉' | '▊' | '▋' | '▓' | '▆' | '▇' => '#',
        '▒' | '▄' | '▅' | '▀' => '=',
        '░' | '▁' | '▂' | '▃' => ':',
        '✓' | '✔' => 'v',
        '✗' | '✘' | '✕' | '×' => 'x',
        '●' | '◆' | '•' | '■' => '*',
        '○' | '◇' | '□' => 'o',
        '·' | '…' | '⋯' => '.',
        '▲' | '↑' | '△' => '^',
        '▼' | '▾' | '↓' | '▽' => 'v',
        '▸' | '▶' | '→' | '›' | '❯' => '>',
        '◂' | '◀' | '←' | '‹' => '<',
        '“' | '”' | '„' => '"',
        '‘' | '’' => '\'',
        // the spinner
        '\u{2800}'..='\u{28ff}' => '*',
        '\u{a0}' => ' ',
        'τ' => 't',
        'Σ' => 'S',
        other => base_letter(other).unwrap_or('?'),
    };
    letter.to_string() + &"?".repeat(width.saturating_sub(1))
}

/// A Latin letter without its accents.
fn base_letter(letter: char) -> Option<char> {
    use unicode_normalization::UnicodeNormalization;
    std::iter::once(letter).nfd().next().filter(char::is_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_keeps_its_width() {
        assert_eq!(fallback("a", 1), "a");
        assert_eq!(fallback("虎", 2), "??");
        assert_eq!(fallback("é", 1), "e");
        assert_eq!(fallback("e\u{301}", 1), "e");
        for border in "┏━┓┃┗┛╭─╮│╰╯├┤┬┴┼".chars() {
            let shown = fallback(&border.to_string(), 1);
            assert!(
                matches!(shown.as_str(), "+" | "-" | "|"),
                "{border}: {shown}"
            );
        }
    }
}
