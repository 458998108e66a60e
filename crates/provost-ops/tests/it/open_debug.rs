//! Debug that is opened on a closed chip: what opens is what the model says, on every part, in every state, for every permission, and
//! nothing is erased; who may not is told why. And the way back to TZ-Closed.

use std::path::Path;

use provost_adac::{
    certificate::{Certificate, Role},
    chain::Chain,
    key::{PrivateKey, Signer as _},
    password::Password,
    permission::{Permission, PermissionMask},
    scope::{Scope, Usage},
};
use provost_bench::Bench;
use provost_chip::{
    assumptions::{Assumptions, DebugGrant, DebugHdpl, DebugWaiting},
    model::{
        access::{Ap1, ap1},
        debug::{DebugAccess, Hdpl, Opening},
    },
    parts::PartId,
    registers::memory,
    side::Side,
    states::{ProductState, TrustZone},
};
use provost_ops::{
    Silent,
    auth::{Opened, TzEnded, TzWish, close_debug, open_debug, tz_regression},
    credential::CredentialSet,
    fault::Failure,
    job::Step,
    session::Session,
};
use provost_twin::{
    board::VirtualBoard,
    presets::Maker,
    silicon::{FirmwareBehaviour, Silicon, nvm::Nvm},
};

use crate::common::maker;

const SHUT_STATES: [ProductState; 4] =
    [ProductState::Provisioning, ProductState::IrotProvisioned, ProductState::TzClosed, ProductState::Closed];

/// A chain of root, intermediate and leaf, and what is odd about it.
#[derive(Debug, Clone)]
struct Recipe {
    masks: [PermissionMask; 3],
    scope: Scope,
}

impl Default for Recipe {
    fn default() -> Self {
        Self { masks: [PermissionMask::STM32H5; 3], scope: Scope::STANDARD }
    }
}

struct Keys([PrivateKey; 3]);

impl Keys {
    fn new() -> Self {
        Self([0; 3].map(|_| PrivateKey::generate().unwrap()))
    }

    fn chain(&self, recipe: &Recipe) -> Vec<Certificate> {
        let [root, intermediate, leaf] = &self.0;
        let builder = |role, n: usize| Certificate::builder(role).permissions(recipe.masks[n]);
        let by = |role, n, key: &PrivateKey, signer| builder(role, n).sign(&key.public_key(), signer).unwrap();
        vec![
            builder(Role::Root, 0).self_sign(root).unwrap(),
            by(Role::Intermediate, 1, intermediate, root),
            builder(Role::Leaf, 2).scope(recipe.scope).sign(&leaf.public_key(), intermediate).unwrap(),
        ]
    }

    /// A folder with these files.
    fn folder(&self, chain: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cert_leaf_chain.b64"), chain).unwrap();
        std::fs::write(folder.path().join("key_3_leaf.pem"), self.0[2].to_pem().unwrap().as_bytes()).unwrap();
        folder
    }

    fn set(&self, recipe: &Recipe) -> CredentialSet {
        CredentialSet::load(self.folder(&Chain::new(self.chain(recipe)).to_base64()).path()).unwrap()
    }

    /// The object with this mask, as it lies in a chip.
    fn payload(&self, mask: PermissionMask) -> [u8; 96] {
        let object = provost_obk::da::DaObject::certificate(&self.0[0].public_key(), mask);
        object.payload().to_bytes().as_slice().try_into().unwrap()
    }
}

/// A chip with code for both worlds that climbs to this level, and our object inside.
fn chip(part: &str, state: ProductState, tz: TrustZone, hdpl: Hdpl, keys: &Keys) -> Maker {
    let mut maker = maker(part, state, tz);
    maker.firmware = Some(FirmwareBehaviour { non_secure: true, hdpl, ..FirmwareBehaviour::default() });
    maker.da_payload = maker.part.info().trustzone.then(|| keys.payload(PermissionMask::STM32H5));
    maker
}

fn board(silicon: Silicon) -> VirtualBoard {
    VirtualBoard::with_chip("chip", silicon)
}

fn nvm(board: &VirtualBoard) -> Nvm {
    board.board().silicon().nvm().clone()
}

fn view(board: &VirtualBoard) -> (Ap1, DebugAccess) {
    let board = board.board();
    let chip = board.silicon().chip();
    (ap1(chip).outcome, chip.debug)
}

fn open(board: &VirtualBoard, set: &CredentialSet, opening: Opening) -> Result<Opened, Failure> {
    open_debug(&mut Bench::on_board(board.clone()).session, set, opening, &mut Silent)
}

/// What a debugger reads at the beginning of the secure bank: nothing if AP1 faults.
fn secure_word(session: &mut Session) -> Option<u32> {
    session.ap1_as(Side::Secure).read32(Side::Secure.flash(0)).ok()
}

/// Which view an opening gives, by the rules and not by the code: open from the level on that runs, as far as the state does not open
/// more by itself.
fn expected(state: ProductState, hdpl: Hdpl, opening: Opening) -> Ap1 {
    let by_state = if state == ProductState::Closed { Ap1::Shut } else { Ap1::NonSecure };
    // In Provisioning the bootloader runs, at the first level.
    let runs = if state == ProductState::Provisioning { 1 } else { hdpl.number() };
    let granted = match opening.side {
        _ if runs < opening.level.number() => Ap1::Shut,
        Side::Secure => Ap1::Full,
        Side::NonSecure => Ap1::NonSecure,
    };
    by_state.max(granted)
}

#[test]
fn what_opens_is_what_the_rules_say_and_nothing_is_erased() {
    let keys = Keys::new();
    let set = keys.set(&Recipe::default());
    let (mut opened, mut waits) = (0, 0);
    for part in PartId::all().filter(|part| part.info().trustzone) {
        for (state, hdpl) in SHUT_STATES.into_iter().flat_map(|state| Hdpl::ALL.map(|hdpl| (state, hdpl))) {
            let made = chip(part.info().name, state, TrustZone::Enabled, hdpl, &keys);
            for opening in Opening::all() {
                let name = format!("{part} {state} {hdpl:?} {opening:?}");
                let board = board(made.make());
                let (before, shut) = (nvm(&board), view(&board).0);
                let mut session = Bench::on_board(board.clone()).session;
                provost_ops::identify::identify(&mut session).unwrap();
                assert!(secure_word(&mut session).is_none_or(|word| word == 0), "{name}: before");
                let expected = expected(state, hdpl, opening);
                let reaches = expected >= if opening.side == Side::Secure { Ap1::Full } else { Ap1::NonSecure };
                match open_debug(&mut session, &set, opening, &mut Silent) {
                    Ok(told) => {
                        assert!(reaches, "{name}");
                        assert_eq!(told.performed.last(), Some(&Step::MeasureDebug));
                        assert_eq!(told.view.sbs_dbgcr, Some(opening.dbgcr()), "{name}");
                        assert_eq!(told.view.secure, expected == Ap1::Full, "{name}");
                        assert!(told.view.outlives_reset, "{name}");
                        opened += 1;
                    }
                    Err(error) => {
                        assert!(!reaches, "{name}: {error}");
                        assert_eq!(error.code(), "debug-not-open", "{name}");
                        waits += 1;
                    }
                }
                assert_eq!(view(&board).0, expected, "{name}");
                let seen = secure_word(&mut session).filter(|word| *word != 0);
                assert_eq!(seen, (expected == Ap1::Full).then_some(0x3000_4000), "{name}: the vector table");
                assert_eq!(nvm(&board), before, "{name}: nothing was erased");
                // It survives a reset, not its end, and not a power cut.
                session.pulse_nrst().unwrap();
                assert_eq!(secure_word(&mut session).filter(|word| *word != 0), None, "{name}: the ROM runs");
                session.wait_for_ap1().unwrap();
                assert_eq!(view(&board).0, expected, "{name}: after a reset");
                close_debug(&mut session, &mut Silent).unwrap();
                assert_eq!(view(&board), (shut, DebugAccess::Closed), "{name}");
                let _ = open_debug(&mut session, &set, opening, &mut Silent);
                board.board().power_cycle();
                board.advance(std::time::Duration::from_secs(1));
                assert_eq!(view(&board), (shut, DebugAccess::Closed), "{name}");
                assert_eq!(nvm(&board), before, "{name}");
            }
        }
    }
    println!("{opened} opened, {waits} granted for a level that is not reached");
    assert!(opened > 0 && waits > 0);
}

#[test]
fn every_answer_to_the_open_questions_is_coped_with() {
    let keys = Keys::new();
    let set = keys.set(&Recipe::default());
    for grant in DebugGrant::ALL {
        for hdpl in DebugHdpl::ALL {
            for waiting in DebugWaiting::ALL {
                for level in Hdpl::ALL {
                    let mut made = chip("STM32H563", ProductState::Closed, TrustZone::Enabled, Hdpl::Two, &keys);
                    made.assumptions = Assumptions {
                        debug_grant: *grant,
                        debug_hdpl: *hdpl,
                        debug_waiting: *waiting,
                        ..made.assumptions
                    };
                    let board = board(made.make());
                    let before = nvm(&board);
                    let reached = level == Hdpl::Two || level == Hdpl::One && *hdpl == DebugHdpl::FromThereOn;
                    let result = open(&board, &set, Opening { side: Side::Secure, level });
                    assert_eq!(result.is_ok(), reached, "{grant:?} {hdpl:?} {waiting:?} {level:?}");
                    match result {
                        Ok(told) => assert_eq!(told.reset_needed, *grant == DebugGrant::Waits),
                        Err(error) => assert_eq!(error.code(), "debug-not-open"),
                    }
                    assert_eq!(nvm(&board), before);
                }
            }
        }
    }
}

/// Debug for both sides, from the first level on.
const BOTH: Opening = Opening { side: Side::Secure, level: Hdpl::One };

/// Credentials and chips that do not go together: what the host says, and why the chip refused where it was asked.
#[test]
fn who_may_not_is_told_why_and_nothing_happens() {
    let keys = Keys::new();
    let good = keys.set(&Recipe::default());
    let closed = |part: &str, tz| chip(part, ProductState::Closed, tz, Hdpl::One, &keys);
    let h563 = || closed("STM32H563", TrustZone::Enabled);
    let mut count = 0;
    let mut refused = |name: &str, set: &CredentialSet, maker: Maker, code: &str, reason: Option<&str>| {
        let board = board(maker.make());
        let before = nvm(&board);
        let error = open(&board, set, BOTH).expect_err(name);
        assert_eq!(error.code(), code, "{name}: {error}");
        let told = board.board().silicon().last_refusal();
        assert_eq!(told.map(|why| why.code()), reason, "{name}");
        assert_eq!(nvm(&board), before, "{name}");
        assert_eq!(board.board().silicon().chip().debug, DebugAccess::Closed, "{name}");
        count += 1;
    };
    let scoped = |change: &dyn Fn(&mut Scope)| {
        let mut recipe = Recipe::default();
        change(&mut recipe.scope);
        keys.set(&recipe)
    };

    // What only the chip can tell.
    let mismatch = Some("scope-mismatch");
    refused("another root", &Keys::new().set(&Recipe::default()), h563(), "da-refused", Some("root-hash"));
    refused("another class", &scoped(&|s| s.soc_class = 0x478), h563(), "da-refused", mismatch);
    refused("another chip", &scoped(&|s| s.soc_id[0] = 1), h563(), "da-refused", mismatch);
    refused("another life cycle", &scoped(&|s| s.lifecycle = 0x2071), h563(), "da-refused", mismatch);
    refused("an OEM constraint", &scoped(&|s| s.oem_constraint = 1), h563(), "da-refused", mismatch);
    let mut password_inside = h563();
    password_inside.da_payload = Some(
        provost_obk::da::DaObject::password(&Password::new(b"0123456789").unwrap())
            .payload()
            .to_bytes()
            .as_slice()
            .try_into()
            .unwrap(),
    );
    refused("a password was provisioned", &good, password_inside, "da-refused", Some("root-hash"));
    for withheld in Permission::ALL {
        // One bit of the object at a time; another permission than ours does not matter.
        let mut mask = PermissionMask::STM32H5;
        mask.remove(withheld);
        let mut maker = h563();
        maker.da_payload = Some(keys.payload(mask));
        if withheld == Permission::IntrusiveDebugLevel1 {
            refused("the object withholds it", &good, maker, "da-refused", Some("permission-not-granted"));
        } else {
            assert!(open(&board(maker.make()), &good, BOTH).is_ok(), "{withheld}");
        }
    }
    let mut nothing = PermissionMask::STM32H5;
    nothing.remove(PermissionMask::STM32H5);
    let mut empty = h563();
    empty.da_payload = Some(keys.payload(nothing));
    refused("the object withholds everything", &good, empty, "da-refused", Some("permission-not-granted"));

    // What the chip says of itself.
    let mut bare = h563();
    bare.da_payload = None;
    refused("nothing is provisioned", &good, bare, "auth-nothing-provisioned", None);
    let mut untrusted = closed("STM32H563", TrustZone::Disabled);
    untrusted.da_payload = Some(keys.payload(PermissionMask::STM32H5));
    refused("TrustZone is off", &good, untrusted, "auth-password-only", None);
    refused("an STM32H503", &good, closed("STM32H503", TrustZone::Disabled), "auth-password-only", None);
    refused(
        "Locked",
        &good,
        chip("STM32H563", ProductState::Locked, TrustZone::Enabled, Hdpl::One, &keys),
        "da-no-answer",
        None,
    );
    refused(
        "Open",
        &good,
        chip("STM32H563", ProductState::Open, TrustZone::Enabled, Hdpl::One, &keys),
        "auth-chip-open",
        None,
    );

    // What the host knows before it sends anything.
    let password = CredentialSet::from_password(Password::new(b"0123456789").unwrap());
    refused("a password", &password, h563(), "auth-needs-certificate", None);
    for (n, name) in ["the root", "the intermediate", "the leaf"].into_iter().enumerate() {
        let mut recipe = Recipe::default();
        recipe.masks[n].remove(Permission::IntrusiveDebugLevel1);
        refused(&format!("{name} withholds it"), &keys.set(&recipe), h563(), "auth-permission-withheld", None);
    }

    // What is no credential at all is not even loaded.
    let chain = keys.chain(&Recipe::default());
    let text =
        |certificates: &[&Certificate]| Chain::new(certificates.iter().map(|c| (*c).clone()).collect()).to_base64();
    let other = Keys::new().chain(&Recipe::default());
    let mut rma = Recipe::default();
    rma.scope.usage = Usage::Rma;
    let flipped = {
        let mut text = text(&[&chain[0], &chain[1], &chain[2]]).into_bytes();
        // Somewhere in the leaf's signature.
        text[840] = if text[840] == b'A' { b'B' } else { b'A' };
        String::from_utf8(text).unwrap()
    };
    for (name, file, code) in [
        ("no leaf", text(&[&chain[0], &chain[1]]), "chain-incomplete"),
        ("the root alone, with the leaf's key", text(&[&chain[0]]), "credential-key-mismatch"),
        ("another leaf", text(&[&chain[0], &chain[1], &other[2]]), "chain-signature"),
        ("another intermediate", text(&[&chain[0], &other[1], &chain[2]]), "chain-signature"),
        ("another root before it", text(&[&other[0], &chain[1], &chain[2]]), "chain-signature"),
        ("the wrong way round", text(&[&chain[2], &chain[1], &chain[0]]), "chain-order"),
        ("somebody else's chain", text(&[&other[0], &other[1], &other[2]]), "credential-key-mismatch"),
        ("a bit flipped", flipped, "chain-signature"),
        ("nothing", String::new(), "chain-empty"),
        ("for the return to the maker", Chain::new(keys.chain(&rma)).to_base64(), "chain-scope-conflict"),
        ("no base64", "!".repeat(40), "chain-base64"),
    ] {
        let error = CredentialSet::load(keys.folder(&file).path()).expect_err(name);
        assert_eq!(error.code(), code, "{name}");
        count += 1;
    }
    println!("{count} wrong credentials and chips");
    assert!(count >= 20);
}

#[test]
fn without_nrst_it_does_not_begin() {
    let keys = Keys::new();
    let set = keys.set(&Recipe::default());
    let mut silicon = chip("STM32H563", ProductState::Closed, TrustZone::Enabled, Hdpl::One, &keys).make();
    silicon.set_nrst_wired(false);
    let board = board(silicon);
    board.board().silicon_mut().set_nrst_wired(false);
    let error = open(&board, &set, BOTH).unwrap_err();
    assert_eq!(error.code(), "da-no-answer");
}

fn to_tz_closed(board: &VirtualBoard, keys: &Keys, out: &Path) -> Result<TzEnded, Failure> {
    regress_on(&mut Bench::on_board(board.clone()), keys, out)
}

fn regress_on(bench: &mut Bench, keys: &Keys, out: &Path) -> Result<TzEnded, Failure> {
    let wish =
        TzWish { chip: "twin:chip".to_owned(), part: None, credential: keys.set(&Recipe::default()), out: out.into() };
    tz_regression(&mut bench.session, wish, &mut Silent)
}

/// The secure bank stays, the non-secure one goes.
fn only_the_secure_side_is_left(board: &VirtualBoard, before: &Nvm) -> bool {
    let board = board.board();
    let (silicon, bank) = (board.silicon(), board.silicon().identity().flash.bank() / 0x2000);
    let kept =
        before.flash.iter().filter(|(n, _)| **n < bank).all(|(n, bytes)| silicon.nvm().flash.get(n) == Some(bytes));
    kept && silicon.nvm().flash.keys().all(|n| *n < bank) && silicon.chip().state == ProductState::TzClosed
}

#[test]
fn back_to_tz_closed_erases_the_non_secure_side_alone() {
    let keys = Keys::new();
    for part in PartId::all().filter(|part| part.info().trustzone) {
        for state in [ProductState::IrotProvisioned, ProductState::TzClosed, ProductState::Closed] {
            let folder = tempfile::tempdir().unwrap();
            let board = board(chip(part.info().name, state, TrustZone::Enabled, Hdpl::One, &keys).make());
            let before = nvm(&board);
            assert!(before.flash.keys().any(|n| *n > 0), "there is non-secure code");
            let ended = to_tz_closed(&board, &keys, folder.path()).unwrap();
            assert_eq!(ended.receipt.discovered.product_state, Some(ProductState::TzClosed));
            assert!(only_the_secure_side_is_left(&board, &before), "{part} {state}");
            assert!(ended.folder.join("receipt.json").is_file());
            assert_eq!(ended.performed.len(), 3);
            // The certificate is in the chip as before.
            assert!(open(&board, &keys.set(&Recipe::default()), BOTH).is_ok(), "{part} {state}");
        }
    }
}

#[test]
fn what_cannot_go_back_to_tz_closed_is_refused() {
    let keys = Keys::new();
    let folder = tempfile::tempdir().unwrap();
    for (state, code) in [
        (ProductState::Open, "auth-chip-open"),
        (ProductState::Provisioning, "tz-regression-state"),
        (ProductState::Locked, "da-no-answer"),
    ] {
        let board = board(chip("STM32H563", state, TrustZone::Enabled, Hdpl::One, &keys).make());
        let before = nvm(&board);
        assert_eq!(to_tz_closed(&board, &keys, folder.path()).unwrap_err().code(), code);
        assert_eq!(nvm(&board), before);
    }
    // Refused by the chip: the journal says that nothing is left to be done.
    let board = board(chip("STM32H563", ProductState::Closed, TrustZone::Enabled, Hdpl::One, &Keys::new()).make());
    let before = nvm(&board);
    assert_eq!(to_tz_closed(&board, &keys, folder.path()).unwrap_err().code(), "da-refused");
    assert_eq!(nvm(&board), before);
    assert!(provost_ops::close::unfinished(&[folder.path().to_owned()]).unwrap().is_empty());
}

/// The probe is pulled after every transaction: the second run always ends in TZ-Closed, and the secure side is never touched.
#[test]
fn an_interrupted_regression_is_done_again() {
    let keys = Keys::new();
    let whole = board(chip("STM32H563", ProductState::Closed, TrustZone::Enabled, Hdpl::One, &keys).make());
    let before = nvm(&whole);
    let folder = tempfile::tempdir().unwrap();
    to_tz_closed(&whole, &keys, folder.path()).unwrap();
    let all = {
        use provost_twin::wire::Wire as _;
        whole.board().stats().transactions
    };
    let mut interrupted = 0;
    for at in (0..all).step_by(7) {
        let folder = tempfile::tempdir().unwrap();
        let board = board(chip("STM32H563", ProductState::Closed, TrustZone::Enabled, Hdpl::One, &keys).make());
        match regress_on(&mut Bench::on_board(board.unplugged_after(at)), &keys, folder.path()) {
            Ok(_) => {}
            Err(error) => {
                let wrote = board.board().silicon().nvm() != &before;
                assert!(!wrote || error.exit().code() == 5, "{at}: {error}");
                interrupted += 1;
            }
        }
        board.board().power_cycle();
        board.advance(std::time::Duration::from_secs(1));
        to_tz_closed(&board, &keys, folder.path()).unwrap();
        assert!(only_the_secure_side_is_left(&board, &before), "{at}");
        assert!(provost_ops::close::unfinished(&[folder.path().to_owned()]).unwrap().is_empty(), "{at}");
    }
    println!("{interrupted} interruptions of {all} transactions");
    assert!(interrupted > 100);
}

#[test]
fn the_option_byte_keys_stay_hidden() {
    let keys = Keys::new();
    let board = board(chip("STM32H563", ProductState::Closed, TrustZone::Enabled, Hdpl::One, &keys).make());
    let mut session = Bench::on_board(board).session;
    open_debug(&mut session, &keys.set(&Recipe::default()), BOTH, &mut Silent).unwrap();
    let at = memory::OBK_SECURE + memory::OBK_DA_OFFSET;
    assert_eq!(session.ap1_as(Side::Secure).read32(at).unwrap(), 0);
}
