//! How fast images are signed, verified and inspected: `cargo bench -p provost-image`. Writing one to flash takes seconds.

use std::hint::black_box;

use divan::counter::{BytesCount, ItemsCount};
use provost_adac::key::{PrivateKey, Signer as _};
use provost_image::{Image, Profile, SignOptions, Verification, inspect, sign, verify};

fn main() {
    divan::main();
}

/// Bytes of a body: data, the slot of ST's STiRoT project, nearly a bank of STM32H573.
const SIZES: [usize; 3] = [200, 0x1_0000, 0xF_0000];

fn key(number: u8) -> PrivateKey {
    PrivateKey::from_scalar(&[number; 32]).unwrap_or_else(|error| unreachable!("{error}"))
}

fn profile() -> &'static Profile {
    Profile::named("oemirot-secure-code").unwrap_or_else(|| unreachable!())
}

fn options(encrypted: bool) -> SignOptions {
    let version = "1.0.0".parse().unwrap_or_else(|error| unreachable!("{error}"));
    let mut options = SignOptions::update(profile(), version);
    options.slot_size = Some(0x10_0000);
    options.encrypt_for = encrypted.then(|| key(2).public_key());
    options
}

fn made(size: usize, encrypted: bool) -> Vec<u8> {
    sign(&vec![0x5A; size], &options(encrypted), Some(&key(1))).unwrap_or_else(|error| unreachable!("{error}"))
}

#[divan::bench(args = SIZES, consts = [false, true])]
fn sign_image<const ENCRYPTED: bool>(bencher: divan::Bencher<'_, '_>, size: usize) {
    let (body, options, signer) = (vec![0x5A; size], options(ENCRYPTED), key(1));
    bencher
        .counter(ItemsCount::new(1_u32))
        .counter(BytesCount::new(size))
        .bench_local(|| sign(black_box(&body), &options, Some(&signer)));
}

#[divan::bench(args = SIZES, consts = [false, true])]
fn verify_image<const ENCRYPTED: bool>(bencher: divan::Bencher<'_, '_>, size: usize) {
    let (image, trusted, decryption) = (made(size, ENCRYPTED), [key(1).public_key()], key(2));
    let against = Verification::of(profile()).trust(&trusted).decrypt_with(&decryption);
    bencher.counter(ItemsCount::new(1_u32)).counter(BytesCount::new(size)).bench_local(|| {
        let image = Image::parse(black_box(&image)).unwrap_or_else(|error| unreachable!("{error}"));
        assert!(verify(&image, &against).is_ok());
    });
}

#[divan::bench]
fn inspect_image(bencher: divan::Bencher<'_, '_>) {
    let image = made(200, true);
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| inspect(black_box(&image)));
}
