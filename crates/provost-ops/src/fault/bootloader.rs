//! What the errors of the bootloader's protocol mean to a person.

use provost_bootloader::an3155::HostError;

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
    "boot-too-much" | "boot-unaligned" => Failed {
        causes: ["a fault in provost: the command was not sent"],
        next: ["please report it with -vv and the command line"],
    }
}

told_by_rows!(HostError);
