//! What the README promises, command by command.

use crate::sandbox;

use std::time::{Duration, Instant};

use sandbox::Sandbox;

fn assert_open(s: &Sandbox, chip: &str) {
    let (_, status) = s.json(&format!("status --probe {chip}"));
    assert_eq!((status["product_state"].as_str(), status["trustzone"].as_str()), (Some("open"), Some("off")), "{chip}");
}

#[test]
fn the_quick_start() {
    let s = Sandbox::new();
    let started = Instant::now();
    let run = s.run("rescue --probe twin:stuck-in-provisioning");
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(run.out.contains("the chip is Open (0xED), TrustZone off"), "{}", run.out);
}

#[test]
fn step_by_step_on_a_chip_file() {
    let s = Sandbox::new();
    assert_eq!(s.run("twin new board.chip --part STM32H533RE --tzen on --state provisioning").code, 0);
    let before = s.read("board.chip");
    assert!(s.run("status --probe twin:board.chip").out.contains("Provisioning (0x17), TrustZone on"));
    let plan = s.run("rescue --dry-run --probe twin:board.chip");
    assert!(plan.out.contains("provision-da:certificate") && plan.out.contains("nothing was written"));
    assert_eq!(s.read("board.chip"), before, "a dry run writes nothing");
    assert!(!s.path("provost-rescue").exists());
    assert_eq!(s.run("rescue --probe twin:board.chip").code, 0);
    assert_open(&s, "twin:board.chip");
    let after = s.read("board.chip");
    let again = s.run("rescue --probe twin:board.chip");
    assert!(again.out.contains("nothing was written"), "{}", again.out);
    assert_eq!(s.read("board.chip"), after);
}

#[test]
fn without_nrst_nothing_is_written_and_with_it_the_rescue_goes_through() {
    let s = Sandbox::new();
    s.run("twin new board.chip --tzen on --state provisioning");
    let before = s.read("board.chip");
    let run = s.run("rescue --probe twin:board.chip?nrst=not-wired");
    assert_eq!(run.code, 4);
    assert!(run.err.contains("error[nrst-not-wired]"), "{}", run.err);
    let first_cause = run.err.split("likely causes, in order:").nth(1).unwrap().lines().nth(1).unwrap();
    assert!(first_cause.contains("reset line"), "the missing wire comes first: {first_cause}");
    assert_eq!(s.read("board.chip"), before);
    assert!(!s.path("provost-rescue").exists());
    assert_eq!(s.run("rescue --probe twin:board.chip").code, 0);
    assert_open(&s, "twin:board.chip");
}

#[test]
fn after_the_fatal_write_it_says_why_nothing_is_left() {
    let s = Sandbox::new();
    s.run("twin new board.chip --preset tz-closed-without-object");
    let before = s.read("board.chip");
    let run = s.run("rescue --probe twin:board.chip");
    assert_eq!(run.code, 3);
    let words: String = run.err.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "AP1 is shut",
        "bootloader is reached only in Open and Provisioning",
        "0xf5f5f5f5",
        "PRODUCT_STATE = 0x9A at HDPL1",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    // Whatever else is tried: the chip stays as it is.
    s.run("twin new spare.chip --tzen on --state provisioning");
    assert_eq!(s.run("rescue --probe twin:spare.chip --out spare").code, 0);
    for (line, code) in [
        ("auth regress --credential spare/twin-spare-chip/credential --probe twin:board.chip", 3),
        ("auth regress --password 0123456789012345 --probe twin:board.chip", 3),
        ("rescue --probe twin:board.chip?boot0=high", 3),
        ("auth discover --probe twin:board.chip", 0),
    ] {
        assert_eq!(s.run(line).code, code, "{line}");
        assert_eq!(s.read("board.chip"), before, "{line}");
    }
}

#[test]
fn an_interrupted_rescue_is_finished_by_the_next() {
    for option in ["cut-power", "unplug"] {
        for index in [3, 50, 90, 120, 200, 240, 300, 500, 900, 1300, 1330, 1350] {
            let s = Sandbox::new();
            s.run("twin new board.chip --tzen on --state provisioning");
            let first = s.run(&format!("rescue --probe twin:board.chip?{option}={index}"));
            assert!([4, 5].contains(&first.code), "{option}={index}: {} {}", first.code, first.err);
            let second = s.run("rescue --probe twin:board.chip");
            assert_eq!(second.code, 0, "{option}={index}: {}", second.err);
            assert_open(&s, "twin:board.chip");
        }
    }
}

#[test]
fn a_killed_program_leaves_a_chip_that_can_be_rescued() {
    for microseconds in [500, 2000, 4000, 6000, 8000, 10_000, 15_000, 20_000, 40_000] {
        let s = Sandbox::new();
        s.run("twin new board.chip --tzen on --state provisioning");
        let mut child = s
            .command(&["rescue", "--probe", "twin:board.chip"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(microseconds));
        let _ = child.kill();
        child.wait().unwrap();
        let second = s.run("rescue --probe twin:board.chip");
        assert_eq!(second.code, 0, "killed after {microseconds} us: {}", second.err);
        assert_open(&s, "twin:board.chip");
    }
}
