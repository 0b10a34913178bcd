//! The formats in which runs are stored.

use std::fs;
use std::path::Path;

use strum::VariantNames;

use crate::error::{Error, Result};

/// The format of a run (`docs/FORMATS.md`, "Runs").
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantNames,
)]
#[strum(
    serialize_all = "lowercase",
    parse_err_ty = Error,
    parse_err_fn = unknown_format
)]
pub enum RunFormat {
    /// One file of lines `query Q0 entity rank score tag`.
    Trec,
    /// The result folder of the published code: a file `<i>_<class>.txt` for each query of one
    /// number of seeds.
    Published,
    /// A submission to NLPCC 2024: a file `<class>_<i>_<3|5>.txt` for each query.
    Nlpcc,
}

impl RunFormat {
    /// Every format.
    pub const ALL: [RunFormat; 3] = [RunFormat::Trec, RunFormat::Published, RunFormat::Nlpcc];

    /// Returns the name that the command line uses.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Checks that a run can be written to `path`. Errors: `Missing` if the parent folder does not
    /// exist, and `Format` if `path` is a folder and a file is to be written, or if it exists and
    /// is not empty and a folder is to be written.
    pub fn check_output_path(self, path: &Path) -> Result<()> {
        check_parent(path)?;
        if self == RunFormat::Trec {
            if path.is_dir() {
                return Err(Error::format(
                    path,
                    "is a folder; a TREC run is written to a file",
                ));
            }
            return Ok(());
        }
        if path.exists() && !is_empty_folder(path) {
            return Err(Error::format(
                path,
                "already exists; lists are written to a new folder",
            ));
        }
        Ok(())
    }
}

fn check_parent(path: &Path) -> Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    Err(Error::Missing {
        what: "folder",
        path: folder.to_owned(),
        hint: format!("create it before writing {}", path.display()),
    })
}

fn is_empty_folder(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

fn unknown_format(name: &str) -> Error {
    Error::unknown_argument("run format", name, RunFormat::VARIANTS)
}
