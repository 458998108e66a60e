//! `close`, `apply`, `history`.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    ArgGroup, Args,
    builder::{OsStringValueParser, TypedValueParser as _},
};
use provost_chip::states::ProductState;
use provost_ops::drive::service::EncryptWord;

use super::{KeyAccess, SignIn, number, state};

/// Options of `close`.
#[derive(Debug, Args)]
pub(crate) struct Close {
    /// The state to end in: irot-provisioned, tz-closed or closed.
    #[arg(long, value_name = "STATE", value_parser = closed_state, required_unless_present = "check")]
    pub(crate) to: Option<ProductState>,
    /// Only say whether the chip is closed as it was to be, by its receipt or by --to: exit code 0 if so, 3 if not. Writes nothing; the
    /// discovery resets the chip.
    #[arg(long, conflicts_with_all = ["rehearse", "rehearse_only", "dry_run", "save", "overrides", "images", "objects", "options", "escrow"])]
    pub(crate) check: bool,
    /// The folder with the credential that will be the way back, under the names that ST's tools use.
    #[arg(long, value_name = "DIR")]
    pub(crate) credential: Option<PathBuf>,
    /// An object of a root of trust to store behind the credential's own: STiRoT_Config.obk, STiRoT_Data.obk and the like; may be given
    /// several times.
    #[arg(long = "obk", value_name = "FILE")]
    pub(crate) objects: Vec<PathBuf>,
    /// An image that must be in the flash: ELF, Intel HEX (.hex), or plain bytes with their address; may be given several times.
    /// Without one, the whole flash is read and its digest kept.
    #[arg(long = "image", value_name = "FILE[@ADDRESS]", value_parser = OsStringValueParser::new().try_map(image_at))]
    pub(crate) images: Vec<ImageAt>,
    /// Option bytes that must be in force, as `provost option export` writes them or STM32CubeProgrammer's `-ob displ` prints them;
    /// what the file does not name may be anything.
    #[arg(long, value_name = "FILE")]
    pub(crate) options: Option<PathBuf>,
    /// The word that asks this chip's ROM for encryption on a part with secure AES, and for none on the others, where you know it; it
    /// is then the only one tried.
    #[arg(long, value_name = "WORD")]
    pub(crate) encrypt_word: Option<EncryptWord>,
    /// Do the whole round trip first: Provisioning, object, discovery, full regression, Open; then restore option bytes and flash.
    #[arg(long)]
    pub(crate) rehearse: bool,
    /// The round trip and nothing else; it is remembered, and counts for a later close.
    #[arg(long)]
    pub(crate) rehearse_only: bool,
    /// Print the plan and what the preflight finds; write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write the plan to this file, for `provost apply`; write nothing to the chip.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Pass over a rule of the preflight; the receipt keeps it. May be given several times.
    #[arg(long = "override", value_name = "P-RULE")]
    pub(crate) overrides: Vec<String>,
    /// Write an encrypted copy of the credential first: `age -d FILE | tar x` brings it back.
    #[arg(long, value_name = "FILE")]
    pub(crate) escrow: Option<PathBuf>,
    /// Whom to encrypt it to (age1…), besides those of the policy; may be given several times.
    #[arg(long = "recipient", value_name = "RECIPIENT")]
    pub(crate) recipients: Vec<String>,
    /// Overwrite the files of --save and --escrow.
    #[arg(long)]
    pub(crate) force: bool,
    /// What the house demands; ./provost.toml if it is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Where plan, journal, receipt and rehearsals go: a folder per close is made in it.
    #[arg(long, value_name = "DIR", default_value = "provost-close")]
    pub(crate) out: PathBuf,
    /// Where the chip does not say which it is and an unfinished job may be of another board: the name of that job's folder if it is
    /// this board, or `another`.
    #[arg(long, value_name = "NAME")]
    pub(crate) this_is: Option<String>,
    /// Keys of the credential that are not simply in a file.
    #[command(flatten)]
    pub(crate) access: KeyAccess,
    /// A leaf key that is elsewhere.
    #[command(flatten)]
    pub(crate) sign_in: SignIn,
    /// Locked has no way back.
    #[arg(long, hide = true)]
    pub(crate) i_want_this_forever: bool,
}

/// Options of `apply`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["plan", "resume"]))]
pub(crate) struct Apply {
    /// The plan, as `provost close --to STATE --save FILE` wrote it.
    #[arg(value_name = "PLAN")]
    pub(crate) plan: Option<PathBuf>,
    /// Go on with the unfinished close of this chip.
    #[arg(long)]
    pub(crate) resume: bool,
    /// The folder with the credential, if it is no longer where the plan says.
    #[arg(long, value_name = "DIR")]
    pub(crate) credential: Option<PathBuf>,
    /// What the house demands; ./provost.toml if it is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Where plan, journal, receipt and rehearsals go.
    #[arg(long, value_name = "DIR", default_value = "provost-close")]
    pub(crate) out: PathBuf,
    /// Where the chip does not say which it is and an unfinished job may be of another board: the name of that job's folder if it is
    /// this board, or `another`.
    #[arg(long, value_name = "NAME")]
    pub(crate) this_is: Option<String>,
    /// Keys of the credential that are not simply in a file.
    #[command(flatten)]
    pub(crate) access: KeyAccess,
    /// A leaf key that is elsewhere.
    #[command(flatten)]
    pub(crate) sign_in: SignIn,
}

/// Options of `history`.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// A unique id, whole or in part.
    pub(crate) uid: Option<String>,
    /// Folders with receipts; without one, provost-close and provost-rescue.
    #[arg(long = "in", value_name = "DIR")]
    pub(crate) folders: Vec<PathBuf>,
}

/// An image file, and where plain bytes belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageAt {
    pub(crate) path: PathBuf,
    pub(crate) at: Option<u32>,
}

/// A state that a close ends in.
fn closed_state(text: &str) -> Result<ProductState, String> {
    const KNOWN: &str = "a close ends in irot-provisioned, tz-closed or closed";
    match state(text) {
        Ok(ProductState::Open) => Err(format!("back to Open leads `provost rescue`; {KNOWN}")),
        Ok(ProductState::Provisioning) => {
            Err(format!("a close goes through Provisioning and does not end there; {KNOWN}"))
        }
        Ok(state) => Ok(state),
        Err(_) => Err(KNOWN.to_owned()),
    }
}

/// `FILE`, or `FILE@ADDRESS` for plain bytes. A name that is no text can have no address.
pub(super) fn image_at(word: OsString) -> Result<ImageAt, String> {
    let (path, at) = match word.to_str().and_then(|text| Some((text, text.rsplit_once('@')?))) {
        Some((text, (path, address))) => match number(address) {
            Ok(address) => (path.into(), Some(address)),
            // A name may have an at sign in it; what looks like an address must be one.
            Err(error) if text.rsplit_once("@0x").is_some() => return Err(error),
            Err(_) => (word.into(), None),
        },
        None => (word.into(), None),
    };
    Ok(ImageAt { path, at })
}
