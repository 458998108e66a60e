//! The clock that a person asks for is asked of the probe, before anything goes out.

use std::time::Duration;

use provost_link::{ProbeInfo, ProbeRsWire, SwdWire as _, SystemClock};
use provost_twin::board::VirtualBoard;

#[test]
fn the_probe_is_asked_for_the_speed() {
    let attach = |khz| {
        let board = VirtualBoard::open("fresh").unwrap();
        board.advance(Duration::from_secs(1));
        let probe = probe_rs::probe::Probe::new(board.probe());
        let info = ProbeInfo::virtual_chip("twin:fresh".to_owned());
        ProbeRsWire::new(probe, info, Box::new(SystemClock::new())).with_speed(khz).attach()
    };
    assert!(attach(None).is_ok());
    assert!(attach(Some(1000)).is_ok());
    // A probe says no to what it does not have: that of a virtual chip to no clock at all.
    assert!(attach(Some(0)).is_err());
}
