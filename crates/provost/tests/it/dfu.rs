//! `--dfu`: the ROM bootloader over USB in place of a debug probe, in this process and over USB/IP.

use crate::sandbox;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use sandbox::{Ended, Sandbox, validate};
use serde_json::Value;

#[test]
fn an_option_a_state_and_flash_over_usb() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563ZI");
    let usb = "--dfu twin:board.chip?boot0=high";
    let (code, status) = s.json(&format!("status {usb}"));
    assert_eq!((code, &status["product_state"], &status["bootloader"]["protocol"]), (0, &"open".into(), &0x30.into()));
    assert_eq!(s.run(&format!("option set IWDG_STOP=0 {usb}")).code, 0);
    assert_eq!(s.json(&format!("option get IWDG_STOP {usb}")).1["fields"][0]["value"], 0);
    let firmware: Vec<u8> = (0..20_000u32).map(|n| (n % 251) as u8).collect();
    fs::write(s.path("fw.bin"), &firmware).unwrap();
    for command in [
        "flash write fw.bin --at 0x08000000",
        "flash verify fw.bin --at 0x08000000",
        "flash read back.bin --at 0x08000000 --size 20000",
    ] {
        let run = s.run(&format!("{command} {usb}"));
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    }
    assert_eq!(fs::read(s.path("back.bin")).unwrap(), firmware);
    // What was written by USB is what the probe reads.
    assert_eq!(s.run("flash verify fw.bin --at 0x08000000 --probe twin:board.chip").code, 0);
}

#[test]
fn what_does_not_go_over_usb_says_so() {
    let s = Sandbox::new();
    s.run("twin new stuck.chip --preset stuck-in-provisioning");
    s.run("twin new closed.chip --part STM32H563 --state closed --tzen on");
    let before = s.read("stuck.chip");
    for (command, exit, code) in [
        ("rescue --dfu twin:stuck.chip", 4, "boot-probe-needed"),
        ("close --to closed --credential none --dfu twin:stuck.chip", 4, "wire-cannot"),
        ("auth discover --dfu twin:stuck.chip", 4, "wire-cannot"),
        ("option export --dfu twin:stuck.chip", 2, "uart-not-here"),
        ("status --dfu twin:stuck.chip --probe twin:stuck.chip", 2, "uart-and-probe"),
        ("status --dfu twin:stuck.chip --uart twin:stuck.chip", 2, "usage"),
        ("flash erase --at 0x08000000 --size 8192 --part STM32H533RE --dfu twin:stuck.chip", 3, "boot-secure-sectors"),
        ("status --part STM32H503 --dfu twin:stuck.chip", 3, "chip-part-mismatch"),
        ("status --dfu twin:stuck.chip?boot-usb-device-id=absent", 4, "boot-no-device-id"),
        ("status --dfu twin:fresh", 4, "dfu-unopenable"),
        ("status --dfu twin:closed.chip?boot0=high", 4, "dfu-unopenable"),
        ("status --dfu image.bin", 2, "dfu-bad-selector"),
        ("status --dfu usbip:127.0.0.1:1", 4, "dfu-unopenable"),
        ("status --dfu 0123456789AB", 4, "dfu-unopenable"),
    ] {
        let (found, value) = s.json(command);
        assert_eq!((found, &value["code"]), (exit, &Value::from(code)), "{command}: {value}");
        if found != 2 {
            validate(&value, command);
        }
    }
    assert_eq!(s.read("stuck.chip"), before);
    let run = s.run("status --dfu twin:stuck.chip?boot-usb-device-id=absent --part STM32H533");
    assert_eq!(run.code, 0, "{}", run.err);
}

#[test]
fn a_rescue_over_usb_and_probe_is_one_rescue() {
    for world in ["", "?boot-usb-options=absent,boot-usb-device-id=absent", "?boot-final-ack=lost,rss-return=resets"] {
        let s = Sandbox::new();
        s.run("twin new stuck.chip --preset stuck-in-provisioning");
        let usb = format!("--dfu twin:stuck.chip{world} --part STM32H533RE");
        let before = s.read("stuck.chip");
        let (code, refused) = s.json(&format!("rescue {usb}"));
        assert_eq!((code, &refused["code"]), (4, &"boot-probe-needed".into()), "{refused}");
        assert!(refused["message"].as_str().unwrap().contains("authenticate:full-regression"), "{refused}");
        assert!(!s.path("provost-rescue").exists() && s.read("stuck.chip") == before, "nothing was begun");
        let run = s.run(&format!("rescue {usb} --probe twin:stuck.chip{world}"));
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        assert!(run.err.contains("over twin:stuck.chip: provision-da:certificate"), "{}", run.err);
        let folders: Vec<_> = fs::read_dir(s.path("provost-rescue")).unwrap().map(|e| e.unwrap().path()).collect();
        let [folder] = folders.as_slice() else { panic!("one rescue: {folders:?}") };
        let receipt: Value = serde_json::from_slice(&fs::read(folder.join("receipt.json")).unwrap()).unwrap();
        assert_eq!(receipt["how"]["by"], "service", "{receipt}");
        assert_eq!(s.json("status --probe twin:stuck.chip").1["product_state"], "open");
    }
}

#[test]
fn a_chip_that_is_served_is_reached_by_usbip() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563ZI");
    let mut child = s
        .command(&["twin", "serve", "board.chip?boot0=high,boot-usb-poll=1-ms", "--usbip", "0", "--pty", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut door = || {
        let value: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        validate(&value, "twin serve");
        value
    };
    let (usbip, pty) = (door(), door());
    let _server = Ended(child);
    assert_eq!((&usbip["door"], &pty["door"]), (&"usbip".into(), &"pty".into()));
    let usb = format!("--dfu usbip:127.0.0.1:{}/1-1 --confirm", usbip["port"]);
    let on = format!("usbip:127.0.0.1:{}/1-1", usbip["port"]);
    assert_eq!(s.json(&format!("status --dfu {on}")).1["product_state"], "open");
    // It is no virtual chip as far as provost can see: it asks.
    let (code, refused) = s.json(&format!("option set IWDG_STOP=0 --dfu {on} --non-interactive"));
    assert_eq!((code, &refused["code"]), (3, &"not-confirmed".into()), "{refused}");
    let phrase = refused["confirm"].as_str().unwrap().to_owned();
    let mut words: Vec<String> = format!("option set IWDG_STOP=0 {usb}").split(' ').map(str::to_owned).collect();
    words.push(phrase);
    let status = s.command(&words.iter().map(String::as_str).collect::<Vec<_>>()).status().unwrap();
    assert_eq!(status.code(), Some(0), "the device resets, goes, and comes back");
    assert_eq!(s.json(&format!("option get IWDG_STOP --dfu {on}")).1["fields"][0]["value"], 0);
    // The first interface that speaks keeps the bootloader: the serial line is silent until the next reset.
    let (code, silent) = s.json(&format!("status --uart {}", pty["path"].as_str().unwrap()));
    assert_eq!((code, &silent["code"]), (4, &"boot-nobody".into()), "{silent}");
}
