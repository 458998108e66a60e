//! Every part, closed: the right credential opens it, each of many wrong ones is refused for the right reason, and nothing that the
//! chip keeps without power changes.

use crate::common;
mod talk;

use common::{maker, state_of};
use provost_adac::{
    certificate::{Certificate, CertificateError, Role},
    key::Signer as _,
    packet::{Command, Request, Status},
    password::Password,
    permission::{MaskSource, Permission, PermissionMask},
    scope::{Scope, ScopeField, Usage},
    target::{Fragment, RefusalReason as Why},
    tlv::TypeId,
    token::Token,
};
use provost_chip::{
    option_bytes::OptionField,
    parts::{DaStore, PartId},
    registers::flash,
    states::{ProductState, TrustZone},
};
use provost_obk::da::DaObject;
use provost_twin::{board::VirtualBoard, silicon::Silicon};
use talk::{Keys, Talk};

/// Full regression, to TZ regression and one kind of debug: what the object allows. The certificates allow everything else too.
const OBJECT_MASK: PermissionMask = PermissionMask(0x5070);
const PASSWORD: &[u8] = b"correct horse 42";

/// A chip, and how often it was attacked.
struct Victim {
    board: VirtualBoard,
    name: String,
    refused: usize,
}

impl Victim {
    fn new(silicon: Silicon) -> Self {
        let name = silicon.identity().part.to_string();
        Self { board: VirtualBoard::with_chip("victim", silicon), name, refused: 0 }
    }

    /// A wrong credential: refused with this reason, and nothing in the chip is another than before.
    fn refuses(&mut self, what: &str, why: Why, attack: impl FnOnce(&mut Talk) -> Status) {
        let before = self.board.board().silicon().nvm().clone();
        let mut talk = Talk::begin(&self.board);
        assert_eq!(attack(&mut talk), Status::Failure, "{}: {what}", self.name);
        drop(talk);
        // A refused chip that does something after all would have done it by then.
        self.board.advance(std::time::Duration::from_secs(2));
        let board = self.board.board();
        assert_eq!(board.silicon().last_refusal(), Some(why), "{}: {what}", self.name);
        assert_eq!(*board.silicon().nvm(), before, "{}: {what}: nothing is erased", self.name);
        drop(board);
        self.fresh();
        self.refused += 1;
    }

    fn fresh(&self) {
        self.board.board().power_cycle();
        self.board.advance(std::time::Duration::from_secs(1));
    }

    /// The right one, at last.
    fn opens(&self, attack: impl FnOnce(&mut Talk) -> Status) {
        let mut talk = Talk::begin(&self.board);
        assert_eq!(attack(&mut talk), Status::Success, "{}", self.name);
        drop(talk);
        self.board.advance(std::time::Duration::from_secs(2));
        assert_eq!(state_of(&self.board), (ProductState::Open, TrustZone::Disabled), "{}", self.name);
    }
}

fn closed(part: PartId, tz: TrustZone, object: &DaObject) -> Silicon {
    let mut maker = maker(part.info().name, ProductState::Closed, tz);
    if part.info().da_store == DaStore::Obk {
        maker.da_payload = Some(object.payload().to_bytes());
        return maker.make();
    }
    // The STM32H503 keeps the hash in OTP, locked.
    let made = maker.make();
    let mut nvm = made.nvm().clone();
    for (index, half) in object.hash.chunks_exact(2).enumerate() {
        nvm.program_otp(index, u16::from_le_bytes([half[0], half[1]]));
    }
    let lock = OptionField::find(part, "LOCKBL").unwrap();
    assert_eq!(lock.offset_cur, flash::OTPBLR_CUR);
    nvm.options.set(flash::OTPBLR_CUR, 1);
    Silicon::new(*made.identity(), nvm, made.behaviour(), *made.assumptions())
}

/// The fields of a certificate, by first byte, and what becomes of a leaf in which the lowest bit there is turned.
fn leaf_fields() -> Vec<(&'static str, usize, Option<usize>)> {
    // `Some(offset)`: the format is broken there; `None`: what was signed is something else.
    vec![
        ("format_version", 0, Some(0)),
        ("format_version minor", 1, None),
        ("signature_type", 2, Some(2)),
        ("key_type", 3, Some(3)),
        ("usage", 5, None),
        ("policies", 6, None),
        ("lifecycle", 8, None),
        ("oem_constraint", 10, None),
        ("extensions_bytes", 12, Some(12)),
        ("soc_class", 16, None),
        ("soc_id", 20, None),
        ("permissions_mask", 36, None),
        ("extensions_hash", 116, None),
        ("signature r", 148, None),
        ("signature s", 180, None),
    ]
}

/// A certificate's bytes with one bit turned, sent behind the certificates before it.
fn turned(talk: &mut Talk, chain: &[Certificate], index: usize, offset: usize) -> Status {
    let challenge = talk.start();
    assert!(index == 0 || talk.certificates(&chain[..index]) == Status::NeedMoreData);
    let mut bytes = chain[index].to_bytes();
    bytes[offset] ^= 1;
    match talk.fragment(TypeId::BinaryCertificate, &bytes) {
        // A certificate may be taken whose flaw shows with the token only.
        Status::NeedMoreData => talk.token(Permission::FullRegression, &challenge, &Keys::new(0x11).leaf),
        status => status,
    }
}

fn certificate_chip(part: PartId) -> usize {
    let (mine, other) = (Keys::new(0x11), Keys::new(0x21));
    let object = DaObject::certificate(&mine.root.public_key(), OBJECT_MASK);
    let mut chip = Victim::new(closed(part, TrustZone::Enabled, &object));
    let (chain, all) = (mine.chain(), PermissionMask::STM32H5);
    let [root, intermediate, leaf] = [&chain[0], &chain[1], &chain[2]];
    let wants = Permission::FullRegression;
    let signature = |role| Why::BadSignature { signed: Fragment::Certificate(role) };
    let order = |role| Why::WrongOrder { found: Fragment::Certificate(role) };
    let token_order = Why::WrongOrder { found: Fragment::Token };
    let token_signature = Why::BadSignature { signed: Fragment::Token };

    chip.refuses("another root", Why::RootHashMismatch, |t| t.authenticate(&other.chain(), &other.leaf, wants));
    let forged = Certificate::builder(Role::Root).sign(&mine.root.public_key(), &other.root).unwrap();
    chip.refuses("a root signed by somebody else", signature(Role::Root), |t| {
        t.authenticate(&[forged], &mine.root, wants)
    });
    chip.refuses("the leaf alone", order(Role::Leaf), |t| {
        t.authenticate(std::slice::from_ref(leaf), &mine.leaf, wants)
    });
    chip.refuses("no root", order(Role::Intermediate), |t| t.authenticate(&chain[1..], &mine.leaf, wants));
    chip.refuses("leaf before intermediate", signature(Role::Leaf), |t| {
        t.authenticate(&[root.clone(), leaf.clone(), intermediate.clone()], &mine.leaf, wants)
    });
    chip.refuses("root twice", order(Role::Root), |t| t.authenticate(&[root.clone(), root.clone()], &mine.root, wants));
    chip.refuses("intermediate behind the leaf", order(Role::Intermediate), |t| {
        t.authenticate(&[root.clone(), intermediate.clone(), leaf.clone(), intermediate.clone()], &mine.leaf, wants)
    });
    chip.refuses("no leaf", token_order, |t| t.authenticate(&chain[..2], &mine.intermediate, wants));
    chip.refuses("no certificate at all", token_order, |t| t.authenticate(&[], &mine.leaf, wants));
    let others = [root.clone(), other.intermediate(Scope::STANDARD), other.leaf(Scope::STANDARD, all)];
    chip.refuses("intermediate of another root", signature(Role::Intermediate), |t| {
        t.authenticate(&others, &other.leaf, wants)
    });
    chip.refuses("token signed by the root key", token_signature, |t| t.authenticate(&chain, &mine.root, wants));
    chip.refuses("token signed by a stranger", token_signature, |t| t.authenticate(&chain, &other.leaf, wants));
    chip.refuses("challenge of the AUTH_START before", token_signature, |t| {
        let old = t.start();
        t.start();
        assert_eq!(t.certificates(&chain), Status::NeedMoreData);
        t.token(wants, &old, &mine.leaf)
    });
    let earlier = Talk::begin(&chip.board).start();
    chip.fresh();
    chip.refuses("challenge of another session", token_signature, |t| {
        t.start();
        assert_eq!(t.certificates(&chain), Status::NeedMoreData);
        t.token(wants, &earlier, &mine.leaf)
    });
    chip.refuses("nothing asked for", Why::NothingRequested, |t| {
        t.authenticate(&chain, &mine.leaf, PermissionMask::NONE)
    });

    let withheld = |requested: PermissionMask, by| Why::PermissionNotGranted { requested, by };
    let narrow = mine.chain_with_leaf(Scope::STANDARD, PermissionMask(0x70));
    let by_leaf = MaskSource::Certificate { index: 2, role: Role::Leaf };
    chip.refuses("permission withheld by the leaf", withheld(wants.into(), by_leaf), |t| {
        t.authenticate(&narrow, &mine.leaf, wants)
    });
    let low = Permission::NonSecureDebugLevel1;
    chip.refuses("permission withheld by the object", withheld(low.into(), MaskSource::Object), |t| {
        t.authenticate(&chain, &mine.leaf, low)
    });
    let both = PermissionMask::from(low) | wants.into();
    chip.refuses("one permission of two withheld", withheld(both, MaskSource::Object), |t| {
        t.authenticate(&chain, &mine.leaf, both)
    });
    let unknown = PermissionMask(1 << 127);
    chip.refuses("a permission no H5 has", withheld(unknown, MaskSource::Product), |t| {
        t.authenticate(&chain, &mine.leaf, unknown)
    });

    let class = u32::from(part.info().dev_id);
    for (scope, field) in [
        (Scope { soc_class: class ^ 1, ..Scope::STANDARD }, ScopeField::SocClass),
        (Scope { soc_id: [7; 16], ..Scope::STANDARD }, ScopeField::SocId),
        (Scope { lifecycle: 0x2071, ..Scope::STANDARD }, ScopeField::Lifecycle),
        (Scope { oem_constraint: 1, ..Scope::STANDARD }, ScopeField::OemConstraint),
    ] {
        let bound = mine.chain_with_leaf(scope, all);
        chip.refuses("a leaf for something else", Why::ScopeMismatch { field }, |t| {
            t.authenticate(&bound, &mine.leaf, wants)
        });
    }
    let rma = mine.chain_with_leaf(Scope { usage: Usage::Rma, ..Scope::STANDARD }, all);
    let conflict = |field| Why::ScopeConflict { field };
    chip.refuses("an RMA leaf of a standard root", conflict(ScopeField::Usage), |t| {
        t.authenticate(&rma, &mine.leaf, wants)
    });
    let [one, two] = [class, class ^ 3].map(|soc_class| Scope { soc_class, ..Scope::STANDARD });
    let quarrel = [root.clone(), mine.intermediate(one), mine.leaf(two, all)];
    chip.refuses("certificates that contradict each other", conflict(ScopeField::SocClass), |t| {
        t.authenticate(&quarrel, &mine.leaf, wants)
    });

    for (field, offset, broken) in leaf_fields() {
        match broken {
            None => chip.refuses(field, signature(Role::Leaf), |t| turned(t, &chain, 2, offset)),
            Some(at) => {
                let mut bytes = leaf.to_bytes();
                bytes[offset] ^= 1;
                let error = Certificate::parse(&bytes).unwrap_err();
                assert_eq!(error.offset, at, "{field}");
                chip.refuses(field, Why::Certificate(error), |t| turned(t, &chain, 2, offset));
            }
        }
    }
    // Role 3 with its lowest bit turned is an intermediate certificate, which nobody signed.
    chip.refuses("role", signature(Role::Intermediate), |t| turned(t, &chain, 2, 4));
    for (what, index, offset, role) in [
        ("root's mask", 0, 36, Role::Root),
        ("root's signature", 0, 150, Role::Root),
        ("intermediate's mask", 1, 36, Role::Intermediate),
    ] {
        chip.refuses(what, signature(role), |t| turned(t, &chain, index, offset));
    }
    let mut changed = root.to_bytes();
    changed[60] ^= 1;
    let why = match Certificate::parse(&changed).unwrap().public_key() {
        Ok(_) => Why::RootHashMismatch,
        Err(_) => Why::BadPublicKey { role: Role::Root },
    };
    chip.refuses("root's key", why, |t| turned(t, &chain, 0, 60));

    // A token bit by field: permissions, extensions hash, signature.
    for (what, offset) in [("token permissions", 8), ("token extensions hash", 30), ("token r", 60), ("token s", 100)] {
        chip.refuses(what, token_signature, |t| {
            let challenge = t.start();
            assert_eq!(t.certificates(&chain), Status::NeedMoreData);
            let mut bytes = Token::sign(wants, &challenge, &mine.leaf).unwrap().to_bytes();
            bytes[offset] ^= 1;
            t.fragment(TypeId::BinaryToken, &bytes)
        });
    }
    for offset in [0, 2, 3, 4] {
        let mut bytes = Token::sign(wants, &[0; 32], &mine.leaf).unwrap().to_bytes();
        bytes[offset] ^= 1;
        let error = Token::parse(&bytes).unwrap_err();
        chip.refuses("token header", Why::Token(error), |t| {
            t.start();
            assert_eq!(t.certificates(&chain), Status::NeedMoreData);
            t.fragment(TypeId::BinaryToken, &bytes)
        });
    }
    let short: CertificateError = Certificate::parse(&root.to_bytes()[..100]).unwrap_err();
    chip.refuses("a certificate cut short", Why::Certificate(short), |t| {
        t.start();
        t.fragment(TypeId::BinaryCertificate, &root.to_bytes()[..100])
    });
    chip.refuses("a password", Why::WrongCredentialKind, |t| t.password(PASSWORD));
    chip.refuses("a fragment of no credential", Why::FragmentType(TypeId::SocId), |t| {
        t.start();
        t.fragment(TypeId::SocId, &[0; 16])
    });
    chip.refuses("no fragment at all", Why::EmptyFragment, |t| {
        t.start();
        t.send(&Request::new(Command::AuthResponse, Vec::new())).status
    });
    chip.refuses("no AUTH_START", Why::NotStarted, |t| t.certificates(&chain));
    // After a refusal the session is over, and the right credential comes too late.
    chip.refuses("the right one after a wrong one", Why::SessionOver, |t| {
        assert_eq!(t.authenticate(&other.chain(), &other.leaf, wants), Status::Failure);
        t.send(&Request::new(Command::AuthStart, Vec::new())).status
    });

    let bound = Scope { soc_class: class, lifecycle: 0x3027, ..Scope::STANDARD };
    chip.opens(|t| t.authenticate(&mine.chain_with_leaf(bound, PermissionMask(0x4000)), &mine.leaf, wants));
    chip.refused
}

fn password_chip(part: PartId) -> usize {
    let password = Password::new(PASSWORD).unwrap();
    let keys = Keys::new(0x11);
    let mut chip = Victim::new(closed(part, TrustZone::Disabled, &DaObject::password(&password)));
    let mut wrong: Vec<(String, Vec<u8>)> = vec![
        ("another".into(), b"correct horse 43".to_vec()),
        ("shorter".into(), PASSWORD[..15].to_vec()),
        ("one byte".into(), vec![PASSWORD[0]]),
        ("in capitals".into(), PASSWORD.to_ascii_uppercase()),
        ("with a zero behind it".into(), [PASSWORD, &[0]].concat()),
        ("with a line end".into(), [PASSWORD, b"\n"].concat()),
        ("its own hash".into(), password.hash().to_vec()),
        ("zeros".into(), vec![0; 16]),
        ("64 bytes".into(), vec![0x55; 64]),
        ("backwards".into(), PASSWORD.iter().rev().copied().collect()),
    ];
    for byte in 0..PASSWORD.len() {
        let mut bytes = PASSWORD.to_vec();
        bytes[byte] ^= 0x80;
        wrong.push((format!("bit turned in byte {byte}"), bytes));
    }
    for (what, bytes) in &wrong {
        chip.refuses(what, Why::WrongPassword, |t| t.password(bytes));
    }
    for bytes in [&[][..], &[0x55; 65]] {
        let error = Password::from_wire(bytes).unwrap_err();
        chip.refuses("a length nobody can have given", Why::Password(error), |t| t.password(bytes));
    }
    chip.refuses("a certificate chain", Why::WrongCredentialKind, |t| {
        t.authenticate(&keys.chain(), &keys.leaf, Permission::FullRegression)
    });
    chip.refuses("a token", Why::WrongCredentialKind, |t| t.authenticate(&[], &keys.leaf, Permission::FullRegression));
    chip.refuses("no AUTH_START", Why::NotStarted, |t| t.fragment(TypeId::StPassword, PASSWORD));
    chip.refuses("the right one after a wrong one", Why::SessionOver, |t| {
        assert_eq!(t.password(b"wrong"), Status::Failure);
        t.send(&Request::new(Command::AuthStart, Vec::new())).status
    });
    chip.opens(|t| t.password(PASSWORD));
    chip.refused
}

#[test]
fn every_part_lets_its_owner_in_and_nobody_else() {
    let (mut parts, mut certificates, mut passwords) = (0, 0, 0);
    for part in PartId::all() {
        if part.info().trustzone {
            let refused = certificate_chip(part);
            assert!(refused >= 20, "{refused}");
            certificates += refused;
        }
        let refused = password_chip(part);
        assert!(refused >= 20, "{refused}");
        passwords += refused;
        parts += 1;
    }
    println!(
        "{parts} parts: {certificates} wrong certificates and tokens, {passwords} wrong passwords refused, nothing erased"
    );
}
