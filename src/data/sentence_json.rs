//! A line of `sentences.json`: the JSON as people's programs write it, and what it means.
//!
//! Every number is read as whatever it is, so that a wrong one is named and costs its mention, not
//! the line.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::data::diagnostics::{DiagnosticKind, kind};
use crate::data::vocabulary::Vocabulary;
use crate::types::EntityId;

/// Above this an f64 does not tell whole numbers apart.
const LARGEST_EXACT: f64 = (1u64 << 53) as f64;

/// A line as the file has it.
#[derive(Deserialize)]
pub(super) struct Sentence {
    pub tokens: Vec<String>,
    #[serde(rename = "entityMentions")]
    pub mentions: Vec<Mention>,
    #[serde(default)]
    image: Scalar,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mention {
    #[serde(default)]
    entity_id: Scalar,
    #[serde(default)]
    start: Scalar,
    #[serde(default)]
    end: Scalar,
}

/// A usable mention.
pub(super) struct Span {
    pub entity: EntityId,
    /// The tokens `start..=end`.
    pub start: usize,
    pub end: usize,
    /// A number that had to be interpreted, for people.
    pub loose: Option<String>,
}

/// What is wrong with a part of a line.
pub(super) type Fault = (DiagnosticKind, String);

/// Any value of JSON, of which only whole numbers and texts are of use.
#[derive(Debug, Default, PartialEq)]
enum Scalar {
    #[default]
    Missing,
    Null,
    Whole(i64),
    Fraction(f64),
    Text(String),
    /// A noun phrase: "a list".
    Other(&'static str),
}

impl Sentence {
    /// The path of the sentence's image; `None` where it says that it has none. The error is of an
    /// image that is no path.
    pub(super) fn image(&self) -> Result<Option<&str>, Fault> {
        match &self.image {
            Scalar::Missing | Scalar::Null => Ok(None),
            Scalar::Text(path) => Ok(Some(path)
                .filter(|path| !path.is_empty())
                .map(String::as_str)),
            other => Err((
                kind::BAD_IMAGE,
                format!("image is {}, expected a path", other.shown()),
            )),
        }
    }
}

impl Mention {
    /// The entity and its tokens, of a sentence of so many, or what is wrong with them.
    pub(super) fn resolve(&self, tokens: usize, vocabulary: &Vocabulary) -> Result<Span, Fault> {
        let mut loose = None;
        let mut number = |name: &str, value: &Scalar| {
            let wrong = || {
                (
                    kind::BAD_MENTION,
                    format!("{name} is {}, expected a whole number", value.shown()),
                )
            };
            let (number, exact) = value.whole().ok_or_else(wrong)?;
            if !exact {
                loose.get_or_insert_with(|| {
                    format!("{name} is {}, taken for {number}", value.shown())
                });
            }
            Ok::<i64, Fault>(number)
        };
        let id = number("entityId", &self.entity_id)?;
        let (start, end) = (number("start", &self.start)?, number("end", &self.end)?);
        let known = u32::try_from(id)
            .ok()
            .map(EntityId)
            .filter(|id| vocabulary.contains(*id));
        let Some(entity) = known else {
            return Err((
                kind::UNKNOWN_ENTITY,
                format!("entity {id} is not in entity2id.txt"),
            ));
        };
        if end < start {
            let reason = format!("the mention {start}..{end} of {entity} ends before it starts");
            return Err((kind::BAD_SPAN, reason));
        }
        match (usize::try_from(start), usize::try_from(end)) {
            (Ok(start), Ok(end)) if end < tokens => Ok(Span {
                entity,
                start,
                end,
                loose,
            }),
            _ => {
                let reason =
                    format!("the mention {start}..{end} of {entity} is outside {tokens} tokens");
                Err((kind::OUT_OF_RANGE, reason))
            }
        }
    }
}

impl Scalar {
    /// The whole number that the value is, and whether it is written as one: `7`. Other programs
    /// write `"7"` and `7.0`.
    fn whole(&self) -> Option<(i64, bool)> {
        match self {
            Scalar::Whole(number) => Some((*number, true)),
            Scalar::Text(text) => text.trim().parse().ok().map(|number| (number, false)),
            Scalar::Fraction(number) if number.fract() == 0.0 && number.abs() <= LARGEST_EXACT => {
                Some((*number as i64, false))
            }
            _ => None,
        }
    }

    fn shown(&self) -> Cow<'static, str> {
        match self {
            Scalar::Missing => "missing".into(),
            Scalar::Null => "null".into(),
            Scalar::Whole(number) => number.to_string().into(),
            Scalar::Fraction(number) => format!("{number:?}").into(),
            Scalar::Text(text) => format!("the text “{text}”").into(),
            Scalar::Other(what) => (*what).into(),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Other(if value { "true" } else { "false" }))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(value).map_or(Scalar::Fraction(value as f64), Scalar::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Fraction(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Scalar, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("an object"))
    }
}

/// Parses a line. The error is a clause without the line number, which serde would count within
/// this one line.
pub(super) fn parse(line: &[u8]) -> Result<Sentence, serde_json::Error> {
    // a line of a list would be taken for the fields of a sentence in their order
    if line.trim_ascii_start().first() == Some(&b'[') {
        return Err(serde_json::Error::custom(
            "expected an object, found a list",
        ));
    }
    serde_json::from_slice(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        [(EntityId(7), "lion".to_owned())].into_iter().collect()
    }

    fn mention(id: &str, start: &str) -> Result<Span, Fault> {
        let line = format!(
            r#"{{"tokens": ["a", "b"], "entityMentions": [{{"entityId": {id}, "start": {start}, "end": 1}}], "image": null}}"#
        );
        parse(line.as_bytes()).unwrap().mentions[0].resolve(2, &vocabulary())
    }

    #[test]
    fn a_number_may_be_written_as_other_programs_do() {
        for (id, said) in [
            ("7", None),
            ("\"7\"", Some("the text “7”")),
            ("7.0", Some("7.0")),
            ("7e0", Some("7.0")),
        ] {
            let span = mention(id, "0").unwrap();
            assert_eq!(
                (span.entity, span.start, span.end),
                (EntityId(7), 0, 1),
                "{id}"
            );
            let loose = said.map(|said| format!("entityId is {said}, taken for 7"));
            assert_eq!(span.loose, loose);
        }
    }

    #[test]
    fn a_value_that_is_no_whole_number_is_named() {
        for (id, said) in [
            ("null", "null"),
            ("7.5", "7.5"),
            ("\"seven\"", "the text “seven”"),
            ("[7]", "a list"),
            ("{\"id\": 7}", "an object"),
            ("true", "true"),
            ("1e300", "1e300"),
        ] {
            let (kind, reason) = mention(id, "0").err().unwrap();
            assert_eq!(
                (kind, reason),
                (
                    kind::BAD_MENTION,
                    format!("entityId is {said}, expected a whole number")
                )
            );
        }
        assert_eq!(
            mention("7", "null").err().unwrap().1,
            "start is null, expected a whole number"
        );
        assert_eq!(
            mention("18446744073709551615", "0").err().unwrap().0,
            kind::BAD_MENTION
        );
        assert_eq!(mention("-1", "0").err().unwrap().0, kind::UNKNOWN_ENTITY);
        let missing =
            parse(br#"{"tokens": ["a"], "entityMentions": [{"start": 0, "end": 0}]}"#).unwrap();
        let (_, reason) = missing.mentions[0].resolve(1, &vocabulary()).err().unwrap();
        assert_eq!(reason, "entityId is missing, expected a whole number");
    }

    #[test]
    fn an_image_is_a_path_or_none() {
        let sentence = |image: &str| {
            parse(format!(r#"{{"tokens": [], "entityMentions": []{image}}}"#).as_bytes()).unwrap()
        };
        for none in ["", r#", "image": null"#, r#", "image": """#] {
            assert_eq!(sentence(none).image().unwrap(), None, "{none}");
        }
        assert_eq!(
            sentence(r#", "image": "a.png""#).image().unwrap(),
            Some("a.png")
        );
        let (kind, reason) = sentence(r#", "image": ["a.png"]"#).image().unwrap_err();
        assert_eq!(
            (kind, reason.as_str()),
            (kind::BAD_IMAGE, "image is a list, expected a path")
        );
    }

    #[test]
    fn a_list_is_no_sentence() {
        assert!(parse(b"[[\"a\"], [], null]").is_err());
        assert!(parse(b"7").is_err());
    }
}
