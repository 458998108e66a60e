//! mcuboot images: structure, names of all bytes, and verification under every profile.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use provost_adac::crypto::sha256;
use provost_adac::key::{PrivateKey, PublicKey, Signer as _};
use provost_fuzz::{frugally, says_something};
use provost_image::{HEADER_BYTES, Header, Image, TlvType, Verification, inspect, profile, verify};

/// A key of the vectors: SHA-256 of its label, as in `make_vectors.py`.
fn key(role: &str) -> PrivateKey {
    PrivateKey::from_scalar(&sha256(format!("provost image vectors: {role}").as_bytes())).expect("a number of P-256")
}

static TRUSTED: LazyLock<[PublicKey; 1]> = LazyLock::new(|| [key("authentication").public_key()]);
static ENCRYPTION: LazyLock<PrivateKey> = LazyLock::new(|| key("encryption"));

/// The images that the key of the vectors has signed.
const VECTORS: [&[u8]; 16] = [
    include_bytes!("../../crates/provost-image/tests/vectors/oemirot_data_update.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/oemirot_h503.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/oemirot_h503_clear.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/oemirot_install.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/oemirot_update.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/plain_clear.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/plain_confirmed.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/plain_encrypted.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/plain_hash.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/plain_overwrite.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/plain_signed.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/stirot_data_object.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/stirot_data_update.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/stirot_install.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/stirot_odd_slot.bin"),
    include_bytes!("../../crates/provost-image/tests/vectors/stirot_update.bin"),
];

/// Their hashes: nothing else bears a signature.
static SIGNED: LazyLock<Vec<[u8; 32]>> = LazyLock::new(|| {
    let hash = |bytes| Image::parse(bytes).ok()?.find(TlvType::SHA256)?.value.try_into().ok();
    VECTORS.iter().copied().filter_map(hash).collect()
});

fuzz_target!(
    init: {
        let _ = (&*TRUSTED, &*ENCRYPTION);
        assert_eq!(SIGNED.len(), VECTORS.len());
    },
    |data: &[u8]| {
        // Four bytes can be a TLV, which takes forty in the list and several hundred with its name.
        frugally(data.len(), 0x2000, 256, || structure(data));
        if let Ok(image) = Image::parse(data) {
            frugally(data.len(), 0x2000, 4, || verification(&image));
        }
    }
);

fn structure(data: &[u8]) {
    let image = match Image::parse(data) {
        Ok(image) => image,
        Err(error) => {
            assert!(error.offset <= data.len());
            says_something(error);
            assert_eq!(inspect(data).err(), Some(error));
            return;
        }
    };
    if let Some(header) = data.first_chunk::<HEADER_BYTES>() {
        // The last four bytes are written as zeros.
        assert_eq!(Header::from_bytes(header).to_bytes()[..28], header[..28]);
    }
    let parts = [image.header_field().len(), image.body().len(), image.protected_area().len()];
    assert_eq!(parts.iter().sum::<usize>(), image.unprotected_offset());
    assert_eq!(image.end() + image.rest().len(), data.len());
    let ranges = inspect(data).expect("parsed before");
    let end = ranges.iter().fold(0, |at, range| {
        assert!(range.offset == at && range.length > 0, "{}", range.name);
        at + range.length
    });
    assert_eq!(end, data.len());
}

fn verification(image: &Image<'_>) {
    for profile in profile::all() {
        let of = Verification::of(profile).trust(&*TRUSTED);
        let ways = [Verification::of(profile), of, of.decrypt_with(&ENCRYPTION), of.slot_size(0x2_0000)];
        // The one that gets furthest always, one of the others in turn: opening a key takes its time.
        for against in [&ways[2], &ways[image.bytes().len() % 4]] {
            match verify(image, against) {
                Ok(verified) => assert!(verified.signed_by.is_none() || SIGNED.contains(&verified.hash), "forged"),
                Err(error) => says_something(error),
            }
        }
    }
}
