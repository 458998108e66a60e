//! The noise of reports: how often each outcome is told when the model shows this or that.
//!
//! Tools end good steps with error lines, people misremember, cables shake. The figures are our own estimates from the public
//! reports; what matters is their order, and that none is zero: no single line of a report may decide alone. Each row adds
//! up to one.

use crate::case::Outcome;

/// One row: the share of each outcome, in the order of [`Outcome::WORDS`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row([f64; 7]);

impl Row {
    /// How likely this outcome is; a step without an outcome says nothing.
    pub(crate) const fn of(&self, outcome: Option<Outcome>) -> f64 {
        match outcome {
            Some(outcome) => self.0[outcome as usize],
            None => 1.0,
        }
    }

    /// As [`Row::of`], of something that was done: whoever says no word of its end means that it went as it was meant to.
    pub(crate) const fn of_deed(&self, outcome: Option<Outcome>) -> f64 {
        match outcome {
            Some(_) => self.of(outcome),
            None => 0.05 + self.0[Outcome::Ok as usize] + self.0[Outcome::Lost as usize],
        }
    }
}

//                                           ok    error timeout hang  lost  refused no-device
/// The access works.
pub(crate) const WORKS: Row = Row([0.930, 0.030, 0.010, 0.005, 0.005, 0.010, 0.010]);
/// The port is shut.
pub(crate) const SHUT: Row = Row([0.020, 0.460, 0.080, 0.040, 0.100, 0.050, 0.250]);
/// Nobody answers at all.
pub(crate) const SILENT: Row = Row([0.005, 0.375, 0.100, 0.050, 0.060, 0.010, 0.400]);
/// AP0 has no core behind it: ST's tool reports an error on a chip that is well.
pub(crate) const AP0: Row = Row([0.450, 0.450, 0.020, 0.010, 0.010, 0.010, 0.050]);
/// A write took effect and the link stays.
pub(crate) const WRITTEN: Row = Row([0.760, 0.110, 0.020, 0.010, 0.080, 0.010, 0.010]);
/// A write took effect and shut the port (rule `R-FORWARD-FROM-PROVISIONING`).
pub(crate) const WRITTEN_AND_SHUT: Row = Row([0.280, 0.240, 0.030, 0.020, 0.410, 0.005, 0.015]);
/// A write took the chip to a state short of the one that was asked for (rule `R-OPEN-STOPS-AT-PROVISIONING`): tools that read back say so.
pub(crate) const HALF_WAY: Row = Row([0.200, 0.550, 0.050, 0.030, 0.120, 0.030, 0.020]);
/// A write was ignored.
pub(crate) const IGNORED: Row = Row([0.050, 0.330, 0.010, 0.010, 0.030, 0.560, 0.010]);
/// An object was stored.
pub(crate) const STORED: Row = Row([0.930, 0.040, 0.010, 0.005, 0.005, 0.005, 0.005]);
/// An object was not stored.
pub(crate) const NOT_STORED: Row = Row([0.030, 0.750, 0.060, 0.040, 0.020, 0.080, 0.020]);
/// The chip's own code stored something, well or not: nobody checks.
pub(crate) const UNCHECKED: Row = Row([0.700, 0.200, 0.020, 0.020, 0.020, 0.020, 0.020]);
/// Debug Authentication answers.
pub(crate) const ANSWERS: Row = Row([0.900, 0.050, 0.020, 0.010, 0.005, 0.005, 0.010]);
/// Debug Authentication does not answer.
pub(crate) const NO_ANSWER: Row = Row([0.005, 0.485, 0.250, 0.130, 0.020, 0.010, 0.100]);
/// An authentication that nobody answers: success is not told of it by mistake.
pub(crate) const NOBODY_GRANTS: Row = Row([0.000_5, 0.489_5, 0.250, 0.130, 0.020, 0.010, 0.100]);
/// An authentication was granted.
pub(crate) const GRANTED: Row = Row([0.920, 0.030, 0.020, 0.005, 0.015, 0.005, 0.005]);
/// An authentication was denied.
pub(crate) const DENIED: Row = Row([0.000_5, 0.659_5, 0.220, 0.050, 0.010, 0.050, 0.010]);
/// Erasing or programming an open flash.
pub(crate) const FLASHED: Row = Row([0.900, 0.060, 0.010, 0.005, 0.010, 0.005, 0.010]);
/// The same with a supply in doubt.
pub(crate) const FLASHED_WEAKLY: Row = Row([0.450, 0.400, 0.050, 0.030, 0.040, 0.010, 0.020]);
/// The bootloader runs; whether its wires are right is another matter.
pub(crate) const BOOTLOADER: Row = Row([0.550, 0.100, 0.080, 0.010, 0.010, 0.000_1, 0.249_9]);
/// The bootloader does not run, unless the owner's firmware started it.
pub(crate) const NO_BOOTLOADER: Row = Row([0.050, 0.180, 0.200, 0.010, 0.010, 0.000_1, 0.549_9]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_distribution_without_certainties() {
        for row in [
            WORKS,
            SHUT,
            SILENT,
            AP0,
            WRITTEN,
            WRITTEN_AND_SHUT,
            HALF_WAY,
            IGNORED,
            STORED,
            NOT_STORED,
            UNCHECKED,
            ANSWERS,
            NO_ANSWER,
            NOBODY_GRANTS,
            GRANTED,
            DENIED,
            FLASHED,
            FLASHED_WEAKLY,
            BOOTLOADER,
            NO_BOOTLOADER,
        ] {
            assert!((row.0.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{row:?}");
            assert!(row.0.iter().all(|share| *share > 0.0), "{row:?}");
            assert_eq!(row.of(None), 1.0);
        }
        assert!(WORKS.of(Some(Outcome::Ok)) > SHUT.of(Some(Outcome::Ok)));
    }
}
