//! Host and target authenticate by password, and every packet between them is printed as the words on the wire.
//!
//! ```text
//! cargo run --example password_session
//! ```

use std::error::Error;

use provost_adac::discovery::{Discovery, Integrity};
use provost_adac::host::{self, Authentication, Credential, Progress};
use provost_adac::password::Password;
use provost_adac::permission::PermissionMask;
use provost_adac::target::{Anchor, Config, Target};
use provost_adac::tlv::Padding;

fn main() -> Result<(), Box<dyn Error>> {
    let password = Password::new(b"open sesame")?;
    // An STM32H563 in Provisioning with TrustZone off, in which the hash of this password is stored.
    let mut chip = Target::new(
        Config {
            discovery: Discovery {
                auth_version: Some((1, 0)),
                soc_class: Some(0x484),
                psa_lifecycle: Some(0x2071),
                permissions_mask: Some(PermissionMask::STM32H5),
                integrity: Some(Integrity::Valid),
                ..Discovery::default()
            },
            padding: Padding::Unpadded,
            anchor: Some(Anchor::Password { hash: password.hash() }),
            object_mask: PermissionMask::NONE,
            product_mask: PermissionMask::STM32H5,
            soc_class: 0x484,
            soc_id: [0; 16],
            lifecycle: 0x2071,
        },
        [0xC5; 32],
    );
    let mut send = |what: &str, words: &[u32]| {
        println!("host: {what}\n  {words:08x?}");
        let answer = chip.handle(words).words;
        println!("chip:\n  {answer:08x?}");
        answer
    };

    let answer = send("who are you?", &host::discovery_request().to_words());
    let (discovery, _) = host::discovery_response(&answer)?;
    if let (Some(state), Some(integrity)) = (discovery.lifecycle(), discovery.integrity) {
        println!("  a chip in {state}, its stored credential is {integrity}\n");
    }

    let mut authentication = Authentication::new(Credential::Password(password))?;
    let answer = send("let us begin", &authentication.first_request().to_words());
    let mut progress = authentication.on_response(&answer)?;
    while let Progress::Continue(request) = progress {
        // Shown because this one is an example; a request that holds a password does not show it in `Debug`.
        let answer = send("my password", &request.to_words());
        progress = authentication.on_response(&answer)?;
    }
    println!("  {progress:?}");
    Ok(())
}
