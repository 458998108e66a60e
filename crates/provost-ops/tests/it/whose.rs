//! One probe, many boards: an unfinished job is of the board that it was begun on, and of no other.

use std::path::Path;

use crate::closing::{Request, board, request, resume, resume_on, root_only_set, run, scratch, state_of};
use crate::common;
use crate::deadly::{Interruption, interrupted_bench, mend};
use provost_bench::Bench;
use provost_chip::{
    side::Side,
    states::{ProductState, TrustZone},
};
use provost_ops::{
    drive::state::write_product_state,
    identify::identify,
    job::Record,
    store::{Kind, unfinished},
};
use provost_twin::{board::VirtualBoard, silicon::nvm::Nvm};

const PART: &str = "STM32H533";
const TARGET: ProductState = ProductState::TzClosed;

/// The board with this unique id, in Open.
fn numbered(n: u32) -> VirtualBoard {
    let mut maker = crate::closing::maker(PART, TrustZone::Enabled);
    maker.uid = [n, n, n];
    VirtualBoard::with_chip("slot", maker.make())
}

fn asked(base: &Path) -> Request {
    let mut request = request(PART, TrustZone::Enabled, TARGET, base);
    request.rehearse = true;
    request
}

/// A close of this board that is cut off in Provisioning.
fn cut_off(board: &VirtualBoard, request: &Request) {
    for index in (200..4000).step_by(50) {
        let mut bench = interrupted_bench(board, Interruption::ProbeUnplugged, index);
        let stopped = crate::closing::run_on(&mut bench, request);
        drop(bench);
        mend(board, Interruption::ProbeUnplugged);
        stopped.expect_err("the close was over before it was cut off");
        if state_of(board).0 == ProductState::Provisioning {
            return;
        }
    }
    panic!("never in Provisioning");
}

/// Whatever a power cut leaves.
fn everything(board: &VirtualBoard) -> Nvm {
    board.board().silicon().nvm().clone()
}

/// By another tool: PRODUCT_STATE is written over the secure side, and the chip reset.
fn enter_provisioning(board: &VirtualBoard) {
    let session = &mut Bench::on_board(board.clone()).session;
    identify(session).unwrap();
    write_product_state(session, ProductState::Provisioning, Side::Secure).unwrap();
    session.pulse_nrst().unwrap();
    session.wait_for_ap1().unwrap();
}

fn jobs(base: &Path) -> usize {
    unfinished::<Record>(&base.join("out"), Kind::Close).unwrap().len()
}

#[test]
fn another_board_in_provisioning_is_refused_before_anything_is_written() {
    let base = scratch();
    root_only_set(&base.path().join("set"));
    let request = asked(base.path());
    let (seven, eight) = (numbered(7), numbered(8));
    cut_off(&seven, &request);
    // Board 8 got into Provisioning by other hands.
    enter_provisioning(&eight);
    let before = everything(&eight);
    for error in [resume(&eight, &request).unwrap_err(), run(&eight, &request).unwrap_err()] {
        assert_eq!((error.code(), error.exit().code()), ("close-wrong-chip", 3), "{error}");
        assert!(error.to_string().contains("00000007_00000007_00000007"), "{error}");
    }
    assert!(everything(&eight) == before, "nothing was written");
    resume(&seven, &request).unwrap();
    assert_eq!(state_of(&seven).0, TARGET);
}

#[test]
fn another_board_in_open_is_closed_and_the_unfinished_one_is_not_abandoned() {
    let base = scratch();
    root_only_set(&base.path().join("set"));
    let request = asked(base.path());
    let (seven, eight) = (numbered(7), numbered(8));
    cut_off(&seven, &request);
    run(&eight, &request).unwrap();
    assert_eq!((state_of(&eight).0, jobs(base.path())), (TARGET, 1));
    resume(&seven, &request).unwrap();
    assert_eq!((state_of(&seven).0, jobs(base.path())), (TARGET, 0));
}

#[test]
fn a_rescue_goes_on_for_its_own_board_only() {
    let base = scratch();
    let stuck = |n: u32| {
        let mut maker = common::maker(PART, ProductState::Provisioning, TrustZone::Enabled);
        maker.uid = [n, n, n];
        VirtualBoard::with_chip("slot", maker.make())
    };
    let (seven, eight) = (stuck(7), stuck(8));
    // Cut off when it has asked the chip who it is and is about to use the credential.
    let mut bench = interrupted_bench(&seven, Interruption::ProbeUnplugged, 900);
    common::rescue_on(&mut bench, &seven, base.path(), None, &mut common::Log::default()).unwrap_err();
    drop(bench);
    mend(&seven, Interruption::ProbeUnplugged);
    let unfinished = || unfinished::<Record>(base.path(), Kind::Rescue).unwrap().len();
    assert_eq!(unfinished(), 1);
    common::run(&eight, base.path(), None).unwrap();
    assert_eq!((state_of(&eight).0, unfinished()), (ProductState::Open, 1), "board 7's rescue is still there");
    common::run(&seven, base.path(), None).unwrap();
    assert_eq!((state_of(&seven).0, unfinished()), (ProductState::Open, 0));
}

#[test]
fn an_unfinished_close_is_resumed_on_any_bench_that_holds_its_board() {
    let base = scratch();
    root_only_set(&base.path().join("set"));
    let request = asked(base.path());
    let seven = numbered(7);
    cut_off(&seven, &request);
    resume_on(&mut Bench::on_board(seven.clone()), &request).unwrap();
    assert_eq!(state_of(&seven).0, TARGET);
    let other = board("STM32H563", TrustZone::Enabled);
    assert_eq!(resume(&other, &request).unwrap_err().code(), "close-nothing-to-resume");
}
