//! The analysis of a metric by the number of sentences of an entity.

use std::collections::HashSet;

use crate::eval::subgroup_analysis::{ColumnValues, SubgroupAnalysis, SubgroupRow};
use crate::types::ClassId;

/// The AP of every query with its class, by text alone and by text and images.
#[derive(Debug, Clone, PartialEq)]
pub struct SentenceCountValues {
    /// The number of sentences of an entity; `None` if it has all.
    pub sentences: Option<usize>,
    pub text: Vec<(ClassId, f64)>,
    pub both: Vec<(ClassId, f64)>,
}

/// Returns MAP@k by the number of sentences, by text alone and by text and images. The contrast is
/// the gain from images.
pub fn sentence_count_analysis(
    values: &[SentenceCountValues],
    k: usize,
    draws: usize,
) -> SubgroupAnalysis {
    SubgroupAnalysis {
        title: format!("MAP@{k} by number of sentences"),
        value_description: format!(
            "MAP@{k} of the feedback ranking without training, with this many sentences of every \
             entity, drawn at random; the mean of {draws} draws."
        ),
        contrast_description: "By how much that is more than by text alone.".into(),
        count_unit: "queries".into(),
        columns: vec!["text".into(), "both".into()],
        rows: values.iter().map(sentence_count_row).collect(),
        notes: Vec::new(),
    }
}

fn sentence_count_row(values: &SentenceCountValues) -> SubgroupRow {
    let name = match values.sentences {
        None => "all sentences".to_owned(),
        Some(1) => "1 sentence".to_owned(),
        Some(count) => format!("{count} sentences"),
    };
    let mut gains = Vec::with_capacity(values.both.len());
    for ((class, both), (_, text)) in values.both.iter().zip(&values.text) {
        gains.push((*class, both - text));
    }
    let classes: HashSet<ClassId> = values.text.iter().map(|(class, _)| *class).collect();
    let columns = vec![
        ColumnValues {
            values: values.text.clone(),
            contrasts: Vec::new(),
        },
        ColumnValues {
            values: values.both.clone(),
            contrasts: gains,
        },
    ];
    SubgroupRow::new(name, values.text.len(), classes.len(), columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contrast_is_the_gain_from_images() {
        let by_class = |values: &[f64]| (0..).map(ClassId).zip(values.iter().copied()).collect();
        let values = SentenceCountValues {
            sentences: Some(1),
            text: by_class(&[0.2, 0.4]),
            both: by_class(&[0.5, 0.5]),
        };
        let all = SentenceCountValues {
            sentences: None,
            ..values.clone()
        };
        let analysis = sentence_count_analysis(&[values, all], 10, 3);
        let names: Vec<&str> = analysis.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["1 sentence", "all sentences"]);
        let cells = &analysis.rows[0].cells;
        assert!(cells[0].contrast.is_none());
        assert!((cells[1].contrast.unwrap().mean - 0.2).abs() < 1e-12);
    }
}
