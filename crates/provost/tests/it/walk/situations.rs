//! The situations of the walk, each made by commands from nothing; and what is tried in each.

use super::{Desk, words};

/// A chip, and what lies beside it.
pub struct Situation {
    pub name: &'static str,
    /// How it is called by who does not know better: with the fault that the page is about.
    pub probe: &'static str,
    pub part: &'static str,
    tz: bool,
    steps: &'static [&'static str],
}

const PLAIN: &str = "twin:board.chip";
const CERTIFICATE: &str = "credential new --method certificate --out safe/board --part";
const PASSWORD: &str = "credential new --method password --out safe/board --part";

const fn situation(
    name: &'static str,
    part: &'static str,
    tz: bool,
    probe: &'static str,
    steps: &'static [&'static str],
) -> Situation {
    Situation { name, probe, part, tz, steps }
}

/// All of them.
pub fn all() -> Vec<Situation> {
    vec![
        situation("stuck", "STM32H533", true, PLAIN, &["twin new board.chip --preset stuck-in-provisioning"]),
        situation(
            "stuck, no NRST",
            "STM32H533",
            true,
            "twin:board.chip?nrst=not-wired",
            &["twin new board.chip --preset stuck-in-provisioning"],
        ),
        situation(
            "stuck, in a world that wants power cycles",
            "STM32H533",
            true,
            PLAIN,
            &["twin new board.chip --preset stuck-in-provisioning --switch leave-rss-da=power"],
        ),
        situation(
            "a rescue was interrupted",
            "STM32H533",
            true,
            PLAIN,
            &["twin new board.chip --preset stuck-in-provisioning", "rescue --probe twin:board.chip?unplug=900"],
        ),
        situation(
            "TZ-Closed with nothing inside",
            "STM32H533",
            true,
            PLAIN,
            &["twin new board.chip --preset tz-closed-without-object"],
        ),
        situation(
            "Provisioning, TrustZone off",
            "STM32H563",
            false,
            PLAIN,
            &["twin new board.chip --preset provisioning-without-trustzone"],
        ),
        situation("fresh", "STM32H533", false, PLAIN, &["twin new board.chip --preset fresh", "PASSWORD"]),
        situation(
            "STM32H503 in Provisioning",
            "STM32H503",
            false,
            PLAIN,
            &["twin new board.chip --preset h503-in-provisioning", "PASSWORD"],
        ),
        situation(
            "STM32H503 in Open",
            "STM32H503",
            false,
            PLAIN,
            &["twin new board.chip --part STM32H503", "PASSWORD"],
        ),
        situation(
            "STM32H503 closed",
            "STM32H503",
            false,
            PLAIN,
            &[
                "twin new board.chip --part STM32H503",
                "PASSWORD",
                "close --to closed --credential safe/board --override P-OTP --probe twin:board.chip",
            ],
        ),
        situation(
            "Open, TrustZone on",
            "STM32H563",
            true,
            PLAIN,
            &["twin new board.chip --part STM32H563 --tzen on", "CERTIFICATE"],
        ),
        situation(
            "Open, TrustZone on, secure AES",
            "STM32H573",
            true,
            PLAIN,
            &["twin new board.chip --part STM32H573 --tzen on", "CERTIFICATE"],
        ),
        situation(
            "Open, TrustZone off",
            "STM32H563",
            false,
            PLAIN,
            &["twin new board.chip --part STM32H563", "PASSWORD"],
        ),
        situation(
            "an object was written by hand",
            "STM32H563",
            true,
            PLAIN,
            &[
                "twin new board.chip --part STM32H563 --tzen on",
                "CERTIFICATE",
                "option set PRODUCT_STATE=provisioning --probe twin:board.chip",
                "obk write safe/board/DA_Config.obk --probe twin:board.chip --part STM32H563",
            ],
        ),
        situation(
            "TZ-Closed with its credential",
            "STM32H563",
            true,
            PLAIN,
            &[
                "twin new board.chip --part STM32H563 --tzen on",
                "CERTIFICATE",
                "close --to tz-closed --credential safe/board --part STM32H563 --probe twin:board.chip",
            ],
        ),
        situation(
            "Closed with its password",
            "STM32H563",
            false,
            PLAIN,
            &[
                "twin new board.chip --part STM32H563",
                "PASSWORD",
                "close --to closed --credential safe/board --part STM32H563 --probe twin:board.chip",
            ],
        ),
        situation(
            "a close was interrupted",
            "STM32H563",
            true,
            PLAIN,
            &[
                "twin new board.chip --part STM32H563 --tzen on",
                "CERTIFICATE",
                "close --to tz-closed --credential safe/board --part STM32H563 --probe twin:board.chip?cut-power=262800",
            ],
        ),
    ]
}

/// Those in which a bootloader runs, and one in which none does.
pub fn at_a_bootloader() -> Vec<Situation> {
    let running = "twin:board.chip?boot0=high";
    vec![
        situation(
            "stuck, by bootloader",
            "STM32H533",
            true,
            PLAIN,
            &["twin new board.chip --preset stuck-in-provisioning"],
        ),
        situation(
            "Open, by bootloader",
            "STM32H563",
            false,
            running,
            &["twin new board.chip --part STM32H563", "PASSWORD"],
        ),
        situation(
            "no bootloader runs",
            "STM32H563",
            false,
            PLAIN,
            &["twin new board.chip --part STM32H563", "PASSWORD"],
        ),
    ]
}

impl Situation {
    /// Makes it.
    pub fn make(&self) -> Desk {
        let desk = Desk::new();
        std::fs::write(desk.path("fw.bin"), vectors(self.tz)).unwrap();
        for step in self.steps {
            let line = match *step {
                "CERTIFICATE" => format!("{CERTIFICATE} {}", self.part),
                "PASSWORD" => format!("{PASSWORD} {}", self.part),
                step => step.to_owned(),
            };
            let run = desk.confirmed(&words(&line));
            let meant = if line.contains('?') { [4, 5].contains(&run.code) } else { run.code == 0 };
            assert!(meant, "{}: {line}: {}\n{}{}", self.name, run.code, run.out, run.err);
        }
        if !desk.path("safe/board").exists() {
            let method = if self.tz { CERTIFICATE } else { PASSWORD };
            assert_eq!(desk.confirmed(&words(&format!("{method} {}", self.part))).code, 0);
        }
        std::fs::write(desk.path("options.toml"), "").unwrap();
        let export = format!("option export options.toml --force --probe twin:board.chip --part {}", self.part);
        desk.run(&words(&export));
        desk
    }

    /// A word that stands for something, as a person here would fill it in.
    pub fn fill(&self, word: &str, line: &str) -> String {
        let is = |what: &str| line.starts_with(&format!("provost {what}"));
        match word {
            "STATE" if self.tz => "tz-closed",
            "STATE" => "closed",
            "METHOD" if self.tz => "certificate",
            "METHOD" => "password",
            "DIR" if is("credential new") => "safe/new",
            "DIR" => "safe/board",
            "FILE" if is("twin new") => "new.chip",
            "FILE" if is("option") => "options.toml",
            "FILE" if is("obk write") && self.part == "STM32H503" => "safe/board/password.bin",
            "FILE" if is("obk write") && self.tz => "safe/board/DA_Config.obk",
            "FILE" if is("obk write") => "safe/board/DA_ConfigWithPassword.obk",
            "FILE" if is("flash") && self.tz => "fw.bin@0x0C000000",
            "FILE" if is("flash") => "fw.bin@0x08000000",
            "PLAN" => "plan.json",
            "P-RULE" => "P-CUSTODY",
            "SWITCH" => "leave-rss-da",
            "RULE" => "R-BACK-ONLY-BY-DA",
            "COMMAND" => "status",
            word => word,
        }
        .to_owned()
    }
}

/// A vector table: a stack pointer in RAM, a reset handler in flash, and a loop there.
fn vectors(tz: bool) -> Vec<u8> {
    let base: u32 = if tz { 0x0C00_0000 } else { 0x0800_0000 };
    [0x2000_8000u32, base + 9, 0xE7FE_E7FE].iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// What is tried in each.
pub const COMMANDS: &[&str] = &[
    "status",
    "doctor",
    "doctor --reset",
    "rescue --dry-run",
    "rescue --as-real",
    "rescue",
    "rescue --credential safe/board",
    "rescue --credential nowhere",
    "selfcheck --level 2",
    "auth discover",
    "auth open --permission level-1-intrusive-debug --credential safe/board",
    "auth close-debug",
    "auth regress --credential safe/board",
    "auth regress --to tz-closed --credential safe/board",
    "close --to closed --dry-run",
    "close --to closed --credential safe/board --dry-run",
    "close --to tz-closed --credential safe/board",
    "close --check",
    "close --to locked --credential safe/board",
    "close --to closed --credential safe/board --override P-NRST",
    "close --to closed --credential safe/board --save plan.json",
    "apply --resume",
    "apply nowhere.json",
    "option list",
    "option list --changed",
    "option diff twin:fresh",
    "option get NOTHING",
    "option set PRODUCT_STATE=closed",
    "option set PRODUCT_STATE=tz-closed",
    "option set PRODUCT_STATE=locked",
    "option set PRODUCT_STATE=provisioning",
    "option set TZEN=on",
    "option diff nowhere.toml",
    "obk write safe/board/DA_Config.obk",
    "obk write safe/board/password.bin",
    "flash write fw.bin",
    "flash write fw.bin@0x08000000",
    "flash erase --all --as-real",
    "flash read fw.bin",
    "credential check safe/board",
    "credential new --method certificate --out safe/board",
    "explain nonsense",
    "explain index",
    "explain PRODUCT_STATE",
    "explain level-1-intrusive-debug",
    "explain option-use-close",
    "explain P-REHEARSED",
    "explain TZEN",
    "twin new board.chip",
    "history",
];

/// What is tried over a bootloader.
pub const BY_BOOTLOADER: &[&str] = &[
    "status",
    "rescue --dry-run",
    "rescue",
    "auth discover",
    "close --to closed --credential safe/board",
    "option list",
    "option get NOTHING",
    "option set PRODUCT_STATE=closed",
    "option set PRODUCT_STATE=provisioning",
    "option export options.toml",
    "obk write safe/board/DA_Config.obk",
    "flash write fw.bin",
    "flash write fw.bin@0x08000000",
    "flash read fw.bin",
];
