//! One cause, one exit code, whichever command meets it. README's table is the law:
//! 1 failed · 2 called wrongly · 3 refused, nothing was written · 4 a person must act first.

use crate::sandbox;

use std::fs;

use sandbox::Sandbox;

/// Chips, a credential for them, and files that are not what they seem.
fn prepared() -> Sandbox {
    let s = Sandbox::new();
    for (name, rest) in [
        ("board.chip", "--part STM32H533 --tzen on"),
        ("plain.chip", "--part STM32H563 --tzen on"),
        ("stuck.chip", "--part STM32H533 --tzen on --state provisioning"),
    ] {
        assert_eq!(s.run(&format!("twin new {name} {rest}")).code, 0);
    }
    for (method, folder) in [("certificate", "set"), ("password", "pw")] {
        let line = format!("credential new --method {method} --part STM32H533 --out {folder}");
        assert_eq!(s.run(&line).code, 0, "{line}");
    }
    fs::write(s.path("garbage"), [0x7F, 0, 0xFF, 0xFE, b'\n', 1, 2, 3]).unwrap();
    for name in ["garbage.toml", "garbage.json", "garbage.hex", "garbage.chip", "garbage.obk", "garbage.pem"] {
        fs::copy(s.path("garbage"), s.path(name)).unwrap();
    }
    fs::create_dir(s.path("folder")).unwrap();
    fs::write(s.path("there"), "it was there before").unwrap();
    s
}

/// Each line ends with this exit code, and touches neither the chips nor the file that is there.
fn expect(cause: &str, exit: i32, lines: &[&str]) {
    let s = prepared();
    let kept = || ["board.chip", "plain.chip", "stuck.chip", "there"].map(|name| s.read(name));
    let before = kept();
    let mut wrong = Vec::new();
    for line in lines {
        let (code, value) = s.json(line);
        if code != exit {
            wrong.push(format!("{code} instead of {exit} [{}]: {line}: {}", value["code"], value["message"]));
        }
        assert!(value["next"].as_array().is_some_and(|next| !next.is_empty()), "{line}: {value:#}");
        assert!(kept() == before, "{line}: it wrote something");
    }
    assert!(wrong.is_empty(), "{cause}:\n{}", wrong.join("\n"));
}

#[test]
fn a_file_that_is_not_there() {
    expect(
        "a file that is not there",
        2,
        &[
            "apply nowhere.json --probe twin:board.chip",
            "close --to closed --credential set --policy nowhere.toml --probe twin:board.chip",
            "close --to closed --credential nowhere --probe twin:board.chip --part STM32H533",
            "close --to closed --credential set --image nowhere.hex --probe twin:board.chip",
            "close --to closed --credential set --options nowhere.toml --probe twin:board.chip",
            "rescue --credential nowhere --probe twin:stuck.chip",
            "rescue --credential folder --probe twin:stuck.chip",
            "auth regress --credential nowhere --probe twin:stuck.chip",
            "credential show nowhere.pem",
            "credential check nowhere --part STM32H533",
            "obk inspect nowhere.obk",
            "obk build nowhere.toml --part STM32H533",
            "obk write nowhere.obk --probe twin:stuck.chip --part STM32H533",
            "obk image inspect nowhere.bin",
            "option import nowhere.toml --probe twin:board.chip",
            "option diff nowhere.toml --probe twin:board.chip",
            "flash write nowhere.hex --probe twin:board.chip",
            "flash verify nowhere.hex --probe twin:board.chip",
            "diagnose nowhere.log",
            "status --probe twin:nowhere.chip",
            "flash read nowhere/fw.bin --probe twin:board.chip",
            "option export nowhere/o.toml --probe twin:board.chip",
            "twin new nowhere/x.chip",
        ],
    );
}

#[test]
fn a_file_that_is_in_the_way() {
    expect(
        "a file that is in the way",
        3,
        &[
            "twin new there",
            "flash read there --at 0x08000000 --size 16 --probe twin:board.chip",
            "option export there --probe twin:board.chip",
            "credential new --method certificate --part STM32H533 --out set",
            "close --to closed --credential set --part STM32H533 --override P-CUSTODY --override P-REHEARSED --override P-FIRMWARE --override P-FIRMWARE-NS --save there --probe twin:board.chip",
            "close --to closed --credential set --part STM32H533 --escrow there --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p --probe twin:board.chip",
        ],
    );
}

#[test]
fn a_folder_where_a_file_should_be() {
    expect(
        "a folder where a file should be",
        1,
        &[
            "apply folder --probe twin:board.chip",
            "close --to closed --credential set --policy folder --probe twin:board.chip",
            "close --to closed --credential set --image folder --probe twin:board.chip",
            "credential show folder",
            "obk inspect folder",
            "obk build folder --part STM32H533",
            "option import folder --probe twin:board.chip",
            "flash write folder --at 0x08000000 --probe twin:board.chip",
            "diagnose folder",
        ],
    );
}

#[test]
fn a_file_that_is_not_what_it_should_be() {
    expect(
        "a file that is not what it should be",
        3,
        &[
            "apply garbage.json --probe twin:board.chip",
            "close --to closed --credential set --policy garbage.toml --probe twin:board.chip",
            "close --to closed --credential set --image garbage.hex --probe twin:board.chip",
            "close --to closed --credential set --options garbage.toml --probe twin:board.chip",
            "credential show garbage.pem",
            "obk inspect garbage.obk",
            "obk build garbage.toml --part STM32H533",
            "obk write garbage.obk --probe twin:stuck.chip --part STM32H533",
            "obk image inspect garbage",
            "option import garbage.toml --probe twin:board.chip",
            "option diff garbage.toml --probe twin:board.chip",
            "flash write garbage.hex --probe twin:board.chip",
            "diagnose garbage.toml",
            "status --probe twin:garbage.chip",
        ],
    );
}

#[test]
fn a_word_that_names_nothing() {
    expect(
        "a word that names nothing",
        2,
        &[
            "explain nonsense",
            "status --probe nonsense",
            "status --probe twin:board.chip?colour=red",
            "twin new x.chip --preset nothing",
            "twin new x.chip --switch leave-rss-da=never",
            "option set SECWM_END=1 --probe twin:board.chip",
            "option set TZEN --probe twin:board.chip",
            "option set TZEN=maybe --probe twin:board.chip",
            "credential new --method certificate --part STM32H533 --out x --permissions nothing",
            "close --to closed --credential set --part STM32H533 --override P-NOTHING --probe twin:board.chip",
        ],
    );
}

#[test]
fn a_part_that_must_be_told() {
    expect(
        "a part that must be told",
        2,
        &[
            "credential new --method certificate --out x",
            "obk write set/DA_Config.obk --probe twin:stuck.chip",
            "option set BOOT_UBE=0xC3 --probe twin:board.chip",
            "close --to closed --credential set --override P-CUSTODY --override P-REHEARSED --override P-FIRMWARE --override P-FIRMWARE-NS --dry-run --save x --probe twin:board.chip",
        ],
    );
}

#[test]
fn a_part_that_is_another() {
    expect(
        "a part that is another",
        3,
        &[
            "rescue --part STM32H573 --probe twin:stuck.chip",
            "obk write set/DA_Config.obk --part STM32H573 --probe twin:stuck.chip",
            "option set SEC_EPOCH=1 --part STM32H573 --probe twin:board.chip",
            "option list --part STM32H573 --probe twin:board.chip",
            "close --to closed --credential set --part STM32H573 --probe twin:board.chip",
        ],
    );
}

#[test]
fn a_reset_line_that_is_not_wired() {
    let close = "close --to closed --credential set --part STM32H533 --override P-CUSTODY --override P-REHEARSED --override P-FIRMWARE --override P-FIRMWARE-NS --probe twin:board.chip?nrst=not-wired";
    expect("NRST", 4, &["rescue --probe twin:stuck.chip?nrst=not-wired", close]);
}

#[test]
fn a_phrase_that_was_not_given() {
    let close = "close --to closed --credential set --part STM32H533 --override P-CUSTODY --override P-REHEARSED --override P-FIRMWARE --override P-FIRMWARE-NS --probe twin:board.chip";
    expect("a phrase", 3, &["option set TZEN=off --probe twin:board.chip", close]);
}
