//! Runs: a run that is written in any format is read back equal, and mutated files are read or give
//! an error.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use bolero::{TypeGenerator, check};
use multiexpan::data::{Class, Dataset, Diagnostics, Vocabulary};
use multiexpan::eval::run::{Ranking, Run, RunFormat, run_query_id};
use multiexpan::name::fold;
use multiexpan::types::{ClassId, EntityId, Query, SeedCount};

use crate::mutate::{Mutation, folder, in_time};
use crate::names::Name;

/// The random parts of a data set and a run.
#[derive(Debug, Clone, TypeGenerator)]
struct RandomRun {
    names: Vec<Name>,
    first_id: u8,
    classes: [Name; 2],
    /// Positions of candidates in the vocabulary.
    rankings: Vec<[u8; 3]>,
}

impl RandomRun {
    /// Returns a data set of the valid parts: names that are not empty, and classes that can be file
    /// names and that runs distinguish. `None` if too few are valid.
    fn dataset(&self) -> Option<Dataset> {
        let names: Vec<String> = self.names.iter().map(Name::text).collect();
        let names = names
            .iter()
            .map(|name| name.trim())
            .filter(|name| !name.is_empty());
        // Ids that begin at 0 or 1 can be confused with ranks.
        let ids = (u32::from(self.first_id % 3)..).map(EntityId);
        let vocabulary: Vocabulary = ids.zip(names.map(str::to_owned)).collect();
        let mut seen = BTreeSet::new();
        let classes: Vec<Class> = self
            .classes
            .iter()
            .map(|name| name.text().replace(['/', '\0'], "."))
            .filter(|name| !fold(name).is_empty() && seen.insert(fold(name)))
            .map(|name| Class {
                name,
                members: vocabulary.iter().map(|(id, _)| id).collect(),
                ..Class::default()
            })
            .collect();
        let query = |class: usize| Query {
            class: ClassId(class as u16),
            seed_count: SeedCount::Three,
            number: 0,
            seeds: vec![],
        };
        let queries = (0..classes.len()).map(query).collect();
        let (root, name) = ("data".into(), "data".into());
        (vocabulary.len() > 1 && !classes.is_empty()).then(|| Dataset {
            root,
            name,
            vocabulary,
            classes,
            queries,
            diagnostics: Diagnostics::default(),
        })
    }

    /// Returns a run with a ranking of known entities for each class.
    fn run(&self, dataset: &Dataset) -> Run {
        let known: Vec<EntityId> = dataset.vocabulary.iter().map(|(id, _)| id).collect();
        let candidates = |class: usize| -> Vec<(EntityId, f64)> {
            let chosen = self
                .rankings
                .iter()
                .flatten()
                .skip(class)
                .map(|position| known[usize::from(*position) % known.len()]);
            let mut seen = BTreeSet::new();
            // in random order, or in the order of the vocabulary
            let all: Vec<EntityId> = if self.rankings.len() < 3 {
                known.clone()
            } else {
                chosen.collect()
            };
            let distinct = all.into_iter().filter(|entity| seen.insert(*entity));
            (1u32..)
                .zip(distinct)
                .map(|(rank, entity)| (entity, 1.0 / f64::from(rank)))
                .collect()
        };
        let ranking = |(class, query): (usize, &Query)| Ranking {
            query: run_query_id(&dataset.query_id(query)),
            candidates: candidates(class),
        };
        let rankings = dataset
            .queries
            .iter()
            .enumerate()
            .map(ranking)
            .filter(|ranking| !ranking.candidates.is_empty());
        Run {
            tag: "run".into(),
            rankings: rankings.collect(),
            ..Run::default()
        }
    }
}

#[test]
fn a_run_is_read_back_as_it_was_written() {
    check!().with_type::<RandomRun>().for_each(|random| {
        let Some(dataset) = random.dataset() else {
            return;
        };
        let run = random.run(&dataset);
        if run.rankings.is_empty() {
            return;
        }
        let folder = folder();
        for format in RunFormat::ALL {
            let path = folder.path().join(format.name());
            run.write_as(format, &path, &dataset).unwrap();
            let read = match Run::open(&path, &dataset, Some(SeedCount::Three)) {
                Ok(read) => read,
                // A class can have the name of the file of another query.
                Err(error) if error.to_string().contains("a published list of one class") => {
                    continue;
                }
                Err(error) => panic!("{format}: {error}"),
            };
            assert_eq!(read.format, format);
            assert_eq!(read.run.unknown_entities, BTreeMap::new(), "{format}");
            let rankings = |run: &Run| -> BTreeMap<String, Vec<EntityId>> {
                let ranking =
                    |r: &Ranking| (r.query.clone(), r.candidates.iter().map(|c| c.0).collect());
                run.rankings.iter().map(ranking).collect()
            };
            assert_eq!(rankings(&read.run), rankings(&run), "{format}");
        }
    });
}

#[test]
fn unknown_entities_keep_their_names() {
    check!()
        .with_type::<(RandomRun, Vec<Name>)>()
        .for_each(|(random, more)| {
            let Some(dataset) = random.dataset() else {
                return;
            };
            let query = run_query_id(&dataset.query_id(&dataset.queries[0]));
            let known = dataset.vocabulary.iter().map(|(id, _)| id.to_string());
            let unknown = more
                .iter()
                .map(|name| run_query_id(&name.text().replace('\0', " ")))
                .filter(|name| !name.is_empty());
            let lines: Vec<String> = (1..)
                .zip(known.take(1).chain(unknown))
                .map(|(rank, entity)| format!("{query} Q0 {entity} {rank} {} x\n", 99 - rank))
                .collect();
            let folder = folder();
            let path = folder.path().join("first.run");
            fs::write(&path, lines.concat()).unwrap();
            let first = match Run::open(&path, &dataset, None) {
                Ok(first) => first.run,
                // The bytes can look like UTF-16 and be invalid.
                Err(error) => return assert!(error.to_string().contains("UTF-16"), "{error}"),
            };
            for format in RunFormat::ALL {
                let path = folder.path().join(format.name());
                if first.write_as(format, &path, &dataset).is_err() {
                    continue;
                }
                let Ok(again) = Run::open(&path, &dataset, Some(SeedCount::Three)) else {
                    continue;
                };
                let ids = |run: &Run| {
                    run.rankings
                        .iter()
                        .map(|r| r.candidates.iter().map(|c| c.0).collect())
                        .collect::<Vec<Vec<_>>>()
                };
                assert_eq!(ids(&again.run), ids(&first), "{format}");
                let folded = |run: &Run| {
                    run.unknown_entities
                        .iter()
                        .map(|(id, name)| (*id, fold(name)))
                        .collect::<Vec<_>>()
                };
                assert_eq!(folded(&again.run), folded(&first), "{format}");
            }
        });
}

#[test]
fn a_mutated_run_is_read_or_gives_an_error() {
    let names = ["lion", "sea lion", "Å", "1984"];
    let vocabulary: Vocabulary = (0..).map(EntityId).zip(names.map(str::to_owned)).collect();
    let class = Class {
        name: "cats".into(),
        members: vec![EntityId(0)],
        ..Class::default()
    };
    let query = Query {
        class: ClassId(0),
        seed_count: SeedCount::Three,
        number: 0,
        seeds: vec![EntityId(3)],
    };
    let (classes, queries, diagnostics) = (vec![class], vec![query], Diagnostics::default());
    let dataset = Dataset {
        root: "data".into(),
        name: "data".into(),
        vocabulary,
        classes,
        queries,
        diagnostics,
    };
    let lines =
        "cats/3/1 Q0 0 1 2.5 x\ncats/3/1 Q0 sea_lion 2 1e-3 x\ncats/3/1\tQ0\tsea lion\t3\t-0\tx\n";
    let utf16 = [
        &b"\xff\xfe"[..],
        &lines
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>(),
    ]
    .concat();
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0".to_vec();
    let published = b"0.5 0.5 0.5 0.5\n\n0\tlion\t\tcats\n1\tsea lion\t\tnone\n".to_vec();
    let files = [lines.as_bytes().to_vec(), utf16, gzip, published];
    let words: [&[u8]; 10] = [
        b"\t",
        b" ",
        b"\n",
        b"NaN",
        b"inf",
        b"-1",
        b"99999999999999999999",
        b"\xff\xfe",
        b"\0",
        b"1984",
    ];
    let folder = folder();
    fs::create_dir_all(folder.path().join("lists")).unwrap();
    check!()
        .with_type::<(u8, Mutation)>()
        .for_each(|(choice, mutation)| {
            let bytes = mutation.mutate(&files, &words);
            let (file, run) = match choice % 3 {
                0 => ("file.run", "file.run"),
                1 => ("lists/cats_0_3.txt", "lists"),
                _ => ("lists/0_cats.txt", "lists"),
            };
            fs::write(folder.path().join(file), bytes).unwrap();
            if let Ok(read) =
                in_time(|| Run::open(&folder.path().join(run), &dataset, Some(SeedCount::Three)))
            {
                assert!(
                    read.run
                        .rankings
                        .iter()
                        .flat_map(|ranking| &ranking.candidates)
                        .all(|(_, score)| score.is_finite())
                );
            }
            fs::remove_file(folder.path().join(file)).unwrap();
        });
}
