//! Faults at chosen transactions of an SWD wire, and the counters that tell which transaction is which.

use std::{collections::BTreeMap, fmt};

/// What goes wrong at one transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// From here on, this many transactions are answered WAIT. Those that may never wait (reads of DPIDR and CTRL/STAT, writes of
    /// ABORT; Arm IHI 0031, SW-DP WAIT response) are answered normally and not counted.
    Wait(u32),
    /// STICKYERR is found set, as after a failed access. The transaction is answered FAULT unless it is one that never may be.
    Fault,
    /// No answer. As after a protocol error, the target stays silent until a line reset.
    NoAck,
    /// The parity bit of the read data is inverted. No effect on a write.
    ReadParity,
    /// The supply goes away after the request, before the transaction has any effect.
    PowerCutBefore,
    /// The supply goes away when the transaction is complete, its access included.
    PowerCutAfter,
}

/// Called with the index of each transaction before it takes effect.
pub type Hook = Box<dyn FnMut(u64) -> Fault + Send>;

/// The faults planned for a wire. Indices count from 0, the first transaction after the wire was made (see [`Stats::transactions`]).
#[derive(Default)]
pub struct Faults {
    planned: BTreeMap<u64, Fault>,
    hook: Option<Hook>,
    waits_left: u32,
}

impl Faults {
    /// Plans `fault` for the transaction `index`, in place of an earlier plan for it.
    pub fn at(&mut self, index: u64, fault: Fault) -> &mut Self {
        self.planned.insert(index, fault);
        self
    }

    /// Asks `hook` about every transaction that nothing is planned for, in place of an earlier hook.
    pub fn hook(&mut self, hook: impl FnMut(u64) -> Fault + Send + 'static) -> &mut Self {
        self.hook = Some(Box::new(hook));
        self
    }

    /// Forgets all plans, the hook, and the rest of a running series of WAITs.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What happens at transaction `index`, which may be answered WAIT if `may_wait`.
    pub(super) fn next(&mut self, index: u64, may_wait: bool) -> Fault {
        let mut fault =
            if self.planned.is_empty() { Fault::None } else { self.planned.remove(&index).unwrap_or_default() };
        if fault == Fault::None
            && let Some(hook) = &mut self.hook
        {
            fault = hook(index);
        }
        if let Fault::Wait(count) = fault {
            self.waits_left = count;
            fault = Fault::None;
        }
        if fault == Fault::None && may_wait && self.waits_left > 0 {
            self.waits_left -= 1;
            fault = Fault::Wait(1);
        }
        fault
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("planned", &self.planned)
            .field("hook", &self.hook.is_some())
            .field("waits_left", &self.waits_left)
            .finish()
    }
}

/// Counters of a wire, from the day it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Well-formed requests that a powered and selected target saw, answered or not. Also the index of the next transaction.
    pub transactions: u64,
    /// Rising edges of SWCLK.
    pub clocks: u64,
    /// Transactions that read.
    pub reads: u64,
    /// Transactions that write.
    pub writes: u64,
    /// Transactions that address an access port.
    pub ap_accesses: u64,
    /// Answers WAIT.
    pub waits: u64,
    /// Answers FAULT.
    pub faults: u64,
    /// Malformed or untimely requests: the target fell silent.
    pub protocol_errors: u64,
    /// Line resets seen.
    pub line_resets: u64,
}
