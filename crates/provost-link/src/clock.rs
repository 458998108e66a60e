//! Time as the wire sees it, so that waiting for a virtual chip costs no wall time.

use std::fmt;
use std::time::{Duration, Instant};

/// A monotonic clock that can also be waited on.
///
/// A virtual chip supplies one whose `sleep` merely advances the chip's own time.
pub trait Clock: fmt::Debug + Send {
    /// Time since an arbitrary fixed moment; never goes back.
    fn now(&self) -> Duration;

    /// Lets at least `duration` pass.
    fn sleep(&mut self, duration: Duration);
}

/// The wall clock, for real chips.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock that starts at zero now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A wait with two bounds: a deadline, and a number of pauses, so that it ends even on a clock that stands still.
#[derive(Debug)]
pub(crate) struct Deadline {
    end: Duration,
    pause: Duration,
    pauses_left: u128,
}

impl Deadline {
    /// Shortest pause between two looks at the chip.
    const MIN_PAUSE: Duration = Duration::from_micros(10);

    /// `timeout` from now, looking every `pause`.
    pub(crate) fn new(clock: &dyn Clock, timeout: Duration, pause: Duration) -> Self {
        let pause = pause.max(Self::MIN_PAUSE);
        Self {
            end: clock.now().saturating_add(timeout),
            pause,
            pauses_left: timeout.as_nanos().div_ceil(pause.as_nanos()),
        }
    }

    /// Pauses and returns true, or returns false at once when the time is up.
    pub(crate) fn pause(&mut self, clock: &mut dyn Clock) -> bool {
        if self.pauses_left == 0 || clock.now() >= self.end {
            return false;
        }
        self.pauses_left -= 1;
        clock.sleep(self.pause);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestClock;

    #[test]
    fn deadline_ends_after_the_timeout() {
        let mut clock = TestClock::default();
        let mut deadline = Deadline::new(&clock, Duration::from_millis(10), Duration::from_micros(2500));
        let mut looks = 0;
        while deadline.pause(&mut clock) {
            looks += 1;
        }
        assert_eq!(looks, 4);
        assert_eq!(clock.now(), Duration::from_millis(10));
    }

    #[test]
    fn deadline_ends_on_a_clock_that_stands_still() {
        #[derive(Debug)]
        struct Stuck;
        impl Clock for Stuck {
            fn now(&self) -> Duration {
                Duration::ZERO
            }
            fn sleep(&mut self, _: Duration) {}
        }
        let mut deadline = Deadline::new(&Stuck, Duration::from_millis(1), Duration::ZERO);
        let mut looks = 0;
        while deadline.pause(&mut Stuck) {
            looks += 1;
        }
        assert_eq!(looks, 100);
    }

    #[test]
    fn system_clock_moves_forward() {
        let mut clock = SystemClock::new();
        let before = clock.now();
        clock.sleep(Duration::from_millis(1));
        assert!(clock.now() >= before + Duration::from_millis(1));
    }
}
