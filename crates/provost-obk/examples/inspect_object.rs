//! Names every byte of a provisioning object, and says what speaks against writing it.
//!
//! ```text
//! cargo run --example inspect_object                              # an object made on the spot
//! cargo run --example inspect_object -- DA_Config.obk STM32H573   # a file, for a part
//! ```

use std::error::Error;
use std::{env, fs};

use provost_obk::checks::{self, Target};
use provost_obk::files::NoFiles;
use provost_obk::{config, inspect};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let bytes = match arguments.next() {
        Some(path) => fs::read(path)?,
        None => {
            let toml = "kind = 'da-password'\npart = 'STM32H573'\npassword = 'open sesame'";
            config::build(toml, &NoFiles)?.to_bytes().to_vec()
        }
    };
    let part = arguments.next().unwrap_or_else(|| "STM32H573".to_owned()).parse()?;

    let inspection = inspect(&bytes)?;
    println!("{} at {:#010x}, read by {}", inspection.title, inspection.destination, inspection.reader);
    println!("layout: {}\n", inspection.source);
    for range in inspection.ranges {
        println!("{:#05x} {:4}  {:<20} {}", range.offset, range.length, range.name, range.value);
    }
    let findings = checks::file(&bytes, &Target::new(part));
    if findings.is_empty() {
        println!("\nnothing speaks against it, as far as a file can tell");
    }
    for finding in findings {
        println!("\n{} ({:?}): {}", finding.code(), finding.severity(), finding.detail);
    }
    Ok(())
}
