//! Asking before a real chip is written to.

use std::io::{self, BufRead as _, IsTerminal as _};

use provost_bench::Bench;
use provost_ops::close::Consent;

use crate::{
    cli::Arguments,
    error::FaceError,
    stop,
    term::{self, say},
};

/// Has a write to a chip confirmed. A virtual chip needs no asking, unless it is to be treated `--as-real`.
///
/// The phrase names the probe down to its serial number, so that a command meant for another board does not pass.
pub(crate) fn write_to(bench: &Bench, arguments: &Arguments, what: &str) -> Result<(), provost_ops::error::Failure> {
    with(arguments, asked(bench, arguments, what))
}

/// Has a write confirmed by this phrase, if there is one.
pub(crate) fn with(arguments: &Arguments, phrase: Option<String>) -> Result<(), provost_ops::error::Failure> {
    let Some(phrase) = phrase else { return Ok(()) };
    let given = match &arguments.confirm {
        Some(given) => given.clone(),
        None if arguments.non_interactive || !io::stdin().is_terminal() => String::new(),
        None => ask(&phrase),
    };
    if given.trim() == phrase { Ok(()) } else { Err(FaceError::NotConfirmed { phrase }.into()) }
}

/// The phrase that [`write_to`] will ask for, if it asks.
pub(crate) fn asked(bench: &Bench, arguments: &Arguments, what: &str) -> Option<String> {
    place(bench, arguments).map(|place| format!("{what} on {place}"))
}

/// What such a phrase ends with.
pub(crate) fn place(bench: &Bench, arguments: &Arguments) -> Option<String> {
    let probe = bench.session.probe();
    if probe.virtual_chip {
        return arguments.as_real.then(|| super::commands::chip_name(arguments, bench));
    }
    let serial = probe.serial.as_deref().map(|serial| format!(":{serial}")).unwrap_or_default();
    Some(format!("{:04x}:{:04x}{serial}", probe.vendor_id, probe.product_id))
}

/// Has something that cannot simply be undone confirmed, on virtual chips too: the phrase names the chip and what is done.
pub(crate) fn phrase(arguments: &Arguments, phrase: &str, warning: &str) -> bool {
    let given = match &arguments.confirm {
        Some(given) => given.clone(),
        None if arguments.non_interactive || !io::stdin().is_terminal() => String::new(),
        None => {
            term::tell(warning);
            read_answer(phrase)
        }
    };
    given.trim() == phrase
}

/// Asks for the phrase of a close at its last step, on a virtual chip too: it names the chip and where it goes.
pub(crate) struct LastStep<'a>(pub(crate) &'a Arguments);

impl LastStep<'_> {
    fn may_ask(&self) -> bool {
        !self.0.non_interactive && io::stdin().is_terminal()
    }

    fn told(&self, wanted: &str, warning: &str) -> bool {
        phrase(self.0, wanted, warning)
    }
}

impl Consent for LastStep<'_> {
    fn is_possible(&mut self, phrase: &str) -> bool {
        self.0.confirm.as_deref().map_or_else(|| self.may_ask(), |given| given.trim() == phrase)
    }

    fn ask(&mut self, phrase: &str) -> bool {
        self.told(
            phrase,
            "Everything up to here can be undone by `provost rescue`, with the credential or without it.\n\
             After this step only the credential opens the chip, and opening it erases it.\n",
        )
    }

    fn ask_to_rehearse(&mut self, phrase: &str) -> bool {
        self.told(
            phrase,
            "The rehearsal erases the chip on its way. Option bytes and the flash that was read are written again\n\
             afterwards; keys and data that lie elsewhere in the chip are gone.\n",
        )
    }
}

/// Has a person do something at the board; `false` if nobody is there.
pub(crate) fn done(arguments: &Arguments, what: &str) -> bool {
    if arguments.non_interactive || !io::stdin().is_terminal() {
        return false;
    }
    term::tell(what);
    read_line();
    true
}

fn read_line() -> String {
    stop::or_stopped(|| {
        let mut line = String::new();
        let _ = io::stdin().lock().read_line(&mut line);
        line
    })
    .unwrap_or_default()
}

fn ask(phrase: &str) -> String {
    say!("provost has never met a real chip: what it does next comes from public documents and reports, and was tried");
    say!("on virtual chips only (`provost twin ledger` says how sure each piece is).");
    if phrase.starts_with("erase the chip") {
        say!("Everything on this chip will be erased.");
    }
    read_answer(phrase)
}

fn read_answer(phrase: &str) -> String {
    term::tell(&format!("Type {phrase:?} to go on: "));
    read_line()
}
