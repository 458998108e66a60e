//! Walking the model: is there a way back to Open?

use std::collections::{HashMap, VecDeque};

use super::{
    Action, World, authentication,
    authentication::Presented,
    provisioning::{Call, EncryptionWord},
};
use crate::{
    assumptions::RssChecksum,
    states::{BootUbe, DaMethod, ProductState, TrustZone},
};

/// What a host brings along: the hashes of its own credentials. It can always make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that its user fills in")]
pub struct Means {
    /// Stands for the hash of its certificate root.
    pub certificate: u32,
    /// Stands for the hash of its password.
    pub password: u32,
    /// Whether a person can remove power, wire NRST, ask the firmware, give the one OTP password, or the encryption word that ST's
    /// tool uses (by using that tool).
    pub person: bool,
}

impl Default for Means {
    fn default() -> Self {
        Self { certificate: 1, password: 2, person: false }
    }
}

/// Every action that such a host can take over SWD, short of those that only lead further away (a later product state).
pub fn host_actions(means: &Means) -> Vec<Action> {
    let mut actions = vec![
        Action::HotPlug,
        Action::ConnectUnderReset,
        Action::WriteProductState(ProductState::Open),
        Action::WriteTrustZone(TrustZone::Disabled),
        Action::WriteTrustZone(TrustZone::Enabled),
        Action::WriteBootUbe(BootUbe::OemIrot),
        Action::MassErase,
        Action::Reset,
        Action::RequestDebugAuthentication,
        Action::Discover,
    ];
    let words = if means.person { &EncryptionWord::ALL[..] } else { &EncryptionWord::PUBLIC[..] };
    for id in [means.certificate, means.password] {
        for checksum in [RssChecksum::Crc32Words, RssChecksum::Crc32Bytes, RssChecksum::Crc32Iso] {
            for word in words {
                let call = Call { checksum, word: *word };
                actions.push(Action::Provision { call, id, mask: authentication::PRODUCT_MASK });
            }
        }
    }
    for (method, id) in [(DaMethod::Certificate, means.certificate), (DaMethod::Password, means.password)] {
        let presented = Presented { method, id, mask: u32::MAX };
        actions.push(Action::Authenticate(presented, authentication::Permission::FullRegression));
    }
    if means.person {
        actions.extend([Action::PowerCycle, Action::SetBoot0(true), Action::AskFirmwareToRegress]);
        actions.push(Action::WriteOtpPassword { id: means.password });
    }
    actions
}

/// The shortest sequence of these actions that brings the chip to Open, or `None` if there is none.
///
/// The search is exhaustive: the model has few states for one chip in one world.
pub fn way_to_open(start: World, actions: &[Action]) -> Option<Vec<Action>> {
    let mut came_from: HashMap<World, Option<(World, Action)>> = HashMap::from([(start, None)]);
    let mut queue = VecDeque::from([start]);
    while let Some(world) = queue.pop_front() {
        if world.chip.state == ProductState::Open {
            return Some(path_to(world, &came_from));
        }
        for &action in actions {
            let mut next = world;
            next.step(action);
            came_from.entry(next).or_insert_with(|| {
                queue.push_back(next);
                Some((world, action))
            });
        }
    }
    None
}

fn path_to(end: World, came_from: &HashMap<World, Option<(World, Action)>>) -> Vec<Action> {
    let mut path = Vec::new();
    let mut at = end;
    while let Some(Some((before, action))) = came_from.get(&at) {
        path.push(*action);
        at = *before;
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assumptions::{Assumptions, RssTzOff},
        model::{Bench, Chip, DaRecord},
    };

    fn world(state: ProductState, tz: TrustZone) -> World {
        of("STM32H563", state, tz)
    }

    fn of(part: &str, state: ProductState, tz: TrustZone) -> World {
        let mut chip = Chip::factory(part.parse().unwrap());
        (chip.state, chip.tz) = (state, tz);
        World::new(chip)
    }

    #[test]
    fn the_way_back_from_bare_provisioning_is_found() {
        let path = way_to_open(world(ProductState::Provisioning, TrustZone::Enabled), &host_actions(&Means::default()));
        let path = path.expect("R-BARE-PROVISIONING-IS-RESCUABLE");
        assert_eq!(path.len(), 3);
        assert!(matches!(path[0], Action::Provision { id: 1, .. }));
        assert_eq!(path[1], Action::RequestDebugAuthentication);
        assert!(matches!(path[2], Action::Authenticate(Presented { method: DaMethod::Certificate, .. }, _)));
    }

    /// Where words are strict, a part with secure AES takes what provost can send and cannot use it; ST's tool has the word.
    #[test]
    fn a_strict_part_with_secure_aes_needs_the_word_that_is_not_public() {
        for part in ["STM32H563", "STM32H573"] {
            let start = of(part, ProductState::Provisioning, TrustZone::Enabled);
            let found = |person| way_to_open(start, &host_actions(&Means { person, ..Means::default() })).is_some();
            assert_eq!((found(false), found(true)), (part == "STM32H563", true), "{part}");
        }
    }

    #[test]
    fn closed_without_data_has_none_even_for_a_person() {
        let means = Means { person: true, ..Means::default() };
        for state in [ProductState::TzClosed, ProductState::Closed, ProductState::Locked] {
            assert_eq!(way_to_open(world(state, TrustZone::Enabled), &host_actions(&means)), None, "{state}");
        }
    }

    #[test]
    fn closed_with_the_right_credential_has_one() {
        let mut w = world(ProductState::Closed, TrustZone::Enabled);
        w.chip.da = Some(DaRecord { id: 1, encrypted: true, mask: 0x5077 });
        assert_eq!(way_to_open(w, &host_actions(&Means::default())).map(|p| p.len()), Some(2));
        w.chip.da = Some(DaRecord { id: 9, encrypted: true, mask: 0x5077 });
        assert_eq!(way_to_open(w, &host_actions(&Means::default())), None);
    }

    #[test]
    fn without_nrst_there_is_none_from_provisioning() {
        let mut w = world(ProductState::Provisioning, TrustZone::Enabled);
        w.bench = Bench { nrst_wired: false, ..w.bench };
        assert_eq!(way_to_open(w, &host_actions(&Means::default())), None);
    }

    #[test]
    fn a_faulting_service_is_walked_around_by_turning_trustzone_on() {
        for assumptions in Assumptions::combinations(&["rss-tz-off", "tzen-in-provisioning"]) {
            let start =
                World::with(world(ProductState::Provisioning, TrustZone::Disabled).chip, Bench::default(), assumptions);
            let found = way_to_open(start, &host_actions(&Means::default()));
            let writable = assumptions.get("tzen-in-provisioning") == Some("writable");
            assert_eq!(found.is_some(), assumptions.rss_tz_off == RssTzOff::Works || writable, "{assumptions}");
        }
    }
}
