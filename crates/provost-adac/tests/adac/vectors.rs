//! Every byte of the vectors, written and read.

use crate::common::Vectors;
use provost_adac::certificate::{Certificate, Role};
use provost_adac::chain::{Chain, ChainError};
use provost_adac::challenge::AuthStart;
use provost_adac::crypto::sha256;
use provost_adac::host;
use provost_adac::key::{PrivateKey, Signer as _};
use provost_adac::packet::{Request, Response, Status, words_to_bytes};
use provost_adac::password::Password;
use provost_adac::permission::{Permission, PermissionMask};
use provost_adac::scope::{Scope, Usage};
use provost_adac::token::Token;

#[test]
fn keys_and_root_hash() {
    let vectors = Vectors::load();
    for name in ["root", "intermediate", "leaf"] {
        let public = vectors.key(name).public_key();
        assert_eq!(public.to_bytes().to_vec(), vectors.bytes(&format!("/public_xy/da-test {name}")));
    }
    assert_eq!(vectors.key("root").public_key().root_hash().to_vec(), vectors.bytes("/root_key_hash"));
}

#[test]
fn certificates() {
    let vectors = Vectors::load();
    let [root, intermediate, leaf] = ["root", "intermediate", "leaf"].map(|name| vectors.key(name));
    let leaf_key = leaf.public_key();
    let made = [
        ("root", Certificate::builder(Role::Root).self_sign(&root)),
        ("intermediate", Certificate::builder(Role::Intermediate).sign(&intermediate.public_key(), &root)),
        ("leaf", Certificate::builder(Role::Leaf).sign(&leaf_key, &intermediate)),
        (
            "leaf_regression_only",
            Certificate::builder(Role::Leaf)
                .permissions(Permission::FullRegression.into())
                .sign(&leaf_key, &intermediate),
        ),
        (
            "leaf_soc_478",
            Certificate::builder(Role::Leaf)
                .scope(Scope { soc_class: 0x478, ..Scope::STANDARD })
                .sign(&leaf_key, &intermediate),
        ),
    ];
    for (name, made) in made {
        let bytes = vectors.bytes(&format!("/certificates/{name}"));
        assert_eq!(made.unwrap().to_bytes(), bytes, "{name}");
        assert_eq!(Certificate::parse(&bytes).unwrap().to_bytes(), bytes, "{name}");
    }
    let parsed = vectors.certificate("leaf_soc_478");
    assert_eq!(parsed.role(), Role::Leaf);
    assert_eq!(parsed.header().scope.soc_class, 0x478);
    assert_eq!(parsed.header().scope.usage, Usage::Standard);
    assert_eq!(parsed.header().permissions_mask, PermissionMask(0x5077));
    assert_eq!(parsed.public_key().unwrap(), leaf_key);
    parsed.verify(&intermediate.public_key()).unwrap();
    parsed.verify(&root.public_key()).unwrap_err();
}

#[test]
fn vectors_hold_high_and_low_s() {
    // Otherwise they could not tell a writer that normalises s from one that does not.
    let vectors = Vectors::load();
    let high = |name: &str| vectors.certificate(name).signature()[32] >= 0x80;
    assert!(["root", "intermediate"].into_iter().all(high));
    assert!(!high("leaf"));
}

#[test]
fn chain() {
    let vectors = Vectors::load();
    let certificates = ["root", "intermediate", "leaf"].map(|name| vectors.certificate(name)).to_vec();
    let chain = Chain::new(certificates);
    assert_eq!(chain.to_base64(), vectors.text("/chain_b64"));
    assert_eq!(chain.to_base64(), include_str!("../vectors/cert_leaf_chain.b64"));
    assert_eq!(chain.to_tlv().len(), 660);
    assert_eq!(Chain::from_base64(&format!("{}\r\n", chain.to_base64())).unwrap(), chain);
    let verified = chain.verify_under(vectors.array("/root_key_hash")).unwrap();
    assert_eq!(verified.token_key, vectors.key("leaf").public_key());
    assert_eq!(verified.scope, Scope::STANDARD);
    assert_eq!(verified.permissions.mask(), PermissionMask(0x5077));
    assert_eq!(chain.verify_under([0; 32]), Err(ChainError::RootHashMismatch));
}

#[test]
fn tokens() {
    let vectors = Vectors::load();
    let challenge = vectors.array("/challenge");
    let leaf = vectors.key("leaf");
    let table = [
        ("full_regression(bit14)", Permission::FullRegression),
        ("tz_regression(bit12)", Permission::TzRegression),
        ("level3_intrusive(bit6)", Permission::IntrusiveDebugLevel3),
        ("level1_ns(bit0)", Permission::NonSecureDebugLevel1),
    ];
    for (name, permission) in table {
        let bytes = vectors.bytes(&format!("/tokens/{name}"));
        assert_eq!(Token::sign(permission, &challenge, &leaf).unwrap().to_bytes(), bytes, "{name}");
        let token = Token::parse(&bytes).unwrap();
        assert_eq!(token.to_bytes(), bytes, "{name}");
        assert_eq!(token.requested_permissions(), permission.into());
        token.verify(&leaf.public_key(), &challenge).unwrap();
        token.verify(&leaf.public_key(), &[0; 32]).unwrap_err();
    }
}

#[test]
fn packets() {
    let vectors = Vectors::load();
    assert_eq!(*host::discovery_request().to_words(), vectors.words("/packets/discovery"));
    let reply = AuthStart { version: (1, 0), challenge: vectors.array("/challenge") };
    let words = vectors.words("/packets/auth_start_reply");
    assert_eq!(Response::new(Status::Success, reply.to_words().to_vec()).to_words(), words);
    assert_eq!(AuthStart::from_words(&Response::from_words(&words).unwrap().data), Ok(reply));
    let password = Password::new(vectors.text("/password").as_bytes()).unwrap();
    let request = Request::from_words(&vectors.words("/packets/password")).unwrap();
    assert_eq!(words_to_bytes(&request.data), *password.to_file());
    assert_eq!(Password::from_file(&words_to_bytes(&request.data)).unwrap().expose(), password.expose());
}

#[test]
fn host_sends_the_packets_of_the_vectors() {
    let vectors = Vectors::load();
    let leaf = vectors.key("leaf");
    let credential = host::Credential::Certificate {
        chain: vectors.chain(),
        key: leaf.public_key(),
        permission: Permission::FullRegression,
    };
    let mut authentication = host::Authentication::new(credential).unwrap();
    assert_eq!(*authentication.first_request().to_words(), vectors.words("/packets/auth_start"));
    let mut answer = vectors.words("/packets/auth_start_reply");
    for pointer in [
        "/packets/certificates/0",
        "/packets/certificates/1",
        "/packets/certificates/2",
        "/packets/token_full_regression",
    ] {
        let request = match authentication.on_response(&answer).unwrap() {
            host::Progress::Continue(request) => request,
            host::Progress::Sign(asked) => {
                let signature = leaf.sign(&asked.to_be_signed()).unwrap();
                authentication.signed(&signature).unwrap()
            }
            end => panic!("{pointer}: {end:?}"),
        };
        assert_eq!(*request.to_words(), vectors.words(pointer), "{pointer}");
        answer = Response::new(Status::NeedMoreData, Vec::new()).to_words();
    }
    assert_eq!(authentication.on_response(&[0, 0]).unwrap(), host::Progress::Granted);

    let password = Password::new(vectors.text("/password").as_bytes()).unwrap();
    let mut authentication = host::Authentication::new(host::Credential::Password(password)).unwrap();
    let host::Progress::Continue(request) =
        authentication.on_response(&vectors.words("/packets/auth_start_reply")).unwrap()
    else {
        panic!("no password")
    };
    assert_eq!(*request.to_words(), vectors.words("/packets/password"));
}

/// Nothing is in the vectors that no test above reproduces: one more entry there asks for one more here.
#[test]
fn every_vector_is_covered() {
    let vectors = Vectors::load();
    let names = |pointer: &str| vectors.names(pointer);
    assert_eq!(
        names(""),
        [
            "certificates",
            "chain_b64",
            "challenge",
            "labels",
            "note",
            "packets",
            "password",
            "public_xy",
            "root_key_hash",
            "scalars",
            "tokens"
        ]
    );
    assert_eq!(names("/certificates"), ["intermediate", "leaf", "leaf_regression_only", "leaf_soc_478", "root"]);
    assert_eq!(names("/tokens").len(), 4);
    assert_eq!(
        names("/packets"),
        ["auth_start", "auth_start_reply", "certificates", "discovery", "password", "token_full_regression"]
    );
    for label in names("/scalars") {
        // The private key is SHA-256(label) mod (n - 1) + 1; no digest here is as large as n - 1, so that is the digest plus one.
        let mut scalar = sha256(label.as_bytes());
        for byte in scalar.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
        assert_eq!(scalar, vectors.array(&format!("/scalars/{label}")));
        let key = PrivateKey::from_scalar(&scalar).unwrap();
        assert_eq!(key.public_key().to_bytes().to_vec(), vectors.bytes(&format!("/public_xy/{label}")));
    }
}
