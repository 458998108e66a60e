//! ST's provisioning XML: an object that is built is sound, can be read, described and built again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provost_fuzz::{folder, frugally, says_something};
use provost_obk::describe::describe;
use provost_obk::xml::{self, Product};
use provost_obk::{Obk, config};

fuzz_target!(|data: &[u8]| {
    // A node of the tree takes about a hundred bytes, and four characters make one.
    frugally(data.len(), 0x2_0000, 128, || match xml::build(data, &folder::read) {
        Ok(built) => {
            let bytes = built.product.to_bytes();
            assert!(bytes.len() < 0x3000);
            if let Product::Object(obk) = &built.product {
                assert_eq!(&Obk::parse(&bytes).expect("built objects are sound"), obk);
                if let Ok(description) = describe(obk) {
                    let again = config::build(&description.toml, &description).expect("what we describe we build");
                    assert_eq!(&again, obk);
                }
            }
        }
        Err(error) => {
            let lines = data.iter().filter(|byte| **byte == b'\n').count();
            assert!((1..=lines + 1).contains(&(error.line as usize)), "line {} of {}", error.line, lines + 1);
            says_something(&error);
            assert!(!error.code().is_empty() && !error.fix().is_empty());
        }
    });
});
