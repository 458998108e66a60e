//! Every part, TrustZone on and off, every target: closed by `close`, and brought back to Open with its credential.

use crate::closing;
use crate::common;
use provost_testkit::figures::stated;

use std::collections::BTreeMap;

use closing::{all_option_words, open_chip, request, root_only_set, run, scratch, state_of};
use provost_chip::{
    order_code::OrderCode,
    parts::DaStore,
    states::{ProductState, TrustZone},
};
use provost_ops::credential::CredentialSet;
use provost_twin::board::VirtualBoard;

const TARGETS: [ProductState; 3] = [ProductState::IrotProvisioned, ProductState::TzClosed, ProductState::Closed];

#[test]
fn forward_and_back() {
    let base = scratch();
    root_only_set(&base.path().join("set"));
    let mut counts = BTreeMap::<&str, usize>::new();
    for code in OrderCode::all() {
        let (part, chip) = (code.part, code.to_string());
        for tz in TrustZone::ALL {
            for target in TARGETS {
                let name = format!("{chip}, TrustZone {tz}, to {target}");
                if tz == TrustZone::Enabled && !part.info().trustzone {
                    continue;
                }
                let board =
                    VirtualBoard::with_chip("chip", open_chip(&chip, tz, provost_twin::presets::practice_world()));
                let mut request = request(&chip, tz, target, base.path());
                let otp = part.info().da_store == DaStore::Otp;
                request.rehearse = part.info().crypto;
                if otp {
                    request.overrides.push("P-OTP".to_owned());
                }
                let before = all_option_words(&board);
                let closed = run(&board, &request);
                if target == ProductState::TzClosed && tz == TrustZone::Disabled {
                    let error = closed.unwrap_err();
                    assert!(error.to_string().contains("P-TARGET"), "{name}: {error}");
                    assert_eq!(error.exit().code(), 3, "{name}");
                    assert_eq!(all_option_words(&board), before, "{name}");
                    *counts.entry("refused: TZ-Closed needs TrustZone").or_default() += 1;
                } else {
                    let receipt = closed.unwrap_or_else(|e| panic!("{name}: {e}"));
                    assert_eq!(state_of(&board), (target, tz), "{name}");
                    assert_eq!(receipt.rehearsed, part.info().crypto, "{name}");
                    assert_eq!(receipt.discovered.unwrap().product_state, Some(target));
                    let set = CredentialSet::load(&base.path().join("set")).unwrap();
                    common::run(&board, &base.path().join("rescue"), Some(set))
                        .unwrap_or_else(|e| panic!("{name}: {e}"));
                    assert_eq!(state_of(&board), (ProductState::Open, TrustZone::Disabled), "{name}");
                    *counts.entry("closed, and back in Open").or_default() += 1;
                    // Of a chip that is Open again nothing stands in the way of a second close, the OTP's password included.
                    std::fs::remove_dir_all(base.path().join("rescue")).unwrap();
                }
                let _ = std::fs::remove_dir_all(base.path().join("out"));
            }
        }
    }
    println!("{counts:?}");
    // Eleven lines with TrustZone, some of them in two sizes: three targets with it on, two without, and one that does not exist; two and one on the H503.
    let parts = OrderCode::all().filter(|code| code.part.info().trustzone).count();
    assert_eq!(counts["closed, and back in Open"], 5 * parts + 2);
    assert_eq!(counts["refused: TZ-Closed needs TrustZone"], parts + 1);
    stated("close_every_chip::", &counts.into_values().collect::<Vec<usize>>());
}
