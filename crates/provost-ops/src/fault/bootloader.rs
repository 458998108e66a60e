//! What the errors of the bootloader's protocol mean to a person.

use provost_bootloader::{an3155::HostError, dfu::DfuError, usb::DescriptorError};

use super::{table, told_by_rows};

table! {
    "boot-silent" => PersonMustAct {
        causes: ["the chip was reset or lost power meanwhile", "a line is open or stuck", "the bit rate is too high for the converter"],
        next: ["reset the chip into its bootloader (BOOT0 high) and run the same command again", "if it stays so, name a lower rate: --uart PORT:57600"],
    }
    "boot-refused" => Failed {
        causes: [
            "the address is in no memory that the bootloader serves, or the product state keeps it from memory",
            "noise on the line",
        ],
        next: ["`provost status` over the same line says the product state", "check wiring and ground, then run the same command again"],
    }
    "boot-garbled" | "boot-length" | "boot-surplus" => Failed {
        causes: ["noise on the line, or no parity: the line must be 8E1", "what answers is no bootloader of ST's"],
        next: ["check wiring and ground, reset the chip into its bootloader, run the same command again"],
    }
    "boot-not-served" => Refused {
        causes: ["a bootloader that provost does not know"],
        next: ["use a debug probe: --probe VID:PID; nothing was written by this command of the bootloader"],
    }
    "dfu-reported" | "dfu-stalled" => Failed {
        causes: [
            "the address is in no memory that the bootloader serves, or the product state keeps it from memory",
            "the bootloader does not take this command over USB",
        ],
        next: [
            "`provost status` over the same line says the product state",
            "unplug USB, reset the chip into its bootloader (BOOT0 high), plug USB in and run the same command again",
        ],
    }
    "dfu-state" | "dfu-busy" | "dfu-length" | "dfu-no-status" => Failed {
        causes: ["the USB device is no bootloader of ST's, or one that got stuck", "a hub or cable that loses packets"],
        next: ["unplug USB, reset the chip into its bootloader (BOOT0 high), plug USB in and run the same command again"],
    }
    "usb-descriptor-cut" | "usb-no-dfu" | "usb-no-blocks" => Refused {
        causes: ["this is another USB device, or firmware that has a DFU interface of its own", "a hub or cable that loses packets"],
        next: ["reset the chip into its bootloader (BOOT0 high), and run the same command again; nothing was written"],
    }
    "dfu-not-served" => Refused {
        causes: ["DfuSe has fewer commands than the serial bootloader"],
        next: ["use the serial line (--uart) or a debug probe (--probe VID:PID); nothing was written by this command"],
    }
    "dfu-argument" => Failed {
        causes: ["a fault in provost: nothing was sent"],
        next: ["please report it with -vv and the command line"],
    }
    "boot-too-much" | "boot-unaligned" => Failed {
        causes: ["a fault in provost: the command was not sent"],
        next: ["please report it with -vv and the command line"],
    }
}

told_by_rows!(HostError);
told_by_rows!(DfuError);
told_by_rows!(DescriptorError);
