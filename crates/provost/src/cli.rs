//! The command line: the doc comments here are its help.

mod auth;
mod close;
mod credential;
mod doctor;
mod examples;
mod memory;
mod obk;
mod selfcheck;
#[cfg(feature = "terminal")]
mod shell;
mod twin;

use std::path::PathBuf;

pub(crate) use auth::*;
pub(crate) use close::*;
pub(crate) use credential::*;
pub(crate) use doctor::*;
pub(crate) use memory::*;
pub(crate) use obk::*;
pub(crate) use selfcheck::*;
#[cfg(feature = "terminal")]
pub(crate) use shell::*;
pub(crate) use twin::*;

use clap::{Args, Parser, Subcommand, ValueEnum};
use provost_bench::{BootWire, Dfu, Probe, Uart};
use provost_chip::{
    order_code::{OrderCode, OrderCodeError},
    parts::PartId,
    states::{ProductState, UnknownState},
};
use provost_ops::drive::service::EncryptWord;

use crate::paint::ColorChoice;

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
    /// question mark: twin:board.chip?leave-rss-da=power,nrst=not-wired; replay:FILE for the chip of a trace.
    /// Without it, the only probe attached.
    #[arg(long, global = true, value_name = "PROBE", env = "PROVOST_PROBE", hide_env_values = true)]
    pub(crate) probe: Option<Probe>,
    /// Whether --probe was typed: a default of the environment names the chip of commands that work on one, and asks no other for it.
    #[arg(skip)]
    pub(crate) probe_is_typed: bool,
    /// The chip's ROM bootloader on a serial line, in place of a probe: PORT or PORT:BAUD, tcp:ADDRESS:PORT, or twin:NAME for a virtual
    /// chip. In Open it runs with BOOT0 high (twin:board.chip?boot0=high). For status, option list|get|set, flash and obk write; rescue
    /// takes both, and provisions over this line.
    #[arg(long, global = true, value_name = "LINE")]
    pub(crate) uart: Option<Uart>,
    /// The chip's ROM bootloader as a USB DFU device, in place of a probe: its serial number, or nothing for the only one;
    /// usbip:ADDRESS:PORT, or twin:NAME for a virtual chip. For the same commands as --uart.
    #[arg(
        long,
        global = true,
        value_name = "SERIAL",
        num_args = 0..=1,
        default_missing_value = "dfu",
        conflicts_with = "uart"
    )]
    pub(crate) dfu: Option<Dfu>,
    /// The part as written on the chip, such as STM32H533RE. DEV_ID alone does not tell H523 from H533, or H563 from H573; outside
    /// Open a chip need not tell its flash size, which is the last of these letters.
    #[arg(
        long = "part",
        global = true,
        value_name = "PART",
        value_parser = part,
        env = "PROVOST_PART",
        hide_env_values = true
    )]
    pub(crate) order_code: Option<OrderCode>,
    /// Clock of the debug probe (SWCLK), in kHz: lower for long or poor wires. A virtual chip has one speed. PROVOST_SPEED stands for it.
    #[arg(long, global = true, value_name = "KHZ", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) speed: Option<u32>,
    /// Print one JSON document on stdout.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Tell what happens on the way as one JSON document a line, on stderr.
    #[arg(long, global = true)]
    pub(crate) events: bool,
    /// Print what the work cost: transactions on the wire, virtual and wall time (stderr).
    #[arg(long, global = true)]
    pub(crate) stats: bool,
    /// Never ask; refuse instead.
    #[arg(long, global = true)]
    pub(crate) non_interactive: bool,
    /// Ask on a virtual chip for every phrase that a real one is asked for, so that a script proven here holds there.
    #[arg(long, global = true)]
    pub(crate) as_real: bool,
    /// The phrase that confirms a write to a real chip, for scripts: errors show it as `confirm` in --json.
    #[arg(long, global = true, value_name = "PHRASE")]
    pub(crate) confirm: Option<String>,
    /// Colour: on a terminal unless NO_COLOR is set, always, or never. Lines are as wide as the terminal, or as COLUMNS says.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub(crate) color: ColorChoice,
    /// Tell more (stderr); twice for every access.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

const EXIT_CODES: &str = "Exit codes: 0 done · 1 failed · 2 usage · 3 refused, nothing was written · 4 a person must act first \
(wire, power, credential) · 5 interrupted half-way, the journal says how to go on · 6 nothing of a report was understood";

/// The command line, with examples in the help of each command.
pub(crate) fn command() -> clap::Command {
    examples::with_examples(<Arguments as clap::CommandFactory>::command())
}

fn part(text: &str) -> Result<OrderCode, OrderCodeError> {
    text.parse()
}

impl Arguments {
    /// The chip, where it was named for this very command.
    pub(crate) fn named_probe(&self) -> Option<&Probe> {
        self.probe.as_ref().filter(|_| self.probe_is_typed)
    }

    /// The way to the ROM bootloader, where one was given.
    pub(crate) fn bootloader(&self) -> Option<BootWire> {
        self.uart.clone().map(BootWire::Uart).or_else(|| self.dfu.clone().map(BootWire::Dfu))
    }

    /// The line of the part given.
    pub(crate) fn part(&self) -> Option<PartId> {
        self.order_code.map(|code| code.part)
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List debug probes and ready-made virtual chips.
    Probes,
    /// Say who the chip is, its state, what is open, and what can be done from here. Reads only: no halt, no reset, no write.
    Status,
    /// Say what state a chip is in, whether it can be saved, and what to do next: from a live chip, case files, logs of
    /// STM32CubeProgrammer, OpenOCD, pyOCD and others, or a mix.
    Diagnose(Diagnose),
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
    /// What a chip is opened with: make, show and check certificates, passwords and their objects.
    #[command(subcommand)]
    Credential(Credential),
    /// Provisioning objects: build, show and write them.
    #[command(subcommand)]
    Obk(ObkCommand),
    /// Option bytes by ST's names.
    #[command(subcommand)]
    Option(OptionCommand),
    /// User flash: images in, bytes out.
    #[command(subcommand)]
    Flash(FlashCommand),
    /// Measure on an Open, empty chip what public sources leave open, in three levels of daring, and keep a trace to send in.
    Selfcheck(Selfcheck),
    /// Virtual chips.
    #[command(subcommand)]
    Twin(Twin),
    /// Explain a product state, a rule, a switch, an option byte, a code that was printed, or what another tool printed.
    Explain(Explain),
    /// Show the page for a browser on this computer: tell what happened, see the answer, try it on a virtual chip. Nobody else reaches
    /// it, and it never writes to a real chip.
    #[cfg(feature = "serve")]
    Serve(Serve),
    /// Print the completions of a shell.
    #[cfg(feature = "terminal")]
    Completions {
        /// The shell.
        shell: ShellName,
    },
    /// Write man pages, one for each command.
    #[cfg(feature = "terminal")]
    Man {
        /// The folder they go into.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Write over those that are there.
        #[arg(long)]
        force: bool,
    },
    /// Say what is missing between this computer and a chip: probes, rights, drivers, supply, clock, NRST. Reads only.
    Doctor(Doctor),
}

/// Options of `diagnose`.
#[derive(Debug, Args)]
pub(crate) struct Diagnose {
    /// Case files (TOML) and what tools printed, in the order in which things happened; `-` is standard input. With --probe, or
    /// without a file where a probe is attached, the live chip is looked at too: reads only. With none of these, at a terminal,
    /// provost asks.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Enter Debug Authentication on the live chip and read what it says. This resets the chip.
    #[arg(long)]
    pub(crate) discover: bool,
    /// What you want of the chip: steps that erase or close it are named only where this needs them. Read from the report if it
    /// is not given.
    #[arg(long, value_name = "GOAL")]
    pub(crate) goal: Option<GoalWord>,
    /// The folder of your credential, for the commands that are printed.
    #[arg(long, value_name = "DIR")]
    pub(crate) credential: Option<PathBuf>,
    /// Leave out what was misread: the numbers of claims, as the answer shows them.
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    pub(crate) strike: Vec<usize>,
    /// Diagnose the moment before this step of the report, counted from 1, as `earlier` in the document names one.
    #[arg(long, value_name = "STEP", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) before: Option<u64>,
    /// Ask, in a few questions that are answered from memory or with the probe, and diagnose the answers.
    #[arg(long, conflicts_with_all = ["files", "discover", "strike", "before", "template"])]
    pub(crate) ask: bool,
    /// Keep the answers as a case file, which nobody else can read and which is written over nothing; asks, as --ask does.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["files", "discover", "strike", "before", "template"])]
    pub(crate) save: Option<PathBuf>,
    /// Print a case file to fill in, and do nothing else.
    #[arg(long, conflicts_with_all = ["files", "discover"])]
    pub(crate) template: bool,
    /// Print the whole chain of reasoning.
    #[arg(long)]
    pub(crate) explain: bool,
}

/// What is wanted of a chip.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum GoalWord {
    /// Back to Open, whatever that erases.
    Open,
    /// Debug it as it is: nothing may be erased.
    Debug,
    /// On to a closed state.
    Forward,
    /// Only know whether all is as it is meant to be.
    Check,
    /// Make it boot.
    Boot,
}

impl From<GoalWord> for provost_diagnosis::case::Goal {
    fn from(word: GoalWord) -> Self {
        match word {
            GoalWord::Open => Self::Open,
            GoalWord::Debug => Self::Debug,
            GoalWord::Forward => Self::Forward,
            GoalWord::Check => Self::Check,
            GoalWord::Boot => Self::Boot,
        }
    }
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
    /// The word that asks this chip's ROM for encryption on a part with secure AES, and for none on the others, where you know it; it
    /// is then the only one tried.
    #[arg(long, value_name = "WORD")]
    pub(crate) encrypt_word: Option<EncryptWord>,
    /// Where credential, journal and receipt go: a folder per chip is made in it.
    #[arg(long, value_name = "DIR", default_value = "provost-rescue")]
    pub(crate) out: PathBuf,
    /// Where a closing write waits for its reset (`status` shows it as pending): make the one attempt there is.
    #[arg(long)]
    pub(crate) one_shot: bool,
    /// STM32H503 with blank OTP: write the credential's password into it, or a new one. It can never be changed or erased, not by a
    /// regression either.
    #[arg(long)]
    pub(crate) once_for_life: bool,
    /// Where the chip does not say which it is and an unfinished job may be of another board: the name of that job's folder if it is
    /// this board, or `another`.
    #[arg(long, value_name = "NAME")]
    pub(crate) this_is: Option<String>,
    /// Keys of your own credential that are not simply in a file.
    #[command(flatten)]
    pub(crate) access: KeyAccess,
}

/// A number in decimal or, after `0x`, in hexadecimal.
fn number(text: &str) -> Result<u32, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|e| format!("{e}: write a number, such as 8192 or 0x2000"))
}

/// A product state by its name or code.
fn state(text: &str) -> Result<ProductState, UnknownState> {
    text.parse()
}

/// `on` or `off`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OnOff {
    /// Enabled.
    On,
    /// Disabled.
    Off,
}

/// Options of `serve`.
#[cfg(feature = "serve")]
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The loopback port; 0 lets the system choose.
    #[arg(long, default_value = "0")]
    pub(crate) port: u16,
    /// Open it in the browser.
    #[arg(long)]
    pub(crate) open: bool,
    /// End when nobody has asked for anything for so many minutes.
    #[arg(long, value_name = "MINUTES", default_value = "30", value_parser = clap::value_parser!(u64).range(1..=1440))]
    pub(crate) idle: u64,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A product state (provisioning, 0x17), a rule (R-…, P-…), a switch (leave-rss-da), an option byte (TZEN), an error code
    /// (nrst-not-wired), an exit code (3), a check, a cause, a step, a permission, a phrase, a word, a message that a tool printed, in
    /// quotes, or `map`: every state, and what leads where; or `index`, as --list.
    #[arg(required_unless_present = "list")]
    pub(crate) what: Option<String>,
    /// List everything that can be explained.
    #[arg(long, conflicts_with = "what")]
    pub(crate) list: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
