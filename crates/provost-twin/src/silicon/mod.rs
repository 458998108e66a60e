//! The chip behind the debug port: memories, registers, resets and virtual time.
//!
//! Every life-cycle decision (who may access what, what boots, what a write does) is asked of [`provost_chip::model`];
//! this module only carries it out at register level.

mod bus;
mod core;
mod coresight;
mod dbgmcu;
mod flash;
mod layout;
pub mod nvm;
mod option_change;
mod projection;
mod rom_view;
mod sbs;
mod sram;

use provost_adac::target::RefusalReason;
use provost_chip::{
    assumptions::{Assumptions, DebugGrant},
    model::{
        Bench, Chip, Execution, boot,
        debug::{self, DebugAccess, Hdpl, Opening},
    },
    parts::{FlashSize, PartId},
    registers::memory,
    side::Side,
    states::{NS_REGRESSION, ProductState, REGRESSION},
};

use self::{
    core::{Core, run::Run},
    dbgmcu::{DebugConfig, Mailbox},
    flash::{Changed, Controller},
    layout::Layout,
    nvm::{Nvm, OptionWords},
    projection::product_state_code,
    sram::Sram,
};
use crate::{
    rom::{self, debug_auth::RssDa},
    wire::dap::Access,
};

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
    /// How large its flash is.
    pub flash: FlashSize,
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
    /// The isolation level that it climbs to, as soon as it runs.
    pub hdpl: Hdpl,
}

/// One virtual chip, with its memories and what its core is doing.
#[derive(Debug)]
pub struct Silicon {
    identity: Identity,
    assumptions: Assumptions,
    behaviour: FirmwareBehaviour,
    nvm: Nvm,
    loaded: OptionWords,
    layout: Layout,
    chip: Chip,
    bench: Bench,
    nrst_low: bool,
    booted_at: Time,
    now: Time,
    sram: Sram,
    controller: Controller,
    core: Core,
    mailbox: Mailbox,
    debug_config: DebugConfig,
    rss_da: Option<Box<RssDa>>,
    /// Where the vector table of the image stands that ST-iRoT has started, from the beginning of the flash.
    st_irot: Option<u32>,
    last_refusal: Option<RefusalReason>,
    entropy: u64,
    life_changes: u64,
    unkept_flash: bool,
    swclk_khz: Option<u32>,
    /// A debugger's write that waits for the flash controller.
    held: Option<(Access, u32)>,
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
            layout: Layout::new(identity.part, identity.flash),
            chip,
            bench: Bench { powered: false, ..Bench::default() },
            nrst_low: false,
            booted_at: 0,
            now: 0,
            sram: Sram::new(identity.part),
            controller: Controller::default(),
            core: Core::default(),
            mailbox: Mailbox::default(),
            debug_config: DebugConfig::default(),
            rss_da: None,
            st_irot: None,
            last_refusal: None,
            entropy: u64::from(identity.uid[0]) << 32 | u64::from(identity.uid[1]),
            life_changes: 0,
            unkept_flash: false,
            swclk_khz: None,
            held: None,
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

    /// Why an authentication was refused last: the host is told FAILURE and no more.
    pub const fn last_refusal(&self) -> Option<RefusalReason> {
        self.last_refusal
    }

    /// How often something has changed since it was made that must not be lost when a program dies: option words, keys, OTP at once;
    /// flash as soon as anything builds on it (it is read, the controller goes idle, a reset, a power cut).
    pub const fn life_changes(&self) -> u64 {
        self.life_changes
    }

    /// Whether flash was programmed or erased and nothing has built on it yet.
    pub const fn has_unkept_flash(&self) -> bool {
        self.unkept_flash
    }

    /// Something builds on what is in flash now.
    pub(crate) fn keep_flash(&mut self) {
        if std::mem::take(&mut self.unkept_flash) {
            self.life_changes += 1;
        }
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
        if !on {
            self.interrupt();
            self.sram.lose();
            self.rss_da = None;
            self.chip.runs = Execution::Off;
            self.chip.debug = DebugAccess::Closed;
            return;
        }
        self.mailbox = Mailbox::default();
        self.debug_config = DebugConfig::default();
        self.core = Core::default();
        if self.nrst_low {
            self.chip.runs = Execution::HeldInReset;
        } else {
            self.come_out_of_reset(boot::Reset::Power);
        }
    }

    /// The clock of the probe on its wire. With one that was chosen, a debugger that writes to busy flash is answered WAIT, as often as its
    /// clock has it; otherwise the clock is 4 MHz, and such a write takes its time at once.
    pub fn set_swclk(&mut self, khz: u32) {
        self.swclk_khz = Some(khz);
    }

    /// A reset or a power cut stops the flash controller; OPSR will tell what it was doing.
    fn interrupt(&mut self) {
        self.held = None;
        self.keep_flash();
        let operation = self.controller.operation_in_progress();
        if operation != 0 {
            self.nvm_mut().interrupted = operation;
        }
        self.controller = Controller::default();
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
        let (falling, rising) = (low && !self.nrst_low, !low && self.nrst_low);
        self.nrst_low = low;
        if !self.bench.powered {
            return;
        }
        if falling {
            self.enter_reset();
            if !self.rss_da_survives() {
                self.chip.runs = Execution::HeldInReset;
            }
        } else if rising {
            self.come_out_of_reset(boot::Reset::System);
        }
    }

    /// Whether NRST is low.
    pub const fn in_reset(&self) -> bool {
        self.nrst_low
    }

    /// Asks the owner's firmware for a regression: at HDPL1 it writes PRODUCT_STATE = 0x9A and resets
    /// (rule R-FIRMWARE-REGRESSION). `false` if no such firmware runs.
    pub fn ask_firmware_to_regress(&mut self) -> bool {
        let running = self.chip.runs == Execution::User && !self.nrst_low && !self.booting() && !self.core.is_halted();
        // Rule R-LOCKED-IS-FINAL holds for the chip's own code too.
        if !running || !self.chip.firmware.regresses || self.chip.state == ProductState::Locked {
            return false;
        }
        rom::debug_auth::begin_regression(self.nvm_mut());
        self.system_reset();
        true
    }

    /// What every system reset does first: the mailbox forgets, so that only a request written while NRST is low is found
    /// after it (rule R-DA-NEEDS-NRST).
    fn enter_reset(&mut self) {
        self.interrupt();
        self.mailbox.idle();
        if !self.debug_config.outlives_system_reset() {
            // Rule R-OPENED-DEBUG-ENDS.
            self.chip.debug = DebugAccess::Closed;
        }
    }

    /// Whether a session outlives a system reset (rule R-RSS-DA-STAYS). A regression that has begun ends it in any world.
    fn rss_da_survives(&self) -> bool {
        let regressing = matches!(product_state_code(&self.nvm.options), REGRESSION | NS_REGRESSION);
        !boot::nrst_leaves_rss_da(self.chip.state, &self.assumptions).outcome && self.rss_da.is_some() && !regressing
    }

    /// Lets virtual time pass; what becomes due within it happens when it is due.
    pub fn advance(&mut self, nanoseconds: Time) {
        let end = self.now.saturating_add(nanoseconds);
        let mut run = Run::new();
        loop {
            let due = self.next_event().unwrap_or(end).min(end);
            let due = self.slice(due, &run);
            let elapsed = due.saturating_sub(self.now);
            self.now = self.now.max(due);
            self.settle();
            self.execute(elapsed, &mut run);
            if self.now >= end {
                return;
            }
        }
    }

    /// The next moment at which something happens by itself.
    fn next_event(&self) -> Option<Time> {
        let session = self.rss_da.as_ref().and_then(|session| session.due());
        let events = [self.controller.busy_until(), Some(self.booted_at), session];
        events.into_iter().flatten().filter(|due| *due > self.now).min()
    }

    /// Carries out what has become due.
    pub(crate) fn settle(&mut self) {
        match self.controller.settle(&mut self.nvm, self.now) {
            None => {}
            Some(Changed::Life) => {
                self.life_changes += 1;
                self.project();
            }
            Some(Changed::Flash) => {
                self.unkept_flash = true;
                self.chip.firmware = self.firmware();
            }
        }
        if self.controller.busy_until().is_none()
            && let Some((access, value)) = self.held.take()
        {
            // Only what the controller takes was held.
            let _ = self.write_ap1(access, value);
        }
        if self.rss_da.is_some() && !self.nrst_low && !self.booting() {
            rom::debug_auth::serve(self);
        }
    }

    /// A bus access waits until the flash controller has finished.
    pub(crate) fn wait_for_flash(&mut self) {
        if let Some(until) = self.controller.busy_until() {
            self.advance(until.saturating_sub(self.now));
        }
    }

    /// A reset from inside: NRST without the pin.
    pub(crate) fn system_reset(&mut self) {
        if !self.nrst_low {
            self.enter_reset();
            self.come_out_of_reset(boot::Reset::System);
        }
    }

    fn come_out_of_reset(&mut self, kind: boot::Reset) {
        let request = self.mailbox.host_word() == provost_chip::registers::dbgmcu::REQUEST_STDA;
        self.mailbox.idle();
        if !self.rss_da_survives() {
            self.rss_da = None;
            self.chip.runs = Execution::HeldInReset;
            // Rule R-REGRESSION-RESUMES.
            match product_state_code(&self.nvm.options) {
                REGRESSION => rom::debug_auth::finish_regression(self),
                NS_REGRESSION => rom::debug_auth::finish_tz_regression(self),
                _ => {}
            }
            self.loaded = self.nvm.options.clone();
            self.sram.reset(&self.loaded, &self.layout);
        }
        self.project();
        self.ask_st_irot();
        boot::reset(&mut self.chip, &self.bench, kind, request, &self.assumptions);
        self.controller = Controller::after_reset(self.take_interrupted());
        let vtor = self.vector_table();
        let open = self.chip.state == ProductState::Open;
        self.core.reset(vtor, self.vectors(vtor), open, open || self.is_watched());
        self.booted_at = self.now + BOOT_TIME;
        self.rss_da = match self.chip.runs {
            Execution::RssDa { open } => Some(Box::new(RssDa::enter(self, open))),
            _ => None,
        };
    }

    /// What OPSR shows, once.
    fn take_interrupted(&mut self) -> u32 {
        match self.nvm.interrupted {
            0 => 0,
            code => {
                self.nvm_mut().interrupted = 0;
                code
            }
        }
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

    /// The ROM erases the SRAM.
    pub(crate) fn erase_sram(&mut self) {
        self.sram.lose();
    }

    pub(crate) const fn rss_da(&mut self) -> &mut Option<Box<RssDa>> {
        &mut self.rss_da
    }

    /// The end of a granted session: the chip resets itself, whatever would keep a stale one.
    pub(crate) fn leave_rss_da(&mut self) {
        self.rss_da = None;
        self.system_reset();
    }

    /// Opens debug as it was granted, and goes where the ROM goes then.
    pub(crate) fn open_debug(&mut self, opening: Opening) {
        self.rss_da = None;
        debug::open(&mut self.chip, opening, &self.assumptions);
        match self.assumptions.debug_grant {
            // No reset in between: the ROM hands over as after any boot.
            DebugGrant::Boots => {
                self.chip.runs = Execution::HeldInReset;
                self.come_out_of_reset(boot::Reset::System);
            }
            DebugGrant::Waits => self.chip.runs = Execution::Nowhere,
        }
    }

    /// What was opened for debug ends with a regression.
    pub(crate) const fn revoke_debug(&mut self) {
        self.chip.debug = DebugAccess::Closed;
    }

    /// Whether a debugger may watch both sides of the owner's code outside Open: then it is executed, and not only modelled.
    fn is_watched(&self) -> bool {
        matches!(self.chip.debug, DebugAccess::Opens(opening) if opening.side == Side::Secure)
            && self.chip.runs == Execution::User
    }

    /// Marks the session over: nothing more is authenticated in it.
    pub(crate) fn end_session(&mut self) {
        if let Execution::RssDa { open } = &mut self.chip.runs {
            *open = false;
        }
    }

    /// An authentication was refused.
    pub(crate) const fn refused(&mut self, reason: RefusalReason) {
        self.last_refusal = Some(reason);
    }

    /// Whether the session still takes an authentication.
    pub(crate) const fn session_is_open(&self) -> bool {
        matches!(self.chip.runs, Execution::RssDa { open: true })
    }

    /// Whether the RSS still runs, before what boots has control.
    pub(crate) const fn booting(&self) -> bool {
        self.now < self.booted_at
    }
}
