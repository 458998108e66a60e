//! The short-cut `fate` against an exhaustive walk through the model.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

use provost_chip::{
    assumptions::Assumptions,
    model::{
        Action, Bench, Chip, DaRecord, Firmware, World,
        authentication::{PRODUCT_MASK, Permission, Presented},
        search::{Means, host_actions, way_to_open},
    },
    parts::{DaStore, PartId},
    states::{BootUbe, DaMethod, ProductState, TrustZone},
};
use provost_diagnosis::hypothesis::{Fate, fate, hash};

/// What somebody with these hashes can do; a person, so that the firmware can be asked and the OTP be written.
fn actions(certificates: &[u32], passwords: &[u32], firmware: bool) -> Vec<Action> {
    let means = Means { certificate: hash::OWN_CERTIFICATE, password: hash::OWN_PASSWORD, person: true };
    let mut actions = host_actions(&means);
    actions.retain(|a| firmware || !matches!(a, Action::AskFirmwareToRegress));
    let ask = |method, id| Action::Authenticate(Presented { method, id, mask: u32::MAX }, Permission::FullRegression);
    actions.extend(certificates.iter().map(|id| ask(DaMethod::Certificate, *id)));
    actions.extend(passwords.iter().map(|id| ask(DaMethod::Password, *id)));
    actions
}

#[test]
fn fates_are_what_the_search_finds() {
    use hash::{BROKEN, OWN_CERTIFICATE, OWN_PASSWORD, SAMPLE_CERTIFICATE, SAMPLE_PASSWORD, STRANGER};
    let mut counts = std::collections::BTreeMap::new();
    let in_hand = |firmware| actions(&[SAMPLE_CERTIFICATE], &[SAMPLE_PASSWORD, OWN_CERTIFICATE], firmware);
    let everything = actions(&[SAMPLE_CERTIFICATE, STRANGER], &[SAMPLE_PASSWORD, OWN_CERTIFICATE, STRANGER], true);
    for part in PartId::all() {
        for state in ProductState::ALL {
            for tz in TrustZone::ALL {
                if tz == TrustZone::Enabled && !part.info().trustzone
                    || state == ProductState::TzClosed && tz == TrustZone::Disabled
                {
                    continue;
                }
                let ids = [OWN_CERTIFICATE, OWN_PASSWORD, SAMPLE_CERTIFICATE, SAMPLE_PASSWORD, STRANGER, BROKEN];
                let records = ids
                    .into_iter()
                    .flat_map(|id| [false, true].map(|encrypted| Some(DaRecord { id, encrypted, mask: PRODUCT_MASK })));
                for da in std::iter::once(None).chain(records) {
                    // ST-iRoT without its data runs no firmware that could be asked.
                    let starves = |(_, starved): &(bool, bool)| part.info().crypto || !starved;
                    let firmware = [(false, false), (true, false), (true, true)];
                    for (regresses, starved) in firmware.into_iter().filter(starves) {
                        let mut chip = Chip::factory(part);
                        (chip.state, chip.tz, chip.da) = (state, tz, da);
                        chip.boot_ube = if starved { BootUbe::StIrot } else { BootUbe::OemIrot };
                        chip.firmware = Firmware { boots: true, non_secure: true, regresses, ..Firmware::default() };
                        let world = World::with(chip, Bench::default(), Assumptions::default());
                        let found = fate(&world);
                        let mine = way_to_open(world, &in_hand(false)).is_some();
                        let firmware = way_to_open(world, &in_hand(true)).is_some();
                        let anybody = way_to_open(world, &everything).is_some();
                        let expected = match found {
                            Fate::Open | Fate::Provision | Fate::Authenticate(_) => (true, true, true),
                            Fate::AskFirmware => (false, true, true),
                            // A credential that somebody has goes before firmware that may be asked.
                            Fate::FindCredential => (false, firmware, true),
                            Fate::Lost(_) => (false, false, false),
                        };
                        assert_eq!(
                            (mine, firmware, anybody),
                            expected,
                            "{part} {state} {tz} {da:?} {regresses} {starved}: {found:?}"
                        );
                        if part.info().da_store == DaStore::Otp && state == ProductState::Provisioning && da.is_none() {
                            assert_eq!(found, Fate::Provision);
                        }
                        *counts.entry(format!("{found:?}")).or_insert(0) += 1;
                    }
                }
            }
        }
    }
    println!("{counts:#?}");
    assert!(counts.len() >= 8, "every kind of fate occurs");
}
