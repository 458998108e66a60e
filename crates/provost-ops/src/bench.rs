//! Which probe, or which virtual chip, is meant, and a session on it.

use std::time::Duration;

use probe_rs::probe::Probe;
use provost_link::{Clock, ProbeInfo, ProbeRsWire, SystemClock};
use provost_twin::{board::VirtualBoard, presets::Preset, probe::TwinProbe};
use serde::Serialize;

use crate::{error::Result, session::Session};

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

/// A chip within reach: a session, and the virtual board behind it if it is one.
#[derive(Debug)]
pub struct Bench {
    /// The session.
    pub session: Session,
    /// The board, if the chip is virtual.
    pub board: Option<VirtualBoard>,
}

impl Bench {
    /// Opens `twin:…`, a probe by `VID:PID[:SERIAL]`, or the only probe attached. The chip is not touched yet.
    ///
    /// # Errors
    /// No such probe, several of them, no such virtual chip.
    pub fn open(selector: Option<&str>) -> Result<Self> {
        if let Some(twin) = selector.and_then(|s| s.strip_prefix("twin:")) {
            return Ok(Self::on_board(VirtualBoard::open(twin)?));
        }
        let wire = ProbeRsWire::open(selector, Box::new(SystemClock::new()))?;
        Ok(Self { session: Session::new(Box::new(wire)), board: None })
    }

    /// A probe on a virtual board.
    pub fn on_board(board: VirtualBoard) -> Self {
        let probe = board.probe();
        Self::with_probe(board, probe)
    }

    /// This probe on a virtual board.
    pub fn with_probe(board: VirtualBoard, probe: TwinProbe) -> Self {
        let info = ProbeInfo::virtual_chip(format!("twin:{}", board.name()));
        let wire = ProbeRsWire::new(Probe::new(probe), info, Box::new(VirtualClock(board.clone())));
        Self { session: Session::new(Box::new(wire)), board: Some(board) }
    }

    /// Keeps what happened to a virtual chip.
    ///
    /// # Errors
    /// Its file cannot be written.
    pub fn store(&self) -> Result<()> {
        match &self.board {
            Some(board) => Ok(board.store()?),
            None => Ok(()),
        }
    }
}

/// A line of the list of probes.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// What `--probe` takes.
    pub selector: String,
    /// What it is.
    pub name: String,
    /// Kind of probe, or `virtual`.
    pub kind: String,
    /// Whether this user may open it.
    pub accessible: bool,
}

/// The probes attached, and the virtual chips that are always there.
pub fn list() -> Vec<Listed> {
    let real = provost_link::list().into_iter().map(|p| Listed {
        selector: p.selector,
        name: p.info.name,
        kind: p.kind,
        accessible: p.accessible,
    });
    let virtual_chips = Preset::all().iter().map(|p| Listed {
        selector: format!("twin:{}", p.name),
        name: p.summary.to_owned(),
        kind: "virtual".to_owned(),
        accessible: true,
    });
    real.chain(virtual_chips).collect()
}
