//! Option registers as an interrupted run leaves them: locked until a reset, or programmed and in force nowhere.

use provost_bench::Bench;
use provost_chip::{
    option_bytes::OptionField,
    parts::PartId,
    registers::flash as reg,
    states::{ProductState, TrustZone},
};
use provost_ops::option_bytes::{apply, plan};

use crate::common::Log;
use crate::option_bytes::{assignments, board, held, read, set};

/// A wrong key closes the lock until the next reset (SVD).
fn lock_out(bench: &mut Bench) {
    bench.session.ap1().write32(reg::BASE + u32::from(reg::OPTKEYR), 0xBAD).unwrap();
}

#[test]
fn registers_that_do_not_unlock_are_unlocked_by_a_reset() {
    let part: PartId = "STM32H563".parse().unwrap();
    let board = board(part, ProductState::Open, TrustZone::Disabled);
    let mut bench = Bench::on_board(board.clone());
    read(&mut bench, part).unwrap();
    lock_out(&mut bench);
    let field = OptionField::find(part, "WRPSGn1").unwrap();
    set(&board, part, &[(field, 0)]).unwrap();
    assert_eq!(held(&board, part)["WRPSGn1"], 0);
}

#[test]
fn where_something_waits_for_a_reset_registers_that_do_not_unlock_are_noticed_before_the_launch() {
    let part: PartId = "STM32H563".parse().unwrap();
    let board = board(part, ProductState::Open, TrustZone::Disabled);
    let mut bench = Bench::on_board(board.clone());
    let waiting = OptionField::find(part, "SRAM2_RST").unwrap();
    let before = held(&board, part);
    let word = waiting.set(read(&mut bench, part).unwrap().word(waiting).current, 0);
    for key in reg::OPT_KEYS {
        bench.session.ap1().write32(reg::BASE + u32::from(reg::OPTKEYR), key).unwrap();
    }
    bench.session.ap1().write32(reg::BASE + u32::from(waiting.offset_prg), word).unwrap();
    bench.session.ap1().write32(reg::BASE + u32::from(reg::OPTCR), reg::OPTCR_OPTLOCK).unwrap();
    lock_out(&mut bench);
    let bytes = read(&mut bench, part).unwrap();
    let field = OptionField::find(part, "WRPSGn1").unwrap();
    let change = plan(&bytes, &assignments(&[(field, 0)])).unwrap();
    let error = apply(&mut bench.session, &bytes, change, &mut Log::default()).unwrap_err();
    assert_eq!(error.code(), "option-write-ignored", "{error}");
    assert!(error.to_string().contains("FLASH_WRP1R"));
    assert_eq!(held(&board, part), before);
}

/// What an interrupted run left in a program register is in force nowhere.
#[test]
fn what_stands_in_a_program_register_alone_is_not_called_done() {
    let part: PartId = "STM32H563".parse().unwrap();
    let board = board(part, ProductState::Open, TrustZone::Disabled);
    let mut bench = Bench::on_board(board.clone());
    let field = OptionField::find(part, "SRAM2_RST").unwrap();
    let word = field.set(read(&mut bench, part).unwrap().word(field).current, 0);
    for key in reg::OPT_KEYS {
        bench.session.ap1().write32(reg::BASE + u32::from(reg::OPTKEYR), key).unwrap();
    }
    bench.session.ap1().write32(reg::BASE + u32::from(field.offset_prg), word).unwrap();
    assert_eq!(held(&board, part)["SRAM2_RST"], 1);
    let applied = set(&board, part, &[(field, 0)]).unwrap();
    assert!(applied.verified && applied.change.unchanged.is_empty());
    board.board().power_cycle();
    assert_eq!(held(&board, part)["SRAM2_RST"], 0);
}
