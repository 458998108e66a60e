//! Option bytes on virtual chips: what is set is there after the reset, what cannot be set is refused before the wire.

use crate::common;
use provost_testkit::figures::stated;

use std::collections::BTreeMap;

use common::{Log, maker};
use proptest::{prelude::*, sample::Index};
use provost_bench::Bench;
use provost_chip::{
    model::{access::Ap1, option_change::unwise},
    option_bytes::OptionField,
    option_values::FieldKind,
    order_code::OrderCode,
    parts::PartId,
    registers::flash as reg,
    states::{ProductState, TrustZone},
};
use provost_ops::{
    error::Failure,
    identify::identify,
    option_bytes::{Applied, Assignment, OptionBytes, OptionError, apply, file, plan},
};
use provost_twin::{
    board::VirtualBoard,
    wire::{Wire as _, faults::Fault},
};

pub fn board(code: impl Into<OrderCode>, state: ProductState, tz: TrustZone) -> VirtualBoard {
    VirtualBoard::with_chip("board", maker(&code.into().to_string(), state, tz).make())
}

pub fn read(bench: &mut Bench, part: PartId) -> Result<OptionBytes, Failure> {
    let identity = identify(&mut bench.session)?;
    OptionBytes::read(&mut bench.session, &identity, Some(part.into()))
}

pub fn assignments(values: &[(&'static OptionField, u32)]) -> Vec<Assignment> {
    values.iter().map(|(f, v)| Assignment { name: f.name.to_owned(), value: f.hex(*v) }).collect()
}

pub fn set(board: &VirtualBoard, part: PartId, values: &[(&'static OptionField, u32)]) -> Result<Applied, Failure> {
    let mut bench = Bench::on_board(board.clone());
    let bytes = read(&mut bench, part)?;
    let change = plan(&bytes, &assignments(values))?;
    apply(&mut bench.session, &bytes, change, &mut Log::default())
}

/// All values as the chip holds them after a power cycle: what it was asked is one thing, what stands in it another.
pub fn held(board: &VirtualBoard, part: PartId) -> BTreeMap<&'static str, u32> {
    let board = board.board();
    let options = &board.silicon().nvm().options;
    OptionField::of(part).map(|f| (f.name, f.get(options.get(f.offset_cur)))).collect()
}

fn settings(part: PartId) -> impl Iterator<Item = TrustZone> {
    TrustZone::ALL.into_iter().filter(move |tz| part.info().trustzone || *tz == TrustZone::Disabled)
}

/// Values of a field worth trying: every code, or the ends and some patterns.
fn samples(field: &OptionField) -> Vec<u32> {
    let all = field.mask() >> field.low;
    let mut values: Vec<u32> = match field.kind() {
        FieldKind::Codes => field.codes().map(|(code, _)| code).collect(),
        FieldKind::Reserved => Vec::new(),
        _ => vec![0, 1, all / 3, all - 1, all],
    };
    values.sort_unstable();
    values.dedup();
    values
}

/// What an option change is not for: states other than Provisioning, ST-iRoT where there is none.
fn left_to_others(bytes: &OptionBytes, field: &OptionField, value: u32) -> bool {
    (field.name == "PRODUCT_STATE" && value != 0x17 && value != 0xED) || unwise(&bytes.chip, field, value).is_some()
}

#[test]
fn every_legal_value_of_every_field_of_every_part_is_there_after_the_reset() {
    let mut sets = 0;
    for code in OrderCode::all() {
        let part = code.part;
        for tz in settings(part) {
            for field in OptionField::of(part) {
                for value in samples(field) {
                    let board = board(code, ProductState::Open, tz);
                    let mut bench = Bench::on_board(board.clone());
                    let bytes = read(&mut bench, part).unwrap();
                    assert_eq!((bytes.view, bytes.flash), (Ap1::Full, code.flash));
                    if left_to_others(&bytes, field, value) {
                        continue;
                    }
                    let name = format!("{code}, TrustZone {tz}: {}={}", field.name, field.hex(value));
                    let mut expected = held(&board, part);
                    let applied = set(&board, part, &[(field, value)]).unwrap_or_else(|e| panic!("{name}: {e}"));
                    assert!(applied.verified || applied.change.is_empty(), "{name}");
                    assert_eq!(applied.after.value(field), Some(value), "{name}");
                    expected.insert(field.name, value);
                    board.board().power_cycle();
                    assert_eq!(held(&board, part), expected, "{name}: and nothing else has changed");
                    sets += 1;
                }
            }
        }
    }
    println!("{sets} values set, reset and read back");
    stated("option_bytes::", &[sets]);
}

#[test]
fn what_a_field_cannot_hold_or_the_state_forbids_costs_no_transaction() {
    let mut refused = 0;
    for part in PartId::all() {
        for state in ProductState::ALL {
            for tz in settings(part) {
                let mut made = maker(part.info().name, state, tz);
                made.firmware.as_mut().unwrap().non_secure = true;
                let board = VirtualBoard::with_chip("board", made.make());
                let mut bench = Bench::on_board(board.clone());
                let Ok(bytes) = read(&mut bench, part) else { continue };
                let before = (bench.session.stats(), board.board().stats().transactions);
                for field in OptionField::of(part) {
                    let mut wrong = vec!["nonsense".to_owned(), "-1".to_owned(), "0x1FFFFFFFFF".to_owned()];
                    if field.bits() < 32 {
                        wrong.push(format!("{:#x}", 1u64 << field.bits() | 1));
                    }
                    if field.kind() == FieldKind::Codes && field.bits() == 8 {
                        wrong.push("0x00".to_owned());
                    }
                    for value in wrong {
                        let asked = [Assignment { name: field.name.to_owned(), value: value.clone() }];
                        let error = plan(&bytes, &asked).unwrap_err();
                        assert_eq!(error.code(), "option-value", "{part} {state} {}={value}: {error}", field.name);
                        refused += 1;
                    }
                    if state <= ProductState::Provisioning {
                        continue;
                    }
                    for value in samples(field).into_iter().filter(|v| Some(*v) != bytes.value(field)) {
                        if field.name == "PRODUCT_STATE" || unwise(&bytes.chip, field, value).is_some() {
                            continue;
                        }
                        let error = plan(&bytes, &assignments(&[(field, value)])).unwrap_err();
                        assert_eq!(error.code(), "option-frozen", "{part} {state} {}: {error}", field.name);
                        assert!(!error.rules().is_empty());
                        refused += 1;
                    }
                }
                assert_eq!((bench.session.stats(), board.board().stats().transactions), before, "{part} {state} {tz}");
            }
        }
    }
    println!("{refused} writes refused before the wire");
    stated("option_bytes::", &[refused]);
}

/// STM32_Prog_DB: the second bank of these begins at 0x08020000, 0x08080000, 0x08180000.
#[test]
fn on_half_the_flash_the_second_bank_begins_where_the_first_one_ends() {
    for (code, sector_3) in
        [("STM32H523CC", "0x08026000"), ("STM32H563VG", "0x08086000"), ("STM32H5E5ZK", "0x08186000")]
    {
        let code: OrderCode = code.parse().unwrap();
        let meaning = |state, given: OrderCode| {
            let mut bench = Bench::on_board(board(code, state, TrustZone::Disabled));
            let identity = identify(&mut bench.session).unwrap();
            let bytes = OptionBytes::read(&mut bench.session, &identity, Some(given))?;
            Ok::<_, Failure>(OptionField::find(code.part, "SECWM2_STRT").unwrap().describe(bytes.flash, 3).unwrap())
        };
        let line = OrderCode::from(code.part);
        assert_eq!(meaning(ProductState::Open, line).unwrap(), format!("sector 3 ({sector_3})"), "{code}");
        // The size is masked, and the line is made in two.
        assert!(meaning(ProductState::Provisioning, line).unwrap().contains("not known"), "{code}");
        assert_eq!(meaning(ProductState::Provisioning, code).unwrap(), format!("sector 3 ({sector_3})"), "{code}");
        let other = OrderCode { flash: Some(code.part.info().largest_flash()), ..code };
        assert_eq!(meaning(ProductState::Open, other).unwrap_err().code(), "chip-flash-mismatch", "{code}");
    }
}

#[test]
fn with_trustzone_on_the_secure_words_are_frozen_in_provisioning() {
    for part in PartId::all().filter(|p| p.info().trustzone) {
        let board = board(part, ProductState::Provisioning, TrustZone::Enabled);
        let mut bench = Bench::on_board(board.clone());
        let bytes = read(&mut bench, part).unwrap();
        for (name, value, rule) in [
            ("SECWM1_END", 3, "R-SECURE-OPTIONS-NEED-SECURE-ACCESS"),
            ("SECBOOTADD", 0x0C_0100, "R-SECURE-OPTIONS-NEED-SECURE-ACCESS"),
            ("SEC_EPOCH", 1, "R-SECURE-OPTIONS-NEED-SECURE-ACCESS"),
            ("BOOT_UBE", 0xC3, "R-OPTIONS-FROZEN-WHEN-CLOSED"),
        ] {
            let field = OptionField::find(part, name).unwrap();
            match plan(&bytes, &assignments(&[(field, value)])) {
                Err(error) => match error.of() {
                    Some(OptionError::Frozen { fields }) => assert_eq!(fields[0].rule.rule().id, rule),
                    Some(OptionError::Unwise { .. }) => assert!(!part.info().crypto),
                    _ => panic!("{part} {name}: {error}"),
                },
                Ok(change) => panic!("{part} {name}: {change:?}"),
            }
        }
        let field = OptionField::find(part, "NSBOOTADD").unwrap();
        assert!(set(&board, part, &[(field, 0x08_0100)]).unwrap().verified, "{part}: the non-secure ones are not");
        assert_eq!(read(&mut Bench::on_board(board), part).unwrap().value(field), Some(0x08_0100));
    }
}

#[test]
fn closing_is_left_to_close_and_going_back_to_nobody() {
    let part: PartId = "STM32H563".parse().unwrap();
    let field = OptionField::find(part, "PRODUCT_STATE").unwrap();
    for (state, to, code) in [
        (ProductState::Open, 0x72, "option-use-close"),
        (ProductState::Open, 0xC6, "option-use-close"),
        (ProductState::Open, 0x5C, "option-use-close"),
        (ProductState::Provisioning, 0x2E, "option-use-close"),
        (ProductState::Provisioning, 0x72, "option-use-close"),
        (ProductState::Provisioning, 0xED, "option-frozen"),
        (ProductState::Open, 0x9A, "option-frozen"),
        (ProductState::Open, 0xA3, "option-frozen"),
    ] {
        let board = board(part, state, TrustZone::Enabled);
        let error = set(&board, part, &[(field, to)]).unwrap_err();
        assert_eq!(error.code(), code, "{state} -> {to:#x}");
        assert!(!error.rules().is_empty());
        assert_eq!(common::state_of(&board).0, state);
    }
    let board = board(part, ProductState::Open, TrustZone::Enabled);
    let mut bench = Bench::on_board(board.clone());
    let bytes = read(&mut bench, part).unwrap();
    let change = plan(&bytes, &assignments(&[(field, 0x17)])).unwrap();
    assert!(change.bites() && change.phrase(&bytes, "").starts_with("set PRODUCT_STATE=0x17 on "));
    assert!(change.warnings[0].says.contains("credential"));
    apply(&mut bench.session, &bytes, change, &mut Log::default()).unwrap();
    assert_eq!(common::state_of(&board).0, ProductState::Provisioning);
}

#[test]
fn what_the_chip_refuses_is_explained() {
    // Whether TZEN can be written in Provisioning is an open question: the host asks the chip, and says what it answered.
    let part: PartId = "STM32H533".parse().unwrap();
    let field = OptionField::find(part, "TZEN").unwrap();
    for (setting, refused) in [("writable", false), ("ignored", true)] {
        let mut made = maker("STM32H533", ProductState::Provisioning, TrustZone::Enabled);
        made.assumptions.set("tzen-in-provisioning", setting).unwrap();
        let board = VirtualBoard::with_chip("board", made.make());
        let mut bench = Bench::on_board(board.clone());
        let bytes = read(&mut bench, part).unwrap();
        let nsboot = OptionField::find(part, "NSBOOTADD").unwrap();
        let before = held(&board, part);
        let change = plan(&bytes, &assignments(&[(field, 0xC3), (nsboot, 0x08_0200)])).unwrap();
        assert!(change.warnings.iter().any(|w| w.rule == Some("R-TZEN-IN-PROVISIONING")));
        match apply(&mut bench.session, &bytes, change, &mut Log::default()) {
            Err(error) => {
                assert!(refused, "{error}");
                assert_eq!(error.code(), "option-change-refused");
                assert!(error.to_string().contains("TZEN") && error.to_string().contains("OPTCHANGEERR"), "{error}");
                let rules: Vec<&str> = error.rules().iter().map(|r| r.rule().id).collect();
                assert!(rules.contains(&"R-OPTION-CHANGE-WHOLE") && rules.contains(&"R-TZEN-IN-PROVISIONING"));
                board.board().power_cycle();
                assert_eq!(held(&board, part), before, "nothing was changed");
            }
            Ok(applied) => {
                assert!(!refused && applied.verified);
                assert_eq!(common::state_of(&board).1, TrustZone::Disabled);
            }
        }
    }
}

#[test]
fn without_an_nrst_wire_the_reset_is_made_by_software() {
    let part: PartId = "STM32H533".parse().unwrap();
    for tz in TrustZone::ALL {
        let board = board(part, ProductState::Open, tz);
        board.board().silicon_mut().set_nrst_wired(false);
        let field = OptionField::find(part, "SRAM2_RST").unwrap();
        let applied = set(&board, part, &[(field, 0)]).unwrap();
        assert_eq!((applied.reset, applied.verified), ("software", true), "TrustZone {tz}");
    }
}

#[test]
fn a_state_that_waits_for_a_reset_is_not_let_loose() {
    let part: PartId = "STM32H563".parse().unwrap();
    let board = board(part, ProductState::Provisioning, TrustZone::Disabled);
    {
        let mut bench = Bench::on_board(board.clone());
        read(&mut bench, part).unwrap();
        let mut ap1 = bench.session.ap1();
        let word = ap1.read32(reg::BASE + u32::from(reg::OPTSR_CUR)).unwrap() & !0xFF00 | 0x7200;
        for (offset, value) in [
            (reg::OPTKEYR, reg::OPT_KEYS[0]),
            (reg::OPTKEYR, reg::OPT_KEYS[1]),
            (reg::OPTSR_PRG, word),
            (reg::OPTCR, reg::OPTCR_OPTSTRT),
        ] {
            ap1.write32(reg::BASE + u32::from(offset), value).unwrap();
        }
    }
    board.advance(std::time::Duration::from_millis(50));
    let field = OptionField::find(part, "WRPSGn1").unwrap();
    assert_eq!(set(&board, part, &[(field, 0)]).unwrap_err().code(), "chip-pending-state");
    assert_eq!(common::state_of(&board).0, ProductState::Provisioning);
}

#[test]
fn a_power_cut_at_any_transaction_leaves_all_old_or_all_new_values() {
    let part: PartId = "STM32H533".parse().unwrap();
    let find = |name| OptionField::find(part, name).unwrap();
    let values = [(find("NSBOOTADD"), 0x08_0400), (find("WRPSGn1"), 0x0F), (find("SECWM1_END"), 3)];
    let fresh = || board(part, ProductState::Open, TrustZone::Enabled);
    let whole = fresh();
    let old = held(&whole, part);
    set(&whole, part, &values).unwrap();
    let new = held(&whole, part);
    assert_ne!(old, new);
    let transactions = whole.board().stats().transactions;
    let mut seen = [0; 2];
    for index in 0..transactions {
        let board = fresh();
        board.board().dp_mut().faults_mut().at(index, Fault::PowerCutAfter);
        let error = set(&board, part, &values).err();
        board.board().power_cycle();
        let now = held(&board, part);
        assert!(now == old || now == new, "{index}: {error:?}");
        seen[usize::from(now == new)] += 1;
        let Some(error) = error else {
            // The cut after the last transaction comes too late to matter.
            assert!(index + 1 == transactions && now == new, "{index}: nobody noticed");
            continue;
        };
        assert!(
            now == old || error.code() == "option-interrupted" || error.code().starts_with("link-"),
            "{index}: {error}"
        );
    }
    println!("{transactions} power cuts: {} left the old values, {} the new ones", seen[0], seen[1]);
    assert!(seen[0] > 0 && seen[1] > 0);
    stated("option_bytes::", &[transactions as usize]);
}

#[test]
fn access_port_one_shut_is_said_so() {
    let part: PartId = "STM32H563".parse().unwrap();
    let board = board(part, ProductState::Closed, TrustZone::Disabled);
    let error = read(&mut Bench::on_board(board), part).unwrap_err();
    assert_eq!(error.code(), "option-not-visible");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any set of legal values, in any order: either it is refused and nothing moves, or all of it is there afterwards.
    #[test]
    fn several_fields_change_together_or_not_at_all(
        which in any::<Index>(),
        tz in any::<bool>(),
        state in prop::sample::select(vec![ProductState::Open, ProductState::Provisioning]),
        picks in prop::collection::vec((any::<Index>(), any::<u32>()), 1..8),
    ) {
        let parts: Vec<PartId> = PartId::all().collect();
        let part = *which.get(&parts);
        let tz = if tz && part.info().trustzone { TrustZone::Enabled } else { TrustZone::Disabled };
        let fields: Vec<&'static OptionField> = OptionField::of(part).filter(|f| f.kind() != FieldKind::Reserved).collect();
        let mut values: BTreeMap<&'static str, (&'static OptionField, u32)> = BTreeMap::new();
        for (index, word) in picks {
            let field = *index.get(&fields);
            let codes: Vec<u32> = field.codes().map(|(c, _)| c).collect();
            let value = match codes.len() {
                0 => word & field.mask() >> field.low,
                n => codes[word as usize % n],
            };
            values.insert(field.name, (field, value));
        }
        let values: Vec<_> = values.into_values().collect();
        let board = board(part, state, tz);
        let before = held(&board, part);
        match set(&board, part, &values) {
            Ok(applied) => {
                let mut expected = before;
                for (field, value) in &values {
                    expected.insert(field.name, *value);
                }
                prop_assert_eq!(&held(&board, part), &expected);
                let seen = file::values(&applied.after);
                for (name, value) in seen {
                    prop_assert_eq!(value, expected[name], "{}", name);
                }
            }
            Err(error) => {
                board.board().power_cycle();
                prop_assert_eq!(held(&board, part), before, "{}", error);
                let codes = ["option-frozen", "option-use-close", "option-unwise", "option-change-refused"];
                prop_assert!(codes.contains(&error.code()), "{}", error);
            }
        }
    }
}
