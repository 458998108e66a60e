//! `provost doctor`: what stands between this computer and a chip. Reads only, but for `--reset`.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use provost_bench::{Bench, BenchError, Listed, Probe, list};
use provost_ops::{
    drive::reset,
    error::{Exit, Fault},
    identify::{Identity, identify, parts_text},
    session::Session,
    store::{NewFile, files},
};

use crate::{
    cli::{self, Arguments},
    documents::{Doctor, Examined, Health, MadeFiles, Text},
    output::{Page, Stop, made_text, wrap_behind},
};

/// The rules that let a user reach debug probes on Linux.
const UDEV: &str = include_str!("../../../../share/udev/69-provost.rules");
/// Their file.
const UDEV_FILE: &str = "69-provost.rules";
/// Where udev looks for rules (udev(7)).
const UDEV_FOLDERS: &[&str] = &[
    "/etc/udev/rules.d",
    "/run/udev/rules.d",
    "/usr/local/lib/udev/rules.d",
    "/usr/lib/udev/rules.d",
    "/lib/udev/rules.d",
];
/// How often the chip is asked for the same, to see whether the wire holds.
const LOOKS: usize = 32;
/// What the chip runs at, in volts (DS14539 and the data sheets of its family).
const SUPPLY: std::ops::RangeInclusive<f32> = 1.71..=3.6;

pub(super) fn run(arguments: &Arguments, options: &cli::Doctor) -> Result<Page, Stop> {
    if options.udev {
        return Ok(Page::new(&Text { what: "udev-rules".to_owned(), text: UDEV }, UDEV.to_owned())?.verbatim());
    }
    if let Some(folder) = &options.install_udev {
        return install(folder, options.force);
    }
    let probes: Vec<Listed> = list().into_iter().filter(|l| l.option == "--probe" && l.kind != "virtual").collect();
    let mut checks = vec![drivers()];
    checks.extend(driver());
    let is_virtual = matches!(arguments.probe, Some(Probe::Twin(_) | Probe::Replay(_)));
    if is_virtual {
        checks.push(not_seen("probes", "a virtual chip needs none"));
    } else {
        checks.push(attached(&probes));
        checks.extend(rights(&probes));
    }
    let is_one = matches!(probes.as_slice(), [probe] if probe.accessible);
    let bench = if arguments.probe.is_some() || is_one {
        look_at_chip(arguments, options.reset, &mut checks)?
    } else {
        checks.push(not_seen("chip", "no probe is named, and not exactly one can be used"));
        None
    };
    let failed = checks.iter().any(|check| check.verdict == Health::Failed);
    let doctor = Doctor {
        provost: env!("CARGO_PKG_VERSION"),
        system: std::env::consts::OS,
        architecture: std::env::consts::ARCH,
        probes,
        checks,
        ready: !failed,
    };
    let page = Page::new(&doctor, text(&doctor))?;
    let page = if failed { page.ending(Exit::PersonMustAct) } else { page };
    Ok(match &bench {
        Some(bench) => page.with_cost(bench),
        None => page,
    })
}

fn install(folder: &Path, force: bool) -> Result<Page, Stop> {
    let made = files::write_all(&[NewFile::public(folder.join(UDEV_FILE), UDEV.as_bytes())], force)?;
    let text = format!(
        "{}to have them heeded: udevadm control --reload && udevadm trigger; then plug the probe in again\n",
        made_text(&made)
    );
    Ok(Page::new(&MadeFiles { what: "udev-rules", files: made, findings: None }, text)?)
}

fn seen(check: &'static str, verdict: Health, says: impl Into<String>, next: &str) -> Examined {
    Examined { check, verdict, says: says.into(), next: (!next.is_empty()).then(|| next.to_owned()) }
}

fn not_seen(check: &'static str, says: &str) -> Examined {
    seen(check, Health::NotSeen, says, "")
}

fn drivers() -> Examined {
    if cfg!(feature = "probes") {
        seen("drivers", Health::Ok, "this provost has drivers for debug probes", "")
    } else {
        let next = "use a virtual chip, such as `provost status --probe twin:stuck-in-provisioning`, or a provost built with probes";
        seen("drivers", Health::Warning, "this provost was built for virtual chips only", next)
    }
}

/// What the system itself needs before it hands a probe out.
fn driver() -> Option<Examined> {
    cfg!(windows).then(|| {
        not_seen(
            "driver",
            "an ST-LINK takes ST's USB driver (STSW-LINK009), a J-Link that of SEGGER or WinUSB; CMSIS-DAP v2 probes bring WinUSB along",
        )
    })
}

fn attached(probes: &[Listed]) -> Examined {
    match probes {
        [] => {
            let next = "plug a probe in; a hub or a cable for charging only may be in the way; without a probe, `provost twin list` names chips to practise on";
            seen("probes", Health::Warning, "no debug probe is attached", next)
        }
        [one] => seen("probes", Health::Ok, format!("{} [{}], --probe {}", one.name, one.kind, one.selector), ""),
        several => {
            let names: Vec<&str> = several.iter().map(|probe| probe.selector.as_str()).collect();
            seen("probes", Health::Ok, format!("{} probes: {}", several.len(), names.join(", ")), "name one by --probe")
        }
    }
}

/// Whether this user may open the probes; elsewhere than on Linux the system does not ask.
fn rights(probes: &[Listed]) -> Option<Examined> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let shut: Vec<&str> =
        probes.iter().filter(|probe| !probe.accessible).map(|probe| probe.selector.as_str()).collect();
    let rules = UDEV_FOLDERS.iter().map(|folder| PathBuf::from(folder).join(UDEV_FILE)).find(|path| path.exists());
    Some(match (shut.as_slice(), rules) {
        ([], Some(path)) => seen("rights", Health::Ok, format!("udev rules stand in {}", path.display()), ""),
        ([], None) if probes.is_empty() => seen(
            "rights",
            Health::NotSeen,
            "no probe to try it on, and the udev rules of provost are not installed",
            "as root: `provost doctor --install-udev`; `provost doctor --udev` prints them",
        ),
        ([], None) => seen("rights", Health::Ok, "your user may open what is attached", ""),
        (shut, None) => seen(
            "rights",
            Health::Failed,
            format!("your user may not open {}", shut.join(", ")),
            "as root: `provost doctor --install-udev`, then plug the probe in again",
        ),
        (shut, Some(path)) => seen(
            "rights",
            Health::Failed,
            format!("your user may not open {}, though udev rules stand in {}", shut.join(", "), path.display()),
            "have them heeded (udevadm control --reload && udevadm trigger) and plug the probe in again; over ssh or in a container they give nothing: the rights are those of who sits at the machine",
        ),
    })
}

/// Attaches, identifies, and says how the wire is. What fails is a finding, not the end.
fn look_at_chip(arguments: &Arguments, reset: bool, checks: &mut Vec<Examined>) -> Result<Option<Bench>, BenchError> {
    let mut bench = match Bench::open_at(arguments.probe.as_ref(), arguments.speed) {
        Ok(bench) => bench,
        // A name that names nothing is a wrong call.
        Err(error) if error.exit() == Exit::Usage => return Err(error),
        Err(error) => {
            checks.push(trouble("chip", &error));
            return Ok(None);
        }
    };
    let session = &mut bench.session;
    match identify(session) {
        Ok(identity) => {
            checks.push(chip(&identity));
            checks.push(firmware(session));
            checks.push(supply(session));
            checks.push(clock(session, arguments.speed));
            checks.push(nrst(session, &identity, reset));
        }
        Err(error) => {
            checks.push(trouble("chip", error.fault()));
            checks.push(firmware(session));
            checks.push(supply(session));
        }
    }
    bench.store()?;
    Ok(Some(bench))
}

fn trouble(check: &'static str, error: &dyn Fault) -> Examined {
    let next = error.remedy().next.join("; ");
    seen(check, Health::Failed, format!("{error} [{}]", error.code()), &next)
}

fn chip(identity: &Identity) -> Examined {
    let ports = match (identity.ap0_open(), identity.ap1_open()) {
        (_, true) => "AP1 is open",
        (true, false) => "AP1 is shut",
        (false, false) => "AP0 and AP1 are shut",
    };
    seen("chip", Health::Ok, format!("{} answers; {ports}", parts_text(&identity.parts)), "")
}

fn firmware(session: &Session) -> Examined {
    match (&session.probe().firmware, session.probe().virtual_chip) {
        (_, true) => not_seen("firmware", "a virtual probe has none"),
        (Some(version), _) => seen("firmware", Health::Ok, version, ""),
        (None, _) => not_seen(
            "firmware",
            "the driver does not tell it; an ST-LINK older than V2J28 is refused when it is opened",
        ),
    }
}

fn supply(session: &Session) -> Examined {
    match session.target_voltage() {
        None => not_seen("supply", "this probe cannot tell"),
        Some(volts) if SUPPLY.contains(&volts) => seen("supply", Health::Ok, format!("{volts:.2} V"), ""),
        Some(volts) => seen(
            "supply",
            Health::Failed,
            format!("{volts:.2} V; the chip runs at {:.2} to {:.1} V", SUPPLY.start(), SUPPLY.end()),
            "power the board, and connect the pin by which the probe measures it (VTref, pin 1)",
        ),
    }
}

/// Whether the wire holds: the same question must have the same answer each time.
fn clock(session: &mut Session, asked: Option<u32>) -> Examined {
    let at = match (asked, session.probe().virtual_chip) {
        (_, true) => "at the one speed of a virtual chip".to_owned(),
        (Some(khz), _) => format!("at {khz} kHz or what the probe has below"),
        (None, _) => "at the speed that the probe comes with".to_owned(),
    };
    let slower = "shorten the wires, add a ground, or give --speed 500";
    let mut first = None;
    for _ in 0..LOOKS {
        match identify(session) {
            Ok(seen) if first.is_none() => first = Some(seen),
            Ok(seen) if Some(&seen) == first.as_ref() => {}
            Ok(_) => {
                return self::seen("clock", Health::Failed, format!("{at} the same question had two answers"), slower);
            }
            Err(error) => return self::seen("clock", Health::Failed, format!("{at}: {}", error.fault()), slower),
        }
    }
    seen("clock", Health::Ok, format!("asked {LOOKS} times {at}, answered alike each time"), "")
}

fn nrst(session: &mut Session, identity: &Identity, reset: bool) -> Examined {
    let wire = "connect the probe's reset line to NRST of the chip: no way back begins without it";
    if !identity.ap1_open() {
        return seen(
            "nrst",
            Health::NotSeen,
            "AP1 is shut: whether the core notices a reset cannot be seen",
            "`provost auth discover` needs the wire, and resets the chip",
        );
    }
    if identity.options.and_then(|options| options.pending_state()).is_some() {
        let says = "not pulsed: a product state waits for the next reset";
        return seen("nrst", Health::NotSeen, says, "`provost status` says which, and what to do before");
    }
    if !reset {
        let says = "not pulsed: that resets the chip";
        return seen("nrst", Health::NotSeen, says, "`provost doctor --reset` sees whether the wire is there");
    }
    match self::reset::reaches(session) {
        Ok(true) => seen("nrst", Health::Ok, "pulsed, and the core noticed", ""),
        Ok(false) => seen("nrst", Health::Failed, "pulsed, and the core noticed nothing", wire),
        Err(error) => trouble("nrst", error.fault()),
    }
}

fn text(doctor: &Doctor) -> String {
    let mut text = format!("provost {} on {} ({})\n", doctor.provost, doctor.system, doctor.architecture);
    for check in &doctor.checks {
        let head = format!("  {:<10} {:<9} ", check.verdict.as_str(), check.check);
        text.push_str(&wrap_behind(&head, &check.says));
    }
    let next: Vec<&str> = doctor.checks.iter().filter_map(|check| check.next.as_deref()).collect();
    if !next.is_empty() {
        text.push_str("next\n");
    }
    for (n, step) in next.iter().enumerate() {
        text.push_str(&wrap_behind(&format!("  {}. ", n + 1), step));
    }
    let _ = writeln!(
        text,
        "{}",
        if doctor.ready {
            "nothing stands in the way, as far as it was looked at"
        } else {
            "something stands in the way"
        }
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// udev(7): a rule is key-operator-value pairs, with commas between them; a comment begins its line.
    #[test]
    fn the_rules_are_rules() {
        let mut labels = (Vec::new(), Vec::new());
        for line in UDEV.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            for pair in line.split(", ") {
                let (key, value) = pair.split_once('=').unwrap_or_else(|| panic!("{line}"));
                let value = value.trim_start_matches('=');
                assert!(value.starts_with('"') && value.ends_with('"') && value.len() > 2, "{line}");
                match key {
                    "GOTO" => labels.0.push(value),
                    "LABEL" => labels.1.push(value),
                    "TAG+" => assert_eq!(value, "\"uaccess\""),
                    "ACTION!" | "SUBSYSTEM!" | "ATTRS{idVendor}" | "ATTRS{idProduct}" | "ATTRS{product}" => {}
                    key => panic!("{key} in {line}"),
                }
            }
        }
        assert_eq!(labels.1.len(), 1);
        assert!(labels.0.iter().all(|label| *label == labels.1[0]));
        // Rules that give access run before systemd's 73-seat-late.rules.
        assert!(UDEV_FILE.split('-').next().and_then(|n| n.parse::<u8>().ok()).is_some_and(|n| n < 73));
    }
}
