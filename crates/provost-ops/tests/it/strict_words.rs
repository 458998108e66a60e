//! The world in which the provisioning service takes two encryption words only, and the one that encrypts is not public: on parts with
//! secure AES a host stops with nothing lost and says so, and goes on with the word that its user knows.

use crate::closing;
use crate::common;

use common::{Log, state_of, stuck, wish};
use provost_bench::Bench;
use provost_chip::{
    assumptions::Assumptions,
    parts::PartId,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_ops::{
    credential::CredentialSet,
    drive::service::EncryptWord,
    error::{Exit, Failure},
    rescue::{self, Wish},
};
use provost_twin::{INVENTED_ENCRYPT_WORD, board::VirtualBoard};

/// The default of the switch.
fn strict(part: &str, tz: TrustZone) -> VirtualBoard {
    VirtualBoard::with_chip("chip", stuck(part, tz, Assumptions::default()))
}

fn word() -> EncryptWord {
    EncryptWord::new(INVENTED_ENCRYPT_WORD)
}

fn rescued(board: &VirtualBoard, wish: Wish) -> Result<(), Failure> {
    rescue::rescue(&mut Bench::on_board(board.clone()).session, wish, &mut Log::default()).map(drop)
}

fn crypto() -> impl Iterator<Item = PartId> {
    PartId::all().filter(|part| part.info().crypto)
}

fn set(folder: &std::path::Path) -> CredentialSet {
    let (set, keys) = CredentialSet::generate(folder).unwrap();
    set.save(&keys, true).unwrap();
    set
}

/// What ST's tool does: it has the word.
fn provisioned_by_the_tool(board: &VirtualBoard, set: &CredentialSet, tz: TrustZone) {
    let object = set.object(DaMethod::for_trustzone(tz)).unwrap().unwrap().payload().to_bytes();
    board.board().silicon_mut().provision_as_the_chip_would(&object);
}

#[test]
fn a_part_with_secure_aes_is_left_as_it_was_and_comes_back_after_st_s_tool() {
    for part in crypto() {
        for tz in TrustZone::ALL {
            let (base, name) = (tempfile::tempdir().unwrap(), part.info().name);
            let mine = set(&base.path().join("set"));
            let board = strict(name, tz);
            let before = board.board().silicon().nvm().clone();
            let asked = Wish { part: Some(part.into()), ..wish(&board, base.path(), Some(mine.clone())) };
            let error = rescued(&board, asked).unwrap_err();
            assert_eq!((error.code(), error.exit()), ("rss-encrypt-word-unknown", Exit::PersonMustAct), "{part} {tz}");
            assert!(
                error.to_string().contains("0xf5f5e00e: the encryption word is none that the service knows"),
                "{error}"
            );
            assert_eq!(*board.board().silicon().nvm(), before, "{part} {tz}: nothing written");
            // The next step that the error prints.
            provisioned_by_the_tool(&board, &mine, tz);
            let regress = Wish { inside: true, ..wish(&board, base.path(), Some(mine)) };
            rescued(&board, regress).unwrap_or_else(|e| panic!("{part} {tz}: {e}"));
            assert_eq!(state_of(&board), (ProductState::Open, TrustZone::Disabled), "{part} {tz}");
        }
    }
}

#[test]
fn the_word_of_the_user_is_the_only_one_sent_and_opens_every_part_that_encrypts() {
    for part in crypto() {
        for tz in TrustZone::ALL {
            let base = tempfile::tempdir().unwrap();
            let board = strict(part.info().name, tz);
            rescued(&board, Wish { encrypt_word: Some(word()), ..wish(&board, base.path(), None) })
                .unwrap_or_else(|e| panic!("{part} {tz}: {e}"));
            assert_eq!(state_of(&board), (ProductState::Open, TrustZone::Disabled), "{part} {tz}");
        }
    }
}

/// A part that may have secure AES or not, and an object of the user's that the chip can use: it must not be put over.
#[test]
fn what_the_chip_holds_is_not_put_over_before_the_part_is_named() {
    for part in ["STM32H523", "STM32H533"] {
        let base = tempfile::tempdir().unwrap();
        let mine = set(&base.path().join("set"));
        let board = strict(part, TrustZone::Enabled);
        provisioned_by_the_tool(&board, &mine, TrustZone::Enabled);
        let before = board.board().silicon().nvm().clone();
        let error = rescued(&board, wish(&board, base.path(), Some(mine.clone()))).unwrap_err();
        assert_eq!((error.code(), error.exit()), ("rss-part-needed", Exit::PersonMustAct), "{part}");
        assert_eq!(*board.board().silicon().nvm(), before, "{part}: nothing written");
        // Asked for a regression, the chip is asked before anything goes over what it holds.
        rescued(&board, Wish { inside: true, ..wish(&board, base.path(), Some(mine)) }).unwrap();
        assert_eq!(state_of(&board).0, ProductState::Open, "{part}");
    }
}

/// A credential made just now cannot be in the chip: parts without secure AES need nobody to name them.
#[test]
fn parts_that_cannot_encrypt_come_back_unnamed() {
    for part in PartId::all().filter(|p| p.info().trustzone && !p.info().crypto) {
        for tz in TrustZone::ALL {
            let base = tempfile::tempdir().unwrap();
            let board = strict(part.info().name, tz);
            rescued(&board, wish(&board, base.path(), None)).unwrap_or_else(|e| panic!("{part} {tz}: {e}"));
            assert_eq!(state_of(&board), (ProductState::Open, TrustZone::Disabled), "{part} {tz}");
        }
    }
}

#[test]
fn a_close_and_its_rehearsal_take_the_word_and_stop_in_provisioning_without_it() {
    for part in crypto() {
        let base = closing::scratch();
        closing::root_only_set(&base.path().join("set"));
        let (name, tz, to) = (part.info().name, TrustZone::Enabled, ProductState::TzClosed);
        let mut request = closing::request(name, tz, to, base.path());
        request.rehearse = true;
        let board = VirtualBoard::with_chip("chip", closing::open_chip(name, tz, Assumptions::default()));
        let error = closing::run(&board, &request).unwrap_err();
        assert_eq!(error.code(), "rss-encrypt-word-unknown", "{part}");
        assert_eq!(
            (state_of(&board).0, board.board().silicon().chip().da),
            (ProductState::Provisioning, None),
            "{part}"
        );
        let with_word = Wish {
            part: Some(part.into()),
            encrypt_word: Some(word()),
            ..wish(&board, &base.path().join("rescue"), None)
        };
        rescued(&board, with_word).unwrap();
        assert_eq!(state_of(&board).0, ProductState::Open, "{part}");

        let base = closing::scratch();
        closing::root_only_set(&base.path().join("set"));
        let mut request = closing::request(name, tz, to, base.path());
        (request.rehearse, request.encrypt_word) = (true, Some(word()));
        let board = VirtualBoard::with_chip("chip", closing::open_chip(name, tz, Assumptions::default()));
        let receipt = closing::run(&board, &request).unwrap_or_else(|e| panic!("{part}: {e}"));
        assert!(receipt.rehearsed, "{part}");
        assert_eq!(receipt.how.and_then(|how| how.attempt()).unwrap().encrypt_word, word(), "{part}");
        assert_eq!(state_of(&board), (to, tz), "{part}");
    }
}
