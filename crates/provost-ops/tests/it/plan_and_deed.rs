//! What was planned is what is done, for every operation: the steps performed are the steps of the plan, in their order.

use crate::closing::{request, root_only_set, scratch};
use crate::common::{self, Log, stuck};
use provost_bench::Bench;
use provost_chip::{
    parts::{DaStore, PartId},
    states::{DaMethod, ProductState, TrustZone},
};
use provost_ops::{
    Silent, close,
    credential::CredentialSet,
    identify::identify,
    job::Step,
    objects::{self, Site, Source},
    rescue,
};
use provost_twin::board::VirtualBoard;

/// The steps that are done when the way leads straight to its end.
fn expected(planned: &[Step]) -> Vec<Step> {
    planned.iter().copied().filter(|step| !matches!(step, Step::Fallback { .. })).collect()
}

/// A part without secure AES refuses the first encryption word, which asks it to encrypt, and takes the other: one step, done twice.
fn once(mut performed: Vec<Step>) -> Vec<Step> {
    performed.dedup();
    performed
}

#[test]
fn of_a_rescue() {
    let mut compared = 0;
    for part in PartId::all() {
        for tz in TrustZone::ALL.into_iter().filter(|tz| *tz == TrustZone::Disabled || part.info().trustzone) {
            let base = scratch();
            let board =
                VirtualBoard::with_chip("chip", stuck(part.info().name, tz, provost_twin::presets::practice_world()));
            let once_for_life = part.info().da_store == DaStore::Otp;
            let wish =
                rescue::Wish { part: Some(part.into()), once_for_life, ..common::wish(&board, base.path(), None) };
            let mut bench = Bench::on_board(board);
            let identity = identify(&mut bench.session).unwrap();
            let plan = rescue::plan(&identity, &[part], wish.means()).unwrap();
            let ended = rescue::carry_out(&mut bench.session, wish, identity, plan.clone(), &mut Log::default());
            match ended {
                Ok(ended) => assert_eq!(once(ended.performed), expected(plan.list()), "{part} {tz}"),
                // With TrustZone off the service may be out of reach of a debugger (switch rss-tz-off).
                Err(error) => assert_eq!((error.code(), tz), ("rss-unreachable", TrustZone::Disabled), "{part}"),
            }
            compared += 1;
        }
    }
    assert!(compared > 15);
}

#[test]
fn of_a_close_and_its_rehearsal() {
    for part in PartId::all() {
        let name = part.info().name;
        let tz = if part.info().trustzone { TrustZone::Enabled } else { TrustZone::Disabled };
        for rehearse in [false, true] {
            let otp = part.info().da_store == DaStore::Otp;
            if rehearse && otp || !rehearse && part.info().crypto {
                continue;
            }
            let base = scratch();
            root_only_set(&base.path().join("set"));
            let mut request = request(name, tz, ProductState::Closed, base.path());
            request.rehearse = rehearse;
            if otp {
                request.overrides.push("P-OTP".to_owned());
            }
            let board = crate::closing::board(name, tz);
            let plan = crate::closing::plan(&board, &request).plan.unwrap();
            let mut bench = Bench::on_board(board);
            let (wish, site) = (&request.wish, &request.site);
            let ended = close::close(&mut bench.session, wish, site, &mut |_: &str| true, &mut Silent).unwrap();
            assert_eq!(once(ended.performed), plan.list(), "{part}, rehearsal {rehearse}");
        }
    }
}

#[test]
fn of_a_write_of_objects() {
    for part in PartId::all().filter(|p| p.info().trustzone) {
        let base = scratch();
        let set = base.path().join("set");
        CredentialSet::make_in(&set, part.info().crypto).unwrap();
        let board = VirtualBoard::with_chip(
            "chip",
            stuck(part.info().name, TrustZone::Enabled, provost_twin::presets::practice_world()),
        );
        let mut bench = Bench::on_board(board);
        let request = objects::Request {
            sources: vec![Source::load(&set.join("DA_Config.obk")).unwrap()],
            part: Some(part.into()),
            method: Some(DaMethod::Certificate),
            replace: false,
            encrypting_word: None,
            allowed: Vec::new(),
            once_for_life: false,
        };
        let plan = objects::plan(&mut bench.session, &request, &mut Silent).unwrap();
        let site = Site { chip: "chip".to_owned(), out: base.path().into() };
        let written = objects::write(&mut bench.session, &plan, &request, &site, &mut Silent).unwrap();
        assert_eq!(once(written.performed), plan.list(), "{part}");
    }
}
