//! How a program ends: an exit code, one sentence on standard error.

use std::io::{ErrorKind, Write};
use std::panic::PanicHookInfo;
use std::process::ExitCode;

use crate::error::{Error, Result};
use crate::printable;

/// The exit code, after the sentence for people where there is one.
pub fn code(done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has had enough of it.
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            // Where standard error is closed too, the exit code is all that is left to say.
            let _ = writeln!(
                std::io::stderr(),
                "multiexpan: {}",
                printable::lines(&error.to_string())
            );
            ExitCode::from(error.exit_code())
        }
    }
}

/// A panic is told as one sentence for people and the place for the report; the backtrace on
/// request.
pub fn on_panic() {
    std::panic::set_hook(Box::new(report_panic));
}

fn report_panic(panic: &PanicHookInfo) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let said = text
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    if said.starts_with("failed printing to stdout") && said.contains("Broken pipe") {
        std::process::exit(0);
    }
    let place = panic
        .location()
        .map(|l| format!("{}:{}", l.file(), l.line()))
        .unwrap_or_default();
    let mut err = std::io::stderr().lock();
    // A panic while panicking aborts: what cannot be written is dropped.
    let _ = writeln!(
        err,
        "multiexpan: a fault in the program, at {place}: {}",
        printable::lines(said)
    );
    match std::env::var_os("RUST_BACKTRACE") {
        Some(_) => {
            let _ = writeln!(err, "{}", std::backtrace::Backtrace::force_capture());
        }
        None => {
            let _ = writeln!(
                err,
                "Run it again with RUST_BACKTRACE=1 to see how it got there, and please report it."
            );
        }
    }
}
