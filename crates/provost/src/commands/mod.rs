//! One file per command.

mod apply;
mod auth;
mod bootloader;
mod close;
mod credential;
pub(crate) mod diagnose;
mod doctor;
pub(crate) mod explain;
mod flash;
mod history;
mod obk;
mod option;
mod probes;
mod rescue;
mod selfcheck;
#[cfg(feature = "terminal")]
mod shell;
mod status;
mod twin;

use provost_bench::{Bench, Probe};

use crate::{
    cli::{Arguments, Command},
    output::{Page, Stop, cost},
    stop,
};

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Page, Stop> {
    if let Some(wire) = arguments.bootloader() {
        return bootloader::run(arguments, &wire);
    }
    match &arguments.command {
        Command::Probes => probes::run(),
        Command::Status => status::run(arguments),
        Command::Diagnose(options) => diagnose::run(arguments, options),
        Command::Rescue(options) => rescue::run(arguments, options),
        Command::Close(options) => close::run(arguments, options),
        Command::Apply(options) => apply::run(arguments, options),
        Command::History(options) => history::run(options),
        Command::Auth(command) => auth::run(arguments, command),
        Command::Credential(command) => credential::run(arguments, command),
        Command::Obk(command) => obk::run(arguments, command),
        Command::Option(command) => option::run(arguments, command),
        Command::Flash(command) => flash::run(arguments, command),
        Command::Selfcheck(options) => selfcheck::run(arguments, options),
        Command::Twin(command) => twin::run(arguments, command),
        Command::Explain(options) => explain::run(options),
        #[cfg(feature = "serve")]
        Command::Serve(options) => crate::serve::run(arguments, options),
        #[cfg(feature = "terminal")]
        Command::Completions { shell } => shell::completions(*shell),
        #[cfg(feature = "terminal")]
        Command::Man { out, force } => shell::man(out, *force),
        Command::Doctor(options) => doctor::run(arguments, options),
    }
}

/// Works on the chip, keeps what happened to a virtual one, and adds what it cost.
fn on_chip(arguments: &Arguments, work: impl FnOnce(&mut Bench) -> Result<Page, Stop>) -> Result<Page, Stop> {
    on_bench(Bench::open_at(arguments.probe.as_ref(), arguments.speed)?, work)
}

/// The same on a bench that is open.
fn on_bench(bench: Bench, work: impl FnOnce(&mut Bench) -> Result<Page, Stop>) -> Result<Page, Stop> {
    let mut bench = bench.until(stop::watch());
    let result = work(&mut bench);
    let stored = bench.store();
    match (result, stored) {
        // A chip file that cannot be written takes the chip's power away: whatever failed behind that failed because of it.
        (_, Err(error)) => Err(Stop { cost: Some(cost(&bench)), ..error.into() }),
        (Ok(page), Ok(())) => Ok(page.with_cost(&bench)),
        (Err(stop), Ok(())) => Err(Stop { cost: Some(cost(&bench)), ..stop }),
    }
}

/// What `--probe` said, for journals and receipts.
pub(crate) fn chip_name(arguments: &Arguments, bench: &Bench) -> String {
    arguments.probe.as_ref().map_or_else(|| bench.session.probe().to_string(), Probe::chip_name)
}
