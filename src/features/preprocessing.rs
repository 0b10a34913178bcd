//! Compares the `preprocessor_config.json` of an image encoder with the preparation of images here.
//! The settings are those of the image processors in Hugging Face's transformers.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Result;
use crate::text_file::read_json;

/// The name of the settings file.
pub const FILE: &str = "preprocessor_config.json";

/// The preparation of images for a network.
#[derive(Debug, Clone, Copy)]
pub struct ImagePreparation {
    /// The width and height of the network's input, in pixels.
    pub side: u32,
    /// If true, the shorter side is resized and the centre is cut out. If false, the whole image is
    /// resized.
    pub center_crop: bool,
    /// Pillow's number of the resampling filter: 2 is bilinear, 3 is bicubic.
    pub resample: i64,
    /// The means and standard deviations of the channels. `None` if images are not normalised.
    pub normalization: Option<[[f32; 3]; 2]>,
}

/// Describes the settings of the folder's `preprocessor_config.json` that differ from the
/// preparation, with their number. Returns nothing if there is no such file, or no difference.
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
    /// Describes each setting that differs.
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

/// The settings, and descriptions of those that differ.
struct Differences<'a> {
    settings: &'a Map<String, Value>,
    all: Vec<String>,
}

impl Differences<'_> {
    /// Adds the setting `name` if it is given and not equal. `here` describes the value used here.
    fn compare(&mut self, name: &str, is_equal: impl Fn(&Value) -> bool, here: String) {
        let value = self.settings.get(name);
        if let Some(value) = value.filter(|value| !value.is_null() && !is_equal(value)) {
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

/// Returns the numbers of a size, which is one number or an object such as
/// `{"height": 224, "width": 224}`.
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
    fn only_differences_are_listed() {
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
    fn an_invalid_file_is_an_error() {
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
