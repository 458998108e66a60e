//! The commands that carry out a step: those of provost, and those of STM32CubeProgrammer, which people have at hand.
//!
//! What is printed can be carried out as it stands: probe, part and folders are repeated as they were given, and where something
//! is missing that a command needs, there is none.

use provost_chip::{
    parts::{DaStore, PartId},
    states::TrustZone,
};
use serde::Serialize;

use crate::moves::{Move, Subject};

/// The commands for one step; an empty string where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Commands {
    /// With provost.
    pub provost: String,
    /// With ST's command line.
    pub stm32cubeprogrammer: String,
}

/// What the person gave on the command line, and commands must repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// `--probe`.
    pub probe: Option<String>,
    /// `--part`.
    pub part: Option<String>,
    /// `--credential`: the folder of the owner's credential.
    pub credential: Option<String>,
}

/// What the commands are made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// What was given.
    pub given: &'a Given,
    /// The part, if the report tells one.
    pub part: Option<PartId>,
    /// The part as it is written.
    pub name: Option<&'a str>,
    /// TrustZone, if it is known.
    pub tz: Option<TrustZone>,
    /// A product state waits for the next reset.
    pub pending: bool,
}

/// Where credentials for ST's tool are made: one of certificates, one with a password, for both may be needed until TZEN is known.
const FOLDERS: (&str, &str) = ("rescue-certificate", "rescue-password");
/// ST's tool, attached to AP1 without reset.
const HOT_PLUG: &str = "STM32_Programmer_CLI -c port=SWD ap=1 mode=HOTPLUG";
/// ST's tool, as Debug Authentication wants it.
const DEBUG_AUTH: &str = "STM32_Programmer_CLI -c port=SWD";

impl Target<'_> {
    fn is_otp(&self) -> bool {
        self.part.is_some_and(|p| p.info().da_store == DaStore::Otp)
    }

    /// A command of provost on this chip.
    fn provost(&self, words: &str) -> String {
        let mut line = format!("provost {words}");
        for (option, value) in [("--probe", self.given.probe.as_deref()), ("--part", self.name)] {
            if let Some(value) = value {
                line.push_str(&format!(" {option} {}", quoted(value)));
            }
        }
        line
    }

    fn rescue(&self, once_for_life: bool) -> String {
        let mut words = String::from("rescue");
        if let Some(folder) = &self.given.credential {
            words.push_str(&format!(" --credential {}", quoted(folder)));
        }
        if once_for_life {
            words.push_str(" --once-for-life");
        }
        if self.pending {
            words.push_str(" --one-shot");
        }
        self.provost(&words)
    }

    /// Debug of both sides, from the first level on: where most firmware is. Nothing while the owner's credential is not known.
    fn opens_debug(&self) -> String {
        let Some(folder) = self.given.credential.as_deref().map(quoted) else { return String::new() };
        self.provost(&format!("auth open --permission level-1-intrusive-debug --credential {folder}"))
    }

    /// Makes a credential, and gives it to ST's tool; nothing while the part is not known, for the object depends on it.
    fn st_provisions(&self, method: &str, object: &str) -> String {
        let Some(part) = self.name else { return String::new() };
        let folder = if method == "password" { FOLDERS.1 } else { FOLDERS.0 };
        let make = format!("provost credential new --method {method} --part {part} --out {folder}");
        if self.is_otp() {
            let write = format!("{DEBUG_AUTH} mode=HOTPLUG -w {folder}/board_password.bin 0x08FFF000");
            return format!("{make} && {write} && {DEBUG_AUTH} mode=HOTPLUG -ob LOCKBL=0x1");
        }
        format!("{make} && {HOT_PLUG} -sdp {folder}/{object}")
    }

    fn st_regresses(&self) -> String {
        let (certificate, password) = FOLDERS;
        let chain = format!("per=a key={certificate}/key_3_leaf.pem cert={certificate}/cert_leaf_chain.b64");
        let with = match self.tz {
            _ if self.is_otp() => format!("pwd={password}/da_password.bin"),
            Some(TrustZone::Enabled) => chain,
            Some(TrustZone::Disabled) => format!("pwd={password}/password.bin"),
            None => format!("{chain} pwd={password}/password.bin"),
        };
        format!("{DEBUG_AUTH} {with} debugauth=1")
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":._/,=-+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The commands for the steps of a plan. For provost everything from the credential to the regression is one command, where it can
/// be made whole: a password that already stands in OTP has to be given.
pub(crate) fn of_plan(steps: &[Move], target: Target<'_>) -> Vec<Commands> {
    let stored = |step: &Move| matches!(step, Move::ProvisionCertificate | Move::ProvisionPassword);
    let rescued = |step: &Move| stored(step) || matches!(step, Move::Discover | Move::FullRegression);
    let otp = target.is_otp() && steps.contains(&Move::ProvisionPassword);
    let asks_for_it = target.is_otp() && !steps.iter().any(stored) && target.given.credential.is_none();
    let rescues = steps.contains(&Move::FullRegression) && !asks_for_it;
    let mut once = rescues.then(|| target.rescue(otp));
    steps
        .iter()
        .map(|step| {
            let mut commands = of_step(*step, target);
            if rescues && rescued(step) {
                commands.provost = once.take().unwrap_or_default();
            } else if asks_for_it && *step == Move::FullRegression {
                commands.provost.clear();
            }
            commands
        })
        .collect()
}

/// The commands for a step by itself.
pub(crate) fn of_step(step: Move, target: Target<'_>) -> Commands {
    let pair = |provost: String, st: String| Commands { provost, stm32cubeprogrammer: st };
    let look = || pair(target.provost("status"), format!("{HOT_PLUG} -ob displ"));
    match step {
        Move::Discover => pair(target.provost("auth discover"), format!("{DEBUG_AUTH} debugauth=2")),
        Move::ConnectHotPlug | Move::RetryConnect => look(),
        Move::Check(Subject::Tzen | Subject::Secwm | Subject::BootAddress | Subject::Wrp) => {
            pair(target.provost("option list"), format!("{HOT_PLUG} -ob displ"))
        }
        Move::ConnectUnderReset => {
            pair(String::new(), "STM32_Programmer_CLI -c port=SWD ap=1 mode=UR -ob displ".into())
        }
        Move::ProvisionCertificate => pair(String::new(), target.st_provisions("certificate", "DA_Config.obk")),
        Move::ProvisionPassword => pair(String::new(), target.st_provisions("password", "DA_ConfigWithPassword.obk")),
        Move::FullRegression => pair(target.rescue(false), target.st_regresses()),
        Move::OpenDebug => pair(target.opens_debug(), String::new()),
        Move::WriteState(state) => pair(String::new(), format!("{HOT_PLUG} -ob PRODUCT_STATE=0x{:02X}", state.code())),
        Move::WriteTrustZone(tz) => pair(String::new(), format!("{HOT_PLUG} -ob TZEN=0x{:02X}", tz.code())),
        _ => Commands::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_chip::states::ProductState;

    fn target<'a>(given: &'a Given, name: Option<&'a str>) -> Target<'a> {
        Target { given, part: name.and_then(|n| n.parse().ok()), name, tz: Some(TrustZone::Disabled), pending: false }
    }

    #[test]
    fn for_provost_the_rescue_is_one_command() {
        let given =
            Given { probe: Some("twin:my board.chip".into()), part: Some("STM32H563ZI".into()), credential: None };
        let plan = [Move::WireNrst, Move::ProvisionPassword, Move::Discover, Move::FullRegression];
        let commands = of_plan(&plan, target(&given, Some("STM32H563ZI")));
        let provost: Vec<&str> = commands.iter().map(|c| c.provost.as_str()).collect();
        assert_eq!(provost, ["", "provost rescue --probe 'twin:my board.chip' --part STM32H563ZI", "", ""]);
    }

    #[test]
    fn an_stm32h503_is_written_once_for_life() {
        let given = Given::default();
        let plan = [Move::ProvisionPassword, Move::Discover, Move::FullRegression];
        let commands = of_plan(&plan, target(&given, Some("STM32H503RB")));
        assert_eq!(commands[0].provost, "provost rescue --once-for-life --part STM32H503RB");
        let st = &commands[0].stm32cubeprogrammer;
        assert!(st.contains("board_password.bin 0x08FFF000") && st.contains("-ob LOCKBL=0x1") && !st.contains("-sdp"));
        assert!(commands[2].stm32cubeprogrammer.contains("pwd=rescue-password/da_password.bin"));
        // What is already there needs no second writing, and has to be given.
        let commands = of_plan(&plan[1..], target(&given, Some("STM32H503RB")));
        let provost: Vec<&str> = commands.iter().map(|c| c.provost.as_str()).collect();
        assert_eq!(provost, ["provost auth discover --part STM32H503RB", ""]);
        let given = Given { credential: Some("safe/board".into()), ..given };
        let commands = of_plan(&plan[1..], target(&given, Some("STM32H503RB")));
        assert_eq!(commands[0].provost, "provost rescue --credential safe/board --part STM32H503RB");
    }

    #[test]
    fn nothing_stands_for_what_is_not_known() {
        let given = Given::default();
        for step in Move::all() {
            let commands = of_step(step, target(&given, None));
            let words = format!("{} {}", commands.provost, commands.stm32cubeprogrammer);
            assert!(!words.split_whitespace().any(|w| matches!(w, "PART" | "FILE" | "DIR" | "FILE.obk")), "{words}");
        }
        assert_eq!(of_step(Move::WriteState(ProductState::Closed), target(&given, None)).provost, "");
    }
}
