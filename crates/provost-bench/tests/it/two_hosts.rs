//! The wire through probe-rs and the wire without it do the same: same results, same SWD transactions, same clocks, same virtual time,
//! also where the wire fails.

use std::{error::Error, path::Path, time::Duration};

use provost_bench::Bench;
use provost_chip::{rules::RuleId, states::ProductState};
use provost_link::{Access, LinkError, WireStats};
use provost_ops::{
    Narrator,
    credential::CredentialSet,
    identify::identify,
    rescue::{Wish, rescue},
};
use provost_twin::{
    board::VirtualBoard,
    presets::Preset,
    wire::{
        Wire as _,
        faults::{Fault, Stats},
    },
};

#[derive(Default)]
struct Log(Vec<String>);

impl Narrator for Log {
    fn step(&mut self, what: &str, _why: &[RuleId]) {
        self.0.push(what.to_owned());
    }

    fn note(&mut self, what: &str) {
        self.0.push(what.to_owned());
    }
}

/// Everything that could tell the two apart.
#[derive(Debug, PartialEq)]
struct Seen {
    log: Vec<String>,
    error: Option<String>,
    link: WireStats,
    wire: Stats,
    time: Duration,
    state: ProductState,
}

#[derive(Clone, Copy, Debug)]
enum Host {
    ProbeRs,
    Own,
}

/// An error with all that is ours behind it; how a driver words it is its own.
fn words(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(cause) = at.filter(|cause| !cause.is::<provost_link::DriverError>()) {
        text = format!("{text}: {cause}");
        at = cause.source();
    }
    text
}

fn run(
    selector: &str,
    host: Host,
    faults: &[(u64, Fault)],
    work: impl FnOnce(&mut Bench, &mut Log) -> Option<String>,
) -> Seen {
    let board = VirtualBoard::open(selector).unwrap();
    for (index, fault) in faults {
        board.board().dp_mut().faults_mut().at(*index, *fault);
    }
    let mut bench = match host {
        Host::ProbeRs => Bench::on_board(board.clone()),
        Host::Own => Bench::with_host(board.clone(), board.host()),
    };
    let mut log = Log::default();
    let error = work(&mut bench, &mut log);
    let wire = board.board().stats();
    let state = board.board().silicon().chip().state;
    Seen { log: log.0, error, link: bench.session.stats(), wire, time: board.now(), state }
}

fn status(selector: &str, host: Host, faults: &[(u64, Fault)]) -> Seen {
    run(selector, host, faults, |bench, log| match identify(&mut bench.session) {
        Ok(identity) => {
            log.note(&format!("{identity:?} {:?}", bench.session.target_voltage()));
            None
        }
        Err(error) => Some(format!("{} {}", error.code(), words(&error))),
    })
}

fn rescued(selector: &str, host: Host, faults: &[(u64, Fault)], set: &Path) -> Seen {
    let out = tempfile::tempdir().unwrap();
    run(selector, host, faults, |bench, log| {
        let wish = Wish {
            chip: "chip".to_owned(),
            part: None,
            credential: Some(CredentialSet::load(set).unwrap()),
            out: out.path().into(),
            inside: false,
            encrypt_word: None,
            one_shot: false,
            once_for_life: false,
            this_is: None,
        };
        let error = rescue(&mut bench.session, wish, log).err()?;
        // The journal of each run has a folder of its own.
        Some(format!("{} {}", error.code(), words(&error)).replace(&out.path().display().to_string(), "OUT"))
    })
}

fn credential(folder: &Path) {
    let (set, keys) = CredentialSet::generate(folder).unwrap();
    set.save(&keys, true).unwrap();
}

#[test]
fn a_status_of_every_preset() {
    for preset in Preset::all() {
        let own = status(preset.name, Host::Own, &[]);
        assert_eq!(own, status(preset.name, Host::ProbeRs, &[]), "{}", preset.name);
        assert!(own.error.is_none() && own.wire.transactions > 10, "{own:?}");
    }
}

#[test]
fn a_whole_rescue() {
    let folder = tempfile::tempdir().unwrap();
    credential(folder.path());
    for selector in ["stuck-in-provisioning", "stuck-in-provisioning?leave-rss-da=power", "tz-closed-without-object"] {
        let own = rescued(selector, Host::Own, &[], folder.path());
        assert_eq!(own, rescued(selector, Host::ProbeRs, &[], folder.path()), "{selector}");
    }
    assert_eq!(rescued("stuck-in-provisioning", Host::Own, &[], folder.path()).state, ProductState::Open);
}

/// Every fault at transactions all through a rescue, the first ones among them, where the link is made.
#[test]
fn every_fault_of_the_wire() {
    let folder = tempfile::tempdir().unwrap();
    credential(folder.path());
    let whole = rescued("stuck-in-provisioning", Host::Own, &[], folder.path()).wire.transactions;
    let places: Vec<u64> = (0..12).chain((12..whole).step_by(97)).collect();
    let mut errors = std::collections::BTreeSet::new();
    for fault in [
        Fault::Wait(1),
        Fault::Wait(5000),
        Fault::Fault,
        Fault::NoAck,
        Fault::ReadParity,
        Fault::PowerCutBefore,
        Fault::PowerCutAfter,
    ] {
        for &at in &places {
            let own = rescued("stuck-in-provisioning", Host::Own, &[(at, fault)], folder.path());
            let theirs = rescued("stuck-in-provisioning", Host::ProbeRs, &[(at, fault)], folder.path());
            assert_eq!(own, theirs, "{fault:?} at {at}");
            errors.extend(own.error);
        }
    }
    assert!(errors.len() > 20, "{errors:?}");
}

#[test]
fn a_plug_that_is_pulled() {
    for host in [Host::Own, Host::ProbeRs] {
        let board = VirtualBoard::open("fresh").unwrap().unplugged_after(5);
        let mut bench = match host {
            Host::ProbeRs => Bench::on_board(board.clone()),
            Host::Own => Bench::with_host(board.clone(), board.host()),
        };
        let error = bench.session.attach().unwrap_err();
        assert!(matches!(error, LinkError::ProbeLost { access: Access::Attach, .. }), "{host:?} {error:?}");
        assert_eq!(board.board().stats().transactions, 6);
    }
}
