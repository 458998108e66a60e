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
use provost_adac::key::{KeyFile, PrivateKey, PublicKey, Signer as _, parse_signature};
use provost_adac::lifecycle::Lifecycle;
use provost_adac::offline::{Signed, SigningRequest};
use provost_adac::packet::{Command, Request, Response, Status, bytes_to_words, words_to_bytes};
use provost_adac::password::Password;
use provost_adac::permission::{Permission, PermissionMask};
use provost_adac::scope::{Scope, Usage};
use provost_adac::target::{Anchor, Config, Event, Target};
use provost_adac::tlv::{Padding, Reader, TypeId, Writer};
use provost_adac::token::Token;

/// The key `leaf` as OpenSSL writes it.
const KEYS: [&[u8]; 7] = [
    include_bytes!("../vectors/keys/pkcs8.pem"),
    include_bytes!("../vectors/keys/pkcs8.der"),
    include_bytes!("../vectors/keys/sec1.pem"),
    include_bytes!("../vectors/keys/sec1.der"),
    include_bytes!("../vectors/keys/spki.pem"),
    include_bytes!("../vectors/keys/spki.der"),
    include_bytes!("../vectors/keys/encrypted_default.der"),
];

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
        let _ = (KeyFile::sniff(&bytes), KeyFile::read(&bytes, Some(b"")), KeyFile::read(text.as_bytes(), None));
        let _ = (Chain::read(&bytes), Chain::read(text.as_bytes()), Chain::from_pem(&text), Token::from_tlv(&bytes));
        let _ = (parse_signature(&bytes), PrivateKey::from_minimal(&bytes));
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

    /// An error names a byte of the input; what is accepted in spite of the change is the same key.
    #[test]
    fn key_files_never_panic_near_good_bytes(which in 0usize..KEYS.len(), at: prop::sample::Index, byte: u8, cut in 0usize..300) {
        let mut bytes = KEYS[which].to_vec();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        bytes.truncate(bytes.len().max(cut) - cut / 2);
        match KeyFile::read(&bytes, None) {
            Ok(file) => prop_assert_eq!(file.public_key(), Vectors::load().key("leaf").public_key()),
            Err(error) => prop_assert!(error.offset().is_none_or(|offset| offset <= bytes.len()), "{} of {}", error, bytes.len()),
        }
    }

    /// The same for text around and between the lines of base64.
    #[test]
    fn chain_files_never_panic_near_good_text(pem: bool, at: prop::sample::Index, insert in ".{0,3}") {
        let chain = Vectors::load().chain();
        let mut text = if pem { chain.to_pem() } else { chain.to_base64() };
        let mut place = at.index(text.len());
        while !text.is_char_boundary(place) {
            place -= 1;
        }
        text.insert_str(place, &insert);
        match Chain::read(text.as_bytes()) {
            Ok((read, _)) if insert.trim().is_empty() => prop_assert_eq!(read, chain),
            Ok(_) => {}
            Err(error) => prop_assert!(error.offset().is_none_or(|offset| offset <= text.len())),
        }
    }

    #[test]
    fn signatures_in_der_come_back(signature in any::<[[u8; 16]; 4]>(), zeros in 0usize..20) {
        let mut signature: [u8; 64] = signature.concat().try_into().unwrap();
        signature[..zeros].fill(0);
        // r = 0 is the one that has no digits of its own; it is written as one zero.
        let integer = |number: &[u8]| {
            let start = number.iter().position(|&byte| byte != 0).unwrap_or(31);
            let digits = [if number[start] >= 0x80 { &[0][..] } else { &[] }, &number[start..]].concat();
            [&[2, digits.len() as u8], &digits[..]].concat()
        };
        let body = [integer(&signature[..32]), integer(&signature[32..])].concat();
        let der = [&[0x30, body.len() as u8], &body[..]].concat();
        if der.len() != 64 {
            prop_assert_eq!(parse_signature(&der), Ok(signature));
        }
        for length in 0..der.len() {
            prop_assert!(length == 64 || parse_signature(&der[..length]).is_err());
        }
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
    fn keys_come_back_in_every_form(scalar: [u8; 32]) {
        let Ok(key) = PrivateKey::from_scalar(&scalar) else { return Ok(()) };
        let files = [
            key.to_pem().unwrap().as_bytes().to_vec(),
            key.to_der().unwrap().to_vec(),
            key.to_sec1_pem().unwrap().as_bytes().to_vec(),
            key.to_sec1_der().unwrap().to_vec(),
            key.to_minimal().to_vec(),
        ];
        for file in files {
            prop_assert_eq!(*PrivateKey::read(&file, None).unwrap().expose_scalar(), scalar);
        }
        let public = key.public_key();
        prop_assert_eq!(PublicKey::read(&public.to_der()).unwrap(), public);
        prop_assert_eq!(PublicKey::read(public.to_pem().as_bytes()).unwrap(), public);
    }

    #[test]
    fn extended_certificates_and_tokens_come_back(extensions in vec(any::<u8>(), 0..40), mask: u128, challenge: [u8; 32]) {
        let key = Vectors::load().key("root");
        let what = || Certificate::builder(Role::Root).extensions(&extensions).permissions(PermissionMask(mask));
        let certificate = what().self_sign(&key).unwrap();
        prop_assert_eq!(Certificate::parse(&certificate.to_bytes()), Ok(certificate.clone()));
        prop_assert!(certificate.extensions().starts_with(&extensions));
        prop_assert!(Chain::new(vec![certificate.clone()]).verify().is_ok());
        let request = SigningRequest::certificate(what(), &key.public_key(), &key.public_key());
        let merged = request.merge(&key.sign(&request.to_be_signed()).unwrap()).unwrap();
        prop_assert_eq!(merged, Signed::Certificate(certificate));
        let token = Token::sign_with_extensions(PermissionMask(mask), &extensions, &challenge, &key).unwrap();
        prop_assert_eq!(Token::from_tlv(&token.to_tlv()), Ok(token.clone()));
        prop_assert_eq!(token.verify_extensions(), Ok(()));
        let request =
            SigningRequest::token_with_extensions(PermissionMask(mask), &extensions, &challenge, &key.public_key());
        let merged = request.merge(&key.sign(&request.to_be_signed()).unwrap()).unwrap();
        prop_assert_eq!(merged, Signed::Token(token));
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
        let credential = Credential::Certificate { chain: vectors.chain(), key: leaf.public_key(), permission };
        let mut authentication = Authentication::new(credential).unwrap();
        let mut request = authentication.first_request();
        let outcome = loop {
            let reply = target.handle(&request.to_words());
            match authentication.on_response(&reply.words).unwrap() {
                host::Progress::Continue(next) => request = next,
                host::Progress::Sign(asked) => {
                    let signature = leaf.sign(&asked.to_be_signed()).unwrap();
                    request = authentication.signed(&signature).unwrap();
                }
                _ => break reply.event,
            }
        };
        prop_assert_eq!(outcome == Some(Event::Granted(permission.into())), granted);
    }
}
