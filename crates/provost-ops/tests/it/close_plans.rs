//! A saved plan, damaged: a bit turned in every byte, cut off at every byte. It is refused, or it is the same plan.

use crate::closing;

use closing::{apply, board, plan, request, root_only_set, scratch, state_of};
use provost_chip::states::{ProductState, TrustZone};
use provost_ops::close::ClosePlan;

const PART: &str = "STM32H563";

#[test]
fn a_damaged_plan_is_refused_or_the_same() {
    let scratch = scratch();
    root_only_set(&scratch.path().join("set"));
    let board = board(PART, TrustZone::Enabled);
    let request = request(PART, TrustZone::Enabled, ProductState::TzClosed, scratch.path());
    let path = scratch.path().join("plan.json");
    let made = plan(&board, &request).plan.unwrap();
    made.save(&path, false).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let (mut refused, mut same) = (0, 0);
    let mut hold = |bytes: &[u8], what: String| {
        std::fs::write(&path, bytes).unwrap();
        match ClosePlan::load(&path) {
            Ok(found) => {
                // What a finding says, and by which version the plan was made, decides nothing.
                assert_eq!((found.hash, found.bound), (made.hash.clone(), made.bound.clone()), "{what}");
                assert_eq!(found.steps.len(), made.steps.len(), "{what}");
                same += 1;
            }
            Err(error) => {
                assert_eq!((error.code(), error.exit().code()), ("plan-file", 3), "{what}: {error}");
                refused += 1;
            }
        }
    };
    for at in 0..whole.len() {
        for bit in [0, 4] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            hold(&bytes, format!("bit {bit} of byte {at}"));
        }
        hold(&whole[..at], format!("cut at {at}"));
    }
    println!("{refused} damaged plans refused, {same} the same in all that counts");
    assert!(refused > whole.len(), "cut off anywhere but behind the last brace, it is none");
    std::fs::write(&path, &whole).unwrap();
    apply(&board, &ClosePlan::load(&path).unwrap(), &request).unwrap();
    assert_eq!(state_of(&board), (ProductState::TzClosed, TrustZone::Enabled));
}
