//! Reports as people write them. What is expected was made by hand from the text.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use provost_chip::states::TrustZone;
use provost_diagnosis::{
    case::{Act, Boot0, Goal, Host},
    diagnose,
    reading::{Reading, read},
    verdict::Verdict,
};
use support::steps::short;

fn of(text: &str) -> Reading {
    read(text.as_bytes()).unwrap()
}

/// The steps in short, as `support::steps` writes them.
fn steps(text: &str) -> Vec<String> {
    of(text).case.steps.iter().map(short).collect()
}

/// The thread that asks how to get a chip out of Provisioning, pasted as it stands.
#[test]
fn a_whole_thread_is_two_situations_in_time() {
    let text = include_str!("posts/stuck-in-provisioning.txt");
    let reading = of(text);
    let chip = &reading.case.chip;
    assert_eq!((chip.part.as_deref(), chip.tz), (Some("STM32H533RE"), Some(TrustZone::Enabled)));
    let bench = &reading.case.bench;
    assert_eq!((bench.nrst, bench.boot0), (Some(true), Some(Boot0::Accessible)));
    assert!(bench.probe.as_deref().unwrap().contains("ST-LINK V2"));
    assert_eq!(
        reading.case.steps.iter().map(short).collect::<Vec<_>>(),
        [
            "read PRODUCT_STATE=0xED",
            "connect normal: ok",
            // From Open, in one go: it stopped on the way.
            "write PRODUCT_STATE=0xC6: error",
            "read PRODUCT_STATE=0x17",
            "connect normal: error",
            "connect hot-plug AP1: ok",
            "read PRODUCT_STATE=0x17",
            // Attempt 1. Here the first situation ends: Provisioning, AP1 open by hot plug.
            "write PRODUCT_STATE=0xED: refused",
            "read PRODUCT_STATE=0x17",
            // Attempt 2, and the second situation: nothing connects any more.
            "write PRODUCT_STATE=0xC6: lost",
            "connect: error",
            // Attempt 3.
            "erase: error",
            // Later posts of the owner, who says it twice.
            "connect: error",
        ]
    );
    // The owner asks twice: after attempt 1, and after all that followed.
    let attempts: Vec<String> = reading.case.attempts.iter().map(|at| short(&reading.case.steps[*at])).collect();
    assert_eq!(attempts, ["write PRODUCT_STATE=0xED: refused", "write PRODUCT_STATE=0xC6: lost", "erase: error"]);
    let first = diagnose(&reading.case.until(reading.case.attempts[1]));
    assert_eq!(first.verdict, Verdict::Recoverable, "{:?}", first.weighed);
    assert!(
        first.plan.iter().any(|s| s.step.starts_with("provision-da:"))
            && first.never.iter().any(|n| n.step.ends_with("0xC6"))
    );
    let last = diagnose(&reading.case);
    assert_eq!(last.verdict, Verdict::Undetermined, "{:?}", last.weighed);
    assert_eq!(last.ask.first().map(|q| q.step.as_str()), Some("discover"));
    for claim in &reading.case.claims {
        let line = text.lines().nth(usize::try_from(claim.place.line).unwrap() - 1).unwrap();
        assert!(line[claim.place.bytes.clone()].starts_with(claim.place.words.as_str()), "{claim:?}");
    }
    // What others advise, and what they ask, is nobody's deed.
    let advised = ["You", "usually", "recovering", "chip erase"];
    for claim in &reading.case.claims {
        assert!(!advised.iter().any(|word| claim.place.words.contains(word)), "{claim:?}");
    }
}

#[test]
fn what_people_write_is_read() {
    for (text, expected) in [
        (
            "I changed product state from 17 to ED and got a refusal, it was ignored.",
            &["write PRODUCT_STATE=0xED: refused"][..],
        ),
        ("hot plug on AP1 works", &["connect hot-plug AP1: ok"]),
        ("after this nothing connects", &["connect: error"]),
        (
            "Hot plug, under reset and normal mode all fail.",
            &["connect hot-plug: error", "connect under-reset: error", "connect normal: error"],
        ),
        ("The chip is stuck in Provisioning (0x17).", &["read PRODUCT_STATE=0x17"]),
        ("PRODUCT_STATE is 0x72", &["read PRODUCT_STATE=0x72"]),
        ("I set PRODUCT_STATE to 0x72 and then the connection was lost", &["write PRODUCT_STATE=0x72: lost"]),
        ("Mass erase fails too", &["erase: error"]),
        ("I tried a full regression with the password, it failed", &["authenticate password full-regression: error"]),
        ("Discovery shows integrity 0xf5f5f5f5", &["discover integrity=bad: ok"]),
        ("DFU does not work either", &["dfu: error"]),
        ("I unplugged power and it is the same", &["power-cycle"]),
        ("When I connect under reset I get \"Error: Unable to get core ID\"", &["connect under-reset: error"]),
        // A message that is older than the rest is no news.
        (
            "I wrote PRODUCT_STATE to 0x17. Initially I had an error RSSLIB_SETOBKEY_BAD_SIZE with another file.",
            &["write PRODUCT_STATE=0x17"],
        ),
        (
            "Step 2: set product state to Provisioning\nSTM32_Programmer_CLI -c port=SWD -ob PRODUCT_STATE=0x17Result: Option Bytes successfully programmed",
            &["write PRODUCT_STATE=0x17: ok"],
        ),
        ("The discovery fails in the Closed state (0x72).", &["read PRODUCT_STATE=0x72", "discover: error"]),
        // German, French, Chinese.
        ("Ich kann mich nicht verbinden", &["connect: error"]),
        ("Hot-Plug an AP1 funktioniert", &["connect hot-plug AP1: ok"]),
        ("Ich habe PRODUCT_STATE von 17 auf ED geändert", &["write PRODUCT_STATE=0xED"]),
        ("Je ne peux pas connecter la carte", &["connect: error"]),
        ("热插拔连接成功", &["connect hot-plug: ok"]),
        ("我无法连接芯片", &["connect: error"]),
    ] {
        assert_eq!(steps(text), expected, "{text}");
    }
}

/// Deeds in the words of people who tell a story rather than a log.
#[test]
fn stories_are_read() {
    let mut wrong = Vec::new();
    for (text, expected) in [
        // The field's name as many write it.
        ("I then put the PRODUCTION_STATE to closed all the same.", &["write PRODUCT_STATE=0x72"][..]),
        ("By mistake I modified PRODUCT_STATE to provisioning.", &["write PRODUCT_STATE=0x17"]),
        ("We changed the production state to closed (0x72) without any trouble.", &["write PRODUCT_STATE=0x72: ok"]),
        // Provisioning, in other words than the tool's.
        ("I started provisioning with my OBK file.", &["provision other"]),
        ("We executed \"Start Provisioning\" with the .obk file that it made.", &["provision other"]),
        ("I can do the provisioning, the tool reports success.", &["provision other: ok"]),
        ("The OBKey provisioning always failed.", &["provision other: error"]),
        ("However, provisioning always fails.", &["provision other: error"]),
        ("I cannot provide the obk file in the PROV panel.", &["provision other: error"]),
        ("Its code sets a debug password and closes nothing.", &[]),
        ("I set a debug password with the tool.", &["provision da-password"]),
        // A regression leads to Open: no state was seen or written.
        ("We can do a full regression to the \"Open\" state with it.", &["authenticate full-regression: ok"]),
        ("After this a full regression is not possible any more.", &["authenticate full-regression: error"]),
        // Behind a change.
        ("After switching the MCU to the \"Closed\" state the code ran again.", &["write PRODUCT_STATE=0x72"]),
        (
            "Accidentally switched PRODUCT_STATE from Open (0xED) to 0x17 with the programmer.",
            &["write PRODUCT_STATE=0x17"],
        ),
    ] {
        let told: Vec<String> = steps(text).into_iter().filter(|s| !s.starts_with("observe")).collect();
        if told != expected {
            wrong.push(format!("{text}\n    {told:?}"));
        }
    }
    for text in [
        "My board is not CLOSED.",
        "I know that the credentials avoid a chip that is locked for ever in CLOSED state.",
        "I close the error windows and read again.",
        "I can change the write protect bits, provided PRODUCT_STATE = 'Open'.",
        "How do I get PRODUCT_STATE back to Open?",
        "Is there any other way to turn PRODUCT_STATE back to OPEN again?",
    ] {
        if steps(text) != [""; 0] {
            wrong.push(format!("{text}\n    {:?}", steps(text)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Several parts in one story: it is about the one that somebody goes on with.
#[test]
fn the_part_is_the_one_that_the_story_ends_with() {
    for (text, part) in [
        ("With an STM32H563 I can close and regress. I try the same with an STM32H533RE and it fails.", "STM32H533RE"),
        (
            "- Nucleo-H503 & Nucleo-H533\n- a few H523 boards\n2) with the H533 I can do everything\n3) on the H523 I can close, but discovery fails.",
            "STM32H523",
        ),
        ("My STM32H533RE is stuck. The object was made for the STM32H573.", "STM32H533RE"),
        ("My STM32H563ZI is stuck in Provisioning. I changed the state of the H563.", "STM32H563ZI"),
    ] {
        assert_eq!(of(text).case.chip.part.as_deref(), Some(part), "{text}");
    }
}

#[test]
fn windows_are_no_operating_system() {
    let host = |text: &str| of(text).case.bench.host;
    assert_eq!(host("I close the error windows and read the memory."), None);
    assert_eq!(host("I use the tool on Windows 11."), Some(Host::Windows64));
    assert_eq!(host("cubeprogrammer on windows 10, 32 bit"), Some(Host::Windows32));
}

#[test]
fn what_is_no_report_is_left_alone() {
    for text in [
        "You should connect under reset.",
        "Can I write PRODUCT_STATE = 0x72 now?",
        "I want to change the product state to Closed.",
        "If the chip is in Closed state, discovery helps.",
        "Another board works fine with hot plug.",
        "I closed the tool and opened it again.",
        "Please help, the project is locked.",
        "I did not erase the chip.",
        "NRST is connected to the header.",
        "The error is the same whether or not my ST-LINK is attached to the board.",
        "My own board is connected through a cheap clone.",
        "When I program the same binary without Debug Authentication, it works.",
        "With the other part I can place the MCU in Provisioning state.",
        "There are 17 boards and 72 cables.",
        "The regression is possible according to the manual.",
        "Option bytes are explained in chapter 7.",
    ] {
        assert_eq!(
            steps(text).into_iter().filter(|s| !s.starts_with("observe")).collect::<Vec<_>>(),
            [""; 0],
            "{text}"
        );
    }
}

/// The words of the ROM within a sentence, with what stands beside them.
#[test]
fn a_discovery_within_a_sentence_is_read_whole() {
    let text = "AP1 not accessible, discovery answers ST_LIFECYCLE_CLOSED with integrity 0xf5f5f5f5.";
    assert_eq!(steps(text), ["discover closed integrity=bad: ok"]);
    for (text, password) in [
        ("Discovery says 0xeaeaeaea, ST Password, all fine.", Some(true)),
        ("Discovery says 0xeaeaeaea, ECDSA P-256.", Some(false)),
        ("Discovery says 0xeaeaeaea. I know the password.", None),
    ] {
        let case = of(text).case;
        let seen = case.steps.iter().find_map(|s| if let Act::Discover(d) = &s.act { Some(d.clone()) } else { None });
        assert_eq!(seen.unwrap().password, password, "{text}");
    }
}

#[test]
fn a_chip_that_is_said_to_be_open_is_and_everyday_words_are_not() {
    assert_eq!(steps("The chip is open, the debugger works."), ["read PRODUCT_STATE=0xED"]);
    for text in ["The chip is locked.", "The forum is open.", "The case of the board was open.", "Is the chip open?"] {
        assert!(steps(text).iter().all(|s| !s.starts_with("read")), "{text}: {:?}", steps(text));
    }
    assert!(steps("I tried debugauth=3 in Provisioning (0x17).").contains(&"close-debug".to_owned()));
}

/// What somebody wants, in their words; advice is no wish.
#[test]
fn who_wants_nothing_erased_wants_to_debug() {
    for text in ["I need to look at it without erasing the flash.", "We want to debug it without erasing it."] {
        assert_eq!(of(text).case.goal, Some(Goal::Debug), "{text}");
    }
    for text in ["It booted without erasing.", "I want to erase it.", "It works without a mass erase."] {
        assert_eq!(of(text).case.goal, None, "{text}");
    }
}
