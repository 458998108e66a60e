//! Options of `twin`: virtual chips, made, tried, served.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use provost_bench::BenchError;
use provost_chip::{model::debug::Hdpl, states::ProductState};
use provost_twin::board::Selector;

use super::{OnOff, state};

/// Subcommands of `twin`.
#[derive(Debug, Subcommand)]
pub(crate) enum Twin {
    /// Make a virtual chip as a file.
    New(TwinNew),
    /// List the ready-made virtual chips.
    List,
    /// Say of each behaviour of the virtual chip how sure it is, and which questions are open.
    Ledger,
    /// Do one step to a virtual chip as any tool would, whatever comes of it: what a diagnosis warns of can be seen here.
    Try(TwinTry),
    /// Let other programs reach a virtual chip.
    Serve(TwinServe),
    /// Switch power, NRST or BOOT0 of a virtual chip that is being served.
    Bench(TwinBench),
}

/// Options of `twin new`.
#[derive(Debug, Args)]
pub(crate) struct TwinNew {
    /// The file to make.
    pub(crate) file: PathBuf,
    /// Like this ready-made chip, instead of --tzen and --state.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tzen", "state"])]
    pub(crate) preset: Option<String>,
    /// Like the chip that a report is most likely about, to try the plan on: a document of `diagnose --json`, or what `diagnose`
    /// reads, such as a case file or a log. What it does not tell is assumed, and said.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tzen", "state", "preset"])]
    pub(crate) like: Option<PathBuf>,
    /// With --like: the folder of the credential that lies in the chip where one of its owner does.
    #[arg(long, value_name = "DIR", requires = "like")]
    pub(crate) credential: Option<PathBuf>,
    /// TrustZone.
    #[arg(long, default_value = "off")]
    pub(crate) tzen: OnOff,
    /// Product state.
    #[arg(long, default_value = "open", value_parser = state)]
    pub(crate) state: ProductState,
    /// An assumption switch, as NAME=VALUE; may be given several times. See `provost twin ledger`.
    #[arg(long = "switch", value_name = "NAME=VALUE")]
    pub(crate) switches: Vec<String>,
    /// Size of the flash, such as 256K or 1M; without it that of --part, or the largest of its line.
    #[arg(long, value_name = "SIZE", value_parser = flash_kb, conflicts_with = "preset")]
    pub(crate) flash: Option<u32>,
    /// The isolation level that its firmware climbs to.
    #[arg(long, value_name = "LEVEL", default_value = "1", value_parser = hdpl, conflicts_with_all = ["preset", "like"])]
    pub(crate) hdpl: Hdpl,
    /// Leave the flash empty.
    #[arg(long)]
    pub(crate) empty: bool,
}

/// Options of `twin try`.
#[derive(Debug, Args)]
pub(crate) struct TwinTry {
    /// A chip file or the name of a ready-made chip, with options as after twin:.
    #[arg(value_parser = virtual_chip)]
    pub(crate) chip: Selector,
    /// A step by its name in a diagnosis, such as erase:flash or write-option:PRODUCT_STATE=0xC6.
    pub(crate) step: String,
}

/// Options of `twin serve`: at least one door.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("doors").required(true).multiple(true))]
pub(crate) struct TwinServe {
    /// A chip file or the name of a ready-made chip, with options as after twin:.
    #[arg(value_parser = virtual_chip)]
    pub(crate) chip: Selector,
    /// Speak OpenOCD's remote_bitbang protocol on this loopback port; 0 lets the system choose.
    #[arg(long, value_name = "PORT", group = "doors")]
    pub(crate) remote_bitbang: Option<u16>,
    /// Speak CMSIS-DAP over TCP (OpenOCD's `cmsis-dap backend tcp`) on this loopback port; 0 lets the system choose.
    #[arg(long, value_name = "PORT", group = "doors")]
    pub(crate) cmsis_dap: Option<u16>,
    /// Speak the remote protocol of Black Magic Probe (probe-rs with `--probe 1d50:6018:127.0.0.1:PORT`) on this loopback port; 0 lets the
    /// system choose.
    #[arg(long, value_name = "PORT", group = "doors")]
    pub(crate) black_magic: Option<u16>,
    /// Speak pyOCD's remote probe protocol (`pyocd --uid remote:127.0.0.1:PORT`) on this loopback port; 0 lets the system choose.
    #[arg(long, value_name = "PORT", group = "doors")]
    pub(crate) pyocd: Option<u16>,
    /// Offer the serial line of its ROM bootloader on this loopback port, for --uart tcp:127.0.0.1:PORT; 0 lets the system choose.
    #[arg(long, value_name = "PORT", group = "doors")]
    pub(crate) serial: Option<u16>,
    /// Offer the same line as a pseudo-terminal, whose name is printed, for programs that open a port by its name.
    #[cfg(unix)]
    #[arg(long, group = "doors")]
    pub(crate) pty: bool,
    /// Export the USB DFU device of its ROM bootloader by USB/IP on this loopback port, for --dfu usbip:127.0.0.1:PORT and for Linux's
    /// usbip; 0 lets the system choose.
    #[arg(long, value_name = "PORT", group = "doors")]
    pub(crate) usbip: Option<u16>,
    /// Let the chip's time pass with clocks on the wire only, so that runs repeat exactly. Otherwise it passes too while a client sleeps.
    #[arg(long)]
    pub(crate) wire_time: bool,
}

/// Options of `twin bench`.
#[derive(Debug, Args)]
pub(crate) struct TwinBench {
    /// The chip file that `twin serve` serves.
    pub(crate) chip: PathBuf,
    /// What to do, in this order: power=on|off|cycle, nrst=low|high|pulse|wired|not-wired, boot0=low|high.
    #[arg(required = true, value_name = "CONTROL=VALUE")]
    pub(crate) controls: Vec<String>,
}

/// A virtual chip, with or without the prefix that tells it from a probe.
fn virtual_chip(text: &str) -> Result<Selector, BenchError> {
    Ok(text.strip_prefix("twin:").unwrap_or(text).parse()?)
}

/// `256K`, `1M` or a number of KB.
fn flash_kb(text: &str) -> Result<u32, String> {
    let upper = text.to_ascii_uppercase();
    let (digits, unit) = match upper.strip_suffix('M') {
        Some(digits) => (digits, 1024),
        None => (upper.strip_suffix('K').unwrap_or(&upper), 1),
    };
    let kb = digits.parse::<u32>().ok().and_then(|n| n.checked_mul(unit));
    kb.ok_or_else(|| "a size is written as 256K or 1M".to_owned())
}

/// An isolation level of the owner's code.
fn hdpl(text: &str) -> Result<Hdpl, String> {
    text.parse().ok().and_then(Hdpl::from_number).ok_or_else(|| "a level is 1, 2 or 3".to_owned())
}
