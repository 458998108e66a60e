//! `close`, `apply` and `history` as scripts meet them: documents of their schemas, refusals, interruptions, and nothing secret.

use crate::sandbox;

use provost_ops::{close::preflight::Check, credential::CredentialSet};
use sandbox::{Run, Sandbox, validate, validate_as};
use serde_json::Value;

/// The sandbox lies in the temporary folder; its own temporary folder is another one.
struct Desk {
    s: Sandbox,
    uid: String,
    key: String,
}

const CLOSE: &str = "close --probe twin:board.chip --part STM32H563ZI --credential safe/board";

impl Desk {
    fn new() -> Self {
        let s = Sandbox::new();
        std::fs::create_dir(s.path("tmp")).unwrap();
        let (set, keys) = CredentialSet::generate(&s.path("safe/board")).unwrap();
        set.save(&keys, false).unwrap();
        let key = set.fingerprint().unwrap()[..8].to_owned();
        let mut desk = Self { s, uid: String::new(), key };
        desk.chip("board.chip");
        desk.uid = desk.uid_of("board.chip");
        desk
    }

    fn chip(&self, name: &str) {
        assert_eq!(self.run(&["twin", "new", name, "--part", "STM32H563ZI", "--tzen", "on"]).code, 0);
    }

    fn uid_of(&self, chip: &str) -> String {
        let status = self.json(&["status", "--probe", &format!("twin:{chip}")]).1;
        status["identity"]["uid"].as_str().unwrap().to_owned()
    }

    fn run(&self, words: &[&str]) -> Run {
        let output = self.s.command(words).env("TMPDIR", self.s.path("tmp")).output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn json(&self, words: &[&str]) -> (i32, Value) {
        let run = self.run(&[words, &["--json"]].concat());
        let value: Value =
            serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{words:?}: {e}\n{}{}", run.out, run.err));
        validate(&value, &words.join(" "));
        (run.code, value)
    }

    fn close(&self, more: &[&str]) -> (i32, Value) {
        let words: Vec<&str> = CLOSE.split(' ').chain(more.iter().copied()).collect();
        self.json(&words)
    }

    /// Which chip, where to, and with which credential: the first digits of its root key's hash.
    fn phrase(&self, to: &str) -> String {
        format!("close {} to {to} with key {}", self.uid, self.key)
    }
}

#[test]
fn documents_of_a_close_from_the_survey_to_the_history() {
    let desk = Desk::new();
    let before = desk.s.read("board.chip");
    let (code, survey) = desk.close(&["--to", "tz-closed", "--dry-run"]);
    assert_eq!((code, &survey["ready"]), (0, &Value::Bool(true)));
    assert_eq!(desk.s.read("board.chip"), before, "a dry run writes nothing");
    assert!(!desk.s.path("provost-close").exists());
    assert_eq!(desk.close(&["--to", "tz-closed", "--save", "plan.json"]).0, 0);
    let plan: Value = serde_json::from_slice(&desk.s.read("plan.json")).unwrap();
    validate_as(&plan, "close-plan", "plan.json");
    assert_eq!(plan["hash"], survey["plan"]["hash"]);
    assert_eq!(
        desk.close(&["--to", "tz-closed", "--save", "plan.json"]).1["code"],
        "file-exists",
        "nothing is overwritten"
    );
    let phrase = desk.phrase("tz-closed");
    let (code, receipt) = desk.close(&["--to", "tz-closed", "--rehearse", "--confirm", &phrase, "--stats"]);
    assert_eq!(code, 0, "{receipt}");
    assert_eq!(receipt["rehearsed"], true);
    let file: Value = serde_json::from_slice(&desk.s.read("provost-close/twin-board-chip/receipt.json")).unwrap();
    validate(&file, "receipt.json");
    let journal = String::from_utf8(desk.s.read("provost-close/twin-board-chip/journal")).unwrap();
    for line in journal.lines() {
        validate_as(&serde_json::from_str(&line[9..]).unwrap(), "journal-line", line);
    }
    let rehearsal = format!("provost-close/rehearsals/{}.json", desk.uid);
    validate(&serde_json::from_slice(&desk.s.read(&rehearsal)).unwrap(), "rehearsal");
    assert_eq!(desk.json(&["rescue", "--probe", "twin:board.chip", "--credential", "safe/board"]).0, 0);
    let (_, history) = desk.json(&["history"]);
    let kinds: Vec<&str> =
        history["receipts"].as_array().unwrap().iter().map(|r| r["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["close", "rescue"]);
    assert_eq!(desk.json(&["history", "FFFFFFFF"]).1["receipts"].as_array().unwrap().len(), 0);
    // Nothing secret anywhere, and the flash that was kept is its owner's only.
    let key = String::from_utf8(desk.s.read("safe/board/key_3_leaf.pem")).unwrap();
    let secret = key.lines().nth(1).unwrap();
    for text in [journal, receipt.to_string(), plan.to_string(), history.to_string()] {
        assert!(!text.contains(secret));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let kept = desk.s.path("provost-close/twin-board-chip/flash-08000000.bin");
        assert_eq!(std::fs::metadata(kept).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_plan_is_for_its_chip_and_as_it_was() {
    let desk = Desk::new();
    assert_eq!(desk.close(&["--to", "closed", "--save", "plan.json"]).0, 0);
    let apply = |chip: &str, more: &[&str]| {
        let probe = format!("twin:{chip}");
        desk.json(&[&["apply", "plan.json", "--probe", &probe], more].concat())
    };
    desk.chip("other.chip");
    let phrase = desk.phrase("closed");
    let (code, error) = apply("other.chip", &["--confirm", &phrase]);
    assert_eq!((code, error["code"].as_str().unwrap()), (3, "plan-differs"));
    assert!(error["message"].as_str().unwrap().contains("unique id"), "{error}");
    let (code, error) = apply("board.chip", &["--non-interactive"]);
    assert_eq!((code, error["code"].as_str().unwrap()), (3, "close-not-confirmed"));
    assert_eq!(apply("board.chip", &["--confirm", "close it"]).0, 3);
    // Another credential, under the same name.
    std::fs::rename(desk.s.path("safe/board"), desk.s.path("safe/kept")).unwrap();
    let (set, keys) = CredentialSet::generate(&desk.s.path("safe/board")).unwrap();
    set.save(&keys, false).unwrap();
    let (code, error) = apply("board.chip", &["--confirm", &phrase]);
    assert_eq!((code, error["code"].as_str().unwrap()), (3, "plan-differs"));
    assert_eq!(apply("board.chip", &["--confirm", &phrase, "--credential", "safe/kept"]).0, 0);
    // A plan that somebody has edited is none.
    let text = String::from_utf8(desk.s.read("plan.json")).unwrap();
    for (from, to) in [("\"closed\"", "\"locked\""), ("\"rehearse\": false", "\"rehearse\": true"), ("{", "")] {
        std::fs::write(desk.s.path("plan.json"), text.replacen(from, to, 1)).unwrap();
        let (code, error) = apply("board.chip", &["--confirm", &phrase]);
        assert_eq!((code, error["code"].as_str().unwrap()), (3, "plan-file"), "{from}");
    }
}

#[test]
fn an_interrupted_close_is_resumed() {
    for (option, index) in
        [("cut-power", 262_700), ("unplug", 262_700), ("cut-power", 263_000), ("unplug", 263_100), ("unplug", 263_300)]
    {
        let desk = Desk::new();
        let phrase = desk.phrase("tz-closed");
        let probe = format!("twin:board.chip?{option}={index}");
        let words =
            ["close", "--probe", &probe, "--part", "STM32H563ZI", "--credential", "safe/board", "--to", "tz-closed"];
        let (code, error) = desk.json(&[&words[..], &["--confirm", &phrase]].concat());
        assert!([0, 4, 5].contains(&code), "{option}={index}: {error}");
        let more = desk.json(&["apply", "--resume", "--probe", "twin:board.chip", "--confirm", &phrase]);
        let done = more.1["code"] == "close-nothing-to-resume";
        assert!(more.0 == 0 || done, "{option}={index}: {}", more.1);
        if done && code != 0 {
            assert_eq!(desk.close(&["--to", "tz-closed", "--confirm", &phrase]).0, 0);
        }
        let (_, found) = desk.json(&["auth", "discover", "--probe", "twin:board.chip"]);
        assert_eq!(found["discovery"]["product_state"], "tz-closed", "{option}={index}");
    }
}

#[test]
fn every_rule_and_every_error_is_explained() {
    let desk = Desk::new();
    for check in Check::all() {
        let (code, value) = desk.json(&["explain", check.id]);
        assert_eq!((code, value["says"].as_str().unwrap()), (0, check.says));
    }
    for code in [
        "close-refused",
        "close-override",
        "close-gate",
        "close-wrong-chip",
        "plan-differs",
        "plan-file",
        "close-not-confirmed",
        "close-stopped",
        "close-unfinished",
        "close-nothing-to-resume",
        "close-elsewhere",
        "close-not-taken",
        "close-options-not-restored",
        "otp-not-blank",
        "policy-file",
        "escrow",
    ] {
        assert_eq!(desk.json(&["explain", code]).0, 0, "{code}");
    }
}

#[test]
fn refusals_are_documents() {
    let desk = Desk::new();
    for (words, code, exit) in [
        (&["--to", "locked"][..], "close-refused", 3),
        (&["--to", "closed", "--override", "P-NRST"], "close-override", 2),
        (&["--to", "closed", "--image", "nowhere.bin@0x08000000"], "file-missing", 2),
        (&["--to", "closed", "--policy", "nowhere.toml"], "file-missing", 2),
        (&["--to", "closed", "--escrow", "copy.age"], "escrow", 2),
        (&["--to", "closed"], "close-not-confirmed", 3),
    ] {
        let before = desk.s.read("board.chip");
        let (got, value) = desk.close(words);
        assert_eq!((got, value["code"].as_str().unwrap()), (exit, code), "{words:?}");
        assert!(!value["next"].as_array().unwrap().is_empty());
        assert_eq!(desk.s.read("board.chip"), before, "{words:?}: nothing was written");
    }
    let (code, value) = desk.json(&["apply", "--resume", "--probe", "twin:board.chip"]);
    assert_eq!((code, value["code"].as_str().unwrap()), (3, "close-nothing-to-resume"));
    std::fs::create_dir_all(desk.s.path("tmp/set")).unwrap();
    for file in std::fs::read_dir(desk.s.path("safe/board")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), desk.s.path("tmp/set").join(file.file_name())).unwrap();
    }
    let temporary =
        ["close", "--probe", "twin:board.chip", "--part", "STM32H563ZI", "--credential", "tmp/set", "--to", "closed"];
    let (code, value) = desk.json(&temporary);
    assert!(code == 3 && value["message"].as_str().unwrap().contains("P-CUSTODY"), "{value}");
}

/// What cannot be written down is not done: nowhere to write, and a disk that is full.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_stops_it_before_the_chip_is_touched() {
    let desk = Desk::new();
    let phrase = desk.phrase("closed");
    std::fs::write(desk.s.path("a-file"), "in the way").unwrap();
    for out in ["/proc/provost", "a-file"] {
        let before = desk.s.read("board.chip");
        let (code, error) = desk.close(&["--to", "closed", "--confirm", &phrase, "--out", out]);
        assert_eq!((code, error["code"].as_str().unwrap()), (1, "journal-io"), "{out}");
        assert_eq!(desk.s.read("board.chip"), before, "{out}");
    }
    // No file may grow beyond one block (of 512 or 1024 bytes): the plan does not fit, nor does what follows it.
    let before = desk.s.read("board.chip");
    let line = format!(
        "trap '' XFSZ; ulimit -f 1; exec {} {CLOSE} --to closed --confirm '{phrase}'",
        env!("CARGO_BIN_EXE_provost")
    );
    let run = std::process::Command::new("sh")
        .args(["-c", &line])
        .current_dir(desk.s.path(""))
        .env("TMPDIR", desk.s.path("tmp"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        said.contains("error[plan-file]") || said.contains("error[file-io]") || said.contains("error[journal-io]"),
        "{said}"
    );
    assert_eq!(desk.s.read("board.chip"), before, "the chip is where it was");
    // With room again the same command goes through.
    assert_eq!(desk.close(&["--to", "closed", "--confirm", &phrase]).0, 0);
}
