//! What status and rescue cost on the wire, held against a budget, and how long they take on a virtual chip.
//!
//! `cargo bench -p provost-ops`: fails if a budget is exceeded.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

use divan::Bencher;
use provost_ops::{
    Silent,
    bench::Bench,
    credential::CredentialSet,
    identify::identify,
    rescue::{Request, RescueFolder, rescue},
};
use provost_twin::{board::VirtualBoard, wire::Wire as _};

/// SWD transactions: what, at most, and why so many.
const BUDGET: [(&str, u64, &str); 3] = [
    ("status", 60, "attach, find DBGMCU, read its status, four option words"),
    (
        "rescue with a certificate",
        1500,
        "three certificates and a token are 210 mailbox words, each polled, written and confirmed",
    ),
    ("rescue with a password", 800, "the same without certificates"),
];

fn main() {
    let measured = [
        transactions("stuck-in-provisioning", false),
        transactions("stuck-in-provisioning", true),
        transactions("provisioning-without-trustzone", true),
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

fn run(board: &VirtualBoard, base: &std::path::Path, credential: Option<CredentialSet>) {
    let folder = RescueFolder::choose(base, board.name()).unwrap();
    let request = Request {
        chip: board.name().to_owned(),
        part: None,
        credential,
        folder,
        one_shot: false,
        once_for_life: false,
    };
    rescue(&mut Bench::on_board(board.clone()).session, request, &mut Silent).unwrap();
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
