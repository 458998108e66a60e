//! Which protocol a debug port listens to: line resets and the sequences that switch between JTAG, dormant and SWD
//! (Arm IHI 0031, SWJ-DP and dormant operation).

/// A line reset is at least this many clocks with SWDIO high.
const LINE_RESET: u32 = 50;
/// Switching sequences of 16 bits, first bit lowest, that follow a line reset.
const JTAG_TO_SWD: u16 = 0xE79E;
const SWD_TO_JTAG: u16 = 0xE73C;
const SWD_TO_DORMANT: u16 = 0xE3BC;
const SWITCH_LEN: u8 = 16;
/// At least five ones (JTAG Test-Logic-Reset), then 31 bits.
const JTAG_TO_DORMANT: u64 = 0x33BB_BBBA << 5 | 0x1F;
const JTAG_TO_DORMANT_LEN: u32 = 36;
const SELECTION_ALERT: u128 = 0x19BC_0EA2_E3DD_AFE9_8685_2D95_6209_F392;
/// Four clocks low, then eight bits that name the protocol to wake up in.
const ACTIVATION_LEN: u8 = 12;
const ACTIVATE_SWD: u16 = 0x1A0;
const ACTIVATE_JTAG: u16 = 0x0A0;

/// Which protocol the SWJ-DP listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// After power-up. The TAP itself is not modelled: TDO stays undriven.
    Jtag,
    /// Asleep until a selection alert.
    Dormant,
    /// Serial wire debug.
    Swd,
}

/// What a clock means to the SWD port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Nothing: it is not listening.
    None,
    /// A bit of a packet, or between packets.
    Bit,
    /// The line reset condition holds.
    LineReset,
    /// The protocol has changed.
    Switched,
}

/// Watches SWDIO for everything that is not a packet.
#[derive(Debug)]
pub(super) struct Swj {
    mode: Mode,
    /// SWDIO high for this many clocks.
    ones: u32,
    /// The first `switch_len` (at most 16) bits after a line reset, first bit lowest.
    switch: u16,
    switch_len: u8,
    /// JTAG and dormant: the last 128 bits, newest one highest.
    recent: u128,
    /// Dormant, after a selection alert: the activation code so far, and its length.
    activation: Option<(u16, u8)>,
}

impl Swj {
    pub(super) fn new() -> Self {
        Self::entered(Mode::Jtag)
    }

    fn entered(mode: Mode) -> Self {
        Self { mode, ones: 0, switch: 0, switch_len: SWITCH_LEN, recent: 0, activation: None }
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// One clock. `counts`: whether a one on the line may be part of a line reset.
    #[inline]
    pub(super) fn clock(&mut self, bit: bool, counts: bool) -> Event {
        self.ones = if bit && counts { self.ones.saturating_add(1) } else { 0 };
        if self.only_packets(0) { Event::Bit } else { self.watch(bit) }
    }

    /// A clock that may belong to more than a packet.
    fn watch(&mut self, bit: bool) -> Event {
        let line_reset = self.ones >= LINE_RESET;
        let switched = if line_reset {
            (self.switch, self.switch_len) = (0, 0);
            None
        } else {
            self.switch_sequence(bit)
        };
        match switched.or_else(|| self.sequence(bit)) {
            Some(mode) => {
                tracing::debug!(from = ?self.mode, to = ?mode, "debug port switches");
                *self = Self::entered(mode);
                Event::Switched
            }
            None if self.mode != Mode::Swd => Event::None,
            None if line_reset => Event::LineReset,
            None => Event::Bit,
        }
    }

    /// Whether `count` clocks can only be bits of packets, whatever their level.
    pub(super) fn only_packets(&self, count: u32) -> bool {
        self.mode == Mode::Swd && self.switch_len == SWITCH_LEN && self.ones + count < LINE_RESET
    }

    /// Takes `count` (1 to 64) bits from the host, first one lowest, that can only be bits of packets.
    pub(super) fn packet_bits(&mut self, bits: u64, count: u32) {
        let latest = (bits << (64 - count)).leading_ones();
        self.ones = if latest >= count { self.ones + count } else { latest };
    }

    /// Takes clocks at which the target drives and the host does not.
    pub(super) fn target_bits(&mut self) {
        self.ones = 0;
    }

    /// The 16 bits after a line reset.
    fn switch_sequence(&mut self, bit: bool) -> Option<Mode> {
        if self.switch_len == SWITCH_LEN {
            return None;
        }
        self.switch |= u16::from(bit) << self.switch_len;
        self.switch_len += 1;
        match (self.mode, self.switch) {
            _ if self.switch_len < SWITCH_LEN => None,
            (Mode::Jtag, JTAG_TO_SWD) => Some(Mode::Swd),
            (Mode::Swd, SWD_TO_JTAG) => Some(Mode::Jtag),
            (Mode::Swd, SWD_TO_DORMANT) => Some(Mode::Dormant),
            _ => None,
        }
    }

    /// The sequences of JTAG and dormant mode.
    fn sequence(&mut self, bit: bool) -> Option<Mode> {
        if self.mode == Mode::Swd {
            return None;
        }
        self.recent = self.recent >> 1 | u128::from(bit) << 127;
        if self.mode == Mode::Jtag {
            let matches = (self.recent >> (128 - JTAG_TO_DORMANT_LEN)) as u64 == JTAG_TO_DORMANT;
            return matches.then_some(Mode::Dormant);
        }
        let Some((code, len)) = self.activation else {
            self.activation = (self.recent == SELECTION_ALERT).then_some((0, 0));
            return None;
        };
        let (code, len) = (code | u16::from(bit) << len, len + 1);
        self.activation = (len < ACTIVATION_LEN).then_some((code, len));
        match code {
            _ if len < ACTIVATION_LEN => None,
            ACTIVATE_SWD => Some(Mode::Swd),
            ACTIVATE_JTAG => Some(Mode::Jtag),
            _ => None,
        }
    }
}
