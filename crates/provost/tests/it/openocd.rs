//! A stranger at the wire: OpenOCD reaches a virtual chip over `twin serve --remote-bitbang` and sees what provost sees.
//!
//! Needs an OpenOCD whose remote_bitbang adapter speaks SWD, named by `OPENOCD` or on the path. Without one the test says
//! that it is skipped; with `PROVOST_REQUIRE_STRANGERS` set it fails instead.

use crate::sandbox;

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use sandbox::{Sandbox, validate};
use serde_json::Value;

struct Server(Child, u16);

impl Server {
    fn start(s: &Sandbox, chip: &str) -> Self {
        let mut child = s
            .command(&["twin", "serve", chip, "--remote-bitbang", "0", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let first: Value = serde_json::from_str(&line).unwrap();
        validate(&first, "twin serve");
        Self(child, first["port"].as_u64().unwrap().try_into().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The OpenOCD to use, or `None` with the reason printed.
fn openocd() -> Option<String> {
    let program = env::var("OPENOCD").unwrap_or_else(|_| "openocd".to_owned());
    let speaks_swd = Command::new(&program)
        .args(["-c", "adapter driver remote_bitbang; transport select swd; shutdown"])
        .output()
        .is_ok_and(|o| o.status.success());
    if speaks_swd {
        return Some(program);
    }
    let reason = format!("{program}: absent, or its remote_bitbang does not speak SWD");
    assert!(env::var_os("PROVOST_REQUIRE_STRANGERS").is_none(), "{reason}");
    println!("SKIPPED: {reason}");
    None
}

fn ask(program: &str, port: u16, questions: &str) -> String {
    let script = format!(
        "adapter driver remote_bitbang; remote_bitbang port {port}; remote_bitbang host 127.0.0.1; transport select swd; \
         swd newdap chip cpu -expected-id 0x6ba02477; dap create chip.dap -chain-position chip.cpu; \
         target create chip.ap0 mem_ap -dap chip.dap -ap-num 0; target create chip.ap1 mem_ap -dap chip.dap -ap-num 1; \
         init; {questions}; shutdown"
    );
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
    let Some(program) = openocd() else { return };
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H533RE --tzen on --state provisioning");
    let (_, status) = s.json("status --probe twin:board.chip");
    let server = Server::start(&s, "board.chip");
    let text = ask(
        &program,
        server.1,
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

#[test]
fn openocd_finds_ap1_shut_on_a_closed_chip() {
    let Some(program) = openocd() else { return };
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563 --tzen on --state closed");
    let server = Server::start(&s, "board.chip");
    let text = ask(
        &program,
        server.1,
        "echo [chip.ap0 mdw 0xE0044000]; catch {chip.ap1 mdw 0x40022050} why; echo \"AP1: $why\"",
    );
    assert_eq!(word_at(&text, 0xE004_4000) & 0xFFF, 0x484);
    assert!(!text.contains("0x40022050:"), "AP1 must be shut: {text}");
    assert!(text.contains("AP1: "), "{text}");
}
