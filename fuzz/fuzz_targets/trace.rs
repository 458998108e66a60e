#![no_main]
//! Traces of the wire: read, written again as they were, and played to somebody who reads, writes and resets.

use libfuzzer_sys::fuzz_target;
use provost_fuzz::{frugally, says_something};
use provost_link::{
    Ap, MemAp, MemApCache, Nrst, Security, SwdWire as _,
    trace::{Replay, Trace},
};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = frugally(data.len(), 4 << 10, 64, || text.parse::<Trace>());
    let trace = match read {
        Ok(trace) => trace,
        Err(error) => return says_something(error),
    };
    assert_eq!(trace.to_string().parse::<Trace>().as_ref(), Ok(&trace));
    let lines = trace.len();
    let mut replay = Replay::new(trace, "replay");
    let mut cache = MemApCache::default();
    // As often as it has lines: whoever looks on finds something new each time, or the end.
    for turn in 0..lines.min(64) as u32 {
        let _ = replay.attach();
        let mut bus = MemAp::new(&mut replay, &mut cache, Ap((turn & 1) as u8), Security::NonSecure);
        let _ = bus.read32(0x4002_2050);
        let _ = bus.read_block32(0x0800_03F8, &mut [0; 4]);
        let _ = bus.write32(0x4002_2028, turn);
        let _ = bus.clock().now();
        bus.clock().sleep(std::time::Duration::from_millis(1));
        let _ = replay.set_nrst(if turn & 2 == 0 { Nrst::Asserted } else { Nrst::Released });
    }
});
