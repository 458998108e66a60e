//! A selfcheck reports exactly the switches that a chip was made with, as far as its level sees them, and leaves the chip as it was.
//!
//! What a level sees is written down here a second time, from the questions and not from the code: [`visible`].

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use provost_bench::Bench;
use provost_chip::{
    assumptions::{Assumptions, LeaveRssDa, OpenDiscovery, RssChecksum, RssEncryptWord, SocId},
    parts::{DaStore, PartId},
    states::{ProductState, TrustZone},
};
use provost_link::trace::{Replay, Tape, Trace};
use provost_ops::{
    Silent,
    drive::service::EncryptWord,
    error::{Exit, Failure},
    selfcheck::{Hands, Level, Selfcheck, Wish, may_be_shown, selfcheck, without_identity},
    session::Session,
};
use provost_testkit::{Random, figures::stated};
use provost_twin::{INVENTED_ENCRYPT_WORD, board::VirtualBoard, presets::Maker};

/// As docs/figures.md names it.
const CAMPAIGN: &str = "selfcheck::";
const DISCOVERY: [&str; 4] = ["reply-word", "tlv-padding", "lifecycle-word", "vendor-order"];

/// Takes the plug out, counts to ten, and puts it in again.
struct Person(VirtualBoard);

impl Hands for Person {
    fn cycle_power(&mut self) -> bool {
        self.0.board().power_cycle();
        self.0.advance(Duration::from_secs(1));
        true
    }
}

/// Nobody, or the memory of somebody.
struct Nobody(bool);

impl Hands for Nobody {
    fn cycle_power(&mut self) -> bool {
        self.0
    }
}

fn chip(part: PartId, world: Assumptions) -> VirtualBoard {
    let mut maker = Maker::new(part, 0x0043_0052);
    maker.flash = part.info().flash_sizes.iter().copied().min_by_key(|size| size.kb()).unwrap();
    maker.assumptions = world;
    board(&maker)
}

fn board(maker: &Maker) -> VirtualBoard {
    let board = VirtualBoard::with_chip("chip", maker.make());
    // A person has tied BOOT0 to VDD, and powered the board after that.
    board.board().silicon_mut().set_boot0(true);
    board.board().power_cycle();
    board.advance(Duration::from_secs(1));
    board
}

fn wish(part: PartId, level: Level, out: &std::path::Path) -> Wish {
    Wish { level, part: Some(part.into()), chip: "chip".to_owned(), out: out.into(), encrypt_word: None }
}

fn measured(board: &VirtualBoard, wish: &Wish) -> (Result<Selfcheck, Failure>, Tape) {
    let (mut bench, tape) = Bench::with_host(board.clone(), board.host()).recorded(may_be_shown);
    (selfcheck(&mut bench.session, wish, &mut Person(board.clone()), &mut Silent), tape)
}

/// What each switch must be reported as: the values that a level leaves possible on such a chip.
fn visible(part: PartId, level: Level, world: &Assumptions) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut seen: BTreeSet<&str> = ["dbgmcu-address", "otp-blank-read"].into();
    let mut discovered = false;
    if level >= Level::Resets {
        seen.extend(["open-discovery", "ack-roles"]);
        discovered = world.open_discovery == OpenDiscovery::Answers;
    }
    if level >= Level::Provisioning {
        let crypto = part.info().crypto;
        seen.extend(["rss-tz-off", "rss-checksum"]);
        if world.rss_checksum != RssChecksum::Unlisted {
            seen.insert("rss-encrypt-word");
            // No word that is public makes an object which such a chip could use: it stays Open.
            if !(crypto && world.rss_encrypt_word == RssEncryptWord::Strict) {
                seen.extend(["rss-return", "tzen-in-provisioning"]);
                discovered = true;
                if crypto {
                    seen.insert("plain-object");
                }
            }
        }
    }
    if discovered {
        seen.extend(DISCOVERY);
        seen.extend(["leave-rss-da", "soc-id"]);
    }
    let possible = |name: &'static str, values: &'static [&'static str]| match world.get(name) {
        // What it is in Closed only a closed chip shows.
        Some("unique-id" | "zero-in-closed") if seen.contains(name) => vec!["unique-id", "zero-in-closed"],
        Some(value) if seen.contains(name) => vec![value],
        _ => values.to_vec(),
    };
    Assumptions::switches().iter().map(|s| (s.name, possible(s.name, s.values))).collect()
}

fn check(part: PartId, level: Level, world: Assumptions) -> (Selfcheck, Trace) {
    let out = tempfile::tempdir().unwrap();
    let board = chip(part, world);
    let words = board.board().silicon().nvm().options.clone();
    let (found, tape) = measured(&board, &wish(part, level, out.path()));
    let found = found.unwrap_or_else(|error| panic!("{part} {level:?} {world}: {} {error}", error.code()));
    let expected = visible(part, level, &world);
    for answer in &found.switches {
        assert_eq!(answer.possible, expected[answer.switch], "{part} {level:?} {world}: {} {found:#?}", answer.switch);
        assert_eq!(answer.value, (answer.possible.len() == 1).then(|| answer.possible[0]));
        assert!(!answer.because.is_empty());
    }
    assert_eq!(found.switches.len(), expected.len());
    assert!(found.as_before, "{part} {level:?} {world}");
    let now = board.board();
    let silicon = now.silicon();
    assert_eq!((silicon.chip().state, silicon.chip().tz), (ProductState::Open, TrustZone::Disabled), "{world}");
    assert_eq!(silicon.nvm().options, words, "{part} {level:?} {world}");
    assert!(silicon.nvm().flash.values().all(|sector| sector.iter().all(|byte| *byte == 0xFF)));
    assert_eq!(silicon.chip().da, None, "{part} {level:?} {world}");
    (found, tape.trace())
}

fn names(level: Level) -> Vec<&'static str> {
    let mut names = vec!["dbgmcu-address", "otp-blank-read"];
    if level >= Level::Resets {
        names.extend(["open-discovery", "ack-roles", "soc-id", "leave-rss-da"]);
        names.extend(DISCOVERY);
    }
    names
}

#[test]
fn every_combination_that_reading_sees() {
    let mut runs = 0;
    for part in PartId::all() {
        for world in Assumptions::combinations(&names(Level::Reading)) {
            check(part, Level::Reading, world);
            runs += 1;
        }
    }
    println!("{runs} chips read");
    stated(CAMPAIGN, &[runs]);
}

#[test]
fn every_combination_that_resets_see() {
    let mut runs = 0;
    for part in PartId::all() {
        for world in Assumptions::combinations(&names(Level::Resets)) {
            // What a chip that does not answer keeps to itself need not be varied.
            let silent = world.open_discovery == OpenDiscovery::Silent;
            let hidden = Assumptions { ack_roles: world.ack_roles, ..Assumptions::default() };
            let hidden =
                Assumptions { otp_blank_read: world.otp_blank_read, dbgmcu_address: world.dbgmcu_address, ..hidden };
            if !silent || world == hidden {
                check(part, Level::Resets, world);
                runs += 1;
            }
        }
    }
    println!("{runs} chips reset");
    stated(CAMPAIGN, &[runs]);
}

/// What decides how a journey goes.
const ROAD: [&str; 7] = [
    "leave-rss-da",
    "tzen-in-provisioning",
    "rss-return",
    "rss-checksum",
    "rss-encrypt-word",
    "rss-tz-off",
    "plain-object",
];
/// What is seen on the way, and does not decide where it goes.
const SIGHTS: [&str; 9] = [
    "reply-word",
    "ack-roles",
    "tlv-padding",
    "lifecycle-word",
    "vendor-order",
    "soc-id",
    "otp-blank-read",
    "open-discovery",
    "dbgmcu-address",
];

/// A world with this road, and sights that are picked by its number.
fn with_sights(mut world: Assumptions, number: usize) -> Assumptions {
    let mut random = Random::new(number as u64);
    for name in SIGHTS {
        let switch = Assumptions::switches().iter().find(|s| s.name == name).unwrap();
        world.set(name, switch.values[random.below(switch.values.len())]).unwrap();
    }
    world
}

/// Every road on a part of each kind, some of them on every other part; with every pair of sights.
#[test]
fn every_road_to_provisioning_and_back() {
    let roads: Vec<Assumptions> = Assumptions::combinations(&ROAD).collect();
    let mut pairs = BTreeSet::new();
    let mut runs = 0;
    for (nth, part) in PartId::all().filter(|part| part.info().da_store != DaStore::Otp).enumerate() {
        let whole = ["STM32H523", "STM32H533"].contains(&part.to_string().as_str());
        for (index, road) in roads.iter().enumerate().filter(|(index, _)| whole || index % 29 == nth) {
            let world = with_sights(*road, index + nth * roads.len());
            let sight = |name: &&'static str| (*name, world.get(name).unwrap());
            for a in SIGHTS.iter().map(sight) {
                pairs.extend(SIGHTS.iter().map(sight).map(|b| (a, b)));
            }
            check(part, Level::Provisioning, world);
            runs += 1;
        }
    }
    let values = |name: &str| Assumptions::switches().iter().find(|s| s.name == name).unwrap().values.len();
    let all: usize = SIGHTS
        .iter()
        .map(|a| SIGHTS.iter().map(|b| if a == b { values(a) } else { values(a) * values(b) }).sum::<usize>())
        .sum();
    assert_eq!(pairs.len(), all, "every two values of the sights meet");
    println!("{runs} chips taken to Provisioning and back");
    stated(CAMPAIGN, &[runs]);
}

/// With the word that is not public, what a plain object looks like is seen where words are strict, too.
#[test]
fn the_word_of_somebody_who_knows_it() {
    for part in ["STM32H533", "STM32H563"] {
        let part: PartId = part.parse().unwrap();
        for world in Assumptions::combinations(&["plain-object", "leave-rss-da"]) {
            let out = tempfile::tempdir().unwrap();
            let board = chip(part, world);
            let known = if part.info().crypto { EncryptWord::new(INVENTED_ENCRYPT_WORD) } else { EncryptWord::CACA };
            let wish = Wish { encrypt_word: Some(known), ..wish(part, Level::Provisioning, out.path()) };
            let found = measured(&board, &wish).0.unwrap();
            let value = |name: &str| found.switches.iter().find(|a| a.switch == name).unwrap().value;
            assert_eq!(value("rss-encrypt-word"), Some("strict"));
            assert_eq!(value("plain-object"), part.info().crypto.then(|| world.plain_object.as_str()));
            assert!(found.as_before && found.stopped.is_none());
        }
    }
}

#[test]
fn a_chip_that_is_not_fresh_is_refused_and_untouched() {
    let part: PartId = "STM32H563".parse().unwrap();
    let state = |state, tz| Maker { state, tz, ..Maker::new(part, 1) };
    let firmware = Maker { firmware: Some(Default::default()), ..Maker::new(part, 1) };
    for level in Level::ALL {
        for (maker, code) in [
            (state(ProductState::Provisioning, TrustZone::Disabled), "selfcheck-not-open"),
            (state(ProductState::Closed, TrustZone::Disabled), "selfcheck-not-open"),
            (state(ProductState::Open, TrustZone::Enabled), "selfcheck-not-open"),
            (firmware.clone(), "selfcheck-not-empty"),
        ] {
            let out = tempfile::tempdir().unwrap();
            let board = board(&maker);
            let error = measured(&board, &wish(part, level, out.path())).0.unwrap_err();
            assert_eq!((error.code(), error.exit()), (code, Exit::Refused), "{level:?}");
            assert_eq!(board.board().silicon().chip().state, maker.state);
            assert!(std::fs::read_dir(out.path()).unwrap().next().is_none());
        }
    }
}

#[test]
fn a_bench_that_is_not_ready_is_refused() {
    let h563: PartId = "STM32H563".parse().unwrap();
    let h503: PartId = "STM32H503".parse().unwrap();
    let out = tempfile::tempdir().unwrap();
    let code = |board: &VirtualBoard, wish: &Wish| measured(board, wish).0.unwrap_err().code();
    let level3 = |part| wish(part, Level::Provisioning, out.path());

    assert_eq!(code(&chip(h503, Assumptions::default()), &level3(h503)), "selfcheck-once-for-life");
    let unnamed = Wish { part: None, ..level3(h563) };
    assert_eq!(code(&chip(h563, Assumptions::default()), &unnamed), "selfcheck-part-needed");

    let board = chip(h563, Assumptions::default());
    board.board().silicon_mut().set_nrst_wired(false);
    assert_eq!(code(&board, &wish(h563, Level::Resets, out.path())), "nrst-not-wired");

    let board = chip(h563, Assumptions::default());
    board.board().silicon_mut().set_boot0(false);
    assert_eq!(code(&board, &level3(h563)), "selfcheck-no-bootloader");
    assert_eq!(board.board().silicon().chip().da, None);

    // Nobody removes the power.
    let world = Assumptions {
        leave_rss_da: LeaveRssDa::Power,
        open_discovery: OpenDiscovery::Answers,
        ..Assumptions::default()
    };
    let board = chip(h563, world);
    let mut bench = Bench::with_host(board.clone(), board.host());
    let error = selfcheck(&mut bench.session, &wish(h563, Level::Resets, out.path()), &mut Nobody(false), &mut Silent)
        .unwrap_err();
    assert_eq!((error.code(), error.exit()), ("selfcheck-power-needed", Exit::PersonMustAct));
}

/// A trace holds neither the credential nor the id of the chip, and says the same when it is played.
#[test]
fn a_replay_finds_the_same() {
    for (part, level, word) in [
        ("STM32H503", Level::Resets, RssEncryptWord::Strict),
        ("STM32H563", Level::Reading, RssEncryptWord::Strict),
        ("STM32H563", Level::Provisioning, RssEncryptWord::Strict),
        ("STM32H533", Level::Provisioning, RssEncryptWord::CacaIsEncrypted),
    ] {
        let part: PartId = part.parse().unwrap();
        for world in Assumptions::combinations(&["leave-rss-da", "tlv-padding", "plain-object", "open-discovery"]) {
            let world = Assumptions { rss_encrypt_word: word, soc_id: SocId::UniqueId, ..world };
            let (found, trace) = check(part, level, world);
            let text = without_identity(trace).to_string();
            assert!(!text.contains("33325117"), "{world}: the id is in the trace");
            assert!(text.contains("5a5a5a5a"), "{world}: where the id was, something else is");
            let out = tempfile::tempdir().unwrap();
            let replay = Replay::new(text.parse().unwrap(), "replay");
            let mut session = Session::new(Box::new(replay));
            let again =
                selfcheck(&mut session, &wish(part, level, out.path()), &mut Nobody(true), &mut Silent).unwrap();
            assert_eq!(again, found, "{part} {level:?} {world}");
        }
    }
}

/// No word of the credential that went into the chip is in the trace.
#[test]
fn a_trace_holds_no_word_of_the_credential() {
    let part: PartId = "STM32H563".parse().unwrap();
    let out = tempfile::tempdir().unwrap();
    let board = chip(part, Assumptions::default());
    let (found, tape) = measured(&board, &wish(part, Level::Provisioning, out.path()));
    found.unwrap();
    let text = tape.trace().to_string();
    let folder = out.path().join("selfcheck/credential-1");
    let mut words = 0;
    for file in ["password.bin", "DA_ConfigWithPassword.obk", "DA_Config.obk"] {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        for chunk in bytes.chunks_exact(4) {
            let word = u32::from_le_bytes(chunk.try_into().unwrap());
            // Masks and lengths are no secret, and are in any trace.
            if word > 0x00FF_FFFF && (8..=24).contains(&word.count_ones()) {
                words += 1;
                assert!(!text.contains(&format!(" {word:08x}")), "{file}: {word:08x}");
            }
        }
    }
    assert!(words > 20, "{words}");
}
