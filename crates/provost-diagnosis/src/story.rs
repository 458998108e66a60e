//! The likeliest story: which hypothesis a report is best explained by, step by step, and the rules behind each step.

use provost_chip::{
    assumptions::RssChecksum,
    model::{
        Action, Observation, access, authentication, boot, options,
        provisioning::{self, Call, EncryptionWord},
    },
    rules::RuleId,
    states::{DaMethod, ProductState},
    transitions::Writer,
};

use crate::{
    case::{Act, ConnectMode, Object, ProvisionedBy, Step},
    hypothesis::{DaPath, Fate, Hypothesis, hash},
};

/// The rules that one step shows at work on a chip as it stood before.
pub(crate) fn rules_at_work(before: &Hypothesis, step: &Step) -> Vec<RuleId> {
    let world = &before.world;
    let chip = &world.chip;
    let mut looked = *before;
    let attached = looked.world.step(Action::HotPlug);
    let open = matches!(attached, Observation::State { .. });
    let port = access::ap1(chip).rule;
    match &step.act {
        Act::Connect { ap: Some(0), .. } => vec![RuleId::Ap0Always],
        Act::Connect { mode: Some(ConnectMode::HotPlug), .. } => vec![port],
        Act::Connect { .. } if chip.state == ProductState::Provisioning => {
            vec![RuleId::Ap1ShutInRom, RuleId::BootProvisioning]
        }
        Act::Connect { .. } | Act::ReadOption(_) | Act::Erase | Act::Flash => vec![port],
        Act::WriteOption(_) if !open => vec![port],
        Act::WriteOption(option) => {
            if let Some(to) = option.product_state() {
                vec![options::write_product_state(chip, to, Writer::Debugger, &world.assumptions).rule]
            } else if let Some(tz) = option.trustzone() {
                vec![options::write_trustzone(chip, tz, &world.assumptions).rule]
            } else if let Some(entry) = option.boot_ube() {
                vec![options::write_boot_ube(chip, entry).rule]
            } else if option.field.starts_with("SEC") {
                vec![RuleId::SecureOptionsNeedSecureAccess]
            } else {
                Vec::new()
            }
        }
        Act::Provision { by: ProvisionedBy::Firmware, .. } => vec![RuleId::DaNeedsValidData],
        Act::Provision { object, encrypted, .. } => {
            let crypto = chip.part.info().crypto;
            let flag = encrypted.unwrap_or(crypto == before.flag_fits);
            let word = EncryptionWord::asking_for(flag, &world.assumptions);
            let call = Call { checksum: RssChecksum::ALL[0], word };
            let mut rules = vec![if open { provisioning::service(chip, call, &world.assumptions).rule } else { port }];
            if *object == Object::DaPassword || *object == Object::DaCertificate {
                rules.push(RuleId::DaMethodFollowsTzen);
                if crypto {
                    rules.push(RuleId::CryptoNeedsEncrypted);
                }
            }
            rules
        }
        Act::Discover(_) => {
            vec![path_rule(before).unwrap_or(authentication::looks_valid(chip, &world.assumptions).rule)]
        }
        Act::Authenticate { .. } => {
            let method = DaMethod::for_trustzone(chip.tz);
            let id = if method == DaMethod::Certificate { hash::OWN_CERTIFICATE } else { hash::OWN_PASSWORD };
            let presented = authentication::Presented { method, id, mask: u32::MAX };
            let asked = authentication::Permission::FullRegression;
            vec![path_rule(before).unwrap_or(authentication::authorise(chip, presented, asked).rule)]
        }
        Act::Dfu | Act::Uart => vec![boot::target(chip, &world.bench, false, &world.assumptions).rule],
        Act::Reset | Act::PowerCycle => Vec::new(),
        Act::CloseDebug => vec![RuleId::RssDaStays],
        Act::Firmware(_) | Act::Observe(_) => Vec::new(),
    }
}

/// The rule that keeps a request for Debug Authentication from an answer.
fn path_rule(h: &Hypothesis) -> Option<RuleId> {
    match h.da_path() {
        DaPath::Open => Some(RuleId::DaNotInOpen),
        DaPath::Locked => Some(RuleId::LockedIsFinal),
        DaPath::NoReset => Some(RuleId::DaNeedsNrst),
        DaPath::Answers | DaPath::NoHost | DaPath::NoLink => None,
    }
}

/// The rules that decide what becomes of a chip.
pub(crate) fn rules_of_fate(h: &Hypothesis) -> Vec<RuleId> {
    let chip = &h.world.chip;
    let mut rules = match h.fate() {
        Fate::Open => vec![RuleId::Ap1Open],
        Fate::Provision => {
            let mut rules = vec![RuleId::BareProvisioningIsRescuable, RuleId::DaMethodFollowsTzen];
            if chip.part.info().crypto {
                rules.push(RuleId::CryptoNeedsEncrypted);
            }
            rules.extend([RuleId::ClosingWithoutDaLoses, RuleId::BackwardIgnored]);
            rules
        }
        Fate::Authenticate(_) | Fate::FindCredential => vec![RuleId::BackOnlyByDa, RuleId::DaMethodFollowsTzen],
        Fate::AskFirmware => vec![RuleId::FirmwareRegression],
        Fate::Lost(rule) => vec![rule, RuleId::BackOnlyByDa],
    };
    if chip.state > ProductState::Open && !h.world.bench.nrst_wired {
        rules.insert(0, RuleId::DaNeedsNrst);
    }
    rules
}
