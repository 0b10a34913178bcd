//! ASCII replacements for characters, for terminals that cannot show others.

/// Returns an ASCII replacement of the same width for the symbol of a cell. Borders, marks and bars
/// become similar characters, accented Latin letters lose their accents, and any other character
/// becomes a question mark.
pub fn to_ascii(symbol: &str, width: usize) -> String {
    if symbol.is_ascii() {
        return symbol.to_owned();
    }
    let Some(first) = symbol.chars().next() else {
        return String::new();
    };
    let replacement = match first {
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
        // Braille patterns: the frames of the spinner
        '\u{2800}'..='\u{28ff}' => '*',
        '\u{a0}' => ' ',
        'τ' => 't',
        'Σ' => 'S',
        other => base_letter(other).unwrap_or('?'),
    };
    replacement.to_string() + &"?".repeat(width.saturating_sub(1))
}

/// Returns a Latin letter without its accents.
fn base_letter(letter: char) -> Option<char> {
    use unicode_normalization::UnicodeNormalization;
    std::iter::once(letter).nfd().next().filter(char::is_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_has_the_width_of_the_symbol() {
        assert_eq!(to_ascii("a", 1), "a");
        assert_eq!(to_ascii("虎", 2), "??");
        assert_eq!(to_ascii("é", 1), "e");
        assert_eq!(to_ascii("e\u{301}", 1), "e");
        for border in "┏━┓┃┗┛╭─╮│╰╯├┤┬┴┼".chars() {
            let replacement = to_ascii(&border.to_string(), 1);
            assert!(
                matches!(replacement.as_str(), "+" | "-" | "|"),
                "{border}: {replacement}"
            );
        }
    }
}
