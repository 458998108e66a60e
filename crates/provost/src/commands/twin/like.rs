//! A virtual chip like the one that a report is most likely about: what the diagnosis believes, and what had to be assumed.

use std::path::Path;

use provost_bench::BenchError;
use provost_chip::{
    assumptions::Assumptions,
    order_code::OrderCode,
    states::{DaMethod, TrustZone},
};
use provost_diagnosis::{
    answer::{Likeliest, Stored},
    diagnose, reading,
};
use provost_ops::{credential::CredentialSet, store::files};
use provost_twin::{error::TwinError, presets::Maker, silicon::FirmwareBehaviour};
use sha2::{Digest as _, Sha256};

use crate::{
    cli::TwinNew,
    documents::{DIAGNOSIS, Like},
    error::FaceError,
    output::{Stop, wrap},
};

/// Largest document or report, in bytes.
const LARGEST: u64 = 8 << 20;

/// What a report is about.
#[derive(Debug)]
pub(super) struct Believed(Likeliest);

/// Reads a diagnosis, or makes one of a report.
///
/// # Errors
/// The file cannot be read, or tells of no chip.
pub(super) fn of(path: &Path) -> Result<Believed, Stop> {
    let bytes = files::read(path, LARGEST)?;
    let document: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
    let found = match document.filter(|d| d["schema"] == DIAGNOSIS) {
        Some(document) => serde_json::from_value(document["likeliest"].clone()).ok(),
        None => {
            let unread = |_| FaceError::NotText { path: path.to_owned() };
            diagnose(&reading::read(&bytes).map_err(unread)?.case).likeliest
        }
    };
    found.map(Believed).ok_or_else(|| FaceError::NothingBelieved { path: path.to_owned() }.into())
}

impl Believed {
    /// Answers the open questions as this chip would.
    pub(super) fn switches(&self, assumptions: &mut Assumptions) -> Result<(), Stop> {
        for (name, value) in self.0.switches.split(',').filter_map(|switch| switch.split_once('=')) {
            assumptions.set(name, value).map_err(|e| BenchError::from(TwinError::from(e)))?;
        }
        Ok(())
    }

    /// Its part: that on the command line, if there is one.
    pub(super) fn part(&self, given: Option<OrderCode>) -> Result<OrderCode, Stop> {
        let named = || self.0.part.parse().map_err(|_| contradiction("its part is none").into());
        given.map_or_else(named, Ok)
    }

    /// Makes the chip so, and says what had to be assumed.
    pub(super) fn make(self, maker: &mut Maker, options: &TwinNew) -> Result<Like, Stop> {
        let believed = self.0;
        maker.state = believed.product_state.parse().map_err(|_| contradiction("its product state is none"))?;
        maker.tz = if believed.tzen == "on" { TrustZone::Enabled } else { TrustZone::Disabled };
        maker.firmware = (believed.application && !options.empty).then_some(FirmwareBehaviour {
            non_secure: true,
            regresses: believed.regresses,
            ..FirmwareBehaviour::default()
        });
        let mut assumed = vec![format!("its flash has {}, and a unique id of its own", maker.flash)];
        if believed.share < SURE {
            assumed.push(format!("of all chips that fit, this one is {:.0} %", believed.share * 100.0));
        }
        if believed.switches == "defaults" {
            assumed.push("open questions are answered as most sources do".to_owned());
        }
        maker.da_payload = payload(&believed, maker, options, &mut assumed)?;
        let wires = if believed.nrst_wired { "" } else { "?nrst=not-wired" };
        let probe = format!("twin:{}{wires}", options.file.display());
        Ok(Like { believed, assumed, probe })
    }
}

/// Below this share there are other chips worth a word.
const SURE: f64 = 0.5;

/// What lies in the keys.
fn payload(
    believed: &Likeliest,
    maker: &Maker,
    options: &TwinNew,
    assumed: &mut Vec<String>,
) -> Result<Option<[u8; 96]>, Stop> {
    if believed.stored == Stored::Nothing {
        return Ok(None);
    }
    let method = DaMethod::for_trustzone(maker.tz);
    let own = match (&options.credential, believed.stored) {
        (Some(folder), Stored::Own) => CredentialSet::load(folder)?.object(method)?,
        _ => None,
    };
    Ok(Some(match (own, believed.stored) {
        (Some(object), _) => object.payload().to_bytes(),
        // No hash of anything stands before it.
        (None, Stored::Unusable) => [0x5A; 96],
        (None, stored) => {
            let mine = if stored == Stored::Own { "; --credential DIR puts yours there" } else { "" };
            assumed.push(format!("the credential inside is one that nobody has{mine}"));
            nobodys()
        }
    }))
}

/// An object that is whole, and that no credential fits.
fn nobodys() -> [u8; 96] {
    let mut payload = [0xA5; 96];
    let integrity = Sha256::digest(&payload[32..]);
    payload[..32].copy_from_slice(&integrity);
    payload
}

/// What is believed and what is assumed, for people.
pub(super) fn text(like: &Like) -> String {
    let b = &like.believed;
    let stored = match b.stored {
        Stored::Nothing => "nothing provisioned",
        Stored::Own => "its owner's credential inside",
        Stored::Sample => "ST's sample credential inside",
        Stored::Foreign => "a credential of somebody else inside",
        Stored::Unusable => "an object inside that nothing fits",
    };
    let wires = if b.nrst_wired { "NRST wired" } else { "NRST not wired" };
    let runs = if b.application { "its firmware runs" } else { "no firmware runs" };
    let believed = format!(
        "believed: {} in {}, TrustZone {}, {stored}, {wires}, {runs}, switches: {}",
        b.part, b.product_state, b.tzen, b.switches
    );
    wrap(&believed, 2) + &wrap(&format!("assumed: {}", like.assumed.join("; ")), 2)
}

fn contradiction(says: &str) -> FaceError {
    FaceError::NoSuchChip { says: says.to_owned() }
}
