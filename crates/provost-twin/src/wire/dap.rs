//! The debug port and its access ports: what an SWD packet means once it is a request with an answer (Arm IHI 0031, ADIv5.2).
//!
//! Behind it stands a [`Bus`]: the chip. Nothing here allocates.

use std::time::Duration;

use super::mem_ap::MemAp;

/// Access ports with registers of their own. An STM32H5 has two; APSEL beyond these reads as absent.
pub const MAX_APS: usize = 4;

/// Width of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Half,
    /// 32 bits.
    Word,
}

impl Size {
    /// Width in bytes.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Half => 2,
            Self::Word => 4,
        }
    }

    /// The bits that a value of this width may have.
    pub const fn mask(self) -> u32 {
        match self {
            Self::Byte => 0xFF,
            Self::Half => 0xFFFF,
            Self::Word => 0xFFFF_FFFF,
        }
    }
}

/// One access of an access port to the bus behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Which access port.
    pub ap: u8,
    /// Byte address, a multiple of the size.
    pub address: u32,
    /// Width.
    pub size: Size,
    /// Whether a secure transfer is asked for (AHB5 with CSW.HNONSEC clear). Whether it is granted is the bus's affair.
    pub secure: bool,
}

/// What kind of access port answers to an APSEL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApKind {
    /// None: all registers read 0.
    Absent,
    /// APB-AP: words only.
    Apb,
    /// AHB-AP of an Armv8-M core: bytes, half-words and words, secure or non-secure.
    Ahb5,
}

/// The bus answered an access with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bus answered with an error")]
pub struct BusFault;

/// What is behind the debug port.
pub trait Bus {
    /// DPIDR. Bit 16 (MIN) leaves out pushed operations and the transaction counter.
    fn dpidr(&self) -> u32;
    /// TARGETID, also what a multi-drop TARGETSEL is compared with.
    fn targetid(&self) -> u32;
    /// What answers to this APSEL (below [`MAX_APS`]). Must not change while powered.
    fn ap_kind(&self, ap: u8) -> ApKind;
    /// IDR; readable also while the port is disabled.
    fn ap_idr(&self, ap: u8) -> u32;
    /// BASE, the address of the ROM table.
    fn ap_base(&self, ap: u8) -> u32;
    /// CSW.DeviceEn. Memory accesses through a disabled port fault without reaching the bus.
    fn ap_enabled(&self, ap: u8) -> bool;
    /// CSW.SPIDEN: whether secure accesses through this port are permitted at the moment.
    fn ap_spiden(&self, _ap: u8) -> bool {
        true
    }
    /// Reads; the value stands in the lowest bits, whatever the address.
    ///
    /// # Errors
    /// [`BusFault`] if the access is answered with an error.
    fn read(&mut self, access: Access) -> Result<u32, BusFault>;
    /// Writes; the value stands in the lowest bits, whatever the address.
    ///
    /// # Errors
    /// [`BusFault`] if the access is answered with an error.
    fn write(&mut self, access: Access, value: u32) -> Result<(), BusFault>;
    /// Whether the last write is still held up by what it is for. Meanwhile whatever needs an access port is answered WAIT.
    fn stalled(&self) -> bool {
        false
    }
    /// The debugger gives up a write that is held up (ABORT.DAPABORT).
    fn abort(&mut self) {}
    /// The debugger's power request (CTRL/STAT.CDBGPWRUPREQ) has changed.
    fn debug_power(&mut self, on: bool);
    /// Time passes: this many cycles of SWCLK since the last call. Called before each access and at least every 4096 cycles.
    fn elapse(&mut self, swclk_cycles: u32);
    /// Time passes without a clock on the wire.
    fn wait(&mut self, _time: Duration) {}
    /// Whether the chip has supply. Without it nobody drives SWDIO.
    fn powered(&self) -> bool;
    /// The supply goes away (see [`Fault`](super::faults::Fault)); afterwards [`Bus::powered`] must be false.
    fn cut_power(&mut self);
    /// The debugger drives NRST: `true` pulls it low.
    fn set_nrst(&mut self, asserted: bool);
}

/// The address part of an SWD packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// APnDP: an access port register.
    pub ap: bool,
    /// RnW: a read.
    pub read: bool,
    /// A\[3:2\] in place: 0x0, 0x4, 0x8 or 0xC.
    pub address: u8,
}

impl Request {
    /// The eight bits on the wire, first one lowest: start, APnDP, RnW, A2, A3, parity, stop, park.
    pub const fn packet(self) -> u8 {
        let body = self.ap as u8 | (self.read as u8) << 1 | (self.address & 0xC);
        0x81 | body << 1 | (body.count_ones() as u8 & 1) << 5
    }

    /// The request in eight wire bits, or `None` if start, parity, stop or park is wrong.
    pub const fn parse(packet: u8) -> Option<Self> {
        let request = Self { ap: packet & 2 != 0, read: packet & 4 != 0, address: packet >> 1 & 0xC };
        if request.packet() == packet { Some(request) } else { None }
    }

    /// Reads of DPIDR and CTRL/STAT and writes of ABORT are never answered WAIT or FAULT. Other DP registers at 0x4 count as
    /// CTRL/STAT: a host in trouble does not know what DPBANKSEL is.
    pub const fn always_answered(self) -> bool {
        !self.ap && matches!((self.read, self.address), (true, DPIDR | CTRL_STAT) | (false, ABORT))
    }
}

/// DPIDR, read.
pub const DPIDR: u8 = 0x0;
/// ABORT, write.
pub const ABORT: u8 = 0x0;
/// CTRL/STAT in bank 0, DLCR 1, TARGETID 2, DLPIDR 3, EVENTSTAT 4.
pub const CTRL_STAT: u8 = 0x4;
/// SELECT, write.
pub const SELECT: u8 = 0x8;
/// RESEND, read.
pub const RESEND: u8 = 0x8;
/// RDBUFF, read.
pub const RDBUFF: u8 = 0xC;
/// TARGETSEL, write.
pub const TARGETSEL: u8 = 0xC;

const DAPABORT: u32 = 1 << 0;
const ORUNDETECT: u32 = 1 << 0;
const STICKYORUN: u32 = 1 << 1;
const STICKYCMP: u32 = 1 << 4;
const STICKYERR: u32 = 1 << 5;
const READOK: u32 = 1 << 6;
const WDATAERR: u32 = 1 << 7;
const STICKY: u32 = STICKYORUN | STICKYCMP | STICKYERR | WDATAERR;
const CDBGRSTREQ: u32 = 1 << 26;
const CDBGPWRUPREQ: u32 = 1 << 28;
const CSYSPWRUPREQ: u32 = 1 << 30;
/// TRNMODE, MASKLANE and TRNCNT. Kept as written, but pushed operations and counted transfers are not performed.
const TRANSFER: u32 = 0x00FF_FF0C;
const MINDP: u32 = 1 << 16;

/// DLPIDR: SWD protocol version 2, TINSTANCE 0.
const DLPIDR_VALUE: u32 = 0x0000_0001;

/// A debug port with its access ports in front of a [`Bus`].
#[derive(Debug)]
pub struct Dap<B> {
    bus: B,
    ctrl_stat: u32,
    select: u32,
    turnround: u8,
    /// Result of the last AP read, delivered by the next one or by RDBUFF.
    posted: u32,
    /// What RESEND gives: the last word that an AP or RDBUFF read returned.
    resend: u32,
    aps: [MemAp; MAX_APS],
}

impl<B: Bus> Dap<B> {
    /// A debug port after power-up.
    pub fn new(bus: B) -> Self {
        let mut dap =
            Self { bus, ctrl_stat: 0, select: 0, turnround: 0, posted: 0, resend: 0, aps: Default::default() };
        dap.reset_aps();
        dap
    }

    /// The chip behind the port.
    pub fn bus(&self) -> &B {
        &self.bus
    }

    /// The chip behind the port.
    pub fn bus_mut(&mut self) -> &mut B {
        &mut self.bus
    }

    /// Gives the chip back.
    pub fn into_bus(self) -> B {
        self.bus
    }

    /// Forgets everything, as when the supply was away.
    pub fn power_on_reset(&mut self) {
        self.set_debug_power(false);
        (self.ctrl_stat, self.select, self.turnround, self.posted, self.resend) = (0, 0, 0, 0, 0);
        self.reset_aps();
    }

    /// A line reset: turnaround and register bank of the DP go back to their defaults, all else stays.
    pub fn line_reset(&mut self) {
        self.turnround = 0;
        self.select &= !0xF;
    }

    /// Whether a multi-drop TARGETSEL means this target: TINSTANCE, TPARTNO and TDESIGNER.
    pub fn is_selected_by(&self, targetsel: u32) -> bool {
        let own = DLPIDR_VALUE & 0xF000_0000 | self.bus.targetid() & 0x0FFF_FFFF;
        (targetsel ^ own) & !1 == 0
    }

    /// Turnaround time in SWCLK cycles, 1 to 4 (DLCR.TURNROUND).
    pub fn turnaround(&self) -> u8 {
        self.turnround + 1
    }

    /// CTRL/STAT.ORUNDETECT: every answer is followed by a data phase.
    pub fn overrun_detect(&self) -> bool {
        self.ctrl_stat & ORUNDETECT != 0
    }

    /// Whether this request must be answered FAULT.
    pub fn faults(&self, request: Request) -> bool {
        self.ctrl_stat & STICKY != 0 && !request.always_answered()
    }

    /// Whether this request must be answered WAIT.
    pub fn waits(&self, request: Request) -> bool {
        !request.always_answered() && self.bus.stalled()
    }

    /// A request was answered WAIT: with overrun detection, what follows it is refused until the host has noticed.
    pub fn waited(&mut self, request: Request) {
        if self.overrun_detect() {
            self.ctrl_stat |= STICKYORUN;
        }
        self.refused(request);
    }

    /// A request was answered WAIT or FAULT.
    pub fn refused(&mut self, request: Request) {
        if request.read && (request.ap || request.address == RDBUFF) {
            self.ctrl_stat &= !READOK;
        }
    }

    /// Sets STICKYERR, as a failed access does.
    pub fn fail(&mut self) {
        self.ctrl_stat |= STICKYERR;
    }

    /// Write data arrived with wrong parity.
    pub fn write_data_error(&mut self) {
        self.ctrl_stat |= WDATAERR;
    }

    /// Performs a read that [`Dap::faults`] does not refuse, and returns the word for the wire.
    pub fn read(&mut self, request: Request) -> u32 {
        match (request.ap, request.address) {
            (false, DPIDR) => self.bus.dpidr(),
            (false, CTRL_STAT) => match self.select & 0xF {
                0 => self.ctrl_stat | (self.ctrl_stat & (CDBGPWRUPREQ | CSYSPWRUPREQ)) << 1,
                1 => 0x40 | u32::from(self.turnround) << 8,
                2 => self.bus.targetid(),
                3 => DLPIDR_VALUE,
                _ => 0,
            },
            (false, RESEND) => self.resend,
            (false, _) => {
                self.ctrl_stat |= READOK;
                self.resend = self.posted;
                self.posted
            }
            (true, address) => {
                self.ctrl_stat |= READOK;
                self.resend = self.posted;
                self.posted =
                    self.ap_access(address, |ap, bus, apsel, offset| ap.read(bus, apsel, offset)).unwrap_or_default();
                self.resend
            }
        }
    }

    /// Performs a write that [`Dap::faults`] does not refuse.
    pub fn write(&mut self, request: Request, value: u32) {
        match (request.ap, request.address) {
            (false, ABORT) => {
                if value & DAPABORT != 0 {
                    self.bus.abort();
                }
                let cleared = [(1, STICKYCMP), (2, STICKYERR), (3, WDATAERR), (4, STICKYORUN)];
                for (_, flag) in cleared.into_iter().filter(|(bit, _)| value >> bit & 1 == 1) {
                    self.ctrl_stat &= !flag;
                }
            }
            (false, CTRL_STAT) => match self.select & 0xF {
                0 => self.write_ctrl_stat(value),
                1 => self.turnround = (value >> 8 & 0b11) as u8,
                _ => {}
            },
            (false, SELECT) => self.select = value,
            // TARGETSEL acts only straight after a line reset, and never gets here.
            (false, _) => {}
            (true, address) => {
                self.ap_access(address, |ap, bus, apsel, offset| ap.write(bus, apsel, offset, value));
            }
        }
    }

    fn write_ctrl_stat(&mut self, value: u32) {
        let mut writable = ORUNDETECT | CDBGRSTREQ | CDBGPWRUPREQ | CSYSPWRUPREQ;
        if self.bus.dpidr() & MINDP == 0 {
            writable |= TRANSFER;
        }
        self.set_debug_power(value & CDBGPWRUPREQ != 0);
        self.ctrl_stat = self.ctrl_stat & !writable | value & writable;
    }

    fn set_debug_power(&mut self, on: bool) {
        if on == (self.ctrl_stat & CDBGPWRUPREQ != 0) {
            return;
        }
        self.ctrl_stat ^= CDBGPWRUPREQ;
        self.bus.debug_power(on);
        if !on {
            // The access ports live in the debug power domain; a host may not rely on what they remembered.
            self.reset_aps();
        }
    }

    fn reset_aps(&mut self) {
        for (ap, apsel) in self.aps.iter_mut().zip(0..) {
            *ap = MemAp::new(self.bus.ap_kind(apsel));
        }
    }

    /// Runs one register access on the selected AP; a failure becomes STICKYERR, and so does any access without debug power.
    fn ap_access<T: Default>(
        &mut self,
        address: u8,
        run: impl FnOnce(&mut MemAp, &mut B, u8, u8) -> Result<T, BusFault>,
    ) -> Option<T> {
        let apsel = (self.select >> 24) as u8;
        let offset = (self.select & 0xF0) as u8 | address;
        let result = match self.aps.get_mut(usize::from(apsel)) {
            _ if self.ctrl_stat & CDBGPWRUPREQ == 0 => Err(BusFault),
            Some(ap) if self.bus.ap_kind(apsel) != ApKind::Absent => run(ap, &mut self.bus, apsel, offset),
            _ => Ok(T::default()),
        };
        if result.is_err() {
            self.fail();
        }
        result.ok()
    }
}
