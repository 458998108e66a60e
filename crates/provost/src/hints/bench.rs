//! Hints about probes, wires and virtual chips.

use super::{Hint, hint};

pub(super) const HINTS: &[Hint] = &[
    hint(
        "link-no-probe",
        &["no debug probe is plugged in", "the operating system does not let you open it (udev rules on Linux)"],
        &[
            "plug a probe in and run `provost probes`",
            "or try it first on a virtual chip: --probe twin:stuck-in-provisioning",
        ],
    ),
    hint(
        "link-several-probes",
        &["more than one probe is plugged in"],
        &["name one: --probe VID:PID:SERIAL, as `provost probes` lists them"],
    ),
    hint(
        "link-bad-selector",
        &["the selector is misspelt"],
        &["use VID:PID[:SERIAL] as `provost probes` prints it, or twin:NAME"],
    ),
    hint(
        "link-probe-unopenable",
        &["another program holds the probe", "no permission"],
        &["close the other program, check permissions, try again"],
    ),
    hint(
        "link-probe-firmware-old",
        &["an ST-LINK/V2 before V2J28 cannot reach access port 1"],
        &["update the probe's firmware with ST's STSW-LINK007"],
    ),
    hint(
        "link-nrst-unsupported",
        &["this probe cannot drive its reset line"],
        &["use another probe: Debug Authentication needs NRST"],
    ),
    hint(
        "link-no-ack",
        &[
            "the chip has no power",
            "SWDIO, SWCLK or GND is not connected",
            "the lines are too long or the clock too fast",
        ],
        &["check supply and wiring, then run the same command again"],
    ),
    hint(
        "link-power-up",
        &["the debug port does not power up: no supply, or not an Arm debug port"],
        &["check supply and wiring"],
    ),
    hint(
        "link-not-a-debug-port",
        &["another kind of chip", "noise on the wire", "SWDIO and SWCLK are swapped"],
        &["check wiring and supply, and the marking on the package; nothing was written"],
    ),
    hint(
        "link-probe-unsupported",
        &["this probe or its driver lacks what is needed"],
        &["update its firmware, or use another probe: ST-LINK/V3, CMSIS-DAP v2 or J-Link"],
    ),
    hint(
        "link-timeout",
        &["the supply sags", "the chip was reset or unplugged meanwhile"],
        &["check supply and wiring, then run the same command again"],
    ),
    hint(
        "link-probe-lost",
        &["the probe's USB cable was pulled or the probe crashed"],
        &["plug it in again and run the same command again"],
    ),
    hint(
        "twin-not-found",
        &["neither a preset nor a file of that name exists"],
        &["`provost twin list` names the presets, `provost twin new FILE` makes a chip"],
    ),
    hint(
        "twin-file-damaged",
        &["the file was edited by hand or cut short"],
        &["make a new one: `provost twin new FILE`; this one was not touched"],
    ),
    hint("twin-file-newer", &["a newer version of provost wrote it"], &["update provost; the file was not touched"]),
    hint(
        "twin-file-io",
        &["the folder does not exist or is not writable", "the disk is full"],
        &["choose another place, or mend this one, and run the same command again"],
    ),
    hint(
        "twin-door",
        &["another program listens on that port", "the port is not for this user"],
        &["name another port, or 0 to let the system choose"],
    ),
    hint(
        "twin-switch",
        &["a misspelt switch or value"],
        &["`provost explain SWITCH` lists the values of one switch; `provost twin ledger` ends with all of them"],
    ),
    hint(
        "twin-option",
        &["a misspelt option behind the question mark, or one without =VALUE"],
        &["separate options by commas: twin:board.chip?leave-rss-da=power,nrst=not-wired"],
    ),
];
