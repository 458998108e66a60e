//! Writing objects and OTP passwords, in every world that concerns it: what the chip then holds is what was meant, or the write says
//! what it does not know; an interruption is finished by the same command.

use crate::common;

use std::{fs, path::Path};

use common::{Log, run, state_of, stuck};
use provost_adac::permission::PermissionMask;
use provost_bench::Bench;
use provost_chip::{
    assumptions::Assumptions,
    model::authentication::usable,
    parts::{DaStore, PartId},
    states::{DaMethod, ProductState, TrustZone},
};
use provost_obk::{da::DESTINATION, obk::Obk};
use provost_ops::{
    credential::{ChainRecipe, CredentialSet, Recipe, make},
    drive::service::EncryptWord,
    error::Failure,
    objects::{ObjectError, Request, Site, Source, Written, plan, write},
    store::Replace,
};
use provost_twin::board::VirtualBoard;

/// A set made for this part.
fn made(part: PartId, method: DaMethod, folder: &Path) -> CredentialSet {
    let recipe =
        Recipe { part, method, chain: ChainRecipe::default(), password: None, object_mask: PermissionMask::STM32H5 };
    make(&recipe, folder, Replace::Never).unwrap().set
}

fn request(part: PartId, files: &[&Path]) -> Request {
    Request {
        sources: files.iter().map(|f| Source::load(f).unwrap()).collect(),
        part: Some(part.into()),
        method: None,
        replace: false,
        encrypting_word: None,
        allowed: Vec::new(),
        once_for_life: false,
    }
}

fn write_on(bench: &mut Bench, request: &Request) -> Result<Written, Failure> {
    let mut log = Log::default();
    let plan = plan(&mut bench.session, request, &mut log)?;
    let out = tempfile::tempdir().unwrap();
    let site = Site { chip: "chip".to_owned(), out: out.path().into() };
    write(&mut bench.session, &plan, request, &site, &mut log)
}

fn write_all(board: &VirtualBoard, request: &Request) -> Result<Written, Failure> {
    write_on(&mut Bench::on_board(board.clone()), request)
}

fn object_name(method: DaMethod) -> &'static str {
    match method {
        DaMethod::Certificate => "DA_Config.obk",
        DaMethod::Password => "DA_ConfigWithPassword.obk",
    }
}

#[test]
fn in_every_world_the_chip_can_use_what_was_written_or_it_is_not_called_good() {
    let switches = ["rss-checksum", "rss-encrypt-word", "rss-return", "rss-tz-off", "plain-object", "leave-rss-da"];
    let (mut usable_ones, mut stopped, mut lied) = (0, std::collections::BTreeMap::<String, usize>::new(), 0);
    for part in PartId::all().filter(|p| p.info().da_store == DaStore::Obk) {
        for tz in TrustZone::ALL {
            let folder = tempfile::tempdir().unwrap();
            let method = DaMethod::for_trustzone(tz);
            made(part, method, &folder.path().join("set"));
            let file = folder.path().join("set").join(object_name(method));
            for assumptions in Assumptions::combinations(&switches) {
                let board = VirtualBoard::with_chip("chip", stuck(part.info().name, tz, assumptions));
                let mut request = request(part, &[&file]);
                let mut result = write_all(&board, &request);
                for _ in 0..3 {
                    match &result {
                        Err(error) if error.code() == "da-power-cycle-needed" => {}
                        Err(error) => {
                            let Some(ObjectError::PowerCycle { word, .. }) = error.of() else { break };
                            request.encrypting_word = Some(*word);
                        }
                        _ => break,
                    }
                    // A person removes power, and says that the chip need not be asked again.
                    board.board().power_cycle();
                    board.advance(std::time::Duration::from_secs(1));
                    request.replace = true;
                    result = write_all(&board, &request);
                }
                assert_eq!(state_of(&board).0, ProductState::Provisioning, "still rescuable");
                let holds = usable(board.board().silicon().chip()).is_some();
                match result {
                    Ok(written) if holds => {
                        assert_eq!(written.discovered.unwrap().integrity, Some(0xEAEA_EAEA));
                        usable_ones += 1;
                    }
                    Ok(written) => {
                        // The one lie a discovery can tell, and it is named in advance.
                        assert!(
                            part.info().crypto && assumptions.get("plain-object") == Some("looks-valid"),
                            "{part} {assumptions}"
                        );
                        assert!(written.unproven.iter().any(|u| u.contains("plain-object")));
                        lied += 1;
                    }
                    Err(error) => {
                        assert!(!holds, "{part} {assumptions}: {error}");
                        *stopped.entry(error.code().to_owned()).or_default() += 1;
                    }
                }
            }
        }
    }
    println!(
        "{usable_ones} usable, {lied} in worlds where a discovery lies and the report says so, stopped: {stopped:?}"
    );
    assert!(usable_ones > 0);
    assert!(
        stopped.keys().all(
            |code| ["rss-checksum-unknown", "rss-encrypt-word-unknown", "rss-unreachable"].contains(&code.as_str())
        ),
        "{stopped:?}"
    );
}

/// An object of zeros with its hash, as STM32CubeH5 ships OEMiRoT_Data: 0xC0 bytes at 0x0FFD0280, never encrypted.
fn oemirot_data(path: &Path) {
    let body = [0; 160];
    let payload = [&provost_adac::crypto::sha256(&body)[..], &body].concat();
    fs::write(path, &*Obk::new(0x0FFD_0280, false, payload).unwrap().to_bytes()).unwrap();
}

#[test]
fn other_objects_go_in_with_the_one_that_shows_what_the_words_mean() {
    let part: PartId = "STM32H573".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    made(part, DaMethod::Certificate, &folder.path().join("set"));
    let (da, data) = (folder.path().join("set/DA_Config.obk"), folder.path().join("OEMiRoT_Data.obk"));
    oemirot_data(&data);
    for assumptions in Assumptions::combinations(&["rss-encrypt-word"]) {
        let board = VirtualBoard::with_chip("chip", stuck("STM32H573", TrustZone::Enabled, assumptions));
        let before = board.board().silicon().nvm().clone();
        let error = write_all(&board, &request(part, &[&data])).unwrap_err();
        assert_eq!(error.code(), "obk-word-unknown");
        assert_eq!(*board.board().silicon().nvm(), before, "nothing is written");
        let mut both = request(part, &[&data, &da]);
        if assumptions.get("rss-encrypt-word") == Some("strict") {
            let error = write_all(&board, &both).unwrap_err();
            assert_eq!(error.code(), "rss-encrypt-word-unknown");
            assert_eq!(*board.board().silicon().nvm(), before, "nothing is written");
            both.encrypting_word = Some(EncryptWord::new(provost_twin::INVENTED_ENCRYPT_WORD));
        }
        let written = write_all(&board, &both).unwrap();
        // The one that shows what the words mean goes first; where that is known, the order is the person's.
        let known = both.encrypting_word.is_some();
        let due = if known { [0x0FFD_0280, DESTINATION] } else { [DESTINATION, 0x0FFD_0280] };
        assert_eq!(written.objects.iter().map(|o| o.destination).collect::<Vec<_>>(), due);
        let board = board.board();
        let silicon = board.silicon();
        assert!(usable(silicon.chip()).is_some());
        let stored = &silicon.nvm().obk()[0x280..0x340];
        assert_eq!(stored[32..], [0; 160], "plain, whatever the word is called");
    }
}

#[test]
fn mixed_boot_paths_are_refused() {
    let part: PartId = "STM32H573".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    made(part, DaMethod::Certificate, &folder.path().join("set"));
    let (da, data, st) =
        (folder.path().join("set/DA_Config.obk"), folder.path().join("oem.obk"), folder.path().join("st.obk"));
    oemirot_data(&data);
    let body = [0; 64];
    let payload = [&provost_adac::crypto::sha256(&body)[..], &body].concat();
    fs::write(&st, &*Obk::new(0x0FFD_0400, true, payload).unwrap().to_bytes()).unwrap();
    let board = VirtualBoard::with_chip(
        "chip",
        stuck("STM32H573", TrustZone::Enabled, provost_twin::presets::practice_world()),
    );
    let before = board.board().silicon().nvm().clone();
    let error = write_all(&board, &request(part, &[&da, &data, &st])).unwrap_err();
    assert_eq!(error.code(), "obk-mixed-roots");
    assert_eq!(*board.board().silicon().nvm(), before);
}

/// An H503 with power cut, or its probe unplugged, at each transaction of the write of its password.
#[test]
fn an_interrupted_otp_write_is_finished_by_the_same_command() {
    let part: PartId = "STM32H503".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let set = made(part, DaMethod::Password, &folder.path().join("set"));
    let file = folder.path().join("set/password.bin");
    let wanted = || Request { once_for_life: true, ..request(part, &[&file]) };
    let fresh = || {
        VirtualBoard::with_chip(
            "chip",
            stuck("STM32H503", TrustZone::Disabled, provost_twin::presets::practice_world()),
        )
    };
    let whole = fresh();
    write_all(&whole, &wanted()).unwrap();
    let total = provost_twin::wire::Wire::stats(&*whole.board()).transactions;
    let mut interruptions = 0;
    for at in (0..total).step_by(3) {
        let board = fresh();
        let _ = write_all(&board.unplugged_after(at), &wanted());
        board.board().power_cycle();
        board.advance(std::time::Duration::from_secs(1));
        let again = write_all(&board, &wanted());
        assert!(board.board().silicon().nvm().otp_spoilt.is_empty(), "no half-word is written twice");
        if let Err(error) = again {
            panic!("interrupted after transaction {at} of {total}: {error}");
        }
        interruptions += 1;
        if at % 50 == 0 {
            let base = tempfile::tempdir().unwrap();
            run(&board, base.path(), Some(set.clone())).unwrap();
            assert_eq!(state_of(&board).0, ProductState::Open, "the password works");
        }
    }
    println!("{interruptions} interruptions of {total} transactions, each finished by the second write");
}

#[test]
fn an_otp_that_holds_something_else_is_left_alone() {
    let part: PartId = "STM32H503".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in ["mine", "other"] {
        made(part, DaMethod::Password, &folder.path().join(name));
    }
    let wanted = |name: &str| Request {
        once_for_life: true,
        ..request(part, &[&folder.path().join(name).join("password.bin")])
    };
    let board = VirtualBoard::with_chip(
        "chip",
        stuck("STM32H503", TrustZone::Disabled, provost_twin::presets::practice_world()),
    );
    let error = write_all(&board, &Request { once_for_life: false, ..wanted("mine") }).unwrap_err();
    assert_eq!(error.code(), "h503-otp");
    assert!(board.board().silicon().nvm().otp.iter().all(|half| *half == u16::MAX), "nothing is written unasked");
    write_all(&board, &wanted("other")).unwrap();
    let before = board.board().silicon().nvm().clone();
    assert_eq!(write_all(&board, &wanted("mine")).unwrap_err().code(), "otp-not-blank");
    assert_eq!(*board.board().silicon().nvm(), before);
}
