//! The serial wire debug port at the level of clock edges (Arm IHI 0031, SW-DP and SWJ-DP; SWD protocol version 2).
//!
//! [`SwDp::clock`] is one rising edge of SWCLK. With the usual turnaround of one cycle, edges 0-7 of a transaction carry the
//! request; the target drives ACK from edges 8-10 on and, in a read, data and parity from edges 11-43; it lets go at edge 44 and the
//! next request may start at edge 46. In a write it lets go at edge 11 and takes data and parity at edges 13-45.

mod burst;

use super::{
    dap::{Bus, DPIDR, Dap, Request, TARGETSEL},
    faults::{Fault, Faults, Stats},
    swj::{Event, Swj},
};

pub use super::swj::Mode;

/// Bits of a request; bits of data with parity; bits of an acknowledgement.
const REQUEST_LEN: u8 = 8;
const DATA_LEN: u8 = 33;
const ACK_LEN: u8 = 3;

const ACK_OK: u64 = 0b001;
const ACK_WAIT: u64 = 0b010;
const ACK_FAULT: u64 = 0b100;

/// Clocks after which waiting time is handed to the chip even if nothing is asked of it.
const ELAPSE_BATCH: u32 = 4096;

/// Where in a transaction the wire is. Counters are the clocks still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// After a protocol error, a switch of protocol, or not selected: silent until a line reset.
    Silent,
    /// Line reset seen, and this many idle clocks (at most 2) since.
    Reset(u8),
    /// Between transactions.
    Idle,
    /// Receiving the request: `count` bits are in `shift`.
    Request,
    /// Turnaround towards the target.
    ToTarget(u8),
    /// The target drives; `count` bits are left in `shift`.
    Drive,
    /// Turnaround towards the host.
    ToHost(u8),
    /// Receiving data and parity: `count` bits are in `shift`.
    Data,
}

/// What becomes of the word that the host sends after the acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DataPhase {
    /// There is none.
    None,
    /// Goes to the register.
    Write(Request),
    /// Clocked through and dropped: WAIT or FAULT with overrun detection.
    Drop,
    /// Decides whether this target stays selected.
    TargetSelect,
}

/// A serial wire debug port in front of a [`Bus`].
#[derive(Debug)]
pub struct SwDp<B> {
    dap: Dap<B>,
    /// Whether there was supply at the last clock.
    powered: bool,
    faults: Faults,
    stats: Stats,
    swj: Swj,
    phase: Phase,
    data: DataPhase,
    /// After a line reset only a read of DPIDR, or TARGETSEL, is accepted.
    untouched: bool,
    cut_after: bool,
    output: Option<bool>,
    shift: u64,
    count: u8,
    /// Clocks that the chip has not been told of.
    clocks_due: u32,
}

impl<B: Bus> SwDp<B> {
    /// A debug port as after power-up: in JTAG mode.
    pub fn new(bus: B) -> Self {
        Self {
            dap: Dap::new(bus),
            powered: false,
            faults: Faults::default(),
            stats: Stats::default(),
            swj: Swj::new(),
            phase: Phase::Silent,
            data: DataPhase::None,
            untouched: false,
            cut_after: false,
            output: None,
            shift: 0,
            count: 0,
            clocks_due: 0,
        }
    }

    /// The chip behind the port.
    pub fn bus(&self) -> &B {
        self.dap.bus()
    }

    /// The chip behind the port, told first of all the time that has passed.
    ///
    /// Who switches its supply off and on again between two clocks must call [`SwDp::power_on_reset`] too.
    pub fn bus_mut(&mut self) -> &mut B {
        self.elapse();
        self.dap.bus_mut()
    }

    /// Gives the chip back, told first of all the time that has passed.
    pub fn into_bus(mut self) -> B {
        self.elapse();
        self.dap.into_bus()
    }

    /// The faults planned for this wire.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// What has happened on this wire so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The protocol listened to.
    pub fn mode(&self) -> Mode {
        self.swj.mode()
    }

    /// The debug port forgets everything, as when the supply was away. Plans for faults and counters stay.
    pub fn power_on_reset(&mut self) {
        self.dap.power_on_reset();
        self.swj = Swj::new();
        self.silence();
        self.cut_after = false;
    }

    /// One rising edge of SWCLK; see [`Wire::clock`](super::Wire::clock).
    pub fn clock(&mut self, host: Option<bool>) -> Option<bool> {
        self.stats.clocks += 1;
        self.clocks_due += 1;
        if self.clocks_due >= ELAPSE_BATCH {
            self.elapse();
        }
        if !self.dap.bus().powered() {
            if std::mem::take(&mut self.powered) {
                self.power_on_reset();
            }
            return None;
        }
        self.powered = true;
        // A host that pulls SWDIO high for 50 clocks gets its line reset even if the target still drives its end of an abandoned
        // transaction; what the target itself drives does not count.
        let bit = host.unwrap_or(true);
        match self.swj.clock(bit, host.is_some() || self.output.is_none()) {
            Event::None => {}
            Event::Bit => self.packet_bit(bit),
            Event::LineReset => self.line_reset(),
            Event::Switched => self.silence(),
        }
        self.output
    }

    fn line_reset(&mut self) {
        if self.phase == Phase::Reset(0) {
            return;
        }
        self.end_transaction();
        if self.swj.mode() == Mode::Swd {
            self.stats.line_resets += 1;
            self.dap.line_reset();
            self.silence();
            (self.phase, self.untouched) = (Phase::Reset(0), true);
        }
    }

    /// A bit in SWD mode that does not belong to a line reset.
    fn packet_bit(&mut self, bit: bool) {
        match self.phase {
            Phase::Silent => {}
            Phase::Reset(lows) => match (bit, lows) {
                (false, lows) => self.phase = Phase::Reset((lows + 1).min(2)),
                (true, 2) => self.start_request(),
                // The run of ones that is the line reset itself.
                (true, 0) => {}
                (true, _) => self.protocol_error(),
            },
            Phase::Idle => {
                if bit {
                    self.start_request();
                }
            }
            Phase::Request | Phase::Data => self.receive(bit.into(), 1),
            Phase::ToTarget(1) => {
                self.phase = Phase::Drive;
                self.drive();
            }
            Phase::ToTarget(left) => self.phase = Phase::ToTarget(left - 1),
            Phase::Drive => self.drive(),
            Phase::ToHost(1) => {
                if self.data == DataPhase::None {
                    self.end_transaction();
                } else {
                    (self.phase, self.shift, self.count) = (Phase::Data, 0, 0);
                }
            }
            Phase::ToHost(left) => self.phase = Phase::ToHost(left - 1),
        }
    }

    fn start_request(&mut self) {
        (self.phase, self.shift, self.count) = (Phase::Request, 1, 1);
    }

    /// Takes `count` bits of a request or of data, not more than still missing.
    fn receive(&mut self, bits: u64, count: u8) {
        self.shift |= bits << self.count;
        self.count += count;
        match (self.phase, self.count) {
            (Phase::Request, REQUEST_LEN) => match Request::parse(self.shift as u8) {
                Some(request) => self.request(request),
                None => self.protocol_error(),
            },
            (Phase::Data, DATA_LEN) => self.data_received(),
            _ => {}
        }
    }

    fn drive(&mut self) {
        if self.count == 0 {
            self.output = None;
            self.phase = Phase::ToHost(self.dap.turnaround());
        } else {
            self.output = Some(self.shift & 1 == 1);
            self.shift >>= 1;
            self.count -= 1;
        }
    }

    /// A well-formed request has arrived: decide the answer and, for a read, perform it.
    fn request(&mut self, request: Request) {
        if std::mem::take(&mut self.untouched) {
            match request {
                Request { ap: false, read: true, address: DPIDR } => {}
                Request { ap: false, read: false, address: TARGETSEL } => {
                    self.count_request(request);
                    // Nobody acknowledges: several targets may be listening. The clocks pass as if someone did.
                    self.data = DataPhase::TargetSelect;
                    self.phase = Phase::ToHost(2 * self.dap.turnaround() + ACK_LEN);
                    return;
                }
                _ => return self.protocol_error(),
            }
        } else if matches!(request, Request { ap: false, read: false, address: TARGETSEL }) {
            return self.protocol_error();
        }
        let index = self.stats.transactions;
        self.count_request(request);
        self.elapse();
        let parity_error = match self.faults.next(index, !request.always_answered()) {
            Fault::None => false,
            Fault::Wait(_) => {
                self.stats.waits += 1;
                self.dap.waited(request);
                return self.refuse(request, ACK_WAIT);
            }
            Fault::Fault => {
                self.dap.fail();
                false
            }
            Fault::NoAck => return self.silence(),
            Fault::ReadParity => true,
            Fault::PowerCutBefore => return self.cut_power(),
            Fault::PowerCutAfter => {
                self.cut_after = true;
                false
            }
        };
        if self.dap.faults(request) {
            self.stats.faults += 1;
            self.dap.refused(request);
            return self.refuse(request, ACK_FAULT);
        }
        if self.dap.waits(request) {
            self.stats.waits += 1;
            self.dap.waited(request);
            return self.refuse(request, ACK_WAIT);
        }
        if request.read {
            let value = self.dap.read(request);
            let parity = u64::from(value.count_ones() & 1) ^ u64::from(parity_error);
            self.answer(ACK_OK | u64::from(value) << 3 | parity << 35, ACK_LEN + DATA_LEN, DataPhase::None);
        } else {
            self.answer(ACK_OK, ACK_LEN, DataPhase::Write(request));
        }
    }

    fn count_request(&mut self, request: Request) {
        self.stats.transactions += 1;
        self.stats.ap_accesses += u64::from(request.ap);
        if request.read {
            self.stats.reads += 1;
        } else {
            self.stats.writes += 1;
        }
    }

    /// WAIT or FAULT. With overrun detection the data phase takes place all the same; read data is 0 then.
    fn refuse(&mut self, request: Request, ack: u64) {
        match (self.dap.overrun_detect(), request.read) {
            (false, _) => self.answer(ack, ACK_LEN, DataPhase::None),
            (true, true) => self.answer(ack, ACK_LEN + DATA_LEN, DataPhase::None),
            (true, false) => self.answer(ack, ACK_LEN, DataPhase::Drop),
        }
    }

    fn answer(&mut self, bits: u64, count: u8, data: DataPhase) {
        (self.shift, self.count, self.data) = (bits, count, data);
        self.phase = Phase::ToTarget(self.dap.turnaround());
    }

    fn data_received(&mut self) {
        let value = self.shift as u32;
        let parity_ok = self.shift.count_ones() & 1 == 0;
        match self.data {
            DataPhase::Write(_) if !parity_ok => self.dap.write_data_error(),
            DataPhase::Write(request) => {
                self.elapse();
                self.dap.write(request, value);
            }
            DataPhase::Drop | DataPhase::None => {}
            DataPhase::TargetSelect => {
                self.silence();
                if parity_ok && self.dap.is_selected_by(value) {
                    // The host must read DPIDR next, as after the line reset.
                    (self.phase, self.untouched) = (Phase::Idle, true);
                }
                return;
            }
        }
        self.end_transaction();
    }

    /// The transaction is complete, or abandoned after its request.
    fn end_transaction(&mut self) {
        self.phase = Phase::Idle;
        self.output = None;
        self.data = DataPhase::None;
        if std::mem::take(&mut self.cut_after) {
            self.cut_power();
        }
    }

    fn protocol_error(&mut self) {
        self.stats.protocol_errors += 1;
        self.silence();
    }

    fn silence(&mut self) {
        self.phase = Phase::Silent;
        self.output = None;
        self.data = DataPhase::None;
        self.untouched = false;
    }

    fn cut_power(&mut self) {
        self.elapse();
        self.dap.bus_mut().cut_power();
        self.power_on_reset();
    }

    fn elapse(&mut self) {
        if self.clocks_due > 0 {
            let clocks = std::mem::take(&mut self.clocks_due);
            self.dap.bus_mut().elapse(clocks);
        }
    }
}
