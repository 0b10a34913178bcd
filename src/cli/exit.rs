//! The end of the program: an exit code, and one sentence on standard error.

use std::io::{ErrorKind, Write};
use std::panic::PanicHookInfo;
use std::process::ExitCode;

use crate::error::{Error, Result};
use crate::printable;

/// Prints the error, if any, and returns the exit code.
pub fn code(done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // the reader of the output has closed the pipe
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            // if standard error is closed too, only the exit code remains
            let _ = writeln!(
                std::io::stderr(),
                "multiexpan: {}",
                printable::lines(&error.to_string())
            );
            ExitCode::from(error.exit_code())
        }
    }
}

/// Installs a panic hook that prints one sentence with the source location, and the backtrace on
/// request.
pub fn on_panic() {
    std::panic::set_hook(Box::new(report_panic));
}

fn report_panic(panic: &PanicHookInfo) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let message = text
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    if message.starts_with("failed printing to stdout") && message.contains("Broken pipe") {
        std::process::exit(0);
    }
    let location = panic
        .location()
        .map(|l| format!("{}:{}", l.file(), l.line()))
        .unwrap_or_default();
    let mut err = std::io::stderr().lock();
    // a panic while panicking aborts, so that a failure to write is ignored
    let _ = writeln!(
        err,
        "multiexpan: a fault in the program, at {location}: {}",
        printable::lines(message)
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
