//! The kitty graphics protocol for terminals without Unicode placeholders: an image is placed at
//! the cursor, and deleted when its cell is drawn again.
//!
//! Source: <https://sw.kovidgoyal.net/kitty/graphics-protocol/>.

use std::fmt::Write;
use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageFormat};
use ratatui::layout::Size;

/// The largest payload of one sequence, in characters.
const MAX_CHUNK: usize = 4096;
/// The beginning of the first sequence of a placement; the id of the image follows.
const PREFIX: &str = "\x1b_Ga=T,i=";

/// Returns the sequence that clears `size` cells, sends the image and places it at the cursor. The
/// cursor does not move.
///
/// Error: a clause for users, if the image cannot be encoded.
pub fn sequence(image: &DynamicImage, size: Size) -> Result<String, String> {
    let mut png = Vec::new();
    image
        .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .map_err(|e| e.to_string())?;
    let payload = STANDARD.encode(png);
    let mut sequence = String::with_capacity(payload.len() + 512);
    clear_cells(&mut sequence, size);
    place(&mut sequence, &payload, size);
    Ok(sequence)
}

/// Appends the sequence that erases the cells below and to the right of the cursor.
fn clear_cells(sequence: &mut String, Size { width, height }: Size) {
    // Writing to a string cannot fail.
    for _ in 0..height {
        let _ = write!(sequence, "\x1b[{width}X\x1b[1B");
    }
    let _ = write!(sequence, "\x1b[{height}A");
}

/// Appends the sequences that send a PNG in base64 and place it at the cursor.
fn place(sequence: &mut String, payload: &str, Size { width, height }: Size) {
    // 0 is not a valid id, and Konsole reads ids as signed. Otherwise an id only has to differ from
    // those on the screen.
    let id = rand::random_range(1..=i32::MAX);
    // The alphabet of base64 is ASCII.
    let mut chunks = payload
        .as_bytes()
        .chunks(MAX_CHUNK)
        .map(|chunk| std::str::from_utf8(chunk).unwrap_or_default())
        .peekable();
    let mut prefix = format!("{PREFIX}{id},p=1,f=100,t=d,c={width},r={height},C=1,");
    while let Some(chunk) = chunks.next() {
        let more = u8::from(chunks.peek().is_some());
        let _ = write!(sequence, "{prefix}q=2,m={more};{chunk}\x1b\\");
        prefix = "\x1b_G".to_owned();
    }
}

/// Returns the id of the image that the symbol of a cell places.
pub fn placed_id(symbol: &str) -> Option<u32> {
    let (_, rest) = symbol.split_once(PREFIX)?;
    rest.split(',').next()?.parse().ok()
}

/// Returns the sequence that removes an image from the screen and frees it.
pub fn delete(id: u32) -> String {
    format!("\x1b_Ga=d,d=I,i={id},q=2\x1b\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placement_is_sent_in_chunks_and_recognised_again() {
        // Noise does not compress.
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
