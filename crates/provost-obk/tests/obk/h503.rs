//! The password of STM32H503 in OTP.

use provost_adac::crypto::sha256;
use provost_adac::password::Password;
use provost_obk::checks::{Check, Severity, Target, refused};
use provost_obk::h503::{BLOCK_CELLS, OTP_ADDRESS, OtpBlock, OtpPassword, OtpState, SOC_MASK_ADDRESS, Step};

use crate::vector;

fn value() -> OtpPassword {
    OtpPassword::from_password_file(&vector("da_pw12.bin")).unwrap()
}

fn target() -> Target {
    Target::new("STM32H503".parse().unwrap())
}

/// The block after ST's script: the value, its mask untouched.
fn written(value: &OtpPassword, locked: bool) -> OtpBlock {
    let mut block = OtpBlock { locked, ..OtpBlock::BLANK };
    for (cell, half_word) in block.cells.iter_mut().zip(value.half_words()) {
        *cell = Some(half_word);
    }
    block
}

fn codes(block: &OtpBlock) -> Vec<Check> {
    value().check(block, &target()).into_iter().map(|finding| finding.check).collect()
}

#[test]
fn the_value_is_the_hash_of_the_password() {
    assert_eq!(value().to_bytes(), sha256(b"password1234"));
    assert_eq!(value().to_bytes().as_slice(), vector("h503_otp_password.bin"));
    assert_eq!(OtpPassword::from_board_file(&vector("h503_otp_password.bin")), Some(value()));
    assert_eq!(OtpPassword::from_board_file(&[0; 31]), None);
    // b9 c9 50 64 …: little-endian half-words.
    assert_eq!(value().half_words()[..2], [0xC9B9, 0x6450]);
    assert_eq!((OTP_ADDRESS, SOC_MASK_ADDRESS), (0x08FF_F000, 0x08FF_F020));
}

#[test]
fn a_blank_block_takes_sixteen_half_words_and_the_lock() {
    let steps = value().steps(&OtpBlock::BLANK).unwrap();
    assert_eq!(steps.len(), 17);
    assert_eq!(steps[0], Step::Write { address: 0x08FF_F000, value: 0xC9B9 });
    assert_eq!(steps[15], Step::Write { address: 0x08FF_F01E, value: value().half_words()[15] });
    assert_eq!(steps[16], Step::Lock);
    assert_eq!(codes(&OtpBlock::BLANK), [Check::OtpForEver]);
    assert!(OtpBlock::BLANK.soc_mask_is_blank());
    // A host that gets all ones instead of a fault sees the same.
    let ones = OtpBlock { cells: [Some(0xFFFF); BLOCK_CELLS], locked: false };
    assert_eq!(value().compare(&ones), OtpState::Blank);
    assert_eq!(value().steps(&ones), Some(steps));
}

#[test]
fn an_interrupted_write_goes_on_where_it_stopped() {
    for done in 1..16 {
        let mut block = written(&value(), false);
        block.cells[done..].fill(None);
        assert_eq!(value().compare(&block), OtpState::Interrupted { missing: 16 - done });
        let steps = value().steps(&block).unwrap();
        assert_eq!(steps.len(), 17 - done);
        assert!(matches!(steps[0], Step::Write { address, .. } if address == OTP_ADDRESS + 2 * done as u32));
        assert_eq!(codes(&block), [Check::OtpInterrupted, Check::OtpForEver]);
        assert_eq!(value().steps(&OtpBlock { locked: true, ..block.clone() }), None);
        assert_eq!(codes(&OtpBlock { locked: true, ..block }), [Check::OtpLocked]);
    }
}

#[test]
fn nothing_is_written_over_anything() {
    let same = written(&value(), false);
    assert_eq!((value().compare(&same), value().steps(&same)), (OtpState::Same, Some(vec![Step::Lock])));
    let done = written(&value(), true);
    assert_eq!((value().compare(&done), value().steps(&done)), (OtpState::Same, Some(vec![])));
    assert_eq!((codes(&same), codes(&done)), (vec![Check::OtpSame], vec![Check::OtpSame]));
    let other = written(&OtpPassword::new(&Password::new(b"other").unwrap()), false);
    assert_eq!((value().compare(&other), value().steps(&other)), (OtpState::Other, None));
    assert_eq!(codes(&other), [Check::OtpNotBlank]);
    for bit in 0..256 {
        let mut block = written(&value(), false);
        block.cells[bit / 16] = block.cells[bit / 16].map(|cell| cell ^ 1 << (bit % 16));
        assert_eq!(value().steps(&block), None, "bit {bit}");
    }
    assert_eq!(codes(&OtpBlock { locked: true, ..OtpBlock::BLANK }), [Check::OtpLocked]);
}

#[test]
fn words_are_two_half_words() {
    let bytes = value().to_bytes();
    let mut words = [None; 16];
    for (word, four) in words.iter_mut().zip(bytes.chunks(4)) {
        *word = Some(u32::from_le_bytes(four.try_into().unwrap()));
    }
    assert_eq!(OtpBlock::from_words(&words, 0xFFFF_FFFE), written(&value(), false));
    assert_eq!(OtpBlock::from_words(&words, 1), written(&value(), true));
    words[15] = Some(0x1234_FFFF);
    assert!(!OtpBlock::from_words(&words, 1).soc_mask_is_blank());
}

#[test]
fn samples_and_other_parts_are_refused() {
    // The user_password.bin of STM32CubeH5: the bytes 0 to 11.
    let sample = OtpPassword::new(&Password::new(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]).unwrap());
    let found = sample.check(&OtpBlock::BLANK, &target());
    assert!(refused(&found) && found[0].check == Check::Sample);
    let found = value().check(&OtpBlock::BLANK, &Target::new("STM32H573".parse().unwrap()));
    assert_eq!((found[0].check, found[0].severity()), (Check::OtpWrongPart, Severity::Refuse));
}

#[test]
fn secrets_stay_out_of_debug() {
    let steps = value().steps(&OtpBlock::BLANK).unwrap();
    let text = format!("{:?} {:?} {steps:?}", value(), written(&value(), false));
    // The first half-word is 0xC9B9, 51641.
    assert!(!text.contains("51641") && !text.to_lowercase().contains("c9b9"), "{text}");
}
