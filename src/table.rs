//! Tables as CSV, JSON, Markdown, LaTeX, or columns for a terminal.

use serde_json::{Map, Value, json};
use unicode_width::UnicodeWidthStr;

use crate::printable::one_line;

/// The number of decimals of a number for people.
const DECIMALS: usize = 4;

/// The format of a table in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
pub enum TableFormat {
    #[strum(serialize = "CSV")]
    Csv,
    #[strum(serialize = "JSON")]
    Json,
    Markdown,
    #[strum(serialize = "LaTeX")]
    Latex,
}

impl TableFormat {
    /// Every format.
    pub const ALL: [TableFormat; 4] = [
        TableFormat::Csv,
        TableFormat::Json,
        TableFormat::Markdown,
        TableFormat::Latex,
    ];

    /// Returns the name for people.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the extension of file names, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            TableFormat::Csv => "csv",
            TableFormat::Json => "json",
            TableFormat::Markdown => "md",
            TableFormat::Latex => "tex",
        }
    }
}

/// One cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Text(String),
    Number(f64),
    Count(usize),
    Empty,
}

/// A table with a title, column headers and rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub title: String,
    pub headers: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Formats the table for a file.
    pub fn render(&self, format: TableFormat) -> String {
        match format {
            TableFormat::Csv => self.to_csv(),
            TableFormat::Json => self.to_json(),
            TableFormat::Markdown => self.to_markdown(),
            TableFormat::Latex => self.to_latex(),
        }
    }

    /// Formats the table for a terminal: the title, then aligned columns, with numbers to the right
    /// and text to the left.
    pub fn to_text(&self) -> String {
        let headers: Vec<String> = self.headers.iter().map(|h| one_line(h).into()).collect();
        let mut lines = vec![headers];
        for row in &self.rows {
            lines.push(row.iter().map(Cell::to_plain_text).collect());
        }
        let columns: Vec<TextColumn> = (0..self.headers.len())
            .map(|column| TextColumn {
                width: column_width(&lines, column),
                is_text: self.is_text(column),
            })
            .collect();
        let mut text = format!("{}\n\n", one_line(&self.title));
        for line in &lines {
            let cells = line.iter().zip(&columns);
            let padded: Vec<String> = cells.map(|(cell, column)| column.pad(cell)).collect();
            text += padded.join("  ").trim_end();
            text.push('\n');
        }
        text
    }

    /// Returns whether a column has text.
    fn is_text(&self, column: usize) -> bool {
        let is_text = |row: &Vec<Cell>| matches!(row.get(column), Some(Cell::Text(_)));
        self.rows.iter().any(is_text)
    }

    fn to_csv(&self) -> String {
        let headers: Vec<String> = self.headers.iter().map(|header| csv_text(header)).collect();
        let mut csv = headers.join(",") + "\n";
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(csv_cell).collect();
            csv += &cells.join(",");
            csv.push('\n');
        }
        csv
    }

    fn to_json(&self) -> String {
        let rows: Vec<Value> = self.rows.iter().map(|row| self.json_row(row)).collect();
        format!("{:#}\n", json!({ "title": self.title, "rows": rows }))
    }

    fn json_row(&self, row: &[Cell]) -> Value {
        let mut object = Map::new();
        for (header, cell) in self.headers.iter().zip(row) {
            object.insert(header.clone(), json_cell(cell));
        }
        Value::Object(object)
    }

    fn to_markdown(&self) -> String {
        let headers = self.headers.iter().map(|header| markdown_text(header));
        let rules = (0..self.headers.len()).map(|column| {
            let rule = if self.is_text(column) { "---" } else { "---:" };
            rule.to_owned()
        });
        let mut markdown = format!("{}\n\n", markdown_text(&self.title));
        markdown += &markdown_row(headers);
        markdown += &markdown_row(rules);
        for row in &self.rows {
            let cells = row.iter().map(|cell| markdown_text(&cell.to_plain_text()));
            markdown += &markdown_row(cells);
        }
        markdown
    }

    fn to_latex(&self) -> String {
        let numbers = "r".repeat(self.headers.len().saturating_sub(1));
        let headers = self.headers.iter().map(|h| latex_text(&one_line(h)));
        let mut latex = format!("% {}; needs booktabs\n", one_line(&self.title));
        latex += &format!("\\begin{{tabular}}{{l{numbers}}}\n\\toprule\n");
        latex += &latex_row(headers);
        latex += "\\midrule\n";
        for row in &self.rows {
            let cells = row.iter().map(|cell| latex_text(&cell.to_plain_text()));
            latex += &latex_row(cells);
        }
        latex + "\\bottomrule\n\\end{tabular}\n"
    }
}

/// The layout of a column in a terminal.
struct TextColumn {
    width: usize,
    is_text: bool,
}

impl TextColumn {
    fn pad(&self, cell: &str) -> String {
        let blanks = " ".repeat(self.width.saturating_sub(cell.width()));
        if self.is_text {
            format!("{cell}{blanks}")
        } else {
            format!("{blanks}{cell}")
        }
    }
}

fn column_width(lines: &[Vec<String>], column: usize) -> usize {
    let cells = lines.iter().filter_map(|line| line.get(column));
    cells.map(|cell| cell.width()).max().unwrap_or(0)
}

fn csv_cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => csv_text(text),
        Cell::Number(number) => number.to_string(),
        Cell::Count(count) => count.to_string(),
        Cell::Empty => String::new(),
    }
}

/// Quotes a text for CSV if it needs quotes.
fn csv_text(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn json_cell(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) => Value::from(text.as_str()),
        Cell::Number(number) => Value::from(*number),
        Cell::Count(count) => Value::from(*count),
        Cell::Empty => Value::Null,
    }
}

fn markdown_row(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

fn latex_row(cells: impl Iterator<Item = String>) -> String {
    format!("{} \\\\\n", cells.collect::<Vec<_>>().join(" & "))
}

impl Cell {
    /// Formats the cell for people, in one line.
    pub fn to_plain_text(&self) -> String {
        match self {
            Cell::Text(text) => one_line(text).into_owned(),
            Cell::Number(number) => format!("{number:.DECIMALS$}"),
            Cell::Count(count) => count.to_string(),
            Cell::Empty => "–".to_owned(),
        }
    }
}

/// Makes a cell of text.
pub fn text(content: impl ToString) -> Cell {
    Cell::Text(content.to_string())
}

/// Formats a fraction or a difference in % for people: "12.3", "−0.4", and never "−0.0".
pub fn percent(value: f64) -> String {
    let text = format!("{:.1}", 100.0 * value);
    if text == "-0.0" {
        "0.0".to_owned()
    } else {
        text.replace('-', "−")
    }
}

/// Formats a difference in % with its sign: "+12.3", "−0.4", "0.0".
pub fn signed_percent(value: f64) -> String {
    let text = percent(value);
    if text == "0.0" || text.starts_with('−') {
        text
    } else {
        format!("+{text}")
    }
}

/// Formats a probability in percent: "93 %". It is 0 % and 100 % only where nothing else is possible.
pub fn probability_percent(probability: f64) -> String {
    if probability <= 0.0 {
        "0 %".into()
    } else if probability >= 1.0 {
        "100 %".into()
    } else {
        format!("{:.0} %", (100.0 * probability).clamp(1.0, 99.0))
    }
}

/// Returns a text as one line of Markdown that shows just its characters: no emphasis, code, link,
/// cell border or HTML.
pub fn markdown_text(text: &str) -> String {
    let text = one_line(text);
    let mut escaped = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '&' if letters.peek().copied().is_some_and(starts_entity) => {
                escaped.push_str("&amp;");
            }
            '\\' | '|' | '`' | '*' | '~' => escaped.extend(['\\', letter]),
            // brackets without a link are common and harmless
            '(' if escaped.ends_with(']') => escaped.push_str("\\("),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Returns whether a character after `&` may start an HTML entity.
fn starts_entity(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '#'
}

/// Escapes the characters that LaTeX interprets.
fn latex_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', letter]),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '–' => escaped.push_str("--"),
            '−' => escaped.push_str("$-$"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Table {
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
    fn only_certainties_have_0_and_100_percent() {
        assert_eq!(
            [0.0, 0.001, 0.934, 0.999, 1.0].map(probability_percent),
            ["0 %", "1 %", "93 %", "99 %", "100 %"]
        );
    }

    #[test]
    fn zero_has_no_sign() {
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
    fn terminal_columns_are_aligned() {
        let rows = vec![
            vec![
                Cell::Text("Zürich".into()),
                Cell::Count(7),
                Cell::Text("x".into()),
            ],
            vec![Cell::Text("猫".into()), Cell::Number(0.5), Cell::Empty],
        ];
        let table = Table {
            title: "t".into(),
            headers: ["name", "n", "why"].map(Into::into).into(),
            rows,
        };
        assert_eq!(
            table.to_text(),
            "t\n\nname         n  why\nZürich       7  x\n猫      0.5000  –\n"
        );
    }

    #[test]
    fn every_format_escapes_its_special_characters() {
        let csv = example().render(TableFormat::Csv);
        assert_eq!(
            csv.lines().nth(1),
            Some("\"salt, sugar & spice\",12,0.3333333333333333")
        );
        assert_eq!(csv.lines().nth(2), Some("\"50 % \"\"proof\"\" | more\",3,"));
        let json: Value = serde_json::from_str(&example().render(TableFormat::Json)).unwrap();
        assert_eq!(
            (&json["rows"][0]["size"], &json["rows"][1]["both"]),
            (&Value::from(12), &Value::Null)
        );
        let markdown = example().render(TableFormat::Markdown);
        assert!(markdown.contains(
            "| class | size | both |\n| --- | ---: | ---: |\n| salt, sugar & spice | 12 | 0.3333 |"
        ));
        assert!(markdown.contains("\\| more | 3 | – |"), "{markdown}");
        let latex = example().render(TableFormat::Latex);
        assert!(
            latex.contains("salt, sugar \\& spice & 12 & 0.3333 \\\\") && latex.contains("50 \\% "),
            "{latex}"
        );
        assert!(latex.starts_with("% AP@10") && latex.contains("{lrr}"));
    }

    #[test]
    fn names_stay_within_their_cell() {
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
        let table = Table {
            title: "of\n| a |".into(),
            headers: vec!["na|me".into(), "n\nn".into()],
            rows,
        };
        let markdown = table.render(TableFormat::Markdown);
        let lines: Vec<&str> = markdown.lines().collect();
        assert_eq!(lines.len(), 4 + names.len(), "{markdown}");
        assert_eq!(lines[0], r"of\\n\| a \|");
        for line in &lines[2..] {
            // a border is a pipe after an even number of backslashes
            let borders = line.char_indices().filter(|&(start, c)| {
                c == '|'
                    && line[..start]
                        .chars()
                        .rev()
                        .take_while(|&c| c == '\\')
                        .count()
                        % 2
                        == 0
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
        let text = table.to_text();
        assert!(
            text.lines().count() == 3 + names.len() && !text.contains('\x1b'),
            "{text}"
        );
        let latex = table.render(TableFormat::Latex);
        assert!(
            latex
                .lines()
                .nth(1)
                .unwrap()
                .starts_with("\\begin{tabular}")
                && !latex.contains('\x1b'),
            "{latex}"
        );
        let csv = table.render(TableFormat::Csv);
        assert!(
            csv.contains("\"two\nlines\r\",1") && csv.contains("esc\x1b[31m,1"),
            "CSV keeps names unchanged: {csv}"
        );
    }
}
