//! The list of failures and the confusion matrix as tables for other programs.

use crate::engine::protocol::{Catalogue, Failure, FailureKind, Failures};
use crate::table::{Cell, Table};
use crate::tui::failures::FailuresScreen;
use crate::tui::failures::failure_id::FailureId;
use crate::tui::failures::tag_text::tag_text;
use crate::tui::shared::Shared;

impl FailuresScreen {
    /// Returns what is shown as a table: the matrix, or each failure of the list once, whether its
    /// group is folded or not.
    pub(crate) fn export_table(&self, shared: &Shared) -> Table {
        match (&shared.catalogue, self.found_failures(shared)) {
            (Some(catalogue), Some(found)) if !self.matrix.on => {
                self.list_table(catalogue, found, shared)
            }
            _ => self.confusion_table(shared),
        }
    }

    /// Returns a title with the data set, the mode and the queries.
    fn export_title(&self, contents: &str, shared: &Shared) -> String {
        let name = shared.catalogue.as_ref().map_or("", |c| &c.name);
        let depth = self.filters.depth();
        let mode = self.mode;
        let evaluated = shared.evaluations.title();
        format!("{name}: {contents}, first {depth}, {mode} · {evaluated}")
    }

    fn list_table(&self, catalogue: &Catalogue, found: &Failures, shared: &Shared) -> Table {
        let mut rows = Vec::new();
        for index in self.list.members() {
            let failure = &found.failures[index];
            rows.push(self.failure_cells(catalogue, failure, found.modes.len(), shared));
        }
        Table {
            title: self.export_title("failures", shared),
            headers: failure_headers(found),
            rows,
        }
    }

    /// Returns the cells of a failure, in the order of [`failure_headers`].
    fn failure_cells(
        &self,
        catalogue: &Catalogue,
        failure: &Failure,
        modes: usize,
        shared: &Shared,
    ) -> Vec<Cell> {
        let kind = match failure.kind() {
            FailureKind::FalsePositive => "false positive",
            FailureKind::Missed => "missed",
        };
        let known_class = match failure.known_class() {
            Some(class) => catalogue.class(class).title(),
            None => String::new(),
        };
        let mut cells = vec![
            Cell::Text(catalogue.name(failure.entity)),
            Cell::Text(kind.into()),
            Cell::Text(catalogue.class(failure.class).title()),
            Cell::Count(failure.number + 1),
            Cell::Count(shared.evaluations.seed_count.as_usize()),
            Cell::Text(self.mode.to_string()),
            Cell::Text(shared.evaluations.ranking_name().into()),
            count_cell(failure.rank),
            text_cell(&known_class),
        ];
        for mode in 0..modes {
            cells.push(count_cell(failure.seed_ranks.get(mode).copied()));
        }
        let mut tags = Vec::new();
        let mut causes = Vec::new();
        for tag in &failure.tags {
            let name = tag.kind().name();
            tags.push(name);
            causes.push(format!("{name}: {}", tag_text(catalogue, tag)));
        }
        let failure_id = FailureId::from(failure);
        let is_marked = self.annotations.is_marked(failure_id, shared);
        cells.extend([
            text_cell(&tags.join(", ")),
            text_cell(&causes.join("; ")),
            text_cell(if is_marked { "yes" } else { "" }),
            text_cell(self.annotations.note(failure_id, shared)),
        ]);
        cells
    }

    fn confusion_table(&self, shared: &Shared) -> Table {
        let confusion = self.confusion(shared);
        let contents = "gold classes and the classes of their false positives";
        let mut headers = vec!["gold".to_owned()];
        headers.extend(confusion.columns);
        let mut rows = Vec::new();
        for (label, counts) in confusion.rows.into_iter().zip(confusion.counts) {
            let mut cells = vec![Cell::Text(label)];
            cells.extend(counts.into_iter().map(Cell::Count));
            rows.push(cells);
        }
        Table {
            title: self.export_title(contents, shared),
            headers,
            rows,
        }
    }
}

/// Returns the headers of the table of failures.
fn failure_headers(found: &Failures) -> Vec<String> {
    let fixed = [
        "entity", "failure", "class", "query", "seeds", "mode", "ranking", "rank", "known as",
    ];
    let mut headers = fixed.map(str::to_owned).to_vec();
    for mode in &found.modes {
        headers.push(format!("rank by seeds, {mode}"));
    }
    headers.extend(["tags", "why", "marked", "note"].map(str::to_owned));
    headers
}

fn text_cell(text: &str) -> Cell {
    if text.is_empty() {
        Cell::Empty
    } else {
        Cell::Text(text.to_owned())
    }
}

fn count_cell(count: Option<usize>) -> Cell {
    count.map_or(Cell::Empty, Cell::Count)
}
