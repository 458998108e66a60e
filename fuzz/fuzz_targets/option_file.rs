//! Option bytes in files: our TOML, and what STM32CubeProgrammer prints.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use provost_chip::option_bytes::OptionField;
use provost_chip::parts::PartId;
use provost_fuzz::{frugally, says_something};
use provost_ops::option_bytes::OptionFile;

fuzz_target!(|text: &str| {
    frugally(text.len(), 0x1_0000, 1024, || {
        read(text, None);
        for part in PartId::all().filter(|part| ["STM32H503", "STM32H573"].contains(&part.info().name)) {
            read(text, Some(part));
        }
    });
});

fn read(text: &str, part: Option<PartId>) {
    match OptionFile::parse(text, Path::new("file"), part) {
        Ok(file) => {
            assert!(part.is_none() || file.part.is_none() || file.part == part);
            assert!(!file.values.is_empty() || file.part.is_some());
            if let Some(part) = file.part.or(part) {
                for assignment in file.assignments(part) {
                    let field = OptionField::find(part, &assignment.name).expect("a field of the part");
                    let value = field.parse_value(&assignment.value).expect("a value as it is written");
                    assert_eq!(file.values.get(field.name), Some(&value));
                }
            }
        }
        Err(error) => says_something(error),
    }
}
