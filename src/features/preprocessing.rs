//! Compares a `preprocessor_config.json` beside an image encoder's weights with what is done here.
//! The settings are those of the image processors in Hugging Face's transformers.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Result;
use crate::text_file::read_json;

/// The file of the settings.
pub const FILE: &str = "preprocessor_config.json";

/// The way in which images are prepared for a network here.
#[derive(Debug, Clone, Copy)]
pub struct ImagePreparation {
    /// Width and height that the network sees, in pixels.
    pub side: u32,
    /// True: the shorter side is resized and the middle cut out. False: the whole image is
    /// squashed.
    pub center_crop: bool,
    /// The filter, by Pillow's numbers: 2 is bilinear, 3 is bicubic.
    pub resample: i64,
    /// Means and deviations of the channels that are taken off; `None`: none are.
    pub normalization: Option<[[f32; 3]; 2]>,
}

/// Returns which settings of the folder's `preprocessor_config.json` are not followed, as something
/// that is left out and counted; nothing where there is no such file, or the preparation is what it
/// asks for.
///
/// Errors: those of reading JSON.
pub fn unsupported_settings(
    folder: &Path,
    preparation: &ImagePreparation,
) -> Result<Vec<(String, usize)>> {
    let path = folder.join(FILE);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let differences = preparation.differences(&read_json(&path, "an image processor's settings")?);
    if differences.is_empty() {
        return Ok(Vec::new());
    }
    let what = format!(
        "settings of {} ({})",
        path.display(),
        differences.join(", ")
    );
    Ok(vec![(what, differences.len())])
}

impl ImagePreparation {
    /// Returns each setting that asks for something else, and what is done.
    fn differences(&self, settings: &Map<String, Value>) -> Vec<String> {
        let mut found = Differences {
            settings,
            all: Vec::new(),
        };
        let side = f64::from(self.side);
        let of_side = |value: &Value| numbers(value).iter().all(|number| *number == side);
        found.compare_flag("do_resize", true);
        found.compare("size", of_side, side.to_string());
        found.compare_flag("do_center_crop", self.center_crop);
        if self.center_crop {
            found.compare("crop_size", of_side, side.to_string());
        } else {
            found.compare("crop_pct", |value| value.as_f64() == Some(1.0), "1".into());
        }
        found.compare(
            "resample",
            |value| value.as_i64() == Some(self.resample),
            self.resample.to_string(),
        );
        found.compare_flag("do_rescale", true);
        found.compare("rescale_factor", is_one_255th, "1/255".into());
        found.compare_flag("do_normalize", self.normalization.is_some());
        if let Some([mean, deviation]) = self.normalization {
            found.compare_channels("image_mean", mean);
            found.compare_channels("image_std", deviation);
        }
        found.all
    }
}

/// Settings, and those of them that ask for something else than what is done.
struct Differences<'a> {
    settings: &'a Map<String, Value>,
    all: Vec<String>,
}

impl Differences<'_> {
    /// Adds the setting `name` where it is given and not followed; `here` says what is done.
    fn compare(&mut self, name: &str, is_followed: impl Fn(&Value) -> bool, here: String) {
        let value = self.settings.get(name);
        if let Some(value) = value.filter(|value| !value.is_null() && !is_followed(value)) {
            self.all.push(format!("{name} {value}, here {here}"));
        }
    }

    fn compare_flag(&mut self, name: &str, here: bool) {
        self.compare(
            name,
            |value| value.as_bool() == Some(here),
            here.to_string(),
        );
    }

    fn compare_channels(&mut self, name: &str, here: [f32; 3]) {
        self.compare(name, |value| is_close(value, here), format!("{here:?}"));
    }
}

fn is_one_255th(value: &Value) -> bool {
    value
        .as_f64()
        .is_some_and(|factor| (factor * 255.0 - 1.0).abs() < 1e-3)
}

/// The numbers of a size: one, or those of an object such as `{"height": 224, "width": 224}`.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Object(sides) => sides.values().filter_map(Value::as_f64).collect(),
        Value::Array(sides) => sides.iter().filter_map(Value::as_f64).collect(),
        other => other.as_f64().into_iter().collect(),
    }
}

fn is_close(value: &Value, expected: [f32; 3]) -> bool {
    let given = numbers(value);
    given.len() == expected.len()
        && given
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - f64::from(b)).abs() < 1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: ImagePreparation = ImagePreparation {
        side: 224,
        center_crop: false,
        resample: 2,
        normalization: Some([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]),
    };

    fn found(settings: &str) -> Vec<(String, usize)> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), settings).unwrap();
        unsupported_settings(folder.path(), &HERE).unwrap()
    }

    #[test]
    fn only_what_is_done_otherwise_is_named() {
        let same = r#"{"do_resize": true, "size": {"height": 224, "width": 224}, "resample": 2, "do_rescale": true,
            "rescale_factor": 0.00392156862745098, "do_normalize": true, "image_mean": [0.485, 0.456, 0.406],
            "image_std": [0.229, 0.224, 0.225], "do_center_crop": false, "crop_pct": null}"#;
        assert_eq!(found(same), []);
        assert_eq!(found("{}"), []);
        assert_eq!(
            unsupported_settings(Path::new("/no/such/folder"), &HERE).unwrap(),
            []
        );
        let other = r#"{"size": 256, "do_center_crop": true, "crop_size": 224, "image_mean": [0.5, 0.5, 0.5]}"#;
        let [(what, count)] = found(other).try_into().unwrap();
        assert_eq!(count, 3);
        for part in [
            "size 256, here 224",
            "do_center_crop true, here false",
            "image_mean [0.5,0.5,0.5], here [0.485",
        ] {
            assert!(what.contains(part), "{what}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(
            unsupported_settings(folder.path(), &HERE)
                .unwrap_err()
                .to_string()
                .contains("is not JSON")
        );
    }
}
