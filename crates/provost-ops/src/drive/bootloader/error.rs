//! What stops work over the ROM bootloader.

use std::io;

use provost_chip::parts::PartId;

use crate::fault::faults;

faults! {
    /// Why the bootloader is of no use, or did not do what it acknowledged.
    pub enum BootloaderError {
        /// The line itself fails.
        #[error("the line {line} failed: {source}")]
        Lost {
            /// The line.
            line: String,
            /// Why.
            source: io::Error,
        } = "uart-lost", PersonMustAct {
            causes: ["the converter or the USB cable was unplugged, or the chip lost power", "the other end of the connection has gone"],
            next: [
                "reset the chip (NRST or power) before anything else is sent to it: it may wait for the rest of a command, and would take the next bytes for it",
                "plug it in again and run the same command again: what was written was read back before it was believed",
            ],
        }
        /// A person stopped it.
        #[error("stopped: no further command goes over {line}")]
        Stopped {
            /// The line.
            line: String,
        } = "uart-stopped", Interrupted {
            causes: ["somebody pressed Ctrl-C"],
            next: ["the command that was under way was finished; run the same command again: it reads what is there before it writes"],
        }
        /// Nobody answers the first byte.
        #[error("no bootloader answers on {line}")]
        NobodyThere {
            /// The line.
            line: String,
        } = "boot-nobody", PersonMustAct, [BootProvisioning, BootOpen, BootClosed, BootloaderUsbFirst] {
            causes: [
                "the bootloader does not run: in Open it needs BOOT0 high at a reset, in a closed state it never runs",
                "RX and TX are swapped, GND is missing, or these are not pins of the bootloader",
                "a USB host on the chip's own USB pins keeps the bootloader there",
                "it was woken at another bit rate before",
                "the line was cut in the middle of a command, and the bootloader waits for the rest of it",
            ],
            next: [
                "unplug the chip's USB, hold BOOT0 high, reset the chip (NRST or power), run the same command again; nothing was written",
                "or connect a debug probe, which `provost probes` lists, and give --probe instead",
            ],
        }
        /// Another family's bootloader.
        #[error("the bootloader on {line} calls itself device {id:#05x}, which is no STM32H5 known to provost")]
        UnknownDevice {
            /// The line.
            line: String,
            /// The id.
            id: u16,
        } = "boot-unknown-device", Refused {
            causes: ["the chip is of another family, or a part newer than this program"],
            next: ["check the marking on the package; nothing was written"],
        }
        /// A USB device that does not say which part it is.
        #[error("the bootloader on {line} does not tell its device id")]
        NoDeviceId {
            /// The device.
            line: String,
        } = "boot-no-device-id", PersonMustAct {
            causes: ["over USB a bootloader need not tell which part it is"],
            next: ["read the part off the package and say it: --part STM32H563VG; nothing was written"],
        }
        /// The line and the probe lead to different chips.
        #[error("what was written into SRAM over {line} is not there for {probe}: these are two chips")]
        TwoChips {
            /// The line.
            line: String,
            /// The probe.
            probe: String,
        } = "boot-two-chips", Refused {
            causes: ["--uart or --dfu and --probe are plugged into different boards"],
            next: ["plug both into the board that is meant and run the same command again; nothing was stored in either"],
        }
        /// What is left takes a debug probe.
        #[error("over {line} a credential can be provisioned, and that is all; SWD and NRST are needed for: {steps}")]
        ProbeNeeded {
            /// The line.
            line: String,
            /// The steps that it cannot do.
            steps: String,
        } = "boot-probe-needed", PersonMustAct, [BackOnlyByDa, DaNeedsNrst] {
            causes: [
                "the way back to Open ends in Debug Authentication, which speaks through the mailbox behind AP0 and begins with a reset by NRST: no bootloader serves it",
            ],
            next: [
                "connect a debug probe with NRST and run the same command again with --probe VID:PID beside it: what the bootloader can do goes over the bootloader; nothing was written",
                "or leave --uart or --dfu out: over the probe alone everything is done, too",
            ],
        }
        /// The part given does not have this device id.
        #[error("the bootloader calls itself device {id:#05x}, which is not that of {given}")]
        PartMismatch {
            /// The part given.
            given: PartId,
            /// The id.
            id: u16,
        } = "boot-part-mismatch", Refused, [DevIdNotCrypto] {
            causes: ["--part names another part than the one on the line"],
            next: ["correct --part, or leave it out; nothing was written"],
        }
        /// What was acknowledged is not there.
        #[error("the bootloader acknowledged what it did not do: {wrong} of {length} bytes at {address:#010x} are not as written")]
        NotWritten {
            /// First address that differs.
            address: u32,
            /// How many bytes were written.
            length: usize,
            /// How many of them differ.
            wrong: usize,
        } = "boot-not-written", Failed, [BootloaderAck] {
            causes: [
                "the flash there was not erased, is write-protected, or belongs to the secure world",
                "the supply sags",
            ],
            next: ["`provost option list` over the same line shows WRPSG and SECWM; run the same command again once they allow it"],
        }
        /// The same words read otherwise the second time.
        #[error("the option bytes at {address:#010x} read otherwise each time")]
        ReadsDiffer {
            /// The first address of the image.
            address: u32,
        } = "boot-reads-differ", Failed {
            causes: ["noise on the line, or a bit rate that the converter does not keep", "somebody else changes them"],
            next: [
                "nothing was written: shorten the line, take a lower bit rate (--uart PORT:19200), reset the chip, and run the same command again",
            ],
        }
        /// Sectors of the secure world.
        #[error("{sectors} secure (TZEN, SECWM), and the bootloader is not")]
        SecureSectors {
            /// The sectors, in words.
            sectors: String,
        } = "boot-secure-sectors", Refused, [SecureAliasReadsZero] {
            causes: ["TrustZone is on, and the secure watermark covers these sectors"],
            next: ["in Open, use a debug probe: --probe VID:PID; nothing was written"],
        }
        /// The chip reset and its bootloader did not come back.
        #[error("the chip was reset by {doing}, and its bootloader did not come back")]
        Gone {
            /// What was done.
            doing: &'static str,
        } = "boot-gone", Interrupted, [BootOpen, BootProvisioning] {
            causes: ["BOOT0 is low again, so that the chip runs its firmware", "the chip went on to a state without a bootloader"],
            next: [
                "hold BOOT0 high, reset the chip, and run the same command again: it reads what is there before it writes",
                "or look with a debug probe, which `provost probes` lists: --probe",
            ],
        }
        /// The product state did not change.
        #[error("the product state was to become {wanted} and is {found}")]
        StateUnchanged {
            /// Wanted.
            wanted: provost_chip::states::ProductState,
            /// Found.
            found: provost_chip::states::ProductState,
        } = "boot-state-unchanged", Failed, [BackwardIgnored, BootloaderState] {
            causes: ["the chip does not take this step from where it is"],
            next: ["`provost explain STATE` says which steps there are"],
        }
    }
}
