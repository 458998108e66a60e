//! Wall time as the chip's time.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Pauses shorter than this are round trips of a client, not sleep.
const SHORTEST: Duration = Duration::from_millis(1);
/// Longer pauses count as this long: whatever a chip does by itself is over by then.
const LONGEST: Duration = Duration::from_secs(10);

/// Measures how long nobody has done anything at any of the doors that share it.
#[derive(Debug)]
pub struct WallClock(Mutex<Instant>);

impl Default for WallClock {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl WallClock {
    /// Somebody begins to do something: how long the chip has been left alone, if that was a sleep.
    pub(super) fn slept(&self) -> Option<Duration> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pause(last.elapsed())
    }

    /// It is done.
    pub(super) fn done(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

fn pause(elapsed: Duration) -> Option<Duration> {
    (elapsed >= SHORTEST).then(|| elapsed.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_no_sleep_and_sleep_has_an_end() {
        assert_eq!(pause(Duration::from_micros(999)), None);
        assert_eq!(pause(Duration::from_millis(500)), Some(Duration::from_millis(500)));
        assert_eq!(pause(Duration::from_secs(86_400)), Some(LONGEST));
    }
}
