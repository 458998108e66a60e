//! A wire that answers as the chip of a trace did.
//!
//! As long as what is asked is what was asked then, line follows line, and what comes out is what came out then. Who reads something
//! else, or in another order, is told what the chip showed at that place before it was changed next, or else at the nearest moment. Who
//! changes the chip must change it as was done then; what lies between is passed over. So a trace outlives the program that recorded it,
//! and serves whoever only reads.

use std::{cell::Cell, time::Duration};

use super::{Asked, Line, Pointers, Run, Trace, What, count};
use crate::{
    Ap, ApRegister, Capabilities, Clock, DpRead, DpWrite, Dpidr, LinkError, Nrst, ProbeInfo, SwdWire, WireStats,
};

/// A wire that answers as the chip of a trace did.
#[derive(Debug)]
pub struct Replay {
    lines: Vec<Line>,
    /// The address at which each line's data access begins.
    addresses: Vec<Option<u32>>,
    /// The line that is due.
    at: Cell<usize>,
    time: Cell<Duration>,
    info: ProbeInfo,
    pointers: Pointers,
    stats: WireStats,
    nrst: Option<Nrst>,
}

/// What is looked for in a trace.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Attach,
    Dp(DpRead),
    Register(Ap, ApRegister),
    Memory(Ap, u32),
}

impl Replay {
    /// Answers as this trace has it, under this name.
    pub fn new(trace: Trace, name: impl Into<String>) -> Self {
        let lines: Vec<Line> = trace.lines.into_iter().filter(|line| !matches!(line, Line::Remark(_))).collect();
        let mut pointers = Pointers::default();
        let addresses = lines.iter().map(|line| follow(&mut pointers, line)).collect();
        Self {
            lines,
            addresses,
            at: Cell::new(0),
            time: Cell::new(Duration::ZERO),
            info: ProbeInfo::virtual_chip(name),
            pointers: Pointers::default(),
            stats: WireStats::default(),
            nrst: None,
        }
    }

    /// Whether every line was played.
    pub fn is_over(&self) -> bool {
        self.at.get() >= self.lines.len()
    }

    /// The first word that was read at an address.
    pub(super) fn word_at(&self, ap: Ap, address: u32) -> Option<u32> {
        let read = |(index, line): (usize, &Line)| match line {
            Line::Asked(asked) => nth(&asked.words, self.word_of(index, asked, Place::Memory(ap, address))?),
            _ => None,
        };
        self.lines.iter().enumerate().find_map(read)
    }

    /// The line that is due, if it is this.
    fn due(&self, fits: impl FnOnce(&Asked) -> bool) -> Option<&Asked> {
        match self.lines.get(self.at.get()) {
            Some(Line::Asked(asked)) if fits(asked) => {
                self.at.set(self.at.get() + 1);
                Some(asked)
            }
            _ => None,
        }
    }

    fn broke(&self, asked: &Asked) -> Result<(), LinkError> {
        match asked.broke {
            Some(broke) => Err(broke.error(asked.what.access(), &self.info.name)),
            None => Ok(()),
        }
    }

    /// A read: as it was due, or as the chip showed it at the nearest moment.
    fn read(&mut self, what: What, values: &mut [u32]) -> Result<(), LinkError> {
        let length = values.len() as u64;
        let fits = |asked: &Asked| asked.what == what && (asked.broke.is_some() || count(&asked.words) == length);
        if let Some(asked) = self.due(fits) {
            self.broke(asked)?;
            values.iter_mut().zip(expand(&asked.words)).for_each(|(value, word)| *value = word);
            return Ok(());
        }
        let first = match what {
            What::Attach => Place::Attach,
            What::ReadDp(register) => Place::Dp(register),
            What::ReadAp(ap, register) => match self.pointers.address(ap, register) {
                Some(address) => Place::Memory(ap, address),
                None => Place::Register(ap, register),
            },
            _ => return Err(self.off(what)),
        };
        for (value, index) in values.iter_mut().zip(0u32..) {
            let place = match (first, what) {
                (Place::Memory(ap, address), What::ReadAp(_, ApRegister::DRW)) => {
                    Place::Memory(ap, address.wrapping_add(index.wrapping_mul(4)))
                }
                (place, _) => place,
            };
            *value = self.nearest(place, what)?;
        }
        Ok(())
    }

    const fn off(&self, what: What) -> LinkError {
        LinkError::OffTrace { access: what.access() }
    }

    /// What the chip showed at a place before it was changed next; or else at the nearest moment, earlier ones first.
    fn nearest(&self, place: Place, what: What) -> Result<u32, LinkError> {
        let (at, end) = (self.at.get().min(self.lines.len()), self.lines.len());
        let change = (at..end).find(|index| self.lines.get(*index).is_some_and(changes)).unwrap_or(end);
        for index in (at..change).chain((0..at).rev()).chain(change..end) {
            let Some(Line::Asked(asked)) = self.lines.get(index) else { continue };
            let Some(word) = self.word_of(index, asked, place) else { continue };
            if (at..change).contains(&index) {
                // Who looks again sees what was seen then when somebody looked again.
                self.at.set(index + 1);
            }
            self.broke(asked)?;
            if let Some(found) = nth(&asked.words, word) {
                return Ok(found);
            }
        }
        Err(self.off(what))
    }

    /// Which of its words a line read at a place.
    fn word_of(&self, index: usize, asked: &Asked, place: Place) -> Option<u32> {
        match (asked.what, place) {
            (What::Attach, Place::Attach) => Some(0),
            (What::ReadDp(register), Place::Dp(wanted)) => (register == wanted).then_some(0),
            (What::ReadAp(ap, register), Place::Register(wanted, of)) => ((ap, register) == (wanted, of)).then_some(0),
            (What::ReadAp(ap, register), Place::Memory(wanted, address)) if ap == wanted => {
                let offset = address.wrapping_sub(self.addresses.get(index).copied().flatten()?);
                let several = register == ApRegister::DRW && asked.broke.is_none();
                let words = if several { count(&asked.words) } else { 1 };
                (offset.is_multiple_of(4) && u64::from(offset / 4) < words).then_some(offset / 4)
            }
            _ => None,
        }
    }

    /// A write: as it was due. What changes nothing in the chip may be written at any time; what does, where it was done next.
    fn write(&mut self, what: What, address: Option<u32>, values: &[u32]) -> Result<(), LinkError> {
        let same = |asked: &Asked| {
            let told = || asked.words.iter().flat_map(|run| std::iter::repeat_n(run.word, run.times as usize));
            asked.what == what
                && count(&asked.words) == values.len() as u64
                && told().zip(values).all(|(word, value)| word.is_none_or(|word| word == *value))
        };
        if let Some(asked) = self.due(same) {
            return self.broke(asked);
        }
        if address.is_none() && !matches!(what, What::Nrst(_)) {
            return Ok(());
        }
        for index in self.at.get()..self.lines.len() {
            let Some(line @ Line::Asked(asked)) = self.lines.get(index) else { continue };
            if changes(line) && same(asked) && self.addresses.get(index).copied().flatten() == address {
                self.at.set(index + 1);
                return self.broke(asked);
            }
        }
        Err(self.off(what))
    }
}

/// Whether a chip may be another after this.
const fn changes(line: &Line) -> bool {
    match line {
        Line::Asked(Asked { what: What::Nrst(_), .. }) => true,
        Line::Asked(Asked { what: What::WriteAp(_, register), .. }) => is_data(*register),
        _ => false,
    }
}

const fn is_data(register: ApRegister) -> bool {
    matches!(register.offset(), 0x0C | 0x10 | 0x14 | 0x18 | 0x1C)
}

/// The address of a line's data access, and where the pointer goes by it.
fn follow(pointers: &mut Pointers, line: &Line) -> Option<u32> {
    let Line::Asked(asked) = line else { return None };
    let (What::ReadAp(ap, register) | What::WriteAp(ap, register)) = asked.what else { return None };
    if let (What::WriteAp(..), ApRegister::TAR, Some(Run { word: Some(tar), .. })) =
        (asked.what, register, asked.words.last())
    {
        pointers.set(ap, *tar);
    }
    let address = pointers.address(ap, register);
    pointers.advance(ap, register, count(&asked.words));
    address
}

fn expand(words: &[Run]) -> impl Iterator<Item = u32> {
    words.iter().flat_map(|run| std::iter::repeat_n(run.word.unwrap_or(0), run.times as usize))
}

fn nth(words: &[Run], mut index: u32) -> Option<u32> {
    for run in words {
        if index < run.times {
            return run.word;
        }
        index -= run.times;
    }
    None
}

impl SwdWire for Replay {
    fn describe(&self) -> &ProbeInfo {
        &self.info
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NRST_CONTROL | Capabilities::MULTIPLE_APS | Capabilities::SECURE_SELECT
    }

    fn attach(&mut self) -> Result<Dpidr, LinkError> {
        self.stats.attaches += 1;
        let mut value = [0];
        self.read(What::Attach, &mut value)?;
        Ok(Dpidr(value[0]))
    }

    fn read_dp(&mut self, register: DpRead) -> Result<u32, LinkError> {
        self.stats.dp_reads += 1;
        let mut value = [0];
        self.read(What::ReadDp(register), &mut value)?;
        Ok(value[0])
    }

    fn write_dp(&mut self, register: DpWrite, value: u32) -> Result<(), LinkError> {
        self.stats.dp_writes += 1;
        self.write(What::WriteDp(register), None, &[value])
    }

    fn read_ap(&mut self, ap: Ap, register: ApRegister) -> Result<u32, LinkError> {
        let mut value = [0];
        self.read_ap_repeated(ap, register, &mut value)?;
        Ok(value[0])
    }

    fn write_ap(&mut self, ap: Ap, register: ApRegister, value: u32) -> Result<(), LinkError> {
        self.write_ap_repeated(ap, register, &[value])
    }

    fn set_nrst(&mut self, level: Nrst) -> Result<(), LinkError> {
        self.write(What::Nrst(level), None, &[])?;
        if self.nrst != Some(level) {
            self.nrst = Some(level);
            self.stats.nrst_edges += 1;
        }
        Ok(())
    }

    fn stats(&self) -> WireStats {
        self.stats
    }

    fn clock(&mut self) -> &mut dyn Clock {
        self
    }

    fn read_ap_repeated(&mut self, ap: Ap, register: ApRegister, values: &mut [u32]) -> Result<(), LinkError> {
        if values.is_empty() {
            return Ok(());
        }
        self.stats.ap_reads += values.len() as u64;
        let result = self.read(What::ReadAp(ap, register), values);
        self.pointers.advance(ap, register, values.len() as u64);
        result
    }

    fn write_ap_repeated(&mut self, ap: Ap, register: ApRegister, values: &[u32]) -> Result<(), LinkError> {
        let Some(last) = values.last() else { return Ok(()) };
        self.stats.ap_writes += values.len() as u64;
        if register == ApRegister::TAR {
            self.pointers.set(ap, *last);
        }
        let address = self.pointers.address(ap, register);
        self.pointers.advance(ap, register, values.len() as u64);
        self.write(What::WriteAp(ap, register), address, values)
    }

    fn flush(&mut self) -> Result<(), LinkError> {
        self.due(|asked| asked.what == What::Flush).map_or(Ok(()), |asked| self.broke(asked))
    }
}

impl Clock for Replay {
    fn now(&self) -> Duration {
        if let Some(Line::Now(time)) = self.lines.get(self.at.get()) {
            self.at.set(self.at.get() + 1);
            self.time.set(self.time.get().max(*time));
        }
        self.time.get()
    }

    fn sleep(&mut self, duration: Duration) {
        if self.lines.get(self.at.get()) == Some(&Line::Sleep(duration)) {
            self.at.set(self.at.get() + 1);
        }
        self.time.set(self.time.get().saturating_add(duration));
    }
}
