//! Descriptions account for every byte, in order, and say what stands there.

use crate::common::Vectors;
use provost_adac::certificate::{Certificate, Role};
use provost_adac::describe::{self, Part};
use provost_adac::key::Signer as _;
use provost_adac::permission::PermissionMask;
use provost_adac::token::Token;

/// The fields follow one another from `from` to `to`.
fn covers(parts: &[Part], from: usize, to: usize) {
    let mut at = from;
    for part in parts {
        assert_eq!(part.offset, at, "{}", part.title);
        for field in &part.fields {
            assert_eq!(field.offset, at, "{}", field.name);
            at += field.length;
        }
        assert_eq!(part.end(), at);
    }
    assert_eq!(at, to);
}

fn value<'a>(part: &'a Part, name: &str) -> &'a str {
    &part.field(name).unwrap_or_else(|| panic!("{name}")).value
}

#[test]
fn a_chain_is_described_byte_by_byte() {
    let chain = Vectors::load().chain();
    let parts = describe::chain(&chain);
    covers(&parts, 0, 660);
    assert_eq!(parts.len(), 6);
    let titles: Vec<_> = parts.iter().map(|part| part.title.as_str()).collect();
    assert_eq!(titles[3..], ["intermediate certificate", "TLV header", "leaf certificate"]);
    // TLVs start at 0, 0xDC and 0x1B8; Arm psa_adac.h gives the offsets inside.
    let leaf = &parts[5];
    let places = [("role", 4), ("soc_class", 16), ("permissions_mask", 36), ("public_key", 52), ("signature", 148)];
    for (name, offset) in places {
        assert_eq!(leaf.field(name).unwrap().offset, 0x1B8 + 8 + offset, "{name}");
    }
    assert_eq!(value(leaf, "permissions_mask"), "0x00005077");
    assert!(
        leaf.field("permissions_mask").unwrap().meaning.starts_with("Full Regression (14), To TZ Regression (12), ")
    );
}

#[test]
fn every_field_of_a_certificate_is_shown() {
    let v = Vectors::load();
    let key = v.key("leaf");
    let certificate = Certificate::builder(Role::Leaf)
        .lifecycle(0x2071)
        .oem_constraint(0x1234)
        .soc_class(0x478)
        .soc_id([0xAB; 16])
        .permissions(PermissionMask(1 << 127))
        .extensions(b"hello")
        .sign(&key.public_key(), &key)
        .unwrap();
    let part = describe::certificate(&certificate, 100);
    covers(core::slice::from_ref(&part), 100, 100 + certificate.to_bytes().len());
    for (name, due) in [
        ("format_version", "1.0"),
        ("usage", "1"),
        ("lifecycle", "0x2071"),
        ("oem_constraint", "0x1234"),
        ("extensions_bytes", "8"),
        ("soc_class", "0x478"),
        ("soc_id", "abababababababababababababababab"),
        ("permissions_mask", "0x80000000000000000000000000000000"),
        ("extensions", "68656c6c6f000000"),
    ] {
        assert_eq!(value(&part, name), due);
    }
    assert_eq!(part.field("lifecycle").unwrap().meaning, "ST_LIFECYCLE_PROVISIONING");
    assert_eq!(part.field("extensions_hash").unwrap().meaning, "SHA-256 of the extensions");
}

#[test]
fn tokens_are_described_with_and_without_challenge() {
    let v = Vectors::load();
    let token = Token::parse(&v.bytes("/tokens/full_regression(bit14)")).unwrap();
    let part = describe::token(&token, 8);
    covers(core::slice::from_ref(&part), 8, 128);
    assert_eq!(part.field("requested_permissions").unwrap().meaning, "Full Regression (14)");
    let to_sign = describe::token_to_sign(&token, &v.array("/challenge"), 0);
    covers(core::slice::from_ref(&to_sign), 0, 88);
    assert_eq!(value(&to_sign, "challenge"), v.text("/challenge"));
    let mut wrong = v.bytes("/tokens/full_regression(bit14)");
    wrong[30] = 1;
    let part = describe::token(&Token::parse(&wrong).unwrap(), 0);
    assert!(part.field("extensions_hash").unwrap().meaning.starts_with("WRONG"));
}
