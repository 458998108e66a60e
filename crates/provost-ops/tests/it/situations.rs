//! Chips in other situations than the plain one: closed with and without data, a closing write that waits for its reset,
//! a chip left in its ROM, NRST not wired, the STM32H503, and chips that are none of ours.

use crate::common;

use common::{maker, run, run_one_shot, state_of, stuck};
use provost_bench::Bench;
use provost_chip::{
    assumptions::Assumptions,
    model::{
        World,
        search::{Means, host_actions, way_to_open},
    },
    parts::PartId,
    registers::flash,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_ops::{
    credential::CredentialSet, debug_auth::discover, drive::identify::IdentifyError, error::Exit, identify::identify,
};
use provost_twin::{board::VirtualBoard, silicon::Silicon};

fn credential() -> (tempfile::TempDir, CredentialSet) {
    let folder = tempfile::tempdir().unwrap();
    let (set, keys) = CredentialSet::generate(&folder.path().join("set")).unwrap();
    set.save(&keys, true).unwrap();
    (folder, set)
}

/// A chip closed with the object of this method from this set, or with none.
fn closed(part: &str, state: ProductState, tz: TrustZone, object: Option<(&CredentialSet, DaMethod)>) -> Silicon {
    let mut maker = maker(part, state, tz);
    maker.da_payload = object.map(|(set, method)| set.object(method).unwrap().unwrap().payload().to_bytes());
    maker.make()
}

fn closed_states(tz: TrustZone) -> impl Iterator<Item = ProductState> {
    [ProductState::IrotProvisioned, ProductState::TzClosed, ProductState::Closed]
        .into_iter()
        .filter(move |s| *s != ProductState::TzClosed || tz == TrustZone::Enabled)
}

#[test]
fn a_closed_chip_comes_back_with_its_credential_and_with_no_other() {
    let (_guard, mine) = credential();
    let (_other_guard, other) = credential();
    let mut count = 0;
    for part in PartId::all().filter(|p| p.info().trustzone) {
        for tz in TrustZone::ALL {
            for state in closed_states(tz) {
                let method = DaMethod::for_trustzone(tz);
                let board = VirtualBoard::with_chip("chip", closed(part.info().name, state, tz, Some((&mine, method))));
                let base = tempfile::tempdir().unwrap();
                let before = board.board().silicon().nvm().clone();

                let error = run(&board, base.path(), None).unwrap_err();
                assert_eq!((error.code(), error.exit()), ("credential-needed", Exit::PersonMustAct), "{part} {state}");
                let error = run(&board, base.path(), Some(other.clone())).unwrap_err();
                assert_eq!((error.code(), error.exit()), ("da-refused", Exit::PersonMustAct), "{part} {state}");
                assert_eq!(*board.board().silicon().nvm(), before, "{part} {state}: nothing erased");

                run(&board, base.path(), Some(mine.clone())).unwrap();
                assert_eq!(state_of(&board), (ProductState::Open, TrustZone::Disabled), "{part} {state}");
                count += 1;
            }
        }
    }
    println!("{count} closed chips brought back with their own credential, refused every other");
}

#[test]
fn the_wrong_kind_of_object_locks_its_owner_out() {
    let (_guard, mine) = credential();
    for tz in TrustZone::ALL {
        let wrong = DaMethod::for_trustzone(tz.flipped());
        let chip = closed("STM32H533", ProductState::Closed, tz, Some((&mine, wrong)));
        let board = VirtualBoard::with_chip("chip", chip);
        let base = tempfile::tempdir().unwrap();
        let error = run(&board, base.path(), Some(mine.clone())).unwrap_err();
        assert_eq!(error.code(), "da-refused", "TrustZone {tz}");
        assert_eq!(state_of(&board).0, ProductState::Closed);
    }
}

#[test]
fn closed_without_data_is_refused_and_nothing_could_have_been_done() {
    let (_guard, mine) = credential();
    for tz in TrustZone::ALL {
        for state in closed_states(tz) {
            let board = VirtualBoard::with_chip("chip", closed("STM32H533", state, tz, None));
            let base = tempfile::tempdir().unwrap();
            let before = board.board().silicon().nvm().clone();
            for credential in [None, Some(mine.clone())] {
                let error = run(&board, base.path(), credential).unwrap_err();
                assert_eq!((error.code(), error.exit()), ("chip-closed-without-data", Exit::Refused), "{state}");
            }
            // The chip itself agrees: no sequence of actions of the model, a person's included, leads to Open.
            let board = board.board();
            let silicon = board.silicon();
            assert_eq!(*silicon.nvm(), before);
            let world = World { chip: *silicon.chip(), bench: *silicon.bench(), assumptions: *silicon.assumptions() };
            let means = Means { person: true, ..Means::default() };
            assert_eq!(way_to_open(world, &host_actions(&means)), None, "{state}");
        }
    }
}

/// A stuck chip into which a tool has programmed a later state, and was interrupted before the reset.
fn with_pending(part: &str, tz: TrustZone, to: ProductState) -> VirtualBoard {
    let board = VirtualBoard::with_chip("chip", stuck(part, tz, provost_twin::presets::practice_world()));
    let mut bench = Bench::on_board(board.clone());
    let optsr = identify(&mut bench.session).unwrap().options.unwrap().optsr_cur;
    let mut ap1 = bench.session.ap1();
    let base = flash::BASE;
    for key in flash::OPT_KEYS {
        ap1.write32(base + u32::from(flash::OPTKEYR), key).unwrap();
    }
    let word = optsr & !0xFF00 | u32::from(to.code()) << 8;
    ap1.write32(base + u32::from(flash::OPTSR_PRG), word).unwrap();
    ap1.write32(base + u32::from(flash::OPTCR), flash::OPTCR_OPTSTRT).unwrap();
    board.advance(std::time::Duration::from_secs(1));
    assert_eq!(state_of(&board).0, ProductState::Provisioning, "before the reset");
    board
}

#[test]
fn a_closing_write_that_waits_for_its_reset_is_one_shot_on_parts_that_take_anything() {
    for tz in TrustZone::ALL {
        for to in closed_states(tz) {
            // DEV_ID 0x484 may be an H573: one shot, and it is asked for.
            let board = with_pending("STM32H563", tz, to);
            let before = board.board().silicon().nvm().clone();
            let base = tempfile::tempdir().unwrap();
            let error = run(&board, base.path(), None).unwrap_err();
            assert_eq!((error.code(), error.exit()), ("rescue-one-shot", Exit::PersonMustAct));
            assert_eq!(*board.board().silicon().nvm(), before, "nothing was written to the chip");
            assert!(base.path().join("chip/credential/DA_Config.obk").exists(), "for ST's tool");
            for part in ["STM32H563", "STM32H533"] {
                let board = with_pending(part, tz, to);
                let base = tempfile::tempdir().unwrap();
                run_one_shot(&board, base.path()).unwrap_or_else(|e| panic!("{to} pending, TrustZone {tz}: {e}"));
                assert_eq!(state_of(&board), (ProductState::Open, TrustZone::Disabled), "{to}, TrustZone {tz}");
            }
        }
    }
}

#[test]
fn a_chip_left_in_its_rom_is_fetched_out_or_a_power_cycle_is_asked_for() {
    for assumptions in Assumptions::combinations(&["leave-rss-da"]) {
        let board = VirtualBoard::with_chip("chip", stuck("STM32H563", TrustZone::Enabled, assumptions));
        let mut bench = Bench::on_board(board.clone());
        identify(&mut bench.session).unwrap();
        discover(&mut bench.session).unwrap();
        drop(bench);
        let base = tempfile::tempdir().unwrap();
        match run(&board, base.path(), None) {
            Ok(_) => assert_eq!(assumptions.get("leave-rss-da"), Some("nrst")),
            Err(error) => {
                assert_eq!(assumptions.get("leave-rss-da"), Some("power"));
                assert_eq!((error.code(), error.exit()), ("da-power-cycle-needed", Exit::PersonMustAct));
                board.board().power_cycle();
                board.advance(std::time::Duration::from_secs(1));
                run(&board, base.path(), None).unwrap();
            }
        }
        assert_eq!(state_of(&board).0, ProductState::Open);
    }
}

#[test]
fn without_nrst_nothing_is_written_and_with_it_the_rescue_goes_through() {
    for tz in TrustZone::ALL {
        let mut silicon = stuck("STM32H563", tz, provost_twin::presets::practice_world());
        silicon.set_nrst_wired(false);
        let board = VirtualBoard::with_chip("chip", silicon);
        board.board().silicon_mut().set_nrst_wired(false);
        let base = tempfile::tempdir().unwrap();
        let before = board.board().silicon().nvm().clone();
        let error = run(&board, base.path(), None).unwrap_err();
        assert_eq!((error.code(), error.exit()), ("nrst-not-wired", Exit::PersonMustAct));
        assert_eq!(*board.board().silicon().nvm(), before);
        assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0, "no folder, no credential");
        board.board().silicon_mut().set_nrst_wired(true);
        run(&board, base.path(), None).unwrap();
        assert_eq!(state_of(&board).0, ProductState::Open);
    }
}

#[test]
fn a_closed_chip_without_nrst_gets_no_answer() {
    let board = VirtualBoard::with_chip("chip", closed("STM32H533", ProductState::Closed, TrustZone::Enabled, None));
    board.board().silicon_mut().set_nrst_wired(false);
    let base = tempfile::tempdir().unwrap();
    let error = run(&board, base.path(), None).unwrap_err();
    assert_eq!((error.code(), error.exit()), ("da-no-answer", Exit::PersonMustAct));
}

#[test]
fn the_h503_is_not_given_a_password_for_life_unasked() {
    let board = VirtualBoard::with_chip(
        "chip",
        stuck("STM32H503", TrustZone::Disabled, provost_twin::presets::practice_world()),
    );
    let base = tempfile::tempdir().unwrap();
    let before = board.board().silicon().nvm().clone();
    let error = run(&board, base.path(), None).unwrap_err();
    assert_eq!((error.code(), error.exit()), ("h503-otp", Exit::Refused));
    assert_eq!(*board.board().silicon().nvm(), before);
}

#[test]
fn locked_and_open_chips_are_left_alone() {
    let base = tempfile::tempdir().unwrap();
    let locked = VirtualBoard::with_chip("chip", closed("STM32H533", ProductState::Locked, TrustZone::Enabled, None));
    let error = run(&locked, base.path(), None).unwrap_err();
    assert_eq!(error.exit(), Exit::PersonMustAct);
    assert_eq!(error.code(), "da-no-answer", "a Locked chip does not even say so");
    let open = VirtualBoard::with_chip("chip", maker("STM32H533", ProductState::Open, TrustZone::Enabled).make());
    let before = open.board().silicon().nvm().clone();
    run(&open, base.path(), None).unwrap();
    assert_eq!(*open.board().silicon().nvm(), before);
    assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0, "an Open chip needs no folder");
}

#[test]
fn the_part_given_must_be_the_part_measured() {
    let board = VirtualBoard::with_chip(
        "chip",
        stuck("STM32H533", TrustZone::Enabled, provost_twin::presets::practice_world()),
    );
    let mut bench = Bench::on_board(board);
    let identity = identify(&mut bench.session).unwrap();
    assert_eq!(identity.narrowed_to(None).unwrap().len(), 2, "H523 and H533 share a DEV_ID");
    assert_eq!(identity.narrowed_to(Some("STM32H533RE".parse().unwrap())).unwrap().len(), 1);
    let error = identity.narrowed_to(Some("STM32H563".parse().unwrap())).unwrap_err();
    assert!(matches!(error.of(), Some(IdentifyError::PartMismatch { dev_id: 0x478, .. })));
}
