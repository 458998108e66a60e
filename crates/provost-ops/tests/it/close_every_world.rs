//! The close in every world that the public sources allow: a part with secure AES and one without, TrustZone on and off, every
//! combination of the switches that decide whether there is a way back, and every value of the others. Each ends at the target, and
//! its credential brings it back; or it stops with exit code 4 in Provisioning, where ST's own tool can provision it.

use crate::closing;
use crate::common;
use provost_testkit::figures::stated;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use closing::{Request, open_chip, request, resume, root_only_set, run, scratch, state_of};
use provost_chip::{
    assumptions::Assumptions,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_ops::{credential::CredentialSet, error::Exit};
use provost_twin::board::VirtualBoard;

/// The switches that decide whether there is a way back.
const DECIDING: [&str; 7] = [
    "leave-rss-da",
    "tzen-in-provisioning",
    "rss-return",
    "rss-checksum",
    "rss-encrypt-word",
    "rss-tz-off",
    "plain-object",
];

struct Case {
    part: &'static str,
    tz: TrustZone,
    target: ProductState,
    assumptions: Assumptions,
}

fn cases() -> Vec<Case> {
    let mut worlds: Vec<Assumptions> = Assumptions::combinations(&DECIDING).collect();
    for switch in Assumptions::switches().iter().filter(|s| !DECIDING.contains(&s.name)) {
        worlds.extend(Assumptions::combinations(&[switch.name]));
    }
    let mut cases = Vec::new();
    for (part, target) in [("STM32H533", ProductState::Closed), ("STM32H563", ProductState::IrotProvisioned)] {
        for tz in TrustZone::ALL {
            cases.extend(worlds.iter().map(|a| Case { part, tz, target, assumptions: *a }));
        }
    }
    cases
}

fn power_cycle(board: &VirtualBoard) {
    board.board().power_cycle();
    board.advance(Duration::from_secs(1));
}

/// Brings the chip back to Open with the credential, removing power when asked to.
fn back(board: &VirtualBoard, base: &Path, set: &CredentialSet, name: &str) {
    for _ in 0..4 {
        match common::run(board, &base.join("rescue"), Some(set.clone())) {
            Ok(_) => {
                assert_eq!(state_of(board), (ProductState::Open, TrustZone::Disabled), "{name}");
                return;
            }
            Err(error) if error.code() == "da-power-cycle-needed" => power_cycle(board),
            Err(error) => panic!("{name}: no way back: {error}"),
        }
    }
    panic!("{name}: no way back after four power cycles");
}

fn outcome(case: &Case, base: &Path, set: &CredentialSet) -> String {
    let _ = std::fs::remove_dir_all(base);
    let name = format!("{} TrustZone {} {}", case.part, case.tz, case.assumptions);
    let board = VirtualBoard::with_chip("chip", open_chip(case.part, case.tz, case.assumptions));
    let mut request: Request = request(case.part, case.tz, case.target, base);
    request.credential = Some(set.folder().to_owned());
    request.rehearse = request.part.unwrap().part.info().crypto;
    let mut reasons = Vec::new();
    let mut ended = run(&board, &request);
    loop {
        let error = match ended {
            Ok(receipt) => {
                assert_eq!(state_of(&board), (case.target, case.tz), "{name}");
                assert_eq!(receipt.discovered.unwrap().product_state, Some(case.target), "{name}");
                reasons.push("closed, and back in Open".to_owned());
                // The chip may still sit in its ROM.
                power_cycle(&board);
                back(&board, base, set, &name);
                return reasons.join(", then ");
            }
            Err(error) => error,
        };
        assert_eq!(error.exit(), Exit::PersonMustAct, "{name}: {error}");
        assert_eq!(state_of(&board), (ProductState::Provisioning, case.tz), "{name}: {error}");
        reasons.push(error.code().to_owned());
        if error.code() != "da-power-cycle-needed" {
            // What provost cannot store, ST's tool can: it knows the checksum, and how to call the service with TrustZone off.
            let payload = set.object(DaMethod::for_trustzone(case.tz)).unwrap().unwrap().payload().to_bytes();
            board.board().silicon_mut().provision_as_the_chip_would(&payload);
            power_cycle(&board);
            // The rescue finds the service as unwilling as before; the authentication does not need it.
            authenticate(&board, set, case.tz, &name);
            return reasons.join(", then ");
        }
        assert!(reasons.len() < 6, "{name}: {reasons:?}");
        power_cycle(&board);
        ended = resume(&board, &request);
    }
}

/// Discovers and authenticates a full regression, and nothing else.
fn authenticate(board: &VirtualBoard, set: &CredentialSet, tz: TrustZone, name: &str) {
    use provost_bench::Bench;
    use provost_ops::{debug_auth, identify::identify};
    let mut bench = Bench::on_board(board.clone());
    identify(&mut bench.session).unwrap();
    let conversation = debug_auth::discover(&mut bench.session).unwrap();
    let proof = set.credential(DaMethod::for_trustzone(tz)).unwrap();
    debug_auth::authenticate(&mut bench.session, &conversation.mailbox, proof.credential(), &|asked| proof.sign(asked))
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    board.advance(Duration::from_secs(2));
    assert_eq!(state_of(board), (ProductState::Open, TrustZone::Disabled), "{name}");
}

#[test]
fn every_world_is_closed_and_opened_again_or_stops_where_it_can_be_helped() {
    let cases = cases();
    let scratch = scratch();
    root_only_set(&scratch.path().join("set"));
    let set = CredentialSet::load(&scratch.path().join("set")).unwrap();
    let next = AtomicUsize::new(0);
    let counts = Mutex::new(BTreeMap::<String, usize>::new());
    std::thread::scope(|scope| {
        for worker in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let base = scratch.path().join(worker.to_string());
            let (next, counts, set, cases) = (&next, &counts, &set, &cases);
            scope.spawn(move || {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    *counts.lock().unwrap().entry(outcome(case, &base, set)).or_default() += 1;
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    println!("{} closes:", cases.len());
    for (reason, count) in &counts {
        println!("{count:8}  {reason}");
    }
    assert_eq!(counts.values().sum::<usize>(), cases.len());
    // Why a close stops for good: what the ROM expects is on no list, or it does not let itself be called.
    for reason in counts.keys() {
        let last = reason.rsplit(", then ").next().unwrap();
        assert!(
            ["closed, and back in Open", "rss-checksum-unknown", "rss-encrypt-word-unknown", "rss-unreachable"]
                .contains(&last),
            "{reason}"
        );
    }
    let ending = |is: &dyn Fn(&str) -> bool| -> usize {
        counts.iter().filter(|(reason, _)| is(reason)).map(|(_, count)| count).sum()
    };
    let stopped = ["rss-checksum-unknown", "rss-encrypt-word-unknown", "rss-unreachable"];
    stated("close_every_world::", &stopped.map(|code| ending(&|reason| reason.ends_with(code))));
    let back = "closed, and back in Open";
    let cycled = ending(&|reason| reason.ends_with(back) && reason != back);
    stated("close_every_world::", &[cases.len(), ending(&|reason| reason.ends_with(back)), cycled]);
}
