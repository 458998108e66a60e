//! One reported step on one hypothesis: what may have happened, and how likely the report then is.
//!
//! The model says what the chip does; [`crate::noise`] says how that is told. Where the report leaves open whether an action
//! reached the chip at all, both branches go on.

mod debug_auth;
mod provision;

use provost_chip::{
    model::{
        Action, DaRecord, Execution, Observation,
        authentication::PRODUCT_MASK,
        boot::{self, Reset},
        options,
    },
    parts::DaStore,
    rules::RuleId,
    states::{ProductState, TrustZone},
    transitions::Writer,
};

use crate::{
    case::{Act, ConnectMode, OptionValue, Outcome, Step},
    evidence::Evidence,
    goal,
    hypothesis::{Hypothesis, hash},
    noise,
    signs::Sign,
};

/// Below this, an observation contradicts a hypothesis.
const MISTOLD: f64 = 0.1;
/// How often the link to the chip breaks between two steps.
const BREAKS: f64 = 0.01;
/// How often an attempt that ended badly never reached the chip.
const NOT_DONE: f64 = 0.12;
/// How often a debugger that resets a closed chip attaches once its firmware runs.
const ONCE_IT_RUNS: f64 = 0.6;
/// How often firmware that keeps debuggers out keeps out this one too.
const BARRED: f64 = 0.6;
/// How likely a value is that is not the one on the chip.
const FALSE_READING: f64 = 0.000_2;
/// How often the write of Provisioning is not told before that of a closed state.
const UNTOLD: f64 = 0.4;
/// How often a credential is inside of which the owner says that there is none.
const STORED_UNKNOWN: f64 = 0.04;
/// How often a Debug Authentication that should work fails once for no reason of its own.
const FLAKY: f64 = 0.06;
/// How often the owner presents another file than the one that was provisioned.
const WRONG_FILE: f64 = 0.06;

/// What one step makes of one hypothesis: successors with their weights.
pub(crate) struct Replay<'a> {
    pub(crate) evidence: &'a Evidence<'a>,
    pub(crate) step: &'a Step,
    pub(crate) successors: Vec<(Hypothesis, f64)>,
    /// What everything that is emitted is weighed with.
    share: f64,
}

impl<'a> Replay<'a> {
    /// A replay of one step.
    pub(crate) const fn new(evidence: &'a Evidence<'a>, step: &'a Step) -> Self {
        Self { evidence, step, successors: Vec::new(), share: 1.0 }
    }

    /// Replays the step on a hypothesis; the successors are left in `successors`.
    pub(crate) fn run(&mut self, h: Hypothesis) {
        self.successors.clear();
        self.share = 1.0;
        if self.never_began() {
            self.successors.push((h, 1.0));
            return;
        }
        let swd = matches!(
            self.step.act,
            Act::Connect { .. } | Act::ReadOption(_) | Act::WriteOption(_) | Act::Erase | Act::Flash
        );
        if swd && !h.link {
            let deed = matches!(self.step.act, Act::WriteOption(_));
            let told =
                if deed { noise::SILENT.of_deed(self.step.outcome) } else { noise::SILENT.of(self.step.outcome) };
            self.emit(h, told);
            return;
        }
        // A cable, a jumper or a regulator may have failed since the step before.
        let bad = !matches!(self.step.outcome, None | Some(Outcome::Ok));
        if swd && bad {
            let cut = Hypothesis { link: false, ..h };
            self.emit(cut, BREAKS * noise::SILENT.of(self.step.outcome));
        }
        // DBGMCU_SR, which provost reads, tells a port that is shut from firmware that is in the way.
        if self.step.measured && self.step.outcome == Some(Outcome::Error) && h.is_barred() {
            self.share = 0.01;
        } else if swd && h.is_barred() && !matches!(self.step.act, Act::Connect { .. }) {
            // Whoever gets in at all got in by some other way of connecting.
            self.emit(h, BARRED * noise::SHUT.of(self.step.outcome));
            self.share = 1.0 - BARRED;
        }
        match &self.step.act {
            Act::Connect { mode, ap } => self.connect(h, *mode, *ap),
            Act::ReadOption(option) => self.read_option(h, option),
            Act::WriteOption(option) => self.write_option(h, option),
            Act::Provision { object, encrypted, size, by } => self.provision(h, *object, *encrypted, *size, *by),
            Act::Discover(discovery) => self.discover(h, discovery),
            Act::Authenticate { with, permission } => self.authenticate(h, *with, *permission),
            Act::CloseDebug => self.close_debug(h),
            Act::Erase => self.erase(h),
            Act::Flash => self.flash(h),
            Act::Dfu | Act::Uart => self.bootloader(h),
            Act::Reset => self.act(h, Action::Reset),
            Act::PowerCycle => self.act(h, Action::PowerCycle),
            Act::Firmware(text) => self.firmware(h, text),
            Act::Observe(_) => self.observe(h),
        }
    }

    /// The tool failed by itself, or cannot speak to this family: the chip saw nothing, and the step says nothing of it.
    fn never_began(&self) -> bool {
        let host_side = |s| matches!(s, Sign::ToolCrash | Sign::FileMissing);
        let wired = matches!(self.step.act, Act::Connect { .. } | Act::ReadOption(_) | Act::Erase | Act::Flash);
        let bad = !matches!(self.step.outcome, Some(Outcome::Ok));
        self.step.all_signs().any(host_side) || (wired && bad && self.evidence.tool_is_blind())
    }

    fn emit(&mut self, h: Hypothesis, weight: f64) {
        // What was measured is not misremembered: what is unlikely is more so.
        let weight = if self.step.measured && weight < MISTOLD { weight * weight } else { weight };
        self.successors.push((h, self.share * weight));
    }

    fn act(&mut self, mut h: Hypothesis, action: Action) {
        if h.link {
            h.world.step(action);
        }
        self.emit(h, 1.0);
    }

    fn attached(h: &mut Hypothesis) -> bool {
        h.link && matches!(h.world.step(Action::HotPlug), Observation::State { .. })
    }

    fn connect(&mut self, mut h: Hypothesis, mode: Option<ConnectMode>, ap: Option<u8>) {
        let outcome = self.step.outcome;
        if ap == Some(0) {
            // Firmware that takes the pins takes AP0 too; one that sleeps does not.
            let gone = if h.is_barred() { 0.5 } else { 0.0 };
            return self.emit(h, gone * noise::SILENT.of(outcome) + (1.0 - gone) * noise::AP0.of(outcome));
        }
        // How often it attaches when the state allows it, by way of connecting (rule `R-AP1-SHUT-IN-ROM`).
        let (action, after_reset): (_, f64) = match mode {
            Some(ConnectMode::HotPlug) => (Action::HotPlug, 1.0),
            Some(ConnectMode::UnderReset) => (Action::ConnectUnderReset, 1.0),
            Some(ConnectMode::PowerDown) => (Action::PowerCycle, 0.3),
            Some(ConnectMode::HwResetPulse) => (Action::Reset, 0.5),
            Some(ConnectMode::Normal) => (Action::HotPlug, 0.1),
            None => (Action::HotPlug, 0.5),
        };
        if mode == Some(ConnectMode::Normal) {
            let world = &mut h.world;
            boot::reset(&mut world.chip, &world.bench, Reset::System, false, &world.assumptions);
        }
        let seen = h.world.step(action);
        let seen = if seen == Observation::Done { h.world.step(Action::HotPlug) } else { seen };
        let attaches = match seen {
            Observation::State { state: ProductState::Open, .. } if h.bars => through_firmware(mode, &h),
            Observation::State { state: ProductState::Open, .. } => 1.0,
            // Past Provisioning the port opens as soon as firmware runs (rule `R-AP1-CLOSED-STATES`); in Provisioning the ROM has it first.
            Observation::State { state, .. } if state > ProductState::Provisioning => after_reset.max(ONCE_IT_RUNS),
            Observation::State { .. } => after_reset,
            _ => 0.0,
        };
        self.emit(h, attaches * noise::WORKS.of(outcome) + (1.0 - attaches) * noise::SHUT.of(outcome));
    }

    fn read_option(&mut self, mut h: Hypothesis, option: &OptionValue) {
        let outcome = self.step.outcome.or(option.value.map(|_| Outcome::Ok));
        if !Self::attached(&mut h) {
            return self.emit(h, noise::SHUT.of(outcome));
        }
        let chip = &h.world.chip;
        let agrees = match (option.product_state(), option.trustzone(), option.boot_ube()) {
            (Some(state), ..) => Some(state == chip.state),
            (_, Some(tz), _) => Some(tz == chip.tz),
            (.., Some(entry)) => Some(entry == chip.boot_ube),
            _ => None,
        };
        let value = match agrees {
            Some(false) if outcome == Some(Outcome::Ok) => FALSE_READING,
            _ => 1.0,
        };
        self.emit(h, value * noise::WORKS.of(outcome));
    }

    /// A write that ended badly may never have been done.
    fn perhaps(&mut self, h: Hypothesis, reached: bool) -> f64 {
        let outcome = self.step.outcome;
        if !reached {
            self.emit(h, noise::SHUT.of_deed(outcome));
            return 0.0;
        }
        let left_out = match outcome {
            Some(Outcome::Ok) => 0.02,
            None => 0.05,
            Some(_) => NOT_DONE,
        };
        self.emit(h, left_out * noise::IGNORED.of_deed(outcome).max(noise::SILENT.of_deed(outcome)));
        1.0 - left_out
    }

    fn write_option(&mut self, mut h: Hypothesis, option: &OptionValue) {
        let reached = Self::attached(&mut h);
        let done = self.perhaps(h, reached);
        if done == 0.0 {
            return;
        }
        let was_open = h.world.chip.state == ProductState::Open;
        if was_open && option.product_state() > Some(ProductState::Provisioning) {
            // The write of Provisioning before it goes without saying.
            let mut two_steps = h;
            two_steps.world.step(Action::WriteProductState(ProductState::Provisioning));
            self.written(two_steps, option, done * UNTOLD, false);
            return self.written(h, option, done * (1.0 - UNTOLD), was_open);
        }
        self.written(h, option, done, was_open);
    }

    /// The write was done, and what it came to; with `was_open` a default configuration may have been provisioned on the way.
    fn written(&mut self, mut h: Hypothesis, option: &OptionValue, done: f64, was_open: bool) {
        let outcome = self.step.outcome;
        let seen = match (option.product_state(), option.trustzone(), option.boot_ube()) {
            (Some(state), ..) => h.world.step(Action::WriteProductState(state)),
            (_, Some(tz), _) => h.world.step(Action::WriteTrustZone(tz)),
            (.., Some(entry)) => h.world.step(Action::WriteBootUbe(entry)),
            _ if option.field == "PRODUCT_STATE" || option.value.is_none() => Observation::Ignored,
            _ if h.world.chip.state <= ProductState::Provisioning => Observation::Written,
            _ => Observation::Ignored,
        };
        let in_force = &h.world.chip;
        let as_wished = option.product_state() == Some(in_force.state)
            || option.trustzone() == Some(in_force.tz)
            || option.boot_ube() == Some(in_force.boot_ube);
        let row = match seen {
            // The value that stands there already reads back well.
            Observation::Ignored if as_wished => noise::WRITTEN,
            Observation::Written if Self::attached(&mut h) && (as_wished || option.product_state().is_none()) => {
                noise::WRITTEN
            }
            Observation::Written if Self::attached(&mut h) => noise::HALF_WAY,
            Observation::Written => noise::WRITTEN_AND_SHUT,
            _ => noise::IGNORED,
        };
        // The graphical tool offers a default configuration on the way to Provisioning.
        let provisioned = was_open && h.world.chip.state == ProductState::Provisioning && h.world.chip.da.is_none();
        let default = match provisioned && h.world.chip.part.info().da_store == DaStore::Obk {
            true if self.evidence.has(Sign::DefaultConfig) => 0.60,
            true => 0.12,
            false => 0.0,
        };
        if default > 0.0 {
            let mut with = h;
            let id = match h.world.chip.tz {
                TrustZone::Enabled => hash::SAMPLE_CERTIFICATE,
                TrustZone::Disabled => hash::SAMPLE_PASSWORD,
            };
            let encrypted = h.world.chip.part.info().crypto;
            with.world.chip.da = Some(DaRecord { id, encrypted, mask: PRODUCT_MASK });
            self.emit(with, done * default * row.of_deed(outcome));
        }
        self.emit(h, done * (1.0 - default) * row.of_deed(outcome));
    }

    fn flashed(&self) -> noise::Row {
        if self.evidence.has(Sign::SupplyLow) { noise::FLASHED_WEAKLY } else { noise::FLASHED }
    }

    fn erase(&mut self, mut h: Hypothesis) {
        let outcome = self.step.outcome;
        let row = match h.world.step(Action::MassErase) {
            Observation::Done => self.flashed(),
            Observation::Ignored => noise::IGNORED,
            _ => noise::SHUT,
        };
        self.emit(h, row.of(outcome));
    }

    fn flash(&mut self, mut h: Hypothesis) {
        let outcome = self.step.outcome;
        let chip = &h.world.chip;
        // Tools reset the chip to program it.
        let programmable = chip.state == ProductState::Open
            || (chip.state == ProductState::Provisioning && chip.tz == TrustZone::Disabled);
        let row = if programmable { self.flashed() } else { noise::SHUT };
        if programmable && outcome != Some(Outcome::Error) {
            h.world.chip.firmware = h.firmware;
            h.world.step(Action::Reset);
        }
        self.emit(h, row.of(outcome));
    }

    fn bootloader(&mut self, h: Hypothesis) {
        let runs = h.link && h.world.chip.runs == Execution::Bootloader;
        let row = if runs { noise::BOOTLOADER } else { noise::NO_BOOTLOADER };
        self.emit(h, row.of(self.step.outcome));
    }

    /// The chip's own code acted; only writes of the product state move the life cycle.
    fn firmware(&mut self, mut h: Hypothesis, text: &str) {
        match goal::written_state(text) {
            Some(provost_chip::states::REGRESSION) => {
                self.emit(h, 0.3);
                h.firmware.regresses = true;
                h.world.chip.firmware.regresses = true;
                if self.step.outcome == Some(Outcome::Ok) {
                    h.world.step(Action::AskFirmwareToRegress);
                }
                self.emit(h, 0.7);
            }
            Some(code) => {
                self.emit(h, if self.step.outcome == Some(Outcome::Ok) { 0.05 } else { 0.4 });
                if let Some(to) = ProductState::from_code(code) {
                    let world = &mut h.world;
                    let decision = options::write_product_state(&world.chip, to, Writer::Firmware, &world.assumptions);
                    world.chip.pending.state = decision.outcome.or(world.chip.pending.state);
                    boot::reset(&mut world.chip, &world.bench, Reset::System, false, &world.assumptions);
                }
                self.emit(h, 0.6);
            }
            None => self.observe(h),
        }
    }

    fn observe(&mut self, h: Hypothesis) {
        let state = h.world.chip.state;
        // ST-iRoT without its data boots nothing (rule `R-BOOT-ST-IROT-NEEDS-DATA`).
        let world = &h.world;
        let target = boot::target(&world.chip, &world.bench, false, &world.assumptions);
        let boots = h.firmware.boots && target.rule != RuleId::BootStIrotNeedsData;
        let weight: f64 = self
            .step
            .all_signs()
            .map(|sign| match sign {
                // User code never runs in Provisioning (rule `R-BOOT-PROVISIONING`).
                Sign::ApplicationRuns if state == ProductState::Provisioning || !boots => 0.03,
                Sign::ApplicationDead if h.world.chip.runs == Execution::User && boots => 0.2,
                // Somebody else, or the tool by itself, may have.
                Sign::NothingProvisioned if h.world.chip.da.is_some() => STORED_UNKNOWN,
                Sign::FlashReadsZero if state != ProductState::Open => 0.2,
                _ => 1.0,
            })
            .product();
        if self.step.all_signs().any(|s| s == Sign::UnrecordedWrites) {
            return self.unrecorded(h, weight);
        }
        self.emit(h, weight);
    }

    /// Anything may have been written.
    fn unrecorded(&mut self, h: Hypothesis, weight: f64) {
        // Who tries this and that moves cables and jumpers too.
        self.emit(Hypothesis { link: false, ..h }, 0.02 * weight);
        self.emit(h, 0.5 * weight);
        use ProductState as S;
        // Nobody writes Locked in passing.
        for (to, share) in [
            (S::Provisioning, 0.10),
            (S::IrotProvisioned, 0.08),
            (S::TzClosed, 0.10),
            (S::Closed, 0.20),
            (S::Locked, 0.005),
        ] {
            let fits = to != S::TzClosed || h.world.chip.tz == TrustZone::Enabled;
            if to > h.world.chip.state && fits {
                let mut moved = h;
                moved.world.chip.state = to;
                moved.world.step(Action::PowerCycle);
                self.emit(moved, share * weight);
            }
        }
    }
}

/// How often a debugger gets past firmware that keeps it out, by way of connecting.
const fn through_firmware(mode: Option<ConnectMode>, h: &Hypothesis) -> f64 {
    match mode {
        _ if !matches!(h.world.chip.runs, Execution::User) => 1.0,
        Some(ConnectMode::UnderReset) if h.world.bench.nrst_wired => 0.7,
        Some(ConnectMode::HwResetPulse | ConnectMode::PowerDown) => 0.3,
        None => 0.2,
        Some(_) => 0.05,
    }
}
