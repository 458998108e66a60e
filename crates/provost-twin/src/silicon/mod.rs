//! The chip behind the debug port: memories, registers, resets and virtual time.
//!
//! Every life-cycle decision (who may access what, what boots, what a write does) is asked of [`provost_chip::model`];
//! this module only carries it out at register level.

mod bus;
mod core;
mod coresight;
mod dbgmcu;
pub(crate) mod flash;
pub mod nvm;
mod sram;

use provost_chip::{
    assumptions::Assumptions,
    model::{self, Bench, Chip, DaRecord, Execution, Firmware, boot},
    parts::{DaStore, PartId},
    registers::{flash as reg, memory},
    states::{BootUbe, ProductState, REGRESSION, TrustZone},
};

use self::{core::Core, dbgmcu::Mailbox, flash::Controller, nvm::Nvm, nvm::OptionWords, sram::Sram};
use crate::rom::{self, debug_auth::RssDa};

/// Virtual nanoseconds.
pub(crate) type Time = u64;

/// From the end of a reset to the first instruction of what boots: the RSS runs for about this long (AN2606 Table 227 gives
/// 1.8-2.7 ms to the bootloader).
const BOOT_TIME: Time = 2_700_000;

/// Who the chip is: what identification registers show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The part.
    pub part: PartId,
    /// 96-bit unique id, as three words.
    pub uid: [u32; 3],
    /// `DBGMCU_IDCODE.REV_ID`.
    pub rev_id: u16,
    /// Which of the part's RSS descriptor addresses this ROM uses.
    pub rom_version: u8,
}

/// What the owner's firmware does, as far as the outside can see; it does so only while there is code in flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FirmwareBehaviour {
    /// Lets non-secure code execute.
    pub non_secure: bool,
    /// Can be asked for a regression.
    pub regresses: bool,
}

/// One virtual chip, with its memories and what its core is doing.
#[derive(Debug)]
pub struct Silicon {
    identity: Identity,
    assumptions: Assumptions,
    behaviour: FirmwareBehaviour,
    nvm: Nvm,
    loaded: OptionWords,
    chip: Chip,
    bench: Bench,
    nrst_low: bool,
    booted_at: Time,
    now: Time,
    sram: Sram,
    controller: Controller,
    core: Core,
    mailbox: Mailbox,
    rss_da: Option<RssDa>,
    entropy: u64,
    life_changes: u64,
}

impl Silicon {
    /// A chip with this memory, without power.
    pub fn new(identity: Identity, nvm: Nvm, behaviour: FirmwareBehaviour, assumptions: Assumptions) -> Self {
        let mut chip = Chip::factory(identity.part);
        chip.runs = Execution::Off;
        let mut silicon = Self {
            identity,
            assumptions,
            behaviour,
            loaded: nvm.options.clone(),
            nvm,
            chip,
            bench: Bench { powered: false, ..Bench::default() },
            nrst_low: false,
            booted_at: 0,
            now: 0,
            sram: Sram::new(identity.part),
            controller: Controller::default(),
            core: Core::default(),
            mailbox: Mailbox::default(),
            rss_da: None,
            entropy: u64::from(identity.uid[0]) << 32 | u64::from(identity.uid[1]),
            life_changes: 0,
        };
        silicon.project();
        silicon
    }

    /// Who it is.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The world it lives in.
    pub const fn assumptions(&self) -> &Assumptions {
        &self.assumptions
    }

    /// What its firmware does.
    pub const fn behaviour(&self) -> FirmwareBehaviour {
        self.behaviour
    }

    /// What it keeps without power.
    pub const fn nvm(&self) -> &Nvm {
        &self.nvm
    }

    /// The chip as the model sees it now.
    pub const fn chip(&self) -> &Chip {
        &self.chip
    }

    /// How often option words, keys or OTP have changed since it was made: what must not be lost when a program dies.
    pub const fn life_changes(&self) -> u64 {
        self.life_changes
    }

    /// Virtual time since it was made, in nanoseconds.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Whether it has power.
    pub const fn powered(&self) -> bool {
        self.bench.powered
    }

    /// Puts a Debug Authentication payload into the keys as if it had been provisioned properly; for making chips.
    pub fn provision_as_the_chip_would(&mut self, payload: &[u8; memory::DA_SIZE as usize]) {
        rom::rss::store_da(self, payload);
    }

    /// Gives or removes power.
    pub fn set_power(&mut self, on: bool) {
        if on == self.bench.powered {
            return;
        }
        self.bench.powered = on;
        if on {
            self.mailbox = Mailbox::default();
            self.core = Core::default();
            self.come_out_of_reset(boot::Reset::Power);
        } else {
            self.nvm.interrupted = self.controller.operation_in_progress(self.now);
            self.sram.lose();
            self.rss_da = None;
            self.chip.runs = Execution::Off;
        }
    }

    /// The same chip in another world; for a chip without power.
    #[must_use]
    pub fn in_world(mut self, assumptions: Assumptions) -> Self {
        self.assumptions = assumptions;
        self.project();
        self
    }

    /// Solders or cuts the wire between the probe's reset line and NRST.
    pub fn set_nrst_wired(&mut self, wired: bool) {
        self.bench.nrst_wired = wired;
    }

    /// What surrounds the chip.
    pub const fn bench(&self) -> &Bench {
        &self.bench
    }

    /// Sets the level of BOOT0, read at the next reset.
    pub fn set_boot0(&mut self, high: bool) {
        self.bench.boot0 = high;
    }

    /// Drives NRST; a falling edge resets, a rising edge boots.
    pub fn set_nrst(&mut self, low: bool) {
        let released = self.nrst_low && !low;
        self.nrst_low = low;
        if !self.bench.powered {
            return;
        }
        if low {
            self.nvm.interrupted = self.controller.operation_in_progress(self.now);
            self.controller = Controller::default();
            if !matches!(self.chip.runs, Execution::RssDa { .. }) || !self.rss_da_survives() {
                self.chip.runs = Execution::HeldInReset;
            }
        } else if released {
            self.come_out_of_reset(boot::Reset::System);
        }
    }

    /// Whether NRST is low.
    pub const fn in_reset(&self) -> bool {
        self.nrst_low
    }

    fn rss_da_survives(&self) -> bool {
        self.assumptions.leave_rss_da == provost_chip::assumptions::LeaveRssDa::Power
    }

    /// Lets virtual time pass.
    pub fn advance(&mut self, nanoseconds: Time) {
        self.now = self.now.saturating_add(nanoseconds);
        self.settle();
    }

    /// Carries out what has become due.
    pub(crate) fn settle(&mut self) {
        if self.controller.settle(&mut self.nvm, self.now) {
            self.life_changes += 1;
            self.project();
        }
        if self.chip.runs == Execution::Off || self.nrst_low || self.now < self.booted_at {
            return;
        }
        rom::debug_auth::serve(self);
    }

    /// A reset from inside: NRST without the pin.
    pub(crate) fn system_reset(&mut self) {
        self.nvm.interrupted = self.controller.operation_in_progress(self.now);
        self.come_out_of_reset(boot::Reset::System);
    }

    fn come_out_of_reset(&mut self, kind: boot::Reset) {
        // The ROM finds the request in the mailbox; a power-on has cleared it.
        let request = self.mailbox.host_word() == provost_chip::registers::dbgmcu::REQUEST_STDA;
        if product_state_code(&self.nvm.options) == REGRESSION {
            // Rule R-REGRESSION-RESUMES.
            rom::debug_auth::finish_regression(self.nvm_mut());
        }
        let leaves_rss_da = self.rss_da.is_none() || kind == boot::Reset::Power || !self.rss_da_survives();
        if leaves_rss_da {
            self.loaded = self.nvm.options.clone();
            self.sram.reset(&self.loaded);
        }
        self.project();
        boot::reset(&mut self.chip, &self.bench, kind, request, &self.assumptions);
        self.controller = Controller::after_reset(std::mem::take(&mut self.nvm.interrupted));
        self.core.reset(self.chip.state == ProductState::Open);
        self.booted_at = self.now + BOOT_TIME;
        self.rss_da = match self.chip.runs {
            Execution::RssDa { open } => Some(RssDa::enter(self, open)),
            _ => {
                if !request {
                    self.mailbox.idle();
                }
                None
            }
        };
    }

    /// Reads the model's view out of the memories.
    pub(crate) fn project(&mut self) {
        let options = &self.loaded;
        let optsr = options.get(reg::OPTSR_CUR);
        self.chip.state = ProductState::from_code(product_state_code(options)).unwrap_or(ProductState::Locked);
        self.chip.tz = trustzone(self.identity.part, options);
        self.chip.boot_ube = BootUbe::from_code((optsr >> 22) as u8).unwrap_or(BootUbe::OemIrot);
        self.chip.firmware = self.firmware();
        self.chip.da = self.da_record();
        // ST-iRoT's data counts as present when its two objects carry their own hash.
        let obk = self.nvm.obk();
        self.chip.st_irot_data =
            rom::rss::carries_its_hash(&obk[0x200..0x300]) && rom::rss::carries_its_hash(&obk[0x400..0x460]);
        let stored = &self.nvm.options;
        let (state, tz) = (product_state_code(stored), trustzone(self.identity.part, stored));
        self.chip.pending = model::Pending {
            state: ProductState::from_code(state).filter(|s| *s != self.chip.state),
            tz: Some(tz).filter(|t| *t != self.chip.tz),
            boot_ube: BootUbe::from_code((stored.get(reg::OPTSR_CUR) >> 22) as u8).filter(|u| *u != self.chip.boot_ube),
        };
    }

    fn firmware(&self) -> Firmware {
        let (register, alias) = match self.chip.tz {
            TrustZone::Enabled => (reg::SECBOOTR_CUR, memory::FLASH + memory::SECURE_ALIAS),
            TrustZone::Disabled => (reg::NSBOOTR_CUR, memory::FLASH),
        };
        let address = self.loaded.get(register) & !0xFF;
        let offset = address.wrapping_sub(alias);
        let boots = offset < self.identity.part.info().flash_size && self.nvm.flash_word(offset + 4) != u32::MAX;
        Firmware {
            boots,
            non_secure: boots && (self.behaviour.non_secure || self.chip.tz == TrustZone::Disabled),
            regresses: boots && self.behaviour.regresses,
        }
    }

    fn da_record(&self) -> Option<DaRecord> {
        if self.identity.part.info().da_store == DaStore::Otp {
            let [a, b, c, d, ..] = rom::debug_auth::otp_hash(self)?;
            let mask = model::authentication::PRODUCT_MASK;
            return Some(DaRecord { id: u32::from_le_bytes([a, b, c, d]), encrypted: false, mask });
        }
        let (payload, encrypted) = rom::rss::da_payload(self)?;
        let id = u32::from_le_bytes(payload.get(32..36)?.try_into().ok()?);
        let mask = u32::from_le_bytes(payload.get(64..68)?.try_into().ok()?);
        Some(DaRecord { id, encrypted, mask })
    }

    /// 32 bytes nobody can foresee from the wire, yet the same in every run: the virtual chip's random numbers.
    pub(crate) fn challenge(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            // SplitMix64 (public domain), seeded by the chip's unique id and the virtual time.
            self.entropy = self.entropy.wrapping_add(0x9E37_79B9_7F4A_7C15).rotate_left(1) ^ self.now;
            let mut z = self.entropy;
            z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(z ^ z >> 31).to_le_bytes());
        }
        bytes
    }

    pub(crate) const fn mailbox(&mut self) -> &mut Mailbox {
        &mut self.mailbox
    }

    /// The memory, for a change that must not be lost.
    pub(crate) const fn nvm_mut(&mut self) -> &mut Nvm {
        self.life_changes += 1;
        &mut self.nvm
    }

    pub(crate) const fn sram(&self) -> &Sram {
        &self.sram
    }

    pub(crate) const fn core(&mut self) -> &mut Core {
        &mut self.core
    }

    pub(crate) const fn rss_da(&mut self) -> &mut Option<RssDa> {
        &mut self.rss_da
    }

    /// The end of a granted session: the chip resets itself, whatever would keep a stale one.
    pub(crate) fn leave_rss_da(&mut self) {
        self.rss_da = None;
        self.chip.runs = Execution::HeldInReset;
        self.mailbox.idle();
        self.come_out_of_reset(boot::Reset::System);
    }

    /// Marks the session over: nothing more is authenticated in it.
    pub(crate) fn end_session(&mut self) {
        if let Execution::RssDa { open } = &mut self.chip.runs {
            *open = false;
        }
    }

    /// Whether the RSS still runs, before what boots has control.
    pub(crate) const fn booting(&self) -> bool {
        self.now < self.booted_at
    }
}

fn product_state_code(options: &OptionWords) -> u8 {
    (options.get(reg::OPTSR_CUR) >> 8) as u8
}

fn trustzone(part: PartId, options: &OptionWords) -> TrustZone {
    if !part.info().trustzone {
        return TrustZone::Disabled;
    }
    TrustZone::from_code((options.get(reg::OPTSR2_CUR) >> 24) as u8).unwrap_or(TrustZone::Disabled)
}
