//! Host and target against each other, and the target against hosts that break the rules.

use crate::common::Vectors;
use provost_adac::certificate::{Builder, Certificate, Role};
use provost_adac::chain::{Chain, ChainError};
use provost_adac::challenge::AuthStart;
use provost_adac::discovery::{Discovery, Integrity};
use provost_adac::host::{self, Authentication, Credential, CredentialError, HostError, Progress, Step};
use provost_adac::key::{PrivateKey, Signer as _};
use provost_adac::packet::{Command, PacketError, Request, Response, Status, bytes_to_words};
use provost_adac::password::{Password, PasswordError};
use provost_adac::permission::{MaskSource, Permission, PermissionMask};
use provost_adac::scope::{Scope, ScopeField, Usage};
use provost_adac::target::{Anchor, Config, Event, Fragment, RefusalReason, Reply, Target};
use provost_adac::tlv::{Padding, TypeId, Writer};
use provost_adac::token::Token;

pub(crate) const CHALLENGE: [u8; 32] = [0xC5; 32];

fn config(anchor: Option<Anchor>) -> Config {
    Config {
        discovery: Discovery { soc_class: Some(0x484), integrity: Some(Integrity::Valid), ..Discovery::default() },
        padding: Padding::Unpadded,
        anchor,
        object_mask: PermissionMask::STM32H5,
        product_mask: PermissionMask::STM32H5,
        soc_class: 0x484,
        soc_id: [0x11; 16],
        lifecycle: 0x2071,
    }
}

pub(crate) fn certificate_config(v: &Vectors) -> Config {
    config(Some(Anchor::Certificate { root_key_hash: v.array("/root_key_hash") }))
}

fn password_config() -> Config {
    config(Some(Anchor::Password { hash: Password::new(b"password1234").unwrap().hash() }))
}

/// Runs an authentication to its end; a password needs nobody who signs.
fn run(
    authentication: &mut Authentication,
    target: &mut Target,
    signer: Option<&PrivateKey>,
) -> (Progress, Option<Event>) {
    let mut request = authentication.first_request();
    loop {
        let reply = target.handle(&request.to_words());
        match authentication.on_response(&reply.words).unwrap() {
            Progress::Continue(next) => request = next,
            Progress::Sign(asked) => {
                let signature = signer.unwrap().sign(&asked.to_be_signed()).unwrap();
                request = authentication.signed(&signature).unwrap();
            }
            end => return (end, reply.event),
        }
    }
}

pub(crate) fn fragment(type_id: TypeId, value: &[u8]) -> Request {
    let mut writer = Writer::new(Padding::Padded);
    writer.push(type_id, value);
    Request::new(Command::AuthResponse, bytes_to_words(&writer.finish()))
}

pub(crate) fn certificate(certificate: &Certificate) -> Request {
    fragment(TypeId::BinaryCertificate, &certificate.to_bytes())
}

fn token(v: &Vectors, key: &str, mask: u128) -> Request {
    let token = Token::sign(PermissionMask(mask), &CHALLENGE, &v.key(key)).unwrap();
    fragment(TypeId::BinaryToken, &token.to_bytes())
}

fn password(bytes: &[u8]) -> Request {
    fragment(TypeId::StPassword, bytes)
}

pub(crate) fn start() -> Request {
    Request::new(Command::AuthStart, Vec::new())
}

fn status(reply: &Reply) -> Status {
    Response::from_words(&reply.words).unwrap().status
}

/// Sends requests: all but the last must be accepted. Gives the reply to the last.
pub(crate) fn send(config: Config, requests: impl IntoIterator<Item = Request>) -> (Reply, Target) {
    let mut target = Target::new(config, CHALLENGE);
    let mut requests = requests.into_iter().peekable();
    loop {
        let reply = target.handle(&requests.next().unwrap().to_words());
        if requests.peek().is_none() {
            return (reply, target);
        }
        assert!(matches!(status(&reply), Status::Success | Status::NeedMoreData), "{:?}", reply.event);
    }
}

pub(crate) fn refused(config: Config, requests: impl IntoIterator<Item = Request>) -> RefusalReason {
    let (reply, target) = send(config, requests);
    assert_eq!(status(&reply), Status::Failure);
    assert!(target.is_over());
    match reply.event {
        Some(Event::Refused(reason)) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn certificate_chain_is_granted() {
    let v = Vectors::load();
    let leaf = v.key("leaf");
    for permission in Permission::ALL {
        let mut target = Target::new(certificate_config(&v), CHALLENGE);
        let credential = Credential::Certificate { chain: v.chain(), key: leaf.public_key(), permission };
        let mut authentication = Authentication::new(credential).unwrap();
        let (progress, event) = run(&mut authentication, &mut target, Some(&leaf));
        assert_eq!(progress, Progress::Granted);
        assert_eq!(event, Some(Event::Granted(permission.into())));
        assert!(matches!(authentication.on_response(&[0, 0]), Err(HostError::Over)));
    }
}

#[test]
fn root_alone_and_root_leaf_are_granted() {
    let v = Vectors::load();
    let root_leaf = Certificate::builder(Role::Leaf).sign(&v.key("leaf").public_key(), &v.key("root")).unwrap();
    for (certificates, key) in [(vec![v.certificate("root")], "root"), (vec![v.certificate("root"), root_leaf], "leaf")]
    {
        let signer = v.key(key);
        let permission = Permission::TzRegression;
        let credential =
            Credential::Certificate { chain: Chain::new(certificates), key: signer.public_key(), permission };
        let mut target = Target::new(certificate_config(&v), CHALLENGE);
        let (progress, _) = run(&mut Authentication::new(credential).unwrap(), &mut target, Some(&signer));
        assert_eq!(progress, Progress::Granted);
    }
}

#[test]
fn password_is_granted_whatever_the_object_mask() {
    for object_mask in [PermissionMask::NONE, PermissionMask::STM32H5] {
        let mut target = Target::new(Config { object_mask, ..password_config() }, CHALLENGE);
        let credential = Credential::Password(Password::new(b"password1234").unwrap());
        let (progress, event) = run(&mut Authentication::new(credential).unwrap(), &mut target, None);
        assert_eq!(progress, Progress::Granted);
        assert_eq!(event, Some(Event::Granted(Permission::FullRegression.into())));
    }
}

#[test]
fn host_tells_the_step_of_a_refusal() {
    let v = Vectors::load();
    let leaf = v.key("leaf");
    let credential =
        || Credential::Certificate { chain: v.chain(), key: leaf.public_key(), permission: Permission::FullRegression };
    let mut target = Target::new(config(Some(Anchor::Certificate { root_key_hash: [0; 32] })), CHALLENGE);
    let (progress, event) = run(&mut Authentication::new(credential()).unwrap(), &mut target, Some(&leaf));
    let step = Step::Certificate { index: 0, role: Role::Root };
    assert_eq!(progress, Progress::Refused { status: Status::Failure, step });
    assert_eq!(event, Some(Event::Refused(RefusalReason::RootHashMismatch)));
    // The session is over: a second attempt fails at its first step.
    let (progress, event) = run(&mut Authentication::new(credential()).unwrap(), &mut target, Some(&leaf));
    assert_eq!(progress, Progress::Refused { status: Status::Failure, step: Step::AuthStart });
    assert_eq!(event, Some(Event::Refused(RefusalReason::SessionOver)));

    let mut target = Target::new(password_config(), CHALLENGE);
    let credential = Credential::Password(Password::new(b"password1235").unwrap());
    let (progress, event) = run(&mut Authentication::new(credential).unwrap(), &mut target, None);
    assert_eq!(progress, Progress::Refused { status: Status::Failure, step: Step::Password });
    assert_eq!(event, Some(Event::Refused(RefusalReason::WrongPassword)));
}

/// A key may be minutes away: the machine waits, sends nothing that is wrong, and takes the signature in either form.
#[test]
fn a_signature_may_come_late_and_a_wrong_one_costs_nothing() {
    let v = Vectors::load();
    let leaf = v.key("leaf");
    let mut target = Target::new(certificate_config(&v), CHALLENGE);
    let credential =
        Credential::Certificate { chain: v.chain(), key: leaf.public_key(), permission: Permission::FullRegression };
    let mut authentication = Authentication::new(credential).unwrap();
    assert!(matches!(authentication.signed(&[0; 64]), Err(HostError::OutOfTurn { due: false })));
    let mut request = authentication.first_request();
    let asked = loop {
        match authentication.on_response(&target.handle(&request.to_words()).words).unwrap() {
            Progress::Continue(next) => request = next,
            Progress::Sign(asked) => break asked,
            end => panic!("{end:?}"),
        }
    };
    assert_eq!(asked.to_be_signed()[56..], CHALLENGE);
    assert_eq!(authentication.step(), None);
    let others = v.key("root").sign(&asked.to_be_signed()).unwrap();
    let earlier = leaf.sign(b"another challenge").unwrap();
    for wrong in [&[][..], &[0; 63], &[0; 64], &others, &earlier] {
        assert!(matches!(authentication.signed(wrong), Err(HostError::Signature(_))));
        assert!(matches!(authentication.on_response(&[0, 0]), Err(HostError::OutOfTurn { due: true })));
    }
    let token = authentication.signed(&leaf.sign(&asked.to_be_signed()).unwrap()).unwrap();
    assert_eq!(authentication.step(), Some(Step::Token));
    let reply = target.handle(&token.to_words());
    assert_eq!(authentication.on_response(&reply.words).unwrap(), Progress::Granted);
    assert_eq!(reply.event, Some(Event::Granted(Permission::FullRegression.into())));
    assert!(matches!(authentication.signed(&[0; 64]), Err(HostError::OutOfTurn { due: false })));
}

#[test]
fn useless_credentials_are_found_before_anything_is_sent() {
    let v = Vectors::load();
    let (root, leaf) = (v.key("root"), v.key("leaf"));
    let permission = Permission::TzRegression;
    let error = |chain, signer: &PrivateKey| {
        Authentication::new(Credential::Certificate { chain, key: signer.public_key(), permission }).unwrap_err()
    };
    assert_eq!(error(v.chain(), &root), CredentialError::KeyMismatch);
    assert_eq!(error(Chain::new(Vec::new()), &root), CredentialError::Chain(ChainError::Empty));
    let narrow = Chain::new(["root", "intermediate", "leaf_regression_only"].map(|name| v.certificate(name)).to_vec());
    let by = MaskSource::Certificate { index: 2, role: Role::Leaf };
    assert_eq!(error(narrow, &leaf), CredentialError::PermissionWithheld { permission, by });
}

#[test]
fn host_checks_what_the_target_says() {
    let v = Vectors::load();
    let leaf = v.key("leaf");
    let certificate = || {
        let permission = Permission::FullRegression;
        Authentication::new(Credential::Certificate { chain: v.chain(), key: leaf.public_key(), permission }).unwrap()
    };
    let password = || Authentication::new(Credential::Password(Password::new(b"password").unwrap())).unwrap();
    let answer = |major, words| {
        let data = AuthStart { version: (major, 0), challenge: [0; 32] }.to_words();
        Response::new(Status::Success, data[..words].to_vec()).to_words()
    };
    let error = |mut authentication: Authentication, words: &[u32]| authentication.on_response(words).unwrap_err();
    assert!(matches!(error(certificate(), &answer(2, 9)), HostError::Version { major: 2, minor: 0 }));
    assert!(matches!(error(certificate(), &answer(0, 9)), HostError::Version { major: 0, minor: 0 }));
    assert!(matches!(error(password(), &answer(2, 9)), HostError::Version { major: 2, minor: 0 }));
    assert!(matches!(error(certificate(), &answer(1, 8)), HostError::AuthStart(_)));
    assert!(matches!(error(certificate(), &[0]), HostError::Packet(_)));
    let more = Response::new(Status::NeedMoreData, Vec::new()).to_words();
    assert!(matches!(error(certificate(), &more), HostError::UnexpectedStatus { step: Step::AuthStart, .. }));
    // ST's password-only target answers AUTH_START with zeros.
    let mut authentication = password();
    assert!(matches!(authentication.on_response(&answer(0, 9)), Ok(Progress::Continue(_))));
    assert!(matches!(authentication.on_response(&more), Err(HostError::UnexpectedStatus { step: Step::Password, .. })));
    // SUCCESS in the middle of a chain is no grant.
    let mut authentication = certificate();
    assert!(matches!(authentication.on_response(&answer(1, 9)), Ok(Progress::Continue(_))));
    assert!(matches!(authentication.on_response(&[0, 0]), Err(HostError::UnexpectedStatus { .. })));
    assert!(matches!(authentication.on_response(&more), Err(HostError::Over)));
}

#[test]
fn discovery_is_answered_at_any_time() {
    for padding in [Padding::Unpadded, Padding::Padded] {
        let config = Config { padding, ..config(None) };
        let mut target = Target::new(config.clone(), CHALLENGE);
        for _ in 0..2 {
            let reply = target.handle(&host::discovery_request().to_words());
            assert_eq!(reply.event, Some(Event::Discovered));
            assert_eq!(host::discovery_response(&reply.words).unwrap().0, config.discovery);
            target.handle(&[]);
        }
    }
    let refusal = Response::new(Status::Unsupported, Vec::new()).to_words();
    let error = host::discovery_response(&refusal).unwrap_err();
    assert!(matches!(error, HostError::DiscoveryStatus { status: Status::Unsupported }));
}

#[test]
fn other_commands() {
    let table = [
        (host::lock_debug_request(), Status::Success, Some(Event::LockDebug)),
        (host::resume_boot_request(), Status::Success, Some(Event::ResumeBoot)),
        (host::close_session_request(), Status::InvalidCommand, None),
        (Request::new(Command::Other(0x8000), Vec::new()), Status::InvalidCommand, None),
    ];
    for (request, expected, event) in table {
        let (reply, _) = send(config(None), [request]);
        assert_eq!((status(&reply), reply.event), (expected, event));
    }
}

#[test]
fn a_new_auth_start_makes_the_old_challenge_useless() {
    let v = Vectors::load();
    let mut target = Target::new(certificate_config(&v), CHALLENGE);
    let mut challenge = || {
        let reply = Response::from_words(&target.handle(&start().to_words()).words).unwrap();
        AuthStart::from_words(&reply.data).unwrap().challenge
    };
    let (first, second) = (challenge(), challenge());
    assert_eq!(first, CHALLENGE);
    assert_ne!(first, second);
    let requests = [start(), start(), certificate(&v.certificate("root")), token(&v, "root", 0x4000)];
    let signed = Fragment::Token;
    assert_eq!(refused(certificate_config(&v), requests), RefusalReason::BadSignature { signed });
}

#[test]
fn wrong_fragments_are_refused_for_the_right_reason() {
    let v = Vectors::load();
    let [root, intermediate, leaf] = ["root", "intermediate", "leaf"].map(|name| certificate(&v.certificate(name)));
    let regression = || token(&v, "leaf", 0x4000);
    let mut bad_leaf = v.bytes("/certificates/leaf");
    bad_leaf[211] ^= 1;
    let bad_leaf = fragment(TypeId::BinaryCertificate, &bad_leaf);
    let mut off_curve = v.bytes("/certificates/root");
    off_curve[115] ^= 1;
    let off_curve = fragment(TypeId::BinaryCertificate, &off_curve);
    let order = |found| RefusalReason::WrongOrder { found };
    let bad_signature = |signed| RefusalReason::BadSignature { signed };
    let (c, p) = (|| certificate_config(&v), password_config);
    let table = [
        (c(), vec![root.clone()], RefusalReason::NotStarted),
        (p(), vec![password(b"password1234")], RefusalReason::NotStarted),
        (config(None), vec![start(), root.clone()], RefusalReason::NothingProvisioned),
        (config(None), vec![start(), password(b"password1234")], RefusalReason::NothingProvisioned),
        (c(), vec![start(), password(b"password1234")], RefusalReason::WrongCredentialKind),
        (p(), vec![start(), root.clone()], RefusalReason::WrongCredentialKind),
        (p(), vec![start(), regression()], RefusalReason::WrongCredentialKind),
        (c(), vec![start(), Request::new(Command::AuthResponse, Vec::new())], RefusalReason::EmptyFragment),
        (
            c(),
            vec![start(), fragment(TypeId::X509Certificate, &[0; 4])],
            RefusalReason::FragmentType(TypeId::X509Certificate),
        ),
        (c(), vec![start(), regression()], order(Fragment::Token)),
        (c(), vec![start(), leaf.clone()], order(Fragment::Certificate(Role::Leaf))),
        (c(), vec![start(), root.clone(), root.clone()], order(Fragment::Certificate(Role::Root))),
        (c(), vec![start(), root.clone(), intermediate.clone(), regression()], order(Fragment::Token)),
        (
            c(),
            vec![start(), root.clone(), intermediate.clone(), leaf.clone(), intermediate.clone()],
            order(Fragment::Certificate(Role::Intermediate)),
        ),
        (c(), vec![start(), off_curve], RefusalReason::BadPublicKey { role: Role::Root }),
        (
            c(),
            vec![start(), root.clone(), intermediate.clone(), bad_leaf],
            bad_signature(Fragment::Certificate(Role::Leaf)),
        ),
        (c(), vec![start(), root.clone(), leaf.clone()], bad_signature(Fragment::Certificate(Role::Leaf))),
        (
            c(),
            vec![start(), root.clone(), intermediate.clone(), leaf.clone(), token(&v, "root", 0x4000)],
            bad_signature(Fragment::Token),
        ),
        (
            c(),
            vec![start(), root.clone(), intermediate.clone(), leaf.clone(), token(&v, "leaf", 0)],
            RefusalReason::NothingRequested,
        ),
        (p(), vec![start(), password(b"password123")], RefusalReason::WrongPassword),
        (p(), vec![start(), password(b"password1234\0")], RefusalReason::WrongPassword),
        (p(), vec![start(), password(b"")], RefusalReason::Password(PasswordError::WireLength { found: 0 })),
        (p(), vec![start(), password(&[0; 65])], RefusalReason::Password(PasswordError::WireLength { found: 65 })),
        (
            Config { product_mask: PermissionMask(0x1077), ..p() },
            vec![start(), password(b"password1234")],
            RefusalReason::PermissionNotGranted { requested: PermissionMask(0x4000), by: MaskSource::Product },
        ),
    ];
    for (config, requests, reason) in table {
        assert_eq!(refused(config, requests), reason);
    }
}

#[test]
fn malformed_data_is_refused() {
    let v = Vectors::load();
    let long = Request::new(Command::AuthResponse, vec![0x0201_0000, 0xFFFF_FFFF]);
    assert!(matches!(refused(certificate_config(&v), [start(), long]), RefusalReason::Tlv(error) if error.offset == 4));
    let short = fragment(TypeId::BinaryCertificate, &[1; 100]);
    assert!(matches!(refused(certificate_config(&v), [start(), short]), RefusalReason::Certificate(_)));
    let short = fragment(TypeId::BinaryToken, &[1; 100]);
    let root = certificate(&v.certificate("root"));
    assert!(matches!(refused(certificate_config(&v), [start(), root, short]), RefusalReason::Token(_)));
    let mut target = Target::new(certificate_config(&v), CHALLENGE);
    let reply = target.handle(&[0x0003_0000, 7]);
    let reason = PacketError::Length { announced: 7, present: 0 };
    assert_eq!(reply.event, Some(Event::Refused(RefusalReason::Packet(reason))));
}

#[test]
fn each_mask_can_withhold() {
    let v = Vectors::load();
    let narrow = PermissionMask(0x5077 & !0x1000);
    let chain = |root: PermissionMask, intermediate: PermissionMask, leaf: PermissionMask| {
        let [rk, ik, lk] = ["root", "intermediate", "leaf"].map(|name| v.key(name));
        [
            Certificate::builder(Role::Root).permissions(root).self_sign(&rk).unwrap(),
            Certificate::builder(Role::Intermediate).permissions(intermediate).sign(&ik.public_key(), &rk).unwrap(),
            Certificate::builder(Role::Leaf).permissions(leaf).sign(&lk.public_key(), &ik).unwrap(),
        ]
    };
    let all = PermissionMask::STM32H5;
    let by_certificate = |index, role| MaskSource::Certificate { index, role };
    let table = [
        (narrow, all, chain(all, all, all), MaskSource::Product),
        (all, narrow, chain(all, all, all), MaskSource::Object),
        (all, all, chain(narrow, all, all), by_certificate(0, Role::Root)),
        (all, all, chain(all, narrow, all), by_certificate(1, Role::Intermediate)),
        (all, all, chain(all, all, narrow), by_certificate(2, Role::Leaf)),
    ];
    for (product_mask, object_mask, chain, by) in table {
        let config = Config { product_mask, object_mask, ..certificate_config(&v) };
        let requests = |mask| {
            let certificates = chain.iter().map(certificate);
            [start()].into_iter().chain(certificates).chain([token(&v, "leaf", mask)]).collect::<Vec<_>>()
        };
        let requested = PermissionMask(0x1000);
        let reason = RefusalReason::PermissionNotGranted { requested, by };
        assert_eq!(refused(config.clone(), requests(0x1000)), reason);
        // The rest is still granted, and one bit withheld of two refuses both: ST does not intersect.
        let (reply, _) = send(config.clone(), requests(0x4000));
        assert_eq!(reply.event, Some(Event::Granted(PermissionMask(0x4000))));
        let requested = PermissionMask(0x5000);
        assert_eq!(refused(config, requests(0x5000)), RefusalReason::PermissionNotGranted { requested, by });
    }
}

#[test]
fn scopes_bind_the_chain_to_the_chip() {
    let v = Vectors::load();
    let root = |scope| Certificate::builder(Role::Root).scope(scope).self_sign(&v.key("root")).unwrap();
    let requests = |scope| [start(), certificate(&root(scope)), token(&v, "root", 0x4000)];
    let here =
        Scope { soc_class: 0x484, soc_id: [0x11; 16], lifecycle: 0x2071, usage: Usage::Standard, oem_constraint: 0 };
    for good in [here, Scope::NEUTRAL, Scope::STANDARD] {
        let (reply, _) = send(certificate_config(&v), requests(good));
        assert_eq!(reply.event, Some(Event::Granted(PermissionMask(0x4000))));
    }
    let table = [
        (Scope { soc_class: 0x478, ..here }, ScopeField::SocClass),
        (Scope { soc_id: [0x12; 16], ..here }, ScopeField::SocId),
        (Scope { lifecycle: 0x3027, ..here }, ScopeField::Lifecycle),
        (Scope { usage: Usage::Rma, ..here }, ScopeField::Usage),
        (Scope { oem_constraint: 1, ..here }, ScopeField::OemConstraint),
    ];
    for (scope, field) in table {
        assert_eq!(refused(certificate_config(&v), requests(scope)), RefusalReason::ScopeMismatch { field });
    }
    // Two certificates that contradict each other are refused before the token comes.
    let first = certificate(&root(Scope { soc_class: 0x484, ..Scope::STANDARD }));
    let builder: Builder = Certificate::builder(Role::Leaf).scope(Scope { soc_class: 0x478, ..Scope::STANDARD });
    let second = certificate(&builder.sign(&v.key("leaf").public_key(), &v.key("root")).unwrap());
    let reason = RefusalReason::ScopeConflict { field: ScopeField::SocClass };
    assert_eq!(refused(certificate_config(&v), [start(), first, second]), reason);
}

#[test]
fn secrets_stay_out_of_debug() {
    let config = format!("{:?}", password_config());
    assert!(config.contains("Password { .. }") && !config.contains("hash"));
    let credential = Credential::Password(Password::new(b"password1234").unwrap());
    assert_eq!(format!("{credential:?}"), "Password(Password(..))");
}
