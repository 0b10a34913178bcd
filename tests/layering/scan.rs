//! Reads Rust source as far as the rules need it: code without comments and strings, paths, tests.

/// Blanks comments and the insides of strings and characters; every line keeps its number.
pub fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = match chars[i] {
            '/' if chars.get(i + 1) == Some(&'/') => line_end(&chars, i),
            '/' if chars.get(i + 1) == Some(&'*') => block_end(&chars, i),
            '"' => string_end(&chars, i + 1),
            'r' if !follows_word(&chars, i) => match raw_end(&chars, i) {
                Some(end) => end,
                None => i,
            },
            '\'' => char_end(&chars, i).unwrap_or(i),
            _ => i,
        };
        if end == i {
            out.push(chars[i]);
            i += 1;
            continue;
        }
        let quoted = chars[i] != '/';
        out.push(if quoted { '"' } else { ' ' });
        out.extend(
            chars[i + 1..end - 1]
                .iter()
                .map(|&c| if c == '\n' { '\n' } else { ' ' }),
        );
        out.push(if quoted { '"' } else { ' ' });
        i = end;
    }
    out
}

fn follows_word(chars: &[char], i: usize) -> bool {
    // `br"…"` is a raw string too; any other word that ends in r is not.
    match i.checked_sub(1).map(|j| chars[j]) {
        Some('b') => i >= 2 && is_word(chars[i - 2]),
        Some(c) => is_word(c),
        None => false,
    }
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line_end(chars: &[char], i: usize) -> usize {
    (i..chars.len())
        .find(|&j| chars[j] == '\n')
        .unwrap_or(chars.len())
}

fn block_end(chars: &[char], i: usize) -> usize {
    let (mut depth, mut j) = (0, i);
    while j + 1 < chars.len() {
        match (chars[j], chars[j + 1]) {
            ('/', '*') => (depth, j) = (depth + 1, j + 2),
            ('*', '/') => (depth, j) = (depth - 1, j + 2),
            _ => j += 1,
        }
        if depth == 0 {
            return j;
        }
    }
    chars.len()
}

/// Returns the position after the closing quote of the string whose inside begins at `i`.
fn string_end(chars: &[char], mut i: usize) -> usize {
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

/// Returns the position after the raw string that begins at the `r`, if one does.
fn raw_end(chars: &[char], i: usize) -> Option<usize> {
    let hashes = chars[i + 1..].iter().take_while(|&&c| c == '#').count();
    let open = i + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes = |j: usize| {
        chars[j] == '"'
            && chars[j + 1..]
                .iter()
                .take(hashes)
                .filter(|&&c| c == '#')
                .count()
                == hashes
    };
    (open + 1..chars.len())
        .find(|&j| closes(j))
        .map(|j| j + 1 + hashes)
}

/// Returns the position after the character at `i`; `None` for a lifetime.
fn char_end(chars: &[char], i: usize) -> Option<usize> {
    if chars.get(i + 1) == Some(&'\\') {
        return (i + 3..chars.len())
            .find(|&j| chars[j] == '\'')
            .map(|j| j + 1);
    }
    (chars.get(i + 2) == Some(&'\'')).then_some(i + 3)
}

/// Returns the first two names of every path in the code, with its line from 1: `a::b::c` gives `a`, `b`,
/// and so does each member of `a::{b::c, d}`.
pub fn paths(code: &str) -> Vec<(usize, String, String)> {
    let chars: Vec<char> = code.chars().collect();
    let mut found = Vec::new();
    for i in (0..chars.len()).filter(|&i| chars[i..].starts_with(&[':', ':'])) {
        let head = word_before(&chars, i);
        if head.is_empty() {
            continue;
        }
        let line = 1 + chars[..i].iter().filter(|&&c| c == '\n').count();
        found.extend(
            members(&chars, i + 2)
                .into_iter()
                .map(|member| (line, head.clone(), member)),
        );
    }
    found
}

fn word_before(chars: &[char], end: usize) -> String {
    let start = (0..end)
        .rev()
        .find(|&j| !is_word(chars[j]))
        .map_or(0, |j| j + 1);
    chars[start..end].iter().collect()
}

fn word_at(chars: &[char], start: usize) -> String {
    chars[start..].iter().take_while(|&&c| is_word(c)).collect()
}

/// Returns the names after `::`: one, or the first of each member of a group.
fn members(chars: &[char], start: usize) -> Vec<String> {
    let start = (start..chars.len())
        .find(|&j| !chars[j].is_whitespace())
        .unwrap_or(chars.len());
    if chars.get(start) != Some(&'{') {
        return vec![word_at(chars, start)];
    }
    let (mut depth, mut fresh, mut names) = (0, true, Vec::new());
    for j in start..chars.len() {
        match chars[j] {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            c if fresh && depth == 1 && is_word(c) => {
                names.push(word_at(chars, j));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

/// Returns which lines (from 0) belong to a `#[cfg(test)]` item with a body.
pub fn test_lines(code: &str) -> Vec<bool> {
    let mut inside = vec![false; code.lines().count() + 1];
    let line_of = |at: usize| code[..at].matches('\n').count();
    for (at, _) in code.match_indices("#[cfg(test)]") {
        let body = code[at..]
            .find('{')
            .filter(|open| !code[at..at + open].contains(';'));
        let Some(open) = body else { continue };
        let mut depth = 0;
        let close = code[at + open..].char_indices().find(|(_, c)| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth == 0
        });
        let end = close.map_or(code.len(), |(j, _)| at + open + j);
        inside[line_of(at)..=line_of(end)].fill(true);
    }
    inside
}

#[test]
fn comments_and_strings_are_not_code() {
    let code = code_only(concat!(
        "let a = \"crate::tui\"; // crate::tui\n/* crate::tui /* nested */ tch:: */ let b = 'x';\n",
        "let c = r#\"tch::\"quoted\" \"#; let d = '\\''; fn e<'a>(f: &'a str) { crate::data::x(\"\\\"tch::\") }\n",
        "/// see crate::engine\nlet var = br\"tch::\"; for\"tch::\";",
    ));
    let named: Vec<_> = paths(&code)
        .into_iter()
        .map(|(line, a, b)| format!("{line} {a}::{b}"))
        .collect();
    assert_eq!(named, ["3 crate::data", "3 data::x"], "{code}");
    assert_eq!(code.lines().count(), 5);
}

#[test]
fn members_of_groups_are_separate_paths() {
    let code = "use crate::{data::{Dataset, Pair}, index::Index,\n  types::Mode};";
    let from_crate: Vec<_> = paths(code)
        .into_iter()
        .filter(|(_, a, _)| a == "crate")
        .map(|(_, _, b)| b)
        .collect();
    assert_eq!(from_crate, ["data", "index", "types"]);
}

#[test]
fn test_modules_are_found_to_their_end() {
    let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() { }\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}\n";
    let lines: Vec<usize> = test_lines(code)
        .iter()
        .enumerate()
        .filter(|(_, t)| **t)
        .map(|(i, _)| i)
        .collect();
    assert_eq!(lines, [1, 2, 3, 4]);
}
