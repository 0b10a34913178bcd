//! `sentences.json`, in every encoding.

use std::fs;

use bolero::check;
use multiexpan::data::{Dataset, Diagnostics, Pair};
use multiexpan::progress::Unobserved;

use crate::mutate::{Mutation, folder, in_time};

const LINES: [&str; 3] = [
    concat!(
        r#"{"tokens": ["the", "lion", "of", "Å"], "entityMentions": [{"entityId": 7, "start": 1, "end": 1}], "image": "a.png"}"#,
        "\r\n",
        r#"{"image": null, "entityMentions": [{"entityId": "3", "start": 0.0, "end": 1}, {"entityId": 7, "start": 0, "end": 0}], "tokens": ["sea", "lion"]}"#,
        "\n"
    ),
    concat!(
        "\n",
        r#"{"tokens": ["ਊ", "ਊ"], "entityMentions": [{"entityId": 3, "start": 0, "end": 1}], "more": {"a": [1, {}]}}"#
    ),
    "",
];
const WORDS: [&[u8]; 12] = [
    b"\n",
    b"\r\n",
    b"\n\0",
    b"\0\n",
    b"null",
    b"-1",
    b"1e99",
    b"\"7\"",
    b"7.5",
    b"[[[[[[[[",
    b"\\ud800",
    b"\xef\xbb\xbf",
];

/// Returns each text in UTF-8 and UTF-16, with and without a byte order mark.
fn encoded() -> Vec<Vec<u8>> {
    let utf16 = |text: &str, mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
        let units: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
        [mark, &units].concat()
    };
    LINES
        .iter()
        .flat_map(|text| {
            [
                text.as_bytes().to_vec(),
                [b"\xef\xbb\xbf", text.as_bytes()].concat(),
                utf16(text, b"\xff\xfe", u16::to_le_bytes),
                utf16(text, b"\xfe\xff", u16::to_be_bytes),
                utf16(text, b"", u16::to_le_bytes),
            ]
        })
        .collect()
}

fn pairs(dataset: &Dataset) -> Vec<Pair> {
    let mut all = Vec::new();
    let mut take = |pair| {
        all.push(pair);
        Ok(())
    };
    dataset
        .pairs(&mut Diagnostics::default(), &mut Unobserved, &mut take)
        .unwrap();
    all
}

#[test]
fn every_pair_is_read_again_by_its_offset() {
    let folder = folder();
    fs::write(
        folder.path().join("entity2id.txt"),
        "lion\t7\nsea lion\t3\n",
    )
    .unwrap();
    fs::write(folder.path().join("a.png"), "").unwrap();
    let dataset = Dataset::open(folder.path()).unwrap();
    let (files, path) = (encoded(), folder.path().join("sentences.json"));
    fs::write(&path, &files[0]).unwrap();
    assert_eq!(pairs(&dataset).len(), 3, "the unchanged files are valid");
    check!().with_type::<Mutation>().for_each(|mutation| {
        fs::write(&path, mutation.mutate(&files, &WORDS)).unwrap();
        for pair in in_time(|| pairs(&dataset)) {
            assert!(pair.start <= pair.end && pair.end < pair.tokens.len());
            let again = dataset.pair_at(pair.offset, pair.mention).unwrap();
            assert_eq!(
                Pair {
                    line: pair.line,
                    ..again
                },
                pair
            );
        }
    });
}
