//! One whole chip that fits what is believed, so that it can be made and practised on.

use provost_chip::{assumptions::Assumptions, states::DaMethod};
use serde::{Deserialize, Serialize};

use super::Believed;
use crate::{
    belief::Belief,
    hypothesis::{Fate, Hypothesis, With, hash},
};

/// A chip and its bench.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Likeliest {
    /// The line: `STM32H533`.
    pub part: String,
    /// The product state: `provisioning`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["open", "provisioning", "irot-provisioned", "tz-closed", "closed", "locked"])))]
    pub product_state: String,
    /// `on` or `off`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["on", "off"])))]
    pub tzen: String,
    /// What was provisioned for Debug Authentication.
    pub stored: Stored,
    /// Whether the probe's reset line reaches NRST.
    pub nrst_wired: bool,
    /// Whether firmware on it runs.
    pub application: bool,
    /// Whether that firmware can request a regression.
    pub regresses: bool,
    /// The open questions, as they would have to be answered: `NAME=VALUE,…`, or `defaults`.
    pub switches: String,
    /// How much of everything that is weighed this one chip is, from 0 to 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1.0)))]
    pub share: f64,
}

/// What lies in a chip for Debug Authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "whoever makes such a chip must know all of them")]
pub enum Stored {
    /// Nothing.
    Nothing,
    /// The owner's certificate, or password: what fits TrustZone.
    Own,
    /// ST's published sample.
    Sample,
    /// Somebody else's.
    Foreign,
    /// Something that no credential fits.
    Unusable,
}

/// The heaviest hypothesis in the state that is believed, and of the TrustZone that is.
pub(super) fn of(belief: &Belief, believed: &Believed) -> Option<Likeliest> {
    let fits = |h: &Hypothesis| {
        let chip = &h.world.chip;
        (believed.product_state == "unknown" || chip.state.as_str() == believed.product_state)
            && (believed.tzen == "unknown" || chip.tz.as_str() == believed.tzen)
    };
    let (h, share) = belief.hypotheses.iter().find(|(h, _)| fits(h)).or(belief.hypotheses.first())?;
    let chip = &h.world.chip;
    Some(Likeliest {
        part: chip.part.info().name.to_owned(),
        product_state: chip.state.as_str().to_owned(),
        tzen: chip.tz.as_str().to_owned(),
        stored: stored(h),
        nrst_wired: h.world.bench.nrst_wired,
        application: h.firmware.boots,
        regresses: h.firmware.regresses,
        switches: Assumptions::to_string(&h.world.assumptions),
        share: super::rounded(*share),
    })
}

fn stored(h: &Hypothesis) -> Stored {
    let chip = &h.world.chip;
    let Some(da) = chip.da else { return Stored::Nothing };
    let fitting = match DaMethod::for_trustzone(chip.tz) {
        DaMethod::Certificate => hash::OWN_CERTIFICATE,
        DaMethod::Password => hash::OWN_PASSWORD,
    };
    match h.fate() {
        Fate::Authenticate(With::Sample) => Stored::Sample,
        Fate::Lost(_) => Stored::Unusable,
        _ if da.id == fitting => Stored::Own,
        _ => Stored::Foreign,
    }
}
