//! Arguments to a command, an error to a sentence, an exit code.

use clap::Parser;
use std::io::{ErrorKind, Write};
use std::panic::PanicHookInfo;
use std::process::ExitCode;

use multiexpan::cli::{self, Cli, Command, explore};
use multiexpan::config::Images;
use multiexpan::error::{Error, Result};
use multiexpan::tui;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(report_panic));
    let done = match Cli::parse().command {
        None => open_explorer(explore::Args::default()),
        Some(Command::Explore(args)) => open_explorer(args),
        Some(command) => cli::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has had enough of it.
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed too, the exit code is all that is left to say.
            let _ = writeln!(std::io::stderr(), "multiexpan: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// The explorer over an engine on a thread of its own. The terminal's first frame does not wait for it.
fn open_explorer(args: explore::Args) -> Result<()> {
    let index = args.find_index()?;
    let images = args.images.as_deref().map(str::parse::<Images>).transpose()?;
    let options = tui::Options { index, dataset: args.dataset, device: args.device.device, images, theme: args.theme };
    let (send, replies) = explore::start_engine()?;
    tui::run(options, send, replies)
}

/// One sentence for people and the place for the report; the backtrace on request.
fn report_panic(panic: &PanicHookInfo) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let said = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
    if said.starts_with("failed printing to stdout") && said.contains("Broken pipe") {
        std::process::exit(0);
    }
    let place = panic.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
    let mut err = std::io::stderr().lock();
    // A panic while panicking aborts: what cannot be written is dropped.
    let _ = writeln!(err, "multiexpan: a fault in the program, at {place}: {said}");
    match std::env::var_os("RUST_BACKTRACE") {
        Some(_) => {
            let _ = writeln!(err, "{}", std::backtrace::Backtrace::force_capture());
        }
        None => {
            let _ = writeln!(err, "Run it again with RUST_BACKTRACE=1 to see how it got there, and please report it.");
        }
    }
}
