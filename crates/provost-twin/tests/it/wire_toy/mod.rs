//! A toy chip behind the debug port, and a host that speaks SWD bit by bit.

use std::{collections::BTreeMap, time::Duration};

use provost_twin::wire::{
    dap::{Access, ApKind, Bus, BusFault, Request},
    swd::SwDp,
};

pub const DPIDR: u32 = 0x6BA0_2477;
pub const TARGETID: u32 = 0x0484_0041;
pub const AP_IDR: [u32; 2] = [0x5477_0002, 0x8477_0001];
pub const AP_BASE: [u32; 2] = [0xE00E_0003, 0xE00F_E003];
/// Accesses from here on fail.
pub const HOLE: u32 = 0xF000_0000;

/// Two access ports with a memory of bytes each.
#[derive(Debug)]
pub struct Toy {
    pub dpidr: u32,
    pub memory: [BTreeMap<u32, u8>; 2],
    pub log: Vec<(Access, Option<u32>)>,
    pub ap1_enabled: bool,
    pub powered: bool,
    pub debug_power: Vec<bool>,
    pub nrst: Vec<bool>,
    pub waited: Duration,
    pub elapsed: u64,
}

impl Toy {
    pub fn new() -> Self {
        let mut toy = Self {
            dpidr: DPIDR,
            memory: Default::default(),
            log: Vec::new(),
            ap1_enabled: true,
            powered: true,
            debug_power: Vec::new(),
            nrst: Vec::new(),
            waited: Duration::ZERO,
            elapsed: 0,
        };
        toy.poke(1, 0x0800_0008, 0xDEAD_BEEF);
        toy.poke(1, 0x0800_000C, 0xCAFE_F00D);
        toy.poke(0, 0xE004_4000, 0x1001_6484);
        // A CoreSight ROM table on AP0 with one entry, and one on AP1 that is empty: PIDR and CIDR as the architecture defines them.
        for (ap, base, entry) in [(0, 0xE00E_0000, 0x0000_4003), (1, 0xE00F_E000, 0)] {
            toy.poke(ap, base, entry);
            toy.component(ap, base, 0x1, 0x484);
        }
        toy.component(0, 0xE00E_4000, 0xF, 0x000);
        toy
    }

    /// Component and peripheral identification registers of a component made by ST (JEP106 0x20).
    fn component(&mut self, ap: usize, base: u32, class: u32, part: u32) {
        let pidr = [part & 0xFF, part >> 8 & 0xF, 0x0A, 0];
        for (i, value) in (0..).zip(pidr) {
            self.poke(ap, base + 0xFE0 + 4 * i, value);
        }
        for (i, value) in (0..).zip([0x0D, class << 4, 0x05, 0xB1]) {
            self.poke(ap, base + 0xFF0 + 4 * i, value);
        }
    }

    pub fn poke(&mut self, ap: usize, address: u32, word: u32) {
        for (i, byte) in (0..).zip(word.to_le_bytes()) {
            self.memory[ap].insert(address + i, byte);
        }
    }

    pub fn peek(&self, ap: usize, address: u32) -> u32 {
        u32::from_le_bytes(std::array::from_fn(|i| *self.memory[ap].get(&(address + i as u32)).unwrap_or(&0)))
    }
}

impl Bus for Toy {
    fn dpidr(&self) -> u32 {
        self.dpidr
    }
    fn targetid(&self) -> u32 {
        TARGETID
    }
    fn ap_kind(&self, ap: u8) -> ApKind {
        [ApKind::Apb, ApKind::Ahb5].get(usize::from(ap)).copied().unwrap_or(ApKind::Absent)
    }
    fn ap_idr(&self, ap: u8) -> u32 {
        AP_IDR.get(usize::from(ap)).copied().unwrap_or(0)
    }
    fn ap_base(&self, ap: u8) -> u32 {
        AP_BASE.get(usize::from(ap)).copied().unwrap_or(0)
    }
    fn ap_enabled(&self, ap: u8) -> bool {
        ap == 0 || self.ap1_enabled
    }
    fn read(&mut self, access: Access) -> Result<u32, BusFault> {
        assert!(self.powered && access.address.is_multiple_of(access.size.bytes()));
        self.log.push((access, None));
        if access.address >= HOLE {
            return Err(BusFault);
        }
        // The lanes above a narrow value are the debug port's to mask.
        Ok(self.peek(usize::from(access.ap), access.address))
    }
    fn write(&mut self, access: Access, value: u32) -> Result<(), BusFault> {
        assert!(self.powered && access.address.is_multiple_of(access.size.bytes()));
        assert_eq!(value & !access.size.mask(), 0);
        self.log.push((access, Some(value)));
        if access.address >= HOLE {
            return Err(BusFault);
        }
        for (i, byte) in (0..access.size.bytes()).zip(value.to_le_bytes()) {
            self.memory[usize::from(access.ap)].insert(access.address + i, byte);
        }
        Ok(())
    }
    fn debug_power(&mut self, on: bool) {
        self.debug_power.push(on);
    }
    fn elapse(&mut self, swclk_cycles: u32) {
        self.elapsed += u64::from(swclk_cycles);
    }
    fn powered(&self) -> bool {
        self.powered
    }
    fn cut_power(&mut self) {
        self.powered = false;
    }
    fn wait(&mut self, time: Duration) {
        self.waited += time;
    }
    fn set_nrst(&mut self, asserted: bool) {
        self.nrst.push(asserted);
    }
}

/// The acknowledgement of a packet, if it was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ack {
    Ok,
    Wait,
    Fault,
    Silence,
}

/// What a packet brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    pub ack: Ack,
    pub data: u32,
    pub parity_ok: bool,
}

/// A host on the wire. It drives SWDIO as the Arm specification draws it, one clock after the other.
#[derive(Debug)]
pub struct Host {
    pub dp: SwDp<Toy>,
    /// Turnaround in clocks.
    pub turnaround: u32,
    /// Clock the data phase also after WAIT and FAULT.
    pub overrun_detect: bool,
}

impl Host {
    pub fn new() -> Self {
        Self { dp: SwDp::new(Toy::new()), turnaround: 1, overrun_detect: false }
    }

    /// Connected, with debug power.
    pub fn connected() -> Self {
        let mut host = Self::new();
        assert_eq!(host.connect(), DPIDR);
        host.power_up();
        host
    }

    pub fn send(&mut self, bits: u128, count: u32) {
        for i in 0..count {
            self.dp.clock(Some(bits >> i & 1 == 1));
        }
    }

    pub fn ones(&mut self, count: u32) {
        for _ in 0..count {
            self.dp.clock(Some(true));
        }
    }

    pub fn idle(&mut self, count: u32) {
        for _ in 0..count {
            self.dp.clock(Some(false));
        }
    }

    pub fn line_reset(&mut self) {
        self.ones(50);
        self.idle(2);
    }

    pub fn read_dpidr(&mut self) -> Reply {
        self.packet(0xA5, None)
    }

    pub fn connect(&mut self) -> u32 {
        self.ones(50);
        self.send(0xE79E, 16);
        self.line_reset();
        let reply = self.read_dpidr();
        assert_eq!(reply.ack, Ack::Ok);
        reply.data
    }

    pub fn power_up(&mut self) {
        assert_eq!(self.write_dp(0x4, 0x5000_0000).ack, Ack::Ok);
    }

    /// A raw request byte and, for a write, the data word with its parity bit in bit 32.
    pub fn packet(&mut self, request: u8, data: Option<u64>) -> Reply {
        self.send(request.into(), 8);
        // Sampled after the edge: the target drives the first ACK bit from the last turnaround edge on.
        for _ in 1..self.turnaround {
            assert_eq!(self.dp.clock(None), None, "driven during turnaround");
        }
        let ack: Vec<_> = (0..3).map(|_| self.dp.clock(None)).collect();
        let ack = match ack.as_slice() {
            [Some(true), Some(false), Some(false)] => Ack::Ok,
            [Some(false), Some(true), Some(false)] => Ack::Wait,
            [Some(false), Some(false), Some(true)] => Ack::Fault,
            [None, None, None] => Ack::Silence,
            other => panic!("no such acknowledgement: {other:?}"),
        };
        let mut reply = Reply { ack, data: 0, parity_ok: false };
        let data_phase = matches!(ack, Ack::Ok) || self.overrun_detect && ack != Ack::Silence;
        match data {
            None if data_phase => {
                let bits =
                    (0..33).fold(0u64, |bits, i| bits | u64::from(self.dp.clock(None).expect("data is driven")) << i);
                reply.data = bits as u32;
                reply.parity_ok = bits.count_ones() % 2 == 0;
                self.released();
            }
            Some(data) if data_phase => {
                self.released();
                self.send(data.into(), 33);
            }
            _ => self.released(),
        }
        reply
    }

    /// The clock at which the target lets go, and the turnaround.
    fn released(&mut self) {
        for _ in 0..=self.turnaround {
            assert_eq!(self.dp.clock(None), None, "still driven");
        }
    }

    fn request(&mut self, ap: bool, address: u8, value: Option<u32>) -> Reply {
        let packet = Request { ap, read: value.is_none(), address }.packet();
        self.packet(packet, value.map(|value| u64::from(value) | u64::from(value.count_ones() % 2) << 32))
    }

    pub fn read_dp(&mut self, address: u8) -> Reply {
        self.request(false, address, None)
    }

    pub fn write_dp(&mut self, address: u8, value: u32) -> Reply {
        self.request(false, address, Some(value))
    }

    pub fn read_ap(&mut self, address: u8) -> Reply {
        self.request(true, address, None)
    }

    pub fn write_ap(&mut self, address: u8, value: u32) -> Reply {
        self.request(true, address, Some(value))
    }

    /// A register of an AP: SELECT, access, RDBUFF. All must be answered OK.
    pub fn ap(&mut self, ap: u8, register: u8) -> u32 {
        self.select(ap, register);
        assert_eq!(self.read_ap(register & 0xC).ack, Ack::Ok);
        let reply = self.read_dp(0xC);
        assert_eq!((reply.ack, reply.parity_ok), (Ack::Ok, true));
        reply.data
    }

    pub fn set_ap(&mut self, ap: u8, register: u8, value: u32) {
        self.select(ap, register);
        assert_eq!(self.write_ap(register & 0xC, value).ack, Ack::Ok);
    }

    fn select(&mut self, ap: u8, register: u8) {
        assert_eq!(self.write_dp(0x8, u32::from(ap) << 24 | u32::from(register & 0xF0)).ack, Ack::Ok);
    }

    pub fn ctrl_stat(&mut self) -> u32 {
        let reply = self.read_dp(0x4);
        assert_eq!((reply.ack, reply.parity_ok), (Ack::Ok, true));
        reply.data
    }

    pub fn clear_errors(&mut self) {
        assert_eq!(self.write_dp(0x0, 0x1E).ack, Ack::Ok);
    }
}
