//! Why a bench cannot be set up, or what happened on it not be kept, and what that means to a person.

use std::path::PathBuf;

use provost_chip::rules::RuleId;
use provost_link::{LinkError, trace::TraceError};
use provost_ops::{
    fault::{self, Exit, Fault, Remedy, Row, table},
    store::row_of,
};
use provost_twin::error::TwinError;

/// What goes wrong around a chip rather than on its wire.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The probe.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The virtual chip.
    #[error(transparent)]
    Twin(#[from] TwinError),
    /// What names no serial line.
    #[error("'{given}' is no serial line (PORT, PORT:BAUD, tcp:ADDRESS:PORT, or twin:NAME)")]
    UartSelector {
        /// What was given.
        given: String,
    },
    /// A serial line that cannot be opened.
    #[error("the serial line {uart} cannot be opened: {source}")]
    UartOpen {
        /// The line.
        uart: String,
        /// Why.
        source: std::io::Error,
    },
    /// What names no USB bootloader.
    #[error("'{given}' is no USB bootloader (a serial number, usbip:ADDRESS:PORT, or twin:NAME)")]
    DfuSelector {
        /// What was given.
        given: String,
    },
    /// A USB bootloader that cannot be had.
    #[error("the USB bootloader {dfu} cannot be opened: {source}")]
    DfuOpen {
        /// The device.
        dfu: String,
        /// Why.
        source: std::io::Error,
    },
    /// A trace that cannot be read.
    #[error("the trace {} cannot be read: {source}", .path.display())]
    TraceFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is no trace.
    #[error("{} is no trace: {source}", .path.display())]
    Trace {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TraceError,
    },
    /// No real chip can be reached.
    #[error("this provost was built without debug probes: it reaches virtual chips only")]
    NoProbes,
}

table! {
    "twin-not-found" => Usage {
        causes: ["neither a preset nor a file of that name exists"],
        next: ["`provost twin list` names the presets, `provost twin new FILE` makes a chip"],
    }
    "twin-file-io" => Failed {
        causes: ["the folder is not writable", "the disk is full"],
        next: ["choose another place, or mend this one, and run the same command again"],
    }
    "twin-file-exists" => Refused {
        causes: ["a file of that name is there"],
        next: ["choose another name; nothing was overwritten"],
    }
    "twin-file-damaged" => Refused {
        causes: ["the file was edited by hand or cut short"],
        next: ["make a new one: `provost twin new FILE`; this one was not touched"],
    }
    "twin-file-newer" => Refused {
        causes: ["a newer version of provost wrote it"],
        next: ["update provost; the file was not touched"],
    }
    "twin-file-in-use" => PersonMustAct {
        causes: ["another provost works on this chip or serves it"],
        next: ["let it finish, or work on another chip; nothing was changed"],
    }
    "twin-door" => Failed {
        causes: ["another program listens on that port", "the port is not for this user"],
        next: ["name another port, or 0 to let the system choose"],
    }
    "twin-control" => Usage {
        causes: ["a misspelt control or value"],
        next: ["name one of those listed; nothing was done to the board"],
    }
    "twin-not-served" => Failed {
        causes: ["no `provost twin serve` runs on this chip file, or it was killed"],
        next: ["`provost twin serve FILE --cmsis-dap 0` serves it; without a server, the next command powers it up anew"],
    }
    "part-unknown" => Usage {
        causes: ["a misspelt part, or one of another family"],
        next: ["name it as it is written on the chip"],
    }
    "twin-flash-size" => Usage {
        causes: ["a size that this line is not sold with"],
        next: ["name one of the sizes in the message, as in --flash 1M, or the order code: --part STM32H563VG"],
    }
    "twin-switch" => Usage {
        causes: ["a misspelt switch or value"],
        next: ["`provost explain SWITCH` lists the values of one switch; `provost twin ledger` ends with all of them"],
    }
    "twin-option" => Usage {
        causes: ["a misspelt option behind the question mark, or one without =VALUE"],
        next: ["separate options by commas: twin:board.chip?leave-rss-da=power,nrst=not-wired"],
    }
    "uart-bad-selector" => Usage {
        causes: ["the line is misspelt, or its bit rate is not between 1200 and 2000000"],
        next: ["name it as the system does, with the rate behind a colon: --uart /dev/ttyUSB0:57600, --uart COM3"],
    }
    "uart-unopenable" => PersonMustAct {
        causes: ["no such port", "another program has it open", "your user may not use it (group dialout on Linux)"],
        next: ["close the other program, check the name and the rights, run the same command again"],
    }
    "dfu-bad-selector" => Usage {
        causes: ["the serial number is misspelt, or the next word was taken for one"],
        next: ["put --dfu at the end of the line, or name the device: `provost probes` lists them"],
    }
    "dfu-unopenable" => PersonMustAct {
        causes: [
            "the bootloader does not run: in Open it needs BOOT0 high at a reset, in a closed state it never runs",
            "it was woken on another interface: the first that speaks to it keeps it until the next reset",
            "your user may not use it (a udev rule on Linux, WinUSB on Windows), or another program has it open",
        ],
        next: [
            "hold BOOT0 high, reset the chip (NRST or power), plug its USB in, and run the same command again; nothing was written",
            "`provost probes` lists the devices, and says what keeps you from one",
        ],
    }
    "trace-file" => Failed {
        causes: ["no such file, or one that is not for this user", "what is in it is no text"],
        next: ["name a file that `provost selfcheck` wrote with --trace"],
    }
    "trace-damaged" => Refused {
        causes: ["the file was cut short or edited, or is no trace", "a newer version of provost wrote it"],
        next: ["have it sent again, as a file: mail programs break lines; it was not touched"],
    }
    "bench-no-probes" => Usage {
        causes: ["this program was built for virtual chips, without drivers for debug probes"],
        next: ["use a virtual chip: --probe twin:stuck-in-provisioning; or a provost with probes"],
    }
}

/// The row of each error of the bench and of the virtual chip; those of the wire are among the rows of the operations.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter()
}

impl BenchError {
    /// The row that speaks for it.
    fn row(&self) -> &'static Row {
        let code = match self {
            Self::Link(error) => error.code(),
            Self::Twin(error) => error.code(),
            Self::NoProbes => "bench-no-probes",
            Self::TraceFile { .. } => "trace-file",
            Self::Trace { source, .. } => source.code(),
            Self::UartSelector { .. } => "uart-bad-selector",
            Self::UartOpen { .. } => "uart-unopenable",
            Self::DfuSelector { .. } => "dfu-bad-selector",
            Self::DfuOpen { .. } => "dfu-unopenable",
        };
        let own = rows().find(|row| row.code == code).or_else(|| fault::find(code)).unwrap_or(&fault::UNFORESEEN);
        match self {
            Self::Twin(TwinError::Io { source, .. }) | Self::TraceFile { source, .. } => row_of(source, own),
            _ => own,
        }
    }
}

impl Fault for BenchError {
    fn code(&self) -> &'static str {
        self.row().code
    }

    fn exit(&self) -> Exit {
        self.row().exit
    }

    fn rules(&self) -> Vec<RuleId> {
        Vec::new()
    }

    fn remedy(&self) -> Remedy {
        self.row().into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn no_code_of_the_virtual_chip_is_without_a_row() {
        for code in TwinError::CODES {
            assert!(rows().any(|row| row.code == *code), "{code}");
        }
    }

    #[test]
    fn every_code_means_one_exit_also_among_those_of_the_operations() {
        let exits: BTreeMap<_, _> = fault::rows().map(|row| (row.code, row.exit)).collect();
        for row in rows() {
            assert!(!row.causes.is_empty() && !row.next.is_empty(), "{}", row.code);
            assert!(
                exits.get(row.code).is_none_or(|exit| *exit == row.exit),
                "{} means two things to a script",
                row.code
            );
        }
    }
}
