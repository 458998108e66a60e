//! From every product state: is there a way back to Open, and which is the shortest?
//!
//! ```text
//! cargo run --example ways_back               # STM32H533
//! cargo run --example ways_back -- STM32H503
//! ```

use std::env;
use std::error::Error;

use provost_chip::model::search::{Means, host_actions, way_to_open};
use provost_chip::model::{Chip, DaRecord, World, authentication::PRODUCT_MASK};
use provost_chip::parts::PartId;
use provost_chip::states::{ProductState, TrustZone};

fn main() -> Result<(), Box<dyn Error>> {
    let part: PartId = env::args().nth(1).as_deref().unwrap_or("STM32H533").parse()?;
    let means = Means::default();
    let ours = DaRecord { id: means.certificate, encrypted: part.info().crypto, mask: PRODUCT_MASK };
    for state in ProductState::ALL {
        for (credential, da) in [("nothing provisioned", None), ("our certificate provisioned", Some(ours))] {
            let mut chip = Chip::factory(part);
            (chip.state, chip.da) = (state, da);
            if part.info().trustzone {
                chip.tz = TrustZone::Enabled;
            }
            println!("{part} in {state}, {credential}:");
            match way_to_open(World::new(chip), &host_actions(&means)) {
                None => println!("  no way over SWD"),
                Some(way) if way.is_empty() => println!("  nothing to do"),
                Some(way) => way.iter().for_each(|action| println!("  {action:?}")),
            }
        }
    }
    Ok(())
}
