//! The engine program: every command that needs libtorch, and the explorer's engine.

use std::process::ExitCode;

use multiexpan::cli;
use multiexpan::error::Error;

fn main() -> ExitCode {
    cli::exit::on_panic();
    cli::exit::code(match cli::parse().command {
        Some(command) => cli::run(command),
        None => Err(Error::Argument(
            "this is the engine; `multiexpan` opens the explorer".into(),
        )),
    })
}
