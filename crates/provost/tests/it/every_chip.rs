//! Every part in every state: what the commands that touch it come to, as documents of their schemas.

use crate::sandbox;

use std::thread;

use provost_chip::{
    parts::{DaStore, PartId},
    states::{ProductState, TrustZone},
};
use sandbox::Sandbox;

/// What a rescue of a chip with nothing provisioned comes to: exit code, and code of the error.
fn expected(part: PartId, state: ProductState) -> (i32, Option<&'static str>) {
    match state {
        ProductState::Open => (0, None),
        ProductState::Provisioning if part.info().da_store == DaStore::Otp => (3, Some("h503-otp")),
        ProductState::Provisioning => (0, None),
        // A Locked chip does not even say so (AN6008: Debug Authentication is disabled).
        ProductState::Locked => (4, Some("da-no-answer")),
        _ => (3, Some("chip-closed-without-data")),
    }
}

fn chip(s: &Sandbox, part: PartId, state: ProductState, tz: TrustZone) {
    let name = format!("{part}, {state}, TrustZone {tz}");
    let line = format!("twin new board.chip --part {part} --state {} --tzen {tz}", state.as_str());
    let (code, made) = s.json(&line);
    assert_eq!((code, &made["part"]), (0, &part.info().name.into()), "{name}");
    let before = s.read("board.chip");

    let (code, answer) = s.json("auth discover --probe twin:board.chip");
    let answers = !matches!(state, ProductState::Open | ProductState::Locked);
    // What is Open shows it, and is not asked to mend its wires.
    let silent = if state == ProductState::Open { 3 } else { 4 };
    assert_eq!(code, if answers { 0 } else { silent }, "{name}: {answer:#}");
    if answers {
        assert_eq!(answer["discovery"]["product_state"], state.as_str(), "{name}");
        assert_eq!(answer["discovery"]["integrity_valid"], false, "{name}");
    }
    assert_eq!(s.read("board.chip"), before, "{name}: a discovery changes nothing");

    let (exit, code) = expected(part, state);
    let (got, value) = s.json("rescue --probe twin:board.chip");
    assert_eq!((got, value["code"].as_str()), (exit, code), "{name}: {value:#}");
    if exit != 0 || state == ProductState::Open {
        assert_eq!(s.read("board.chip"), before, "{name}: nothing is written");
        assert!(!s.path("provost-rescue").exists(), "{name}: and no credential is made");
        return;
    }
    let (_, status) = s.json(&format!("status --part {part} --probe twin:board.chip"));
    assert_eq!((&status["product_state"], &status["trustzone"]), (&"open".into(), &"off".into()), "{name}");
    assert_eq!(status["identity"]["uid"], value["after"]["uid"], "{name}");
}

#[test]
fn what_every_chip_comes_to() {
    let parts: Vec<PartId> = PartId::all().collect();
    let chips: usize = thread::scope(|scope| {
        let workers: Vec<_> = parts
            .chunks(parts.len().div_ceil(2))
            .map(|parts| {
                scope.spawn(move || {
                    let mut chips = 0;
                    for &part in parts {
                        for tz in
                            TrustZone::ALL.into_iter().filter(|tz| part.info().trustzone || *tz == TrustZone::Disabled)
                        {
                            // Without TrustZone there is no TZ-Closed.
                            let exists = |s: &ProductState| *s != ProductState::TzClosed || tz == TrustZone::Enabled;
                            for state in ProductState::ALL.into_iter().filter(exists) {
                                chip(&Sandbox::new(), part, state, tz);
                                chips += 1;
                            }
                        }
                    }
                    chips
                })
            })
            .collect();
        workers.into_iter().map(|w| w.join().unwrap()).sum()
    });
    println!("{chips} chips");
    assert_eq!(chips, 10 * (6 + 5) + 5, "ten parts with TrustZone, and the H503");
}
