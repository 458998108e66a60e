//! A stranger at the wire: OpenOCD reaches a virtual chip through each door of `twin serve`, sees what provost sees, and resets, steps and
//! runs the core.
//!
//! Needs an OpenOCD whose remote_bitbang adapter speaks SWD, named by `OPENOCD` or on the path. Without one the test says
//! that it is skipped; with `PROVOST_REQUIRE_STRANGERS` set it fails instead.

use crate::{sandbox, serving::Server};

use std::process::Command;

use provost_testkit::strangers;
use sandbox::Sandbox;
use serde_json::Value;

/// What OpenOCD's configuration says to reach a door.
const DOORS: [(&str, &str); 2] = [
    ("remote-bitbang", "adapter driver remote_bitbang; remote_bitbang port PORT; remote_bitbang host 127.0.0.1"),
    (
        "cmsis-dap",
        "adapter driver cmsis-dap; cmsis-dap backend tcp; cmsis-dap tcp host 127.0.0.1; cmsis-dap tcp port PORT",
    ),
];

/// The configuration of each door.
fn doors(server: &Server) -> Vec<String> {
    DOORS.iter().map(|(door, config)| config.replace("PORT", &server.port(door).to_string())).collect()
}

/// Servers of OpenOCD's own are off, so that tests may run side by side.
const QUIET: &str = "gdb port disabled; tcl port disabled; telnet port disabled; transport select swd; \
     swd newdap chip cpu -expected-id 0x6ba02477; dap create chip.dap -chain-position chip.cpu";
const PORTS: &str =
    "target create chip.ap0 mem_ap -dap chip.dap -ap-num 0; target create chip.ap1 mem_ap -dap chip.dap -ap-num 1";
const CORE: &str = "target create chip.ap0 mem_ap -dap chip.dap -ap-num 0; target create chip.core cortex_m -dap chip.dap -ap-num 1; \
     targets chip.core; reset_config srst_only; cortex_m reset_config sysresetreq";

fn ask(program: &str, door: &str, targets: &str, questions: &str) -> String {
    let script = format!("{door}; {QUIET}; {targets}; init; {questions}; shutdown");
    let output = Command::new(program).args(["-c", &script]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The words that OpenOCD printed for `mdw` at this address.
fn word_at(text: &str, address: u32) -> u32 {
    let head = format!("{address:#010x}:");
    let line = text.lines().find(|l| l.starts_with(&head)).unwrap_or_else(|| panic!("{head} is not in\n{text}"));
    u32::from_str_radix(line[head.len()..].split_whitespace().next().unwrap(), 16).unwrap()
}

#[test]
fn openocd_sees_what_provost_sees() {
    let Some(program) = strangers::openocd() else { return };
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H533RE --tzen on --state provisioning");
    let (_, status) = s.json("status --probe twin:board.chip");
    for door in doors(&Server::start(&s, "board.chip")) {
        let text = ask(
            &program,
            &door,
            PORTS,
            "echo [dap info 0]; echo [dap info 1]; echo [chip.ap0 mdw 0xE0044000]; \
             echo [chip.ap1 mdw 0x40022050]; echo [chip.ap1 mdw 0x40022070]",
        );
        assert!(text.contains("0x54770002"), "AP0 is an APB-AP: {text}");
        assert!(text.contains("0x84770001"), "AP1 is an AHB5-AP: {text}");
        let identity = &status["identity"];
        let idcode = word_at(&text, 0xE004_4000);
        assert_eq!(u64::from(idcode & 0xFFF), identity["dev_id"].as_u64().unwrap());
        assert_eq!(u64::from(idcode >> 16), identity["rev_id"].as_u64().unwrap());
        assert_eq!(u64::from(word_at(&text, 0x4002_2050)), identity["options"]["optsr_cur"].as_u64().unwrap());
        assert_eq!(u64::from(word_at(&text, 0x4002_2070)), identity["options"]["optsr2_cur"].as_u64().unwrap());
    }
}

/// A closed chip answers on AP0 alone, and is as it was after a stranger has tried to reset and halt it.
#[test]
fn openocd_finds_ap1_shut_on_a_closed_chip_and_leaves_it_unharmed() {
    let Some(program) = strangers::openocd() else { return };
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563 --tzen on --state closed");
    let before = s.read("board.chip");
    for door in doors(&Server::start(&s, "board.chip")) {
        let text = ask(
            &program,
            &door,
            PORTS,
            "echo [chip.ap0 mdw 0xE0044000]; catch {chip.ap1 mdw 0x40022050} why; echo \"AP1: $why\"",
        );
        assert_eq!(word_at(&text, 0xE004_4000) & 0xFFF, 0x484);
        assert!(!text.contains("0x40022050:"), "AP1 must be shut: {text}");
        assert!(text.contains("AP1: "), "{text}");
        ask(&program, &door, CORE, "catch {reset halt}; catch {mww 0x40022008 1}; catch {reset run}");
    }
    assert_eq!(s.read("board.chip"), before);
}

/// MOVS r0, #1; ADDS r0, #1 (twice); B to the first of them, as words in SRAM.
const COUNTER: &str = "mww 0x20000000 0x30012001; mww 0x20000004 0xE7FC3001";

#[test]
fn openocd_resets_steps_and_runs_the_core() {
    let Some(program) = strangers::openocd() else { return };
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563");
    let dump = s.path("dump.bin");
    for door in doors(&Server::start(&s, "board.chip")) {
        let text = ask(
            &program,
            &door,
            CORE,
            &format!(
                "reset halt; echo \"at [dict get [get_reg pc] pc] sp [dict get [get_reg msp] msp]\"; {COUNTER}; \
                 reg pc 0x20000000; step; step; echo \"r0 [dict get [get_reg r0] r0]\"; \
                 bp 0x20000006 2 hw; resume; wait_halt 1000; echo \"stopped [dict get [get_reg pc] pc]\"; rbp all; \
                 dump_image {dump} 0x08000000 0x400; reset run; echo \"state [chip.core curstate]\"",
                dump = dump.display()
            ),
        );
        for expected in ["at 0x08000200 sp 0x30004000", "r0 0x00000002", "stopped 0x20000006", "state running"] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
        assert!(text.contains("target has 8 breakpoints, 4 watchpoints"), "{text}");
        assert!(!text.contains("Error:"), "{text}");
        // The vector table whose first two words the core has taken.
        let bytes = std::fs::read(&dump).unwrap();
        assert_eq!((bytes.len(), &bytes[..4]), (0x400, &0x3000_4000_u32.to_le_bytes()[..]));
    }
}

/// AP1 of a chip in Provisioning is shut while the ROM runs after a reset; a stranger that sleeps finds it open.
#[test]
fn a_sleep_is_long_enough_for_the_rom() {
    let Some(program) = strangers::openocd() else { return };
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H533 --tzen on --state provisioning");
    for door in doors(&Server::start(&s, "board.chip")) {
        let text = ask(
            &program,
            &format!("{door}; reset_config srst_only"),
            PORTS,
            "adapter assert srst; sleep 5; adapter deassert srst; sleep 20; echo [chip.ap1 mdw 0x40022050]",
        );
        assert_eq!(word_at(&text, 0x4002_2050) >> 8 & 0xFF, 0x17, "{text}");
    }
}

/// A loop that counts in R0 and in memory, and calls a function in each turn.
const PROGRAM: &str = "
    .syntax unified
    .cpu cortex-m33
    .global _start
    .thumb_func
_start:
    movs r0, #0
    ldr r1, =0x20001000
1:  adds r0, #1
    str r0, [r1]
    bl routine
    b 1b
    .thumb_func
routine:
    adds r2, r0, #5
    bx lr
    .pool
";

/// GDB, through OpenOCD, loads a program into SRAM, stops at a breakpoint, steps, and stops there again.
#[test]
fn gdb_loads_breaks_and_steps() {
    let Some(program) = strangers::openocd() else { return };
    let tools = ["gdb-multiarch", "arm-none-eabi-as", "arm-none-eabi-ld"];
    if !strangers::installed(&tools) {
        return;
    }
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H533");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(file("p.s"), PROGRAM).unwrap();
    for line in [
        ["arm-none-eabi-as", "-o", &file("p.o"), &file("p.s")].to_vec(),
        ["arm-none-eabi-ld", "-Ttext=0x20000000", "-o", &file("p.elf"), &file("p.o")].to_vec(),
    ] {
        assert!(Command::new(line[0]).args(&line[1..]).status().unwrap().success(), "{line:?}");
    }
    for door in doors(&Server::start(&s, "board.chip")) {
        let config =
            format!("gdb port pipe; {door}; {}; {CORE}; init; reset halt", QUIET.replace("gdb port disabled; ", ""));
        let connect = format!("target extended-remote | {program} -l {} -c '{config}'", file("log"));
        let commands = [
            connect.as_str(),
            "load",
            "set $pc=_start",
            "set $xpsr=0x01000000",
            "break routine",
            "continue",
            "stepi",
            "printf \"first %d %d\\n\", $r0, $r2",
            "continue",
            "printf \"second %d %d\\n\", $r0, *(int*)0x20001000",
        ];
        let output = Command::new("gdb-multiarch")
            .args(["-nx", "-batch", &file("p.elf")])
            .args(commands.iter().flat_map(|command| ["-ex", command]))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        for expected in ["Loading section .text", "Breakpoint 1, ", "first 1 6", "second 2 2"] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
    }
}
/// Firmware for the secure bank: a vector table, and a loop that counts in R0 and calls a function in each turn.
const SECURE_PROGRAM: &str = "
    .syntax unified
    .cpu cortex-m33
    .word 0x30004000
    .word _start + 1
    .global _start
    .thumb_func
_start:
    movs r0, #0
    ldr r1, =0x30001000
1:  adds r0, #1
    str r0, [r1]
    bl routine
    b 1b
    .thumb_func
routine:
    adds r2, r0, #5
    bx lr
    .pool
";

fn provost(s: &Sandbox, words: &[&str]) -> Value {
    let output = s.command(words).arg("--json").output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A closed product with this program inside, and its certificate in `safe/board`.
fn closed_product(s: &Sandbox, image: &str) {
    for line in [
        "twin new board.chip --part STM32H563 --tzen on",
        &format!("flash write {image} --probe twin:board.chip --part STM32H563"),
        "credential new --method certificate --part STM32H563 --out safe/board",
    ] {
        let run = s.run(line);
        assert_eq!(run.code, 0, "{line}: {}", run.err);
    }
    // The credential of this test lies in a temporary folder.
    let close =
        "close --to closed --credential safe/board --override P-CUSTODY --part STM32H563 --probe twin:board.chip";
    let close: Vec<&str> = close.split(' ').collect();
    let asked = provost(s, &close);
    let phrase = asked["confirm"].as_str().unwrap_or_else(|| panic!("{asked:#}"));
    let closed = provost(s, &[&close[..], &["--confirm", phrase]].concat());
    assert_eq!(closed["schema"], "provost.close-receipt/1", "{closed:#}");
}

/// A closed product: OpenOCD reads nothing of it. After `auth open` it reads the secure flash, and GDB stops the product's own code at
/// a breakpoint, twice; after `auth close-debug` nothing is read again. The chip is served all the while, and nothing of it is erased.
#[test]
fn strangers_debug_a_closed_product_once_it_was_opened_for_them() {
    let Some(program) = strangers::openocd() else { return };
    if !strangers::installed(&["gdb-multiarch", "arm-none-eabi-as", "arm-none-eabi-ld"]) {
        return;
    }
    let s = Sandbox::new();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(file("p.s"), SECURE_PROGRAM).unwrap();
    for line in [
        ["arm-none-eabi-as", "-o", &file("p.o"), &file("p.s")].to_vec(),
        ["arm-none-eabi-ld", "-Ttext=0x0C000000", "-o", &file("p.elf"), &file("p.o")].to_vec(),
    ] {
        assert!(Command::new(line[0]).args(&line[1..]).status().unwrap().success(), "{line:?}");
    }
    closed_product(&s, &file("p.elf"));
    let before = s.read("board.chip");
    let server = Server::start(&s, "board.chip");
    let probe = ["--probe", "twin:board.chip"];
    let open = ["auth", "open", "--permission", "level-1-intrusive-debug", "--credential", "safe/board"];
    for door in doors(&server) {
        let read = || ask(&program, &door, PORTS, "catch {chip.ap1 mdw 0x0C000000} why; echo $why");
        assert!(!read().contains("0x0c000000:"), "AP1 is shut");
        let opened = provost(&s, &[&open[..], &probe].concat());
        assert_eq!(
            (&opened["schema"], &opened["view"]["secure"]),
            (&"provost.auth-opened/1".into(), &true.into()),
            "{opened:#}"
        );
        assert_eq!(word_at(&read(), 0x0C00_0000), 0x3000_4000);

        let quiet = QUIET.replace("gdb port disabled; ", "");
        let core = CORE.replace("reset_config srst_only", "reset_config none");
        let connect = format!(
            "target extended-remote | {program} -l {} -c 'gdb port pipe; {door}; {quiet}; {core}; init; halt'",
            file("log")
        );
        let commands = [
            connect.as_str(),
            "hbreak routine",
            "continue",
            "printf \"first %d %d\\n\", $r0, *(int*)0x30001000",
            "continue",
            "printf \"second %d %d\\n\", $r0, *(int*)0x30001000",
        ];
        let output = Command::new("gdb-multiarch")
            .args(["-nx", "-batch", &file("p.elf")])
            .args(commands.iter().flat_map(|command| ["-ex", command]))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let counts = |name: &str| -> Vec<u32> {
            let line =
                text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {text}"));
            line.split_whitespace().map(|word| word.parse().unwrap()).collect()
        };
        let (first, second) = (counts("first "), counts("second "));
        assert_eq!(first[0], first[1], "{text}");
        assert_eq!(second, [first[0] + 1; 2], "one turn later: {text}");

        let closed = provost(&s, &[&["auth", "close-debug"], &probe[..]].concat());
        assert_eq!(closed["after"]["ap1"], false, "{closed:#}");
        assert!(!read().contains("0x0c000000:"), "AP1 is shut again");
    }
    drop(server);
    assert_eq!(s.read("board.chip"), before, "nothing was erased, nothing written");
}
