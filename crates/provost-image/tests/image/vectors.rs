//! Images made by imgtool 2.5.0 and by the imgtool of stm32-mw-mcuboot v1.7.2.39 (`tests/vectors/make_vectors.py`): they verify, and
//! ours are the same byte for byte but for what is random.

use provost_adac::key::{PublicKey, Signature, Signer, SignerError, parse_signature};
use provost_image::signature::SignatureForm;
use provost_image::trailer::TrailerKind;
use provost_image::{
    Content, Image, KeyFormat, LoadAddress, Padding, SecurityCounter, SignOptions, TlvType, Verification, VerifyError,
    inspect, sign, verify,
};

use crate::{body, key, profile};

struct Vector {
    name: &'static str,
    bytes: &'static [u8],
    body: usize,
    content: Content,
    options: SignOptions,
}

macro_rules! vector {
    ($name:literal, $body:literal, $content:ident, $options:expr) => {
        Vector {
            name: $name,
            bytes: include_bytes!(concat!("../vectors/", $name, ".bin")),
            body: $body,
            content: Content::$content,
            options: $options,
        }
    };
}

/// Options for a slot; encryption for our key where `encrypt` says so.
fn options(name: &str, version: &str, install: bool, slot: u32, encrypt: bool) -> SignOptions {
    let (profile, version) = (profile(name), version.parse().unwrap());
    let mut options =
        if install { SignOptions::install(profile, version) } else { SignOptions::update(profile, version) };
    options.slot_size = Some(slot);
    options.encrypt_for = encrypt.then(|| key("encryption").public_key());
    options
}

/// Plain mcuboot, where imgtool's defaults are no padding and no security counter.
fn plain(version: &str, slot: u32, encrypt: bool, change: impl FnOnce(&mut SignOptions)) -> SignOptions {
    let mut options = options("mcuboot", version, false, slot, encrypt);
    options.padding = Padding::None;
    change(&mut options);
    options
}

fn with_dependencies(mut options: SignOptions, dependencies: &[&str]) -> SignOptions {
    options.dependencies = dependencies.iter().map(|text| text.parse().unwrap()).collect();
    options
}

/// The options of `make_vectors.py`, in our words.
fn vectors() -> Vec<Vector> {
    vec![
        vector!(
            "plain_hash",
            77,
            Plain,
            plain("1.2.3+4", 0x1000, false, |o| o.security_counter = SecurityCounter::None)
        ),
        vector!(
            "plain_signed",
            200,
            Plain,
            with_dependencies(plain("1.2.3+4", 0x1000, false, |o| o.header_size = 0x40), &["1,1.0.0", "2,3.4.5+6"])
        ),
        vector!(
            "plain_confirmed",
            200,
            Plain,
            plain("0.0.1", 0x400, false, |o| {
                o.security_counter = SecurityCounter::Value(7);
                o.align = 8;
                o.trailer = TrailerKind::Swap { sectors: 4 };
                o.padding = Padding::Confirmed;
            })
        ),
        vector!(
            "plain_overwrite",
            100,
            Plain,
            plain("255.255.65535+4294967295", 0x400, false, |o| {
                o.security_counter = SecurityCounter::None;
                o.align = 32;
                o.trailer = TrailerKind::Overwrite;
                o.padding = Padding::Slot;
                o.erased = 0;
                o.non_bootable = true;
                o.load_address = LoadAddress::Fixed(0x0801_8000);
                o.key_format = KeyFormat::Full;
                o.signature_form = SignatureForm::ZeroPadded;
            })
        ),
        vector!("plain_encrypted", 333, Encrypted, plain("1.0.0", 0x1000, true, |_| ())),
        vector!(
            "plain_clear",
            333,
            Clear,
            plain("1.0.0", 0x400, true, |o| {
                o.align = 16;
                o.trailer = TrailerKind::Swap { sectors: 0 };
                o.padding = Padding::Confirmed;
                o.clear = true;
                o.load_address = LoadAddress::Ram(0x2000_0000);
            })
        ),
        vector!("oemirot_install", 333, Clear, options("oemirot-secure-code", "1.0.0", true, 0x800, true)),
        vector!(
            "oemirot_update",
            333,
            Encrypted,
            with_dependencies(options("oemirot-non-secure-code", "1.0.1", false, 0x800, true), &["0,1.0.0", "3,1.0.0"])
        ),
        vector!("oemirot_data_update", 32, Encrypted, options("oemirot-secure-data", "1.0.0", false, 0x200, true)),
        vector!("oemirot_h503", 333, Encrypted, options("oemirot-h503-code", "1.0.0", false, 0x800, true)),
        vector!("oemirot_h503_clear", 333, Plain, options("oemirot-h503-code", "1.0.0", true, 0x800, false)),
        vector!("stirot_install", 333, Clear, options("stirot-code", "1.0.0", true, 0x800, true)),
        vector!(
            "stirot_update",
            334,
            Encrypted,
            with_dependencies(options("stirot-code", "1.2.0", false, 0x800, true), &["1,1.0.0"])
        ),
        vector!("stirot_odd_slot", 335, Encrypted, options("stirot-code", "1.0.0", false, 0x7FD, true)),
        vector!("stirot_data_update", 99, Encrypted, options("stirot-data", "1.0.0", false, 0x400, true)),
        vector!("stirot_data_object", 252, Plain, options("stirot-data-object", "1.0.0", false, 0x2F0, false)),
    ]
}

/// Signs with a signature made before: `sign` accepts it only if the bytes to be signed are the same.
struct Replay(PublicKey, Signature);

impl Signer for Replay {
    fn public_key(&self) -> PublicKey {
        self.0
    }

    fn sign(&self, _message: &[u8]) -> Result<Signature, SignerError> {
        Ok(self.1)
    }
}

/// The signature in an image, read by another reader: with needless zeros taken out it is DER.
fn signature_in(image: &Image<'_>) -> Option<Signature> {
    let der = image.find(TlvType::ECDSA256)?.value;
    let mut numbers = [0; 64];
    let r = usize::from(der[3]);
    for (number, place) in [&der[4..4 + r], &der[6 + r..][..usize::from(der[5 + r])]].iter().zip(numbers.chunks_mut(32))
    {
        let digits = &number[number.len().saturating_sub(32)..];
        place[32 - digits.len()..].copy_from_slice(digits);
    }
    if der.len() < 72 {
        assert_eq!(parse_signature(der).unwrap(), numbers);
    }
    Some(numbers)
}

#[test]
fn images_of_the_tools_verify() {
    let (authentication, encryption) = ([key("authentication").public_key()], key("encryption"));
    for Vector { name, bytes, body: length, content, options } in vectors() {
        let image = Image::parse(bytes).unwrap();
        let trusted = if image.find(TlvType::ECDSA256).is_some() { &authentication[..] } else { &[] };
        let against = Verification::of(options.profile)
            .trust(trusted)
            .decrypt_with(&encryption)
            .slot_size(options.slot_size.unwrap());
        let verified = verify(&image, &against).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(verified.content, content, "{name}");
        assert_eq!(verified.version, options.version, "{name}");
        assert_eq!(verified.dependencies, options.dependencies, "{name}");
        assert_eq!(verified.signed_by.as_ref(), trusted.first(), "{name}");
        assert_eq!(verified.departures, [], "{name}");
        assert!(verified.body().starts_with(&body(length)), "{name}");
        assert!(verified.body()[length..].iter().all(|byte| *byte == 0), "{name}");
        let counter = match options.security_counter {
            SecurityCounter::Auto => Some(options.version.security_counter()),
            SecurityCounter::Value(counter) => Some(counter),
            SecurityCounter::None => None,
        };
        assert_eq!(verified.security_counter, counter, "{name}");
    }
}

#[test]
fn ours_are_those_of_the_tools() {
    for Vector { name, bytes, body: length, content, options } in vectors() {
        let theirs = Image::parse(bytes).unwrap();
        let replay = signature_in(&theirs).map(|signature| Replay(key("authentication").public_key(), signature));
        let ours = sign(&body(length), &options, replay.as_ref().map(|signer| signer as &dyn Signer))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        // What is random: the wrapped key, and with it an encrypted body. That of ours is checked by decrypting it.
        let random = |image: &Image<'_>| {
            let wrapped =
                image.find(TlvType::ENC_EC256).map(|tlv| tlv.value_offset()..tlv.value_offset() + tlv.value.len());
            let start = usize::from(image.header().header_size);
            [wrapped, (content == Content::Encrypted).then(|| start..start + image.body().len())]
        };
        let ours_parsed = Image::parse(&ours).unwrap();
        let holes = random(&ours_parsed);
        assert_eq!(holes, random(&theirs), "{name}");
        let (mut mine, mut other) = (ours.clone(), bytes.to_vec());
        for hole in holes.into_iter().flatten() {
            mine[hole.clone()].fill(0);
            other[hole].fill(0);
        }
        let difference = mine.iter().zip(&other).position(|(mine, other)| mine != other);
        assert_eq!((difference, mine.len()), (None, other.len()), "{name}");

        let (trusted, encryption) = ([key("authentication").public_key()], key("encryption"));
        let trusted = if replay.is_some() { &trusted[..] } else { &[] };
        let verified =
            verify(&ours_parsed, &Verification::of(options.profile).trust(trusted).decrypt_with(&encryption)).unwrap();
        assert_eq!((verified.content, &verified.body()[..length]), (content, &body(length)[..]), "{name}");
    }
}

#[test]
fn an_encrypted_image_needs_the_right_key() {
    for Vector { name, bytes, content, options, .. } in
        vectors().into_iter().filter(|vector| vector.content != Content::Plain)
    {
        let image = Image::parse(bytes).unwrap();
        let trusted = [key("authentication").public_key()];
        let against = Verification::of(options.profile).trust(&trusted);
        let hash = image.find(TlvType::SHA256).unwrap().value_offset();
        match content {
            Content::Encrypted => {
                assert_eq!(verify(&image, &against).unwrap_err(), VerifyError::NeedsKey { offset: hash }, "{name}")
            }
            _ => assert_eq!(verify(&image, &against).unwrap().content, Content::Clear, "{name}"),
        }
        let other = key("another encryption");
        let error = verify(&image, &against.decrypt_with(&other)).unwrap_err();
        // The HMAC stands behind the 65 bytes of the ephemeral key.
        let mac = image.find(TlvType::ENC_EC256).unwrap().value_offset() + 65;
        assert_eq!((error.code(), error.offset()), ("image-decryption", Some(mac)), "{name}");
    }
}

#[test]
fn every_byte_has_a_name() {
    for Vector { name, bytes, .. } in vectors() {
        let ranges = inspect(bytes).unwrap();
        let end = ranges.iter().fold(0, |end, range| {
            assert_eq!(range.offset, end, "{name} {}", range.name);
            assert!(range.length > 0);
            end + range.length
        });
        assert_eq!(end, bytes.len(), "{name}");
    }
}

#[test]
fn an_install_image_of_oemirot_byte_by_byte() {
    let vectors = vectors();
    let vector = vectors.iter().find(|vector| vector.name == "oemirot_install").unwrap();
    let ranges = inspect(vector.bytes).unwrap();
    let named: Vec<_> = ranges.iter().map(|range| (range.offset, range.length, range.name.as_str())).collect();
    // Header 0x400, 333 bytes of body padded to 336, counter; then the TLVs of imgtool in its order; the signature has 70 to 72 bytes.
    let signature = Image::parse(vector.bytes).unwrap().find(TlvType::ECDSA256).unwrap().value.len();
    let start = 0x400 + 336;
    let enc = start + 12 + 4 + 36 + 36 + 4 + signature;
    let end = enc + 4 + 113;
    assert_eq!(
        named,
        [
            (0, 4, "header.magic"),
            (4, 4, "header.load-address"),
            (8, 2, "header.header-size"),
            (10, 2, "header.protected-size"),
            (12, 4, "header.image-size"),
            (16, 4, "header.flags"),
            (20, 8, "header.version"),
            (28, 4, "header.pad"),
            (32, 0x3E0, "header.filler"),
            (0x400, 336, "body"),
            (start, 4, "protected.info"),
            (start + 4, 4, "protected.security-counter.head"),
            (start + 8, 4, "protected.security-counter"),
            (start + 12, 4, "tlv.info"),
            (start + 16, 4, "tlv.sha256.head"),
            (start + 20, 32, "tlv.sha256"),
            (start + 52, 4, "tlv.key-hash.head"),
            (start + 56, 32, "tlv.key-hash"),
            (start + 88, 4, "tlv.ecdsa256.head"),
            (start + 92, signature, "tlv.ecdsa256"),
            (enc, 4, "tlv.enc-ec256.head"),
            (enc + 4, 65, "tlv.enc-ec256.ephemeral-key"),
            (enc + 69, 32, "tlv.enc-ec256.hmac"),
            (enc + 101, 16, "tlv.enc-ec256.wrapped-key"),
            (end, 0x7E0 - end, "rest"),
            (0x7E0, 1, "trailer.image-ok"),
            (0x7E1, 15, "trailer"),
            (0x7F0, 16, "trailer.magic"),
        ]
    );
    let value = |name: &str| ranges.iter().find(|range| range.name == name).unwrap().value.clone();
    assert!(value("header.magic").starts_with("0x96f3b83d: oemirot-secure-code, "));
    assert_eq!(value("header.flags"), "0x4: encrypted-aes128");
    assert_eq!(value("header.version"), "1.0.0+0");
    assert_eq!(value("protected.security-counter"), "0x01000000");
    assert_eq!(value("header.filler"), "992 × 0xff");
}

/// The files are those that the script wrote.
#[test]
fn the_manifest_fits_the_files() {
    let manifest: Vec<serde_json::Value> = serde_json::from_str(include_str!("../vectors/manifest.json")).unwrap();
    let vectors = vectors();
    assert_eq!(manifest.len(), vectors.len());
    for (entry, vector) in manifest.iter().zip(&vectors) {
        assert_eq!((entry["name"].as_str(), entry["body"].as_u64()), (Some(vector.name), Some(vector.body as u64)));
        let digest: String =
            provost_adac::crypto::sha256(vector.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(entry["sha256"], digest, "{}", vector.name);
    }
}
