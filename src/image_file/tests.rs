//! Compares images of every kind with Pillow's pixels, and tests files that are not a complete
//! image.

use std::path::PathBuf;

use serde::Deserialize;

use crate::image_file::*;

/// The pixels to which Pillow decodes a fixture (`tests/fixtures/images/make.py`).
#[derive(Deserialize)]
struct Expected {
    size: [u32; 2],
    rgb: String,
    tolerance: u8,
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/images")
}

fn expected() -> std::collections::BTreeMap<String, Expected> {
    serde_json::from_slice(&fixture("expected.json")).unwrap()
}

fn decode_hex(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks_exact(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn every_kind_of_image_matches_pillow() {
    let expected = expected();
    assert!(expected.len() > 30);
    for (name, expected_image) in expected {
        let image = flatten_onto(
            decode(&fixture(&name)).unwrap_or_else(|reason| panic!("{name} {reason}")),
            [255; 3],
        );
        assert_eq!(
            [image.width(), image.height()],
            expected_image.size,
            "{name}"
        );
        let pairs = image.as_raw().iter().zip(decode_hex(&expected_image.rgb));
        let largest = pairs
            .map(|(ours, theirs)| ours.abs_diff(theirs))
            .max()
            .unwrap();
        assert!(
            largest <= expected_image.tolerance,
            "{name}: a channel differs by {largest}"
        );
    }
}

#[test]
fn truncated_files_are_refused() {
    for name in expected().keys() {
        let whole = fixture(name);
        let needed = match name.as_str() {
            // bytes after the first frame, or after the end of the image, are not used
            "still.gif" | "transparent.gif" => whole.len() - 1,
            "animated.gif" | "second_image.jpg" => whole.len() / 4,
            _ => whole.len(),
        };
        for length in 0..needed {
            let cut = decode(&whole[..length]);
            assert!(
                cut.is_err(),
                "{name}: the first {length} of {} bytes are accepted as an image",
                whole.len()
            );
        }
        for percent in [40, 60, 80, 95] {
            let length = whole.len() * percent / 100;
            if length < needed {
                let reason = decode(&whole[..length]).unwrap_err();
                assert!(
                    reason.contains("is cut short"),
                    "{name} at {percent} %: {reason}"
                );
            }
        }
    }
}

#[test]
fn downloads_filled_up_with_zeros_are_refused() {
    // for a WebP, GIF or BMP this cannot be detected
    for name in ["baseline.jpg", "progressive.jpg", "rgb.png"] {
        let mut filled = fixture(name);
        let from = filled.len() * 4 / 5;
        filled[from..].fill(0);
        assert!(decode(&filled).is_err(), "{name}");
    }
}

#[test]
fn bytes_after_the_image_are_ignored() {
    for name in [
        "baseline.jpg",
        "rgb.png",
        "lossy.webp",
        "still.gif",
        "rgb.bmp",
    ] {
        let whole = fixture(name);
        let longer = [whole.as_slice(), b"\xff\xd8\xff and more"].concat();
        assert_eq!(decode(&longer).unwrap(), decode(&whole).unwrap(), "{name}");
    }
    let joined = [&fixture("baseline.jpg")[..700], &fixture("baseline.jpg")].concat();
    assert!(
        decode(&joined)
            .unwrap_err()
            .contains("another JPEG begins before its end")
    );
}

#[test]
fn damage_is_reported() {
    let mut flipped = fixture("rgb.png");
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    let reason = decode(&flipped).unwrap_err();
    assert!(
        reason.starts_with("is a damaged PNG: ") && reason.lines().count() == 1,
        "{reason}"
    );
    let mut arithmetic = fixture("baseline.jpg");
    let frame = arithmetic
        .windows(2)
        .position(|marker| marker == [0xff, 0xc0])
        .unwrap();
    arithmetic[frame + 1] = 0xc9;
    let reason = decode(&arithmetic).unwrap_err();
    assert!(reason.contains("JPEG"), "{reason}");
}

#[test]
fn too_large_images_are_refused_before_allocation() {
    let mut bomb = fixture("rgb.bmp");
    bomb[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    bomb[22..26].copy_from_slice(&60_000u32.to_le_bytes());
    let reason = decode(&bomb).unwrap_err();
    assert!(
        reason.contains("is too large") && reason.contains("178956970 pixels"),
        "{reason}"
    );
}

#[test]
fn empty_alpha_is_ignored_in_a_bmp_only() {
    assert!(
        !decode(&fixture("void_alpha.bmp"))
            .unwrap()
            .color()
            .has_alpha()
    );
    assert!(decode(&fixture("alpha.bmp")).unwrap().color().has_alpha());
    // a fully transparent PNG is intended
    let mut clear = Vec::new();
    let image = image::RgbaImage::from_pixel(3, 3, image::Rgba([9, 9, 9, 0]));
    image
        .write_to(&mut Cursor::new(&mut clear), ImageFormat::Png)
        .unwrap();
    assert_eq!(
        flatten_onto(decode(&clear).unwrap(), [255; 3]).as_raw(),
        &[255; 27]
    );
    assert_eq!(
        flatten_onto(decode(&clear).unwrap(), [1, 2, 3])
            .get_pixel(0, 0)
            .0,
        [1, 2, 3]
    );
}

#[test]
fn other_files_are_recognized() {
    let avif = b"\0\0\0\x20ftypavif\0\0\0\0avifmif1";
    for (bytes, expected) in [
        (&b""[..], "is an empty file"),
        (&[0; 900], "contains only zero bytes"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "is a Git LFS pointer",
        ),
        (b"\r\n<!DOCTYPE HTML>\n<html><body>404", "is an HTML page"),
        (
            b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "is an SVG file",
        ),
        (
            avif,
            "is an AVIF file, which is not supported (expected PNG, JPEG, WebP, GIF or BMP)",
        ),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "is a HEIC file"),
        (b"II*\0\x08\0\0\0", "is a TIFF file"),
        (b"\xff\x0a\xfa\x1f", "is a JPEG XL file"),
        (
            "no image at all, and in Zürich".as_bytes(),
            "is text, not an image",
        ),
        (b"\x01\x02\x03\x04", "is not an image"),
    ] {
        let reason = decode(bytes).unwrap_err();
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
}

#[test]
fn errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.png");
    assert!(matches!(open(&path), Err(Error::Io { .. })));
    let whole = fixture("rgb.png");
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let message = open(&path).unwrap_err().to_string();
    assert!(
        message.ends_with("cut.png is cut short: it ends before its IEND chunk"),
        "{message}"
    );
}
