//! A table on its way out: CSV, JSON, Markdown, LaTeX, or columns for a terminal.

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use crate::printable::one_line;

/// A form to write a table in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    Csv,
    Json,
    Markdown,
    Latex,
}

impl TableFormat {
    pub const ALL: [TableFormat; 4] = [
        TableFormat::Csv,
        TableFormat::Json,
        TableFormat::Markdown,
        TableFormat::Latex,
    ];

    pub fn name(self) -> &'static str {
        match self {
            TableFormat::Csv => "CSV",
            TableFormat::Json => "JSON",
            TableFormat::Markdown => "Markdown",
            TableFormat::Latex => "LaTeX",
        }
    }

    /// Of the file's name.
    pub fn extension(self) -> &'static str {
        match self {
            TableFormat::Csv => "csv",
            TableFormat::Json => "json",
            TableFormat::Markdown => "md",
            TableFormat::Latex => "tex",
        }
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Text(String),
    Number(f64),
    Count(usize),
    Empty,
}

/// A table: what it is of, its heads, its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub title: String,
    pub headers: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

/// Digits of a number for people.
const DIGITS: usize = 4;

impl Table {
    pub fn render(&self, form: TableFormat) -> String {
        match form {
            TableFormat::Csv => self.csv(),
            TableFormat::Json => self.json(),
            TableFormat::Markdown => self.markdown(),
            TableFormat::Latex => self.latex(),
        }
    }

    /// Columns for a terminal under the title: numbers to the right, text to the left.
    pub fn to_text(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(Cell::to_plain_text).collect())
            .collect();
        let heads: Vec<String> = self
            .headers
            .iter()
            .map(|head| one_line(head).into_owned())
            .collect();
        let columns: Vec<(usize, bool)> = (0..self.headers.len())
            .map(|at| {
                let cells = rows
                    .iter()
                    .filter_map(|row| row.get(at))
                    .chain(heads.get(at));
                (
                    cells.map(|cell| cell.width()).max().unwrap_or(0),
                    self.is_text(at),
                )
            })
            .collect();
        let line = |cells: &Vec<String>| {
            let padded = cells.iter().zip(&columns).map(|(cell, &(width, is_text))| {
                let blanks = " ".repeat(width.saturating_sub(cell.width()));
                if is_text {
                    format!("{cell}{blanks}")
                } else {
                    format!("{blanks}{cell}")
                }
            });
            format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
        };
        let head = [format!("{}\n\n", one_line(&self.title)), line(&heads)];
        head.into_iter().chain(rows.iter().map(line)).collect()
    }

    fn is_text(&self, column: usize) -> bool {
        self.rows
            .iter()
            .any(|row| matches!(row.get(column), Some(Cell::Text(_))))
    }

    fn csv(&self) -> String {
        let quoted = |text: &str| match text.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text.to_owned(),
        };
        let cell = |cell: &Cell| match cell {
            Cell::Text(text) => quoted(text),
            Cell::Number(number) => number.to_string(),
            Cell::Count(count) => count.to_string(),
            Cell::Empty => String::new(),
        };
        let heads = self
            .headers
            .iter()
            .map(|h| quoted(h))
            .collect::<Vec<_>>()
            .join(",");
        let rows = self
            .rows
            .iter()
            .map(|row| row.iter().map(cell).collect::<Vec<_>>().join(","));
        std::iter::once(heads)
            .chain(rows)
            .map(|line| line + "\n")
            .collect()
    }

    fn json(&self) -> String {
        let cell = |cell: &Cell| match cell {
            Cell::Text(text) => Value::from(text.as_str()),
            Cell::Number(number) => Value::from(*number),
            Cell::Count(count) => Value::from(*count),
            Cell::Empty => Value::Null,
        };
        let row = |row: &Vec<Cell>| -> Value {
            Value::Object(
                self.headers
                    .iter()
                    .cloned()
                    .zip(row.iter().map(cell))
                    .collect::<Map<_, _>>(),
            )
        };
        let all = serde_json::json!({ "title": self.title, "rows": self.rows.iter().map(row).collect::<Vec<_>>() });
        format!("{all:#}\n")
    }

    fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let rule = (0..self.headers.len())
            .map(|at| if self.is_text(at) { "---" } else { "---:" }.to_owned())
            .collect();
        let rows = self.rows.iter().map(|row| {
            line(
                row.iter()
                    .map(|c| markdown_text(&c.to_plain_text()))
                    .collect(),
            )
        });
        let head = [
            format!("{}\n\n", markdown_text(&self.title)),
            line(self.headers.iter().map(|h| markdown_text(h)).collect()),
            line(rule),
        ];
        head.into_iter().chain(rows).collect()
    }

    fn latex(&self) -> String {
        let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
        let rows: String = self
            .rows
            .iter()
            .map(|row| line(row.iter().map(|c| tex(&c.to_plain_text())).collect()))
            .collect();
        format!(
            "% {}; needs booktabs\n\\begin{{tabular}}{{l{}}}\n\\toprule\n{}\\midrule\n{rows}\\bottomrule\n\\end{{tabular}}\n",
            one_line(&self.title),
            "r".repeat(self.headers.len().saturating_sub(1)),
            line(self.headers.iter().map(|h| tex(&one_line(h))).collect()),
        )
    }
}

impl Cell {
    /// For people, in one line.
    pub fn to_plain_text(&self) -> String {
        match self {
            Cell::Text(text) => one_line(text).into_owned(),
            Cell::Number(number) => format!("{number:.DIGITS$}"),
            Cell::Count(count) => count.to_string(),
            Cell::Empty => "–".to_owned(),
        }
    }
}

/// A cell of text.
pub fn text(what: impl ToString) -> Cell {
    Cell::Text(what.to_string())
}

/// A share or a difference in %, for people: "12.3", "−0.4", and never "−0.0".
pub fn percent(value: f64) -> String {
    let shown = format!("{:.1}", 100.0 * value);
    if shown == "-0.0" {
        "0.0".to_owned()
    } else {
        shown.replace('-', "−")
    }
}

/// A difference in % with its sign: "+12.3", "−0.4", "0.0".
pub fn signed_percent(value: f64) -> String {
    let shown = percent(value);
    if shown == "0.0" || shown.starts_with('−') {
        shown
    } else {
        format!("+{shown}")
    }
}

/// Returns a text as one line of Markdown that means just its letters: no emphasis, code, link,
/// cell border or HTML.
pub fn markdown_text(text: &str) -> String {
    let text = one_line(text);
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '<' => out.push_str("&lt;"),
            '&' if letters
                .peek()
                .is_some_and(|next| next.is_ascii_alphanumeric() || *next == '#') =>
            {
                out.push_str("&amp;");
            }
            '\\' | '|' | '`' | '*' | '~' => out.extend(['\\', letter]),
            // brackets alone are common and harmless
            '(' if out.ends_with(']') => out.push_str("\\("),
            _ => out.push(letter),
        }
    }
    out
}

/// TeX's commands, made letters.
fn tex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', letter]),
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '|' => out.push_str("\\textbar{}"),
            '–' => out.push_str("--"),
            '−' => out.push_str("$-$"),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Table {
        Table {
            title: "AP@10".into(),
            headers: ["class", "size", "both"].map(Into::into).into(),
            rows: vec![
                vec![
                    Cell::Text("salt, sugar & spice".into()),
                    Cell::Count(12),
                    Cell::Number(1.0 / 3.0),
                ],
                vec![
                    Cell::Text("50 % \"proof\" | more".into()),
                    Cell::Count(3),
                    Cell::Empty,
                ],
            ],
        }
    }

    #[test]
    fn nothing_has_no_sign() {
        assert_eq!(
            [0.1234, -0.0041, -0.0004, 0.0].map(percent),
            ["12.3", "−0.4", "0.0", "0.0"]
        );
        assert_eq!(
            [0.1234, -0.0041, -0.0004, 0.0004].map(signed_percent),
            ["+12.3", "−0.4", "0.0", "0.0"]
        );
    }

    #[test]
    fn columns_of_a_terminal_are_aligned() {
        let rows = vec![
            vec![
                Cell::Text("Zürich".into()),
                Cell::Count(7),
                Cell::Text("x".into()),
            ],
            vec![Cell::Text("猫".into()), Cell::Number(0.5), Cell::Empty],
        ];
        let sheet = Table {
            title: "t".into(),
            headers: ["name", "n", "why"].map(Into::into).into(),
            rows,
        };
        assert_eq!(
            sheet.to_text(),
            "t\n\nname         n  why\nZürich       7  x\n猫      0.5000  –\n"
        );
    }

    #[test]
    fn each_form_escapes_what_it_must() {
        let csv = sheet().render(TableFormat::Csv);
        assert_eq!(
            csv.lines().nth(1),
            Some("\"salt, sugar & spice\",12,0.3333333333333333")
        );
        assert_eq!(csv.lines().nth(2), Some("\"50 % \"\"proof\"\" | more\",3,"));
        let json: Value = serde_json::from_str(&sheet().render(TableFormat::Json)).unwrap();
        assert_eq!(
            (&json["rows"][0]["size"], &json["rows"][1]["both"]),
            (&Value::from(12), &Value::Null)
        );
        let markdown = sheet().render(TableFormat::Markdown);
        assert!(markdown.contains(
            "| class | size | both |\n| --- | ---: | ---: |\n| salt, sugar & spice | 12 | 0.3333 |"
        ));
        assert!(markdown.contains("\\| more | 3 | – |"), "{markdown}");
        let latex = sheet().render(TableFormat::Latex);
        assert!(
            latex.contains("salt, sugar \\& spice & 12 & 0.3333 \\\\") && latex.contains("50 \\% "),
            "{latex}"
        );
        assert!(latex.starts_with("% AP@10") && latex.contains("{lrr}"));
    }

    #[test]
    fn names_cannot_break_out_of_their_cell() {
        let names = [
            "tab\tinside",
            "two\nlines\r",
            "pipe | pipe",
            "back\\slash \\| pipe",
            "`code` *x*",
            "[a](http://x)",
            "esc\x1b[31m",
        ];
        let rows: Vec<Vec<Cell>> = names
            .iter()
            .map(|name| vec![text(name), Cell::Count(1)])
            .collect();
        let sheet = Table {
            title: "of\n| a |".into(),
            headers: vec!["na|me".into(), "n\nn".into()],
            rows,
        };
        let markdown = sheet.render(TableFormat::Markdown);
        let lines: Vec<&str> = markdown.lines().collect();
        assert_eq!(lines.len(), 4 + names.len(), "{markdown}");
        assert_eq!(lines[0], r"of\\n\| a \|");
        for line in &lines[2..] {
            // a border is a pipe after an even number of backslashes
            let borders = line.char_indices().filter(|&(at, c)| {
                c == '|' && line[..at].chars().rev().take_while(|&c| c == '\\').count() % 2 == 0
            });
            assert_eq!(borders.count(), 3, "{line}");
        }
        assert_eq!(
            markdown_text("salt & pepper &lt; R&D"),
            "salt & pepper &amp;lt; R&amp;D"
        );
        assert!(
            markdown.contains("\\`code\\` \\*x\\*") && markdown.contains("[a]\\(http://x)"),
            "{markdown}"
        );
        let text = sheet.to_text();
        assert!(
            text.lines().count() == 3 + names.len() && !text.contains('\x1b'),
            "{text}"
        );
        let latex = sheet.render(TableFormat::Latex);
        assert!(
            latex
                .lines()
                .nth(1)
                .unwrap()
                .starts_with("\\begin{tabular}")
                && !latex.contains('\x1b'),
            "{latex}"
        );
        let csv = sheet.render(TableFormat::Csv);
        assert!(
            csv.contains("\"two\nlines\r\",1") && csv.contains("esc\x1b[31m,1"),
            "CSV keeps names exactly: {csv}"
        );
    }
}
