//! What status, rescue and close cost on the wire, held against a budget, and how long they take on a virtual chip.
//!
//! `cargo bench -p provost-ops`: fails if a budget is exceeded.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

use divan::Bencher;
use provost_bench::Bench;
use provost_chip::states::{ProductState, TrustZone};
use provost_ops::{
    Silent,
    close::{self, Digest, Policy, Site, Wish as CloseWish},
    credential::CredentialSet,
    identify::identify,
    rescue::{Wish, rescue},
};
use provost_twin::{board::VirtualBoard, presets::Maker, silicon::FirmwareBehaviour, wire::Wire as _};

/// SWD transactions: what, at most, and why so many.
const BUDGET: [(&str, u64, &str); 5] = [
    ("status", 32, "attach, find DBGMCU, read its status, four option words"),
    (
        "rescue with a certificate",
        1400,
        "three certificates and a token are 210 mailbox words, each polled, written and confirmed",
    ),
    ("rescue with a password", 700, "the same without certificates"),
    (
        "close",
        1300,
        "each option word twice, two pieces of firmware of 516 bytes read back, two changes of state, an object, two discoveries",
    ),
    (
        "close with a rehearsal",
        3100,
        "the same and a rescue; option words and firmware written again, and read once more",
    ),
];

fn main() {
    let measured = [
        transactions("stuck-in-provisioning", false),
        transactions("stuck-in-provisioning", true),
        transactions("provisioning-without-trustzone", true),
        close_transactions("STM32H563", false),
        close_transactions("STM32H533", true),
    ];
    for ((what, most, why), count) in BUDGET.into_iter().zip(measured) {
        println!("{what}: {count} SWD transactions (budget {most}: {why})");
        assert!(count <= most, "{what} exceeds its budget of {most} SWD transactions");
    }
    divan::main();
}

fn transactions(preset: &str, whole: bool) -> u64 {
    let board = VirtualBoard::open(preset).unwrap();
    let base = tempfile::tempdir().unwrap();
    if whole {
        run(&board, base.path(), None);
    } else {
        identify(&mut Bench::on_board(board.clone()).session).unwrap();
    }
    let stats = board.board().stats();
    stats.transactions
}

/// A close with a chain of three certificates; the pieces of flash that hold the firmware are read, and nothing else.
fn close_transactions(part: &str, rehearse: bool) -> u64 {
    let base = tempfile::tempdir().unwrap();
    let mut maker = Maker::new(part.parse().unwrap(), 1);
    maker.tz = TrustZone::Enabled;
    maker.firmware = Some(FirmwareBehaviour { non_secure: true, regresses: false, ..FirmwareBehaviour::default() });
    let board = VirtualBoard::with_chip("chip", maker.make());
    let folder = base.path().join("set");
    let (set, keys) = CredentialSet::generate(&folder).unwrap();
    set.save(&keys, maker.part.info().crypto).unwrap();
    let piece = |address| Digest { name: "firmware".to_owned(), address, size: 516, sha256: String::new() };
    let wish = CloseWish {
        objects: Vec::new(),
        part: Some(maker.part.into()),
        target: ProductState::TzClosed,
        credential: Some(folder),
        images: vec![piece(0x0C00_0000), piece(0x0800_0000 + maker.flash.bank())],
        options: std::collections::BTreeMap::new(),
        encrypt_word: None,
        rehearse,
        rehearse_only: false,
        overrides: Vec::new(),
        forever: false,
    };
    let site = Site {
        chip: "chip".to_owned(),
        out: (&base.path().join("out")).into(),
        policy: Policy::default(),
        temporary: Vec::new(),
        samples: close::known_sample,
        credential: None,
        keys: provost_ops::credential::Keys::default(),
        escrow: None,
        this_is: None,
    };
    let mut bench = Bench::on_board(board.clone());
    close::close(&mut bench.session, &wish, &site, &mut |_: &str| true, &mut Silent).unwrap();
    let stats = board.board().stats();
    stats.transactions
}

fn run(board: &VirtualBoard, base: &std::path::Path, credential: Option<CredentialSet>) {
    let wish = Wish {
        chip: board.name().to_owned(),
        part: None,
        credential,
        out: base.into(),
        inside: false,
        encrypt_word: None,
        one_shot: false,
        once_for_life: false,
        this_is: None,
    };
    rescue(&mut Bench::on_board(board.clone()).session, wish, &mut Silent).unwrap();
}

#[divan::bench]
fn status(bencher: Bencher<'_, '_>) {
    let board = VirtualBoard::open("stuck-in-provisioning").unwrap();
    bencher.bench_local(|| identify(&mut Bench::on_board(board.clone()).session).unwrap());
}

#[divan::bench(sample_count = 50)]
fn whole_rescue(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(|| (VirtualBoard::open("stuck-in-provisioning").unwrap(), tempfile::tempdir().unwrap()))
        .bench_local_values(|(board, base)| run(&board, base.path(), None));
}
