//! Parsing of a line of `sentences.json`.
//!
//! A number may be any JSON value at first, so that an invalid one is reported and only its mention
//! is left out, not the whole line.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::data::diagnostics::{DiagnosticKind, kind};
use crate::data::vocabulary::Vocabulary;
use crate::types::EntityId;

/// The largest integer up to which an f64 represents every integer.
const MAX_EXACT_INTEGER: f64 = (1u64 << 53) as f64;

/// A line of the file.
#[derive(Deserialize)]
pub(super) struct Sentence {
    pub tokens: Vec<String>,
    #[serde(rename = "entityMentions")]
    pub mentions: Vec<Mention>,
    #[serde(default)]
    image: Scalar,
}

/// A mention of an entity in a line.
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
    /// The first token.
    pub start: usize,
    /// The last token.
    pub end: usize,
    /// The description of a number that had to be converted.
    pub conversion: Option<String>,
}

/// A problem of a part of a line.
pub(super) type Problem = (DiagnosticKind, String);

/// A JSON value, of which only integers and texts are used.
#[derive(Debug, Default, PartialEq)]
enum Scalar {
    #[default]
    Missing,
    Null,
    Integer(i64),
    Fraction(f64),
    Text(String),
    /// A noun phrase: "a list".
    Other(&'static str),
}

impl Sentence {
    /// Returns the path of the sentence's image, if it has one.
    ///
    /// Errors: an image that is not a path.
    pub(super) fn image(&self) -> Result<Option<&str>, Problem> {
        match &self.image {
            Scalar::Missing | Scalar::Null => Ok(None),
            Scalar::Text(path) => Ok(Some(path)
                .filter(|path| !path.is_empty())
                .map(String::as_str)),
            other => Err((
                kind::BAD_IMAGE,
                format!("image is {}, expected a path", other.describe()),
            )),
        }
    }
}

impl Mention {
    /// Checks the mention in a sentence of this many tokens, and returns its entity and tokens.
    pub(super) fn resolve(&self, tokens: usize, vocabulary: &Vocabulary) -> Result<Span, Problem> {
        let mut conversion = None;
        let mut number = |name: &str, value: &Scalar| {
            let invalid = || {
                (
                    kind::BAD_MENTION,
                    format!("{name} is {}, expected an integer", value.describe()),
                )
            };
            let (number, exact) = value.as_integer().ok_or_else(invalid)?;
            if !exact {
                conversion.get_or_insert_with(|| {
                    format!("{name} is {}, read as {number}", value.describe())
                });
            }
            Ok::<i64, Problem>(number)
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
                conversion,
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
    /// Returns the value as an integer, and whether it is written as one: `7`. Other programs write
    /// `"7"` and `7.0`.
    fn as_integer(&self) -> Option<(i64, bool)> {
        match self {
            Scalar::Integer(number) => Some((*number, true)),
            Scalar::Text(text) => text.trim().parse().ok().map(|number| (number, false)),
            Scalar::Fraction(number)
                if number.fract() == 0.0 && number.abs() <= MAX_EXACT_INTEGER =>
            {
                Some((*number as i64, false))
            }
            _ => None,
        }
    }

    /// Describes the value for an error message.
    fn describe(&self) -> Cow<'static, str> {
        match self {
            Scalar::Missing => "missing".into(),
            Scalar::Null => "null".into(),
            Scalar::Integer(number) => number.to_string().into(),
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
        Ok(Scalar::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(value).map_or(Scalar::Fraction(value as f64), Scalar::Integer))
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

/// Parses a line. The line number in the error counts within this one line.
pub(super) fn parse(line: &[u8]) -> Result<Sentence, serde_json::Error> {
    // serde would accept a list as the fields of a sentence in their order
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

    fn mention(id: &str, start: &str) -> Result<Span, Problem> {
        let line = format!(
            r#"{{"tokens": ["a", "b"], "entityMentions": [{{"entityId": {id}, "start": {start}, "end": 1}}], "image": null}}"#
        );
        parse(line.as_bytes()).unwrap().mentions[0].resolve(2, &vocabulary())
    }

    #[test]
    fn numbers_may_be_written_as_text_or_with_a_decimal_point() {
        for (id, shown) in [
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
            let conversion = shown.map(|shown| format!("entityId is {shown}, read as 7"));
            assert_eq!(span.conversion, conversion);
        }
    }

    #[test]
    fn values_that_are_not_integers_are_reported() {
        for (id, shown) in [
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
                    format!("entityId is {shown}, expected an integer")
                )
            );
        }
        assert_eq!(
            mention("7", "null").err().unwrap().1,
            "start is null, expected an integer"
        );
        assert_eq!(
            mention("18446744073709551615", "0").err().unwrap().0,
            kind::BAD_MENTION
        );
        assert_eq!(mention("-1", "0").err().unwrap().0, kind::UNKNOWN_ENTITY);
        let missing =
            parse(br#"{"tokens": ["a"], "entityMentions": [{"start": 0, "end": 0}]}"#).unwrap();
        let (_, reason) = missing.mentions[0].resolve(1, &vocabulary()).err().unwrap();
        assert_eq!(reason, "entityId is missing, expected an integer");
    }

    #[test]
    fn an_image_is_a_path_or_missing() {
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
    fn a_list_is_not_a_sentence() {
        assert!(parse(b"[[\"a\"], [], null]").is_err());
        assert!(parse(b"7").is_err());
    }
}
