//! The one error. At the top it is one sentence and, where there is one, the next step.

use std::path::{Path, PathBuf};

use crate::printable;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed: `doing` is a verb phrase ("read", "write", "create").
    #[error("cannot {action} {}: {source}", printable::path(path))]
    Io {
        action: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },

    /// A file or folder that must be there is not. `hint` is the next step, or empty.
    #[error("no {what} at {}{}", printable::path(path), tail(hint))]
    Missing {
        what: &'static str,
        path: PathBuf,
        hint: String,
    },

    /// A file is there and cannot be used: cut short, damaged, foreign, of another version.
    #[error("{} {reason}", printable::path(path))]
    Format { path: PathBuf, reason: String },

    /// One line of a text file.
    #[error("{}:{line}: {reason}", printable::path(path))]
    Line {
        path: PathBuf,
        line: usize,
        reason: String,
    },

    /// A name that is in no vocabulary; `near` are the closest ones that are.
    #[error(
        "no {kind} is called “{}”{}",
        printable::one_line(name),
        did_you_mean(suggestions)
    )]
    Unknown {
        kind: &'static str,
        name: String,
        suggestions: Vec<String>,
    },

    /// Several names that are in no vocabulary.
    #[error("{}", .0.iter().map(Error::to_string).collect::<Vec<_>>().join("; "))]
    AllUnknown(Vec<Error>),

    /// An argument whose value cannot be (exit code 2).
    #[error("{0}")]
    Argument(String),

    /// Two things that do not belong together (a checkpoint of another vocabulary …).
    #[error("{0}")]
    Mismatch(String),

    /// A data set of which no entity, or not a given one, has enough pairs. `causes` are for
    /// people: how many pairs were left out for each reason, with the first example of each.
    #[error("{what}{}", because(causes))]
    NoPairs { what: String, causes: Vec<String> },

    /// libtorch refused: `doing` is a noun phrase ("loading head.4.weight").
    #[error("{operation} failed: {message}")]
    Torch { operation: String, message: String },

    /// The user or a newer request said stop.
    #[error("stopped")]
    Stopped,
}

impl Error {
    /// For `map_err` at a file operation: `File::open(p).map_err(Error::io("read", p))`.
    pub fn io(doing: &'static str, path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |source| Error::Io {
            action: doing,
            path,
            source,
        }
    }

    pub fn format(path: impl AsRef<Path>, reason: impl Into<String>) -> Error {
        Error::Format {
            path: path.as_ref().to_owned(),
            reason: reason.into(),
        }
    }

    /// Adds a clause to the reason of a [`Error::Format`]; any other error stays as it is.
    pub fn with_clause(self, clause: &str) -> Error {
        match self {
            Error::Format { path, reason } => Error::Format {
                path,
                reason: format!("{reason}; {clause}"),
            },
            other => other,
        }
    }

    /// The process's exit code: 2 for refused arguments, 130 after ctrl-c, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Argument(_) => 2,
            Error::Stopped => 130,
            _ => 1,
        }
    }
}

fn tail(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!("; {hint}")
    }
}

fn because(causes: &[String]) -> String {
    match causes {
        [] => String::new(),
        causes => format!("; left out: {}", causes.join("; ")),
    }
}

fn did_you_mean(near: &[String]) -> String {
    match near {
        [] => String::new(),
        near => format!("; near it: {}", printable::one_line(&near.join(", "))),
    }
}
