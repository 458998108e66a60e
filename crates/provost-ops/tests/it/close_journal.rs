//! The journal of a close: its last record torn at every byte, after every record there is. What a torn record had announced was
//! not begun, and the close is finished all the same.

use crate::closing;
use crate::deadly;
use provost_testkit::figures::stated;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use closing::{Request, board, request, resume, root_only_set, run, run_on, scratch, state_of};
use deadly::{Interruption, Killed, every_index, interrupted_bench, mend};
use provost_chip::states::{ProductState, TrustZone};
use provost_twin::{board::VirtualBoard, wire::Wire as _};

const PART: &str = "STM32H563";
const TARGET: ProductState = ProductState::TzClosed;

fn asked(base: &Path, set: &Path) -> Request {
    let mut request = request(PART, TrustZone::Enabled, TARGET, base);
    request.credential = Some(set.to_owned());
    request
}

fn journal(base: &Path) -> PathBuf {
    base.join("out/chip/journal")
}

/// A program that dies at this transaction; the board as it is then.
fn killed_at(index: u64, base: &Path, set: &Path) -> VirtualBoard {
    let _ = std::fs::remove_dir_all(base);
    let board = board(PART, TrustZone::Enabled);
    let mut bench = interrupted_bench(&board, Interruption::ProgramKilled, index);
    match catch_unwind(AssertUnwindSafe(|| run_on(&mut bench, &asked(base, set)))) {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => panic!("at {index}: {error}"),
        Err(payload) => assert!(payload.is::<Killed>(), "at {index}"),
    }
    mend(&board, Interruption::ProgramKilled);
    board
}

fn records(base: &Path) -> usize {
    std::fs::read(journal(base)).map_or(0, |text| text.iter().filter(|b| **b == b'\n').count())
}

#[test]
fn torn_at_every_byte_of_every_record() {
    let scratch = scratch();
    let set = scratch.path().join("set");
    root_only_set(&set);
    let whole = board(PART, TrustZone::Enabled);
    let before = whole.board().stats().transactions;
    run(&whole, &asked(&scratch.path().join("whole"), &set)).unwrap();
    let count = whole.board().stats().transactions - before;
    let all = records(&scratch.path().join("whole"));
    // The first transaction after each record: what it announces has not been begun.
    let mut moments = Vec::new();
    every_index(scratch.path(), 0, |_, _| String::new());
    for wanted in 1..all {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = (low + high) / 2;
            killed_at(middle, &scratch.path().join("search"), &set);
            if records(&scratch.path().join("search")) >= wanted { high = middle } else { low = middle + 1 }
        }
        moments.push(low);
    }
    moments.dedup();
    let mut torn = 0;
    for moment in &moments {
        let base = scratch.path().join("torn");
        killed_at(*moment, &base, &set);
        let text = std::fs::read(journal(&base)).unwrap();
        let last = text[..text.len() - 1].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let endings = every_index(scratch.path(), (text.len() - 1 - last) as u64, |cut, base| {
            let board = killed_at(*moment, base, &set);
            let text = std::fs::read(journal(base)).unwrap();
            std::fs::write(journal(base), &text[..last + cut as usize]).unwrap();
            let request = asked(base, &set);
            let name = format!("at {moment}, {cut} bytes of the last record left");
            match resume(&board, &request) {
                Ok(_) => {}
                // Nothing of the first record is left: nothing was begun.
                Err(error) if error.code() == "close-nothing-to-resume" && last == 0 => {
                    run(&board, &request).unwrap_or_else(|e| panic!("{name}: {e}"));
                }
                Err(error) => panic!("{name}: {error}"),
            }
            assert_eq!(state_of(&board), (TARGET, TrustZone::Enabled), "{name}");
            "finished".to_owned()
        });
        torn += endings["finished"];
    }
    println!("{torn} torn records after {} moments of {all} records: each close was finished", moments.len());
    assert!(moments.len() >= 5);
    stated("close_journal::", &[torn]);
}

#[test]
fn damage_before_the_last_record_is_an_error_and_nothing_is_done() {
    let scratch = scratch();
    let set = scratch.path().join("set");
    root_only_set(&set);
    let base = scratch.path().join("base");
    let board = board(PART, TrustZone::Enabled);
    let request = asked(&base, &set);
    let mut bench = provost_bench::Bench::on_board(board.clone());
    let stopped = provost_ops::close::close(
        &mut bench.session,
        &request.wish,
        &request.site,
        &mut |_: &str| false,
        &mut provost_ops::Silent,
    )
    .unwrap_err();
    assert_eq!((stopped.code(), stopped.exit().code()), ("close-stopped", 5));
    assert_eq!(state_of(&board).0, ProductState::Provisioning);
    let mut bytes = std::fs::read(journal(&base)).unwrap();
    bytes[30] ^= 1;
    std::fs::write(journal(&base), &bytes).unwrap();
    for error in [resume(&board, &request).unwrap_err(), run(&board, &request).unwrap_err()] {
        assert_eq!(error.code(), "journal-damaged");
        assert!(error.to_string().contains("damaged at byte 0"), "{error}");
    }
    assert_eq!(state_of(&board).0, ProductState::Provisioning);
    bytes[30] ^= 1;
    std::fs::write(journal(&base), &bytes).unwrap();
    resume(&board, &request).unwrap();
    assert_eq!(state_of(&board).0, TARGET);
}
