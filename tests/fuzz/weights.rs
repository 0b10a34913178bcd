//! Weight files: safetensors, and the pickles of `torch.save`.

use std::fs;

use bolero::check;
use multiexpan::model::weights::Weights;

use crate::mutate::{Mutation, fixtures, folder, in_time};

/// Returns a safetensors file: the length of its header, the header, and bytes of data.
fn safetensors(header: &str, length: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend((0..length).map(|index| index as u8));
    bytes
}

/// Opens a mutated file, and reads all tensors if that succeeds.
fn open(files: &[Vec<u8>], words: &[&[u8]], mutation: &Mutation, path: &std::path::Path) {
    let mut bytes = mutation.mutate(files, words);
    // Most mutations of a header change its length, which is corrected here.
    let header_end = bytes
        .windows(2)
        .rposition(|pair| pair == b"}}")
        .filter(|end| *end > 8 && bytes[8] == b'{');
    if let Some(end) = header_end {
        let length = (end + 2 - 8) as u64;
        bytes[..8].copy_from_slice(&length.to_le_bytes());
    }
    fs::write(path, bytes).unwrap();
    if let Ok(weights) = in_time(|| Weights::open(path)) {
        for name in weights.names() {
            // The error for a number that is not finite names the parameter.
            let tensor = match weights.get(name) {
                Ok(tensor) => tensor,
                Err(error) => {
                    assert!(error.to_string().contains("not finite"), "{error}");
                    continue;
                }
            };
            // Every number can be read.
            assert!(tensor.numel() == 0 || tensor.contiguous().data_ptr() as usize != 0);
            let _ = tensor.to_kind(tch::Kind::Double).sum(tch::Kind::Double);
        }
    }
}

#[test]
fn a_mutated_safetensors_file_is_opened_or_gives_an_error() {
    let folder = folder();
    let files = [
        safetensors(
            r#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}"#,
            32,
        ),
        safetensors(
            r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]},"c":{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]}} "#,
            1,
        ),
    ];
    let words: [&[u8]; 10] = [
        b"0",
        b"18446744073709551615",
        b"9223372036854775807",
        b"-1",
        b",",
        b"[",
        b"]",
        b"{",
        b"\"a\":",
        b"F64",
    ];
    let path = folder.path().join("a.safetensors");
    fs::write(&path, &files[0]).unwrap();
    assert_eq!(
        Weights::open(&path).unwrap().len(),
        2,
        "the unchanged files are valid"
    );
    check!()
        .with_type::<Mutation>()
        .for_each(|mutation| open(&files, &words, mutation, &path));
}

#[test]
fn a_mutated_file_of_torch_save_is_opened_or_gives_an_error() {
    let folder = folder();
    let mut files = fixtures("encoders", &["pth"]);
    files.extend(
        fixtures("checkpoints", &["pkl"])
            .into_iter()
            .filter(|file| file.len() < 4096),
    );
    let words: [&[u8]; 12] = [
        b"(",
        b")",
        b"t",
        b"R",
        b"q\0",
        b"h\0",
        b"]",
        b"}",
        b"u",
        b".",
        b"cos\nsystem\n",
        b"ctorch._utils\n_rebuild_tensor_v2\n",
    ];
    let path = folder.path().join("a.pth");
    check!()
        .with_type::<Mutation>()
        .for_each(|mutation| open(&files, &words, mutation, &path));
}
