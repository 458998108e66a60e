//! Signs a body, and names every byte of the image that it becomes.
//!
//! ```text
//! cargo run --example sign_and_inspect                              # 64 bytes of 0xAA
//! cargo run --example sign_and_inspect -- firmware.bin oemirot-secure-code
//! ```

use std::error::Error;
use std::{env, fs};

use provost_adac::key::{PrivateKey, Signer as _};
use provost_image::{Image, Profile, SignOptions, Verification, inspect, profile, sign, verify};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let body = match arguments.next() {
        Some(path) => fs::read(path)?,
        None => vec![0xAA; 64],
    };
    let name = arguments.next().unwrap_or_else(|| "oemirot-secure-code".to_owned());
    let names = || profile::all().iter().map(|profile| profile.name).collect::<Vec<_>>().join(", ");
    let profile = Profile::named(&name).ok_or_else(|| format!("{name} is none of {}", names()))?;

    let key = PrivateKey::generate()?;
    let mut options = SignOptions::update(profile, "1.2.3+4".parse()?);
    // As in ST's sample project, or a slot in which there is room.
    options.slot_size = Some(profile.slots.first().map_or(0x10_0000, |slot| slot.size));
    let file = sign(&body, &options, Some(&key))?;
    for range in inspect(&file)? {
        println!("{:#07x} {:6}  {:<28} {}", range.offset, range.length, range.name, range.value);
    }
    let verified = verify(&Image::parse(&file)?, &Verification::of(profile).trust(&[key.public_key()]))?;
    println!("\n{}: version {}, security counter {:?}", profile.title, verified.version, verified.security_counter);
    for departure in &verified.departures {
        println!("not as ST's tool makes it: {departure:?}");
    }
    Ok(())
}
