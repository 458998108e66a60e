//! Regressions and provisioning at every moment at which somebody may pull the plug.

use crate::silicon_bench;

use provost_adac::{
    host::{Authentication, Credential, Progress},
    key::Signer as _,
    permission::Permission,
};
use provost_chip::{
    assumptions::{Assumptions, LeaveRssDa},
    model::{Action, Execution, Observation, authentication::PRODUCT_MASK, provisioning::Call},
    registers::{dbgmcu, flash as reg, memory},
    states::{ProductState, TrustZone},
};
use provost_twin::{board::VirtualBoard, chipfile, silicon::Silicon};
use silicon_bench::{BOOT, Code, Key, MS, Provisioned, Situation, debugger::Debugger, driver::Driver, payload};

/// How somebody interferes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interruption {
    PowerCut,
    Nrst,
    PowerCutUnderNrst,
}

impl Interruption {
    const ALL: [Self; 3] = [Self::PowerCut, Self::Nrst, Self::PowerCutUnderNrst];

    fn happen(self, d: &mut Debugger) {
        match self {
            Self::PowerCut => d.cut_power(),
            Self::Nrst => d.reset(),
            Self::PowerCutUnderNrst => {
                d.silicon.set_nrst(true);
                d.cut_power();
                d.silicon.set_nrst(false);
                d.silicon.advance(BOOT);
            }
        }
    }
}

fn closed(part: &str, tz: TrustZone, key: &Key) -> Situation {
    Situation {
        code: Code::BothWorlds,
        da: Some(Provisioned { hash: key.hash(), mask: PRODUCT_MASK, plain: false }),
        ..Situation::of(part, ProductState::Closed, tz)
    }
}

/// Authenticates up to the last request, which is sent word by word with `pause` after each word and after the answer.
fn authenticate(d: &mut Debugger, key: &Key, permission: Permission) -> Vec<u32> {
    d.silicon.set_nrst(true);
    d.write_dbgmcu(dbgmcu::DBG_AUTH_HOST, dbgmcu::REQUEST_STDA);
    d.silicon.set_nrst(false);
    d.silicon.advance(BOOT);
    assert!(d.receive_word().is_some(), "the reply word");
    let credential = match key {
        Key::Password(password) => Credential::Password(password.clone()),
        Key::Certificate(signer, chain) => {
            Credential::Certificate { chain: chain.clone(), key: signer.public_key(), permission }
        }
    };
    let mut authentication = Authentication::new(credential).unwrap();
    let mut request = authentication.first_request();
    let fragments = if matches!(key, Key::Password(_)) { 1 } else { 2 };
    for _ in 0..fragments {
        let words = d.exchange(&request.to_words()).unwrap();
        request = match (authentication.on_response(&words).unwrap(), key) {
            (Progress::Continue(next), _) => next,
            (Progress::Sign(asked), Key::Certificate(signer, _)) => {
                authentication.signed(&signer.sign(&asked.to_be_signed()).unwrap()).unwrap()
            }
            (end, _) => panic!("{end:?}"),
        };
    }
    request.to_words().to_vec()
}

/// From the last word of the authentication on, in steps of a quarter millisecond, over the whole regression.
fn interrupted_at_every_moment(
    key: &Key,
    tz: TrustZone,
    permission: Permission,
    check: impl Fn(&Silicon, bool),
) -> u32 {
    let (mut before, mut after) = (0, 0);
    for leave_rss_da in LeaveRssDa::ALL.iter().copied() {
        for interruption in Interruption::ALL {
            for moment in 0..240_u64 {
                let world = Assumptions { leave_rss_da, ..Assumptions::default() };
                let mut d = Debugger::new(closed("STM32H533", tz, key).powered(world));
                let last = authenticate(&mut d, key, permission);
                // The first moments: between the words of the last request and of its answer.
                let sent = (moment as usize).min(last.len());
                assert!(d.send(&last[..sent]));
                if sent == last.len() {
                    let read = (moment as usize - sent).min(2);
                    (0..read).for_each(|_| assert!(d.receive_word().is_some()));
                    d.silicon.advance((moment - sent as u64) * MS / 4);
                }
                interruption.happen(&mut d);
                // What a chip that stays in RSS-DA needs to show its state.
                d.cut_power();
                let done = d.silicon.chip().state != ProductState::Closed;
                check(&d.silicon, done);
                *(if done { &mut after } else { &mut before }) += 1;
            }
        }
    }
    assert!(before > 0 && after > 0);
    println!("{permission}, TrustZone {tz}: {before} before, {after} after");
    before + after
}

fn everything_erased(silicon: &Silicon) {
    let nvm = silicon.nvm();
    assert_eq!((silicon.chip().state, silicon.chip().tz), (ProductState::Open, TrustZone::Disabled));
    assert!(nvm.flash.is_empty());
    assert!(nvm.obk.iter().all(|sector| sector[0x100..].iter().all(|byte| *byte == 0xFF)));
    assert_eq!(nvm.options.get(reg::SECWM2R_CUR), 0x001F_0000, "back to the factory value");
    assert_eq!((silicon.chip().da, nvm.interrupted), (None, 0));
}

#[test]
fn a_full_regression_happens_wholly_or_not_at_all() {
    for (key, tz) in [(Key::certificate(1), TrustZone::Enabled), (Key::password(b"own password"), TrustZone::Disabled)]
    {
        let whole = closed("STM32H533", tz, &key).powered(Assumptions::default());
        interrupted_at_every_moment(&key, tz, Permission::FullRegression, |silicon, done| {
            if done {
                everything_erased(silicon);
            } else {
                assert_eq!(silicon.nvm(), whole.nvm());
            }
        });
    }
}

#[test]
fn a_partial_regression_happens_wholly_or_not_at_all() {
    let key = Key::certificate(1);
    let whole = closed("STM32H533", TrustZone::Enabled, &key).powered(Assumptions::default());
    interrupted_at_every_moment(&key, TrustZone::Enabled, Permission::TzRegression, |silicon, done| {
        if !done {
            assert_eq!(silicon.nvm(), whole.nvm());
            return;
        }
        assert_eq!((silicon.chip().state, silicon.chip().tz), (ProductState::TzClosed, TrustZone::Enabled));
        assert_eq!(silicon.nvm().flash.keys().collect::<Vec<_>>(), [&0], "the secure sector alone");
        assert_eq!(silicon.chip().da, whole.chip().da);
        assert!(silicon.chip().firmware.boots && !silicon.chip().firmware.non_secure);
    });
}

/// A regression that has begun ends the session, even where sessions outlive NRST.
#[test]
fn a_reset_in_the_middle_of_a_regression_finishes_it_in_every_world() {
    let key = Key::certificate(1);
    for leave_rss_da in LeaveRssDa::ALL.iter().copied() {
        let world = Assumptions { leave_rss_da, ..Assumptions::default() };
        let mut d = Debugger::new(closed("STM32H533", TrustZone::Enabled, &key).powered(world));
        let last = authenticate(&mut d, &key, Permission::FullRegression);
        assert!(d.exchange(&last).is_some());
        d.silicon.advance(10 * MS);
        assert_eq!(d.silicon.chip().state, ProductState::Closed, "still erasing");
        d.reset();
        everything_erased(&d.silicon);
        assert_eq!(d.silicon.chip().runs, Execution::Nowhere);
    }
}

#[test]
fn a_regression_erases_the_sram_too() {
    let key = Key::password(b"own password");
    let mut chip = closed("STM32H533", TrustZone::Disabled, &key);
    chip.state = ProductState::Provisioning;
    let mut d = Debugger::new(chip.powered(Assumptions::default()));
    d.write(0x2003_4000, 0x005E_C2E7);
    let last = authenticate(&mut d, &key, Permission::FullRegression);
    assert!(d.exchange(&last).is_some());
    d.silicon.advance(100 * MS);
    assert_eq!(d.read(0x2003_4000), Ok(0));
}

#[test]
fn firmware_that_asks_for_a_regression_gets_it_whatever_happens() {
    let key = Key::certificate(1);
    let chip = Situation { code: Code::Regresses, ..closed("STM32H533", TrustZone::Enabled, &key) };
    let mut silicon = chip.powered(Assumptions::default());
    assert!(silicon.ask_firmware_to_regress());
    silicon.set_power(false);
    silicon.set_power(true);
    everything_erased(&silicon);
    assert!(!silicon.ask_firmware_to_regress(), "it is gone");
}

/// The keys change in one go: whenever the plug is pulled, either the old object or the new one is there.
#[test]
fn provisioning_leaves_the_old_object_or_the_new_one() {
    let keys = [Key::certificate(1), Key::certificate(2)];
    let mut chip = closed("STM32H533", TrustZone::Enabled, &keys[0]);
    chip.state = ProductState::Provisioning;
    let mut d = Debugger::new(chip.powered(Assumptions::default()));
    let old = d.silicon.nvm().obk_current;
    let mut driver = Driver { debugger: d, keys: &keys };
    let call = Call {
        checksum: provost_chip::assumptions::RssChecksum::Crc32Words,
        word: provost_chip::model::provisioning::EncryptionWord::Unpublished,
    };
    let provision = Action::Provision { call, id: keys[1].id(), mask: PRODUCT_MASK };
    assert_eq!(driver.perform(provision), Some(Observation::Provisioned));
    d = driver.debugger;
    assert_eq!(d.silicon.nvm().obk_current, old ^ 1, "the sectors have changed roles");
    assert_eq!(d.silicon.chip().da.unwrap().id, keys[1].id());
    d.cut_power();
    assert_eq!(d.silicon.chip().da.unwrap().id, keys[1].id());
    // The other sector still holds the old object, whole.
    let mut before = d.silicon.nvm().clone();
    before.obk_current ^= 1;
    let other = Silicon::new(*d.silicon.identity(), before, d.silicon.behaviour(), Assumptions::default());
    assert_eq!(other.chip().da.unwrap().id, keys[0].id());
}

/// A host writes the hash into OTP by half-words and locks the block (ST's password_provisioning.sh); the password then opens.
#[test]
fn the_password_of_an_h503_lives_in_otp_and_survives() {
    let key = Key::password(b"twelve bytes");
    let mut d = Debugger::at("STM32H503", ProductState::Provisioning, TrustZone::Disabled);
    d.unlock_flash();
    d.set_flash(reg::NSCR, reg::CR_PG);
    for (bytes, at) in key.hash().chunks_exact(2).zip((memory::OTP..).step_by(2)) {
        d.write_half(at, u16::from_le_bytes([bytes[0], bytes[1]]));
    }
    d.wait_for_flash();
    assert_eq!(d.silicon.chip().da, None, "not before the block is locked");
    assert!(d.set("LOCKBL", 1));
    d.reset();
    assert_eq!(d.silicon.chip().da.unwrap().id, key.id());
    let otp = d.silicon.nvm().otp.clone();
    for round in 0..2 {
        assert!(d.set("PRODUCT_STATE", 0x72));
        d.reset();
        assert_eq!(d.silicon.chip().state, ProductState::Closed);
        let last = authenticate(&mut d, &key, Permission::FullRegression);
        assert_eq!(d.exchange(&last).unwrap()[0], 0, "SUCCESS");
        d.silicon.advance(100 * MS);
        assert_eq!(d.silicon.chip().state, ProductState::Open, "round {round}");
        assert_eq!((d.silicon.nvm().otp.clone(), d.flash(reg::OTPBLR_CUR)), (otp.clone(), 1), "for ever");
        // No field of other parts was invented on the way.
        assert_eq!((d.flash(reg::OPTSR_CUR) >> 22 & 0xFF, d.flash(reg::OPTSR2_CUR) >> 24), (0, 0));
        assert!(d.set("PRODUCT_STATE", 0x17));
        d.reset();
    }
    let wrong = Key::password(b"another one!");
    assert!(d.set("PRODUCT_STATE", 0x72));
    d.reset();
    let last = authenticate(&mut d, &wrong, Permission::FullRegression);
    assert_ne!(d.exchange(&last).unwrap()[0], 0);
    d.cut_power();
    assert_eq!(d.silicon.chip().state, ProductState::Closed);
}

#[test]
fn a_file_keeps_what_was_cut_short_and_what_was_programmed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.chip");
    let selector = path.to_str().unwrap();
    chipfile::store(
        &path,
        &Situation::of("STM32H533", ProductState::Open, TrustZone::Disabled).silicon(Assumptions::default()),
    )
    .unwrap();
    // Programming alone changes the file.
    let board = VirtualBoard::open(selector).unwrap();
    let mut d = Debugger::new(chipfile::load(&path).unwrap());
    d.silicon.set_power(true);
    d.silicon.advance(BOOT);
    d.unlock_flash();
    d.set_flash(reg::NSCR, reg::CR_PG);
    (0..4).for_each(|i| d.write(memory::FLASH + 4 * i, i));
    d.wait_for_flash();
    assert!(d.silicon.has_unkept_flash() && d.silicon.life_changes() == 0);
    *board.board().silicon_mut() = d.silicon;
    board.store().unwrap();
    let mut d = Debugger::new(chipfile::load(&path).unwrap());
    assert_eq!(d.silicon.nvm().flash_word(12), 3);
    // A cut option change is told by the next boot from the file, and by that one only.
    d.silicon.set_power(true);
    d.silicon.advance(BOOT);
    d.unlock_options();
    let word = d.flash(reg::OPTSR_CUR) & !0xFF00 | 0x1700;
    d.set_flash(reg::OPTSR_PRG, word);
    d.set_flash(reg::OPTCR, reg::OPTCR_OPTSTRT);
    d.silicon.set_power(false);
    chipfile::store(&path, &d.silicon).unwrap();
    for told in [6 << 29, 0] {
        let board = VirtualBoard::open(selector).unwrap();
        let mut silicon = chipfile::load(&path).unwrap();
        silicon.set_power(true);
        silicon.advance(BOOT);
        let mut d = Debugger::new(silicon);
        assert_eq!(d.flash(reg::OPSR), told);
        *board.board().silicon_mut() = d.silicon;
        board.store().unwrap();
    }
}

#[test]
fn payloads_of_the_bench_are_those_of_the_chip() {
    // SHA-256 of the rest stands first; anything else is no object.
    let key = Key::password(b"own password");
    let mut data = payload(key.hash(), PRODUCT_MASK);
    data[40] ^= 1;
    let mut chip =
        Situation::of("STM32H563", ProductState::Provisioning, TrustZone::Disabled).silicon(Assumptions::default());
    chip.provision_as_the_chip_would(&data);
    assert_eq!(chip.chip().da, None);
}
