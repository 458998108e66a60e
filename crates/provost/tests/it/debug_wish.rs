//! Somebody who wants to debug a closed product is led to what erases nothing, by every page that knows the wish.

use crate::sandbox::{Sandbox, validate};

use serde_json::Value;

const PART: &str = "STM32H563";

fn closed(tzen: &str, method: &str, to: &str) -> Sandbox {
    let s = Sandbox::new();
    std::fs::create_dir(s.path("tmp")).unwrap();
    s.run(&format!("twin new board.chip --part {PART} --tzen {tzen}"));
    s.run(&format!("credential new --method {method} --part {PART} --out safe/board"));
    let line = format!("close --to {to} --credential safe/board --part {PART} --probe twin:board.chip --json");
    let close = |more: &[&str]| -> Value {
        let words: Vec<&str> = line.split(' ').chain(more.iter().copied()).collect();
        let output = s.command(&words).env("TMPDIR", s.path("tmp")).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let asked = close(&[]);
    let receipt = close(&["--confirm", asked["confirm"].as_str().unwrap_or_else(|| panic!("{asked:#}"))]);
    assert_eq!(receipt["schema"], "provost.close-receipt/1", "{receipt:#}");
    s
}

/// Whether a line of commands erases.
fn erases(line: &str) -> bool {
    ["provost rescue", "auth regress", "flash erase", "per=a"].iter().any(|words| line.contains(words))
}

/// The command lines of a text, on lines of their own or between backquotes.
fn commands(text: &str) -> Vec<String> {
    let own = text.lines().filter_map(|line| line.trim().strip_prefix("$ "));
    let quoted = text.split('`').skip(1).step_by(2);
    own.chain(quoted)
        .filter(|words| words.starts_with("provost ") || words.contains("CLI"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_closed_product_is_led_to_auth_open() {
    for to in ["tz-closed", "closed"] {
        let s = closed("on", "certificate", to);
        let run = s.run("diagnose --discover --goal debug --credential safe/board --probe twin:board.chip");
        let lines = commands(&run.out);
        assert!(lines.iter().any(|line| line.starts_with("provost auth open ")), "{to}: {}", run.out);
        assert!(!lines.iter().any(|line| erases(line)), "{to}: {}", run.out);
        let run = s.run("auth discover --probe twin:board.chip");
        assert!(commands(&run.out)[0].starts_with("provost auth open "), "what erases comes second: {}", run.out);
        let (code, opened) = s.json("auth open --permission 4 --credential safe/board --probe twin:board.chip");
        assert_eq!((code, &opened["bit"]), (0, &4.into()));
        let (code, error) = s.json("auth open --permission 6 --credential safe/board --probe twin:board.chip");
        assert_eq!((code, &error["code"]), (4, &"debug-not-open".into()));
        for (code, line) in [
            (2, "auth open --permission 14 --credential safe/board --probe twin:board.chip"),
            (2, "auth open --permission everything --credential safe/board --probe twin:board.chip"),
            (4, "auth open --permission 4 --credential safe/board --probe twin:board.chip?nrst=not-wired"),
        ] {
            let run = s.run(line);
            assert_eq!(run.code, code, "{line}: {}", run.err);
        }
    }
}

#[test]
fn a_product_with_a_password_is_told_the_truth() {
    let s = closed("off", "password", "closed");
    for line in [
        "diagnose --discover --goal debug --credential safe/board --probe twin:board.chip",
        "auth open --permission 4 --credential safe/board --probe twin:board.chip",
    ] {
        let run = s.run(line);
        let text = run.out + &run.err;
        assert!(!commands(&text).iter().any(|line| erases(line)), "{line}: {text}");
    }
    let (code, error) = s.json("auth open --permission 4 --credential safe/board --probe twin:board.chip");
    assert_eq!((code, &error["code"]), (3, &"auth-needs-certificate".into()));
}

/// A chip that is served keeps what was opened, and `status` says so.
#[test]
fn a_served_chip_stays_open_until_its_power_is_removed() {
    use std::{
        io::{BufRead as _, BufReader},
        process::Stdio,
    };
    let s = closed("on", "certificate", "closed");
    let before = s.read("board.chip");
    let mut server = s
        .command(&["twin", "serve", "board.chip", "--cmsis-dap", "0", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut first).unwrap();
    validate(&serde_json::from_str(&first).unwrap(), "twin serve");
    let (code, opened) = s.json("auth open --permission 4 --credential safe/board --probe twin:board.chip");
    assert_eq!(code, 0, "{opened:#}");
    let (_, status) = s.json("status --probe twin:board.chip");
    assert_eq!((&status["product_state"], &status["access_ports"][1]["open"]), (&"closed".into(), &true.into()));
    let told = s.run("status --probe twin:board.chip").out;
    assert!(told.contains("opened by Debug Authentication"), "{told}");
    assert!(!told.contains("not locked"), "{told}");
    assert_eq!(s.run("twin bench board.chip power=cycle").code, 0);
    let (_, status) = s.json("status --probe twin:board.chip");
    assert_eq!(status["access_ports"][1]["open"], false);
    s.json("auth open --permission 4 --credential safe/board --probe twin:board.chip");
    let (_, closed) = s.json("auth close-debug --probe twin:board.chip");
    assert_eq!((&closed["before"]["secure"], &closed["after"]["ap1"]), (&true.into(), &false.into()));
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(s.read("board.chip"), before);
}
