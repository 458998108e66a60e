//! `--uart`: the ROM bootloader in place of a debug probe, in this process and over `twin serve`.

use crate::sandbox;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use provost_chip::{
    parts::PartId,
    states::{ProductState, TrustZone},
};
use sandbox::{Ended, Sandbox, validate};
use serde_json::Value;

#[test]
fn status_of_every_part_in_every_state() {
    let s = Sandbox::new();
    for part in PartId::all() {
        let settings = if part.info().trustzone { &TrustZone::ALL[..] } else { &[TrustZone::Disabled] };
        for (state, tz) in ProductState::ALL.into_iter().flat_map(|state| settings.iter().map(move |tz| (state, tz))) {
            let file = format!("{part}-{}-{}.chip", state.as_str(), tz.as_str());
            let make = format!("twin new {file} --part {part} --state {} --tzen {}", state.as_str(), tz.as_str());
            let (made, says) = s.json(&make);
            if made != 0 {
                assert_eq!((made, &says["code"]), (2, &"no-such-chip".into()), "{file}");
                continue;
            }
            let before = s.read(&file);
            let (code, value) = s.json(&format!("status --uart twin:{file}?boot0=high"));
            if state <= ProductState::Provisioning {
                assert_eq!((code, &value["product_state"]), (0, &Value::from(state.as_str())), "{file}");
                assert_eq!(value["trustzone"], tz.as_str(), "{file}");
                assert_eq!(value["bootloader"]["id"], part.info().dev_id, "{file}");
            } else {
                assert_eq!((code, &value["code"]), (4, &Value::from("boot-nobody")), "{file}");
            }
            assert_eq!(s.read(&file), before, "{file}: looking changes nothing");
        }
    }
}

#[test]
fn options_and_flash_over_the_line_are_seen_by_a_probe() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563");
    let line = "--uart twin:board.chip?boot0=high";
    let (code, list) = s.json(&format!("option list {line}"));
    assert_eq!((code, &list), (0, &s.json("option list --probe twin:board.chip").1));
    let (code, set) = s.json(&format!("option set IWDG_STOP=0 --part STM32H563 {line}"));
    assert_eq!((code, &set["reset"], &set["verified"]), (0, &"bootloader".into(), &true.into()), "{set}");
    let (_, got) = s.json("option get IWDG_STOP --probe twin:board.chip");
    assert_eq!(got["fields"][0]["hex"], "0x0", "{got}");
    let image: Vec<u8> = (0..100 * 1024u32).map(|n| (n % 253) as u8).collect();
    fs::write(s.path("fw.bin"), &image).unwrap();
    let (code, written) = s.json(&format!("flash write fw.bin --at 0x08000000 {line}"));
    assert_eq!((code, &written["bytes"]), (0, &image.len().into()), "{written}");
    assert_eq!(s.json(&format!("flash read out.bin --at 0x08000000 --size 102400 {line}")).0, 0);
    assert_eq!(s.read("out.bin"), image);
    assert_eq!(s.json("flash verify fw.bin --at 0x08000000 --probe twin:board.chip").0, 0);
}

#[test]
fn what_a_bootloader_cannot_do_is_said_and_changes_nothing() {
    let s = Sandbox::new();
    s.run("twin new stuck.chip --preset stuck-in-provisioning");
    let before = s.read("stuck.chip");
    for (line, exit, code) in [
        ("rescue --uart twin:stuck.chip", 4, "boot-probe-needed"),
        ("close --to closed --credential none --uart twin:stuck.chip", 4, "wire-cannot"),
        ("auth discover --uart twin:stuck.chip", 4, "wire-cannot"),
        ("option export --uart twin:stuck.chip", 2, "uart-not-here"),
        ("status --uart twin:stuck.chip --probe twin:stuck.chip", 2, "uart-and-probe"),
        ("flash erase --all --uart twin:stuck.chip", 4, "flash-size-unknown"),
        ("flash erase --at 0x08000000 --size 8192 --part STM32H533RE --uart twin:stuck.chip", 3, "boot-secure-sectors"),
        ("twin list --uart twin:stuck.chip", 2, "uart-not-here"),
        ("status --uart twin:stuck.chip?usb=plugged", 4, "boot-nobody"),
        ("status --uart twin:fresh", 4, "boot-nobody"),
        ("status --uart tcp:nowhere", 2, "uart-bad-selector"),
        ("status --uart /dev/nothing:9", 2, "uart-bad-selector"),
        ("status --uart tcp:127.0.0.1:1", 4, "uart-unopenable"),
        ("status --part STM32H503 --uart twin:stuck.chip", 3, "chip-part-mismatch"),
    ] {
        let (found, value) = s.json(line);
        assert_eq!((found, &value["code"]), (exit, &Value::from(code)), "{line}: {value}");
    }
    assert_eq!(s.read("stuck.chip"), before);
    let page = s.run("status --uart twin:stuck.chip");
    assert!(page.out.contains("it takes SWD and NRST (--probe)"), "{}", page.out);
}

#[cfg(unix)]
#[test]
fn a_chip_that_is_served_is_reached_over_tcp() {
    let s = Sandbox::new();
    s.run("twin new stuck.chip --preset stuck-in-provisioning");
    let mut child = s
        .command(&["twin", "serve", "stuck.chip", "--serial", "0", "--remote-bitbang", "0", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut server = Ended(child);
    let ports: Vec<Value> = (0..2)
        .map(|_| {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            let value = serde_json::from_str(&line).unwrap();
            validate(&value, "a door");
            value
        })
        .collect();
    assert_eq!((&ports[0]["door"], &ports[1]["door"]), (&"remote-bitbang".into(), &"serial".into()));
    let (code, status) = s.json(&format!("status --uart tcp:127.0.0.1:{}", ports[1]["port"]));
    assert_eq!((code, &status["product_state"]), (0, &"provisioning".into()));
    assert!(Command::new("kill").args(["-INT", &server.0.id().to_string()]).status().unwrap().success());
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_rescue_over_line_and_probe_is_one_rescue() {
    let s = Sandbox::new();
    s.run("twin new stuck.chip --preset stuck-in-provisioning");
    let before = s.read("stuck.chip");
    // What the line can do, and what it cannot, before anything is begun.
    let (code, plan) = s.json("rescue --dry-run --uart twin:stuck.chip");
    assert_eq!((code, &plan["schema"]), (4, &"provost.plan/1".into()));
    let page = s.run("rescue --dry-run --uart twin:stuck.chip").out;
    assert!(page.contains("over twin:stuck.chip: provision-da:certificate\n"), "{page}");
    assert!(page.contains("over SWD and NRST: prove:nrst, discover, authenticate:full-regression"), "{page}");
    let (code, refused) = s.json("rescue --uart twin:stuck.chip");
    assert_eq!((code, &refused["code"]), (4, &"boot-probe-needed".into()));
    assert!(refused["message"].as_str().unwrap().contains("authenticate:full-regression"), "{refused}");
    assert!(!s.path("provost-rescue").exists() && s.read("stuck.chip") == before, "nothing was begun");

    let run = s.run("rescue --uart twin:stuck.chip --probe twin:stuck.chip");
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.err.contains("over SWD and NRST: prove:nrst"), "{}", run.err);
    let folders: Vec<_> = fs::read_dir(s.path("provost-rescue")).unwrap().map(|e| e.unwrap().path()).collect();
    let [folder] = folders.as_slice() else { panic!("one rescue: {folders:?}") };
    let receipt: Value = serde_json::from_slice(&fs::read(folder.join("receipt.json")).unwrap()).unwrap();
    assert_eq!(receipt["how"]["by"], "service", "{receipt}");
    assert_eq!(s.json("status --probe twin:stuck.chip").1["product_state"], "open");
    // An Open chip is found Open, over the line too.
    let (code, again) = s.json("rescue --uart twin:stuck.chip?boot0=high");
    assert_eq!((code, &again["schema"], &again["how"]), (0, &"provost.receipt/1".into(), &Value::Null));
}

#[test]
fn a_line_and_a_probe_on_two_boards_store_nothing() {
    let s = Sandbox::new();
    for name in ["one", "two"] {
        s.run(&format!("twin new {name}.chip --preset stuck-in-provisioning"));
    }
    let before = [s.read("one.chip"), s.read("two.chip")];
    let (code, refused) = s.json("rescue --uart twin:one.chip --probe twin:two.chip");
    assert_eq!((code, &refused["code"]), (3, &"boot-two-chips".into()), "{refused}");
    assert_eq!([s.read("one.chip"), s.read("two.chip")], before);
}

#[test]
fn an_object_goes_in_over_the_line_with_the_checks_that_it_has_over_a_probe() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563 --state provisioning --tzen on");
    s.run("credential new --method certificate --out set --part STM32H563");
    s.run("credential new --method password --out other --part STM32H563");
    let before = s.read("board.chip");
    let line = "--uart twin:board.chip --part STM32H563";
    for (command, exit, code) in [
        ("obk write set/DA_Config.obk", 4, "obk-no-discovery"),
        ("obk write other/DA_ConfigWithPassword.obk --force", 3, "obk-method-trustzone"),
        ("obk write set/DA_Config.obk --force --part STM32H503", 3, "chip-part-mismatch"),
    ] {
        let whole = if command.contains("--part") {
            format!("{command} --uart twin:board.chip")
        } else {
            format!("{command} {line}")
        };
        let (found, value) = s.json(&whole);
        assert_eq!((found, &value["code"]), (exit, &Value::from(code)), "{whole}: {value}");
        let by_probe = whole.replace("--uart", "--probe").replace(" --force", "");
        if code != "obk-no-discovery" {
            assert_eq!(s.json(&by_probe).1["code"], code, "{by_probe}");
        }
    }
    assert_eq!(s.read("board.chip"), before);
    let (code, value) = s.json(&format!("obk write set/DA_Config.obk --force {line}"));
    assert_eq!((code, &value["written"]["discovered"]), (0, &Value::Null), "{value}");
    let (_, found) = s.json("auth discover --probe twin:board.chip");
    assert_eq!(found["discovery"]["integrity"], 0xEAEA_EAEAu32, "{found}");
    // Beside a probe the chip is asked, before and afterwards.
    let (code, value) = s.json(&format!("obk write set/DA_Config.obk {line} --probe twin:board.chip"));
    assert_eq!((code, &value["code"]), (3, &"obk-present".into()), "{value}");
    let (code, value) = s.json(&format!("obk write set/DA_Config.obk --force {line} --probe twin:board.chip"));
    assert_eq!((code, &value["written"]["discovered"]["integrity"]), (0, &0xEAEA_EAEAu32.into()), "{value}");
    assert_eq!(s.json("rescue --credential set --probe twin:board.chip --part STM32H563").0, 0);
    // With secure AES, only the chip or a person knows what a word means.
    s.run("twin new crypto.chip --part STM32H573 --state provisioning --tzen on");
    s.run("credential new --method certificate --out aes --part STM32H573");
    let line = "--force --uart twin:crypto.chip --part STM32H573";
    let (code, value) = s.json(&format!("obk write aes/DA_Config.obk {line}"));
    assert_eq!((code, &value["code"]), (4, &"obk-no-discovery".into()), "{value}");
    assert!(value["message"].as_str().unwrap().contains("--encrypt-word"), "{value}");
}
