//! A line that shows how far a step is, how fast it goes, and how long it still takes.

use std::time::{Duration, Instant};

/// Widest part of the line that is drawn.
const WIDEST: usize = 40;
/// Before so much time has gone by, a rate says nothing.
const WARM: Duration = Duration::from_millis(500);

/// One step that is under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bar {
    /// When it began.
    since: Instant,
    /// How far it was then.
    from: u64,
    /// How far it was last.
    last: u64,
    of: u64,
}

impl Bar {
    /// A step that begins now.
    pub(crate) fn begun(from: u64, of: u64) -> Self {
        Self { since: Instant::now(), from, last: from, of }
    }

    /// Whether this is the same step, further on.
    pub(crate) const fn goes_on(&self, done: u64, of: u64) -> bool {
        self.of == of && done >= self.last
    }

    /// The same step, so far; `None` at its end.
    pub(crate) fn at(self, done: u64) -> Option<Self> {
        (done < self.of).then_some(Self { last: done, ..self })
    }

    /// How long it has been going on.
    pub(crate) fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// The line, no wider than the terminal: drawn over itself it must not break.
    pub(crate) fn line(&self, done: u64, after: Duration, width: usize) -> String {
        let percent = done.min(self.of) * 100 / self.of.max(1);
        let mut tail = format!(" {percent:>3} %  {} of {} KB", done / 1024, self.of / 1024);
        let moved = done.saturating_sub(self.from);
        if after >= WARM && moved > 0 {
            let seconds = after.as_secs_f64();
            let rate = moved as f64 / seconds;
            let left = self.of.saturating_sub(done) as f64 / rate;
            tail.push_str(&format!("  {:.0} KB/s  {left:.0} s left", rate / 1024.0));
        }
        let room = width.saturating_sub(tail.chars().count() + 9).min(WIDEST);
        if room < 8 {
            return pad(tail, width);
        }
        let filled = usize::try_from(done.min(self.of) * room as u64 / self.of.max(1)).unwrap_or(room);
        pad(format!("      [{}{}]{tail}", "#".repeat(filled), ".".repeat(room - filled)), width)
    }
}

/// What was longer before is drawn over.
fn pad(line: String, width: usize) -> String {
    let line: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{line:<0$}", width.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_never_breaks_and_says_rate_and_rest() {
        let bar = Bar::begun(0, 2048 * 1024);
        for width in [20, 40, 60, 80, 120, 400] {
            for (done, ms) in [(0, 0), (1024 * 1024, 100), (1024 * 1024, 10_000), (2048 * 1024, 99_000)] {
                let line = bar.line(done, Duration::from_millis(ms), width);
                assert_eq!(line.chars().count(), width - 1, "{line}");
            }
        }
        // 1024 KB in ten seconds, and as much again to go.
        let line = bar.line(1024 * 1024, Duration::from_secs(10), 100);
        for part in ["[####################....................]", "50 %", "1024 of 2048 KB", "102 KB/s", "10 s left"] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!bar.line(1024, Duration::from_millis(1), 100).contains("left"), "too early to say");
        assert!(bar.goes_on(5, 2048 * 1024) && !bar.goes_on(5, 4096));
    }
}
