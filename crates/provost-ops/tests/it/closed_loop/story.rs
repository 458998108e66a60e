//! A random history, lived through on the twin, and what its owner tells of it.

use provost_chip::{
    model::{Chip, Execution},
    states::{BootUbe, DaMethod, ProductState, TrustZone},
};
use provost_diagnosis::{
    case::{
        Act, AskedPermission, Boot0, Case, ConnectMode, Credential as Shown, Discovery, Host, Object, OptionValue,
        Outcome, ProvisionedBy, Step,
    },
    signs::Sign,
};

use provost_testkit::Random;

use super::{
    advice::observed,
    bench::{ToProvision, Workbench},
    chip::{Credential, Credentials, Situation},
    tally::STRANGERS_FILE,
};

/// What the owner tells, and what there would be to tell.
#[derive(Debug, Default)]
pub struct Report {
    /// What is told.
    pub told: Case,
    /// The same with nothing left out and nothing wrong.
    pub full: Case,
    /// What is wrong or missing in it, as far as it matters.
    pub flaws: Vec<&'static str>,
}

impl Report {
    /// Adds what was seen to both.
    pub fn add(&mut self, step: Step) {
        self.told.steps.push(step.clone());
        self.full.steps.push(step);
    }

    /// Takes back what is now known to have said nothing of the chip.
    pub fn take_back(&mut self, void: impl Fn(&Step) -> bool) {
        self.told.steps.retain(|s| !void(s));
        self.full.steps.retain(|s| !void(s));
    }
}

/// Something to do.
#[derive(Debug, Clone, Copy)]
enum Deed {
    HotPlug,
    UnderReset,
    Read,
    WriteState,
    WriteTrustZone,
    WriteBootUbe,
    Provision,
    Discover,
    Authenticate,
    Erase,
    Reset,
    PowerCycle,
    AskFirmware,
    Bootloader,
    LookAtApplication,
}

const DEEDS: [(Deed, u32); 15] = [
    (Deed::HotPlug, 12),
    (Deed::UnderReset, 6),
    (Deed::Read, 10),
    (Deed::WriteState, 24),
    (Deed::WriteTrustZone, 7),
    (Deed::WriteBootUbe, 2),
    (Deed::Provision, 16),
    (Deed::Discover, 12),
    (Deed::Authenticate, 7),
    (Deed::Erase, 3),
    (Deed::Reset, 4),
    (Deed::PowerCycle, 4),
    (Deed::AskFirmware, 2),
    (Deed::Bootloader, 3),
    (Deed::LookAtApplication, 3),
];

pub fn option(field: &str, value: Option<u64>) -> OptionValue {
    OptionValue { field: field.to_owned(), value }
}

/// Somebody with a chip.
pub struct Owner<'a> {
    pub random: &'a mut Random,
    pub bench: &'a mut Workbench,
    pub credentials: &'a Credentials,
    report: Report,
    last_seen: Option<ProductState>,
}

impl<'a> Owner<'a> {
    pub fn new(random: &'a mut Random, bench: &'a mut Workbench, credentials: &'a Credentials) -> Self {
        Self { random, bench, credentials, report: Report::default(), last_seen: None }
    }

    /// Lives through some deeds and tells of them.
    pub fn live(mut self, situation: &Situation) -> Report {
        if situation.firmware.is_some_and(|f| f.regresses) {
            let step = observed("my firmware can request a regression by a command");
            self.report.full.steps.push(step.clone());
            if self.random.percent(70) {
                self.report.told.steps.push(step);
            } else {
                self.report.flaws.push("nothing is told of firmware that can regress");
            }
        }
        for _ in 0..self.random.below(9) {
            let deed = self.random.of(&DEEDS);
            let before = self.kept();
            let steps = self.perform(deed);
            let changed = self.kept() != before;
            self.tell(steps, changed);
            if self.random.percent(3) {
                self.somebody_else();
            }
        }
        self.claim(situation);
        self.report
    }

    /// Somebody else had the board and says nothing: a script, a colleague.
    fn somebody_else(&mut self) {
        let before = self.kept();
        let steps = match self.random.below(4) {
            0 => vec![self.provision()],
            1 => vec![self.authenticate()],
            _ => vec![self.write_state()],
        };
        if self.kept() != before {
            self.report.flaws.push("somebody changed the chip and did not say so");
        }
        self.report.full.steps.extend(steps);
    }

    /// What a step may have changed for good.
    fn kept(&self) -> Chip {
        Chip { runs: Execution::Nowhere, ..self.bench.world().chip }
    }

    fn tell(&mut self, steps: Vec<Step>, changed: bool) {
        for step in steps {
            self.report.full.steps.push(step.clone());
            if self.random.percent(5) {
                if changed {
                    self.report.flaws.push("a step that changed the chip is left out");
                }
                continue;
            }
            let told = self.blurred(step);
            self.report.told.steps.push(told);
        }
    }

    /// Details that people do not tell, and what they misread.
    fn blurred(&mut self, mut step: Step) -> Step {
        match &mut step.act {
            Act::Connect { mode, .. } if self.random.percent(20) => *mode = None,
            Act::Provision { encrypted, .. } if self.random.percent(50) => *encrypted = None,
            Act::Discover(seen) => {
                for forget in [&mut seen.integrity, &mut seen.password] {
                    if self.random.percent(15) {
                        *forget = None;
                    }
                }
            }
            Act::Authenticate { with, .. } if self.random.percent(20) => *with = None,
            _ => {}
        }
        match step.outcome {
            _ if self.random.percent(4) => step.outcome = None,
            Some(Outcome::Ok) if self.random.percent(1) => {
                step.outcome = Some(Outcome::Error);
                self.report.flaws.push("an error is told of a step that went well");
            }
            Some(Outcome::Lost) => {
                let told = [(Outcome::Lost, 60), (Outcome::Error, 25), (Outcome::Ok, 10), (Outcome::Timeout, 5)];
                step.outcome = Some(self.random.of(&told));
            }
            Some(Outcome::Timeout) => {
                let told = [(Outcome::Timeout, 40), (Outcome::Error, 45), (Outcome::Hang, 15)];
                step.outcome = Some(self.random.of(&told));
            }
            _ => {}
        }
        step
    }

    fn perform(&mut self, deed: Deed) -> Vec<Step> {
        match deed {
            Deed::HotPlug => vec![self.connect(ConnectMode::HotPlug)],
            Deed::UnderReset => vec![self.connect(ConnectMode::UnderReset)],
            Deed::Read => self.read(),
            Deed::WriteState => vec![self.write_state()],
            Deed::WriteTrustZone => {
                let to = if self.random.percent(50) { TrustZone::Enabled } else { TrustZone::Disabled };
                vec![self.write("TZEN", to.code())]
            }
            Deed::WriteBootUbe => {
                let to = if self.random.percent(70) { BootUbe::StIrot } else { BootUbe::OemIrot };
                vec![self.write("BOOT_UBE", to.code())]
            }
            Deed::Provision => vec![self.provision()],
            Deed::Discover => {
                let (seen, outcome) = self.bench.discover();
                vec![Step::new(Act::Discover(seen), Some(outcome))]
            }
            Deed::Authenticate => vec![self.authenticate()],
            Deed::Erase => vec![Step::new(Act::Erase, Some(self.bench.erase()))],
            Deed::Reset => {
                self.bench.reset();
                vec![Step::new(Act::Reset, None)]
            }
            Deed::PowerCycle => {
                self.bench.power_cycle();
                vec![Step::new(Act::PowerCycle, None)]
            }
            Deed::AskFirmware if self.bench.world().chip.firmware.regresses => {
                let outcome = self.bench.ask_firmware();
                vec![Step::new(Act::Firmware("writes PRODUCT_STATE=0x9A".into()), Some(outcome))]
            }
            Deed::AskFirmware => Vec::new(),
            Deed::Bootloader => {
                let runs = self.bench.runs() == Execution::Bootloader;
                let act = if self.random.percent(50) { Act::Dfu } else { Act::Uart };
                vec![Step::new(act, Some(if runs { Outcome::Ok } else { Outcome::NoDevice }))]
            }
            Deed::LookAtApplication => {
                let runs = self.bench.runs() == Execution::User;
                let what = if runs { "the application runs" } else { "the application does not run" };
                vec![observed(what)]
            }
        }
    }

    fn connect(&mut self, mode: ConnectMode) -> Step {
        let outcome = self.bench.connect(mode);
        Step::new(Act::Connect { mode: Some(mode), ap: Some(1) }, Some(outcome))
    }

    fn read(&mut self) -> Vec<Step> {
        let fields: &[&str] = if self.random.percent(50) { &["PRODUCT_STATE", "TZEN"] } else { &["PRODUCT_STATE"] };
        let trustzone = self.bench.part.info().trustzone;
        let mut steps = Vec::new();
        for field in fields.iter().filter(|f| trustzone || **f != "TZEN") {
            let read = self.bench.read(field);
            let found = option(field, read.ok());
            if let Some(state) = found.product_state() {
                self.last_seen = Some(state);
            }
            steps.push(Step::new(Act::ReadOption(found), Some(read.err().unwrap_or(Outcome::Ok))));
        }
        steps
    }

    fn write_state(&mut self) -> Step {
        use ProductState as S;
        let to = self.random.of(&[
            (S::Provisioning, 40),
            (S::Closed, 20),
            (S::TzClosed, 14),
            (S::IrotProvisioned, 10),
            (S::Open, 12),
            (S::Locked, 2),
        ]);
        let step = self.write("PRODUCT_STATE", to.code());
        if step.outcome == Some(Outcome::Ok) {
            self.last_seen = Some(to);
        }
        step
    }

    fn write(&mut self, field: &str, code: u8) -> Step {
        let outcome = self.bench.write(field, code);
        Step::new(Act::WriteOption(option(field, Some(u64::from(code)))), Some(outcome))
    }

    /// Mostly the owner's own credential, of the kind that fits.
    fn provision(&mut self) -> Step {
        let chip = self.bench.world().chip;
        let fits = DaMethod::for_trustzone(chip.tz);
        let trustzone = self.bench.part.info().trustzone;
        let method = if trustzone && self.random.percent(20) { other(fits) } else { fits };
        let crypto = self.bench.part.info().crypto;
        let encrypt = if self.random.percent(15) { !crypto } else { crypto };
        let (whose, sign) = self.whose();
        let outcome = self.bench.provision(&ToProvision { set: &whose.set, method, encrypt });
        let object = match method {
            DaMethod::Certificate => Object::DaCertificate,
            DaMethod::Password => Object::DaPassword,
        };
        let encrypted = trustzone.then_some(encrypt);
        let mut step =
            Step::new(Act::Provision { object, encrypted, size: None, by: ProvisionedBy::Tool }, Some(outcome));
        step.signs.extend(sign);
        step
    }

    fn authenticate(&mut self) -> Step {
        let chip = self.bench.world().chip;
        let fits = DaMethod::for_trustzone(chip.tz);
        let method = if self.random.percent(20) { other(fits) } else { fits };
        let (whose, sign) = self.whose();
        let outcome = self.bench.authenticate(&whose.set, Some(method));
        let with = match method {
            DaMethod::Certificate => Shown::Certificate,
            DaMethod::Password => Shown::Password,
        };
        let act = Act::Authenticate { with: Some(with), permission: AskedPermission::FullRegression };
        let mut step = Step::new(act, Some(outcome));
        step.signs.extend(sign);
        step
    }

    fn whose(&mut self) -> (&'a Credential, Option<Sign>) {
        let credentials = self.credentials;
        match self.random.below(100) {
            0..92 => (&credentials.own, None),
            92..97 => (&credentials.sample, Some(Sign::SampleCredential)),
            _ => {
                self.report.flaws.push(STRANGERS_FILE);
                (&credentials.stranger, None)
            }
        }
    }

    /// What is said of chip and bench.
    fn claim(&mut self, situation: &Situation) {
        let info = self.bench.part.info();
        let chip = self.bench.world().chip;
        let random = &mut *self.random;
        let mut full = Case::default();
        full.chip.part = Some(info.name.to_owned());
        full.chip.tz = Some(chip.tz);
        full.chip.boot_ube = info.crypto.then_some(chip.boot_ube);
        full.chip.state = self.last_seen.or(Some(situation.state));
        full.bench.nrst = Some(situation.nrst_wired);
        full.bench.boot0 = Some(if situation.boot0 { Boot0::High } else { Boot0::Low });
        full.bench.host = Some(Host::Linux);
        let mut told = full.clone();
        match random.below(100) {
            0..72 => {}
            72..82 => told.chip.part = Some("STM32H5".into()),
            82..92 => (told.chip.part, told.chip.dev_id) = (None, Some(info.dev_id)),
            _ => told.chip.part = None,
        }
        match random.below(100) {
            0..70 => {}
            70..98 => told.chip.tz = None,
            _ if info.trustzone => {
                told.chip.tz = Some(chip.tz.flipped());
                self.report.flaws.push("TrustZone is told wrongly");
            }
            _ => {}
        }
        match random.below(100) {
            0..55 => {}
            55..98 => told.bench.nrst = None,
            _ => {
                told.bench.nrst = Some(!situation.nrst_wired);
                self.report.flaws.push("the reset line is told wrongly");
            }
        }
        let mut forget = |share: u32| random.percent(share);
        if forget(70) {
            told.chip.boot_ube = None;
        }
        if forget(if self.last_seen.is_some() { 20 } else { 50 }) {
            told.chip.state = None;
        }
        if forget(50) {
            told.bench.boot0 = None;
        }
        if forget(40) {
            told.bench.host = None;
        }
        let (goal, is_told) = situation.goal;
        full.goal = Some(goal);
        told.goal = is_told.then_some(goal);
        self.report.told = Case { steps: std::mem::take(&mut self.report.told.steps), ..told };
        self.report.full = Case { steps: std::mem::take(&mut self.report.full.steps), ..full };
    }
}

const fn other(method: DaMethod) -> DaMethod {
    match method {
        DaMethod::Certificate => DaMethod::Password,
        DaMethod::Password => DaMethod::Certificate,
    }
}

/// A discovery that nobody answered.
pub fn unanswered(step: &Step) -> bool {
    match &step.act {
        Act::Discover(seen) => *seen == Discovery::default(),
        Act::Authenticate { .. } => !matches!(step.outcome, None | Some(Outcome::Ok)),
        _ => false,
    }
}

/// Something over SWD that went wrong.
pub fn failed_over_swd(step: &Step) -> bool {
    let wired = matches!(
        step.act,
        Act::Connect { .. }
            | Act::ReadOption(_)
            | Act::WriteOption(_)
            | Act::Provision { .. }
            | Act::Erase
            | Act::Dfu
            | Act::Uart
            | Act::Discover(_)
            | Act::Authenticate { .. }
    );
    wired && !matches!(step.outcome, Some(Outcome::Ok))
}
