//! Broken certificates, tokens, chains and discoveries, each with the rule it breaks.

use crate::common::{Vectors, unhex};
use base64ct::{Base64, Encoding as _};
use provost_adac::certificate::{Certificate, CertificateRule, Role};
use provost_adac::chain::{Chain, ChainError, ChainForm, ChainFormatError};
use provost_adac::crypto::{CryptoSystem, sha256};
use provost_adac::discovery::{Discovery, DiscoveryError, Integrity, OtherTlv, ReadingError};
use provost_adac::key::Signer as _;
use provost_adac::lifecycle::Lifecycle;
use provost_adac::permission::PermissionMask;
use provost_adac::scope::{Scope, ScopeField};
use provost_adac::tlv::{Padding, TlvRule, TypeId};
use provost_adac::token::{Token, TokenRule};

type Edit = fn(&mut Vec<u8>);

#[test]
fn broken_certificates() {
    let good = Vectors::load().bytes("/certificates/leaf");
    let table: [(Edit, usize, CertificateRule); 8] = [
        (|c| c.truncate(211), 0, CertificateRule::Truncated { have: 211 }),
        (|c| c[0] = 2, 0, CertificateRule::FormatVersion { major: 2, minor: 0 }),
        (|c| c[2] = 2, 2, CertificateRule::CryptoSystem { found: CryptoSystem::EcdsaP521Sha512 }),
        (|c| c[3] = 0x80, 3, CertificateRule::CryptoSystem { found: CryptoSystem::StPassword }),
        (|c| c[4] = 4, 4, CertificateRule::Role { found: 4 }),
        (|c| c.extend([0; 4]), 12, CertificateRule::Length { announced: 0, have: 4 }),
        (|c| c[12..16].fill(0xFF), 12, CertificateRule::Length { announced: u32::MAX, have: 0 }),
        (
            |c| {
                c[12] = 2;
                c.extend([1, 2, 0, 9]);
            },
            215,
            CertificateRule::PaddingNotZero,
        ),
    ];
    for (edit, offset, rule) in table {
        let mut bytes = good.clone();
        edit(&mut bytes);
        let error = Certificate::parse(&bytes).unwrap_err();
        assert_eq!((error.offset, error.rule), (offset, rule));
    }
}

#[test]
fn extensions_are_carried() {
    let mut bytes = Vectors::load().bytes("/certificates/leaf");
    bytes[12] = 3;
    bytes.extend([7, 8, 9, 0]);
    let certificate = Certificate::parse(&bytes).unwrap();
    assert_eq!(certificate.extensions(), [7, 8, 9]);
    assert_eq!(certificate.to_bytes(), bytes);
}

#[test]
fn extensions_are_verified_in_chains() {
    let v = Vectors::load();
    let root = v.key("root");
    let extended = |bytes: &[u8]| Certificate::builder(Role::Root).extensions(bytes).self_sign(&root).unwrap();
    let good = extended(b"abcde");
    // Filled up to words, and all of that is hashed.
    assert_eq!(good.extensions(), b"abcde\0\0\0");
    assert_eq!(*good.extensions_hash(), sha256(b"abcde\0\0\0"));
    assert_eq!(good.to_bytes().len(), 220);
    assert_eq!(Certificate::parse(&good.to_bytes()), Ok(good.clone()));
    Chain::new(vec![good.clone()]).verify().unwrap();
    let mut bytes = good.to_bytes();
    bytes[212] = b'A';
    let changed = Chain::new(vec![Certificate::parse(&bytes).unwrap()]);
    let error = ChainError::BadExtensionsHash { index: 0, role: Role::Root };
    assert_eq!(changed.verify().unwrap_err(), error);
    // Cut off: the header still announces them, under the signature.
    assert_eq!(Certificate::parse(&good.to_bytes()[..212]).unwrap_err().offset, 12);
    // A hash without extensions, well signed.
    let mut bytes = v.bytes("/certificates/root");
    bytes[116..148].copy_from_slice(&sha256(b""));
    let signature = root.sign(&bytes[..148]).unwrap();
    bytes[148..].copy_from_slice(&signature);
    assert_eq!(Chain::new(vec![Certificate::parse(&bytes).unwrap()]).verify().unwrap_err(), error);
}

#[test]
fn chains_are_read_in_every_form() {
    let v = Vectors::load();
    let chain = v.chain();
    let root = Chain::new(vec![v.certificate("root")]);
    let bare = v.bytes("/certificates/root");
    let base64 = v.text("/chain_b64");
    let wrapped = format!(" {}\r\n{}\n", &base64[..100], &base64[100..]);
    let bare_base64 = Base64::encode_string(&bare);
    let pem = chain.to_pem();
    assert!(pem.starts_with("-----BEGIN ADAC CERTIFICATE CHAIN-----\nAAABAtQA"));
    let among = format!("Subject: x\n-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n{pem}");
    let table: [(&[u8], &Chain, ChainForm); 7] = [
        (base64.as_bytes(), &chain, ChainForm::Base64),
        (wrapped.as_bytes(), &chain, ChainForm::Base64),
        (&chain.to_tlv(), &chain, ChainForm::Tlv),
        (pem.as_bytes(), &chain, ChainForm::Pem),
        (among.as_bytes(), &chain, ChainForm::Pem),
        (&bare, &root, ChainForm::Bare),
        (bare_base64.as_bytes(), &root, ChainForm::Base64Bare),
    ];
    for (bytes, due, form) in table {
        assert_eq!(Chain::read(bytes).unwrap(), (due.clone(), form));
    }
}

#[test]
fn chain_errors_give_the_byte_of_the_input() {
    let v = Vectors::load();
    let good = v.chain().to_tlv();
    // TLVs start at 0, 220 and 440; a certificate 8 bytes further.
    let table: [(usize, u8, usize, &str); 5] = [
        (222, 9, 222, "chain-tlv-type"),
        (440, 9, 440, "tlv-reserved"),
        (444, 0, 444, "tlv-length"),
        (452, 9, 452, "certificate-role"),
        (231, 2, 231, "certificate-crypto-system"),
    ];
    for (at, byte, offset, code) in table {
        let mut bytes = good.clone();
        bytes[at] = byte;
        let error = match Chain::read(&bytes) {
            Err(error) => error,
            // A shorter TLV ends too early for its certificate, and what follows is none.
            Ok(_) => panic!("accepted"),
        };
        if code == "tlv-length" {
            assert_eq!(error.code(), "certificate-truncated");
        } else {
            assert_eq!((error.offset(), error.code()), (Some(offset), code));
        }
    }
    assert_eq!(Chain::read(b"AAAB!A==").unwrap_err().offset(), Some(0), "not base64 at all, hence taken for TLVs");
    assert_eq!(Chain::from_base64("AAAB!A==").unwrap_err(), ChainFormatError::Base64 { offset: 4 });
    let other = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(Chain::read(other.as_bytes()).unwrap_err(), ChainFormatError::NoPemBlock);
    let pem = v.chain().to_pem().replacen("AAABAtQA", "AAABA$QA", 1);
    assert_eq!(Chain::read(pem.as_bytes()).unwrap_err(), ChainFormatError::Base64 { offset: 39 + 5 });
}

#[test]
fn broken_token_fragments() {
    let token = Token::parse(&Vectors::load().bytes("/tokens/full_regression(bit14)")).unwrap();
    let good = token.to_tlv();
    assert_eq!(Token::from_tlv(&good).unwrap(), token);
    let table: [(Edit, usize, TokenRule); 5] = [
        (|t| t.clear(), 0, TokenRule::Truncated { have: 0 }),
        (|t| t.truncate(100), 4, TokenRule::Tlv(TlvRule::Length { announced: 120, available: 92 })),
        (|t| t[2] = 1, 2, TokenRule::Type { found: TypeId::VendorId }),
        (|t| t.extend([0; 4]), 128, TokenRule::TrailingBytes { count: 4 }),
        (|t| t[11] = 3, 11, TokenRule::Reserved { found: 3 }),
    ];
    for (edit, offset, rule) in table {
        let mut bytes = good.clone();
        edit(&mut bytes);
        let error = Token::from_tlv(&bytes).unwrap_err();
        if offset == 2 {
            assert_eq!((error.offset, error.code()), (2, "token-type"));
        } else {
            assert_eq!((error.offset, error.rule), (offset, rule));
        }
    }
}

#[test]
fn tokens_carry_their_extensions() {
    let v = Vectors::load();
    let token = Token::sign_with_extensions(PermissionMask::NONE, &[1, 2, 3, 4], &[0x77; 32], &v.key("leaf")).unwrap();
    assert_eq!(token.extensions(), [1, 2, 3, 4]);
    assert_eq!(Token::parse(&token.to_bytes()).unwrap().extensions(), [1, 2, 3, 4]);
    token.verify_extensions().unwrap();
}

/// Every crypto system is known by name, and P-256 is the one that works.
#[test]
fn crypto_systems_are_recognised() {
    let good = Vectors::load().bytes("/certificates/root");
    for &system in CryptoSystem::KNOWN {
        let mut bytes = good.clone();
        bytes[2] = system.value();
        bytes[3] = system.value();
        match Certificate::parse(&bytes) {
            Ok(_) => assert!(system.is_supported()),
            Err(error) => {
                assert!(!system.is_supported());
                assert!(error.to_string().contains(&system.to_string()), "{error}");
            }
        }
    }
    assert_eq!(CryptoSystem::KNOWN.len(), 14);
}

#[test]
fn broken_tokens() {
    let good = Vectors::load().bytes("/tokens/full_regression(bit14)");
    let table: [(Edit, usize, TokenRule); 7] = [
        (|t| t.truncate(119), 0, TokenRule::Truncated { have: 119 }),
        (|t| t[0] = 0, 0, TokenRule::FormatVersion { major: 0, minor: 0 }),
        (|t| t[2] = 9, 2, TokenRule::CryptoSystem { found: CryptoSystem::HmacSha256 }),
        (|t| t[3] = 1, 3, TokenRule::Reserved { found: 1 }),
        (|t| t.extend([0; 4]), 4, TokenRule::Length { announced: 0, have: 4 }),
        (|t| t[4] = 1, 4, TokenRule::Length { announced: 1, have: 0 }),
        (
            |t| {
                t[4] = 1;
                t.extend([1, 0, 5, 0]);
            },
            122,
            TokenRule::PaddingNotZero,
        ),
    ];
    for (edit, offset, rule) in table {
        let mut bytes = good.clone();
        edit(&mut bytes);
        let error = Token::parse(&bytes).unwrap_err();
        assert_eq!((error.offset, error.rule), (offset, rule));
    }
}

#[test]
fn chain_shapes() {
    let v = Vectors::load();
    let [root, intermediate, leaf] = ["root", "intermediate", "leaf"].map(|name| v.certificate(name));
    let second = Certificate::builder(Role::Intermediate)
        .sign(&v.key("intermediate").public_key(), &v.key("intermediate"))
        .unwrap();
    let root_leaf = Certificate::builder(Role::Leaf).sign(&v.key("leaf").public_key(), &v.key("root")).unwrap();
    let chain = |certificates: &[&Certificate]| Chain::new(certificates.iter().copied().cloned().collect()).verify();
    for good in
        [&[&root][..], &[&root, &root_leaf], &[&root, &intermediate, &leaf], &[&root, &intermediate, &second, &leaf]]
    {
        chain(good).unwrap();
    }
    let order = |index, role| ChainError::WrongOrder { index, role };
    let bad_signature = |index, role| ChainError::BadSignature { index, role };
    let table = [
        (&[][..], ChainError::Empty),
        (&[&root, &intermediate], ChainError::Incomplete),
        (&[&leaf], order(0, Role::Leaf)),
        (&[&intermediate, &leaf], order(0, Role::Intermediate)),
        (&[&root, &root], order(1, Role::Root)),
        (&[&root, &root_leaf, &root_leaf], order(2, Role::Leaf)),
        (&[&root, &intermediate, &leaf, &intermediate], order(3, Role::Intermediate)),
        (&[&root, &leaf], bad_signature(1, Role::Leaf)),
        (&[&root, &intermediate, &root_leaf], bad_signature(2, Role::Leaf)),
    ];
    for (certificates, error) in table {
        assert_eq!(chain(certificates).unwrap_err(), error);
    }
}

#[test]
fn chain_signatures_keys_and_scopes() {
    let v = Vectors::load();
    let [root_key, intermediate_key, leaf_key] = ["root", "intermediate", "leaf"].map(|name| v.key(name));
    // A root must verify under its own key.
    let borrowed = Certificate::builder(Role::Root).sign(&root_key.public_key(), &leaf_key).unwrap();
    let error = Chain::new(vec![borrowed]).verify().unwrap_err();
    assert_eq!(error, ChainError::BadSignature { index: 0, role: Role::Root });
    // A key that is no point of the curve.
    let mut bytes = v.bytes("/certificates/intermediate");
    bytes[52..116].fill(1);
    let off_curve = Certificate::parse(&bytes).unwrap();
    let error = Chain::new(vec![v.certificate("root"), off_curve]).verify().unwrap_err();
    assert_eq!(error, ChainError::BadPublicKey { index: 1, role: Role::Intermediate });
    // Two classes of chips in one chain.
    let other_class = Certificate::builder(Role::Intermediate)
        .scope(Scope { soc_class: 0x484, ..Scope::STANDARD })
        .sign(&intermediate_key.public_key(), &root_key)
        .unwrap();
    let chain = Chain::new(vec![v.certificate("root"), other_class, v.certificate("leaf_soc_478")]);
    assert_eq!(chain.verify().unwrap_err(), ChainError::ScopeConflict { index: 2, field: ScopeField::SocClass });
}

#[test]
fn broken_chain_files() {
    let v = Vectors::load();
    assert_eq!(Chain::from_base64("AAAB*").unwrap_err(), ChainFormatError::Base64 { offset: 4 });
    let good = v.chain().to_tlv();
    let mut token_type = good.clone();
    token_type[222] = 0;
    let error = ChainFormatError::Type { offset: 220, found: TypeId::BinaryToken };
    assert_eq!(Chain::from_tlv(&token_type).unwrap_err(), error);
    let mut bad_role = good.clone();
    bad_role[440 + 8 + 4] = 9;
    let error = Chain::from_tlv(&bad_role).unwrap_err();
    assert_eq!(error.to_string(), "certificate 2 at byte 440: certificate byte 4: role must be 1, 2 or 3, found 9");
    let error = Chain::from_tlv(&good[..659]).unwrap_err();
    assert!(matches!(error, ChainFormatError::Tlv(error) if error.offset == 444));
    // cert_root.cert of ST's NUCLEO-H533RE folder has no TLV around the certificate.
    assert!(matches!(Chain::from_tlv(&v.bytes("/certificates/root")), Err(ChainFormatError::Tlv(_))));
}

/// The values of ST's H5 logs, written by hand without padding: 179 bytes, as STM32CubeN6 sends.
fn hand_made() -> Vec<u8> {
    unhex(
        &[
            "0000 0100 02000000 0100",
            "0000 0200 02000000 2000",
            "0000 0300 04000000 84040000",
            "0000 0400 10000000 5E003D00 17513233 36323838 00000000",
            "0000 0700 10000000 77500000 00000000 00000000 00000000",
            "0000 0800 02000000 7120",
            "0000 0A00 04000000 02040000",
            "0000 0001 02000000 0002",
            "0000 0101 02000000 0102",
            "0000 0201 01000000 01",
            "0000 0080 04000000 EAEAEAEA",
            "0000 0180 04000000 FFFFFFFF",
            "0000 0280 04000000 FFFFFFFF",
            "0000 0380 04000000 FFFFFFFF",
        ]
        .concat()
        .replace(' ', ""),
    )
}

fn expected() -> Discovery {
    Discovery {
        auth_version: Some((1, 0)),
        vendor_id: Some([0x20, 0x00]),
        soc_class: Some(0x484),
        soc_id: Some([0x5E, 0, 0x3D, 0, 0x17, 0x51, 0x32, 0x33, 0x36, 0x32, 0x38, 0x38, 0, 0, 0, 0]),
        permissions_mask: Some(PermissionMask(0x5077)),
        psa_lifecycle: Some(0x2071),
        sda_version: Some([2, 4, 0, 0]),
        token_formats: Some(vec![TypeId::BinaryToken]),
        cert_formats: Some(vec![TypeId::BinaryCertificate]),
        cryptosystems: Some(vec![CryptoSystem::EcdsaP256Sha256]),
        integrity: Some(Integrity::Valid),
        hdpl_status: [Some(u32::MAX); 3],
        other: Vec::new(),
    }
}

#[test]
fn discovery_is_read_under_both_paddings() {
    let unpadded = hand_made();
    assert_eq!(unpadded.len(), 179);
    assert_eq!(Discovery::decode(&unpadded), Ok((expected(), Padding::Unpadded)));
    assert_eq!(expected().encode(Padding::Unpadded), unpadded);
    // (179 + 5) / 4 = 46 words, of which the last five bytes mean nothing.
    let words = expected().to_words(Padding::Unpadded);
    assert_eq!(words.len(), 46);
    let received: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    assert_eq!(Discovery::decode(&received), Ok((expected(), Padding::Unpadded)));
    let padded = expected().encode(Padding::Padded);
    assert_eq!(padded.len() % 4, 0);
    assert_eq!(Discovery::decode(&padded), Ok((expected(), Padding::Padded)));
    assert_eq!(Discovery::decode(&[&padded[..], &[0; 4]].concat()), Ok((expected(), Padding::Padded)));
    assert_eq!(expected().lifecycle(), Some(Lifecycle::Provisioning));
}

/// Rows of bytes that make sense under both paddings, written by hand.
#[test]
fn a_reading_with_known_types_wins() {
    // Padded: auth_version 1.0, no token formats, 246 crypto systems of P-256 and six of value 0. Unpadded the zeros behind auth_version
    // and the head of token_formats are a TLV without a type, of 256 bytes; zeros follow.
    let head = unhex("0000010002000000010000000000000100000000");
    let bytes = [&head[..], &unhex("00000201FC000000"), &[1; 246], &[0; 6]].concat();
    let (discovery, padding) = Discovery::decode(&bytes).unwrap();
    assert_eq!((padding, discovery.auth_version), (Padding::Padded, Some((1, 0))));
    assert_eq!(discovery.cryptosystems.map(|systems| systems.len()), Some(252));
    assert!(discovery.other.is_empty());
    // Unpadded: three crypto systems and token_formats of two zeros. Padded the latter is an empty TLV of type 0x0401.
    let three = unhex("0000020103000000010101");
    let bytes = [&three[..], &unhex("000000010400000000000000")].concat();
    let (discovery, padding) = Discovery::decode(&bytes).unwrap();
    assert_eq!((padding, discovery.token_formats), (Padding::Unpadded, Some(vec![TypeId::Null, TypeId::Null])));
    // One zero: padded it is an empty certificate, which has a name, too.
    let bytes = [&three[..], &unhex("00000001020000000000")].concat();
    assert_eq!(Discovery::decode(&bytes), Err(DiscoveryError::Ambiguous));
}

#[test]
fn unknown_discovery_tlvs_are_kept() {
    for padding in [Padding::Unpadded, Padding::Padded] {
        let mut discovery = expected();
        discovery.other = vec![OtherTlv { type_id: TypeId::Other(0x8042), value: vec![1, 2, 3] }];
        assert_eq!(Discovery::decode(&discovery.encode(padding)), Ok((discovery, padding)));
    }
}

#[test]
fn broken_discoveries() {
    let errors = |bytes: &[u8]| match Discovery::decode(bytes).unwrap_err() {
        DiscoveryError::Malformed { unpadded, padded } => (unpadded, padded),
        other => panic!("{other}"),
    };
    assert_eq!(errors(&[]), (ReadingError::Empty, ReadingError::Empty));
    assert_eq!(errors(&[0; 16]), (ReadingError::Empty, ReadingError::Empty));
    let short = unhex("0000030002000000840400000000000000");
    let length = ReadingError::Length { offset: 0, type_id: TypeId::SocClass, expected: 4, found: 2 };
    assert_eq!(errors(&short), (length, length));
    let twice = unhex("00000300040000008404000000000300040000008404000 0".replace(' ', "").as_str());
    let duplicate = ReadingError::Duplicate { offset: 12, type_id: TypeId::SocClass };
    assert_eq!(errors(&twice), (duplicate, duplicate));
    let reserved = unhex("010003000400000084040000");
    let (ReadingError::Tlv(unpadded), _) = errors(&reserved) else { panic!("not a TLV error") };
    assert_eq!((unpadded.offset, unpadded.rule), (0, TlvRule::Reserved { found: 1 }));
}
