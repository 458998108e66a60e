//! Images and wishes that must be refused, each with its reason and place.

use provost_adac::key::{PrivateKey, PublicKey, Signature, Signer, SignerError};
use provost_image::signature::SignatureForm;
use provost_image::{
    Departure, ENC_EC256_BYTES, Image, Padding, SecurityCounter, SignError, SignOptions, TlvType, Verification,
    VerifyError, Version, sign, verify,
};

use crate::{body, key, plain_options, profile};

/// A signed image of 100 bytes behind a header of 32; the TLVs start at byte 132.
fn signed(name: &str) -> Vec<u8> {
    sign(&body(100), &plain_options(name), Some(&key("authentication"))).unwrap()
}

const BODY_END: usize = 132;
/// The protected area holds the security counter.
const TLVS: usize = BODY_END + 12;

fn with(bytes: &[u8], offset: usize, patch: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[offset..offset + patch.len()].copy_from_slice(patch);
    bytes
}

#[test]
fn broken_structures_name_the_byte() {
    let image = signed("oemirot-secure-data");
    let end = image.len();
    let table: [(Vec<u8>, &str, usize); 14] = [
        (Vec::new(), "image-no-header", 0),
        (image[..31].to_vec(), "image-no-header", 31),
        (with(&image, 0, &[0]), "image-magic", 0),
        (b"MZ\x90\0".to_vec(), "image-magic", 0),
        (with(&image, 8, &31_u16.to_le_bytes()), "image-header-size", 8),
        (with(&image, 12, &u32::MAX.to_le_bytes()), "image-body-too-long", 12),
        (image[..BODY_END + 3].to_vec(), "image-body-too-long", 12),
        (with(&image, 10, &[0]), "image-protected-size", 10),
        (with(&image, BODY_END, &[0x07]), "image-protected-size", 10),
        (with(&image, TLVS, &[0x08]), "image-tlv-magic", TLVS),
        (image[..TLVS + 3].to_vec(), "image-tlv-area", TLVS),
        (with(&image, TLVS + 2, &[3, 0]), "image-tlv-area", TLVS + 2),
        (image[..end - 1].to_vec(), "image-tlv-area", TLVS + 2),
        (with(&image, TLVS + 6, &[0xFF]), "image-tlv-overrun", TLVS + 4),
    ];
    for (bytes, code, offset) in table {
        let error = Image::parse(&bytes).unwrap_err();
        assert_eq!((error.code(), error.offset), (code, offset), "{error}");
        assert!(!error.fix().is_empty());
    }
    // Protected TLVs that overrun their area, and an area that is too short for its own header.
    let error = Image::parse(&with(&image, BODY_END + 6, &[5])).unwrap_err();
    assert_eq!((error.code(), error.offset), ("image-tlv-overrun", BODY_END + 4));
    let short = with(&with(&image, BODY_END + 2, &[3]), 10, &[3]);
    assert_eq!(Image::parse(&short).unwrap_err().code(), "image-tlv-area");
}

/// Hash, key hash and signature over `covered`, by our key: what a hostile or careless tool could make.
fn forged(covered: &[u8], extra: &[(u16, &[u8])]) -> Vec<u8> {
    let signer = key("authentication");
    let sha256 = provost_adac::crypto::sha256;
    let mut der = vec![0x30, 70];
    for number in signer.sign(covered).unwrap().chunks(32) {
        der.extend([&[2, 33, 0], number].concat());
    }
    let (hash, key_hash) = (sha256(covered), sha256(&signer.public_key().to_der()));
    let mut tlvs: Vec<(u16, &[u8])> = vec![(0x10, &hash), (0x01, &key_hash), (0x22, &der)];
    tlvs.extend(extra);
    let records: Vec<u8> = tlvs
        .iter()
        .flat_map(|(kind, value)| [&kind.to_le_bytes()[..], &(value.len() as u16).to_le_bytes(), value].concat())
        .collect();
    [covered, &[0x07, 0x69], &(records.len() as u16 + 4).to_le_bytes(), &records].concat()
}

fn reason(bytes: &[u8], name: &str) -> VerifyError {
    let trusted = [key("authentication").public_key()];
    verify(&Image::parse(bytes).unwrap(), &Verification::of(profile(name)).trust(&trusted)).unwrap_err()
}

#[test]
fn wrong_images_are_refused_with_their_reason() {
    let name = "oemirot-secure-data";
    let image = signed(name);
    let covered = &image[..TLVS];
    let trusted = [key("authentication").public_key()];
    let good = forged(covered, &[]);
    verify(&Image::parse(&good).unwrap(), &Verification::of(profile(name)).trust(&trusted)).unwrap();

    let (hash, key_hash, signature) = (TLVS + 8, TLVS + 44, TLVS + 80);
    let no_counter = [&with(&image[..BODY_END], 10, &[0])[..]].concat();
    let protected = |records: &[u8]| {
        let size = (records.len() + 4) as u16;
        let head = with(&image[..BODY_END], 10, &size.to_le_bytes());
        [&head[..], &[0x08, 0x69], &size.to_le_bytes(), records].concat()
    };
    let counter = [0x50, 0, 4, 0, 1, 0, 0, 0];
    let table: [(Vec<u8>, &str, &str, Option<usize>); 20] = [
        (image.clone(), "stirot-data", "image-wrong-kind", Some(0)),
        (image.clone(), "oemirot-secure-code", "image-wrong-header-size", Some(8)),
        (image.clone(), "oemirot-h503-data", "image-primary-only", Some(16)),
        (signed("oemirot-h503-data"), name, "image-primary-only", Some(16)),
        (with(&image, 40, &[!image[40]]), name, "image-hash", Some(hash)),
        (with(&image, 20, &[9]), name, "image-hash", Some(hash)),
        (with(&image, TLVS - 1, &[9]), name, "image-hash", Some(hash)),
        (with(&image, hash, &[!image[hash]]), name, "image-hash", Some(hash)),
        (with(&image, key_hash, &[!image[key_hash]]), name, "image-unknown-key", Some(key_hash)),
        (with(&image, signature, &[0x31]), name, "image-signature-form", Some(signature)),
        (with(&image, signature + 10, &[!image[signature + 10]]), name, "image-signature", Some(signature)),
        (forged(&no_counter, &[]), name, "image-tlv-missing", None),
        (forged(covered, &[(0x50, &[0; 4])]), name, "image-tlv-place", None),
        (forged(covered, &[(0x40, &[0; 12])]), name, "image-tlv-place", None),
        (forged(covered, &[(0xA0, &[1])]), name, "image-tlv-unexpected", None),
        (forged(covered, &[(0x22, &[0x30])]), name, "image-tlv-unexpected", None),
        (forged(covered, &[(0x32, &[0; ENC_EC256_BYTES])]), name, "image-tlv-unexpected", None),
        (forged(&protected(&[counter, counter].concat()), &[]), name, "image-tlv-unexpected", None),
        (forged(&protected(&[0x50, 0, 2, 0, 1, 0]), &[]), name, "image-tlv-length", None),
        (forged(&protected(&[&counter[..], &[0x10, 0, 0, 0]].concat()), &[]), name, "image-tlv-length", None),
    ];
    for (bytes, name, code, offset) in table {
        let error = reason(&bytes, name);
        assert_eq!(error.code(), code, "{error}");
        assert!(offset.is_none() || error.offset() == offset, "{error}");
        assert!(!error.fix().is_empty());
    }
}

#[test]
fn a_signature_is_only_worth_something_with_a_trusted_key() {
    let image = signed("oemirot-secure-data");
    let parsed = Image::parse(&image).unwrap();
    let against = Verification::of(profile("oemirot-secure-data"));
    assert_eq!(verify(&parsed, &against).unwrap_err().code(), "image-no-trusted-key");
    let others = [key("other").public_key()];
    assert_eq!(verify(&parsed, &against.trust(&others)).unwrap_err().code(), "image-unknown-key");
    let both = [key("other").public_key(), key("authentication").public_key()];
    assert_eq!(verify(&parsed, &against.trust(&both)).unwrap().signed_by, Some(both[1]));
    // An image with a hash only, where a signature is wanted.
    let unsigned = sign(&body(100), &plain_options("mcuboot"), None).unwrap();
    let parsed = Image::parse(&unsigned).unwrap();
    let against = Verification::of(profile("mcuboot"));
    assert_eq!(verify(&parsed, &against).unwrap().signed_by, None);
    assert_eq!(verify(&parsed, &against.trust(&both)).unwrap_err().code(), "image-tlv-missing");
}

#[test]
fn slots_are_checked() {
    let name = "oemirot-non-secure-data";
    let mut options = SignOptions::update(profile(name), "1.0.0".parse().unwrap());
    options.slot_size = Some(0x400);
    let image = sign(&body(100), &options, Some(&key("authentication"))).unwrap();
    let trusted = [key("authentication").public_key()];
    let against = Verification::of(profile(name)).trust(&trusted);
    let check = |bytes: &[u8], slot| verify(&Image::parse(bytes).unwrap(), &against.slot_size(slot)).map(|_| ());
    check(&image, 0x400).unwrap();
    check(&image, 0x2000).unwrap();
    assert_eq!(check(&image, 0x3FF), Err(VerifyError::SlotTooSmall { need: 0x400, slot_size: 0x3FF }));
    // A stray byte where the boot loader wants erased flash.
    let end = Image::parse(&image).unwrap().end();
    let stray = with(&image, end + 5, &[0]);
    assert_eq!(check(&stray, 0x400), Err(VerifyError::Rest { offset: end + 5 }));
    // Not padded: there must be room for the shorter trailer, 48 bytes.
    check(&image[..end], (end + 48) as u32).unwrap();
    assert_eq!(check(&image[..end], (end + 47) as u32).unwrap_err().code(), "image-slot-too-small");
}

#[test]
fn what_st_would_make_otherwise_is_told() {
    let mut options = SignOptions::update(profile("stirot-code"), "1.0.0".parse().unwrap());
    options.slot_size = Some(0x1000);
    options.encrypt_for = Some(key("encryption").public_key());
    options.signature_form = SignatureForm::Der;
    let (trusted, encryption) = ([key("authentication").public_key()], key("encryption"));
    let against = Verification::of(profile("stirot-code")).trust(&trusted).decrypt_with(&encryption);
    let mut lengths = Vec::new();
    for length in 0..16 {
        let image = sign(&body(1 + length), &options, Some(&key("authentication"))).unwrap();
        let image = Image::parse(&image).unwrap();
        let free = 72 - image.find(TlvType::ECDSA256).unwrap().value.len();
        let departures = verify(&image, &against).unwrap().departures;
        let form = Departure::SignatureForm { found: SignatureForm::Der, usual: SignatureForm::Numbers33 };
        let expected = [form, Departure::SlotNotFilled { free }];
        assert_eq!(departures, if free == 0 { &[][..] } else { &expected[..] });
        lengths.push(free);
    }
    assert!(lengths.contains(&1), "no shorter signature among {lengths:?}");
}

/// Claims one key and signs with another.
struct Liar(PrivateKey, PrivateKey);

impl Signer for Liar {
    fn public_key(&self) -> PublicKey {
        self.0.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        self.1.sign(message)
    }
}

#[test]
fn wishes_that_cannot_be_fulfilled() {
    type Change = fn(&mut SignOptions);
    let encrypt: Change = |o| o.encrypt_for = Some(key("encryption").public_key());
    let table: [(&str, usize, bool, Change, &str); 14] = [
        ("mcuboot", 10, true, |o| o.header_size = 31, "image-header-size"),
        ("mcuboot", 10, true, |o| o.header_size = 0x22, "image-header-size"),
        ("mcuboot", 10, true, |o| o.align = 3, "image-align"),
        ("mcuboot", 0, true, |_| (), "image-empty"),
        ("mcuboot", 100, true, |o| o.has_room = true, "image-no-room"),
        ("mcuboot", 10, true, |o| o.padding = Padding::Slot, "image-no-slot-size"),
        ("mcuboot", 10, true, |o| o.slot_size = Some(100), "image-slot-too-small"),
        ("mcuboot", 10, true, |o| o.dependencies = vec!["1,1".parse().unwrap(); 5000], "image-too-many-tlvs"),
        ("oemirot-secure-code", 10, false, |_| (), "image-no-signer"),
        ("oemirot-secure-code", 10, true, |o| o.security_counter = SecurityCounter::None, "image-no-security-counter"),
        ("oemirot-secure-code", 10, true, |o| o.clear = true, "image-clear-without-key"),
        ("oemirot-h503-code", 10, true, |o| o.clear = true, "image-clear-in-one-slot"),
        ("stirot-data-object", 10, true, |_| (), "image-not-signed"),
        ("stirot-code", 10, true, encrypt, "image-no-slot-size"),
    ];
    for (name, length, signs, change, code) in table {
        let mut options = plain_options(name);
        change(&mut options);
        let signer = key("authentication");
        let error = sign(&body(length), &options, signs.then_some(&signer as &dyn Signer)).unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(!error.fix().is_empty());
    }
    let liar = Liar(key("authentication"), key("other"));
    assert!(matches!(sign(&body(10), &plain_options("mcuboot"), Some(&liar)), Err(SignError::BadSigner)));
}

#[test]
fn the_filler_of_stirot_never_leaves_the_slot() {
    // Header 0x400, one block, counter 12, TLVs 269, trailer 32, and a filler of 5 bytes at least.
    let need = 0x400 + 16 + 12 + 269 + 32 + 5;
    for slot in need - 40..need + 40 {
        let mut options = SignOptions::update(profile("stirot-code"), "1.0.0".parse().unwrap());
        (options.slot_size, options.encrypt_for) = (Some(slot), Some(key("encryption").public_key()));
        let image = sign(&body(1), &options, Some(&key("authentication")));
        if slot < need {
            assert_eq!(image.unwrap_err().code(), "image-slot-too-small", "{slot}");
            continue;
        }
        // Fillers of up to four bytes grow by a block, for which there is no room yet in a slot only that much longer.
        let Ok(image) = image else {
            assert!((slot - need + 5) % 16 <= 4 && slot - need < 16, "{slot}");
            continue;
        };
        assert_eq!((image.len(), Image::parse(&image).unwrap().end()), (slot as usize, slot as usize - 32));
    }
}

/// One of 256 signatures has a number of fewer than 32 bytes in DER. That of build 14 is the first, found by trying; RFC 6979 keeps it.
#[test]
fn stirot_gets_no_short_signature() {
    let options = |build| {
        let mut options = SignOptions::update(profile("stirot-code"), Version { build, ..Version::default() });
        (options.slot_size, options.encrypt_for) = (Some(0x800), Some(key("encryption").public_key()));
        options
    };
    let signed = |options: &SignOptions| sign(&body(100), options, Some(&key("authentication")));
    assert!(matches!(signed(&options(14)), Err(SignError::ShortSignature)));
    signed(&options(15)).unwrap();
    // In plain DER it is made, shorter by a byte at least, and told of.
    let mut plain = options(14);
    plain.signature_form = SignatureForm::Der;
    let image = signed(&plain).unwrap();
    let image = Image::parse(&image).unwrap();
    let (trusted, encryption) = ([key("authentication").public_key()], key("encryption"));
    let verified = verify(&image, &Verification::of(plain.profile).trust(&trusted).decrypt_with(&encryption)).unwrap();
    assert!(verified.departures.contains(&Departure::ShortSignature));
    assert!(image.find(TlvType::ECDSA256).unwrap().value.len() < 72);
}
