//! How many questions it takes to come to the answer of a known case, when they are answered from its report.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::collections::HashMap;

use provost_chip::{parts::PartId, states::ProductState};
use provost_diagnosis::{
    case::{Act, AskedPermission, Case, ConnectMode, Object, Outcome, Step},
    diagnose,
    evidence::Evidence,
    interview::{Interview, Question, Subject},
    signs::Sign,
};

/// Questions that a person answers willingly.
const FEW: usize = 5;
/// Cases in a hundred that are answered in so many. What is missing turns on a sixth answer.
const AT_LEAST: usize = 90;

fn bad(step: &Step) -> bool {
    !matches!(step.outcome, None | Some(Outcome::Ok))
}

fn has(case: &Case, sign: Sign) -> bool {
    case.steps.iter().any(|s| s.all_signs().any(|told| told == sign))
}

/// The state that the owner would name: the last that was read, discovered or written with success, or the claim.
fn state(case: &Case) -> Option<ProductState> {
    let shown = |s: &Step| match &s.act {
        Act::ReadOption(o) => o.product_state(),
        Act::Discover(d) => d.lifecycle,
        Act::WriteOption(o) if !bad(s) => o.product_state(),
        Act::WriteOption(o) if s.outcome == Some(Outcome::Lost) => o.product_state(),
        _ => None,
    };
    case.steps.iter().rev().find_map(shown).or(case.chip.state)
}

/// What was told last of the application.
fn at_work(case: &Case) -> Option<bool> {
    case.steps.iter().rev().find_map(|s| {
        s.all_signs().find_map(|sign| match sign {
            Sign::ApplicationRuns => Some(true),
            Sign::ApplicationDead => Some(false),
            _ => None,
        })
    })
}

/// A boot code printed that something is not as it wants it.
fn boot_refused(case: &Case) -> bool {
    let printed = |s: &Step| s.messages.iter().any(|m| m.tool.ends_with("iRoT") && m.sign.is_some());
    has(case, Sign::BootRefused) || case.steps.iter().any(printed)
}

/// A regression was granted, and no state was read or written since.
fn regressed(case: &Case) -> bool {
    let tells = |s: &&Step| matches!(s.act, Act::Authenticate { .. } | Act::ReadOption(_) | Act::WriteOption(_));
    case.steps.iter().rev().find(tells).is_some_and(|s| {
        matches!(s.act, Act::Authenticate { permission: AskedPermission::FullRegression, .. }) && !bad(s)
    })
}

/// What somebody with this report answers: the beginning of the text of the choice.
fn reply(subject: Subject, case: &Case) -> Option<&'static str> {
    let steps = || case.steps.iter().rev();
    match subject {
        Subject::State if has(case, Sign::UnrecordedWrites) => Some("options were changed"),
        Subject::State if regressed(case) => Some("a closed one"),
        Subject::State => Some(match state(case)? {
            ProductState::Open => "Open",
            ProductState::Provisioning => "Provisioning",
            ProductState::IrotProvisioned => "iROT",
            ProductState::TzClosed => "TZ-Closed",
            ProductState::Closed => "Closed",
            ProductState::Locked => "Locked",
        }),
        // Whoever wrote the report knows what they want, told or not.
        Subject::Goal => Some(match diagnose(case).goal {
            "debug" => "debug it",
            "forward" => "on to",
            "check" => "only know",
            "boot" => "make it boot",
            _ => "back to Open",
        }),
        Subject::Wrong => {
            let dead = case.steps.iter().position(|s| s.all_signs().any(|sign| sign == Sign::ApplicationDead));
            let power = dead.is_some_and(|at| case.steps[at..].iter().any(|s| matches!(s.act, Act::PowerCycle)));
            let flash = |s: &Step| matches!(s.act, Act::Erase | Act::Flash) && bad(s);
            let own = |s: &Step| matches!(s.act, Act::Firmware(_)) && bad(s);
            let refused = |s: &Step| matches!(s.act, Act::Provision { .. }) && bad(s);
            let connect = |s: &Step| matches!(s.act, Act::Connect { .. }) && bad(s);
            let under_reset =
                |s: &Step| matches!(s.act, Act::Connect { mode: Some(ConnectMode::UnderReset), .. }) && bad(s);
            let bootloader = |s: &Step| matches!(s.act, Act::Dfu | Act::Uart) && bad(s);
            match () {
                () if has(case, Sign::ToolTooOld) => Some("the tool does not know"),
                () if has(case, Sign::ToolCrash) => Some("the tool crashes"),
                () if has(case, Sign::InstallerAbsent) => Some("ST's secure installer"),
                () if boot_refused(case) => Some("the boot code"),
                () if steps().any(own) => Some("my own code"),
                () if has(case, Sign::FlashReadsZero) => Some("the flash reads"),
                () if steps().any(flash) => Some("erasing"),
                () if at_work(case) == Some(false) => Some("the application does not"),
                () if steps().any(refused) => Some("an object"),
                () if steps().any(connect) && steps().any(under_reset) => Some("no tool connects, under reset"),
                () if steps().any(connect) => Some("no tool"),
                () if steps().any(bootloader) => Some("the bootloader"),
                () if at_work(case) == Some(true) && power => Some("it did not run"),
                () if at_work(case) == Some(true) => Some("nothing"),
                () => None,
            }
        }
        // Who programs the flash says that, not how the tool attached for it.
        Subject::Connect if steps().any(|s| matches!(s.act, Act::Flash) && s.outcome == Some(Outcome::Ok)) => {
            Some("a tool attaches, and")
        }
        Subject::Connect => steps().find_map(|s| match &s.act {
            Act::ReadOption(o) if o.product_state() == Some(ProductState::Open) => Some("PRODUCT_STATE 0xED"),
            Act::ReadOption(o) if o.product_state() == Some(ProductState::Provisioning) => Some("PRODUCT_STATE 0x17"),
            Act::Flash | Act::Erase if s.outcome == Some(Outcome::Ok) => Some("a tool attaches, and"),
            Act::Connect { mode: Some(mode), ap: None | Some(1) }
                if s.outcome == Some(Outcome::Ok) && *mode != ConnectMode::HotPlug =>
            {
                Some(if *mode == ConnectMode::UnderReset { "a tool attaches under" } else { "a tool attaches after" })
            }
            Act::Connect { mode: Some(ConnectMode::HotPlug), ap: None | Some(1) } => match s.outcome {
                // Whoever attaches so reads the state.
                Some(Outcome::Ok) => match state(case)? {
                    ProductState::Open => Some("PRODUCT_STATE 0xED"),
                    ProductState::Provisioning => Some("PRODUCT_STATE 0x17"),
                    _ => None,
                },
                Some(Outcome::NoDevice) => Some("nobody"),
                _ => bad(s).then_some("the probe finds"),
            },
            Act::Connect { ap: None | Some(1), .. } if s.outcome == Some(Outcome::NoDevice) => Some("nobody"),
            _ => None,
        }),
        Subject::Credential => {
            let stored = steps().find_map(|s| match &s.act {
                Act::Provision { object, .. } if !bad(s) && object.is_debug_authentication() => Some(*object),
                _ => None,
            });
            let meant = |s: &Step| matches!(&s.act, Act::Provision { object, .. } if object.is_debug_authentication());
            match stored {
                _ if has(case, Sign::CredentialMissing) => Some("one that"),
                Some(Object::DaPassword) => Some("a password"),
                Some(_) => Some("a certificate"),
                None if has(case, Sign::FileMissing) || has(case, Sign::NothingProvisioned) => Some("none: nobody"),
                None if steps().any(meant) => Some("none: storing"),
                None => None,
            }
        }
        Subject::Discovery if has(case, Sign::HostSideFailure) => Some("the same error"),
        // After a regression the chip is another.
        Subject::Discovery if regressed(case) => None,
        Subject::Discovery => steps().find_map(|s| match &s.act {
            Act::Discover(d) if d.integrity == Some(true) => Some(match d.password {
                Some(true) => "0xEAEAEAEA, ST Password",
                Some(false) => "0xEAEAEAEA, ECDSA",
                None => "0xEAEAEAEA, I did not",
            }),
            Act::Discover(d) if d.integrity == Some(false) => Some("0xF5F5F5F5"),
            Act::Discover(d) if !d.answered() && bad(s) => Some("it does not"),
            _ => None,
        }),
        Subject::Used => {
            let evidence = Evidence::of(case);
            if evidence.has(Sign::FirmwareRegresses) || evidence.has(Sign::FirmwareWritesState) {
                return Some("nothing, but my own firmware");
            }
            let tried = steps().find(|s| matches!(s.act, Act::Authenticate { .. }));
            tried.map_or(Some("nothing"), |s| match s.act {
                _ if bad(s) => Some("a regression"),
                Act::Authenticate { permission: AskedPermission::Debug, .. } => Some("a debug session"),
                _ => None,
            })
        }
        Subject::Reset => {
            let four = case.bench.probe.as_deref().is_some_and(|p| p.contains("four") || p.contains('4'));
            match case.bench.nrst {
                Some(true) => Some("yes"),
                Some(false) => Some("no"),
                None => four.then_some("no"),
            }
        }
        Subject::TrustZone => case.chip.tz.map(|tz| if tz.as_str() == "on" { "on" } else { "off" }),
        Subject::Part => {
            let part: PartId = case.chip.part.as_deref()?.parse().ok()?;
            ["STM32H503", "STM32H523", "STM32H533", "STM32H562", "STM32H563", "STM32H573"]
                .into_iter()
                .find(|name| *name == part.info().name)
        }
    }
}

#[test]
fn few_questions_answer_most_cases() {
    let (mut within, mut all, mut asked) = (0, 0, 0);
    // Many begin alike.
    let mut next: HashMap<String, Option<&'static Question>> = HashMap::new();
    println!("{:<48}{:>6}  {:<15} given", "case", "asked", "expected");
    for known in support::all() {
        let mut interview = Interview::new();
        let mut asks = Vec::new();
        while let Some(question) = *next.entry(asks.join("; ")).or_insert_with(|| interview.next()) {
            let said = reply(question.subject, &known.case);
            let place = said.and_then(|s| question.choices.iter().position(|c| c.text.starts_with(s)));
            assert_eq!(said.is_some(), place.is_some(), "{}: {said:?}", question.ask);
            asks.push(format!("{:?}: {}", question.subject, said.unwrap_or("?")));
            interview.answer(question, place);
        }
        let given = interview.diagnosis().verdict.as_str();
        let promises = given.starts_with("recoverable") && known.expect.verdict == "lost";
        assert!(!promises, "{}: a lost chip is promised a way back", known.name);
        let right = given == known.expect.verdict
            || (given.starts_with("recoverable") && known.expect.verdict.starts_with("recoverable"));
        println!(
            "{:<48}{:>6}  {:<15} {given}{}",
            known.name,
            interview.asked(),
            known.expect.verdict,
            if right { "" } else { "   <-" }
        );
        if !right {
            println!("    {}", asks.join("; "));
        }
        all += 1;
        asked += interview.asked();
        within += usize::from(right && interview.asked() <= FEW);
    }
    println!(
        "{within} of {all} cases are answered in {FEW} questions; {:.1} on average",
        asked as f64 / f64::from(all)
    );
    let figures = include_str!("../../../docs/figures.md");
    let row = figures.lines().find(|line| line.contains("--test interview")).expect("a row of its own");
    assert!(row.contains(&format!("| {within} of {all} cases")), "docs/figures.md states another count: {row}");
    assert!(100 * within >= AT_LEAST * all as usize, "{within} of {all}");
}
