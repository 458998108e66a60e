//! The time of day, for what is kept; a test gives its own.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// Tells the time of day.
#[derive(Clone, Copy)]
pub struct WallClock(fn() -> SystemTime);

impl WallClock {
    /// That of the computer.
    pub const SYSTEM: Self = Self(SystemTime::now);

    /// One that a test winds up.
    pub const fn new(now: fn() -> SystemTime) -> Self {
        Self(now)
    }

    /// The time.
    pub fn now(self) -> SystemTime {
        (self.0)()
    }

    /// The time, UTC, to the second, as in RFC 3339.
    pub fn text(self) -> String {
        humantime::format_rfc3339_seconds(self.now()).to_string()
    }

    /// How long ago this was, as [`text`](Self::text) writes it; `None` if it is no time, or still to come.
    pub fn since(self, then: &str) -> Option<Duration> {
        self.now().duration_since(humantime::parse_rfc3339(then).ok()?).ok()
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self::SYSTEM
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallClock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_by_the_clock_at_hand() {
        let clock = WallClock::new(|| SystemTime::UNIX_EPOCH + Duration::from_secs(3600));
        assert_eq!(clock.text(), "1970-01-01T01:00:00Z");
        assert_eq!(clock.since("1970-01-01T00:59:50Z"), Some(Duration::from_secs(10)));
        assert_eq!(clock.since("1970-01-01T01:00:01Z"), None);
        assert_eq!(clock.since("yesterday"), None);
    }
}
