//! The program at the keyboard: the explorer, and the commands that need no libtorch. It links none
//! (see `build.rs`), so that it is there at once; whatever computes is the other program's.

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
        // it asks the terminal here, and goes on with what only the engine knows
        Some(Command::Doctor(_)) => {
            cli::doctor::tell_terminal(tui::query_image_support).and_then(|()| cli::become_engine())
        }
        Some(_) => cli::become_engine(),
    })
}

/// The explorer over an engine in a process of its own. The terminal's first frame does not wait
/// for it.
fn open_explorer(args: explore::Args) -> Result<()> {
    let view = args.open.as_deref().map(ViewFile::load).transpose()?;
    let index = match &view {
        Some(view) if args.index.is_none() => view.find_index()?,
        _ => args.find_index()?,
    };
    // the engine would say so too, but only once the screen is up
    explore::check_is_index(&index)?;
    let images = args
        .images
        .as_deref()
        .map(str::parse::<Images>)
        .transpose()?;
    let explore::Args {
        dataset,
        beside,
        theme,
        device,
        ..
    } = args;
    let options = tui::Options {
        index,
        dataset,
        imports: beside,
        device: device.device,
        images,
        theme,
        view,
    };
    let (send, replies) = explore::start_engine()?;
    tui::run(options, send, replies)
}
