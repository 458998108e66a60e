//! What a close is asked for, and where it takes place.

use std::{collections::BTreeMap, path::PathBuf};

use provost_chip::{order_code::OrderCode, states::ProductState};

use super::{custody::Samples, escrow::Escrow, image::Digest, policy::Policy};
use crate::{credential::Keys, drive::service::EncryptWord, store::Base};

/// What a close is asked for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What the user says the part is.
    pub part: Option<OrderCode>,
    /// The state to end in.
    pub target: ProductState,
    /// The folder with the credential that will be the way back.
    pub credential: Option<PathBuf>,
    /// Objects of a root of trust, which go in behind the credential's.
    pub objects: Vec<PathBuf>,
    /// What must be in the flash, by its digest. Without any, the whole flash is read and digested.
    pub images: Vec<Digest>,
    /// Option bytes that must be in force, by ST's names.
    pub options: BTreeMap<&'static str, u32>,
    /// The encryption word to use, where the user knows it.
    pub encrypt_word: Option<EncryptWord>,
    /// The whole round trip first.
    pub rehearse: bool,
    /// Nothing but the round trip.
    pub rehearse_only: bool,
    /// Rules to pass over, by id.
    pub overrides: Vec<String>,
    /// The one who asks wants Locked, for ever.
    pub forever: bool,
}

/// Where a close takes place, and what the house demands of every one.
#[derive(Debug, Clone)]
pub struct Site {
    /// What `--probe` said, for journal and receipt.
    pub chip: String,
    /// Where plan, journal, receipt and rehearsals go.
    pub out: Base,
    /// What the house demands.
    pub policy: Policy,
    /// Folders in which no credential is left.
    pub temporary: Vec<PathBuf>,
    /// Which credentials are published samples.
    pub samples: Samples,
    /// How to reach a leaf key that is not simply in a file.
    pub keys: Keys,
    /// The credential of a plan, if it lies elsewhere than the plan says.
    pub credential: Option<PathBuf>,
    /// Where the chip does not say who it is: the unfinished close that is of this board, by the name of its folder or by its
    /// unique id.
    pub this_is: Option<String>,
    /// An encrypted copy of the credential, to be there before the first write to the chip.
    pub escrow: Option<Escrow>,
}
