//! Virtual benches for the tests.

use std::path::Path;

use provost_chip::{
    assumptions::Assumptions,
    states::{ProductState, TrustZone},
};
use provost_ops::{
    Narrator,
    bench::Bench,
    credential::CredentialSet,
    error::Failure,
    rescue::{Receipt, Request, RescueFolder, rescue},
};
use provost_twin::{
    board::VirtualBoard,
    presets::Maker,
    silicon::{FirmwareBehaviour, Silicon},
};

/// A stuck chip of any part.
pub fn maker(part: &str, state: ProductState, tz: TrustZone) -> Maker {
    let mut maker = Maker::new(part.parse().unwrap(), 0x0042_0017);
    maker.state = state;
    maker.tz = tz;
    maker.firmware = Some(FirmwareBehaviour::default());
    maker
}

pub fn stuck(part: &str, tz: TrustZone, assumptions: Assumptions) -> Silicon {
    let mut maker = maker(part, ProductState::Provisioning, tz);
    maker.assumptions = assumptions;
    maker.make()
}

#[derive(Debug, Default)]
pub struct Log(pub Vec<String>);

impl Narrator for Log {
    fn step(&mut self, what: &str, _why: &[provost_chip::rules::RuleId]) {
        self.0.push(format!("* {what}"));
    }
    fn note(&mut self, what: &str) {
        self.0.push(format!("  {what}"));
    }
}

/// Rescues the chip on this board, with journal and credential under `base`.
pub fn run(board: &VirtualBoard, base: &Path, credential: Option<CredentialSet>) -> Result<Receipt, Failure> {
    run_logged(board, base, credential, &mut Log::default())
}

pub fn run_logged(
    board: &VirtualBoard,
    base: &Path,
    credential: Option<CredentialSet>,
    log: &mut Log,
) -> Result<Receipt, Failure> {
    rescue_on(&mut Bench::on_board(board.clone()), board, base, credential, log)
}

/// Rescues the chip, whose closing write waits for a reset, in one attempt.
pub fn run_one_shot(board: &VirtualBoard, base: &Path) -> Result<Receipt, Failure> {
    let folder = RescueFolder::choose(base, board.name())?;
    let request = Request {
        chip: board.name().to_owned(),
        part: None,
        credential: None,
        folder,
        one_shot: true,
        once_for_life: false,
    };
    rescue(&mut Bench::on_board(board.clone()).session, request, &mut Log::default())
}

/// Rescues the chip on this bench.
pub fn rescue_on(
    bench: &mut Bench,
    board: &VirtualBoard,
    base: &Path,
    credential: Option<CredentialSet>,
    log: &mut Log,
) -> Result<Receipt, Failure> {
    let folder = RescueFolder::choose(base, board.name())?;
    let request = Request {
        chip: board.name().to_owned(),
        part: None,
        credential,
        folder,
        one_shot: false,
        once_for_life: false,
    };
    rescue(&mut bench.session, request, log)
}

pub fn state_of(board: &VirtualBoard) -> (ProductState, TrustZone) {
    let board = board.board();
    (board.silicon().chip().state, board.silicon().chip().tz)
}
