//! Roads that people need from their first command to their last, and the places at which they were led astray.

use std::{fs, process::Stdio, time::Duration};

use serde_json::Value;

use crate::{
    sandbox::{Run, Sandbox},
    walk::{Desk, words},
};

const BOARD: &str = "--part STM32H563 --probe twin:board.chip";

fn desk(chip: &str, credential: &str) -> Desk {
    let desk = Desk::new();
    for line in [format!("twin new board.chip {chip}"), format!("credential new --out safe/board {credential}")] {
        let run = desk.run(&words(&line));
        assert_eq!(run.code, 0, "{line}: {}", run.err);
    }
    desk
}

fn with_certificate() -> Desk {
    desk("--part STM32H563 --tzen on", "--method certificate --part STM32H563")
}

fn run(desk: &Desk, line: &str) -> Run {
    desk.run(&words(line))
}

fn json(desk: &Desk, line: &str) -> (i32, Value) {
    let run = desk.run(&words(&format!("{line} --json")));
    let value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{line}: {e}\n{}{}", run.out, run.err));
    crate::sandbox::validate(&value, line);
    (run.code, value)
}

fn confirmed(desk: &Desk, line: &str) -> (i32, Value) {
    let run = desk.confirmed(&words(line));
    let value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{line}: {e}\n{}{}", run.out, run.err));
    crate::sandbox::validate(&value, line);
    (run.code, value)
}

fn next(value: &Value) -> String {
    value["next"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// Rule R-H503-OTP: a regression does not erase OTP.
#[test]
fn an_stm32h503_keeps_its_password_for_life_and_every_page_says_so() {
    let desk = Desk::new();
    run(&desk, "twin new board.chip --preset h503-in-provisioning");
    let rescued = run(&desk, "rescue --probe twin:board.chip --once-for-life");
    assert!(rescued.out.contains("stays in this chip's OTP for its life"), "{}", rescued.out);
    assert!(!rescued.out.contains("erased it from the chip"));
    let readme = fs::read_to_string(desk.path("provost-rescue/twin-board-chip/credential/README.md")).unwrap();
    assert!(readme.contains("stays in its OTP for the chip's life"), "{readme}");
    let desk = self::desk("--part STM32H503", "--method password --part STM32H503");
    let close = "close --to closed --credential safe/board --override P-OTP --probe twin:board.chip";
    assert_eq!(confirmed(&desk, close).0, 0);
    let back = run(&desk, "auth regress --credential safe/board --probe twin:board.chip");
    assert!(back.code == 0 && back.out.contains("stays in this chip's OTP for its life"), "{}", back.out);
    let receipt: Value =
        serde_json::from_slice(&fs::read(desk.path("provost-rescue/twin-board-chip/receipt.json")).unwrap()).unwrap();
    assert_eq!(receipt["credential_for_life"], true);
}

#[test]
fn what_was_provisioned_by_hand_is_closed_from_provisioning() {
    let desk = with_certificate();
    let set = format!("option set PRODUCT_STATE=provisioning {BOARD}");
    assert_eq!(confirmed(&desk, &set).0, 0);
    assert_eq!(json(&desk, &format!("obk write safe/board/DA_Config.obk {BOARD}")).0, 0);
    let close = format!("close --to tz-closed --credential safe/board {BOARD}");
    let (code, refused) = json(&desk, &close);
    assert_eq!((code, &refused["code"]), (3, &"close-refused".into()));
    assert!(next(&refused).contains("--override P-START-OPEN"), "{refused}");
    let (code, closed) = confirmed(&desk, &format!("{close} --override P-START-OPEN"));
    assert_eq!(code, 0, "{closed}");
    assert_eq!(closed["discovered"]["product_state"], "tz-closed");
    assert_eq!(closed["bound"]["start"], "provisioning");
    let (code, back) = json(&desk, &format!("auth regress --credential safe/board {BOARD}"));
    assert_eq!((code, &back["after"]["uid"]), (0, &closed["bound"]["uid"]));
}

/// Where only a power cycle leads out of the ROM, each proof ends a run: the journal carries on from one to the next.
#[test]
fn a_close_from_provisioning_comes_to_its_end_where_every_proof_costs_a_power_cycle() {
    let desk = desk("--part STM32H563 --tzen on --switch leave-rss-da=power", "--method certificate --part STM32H563");
    assert_eq!(confirmed(&desk, &format!("option set PRODUCT_STATE=provisioning {BOARD}")).0, 0);
    let close = format!("close --to tz-closed --credential safe/board --override P-START-OPEN {BOARD}");
    // Every opening of a chip file powers the chip up anew.
    let ends: Vec<(i32, Value)> = (0..5).map(|_| confirmed(&desk, &close)).collect();
    let last = ends.iter().find(|(code, _)| *code == 0).unwrap_or_else(|| panic!("it never ends: {ends:#?}"));
    assert_eq!(last.1["discovered"]["product_state"], "tz-closed");
    assert!(ends.iter().take_while(|(code, _)| *code != 0).all(|(code, _)| [4, 5].contains(code)), "{ends:#?}");
}

#[test]
fn advice_about_the_product_state_strands_nobody() {
    let desk = with_certificate();
    for to in ["closed", "tz-closed", "irot-provisioned"] {
        let (code, error) = json(&desk, &format!("option set PRODUCT_STATE={to} {BOARD}"));
        assert_eq!((code, &error["code"]), (3, &"option-use-close".into()));
        let next = next(&error);
        assert!(next.contains(&format!("provost close --to {to} --dry-run")) && !next.contains("option set"), "{next}");
    }
    let (_, locked) = json(&desk, &format!("option set PRODUCT_STATE=locked {BOARD}"));
    assert!(!next(&locked).contains("provost close"), "Locked is offered by nobody: {locked}");
}

#[test]
fn a_close_takes_keys_that_are_encrypted() {
    let desk = Desk::new();
    fs::write(desk.path("words"), "correct horse\n").unwrap();
    fs::write(desk.path("wrong"), "battery staple\n").unwrap();
    run(&desk, "twin new board.chip --part STM32H563 --tzen on");
    let new =
        "credential new --method certificate --part STM32H563 --out safe/board --encrypt-keys --passphrase-file words";
    assert_eq!(run(&desk, new).code, 0);
    let close = format!("close --to tz-closed --credential safe/board {BOARD}");
    for (more, says) in [("", "passphrase"), (" --passphrase-file wrong", "passphrase")] {
        let (code, refused) = json(&desk, &format!("{close}{more}"));
        assert!(code == 3 && refused["message"].as_str().unwrap().contains(says), "{refused}");
    }
    let saved = format!("{close} --passphrase-file words --save plan.json");
    assert_eq!(json(&desk, &saved).0, 0);
    let (code, closed) = confirmed(&desk, &format!("apply plan.json --passphrase-file words {BOARD}"));
    assert_eq!(code, 0, "{closed}");
    assert_eq!(json(&desk, &format!("auth regress --credential safe/board --passphrase-file words {BOARD}")).0, 0);
    fs::remove_file(desk.path("board.chip")).unwrap();
    run(&desk, "twin new board.chip --part STM32H563 --tzen on");
    let (code, closed) = confirmed(&desk, &format!("{close} --passphrase-file words"));
    assert_eq!(code, 0, "{closed}");
}

#[test]
fn a_close_takes_a_leaf_key_that_is_elsewhere() {
    use provost_adac::key::{PrivateKey, Signer as _};
    let desk = with_certificate();
    let key = PrivateKey::from_pem(&fs::read_to_string(desk.path("safe/board/key_3_leaf.pem")).unwrap()).unwrap();
    fs::remove_file(desk.path("safe/board/key_3_leaf.pem")).unwrap();
    let close = format!("close --to tz-closed --credential safe/board {BOARD}");
    assert_eq!(json(&desk, &close).0, 3);
    // Whoever has the key signs each token that appears: one for the proof beforehand, one for the rehearsal.
    let folder = desk.path("exchange");
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stop = done.clone();
    let signer = std::thread::spawn(move || {
        let (mut signed, mut last) = (0, Vec::new());
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            if let Ok(token) = fs::read(folder.join("token.tbs"))
                && token.len() == 88
                && token != last
                && !folder.join("token.sig").exists()
            {
                fs::write(folder.join("half"), key.sign(&token).unwrap()).unwrap();
                fs::rename(folder.join("half"), folder.join("token.sig")).unwrap();
                (signed, last) = (signed + 1, token);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        signed
    });
    let (code, closed) = confirmed(&desk, &format!("{close} --rehearse --sign-in exchange --wait 60"));
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(code, 0, "{closed}");
    assert_eq!(closed["rehearsed"], true);
    assert!(signer.join().unwrap() >= 2);
}

#[test]
fn scripts_find_the_unique_id_and_the_phrase_and_can_be_tried_as_on_a_real_chip() {
    let desk = with_certificate();
    let (_, status) = json(&desk, &format!("status {BOARD}"));
    let uid = status["unique_id"].as_str().unwrap().to_owned();
    let close = format!("close --to tz-closed --credential safe/board {BOARD}");
    let (_, survey) = json(&desk, &format!("{close} --dry-run"));
    assert_eq!(survey["unique_id"], uid.as_str());
    let phrase = survey["confirm"].as_str().unwrap();
    assert!(phrase.contains(&uid), "{phrase}");
    let (code, refused) = json(&desk, &close);
    assert_eq!((code, refused["confirm"].as_str()), (3, Some(phrase)));
    for (line, write) in [
        ("flash erase --all", "erase flash"),
        ("rescue", "erase the chip"),
        ("option set IWDG_SW=0", "write option bytes"),
    ] {
        let as_real = format!("{line} --as-real --probe twin:board.chip");
        let (code, refused) = json(&desk, &as_real);
        assert_eq!((code, &refused["code"]), (3, &"not-confirmed".into()), "{line}");
        assert_eq!(refused["confirm"], format!("{write} on twin:board.chip"), "{line}");
        assert_eq!(confirmed(&desk, &as_real).0, 0, "{line}");
    }
}

#[test]
fn option_bytes_are_compared_whether_the_part_was_named_or_not() {
    let desk = desk("--part STM32H573", "--method password --part STM32H573");
    for (file, part) in [("with.toml", " --part STM32H573"), ("without.toml", "")] {
        let run = run(&desk, &format!("option export {file} --probe twin:board.chip{part}"));
        let named: usize = run.out.split_whitespace().next().unwrap().parse().unwrap();
        let text = fs::read_to_string(desk.path(file)).unwrap();
        let entries = text.lines().filter(|l| l.contains(" = ") && !l.starts_with('#')).count();
        // Besides format, parts and product-state.
        assert_eq!(named, entries - 3, "{text}");
    }
    assert!(fs::read_to_string(desk.path("without.toml")).unwrap().contains("\"STM32H573\""));
    for line in [
        "option diff with.toml without.toml",
        "option diff without.toml with.toml",
        "option diff without.toml --part STM32H573 --probe twin:board.chip",
        "option diff with.toml --probe twin:board.chip",
    ] {
        let (code, diff) = json(&desk, &format!("{line} --exit-code"));
        assert_eq!((code, diff["differences"].as_array().map(Vec::len)), (0, Some(0)), "{line}: {diff}");
    }
    assert_eq!(json(&desk, "option import without.toml --part STM32H573 --probe twin:board.chip").0, 0);
    assert_eq!(confirmed(&desk, "option set IWDG_SW=0 --probe twin:board.chip").0, 0);
    assert_eq!(json(&desk, "option diff with.toml --probe twin:board.chip").0, 0);
    assert_eq!(json(&desk, "option diff with.toml --exit-code --probe twin:board.chip").0, 1);
    // Another DEV_ID stays another part.
    run(&desk, "twin new other.chip --part STM32H533");
    assert_eq!(json(&desk, "option diff with.toml --probe twin:other.chip").1["code"], "option-file-part");
}

#[test]
fn a_dry_run_leaves_no_escrow_behind() {
    let desk = with_certificate();
    let line = format!(
        "close --to tz-closed --credential safe/board {BOARD} --escrow x.age --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
    );
    assert_eq!(json(&desk, &format!("{line} --dry-run")).0, 0);
    assert!(!desk.path("x.age").exists());
    let (code, closed) = confirmed(&desk, &line);
    assert_eq!(code, 0, "{closed}");
    assert!(desk.path("x.age").exists());
}

#[test]
fn a_refused_close_says_of_each_rule_what_mends_it() {
    let desk = with_certificate();
    let survey = run(&desk, "close --to tz-closed --dry-run --probe twin:board.chip");
    assert_eq!(survey.code, 3);
    let failed = survey.out.find("FAILED").unwrap();
    assert!(!survey.out[failed..].contains("\n  ok "), "what fails is read last: {}", survey.out);
    assert!(survey.out.contains("as things are, the preflight refuses"));
    let (_, refused) = json(&desk, "close --to tz-closed --probe twin:board.chip");
    let next = next(&refused);
    for says in
        ["P-PART: ", "--part STM32H533", "P-CREDENTIAL: ", "provost credential new", "P-REHEARSED: ", "--rehearse"]
    {
        assert!(next.contains(says), "{says}: {next}");
    }
    assert!(next.contains("--override P-REHEARSED") && !next.contains("--override P-PART"), "{next}");
    let explained = run(&desk, "explain P-REHEARSED");
    assert!(explained.out.contains("--rehearse") && explained.out.contains("--override passes over it"));
}

#[test]
fn a_closed_chip_is_refused_for_what_it_is() {
    let desk = with_certificate();
    let close = format!("close --to tz-closed --credential safe/board {BOARD}");
    assert_eq!(confirmed(&desk, &close).0, 0);
    let (code, refused) = json(&desk, &close);
    let message = refused["message"].as_str().unwrap();
    assert!(code == 3 && message.contains("P-NO-CHAIN") && !message.contains("P-METHOD"), "{message}");
    for (to, says) in [("open", "provost rescue"), ("provisioning", "does not end there"), ("foo", "irot-provisioned")]
    {
        let (code, error) = json(&desk, &format!("close --to {to} {BOARD}"));
        let message = error["message"].as_str().unwrap();
        assert!(code == 2 && message.contains(says) && !message.contains("known: open"), "{to}: {message}");
    }
}

#[test]
fn flash_says_what_it_takes_and_what_it_erases() {
    let desk = with_certificate();
    fs::write(desk.path("four.bin"), [1, 2, 3, 4]).unwrap();
    let written = run(&desk, &format!("flash write four.bin@0x0C000100 {BOARD}"));
    assert!(written.code == 0 && written.err.contains("8188 other bytes of the sector"), "{}", written.err);
    fs::write(desk.path("four.hex"), ":0400000001020304F2\n:00000001FF\n").unwrap();
    for line in ["flash write four.hex --at 0x08000000", "flash verify four.hex@0x08000000"] {
        let (code, error) = json(&desk, &format!("{line} {BOARD}"));
        assert_eq!((code, &error["code"]), (2, &"flash-address-ignored".into()), "{line}");
    }
    let (code, error) = json(&desk, &format!("flash read four.bin {BOARD}"));
    assert_eq!((code, &error["code"]), (3, &"file-exists".into()));
}

#[test]
fn explain_knows_what_is_printed_and_owns_up_to_the_rest() {
    let s = Sandbox::new();
    for (what, kind) in [
        ("TZEN", "option-byte"),
        ("SECBOOTADD", "option-byte"),
        ("part-flag", "check"),
        ("chip-credential", "check"),
        ("C-WATERMARK", "cause"),
        ("0x9A", "word"),
        ("0xCACA0AA0", "word"),
        ("3", "exit-code"),
        ("P-NRST", "rule"),
        ("da-open", "error"),
        ("6", "exit-code"),
        ("use:host-64bit", "step"),
        ("connect:hot-plug", "step"),
        ("level-3-intrusive-debug", "permission"),
        ("pending", "word"),
        ("index", "topics"),
    ] {
        let (code, value) = s.json(&format!("explain {what}"));
        assert_eq!((code, &value["kind"]), (0, &kind.into()), "{what}");
    }
    for (what, meant) in [("TZENN", "TZEN"), ("P-NSRT", "P-NRST"), ("provisoning", "provisioning")] {
        let (code, value) = s.json(&format!("explain {what}"));
        let message = value["message"].as_str().unwrap();
        assert!(code == 2 && message.contains("did you mean") && message.contains(meant), "{what}: {message}");
    }
    for what in ["SDMAuthenticate failed", "use:another-world", "erase nothing at all"] {
        let run = s.run_words(&["explain", what]);
        assert_eq!(run.code, 2, "{what} is nothing that is known: {}", run.out);
    }
    let list = s.run("explain --list");
    for name in ["TZEN", "P-NRST", "R-H503-OTP", "leave-rss-da", "part-flag", "nrst-not-wired"] {
        assert!(list.out.contains(name), "{name}");
    }
    assert_eq!(s.json("explain --list").0, 0);
}

#[test]
fn a_certificate_goes_behind_the_chain_it_belongs_to() {
    let desk = with_certificate();
    let prepare = "credential prepare certificate --role leaf --signer safe/board/key_2_intermediate_pub.pem --subject safe/board/key_3_leaf_pub.pem --out leaf.tbs";
    let said = run(&desk, prepare);
    assert!(said.out.contains("--chain cert_intermediate_chain.b64"), "{}", said.out);
    use provost_adac::key::{PrivateKey, Signer as _};
    let key =
        PrivateKey::from_pem(&fs::read_to_string(desk.path("safe/board/key_2_intermediate.pem")).unwrap()).unwrap();
    fs::write(desk.path("SIGNATURE"), key.sign(&fs::read(desk.path("leaf.tbs")).unwrap()).unwrap()).unwrap();
    let merge = "credential merge leaf.tbs SIGNATURE --signer safe/board/key_2_intermediate_pub.pem --out chain.b64";
    let (code, error) = json(&desk, merge);
    assert_eq!((code, &error["code"]), (2, &"credential-chain-needed".into()));
    assert_eq!(json(&desk, &format!("{merge} --chain safe/board/cert_intermediate_chain.b64")).0, 0);
    // A set whose leaf key somebody else holds is no bad one.
    fs::remove_file(desk.path("safe/board/key_3_leaf.pem")).unwrap();
    let (code, report) = json(&desk, "credential check safe/board --part STM32H563");
    assert_eq!((code, &report["passed"]), (0, &Value::Bool(true)), "{report}");
}

#[test]
fn an_open_chip_that_does_not_answer_has_nothing_wrong_with_its_wires() {
    let desk = with_certificate();
    let (code, error) = json(&desk, &format!("auth discover {BOARD}"));
    assert_eq!((code, &error["code"]), (3, &"da-open".into()));
}

#[test]
fn a_plan_that_stops_at_once_is_no_success() {
    let s = Sandbox::new();
    let run = s.run("rescue --dry-run --probe twin:h503-in-provisioning");
    assert!(run.code == 3 && !run.out.contains("without --dry-run carries it out"), "{}", run.out);
}

#[test]
fn virtual_chips_are_those_that_exist() {
    let s = Sandbox::new();
    for line in ["twin new x.chip --part STM32H503 --tzen on", "twin new x.chip --state tz-closed --tzen off"] {
        let (code, error) = s.json(line);
        assert_eq!((code, &error["code"]), (2, &"no-such-chip".into()), "{line}");
        assert!(!s.path("x.chip").exists());
    }
    let (code, error) = s.json("twin new x.chip --switch leave-rss-da");
    assert!(code == 2 && error["message"].as_str().unwrap().contains("NAME=VALUE"), "{error}");
    let made = s.run_words(&["twin", "new", "my board.chip"]);
    assert!(made.out.contains("--probe 'twin:my board.chip'"), "{}", made.out);
}

#[test]
fn status_says_the_part_that_was_named_and_how_well_it_is_known() {
    let s = Sandbox::new();
    s.run("twin new a.chip --part STM32H533");
    let status = s.run("status --part STM32H533 --probe twin:a.chip");
    assert!(!status.out.contains("STM32H523"), "{}", status.out);
    s.run("twin new b.chip --part STM32H5F5");
    assert!(s.run("status --probe twin:b.chip").out.contains("inferred"));
}

#[test]
fn whether_it_is_closed_as_planned_is_a_question_of_its_own() {
    let desk = with_certificate();
    let check = format!("close --check --credential safe/board {BOARD}");
    let (code, open) = json(&desk, &check);
    assert_eq!((code, &open["as_planned"], &open["product_state"]), (3, &Value::Bool(false), &"open".into()));
    assert_eq!(confirmed(&desk, &format!("close --to tz-closed --credential safe/board {BOARD}")).0, 0);
    let before = fs::read(desk.path("board.chip")).unwrap();
    let (code, closed) = json(&desk, &check);
    assert_eq!((code, &closed["as_planned"], &closed["product_state"]), (0, &Value::Bool(true), &"tz-closed".into()));
    assert!(closed["receipt"].as_str().unwrap().ends_with("receipt.json"), "{closed}");
    assert_eq!(fs::read(desk.path("board.chip")).unwrap(), before, "nothing is written");
    // Another state, another credential, another chip: each alone is not as planned.
    assert_eq!(json(&desk, &format!("close --check --to closed {BOARD}")).0, 3);
    run(&desk, "credential new --method certificate --part STM32H563 --out safe/other");
    assert_eq!(json(&desk, &format!("close --check --credential safe/other {BOARD}")).0, 3);
    run(&desk, "twin new other.chip --part STM32H563 --tzen on --state tz-closed");
    let (code, other) = json(&desk, "close --check --to tz-closed --probe twin:other.chip");
    let failed =
        other["checks"].as_array().unwrap().iter().any(|c| c["rule"] == "P-DA-VALID" && c["verdict"] == "failed");
    assert!(code == 3 && failed, "closed with nothing inside: {other}");
}

/// Ctrl-C while a chip is worked on: the run ends as interrupted, and the same command again comes to its end.
#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_is_gone_on_with() {
    use std::io::Read as _;
    let mut stopped = 0;
    for wait in [0, 5, 20, 60] {
        let s = Sandbox::new();
        s.run("twin new board.chip --preset stuck-in-provisioning");
        let words = ["rescue", "--probe", "twin:board.chip"];
        let mut child = s.command(&words).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut said = child.stderr.take().unwrap();
        // Its first word: by then it works on the chip.
        said.read_exact(&mut [0; 1]).unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        let code = child.wait().unwrap().code();
        assert!(kill.success() || code == Some(0));
        match code {
            Some(5) => {
                stopped += 1;
                assert!(rest.contains("stopping") && rest.contains("same command again"), "{rest}");
            }
            code => assert_eq!(code, Some(0), "{rest}"),
        }
        let again = s.run("rescue --probe twin:board.chip");
        assert_eq!(again.code, 0, "{}", again.err);
        assert_eq!(s.json("status --probe twin:board.chip").1["product_state"], "open");
    }
    println!("{stopped} of 4 runs were stopped on their way");
}
