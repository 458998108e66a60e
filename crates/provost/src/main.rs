//! The face of provost: parses, asks, prints. What is known of the chip lives in the crates below.
#![deny(clippy::print_stdout, clippy::print_stderr)] // `term` writes, and what it cannot write stops nothing

mod cli;
mod commands;
mod confirm;
mod documents;
mod error;
mod hints;
mod output;
mod secrets;
mod term;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::finish_usage(&error),
    };
    output::start_tracing(arguments.verbose);
    let started = std::time::Instant::now();
    let result = commands::run(&arguments);
    output::finish(&arguments, result, started.elapsed())
}
