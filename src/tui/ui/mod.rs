//! Drawing helpers that all parts of the explorer share.

pub mod bars;
pub mod delta;
pub mod draw_context;
pub mod empty_list;
pub mod frame_info;
pub mod image_cache;
pub mod key_hints;
pub mod labels;
pub mod popup_list;
pub mod scroll;
pub mod sequence_hints;
pub mod status_line;
pub mod text;
pub mod text_search;
