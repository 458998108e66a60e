//! A trace as text, and back: every length is checked before it is believed.

use std::{fmt, str::FromStr, time::Duration};

use super::{Asked, Broke, HEADER, LARGEST, Line, Run, Trace, What, count};
use crate::{Ap, ApRegister, DpRead, DpWrite, Nrst};

/// No access moves more words than this at once: a block ends with its kilobyte.
const MOST_WORDS: u64 = 1 << 16;

/// A text that is no trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// It does not begin as one.
    #[error("a trace begins with `{HEADER}`")]
    NotATrace,
    /// Longer than any of ours.
    #[error("the text is longer than {LARGEST} bytes")]
    TooLong,
    /// A line that says nothing.
    #[error("line {line} is no access, wait or remark of a trace")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
}

impl TraceError {
    /// A stable name.
    pub const fn code(&self) -> &'static str {
        "trace-damaged"
    }
}

const DP_READS: [(&str, DpRead); 5] = [
    ("DPIDR", DpRead::Dpidr),
    ("CTRL/STAT", DpRead::CtrlStat),
    ("TARGETID", DpRead::Targetid),
    ("DLPIDR", DpRead::Dlpidr),
    ("RDBUFF", DpRead::Rdbuff),
];
const DP_WRITES: [(&str, DpWrite); 2] = [("ABORT", DpWrite::Abort), ("CTRL/STAT", DpWrite::CtrlStat)];
const AP_REGISTERS: [(&str, ApRegister); 10] = [
    ("CSW", ApRegister::CSW),
    ("TAR", ApRegister::TAR),
    ("DRW", ApRegister::DRW),
    ("BD0", ApRegister::BD0),
    ("BD1", ApRegister::BD1),
    ("BD2", ApRegister::BD2),
    ("BD3", ApRegister::BD3),
    ("CFG", ApRegister::CFG),
    ("BASE", ApRegister::BASE),
    ("IDR", ApRegister::IDR),
];
const BROKEN: [(&str, Broke); 10] = [
    ("stopped", Broke::Stopped),
    ("not-attached", Broke::NotAttached),
    ("no-ack", Broke::NoAck),
    ("wait", Broke::Wait),
    ("parity", Broke::Parity),
    ("protocol", Broke::Protocol),
    ("power-up", Broke::PowerUp),
    ("probe-lost", Broke::ProbeLost),
    ("nrst-unsupported", Broke::NrstUnsupported),
    ("other", Broke::Other),
];
const FAULT: &str = "fault";
const NO_PORT: &str = "no-debug-port";

fn by_name<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn name_of<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> Option<&'static str> {
    table.iter().find(|(_, known)| known == value).map(|(name, _)| *name)
}

/// Eight hexadecimal digits.
fn word(text: &str) -> Option<u32> {
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

/// A plain decimal number.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl FromStr for Trace {
    type Err = TraceError;

    fn from_str(text: &str) -> Result<Self, TraceError> {
        if text.len() > LARGEST {
            return Err(TraceError::TooLong);
        }
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(TraceError::NotATrace);
        }
        let read = |(index, text)| line(text).ok_or(TraceError::Line { line: index + 2 });
        Ok(Self { lines: lines.enumerate().map(read).collect::<Result<_, _>>()? })
    }
}

fn line(text: &str) -> Option<Line> {
    if let Some(remark) = text.strip_prefix('#') {
        return Some(Line::Remark(remark.strip_prefix(' ').unwrap_or(remark).to_owned()));
    }
    let mut tokens = text.split(' ').peekable();
    let mut next = || tokens.next();
    let what = match next()? {
        "now" => return time(next(), next()).map(Line::Now),
        "sleep" => return time(next(), next()).map(Line::Sleep),
        "attach" => What::Attach,
        "flush" => What::Flush,
        "nrst" => match next()? {
            "low" => What::Nrst(Nrst::Asserted),
            "high" => What::Nrst(Nrst::Released),
            _ => return None,
        },
        "rd" => match next()? {
            "dp" => What::ReadDp(by_name(&DP_READS, next()?)?),
            port => What::ReadAp(ap(port)?, register(next()?)?),
        },
        "wr" => match next()? {
            "dp" => What::WriteDp(by_name(&DP_WRITES, next()?)?),
            port => What::WriteAp(ap(port)?, register(next()?)?),
        },
        _ => return None,
    };
    let (mut words, mut broke) = (Vec::new(), None);
    for token in tokens {
        match token.strip_prefix('!') {
            _ if broke.is_some() => return None,
            Some(why) => broke = Some(failure(why)?),
            None => words.push(run(token)?),
        }
    }
    let asked = Asked { what, words, broke };
    asked.makes_sense().then_some(Line::Asked(asked))
}

fn time(given: Option<&str>, more: Option<&str>) -> Option<Duration> {
    more.is_none().then(|| number(given?)).flatten().map(Duration::from_nanos)
}

fn ap(text: &str) -> Option<Ap> {
    number(text.strip_prefix("ap")?).and_then(|n| u8::try_from(n).ok()).map(Ap)
}

fn register(text: &str) -> Option<ApRegister> {
    match text.strip_prefix('@') {
        Some(offset) if offset.len() == 2 => ApRegister::new(u8::from_str_radix(offset, 16).ok()?),
        Some(_) => None,
        None => by_name(&AP_REGISTERS, text),
    }
}

fn failure(text: &str) -> Option<Broke> {
    match text.split_once('=') {
        Some((FAULT, value)) => Some(Broke::Fault(Some(word(value)?))),
        Some((NO_PORT, value)) => Some(Broke::NotADebugPort(word(value)?)),
        Some(_) => None,
        None if text == FAULT => Some(Broke::Fault(None)),
        None => by_name(&BROKEN, text),
    }
}

fn run(token: &str) -> Option<Run> {
    let (value, times) = token.split_once('*').unwrap_or((token, "1"));
    let times = number(times).filter(|n| (1..=MOST_WORDS).contains(n)).and_then(|n| u32::try_from(n).ok())?;
    let word = if value == "-" { None } else { Some(word(value)?) };
    Some(Run { word, times })
}

impl Asked {
    /// Whether it has as many words as its kind can have: one for what moves one, none for what moves none. Only what is written is
    /// withheld.
    fn makes_sense(&self) -> bool {
        let words = count(&self.words);
        let told = self.words.iter().all(|run| run.word.is_some());
        let done = self.broke.is_none();
        match self.what {
            What::Attach | What::ReadDp(_) => told && words == u64::from(done),
            What::ReadAp(..) => told && if done { (1..=MOST_WORDS).contains(&words) } else { words == 0 },
            What::WriteDp(_) => told && words == 1,
            What::WriteAp(..) => (1..=MOST_WORDS).contains(&words),
            What::Flush | What::Nrst(_) => words == 0,
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remark(text) => write!(f, "# {text}"),
            Self::Now(time) => write!(f, "now {}", time.as_nanos()),
            Self::Sleep(time) => write!(f, "sleep {}", time.as_nanos()),
            Self::Asked(asked) => asked.fmt(f),
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Attach => f.write_str("attach")?,
            What::Flush => f.write_str("flush")?,
            What::Nrst(Nrst::Asserted) => f.write_str("nrst low")?,
            What::Nrst(Nrst::Released) => f.write_str("nrst high")?,
            What::ReadDp(register) => write!(f, "rd dp {}", name_of(&DP_READS, &register).unwrap_or("DPIDR"))?,
            What::WriteDp(register) => write!(f, "wr dp {}", name_of(&DP_WRITES, &register).unwrap_or("ABORT"))?,
            What::ReadAp(ap, register) => write!(f, "rd ap{} {}", ap.0, Name(register))?,
            What::WriteAp(ap, register) => write!(f, "wr ap{} {}", ap.0, Name(register))?,
        }
        for Run { word, times } in &self.words {
            match word {
                Some(word) => write!(f, " {word:08x}")?,
                None => f.write_str(" -")?,
            }
            if *times > 1 {
                write!(f, "*{times}")?;
            }
        }
        match self.broke {
            None => Ok(()),
            Some(Broke::Fault(Some(ctrl_stat))) => write!(f, " !{FAULT}={ctrl_stat:08x}"),
            Some(Broke::Fault(None)) => write!(f, " !{FAULT}"),
            Some(Broke::NotADebugPort(dpidr)) => write!(f, " !{NO_PORT}={dpidr:08x}"),
            Some(other) => write!(f, " !{}", name_of(&BROKEN, &other).unwrap_or("other")),
        }
    }
}

/// A register in one word.
struct Name(ApRegister);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match name_of(&AP_REGISTERS, &self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "@{:02x}", self.0.offset()),
        }
    }
}
