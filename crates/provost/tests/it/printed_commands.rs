//! Every command of provost that a diagnosis prints can be carried out as it is printed: on a virtual chip in the situation that
//! is believed, for every known report. And every page fits a screen.

use std::{
    fs,
    path::{Path, PathBuf},
};

use provost_adac::password::Password;
use provost_chip::{
    option_bytes::OptionField,
    parts::{DaStore, PartId},
    states::{DaMethod, ProductState, TrustZone},
};
use provost_diagnosis::{Diagnosis, Given, case::Case, case_file, diagnose_for, log};
use provost_ops::credential::CredentialSet;
use provost_twin::{
    chipfile,
    presets::Maker,
    silicon::{FirmwareBehaviour, Silicon},
};

use crate::sandbox::Sandbox;

/// Most lines of a page, for any report.
const MOST_LINES: usize = 40;
/// Most lines of three pages in four.
const COMMON_LINES: usize = 25;

fn reports() -> Vec<(String, PathBuf, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../provost-diagnosis/tests/cases");
    let mut all = Vec::new();
    for folder in [folder.clone(), folder.join("raw")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let bytes = if path.is_file() { fs::read(&path).unwrap() } else { continue };
            let case = match path.extension().and_then(|e| e.to_str()) {
                Some("log") => log::read(bytes.as_slice()).unwrap().case,
                Some("toml") if !name.ends_with(".expect.toml") => {
                    case_file::read(std::str::from_utf8(&bytes).unwrap()).unwrap()
                }
                _ => continue,
            };
            all.push((name, path, case));
        }
    }
    all.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    all
}

/// A chip as it is believed to be, with the owner's credential in it where one is believed to be inside.
fn chip(d: &Diagnosis, case: &Case, own: &CredentialSet) -> Silicon {
    let believed = &d.believed;
    let named = || believed.part.as_deref()?.split(" or ").next()?.parse::<PartId>().ok();
    let part = case
        .chip
        .part
        .as_deref()
        .and_then(|p| p.parse().ok())
        .or_else(named)
        .unwrap_or_else(|| PartId::all().find(|p| p.info().trustzone && !p.info().crypto).unwrap());
    let mut maker = Maker::new(part, 0x0042_0017);
    maker.state = believed.product_state.parse().unwrap_or(ProductState::Open);
    maker.tz = if believed.tzen == "on" { TrustZone::Enabled } else { TrustZone::Disabled };
    if maker.state == ProductState::TzClosed {
        maker.tz = TrustZone::Enabled;
    }
    maker.firmware = Some(FirmwareBehaviour::default());
    // What is to be found is found; what the plan provisions is not there yet.
    let provisions = d.plan.iter().any(|s| s.step.starts_with("provision-da"));
    let inside = maker.state > ProductState::Open && believed.debug_authentication != "none" && !provisions;
    if !inside {
        return maker.make();
    }
    let payload = own.object(DaMethod::for_trustzone(maker.tz)).unwrap().unwrap().payload().to_bytes();
    if part.info().da_store == DaStore::Obk {
        maker.da_payload = Some(payload);
        return maker.make();
    }
    let made = maker.make();
    let mut nvm = made.nvm().clone();
    for (half, bytes) in nvm.otp.iter_mut().zip(payload[32..64].chunks_exact(2)) {
        *half = u16::from_le_bytes([bytes[0], bytes[1]]);
    }
    if let Some(field) = OptionField::find(part, "LOCKBL") {
        let word = field.set(nvm.options.get(field.offset_cur), 1);
        nvm.options.set(field.offset_cur, word);
    }
    Silicon::new(*made.identity(), nvm, FirmwareBehaviour::default(), maker.assumptions)
}

/// The commands of provost among those that a diagnosis prints, in their order.
fn printed(d: &Diagnosis) -> Vec<String> {
    let of_plan = d.plan.iter().map(|s| &s.commands);
    let of_tests = d.ask.iter().map(|q| &q.commands);
    of_plan
        .chain(of_tests)
        .flat_map(|c| [&c.provost, &c.stm32cubeprogrammer])
        .flat_map(|line| line.split(" && "))
        .filter(|line| line.starts_with("provost "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_printed_command_can_be_carried_out() {
    let mut carried_out = 0;
    let mut wrong = Vec::new();
    for (name, _, case) in reports() {
        let s = Sandbox::new();
        let (mut own, keys) = CredentialSet::generate(&s.path("own")).unwrap();
        own.save(&keys, true).unwrap();
        fs::write(s.path("own/password.bin"), Password::new(b"my own password").unwrap().to_file()).unwrap();
        own = CredentialSet::load(&s.path("own")).unwrap();
        let given = Given { probe: Some("twin:board.chip".into()), part: None, credential: None };
        let first = diagnose_for(&case, &given);
        // Who has to have a credential names its folder; a bare chip gets one of its own.
        let has = first.believed.debug_authentication != "none"
            && !first.plan.iter().any(|step| step.step.starts_with("provision-da"));
        let given = Given { credential: has.then(|| "own".to_owned()), ..given };
        let diagnosis = diagnose_for(&case, &given);
        let silicon = chip(&diagnosis, &case, &own);
        let open = silicon.chip().state == ProductState::Open || silicon.chip().state == ProductState::Locked;
        chipfile::store(&s.path("board.chip"), &silicon).unwrap();
        for line in printed(&diagnosis) {
            let words: Vec<&str> = line.split_whitespace().skip(1).collect();
            let run = s.run_words(&words);
            carried_out += 1;
            // A chip in Open boots instead of answering: that is the answer.
            let answered = run.code == 0 || (run.code == 4 && line.starts_with("provost auth discover") && open);
            if !answered {
                wrong.push(format!("{name}: {line}: exit {}\n{}{}", run.code, run.out, run.err));
            }
        }
    }
    println!("{carried_out} commands carried out");
    assert!(wrong.is_empty(), "{} cannot be carried out:\n{}", wrong.len(), wrong.join("\n"));
    assert!(carried_out > 20);
}

#[test]
fn every_answer_fits_a_screen() {
    let s = Sandbox::new();
    let mut lines = Vec::new();
    for (name, path, _) in reports() {
        fs::copy(path, s.path(&name)).unwrap();
        let run = s.run(&format!("diagnose {name}"));
        let count = run.out.lines().count();
        println!("{count:>3} {name}");
        assert!(count <= MOST_LINES, "{name}: {count} lines\n{}", run.out);
        // First what not to do.
        if let (Some(not), Some(todo)) = (run.out.find("\ndo not\n"), run.out.find("\ndo, in this order\n")) {
            assert!(not < todo, "{name}");
        }
        lines.push(count);
    }
    lines.sort_unstable();
    let common = lines[lines.len() * 3 / 4];
    println!("three pages in four have {common} lines or fewer, the longest {}", lines[lines.len() - 1]);
    assert!(common <= COMMON_LINES, "{common}");
}
