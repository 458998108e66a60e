//! One probe, many boards: an unfinished job is of the board that it was begun on, and of no other.

use std::path::Path;

use crate::closing::{Request, board, request, resume, resume_on, root_only_set, run, scratch, state_of};
use crate::common;
use crate::deadly::{Interruption, interrupted_bench, mend};
use provost_bench::Bench;
use provost_chip::{
    assumptions::{Assumptions, LeaveRssDa, RssEncryptWord, SocId},
    side::Side,
    states::{ProductState, TrustZone},
};
use provost_ops::{
    drive::state::write_product_state,
    identify::identify,
    job::Record,
    rescue::Wish,
    store::{Kind, unfinished},
};
use provost_twin::{board::VirtualBoard, silicon::nvm::Nvm};

const PART: &str = "STM32H533";
const TARGET: ProductState = ProductState::TzClosed;

/// The board with this unique id, in Open.
fn numbered(n: u32) -> VirtualBoard {
    let mut maker = crate::closing::maker(PART, TrustZone::Enabled);
    maker.uid = [n, n, n];
    VirtualBoard::with_chip("slot", maker.make())
}

fn asked(base: &Path) -> Request {
    let mut request = request(PART, TrustZone::Enabled, TARGET, base);
    request.rehearse = true;
    request
}

/// The same in a world where no chip says who it is.
fn silent(n: u32, state: ProductState, world: Assumptions) -> VirtualBoard {
    let mut maker = crate::closing::maker(PART, TrustZone::Enabled);
    (maker.uid, maker.state) = ([n, n, n], state);
    maker.assumptions = Assumptions { soc_id: SocId::Zero, ..world };
    VirtualBoard::with_chip("slot", maker.make())
}

/// A close of this board that is cut off in Provisioning.
fn cut_off(board: &VirtualBoard, request: &Request) {
    for index in (200..4000).step_by(50) {
        let mut bench = interrupted_bench(board, Interruption::ProbeUnplugged, index);
        let stopped = crate::closing::run_on(&mut bench, request);
        drop(bench);
        mend(board, Interruption::ProbeUnplugged);
        stopped.expect_err("the close was over before it was cut off");
        if state_of(board).0 == ProductState::Provisioning {
            return;
        }
    }
    panic!("never in Provisioning");
}

/// Whatever a power cut leaves.
fn everything(board: &VirtualBoard) -> Nvm {
    board.board().silicon().nvm().clone()
}

/// By another tool: PRODUCT_STATE is written over the secure side, and the chip reset.
fn enter_provisioning(board: &VirtualBoard) {
    let session = &mut Bench::on_board(board.clone()).session;
    identify(session).unwrap();
    write_product_state(session, ProductState::Provisioning, Side::Secure).unwrap();
    session.pulse_nrst().unwrap();
    session.wait_for_ap1().unwrap();
}

fn jobs(base: &Path) -> usize {
    unfinished::<Record>(&base.join("out"), Kind::Close).unwrap().len()
}

#[test]
fn another_board_in_provisioning_is_refused_before_anything_is_written() {
    let base = scratch();
    root_only_set(&base.path().join("set"));
    let request = asked(base.path());
    let (seven, eight) = (numbered(7), numbered(8));
    cut_off(&seven, &request);
    // Board 8 got into Provisioning by other hands.
    enter_provisioning(&eight);
    let before = everything(&eight);
    for error in [resume(&eight, &request).unwrap_err(), run(&eight, &request).unwrap_err()] {
        assert_eq!((error.code(), error.exit().code()), ("close-wrong-chip", 3), "{error}");
        assert!(error.to_string().contains("00000007_00000007_00000007"), "{error}");
    }
    assert!(everything(&eight) == before, "nothing was written");
    resume(&seven, &request).unwrap();
    assert_eq!(state_of(&seven).0, TARGET);
}

#[test]
fn another_board_in_open_is_closed_and_the_unfinished_one_is_not_abandoned() {
    let base = scratch();
    root_only_set(&base.path().join("set"));
    let request = asked(base.path());
    let (seven, eight) = (numbered(7), numbered(8));
    cut_off(&seven, &request);
    run(&eight, &request).unwrap();
    assert_eq!((state_of(&eight).0, jobs(base.path())), (TARGET, 1));
    resume(&seven, &request).unwrap();
    assert_eq!((state_of(&seven).0, jobs(base.path())), (TARGET, 0));
}

#[test]
fn a_rescue_goes_on_for_its_own_board_only() {
    let base = scratch();
    let stuck = |n: u32| {
        let mut maker = common::maker(PART, ProductState::Provisioning, TrustZone::Enabled);
        maker.uid = [n, n, n];
        VirtualBoard::with_chip("slot", maker.make())
    };
    let (seven, eight) = (stuck(7), stuck(8));
    // Cut off when it has asked the chip who it is and is about to use the credential.
    let mut bench = interrupted_bench(&seven, Interruption::ProbeUnplugged, 900);
    common::rescue_on(&mut bench, &seven, base.path(), None, &mut common::Log::default()).unwrap_err();
    drop(bench);
    mend(&seven, Interruption::ProbeUnplugged);
    let unfinished = || unfinished::<Record>(base.path(), Kind::Rescue).unwrap().len();
    assert_eq!(unfinished(), 1);
    common::run(&eight, base.path(), None).unwrap();
    assert_eq!((state_of(&eight).0, unfinished()), (ProductState::Open, 1), "board 7's rescue is still there");
    common::run(&seven, base.path(), None).unwrap();
    assert_eq!((state_of(&seven).0, unfinished()), (ProductState::Open, 0));
}

#[test]
fn an_unfinished_close_is_resumed_on_any_bench_that_holds_its_board() {
    let base = scratch();
    root_only_set(&base.path().join("set"));
    let request = asked(base.path());
    let seven = numbered(7);
    cut_off(&seven, &request);
    resume_on(&mut Bench::on_board(seven.clone()), &request).unwrap();
    assert_eq!(state_of(&seven).0, TARGET);
    let other = board("STM32H563", TrustZone::Enabled);
    assert_eq!(resume(&other, &request).unwrap_err().code(), "close-nothing-to-resume");
}

/// Whether the chip was asked who it is after the last thing that was announced.
fn was_asked_last(records: &[Record]) -> bool {
    let last = records.iter().rev().find(|r| matches!(r, Record::Seen { .. } | Record::Doing(_)));
    matches!(last, Some(Record::Seen { .. }))
}

/// The moments at which a chip without a name may be left in Provisioning: the first right after it was asked, and one in twenty
/// of all.
fn swapped_without_a_name(leave: LeaveRssDa) {
    let world = Assumptions { leave_rss_da: leave, ..provost_twin::presets::practice_world() };
    let base = scratch();
    root_only_set(&base.path().join("set"));
    let (mut refused, mut after_asking) = (0, 0);
    for index in 0..4000 {
        let _ = std::fs::remove_dir_all(base.path().join("out"));
        let mut request = asked(base.path());
        request.rehearse = leave == LeaveRssDa::Nrst;
        request.overrides.push("P-REHEARSED".to_owned());
        let (seven, eight) = (silent(7, ProductState::Open, world), silent(8, ProductState::Provisioning, world));
        let mut bench = interrupted_bench(&seven, Interruption::ProbeUnplugged, index);
        let stopped = crate::closing::run_on(&mut bench, &request);
        drop(bench);
        mend(&seven, Interruption::ProbeUnplugged);
        // It ends by itself where it is closed, or where it asks for a power cycle.
        let over = stopped.as_ref().err().is_none_or(|e| e.code() == "da-power-cycle-needed");
        if stopped.is_ok() {
            break;
        }
        seven.board().power_cycle();
        if state_of(&seven).0 != ProductState::Provisioning {
            continue;
        }
        let jobs = unfinished::<Record>(&base.path().join("out"), Kind::Close).unwrap();
        let just_asked = jobs.iter().any(|job| was_asked_last(&job.records));
        if !over && index % 20 != 0 && !(just_asked && after_asking < 40) {
            continue;
        }
        after_asking += usize::from(just_asked);
        for (board, command) in [(&eight, "resume"), (&eight, "close"), (&seven, "resume")] {
            let before = everything(board);
            let error = match command {
                "resume" => resume(board, &request).unwrap_err(),
                _ => run(board, &request).unwrap_err(),
            };
            assert_eq!((error.code(), error.exit().code()), ("job-cannot-tell", 4), "{command} at {index}: {error}");
            assert!(error.remedy().next.iter().any(|next| next.contains("--this-is")), "{error}");
            assert!(everything(board) == before, "{command} at {index}: nothing was written");
            board.board().power_cycle();
        }
        request.site.this_is = Some("00000007_00000007_00000007".to_owned());
        // A chip that leaves its ROM by a power cycle only asks for one at each discovery.
        let mut ends = (0..4).map(|_| {
            let end = resume(&seven, &request);
            seven.board().power_cycle();
            end
        });
        let end = ends.find(|end| !end.as_ref().is_err_and(|e| e.code() == "da-power-cycle-needed"));
        end.unwrap().unwrap_or_else(|e| panic!("at {index}: {e}"));
        assert_eq!(state_of(&seven).0, TARGET, "at {index}");
        refused += 1;
        if over {
            break;
        }
    }
    println!("{leave:?}: {refused} moments in Provisioning, {after_asking} of them after the chip was asked");
    assert!(after_asking > 0 && refused > after_asking);
}

#[test]
fn a_close_of_a_chip_that_shows_zeros_goes_on_only_where_a_person_names_it() {
    swapped_without_a_name(LeaveRssDa::Nrst);
}

#[test]
fn nor_does_one_that_had_to_lose_power_in_between() {
    swapped_without_a_name(LeaveRssDa::Power);
}

#[test]
fn a_rescue_of_a_chip_that_shows_zeros_goes_on_only_where_a_person_names_it() {
    let base = scratch();
    // The first word is taken and leads nowhere: what was learnt of that is worth a question.
    let world = Assumptions { rss_encrypt_word: RssEncryptWord::CacaIsEncrypted, ..Assumptions::default() };
    let stuck = |n| silent(n, ProductState::Provisioning, world);
    let rescue = |board: &VirtualBoard, this_is: Option<&str>| {
        let wish = Wish { this_is: this_is.map(str::to_owned), ..common::wish(board, base.path(), None) };
        provost_ops::rescue::rescue(&mut Bench::on_board(board.clone()).session, wish, &mut common::Log::default())
    };
    let (mut asked, mut anew) = (0, 0);
    for index in 0..4000 {
        let _ = std::fs::remove_dir_all(base.path());
        let (seven, eight) = (stuck(7), stuck(8));
        let mut bench = interrupted_bench(&seven, Interruption::ProbeUnplugged, index);
        let wish = common::wish(&seven, base.path(), None);
        let stopped = provost_ops::rescue::rescue(&mut bench.session, wish, &mut common::Log::default());
        drop(bench);
        mend(&seven, Interruption::ProbeUnplugged);
        if stopped.is_ok() {
            break;
        }
        let unfinished = unfinished::<Record>(base.path(), Kind::Rescue).unwrap();
        let Some(job) = unfinished.first().filter(|job| was_asked_last(&job.records) || index % 50 == 0) else {
            continue;
        };
        let name = job.folder.file_name().unwrap().to_str().unwrap().to_owned();
        let before = everything(&eight);
        match rescue(&eight, None) {
            // What never learnt whose it is, is left as it stands, unless nothing of it is in any chip yet.
            Ok(ended) => anew += usize::from(ended.folder.is_some_and(|folder| folder != job.folder)),
            Err(error) => {
                assert_eq!((error.code(), error.exit().code()), ("job-cannot-tell", 4), "at {index}: {error}");
                assert!(everything(&eight) == before, "at {index}: nothing was written");
                let ended = rescue(&eight, Some("another")).unwrap_or_else(|e| panic!("at {index}: {e}"));
                assert!(ended.folder.is_some_and(|folder| folder != job.folder), "at {index}");
                asked += 1;
            }
        }
        assert_eq!(state_of(&eight).0, ProductState::Open, "at {index}");
        rescue(&seven, Some(&name)).unwrap_or_else(|e| panic!("at {index}: {e}"));
        assert_eq!(state_of(&seven).0, ProductState::Open, "at {index}");
    }
    println!("{asked} moments at which a person is asked, {anew} at which a rescue begins anew");
    assert!(asked > 0 && anew > 0);
}

#[test]
fn a_chip_whose_unique_id_reads_zero_is_not_closed() {
    let base = scratch();
    root_only_set(&base.path().join("set"));
    for words in [[0; 3], [u32::MAX; 3]] {
        let mut maker = crate::closing::maker(PART, TrustZone::Enabled);
        maker.uid = words;
        let board = VirtualBoard::with_chip("slot", maker.make());
        let before = everything(&board);
        let error = run(&board, &asked(base.path())).unwrap_err();
        assert_eq!((error.code(), error.exit().code()), ("close-refused", 3), "{error}");
        assert!(error.to_string().contains("P-UID"), "{error}");
        assert!(everything(&board) == before, "nothing was written");
    }
}
