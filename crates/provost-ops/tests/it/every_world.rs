//! The rescue in every world that the public sources allow: every part with TrustZone, TrustZone on and off, every
//! combination of the switches that concern it. Each ends in Open, or stops with exit code 4 and nothing lost; and it
//! stops only where a search of the model finds nothing that a host could still do.

use crate::common;
use provost_testkit::figures::stated;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use common::{Log, rescue_wish, state_of, stuck, wish};
use provost_adac::{
    certificate::{Certificate, Role},
    chain::Chain,
    key::PrivateKey,
    password::Password,
    permission::PermissionMask,
    scope::Scope,
};
use provost_bench::Bench;
use provost_chip::{
    assumptions::Assumptions,
    model::{
        World,
        search::{Means, host_actions, way_to_open},
    },
    parts::PartId,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_ops::{credential::CredentialSet, error::Exit, rescue::Wish};
use provost_twin::board::VirtualBoard;

/// What comes out, worked out by hand from the rules. 11 parts with TrustZone, 5 of them with secure AES, each with TrustZone on and off:
/// 22 × 9,216 worlds.
///
/// TrustZone off, the service faults, TZEN frozen: a quarter of 11 × 9,216 is out of reach. Of the 16,128 that are left to each part a
/// quarter wants a checksum that is on no list. Of the 12,096 that are left then, parts without secure AES open in all; the others stop in
/// the third in which the word is not public, and in half of the third in which 0 stores as it is they need a power cycle first.
const EXPECTED: [(&str, usize); 5] = [
    ("Open", 6 * 12_096 + 5 * (4_032 + 2_016)),
    ("da-power-cycle-needed, then Open", 5 * 2_016),
    ("rss-checksum-unknown", 11 * 4_032),
    ("rss-encrypt-word-unknown", 5 * 4_032),
    ("rss-unreachable", 11 * 2_304),
];

/// How an outcome is counted.
type Counts = BTreeMap<String, usize>;

struct Case {
    part: PartId,
    tz: TrustZone,
    assumptions: Assumptions,
}

fn cases() -> Vec<Case> {
    let names: Vec<&str> = Assumptions::switches().iter().filter(|s| s.concerns_rescue).map(|s| s.name).collect();
    let mut cases = Vec::new();
    for part in PartId::all().filter(|p| p.info().trustzone) {
        for tz in TrustZone::ALL {
            cases.extend(Assumptions::combinations(&names).map(|assumptions| Case { part, tz, assumptions }));
        }
    }
    cases
}

/// Ids by which the model knows the hashes of a credential.
fn means(set: &CredentialSet) -> Means {
    let id = |method| {
        let hash = set.object(method).unwrap().unwrap().payload().to_bytes();
        u32::from_le_bytes(hash[32..36].try_into().unwrap())
    };
    Means { certificate: id(DaMethod::Certificate), password: id(DaMethod::Password), person: false }
}

/// What the model says can still be done with the chip on this board.
fn ways_left(board: &VirtualBoard, means: &Means) -> bool {
    let board = board.board();
    let silicon = board.silicon();
    let world = World { chip: *silicon.chip(), bench: *silicon.bench(), assumptions: *silicon.assumptions() };
    way_to_open(world, &host_actions(means)).is_some()
}

/// Runs one case to its end: a person removes power as often as asked (at most as often as there are ways to try).
fn outcome(case: &Case, base: &Path, set: &CredentialSet, means: &Means) -> String {
    let name = format!("{} TrustZone {} {}", case.part, case.tz, case.assumptions);
    let silicon = stuck(case.part.info().name, case.tz, case.assumptions);
    let board = VirtualBoard::with_chip("chip", silicon);
    let way_at_first = ways_left(&board, means);
    let mut reasons = Vec::new();
    for _ in 0..5 {
        // Which of the parts with this DEV_ID it is stands on the package.
        let wish = Wish { part: Some(case.part.into()), ..wish(&board, base, Some(set.clone())) };
        let error = match rescue_wish(&mut Bench::on_board(board.clone()), wish, &mut Log::default()) {
            Ok(_) => {
                assert_eq!(state_of(&board), (ProductState::Open, TrustZone::Disabled), "{name}");
                reasons.push("Open".to_owned());
                break;
            }
            Err(error) => error,
        };
        assert_eq!(error.exit(), Exit::PersonMustAct, "{name}: {error}");
        assert_eq!(state_of(&board).0, ProductState::Provisioning, "{name}: still rescuable");
        assert!(!ways_left(&board, means), "{name}: stopped with {} although a host could go on", error.code());
        reasons.push(error.code().to_owned());
        if error.code() != "da-power-cycle-needed" {
            assert!(!way_at_first, "{name}: {} although there was a way", error.code());
            break;
        }
        assert!(ways_left_after_power_cycle(&board, means), "{name}: lost");
        board.board().power_cycle();
        board.advance(std::time::Duration::from_secs(1));
    }
    assert!(reasons.len() < 5, "{name}: {reasons:?}");
    std::fs::remove_dir_all(base.join("chip")).unwrap();
    reasons.join(", then ")
}

fn ways_left_after_power_cycle(board: &VirtualBoard, means: &Means) -> bool {
    let board = board.board();
    let silicon = board.silicon();
    let world = World { chip: *silicon.chip(), bench: *silicon.bench(), assumptions: *silicon.assumptions() };
    way_to_open(world, &host_actions(&Means { person: true, ..*means })).is_some()
}

/// A credential whose chain is a root alone, the shortest of the three shapes: what is provisioned and how it is used is
/// the same, and each rescue verifies fewer signatures.
fn root_only_set(folder: &Path) -> CredentialSet {
    let root = PrivateKey::generate().unwrap();
    let certificate = Certificate::builder(Role::Root)
        .scope(Scope::STANDARD)
        .permissions(PermissionMask::STM32H5)
        .self_sign(&root)
        .unwrap();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("cert_leaf_chain.b64"), Chain::new(vec![certificate]).to_base64()).unwrap();
    std::fs::write(folder.join("key_3_leaf.pem"), root.to_pem().unwrap().as_bytes()).unwrap();
    std::fs::write(folder.join("password.bin"), Password::new(b"every world").unwrap().to_file()).unwrap();
    CredentialSet::load(folder).unwrap()
}

/// Scratch space in memory where there is such a thing: the journals are synced to it thousands of times.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn run_all(cases: &[Case]) -> Counts {
    let scratch = scratch();
    let set = root_only_set(&scratch.path().join("set"));
    let means = means(&set);
    let next = AtomicUsize::new(0);
    let counts = Mutex::new(Counts::new());
    std::thread::scope(|scope| {
        for worker in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let base = scratch.path().join(worker.to_string());
            let (next, counts, set, means) = (&next, &counts, &set, &means);
            scope.spawn(move || {
                let mut mine = Counts::new();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    *mine.entry(outcome(case, &base, set, means)).or_default() += 1;
                }
                let mut all = counts.lock().unwrap();
                for (reason, count) in mine {
                    *all.entry(reason).or_default() += count;
                }
            });
        }
    });
    counts.into_inner().unwrap()
}

#[test]
fn every_world_ends_in_open_or_stops_with_nothing_lost() {
    let cases = cases();
    let counts = run_all(&cases);
    println!("{} rescues:", cases.len());
    for (reason, count) in &counts {
        println!("{count:8}  {reason}");
    }
    let expected = EXPECTED.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect();
    assert_eq!(counts, expected, "explain here and in docs/figures.md what has changed");
    assert_eq!(counts.values().sum::<usize>(), cases.len());
    stated("every_world::", &EXPECTED.map(|(_, count)| count));
    stated("every_world::", &[cases.len()]);
}
