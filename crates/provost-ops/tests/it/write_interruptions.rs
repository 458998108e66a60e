//! `obk write` and `option set`, interrupted after any transaction on the wire: power cut, probe unplugged, program killed. No index
//! is skipped. What ends as if nothing had been begun has changed nothing. An object write is finished by the same command, and the
//! chip then opens with the credential; option bytes are all as before or all as asked for, and the same command makes them what
//! was asked for.

use crate::closing::scratch;
use crate::common::{self, Log, maker, state_of, stuck};
use crate::deadly::{Interruption, Killed, every_index, interrupted_bench, mend};
use provost_testkit::figures::interrupted;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use provost_adac::permission::PermissionMask;
use provost_bench::Bench;
use provost_chip::{
    option_bytes::OptionField,
    parts::PartId,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_ops::{
    credential::{ChainRecipe, CredentialSet, Recipe, make},
    fault::Failure,
    identify::identify,
    objects::{self, Request, Site, Source},
    option_bytes::{Assignment, OptionBytes, apply, plan},
    rescue::{Wish, rescue},
    store::Replace,
};
use provost_twin::{board::VirtualBoard, silicon::nvm::Nvm, wire::Wire as _};

/// How a run ended that may have been killed.
fn ending<T>(run: impl FnOnce() -> Result<T, Failure>) -> String {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(_)) => "finished".to_owned(),
        Ok(Err(error)) => format!("exit {} {}", error.exit().code(), error.code()),
        Err(payload) if payload.is::<Killed>() => "killed".to_owned(),
        Err(payload) => std::panic::resume_unwind(payload),
    }
}

/// After the interruption: power, probe and NRST are as a person leaves them who tries again.
fn tried_again(board: &VirtualBoard, how: Interruption) {
    mend(board, how);
    board.board().set_nrst(false);
    board.advance(Duration::from_millis(100));
}

/// A part, and the credential that is written into it.
#[derive(Debug, Clone, Copy)]
struct Object {
    part: &'static str,
    method: DaMethod,
}

/// A part that refuses what it cannot use.
const PLAIN: Object = Object { part: "STM32H563", method: DaMethod::Certificate };
/// A part with secure AES, whose encryption word has to be found.
const CRYPTO: Object = Object { part: "STM32H533", method: DaMethod::Certificate };
/// A password, TrustZone off.
const PASSWORD: Object = Object { part: "STM32H563", method: DaMethod::Password };
/// A password in OTP, for life.
const OTP: Object = Object { part: "STM32H503", method: DaMethod::Password };

impl Object {
    fn id(self) -> PartId {
        self.part.parse().unwrap()
    }

    fn tz(self) -> TrustZone {
        match self.method {
            DaMethod::Certificate => TrustZone::Enabled,
            DaMethod::Password => TrustZone::Disabled,
        }
    }

    fn board(self) -> VirtualBoard {
        // What a public encryption word can do: the likeliest ROM of a part with secure AES takes none of them.
        let world = provost_twin::presets::practice_world();
        VirtualBoard::with_chip("chip", stuck(self.part, self.tz(), world))
    }

    fn set(self, folder: &Path) -> CredentialSet {
        let (part, method) = (self.id(), self.method);
        let recipe = Recipe {
            part,
            method,
            chain: ChainRecipe::default(),
            password: None,
            object_mask: PermissionMask::STM32H5,
        };
        make(&recipe, folder, Replace::Never).unwrap().set
    }

    fn file(self, set: &Path) -> PathBuf {
        set.join(match (self.part, self.method) {
            ("STM32H503", _) => "password.bin",
            (_, DaMethod::Certificate) => "DA_Config.obk",
            (_, DaMethod::Password) => "DA_ConfigWithPassword.obk",
        })
    }

    fn write(self, bench: &mut Bench, set: &Path, base: &Path, replace: bool) -> Result<(), Failure> {
        let request = Request {
            sources: vec![Source::load(&self.file(set)).unwrap()],
            part: Some(self.id().into()),
            method: None,
            replace,
            encrypting_word: None,
            allowed: Vec::new(),
            once_for_life: self.part == "STM32H503",
        };
        let site = Site { chip: "chip".to_owned(), out: base.into() };
        let plan = objects::plan(&mut bench.session, &request, &mut Log::default())?;
        objects::write(&mut bench.session, &plan, &request, &site, &mut Log::default()).map(drop)
    }

    fn interrupted_at(
        self,
        (index, how): (u64, Interruption),
        base: &Path,
        credential: &CredentialSet,
        proven: &Mutex<Vec<Nvm>>,
    ) -> String {
        let set = credential.folder();
        let _ = std::fs::remove_dir_all(base);
        let board = self.board();
        let before = board.board().silicon().nvm().clone();
        let mut bench = interrupted_bench(&board, how, index);
        let first = ending(|| self.write(&mut bench, set, base, false));
        drop(bench);
        tried_again(&board, how);
        let name = format!("{self:?} {how:?} at {index} ({first})");
        assert_eq!(state_of(&board).0, ProductState::Provisioning, "{name}");
        let unchanged = *board.board().silicon().nvm() == before;
        assert!(unchanged || !first.starts_with("exit 4"), "{name}: it was said that nothing had been begun");
        let again = |replace| self.write(&mut Bench::on_board(board.clone()), set, base, replace);
        let second = match again(false) {
            Ok(()) => "finished",
            Err(error) if error.code() == "obk-present" => {
                again(true).unwrap_or_else(|e| panic!("{name}: not replaced: {e}"));
                "found there, and written once more"
            }
            Err(error) => panic!("{name}: the second run stopped: {error}"),
        };
        assert!(board.board().silicon().nvm().otp_spoilt.is_empty(), "{name}: no half-word is written twice");
        // A chip that holds what another held comes back as that one did.
        let left = board.board().silicon().nvm().clone();
        if !proven.lock().unwrap().contains(&left) {
            let wish = Wish {
                part: Some(self.id().into()),
                ..common::wish(&board, &base.join("rescue"), Some(credential.clone()))
            };
            rescue(&mut Bench::on_board(board.clone()).session, wish, &mut Log::default())
                .unwrap_or_else(|e| panic!("{name}: no way back: {e}"));
            assert_eq!(state_of(&board), (ProductState::Open, TrustZone::Disabled), "{name}");
            proven.lock().unwrap().push(left);
        }
        format!("{first}; then {second}, and back in Open")
    }

    fn campaign(self, how: Interruption) {
        let scratch = scratch();
        let set = scratch.path().join("set");
        self.set(&set);
        let board = self.board();
        let before = board.board().stats().transactions;
        self.write(&mut Bench::on_board(board.clone()), &set, &scratch.path().join("whole"), false).unwrap();
        let count = board.board().stats().transactions - before;
        let (credential, proven) = (CredentialSet::load(&set).unwrap(), Mutex::default());
        let endings = every_index(scratch.path(), count, |index, base| {
            self.interrupted_at((index, how), base, &credential, &proven)
        });
        println!("{} chips that differ were brought back", proven.lock().unwrap().len());
        interrupted("write_interruptions::", &format!("{self:?}, {how:?}"), count, &endings);
    }
}

/// Several fields in several registers, one launch.
const CHANGE: [(&str, &str); 3] = [("NSBOOTADD", "0x080400"), ("WRPSGn1", "0x0F"), ("SECWM1_END", "0x03")];

fn option_board() -> VirtualBoard {
    VirtualBoard::with_chip("board", maker("STM32H533", ProductState::Open, TrustZone::Enabled).make())
}

fn set_options(bench: &mut Bench) -> Result<(), Failure> {
    let identity = identify(&mut bench.session)?;
    let bytes = OptionBytes::read(&mut bench.session, &identity, Some("STM32H533".parse().unwrap()))?;
    let assignments = CHANGE.map(|(name, value)| Assignment { name: name.to_owned(), value: value.to_owned() });
    let change = plan(&bytes, &assignments)?;
    apply(&mut bench.session, &bytes, change, &mut Log::default()).map(drop)
}

/// All values in force.
fn held(board: &VirtualBoard) -> BTreeMap<&'static str, u32> {
    let board = board.board();
    let options = &board.silicon().nvm().options;
    OptionField::of("STM32H533".parse().unwrap()).map(|f| (f.name, f.get(options.get(f.offset_cur)))).collect()
}

fn options_campaign(how: Interruption) {
    let scratch = scratch();
    let whole = option_board();
    let old = held(&whole);
    let before = whole.board().stats().transactions;
    set_options(&mut Bench::on_board(whole.clone())).unwrap();
    let count = whole.board().stats().transactions - before;
    let new = held(&whole);
    assert_ne!(old, new);
    let endings = every_index(scratch.path(), count, |index, _| {
        let board = option_board();
        let mut bench = interrupted_bench(&board, how, index);
        let first = ending(|| set_options(&mut bench));
        drop(bench);
        tried_again(&board, how);
        let name = format!("{how:?} at {index} ({first})");
        let now = held(&board);
        assert!(now == old || !first.starts_with("exit 4"), "{name}: it was said that nothing had been begun");
        assert!(now == old || now == new, "{name}: some are changed, some are not");
        set_options(&mut Bench::on_board(board.clone()))
            .unwrap_or_else(|e| panic!("{name}: the second run stopped: {e}"));
        assert_eq!(held(&board), new, "{name}");
        let left = if now == old { "the old" } else { "the new" };
        format!("{first}; {left} values; then as asked for")
    });
    interrupted("write_interruptions::", &format!("option set, {how:?}"), count, &endings);
}

macro_rules! campaigns {
    ($($name:ident: $object:ident, $how:ident;)*) => { $(
        #[test]
        fn $name() {
            $object.campaign(Interruption::$how);
        }
    )* };
}

campaigns! {
    plain_power_cut_before: PLAIN, PowerCutBefore;
    plain_power_cut_after: PLAIN, PowerCutAfter;
    plain_probe_unplugged: PLAIN, ProbeUnplugged;
    plain_program_killed: PLAIN, ProgramKilled;
    crypto_power_cut_before: CRYPTO, PowerCutBefore;
    crypto_power_cut_after: CRYPTO, PowerCutAfter;
    crypto_probe_unplugged: CRYPTO, ProbeUnplugged;
    crypto_program_killed: CRYPTO, ProgramKilled;
    password_power_cut_before: PASSWORD, PowerCutBefore;
    password_power_cut_after: PASSWORD, PowerCutAfter;
    password_probe_unplugged: PASSWORD, ProbeUnplugged;
    password_program_killed: PASSWORD, ProgramKilled;
    otp_power_cut_before: OTP, PowerCutBefore;
    otp_power_cut_after: OTP, PowerCutAfter;
    otp_probe_unplugged: OTP, ProbeUnplugged;
    otp_program_killed: OTP, ProgramKilled;
}

#[test]
fn options_power_cut_before() {
    options_campaign(Interruption::PowerCutBefore);
}

#[test]
fn options_power_cut_after() {
    options_campaign(Interruption::PowerCutAfter);
}

#[test]
fn options_probe_unplugged() {
    options_campaign(Interruption::ProbeUnplugged);
}

#[test]
fn options_program_killed() {
    options_campaign(Interruption::ProgramKilled);
}
