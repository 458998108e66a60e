//! Everything that is printed: one value per command, as a page for people or as one JSON document.

use std::{fmt::Write as _, io, process::ExitCode, time::Duration};

use provost_bench::{Bench, BenchError};
use provost_chip::{rules::RuleId, sources::Source};
use provost_ops::{
    Narrator,
    close::CloseError,
    error::{Exit, Failure},
    option_bytes::OptionError,
    store::Made,
};
use serde_json::Value;
use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

pub(crate) use crate::lines::{wrap, wrap_behind};
use crate::{
    cli::Arguments,
    defaults::Refused,
    documents::{Cost, Document, WireCost},
    error::FaceError,
    events::{self, Event, Why},
    hints,
    progress::Bar,
    term::{self, say},
};

/// What a command has to show.
#[derive(Debug)]
pub(crate) struct Page {
    schema: &'static str,
    value: Value,
    text: String,
    cost: Option<Cost>,
    exit: Option<Exit>,
    /// The text is for a program: it is printed as it is.
    verbatim: bool,
}

impl Page {
    /// A result: what serializes, and the same for people.
    ///
    /// # Errors
    /// It does not serialize: none of ours.
    pub(crate) fn new<D: Document>(document: &D, text: String) -> Result<Self, FaceError> {
        let value = serde_json::to_value(document).map_err(FaceError::Document)?;
        Ok(Self { schema: D::SCHEMA, value, text, cost: None, exit: None, verbatim: false })
    }

    /// The same with a text that is for a program, such as a shell, and not for people.
    pub(crate) fn verbatim(mut self) -> Self {
        self.verbatim = true;
        self
    }

    /// Ends the program with this exit code: what was to be found out was, and it is not good.
    pub(crate) fn ending(mut self, exit: Exit) -> Self {
        self.exit = Some(exit);
        self
    }

    /// The same with exit code 1, where this holds: as `diff` says that there are differences.
    pub(crate) fn ending_if(self, differs: bool) -> Self {
        if differs { self.ending(Exit::Failed) } else { self }
    }

    /// Adds what the work on a chip cost.
    pub(crate) fn with_cost(mut self, bench: &Bench) -> Self {
        self.cost = Some(cost(bench));
        self
    }
}

/// Transactions, bits and the chip's time.
pub(crate) fn cost(bench: &Bench) -> Cost {
    let link = bench.session.stats();
    let wire = bench.board.as_ref().map(|board| {
        let now = board.now();
        let wire = provost_twin::wire::Wire::stats(&*board.board());
        WireCost {
            swd_transactions: wire.transactions,
            swd_bits: wire.clocks,
            // The board had been powered for a second when the probe was plugged in.
            virtual_ms: (now.as_millis() as u64).saturating_sub(1000),
        }
    });
    Cost {
        ap_reads: link.ap_reads,
        ap_writes: link.ap_writes,
        dp_reads: link.dp_reads,
        dp_writes: link.dp_writes,
        nrst_edges: link.nrst_edges,
        attaches: link.attaches,
        wire,
    }
}

/// An error, with what the bench had cost by then.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) error: Failure,
    pub(crate) cost: Option<Cost>,
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self { error: error.into(), cost: None }
    }
}

/// Prints what is wrong with the command line, or the help that was asked for.
pub(crate) fn finish_usage(refused: &Refused) -> ExitCode {
    // Without arguments that parse, the words themselves say whether a document is wanted.
    let wants_json = std::env::args_os().any(|word| word == "--json");
    let error = match refused {
        Refused::Line(error) => error,
        Refused::Project(failure) => {
            print_report(&hints::report(failure.fault()), wants_json, None);
            return ExitCode::from(failure.exit().code());
        }
    };
    let json = error.use_stderr() && wants_json;
    let bench = std::error::Error::source(error).and_then(|e| e.downcast_ref::<BenchError>());
    if let Some(bench) = bench {
        print_report(&hints::report(bench), json, None);
    } else if json {
        print_report(&hints::usage(&error.to_string()), json, None);
    } else if let (Err(lost), false) = (term::forgiven(error.print()), error.use_stderr()) {
        return unprinted(lost);
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Prints an error; where its document cannot be printed, as text.
fn print_report(report: &hints::Report, json: bool, cost: Option<Cost>) {
    let printed =
        json.then(|| serde_json::to_value(report).map(|value| print_json(hints::Report::SCHEMA, value, cost)));
    // The error itself is what matters, and its exit code.
    if !matches!(printed, Some(Ok(Ok(())))) {
        term::tell(&hints::text(report));
    }
}

/// Logs to stderr, if asked for.
pub(crate) fn start_tracing(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    // Our own crates only: a driver's log shows what it sends over USB, and with it the words of a password.
    let ours = Targets::new().with_target("provost", level);
    let log = tracing_subscriber::fmt::layer().with_ansi(term::is_watched()).with_writer(|| term::Stderr);
    let _ = tracing_subscriber::registry().with(log.with_filter(ours)).try_init();
}

/// Prints what a command came to, and says it to the shell.
pub(crate) fn finish(arguments: &Arguments, result: Result<Page, Stop>, wall: Duration) -> ExitCode {
    match result {
        Ok(page) => {
            print_cost(arguments, page.cost.as_ref(), wall);
            let printed = if arguments.json {
                print_json(page.schema, page.value, arguments.stats.then_some(page.cost).flatten())
            } else if page.verbatim {
                term::print_verbatim(&page.text)
            } else {
                term::print(&page.text)
            };
            if let Err(lost) = printed {
                return unprinted(lost);
            }
            page.exit.map_or(ExitCode::SUCCESS, |exit| ExitCode::from(exit.code()))
        }
        Err(Stop { error, cost }) => {
            print_cost(arguments, cost.as_ref(), wall);
            let report = hints::report(error.fault()).with_phrase(phrase_of(&error));
            print_report(&report, arguments.json, arguments.stats.then_some(cost).flatten());
            ExitCode::from(error.exit().code())
        }
    }
}

/// The phrase whose absence stopped the command.
fn phrase_of(error: &Failure) -> Option<&str> {
    match (error.of(), error.of(), error.of()) {
        (Some(FaceError::NotConfirmed { phrase }), ..)
        | (_, Some(CloseError::NotConfirmed { phrase } | CloseError::StoppedBeforeTheDoor { phrase }), _)
        | (_, _, Some(OptionError::NotConfirmed { phrase })) => Some(phrase),
        _ => None,
    }
}

/// The command did its work, and what it had to say was lost.
fn unprinted(lost: io::Error) -> ExitCode {
    let error = Failure::from(FaceError::Output(lost));
    term::tell(&hints::text(&hints::report(error.fault())));
    ExitCode::from(error.exit().code())
}

/// Prints a document that more will follow, in one line.
///
/// # Errors
/// Stdout does not take it.
pub(crate) fn print_line<D: Document>(document: &D) -> io::Result<()> {
    let value = named(D::SCHEMA, serde_json::to_value(document)?, None)?;
    term::print(&format!("{value}\n"))
}

/// Prints a document with the name of its schema and, if asked for, what the work cost.
fn print_json(schema: &str, value: Value, stats: Option<Cost>) -> io::Result<()> {
    term::print_json(named(schema, value, stats)?)
}

fn named(schema: &str, mut value: Value, stats: Option<Cost>) -> serde_json::Result<Value> {
    if let Value::Object(map) = &mut value {
        map.insert("schema".to_owned(), schema.into());
        if let Some(stats) = stats {
            map.insert("stats".to_owned(), serde_json::to_value(stats)?);
        }
    }
    Ok(value)
}

fn print_cost(arguments: &Arguments, cost: Option<&Cost>, wall: Duration) {
    let (true, Some(cost)) = (arguments.stats, cost) else { return };
    let mut text = String::new();
    if let Some(wire) = cost.wire {
        let WireCost { swd_transactions, swd_bits, virtual_ms } = wire;
        let _ =
            write!(text, "{swd_transactions} SWD transactions, {swd_bits} bits, {virtual_ms} ms of the chip's time, ");
    }
    let accesses = cost.ap_reads + cost.ap_writes + cost.dp_reads + cost.dp_writes;
    say!("stats: {text}{accesses} register accesses asked for, {} ms wall time", wall.as_millis());
}

/// Tells the steps of an operation as they happen.
#[derive(Debug)]
pub(crate) struct Teller {
    quiet: bool,
    count: usize,
    bar: Option<Bar>,
}

impl Teller {
    pub(crate) fn new(arguments: &Arguments) -> Self {
        Self { quiet: arguments.json && !term::is_watched(), count: 0, bar: None }
    }
}

impl Narrator for Teller {
    fn step(&mut self, what: &str, why: &[RuleId]) {
        self.count += 1;
        if events::tell(&Event::Step { number: self.count, what, why: Why::of(why) }) {
            return;
        }
        if !self.quiet {
            let why: Vec<&str> = why.iter().map(|r| r.rule().id).collect();
            term::tell(&wrap_behind(&format!("{:>2}. ", self.count), what));
            if !why.is_empty() {
                term::tell(&wrap_behind("      why: ", &why.join(", ")));
            }
        }
    }

    fn note(&mut self, what: &str) {
        if events::tell(&Event::Note { what }) {
            return;
        }
        if !self.quiet {
            term::tell(&wrap(what, 6));
        }
    }

    fn progress(&mut self, done: u64, of: u64) {
        if events::tell(&Event::Progress { done, of }) {
            return;
        }
        // A bar is drawn over and over: on a terminal only.
        if self.quiet || of == 0 || !term::is_watched() {
            return;
        }
        let bar = self.bar.filter(|bar| bar.goes_on(done, of)).unwrap_or_else(|| Bar::begun(done, of));
        term::redraw(&bar.line(done, bar.elapsed(), term::width()));
        self.bar = bar.at(done);
        if done >= of {
            term::tell("\n");
        }
    }
}

/// A rule as a paragraph: id, confidence, statement, sources.
pub(crate) fn rule_text(rule: &provost_chip::rules::Rule) -> String {
    let mut text = format!("{} ({})\n", rule.id, rule.confidence);
    text.push_str(&wrap(rule.says, 4));
    for key in rule.source {
        if let Some(source) = Source::find(key) {
            let url = source.url.map(|u| format!(" <{u}>")).unwrap_or_default();
            let _ = writeln!(text, "    source: {}{url}", source.title);
        }
    }
    if let Some(switch) = rule.switch {
        let _ = writeln!(text, "    open question: switch {switch}");
    }
    text
}

/// Files that were written, one a line.
pub(crate) fn made_text(files: &[Made]) -> String {
    let mut text = String::new();
    for file in files {
        let secret = if file.secret { "  secret: readable by you only" } else { "" };
        let _ = writeln!(text, "  {} ({} bytes){secret}", file.path.display(), file.bytes);
    }
    text
}
