//! Packets in both directions, and the two ends of an authentication that are handed them: no words make them panic, and whoever has
//! no credential is let in by none.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use provost_adac::certificate::{Certificate, Role};
use provost_adac::chain::Chain;
use provost_adac::challenge::AuthStart;
use provost_adac::crypto::sha256;
use provost_adac::discovery::Discovery;
use provost_adac::host::{self, Authentication, Credential, Progress};
use provost_adac::key::{PrivateKey, Signer as _};
use provost_adac::packet::{Header, Request, Response, bytes_to_words, words_to_bytes};
use provost_adac::password::Password;
use provost_adac::permission::{Permission, PermissionMask};
use provost_adac::target::{Anchor, Config, Event, Target};
use provost_adac::tlv::Padding;
use provost_fuzz::{frugally, says_something};

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::from_scalar(&[0x42; 32]).expect("a number of P-256"));
static CHAIN: LazyLock<Chain> =
    LazyLock::new(|| Chain::new(vec![Certificate::builder(Role::Root).self_sign(&*KEY).expect("signs")]));

/// What the tokens of the vectors ask for.
const TOKENS: [u128; 4] = [1 << 14, 1 << 12, 1 << 6, 1 << 0];
/// SHA-256 of the root key of the vectors.
const ROOT_KEY_HASH: [u8; 32] = [
    0xA1, 0xEC, 0x0C, 0xBB, 0xD8, 0xA9, 0x89, 0xC4, 0xDA, 0x5A, 0x15, 0x09, 0x4E, 0xDE, 0x05, 0x9A, 0x54, 0x61, 0xF9,
    0x5B, 0x82, 0xEC, 0x84, 0xEE, 0x15, 0xD0, 0x9D, 0x70, 0xE5, 0xC0, 0xF1, 0x15,
];

fuzz_target!(
    init: {
        assert!(CHAIN.verify().is_ok());
    },
    |data: &[u8]| {
        let words = bytes_to_words(data);
        frugally(data.len(), 0x800, 16, || packet(&words));
        to_the_host(&words);
        to_the_target(data);
    }
);

fn packet(words: &[u32]) {
    let (request, response) = (Request::from_words(words), Response::from_words(words));
    assert_eq!(request.is_ok(), response.is_ok());
    match (&request, &response) {
        (Ok(request), Ok(response)) => {
            assert_eq!(*request.to_words(), words);
            assert_eq!(response.to_words(), words);
            assert_eq!(bytes_to_words(&words_to_bytes(words)), words);
            if let Ok(start) = AuthStart::from_words(&response.data) {
                assert_eq!(AuthStart::from_words(&start.to_words()), Ok(start));
            }
        }
        (Err(error), _) | (_, Err(error)) => {
            assert!(error.offset() < 8);
            says_something(error);
        }
    }
    if let Some(&[first, second]) = words.first_chunk::<2>() {
        let _ = Header::decode([first, second]);
    }
    let _ = host::discovery_response(words);
}

/// The same words as the answer to every request that the host makes.
fn to_the_host(words: &[u32]) {
    let password = Password::new(b"password").expect("eight bytes");
    let certificate =
        Credential::Certificate { chain: CHAIN.clone(), key: KEY.public_key(), permission: Permission::FullRegression };
    for credential in [Credential::Password(password), certificate] {
        // Signatures take their time: no certificate for words that do not even begin like a challenge.
        if matches!(credential, Credential::Certificate { .. }) && words.get(..2) != Some(&[0, 9]) {
            continue;
        }
        let mut host = Authentication::new(credential).expect("sound credentials");
        // A response to each request, cut off by its own length.
        let mut rest = words;
        while rest.len() >= 2 {
            let (head, tail) = rest.split_at((2 + (rest[1] as usize).min(64)).min(rest.len()));
            rest = tail;
            match host.on_response(head) {
                // The words as a signature first: it is as good as none.
                Ok(Progress::Sign(asked)) => {
                    if let Err(error) = host.signed(&words_to_bytes(tail)) {
                        says_something(error);
                    }
                    let signature = KEY.sign(&asked.to_be_signed()).expect("a key signs");
                    host.signed(&signature).expect("its signature");
                }
                Ok(_) => {}
                Err(error) => says_something(error),
            }
        }
    }
}

/// The bytes as a row of requests. The target with the certificate is that of the vectors, whose four tokens are good for its challenge:
/// what they ask for can be granted, and nothing else.
fn to_the_target(data: &[u8]) {
    let hash = sha256(b"nobody knows this one");
    let anchors = [None, Some(Anchor::Password { hash }), Some(Anchor::Certificate { root_key_hash: ROOT_KEY_HASH })];
    for anchor in anchors {
        let signed = matches!(anchor, Some(Anchor::Certificate { .. }));
        let config = Config {
            discovery: Discovery { auth_version: Some((1, 0)), soc_class: Some(0x484), ..Discovery::default() },
            padding: Padding::Unpadded,
            anchor,
            object_mask: PermissionMask::STM32H5,
            product_mask: PermissionMask::STM32H5,
            soc_class: 0x484,
            soc_id: [7; 16],
            lifecycle: 0x3027,
        };
        let mut target = Target::new(config, core::array::from_fn(|at| at as u8));
        let words = bytes_to_words(data);
        let mut rest = words.as_slice();
        while rest.len() >= 2 {
            let (head, tail) = rest.split_at((2 + (rest[1] as usize).min(64)).min(rest.len()));
            rest = tail;
            let reply = target.handle(head);
            assert!(Response::from_words(&reply.words).is_ok());
            if let Some(Event::Granted(mask)) = reply.event {
                assert!(signed && TOKENS.contains(&mask.0), "{mask:?} must not be granted");
            }
        }
    }
}
