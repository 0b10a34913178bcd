//! The small files of a data set: vocabulary, gold, queries, class hierarchy, image sources.

use std::fs;

use bolero::check;
use multiexpan::data::{Dataset, read_rows};
use multiexpan::types::SeedCount;

use crate::mutate::{Mutation, folder, in_time};

const FILES: [(&str, &str); 7] = [
    (
        "entity2id.txt",
        "lion\t7\nsea lion\t3\nÅland\t1\nA\u{30a}land\t2\n1984\t5\n",
    ),
    (
        "gt/cats.txt",
        "7\tlion\t1\n3\tsea lion\t0\n1\tA\u{30a}land\t1\n",
    ),
    ("gt/i\u{302}les.txt", "1\tÅland\t1\n2\tx\t1\n"),
    ("query/cats.txt", "7 3 1\nEXIT\n"),
    ("query/îles.txt", "1 2\n\n2 1 7\n"),
    (
        "classes.tsv",
        "class\tmiddle\tcoarse\ncats\tanimals\tliving\nîles\t\t\n",
    ),
    ("image/SOURCES.tsv", "file\tkind\na.png\tphoto\n"),
];
const WORDS: [&[u8]; 8] = [
    b"\t",
    b"\n",
    b"\r\n",
    b"EXIT",
    b"\xff\xfe",
    b"\0",
    b"4294967295",
    b"-1",
];
/// `{7: ["cats"], 3: "cats"}`, and a list that contains itself many times.
const PICKLES: [&[u8]; 2] = [
    b"(dp0\nI7\n(lp1\nVcats\naI3\nVcats\ns.",
    b"\x80\x02]q\0(]]]]]]]]]]]]eeeeee.",
];

#[test]
fn a_mutated_data_set_is_opened_or_gives_an_error() {
    let folder = folder();
    let write = |index: usize, bytes: &[u8]| {
        let path = folder.path().join(FILES[index].0);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    for (index, (_, content)) in FILES.iter().enumerate() {
        write(index, content.as_bytes());
    }
    check!()
        .with_type::<(u8, Mutation)>()
        .for_each(|(choice, mutation)| {
            let index = usize::from(*choice) % FILES.len();
            let content = FILES[index].1.as_bytes();
            write(index, &mutation.mutate(&[content.to_vec()], &WORDS));
            if let Ok(dataset) = in_time(|| Dataset::open(folder.path())) {
                for query in &dataset.queries {
                    assert!(
                        query
                            .seeds
                            .iter()
                            .all(|&seed| dataset.vocabulary.contains(seed))
                    );
                    let id = dataset.query_id(query);
                    let class = id.rsplitn(3, '/').nth(2).unwrap();
                    assert_eq!(dataset.class(class).unwrap(), query.class, "{id}");
                }
                for (id, name) in dataset.vocabulary.iter() {
                    assert!(dataset.vocabulary.all_named(name).contains(&id), "{name:?}");
                }
                assert_eq!(dataset.queries_hash(SeedCount::Three).len(), 64);
                // Both may give an error.
                let _ = dataset.image_kinds();
                let _ = read_rows(&folder.path().join("query/cats.txt"), &dataset.vocabulary);
            }
            write(index, content);
        });
}

#[test]
fn a_mutated_pickle_of_classes_is_read_or_ignored() {
    let folder = folder();
    fs::write(
        folder.path().join("entity2id.txt"),
        "lion\t7\nsea lion\t3\n",
    )
    .unwrap();
    let files = PICKLES.map(<[u8]>::to_vec);
    check!().with_type::<Mutation>().for_each(|mutation| {
        fs::write(
            folder.path().join("eid2cls.pkl"),
            mutation.mutate(&files, &[b"(", b"]", b"e", b"."]),
        )
        .unwrap();
        let dataset = in_time(|| Dataset::open(folder.path())).unwrap();
        assert!(
            dataset
                .classes
                .iter()
                .flat_map(|class| &class.members)
                .all(|&e| dataset.vocabulary.contains(e))
        );
    });
}
