//! What the errors of the wire mean to a person.

use provost_link::LinkError;

use super::{table, told_by_rows};

table! {
    "link-no-probe" => PersonMustAct {
        causes: ["no debug probe is plugged in", "the operating system does not let you open it (udev rules on Linux)"],
        next: [
            "plug a probe in and run `provost probes`",
            "or try it first on a virtual chip: --probe twin:stuck-in-provisioning",
        ],
    }
    "link-stopped" => Interrupted {
        causes: ["a person stopped it"],
        next: ["run the same command again: it goes on, or begins anew; NRST was let go"],
    }
    "link-several-probes" => PersonMustAct {
        causes: ["more than one probe is plugged in"],
        next: ["name one: --probe VID:PID:SERIAL, as `provost probes` lists them"],
    }
    "link-bad-selector" => Usage {
        causes: ["the selector is misspelt"],
        next: ["use VID:PID[:SERIAL] as `provost probes` prints it, or twin:NAME"],
    }
    "link-probe-unopenable" => PersonMustAct {
        causes: ["another program holds the probe", "no permission"],
        next: ["close the other program, check permissions, try again"],
    }
    "link-probe-firmware-old" => PersonMustAct {
        causes: ["an ST-LINK/V2 before V2J28 cannot reach access port 1"],
        next: ["update the probe's firmware with ST's STSW-LINK007"],
    }
    "link-nrst-unsupported" => PersonMustAct {
        causes: ["this probe cannot drive its reset line"],
        next: ["use another probe: Debug Authentication needs NRST"],
    }
    "link-probe-unsupported" => PersonMustAct {
        causes: ["this probe or its driver lacks what is needed"],
        next: ["update its firmware, or use another probe: ST-LINK/V3, CMSIS-DAP v2 or J-Link"],
    }
    "link-probe-lost" => PersonMustAct {
        causes: ["the probe's USB cable was pulled or the probe crashed"],
        next: ["plug it in again and run the same command again"],
    }
    "link-probe-failed" => Failed {
        causes: ["the probe's firmware does not take a command of its driver", "the probe is stuck"],
        next: [
            "unplug the probe, plug it in again, run the same command again",
            "update its firmware; if it stays so, please report it with -vv",
        ],
    }
    "link-not-attached" => PersonMustAct {
        causes: ["the link to the chip was lost before, and nothing has attached to it since"],
        next: ["check supply and wiring, then run the same command again"],
    }
    "link-no-ack" => PersonMustAct {
        causes: [
            "the chip has no power",
            "SWDIO, SWCLK or GND is not connected",
            "the lines are too long for this clock",
        ],
        next: ["check supply and wiring, then run the same command again; with long or poor wires add --speed 500"],
    }
    "link-power-up" => PersonMustAct {
        causes: ["the debug port does not power up: no supply, or not an Arm debug port"],
        next: ["check supply and wiring"],
    }
    "link-not-a-debug-port" => PersonMustAct {
        causes: ["another kind of chip", "noise on the wire", "SWDIO and SWCLK are swapped"],
        next: ["check wiring and supply, and the marking on the package; nothing was written"],
    }
    "link-wait" => Failed {
        causes: ["an earlier transfer never ends: the bus behind the access port hangs", "the chip sleeps or its clock stands still"],
        next: ["remove power, give it back, run the same command again", "if it stays so, please report it with -vv"],
    }
    "link-fault" => Failed {
        causes: [
            "the bus refused the access: nothing answers at that address, or it is for secure accesses only",
            "an access port was closed meanwhile: the chip was reset, or its firmware closed it",
        ],
        next: ["`provost status` says what is open now", "if nothing speaks against the access, please report it with -vv"],
    }
    "link-parity" => Failed {
        causes: ["noise: a long cable, or a bad ground", "the supply sags"],
        next: ["use shorter lines with a ground beside them, then run the same command again"],
    }
    "link-protocol" => PersonMustAct {
        causes: ["two devices answer at once, or a line is stuck", "noise on the wire", "the chip lost power meanwhile"],
        next: ["check wiring and supply, and that no second probe is connected; then run the same command again"],
    }
    "link-ap-absent" => Refused {
        causes: ["the chip is no STM32H5", "noise on the wire while its access ports were counted"],
        next: ["check the marking on the package and the wiring; nothing was written through that port"],
    }
    "link-ap-disabled" => Refused {
        causes: ["the product state keeps this access port shut", "the ROM or secure firmware runs and has closed it"],
        next: ["`provost status` says what is open, and what opens the rest; nothing was written through that port"],
    }
    "link-size-unsupported" => Failed {
        causes: ["noise on the wire", "the access port is not that of an STM32H5"],
        next: ["check wiring and supply, then run the same command again", "if it stays so, please report it with -vv"],
    }
    "link-unaligned" | "link-address-range" | "link-outside-window" => Failed {
        causes: ["a fault in provost: the access was not sent"],
        next: ["please report it with -vv and the command line; this access wrote nothing"],
    }
    "link-core-not-halted" => Failed {
        causes: ["the core was reset or let run meanwhile: a watchdog, or another debugger"],
        next: ["close other debuggers and run the same command again"],
    }
    "link-off-trace" => Refused {
        causes: ["this command does something that was not done when the trace was recorded", "the trace was cut short"],
        next: ["a replayed chip can be read, and asked what it was asked then: `provost status`, `provost diagnose`, `provost selfcheck`"],
    }
    "link-timeout" => Failed {
        causes: ["the supply sags", "the chip was reset or unplugged meanwhile"],
        next: ["check supply and wiring, then run the same command again"],
    }
}

told_by_rows!(LinkError);
