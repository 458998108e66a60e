//! A chip within reach.

use std::{
    fs::File,
    io::Read as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use provost_link::{
    Ap, Clock, ProbeInfo, SwdWire,
    trace::{LARGEST, Recorder, Replay, Tape, Trace},
};
use provost_ops::session::Session;
use provost_twin::{
    board::{Selector, VirtualBoard},
    doors::remote::{Doors, RemotePins},
    error::TwinError,
    host::SwdHost,
    wire::Wire as _,
};

use crate::{BenchError, Probe, Stop, TwinWire, stoppable::Stoppable};

/// A session with the chip of a trace.
fn replayed(file: &Path) -> Result<Bench, BenchError> {
    let failed = |source| BenchError::TraceFile { path: file.to_owned(), source };
    let mut text = String::new();
    // One byte more than a trace may have: then it is too long.
    let limit = LARGEST as u64 + 1;
    File::open(file).map_err(failed)?.take(limit).read_to_string(&mut text).map_err(failed)?;
    let trace: Trace = text.parse().map_err(|source| BenchError::Trace { path: file.to_owned(), source })?;
    let replay = Replay::new(trace, Probe::Replay(file.to_owned()).to_string());
    Ok(Bench { session: Session::new(Box::new(replay)), board: None })
}

/// The chip's own time, for waits that cost no wall time.
#[derive(Debug)]
struct VirtualClock(VirtualBoard);

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        self.0.now()
    }

    fn sleep(&mut self, duration: Duration) {
        self.0.advance(duration);
    }
}

/// The time of a chip that is served: that of the wall, and what it is told to let pass.
#[derive(Debug)]
struct ServedClock {
    pins: Arc<Mutex<RemotePins>>,
    begun: Instant,
    waited: Duration,
}

impl Clock for ServedClock {
    fn now(&self) -> Duration {
        self.begun.elapsed() + self.waited
    }

    fn sleep(&mut self, duration: Duration) {
        self.waited += duration;
        self.pins.lock().unwrap_or_else(PoisonError::into_inner).wait(duration);
    }
}

/// A chip within reach: a session, and the virtual board behind it if it is one.
#[derive(Debug)]
pub struct Bench {
    /// The session.
    pub session: Session,
    /// The board, if the chip is virtual.
    pub board: Option<VirtualBoard>,
}

impl Bench {
    /// Opens what `probe` names, or the only probe attached. The chip is not touched yet.
    ///
    /// # Errors
    /// No such probe, several of them, no such virtual chip, or one that is in use.
    pub fn open(probe: Option<&Probe>) -> Result<Self, BenchError> {
        Self::open_at(probe, None)
    }

    /// The same with this SWCLK, in kHz, on a real probe; a virtual chip has one speed.
    ///
    /// # Errors
    /// As [`Bench::open`].
    pub fn open_at(probe: Option<&Probe>, khz: Option<u32>) -> Result<Self, BenchError> {
        match probe {
            Some(Probe::Twin(selector)) => match VirtualBoard::select(selector) {
                Ok(board) => Ok(Self::on_board(board)),
                Err(error @ TwinError::InUse { .. }) => Self::served(selector).ok_or_else(|| error.into()),
                Err(error) => Err(error.into()),
            },
            Some(Probe::Attached(selector)) => Self::attached(Some(selector), khz),
            Some(Probe::Replay(file)) => replayed(file),
            None => Self::attached(None, khz),
        }
    }

    /// A chip that another provost serves: over its connector, with the power that it has. Options would set it up anew.
    fn served(selector: &Selector) -> Option<Self> {
        let doors = Doors::find(Path::new(selector.name())).filter(|_| !selector.has_options())?;
        let pins = Arc::new(Mutex::new(RemotePins::connect(doors.pins).ok()?));
        let info = ProbeInfo::virtual_chip(format!("twin:{}", selector.name()));
        let clock = ServedClock { pins: pins.clone(), begun: Instant::now(), waited: Duration::ZERO };
        let wire = TwinWire::new(SwdHost::new(pins), info, Box::new(clock));
        Some(Self { session: Session::new(Box::new(wire)), board: None })
    }

    #[cfg(feature = "probe-rs")]
    fn attached(selector: Option<&provost_link::ProbeSelector>, khz: Option<u32>) -> Result<Self, BenchError> {
        let wire = provost_link::ProbeRsWire::open(selector, Box::new(provost_link::SystemClock::new()))?;
        Ok(Self { session: Session::new(Box::new(wire.with_speed(khz))), board: None })
    }

    #[cfg(not(feature = "probe-rs"))]
    const fn attached(_selector: Option<&provost_link::ProbeSelector>, _khz: Option<u32>) -> Result<Self, BenchError> {
        Err(BenchError::NoProbes)
    }

    /// A host on a virtual board: below the probe library where there is one.
    pub fn on_board(board: VirtualBoard) -> Self {
        let host = board.host();
        #[cfg(feature = "probe-rs")]
        return Self::with_probe(board, host.into());
        #[cfg(not(feature = "probe-rs"))]
        Self::with_host(board, host)
    }

    /// This probe on a virtual board.
    #[cfg(feature = "probe-rs")]
    pub fn with_probe(board: VirtualBoard, probe: provost_twin::probe::TwinProbe) -> Self {
        let probe = probe_rs::probe::Probe::new(probe);
        Self::with_wire(board, |info, clock| Box::new(provost_link::ProbeRsWire::new(probe, info, clock)))
    }

    /// This host on a virtual board, without a probe library.
    pub fn with_host(board: VirtualBoard, host: SwdHost) -> Self {
        Self::with_wire(board, |info, clock| Box::new(TwinWire::new(host, info, clock)))
    }

    fn with_wire(board: VirtualBoard, wire: impl FnOnce(ProbeInfo, Box<dyn Clock>) -> Box<dyn SwdWire>) -> Self {
        let info = ProbeInfo::virtual_chip(format!("twin:{}", board.name()));
        let wire = wire(info, Box::new(VirtualClock(board.clone())));
        Self { session: Session::new(wire), board: Some(board) }
    }

    /// The same, until a person asks it to stop: then every access fails with [`provost_link::LinkError::Stopped`], and NRST is let go.
    #[must_use]
    pub fn until(self, stop: Stop) -> Self {
        let session = self.session.over(|wire| Box::new(Stoppable::new(wire, stop)));
        Self { session, board: self.board }
    }

    /// The same, with everything that crosses the wire kept on a tape, but for what is written where `shows` says no.
    #[must_use]
    pub fn recorded(self, shows: fn(Ap, u32) -> bool) -> (Self, Tape) {
        let tape = Tape::default();
        let session = self.session.over(|wire| Box::new(Recorder::new(wire, tape.clone(), shows)));
        (Self { session, board: self.board }, tape)
    }

    /// Whether this is no chip, but the trace of one.
    pub fn is_replay(&self) -> bool {
        self.board.is_none() && self.session.probe().virtual_chip
    }

    /// Keeps what happened to a virtual chip.
    ///
    /// # Errors
    /// Its file cannot be written, or could not be earlier.
    pub fn store(&self) -> Result<(), BenchError> {
        match &self.board {
            Some(board) => Ok(board.store()?),
            None => Ok(()),
        }
    }
}
