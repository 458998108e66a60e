//! Case files of the diagnosis: read or refused with a line; what is read gets an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provost_diagnosis::messages::Message;
use provost_diagnosis::{case_file, diagnose};
use provost_fuzz::{frugally, says_something};

/// Longer cases take long and say nothing new.
const STEPS: usize = 4;

fuzz_target!(
    init: {
        // Builds the index of messages, which stays.
        let _ = Message::find_in("Error: Cannot connect to access port 1!");
    },
    |text: &str| {
    let read = frugally(text.len(), 0x8000, 256, || case_file::read(text));
    case_file::looks_like_case(text);
    match read {
        Ok(case) => {
            if case.steps.len() <= STEPS {
                let answer = diagnose(&case);
                serde_json::to_string(&answer).expect("plain data");
            }
        }
        Err(error) => {
            says_something(&error);
            assert!(!error.code().is_empty());
        }
    }
}
);
