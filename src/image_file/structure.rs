//! Checks that an image file is complete by scanning its segments, without decoding it.
//!
//! The error of each function says where the file ends. Bytes after the image are ignored:
//! telephones put a second image there.

use image::ImageFormat;

type Completeness = Result<(), &'static str>;

/// Returns an error if the file ends before its last segment. A BMP has no segments, and its decoder
/// notices every missing byte.
pub(super) fn check_complete(format: ImageFormat, bytes: &[u8]) -> Completeness {
    match format {
        ImageFormat::Png => png(bytes),
        ImageFormat::Jpeg => jpeg(bytes),
        ImageFormat::WebP => webp(bytes),
        ImageFormat::Gif => gif(bytes),
        _ => Ok(()),
    }
}

/// A position in a file's bytes.
struct ByteCursor<'a> {
    remaining: &'a [u8],
}

impl<'a> ByteCursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, remaining) = self.remaining.split_at_checked(length)?;
        self.remaining = remaining;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }
}

/// Checks a PNG: a signature, then chunks of length (4 bytes, big-endian), name, data and CRC until
/// `IEND`. The decoder checks the CRCs.
fn png(bytes: &[u8]) -> Completeness {
    const SIGNATURE: usize = 8;
    const CRC: usize = 4;
    let mut cursor = ByteCursor { remaining: bytes };
    let chunk = |cursor: &mut ByteCursor| {
        let length = cursor.take(4)?.try_into().ok().map(u32::from_be_bytes)?;
        let name = cursor.take(4)?;
        cursor.take(length as usize)?;
        cursor.take(CRC)?;
        Some(name == b"IEND")
    };
    cursor.take(SIGNATURE);
    loop {
        match chunk(&mut cursor) {
            Some(true) => return Ok(()),
            Some(false) => {}
            None => return Err("it ends before its IEND chunk"),
        }
    }
}

/// Checks a JPEG: markers (ITU T.81, annex B) until the end of the image. Between them are
/// entropy-coded data, in which a byte 0xFF is followed by 0, and bytes that decoders ignore.
fn jpeg(bytes: &[u8]) -> Completeness {
    const START_OF_IMAGE: u8 = 0xd8;
    const END_OF_IMAGE: u8 = 0xd9;
    const TRUNCATED: &str = "it ends before its end-of-image marker";
    let mut cursor = ByteCursor { remaining: bytes };
    cursor.take(2);
    while let Some(offset) = memchr::memchr(0xff, cursor.remaining) {
        cursor.take(offset + 1);
        let Some(&marker) = cursor.remaining.first() else {
            return Err(TRUNCATED);
        };
        if marker == 0xff {
            // it may be the start of the next marker
            continue;
        }
        cursor.take(1);
        match marker {
            // stuffing, TEM and the restart markers have no data
            0x00 | 0x01 | 0xd0..=0xd7 => {}
            END_OF_IMAGE => return Ok(()),
            START_OF_IMAGE => return Err("another JPEG begins before its end"),
            _ => jpeg_segment(&mut cursor).ok_or(TRUNCATED)?,
        }
    }
    Err(TRUNCATED)
}

/// Skips a JPEG segment: a length (2 bytes, big-endian, including itself), then the data.
fn jpeg_segment(cursor: &mut ByteCursor) -> Option<()> {
    let length = cursor.take(2)?.try_into().ok().map(u16::from_be_bytes)?;
    cursor.take(usize::from(length).saturating_sub(2)).map(drop)
}

/// Checks a WebP: the header gives the number of bytes after its first eight.
fn webp(bytes: &[u8]) -> Completeness {
    let length = bytes
        .get(4..8)
        .and_then(|length| length.try_into().ok())
        .map(u32::from_le_bytes);
    match length {
        Some(length) if bytes.len() as u64 >= u64::from(length) + 8 => Ok(()),
        _ => Err("it has fewer bytes than its header says"),
    }
}

/// Checks a GIF: blocks until the end of the first image. Later frames of an animation are not used.
fn gif(bytes: &[u8]) -> Completeness {
    gif_blocks(&mut ByteCursor { remaining: bytes }).ok_or("it ends before its first frame does")
}

fn gif_blocks(cursor: &mut ByteCursor) -> Option<()> {
    const EXTENSION: u8 = 0x21;
    const IMAGE: u8 = 0x2c;
    let header = cursor.take(13)?;
    cursor.take(colour_table(header[10]))?;
    loop {
        match cursor.byte()? {
            EXTENSION => {
                cursor.byte()?;
                sub_blocks(cursor)?;
            }
            IMAGE => {
                let descriptor = cursor.take(9)?;
                cursor.take(colour_table(descriptor[8]))?;
                // the code size comes before the data
                cursor.byte()?;
                return sub_blocks(cursor);
            }
            // the trailer, or damage, which the decoder reports
            _ => return Some(()),
        }
    }
}

/// Returns the size, in bytes, of the colour table that the flags announce.
fn colour_table(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// Skips data blocks of up to 255 bytes, which end with an empty block.
fn sub_blocks(cursor: &mut ByteCursor) -> Option<()> {
    loop {
        match cursor.byte()? {
            0 => return Some(()),
            length => _ = cursor.take(usize::from(length))?,
        }
    }
}
