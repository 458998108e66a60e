//! The face of provost: parses, asks, prints. What is known of the chip lives in the crates below.
#![deny(clippy::print_stdout, clippy::print_stderr)] // `term` writes, and what it cannot write stops nothing

mod cli;
mod commands;
mod confirm;
mod defaults;
mod documents;
mod error;
mod events;
mod given;
mod hints;
mod lines;
mod output;
mod paint;
#[cfg(test)]
mod printed;
mod progress;
#[cfg(test)]
mod reference;
mod secrets;
#[cfg(feature = "serve")]
mod serve;
mod stop;
mod term;

use std::process::ExitCode;

use clap::FromArgMatches as _;

fn main() -> ExitCode {
    let parsed = defaults::read(&cli::command()).and_then(|defaults::Read { matches, given }| {
        let probe_is_typed = given.has("probe");
        term::repeat(given);
        Ok(cli::Arguments { probe_is_typed, ..cli::Arguments::from_arg_matches(&matches)? })
    });
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => return output::finish_usage(&error),
    };
    term::colour(arguments.color, arguments.events);
    if arguments.events {
        events::want();
    }
    output::start_tracing(arguments.verbose);
    let started = std::time::Instant::now();
    let result = commands::run(&arguments);
    output::finish(&arguments, result, started.elapsed())
}
