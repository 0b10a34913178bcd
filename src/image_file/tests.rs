//! Images of every kind against Pillow's pixels, and files that are no whole image.

use std::path::PathBuf;

use serde::Deserialize;

use crate::image_file::*;

/// What Pillow decodes a fixture to (`tests/fixtures/images/make.py`).
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

fn bytes_of(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks_exact(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn every_kind_of_image_is_what_pillow_decodes() {
    let expected = expected();
    assert!(expected.len() > 30);
    for (name, wanted) in expected {
        let image = flatten_onto(
            decode(&fixture(&name)).unwrap_or_else(|why| panic!("{name} {why}")),
            [255; 3],
        );
        assert_eq!([image.width(), image.height()], wanted.size, "{name}");
        let pairs = image.as_raw().iter().zip(bytes_of(&wanted.rgb));
        let furthest = pairs
            .map(|(ours, theirs)| ours.abs_diff(theirs))
            .max()
            .unwrap();
        assert!(
            furthest <= wanted.tolerance,
            "{name}: a channel differs by {furthest}"
        );
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for name in expected().keys() {
        let whole = fixture(name);
        let needed = match name.as_str() {
            // what comes after the first frame, or after the end of the image, is not used
            "still.gif" | "transparent.gif" => whole.len() - 1,
            "animated.gif" | "second_image.jpg" => whole.len() / 4,
            _ => whole.len(),
        };
        for length in 0..needed {
            let cut = decode(&whole[..length]);
            assert!(
                cut.is_err(),
                "{name}: the first {length} of {} bytes pass for an image",
                whole.len()
            );
        }
        for percent in [40, 60, 80, 95] {
            let length = whole.len() * percent / 100;
            if length < needed {
                let why = decode(&whole[..length]).unwrap_err();
                assert!(why.contains("is cut short"), "{name} at {percent} %: {why}");
            }
        }
    }
}

#[test]
fn a_download_that_was_filled_up_with_zeros_is_cut_short() {
    // a WebP, GIF or BMP has nothing by which to tell
    for name in ["baseline.jpg", "progressive.jpg", "rgb.png"] {
        let mut filled = fixture(name);
        let from = filled.len() * 4 / 5;
        filled[from..].fill(0);
        assert!(decode(&filled).is_err(), "{name}");
    }
}

#[test]
fn what_follows_an_image_is_passed_over() {
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
fn damage_is_named() {
    let mut flipped = fixture("rgb.png");
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    let why = decode(&flipped).unwrap_err();
    assert!(
        why.starts_with("is a damaged PNG: ") && why.lines().count() == 1,
        "{why}"
    );
    let mut arithmetic = fixture("baseline.jpg");
    let frame = arithmetic
        .windows(2)
        .position(|marker| marker == [0xff, 0xc0])
        .unwrap();
    arithmetic[frame + 1] = 0xc9;
    let why = decode(&arithmetic).unwrap_err();
    assert!(why.contains("JPEG"), "{why}");
}

#[test]
fn what_is_too_large_is_refused_before_it_takes_memory() {
    let mut bomb = fixture("rgb.bmp");
    bomb[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    bomb[22..26].copy_from_slice(&60_000u32.to_le_bytes());
    let why = decode(&bomb).unwrap_err();
    assert!(
        why.contains("is too large") && why.contains("178956970 pixels"),
        "{why}"
    );
}

#[test]
fn an_alpha_of_zero_everywhere_is_ignored_where_it_means_nothing() {
    assert!(
        !decode(&fixture("void_alpha.bmp"))
            .unwrap()
            .color()
            .has_alpha()
    );
    assert!(decode(&fixture("alpha.bmp")).unwrap().color().has_alpha());
    // a PNG that is transparent everywhere was meant so
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
fn what_is_no_image_is_named() {
    let avif = b"\0\0\0\x20ftypavif\0\0\0\0avifmif1";
    for (bytes, said) in [
        (&b""[..], "is an empty file"),
        (&[0; 900], "nothing but zero bytes"),
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
            "is an AVIF file, which cannot be read (expected PNG, JPEG, WebP, GIF or BMP)",
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
        let why = decode(bytes).unwrap_err();
        assert!(why.contains(said), "{said}: {why}");
    }
}

#[test]
fn the_file_stands_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.png");
    assert!(matches!(open(&path), Err(Error::Io { .. })));
    let whole = fixture("rgb.png");
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let said = open(&path).unwrap_err().to_string();
    assert!(
        said.ends_with("cut.png is cut short: it ends before its IEND chunk"),
        "{said}"
    );
}
