//! Which columns of the lists of a run say the entity.
//!
//! Nobody says how the lines of a submission look, so that systems write an id, a name, or both,
//! before or after a rank or a score. What a run's lines are is told from all of them together, and
//! never guessed.

use crate::data::Vocabulary;
use crate::name::fold;
use crate::types::EntityId;

/// Columns after these are not looked at: the published results have classes there.
const LOOKED_AT: usize = 3;

/// The fields of a line, which tabs separate, and its number.
pub(super) type LineFields<'a> = (usize, Vec<&'a str>);

/// Where a line has its entity, by column from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    Id(usize),
    Name(usize),
    Both { id: usize, name: usize },
}

/// What a column holds, by its values in all lists.
#[derive(Debug, PartialEq)]
enum ColumnContent {
    /// 0, 1, 2 … or 1, 2, 3 … in every list.
    Ranks,
    /// Mostly whole numbers.
    Numbers,
    /// Anything else; so many of them are names of entities.
    Text(usize),
    /// Numbers with a fraction, or nothing.
    Neither,
}

/// Where the lines of these lists have their entities, or why that cannot be told.
pub(super) fn find(lists: &[Vec<LineFields>], vocabulary: &Vocabulary) -> Result<Columns, String> {
    if let Some(columns) = agreeing(lists, vocabulary) {
        return Ok(columns);
    }
    let held: Vec<ColumnContent> = (0..LOOKED_AT)
        .map(|column| holds(column, lists, vocabulary))
        .collect();
    let of = |wanted: fn(&ColumnContent) -> bool| {
        (0..LOOKED_AT)
            .filter(|&c| wanted(&held[c]))
            .collect::<Vec<_>>()
    };
    let (ranks, numbers) = (
        of(|h| *h == ColumnContent::Ranks),
        of(|h| *h == ColumnContent::Numbers),
    );
    let name = name_column(&held)?;
    match (numbers.as_slice(), name) {
        ([], Some(name)) => Ok(Columns::Name(name)),
        ([], None) if ranks == [0] && held[1..].iter().all(|h| *h == ColumnContent::Neither) => {
            Ok(Columns::Id(0))
        }
        ([], None) => Err("no line has an id or a name of an entity of the data set".into()),
        (numbers, Some(name)) => with_names(numbers, name, lists, vocabulary),
        (numbers, None) => alone(numbers, lists, vocabulary),
    }
}

/// Two columns that say the same entity in every line, by id and by name. Ids may count 0, 1, 2 …
/// and names may be numbers: that they agree throughout tells what they are. The id that comes
/// first is preferred, as this program writes it.
fn agreeing(lists: &[Vec<LineFields>], vocabulary: &Vocabulary) -> Option<Columns> {
    let pairs = (0..LOOKED_AT).flat_map(|id| (0..LOOKED_AT).map(move |name| (id, name)));
    let agree = |&(id, name): &(usize, usize)| {
        let both = rows(lists).filter_map(|(_, fields)| {
            Some((vocabulary.name(id_of(fields, id)?)?, *fields.get(name)?))
        });
        let mut both = both.peekable();
        both.peek().is_some() && both.all(|(own, given)| fold(own) == fold(given))
    };
    let in_order = |&(id, name): &(usize, usize)| (id > name, id, name);
    let found = pairs
        .filter(|(id, name)| id != name)
        .filter(agree)
        .min_by_key(in_order);
    found.map(|(id, name)| Columns::Both { id, name })
}

/// The column with most names; none where no value is a name.
fn name_column(held: &[ColumnContent]) -> Result<Option<usize>, String> {
    let count = |c: usize| {
        if let ColumnContent::Text(known) = held[c] {
            known
        } else {
            0
        }
    };
    let most = (0..LOOKED_AT).map(count).max().unwrap_or(0);
    let best: Vec<usize> = (0..LOOKED_AT).filter(|&c| count(c) == most).collect();
    match best.as_slice() {
        _ if most == 0 => Ok(None),
        [one] => Ok(Some(*one)),
        [first, second, ..] => Err(cannot_tell(*first, *second, "names")),
        [] => Ok(None),
    }
}

/// Numbers beside names are ids where they agree with them, and scores where they fall from line to
/// line.
fn with_names(
    numbers: &[usize],
    name: usize,
    lists: &[Vec<LineFields>],
    vocabulary: &Vocabulary,
) -> Result<Columns, String> {
    for &id in numbers {
        let both =
            rows(lists).filter_map(|(_, fields)| Some((id_of(fields, id)?, fields.get(name)?)));
        let known = both.filter_map(|(id, name)| Some((vocabulary.name(id)?, name)));
        let (mut agreeing, mut all) = (0, 0);
        for (own, given) in known {
            all += 1;
            agreeing += usize::from(fold(own) == fold(given));
        }
        if all > 0 && 2 * agreeing >= all {
            return Ok(Columns::Both { id, name });
        }
    }
    match numbers
        .iter()
        .find(|&&column| !lists.iter().all(|list| falls(list, column)))
    {
        None => Ok(Columns::Name(name)),
        Some(&strange) => Err(format!(
            "column {} holds numbers that neither are the ids of the names in column {} nor fall as scores do",
            strange + 1,
            name + 1
        )),
    }
}

/// Numbers without names are ids, the column of known ones where there are several.
fn alone(
    numbers: &[usize],
    lists: &[Vec<LineFields>],
    vocabulary: &Vocabulary,
) -> Result<Columns, String> {
    let known = |&&column: &&usize| {
        rows(lists)
            .all(|(_, fields)| id_of(fields, column).is_some_and(|id| vocabulary.contains(id)))
    };
    let id = match (
        numbers,
        numbers.iter().filter(known).collect::<Vec<_>>().as_slice(),
    ) {
        (&[one], _) | (_, &[&one]) => one,
        ([first, second, ..], _) => return Err(cannot_tell(*first, *second, "ids")),
        ([], _) => return Err("no column has numbers".into()),
    };
    let name_too = |(_, fields): &LineFields| {
        fields
            .get(id)
            .is_some_and(|field| vocabulary.by_name(field).is_some())
    };
    match rows(lists).all(name_too) {
        true => Err(format!(
            "column {} holds numbers that could be ids, and are names of entities too",
            id + 1
        )),
        false => Ok(Columns::Id(id)),
    }
}

fn cannot_tell(first: usize, second: usize, what: &str) -> String {
    format!(
        "columns {} and {} could both be the {what} of the entities",
        first + 1,
        second + 1
    )
}

fn holds(column: usize, lists: &[Vec<LineFields>], vocabulary: &Vocabulary) -> ColumnContent {
    let values: Vec<&str> = rows(lists)
        .filter_map(|(_, fields)| fields.get(column).copied())
        .collect();
    let values: Vec<&str> = values
        .into_iter()
        .filter(|value| !value.is_empty())
        .collect();
    let numbers = values
        .iter()
        .filter(|value| value.parse::<u32>().is_ok())
        .count();
    if lists.iter().any(|list| list.len() > 1) && lists.iter().all(|list| counts(list, column)) {
        ColumnContent::Ranks
    } else if 2 * numbers > values.len() {
        ColumnContent::Numbers
    } else if values.iter().all(|value| value.parse::<f64>().is_ok()) {
        ColumnContent::Neither
    } else {
        ColumnContent::Text(
            values
                .iter()
                .filter(|value| vocabulary.by_name(value).is_some())
                .count(),
        )
    }
}

fn rows<'a, 'b>(lists: &'b [Vec<LineFields<'a>>]) -> impl Iterator<Item = &'b LineFields<'a>> {
    lists.iter().flatten()
}

fn id_of(fields: &[&str], column: usize) -> Option<EntityId> {
    fields.get(column)?.parse().ok().map(EntityId)
}

/// Whether the column numbers the lines of a list.
fn counts(list: &[LineFields], column: usize) -> bool {
    let number = |fields: &Vec<&str>| fields.get(column)?.parse::<usize>().ok();
    let from = |first: usize| {
        (first..)
            .zip(list)
            .all(|(n, (_, fields))| number(fields) == Some(n))
    };
    from(0) || from(1)
}

/// Whether the column's numbers never rise.
fn falls(list: &[LineFields], column: usize) -> bool {
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
        find(&[list], &vocabulary())
    }

    #[test]
    fn every_plausible_line_is_told() {
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
            // a name that is one of a number's is no id among names
            ("1984\nlion\ntiger", Columns::Name(0)),
            // ids that count, beside their names
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
            // one line disagrees, which is for whoever reads it to say
            (
                "7\tlion\n3\ttiger\n5\tlion",
                Columns::Both { id: 0, name: 1 },
            ),
        ] {
            assert_eq!(found(text), Ok(columns), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_told_apart_is_said() {
        for (text, said) in [
            ("wolf\ndog", "no line has an id or a name"),
            ("1\twolf\n2\tdog", "no line has an id or a name"),
            ("7\t3\n3\t5\n5\t7", "columns 1 and 2 could both be the ids"),
            (
                "lion\ttiger\ntiger\tlion",
                "columns 1 and 2 could both be the names",
            ),
            ("7\ttiger\n9\tlion", "neither are the ids of the names"),
            ("1984\n1984", "are names of entities too"),
        ] {
            let why = found(text).unwrap_err();
            assert!(why.contains(said), "{text}: {why}");
        }
    }
}
