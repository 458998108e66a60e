//! Ctrl-C: what is under way on the wire is finished, NRST is let go, and the command ends as interrupted.

use std::{
    sync::{OnceLock, mpsc},
    time::Duration,
};

use provost_bench::Stop;

static STOP: OnceLock<Stop> = OnceLock::new();
/// How soon somebody who waits for an answer notices that none will come.
const NOTICE: Duration = Duration::from_millis(50);

/// From now on Ctrl-C stops the work on the chip instead of the program; a second one the program.
#[cfg(feature = "terminal")]
pub(crate) fn watch() -> Stop {
    let stop = STOP.get_or_init(Stop::default).clone();
    let asked = stop.clone();
    let handler = move || {
        if asked.is_asked() {
            std::process::exit(130);
        }
        crate::term::tell("\nstopping: what is under way on the wire is finished first; Ctrl-C again ends at once\n");
        asked.ask();
    };
    // Where no handler can be had, Ctrl-C ends the program, as it does everywhere.
    let _ = ctrlc::set_handler(handler);
    stop
}

/// Nobody is there to stop it.
#[cfg(not(feature = "terminal"))]
pub(crate) fn watch() -> Stop {
    Stop::default()
}

/// What somebody else comes up with; `None` if the work was stopped meanwhile.
pub(crate) fn or_stopped<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let Some(stop) = STOP.get() else { return Some(work()) };
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(work()));
    loop {
        match receive.recv_timeout(NOTICE) {
            Ok(found) => return Some(found),
            Err(mpsc::RecvTimeoutError::Timeout) if !stop.is_asked() => {}
            Err(_) => return None,
        }
    }
}
