//! The `plugfest` program: reads the command line, calls the library that does it, and says what came of it.

mod args;
mod catalogue;
mod commands;
mod device;
mod expect;
mod failure;
mod interrupt;
mod output;
mod process;
mod repeat;
mod rig;
mod selection;

use std::io::IsTerminal;

use clap::Parser;
use verdict::ExitCode;

use crate::args::{Cli, Colour, Command};

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes.
            let code = if error.use_stderr() { ExitCode::Usage } else { ExitCode::Conforming };
            let _ = error.print();
            return std::process::ExitCode::from(code as u8);
        }
    };
    match cli.color {
        Colour::Always => anstream::ColorChoice::Always.write_global(),
        Colour::Never => anstream::ColorChoice::Never.write_global(),
        Colour::Auto => {}
    }
    let colour = match cli.color {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    let done = match &cli.command {
        Command::Run(args) => commands::run::run(args, cli.color),
        Command::List(args) => commands::list::run(args),
        Command::Mutants(args) => commands::mutants::run(args),
        Command::Serve(args) => commands::serve::run(args),
        Command::Fuzz(args) => commands::fuzz::run(args, cli.color),
        Command::Replay(args) => commands::replay::run(args, cli.color),
        Command::Init(args) => commands::init::run(args),
        Command::Report(args) => commands::report::run(args, cli.color),
        Command::Judge(args) => commands::judge::run(args, cli.color),
        Command::Show(args) => commands::show::run(args),
        Command::Schema(args) => commands::schema::run(args),
        Command::Check(args) => commands::check::run(args, colour),
        Command::Fmt(args) => commands::fmt::run(args),
        Command::Explain(args) => commands::explain::run(args),
        Command::Doctor(args) => commands::doctor::run(args),
    };
    let code = done.unwrap_or_else(|failure| {
        failure.show(colour);
        failure.code
    });
    std::process::ExitCode::from(code as u8)
}
