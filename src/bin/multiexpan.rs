//! The user-facing program: the explorer, and the commands that do not need libtorch. It does not link
//! libtorch (see `build.rs`), so that it starts at once. Everything that computes is in the other
//! program.

use std::process::ExitCode;

use multiexpan::cli;
use multiexpan::cli::{Command, explore};
use multiexpan::config::Images;
use multiexpan::error::Result;
use multiexpan::tui;
use multiexpan::tui::persist::view_file::ViewFile;

fn main() -> ExitCode {
    cli::exit::on_panic();
    cli::exit::code(match cli::parse().command {
        None => open_explorer(explore::Args::default()),
        Some(Command::Explore(args)) if args.print_config => explore::print_config(),
        Some(Command::Explore(args)) => open_explorer(args),
        Some(Command::Check(args)) => cli::check::run(args),
        Some(Command::Show(args)) => cli::show::run(args, tui::query_image_support, tui::draw_text),
        Some(Command::Completions(args)) => cli::completions::run(args, cli::definition()),
        Some(Command::Man(args)) => cli::man::run(args, cli::definition()),
        // the terminal is checked here, everything else by the engine
        Some(Command::Doctor(_)) => cli::doctor::check_terminal(tui::query_image_support)
            .and_then(|()| cli::become_engine()),
        Some(_) => cli::become_engine(),
    })
}

/// Opens the explorer with an engine in a process of its own. The first frame does not wait for the
/// engine.
fn open_explorer(args: explore::Args) -> Result<()> {
    let view = args.open.as_deref().map(ViewFile::load).transpose()?;
    let index = match &view {
        Some(view) if args.index.is_none() => view.find_index()?,
        _ => args.find_index()?,
    };
    // the engine checks this too, but only when the screen is up
    explore::check_is_index(&index)?;
    let images = args
        .images
        .as_deref()
        .map(str::parse::<Images>)
        .transpose()?;
    let explore::Args {
        dataset,
        imports,
        theme,
        device,
        ..
    } = args;
    let options = tui::Options {
        index,
        dataset,
        imports,
        device: device.device,
        images,
        theme,
        view,
    };
    let (send, replies) = explore::start_engine()?;
    tui::run(options, send, replies)
}
