//! Options of `doctor`.

use std::path::PathBuf;

use clap::Args;

/// Options of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Pulse NRST and see that the chip notices. This resets the chip.
    #[arg(long, conflicts_with_all = ["udev", "install_udev"])]
    pub(crate) reset: bool,
    /// Print the udev rules that let your user reach debug probes on Linux, and do nothing else.
    #[arg(long, conflicts_with = "install_udev")]
    pub(crate) udev: bool,
    /// Write these rules as 69-provost.rules into this folder, and do nothing else.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "/etc/udev/rules.d")]
    pub(crate) install_udev: Option<PathBuf>,
    /// Write over rules that are there.
    #[arg(long, requires = "install_udev")]
    pub(crate) force: bool,
}
