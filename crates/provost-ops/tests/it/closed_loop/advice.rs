//! Following the advice: the tests that the diagnosis asks for, and the plans that it gives, carried out on the twin.

use std::path::Path;

use provost_chip::states::{DaMethod, ProductState};
use provost_diagnosis::{
    case::{Act, ConnectMode, Host, Outcome, Step},
    moves::{Move, Subject},
    remarks,
};
use provost_ops::{
    Silent,
    credential::CredentialSet,
    rescue::{Wish, rescue},
};

use super::{
    bench::{ToProvision, Workbench},
    chip::Credentials,
    story::{Report, failed_over_swd, option, unanswered},
};

/// A person removes power so often before they give up.
const PATIENCE: usize = 6;

/// Performs a test and adds what it shows to the report; `false` if the test is none that can be performed.
pub fn perform_test(test: Move, bench: &mut Workbench, report: &mut Report) -> bool {
    match test {
        Move::Discover => discover(bench, report),
        Move::ConnectHotPlug | Move::RetryConnect => look(bench, report),
        Move::ConnectUnderReset => {
            let (outcome, options) = bench.attach(ConnectMode::UnderReset);
            report.add(connected(ConnectMode::UnderReset, outcome));
            if let Some(state) = options.and_then(|o| o.state()) {
                let read = option("PRODUCT_STATE", Some(u64::from(state.code())));
                report.add(Step::new(Act::ReadOption(read), Some(Outcome::Ok)));
            }
        }
        Move::Check(Subject::Wiring | Subject::Supply) => {
            if bench.mend_supply() {
                // What failed before for want of a link says nothing of the chip.
                report.take_back(failed_over_swd);
            } else {
                report.add(observed("cables, wiring and supply were checked, all is well"));
            }
            look(bench, report);
        }
        Move::WireNrst | Move::OtherProbe => {
            if bench.wire_nrst() {
                report.take_back(unanswered);
            }
            for case in [&mut report.told, &mut report.full] {
                case.bench.nrst = Some(true);
            }
            discover(bench, report);
        }
        Move::Host64Bit => {
            for case in [&mut report.told, &mut report.full] {
                case.bench.host = Some(Host::Linux);
            }
            discover(bench, report);
        }
        Move::PowerCycle => {
            bench.power_cycle();
            report.add(Step::new(Act::PowerCycle, None));
            look(bench, report);
        }
        Move::Boot0High => {
            bench.boot_the_bootloader();
            report.add(Step::new(Act::PowerCycle, None));
            look(bench, report);
        }
        Move::Reset => {
            bench.reset();
            report.add(Step::new(Act::Reset, None));
            look(bench, report);
        }
        Move::Check(_) => look(bench, report),
        _ => return false,
    }
    true
}

fn connected(mode: ConnectMode, outcome: Outcome) -> Step {
    Step::new(Act::Connect { mode: Some(mode), ap: Some(1) }, Some(outcome))
}

fn discover(bench: &mut Workbench, report: &mut Report) {
    let (seen, outcome) = bench.discover();
    report.add(Step::new(Act::Discover(seen), Some(outcome)));
}

/// Something that is told in words.
pub fn observed(what: &str) -> Step {
    Step { signs: remarks::signs_in(what), ..Step::new(Act::Observe(what.to_owned()), None) }
}

/// What `provost diagnose` looks at on a live chip: AP0, then AP1, and the two fields that count if they can be read.
fn look(bench: &mut Workbench, report: &mut Report) {
    let outcome = bench.connect(ConnectMode::HotPlug);
    if outcome != Outcome::NoDevice {
        let on_ap0 = Act::Connect { mode: Some(ConnectMode::HotPlug), ap: Some(0) };
        report.add(Step::new(on_ap0, Some(Outcome::Ok)));
    }
    report.add(connected(ConnectMode::HotPlug, outcome));
    if outcome != Outcome::Ok {
        return;
    }
    for field in ["PRODUCT_STATE", "TZEN"] {
        if let Ok(value) = bench.read(field) {
            report.add(Step::new(Act::ReadOption(option(field, Some(value))), Some(Outcome::Ok)));
        }
    }
}

/// Somebody who follows a plan.
pub struct Follower<'a> {
    pub bench: &'a mut Workbench,
    pub credentials: &'a Credentials,
    pub scratch: &'a Path,
    /// The stranger can be found.
    pub stranger_helps: bool,
    /// The stranger's credential was asked for and given.
    pub found: bool,
    /// Heeds the conditions that stand beside a step.
    pub heeds: bool,
    /// Goes forward: what is provisioned stays, where a rescue would use it at once and erase the chip.
    pub forward: bool,
    /// Where provost stopped, by its error codes.
    pub stopped: Vec<&'static str>,
    /// ST's tool had to provision what provost cannot in this world.
    pub by_st_tool: bool,
}

impl<'a> Follower<'a> {
    pub fn new(
        bench: &'a mut Workbench,
        credentials: &'a Credentials,
        scratch: &'a Path,
        stranger_helps: bool,
    ) -> Self {
        let (found, heeds, forward, by_st_tool) = (false, true, false, false);
        Self { bench, credentials, scratch, stranger_helps, found, heeds, forward, stopped: Vec::new(), by_st_tool }
    }

    /// Carries out one step of a plan. Forward nobody goes on behind a step that failed.
    pub fn follow(&mut self, step: Move) {
        if self.forward && !self.stopped.is_empty() {
            return;
        }
        match step {
            Move::WireNrst | Move::OtherProbe => {
                self.bench.wire_nrst();
            }
            Move::PowerCycle => self.bench.power_cycle(),
            Move::Reset => self.bench.reset(),
            Move::Boot0High => self.bench.board.board().silicon_mut().set_boot0(true),
            Move::ConnectHotPlug | Move::RetryConnect => {
                self.bench.connect(ConnectMode::HotPlug);
            }
            Move::ConnectUnderReset => {
                self.bench.connect(ConnectMode::UnderReset);
            }
            Move::Check(Subject::Wiring | Subject::Supply) => {
                self.bench.mend_supply();
            }
            Move::FindCredential => self.found = self.stranger_helps,
            Move::AskFirmware => {
                self.bench.ask_firmware();
                if !self.is_open() {
                    // Firmware runs after a reset that leads to it.
                    self.bench.power_cycle();
                    self.bench.ask_firmware();
                }
            }
            Move::Discover if !self.is_open() => {
                self.bench.discover();
                self.bench.reset();
            }
            Move::ProvisionCertificate | Move::ProvisionPassword => self.provision(),
            Move::FullRegression => self.regress(),
            // As the step says: only when discovery shows that a credential is inside.
            Move::WriteState(state)
                if self.heeds && state > ProductState::Provisioning && !self.holds_a_credential() => {}
            Move::WriteState(state) => {
                self.bench.write("PRODUCT_STATE", state.code());
            }
            Move::WriteTrustZone(tz) => {
                self.bench.write("TZEN", tz.code());
            }
            Move::EraseFlash => {
                self.bench.erase();
            }
            _ => {}
        }
    }

    fn holds_a_credential(&mut self) -> bool {
        let (seen, _) = self.bench.discover();
        self.bench.reset();
        seen.integrity == Some(true)
    }

    pub fn is_open(&self) -> bool {
        self.bench.world().chip.state == ProductState::Open
    }

    /// Provisions the owner's credential: forward with `provost obk write`, otherwise with `provost rescue`, which uses it, too.
    fn provision(&mut self) {
        if self.is_open() {
            return;
        }
        let own = self.credentials.own.set.clone();
        if self.forward {
            let method = DaMethod::for_trustzone(self.bench.world().chip.tz);
            let encrypt = self.bench.part.info().crypto;
            // Out of the ROM, if an earlier discovery left it there.
            self.bench.power_cycle();
            if self.bench.provision(&ToProvision { set: &own, method, encrypt }) != Outcome::Ok {
                self.stopped.push("obk-write");
            }
            return;
        }
        self.rescue(&own);
        if !self.is_open() && self.bench.world().chip.state == ProductState::Provisioning {
            // Out of the ROM, if the rescue left it there.
            self.bench.power_cycle();
            if self.bench.provision_by_st_tool(&own) == Some(Outcome::Ok) {
                self.by_st_tool = true;
            }
        }
    }

    /// `provost auth regress` with one credential after the other.
    fn regress(&mut self) {
        let credentials = self.credentials;
        let mut sets = vec![&credentials.own.set, &credentials.own_root, &credentials.sample.set];
        if self.found {
            sets.insert(0, &credentials.stranger.set);
        }
        for set in sets {
            if self.is_open() {
                return;
            }
            if self.bench.world().chip.state == ProductState::Provisioning {
                // A regression with what is stored; `provost rescue` would store another.
                self.bench.authenticate(set, None);
                self.bench.reset();
                if !self.is_open() {
                    self.bench.power_cycle();
                }
            } else {
                self.rescue(set);
            }
        }
    }

    /// Runs a rescue, with a power cycle as often as it asks for one.
    fn rescue(&mut self, set: &CredentialSet) {
        for _ in 0..PATIENCE {
            let chip = self.bench.board.name().to_owned();
            let wish = Wish {
                chip,
                part: Some(self.bench.part.into()),
                credential: Some(set.clone()),
                out: self.scratch.into(),
                inside: false,
                encrypt_word: None,
                one_shot: false,
                once_for_life: true,
                this_is: None,
            };
            let error = match rescue(&mut self.bench.bench.session, wish, &mut Silent) {
                Ok(_) => return,
                Err(error) => error,
            };
            let code = error.code();
            if error.code() == "da-power-cycle-needed" {
                self.bench.power_cycle();
                continue;
            }
            self.stopped.push(code);
            // A refused session is over: out of the ROM before anything else.
            self.bench.power_cycle();
            return;
        }
        self.stopped.push("asked for power too often");
    }
}
