//! Which product-state write leads where: the table of `data/transitions.csv`, read by one function.

use crate::{
    assumptions::{Assumptions, ForwardFromClosed},
    rules::{Decision, RuleId},
    states::{ProductState, TrustZone},
};

/// Who writes the option byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "debugger or firmware")]
pub enum Writer {
    /// A debugger through AP1, or a host through the ROM bootloader.
    Debugger,
    /// The chip's own firmware.
    Firmware,
}

/// What becomes of a product-state write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all that can come of a write")]
pub enum Outcome {
    /// The state changes at the next reset.
    TakesEffect,
    /// The chip ends in Provisioning instead.
    StopsAtProvisioning,
    /// Nothing changes.
    Ignored,
    /// Left open: the switch `forward-from-closed` decides.
    Switch,
}

/// One row of the table; `None` stands for any.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) from: ProductState,
    pub(crate) to: Option<ProductState>,
    pub(crate) tz: Option<TrustZone>,
    pub(crate) by: Option<Writer>,
    pub(crate) outcome: Outcome,
    pub(crate) rule: RuleId,
}

/// The state that a write of `to` leads to at the next reset, or `None` if nothing changes.
///
/// Writing the present state is no change and falls under `R-BACKWARD-IGNORED`.
pub fn product_state_write(
    from: ProductState,
    to: ProductState,
    tz: TrustZone,
    by: Writer,
    assumptions: &Assumptions,
) -> Decision<Option<ProductState>> {
    let row = crate::tables::TRANSITIONS.iter().find(|row| {
        row.from == from
            && from != to
            && row.to.is_none_or(|t| t == to)
            && row.tz.is_none_or(|t| t == tz)
            && row.by.is_none_or(|b| b == by)
    });
    let Some(row) = row else {
        return Decision::new(None, RuleId::BackwardIgnored);
    };
    let outcome = match row.outcome {
        Outcome::TakesEffect => Some(to),
        Outcome::StopsAtProvisioning => Some(ProductState::Provisioning),
        Outcome::Ignored => None,
        Outcome::Switch => match assumptions.forward_from_closed {
            ForwardFromClosed::Allowed => Some(to),
            ForwardFromClosed::Refused => None,
        },
    };
    Decision::new(outcome, row.rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProductState::{Closed, IrotProvisioned, Locked, Open, Provisioning, TzClosed};

    /// Every (from, to) pair for a debugger with everything at default, written down by hand from the sources:
    /// `>` takes effect, `p` stops at Provisioning, `.` nothing changes, `z` takes effect only with TrustZone on.
    const BY_DEBUGGER: [(ProductState, &str); 6] = [
        //                 Open Prov iROT TZ-C Closed Locked
        (Open, "           .    >    p    p    p    p"),
        (Provisioning, "   .    .    >    z    >    >"),
        (IrotProvisioned, ".    .    .    .    .    ."),
        (TzClosed, "       .    .    .    .    .    ."),
        (Closed, "         .    .    .    .    .    ."),
        (Locked, "         .    .    .    .    .    ."),
    ];
    const BY_FIRMWARE: [(ProductState, &str); 6] = [
        (Open, "           .    >    >    p    p    p"),
        (Provisioning, "   .    .    >    z    >    >"),
        (IrotProvisioned, ".    .    .    z    >    >"),
        (TzClosed, "       .    .    .    .    >    >"),
        (Closed, "         .    .    .    .    .    >"),
        (Locked, "         .    .    .    .    .    ."),
    ];

    fn expected(mark: &str, to: ProductState, tz: TrustZone) -> Option<ProductState> {
        match mark {
            ">" => Some(to),
            "p" => Some(Provisioning),
            "z" if tz == TrustZone::Enabled => Some(to),
            _ => None,
        }
    }

    #[test]
    fn every_pair_is_as_written_down() {
        let defaults = Assumptions::default();
        let mut pairs = 0;
        for (by, matrix) in [(Writer::Debugger, BY_DEBUGGER), (Writer::Firmware, BY_FIRMWARE)] {
            for (from, row) in matrix {
                for (to, mark) in ProductState::ALL.into_iter().zip(row.split_whitespace()) {
                    for tz in TrustZone::ALL {
                        let got = product_state_write(from, to, tz, by, &defaults);
                        assert_eq!(got.outcome, expected(mark, to, tz), "{from} -> {to}, TrustZone {tz}, {by:?}");
                        pairs += 1;
                    }
                }
            }
        }
        assert_eq!(pairs, 6 * 6 * 2 * 2);
    }

    #[test]
    fn nothing_ever_leads_backward() {
        for assumptions in Assumptions::combinations(&["forward-from-closed"]) {
            for from in ProductState::ALL {
                for to in ProductState::ALL {
                    for tz in TrustZone::ALL {
                        for by in [Writer::Debugger, Writer::Firmware] {
                            if let Some(reached) = product_state_write(from, to, tz, by, &assumptions).outcome {
                                assert!(reached > from, "{from} -> {to} reached {reached}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_switch_opens_the_closed_states_to_a_debugger() {
        let mut a = Assumptions::default();
        let write = |a: &Assumptions| product_state_write(TzClosed, Closed, TrustZone::Enabled, Writer::Debugger, a);
        assert_eq!(write(&a).outcome, None);
        assert_eq!(write(&a).rule, RuleId::ClosedStatesShutTheLink);
        a.forward_from_closed = ForwardFromClosed::Allowed;
        assert_eq!(write(&a).outcome, Some(Closed));
    }
}
