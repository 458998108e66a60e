//! Strangers at the ROM bootloader: Debian's stm32flash on the pseudo-terminal, and Debian's dfu-util with its own USB driver, which meets
//! the exported device through umockdev. Where they are missing the tests say that they are skipped; with `PROVOST_REQUIRE_STRANGERS` they
//! fail instead.

use crate::sandbox;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use provost_testkit::strangers;
use sandbox::{Ended, Sandbox};
use serde_json::Value;

/// The chip at a door, served until this is dropped; and the chip is kept then.
struct Served {
    server: Ended,
    door: Value,
}

impl Served {
    fn at(s: &Sandbox, chip: &str, door: &[&str]) -> Self {
        let words = [&["twin", "serve", chip, "--json"][..], door].concat();
        let mut child = s.command(&words).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { server: Ended(child), door: serde_json::from_str(&line).unwrap() }
    }

    /// Ends the service as Ctrl-C does.
    fn end(mut self) {
        let id = self.server.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        assert_eq!(self.server.0.wait().unwrap().code(), Some(0));
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs it, and ends it where it does not end by itself.
fn within(seconds: u64, command: &mut Command) -> Output {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(seconds) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

/// It knows no STM32H5, and says so behind the id: as far as that its frames and ours are the same.
#[test]
fn stm32flash_reads_the_device_id_and_stops_there() {
    if !strangers::installed_by("stm32flash", &["-h"]) {
        return;
    }
    let s = Sandbox::new();
    for (part, id) in [("STM32H503", "0x474"), ("STM32H533", "0x478"), ("STM32H563", "0x484")] {
        s.run(&format!("twin new {part}.chip --part {part}"));
        let before = s.read(&format!("{part}.chip"));
        let served = Served::at(&s, &format!("{part}.chip?boot0=high"), &["--pty"]);
        let pty = served.door["path"].as_str().unwrap();
        // 8E1, as the bootloader wants it, is more than a pseudo-terminal of Linux keeps: it reads its settings back and gives up.
        let even = text(&within(20, Command::new("stm32flash").arg(pty)));
        assert!(even.contains("Cannot handle device"), "{even}");
        let none = text(&within(20, Command::new("stm32flash").args(["-m", "8n1", pty])));
        assert!(none.contains("GET returns unknown commands (0x50, 0x51)"), "{none}");
        assert!(none.contains(&format!("Unknown/unsupported device (Device ID: {id})")), "{none}");
        println!("stm32flash, {part}: {}", none.lines().last().unwrap_or_default());
        served.end();
        assert!(s.read(&format!("{part}.chip")) == before, "{part}: looking changes nothing");
    }
    // No bootloader, no answer; in Provisioning it runs without BOOT0.
    s.run("twin new closed.chip --part STM32H563 --state closed");
    s.run("twin new provisioning.chip --part STM32H563 --state provisioning --tzen on");
    for (chip, says) in [
        ("STM32H563.chip", "Failed to init device"),
        ("closed.chip?boot0=high", "Failed to init device"),
        ("provisioning.chip", "Device ID: 0x484"),
    ] {
        let served = Served::at(&s, chip, &["--pty"]);
        let pty = served.door["path"].as_str().unwrap();
        let answer = text(&within(30, Command::new("stm32flash").args(["-m", "8n1", pty])));
        assert!(answer.contains(says), "{chip}: {answer}");
    }
}

/// dfu-util with the one USB device that is exported at this port.
fn dfu_util(port: &Value, words: &[&str]) -> (bool, String) {
    let bed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/strangers/usb_of_usbip.py");
    let mut command = Command::new("/usr/bin/python3");
    command.args([bed, &port.to_string(), "dfu-util"]).args(words);
    let output = within(60, &mut command);
    (output.status.success(), text(&output))
}

#[test]
fn dfu_util_lists_writes_and_reads_byte_for_byte_where_the_rules_let_it() {
    let bed = "import gi; gi.require_version('UMockdev', '1.0'); from gi.repository import UMockdev";
    if !strangers::installed_by("dfu-util", &["--version"])
        || !strangers::installed_by("umockdev-run", &["--version"])
        || !strangers::installed_by("/usr/bin/python3", &["-c", bed])
    {
        return;
    }
    let s = Sandbox::new();
    let firmware: Vec<u8> = (0..100 * 1024u32).map(|n| (n * 7 % 251) as u8).collect();
    fs::write(s.path("fw.bin"), &firmware).unwrap();
    let [image, back] = ["fw.bin", "back.bin"].map(|name| s.path(name).to_str().unwrap().to_owned());
    for (state, tz) in [("open", "off"), ("open", "on"), ("provisioning", "off"), ("provisioning", "on")] {
        s.run(&format!("twin new board.chip --part STM32H563ZI --state {state} --tzen {tz} --empty"));
        let before = s.read("board.chip");
        let served = Served::at(&s, "board.chip?boot0=high,boot-usb-poll=1-ms", &["--usbip", "0"]);
        let port = &served.door["port"];
        let (_, list) = dfu_util(port, &["-l"]);
        for says in ["[0483:df11] ver=0300", "alt=0, name=\"@Internal Flash   /0x08000000/256*08Kg\"", "alt=3"] {
            assert!(list.contains(says), "{state} {tz}: {list}");
        }
        let (written, says) = dfu_util(port, &["-a", "0", "-s", "0x08000000", "-D", &image]);
        assert!(written, "{state} {tz}: {says}");
        let _ = fs::remove_file(&back);
        let (read, says) = dfu_util(port, &["-a", "0", "-s", "0x08000000:102400", "-U", &back]);
        assert!(read, "{state} {tz}: {says}");
        let found = fs::read(&back).unwrap();
        // Nothing else than what it says lies in its memory map is asked for.
        let (outside, says) = dfu_util(port, &["-a", "0", "-s", "0x20010000:16", "-U", &back]);
        assert!(!outside, "{says}");
        served.end();
        if tz == "off" {
            assert!(found == firmware, "{state}: byte for byte");
        } else {
            // Every sector is of the secure world: what is written there is passed over without a word, and reads as zero.
            assert!(found.iter().all(|byte| *byte == 0), "{state}: secure sectors are not shown");
            assert!(s.read("board.chip") == before, "{state}: the chip is unharmed");
        }
        let flash = s.run("flash verify fw.bin --at 0x08000000 --probe twin:board.chip --part STM32H563ZI");
        assert_eq!(flash.code == 0, tz == "off", "{state} {tz}: {}", flash.err);
        fs::remove_file(s.path("board.chip")).unwrap();
    }
    // Behind Provisioning no bootloader runs, whatever BOOT0 is: there is no device.
    for (state, tz) in [("closed", "on"), ("closed", "off"), ("tz-closed", "on"), ("locked", "off")] {
        s.run(&format!("twin new {state}-{tz}.chip --part STM32H563ZI --state {state} --tzen {tz}"));
        let before = s.read(&format!("{state}-{tz}.chip"));
        let served = Served::at(&s, &format!("{state}-{tz}.chip?boot0=high"), &["--usbip", "0"]);
        let (listed, says) = dfu_util(&served.door["port"], &["-l"]);
        assert!(!listed && says.contains("no device is exported"), "{state} {tz}: {says}");
        served.end();
        assert!(s.read(&format!("{state}-{tz}.chip")) == before, "{state} {tz}");
    }
}
