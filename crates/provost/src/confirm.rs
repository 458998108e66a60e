//! Asking before a real chip is written to.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use provost_ops::{bench::Bench, error::OpError};

use crate::cli::Arguments;

/// Has a write to a real chip confirmed; a virtual chip needs no asking.
///
/// The phrase names the probe, so that a command meant for another board does not pass.
pub(crate) fn write_to(bench: &Bench, arguments: &Arguments, what: &str) -> Result<(), OpError> {
    let probe = bench.session.probe();
    if probe.virtual_chip {
        return Ok(());
    }
    let phrase = format!("{what} on {:04x}:{:04x}", probe.vendor_id, probe.product_id);
    let given = match &arguments.confirm {
        Some(given) => given.clone(),
        None if arguments.non_interactive || !io::stdin().is_terminal() => String::new(),
        None => ask(&phrase),
    };
    if given.trim() == phrase { Ok(()) } else { Err(OpError::NotConfirmed { phrase }) }
}

/// Has something that cannot simply be undone confirmed, on virtual chips too: the phrase names the chip and what is done.
pub(crate) fn phrase(arguments: &Arguments, phrase: &str, warning: &str) -> bool {
    let given = match &arguments.confirm {
        Some(given) => given.clone(),
        None if arguments.non_interactive || !io::stdin().is_terminal() => String::new(),
        None => {
            eprint!("{warning}");
            read_answer(phrase)
        }
    };
    given.trim() == phrase
}

fn ask(phrase: &str) -> String {
    eprintln!(
        "provost has never met a real chip: what it does next comes from public documents and reports, and was tried"
    );
    eprintln!("on virtual chips only (`provost twin ledger` says how sure each piece is).");
    if phrase.starts_with("erase the chip") {
        eprintln!("Everything on this chip will be erased.");
    }
    read_answer(phrase)
}

fn read_answer(phrase: &str) -> String {
    eprint!("Type {phrase:?} to go on: ");
    let mut line = String::new();
    let _ = io::stderr().flush();
    let _ = io::stdin().lock().read_line(&mut line);
    line
}
