//! A hundred posts from random histories of virtual chips, told in many voices: what is read of them, held against what was told.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use provost_chip::states::ProductState;
use std::collections::BTreeMap;

use provost_diagnosis::{
    Diagnosis,
    case::{Act, Case},
    case_file, diagnose,
    reading::read,
    verdict::Verdict,
};
use provost_testkit::Random;
use support::steps::short;

const POSTS: u64 = 100;
/// Facts that are told in the posts: right, wrong, missed. A better reader moves some from the last column to the first; the middle one
/// stays 0.
const DEEDS: [usize; 3] = [311, 0, 78];
const SIGHTS: [usize; 3] = [187, 0, 14];

/// What happens to a chip, and what its owner saw of it; outcomes follow the life cycle.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    Saw(ProductState),
    Wrote(ProductState, bool),
    Lost(ProductState),
    HotPlug(bool),
    UnderReset(bool),
    Normal(bool),
    Erase,
    Regression,
    Discovery(bool),
}

impl Event {
    /// As `support::steps::short` writes it.
    fn short(self) -> String {
        let ended = |ok: bool| if ok { "ok" } else { "error" };
        let code = |s: ProductState| format!("PRODUCT_STATE=0x{:02X}", s.code());
        match self {
            Self::Saw(state) => format!("read {}", code(state)),
            Self::Wrote(state, ok) => format!("write {}: {}", code(state), if ok { "ok" } else { "refused" }),
            Self::Lost(state) => format!("write {}: lost", code(state)),
            Self::HotPlug(ok) => format!("connect hot-plug: {}", ended(ok)),
            Self::UnderReset(ok) => format!("connect under-reset: {}", ended(ok)),
            Self::Normal(ok) => format!("connect normal: {}", ended(ok)),
            Self::Erase => "erase: error".into(),
            Self::Regression => "authenticate full-regression: error".into(),
            Self::Discovery(valid) => format!("discover integrity={}: ok", if valid { "good" } else { "bad" }),
        }
    }

    /// As a case file tells it: every fact, in the words of the format.
    fn told_in_full(self) -> String {
        let write = |state: ProductState, result: &str| {
            let code = state.code();
            format!(
                "action = \"write-option\"\nfield = \"PRODUCT_STATE\"\nvalue = \"0x{code:02X}\"\nresult = \"{result}\"\n"
            )
        };
        let connect = |mode: &str, ok: bool| {
            let result = if ok { "ok" } else { "error" };
            format!("action = \"connect\"\nmode = \"{mode}\"\nresult = \"{result}\"\n")
        };
        let step = match self {
            Self::Saw(state) => write(state, "ok").replace("write-option", "read-option"),
            Self::Wrote(state, ok) => write(state, if ok { "ok" } else { "refused" }),
            Self::Lost(state) => write(state, "lost"),
            Self::HotPlug(ok) => connect("hot-plug", ok),
            Self::UnderReset(ok) => connect("under-reset", ok),
            Self::Normal(ok) => connect("normal", ok),
            Self::Erase => "action = \"erase\"\nwhat = \"mass erase\"\nresult = \"error\"\n".into(),
            Self::Regression => {
                "action = \"authenticate\"\nwith = \"certificate\"\npermission = \"full-regression\"\nresult = \"error\"\n".into()
            }
            Self::Discovery(valid) => {
                let integrity = if valid { "0xeaeaeaea" } else { "0xf5f5f5f5" };
                format!("action = \"discover\"\nintegrity = \"{integrity}\"\nresult = \"ok\"\n")
            }
        };
        format!("[[step]]\n{step}\n")
    }

    const fn is_sight(self) -> bool {
        matches!(self, Self::Saw(_) | Self::Discovery(_))
    }
}

/// A chip's story: Open, then perhaps Provisioning, then perhaps a closed state, with what its owner tries in between.
fn history(random: &mut Random) -> Vec<Event> {
    use ProductState::{Closed, Open, Provisioning, TzClosed};
    let mut events = vec![Event::Saw(Open)];
    if random.one_in(2) {
        events.push(Event::Normal(true));
    }
    if random.one_in(4) {
        return events;
    }
    events.push(Event::Wrote(Provisioning, true));
    events.push(Event::Saw(Provisioning));
    events.push(random.pick(&[Event::HotPlug(true), Event::Normal(false), Event::UnderReset(false)]));
    if random.one_in(2) {
        events.push(Event::Wrote(Open, false));
    }
    if random.one_in(3) {
        events.push(Event::Erase);
        return events;
    }
    let last = random.pick(&[TzClosed, Closed]);
    events.push(Event::Lost(last));
    events.push(random.pick(&[Event::HotPlug(false), Event::UnderReset(false)]));
    if random.one_in(2) {
        events.push(Event::Discovery(random.one_in(2)));
    }
    if random.one_in(2) {
        events.push(Event::Regression);
    }
    events
}

fn name(state: ProductState) -> &'static str {
    match state {
        ProductState::Open => "Open",
        ProductState::Provisioning => "Provisioning",
        ProductState::TzClosed => "TZ-Closed",
        _ => "Closed",
    }
}

/// One event in one voice: 0 careful English, 1 short, 2 wordy, 3 German, 4 French, 5 Chinese, 6 two languages, 7 with typos; 8 passive and
/// roundabout, 9 with the wrong terms, 10 German in everyday words. Of these three much is missed, and nothing may be read wrong.
fn tell(event: Event, voice: usize) -> String {
    if voice > 7 {
        return hard(event, voice);
    }
    let works = |ok: bool, yes: &'static str, no: &'static str| if ok { yes } else { no };
    match event {
        Event::Saw(s) => {
            let (n, c) = (name(s), s.code());
            match voice {
                0 => format!("The product state reads 0x{c:02X} ({n})."),
                1 => format!("PRODUCT_STATE = 0x{c:02X}"),
                2 => format!(
                    "What I see in the option bytes tab is that the chip is in {n} state (0x{c:02X}), as the tool shows it."
                ),
                3 => format!("Der Chip steht auf Product State 0x{c:02X} ({n})."),
                4 => format!("L'état du produit est 0x{c:02X} ({n})."),
                5 => format!("芯片的产品状态是 0x{c:02X}。"),
                6 => format!("Product state ist 0x{c:02X} laut CubeProgrammer."),
                _ => format!("the prodct state is 0x{c:02X} ({n}) now"),
            }
        }
        Event::Wrote(s, ok) => {
            let (n, c) = (name(s), s.code());
            match voice {
                0 => format!("I set PRODUCT_STATE to 0x{c:02X} and {}.", works(ok, "it worked", "it was refused")),
                1 => format!("changed PRODUCT_STATE to 0x{c:02X}, {}", works(ok, "success", "rejected")),
                2 => format!(
                    "Then I changed the product state in the option bytes tab to {n} (0x{c:02X}), {}.",
                    works(ok, "which was successful", "but it was ignored")
                ),
                3 => format!("Ich habe PRODUCT_STATE auf 0x{c:02X} gesetzt, {}.", works(ok, "das ging", "abgelehnt")),
                4 => format!("J'ai changé PRODUCT_STATE à 0x{c:02X}, {}.", works(ok, "cela marche", "refusé")),
                5 => format!("我把 PRODUCT_STATE 改为 0x{c:02X}，{}。", works(ok, "成功", "被拒绝")),
                6 => format!("Ich habe PRODUCT_STATE set to 0x{c:02X}, {}.", works(ok, "successful", "refused")),
                _ => format!("i chnaged and wrote PRODUCT_STATE to 0x{c:02X}, {}", works(ok, "ok", "was rejected")),
            }
        }
        Event::Lost(s) => {
            let (n, c) = (name(s), s.code());
            match voice {
                0 => format!("I wrote PRODUCT_STATE to 0x{c:02X} and the connection was lost."),
                1 => format!("set PRODUCT_STATE to 0x{c:02X}, connection lost"),
                2 => format!(
                    "After that I went on and changed the product state to {n} (0x{c:02X}), and the connection to the device was lost."
                ),
                3 => format!("Dann habe ich PRODUCT_STATE auf 0x{c:02X} gesetzt und die Verbindung ging verloren."),
                4 => format!("Ensuite j'ai changé PRODUCT_STATE à 0x{c:02X}, connexion perdue."),
                5 => format!("然后我把 PRODUCT_STATE 改为 0x{c:02X}，连接丢失。"),
                6 => format!("Dann PRODUCT_STATE set to 0x{c:02X}, Verbindung lost."),
                _ => format!("than i set PRODUCT_STATE to 0x{c:02X} and conection lost"),
            }
        }
        Event::HotPlug(ok) | Event::UnderReset(ok) | Event::Normal(ok) => {
            let (en, zh) = match event {
                Event::HotPlug(_) => ("hot plug", "热插拔"),
                Event::UnderReset(_) => ("under reset", "复位下"),
                _ => ("normal mode", "正常模式"),
            };
            match voice {
                0 => format!("Connecting with {en} {}.", works(ok, "works", "fails")),
                1 => format!("{en}: {}", works(ok, "ok", "fails")),
                2 => format!("When I connect with {en} it {}.", works(ok, "works without trouble", "always fails")),
                3 => format!("Verbinden mit {en} {}.", works(ok, "funktioniert", "geht nicht")),
                4 => format!("La connexion en {en} {}.", works(ok, "fonctionne", "échoue")),
                5 => format!("{zh}连接{}。", works(ok, "成功", "失败")),
                6 => format!("Mit {en} {}.", works(ok, "klappt connect", "connect geht nicht")),
                _ => format!("conecting with {en} {}", works(ok, "works", "dosnt work, it fails")),
            }
        }
        Event::Erase => match voice {
            3 => "Mass erase ist fehlgeschlagen.".into(),
            4 => "Mass erase a échoué.".into(),
            5 => "全片擦除失败。".into(),
            1 => "mass erase: error".into(),
            _ => "A mass erase fails too.".into(),
        },
        Event::Regression => match voice {
            3 => "Ich habe eine Regression versucht, fehlgeschlagen.".into(),
            5 => "我尝试 regression，失败。".into(),
            1 => "full regression failed".into(),
            _ => "I tried a full regression and it failed.".into(),
        },
        Event::Discovery(valid) => {
            let word = if valid { "0xeaeaeaea" } else { "0xf5f5f5f5" };
            match voice {
                3 => format!("Discovery zeigt integrity {word}."),
                1 => format!("discovery: integrity {word}"),
                _ => format!("Debug Authentication discovery reports an integrity of {word}."),
            }
        }
    }
}

/// Voices that nobody wrote the reader for.
fn hard(event: Event, voice: usize) -> String {
    let ok = |ok: bool, yes: &'static str, no: &'static str| if ok { yes } else { no };
    match (event, voice) {
        (Event::Saw(s), 8) => {
            format!("According to the tool the device had arrived in {} (0x{:02X}) by then.", name(s), s.code())
        }
        (Event::Saw(s), 9) => format!("RDP is now {} i.e. 0x{:02X}", name(s), s.code()),
        (Event::Saw(s), _) => format!("Da steht jetzt 0x{:02X} drin, also {}.", s.code(), name(s)),
        (Event::Wrote(s, worked), 8) => {
            format!(
                "{} was then selected for it by a colleague, {}.",
                name(s),
                ok(worked, "which took effect", "without any effect")
            )
        }
        (Event::Wrote(s, worked), 9) => {
            format!("moved RDP over to 0x{:02X}, {}", s.code(), ok(worked, "took it", "would not take it"))
        }
        (Event::Wrote(s, worked), _) => {
            format!("Hab dann mal 0x{:02X} reingeschrieben, {}.", s.code(), ok(worked, "lief durch", "will er nicht"))
        }
        (Event::Lost(s), 8) => format!("Upon moving on to {} the link went away.", name(s)),
        (Event::Lost(s), 9) => format!("then RDP 0x{:02X} and bang, gone", s.code()),
        (Event::Lost(s), _) => format!("Danach 0x{:02X} und weg war er.", s.code()),
        (Event::HotPlug(worked) | Event::UnderReset(worked) | Event::Normal(worked), 9) => {
            format!("attach w/o reset or with: {}", ok(worked, "yes", "nope"))
        }
        (Event::HotPlug(worked) | Event::UnderReset(worked) | Event::Normal(worked), 10) => {
            format!("Dran komm ich {}.", ok(worked, "noch", "nicht mehr"))
        }
        (Event::HotPlug(worked), _) => {
            format!("Nothing but a hot plug attach {}.", ok(worked, "gets through", "was left to try, in vain"))
        }
        (Event::UnderReset(worked) | Event::Normal(worked), _) => {
            format!("With the reset held the probe {}.", ok(worked, "gets in", "sees nobody"))
        }
        (Event::Erase, 9) => "wiping it: no way".into(),
        (Event::Erase, 10) => "Komplett löschen geht auch nicht.".into(),
        (Event::Erase, _) => "An attempt to wipe everything was answered with an error.".into(),
        (Event::Regression, 9) => "regression says no".into(),
        (Event::Regression, 10) => "Regression bringt auch nix.".into(),
        (Event::Regression, _) => "A regression was attempted, to no avail.".into(),
        (Event::Discovery(valid), _) => {
            format!("The integrity word came out as {}.", if valid { "0xEAEAEAEA" } else { "0xF5F5F5F5" })
        }
    }
}

/// Words around it that are no facts.
fn padding(random: &mut Random) -> &'static str {
    random.pick(&[
        "Hello everybody, I hope somebody can help me.",
        "You may ask why.",
        "Should I write 0x72 now?",
        "Bitte um Hilfe!",
        "If it is in Closed state, I would be sad.",
        "A colleague thinks that the chip might be locked.",
        "Another board works fine with hot plug.",
        "I have 17 of them and 72 hours left.",
        "谢谢",
    ])
}

fn post(seed: u64) -> (Vec<Event>, String) {
    let mut random = Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1));
    let events = history(&mut random);
    let voice = random.below(11);
    let mut text = String::from("My chip is an STM32H563ZI.\n");
    for event in &events {
        if random.one_in(4) {
            text.push_str(padding(&mut random));
            text.push('\n');
        }
        text.push_str(&tell(*event, voice));
        // Only a sentence that ends can be followed by another one on its line.
        text.push(if random.one_in(3) && text.ends_with(['.', '。']) { ' ' } else { '\n' });
    }
    (events, text)
}

/// What was read, without remarks.
fn told(case: &Case) -> Vec<String> {
    case.steps.iter().filter(|s| !matches!(s.act, Act::Observe(_))).map(short).collect()
}

/// Right, wrong and missed, for deeds and for sights. A deed that is read without its end is missed, not wrong.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    deeds: [usize; 3],
    sights: [usize; 3],
}

fn count(events: &[Event], read: &[String], counts: &mut Counts) -> Vec<String> {
    let mut left: Vec<&String> = read.iter().collect();
    for event in events {
        let of = if event.is_sight() { &mut counts.sights } else { &mut counts.deeds };
        match left.iter().position(|l| **l == event.short()) {
            Some(at) => {
                left.remove(at);
                of[0] += 1;
            }
            None => of[2] += 1,
        }
    }
    let mut wrong = Vec::new();
    for extra in left {
        // Told without its end, or the same told twice: nothing false was read.
        let vague = events.iter().any(|e| e.short().starts_with(extra.as_str()));
        if !vague {
            let of = if extra.starts_with("read") || extra.starts_with("discover") {
                &mut counts.sights
            } else {
                &mut counts.deeds
            };
            of[1] += 1;
            wrong.push(extra.clone());
        }
    }
    wrong
}

#[test]
fn a_hundred_posts_are_read_and_nothing_false_is_measured() {
    let mut counts = Counts::default();
    let mut faults = Vec::new();
    for seed in 0..POSTS {
        let (events, text) = post(seed);
        let case = read(text.as_bytes()).unwrap().case;
        assert_eq!(case.chip.part.as_deref(), Some("STM32H563ZI"), "{text}");
        let before = (counts.deeds, counts.sights);
        let wrong = count(&events, &told(&case), &mut counts);
        let missed = (counts.deeds[2], counts.sights[2]) != (before.0[2], before.1[2]);
        if missed || !wrong.is_empty() {
            let wanted: Vec<String> = events.iter().map(|e| e.short()).collect();
            println!("--- {seed}\n{text}\nwanted {wanted:?}\nread   {:?}\nwrong  {wrong:?}", told(&case));
        }
        faults.extend(wrong);
    }
    println!("deeds {:?}, sights {:?}", counts.deeds, counts.sights);
    assert_eq!(counts.sights[1], 0, "{faults:?}");
    assert_eq!((counts.deeds, counts.sights), (DEEDS, SIGHTS), "{faults:?}");
    let figures = include_str!("../../../docs/figures.md");
    let stated = |of: [usize; 3], all: &str| {
        format!("of {} {all} {} are read right, {} wrong, {} missed", of.iter().sum::<usize>(), of[0], of[1], of[2])
    };
    let deeds = stated(DEEDS, "deeds");
    let sights = stated(SIGHTS, "sights").replace("are read right", "right");
    assert!(figures.contains(&deeds) && figures.contains(&sights), "docs/figures.md: {deeds}; {sights}");
}

/// What is unsafe in an answer, given that of the same story with every fact told: a step that must never be made, or a verdict that sends its
/// owner home, or makes a promise, where the chip is lost or shut.
fn unsafe_advice(given: &Diagnosis, due: &Diagnosis) -> Vec<String> {
    let never = |step: &str| due.never.iter().any(|n| n.step == step);
    let mut found: Vec<String> = given.plan.iter().filter(|p| never(&p.step)).map(|p| p.step.clone()).collect();
    let harmless = match due.verdict {
        Verdict::Lost => !matches!(given.verdict, Verdict::NotLocked | Verdict::Recoverable),
        Verdict::Recoverable | Verdict::RecoverableIf => given.verdict != Verdict::NotLocked,
        Verdict::NotLocked => !given.plan.iter().any(|p| p.step == "authenticate:full-regression"),
        Verdict::Undetermined => true,
    };
    if !harmless {
        found.push(format!("{} where all that was seen says {}", given.verdict.as_str(), due.verdict.as_str()));
    }
    found
}

/// What a post leaves unsaid, or says so that it is missed, may cost certainty; it must not cost a chip.
#[test]
fn no_post_gets_unsafe_advice() {
    let mut verdicts = BTreeMap::<_, usize>::new();
    let mut faults = Vec::new();
    for seed in 0..POSTS {
        let (events, text) = post(seed);
        let told: String = events.iter().map(|event| event.told_in_full()).collect();
        let due = diagnose(&case_file::read(&format!("[chip]\npart = \"STM32H563ZI\"\n\n{told}")).unwrap());
        let given = diagnose(&read(text.as_bytes()).unwrap().case);
        *verdicts.entry((due.verdict.as_str(), given.verdict.as_str())).or_default() += 1;
        faults.extend(unsafe_advice(&given, &due).into_iter().map(|fault| format!("{seed}: {fault}\n{text}")));
    }
    println!("verdict of all facts, verdict of the post: {verdicts:#?}");
    assert!(faults.is_empty(), "{} of {POSTS} posts:\n{}", faults.len(), faults.join("\n"));
    // The judge sees: the advice for a chip in Provisioning is no advice for a closed one.
    let tell = |events: &[Event]| {
        let told: String = events.iter().map(|event| event.told_in_full()).collect();
        diagnose(&case_file::read(&format!("[chip]\npart = \"STM32H563ZI\"\n\n{told}")).unwrap())
    };
    let open = tell(&[Event::Saw(ProductState::Open), Event::Normal(true)]);
    let gone = tell(&[
        Event::Saw(ProductState::Provisioning),
        Event::Lost(ProductState::Closed),
        Event::HotPlug(false),
        Event::Discovery(false),
    ]);
    assert!(!unsafe_advice(&open, &gone).is_empty(), "{:?} for {:?}", open.verdict, gone.verdict);
}

/// Prefixes, cut lines and another order change what is read, and never make a state that nobody told.
#[test]
fn perturbed_posts_tell_no_state_that_nobody_told() {
    for seed in 0..POSTS {
        let (events, text) = post(seed);
        let lines: Vec<&str> = text.lines().collect();
        let quoted: String = lines.iter().map(|l| format!("> {l}\n")).collect();
        let reversed: String = lines.iter().rev().map(|l| format!("{l}\n")).collect();
        let cut: String = lines.iter().map(|l| l.chars().take(40).collect::<String>() + "\n").collect();
        let (_, other) = post(seed + POSTS);
        let (more, _) = post(seed + POSTS);
        for changed in [quoted, reversed, cut, format!("{text}\n{other}")] {
            let case = read(changed.as_bytes()).unwrap().case;
            let sights: Vec<String> = events.iter().chain(&more).filter(|e| e.is_sight()).map(|e| e.short()).collect();
            for step in told(&case).iter().filter(|s| s.starts_with("read") || s.starts_with("discover")) {
                let known = sights.iter().any(|s| s.starts_with(step.trim_end_matches(": ok")));
                assert!(known, "{step} in\n{changed}");
            }
        }
    }
}
