//! Virtual benches for the tests.

use std::{cell::RefCell, collections::HashMap, path::Path};

use provost_bench::Bench;
use provost_chip::{
    assumptions::Assumptions,
    states::{ProductState, TrustZone},
};
use provost_ops::{
    Narrator,
    credential::CredentialSet,
    fault::Failure,
    identify::identify,
    rescue::{Ended, Plan, Receipt, Wish, carry_out, plan, rescue},
};
use provost_twin::{
    board::VirtualBoard,
    presets::Maker,
    silicon::{FirmwareBehaviour, Silicon},
};

/// A stuck chip of any part.
pub fn maker(part: &str, state: ProductState, tz: TrustZone) -> Maker {
    let mut maker = Maker::of(part.parse().unwrap(), 0x0042_0017);
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

/// What is asked of a rescue of the chip on this board.
pub fn wish(board: &VirtualBoard, base: &Path, credential: Option<CredentialSet>) -> Wish {
    Wish {
        chip: board.name().to_owned(),
        part: None,
        credential,
        out: base.into(),
        inside: false,
        encrypt_word: None,
        one_shot: false,
        once_for_life: false,
        this_is: None,
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
    let wish = Wish { one_shot: true, ..wish(board, base, None) };
    let ended = rescue(&mut Bench::on_board(board.clone()).session, wish, &mut Log::default());
    ended.map(|ended| ended.receipt)
}

/// Rescues the chip on this bench.
pub fn rescue_on(
    bench: &mut Bench,
    board: &VirtualBoard,
    base: &Path,
    credential: Option<CredentialSet>,
    log: &mut Log,
) -> Result<Receipt, Failure> {
    rescue_wish(bench, wish(board, base, credential), log).map(|ended| ended.receipt)
}

/// As [`rescue`], but a plan is worked out once for chips that look alike: a campaign asks for the same few a hundred thousand times.
pub fn rescue_wish(bench: &mut Bench, wish: Wish, log: &mut Log) -> Result<Ended, Failure> {
    thread_local! {
        static PLANS: RefCell<HashMap<String, Plan>> = RefCell::default();
    }
    let session = &mut bench.session;
    let before = identify(session)?;
    let parts = before.narrowed_to(wish.part)?;
    let looks = format!("{parts:?} {:?} {} {:?}", before.options, before.ap1_open(), wish.means());
    let made = PLANS.with_borrow(|plans| plans.get(&looks).cloned());
    let plan = match made {
        Some(plan) => plan,
        None => {
            let made = plan(&before, &parts, wish.means())?;
            PLANS.with_borrow_mut(|plans| plans.insert(looks, made.clone()));
            made
        }
    };
    carry_out(session, wish, before, plan, log)
}

pub fn state_of(board: &VirtualBoard) -> (ProductState, TrustZone) {
    let board = board.board();
    (board.silicon().chip().state, board.silicon().chip().tz)
}
