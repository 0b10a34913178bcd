//! kitty's graphics for terminals without its Unicode placeholders: an image is placed at the
//! cursor, and deleted when it leaves.
//!
//! Source: <https://sw.kovidgoyal.net/kitty/graphics-protocol/>.

use std::fmt::Write;
use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageFormat};
use ratatui::layout::Size;

/// The most characters of payload in one sequence.
const CHUNK: usize = 4096;
/// How a placement's first sequence begins; the number of its image follows.
const BEGIN: &str = "\x1b_Ga=T,i=";

/// The sequence that clears the cells, sends the image and places it at the cursor, which stays
/// where it is.
///
/// Error: a clause for people, where the image cannot be encoded.
pub fn sequence(image: &DynamicImage, size: Size) -> Result<String, String> {
    let mut png = Vec::new();
    image
        .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .map_err(|e| e.to_string())?;
    let payload = STANDARD.encode(png);
    // 0 is no number of an image, and Konsole reads signed ones; any other is only to be none of
    // those on the screen
    let id = rand::random_range(1..=i32::MAX);
    let mut sequence = String::with_capacity(payload.len() + 512);
    let Size { width, height } = size;
    // writing to a string cannot fail
    for _ in 0..height {
        let _ = write!(sequence, "\x1b[{width}X\x1b[1B");
    }
    let _ = write!(sequence, "\x1b[{height}A");
    // the alphabet of base64 is ASCII
    let mut chunks = payload
        .as_bytes()
        .chunks(CHUNK)
        .map(|chunk| std::str::from_utf8(chunk).unwrap_or_default())
        .peekable();
    let mut begin = format!("{BEGIN}{id},p=1,f=100,t=d,c={width},r={height},C=1,");
    while let Some(chunk) = chunks.next() {
        let more = u8::from(chunks.peek().is_some());
        let _ = write!(sequence, "{begin}q=2,m={more};{chunk}\x1b\\");
        begin = "\x1b_G".to_owned();
    }
    Ok(sequence)
}

/// The number of the image that a cell's symbol places.
pub fn placed_id(symbol: &str) -> Option<u32> {
    let (_, rest) = symbol.split_once(BEGIN)?;
    rest.split(',').next()?.parse().ok()
}

/// The sequence that takes an image off the screen and frees it.
pub fn delete(id: u32) -> String {
    format!("\x1b_Ga=d,d=I,i={id},q=2\x1b\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placement_is_sent_in_parts_and_known_again() {
        // noise, so that it does not compress
        let noise = |x: u32, y: u32| {
            image::Rgb([
                x.wrapping_mul(y).wrapping_mul(97) as u8,
                (x * 31 + y * 57) as u8,
                (x ^ y) as u8,
            ])
        };
        let image = DynamicImage::ImageRgb8(image::RgbImage::from_fn(120, 120, noise));
        let sequence = sequence(&image, Size::new(12, 6)).unwrap();
        let id = placed_id(&sequence).unwrap();
        assert!(id > 0 && delete(id).contains(&format!("i={id},")));
        assert!(sequence.starts_with("\x1b[12X\x1b[1B") && sequence.contains("c=12,r=6,C=1"));
        let parts: Vec<&str> = sequence.split("\x1b_G").skip(1).collect();
        assert!(parts.len() > 2);
        let (last, others) = parts.split_last().unwrap();
        assert!(last.contains("m=0;") && others.iter().all(|part| part.contains("m=1;")));
        let payload: String = parts
            .iter()
            .map(|part| part.split(';').nth(1).unwrap().trim_end_matches("\x1b\\"))
            .collect();
        let png = STANDARD.decode(payload).unwrap();
        assert_eq!(
            image::load_from_memory(&png).unwrap().to_rgb8(),
            image.to_rgb8()
        );
        assert_eq!(placed_id("a"), None);
    }
}
