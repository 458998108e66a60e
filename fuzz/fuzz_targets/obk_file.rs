//! `.obk` files: what is read is written again byte for byte, every byte has a name, and what is described is built again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provost_fuzz::{frugally, says_something};
use provost_obk::checks::{self, Finding, Target};
use provost_obk::inspect::{Integrity, inspect};
use provost_obk::memory::Range;
use provost_obk::obk::{HEADER_BYTES, violations};
use provost_obk::{Object, Obk, config, describe::describe};

fuzz_target!(|data: &[u8]| {
    frugally(data.len(), 0x1_8000, 32, || {
        file(data);
        // Most files that come by chance have a broken header; the same payload under a sound one goes deeper.
        if let Some(obk) = repaired(data) {
            file(&obk.to_bytes());
            let mut object = Object::from_obk(&obk);
            object.seal();
            let sealed = object.to_obk(obk.destination(), obk.encrypt()).expect("the place was right before");
            file(&sealed.to_bytes());
            pair(&obk, &sealed);
        }
    });
});

fn repaired(data: &[u8]) -> Option<Obk> {
    let (header, payload) = data.split_at_checked(HEADER_BYTES)?;
    let at = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
    let start = if Range::of(at).is_some() { at & !15 } else { 0x0FFD_0100 };
    let mut payload = payload.to_vec();
    payload.resize(payload.len().next_multiple_of(16), 0);
    Obk::new(start, header[8] & 1 == 1, payload).ok()
}

fn file(bytes: &[u8]) {
    let broken = violations(bytes);
    for error in &broken {
        assert!(error.offset <= 8);
        says_something(error);
    }
    if let Some(target) = target(bytes) {
        checks::file(bytes, &target).iter().for_each(finding);
    }
    let obk = match Obk::parse(bytes) {
        Err(error) => {
            assert_eq!(Some(&error), broken.first());
            assert_eq!(inspect(bytes).err(), Some(error));
            return;
        }
        Ok(obk) => obk,
    };
    assert!(broken.is_empty());
    assert_eq!(*obk.to_bytes(), bytes);
    let inspection = inspect(bytes).expect("parsed before");
    let end = inspection.ranges.iter().fold(0, |at, range| {
        assert_eq!(range.offset, at, "{}", range.name);
        at + range.length
    });
    assert_eq!(end, bytes.len());
    serde_json::to_string(&inspection).expect("plain data");
    match describe(&obk) {
        Ok(description) => {
            let again = config::build(&description.toml, &description).expect("what we describe we build");
            assert_eq!(*again.to_bytes(), bytes);
        }
        Err(error) => {
            says_something(error);
            assert_eq!(inspection.integrity, Integrity::Bad);
        }
    }
}

fn pair(one: &Obk, other: &Obk) {
    if let Some(target) = target(other.payload()) {
        checks::set(&[one.clone(), other.clone()], &target).iter().for_each(finding);
    }
}

/// One of three parts: those with keys in the clear, encrypted, and without any.
fn target(bytes: &[u8]) -> Option<Target> {
    let part = ["STM32H573", "STM32H563", "STM32H503"][bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>() % 3];
    part.parse().ok().map(Target::new)
}

fn finding(finding: &Finding) {
    says_something(&finding.detail);
    assert!(!finding.code().is_empty());
}
