//! No decoder panics, whatever it gets, and what is encoded comes back.

use crate::common::Vectors;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use provost_adac::certificate::{Certificate, Role};
use provost_adac::chain::Chain;
use provost_adac::challenge::AuthStart;
use provost_adac::crypto::CryptoSystem;
use provost_adac::discovery::{Discovery, Integrity};
use provost_adac::host::{self, Authentication, Credential};
use provost_adac::key::{PrivateKey, PublicKey};
use provost_adac::lifecycle::Lifecycle;
use provost_adac::packet::{Command, Request, Response, Status, bytes_to_words, words_to_bytes};
use provost_adac::password::Password;
use provost_adac::permission::{Permission, PermissionMask};
use provost_adac::scope::{Scope, Usage};
use provost_adac::target::{Anchor, Config, Event, Target};
use provost_adac::tlv::{Padding, Reader, TypeId, Writer};
use provost_adac::token::Token;

const PADDINGS: [Padding; 2] = [Padding::Unpadded, Padding::Padded];

fn discovery() -> impl Strategy<Value = Discovery> {
    let head =
        (any::<(u8, u8)>(), option::of(any::<[u8; 2]>()), option::of(any::<u32>()), option::of(any::<[u8; 16]>()));
    let middle = (option::of(any::<u128>()), option::of(any::<u16>()), option::of(any::<[u8; 4]>()));
    let formats = || option::of(vec(any::<u16>().prop_map(TypeId::from), 0..3));
    let systems = option::of(vec(any::<u8>().prop_map(CryptoSystem::from), 0..3));
    let tail = (option::of(any::<u32>()), any::<[Option<u32>; 3]>());
    (head, middle, formats(), formats(), systems, tail).prop_map(
        |((version, vendor, class, id), (mask, lifecycle, sda), token_formats, cert_formats, cryptosystems, tail)| {
            Discovery {
                auth_version: Some(version),
                vendor_id: vendor,
                soc_class: class,
                soc_id: id,
                permissions_mask: mask.map(PermissionMask),
                psa_lifecycle: lifecycle,
                sda_version: sda,
                token_formats,
                cert_formats,
                cryptosystems,
                integrity: tail.0.map(Integrity::from),
                hdpl_status: tail.1,
                other: Vec::new(),
            }
        },
    )
}

/// Bytes that are near to something: a good value with one byte changed, cut short or prolonged.
fn near(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = good.len();
    (0..length, any::<u8>(), 0..length + 8).prop_map(move |(at, byte, length)| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes.resize(length, byte);
        bytes
    })
}

fn target(anchor: Option<Anchor>) -> Target {
    let config = Config {
        discovery: Discovery { auth_version: Some((1, 0)), ..Discovery::default() },
        padding: Padding::Unpadded,
        anchor,
        object_mask: PermissionMask::ALL,
        product_mask: PermissionMask::ALL,
        soc_class: 0x484,
        soc_id: [0; 16],
        lifecycle: 0x2071,
    };
    Target::new(config, [7; 32])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoders_never_panic_on_noise(bytes in vec(any::<u8>(), 0..600), text in ".{0,80}") {
        let words = bytes_to_words(&bytes);
        let _ = (Request::from_words(&words), Response::from_words(&words), AuthStart::from_words(&words));
        for padding in PADDINGS {
            let _ = Reader::new(&bytes, padding).count();
        }
        let _ = (Discovery::decode(&bytes), host::discovery_response(&words));
        let _ = (Certificate::parse(&bytes), Chain::from_tlv(&bytes), Chain::from_base64(&text));
        let _ = (Token::parse(&bytes), Password::from_file(&bytes), Password::new(&bytes));
        let _ = (PrivateKey::from_pem(&text), PublicKey::from_pem(&text));
    }

    #[test]
    fn decoders_never_panic_near_good_bytes(
        certificate in near(Vectors::load().bytes("/certificates/leaf")),
        token in near(Vectors::load().bytes("/tokens/level1_ns(bit0)")),
        chain in near(Vectors::load().chain().to_tlv()),
        password in near(Password::new(b"password").unwrap().to_file().to_vec()),
    ) {
        if let Ok(parsed) = Certificate::parse(&certificate) {
            prop_assert_eq!(parsed.to_bytes(), certificate);
        }
        if let Ok(parsed) = Token::parse(&token) {
            prop_assert_eq!(parsed.to_bytes(), token);
        }
        if let Ok(parsed) = Chain::from_tlv(&chain) {
            prop_assert_eq!(parsed.to_tlv(), chain);
            let _ = parsed.verify();
        }
        let _ = Password::from_file(&password);
    }

    #[test]
    fn packets_come_back(code: u16, data in vec(any::<u32>(), 0..100)) {
        let request = Request::new(Command::from(code), data.clone());
        prop_assert_eq!(Request::from_words(&request.to_words()), Ok(request));
        let response = Response::new(Status::from(code), data);
        prop_assert_eq!(Response::from_words(&response.to_words()), Ok(response));
    }

    #[test]
    fn tlvs_come_back(tlvs in vec((any::<u16>(), vec(any::<u8>(), 0..20)), 0..6)) {
        for padding in PADDINGS {
            let mut writer = Writer::new(padding);
            for (type_id, value) in &tlvs {
                writer.push(TypeId::from(*type_id), value);
            }
            let bytes = writer.finish();
            let read: Vec<_> = Reader::new(&bytes, padding)
                .map(|tlv| tlv.map(|tlv| (tlv.type_id.value(), tlv.value.to_vec())).unwrap())
                .collect();
            prop_assert_eq!(&read, &tlvs);
        }
    }

    #[test]
    fn discoveries_come_back(discovery in discovery()) {
        for padding in PADDINGS {
            let (read, _) = Discovery::decode(&words_to_bytes(&discovery.to_words(padding))).unwrap();
            prop_assert_eq!(&read, &discovery);
        }
    }

    #[test]
    fn masks_and_lifecycles_come_back(bits: u128, word: u16) {
        let mask = PermissionMask(bits);
        prop_assert_eq!(PermissionMask::from_le_bytes(mask.to_le_bytes()), mask);
        prop_assert_eq!(mask.permissions().collect::<PermissionMask>() | mask.unnamed(), mask);
        if let Lifecycle::Unknown(kept) = Lifecycle::decode(word) {
            prop_assert_eq!(kept, word);
        }
    }

    #[test]
    fn passwords_come_back(bytes in vec(any::<u8>(), 4..=16)) {
        let file = Password::new(&bytes).unwrap().to_file();
        prop_assert_eq!(file.len() % 4, 0);
        let read = Password::from_file(&file).unwrap();
        prop_assert_eq!(read.expose(), &bytes[..]);
    }

    #[test]
    fn a_target_grants_nothing_to_noise(requests in vec((0u16..9, vec(any::<u32>(), 0..12)), 0..8)) {
        for anchor in [None, Some(Anchor::Password { hash: [1; 32] }), Some(Anchor::Certificate { root_key_hash: [1; 32] })] {
            let mut target = target(anchor);
            for (command, data) in &requests {
                let reply = target.handle(&Request::new(Command::from(*command), data.clone()).to_words());
                prop_assert!(!matches!(reply.event, Some(Event::Granted(_))));
                prop_assert!(Response::from_words(&reply.words).is_ok());
            }
        }
    }

    #[test]
    fn a_host_never_panics_and_never_believes_noise(responses in vec(vec(any::<u32>(), 0..12), 0..6)) {
        let password = Password::new(b"password").unwrap();
        let mut authentication = Authentication::new(Credential::Password(password)).unwrap();
        for words in responses {
            let _ = authentication.on_response(&words);
        }
    }
}

proptest! {
    // Signing and verifying take their time.
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn certificates_and_tokens_come_back(
        usage: u8, lifecycle: u16, oem_constraint: u16, soc_class: u32, soc_id: [u8; 16], mask: u128, challenge: [u8; 32],
    ) {
        let vectors = Vectors::load();
        let leaf = vectors.key("leaf");
        let scope = Scope { usage: Usage::from(usage), lifecycle, oem_constraint, soc_class, soc_id };
        let certificate =
            Certificate::builder(Role::Root).scope(scope).permissions(PermissionMask(mask)).self_sign(&leaf).unwrap();
        let read = Certificate::parse(&certificate.to_bytes()).unwrap();
        prop_assert_eq!(read.header().scope, scope);
        prop_assert_eq!(read.header().permissions_mask, PermissionMask(mask));
        prop_assert_eq!(&read, &certificate);
        let verified = Chain::new(vec![read]).verify().unwrap();
        let token = Token::sign(PermissionMask(mask), &challenge, &leaf).unwrap();
        prop_assert_eq!(Token::parse(&token.to_bytes()), Ok(token.clone()));
        prop_assert_eq!(token.verify(&verified.token_key, &challenge), Ok(()));
    }

    #[test]
    fn a_changed_certificate_does_not_verify(at in 0usize..212, flip in 1u8..) {
        let vectors = Vectors::load();
        let mut bytes = vectors.bytes("/certificates/root");
        bytes[at] ^= flip;
        if let Ok(certificate) = Certificate::parse(&bytes) {
            prop_assert!(Chain::new(vec![certificate]).verify_under(vectors.array("/root_key_hash")).is_err());
        }
    }

    #[test]
    fn every_permission_is_granted_exactly_if_all_masks_grant_it(product: u16, object: u16, bit in 0usize..8) {
        let vectors = Vectors::load();
        let leaf = vectors.key("leaf");
        let permission = Permission::ALL[bit];
        let mut config = target(Some(Anchor::Certificate { root_key_hash: vectors.array("/root_key_hash") })).config().clone();
        config.product_mask = PermissionMask(product.into());
        config.object_mask = PermissionMask(object.into());
        let granted = config.product_mask.contains(permission) && config.object_mask.contains(permission);
        let mut target = Target::new(config, [3; 32]);
        let credential = Credential::Certificate { chain: vectors.chain(), signer: &leaf, permission };
        let mut authentication = Authentication::new(credential).unwrap();
        let mut request = authentication.first_request();
        let outcome = loop {
            let reply = target.handle(&request.to_words());
            match authentication.on_response(&reply.words).unwrap() {
                host::Progress::Continue(next) => request = next,
                _ => break reply.event,
            }
        };
        prop_assert_eq!(outcome == Some(Event::Granted(permission.into())), granted);
    }
}
