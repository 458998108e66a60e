//! A virtual board: a chip, its supply, its connector, and the file it lives in.
//!
//! `twin:NAME` names a preset, `twin:FILE` a chip file; both take options, as in
//! `twin:board.chip?leave-rss-da=power,nrst=not-wired`.

use std::{
    fmt,
    path::Path,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use provost_bootloader::usb::SetupPacket;
use provost_chip::assumptions::Assumptions;

pub use crate::rom::bootloader::{Attached, UsbError};
use crate::{
    chipfile::ChipFile,
    error::TwinError,
    host::SwdHost,
    presets::{self, Preset},
    rom::bootloader::Interfaces,
    silicon::Silicon,
    wire::{SharedWire, Wire, faults::Fault, faults::Stats, lock, swd::SwDp},
};

/// The board as its connector sees it: every clock edge goes to the chip, and what must not be lost goes to the file at once.
#[derive(Debug)]
pub struct Board {
    dp: SwDp<Silicon>,
    interfaces: Interfaces,
    file: Option<ChipFile>,
    stored_changes: u64,
    store_error: Option<TwinError>,
}

impl Board {
    fn new(silicon: Silicon, file: Option<ChipFile>) -> Self {
        let stored_changes = silicon.life_changes();
        Self { dp: SwDp::new(silicon), interfaces: Interfaces::default(), file, stored_changes, store_error: None }
    }

    /// The chip.
    pub fn silicon(&self) -> &Silicon {
        self.dp.bus()
    }

    /// The chip, for what happens to it besides the wire.
    pub fn silicon_mut(&mut self) -> &mut Silicon {
        self.dp.bus_mut()
    }

    /// The debug port, for planning faults.
    pub fn dp_mut(&mut self) -> &mut SwDp<Silicon> {
        &mut self.dp
    }

    /// What the ROM bootloader answers on its serial line (8 data bits, even parity); nothing where none runs.
    pub fn serial(&mut self, bytes: &[u8]) -> Vec<u8> {
        let said = self.interfaces.serial(self.dp.bus_mut(), bytes);
        self.write_through();
        said
    }

    /// The ROM bootloader's USB device, while there is one.
    pub fn usb_device(&mut self) -> Option<Attached> {
        self.interfaces.attached(self.dp.bus())
    }

    /// A control transfer to the ROM bootloader on USB.
    ///
    /// # Errors
    /// It is stalled, or no bootloader answers.
    pub fn usb(&mut self, setup: SetupPacket, data: &[u8]) -> Result<Vec<u8>, UsbError> {
        let answer = self.interfaces.usb(self.dp.bus_mut(), setup, data);
        self.write_through();
        answer
    }

    /// Removes power and gives it back; what was programmed stays.
    pub fn power_cycle(&mut self) {
        self.dp.bus_mut().set_power(false);
        self.dp.bus_mut().set_power(true);
        self.dp.power_on_reset();
    }

    fn write_through(&mut self) {
        if self.dp.bus().life_changes() != self.stored_changes {
            self.keep();
        }
    }

    /// Stores the chip. If that fails, the board is as good as unplugged at the last moment that was stored: nobody may build on what
    /// would be gone tomorrow.
    fn keep(&mut self) {
        self.stored_changes = self.dp.bus().life_changes();
        let Some(file) = self.file.as_mut().filter(|_| self.store_error.is_none()) else { return };
        if let Err(error) = file.store(self.dp.bus()) {
            self.store_error = Some(error);
            self.dp.bus_mut().set_power(false);
        }
    }
}

impl Wire for Board {
    fn clock(&mut self, host: Option<bool>) -> Option<bool> {
        let level = self.dp.clock(host);
        self.write_through();
        level
    }

    fn set_nrst(&mut self, asserted: bool) {
        self.dp.set_nrst(asserted);
        self.write_through();
    }

    fn wait(&mut self, time: Duration) {
        self.dp.wait(time);
        self.write_through();
    }

    fn stats(&self) -> Stats {
        self.dp.stats()
    }

    // The port moves whole phases at once; bit by bit would be several times slower.
    fn shift_out(&mut self, bits: u64, count: u32) {
        self.dp.shift_out(bits, count);
        self.write_through();
    }

    fn shift_in(&mut self, count: u32) -> u64 {
        let bits = self.dp.shift_in(count);
        self.write_through();
        bits
    }
}

/// A handle of a virtual board; clones share the board.
#[derive(Debug, Clone)]
pub struct VirtualBoard {
    name: String,
    shared: Arc<Mutex<Board>>,
    unplug: Option<u64>,
}

impl VirtualBoard {
    /// Opens what `selector` says, such as `fresh` or `board.chip?nrst=not-wired`, and powers it.
    ///
    /// # Errors
    /// A selector that is none; otherwise as [`VirtualBoard::select`].
    pub fn open(selector: &str) -> Result<Self, TwinError> {
        Self::select(&selector.parse()?)
    }

    /// Opens the chip that was selected, and powers it. Its file is nobody else's until the last handle is gone.
    ///
    /// # Errors
    /// No such preset or file; a file that is damaged, newer, or in use.
    pub fn select(selector: &Selector) -> Result<Self, TwinError> {
        let name = selector.name.as_str();
        let (silicon, file) = match presets::find(name) {
            Some(preset) => (preset.make()?, None),
            None if Path::new(name).is_file() => {
                let (file, silicon) = ChipFile::open(Path::new(name))?;
                (silicon, Some(file))
            }
            None => {
                let presets = Preset::all().iter().map(|p| p.name).collect::<Vec<_>>().join(", ");
                return Err(TwinError::NotFound { name: name.chars().take(80).collect(), presets });
            }
        };
        let (mut plan, mut assumptions) = (Plan::default(), *silicon.assumptions());
        for option in &selector.options {
            plan.option(option, &mut assumptions)?;
        }
        let silicon = silicon.in_world(assumptions);
        Ok(Self::assemble(name, silicon, file, plan))
    }

    /// A board around a chip that lives in no file.
    pub fn with_chip(name: &str, silicon: Silicon) -> Self {
        Self::assemble(name, silicon, None, Plan::default())
    }

    fn assemble(name: &str, silicon: Silicon, file: Option<ChipFile>, plan: Plan) -> Self {
        let mut board = Board::new(silicon, file);
        board.interfaces.usb_plugged = plan.usb_plugged;
        let silicon = board.dp.bus_mut();
        silicon.set_nrst_wired(!plan.nrst_not_wired);
        silicon.set_boot0(plan.boot0);
        if let Some(khz) = plan.swclk_khz {
            silicon.set_swclk(khz);
        }
        silicon.set_power(true);
        // By the time somebody plugs a probe in, the chip has long booted.
        silicon.advance(1_000_000_000);
        board.dp.power_on_reset();
        if let Some(index) = plan.cut_power {
            board.dp.faults_mut().at(index, Fault::PowerCutAfter);
        }
        Self { name: name.to_owned(), shared: Arc::new(Mutex::new(board)), unplug: plan.unplug }
    }

    /// The same board, whose probes lose their USB plug after this transaction of the wire.
    #[must_use]
    pub fn unplugged_after(&self, transaction: u64) -> Self {
        Self { unplug: Some(transaction), ..self.clone() }
    }

    /// The name it was opened by, without options.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The board itself.
    pub fn board(&self) -> MutexGuard<'_, Board> {
        lock(&self.shared)
    }

    /// The board itself, for who locks it by turns.
    pub(crate) fn mutex(&self) -> &Mutex<Board> {
        &self.shared
    }

    /// Its connector, for a door.
    pub fn wire(&self) -> SharedWire {
        self.shared.clone()
    }

    /// A host plugged into its connector.
    pub fn host(&self) -> SwdHost {
        let host = SwdHost::new(self.wire());
        match self.unplug {
            Some(index) => host.unplug_after(index),
            None => host,
        }
    }

    /// The same as a probe of probe-rs.
    #[cfg(feature = "probe-rs")]
    pub fn probe(&self) -> crate::probe::TwinProbe {
        self.host().into()
    }

    /// Virtual time.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.board().silicon().now())
    }

    /// Lets virtual time pass.
    pub fn advance(&self, time: Duration) {
        self.board().wait(time);
    }

    /// Writes the chip back to its file, if it has one and has changed.
    ///
    /// # Errors
    /// The file cannot be written, now or when something was to be kept earlier.
    pub fn store(&self) -> Result<(), TwinError> {
        let mut board = self.board();
        if board.dp.bus().has_unkept_flash() || board.dp.bus().life_changes() != board.stored_changes {
            board.keep();
        }
        board.store_error.take().map_or(Ok(()), Err)
    }
}

/// Which virtual chip is meant, and what its bench and world are like: `NAME[?OPTION=VALUE,…]`.
///
/// The name is that of a preset, or the path of a chip file. The options are checked when this is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    name: String,
    options: Vec<String>,
}

impl Selector {
    /// The chip, without options.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it says how the bench is set up.
    pub const fn has_options(&self) -> bool {
        !self.options.is_empty()
    }

    /// The same chip with the options of both; the other's count where they contradict each other.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let options = self.options.iter().chain(&other.options).cloned().collect();
        Self { name: self.name.clone(), options }
    }
}

impl FromStr for Selector {
    type Err = TwinError;

    fn from_str(text: &str) -> Result<Self, TwinError> {
        let (name, options) = text.split_once('?').unwrap_or((text, ""));
        let options: Vec<String> = options.split(',').filter(|o| !o.is_empty()).map(str::to_owned).collect();
        let (mut plan, mut assumptions) = (Plan::default(), Assumptions::default());
        for option in &options {
            plan.option(option, &mut assumptions)?;
        }
        Ok(Self { name: name.to_owned(), options })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.options.is_empty() {
            true => Ok(()),
            false => write!(f, "?{}", self.options.join(",")),
        }
    }
}

/// Options of the bench.
#[derive(Debug, Default)]
struct Plan {
    nrst_not_wired: bool,
    boot0: bool,
    usb_plugged: bool,
    swclk_khz: Option<u32>,
    cut_power: Option<u64>,
    unplug: Option<u64>,
}

impl Plan {
    fn option(&mut self, option: &str, assumptions: &mut Assumptions) -> Result<(), TwinError> {
        let unknown = || TwinError::Option { option: option.chars().take(60).collect() };
        let (name, value) = option.split_once('=').ok_or_else(unknown)?;
        match (name, value) {
            ("nrst", "wired") => self.nrst_not_wired = false,
            ("nrst", "not-wired") => self.nrst_not_wired = true,
            ("boot0", "low") => self.boot0 = false,
            ("boot0", "high") => self.boot0 = true,
            ("usb", "unplugged") => self.usb_plugged = false,
            ("usb", "plugged") => self.usb_plugged = true,
            ("nrst" | "boot0" | "usb", _) => return Err(unknown()),
            // Slower than any probe, and faster than any: 1 kHz to 100 MHz.
            ("swclk", n) => {
                self.swclk_khz = Some(n.parse().ok().filter(|khz| (1..=100_000).contains(khz)).ok_or_else(unknown)?);
            }
            ("cut-power", n) => self.cut_power = Some(n.parse().map_err(|_| unknown())?),
            ("unplug", n) => self.unplug = Some(n.parse().map_err(|_| unknown())?),
            _ => assumptions.set(name, value)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_reach_the_chip_and_wrong_ones_are_named() {
        let board = VirtualBoard::open("stuck-in-provisioning?leave-rss-da=power,nrst=not-wired").unwrap();
        assert_eq!(
            board.board().silicon().assumptions().to_string(),
            "leave-rss-da=power,rss-encrypt-word=caca-is-plain"
        );
        for (selector, code) in [
            ("no-such-chip", "twin-not-found"),
            ("fresh?nrst", "twin-option"),
            ("fresh?nrst=maybe", "twin-option"),
            ("fresh?cut-power=soon", "twin-option"),
            ("fresh?swclk=0", "twin-option"),
            ("fresh?swclk=fast", "twin-option"),
            ("fresh?leave-rss-da=never", "twin-switch"),
            ("fresh?colour=red", "twin-switch"),
        ] {
            assert_eq!(VirtualBoard::open(selector).unwrap_err().code(), code, "{selector}");
        }
    }

    #[test]
    fn selectors_read_as_they_were_written() {
        for text in ["fresh", "a/board.chip?leave-rss-da=power,nrst=not-wired", "x?unplug=7", ""] {
            assert_eq!(text.parse::<Selector>().unwrap().to_string(), text);
        }
        assert_eq!("fresh?".parse::<Selector>().unwrap().to_string(), "fresh");
        assert_eq!("a?nrst=wired".parse::<Selector>().unwrap().name(), "a");
    }

    #[test]
    fn a_chip_that_nobody_changed_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("board.chip");
        crate::chipfile::store(&path, &presets::find("fresh").unwrap().make().unwrap()).unwrap();
        let before = std::fs::metadata(&path).unwrap().modified().unwrap();
        let board = VirtualBoard::open(path.to_str().unwrap()).unwrap();
        board.advance(Duration::from_secs(1));
        board.store().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), before);
    }
}
