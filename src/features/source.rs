pub fn resolve(_:&str)->crate::error::Result<std::path::PathBuf>{Ok("".into())}
