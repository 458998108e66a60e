//! One operation as control transfers and waits, for whatever moves them.

use std::{collections::VecDeque, time::Duration};

use super::{Operation, Request, Setup, State, Status, StatusReport, operation::Act};

/// How often an error is cleared before it is believed: a sister family needs it twice.
const CLEARS: u32 = 3;
/// A device that wants to be asked again at once is given this long, so that an endless one ends in time.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// What goes wrong with a device, each with a stable code and what was measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DfuError {
    /// A block size of zero, or a length that does not fit into 32 bits of address.
    #[error("{length} bytes at {address:#010x} in blocks of {transfer} cannot be transferred")]
    Argument {
        /// Address.
        address: u32,
        /// Length.
        length: usize,
        /// Block size.
        transfer: u16,
    },
    /// A status report that is none.
    #[error("GET_STATUS was answered with {length} bytes that are no status report")]
    NoStatus {
        /// How many.
        length: usize,
    },
    /// It reports an error.
    #[error("the bootloader reports {status} in state {state}")]
    Reported {
        /// Status.
        status: Status,
        /// State.
        state: State,
    },
    /// It is in a state that the operation cannot go on from.
    #[error("the bootloader is in state {state}, which is not where this leads")]
    State {
        /// State.
        state: State,
    },
    /// It stays busy.
    #[error("the bootloader was still busy after {} ms", .waited.as_millis())]
    Busy {
        /// How long it was waited for.
        waited: Duration,
    },
    /// It stalls the endpoint: a request that it does not serve, or not in this state, or an address that it does not show.
    #[error("the bootloader stalled {request}")]
    Stalled {
        /// The request.
        request: Request,
    },
    /// Something that DfuSe has no request for.
    #[error("DfuSe cannot {what}")]
    NotServed {
        /// What was wanted.
        what: &'static str,
    },
    /// An upload brought another number of bytes.
    #[error("an upload of {wanted} bytes brought {found}")]
    Length {
        /// Asked for.
        wanted: u16,
        /// Got.
        found: usize,
    },
}

provost_codes::codes!(DfuError, self => self, {
    Self::Argument { .. } => "dfu-argument",
    Self::NoStatus { .. } => "dfu-no-status",
    Self::Reported { .. } => "dfu-reported",
    Self::State { .. } => "dfu-state",
    Self::Busy { .. } => "dfu-busy",
    Self::Stalled { .. } => "dfu-stalled",
    Self::NotServed { .. } => "dfu-not-served",
    Self::Length { .. } => "dfu-length",
});

/// What the caller is to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever moves the transfers must do each")]
pub enum Step {
    /// Send a control transfer with this data, then call [`Exchange::sent`].
    Out(Setup, Vec<u8>),
    /// Ask for data, then call [`Exchange::received`] with it.
    In(Setup),
    /// Let this much time pass, then go on.
    Wait(Duration),
    /// Done.
    Done {
        /// What uploads brought.
        data: Vec<u8>,
        /// The device went away where it may: it resets.
        vanished: bool,
    },
}

/// Where a step of the operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    Begin,
    /// GET_STATE is out: it begins nothing, as GET_STATUS does where a download waits for it.
    State,
    /// A transfer is out; nobody has said how it went.
    Pending,
    /// GET_STATUS is due.
    Ask,
    Asked,
}

/// One operation being carried out.
#[derive(Debug)]
pub struct Exchange {
    acts: VecDeque<Act>,
    point: Point,
    interface: u16,
    clears: u32,
    waited: Duration,
    wait: Option<Duration>,
    data: Vec<u8>,
    may_reset: bool,
    vanished: bool,
}

impl Exchange {
    /// An operation on an interface, in blocks of `transfer` bytes as the functional descriptor has it.
    ///
    /// # Errors
    /// [`DfuError::Argument`].
    pub fn new(operation: &Operation, interface: u16, transfer: u16) -> Result<Self, DfuError> {
        let (address, length) = match operation {
            Operation::Read { address, length } => (*address, *length as usize),
            Operation::Write { address, data } => (*address, data.len()),
            _ => (0, 0),
        };
        if transfer == 0 || address as u64 + length as u64 > 1 << 32 {
            return Err(DfuError::Argument { address, length, transfer });
        }
        Ok(Self {
            acts: operation.acts(transfer),
            point: Point::Begin,
            interface,
            clears: 0,
            waited: Duration::ZERO,
            wait: None,
            data: Vec::new(),
            may_reset: operation.may_reset(),
            vanished: false,
        })
    }

    fn setup(&self, request: Request, value: u16, length: u16) -> Setup {
        Setup { request, value, index: self.interface, length }
    }

    /// What to do next.
    pub fn step(&mut self) -> Step {
        if let Some(wait) = self.wait.take() {
            self.waited += wait;
            return Step::Wait(wait);
        }
        let Some(act) = self.acts.front() else {
            return Step::Done { data: std::mem::take(&mut self.data), vanished: self.vanished };
        };
        let step = match (self.point, act) {
            (Point::Begin, Act::Download { block, data, .. }) => {
                let data = data.clone();
                Step::Out(self.setup(Request::Dnload, *block, data.len() as u16), data)
            }
            (Point::Begin, Act::Upload { block, length, .. }) => Step::In(self.setup(Request::Upload, *block, *length)),
            (Point::Begin, Act::Settle) => {
                self.point = Point::State;
                return Step::In(self.setup(Request::GetState, 0, 1));
            }
            (Point::Begin, Act::Abort) => Step::Out(self.setup(Request::Abort, 0, 0), Vec::new()),
            // What somebody downloaded and did not see through must not begin now.
            (Point::Pending, Act::Settle) if self.clears == 0 => {
                Step::Out(self.setup(Request::Abort, 0, 0), Vec::new())
            }
            (Point::Pending, _) if self.clears > 0 => Step::Out(self.setup(Request::ClrStatus, 0, 0), Vec::new()),
            _ => {
                self.point = Point::Asked;
                return Step::In(self.setup(Request::GetStatus, 0, StatusReport::SIZE));
            }
        };
        self.point = Point::Pending;
        step
    }

    /// A transfer out went through.
    pub fn sent(&mut self) {
        self.point = Point::Ask;
    }

    /// A transfer in brought this.
    ///
    /// # Errors
    /// It is not what was asked for, or the device reports an error or stays busy.
    pub fn received(&mut self, bytes: &[u8]) -> Result<(), DfuError> {
        if self.point == Point::State {
            // A device that answers something else is asked for its status.
            let waits = matches!(bytes, [state] if State::from_code(*state) == Some(State::DnloadSync));
            self.point = if waits { Point::Pending } else { Point::Ask };
            return Ok(());
        }
        if self.point == Point::Asked {
            let report = StatusReport::from_bytes(bytes).ok_or(DfuError::NoStatus { length: bytes.len() })?;
            return self.reported(report);
        }
        if let Some(Act::Upload { length, exactly, .. }) = self.acts.front() {
            if bytes.len() > usize::from(*length) || (*exactly && bytes.len() != usize::from(*length)) {
                return Err(DfuError::Length { wanted: *length, found: bytes.len() });
            }
            self.data.extend(bytes);
        }
        self.next();
        Ok(())
    }

    /// The device is gone, or does not answer any more. Behind what may reset the chip this ends the operation well: look what it did.
    /// `false` where the device may not be gone.
    pub fn vanished(&mut self) -> bool {
        let told = match self.acts.front() {
            Some(Act::Download { .. }) => self.point != Point::Begin,
            Some(Act::Abort) => self.acts.len() == 1,
            _ => false,
        };
        self.vanished = self.may_reset && told;
        if self.vanished {
            self.acts.clear();
        }
        self.vanished
    }

    fn next(&mut self) {
        self.acts.pop_front();
        self.point = Point::Begin;
        self.clears = 0;
        self.waited = Duration::ZERO;
    }

    fn reported(&mut self, report: StatusReport) -> Result<(), DfuError> {
        let StatusReport { status, state, poll } = report;
        match self.acts.front() {
            Some(Act::Settle) => match state {
                State::Idle => self.next(),
                State::Error if self.clears < CLEARS => {
                    self.clears += 1;
                    self.point = Point::Pending;
                }
                State::DnloadIdle | State::UploadIdle => {
                    self.next();
                    self.acts.push_front(Act::Abort);
                }
                State::DnloadSync | State::DnBusy => return self.pause(poll, Duration::from_secs(5)),
                _ => return Err(DfuError::State { state }),
            },
            Some(Act::Download { within, .. }) => {
                if status != Status::Ok || state == State::Error {
                    return Err(DfuError::Reported { status, state });
                }
                match state {
                    State::DnloadIdle => self.next(),
                    State::DnBusy | State::DnloadSync => return self.pause(poll, *within),
                    _ => return Err(DfuError::State { state }),
                }
            }
            Some(Act::Abort) => match state {
                State::Idle => self.next(),
                _ => return Err(DfuError::State { state }),
            },
            _ => return Err(DfuError::State { state }),
        }
        Ok(())
    }

    /// Waits as long as the device says, but not for ever.
    fn pause(&mut self, poll: Duration, within: Duration) -> Result<(), DfuError> {
        if self.waited >= within {
            return Err(DfuError::Busy { waited: self.waited });
        }
        self.wait = Some(poll.clamp(SHORTEST_WAIT, (within - self.waited).max(SHORTEST_WAIT)));
        self.point = Point::Ask;
        Ok(())
    }
}
