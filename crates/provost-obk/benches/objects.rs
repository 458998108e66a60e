//! How fast objects are built and read: `cargo bench -p provost-obk`. All of it is far below the milliseconds of one object's way to
//! the chip.

use std::hint::black_box;
use std::io;

use provost_adac::key::{PrivateKey, Signer as _};
use provost_adac::permission::PermissionMask;
use provost_chip::parts::PartId;
use provost_obk::checks::{self, Target};
use provost_obk::da::DaObject;
use provost_obk::describe::{Description, describe};
use provost_obk::kinds::OemirotConfig;
use provost_obk::{Obk, config, inspect};
use zeroize::Zeroizing;

fn main() {
    divan::main();
}

fn key() -> PrivateKey {
    PrivateKey::from_scalar(&[0x42; 32]).unwrap_or_else(|error| unreachable!("{error}"))
}

fn keys() -> OemirotConfig {
    let public = key().public_key();
    OemirotConfig { secure_key: public, non_secure_key: public, encryption_key: key() }
}

fn oemirot() -> Obk {
    let object = keys().to_object().unwrap_or_else(|error| unreachable!("{error}"));
    object.to_obk(0, true).unwrap_or_else(|error| unreachable!("{error}"))
}

fn description() -> Description {
    describe(&oemirot()).unwrap_or_else(|error| unreachable!("{error}"))
}

#[divan::bench]
fn da_certificate(bencher: divan::Bencher<'_, '_>) {
    let root = key().public_key();
    bencher.bench(|| DaObject::certificate(black_box(&root), PermissionMask::STM32H5).to_obk(true));
}

#[divan::bench]
fn oemirot_config(bencher: divan::Bencher<'_, '_>) {
    let keys = keys();
    bencher.bench(|| black_box(&keys).to_object());
}

#[divan::bench]
fn oemirot_config_from_toml(bencher: divan::Bencher<'_, '_>) {
    let description = description();
    bencher.bench(|| config::build(black_box(&description.toml), &description));
}

#[divan::bench]
fn oemirot_config_from_xml(bencher: divan::Bencher<'_, '_>) {
    let description = description();
    let file =
        |name: &str, kind: &str| format!("<File><Value>{name}.pem</Value><Align>4</Align><Type>{kind}</Type></File>");
    let xml = format!(
        "<Root><Obdata><Info><ObDestAddress>0xFFD0160</ObDestAddress><DoEncryption>1</DoEncryption><GlobalAlign>16</GlobalAlign>\
         </Info><Hash/>{}{}{}</Obdata></Root>",
        file("secure_key", "Public"),
        file("non_secure_key", "Public"),
        file("encryption_key", "")
    );
    let read = |path: &str| -> io::Result<Zeroizing<Vec<u8>>> { provost_obk::files::Files::read(&description, path) };
    bencher.bench(|| provost_obk::xml::build(black_box(xml.as_bytes()), &read));
}

#[divan::bench]
fn inspection(bencher: divan::Bencher<'_, '_>) {
    let file = oemirot().to_bytes();
    bencher.bench(|| inspect(black_box(&file)));
}

#[divan::bench]
fn all_checks(bencher: divan::Bencher<'_, '_>) {
    let objects = [oemirot()];
    let Some(part) = PartId::all().find(|part| part.info().name == "STM32H573") else { return };
    bencher.bench(|| checks::set(black_box(&objects), &Target::new(part)));
}
