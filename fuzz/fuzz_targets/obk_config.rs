//! Our TOML descriptions of objects: what is built is sound and can be described and built again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provost_fuzz::{folder, frugally, says_something};
use provost_obk::describe::describe;
use provost_obk::{Obk, config};

fuzz_target!(|text: &str| {
    frugally(text.len(), 0x2_0000, 256, || match config::build(text, &folder::read) {
        Ok(obk) => {
            assert_eq!(Obk::parse(&obk.to_bytes()).expect("built objects are sound"), obk);
            let description = describe(&obk).expect("built objects have right digests");
            assert_eq!(config::build(&description.toml, &description).expect("what we describe we build"), obk);
        }
        Err(error) => {
            let lines = text.bytes().filter(|byte| *byte == b'\n').count();
            assert!((1..=lines + 1).contains(&error.line), "line {} of {}", error.line, lines + 1);
            says_something(&error);
            assert!(!error.code().is_empty() && !error.fix().is_empty());
        }
    });
});
