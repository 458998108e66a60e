//! A close that is interrupted after any transaction on the wire is never lost: power cut, probe unplugged, program killed. No
//! index is skipped. Whatever the moment, the model still knows a way back for the holder of the credential, `apply --resume`
//! finishes, and the credential then brings the chip back to Open.

use crate::closing;
use crate::common;
use crate::deadly;
use provost_testkit::figures::interrupted;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use closing::{
    Request, all_option_words, board, has_a_way_back, means, request, resume, root_only_set, run, run_on, scratch,
    state_of,
};
use deadly::{Interruption, Killed, every_index, interrupted_bench, mend};
use provost_bench::Bench;
use provost_chip::states::{ProductState, TrustZone};
use provost_ops::credential::{CredentialSet, Keys};
use provost_twin::{board::VirtualBoard, wire::Wire as _};

/// A chip, where it goes, and whether the round trip comes first.
#[derive(Debug, Clone, Copy)]
struct Case {
    part: &'static str,
    tz: TrustZone,
    target: ProductState,
    rehearse: bool,
    /// With the objects and the image of ST-iRoT.
    root: bool,
}

/// A part that refuses what it cannot use: the close alone.
const PLAIN: Case =
    Case { part: "STM32H563", tz: TrustZone::Enabled, target: ProductState::TzClosed, rehearse: false, root: false };
/// A part with secure AES: the whole round trip, then the close.
const CRYPTO: Case =
    Case { part: "STM32H533", tz: TrustZone::Enabled, target: ProductState::TzClosed, rehearse: true, root: false };
/// A password, TrustZone off.
const PASSWORD: Case =
    Case { part: "STM32H533", tz: TrustZone::Disabled, target: ProductState::Closed, rehearse: true, root: false };
/// ST's root of trust, with its objects and an image.
const ROOT: Case = Case {
    part: crate::close_roots::PART,
    tz: TrustZone::Enabled,
    target: ProductState::TzClosed,
    rehearse: true,
    root: true,
};
/// A password in OTP.
const OTP: Case =
    Case { part: "STM32H503", tz: TrustZone::Disabled, target: ProductState::Closed, rehearse: false, root: false };

impl Case {
    fn request(self, base: &Path, set: &Path, keys: &Keys) -> Request {
        let mut request = if self.root {
            crate::close_roots::Made::default().request(base)
        } else {
            request(self.part, self.tz, self.target, base)
        };
        // A slow hash of the password is worked out once, not with every run.
        request.site.keys = keys.clone();
        request.credential = Some(set.to_owned());
        request.rehearse = self.rehearse;
        if self.part == "STM32H503" {
            request.overrides.push("P-OTP".to_owned());
        }
        request
    }

    fn board(self) -> VirtualBoard {
        if self.root { crate::close_roots::Made::default().board() } else { board(self.part, self.tz) }
    }
}

/// Interrupts a close at transaction `index`, and says how it ended and what the second run found.
fn interrupted_at(
    (case, how): (Case, Interruption),
    index: u64,
    base: &Path,
    credential: &CredentialSet,
    keys: &Keys,
) -> String {
    let _ = std::fs::remove_dir_all(base);
    let board = case.board();
    let request = case.request(base, credential.folder(), keys);
    let before = all_option_words(&board);
    let mut bench = interrupted_bench(&board, how, index);
    let first = match catch_unwind(AssertUnwindSafe(|| run_on(&mut bench, &request))) {
        Ok(Ok(_)) => "finished".to_owned(),
        Ok(Err(error)) => format!("exit {} {}", error.exit().code(), error.code()),
        Err(payload) if payload.is::<Killed>() => "killed".to_owned(),
        Err(payload) => std::panic::resume_unwind(payload),
    };
    drop(bench);
    mend(&board, how);
    let name = format!("{case:?} {how:?} at {index} ({first})");
    // The chip may need NRST let go of, which every next run does first.
    board.board().set_nrst(false);
    board.advance(std::time::Duration::from_millis(100));
    assert!(has_a_way_back(&board, &means(credential)), "{name}: lost");
    let second = match resume(&board, &request) {
        Ok(_) => "resumed",
        Err(error) if error.code() == "close-nothing-to-resume" => {
            if first == "finished" {
                "was at its target"
            } else {
                assert_eq!(
                    all_option_words(&board),
                    before,
                    "{name}: nothing was journalled, so nothing may have changed"
                );
                run(&board, &request).unwrap_or_else(|e| panic!("{name}: a new close stopped: {e}"));
                "was where it was"
            }
        }
        Err(error) => panic!("{name}: the second run stopped: {error}"),
    };
    assert_eq!(state_of(&board), (case.target, case.tz), "{name}");
    let mut rescue = Bench::on_board(board.clone());
    common::rescue_on(&mut rescue, &board, &base.join("rescue"), Some(credential.clone()), &mut common::Log::default())
        .unwrap_or_else(|e| panic!("{name}: no way back: {e}"));
    assert_eq!(state_of(&board), (ProductState::Open, TrustZone::Disabled), "{name}");
    format!("{first}; then {second}, closed, and back in Open")
}

/// Every so many-th transaction of a close with a root of trust; all of them with `--ignored`.
fn sampled(how: Interruption, stride: u64) {
    let scratch = scratch();
    let set = scratch.path().join("set");
    root_only_set(&set);
    let (credential, keys) = (CredentialSet::load(&set).unwrap(), Keys::default());
    let board = ROOT.board();
    let before = board.board().stats().transactions;
    run(&board, &ROOT.request(&scratch.path().join("whole"), &set, &keys)).unwrap();
    let count = board.board().stats().transactions - before;
    let endings = every_index(scratch.path(), count / stride, |index, base| {
        interrupted_at((ROOT, how), index * stride, base, &credential, &keys)
    });
    println!("{how:?}, every {stride} of {count} transactions: {endings:?}");
    assert!(endings.values().sum::<usize>() as u64 == count / stride + 1);
}

/// A prime: over the runs of one command no phase of it is met more often than another.
const STRIDE: u64 = 211;

#[test]
fn root_of_trust_power_cut() {
    sampled(Interruption::PowerCutAfter, STRIDE);
}

#[test]
fn root_of_trust_program_killed() {
    sampled(Interruption::ProgramKilled, STRIDE);
}

#[test]
#[ignore = "longer than all other tests together: once a week, by .github/workflows/campaigns.yml; every 211th transaction runs always"]
fn root_of_trust_every_transaction() {
    for how in [
        Interruption::PowerCutBefore,
        Interruption::PowerCutAfter,
        Interruption::ProbeUnplugged,
        Interruption::ProgramKilled,
    ] {
        sampled(how, 1);
    }
}

fn campaign(case: Case, how: Interruption) {
    let scratch = scratch();
    let set = scratch.path().join("set");
    root_only_set(&set);
    let (credential, keys) = (CredentialSet::load(&set).unwrap(), Keys::default());
    let board = case.board();
    let before = board.board().stats().transactions;
    run(&board, &case.request(&scratch.path().join("whole"), &set, &keys)).unwrap();
    let count = board.board().stats().transactions - before;
    let again = case.board();
    let before = again.board().stats().transactions;
    run(&again, &case.request(&scratch.path().join("again"), &set, &keys)).unwrap();
    assert_eq!(again.board().stats().transactions - before, count, "a close takes the same transactions each time");
    let endings =
        every_index(scratch.path(), count, |index, base| interrupted_at((case, how), index, base, &credential, &keys));
    interrupted("close_interruptions::", &format!("{case:?}, {how:?}"), count, &endings);
}

macro_rules! campaigns {
    ($($name:ident: $case:ident, $how:ident;)*) => { $(
        #[test]
        fn $name() {
            campaign($case, Interruption::$how);
        }
    )* };
}

campaigns! {
    plain_power_cut_before: PLAIN, PowerCutBefore;
    plain_power_cut_after: PLAIN, PowerCutAfter;
    plain_probe_unplugged: PLAIN, ProbeUnplugged;
    plain_program_killed: PLAIN, ProgramKilled;
    crypto_power_cut_before: CRYPTO, PowerCutBefore;
    crypto_power_cut_after: CRYPTO, PowerCutAfter;
    crypto_probe_unplugged: CRYPTO, ProbeUnplugged;
    crypto_program_killed: CRYPTO, ProgramKilled;
    password_power_cut_before: PASSWORD, PowerCutBefore;
    password_power_cut_after: PASSWORD, PowerCutAfter;
    password_probe_unplugged: PASSWORD, ProbeUnplugged;
    password_program_killed: PASSWORD, ProgramKilled;
    otp_power_cut_before: OTP, PowerCutBefore;
    otp_power_cut_after: OTP, PowerCutAfter;
    otp_probe_unplugged: OTP, ProbeUnplugged;
    otp_program_killed: OTP, ProgramKilled;
}
