//! A close whose program is killed with its virtual chip in a file: what was read back and journalled is in the file, and the next run
//! goes on with that.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use provost_chip::states::{ProductState, TrustZone};
use provost_twin::{board::VirtualBoard, chipfile, silicon::Silicon, wire::Wire as _};

use crate::closing::{open_chip, request, resume, root_only_set, run, run_on, scratch, state_of};
use crate::deadly::{Interruption, every_index, interrupted_bench};

const PART: &str = "STM32H533";

/// The chip in a file of its own. A board that is dropped keeps nothing, as a killed program does.
fn on_file(path: &Path, silicon: &Silicon) -> VirtualBoard {
    chipfile::store(path, silicon).unwrap();
    open(path)
}

fn open(path: &Path) -> VirtualBoard {
    VirtualBoard::open(path.to_str().unwrap()).unwrap()
}

/// One moment in thirty: after each the chip is what its file says, and no more.
#[test]
fn a_killed_close_goes_on_with_what_the_file_of_its_chip_kept() {
    let scratch = scratch();
    let set = scratch.path().join("set");
    root_only_set(&set);
    let asked = |base: &Path| {
        let mut request = request(PART, TrustZone::Enabled, ProductState::TzClosed, base);
        request.credential = Some(set.clone());
        request.rehearse = true;
        request
    };
    let made = open_chip(PART, TrustZone::Enabled, provost_twin::presets::practice_world());
    let board = on_file(&scratch.path().join("whole.chip"), &made);
    let before = board.board().stats().transactions;
    run(&board, &asked(&scratch.path().join("whole"))).unwrap();
    let count = (board.board().stats().transactions - before) / 30;
    drop(board);
    let endings = every_index(scratch.path(), count, |index, base| {
        let _ = std::fs::remove_dir_all(base);
        std::fs::create_dir_all(base).unwrap();
        let chip = base.join("board.chip");
        let board = on_file(&chip, &made);
        let mut bench = interrupted_bench(&board, Interruption::ProgramKilled, index * 30);
        let request = asked(base);
        let killed = catch_unwind(AssertUnwindSafe(|| run_on(&mut bench, &request).is_ok()));
        drop(bench);
        drop(board);
        let board = open(&chip);
        let ended = match resume(&board, &request) {
            Ok(_) => "resumed",
            Err(error) if error.code() == "close-nothing-to-resume" && killed.is_ok_and(|done| done) => "was done",
            Err(error) if error.code() == "close-nothing-to-resume" => {
                run(&board, &request).unwrap_or_else(|e| panic!("at {}: {e}", index * 30));
                "begun anew"
            }
            Err(error) => panic!("at {}: {error}", index * 30),
        };
        assert_eq!(state_of(&board).0, ProductState::TzClosed, "at {}", index * 30);
        ended.to_owned()
    });
    println!("{endings:?}");
    assert!(endings["resumed"] > 50);
}
