//! How many certificates, tokens and chains per second: one operation per iteration, so that divan's items per second are they.
//!
//! For comparison: an SWD transaction takes 46 clocks (Arm ADIv5: 8 request, 3 acknowledge, 33 data, 2 turnarounds). A chain of three
//! certificates with its token is 226 mailbox words both ways, each with one look at the acknowledge register at least: 452
//! transactions, which at 4 MHz are 5 ms on the wire, before any latency of probe and USB.

#![allow(clippy::unwrap_used, reason = "a benchmark that fails has nothing to measure")]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use provost_adac::certificate::{Certificate, Role};
use provost_adac::chain::Chain;
use provost_adac::key::{KeyFile, PrivateKey, Signer as _};
use provost_adac::permission::Permission;
use provost_adac::token::Token;

fn main() {
    divan::main();
}

fn keys() -> [PrivateKey; 3] {
    [[1; 32], [2; 32], [3; 32]].map(|scalar| PrivateKey::from_scalar(&scalar).unwrap())
}

fn chain(length: usize) -> Chain {
    let [root, intermediate, leaf] = keys();
    let first = Certificate::builder(Role::Root).self_sign(&root).unwrap();
    Chain::new(match length {
        1 => vec![first],
        2 => vec![first, Certificate::builder(Role::Leaf).sign(&leaf.public_key(), &root).unwrap()],
        _ => vec![
            first,
            Certificate::builder(Role::Intermediate).sign(&intermediate.public_key(), &root).unwrap(),
            Certificate::builder(Role::Leaf).sign(&leaf.public_key(), &intermediate).unwrap(),
        ],
    })
}

#[divan::bench(args = [1, 2, 3])]
fn verify_chain(bencher: Bencher<'_, '_>, certificates: usize) {
    let chain = chain(certificates);
    let hash = keys()[0].public_key().root_hash();
    bencher.counter(ItemsCount::new(1usize)).bench(|| black_box(&chain).verify_under(hash).unwrap());
}

#[divan::bench]
fn read_chain_file(bencher: Bencher<'_, '_>) {
    let text = chain(3).to_base64();
    bencher.counter(ItemsCount::new(1usize)).bench(|| Chain::read(black_box(text.as_bytes())).unwrap());
}

#[divan::bench]
fn sign_token(bencher: Bencher<'_, '_>) {
    let [.., leaf] = keys();
    let sign = || Token::sign(Permission::FullRegression, black_box(&[0x5A; 32]), &leaf).unwrap();
    bencher.counter(ItemsCount::new(1usize)).bench(sign);
}

#[divan::bench]
fn verify_token(bencher: Bencher<'_, '_>) {
    let [.., leaf] = keys();
    let token = Token::sign(Permission::FullRegression, &[0x5A; 32], &leaf).unwrap();
    let key = leaf.public_key();
    bencher.counter(ItemsCount::new(1usize)).bench(|| black_box(&token).verify(&key, &[0x5A; 32]).unwrap());
}

#[divan::bench]
fn issue_certificate(bencher: Bencher<'_, '_>) {
    let [root, _, leaf] = keys();
    let subject = leaf.public_key();
    let issue = || Certificate::builder(Role::Leaf).sign(black_box(&subject), &root).unwrap();
    bencher.counter(ItemsCount::new(1usize)).bench(issue);
}

#[divan::bench]
fn read_key_file(bencher: Bencher<'_, '_>) {
    let pem = keys()[0].to_pem().unwrap();
    bencher.counter(ItemsCount::new(1usize)).bench(|| KeyFile::read(black_box(pem.as_bytes()), None).unwrap());
}

#[divan::bench]
fn generate_key(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(1usize)).bench(|| PrivateKey::generate().unwrap());
}
