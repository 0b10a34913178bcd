//! Decoding of text files as other programs write them: UTF-8 with or without a byte order mark,
//! and UTF-16 with one, as the `>` of PowerShell writes it.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::git_lfs;

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";
/// The number of bytes that decide whether a file without a byte order mark is UTF-16.
const SAMPLE: usize = 4096;

/// The encoding of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// The decoded text of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct DecodedText<'a> {
    /// The text without the byte order mark. Invalid bytes are decoded to U+FFFD.
    pub text: Cow<'a, str>,
    pub encoding: Encoding,
    /// True if the file starts with a byte order mark.
    pub has_bom: bool,
    /// The number, from 1, of the first line with invalid bytes.
    pub first_invalid: Option<usize>,
}

impl Encoding {
    /// Detects the encoding of a file by its first bytes. Returns it with the length of the byte
    /// order mark.
    ///
    /// The error says why the file is not read as text. It follows the file's name.
    pub fn detect(start: &[u8]) -> std::result::Result<(Encoding, usize), String> {
        if git_lfs::is_pointer(start) {
            return Err(git_lfs::REASON.into());
        }
        match start {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
                Err(unsupported("is UTF-32", "UTF-32"))
            }
            [0xff, 0xfe, ..] => Ok((Encoding::Utf16Le, 2)),
            [0xfe, 0xff, ..] => Ok((Encoding::Utf16Be, 2)),
            _ if start.starts_with(UTF8_BOM) => Ok((Encoding::Utf8, UTF8_BOM.len())),
            _ => match detect_utf16(&start[..start.len().min(SAMPLE)]) {
                Some(name) => {
                    let what = format!("seems to be {name} without a byte order mark");
                    Err(unsupported(&what, name))
                }
                None => Ok((Encoding::Utf8, 0)),
            },
        }
    }

    /// Decodes bytes without a byte order mark. Returns the text, and whether all bytes are valid.
    pub fn decode<'a>(self, bytes: &'a [u8]) -> (Cow<'a, str>, bool) {
        match self {
            Encoding::Utf8 => {
                let text = String::from_utf8_lossy(bytes);
                let valid = matches!(text, Cow::Borrowed(_));
                (text, valid)
            }
            Encoding::Utf16Le => decode_utf16(bytes, u16::from_le_bytes),
            Encoding::Utf16Be => decode_utf16(bytes, u16::from_be_bytes),
        }
    }
}

fn unsupported(what: &str, from: &str) -> String {
    format!("{what}, which is not supported; convert it: `iconv -f {from} -t UTF-8`")
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (Cow<'static, str>, bool) {
    let (units, remainder) = bytes.as_chunks::<2>();
    let mut valid = true;
    let mut text = String::new();
    for character in char::decode_utf16(units.iter().map(|bytes| unit(*bytes))) {
        valid &= character.is_ok();
        text.push(character.unwrap_or('\u{fffd}'));
    }
    if !remainder.is_empty() {
        valid = false;
        text.push('\u{fffd}');
    }
    (text.into(), valid)
}

/// Returns the name of the encoding if every other byte tends to be 0, as in UTF-16 of Latin text.
/// A single 0 byte is not enough.
fn detect_utf16(sample: &[u8]) -> Option<&'static str> {
    let (units, _) = sample.as_chunks::<2>();
    let zeros = |byte: usize| units.iter().filter(|unit| unit[byte] == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    let dominates =
        |count: usize, other: usize| count >= 2 && 3 * count >= units.len() && count > 8 * other;
    if dominates(second, first) {
        Some("UTF-16LE")
    } else if dominates(first, second) {
        Some("UTF-16BE")
    } else {
        None
    }
}

/// Decodes the bytes of a complete file.
///
/// The error follows the file's name: "seems to be UTF-16LE …".
pub fn decode(bytes: &[u8]) -> std::result::Result<DecodedText<'_>, String> {
    let (encoding, bom) = Encoding::detect(bytes)?;
    let (text, valid) = encoding.decode(&bytes[bom..]);
    let first_invalid = if valid {
        None
    } else {
        Some(first_invalid_line(bytes, bom, encoding, &text))
    };
    Ok(DecodedText {
        text,
        encoding,
        has_bom: bom > 0,
        first_invalid,
    })
}

/// Returns the number, from 1, of the first line of an invalid file with invalid bytes.
fn first_invalid_line(bytes: &[u8], bom: usize, encoding: Encoding, text: &str) -> usize {
    let line_ends = match std::str::from_utf8(&bytes[bom..]) {
        Err(error) if encoding == Encoding::Utf8 => {
            let valid = &bytes[..bom + error.valid_up_to()];
            valid.iter().filter(|&&byte| byte == b'\n').count()
        }
        _ => {
            let valid = text.split('\u{fffd}').next().unwrap_or_default();
            valid.matches('\n').count()
        }
    };
    line_ends + 1
}

/// Reads a text file that must be valid, such as settings or JSON.
///
/// Errors: `Io`; `Line` for bytes that are invalid in the encoding; `Format` for a file that is not
/// text.
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

/// Reads a JSON file into `T`. `what` names the expected content with its article: "a BERT
/// configuration".
///
/// Errors: those of [`read`]; `Format` for a file that is not JSON or has other content.
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
    fn the_byte_order_mark_gives_the_encoding() {
        let text = "name\tÅland 🦁\n虎\n";
        let plain = text.as_bytes().to_vec();
        let cases = [
            (plain.clone(), Encoding::Utf8, false),
            ([UTF8_BOM, &plain].concat(), Encoding::Utf8, true),
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
        for (bytes, encoding, has_bom) in cases {
            let expected = DecodedText {
                text: text.into(),
                encoding,
                has_bom,
                first_invalid: None,
            };
            assert_eq!(decode(&bytes).unwrap(), expected);
        }
        assert_eq!(decode(b"").unwrap().text, "");
    }

    #[test]
    fn unsupported_encodings_are_refused_with_the_next_step() {
        for (bytes, name) in [
            (utf16("lion\t7\n", u16::to_le_bytes), "UTF-16LE"),
            (utf16("lion\t7\n", u16::to_be_bytes), "UTF-16BE"),
            (b"\xff\xfe\0\0l\0\0\0".to_vec(), "UTF-32"),
        ] {
            let message = decode(&bytes).unwrap_err();
            assert!(
                message.contains(name) && message.contains(&format!("iconv -f {name} -t UTF-8")),
                "{message}"
            );
        }
        assert!(
            decode(b"version https://git-lfs.github.com/spec/v1\n")
                .unwrap_err()
                .contains("git lfs pull")
        );
        // a single zero byte does not make a text UTF-16
        assert_eq!(
            decode(b"nul\0byte\t7\nplain\t8\n").unwrap().text,
            "nul\0byte\t7\nplain\t8\n"
        );
    }

    #[test]
    fn invalid_text_is_decoded_and_its_line_reported() {
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
    fn reading_reports_the_first_invalid_line() {
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
    fn json_may_have_a_byte_order_mark_and_errors_say_what_is_wrong() {
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
