//! Failures in words: why, and as a table for other programs.

use crate::engine::protocol::{Catalogue, Failure, Failures};
use crate::engine::protocol::{FailureKind, Tag};
use crate::table::{Cell, Table};
use crate::types::{CUTOFFS, EntityId};

use crate::tui::app::App;
use crate::tui::failures::list::FailureLine;

/// A tag's reason, as a sentence's end.
pub fn reason(catalogue: &Catalogue, tag: &Tag) -> String {
    let name = |entity: &EntityId| {
        catalogue
            .entity(*entity)
            .map_or_else(|| entity.to_string(), |e| e.name.clone())
    };
    match tag {
        Tag::SiblingClass { class, middle } => {
            format!("in {}, of {middle} too", catalogue.class(*class).title())
        }
        Tag::OtherClass { class } => format!("in {}", catalogue.class(*class).title()),
        Tag::Unjudged => "in no class: nothing says that it is wrong".into(),
        Tag::SharedWord { word, with } => format!("“{word}”, as in {}", name(with)),
        Tag::LongTail { pairs, typical } => {
            format!("{pairs} pairs; half of all entities have {typical} or more")
        }
        Tag::ImageMisleads { image, text } => format!("rank {image} by image, {text} by text"),
        Tag::TextMisleads { text, image } => format!("rank {text} by text, {image} by image"),
        Tag::Drift {
            first_wrong,
            rank: Some(_),
            by_seeds,
        } => {
            format!(
                "rank {by_seeds} by the seeds alone; it came after the first wrong pick, at {first_wrong}"
            )
        }
        Tag::Drift {
            first_wrong,
            rank: None,
            by_seeds,
        } => {
            format!(
                "rank {by_seeds} by the seeds alone; it was lost after the first wrong pick, at {first_wrong}"
            )
        }
        Tag::TakenByClass {
            class,
            rank: Some(rank),
        } => {
            format!("{} has it at rank {rank}", catalogue.class(*class).title())
        }
        Tag::TakenByClass { class, rank: None } => {
            format!("it is a seed of {}", catalogue.class(*class).title())
        }
        Tag::LeftOut => "it has fewer than 2 usable sentence–picture pairs".into(),
    }
}

impl App {
    /// What is shown, for other programs: the matrix, or each failure of the list once, folded or
    /// not.
    pub(crate) fn failures_sheet(&self) -> Table {
        match (&self.shared.catalogue, self.failures_found()) {
            (Some(catalogue), Some(found)) if !self.failures.matrix.on => {
                self.list_sheet(catalogue, found)
            }
            _ => self.confusion_sheet(),
        }
    }

    /// The data set, the mode and the queries.
    fn sheet_title(&self, what: &str) -> String {
        let name = self.shared.catalogue.as_ref().map_or("", |c| &c.name);
        let cutoff = CUTOFFS[self.failures.cutoff];
        format!(
            "{name}: {what}, first {cutoff}, {} · {}",
            self.failures.mode,
            self.shared.evaluations.title()
        )
    }

    fn list_sheet(&self, catalogue: &Catalogue, found: &Failures) -> Table {
        let mut heads: Vec<String> = [
            "entity", "failure", "class", "query", "seeds", "mode", "ranking", "rank", "known as",
        ]
        .map(str::to_owned)
        .into();
        heads.extend(
            found
                .modes
                .iter()
                .map(|mode| format!("rank by seeds, {mode}")),
        );
        heads.extend(["tags", "why", "marked", "note"].map(str::to_owned));
        let mut seen = std::collections::HashSet::new();
        let groups = self.failures.lines.iter().filter_map(|line| match line {
            FailureLine::Group { members, .. } => Some(members),
            FailureLine::One(_) => None,
        });
        let places = groups.flatten().filter(|&&place| seen.insert(place));
        let rows = places
            .map(|&place| self.sheet_row(catalogue, &found.failures[place], found.modes.len()))
            .collect();
        Table {
            title: self.sheet_title("failures"),
            headers: heads,
            rows,
        }
    }

    fn sheet_row(&self, catalogue: &Catalogue, failure: &Failure, modes: usize) -> Vec<Cell> {
        let text = |text: &str| {
            if text.is_empty() {
                Cell::Empty
            } else {
                Cell::Text(text.to_owned())
            }
        };
        let count = |count: Option<&usize>| count.map_or(Cell::Empty, |&count| Cell::Count(count));
        let known = failure
            .known_class()
            .map(|class| catalogue.class(class).title())
            .unwrap_or_default();
        let kind = match failure.kind() {
            FailureKind::FalsePositive => "false positive",
            FailureKind::Missed => "missed",
        };
        let mut cells = vec![
            Cell::Text(catalogue.name(failure.entity)),
            Cell::Text(kind.into()),
            Cell::Text(catalogue.class(failure.class).title()),
            Cell::Count(failure.number + 1),
            Cell::Count(self.shared.evaluations.seed_count.as_usize()),
            Cell::Text(self.failures.mode.to_string()),
            Cell::Text(self.shared.evaluations.ranking_name().into()),
            count(failure.rank.as_ref()),
            text(&known),
        ];
        cells.extend((0..modes).map(|at| count(failure.seed_ranks.get(at))));
        let tags: Vec<&str> = failure.tags.iter().map(|tag| tag.kind().name()).collect();
        let why: Vec<String> = failure
            .tags
            .iter()
            .map(|tag| format!("{}: {}", tag.kind().name(), reason(catalogue, tag)))
            .collect();
        let remark = self.remark(failure).cloned().unwrap_or_default();
        cells.extend([text(&tags.join(", ")), text(&why.join("; "))]);
        cells.extend([
            text(if remark.marked { "yes" } else { "" }),
            text(&remark.note),
        ]);
        cells
    }

    fn confusion_sheet(&self) -> Table {
        let confusion = self.confusion();
        let title = self.sheet_title("gold classes and the classes of their false positives");
        let heads = std::iter::once("gold".to_owned())
            .chain(confusion.columns)
            .collect();
        let row = |(label, counts): (String, Vec<usize>)| {
            std::iter::once(Cell::Text(label))
                .chain(counts.into_iter().map(Cell::Count))
                .collect()
        };
        Table {
            title,
            headers: heads,
            rows: confusion
                .rows
                .into_iter()
                .zip(confusion.counts)
                .map(row)
                .collect(),
        }
    }
}
