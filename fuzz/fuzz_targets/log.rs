//! Logs of tools: any bytes make a report, the same one however they arrive, and memory does not grow with their length.
#![no_main]

use std::io::BufReader;

use libfuzzer_sys::fuzz_target;
use provost_diagnosis::messages::Message;
use provost_diagnosis::{log, remarks};
use provost_fuzz::frugally;

fuzz_target!(
    init: {
        // Builds the indices of messages, words and remarks, which stay.
        let _ = log::read(&b"I cannot connect to my STM32H563: Error: Cannot connect to access port 1!\n"[..]);
    },
    |data: &[u8]| {
        let report = frugally(data.len(), 0x20_0000, 128, || log::read(data).expect("a slice cannot fail"));
        assert!(report.recognised <= report.lines);
        let slow = log::read(BufReader::with_capacity(3, data)).expect("a slice cannot fail");
        assert_eq!(slow, report);
        // What is asked of single lines; the search among all messages takes longer than a whole log.
        if !data.contains(&b'\n') {
            let line: String = String::from_utf8_lossy(data).chars().take(200).collect();
            let _ = (Message::find_in(&line), Message::search(&line), remarks::signs_in(&line));
            let _ = (remarks::signs_in_firmware(&line), remarks::probe_has_reset(&line));
        }
    }
);
