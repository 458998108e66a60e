//! People's actions, composed of the model's decisions.

use super::{
    Execution, World, access,
    access::Ap1,
    authentication::{self, Permission, Presented},
    boot::{self, Reset},
    debug::{self, Opening},
    options,
    provisioning::{self, Call, Service},
};
use crate::{
    assumptions::DebugGrant,
    rules::RuleId,
    states::{BootUbe, DaMethod, ProductState, TrustZone},
    transitions::Writer,
};

/// Something that a person or a tool can do to a chip on a bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Attach without reset or halt, and read the state if AP1 is open.
    HotPlug,
    /// Attach with NRST low and stop at the first instruction.
    ConnectUnderReset,
    /// Write PRODUCT_STATE over AP1 and reset.
    WriteProductState(ProductState),
    /// Write TZEN over AP1 and reset.
    WriteTrustZone(TrustZone),
    /// Write BOOT_UBE over AP1 and reset.
    WriteBootUbe(BootUbe),
    /// Provision a Debug Authentication object through the system service over AP1.
    Provision {
        /// How the service is called.
        call: Call,
        /// Stands for the hash in the object.
        id: u32,
        /// The object's permission mask.
        mask: u32,
    },
    /// Write the password's hash into the OTP of an STM32H503: once, for ever.
    WriteOtpPassword {
        /// Stands for the hash.
        id: u32,
    },
    /// Hold NRST low, write the magic word, release NRST.
    RequestDebugAuthentication,
    /// Discovery.
    Discover,
    /// Authenticate for one permission.
    Authenticate(Presented, Permission),
    /// Erase the user flash over AP1.
    MassErase,
    /// Reach the ROM bootloader over UART or USB and write PRODUCT_STATE with its special command.
    BootloaderWriteState(ProductState),
    /// Pulse NRST.
    Reset,
    /// Remove power and give it back.
    PowerCycle,
    /// Set the level of BOOT0; it is read at the next reset.
    SetBoot0(bool),
    /// Ask the owner's firmware to request a regression (PRODUCT_STATE = 0x9A at HDPL1).
    AskFirmwareToRegress,
}

/// What an action shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Observation {
    /// Attached with AP1 open; the state was read.
    State {
        /// Product state in force.
        state: ProductState,
        /// TrustZone setting in force.
        tz: TrustZone,
    },
    /// The debug port and AP0 answer, AP1 is shut.
    Ap1Shut,
    /// The chip does not answer on the wire.
    NoAnswer,
    /// The write took effect.
    Written,
    /// The write changed nothing.
    Ignored,
    /// The provisioning service stored the object.
    Provisioned,
    /// The provisioning service refused it, or faulted; nothing was written.
    ProvisioningRefused(RuleId),
    /// The chip answers Debug Authentication.
    Answers,
    /// What discovery shows.
    Discovered {
        /// The life cycle.
        state: ProductState,
        /// Integrity 0xEAEAEAEA.
        valid: bool,
        /// The method it asks for.
        method: DaMethod,
    },
    /// The permission was granted; a regression is done and the chip has reset itself.
    Granted,
    /// Authentication was refused; the session is over.
    Refused(RuleId),
    /// Done; nothing to see.
    Done,
}

impl World {
    /// Performs one action: changes the chip and the bench, and says what is seen.
    pub fn step(&mut self, action: Action) -> Observation {
        match action {
            Action::PowerCycle => {
                self.bench.powered = true;
                self.chip.runs = Execution::Off;
                self.reset(Reset::Power, false);
                Observation::Done
            }
            Action::SetBoot0(level) => {
                self.bench.boot0 = level;
                Observation::Done
            }
            _ if !self.bench.powered => Observation::NoAnswer,
            Action::HotPlug => self.look(),
            // Without a wire to NRST it is an ordinary attach.
            Action::ConnectUnderReset if !self.bench.nrst_wired => self.look(),
            Action::ConnectUnderReset => {
                self.reset(Reset::System, false);
                if self.chip.state == ProductState::Open { self.look() } else { Observation::Ap1Shut }
            }
            Action::Reset => {
                if self.bench.nrst_wired {
                    self.reset(Reset::System, false);
                }
                Observation::Done
            }
            Action::WriteProductState(to) => self.over_ap1(|w| w.write_state(to, Writer::Debugger)),
            Action::WriteTrustZone(to) => self.over_ap1(|w| {
                w.chip.pending.tz = options::write_trustzone(&w.chip, to, &w.assumptions).outcome;
                w.launch(w.chip.pending.tz.is_some())
            }),
            Action::WriteBootUbe(to) => self.over_ap1(|w| {
                w.chip.pending.boot_ube = options::write_boot_ube(&w.chip, to).outcome;
                w.launch(w.chip.pending.boot_ube.is_some())
            }),
            Action::Provision { call, id, mask } => self.over_ap1(|w| w.provision(call, id, mask)),
            Action::WriteOtpPassword { id } => self.over_ap1(|w| w.write_otp(id)),
            Action::MassErase => self.over_ap1(Self::mass_erase),
            Action::BootloaderWriteState(to) => {
                if self.chip.runs == Execution::Bootloader {
                    self.write_state(to, Writer::Debugger)
                } else {
                    Observation::NoAnswer
                }
            }
            Action::RequestDebugAuthentication => {
                if !self.bench.nrst_wired {
                    return Observation::NoAnswer;
                }
                self.reset(Reset::System, true);
                if matches!(self.chip.runs, Execution::RssDa { open: true }) {
                    Observation::Answers
                } else {
                    Observation::NoAnswer
                }
            }
            Action::Discover => self.discover(),
            Action::Authenticate(presented, permission) => self.authenticate(presented, permission),
            Action::AskFirmwareToRegress => self.firmware_regression(),
        }
    }

    fn reset(&mut self, kind: Reset, da_request: bool) {
        boot::reset(&mut self.chip, &self.bench, kind, da_request, &self.assumptions);
    }

    fn look(&self) -> Observation {
        match access::ap1(&self.chip).outcome {
            Ap1::Shut => Observation::Ap1Shut,
            _ => Observation::State { state: self.chip.state, tz: self.chip.tz },
        }
    }

    fn over_ap1(&mut self, act: impl FnOnce(&mut Self) -> Observation) -> Observation {
        match access::ap1(&self.chip).outcome {
            Ap1::Shut => Observation::Ap1Shut,
            _ => act(self),
        }
    }

    fn write_state(&mut self, to: ProductState, by: Writer) -> Observation {
        let reached = options::write_product_state(&self.chip, to, by, &self.assumptions).outcome;
        // A write that is ignored leaves what an earlier one has programmed.
        self.chip.pending.state = reached.or(self.chip.pending.state);
        self.launch(reached.is_some())
    }

    /// The reset after an option change, which makes it take effect.
    fn launch(&mut self, changed: bool) -> Observation {
        self.reset(Reset::System, false);
        if changed { Observation::Written } else { Observation::Ignored }
    }

    fn provision(&mut self, call: Call, id: u32, mask: u32) -> Observation {
        let decision = provisioning::service(&self.chip, call, &self.assumptions);
        match decision.outcome {
            Service::Stores { encrypted, .. } => {
                provisioning::store(&mut self.chip, id, mask, encrypted);
                self.reset(Reset::System, false);
                Observation::Provisioned
            }
            Service::Refuses(_) => Observation::ProvisioningRefused(decision.rule),
            Service::Faults => {
                self.reset(Reset::System, false);
                Observation::ProvisioningRefused(decision.rule)
            }
        }
    }

    fn write_otp(&mut self, id: u32) -> Observation {
        let decision = provisioning::write_otp(&self.chip);
        if !decision.outcome {
            return Observation::ProvisioningRefused(decision.rule);
        }
        provisioning::store(&mut self.chip, id, authentication::PRODUCT_MASK, false);
        Observation::Provisioned
    }

    fn mass_erase(&mut self) -> Observation {
        // To a non-secure debugger, with TrustZone on, the secure sectors refuse, and a mass erase with them.
        let secure = access::ap1(&self.chip).outcome == Ap1::Full;
        if !secure && self.chip.tz == TrustZone::Enabled {
            return Observation::Ignored;
        }
        self.chip.firmware = super::Firmware::default();
        // Where AP1 was open for the firmware's sake only, it has shut with it, and only NRST can reset the chip.
        if self.bench.nrst_wired || access::ap1(&self.chip).outcome > Ap1::Shut {
            self.reset(Reset::System, false);
        }
        Observation::Done
    }

    fn discover(&self) -> Observation {
        if !matches!(self.chip.runs, Execution::RssDa { .. }) {
            return Observation::NoAnswer;
        }
        Observation::Discovered {
            state: self.chip.state,
            valid: authentication::looks_valid(&self.chip, &self.assumptions).outcome,
            method: DaMethod::for_trustzone(self.chip.tz),
        }
    }

    fn authenticate(&mut self, presented: Presented, permission: Permission) -> Observation {
        if self.chip.runs != (Execution::RssDa { open: true }) {
            return Observation::NoAnswer;
        }
        let decision = authentication::authorise(&self.chip, presented, permission);
        if !decision.outcome {
            self.chip.runs = Execution::RssDa { open: false };
            return Observation::Refused(decision.rule);
        }
        match permission {
            Permission::FullRegression => authentication::full_regression(&mut self.chip),
            Permission::TzRegression => authentication::tz_regression(&mut self.chip),
            Permission::Debug(opening) => {
                self.open_debug(opening);
                return Observation::Granted;
            }
        }
        self.chip.runs = Execution::Off;
        self.reset(Reset::System, false);
        Observation::Granted
    }

    fn open_debug(&mut self, opening: Opening) {
        debug::open(&mut self.chip, opening, &self.assumptions);
        self.chip.runs = match self.assumptions.debug_grant {
            // A reset is still due: what runs then is the owner's.
            DebugGrant::Waits => Execution::Nowhere,
            DebugGrant::Boots => boot::target(&self.chip, &self.bench, false, &self.assumptions).outcome,
        };
    }

    fn firmware_regression(&mut self) -> Observation {
        // Rule R-LOCKED-IS-FINAL holds for the chip's own code too.
        let asked = self.chip.runs == Execution::User && self.chip.firmware.regresses;
        if !asked || self.chip.state == ProductState::Locked {
            return Observation::Ignored;
        }
        authentication::full_regression(&mut self.chip);
        self.reset(Reset::System, false);
        Observation::Granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assumptions::{Assumptions, RssChecksum},
        model::{Bench, Chip, Firmware, provisioning::EncryptionWord},
    };

    const CERTIFICATE: u32 = 1;

    fn stuck(tz: TrustZone) -> World {
        let mut chip = Chip::factory("STM32H533".parse().unwrap());
        (chip.state, chip.tz) = (ProductState::Provisioning, tz);
        World::new(chip)
    }

    fn provision() -> Action {
        let call = Call { checksum: RssChecksum::Crc32Words, word: EncryptionWord::Unpublished };
        Action::Provision { call, id: CERTIFICATE, mask: 0x5077 }
    }

    fn authenticate() -> Action {
        let presented = Presented { method: DaMethod::Certificate, id: CERTIFICATE, mask: u32::MAX };
        Action::Authenticate(presented, Permission::FullRegression)
    }

    #[test]
    fn r_bare_provisioning_is_rescuable() {
        let mut w = stuck(TrustZone::Enabled);
        let open = Observation::State { state: ProductState::Open, tz: TrustZone::Disabled };
        assert_eq!(w.step(Action::WriteProductState(ProductState::Open)), Observation::Ignored);
        assert_eq!(w.step(provision()), Observation::Provisioned);
        assert_eq!(w.step(Action::RequestDebugAuthentication), Observation::Answers);
        assert_eq!(
            w.step(Action::Discover),
            Observation::Discovered { state: ProductState::Provisioning, valid: true, method: DaMethod::Certificate }
        );
        assert_eq!(w.step(authenticate()), Observation::Granted);
        assert_eq!(w.step(Action::HotPlug), open);
    }

    /// AP1 was open for the sake of the firmware (rule `R-AP1-CLOSED-STATES`): with it gone, only the wire to NRST is left.
    #[test]
    fn a_mass_erase_that_shuts_ap1_resets_by_nrst_only() {
        let mut chip = Chip::factory("STM32H533".parse().unwrap());
        (chip.state, chip.tz) = (ProductState::IrotProvisioned, TrustZone::Disabled);
        chip.firmware = Firmware { boots: true, non_secure: true, regresses: false, ..Firmware::default() };
        for nrst_wired in [true, false] {
            let bench = Bench { nrst_wired, ..Bench::default() };
            let mut w = World::with(chip, bench, Assumptions::default());
            assert_eq!(w.chip.runs, Execution::User);
            assert_eq!(w.step(Action::MassErase), Observation::Done);
            assert_eq!(w.chip.runs != Execution::User, nrst_wired, "reset, and then no code");
        }
    }

    #[test]
    fn r_provision_overwrites() {
        let mut w = stuck(TrustZone::Enabled);
        let call = Call { checksum: RssChecksum::Crc32Words, word: EncryptionWord::Unpublished };
        w.step(Action::Provision { call, id: 9, mask: 0 });
        w.step(provision());
        w.step(Action::RequestDebugAuthentication);
        assert_eq!(w.step(authenticate()), Observation::Granted, "only the last object counts");
    }

    #[test]
    fn r_closing_without_da_loses() {
        let mut w = stuck(TrustZone::Enabled);
        assert_eq!(w.step(Action::WriteProductState(ProductState::TzClosed)), Observation::Written);
        assert_eq!(w.step(Action::HotPlug), Observation::Ap1Shut);
        assert_eq!(w.step(provision()), Observation::Ap1Shut);
        assert_eq!(w.step(Action::RequestDebugAuthentication), Observation::Answers);
        assert_eq!(w.step(authenticate()), Observation::Refused(RuleId::DaNeedsValidData));
        // A refused session is over.
        assert_eq!(w.step(authenticate()), Observation::NoAnswer);
    }

    #[test]
    fn r_firmware_regression_opens_a_lost_chip() {
        let mut w = stuck(TrustZone::Enabled);
        w.chip.firmware = Firmware { boots: true, non_secure: false, regresses: true, ..Firmware::default() };
        // Firmware never runs in Provisioning.
        assert_eq!(w.step(Action::AskFirmwareToRegress), Observation::Ignored);
        w.step(Action::WriteProductState(ProductState::Closed));
        assert_eq!(w.step(Action::AskFirmwareToRegress), Observation::Granted);
        assert_eq!(w.chip.state, ProductState::Open);
    }

    #[test]
    fn r_da_needs_nrst() {
        let mut w = stuck(TrustZone::Enabled);
        w.bench = Bench { nrst_wired: false, ..w.bench };
        assert_eq!(w.step(provision()), Observation::Provisioned);
        assert_eq!(w.step(Action::RequestDebugAuthentication), Observation::NoAnswer);
        assert_eq!(w.step(Action::Discover), Observation::NoAnswer);
    }

    #[test]
    fn r_tz_regression_leads_to_tz_closed() {
        let mut w = stuck(TrustZone::Enabled);
        w.step(provision());
        w.step(Action::WriteProductState(ProductState::Closed));
        w.step(Action::RequestDebugAuthentication);
        let presented = Presented { method: DaMethod::Certificate, id: CERTIFICATE, mask: u32::MAX };
        assert_eq!(w.step(Action::Authenticate(presented, Permission::TzRegression)), Observation::Granted);
        assert_eq!(w.chip.state, ProductState::TzClosed);
    }

    #[test]
    fn locked_never_changes() {
        let mut chip = Chip::factory("STM32H573".parse().unwrap());
        chip.state = ProductState::Locked;
        chip.da = Some(crate::model::DaRecord { id: CERTIFICATE, encrypted: true, mask: 0x5077 });
        chip.firmware = Firmware { boots: true, non_secure: true, regresses: true, ..Firmware::default() };
        let mut w = World::with(chip, Bench::default(), Assumptions::default());
        for action in [
            Action::HotPlug,
            Action::WriteProductState(ProductState::Open),
            Action::RequestDebugAuthentication,
            authenticate(),
            Action::BootloaderWriteState(ProductState::Open),
            Action::MassErase,
            Action::AskFirmwareToRegress,
            Action::PowerCycle,
        ] {
            w.step(action);
            assert_eq!(w.chip.state, ProductState::Locked, "{action:?}");
        }
    }
}
