//! Image files: PNG, JPEG, WebP, GIF, BMP.

use bolero::check;
use multiexpan::features::image_encoder::PreparedImage;
use multiexpan::image_file;

use crate::mutate::{Mutation, fixtures, in_time};

const WORDS: [&[u8]; 8] = [
    b"\xff\xd8",
    b"\xff\xd9",
    b"\xff\xda",
    b"\xff\xc4",
    b"IDAT",
    b"IEND\xaeB`\x82",
    b"VP8L",
    b"\x2c\0\0\0\0",
];

#[test]
fn a_mutated_image_is_decoded_or_gives_one_sentence() {
    let files = fixtures("images", &["jpg", "png", "webp", "gif", "bmp"]);
    check!().with_type::<Mutation>().for_each(|mutation| {
        let bytes = mutation.mutate(&files, &WORDS);
        match in_time(|| image_file::decode(&bytes)) {
            Ok(image) => {
                assert!(image.width() > 0 && image.height() > 0);
                if image.width().max(image.height()) < 4096 {
                    assert_eq!(
                        PreparedImage::decode_center_crop(&bytes, 32)
                            .unwrap()
                            .rgb
                            .len(),
                        3 * 32 * 32
                    );
                }
            }
            Err(reason) => {
                assert!(
                    reason.starts_with("is ") || reason.starts_with("contains "),
                    "{reason}"
                );
                assert_eq!(reason.lines().count(), 1, "{reason}");
            }
        }
    });
}
