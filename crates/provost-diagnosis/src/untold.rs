//! What may have happened between two told steps without a word: somebody else had the board, a script did more than it said.
//!
//! An untold change is dearer than any told step and far cheaper than a reading that is false: the last measurement counts, and
//! the one before it was true in its time.

use provost_chip::{
    model::{Action, Chip, DaRecord, authentication::PRODUCT_MASK},
    parts::DaStore,
    states::{DaMethod, ProductState, TrustZone},
};

use crate::hypothesis::{Hypothesis, hash};

/// How often something is changed between two steps that nobody tells of.
pub(crate) const UNTOLD_CHANGE: f64 = 0.02;
/// Steps that a hypothesis foretells better than this need no untold change.
pub(crate) const SURPRISING: f64 = 0.12;

/// Adds every untold change of a chip, with its share of all of them.
pub(crate) fn changes(h: &Hypothesis, all: &mut Vec<(Hypothesis, f64)>) {
    let chip = h.world.chip;
    let mut add = |chip: Chip, share: f64| {
        let mut changed = *h;
        changed.world.chip = chip;
        changed.world.step(Action::PowerCycle);
        all.push((changed, share));
    };
    for (state, share) in forward(&chip) {
        for (da, of_these) in credentials(&chip, state) {
            add(Chip { state, da, ..chip }, share * of_these);
        }
    }
    // Provisioned on the spot, by a script or another tool.
    let otp = chip.part.info().da_store == DaStore::Otp;
    if chip.state == ProductState::Provisioning && (!otp || chip.da.is_none()) {
        for (da, of_these) in stored(&chip) {
            add(Chip { da, ..chip }, 0.15 * of_these);
        }
    }
    // Brought back to Open: a regression resets TrustZone and takes flash and keys; the OTP stays.
    if chip.state > ProductState::Open && chip.state != ProductState::Locked {
        let da = chip.da.filter(|_| otp);
        add(Chip { state: ProductState::Open, tz: TrustZone::Disabled, da, ..chip }, 0.10);
    }
    if chip.state == ProductState::Open && chip.part.info().trustzone {
        add(Chip { tz: chip.tz.flipped(), ..chip }, 0.10);
    }
}

/// Where somebody may have taken the chip: nobody writes Locked in passing.
fn forward(chip: &Chip) -> impl Iterator<Item = (ProductState, f64)> + '_ {
    use ProductState as S;
    [(S::Provisioning, 0.25), (S::IrotProvisioned, 0.05), (S::TzClosed, 0.12), (S::Closed, 0.25), (S::Locked, 0.01)]
        .into_iter()
        .filter(|(to, _)| *to > chip.state && (*to != S::TzClosed || chip.tz == TrustZone::Enabled))
}

type Credentials = Vec<(Option<DaRecord>, f64)>;

/// What the chip holds then.
fn credentials(chip: &Chip, to: ProductState) -> Credentials {
    let otp = chip.part.info().da_store == DaStore::Otp;
    if chip.da.is_some() || (otp && to == ProductState::Provisioning) {
        return vec![(chip.da, 1.0)];
    }
    let provisioned = if to == ProductState::Provisioning { 0.30 } else { 0.55 };
    let mut all = vec![(None, 1.0 - provisioned)];
    all.extend(stored(chip).into_iter().map(|(da, share)| (da, provisioned * share)));
    all
}

/// What somebody stores: mostly the owner's own, of the kind that fits.
fn stored(chip: &Chip) -> Credentials {
    let (fitting, other, sample) = match DaMethod::for_trustzone(chip.tz) {
        DaMethod::Certificate => (hash::OWN_CERTIFICATE, hash::OWN_PASSWORD, hash::SAMPLE_CERTIFICATE),
        DaMethod::Password => (hash::OWN_PASSWORD, hash::OWN_CERTIFICATE, hash::SAMPLE_PASSWORD),
    };
    [(fitting, 0.70), (sample, 0.15), (hash::STRANGER, 0.10), (other, 0.05)]
        .map(|(id, share)| (Some(DaRecord { id, encrypted: chip.part.info().crypto, mask: PRODUCT_MASK }), share))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_chip::{
        assumptions::Assumptions,
        model::{Bench, Firmware, World},
        parts::PartId,
    };

    #[test]
    fn untold_changes_are_rarer_than_told_ones_and_lead_to_no_state_that_is_not_there() {
        for part in PartId::all() {
            for state in ProductState::ALL {
                let mut chip = Chip::factory(part);
                chip.state = state;
                let world = World::with(chip, Bench::default(), Assumptions::default());
                let h = Hypothesis {
                    world,
                    firmware: Firmware::default(),
                    link: true,
                    host: true,
                    flag_fits: true,
                    bars: false,
                    claim_met: true,
                    tz_met: true,
                };
                let mut all = Vec::new();
                changes(&h, &mut all);
                let sum: f64 = all.iter().map(|(_, share)| share).sum();
                assert!(sum <= 1.0 + 1e-9, "{part} {state}: {sum}");
                for (changed, _) in &all {
                    let chip = changed.world.chip;
                    assert!(chip.state != ProductState::TzClosed || chip.tz == TrustZone::Enabled);
                    assert!(state != ProductState::Locked || chip.state == ProductState::Locked);
                    assert!(chip.state >= state || chip.state == ProductState::Open);
                }
            }
        }
    }
}
