use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{MemAp, MemApCache, Security, SwdWire, testing::FakeWire};

/// Only what goes into the flash controller may be shown.
fn shows(ap: Ap, address: u32) -> bool {
    ap == Ap(1) && address & 0xFFFF_F000 == 0x4002_2000
}

/// A visit that reads, writes, resets, waits and meets a fault.
fn visit(wire: &mut dyn SwdWire) -> Vec<String> {
    let mut seen = vec![format!("{:?}", wire.attach().map_err(|e| e.code()))];
    let mut cache = MemApCache::default();
    let mut bus = MemAp::new(wire, &mut cache, Ap(1), Security::NonSecure);
    let mut block = [0; 3];
    seen.push(format!("{:?}", bus.idr().map_err(|e| e.code())));
    let read = bus.read_block32(0x2000_03F8, &mut block).map_err(|e| e.code());
    // After an error the block is undefined.
    seen.push(format!("{:x?}", read.map(|()| block)));
    seen.push(format!("{:?}", bus.write32(0x2000_0010, 0x5EC2_E700).map_err(|e| e.code())));
    seen.push(format!("{:?}", bus.write32(0x4002_2028, 0x1234_5678).map_err(|e| e.code())));
    seen.push(format!("{:?}", bus.clock().now()));
    bus.clock().sleep(Duration::from_millis(3));
    seen.push(format!("{:?}", bus.clock().now()));
    seen.push(format!("{:?}", bus.wire().set_nrst(Nrst::Asserted).map_err(|e| e.code())));
    seen.push(format!("{:?}", bus.wire().set_nrst(Nrst::Released).map_err(|e| e.code())));
    seen.push(format!("{:x?}", bus.read32(0x2000_03FC).map_err(|e| e.code())));
    seen
}

fn chip() -> FakeWire {
    let mut wire = FakeWire::new();
    wire.memory.extend([(0x2000_03F8, 0xA), (0x2000_03FC, 0xB), (0x2000_0400, 0xC)]);
    wire
}

fn recorded(wire: FakeWire) -> (Vec<String>, Trace) {
    let tape = Tape::default();
    let mut recorder = Recorder::new(Box::new(wire), tape.clone(), shows);
    let seen = visit(&mut recorder);
    (seen, tape.trace())
}

#[test]
fn what_was_seen_is_seen_again() {
    let (seen, trace) = recorded(chip());
    let mut replay = Replay::new(trace.to_string().parse().unwrap(), "replay");
    assert_eq!(visit(&mut replay), seen);
    assert!(replay.is_over());
}

/// A failure at any access is one of the trace, and comes again.
#[test]
fn what_failed_fails_again() {
    let whole = recorded(chip()).1.len();
    let mut failures = std::collections::BTreeSet::new();
    for at in 0..whole {
        let mut wire = chip();
        wire.fail_in = Some(at);
        let (seen, trace) = recorded(wire);
        let text = trace.to_string();
        failures.extend(text.lines().filter_map(|l| l.split_once('!').map(|(_, why)| why.to_owned())));
        let mut replay = Replay::new(text.parse().unwrap(), "replay");
        assert_eq!(visit(&mut replay), seen, "at {at}");
        assert!(replay.is_over(), "at {at}");
    }
    assert!(!failures.is_empty());
}

#[test]
fn what_may_be_a_secret_is_withheld_and_the_rest_is_shown() {
    let text = recorded(chip()).1.to_string();
    assert!(!text.contains("5ec2e700"), "{text}");
    assert!(text.contains("wr ap1 TAR 20000010\nwr ap1 DRW -\n"), "{text}");
    assert!(text.contains("wr ap1 TAR 40022028\nwr ap1 DRW 12345678\n"), "{text}");
}

/// Who reads something in another order is told what the chip showed; who writes what was not written is refused.
#[test]
fn another_visitor_reads_and_does_not_write() {
    let (_, trace) = recorded(chip());
    let mut replay = Replay::new(trace, "replay");
    let mut cache = MemApCache::default();
    replay.attach().unwrap();
    let mut bus = MemAp::new(&mut replay, &mut cache, Ap(1), Security::NonSecure);
    assert_eq!(bus.read32(0x2000_0400).unwrap(), 0xC);
    assert_eq!(bus.read32(0x2000_03F8).unwrap(), 0xA);
    assert_eq!(bus.read32(0x2000_1000).unwrap_err().code(), "link-off-trace");
    assert_eq!(bus.write32(0x2000_0020, 1).unwrap_err().code(), "link-off-trace");
    assert_eq!(bus.write32(0x4002_2028, 1).unwrap_err().code(), "link-off-trace");
    // What was done then may be done, once, whatever was read meanwhile.
    bus.write32(0x4002_2028, 0x1234_5678).unwrap();
    bus.wire().set_nrst(Nrst::Asserted).unwrap();
    assert_eq!(bus.wire().set_nrst(Nrst::Asserted).unwrap_err().code(), "link-off-trace");
    assert_eq!(bus.read32(0x2000_03F8).unwrap(), 0xA);
}

#[test]
fn an_id_is_replaced_wherever_it_was_read() {
    let read = |ap, register, words: &[u32]| {
        Line::Asked(Asked { what: What::ReadAp(Ap(ap), register), words: runs(words), broke: None })
    };
    // Once in a block, once word by word and two bytes further.
    let id = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
    let lines = vec![
        read(1, ApRegister::DRW, &[0, 0x4433_2211, 0x8877_6655, 9]),
        read(0, ApRegister::BD1, &[0x2211_AAAA]),
        read(0, ApRegister::BD2, &[2]),
        read(0, ApRegister::BD1, &[0x6655_4433]),
        read(0, ApRegister::BD1, &[0xBBBB_8877]),
    ];
    let expected = vec![
        read(1, ApRegister::DRW, &[0, 0xF0F0_F0F0, 0xF0F0_F0F0, 9]),
        read(0, ApRegister::BD1, &[0xF0F0_AAAA]),
        read(0, ApRegister::BD2, &[2]),
        read(0, ApRegister::BD1, &[0xF0F0_F0F0]),
        read(0, ApRegister::BD1, &[0xBBBB_F0F0]),
    ];
    assert_eq!(Trace { lines }.replacing(&id, &[0xF0; 8]), Trace { lines: expected });
}

#[test]
fn what_is_no_trace_is_refused_with_its_line() {
    for (text, error) in [
        ("", TraceError::NotATrace),
        ("provost-trace 2\n", TraceError::NotATrace),
        ("provost-trace 1\nrd ap1 DRW\n", TraceError::Line { line: 2 }),
        ("provost-trace 1\nattach 6ba02477\nrd ap1 DRW 12345678*0\n", TraceError::Line { line: 3 }),
        ("provost-trace 1\nrd ap1 DRW 12345678*65537\n", TraceError::Line { line: 2 }),
        ("provost-trace 1\nrd ap1 DRW -\n", TraceError::Line { line: 2 }),
        ("provost-trace 1\nrd ap256 DRW 12345678\n", TraceError::Line { line: 2 }),
        ("provost-trace 1\nrd ap1 @21 12345678\n", TraceError::Line { line: 2 }),
        ("provost-trace 1\nnrst low 12345678\n", TraceError::Line { line: 2 }),
        ("provost-trace 1\nattach 6ba02477 !no-ack\n", TraceError::Line { line: 2 }),
        ("provost-trace 1\nnow +5\n", TraceError::Line { line: 2 }),
        ("provost-trace 1\n\n", TraceError::Line { line: 2 }),
    ] {
        assert_eq!(text.parse::<Trace>(), Err(error), "{text:?}");
    }
    let long = format!("{HEADER}\n#{}", " ".repeat(LARGEST));
    assert_eq!(long.parse::<Trace>(), Err(TraceError::TooLong));
}

/// Pieces from which lines are made: most of them lines of a trace, or nearly so.
fn lines() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("rd"),
        Just("wr"),
        Just("ap0"),
        Just("ap1"),
        Just("dp"),
        Just("DRW"),
        Just("TAR"),
        Just("BD2"),
        Just("@28"),
        Just("DPIDR"),
        Just("CTRL/STAT"),
        Just("attach"),
        Just("nrst"),
        Just("low"),
        Just("now"),
        Just("sleep"),
        Just("18446744073709551615"),
        Just("2000001c"),
        Just("ffffffff*65536"),
        Just("-*3"),
        Just("!fault=00000020"),
        Just("!no-ack"),
        Just("flush"),
    ];
    let line = prop_oneof![
        4 => prop::collection::vec(token, 1..6).prop_map(|tokens| tokens.join(" ")),
        1 => "[ -~]{0,20}",
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| format!("{HEADER}\n{}", lines.join("\n")))
}

/// Those of the lines that can be read.
fn readable(text: &str) -> Trace {
    let kept =
        text.lines().skip(1).filter(|line| !line.is_empty() && format!("{HEADER}\n{line}").parse::<Trace>().is_ok());
    format!("{HEADER}\n{}", kept.collect::<Vec<_>>().join("\n")).parse().unwrap()
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = format!("{HEADER}\n{text}").parse::<Trace>();
        let _ = text.parse::<Trace>();
    }

    /// What can be read is written as it was read, and any visitor of it comes to an end.
    #[test]
    fn every_trace_is_written_and_played(text in lines()) {
        let trace = readable(&text);
        prop_assert_eq!(&trace.to_string().parse::<Trace>().unwrap(), &trace);
        let mut replay = Replay::new(trace.clone(), "replay");
        visit(&mut replay);
        let _ = trace.replacing(&[0xFF; 12], &[0; 12]);
    }
}
