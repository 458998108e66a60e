//! What crossed a wire, as text: an access a line, to be read by people, sent by mail and played again.
//!
//! [`Recorder`] writes one around any wire, [`Replay`] answers as the chip did. The first line is [`HEADER`]; what begins with `#` is a
//! remark. Numbers of a register are hexadecimal words, `ffffffff*255` is a word that came 255 times, `-` one that is withheld, and
//! times are in nanoseconds. What failed ends with `!` and why.
//!
//! ```text
//! provost-trace 1
//! attach 6ba02477
//! rd ap0 IDR 54770002
//! wr ap1 TAR 40022050
//! rd ap1 DRW 2d30edf8*2
//! nrst low
//! sleep 20000000
//! now 1020004000
//! rd ap1 DRW !fault=f0000020
//! ```

mod line;
mod recorder;
mod replay;

use std::time::Duration;

pub use line::TraceError;
pub use recorder::{Recorder, Tape};
pub use replay::Replay;

use crate::{Access, Ap, ApRegister, DpRead, DpWrite, DriverError, LinkError, Nrst};

/// The first line of a trace: what it is, and the version of its form.
pub const HEADER: &str = "provost-trace 1";
/// A longer text is no trace of ours: a whole selfcheck takes a hundredth of it.
pub const LARGEST: usize = 32 << 20;

/// A trace: what was asked of a wire, what came of it, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    lines: Vec<Line>,
}

impl Trace {
    /// How many accesses, waits and remarks it holds.
    pub const fn len(&self) -> usize {
        self.lines.len()
    }

    /// The word that the chip showed at this address behind an access port, when it was read first.
    pub fn shown(&self, ap: Ap, address: u32) -> Option<u32> {
        Replay::new(self.clone(), "").word_at(ap, address)
    }

    /// Whether nothing happened.
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    /// What somebody who reads it should know.
    Remark(String),
    /// The clock was read, and showed this.
    Now(Duration),
    /// So much time was let pass.
    Sleep(Duration),
    /// Something was asked of the wire.
    Asked(Asked),
}

/// An access, the words that went either way, and why it failed if it did.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    what: What,
    words: Vec<Run>,
    broke: Option<Broke>,
}

/// What is asked of a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Attach,
    ReadDp(DpRead),
    WriteDp(DpWrite),
    ReadAp(Ap, ApRegister),
    WriteAp(Ap, ApRegister),
    Flush,
    Nrst(Nrst),
}

impl What {
    const fn access(self) -> Access {
        match self {
            Self::Attach => Access::Attach,
            Self::ReadDp(register) => Access::ReadDp(register),
            Self::WriteDp(register) => Access::WriteDp(register),
            Self::ReadAp(ap, register) => Access::ReadAp(ap, register),
            Self::WriteAp(ap, register) => Access::WriteAp(ap, register),
            Self::Flush => Access::Flush,
            Self::Nrst(_) => Access::Nrst,
        }
    }
}

/// A word, and how often it came in a row; `None` where it is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    word: Option<u32>,
    times: u32,
}

fn runs(words: &[u32]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for word in words {
        match runs.last_mut() {
            Some(run) if run.word == Some(*word) => run.times += 1,
            _ => runs.push(Run { word: Some(*word), times: 1 }),
        }
    }
    runs
}

/// How many words these are.
fn count(runs: &[Run]) -> u64 {
    runs.iter().map(|run| u64::from(run.times)).sum()
}

/// Why an access failed, as far as a replay must tell it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broke {
    Stopped,
    NotAttached,
    NoAck,
    Wait,
    Fault(Option<u32>),
    Parity,
    Protocol,
    PowerUp,
    NotADebugPort(u32),
    ProbeLost,
    NrstUnsupported,
    Other,
}

impl Broke {
    const fn of(error: &LinkError) -> Self {
        match error {
            LinkError::Stopped => Self::Stopped,
            LinkError::NotAttached { .. } => Self::NotAttached,
            LinkError::NoAck { .. } => Self::NoAck,
            LinkError::Wait { .. } => Self::Wait,
            LinkError::Fault { ctrl_stat, .. } => Self::Fault(*ctrl_stat),
            LinkError::Parity { .. } => Self::Parity,
            LinkError::Protocol { .. } => Self::Protocol,
            LinkError::PowerUp { .. } => Self::PowerUp,
            LinkError::NotADebugPort { dpidr } => Self::NotADebugPort(dpidr.0),
            LinkError::ProbeLost { .. } => Self::ProbeLost,
            LinkError::NrstUnsupported { .. } => Self::NrstUnsupported,
            _ => Self::Other,
        }
    }

    /// The error that was seen when this was recorded.
    fn error(self, access: Access, probe: &str) -> LinkError {
        let (probe, source) = (probe.to_owned(), DriverError::new("so it was recorded"));
        match self {
            Self::Stopped => LinkError::Stopped,
            Self::NotAttached => LinkError::NotAttached { access },
            Self::NoAck => LinkError::NoAck { access, source },
            Self::Wait => LinkError::Wait { access, source },
            Self::Fault(ctrl_stat) => LinkError::Fault { access, ctrl_stat, source },
            Self::Parity => LinkError::Parity { access, source },
            Self::Protocol => LinkError::Protocol { access, source },
            Self::PowerUp => LinkError::PowerUp { source },
            Self::NotADebugPort(dpidr) => LinkError::NotADebugPort { dpidr: crate::Dpidr(dpidr) },
            Self::ProbeLost => LinkError::ProbeLost { probe, access, source },
            Self::NrstUnsupported => LinkError::NrstUnsupported { probe },
            Self::Other => LinkError::ProbeFailed { probe, access, source },
        }
    }
}

/// Where data accesses go, as far as the wire shows it: TAR, and its increments by whole words.
#[derive(Debug, Clone, Default)]
struct Pointers(std::collections::BTreeMap<Ap, u32>);

impl Pointers {
    fn set(&mut self, ap: Ap, tar: u32) {
        self.0.insert(ap, tar);
    }

    /// The address that an access through a data register begins at; `None` for other registers.
    fn address(&self, ap: Ap, register: ApRegister) -> Option<u32> {
        let tar = self.0.get(&ap).copied().unwrap_or(0);
        match register {
            ApRegister::DRW => Some(tar),
            ApRegister::BD0 | ApRegister::BD1 | ApRegister::BD2 | ApRegister::BD3 => {
                Some(tar & !0xF | u32::from(register.offset() & 0xF))
            }
            _ => None,
        }
    }

    /// Follows the increments of so many accesses.
    fn advance(&mut self, ap: Ap, register: ApRegister, words: u64) {
        if register == ApRegister::DRW
            && let Some(tar) = self.0.get_mut(&ap)
        {
            *tar = tar.wrapping_add((words as u32).wrapping_mul(4));
        }
    }
}

#[cfg(test)]
mod tests;
