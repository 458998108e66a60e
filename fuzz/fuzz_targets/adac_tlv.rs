//! TLVs, padded and not, and what is made of them: discoveries, password files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provost_adac::discovery::Discovery;
use provost_adac::packet::words_to_bytes;
use provost_adac::password::Password;
use provost_adac::tlv::{Padding, Reader, TypeId, Writer};
use provost_fuzz::{frugally, says_something};

fuzz_target!(|data: &[u8]| {
    frugally(data.len(), 0x1000, 64, || {
        for padding in [Padding::Unpadded, Padding::Padded] {
            tlvs(data, padding);
        }
        discovery(data);
        password(data);
    });
});

/// What was read is written again byte for byte, up to the first byte that breaks a rule.
fn tlvs(data: &[u8], padding: Padding) {
    let mut writer = Writer::new(padding);
    let mut sound = true;
    let mut end = 0;
    for tlv in Reader::new(data, padding) {
        match tlv {
            Ok(tlv) => {
                assert!(sound);
                writer.push(tlv.type_id, tlv.value);
                end = tlv.offset;
            }
            Err(error) => {
                assert!(error.offset >= end && error.offset <= data.len());
                says_something(error);
                sound = false;
            }
        }
    }
    let written = writer.finish();
    assert!(data.starts_with(&written));
    assert!(!sound || written == data);
}

fn discovery(data: &[u8]) {
    match Discovery::decode(data) {
        Ok((discovery, padding)) => {
            // The order of the TLVs is ours now, and zeros behind them are gone; the sense stays.
            let bytes = discovery.encode(padding);
            assert!(bytes.len() <= data.len() + 3);
            // An empty TLV of type 0 is eight zeros, which are filler once they come last.
            let nothing = discovery.other.iter().any(|tlv| tlv.type_id == TypeId::Null && tlv.value.is_empty());
            match Discovery::decode(&bytes) {
                Ok((again, same)) if same == padding && !nothing => assert_eq!(again, discovery),
                _ => {}
            }
            let words = words_to_bytes(&discovery.to_words(padding));
            assert!(words.starts_with(&bytes));
            let _ = discovery.lifecycle().map(says_something);
        }
        Err(error) => says_something(error),
    }
}

fn password(data: &[u8]) {
    match Password::from_file(data) {
        Ok(password) => {
            let file = password.to_file();
            assert!(file.starts_with(data), "at most the padding is missing");
            assert_eq!(Password::from_file(&file).expect("our own file").expose(), password.expose());
        }
        Err(error) => says_something(error),
    }
}
