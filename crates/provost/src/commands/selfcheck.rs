//! `provost selfcheck`: what a real chip says to the open questions.

use std::{fmt::Write as _, path::Path, time::Duration};

use provost_bench::{Bench, Tape};
use provost_ops::{
    error::{Exit, Failure},
    selfcheck::{Hands, Level, Selfcheck, Wish, may_be_shown, selfcheck, without_identity},
    store::{Secrecy, files},
};
use provost_twin::board::VirtualBoard;

use crate::{
    cli::{self, Arguments},
    confirm,
    output::{Page, Stop, Teller, wrap},
};

/// How long power is away from a virtual chip, and how long it then boots.
const PAUSE: Duration = Duration::from_secs(10);

pub(crate) fn run(arguments: &Arguments, options: &cli::Selfcheck) -> Result<Page, Stop> {
    let level = Level::from(options.level);
    // A file that is in the way is noticed before the chip is touched.
    if let Some(path) = options.trace.as_deref().filter(|path| path.exists()) {
        keep(path, &Tape::default())?;
    }
    let (bench, tape) = Bench::open(arguments.probe.as_ref())?.recorded(may_be_shown);
    tape.remark(&format!("provost {}, selfcheck level {}", env!("CARGO_PKG_VERSION"), level.number()));
    let probe = bench.session.probe();
    tape.remark(&format!("{} {:04x}:{:04x}", probe.name, probe.vendor_id, probe.product_id));
    super::on_bench(bench, |bench| {
        if level == Level::Provisioning {
            confirm::write_to(bench, arguments, super::rescue::WHAT)?;
        }
        let wish = Wish {
            level,
            part: arguments.order_code,
            chip: super::chip_name(arguments, bench),
            out: (&options.out).into(),
            encrypt_word: options.encrypt_word,
        };
        let mut hands =
            Bystander { arguments, board: bench.board.clone(), replay: bench.is_replay(), tape: tape.clone() };
        let found = selfcheck(&mut bench.session, &wish, &mut hands, &mut Teller::new(arguments));
        // Of a chip that is refused nothing is told: something of its owner's may be in it.
        let told = found.as_ref().map_or_else(|error| error.exit() != Exit::Refused, |_| true);
        if let Some(path) = options.trace.as_deref().filter(|_| told) {
            keep(path, &tape)?;
        }
        let found = found?;
        let page = Page::new(&found, text(&found, options.trace.as_deref()))?;
        Ok(if found.as_before { page } else { page.ending(Exit::Failed) })
    })
}

fn keep(path: &Path, tape: &Tape) -> Result<(), Failure> {
    let text = without_identity(tape.trace()).to_string();
    Ok(files::write(path, text.as_bytes(), Secrecy::Public, false)?)
}

/// Whoever stands beside the board.
struct Bystander<'a> {
    arguments: &'a Arguments,
    board: Option<VirtualBoard>,
    replay: bool,
    tape: Tape,
}

impl Hands for Bystander<'_> {
    fn cycle_power(&mut self) -> bool {
        let done = match &self.board {
            Some(board) => {
                board.board().power_cycle();
                board.advance(PAUSE);
                true
            }
            // It was done when the trace was recorded, or that is where it ends.
            None if self.replay => true,
            None => confirm::done(
                self.arguments,
                "Remove all power (target USB too) for ten seconds and give it back, then press Enter: ",
            ),
        };
        if done {
            self.tape.remark("power was removed and given back");
        }
        done
    }
}

fn text(found: &Selfcheck, trace: Option<&Path>) -> String {
    let mut text = String::new();
    let width = found.switches.iter().map(|answer| answer.switch.len()).max().unwrap_or_default() + 2;
    let second = found.switches.iter().map(|a| a.possible.join(" or ").len()).max().unwrap_or_default() + 2;
    let (settled, open): (Vec<_>, Vec<_>) = found.switches.iter().partition(|answer| answer.value.is_some());
    for answer in &settled {
        let value = answer.value.unwrap_or_default();
        let _ = writeln!(text, "{:<width$}{value:<second$}{}", answer.switch, answer.because);
    }
    let _ = writeln!(text, "\nnot settled:");
    for answer in &open {
        let _ = writeln!(text, "{:<width$}{:<second$}{}", answer.switch, answer.possible.join(" or "), answer.because);
    }
    let parts: Vec<String> = found.parts.iter().map(ToString::to_string).collect();
    let _ = writeln!(
        text,
        "\n{} of {} open questions are settled for this {} (level {})",
        settled.len(),
        found.switches.len(),
        parts.join(" or "),
        found.level
    );
    if let Some(why) = &found.stopped {
        text.push_str(&wrap(&format!("The chip was left in Open: {why}."), 0));
    }
    text.push_str(if found.as_before {
        "the chip is Open and empty, with its option bytes as before\n"
    } else {
        "THE CHIP IS NOT AS IT WAS: `provost status` says how it is\n"
    });
    if let Some(trace) = trace {
        let _ = writeln!(text, "every access is in {}; docs/selfcheck.md says how to send it", trace.display());
    }
    text
}
