//! A stranger at the wire: pyOCD reaches a virtual chip through its own remote protocol.
//!
//! Needs a pyOCD, named by `PYOCD` or on the path. It has no flash driver for this family without a pack that it would fetch, so it is
//! asked to read, to stop and to step.

use std::process::Command;

use provost_testkit::strangers;

use crate::{sandbox::Sandbox, serving::Server};

/// What pyOCD prints when it is told these things, one after the other.
fn ask(program: &str, server: &Server, options: &[&str], commands: &[&str]) -> String {
    let uid = format!("remote:127.0.0.1:{}", server.port("pyocd"));
    let mut command = Command::new(program);
    command.args(["commander", "--uid", &uid, "--target", "cortex_m"]).args(options);
    // No configuration of the person who runs the tests.
    command.args(["--no-config", "-O", "pack.debug_sequences.enable=false"]);
    command.args(commands.iter().chain(&["exit"]).flat_map(|line| ["-c", line]));
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn assert_all(text: &str, expected: &[&str]) {
    for expected in expected {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

#[test]
fn pyocd_resets_steps_and_stops_the_core() {
    let Some(program) = strangers::pyocd() else { return };
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563");
    let server = Server::start(&s, "board.chip");
    let dump = s.path("dump.bin");
    let text = ask(
        &program,
        &server,
        &[],
        &[
            "reset halt",
            "reg pc sp xpsr",
            // MOVS r0, #1; ADDS r0, #1 (twice); B to the first of them.
            "write32 0x20000000 0x30012001 0xE7FC3001",
            "wreg pc 0x20000000",
            "step",
            "step",
            "reg r0",
            "break 0x20000006",
            "go",
            "sleep 50",
            "status",
            "reg pc",
            "rmbreak 0x20000006",
            &format!("savemem 0x08000000 0x400 {}", dump.display()),
            "reset",
            "status",
        ],
    );
    let expected = [
        "pc = 0x08000200",
        "sp = 0x30004000",
        "xpsr = 0x01000000",
        "r0 = 0x00000002",
        "):  Halted",
        "pc = 0x20000006",
        "):  Running",
    ];
    let lower = text.to_lowercase();
    let expected = expected.map(str::to_lowercase);
    assert_all(&lower, &expected.each_ref().map(String::as_str));
    assert!(!lower.contains("error"), "{text}");
    let bytes = std::fs::read(&dump).unwrap();
    assert_eq!((bytes.len(), &bytes[..4]), (0x400, &0x3000_4000_u32.to_le_bytes()[..]));
}

#[test]
fn pyocd_is_refused_by_a_closed_chip_and_leaves_it_unharmed() {
    let Some(program) = strangers::pyocd() else { return };
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563 --tzen on --state closed");
    let before = s.read("board.chip");
    let server = Server::start(&s, "board.chip");
    let text = ask(&program, &server, &[], &["reset halt", "read32 0x40022050", "write32 0x40022008 1"]);
    assert!(!text.contains("40022050:"), "AP1 is shut: {text}");
    let text = ask(&program, &server, &["-M", "attach", "-N"], &["initdp", "showmap", "readap 1 0x0"]);
    assert!(!text.contains("40022050:"), "{text}");
    drop(server);
    assert_eq!(s.read("board.chip"), before);
}

/// AP1 of a chip in Provisioning is shut while the ROM runs after a reset; the sleep of a stranger is long enough for it.
#[test]
fn pyocd_reads_a_chip_in_provisioning_after_a_sleep() {
    let Some(program) = strangers::pyocd() else { return };
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H533 --tzen on --state provisioning");
    let server = Server::start(&s, "board.chip");
    let text = ask(&program, &server, &["-M", "attach"], &["sleep 20", "read32 0x40022050"]);
    let word = text.lines().find_map(|line| line.strip_prefix("40022050:")).unwrap_or_else(|| panic!("{text}"));
    let word = word.split_whitespace().next().unwrap();
    assert_eq!(u32::from_str_radix(word, 16).unwrap() >> 8 & 0xFF, 0x17, "{text}");
}
