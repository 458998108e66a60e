//! Around a wire: passes everything on, and keeps what crossed it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Asked, Broke, Line, Pointers, Run, Trace, What, count, runs};
use crate::{
    Ap, ApRegister, Capabilities, Clock, DpRead, DpWrite, Dpidr, LinkError, Nrst, ProbeInfo, SwdWire, WireStats,
};

/// What has crossed a wire so far; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Tape(Arc<Mutex<Trace>>);

impl Tape {
    fn keep(&self, line: Line) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lines.push(line);
    }

    /// Puts a remark into the trace: what happened beside the wire.
    pub fn remark(&self, text: &str) {
        self.keep(Line::Remark(text.replace(['\n', '\r'], " ")));
    }

    /// A copy of what was kept so far.
    pub fn trace(&self) -> Trace {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Trace {
    /// The same with other bytes in place of these, wherever words were read that hold them in a row, at any alignment: for what names
    /// one chip alone.
    #[must_use]
    pub fn replacing<const N: usize>(mut self, these: &[u8; N], others: &[u8; N]) -> Self {
        // What one register gave, in the order of the reads: a mailbox says a thing word by word.
        let mut told: BTreeMap<(Ap, u8), Vec<u8>> = BTreeMap::new();
        for asked in self.reads() {
            if let What::ReadAp(ap, register) = asked.what {
                let bytes = told.entry((ap, register.offset())).or_default();
                for Run { word, times } in &asked.words {
                    for _ in 0..*times {
                        bytes.extend(word.unwrap_or(0).to_le_bytes());
                    }
                }
            }
        }
        for bytes in told.values_mut() {
            let mut at = 0;
            while let Some(found) = bytes.get(at..).and_then(|rest| rest.windows(N).position(|w| w == these)) {
                at += found;
                if let Some(place) = bytes.get_mut(at..at + N) {
                    place.copy_from_slice(others);
                }
                at += N;
            }
        }
        let mut left: BTreeMap<(Ap, u8), usize> = BTreeMap::new();
        for asked in self.reads() {
            if let What::ReadAp(ap, register) = asked.what {
                let key = (ap, register.offset());
                let at = left.entry(key).or_default();
                let length = count(&asked.words) as usize * 4;
                let bytes = told.get(&key).and_then(|bytes| bytes.get(*at..*at + length)).unwrap_or_default();
                *at += length;
                let words: Vec<u32> =
                    bytes.chunks_exact(4).map(|c| c.iter().rev().fold(0, |w, b| w << 8 | u32::from(*b))).collect();
                asked.words = runs(&words);
            }
        }
        self
    }

    fn reads(&mut self) -> impl Iterator<Item = &mut Asked> {
        self.lines.iter_mut().filter_map(|line| match line {
            Line::Asked(asked) if matches!(asked.what, What::ReadAp(..)) => Some(asked),
            _ => None,
        })
    }
}

/// A wire that keeps what crosses it.
///
/// What is written through a data register is withheld, unless the address is one whose words may be shown: it may be a password.
#[derive(Debug)]
pub struct Recorder {
    wire: RefCell<Box<dyn SwdWire>>,
    info: ProbeInfo,
    tape: Tape,
    shows: fn(Ap, u32) -> bool,
    pointers: Pointers,
}

impl Recorder {
    /// Around `wire`, onto `tape`. `shows` says of an address behind an access port whether what is written there may be kept.
    pub fn new(wire: Box<dyn SwdWire>, tape: Tape, shows: fn(Ap, u32) -> bool) -> Self {
        let info = wire.describe().clone();
        Self { wire: RefCell::new(wire), info, tape, shows, pointers: Pointers::default() }
    }

    fn asked<T>(&self, what: What, words: Vec<Run>, result: Result<T, LinkError>) -> Result<T, LinkError> {
        let broke = result.as_ref().err().map(Broke::of);
        self.tape.keep(Line::Asked(Asked { what, words, broke }));
        result
    }

    /// What is read: its words are known only if it went well.
    fn read<T>(
        &self,
        what: What,
        result: Result<T, LinkError>,
        words: impl FnOnce(&T) -> Vec<Run>,
    ) -> Result<T, LinkError> {
        let words = result.as_ref().map(words).unwrap_or_default();
        self.asked(what, words, result)
    }

    fn written(&mut self, ap: Ap, register: ApRegister, values: &[u32]) -> Vec<Run> {
        if register == ApRegister::TAR
            && let Some(last) = values.last()
        {
            self.pointers.set(ap, *last);
        }
        let address = self.pointers.address(ap, register);
        self.pointers.advance(ap, register, values.len() as u64);
        match address {
            Some(address) if !(self.shows)(ap, address) => {
                vec![Run { word: None, times: u32::try_from(values.len()).unwrap_or(u32::MAX) }]
            }
            _ => runs(values),
        }
    }
}

fn one(word: &u32) -> Vec<Run> {
    runs(&[*word])
}

impl SwdWire for Recorder {
    fn describe(&self) -> &ProbeInfo {
        &self.info
    }

    fn capabilities(&self) -> Capabilities {
        self.wire.borrow().capabilities()
    }

    fn attach(&mut self) -> Result<Dpidr, LinkError> {
        let result = self.wire.get_mut().attach();
        self.read(What::Attach, result, |dpidr| one(&dpidr.0))
    }

    fn read_dp(&mut self, register: DpRead) -> Result<u32, LinkError> {
        let result = self.wire.get_mut().read_dp(register);
        self.read(What::ReadDp(register), result, one)
    }

    fn write_dp(&mut self, register: DpWrite, value: u32) -> Result<(), LinkError> {
        let result = self.wire.get_mut().write_dp(register, value);
        self.asked(What::WriteDp(register), one(&value), result)
    }

    fn read_ap(&mut self, ap: Ap, register: ApRegister) -> Result<u32, LinkError> {
        let result = self.wire.get_mut().read_ap(ap, register);
        self.pointers.advance(ap, register, 1);
        self.read(What::ReadAp(ap, register), result, one)
    }

    fn write_ap(&mut self, ap: Ap, register: ApRegister, value: u32) -> Result<(), LinkError> {
        let words = self.written(ap, register, &[value]);
        let result = self.wire.get_mut().write_ap(ap, register, value);
        self.asked(What::WriteAp(ap, register), words, result)
    }

    fn set_nrst(&mut self, level: Nrst) -> Result<(), LinkError> {
        let result = self.wire.get_mut().set_nrst(level);
        self.asked(What::Nrst(level), Vec::new(), result)
    }

    fn target_voltage(&self) -> Option<f32> {
        self.wire.borrow().target_voltage()
    }

    fn stats(&self) -> WireStats {
        self.wire.borrow().stats()
    }

    fn clock(&mut self) -> &mut dyn Clock {
        self
    }

    fn read_ap_repeated(&mut self, ap: Ap, register: ApRegister, values: &mut [u32]) -> Result<(), LinkError> {
        if values.is_empty() {
            return Ok(());
        }
        let result = self.wire.get_mut().read_ap_repeated(ap, register, values);
        self.pointers.advance(ap, register, values.len() as u64);
        self.read(What::ReadAp(ap, register), result, |()| runs(values))
    }

    fn write_ap_repeated(&mut self, ap: Ap, register: ApRegister, values: &[u32]) -> Result<(), LinkError> {
        if values.is_empty() {
            return Ok(());
        }
        let words = self.written(ap, register, values);
        let result = self.wire.get_mut().write_ap_repeated(ap, register, values);
        self.asked(What::WriteAp(ap, register), words, result)
    }

    fn flush(&mut self) -> Result<(), LinkError> {
        let result = self.wire.get_mut().flush();
        // What went well says nothing.
        if result.is_ok() { Ok(()) } else { self.asked(What::Flush, Vec::new(), result) }
    }
}

impl Clock for Recorder {
    fn now(&self) -> Duration {
        let now = self.wire.borrow_mut().clock().now();
        self.tape.keep(Line::Now(now));
        now
    }

    fn sleep(&mut self, duration: Duration) {
        self.wire.get_mut().clock().sleep(duration);
        self.tape.keep(Line::Sleep(duration));
    }
}
