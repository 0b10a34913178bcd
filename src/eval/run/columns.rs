//! The columns of a run's lists that hold the entities.
//!
//! The lines of a submission are not specified: systems write an id, a name, or both, before or
//! after a rank or a score. The columns are identified from all lines together, and an ambiguous
//! case is an error.

use crate::data::Vocabulary;
use crate::name::fold;
use crate::types::EntityId;

/// The number of columns that are considered; published results have classes in the columns after
/// them.
const CONSIDERED: usize = 3;

/// The number of a line, and its fields, which are separated by tabs.
pub(super) type LineFields<'a> = (usize, Vec<&'a str>);

/// The columns that hold the entity, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    Id(usize),
    Name(usize),
    Both { id: usize, name: usize },
}

/// The kind of values in a column, over all lists.
#[derive(Debug, PartialEq)]
enum ColumnContent {
    /// 0, 1, 2 … or 1, 2, 3 … in every list.
    Ranks,
    /// Mostly whole numbers.
    Numbers,
    /// Anything else, with the number of values that are names of entities.
    Text(usize),
    /// Numbers with a fraction, or no values.
    Neither,
}

/// Returns the columns in which the lines of these lists have their entities, or the reason why
/// they cannot be identified.
pub(super) fn find_columns(
    lists: &[Vec<LineFields>],
    vocabulary: &Vocabulary,
) -> Result<Columns, String> {
    if let Some(columns) = agreeing_columns(lists, vocabulary) {
        return Ok(columns);
    }
    let contents: Vec<ColumnContent> = (0..CONSIDERED)
        .map(|column| column_content(column, lists, vocabulary))
        .collect();
    let numbers: Vec<usize> = (0..CONSIDERED)
        .filter(|&column| contents[column] == ColumnContent::Numbers)
        .collect();
    match (numbers.as_slice(), name_column(&contents)?) {
        ([], Some(name)) => Ok(Columns::Name(name)),
        ([], None) => counted_ids(&contents),
        (numbers, Some(name)) => columns_with_names(numbers, name, lists, vocabulary),
        (numbers, None) => id_column(numbers, lists, vocabulary),
    }
}

/// Returns the first column if its values count the lines and all others are empty or fractions:
/// ids may count 1, 2, 3 … as ranks do.
fn counted_ids(contents: &[ColumnContent]) -> Result<Columns, String> {
    let others = &contents[1..];
    if contents[0] == ColumnContent::Ranks && others.iter().all(|c| *c == ColumnContent::Neither) {
        return Ok(Columns::Id(0));
    }
    Err("no line has an id or a name of an entity of the data set".into())
}

/// Returns two columns that give the same entity in every line, by id and by name. Ids may count
/// 0, 1, 2 …, and names may be numbers: the agreement shows what they are. An id before the name is
/// preferred, since this program writes lists in this way.
fn agreeing_columns(lists: &[Vec<LineFields>], vocabulary: &Vocabulary) -> Option<Columns> {
    let mut pairs = Vec::new();
    for id in 0..CONSIDERED {
        for name in 0..CONSIDERED {
            if id != name && agree_in_all_lines(lists, vocabulary, id, name) {
                pairs.push((id, name));
            }
        }
    }
    let (id, name) = pairs
        .into_iter()
        .min_by_key(|&(id, name)| (id > name, id, name))?;
    Some(Columns::Both { id, name })
}

/// Returns whether at least one line has a known id, and each of these has its name in column
/// `name`.
fn agree_in_all_lines(
    lists: &[Vec<LineFields>],
    vocabulary: &Vocabulary,
    id: usize,
    name: usize,
) -> bool {
    let [agreeing, all] = count_agreeing(lists, vocabulary, id, name);
    all > 0 && agreeing == all
}

/// Returns the number of lines in which the known id has the name of the line, and the number of
/// lines with a known id and a name.
fn count_agreeing(
    lists: &[Vec<LineFields>],
    vocabulary: &Vocabulary,
    id: usize,
    name: usize,
) -> [usize; 2] {
    let mut agreeing = 0;
    let mut all = 0;
    for (_, fields) in lists.iter().flatten() {
        let (Some(id), Some(name)) = (parse_id(fields, id), fields.get(name)) else {
            continue;
        };
        if let Some(own) = vocabulary.name(id) {
            all += 1;
            agreeing += usize::from(fold(own) == fold(name));
        }
    }
    [agreeing, all]
}

/// Returns the column with most names of entities; `None` if no value is a name.
fn name_column(contents: &[ColumnContent]) -> Result<Option<usize>, String> {
    let names = |column: usize| match contents[column] {
        ColumnContent::Text(names) => names,
        _ => 0,
    };
    let most = (0..CONSIDERED).map(names).max().unwrap_or(0);
    if most == 0 {
        return Ok(None);
    }
    let best: Vec<usize> = (0..CONSIDERED).filter(|&c| names(c) == most).collect();
    match best.as_slice() {
        [first, second, ..] => Err(ambiguous(*first, *second, "names")),
        best => Ok(best.first().copied()),
    }
}

/// Returns the columns of lists with names: numbers beside names are ids if at least half of them
/// agree with the names, and scores if they fall from line to line.
fn columns_with_names(
    numbers: &[usize],
    name: usize,
    lists: &[Vec<LineFields>],
    vocabulary: &Vocabulary,
) -> Result<Columns, String> {
    for &id in numbers {
        let [agreeing, all] = count_agreeing(lists, vocabulary, id, name);
        if all > 0 && 2 * agreeing >= all {
            return Ok(Columns::Both { id, name });
        }
    }
    for &column in numbers {
        if !lists.iter().all(|list| is_non_increasing(list, column)) {
            return Err(format!(
                "column {} has numbers that are neither the ids of the names in column {} nor \
                 scores, which fall from line to line",
                column + 1,
                name + 1
            ));
        }
    }
    Ok(Columns::Name(name))
}

/// Returns the column of ids of lists without names: the only column of numbers, or the only one
/// whose numbers are all known ids.
fn id_column(
    numbers: &[usize],
    lists: &[Vec<LineFields>],
    vocabulary: &Vocabulary,
) -> Result<Columns, String> {
    let all_known = |column: usize| {
        lists
            .iter()
            .flatten()
            .all(|(_, fields)| parse_id(fields, column).is_some_and(|id| vocabulary.contains(id)))
    };
    let known: Vec<usize> = numbers.iter().copied().filter(|&c| all_known(c)).collect();
    let id = match (numbers, known.as_slice()) {
        (&[only], _) | (_, &[only]) => only,
        ([first, second, ..], _) => return Err(ambiguous(*first, *second, "ids")),
        ([], _) => return Err("no column has numbers".into()),
    };
    let is_name = |(_, fields): &LineFields| {
        let field = fields.get(id);
        field.is_some_and(|field| vocabulary.by_name(field).is_some())
    };
    if lists.iter().flatten().all(is_name) {
        return Err(format!(
            "column {} has numbers that could be ids, and are also names of entities",
            id + 1
        ));
    }
    Ok(Columns::Id(id))
}

fn ambiguous(first: usize, second: usize, what: &str) -> String {
    format!(
        "columns {} and {} could both be the {what} of the entities",
        first + 1,
        second + 1
    )
}

fn column_content(
    column: usize,
    lists: &[Vec<LineFields>],
    vocabulary: &Vocabulary,
) -> ColumnContent {
    let has_several_lines = lists.iter().any(|list| list.len() > 1);
    if has_several_lines && lists.iter().all(|list| counts_lines(list, column)) {
        return ColumnContent::Ranks;
    }
    let fields = lists.iter().flatten().filter_map(|(_, f)| f.get(column));
    let values: Vec<&str> = fields.copied().filter(|value| !value.is_empty()).collect();
    let is_integer = |value: &&&str| value.parse::<u32>().is_ok();
    if 2 * values.iter().filter(is_integer).count() > values.len() {
        return ColumnContent::Numbers;
    }
    if values.iter().all(|value| value.parse::<f64>().is_ok()) {
        return ColumnContent::Neither;
    }
    let is_name = |value: &&&str| vocabulary.by_name(value).is_some();
    ColumnContent::Text(values.iter().filter(is_name).count())
}

fn parse_id(fields: &[&str], column: usize) -> Option<EntityId> {
    fields.get(column)?.parse().ok().map(EntityId)
}

/// Returns whether the column numbers the lines of a list, from 0 or from 1.
fn counts_lines(list: &[LineFields], column: usize) -> bool {
    let counts_from = |first: usize| {
        (first..).zip(list).all(|(number, (_, fields))| {
            fields.get(column).and_then(|field| field.parse().ok()) == Some(number)
        })
    };
    counts_from(0) || counts_from(1)
}

/// Returns whether the column has numbers that never rise.
fn is_non_increasing(list: &[LineFields], column: usize) -> bool {
    let numbers: Option<Vec<f64>> = list
        .iter()
        .map(|(_, fields)| fields.get(column)?.parse().ok())
        .collect();
    numbers.is_some_and(|numbers| numbers.is_sorted_by(|a, b| a >= b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let names = [
            (7, "lion"),
            (3, "tiger"),
            (5, "snow leopard"),
            (9, "1984"),
            (4, "carnivores"),
            (1984, "x"),
        ];
        names
            .into_iter()
            .map(|(id, name)| (EntityId(id), name.to_owned()))
            .collect()
    }

    fn found(text: &str) -> Result<Columns, String> {
        let list: Vec<LineFields> = (1..)
            .zip(text.lines().map(|line| line.split('\t').collect()))
            .collect();
        find_columns(&[list], &vocabulary())
    }

    #[test]
    fn identifies_the_columns_of_plausible_lines() {
        for (text, columns) in [
            ("7\n3\n5", Columns::Id(0)),
            ("lion\ntiger\nSnow_leopard", Columns::Name(0)),
            (
                "7\tlion\t\tcarnivores & cats\n3\ttiger\t\tcarnivores",
                Columns::Both { id: 0, name: 1 },
            ),
            ("lion\t7\ntiger\t3", Columns::Both { id: 1, name: 0 }),
            ("lion\t0.9\ntiger\t0.5", Columns::Name(0)),
            ("lion\t97\ntiger\t96", Columns::Name(0)),
            ("7\t0.9\n3\t0.5", Columns::Id(0)),
            ("1\tlion\n2\ttiger", Columns::Name(1)),
            ("0\t7\n1\t3\n2\t5", Columns::Id(1)),
            ("1\t7\tlion\n2\t3\ttiger", Columns::Both { id: 1, name: 2 }),
            ("1\ttiger\t0.5\n2\tlion\t0.2", Columns::Name(1)),
            ("7\t97\n3\t96", Columns::Id(0)),
            // a number among names is a name
            ("1984\nlion\ntiger", Columns::Name(0)),
            // ids that count, with their names
            (
                "3\ttiger\n4\tcarnivores\n5\tsnow leopard",
                Columns::Both { id: 0, name: 1 },
            ),
            // names that are numbers
            ("9\t1984", Columns::Both { id: 0, name: 1 }),
            ("0.5\t9\t1984", Columns::Both { id: 1, name: 2 }),
            // most names are known
            (
                "7\tlion\tcarnivores\n3\ttiger\tcats",
                Columns::Both { id: 0, name: 1 },
            ),
            // one line disagrees, which the caller reports
            (
                "7\tlion\n3\ttiger\n5\tlion",
                Columns::Both { id: 0, name: 1 },
            ),
        ] {
            assert_eq!(found(text), Ok(columns), "{text}");
        }
    }

    #[test]
    fn refuses_ambiguous_columns() {
        for (text, expected) in [
            ("wolf\ndog", "no line has an id or a name"),
            ("1\twolf\n2\tdog", "no line has an id or a name"),
            ("7\t3\n3\t5\n5\t7", "columns 1 and 2 could both be the ids"),
            (
                "lion\ttiger\ntiger\tlion",
                "columns 1 and 2 could both be the names",
            ),
            ("7\ttiger\n9\tlion", "are neither the ids of the names"),
            ("1984\n1984", "are also names of entities"),
        ] {
            let error = found(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
