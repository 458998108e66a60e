//! Texts of any kind: any bytes are read or refused, each claim stands where its words are, and what is struck is gone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provost_diagnosis::{reading, tools::Tool};
use provost_fuzz::{frugally, says_something};

fuzz_target!(
    init: {
        // Builds the indices of messages, words and remarks, which stay.
        let _ = reading::read(b"I cannot connect to my STM32H563: Error: Cannot connect to access port 1!\nPRODUCT_STATE: 0x17\n");
    },
    |data: &[u8]| {
        // A line is at most 4 KB, and its words are held while it is read.
        let read = frugally(data.len(), 0x20_0000, 256, || reading::read(data));
        match read {
            Ok(mut reading) => {
                assert!(reading.understood <= reading.of);
                assert!(reading.case.steps.len() <= reading::MAX_SIZE);
                for claim in &reading.case.claims {
                    assert!(claim.place.bytes.start <= claim.place.bytes.end && !claim.says.is_empty());
                }
                for tool in &reading.tools {
                    let _ = (Tool::named(tool), Tool::defects(tool).len());
                }
                // Whatever is struck, the rest still fits together.
                while !reading.case.claims.is_empty() {
                    let last = reading.case.claims.len() - 1;
                    assert!(reading.case.strike(if data.len() % 2 == 0 { 0 } else { last }));
                }
            }
            Err(error) => says_something(&error),
        }
    }
);
