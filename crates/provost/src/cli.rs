//! The command line: the doc comments here are its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use provost_chip::{
    parts::{PartId, UnknownPart},
    states::{ProductState, UnknownState},
};

/// Takes STM32H5 chips through their product states, and back.
///
/// Nothing here has met a real chip yet: what the tool knows comes from public documents and reports, and
/// `provost twin ledger` says how sure each piece is. Try everything on a virtual chip first: --probe twin:stuck-in-provisioning
#[derive(Debug, Parser)]
#[command(name = "provost", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// The chip: VID:PID or VID:PID:SERIAL of a debug probe, or twin:NAME or twin:FILE for a virtual chip, with options behind a
    /// question mark: twin:board.chip?leave-rss-da=power,nrst=not-wired.
    /// Without it, the only probe attached.
    #[arg(long, global = true, value_name = "PROBE")]
    pub(crate) probe: Option<String>,
    /// The part as written on the chip, such as STM32H533RE. DEV_ID alone does not tell H523 from H533, or H563 from H573.
    #[arg(long, global = true, value_name = "PART", value_parser = part)]
    pub(crate) part: Option<PartId>,
    /// Print one JSON document on stdout.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print what the work cost: transactions on the wire, virtual and wall time (stderr).
    #[arg(long, global = true)]
    pub(crate) stats: bool,
    /// Never ask; refuse instead.
    #[arg(long, global = true)]
    pub(crate) non_interactive: bool,
    /// The phrase that confirms a write to a real chip, for scripts.
    #[arg(long, global = true, value_name = "PHRASE")]
    pub(crate) confirm: Option<String>,
    /// Tell more (stderr); twice for every access.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

const EXIT_CODES: &str = "Exit codes: 0 done · 1 failed · 2 usage · 3 refused, nothing was written · 4 a person must act first \
(wire, power, credential) · 5 interrupted half-way, the journal says how to go on";

fn part(text: &str) -> Result<PartId, UnknownPart> {
    text.parse()
}

fn state(text: &str) -> Result<ProductState, UnknownState> {
    text.parse()
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List debug probes and ready-made virtual chips.
    Probes,
    /// Say who the chip is, its state, what is open, and what can be done from here. Reads only: no halt, no reset, no write.
    Status,
    /// Bring the chip back to Open. Erases it.
    Rescue(Rescue),
    /// Take a chip forward to iROT-Provisioned, TZ-Closed or Closed, with the way back proven before the door is shut.
    Close(Close),
    /// Carry out a saved plan, or go on with a close that was interrupted.
    Apply(Apply),
    /// List the receipts of closes, rehearsals and rescues.
    History(History),
    /// Debug Authentication.
    #[command(subcommand)]
    Auth(Auth),
    /// Virtual chips.
    #[command(subcommand)]
    Twin(Twin),
    /// Explain a product state, a rule, an assumption switch or an error code.
    Explain(Explain),
}

/// Options of `rescue`.
#[derive(Debug, Args)]
pub(crate) struct Rescue {
    /// Print the plan and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A folder with your own credential; otherwise one is made for this chip and saved before it is sent.
    #[arg(long, value_name = "DIR")]
    pub(crate) credential: Option<PathBuf>,
    /// Where credential, journal and receipt go: a folder per chip is made in it.
    #[arg(long, value_name = "DIR", default_value = "provost-rescue")]
    pub(crate) out: PathBuf,
    /// Where a closing write waits for its reset (`status` shows it as pending): make the one attempt there is.
    #[arg(long)]
    pub(crate) one_shot: bool,
}

/// Options of `close`.
#[derive(Debug, Args)]
pub(crate) struct Close {
    /// The state to end in: irot-provisioned, tz-closed or closed.
    #[arg(long, value_name = "STATE", value_parser = state)]
    pub(crate) to: ProductState,
    /// The folder with the credential that will be the way back, under the names that ST's tools use.
    #[arg(long, value_name = "DIR")]
    pub(crate) credential: Option<PathBuf>,
    /// A binary image that must be in the flash at this address; may be given several times. Without one, the whole flash is
    /// read and its digest kept.
    #[arg(long = "image", value_name = "FILE@ADDRESS")]
    pub(crate) images: Vec<String>,
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
    /// Locked has no way back.
    #[arg(long, hide = true)]
    pub(crate) i_want_this_forever: bool,
}

/// Options of `apply`.
#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The plan, as `provost close --save` wrote it.
    #[arg(value_name = "PLAN", required_unless_present = "resume", conflicts_with = "resume")]
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
}

/// Options of `history`.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// A unique id, whole or in part.
    pub(crate) uid: Option<String>,
    /// Folders with receipts.
    #[arg(long = "in", value_name = "DIR", default_values = ["provost-close", "provost-rescue"])]
    pub(crate) folders: Vec<PathBuf>,
}

/// Subcommands of `auth`.
#[derive(Debug, Subcommand)]
pub(crate) enum Auth {
    /// Enter Debug Authentication and print what the chip says. This resets the chip, and it may stay in its ROM until power
    /// is removed.
    Discover,
    /// Authenticate a full regression: the chip is erased and goes back to Open.
    Regress(Regress),
}

/// Options of `auth regress`.
#[derive(Debug, Args)]
pub(crate) struct Regress {
    /// A folder with a certificate chain and its leaf key, or a password file, under the names that ST's tools use.
    #[arg(long, value_name = "DIR", required_unless_present = "password", conflicts_with = "password")]
    pub(crate) credential: Option<PathBuf>,
    /// The password itself, 4 to 16 bytes. Other users of this machine may see it: prefer --credential.
    #[arg(long, value_name = "TEXT")]
    pub(crate) password: Option<String>,
    /// Where the receipt goes: a folder per chip is made in it.
    #[arg(long, value_name = "DIR", default_value = "provost-rescue")]
    pub(crate) out: PathBuf,
}

/// `on` or `off`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OnOff {
    /// Enabled.
    On,
    /// Disabled.
    Off,
}

/// Subcommands of `twin`.
#[derive(Debug, Subcommand)]
pub(crate) enum Twin {
    /// Make a virtual chip as a file.
    New(TwinNew),
    /// List the ready-made virtual chips.
    List,
    /// Say of each behaviour of the virtual chip how sure it is, and which questions are open.
    Ledger,
    /// Let other programs reach a virtual chip.
    Serve(TwinServe),
}

/// Options of `twin new`.
#[derive(Debug, Args)]
pub(crate) struct TwinNew {
    /// The file to make.
    pub(crate) file: PathBuf,
    /// Like this ready-made chip, instead of --tzen and --state.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tzen", "state"])]
    pub(crate) preset: Option<String>,
    /// TrustZone.
    #[arg(long, default_value = "off")]
    pub(crate) tzen: OnOff,
    /// Product state.
    #[arg(long, default_value = "open", value_parser = state)]
    pub(crate) state: ProductState,
    /// An assumption switch, as NAME=VALUE; may be given several times. See `provost twin ledger`.
    #[arg(long = "switch", value_name = "NAME=VALUE")]
    pub(crate) switches: Vec<String>,
    /// Leave the flash empty.
    #[arg(long)]
    pub(crate) empty: bool,
}

/// Options of `twin serve`.
#[derive(Debug, Args)]
pub(crate) struct TwinServe {
    /// A chip file or the name of a ready-made chip, with options as after twin:.
    pub(crate) chip: String,
    /// Speak OpenOCD's remote_bitbang protocol on this loopback port; 0 lets the system choose.
    #[arg(long, value_name = "PORT")]
    pub(crate) remote_bitbang: u16,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A product state (provisioning, 0x17), a rule (R-…), a switch (leave-rss-da), or an error code (nrst-not-wired).
    pub(crate) what: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
