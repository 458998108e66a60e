//! The virtual chip and the model agree: every action in every situation shows the same and leaves the same chip.

use crate::silicon_bench;
use provost_testkit::{Random, figures::stated};

use provost_chip::{
    assumptions::{Assumptions, RssChecksum},
    model::{
        Action, Bench, Chip, World,
        authentication::{PRODUCT_MASK, Permission, Presented},
        debug::{Hdpl, Opening},
        provisioning::{Call, EncryptionWord},
    },
    states::{BootUbe, ProductState, TrustZone},
};
use silicon_bench::{
    Code, Key, Provisioned, Situation,
    debugger::Debugger,
    driver::{Driver, seen},
};

/// Switches that change what goes over the mailbox, and no outcome.
const WIRE: [&str; 6] = ["reply-word", "ack-roles", "tlv-padding", "lifecycle-word", "vendor-order", "dbgmcu-address"];

fn keys() -> Vec<Key> {
    let own = Key::certificate(1);
    let as_password = own.public_key_as_password();
    vec![own, Key::password(b"own password"), Key::certificate(2), Key::password(b"foreign"), as_password]
}

/// The records of the brief: none, own certificate, own password, foreign; sealed or plain; with narrower masks.
fn records(keys: &[Key]) -> Vec<Option<Provisioned>> {
    let record = |key: &Key, mask, plain| Some(Provisioned { hash: key.hash(), mask, plain });
    let mut all = vec![None];
    for key in &keys[..4] {
        all.extend([record(key, PRODUCT_MASK, false), record(key, PRODUCT_MASK, true)]);
    }
    all.extend([0, PRODUCT_MASK & !(1 << 14), PRODUCT_MASK & !(1 << 12)].map(|mask| record(&keys[0], mask, false)));
    all
}

/// A model and a chip side by side.
struct Pair<'a> {
    world: World,
    driver: Driver<'a>,
    /// TrustZone setting at the start: code is linked for it.
    linked_for: TrustZone,
    done: Vec<Action>,
}

impl<'a> Pair<'a> {
    fn new(situation: &Situation, bench: Bench, assumptions: Assumptions, keys: &'a [Key]) -> Self {
        let world = World::with(situation.chip(), bench, assumptions);
        let mut silicon = situation.silicon(assumptions);
        silicon.set_nrst_wired(bench.nrst_wired);
        silicon.set_boot0(bench.boot0);
        silicon.set_power(true);
        silicon.advance(silicon_bench::BOOT);
        let driver = Driver { debugger: Debugger::new(silicon), keys };
        let pair = Self { world, driver, linked_for: situation.tz, done: Vec::new() };
        assert_eq!(pair.silicon_chip(), world.chip, "at the start, {assumptions}");
        pair
    }

    /// The chip's projection. Which worlds it has code for shows only under the TrustZone setting the code was made for.
    fn silicon_chip(&self) -> Chip {
        let mut chip = *self.driver.debugger.silicon.chip();
        if chip.tz != self.linked_for {
            chip.firmware.non_secure = self.world.chip.firmware.non_secure;
        }
        chip
    }

    fn step(&mut self, action: Action) {
        let before = self.world;
        let expected = seen(self.world.step(action));
        let Some(got) = self.driver.perform(action) else {
            self.world = before;
            return;
        };
        self.done.push(action);
        let after = self.silicon_chip();
        assert!(
            got == expected && after == self.world.chip,
            "{:?}\nin {}, {:?}\nbefore  {:?}\nmodel   {expected:?} {:?}\nsilicon {got:?} {after:?}",
            self.done,
            before.assumptions,
            before.bench,
            before.chip,
            self.world.chip,
        );
    }
}

/// Runs the actions of one row after another, each on a fresh pair after `first`.
fn check(situation: &Situation, switches: &[&str], first: &[Action], actions: &[Action], keys: &[Key]) -> u64 {
    let mut count = 0;
    for assumptions in Assumptions::combinations(switches) {
        for &action in actions {
            let mut pair = Pair::new(situation, Bench::default(), assumptions, keys);
            first.iter().for_each(|a| pair.step(*a));
            pair.step(action);
            // What it left must also be seen alike.
            pair.step(Action::HotPlug);
            count += 1;
        }
    }
    count
}

fn option_writes() -> Vec<Action> {
    let mut actions: Vec<Action> = ProductState::ALL.map(Action::WriteProductState).to_vec();
    actions.extend(TrustZone::ALL.map(Action::WriteTrustZone));
    actions.extend([BootUbe::OemIrot, BootUbe::StIrot].map(Action::WriteBootUbe));
    actions
}

fn provisions(keys: &[Key]) -> Vec<Action> {
    let mut actions = Vec::new();
    for &checksum in RssChecksum::ALL {
        for word in EncryptionWord::ALL {
            let call = Call { checksum, word };
            actions.push(Action::Provision { call, id: keys[0].id(), mask: PRODUCT_MASK });
        }
    }
    actions
}

fn authentications(keys: &[Key]) -> Vec<Action> {
    let present = |key: &Key| Presented { method: key.method(), id: key.id(), mask: PRODUCT_MASK };
    let mut actions: Vec<Action> =
        keys.iter().map(|key| Action::Authenticate(present(key), Permission::FullRegression)).collect();
    actions.extend([0, 2].map(|i: usize| Action::Authenticate(present(&keys[i]), Permission::TzRegression)));
    actions.extend(Opening::all().map(|o| Action::Authenticate(present(&keys[0]), Permission::Debug(o))));
    actions
}

/// A situation with every kind of code, boot entry and record; too many to cross with everything.
fn variants(situation: &Situation, keys: &[Key]) -> Vec<Situation> {
    let mut all: Vec<_> = records(keys).into_iter().map(|da| Situation { da, ..*situation }).collect();
    all.retain(|s| s.part.info().trustzone || s.da.is_none_or(|da| !da.plain));
    for code in [Code::SecureOnly, Code::BothWorlds, Code::Regresses] {
        // With TrustZone off there is but one world.
        if code != Code::SecureOnly || situation.tz == TrustZone::Enabled {
            for boot_ube in [BootUbe::OemIrot, BootUbe::StIrot] {
                all.push(Situation { code, boot_ube, ..*situation });
            }
        }
    }
    all
}

#[test]
fn attaching_resets_and_option_writes() {
    let keys = keys();
    let mut count = 0;
    for situation in Situation::every() {
        for variant in variants(&situation, &keys) {
            let looks = [
                Action::HotPlug,
                Action::ConnectUnderReset,
                Action::Reset,
                Action::PowerCycle,
                Action::MassErase,
                Action::AskFirmwareToRegress,
            ];
            count += check(&variant, &["dbgmcu-address"], &[], &looks, &keys);
            count += check(&variant, &[], &[Action::SetBoot0(true), Action::Reset], &looks, &keys);
            count += check(&variant, &["forward-from-closed", "tzen-in-provisioning"], &[], &option_writes(), &keys);
        }
    }
    println!("{count} actions: attach, reset, erase, option writes");
}

#[test]
fn provisioning() {
    let keys = keys();
    let switches = ["rss-return", "rss-checksum", "rss-encrypt-word", "rss-tz-off"];
    let mut count = 0;
    for situation in Situation::every() {
        count += check(&situation, &switches, &[], &provisions(&keys), &keys);
        for da in records(&keys) {
            if situation.part.info().trustzone {
                let variant = Situation { da, code: Code::BothWorlds, ..situation };
                count += check(&variant, &["rss-return"], &[], &provisions(&keys)[..2], &keys);
            }
        }
    }
    println!("{count} calls of the provisioning service");
}

/// Requests, discoveries and authentications of one situation; `switches` change outcomes, the wire changes with every attempt.
fn authenticate(situation: &Situation, switches: &[&str], keys: &[Key], wire: &mut Wires<'_>) -> [u64; 2] {
    let request = [Action::RequestDebugAuthentication];
    let after = [Action::Discover, Action::RequestDebugAuthentication, Action::Reset, Action::PowerCycle];
    let mut counts = [0; 2];
    for variant in variants(situation, keys) {
        counts[0] += check(&variant, switches, &request, &after, keys);
        for outcome in Assumptions::combinations(switches) {
            for &action in &authentications(keys) {
                let mut assumptions = outcome;
                let kind = wire.next().unwrap();
                for switch in WIRE {
                    assumptions.set(switch, kind.get(switch).unwrap()).unwrap();
                }
                let mut pair = Pair::new(&variant, Bench::default(), assumptions, keys);
                for next in [request[0], action, action, Action::Discover, Action::Reset, Action::HotPlug] {
                    pair.step(next);
                }
                counts[1] += 1;
            }
        }
    }
    counts
}

type Wires<'a> = std::iter::Cycle<std::slice::Iter<'a, Assumptions>>;

/// What concerns the outcome of Debug Authentication.
const OUTCOME: [&str; 3] = ["leave-rss-da", "open-discovery", "plain-object"];

fn debug_authentication(of: impl Fn(&Situation) -> bool, switches: &[&str]) -> [u64; 2] {
    let keys = keys();
    let wires: Vec<Assumptions> = Assumptions::combinations(&WIRE).collect();
    let mut wire = wires.iter().cycle();
    let mut counts = [0; 2];
    for situation in Situation::every().iter().filter(|s| of(s)) {
        // What goes over the mailbox does not depend on what is provisioned.
        let request = [Action::RequestDebugAuthentication];
        counts[0] += check(situation, &WIRE, &request, &[Action::Discover], &keys);
        let more = authenticate(situation, switches, &keys, &mut wire);
        counts = [counts[0] + more[0], counts[1] + more[1]];
    }
    println!("{} requests and discoveries, {} authentications", counts[0], counts[1]);
    counts
}

/// The STM32H533 in every world, and one part of each other class in the default world.
#[test]
fn debug_authentication_of_one_part_of_each_class() {
    let part = |names: &'static [&str]| move |s: &Situation| names.contains(&s.part.info().name);
    debug_authentication(part(&["STM32H533"]), &OUTCOME);
    debug_authentication(part(&["STM32H503", "STM32H563"]), &[]);
}

#[test]
#[ignore = "about a minute: `.ci/run` runs it among the long campaigns"]
fn debug_authentication_of_every_part_in_every_world() {
    let counts = debug_authentication(|_| true, &OUTCOME);
    stated("silicon_model::", &counts.map(|count| count as usize));
}

/// Every opening, on chips whose code climbs to each level, in every world that bears on it.
#[test]
fn opened_debug_is_that_of_the_model() {
    let keys = keys();
    let present = Presented { method: keys[0].method(), id: keys[0].id(), mask: PRODUCT_MASK };
    let mut count = 0;
    for state in [ProductState::Provisioning, ProductState::TzClosed, ProductState::Closed] {
        for (hdpl, code) in Hdpl::ALL.into_iter().zip([Code::SecureOnly, Code::BothWorlds, Code::None]) {
            let da = Some(Provisioned { hash: keys[0].hash(), mask: PRODUCT_MASK, plain: false });
            let situation = Situation { code, da, hdpl, ..Situation::of("STM32H563", state, TrustZone::Enabled) };
            for assumptions in Assumptions::combinations(&["debug-grant", "debug-hdpl", "debug-waiting"]) {
                for opening in Opening::all() {
                    let mut pair = Pair::new(&situation, Bench::default(), assumptions, &keys);
                    for action in [
                        Action::RequestDebugAuthentication,
                        Action::Authenticate(present, Permission::Debug(opening)),
                        Action::HotPlug,
                        Action::Reset,
                        Action::HotPlug,
                        Action::PowerCycle,
                        Action::HotPlug,
                    ] {
                        pair.step(action);
                    }
                    count += 1;
                }
            }
        }
    }
    println!("{count} openings");
}

#[test]
fn random_sequences() {
    random_walks(2_000, 20_260);
}

#[test]
#[ignore = "about a minute: `.ci/run` runs it among the long campaigns"]
fn many_random_sequences() {
    stated("silicon_model::", &[random_walks(100_000, 1)]);
}

fn random_walks(walks: usize, seed: u64) -> usize {
    let keys = keys();
    let mut random = Random::new(seed);
    let situations = Situation::every();
    let records = records(&keys);
    let bench = [
        Action::HotPlug,
        Action::ConnectUnderReset,
        Action::Reset,
        Action::PowerCycle,
        Action::SetBoot0(false),
        Action::SetBoot0(true),
        Action::MassErase,
        Action::AskFirmwareToRegress,
    ];
    let debug_authentication = [Action::RequestDebugAuthentication, Action::Discover];
    let groups = [&bench[..], &option_writes(), &provisions(&keys), &debug_authentication, &authentications(&keys)];
    let mut steps = 0;
    for _ in 0..walks {
        let mut assumptions = Assumptions::default();
        for switch in Assumptions::switches() {
            assumptions.set(switch.name, random.pick(switch.values)).unwrap();
        }
        let mut situation = random.pick(&situations);
        // Code for both worlds, so that it means the same after a change of TZEN.
        situation.code = random.pick(&[Code::None, Code::BothWorlds, Code::Regresses]);
        situation.boot_ube = random.pick(&[BootUbe::OemIrot, BootUbe::StIrot]);
        situation.da = random.pick(&records);
        situation.hdpl = random.pick(&Hdpl::ALL);
        if !situation.part.info().trustzone {
            situation.da = situation.da.map(|da| Provisioned { plain: false, ..da });
        }
        let wired = random.below(8) != 0;
        let bench = Bench { nrst_wired: wired, boot0: random.below(2) == 0, powered: true };
        let mut pair = Pair::new(&situation, bench, assumptions, &keys);
        for _ in 0..8 {
            let group = random.pick(&groups);
            pair.step(random.pick(group));
        }
        steps += pair.done.len();
    }
    println!("{steps} random actions");
    steps
}
