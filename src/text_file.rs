//! Text files as people's programs write them: UTF-8 with or without a byte order mark, and UTF-16
//! with one, as the `>` of PowerShell writes it.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::git_lfs;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
/// As many bytes decide whether a file without a mark is UTF-16.
const SAMPLE: usize = 4096;

/// How characters are written as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// The characters of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct DecodedText<'a> {
    /// Without the byte order mark. What is not valid in the encoding is U+FFFD.
    pub text: Cow<'a, str>,
    pub encoding: Encoding,
    /// Whether the file began with a byte order mark.
    pub has_bom: bool,
    /// The first line, from 1, that is not valid in the encoding.
    pub first_invalid: Option<usize>,
}

impl Encoding {
    /// The encoding of a file by its first bytes, and the length of its byte order mark. The error
    /// says why the file is not read as text, and completes a sentence that begins with the file's
    /// name.
    pub fn detect(start: &[u8]) -> std::result::Result<(Encoding, usize), String> {
        match start {
            _ if git_lfs::is_pointer(start) => Err(git_lfs::REASON.into()),
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(convert("is UTF-32", "UTF-32")),
            [0xff, 0xfe, ..] => Ok((Encoding::Utf16Le, 2)),
            [0xfe, 0xff, ..] => Ok((Encoding::Utf16Be, 2)),
            _ if start.starts_with(UTF8_MARK) => Ok((Encoding::Utf8, UTF8_MARK.len())),
            _ => match unmarked(&start[..start.len().min(SAMPLE)]) {
                Some(name) => Err(convert(
                    &format!("seems to be {name} without a byte order mark"),
                    name,
                )),
                None => Ok((Encoding::Utf8, 0)),
            },
        }
    }

    /// Decodes bytes that have no mark; the text is whole also where some of them are not valid,
    /// and then the second is false.
    pub fn decode<'a>(self, bytes: &'a [u8]) -> (Cow<'a, str>, bool) {
        match self {
            Encoding::Utf8 => {
                let text = String::from_utf8_lossy(bytes);
                let valid = matches!(text, Cow::Borrowed(_));
                (text, valid)
            }
            Encoding::Utf16Le => wide(bytes, u16::from_le_bytes),
            Encoding::Utf16Be => wide(bytes, u16::from_be_bytes),
        }
    }
}

fn convert(what: &str, from: &str) -> String {
    format!("{what}, which is not read; convert it: `iconv -f {from} -t UTF-8`")
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (Cow<'static, str>, bool) {
    let (units, odd) = bytes.as_chunks::<2>();
    let mut valid = odd.is_empty();
    let decoded = char::decode_utf16(units.iter().map(|bytes| unit(*bytes)));
    let mut text: String = decoded
        .map(|character| {
            character
                .inspect_err(|_| valid = false)
                .unwrap_or('\u{fffd}')
        })
        .collect();
    text.extend((!odd.is_empty()).then_some('\u{fffd}'));
    (text.into(), valid)
}

/// The name of the encoding where every other byte tends to be 0, as in UTF-16 of Latin text. A
/// single 0 byte is no such sign.
fn unmarked(sample: &[u8]) -> Option<&'static str> {
    let (units, _) = sample.as_chunks::<2>();
    let zeros = |at: usize| units.iter().filter(|unit| unit[at] == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    let many =
        |count: usize, other: usize| count >= 2 && 3 * count >= units.len() && count > 8 * other;
    match () {
        () if many(low, high) => Some("UTF-16LE"),
        () if many(high, low) => Some("UTF-16BE"),
        () => None,
    }
}

/// Decodes the bytes of a whole file. The error completes a sentence that begins with the file's
/// name: "seems to be UTF-16LE …".
pub fn decode(bytes: &[u8]) -> std::result::Result<DecodedText<'_>, String> {
    let (encoding, mark) = Encoding::detect(bytes)?;
    let (text, valid) = encoding.decode(&bytes[mark..]);
    let line = || match std::str::from_utf8(&bytes[mark..]) {
        Err(error) if encoding == Encoding::Utf8 => {
            bytes[..mark + error.valid_up_to()]
                .iter()
                .filter(|&&b| b == b'\n')
                .count()
                + 1
        }
        _ => {
            text.split('\u{fffd}')
                .next()
                .unwrap_or_default()
                .matches('\n')
                .count()
                + 1
        }
    };
    let first_invalid = (!valid).then(line);
    Ok(DecodedText {
        text,
        encoding,
        has_bom: mark > 0,
        first_invalid,
    })
}

/// Reads a file of text that must be valid: settings, views, JSON. Errors: `Io`; `Line` for what is
/// not valid in its encoding; `Format` for what is not read as text.
pub fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let text = decode(&bytes).map_err(|reason| Error::format(path, reason))?;
    match text.first_invalid {
        None => Ok(text.text.into_owned()),
        Some(line) => {
            let reason = "has bytes that are not UTF-8; save the file as UTF-8".to_owned();
            Err(Error::Line {
                path: path.to_owned(),
                line,
                reason,
            })
        }
    }
}

/// Reads a JSON file into `T`. `what` says what the file should be, with its article: "a BERT
/// configuration".
///
/// Errors: those of [`read`]; `Format` for what is not JSON or not such a file.
pub fn read_json<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T> {
    serde_json::from_str(&read(path)?).map_err(|e| {
        let expected = if e.is_data() { what } else { "JSON" };
        Error::format(path, format!("is not {expected}: {e}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_mark_tells_the_encoding_and_is_no_text() {
        let text = "name\tÅland 🦁\n虎\n";
        let plain = text.as_bytes().to_vec();
        let cases = [
            (plain.clone(), Encoding::Utf8, false),
            ([UTF8_MARK, &plain].concat(), Encoding::Utf8, true),
            (
                [&b"\xff\xfe"[..], &utf16(text, u16::to_le_bytes)].concat(),
                Encoding::Utf16Le,
                true,
            ),
            (
                [&b"\xfe\xff"[..], &utf16(text, u16::to_be_bytes)].concat(),
                Encoding::Utf16Be,
                true,
            ),
        ];
        for (bytes, encoding, marked) in cases {
            let wanted = DecodedText {
                text: text.into(),
                encoding,
                has_bom: marked,
                first_invalid: None,
            };
            assert_eq!(decode(&bytes).unwrap(), wanted);
        }
        assert_eq!(decode(b"").unwrap().text, "");
    }

    #[test]
    fn what_is_not_read_is_named_with_the_next_step() {
        for (bytes, name) in [
            (utf16("lion\t7\n", u16::to_le_bytes), "UTF-16LE"),
            (utf16("lion\t7\n", u16::to_be_bytes), "UTF-16BE"),
            (b"\xff\xfe\0\0l\0\0\0".to_vec(), "UTF-32"),
        ] {
            let said = decode(&bytes).unwrap_err();
            assert!(
                said.contains(name) && said.contains(&format!("iconv -f {name} -t UTF-8")),
                "{said}"
            );
        }
        assert!(
            decode(b"version https://git-lfs.github.com/spec/v1\n")
                .unwrap_err()
                .contains("git lfs pull")
        );
        // one zero byte among text is only an odd character
        assert_eq!(
            decode(b"nul\0byte\t7\nplain\t8\n").unwrap().text,
            "nul\0byte\t7\nplain\t8\n"
        );
    }

    #[test]
    fn invalid_text_is_kept_and_its_line_named() {
        let latin = decode(b"lion\nZ\xfcrich\n").unwrap();
        assert_eq!(
            (latin.text.as_ref(), latin.first_invalid),
            ("lion\nZ\u{fffd}rich\n", Some(2))
        );
        let lone = [
            &b"\xff\xfe"[..],
            &utf16("a\nb", u16::to_le_bytes),
            &[0, 0xd8],
        ]
        .concat();
        assert_eq!(
            decode(&lone).unwrap().first_invalid,
            Some(2),
            "half a surrogate pair"
        );
        let cut = [&b"\xff\xfe"[..], &utf16("a\nb", u16::to_le_bytes), b"c"].concat();
        let cut = decode(&cut).unwrap();
        assert_eq!(
            (cut.text.as_ref(), cut.first_invalid),
            ("a\nb\u{fffd}", Some(2)),
            "half a unit"
        );
    }

    #[test]
    fn a_file_that_must_be_valid_is_read_or_refused_by_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(
            file.path(),
            [&b"\xff\xfe"[..], &utf16("{}\r\n", u16::to_le_bytes)].concat(),
        )
        .unwrap();
        assert_eq!(read(file.path()).unwrap(), "{}\r\n");
        fs::write(file.path(), b"a\nb\xff").unwrap();
        assert!(matches!(
            read(file.path()),
            Err(Error::Line { line: 2, .. })
        ));
        fs::write(file.path(), utf16("{}", u16::to_le_bytes)).unwrap();
        assert!(
            read(file.path())
                .unwrap_err()
                .to_string()
                .contains("UTF-16LE without a byte order mark")
        );
    }

    #[test]
    fn json_is_read_past_a_byte_order_mark_and_what_is_wrong_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let read = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read_json::<std::collections::BTreeMap<String, i32>>(&path, "a list of numbers")
                .map_err(|e| e.to_string())
        };
        assert_eq!(read(b"\xef\xbb\xbf{\"a\": 1}").unwrap()["a"], 1);
        assert!(
            read(b"{\"a\": 1, ")
                .unwrap_err()
                .contains("settings.json is not JSON: EOF")
        );
        assert!(
            read(b"{\"a\": true}")
                .unwrap_err()
                .contains("is not a list of numbers: invalid type")
        );
    }
}
