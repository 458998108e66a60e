//! What programming and reading 512 KB cost on the wire, held against the least that a 32-bit AHB-AP needs.
//!
//! `cargo bench -p provost-ops --bench flash`: fails if more than 5 % is spent on top.
//!
//! # The least
//!
//! An AHB-AP with 32-bit data moves one word per access of DRW: 256 accesses per KB. TAR counts up by itself within 1 KB only
//! (Arm IHI 0031, "Auto-incrementing the TAR"), so each KB needs one write of TAR. That makes 257 transactions per KB that no host
//! can avoid, whatever the probe: erasing, polling and selecting come on top, and are counted against the 5 %.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

use divan::Bencher;
use provost_bench::Bench;
use provost_chip::rules::RuleId;
use provost_ops::{
    Narrator, Silent,
    flash::{
        Flash,
        image::{Format, Image},
    },
    identify::identify,
    option_bytes::OptionBytes,
};
use provost_twin::{board::VirtualBoard, presets::Maker, wire::Wire as _};

const KB: u64 = 512;
/// Transactions per KB: 256 of DRW, one of TAR.
const LEAST: f64 = 257.0;
const MOST: f64 = 1.05;

fn main() {
    let [programming, reading] = transactions();
    for (what, count) in [("erase and program", programming), ("read back", reading)] {
        let per_kb = count as f64 / KB as f64;
        let share = per_kb / LEAST;
        println!(
            "{what} {KB} KB: {count} SWD transactions, {per_kb:.1} per KB, {:.1} % of the least ({LEAST})",
            share * 100.0
        );
        assert!(share <= MOST, "{what}: more than {:.0} % of the least", MOST * 100.0);
    }
    divan::main();
}

fn board() -> VirtualBoard {
    VirtualBoard::with_chip("bench", Maker::new("STM32H563".parse().unwrap(), 1).make())
}

fn image() -> Image {
    let bytes = (0..KB as u32 * 1024).map(|n| (n.wrapping_mul(0x9E37_79B9) >> 24) as u8).collect();
    Image::from_segments(Format::Binary, vec![(0x0800_0000, bytes)]).unwrap()
}

/// Notes how many transactions there were when each step began.
struct Counter {
    board: VirtualBoard,
    steps: Vec<u64>,
}

impl Narrator for Counter {
    fn step(&mut self, _what: &str, _why: &[RuleId]) {
        self.steps.push(self.board.board().stats().transactions);
    }
    fn note(&mut self, what: &str) {
        panic!("nothing to note was expected: {what}");
    }
}

/// Those of erasing and programming, and those of reading back, with everything that belongs to them.
fn transactions() -> [u64; 2] {
    let board = board();
    let mut bench = Bench::on_board(board.clone());
    let identity = identify(&mut bench.session).unwrap();
    let bytes = OptionBytes::read(&mut bench.session, &identity, None).unwrap();
    let mut counter = Counter { board: board.clone(), steps: Vec::new() };
    Flash::of(&bytes).unwrap().write(&mut bench.session, &image(), &mut counter).unwrap();
    let end = board.board().stats().transactions;
    let [programming, reading] = counter.steps[..] else { panic!("two steps were expected") };
    [reading - programming, end - reading]
}

#[divan::bench(sample_count = 10)]
fn write_512_kb(bencher: Bencher<'_, '_>) {
    let image = image();
    bencher.with_inputs(|| Bench::on_board(board())).bench_local_values(|mut bench| {
        let identity = identify(&mut bench.session).unwrap();
        let bytes = OptionBytes::read(&mut bench.session, &identity, None).unwrap();
        Flash::of(&bytes).unwrap().write(&mut bench.session, &image, &mut Silent).unwrap()
    });
}
