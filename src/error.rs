//! The error type of the crate. Its message is one sentence and, if possible, the next step.

use std::path::{Path, PathBuf};

use crate::printable;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed. `action` is a verb ("read", "write", "create").
    #[error("cannot {action} {}: {source}", printable::path(path))]
    Io {
        action: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },

    /// A required file or folder is missing. `hint` is the next step, or empty.
    #[error("no {what} at {}{}", printable::path(path), next_step(hint))]
    Missing {
        what: &'static str,
        path: PathBuf,
        hint: String,
    },

    /// A file exists and cannot be used: it is cut short, damaged, of another program or of another
    /// version. `reason` follows the path in the message.
    #[error("{} {reason}", printable::path(path))]
    Format { path: PathBuf, reason: String },

    /// One line of a text file cannot be used.
    #[error("{}:{line}: {reason}", printable::path(path))]
    Line {
        path: PathBuf,
        line: usize,
        reason: String,
    },

    /// A name is not in the vocabulary. `suggestions` are the most similar names that are.
    #[error(
        "unknown {kind} `{}`{}",
        printable::one_line(name),
        did_you_mean(suggestions)
    )]
    Unknown {
        kind: &'static str,
        name: String,
        suggestions: Vec<String>,
    },

    /// Several names are not in the vocabulary.
    #[error("{}", .0.iter().map(Error::to_string).collect::<Vec<_>>().join("; "))]
    AllUnknown(Vec<Error>),

    /// An argument has an invalid value (exit code 2).
    #[error("{0}")]
    Argument(String),

    /// Two inputs do not belong together, such as a checkpoint and the vocabulary of another.
    #[error("{0}")]
    Mismatch(String),

    /// No entity of a data set has enough pairs, or a required entity does not. `causes` says how
    /// many pairs were left out for each reason, with the first example of each.
    #[error("{what}{}", because(causes))]
    NoPairs { what: String, causes: Vec<String> },

    /// libtorch failed. `operation` is a noun phrase ("loading head.4.weight").
    #[error("{operation} failed: {message}")]
    Torch { operation: String, message: String },

    /// The user or a newer request stopped the operation.
    #[error("stopped")]
    Stopped,
}

impl Error {
    /// Makes the closure for `map_err` at a file operation:
    /// `File::open(p).map_err(Error::io("read", p))`.
    pub fn io(
        action: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }

    /// Makes an [`Error::Format`].
    pub fn format(path: impl AsRef<Path>, reason: impl Into<String>) -> Error {
        Error::Format {
            path: path.as_ref().to_owned(),
            reason: reason.into(),
        }
    }

    /// Makes the [`Error::Argument`] of a name that is not one of the `expected` ones: "unknown
    /// mode `x` (expected one of: both, text, image)".
    pub fn unknown_argument(kind: &str, name: &str, expected: &[impl AsRef<str>]) -> Error {
        let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        Error::Argument(format!(
            "unknown {kind} `{}` (expected one of: {})",
            printable::one_line(name),
            expected.join(", ")
        ))
    }

    /// Adds a clause to the reason of an [`Error::Format`]. Returns any other error unchanged.
    pub fn with_clause(self, clause: &str) -> Error {
        match self {
            Error::Format { path, reason } => Error::Format {
                path,
                reason: format!("{reason}; {clause}"),
            },
            other => other,
        }
    }

    /// Returns the process's exit code: 2 for invalid arguments, 130 after ctrl-c, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Argument(_) => 2,
            Error::Stopped => 130,
            _ => 1,
        }
    }
}

fn next_step(hint: &str) -> String {
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

fn did_you_mean(suggestions: &[String]) -> String {
    let listed = match suggestions {
        [] => return String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    };
    format!(" (did you mean {}?)", printable::one_line(&listed))
}
