//! The flash controller: keys, locks, option changes, erase and program, as register reads and writes.

use std::ops::Range;

use provost_chip::{
    assumptions::Assumptions,
    model::{Chip, access::Ap1},
    registers::flash as reg,
    states::TrustZone,
};

use super::{
    layout::{Layout, OptionRegister},
    nvm::{Nvm, OptionWords},
    option_change,
};

/// How long the operations take, in nanoseconds (DS14539 Tables 49-51; the option change is inferred).
mod time {
    pub(super) const PROGRAM: u64 = 32_000;
    pub(super) const ERASE_SECTOR: u64 = 2_000_000;
    pub(super) const OPTION_CHANGE: u64 = 5_000_000;
}

/// OPSR.CODE_OP of operations that a reset or a power cut can interrupt (SVD).
mod code_op {
    pub(super) const QUAD_WORD: u32 = 1;
    pub(super) const SECTOR_ERASE: u32 = 3;
    pub(super) const BANK_ERASE: u32 = 4;
    pub(super) const MASS_ERASE: u32 = 5;
    pub(super) const OPTION_CHANGE: u32 = 6;
}

const BUFFER_ERRORS: u32 = reg::SR_STRBERR | reg::SR_INCERR;
const CLEARABLE: u32 = BUFFER_ERRORS
    | reg::SR_EOP
    | reg::SR_WRPERR
    | reg::SR_PGSERR
    | reg::SR_OBKERR
    | reg::SR_OBKWERR
    | reg::SR_OPTCHANGEERR;
/// LATENCY, WRHIGHFREQ, PRFTEN and S_PRFTEN.
const ACR_BITS: u32 = 0x33F;
const ACR_RESET: u32 = 0x13;
const OBKCFGR_RESET: u32 = 0x01FF_0000;

/// A lock that opens with two keys in order; a wrong key closes it until the next reset (SVD).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Lock {
    #[default]
    Locked,
    FirstKeySeen,
    Open,
    LockedUntilReset,
}

impl Lock {
    fn key(&mut self, value: u32, keys: [u32; 2]) {
        *self = match (*self, value) {
            (Self::Locked, v) if v == keys[0] => Self::FirstKeySeen,
            (Self::FirstKeySeen, v) if v == keys[1] => Self::Open,
            _ => Self::LockedUntilReset,
        };
    }

    fn close(&mut self) {
        if *self == Self::Open {
            *self = Self::Locked;
        }
    }

    fn bit(self) -> u32 {
        u32::from(self != Self::Open)
    }
}

/// Which of the two register sets an access goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    NonSecure,
    Secure,
}

/// What the controller may see of the chip while it serves one access.
pub(crate) struct Context<'a> {
    pub(crate) nvm: &'a mut Nvm,
    pub(crate) loaded: &'a OptionWords,
    pub(crate) layout: &'a Layout,
    pub(crate) chip: &'a Chip,
    pub(crate) view: Ap1,
    pub(crate) assumptions: &'a Assumptions,
    pub(crate) now: u64,
}

/// An operation that is running; what it changes is done when it ends, so that a power cut leaves the old content.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Operation {
    QuadWord { offset: u32, bytes: [u8; 16] },
    Otp { index: usize, value: u16 },
    Erase { sectors: Range<u32>, code: u32 },
    OptionChange(Box<OptionWords>),
}

impl Operation {
    const fn code(&self) -> u32 {
        match self {
            Self::QuadWord { .. } | Self::Otp { .. } => code_op::QUAD_WORD,
            Self::Erase { code, .. } => *code,
            Self::OptionChange(_) => code_op::OPTION_CHANGE,
        }
    }
}

/// What an operation has changed when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// User flash.
    Flash,
    /// Option words or OTP.
    Life,
}

#[derive(Debug, Clone)]
struct Running {
    operation: Operation,
    set: usize,
    until: u64,
}

/// The write buffer of one quad-word.
#[derive(Debug, Clone, Default)]
struct Buffer {
    line: (u32, bool),
    bytes: [u8; 16],
    filled: u16,
}

/// Registers that a reset clears.
#[derive(Debug, Clone, Default)]
pub(crate) struct Controller {
    control: [u32; 2],
    control_lock: [Lock; 2],
    option_lock: Lock,
    obk_lock: [Lock; 2],
    obk_config: [u32; 2],
    status: [u32; 2],
    program: Option<Box<OptionWords>>,
    buffer: Buffer,
    running: Option<Running>,
    acr: u32,
    interrupted: u32,
}

impl Controller {
    /// The controller as it comes out of a reset. `interrupted` is what OPSR shows.
    pub(crate) fn after_reset(interrupted: u32) -> Self {
        Self { acr: ACR_RESET, obk_config: [OBKCFGR_RESET; 2], interrupted, ..Self::default() }
    }

    /// CODE_OP of what a reset or a power cut would interrupt now, 0 if nothing runs.
    pub(crate) fn operation_in_progress(&self) -> u32 {
        self.running.as_ref().map_or(0, |r| r.operation.code())
    }

    /// Whether nothing runs and nothing is selected that could.
    pub(crate) fn is_idle(&self) -> bool {
        const SELECTED: u32 = reg::CR_PG | reg::CR_SER | reg::CR_BER | reg::CR_MER;
        self.running.is_none() && self.control.iter().all(|control| control & SELECTED == 0)
    }

    /// When the running operation ends, if one runs.
    pub(crate) fn busy_until(&self) -> Option<u64> {
        self.running.as_ref().map(|r| r.until)
    }

    /// Finishes what has had its time.
    pub(crate) fn settle(&mut self, nvm: &mut Nvm, now: u64) -> Option<Changed> {
        let running = self.running.take_if(|r| r.until <= now)?;
        self.status[running.set] |= reg::SR_EOP;
        match running.operation {
            Operation::QuadWord { offset, bytes } => nvm.program_quad_word(offset, bytes),
            Operation::Erase { sectors, .. } => nvm.flash.retain(|number, _| !sectors.contains(number)),
            Operation::Otp { index, value } => {
                nvm.program_otp(index, value);
                return Some(Changed::Life);
            }
            Operation::OptionChange(options) => {
                nvm.options = *options;
                return Some(Changed::Life);
            }
        }
        Some(Changed::Flash)
    }

    pub(crate) fn read(&self, side: Side, offset: u16, context: &Context<'_>) -> u32 {
        let busy = if self.running.is_some() { reg::SR_BSY } else { 0 };
        match offset {
            reg::ACR => self.acr,
            reg::OPSR => self.interrupted << 29,
            reg::OPTCR => self.read_option_control(context),
            reg::NSSR => self.status[0] | busy,
            reg::SECSR if side == Side::Secure => self.status[1] | busy,
            reg::NSCR => self.control[0] | self.control_lock[0].bit(),
            reg::SECCR if side == Side::Secure => self.control[1] | self.control_lock[1].bit(),
            reg::NSOBKCFGR => self.obk_config[0] | self.obk_lock[0].bit(),
            reg::SECOBKCFGR if side == Side::Secure => self.obk_config[1] | self.obk_lock[1].bit(),
            reg::SECEPOCHR_CUR if side == Side::NonSecure && context.chip.tz == TrustZone::Enabled => 0,
            _ => match context.layout.register(offset) {
                Some(OptionRegister::Current) => context.loaded.get(offset),
                Some(OptionRegister::Program(cur)) => self.program.as_deref().unwrap_or(&context.nvm.options).get(cur),
                None => 0,
            },
        }
    }

    fn read_option_control(&self, context: &Context<'_>) -> u32 {
        let changing = self.operation_in_progress() == code_op::OPTION_CHANGE;
        let start = if changing { reg::OPTCR_OPTSTRT } else { 0 };
        self.option_lock.bit() | start | context.loaded.get(reg::OPTSR_CUR) & 1 << 31
    }

    pub(crate) fn write(&mut self, side: Side, offset: u16, value: u32, context: &mut Context<'_>) {
        match offset {
            reg::NSKEYR => self.control_lock[0].key(value, reg::KEYS),
            reg::SECKEYR if side == Side::Secure => self.control_lock[1].key(value, reg::KEYS),
            reg::OPTKEYR => self.option_lock.key(value, reg::OPT_KEYS),
            reg::NSOBKKEYR => self.obk_lock[0].key(value, reg::OBK_KEYS),
            reg::SECOBKKEYR if side == Side::Secure => self.obk_lock[1].key(value, reg::OBK_KEYS),
            reg::ACR => self.acr = value & ACR_BITS,
            reg::NSCCR => self.status[0] &= !(value & CLEARABLE),
            reg::SECCCR if side == Side::Secure => self.status[1] &= !(value & CLEARABLE),
            reg::NSCR => self.write_control(0, value, context),
            reg::SECCR if side == Side::Secure => self.write_control(1, value, context),
            reg::OPTCR => self.write_option_control(value, context),
            reg::NSOBKCFGR => self.write_obk_config(0, value),
            reg::SECOBKCFGR if side == Side::Secure => self.write_obk_config(1, value),
            _ => self.write_option(side, offset, value, context),
        }
    }

    fn write_obk_config(&mut self, s: usize, value: u32) {
        if self.obk_lock[s] != Lock::Open {
            return;
        }
        if value & reg::OBKCFGR_LOCK != 0 {
            self.obk_lock[s].close();
        }
        self.obk_config[s] = value & !reg::OBKCFGR_LOCK;
        if value & (reg::OBKCFGR_ALT_SECT_ERASE | reg::OBKCFGR_SWAP_SECT_REQ) != 0 {
            // A debugger reaches the key sectors in no state that matters here (ST community td-p/862406): HDPL mismatch.
            self.status[s] |= reg::SR_OBKERR;
            self.obk_config[s] &= !(reg::OBKCFGR_ALT_SECT_ERASE | reg::OBKCFGR_SWAP_SECT_REQ);
        }
    }

    fn write_option(&mut self, side: Side, offset: u16, value: u32, context: &Context<'_>) {
        let Some(OptionRegister::Program(cur)) = context.layout.register(offset) else { return };
        // Rule R-SECURE-OPTIONS-NEED-SECURE-ACCESS.
        let secure_only = matches!(cur, reg::SECEPOCHR_CUR | reg::SECBOOTR_CUR | reg::SECWM1R_CUR | reg::SECWM2R_CUR)
            && context.chip.tz == TrustZone::Enabled;
        if self.option_lock != Lock::Open || self.running.is_some() || (secure_only && side == Side::NonSecure) {
            return;
        }
        self.program.get_or_insert_with(|| Box::new(context.nvm.options.clone())).set(cur, value);
    }

    fn write_option_control(&mut self, value: u32, context: &Context<'_>) {
        if self.option_lock == Lock::Open && value & reg::OPTCR_OPTSTRT != 0 {
            // OPTSTRT cannot be set while OPTCHANGEERR stands (SVD).
            if self.status[0] & reg::SR_OPTCHANGEERR == 0 && self.running.is_none() {
                self.change_options(context);
            }
        }
        if value & reg::OPTCR_OPTLOCK != 0 {
            self.option_lock.close();
        }
    }

    fn change_options(&mut self, context: &Context<'_>) {
        let wanted = self.program.take().unwrap_or_else(|| Box::new(context.nvm.options.clone()));
        match option_change::merge(&wanted, context) {
            Some(options) => {
                self.start(0, Operation::OptionChange(Box::new(options)), context.now + time::OPTION_CHANGE);
            }
            None => self.status[0] |= reg::SR_OPTCHANGEERR,
        }
    }

    fn start(&mut self, set: usize, operation: Operation, until: u64) {
        self.running = Some(Running { operation, set, until });
    }

    fn write_control(&mut self, s: usize, value: u32, context: &Context<'_>) {
        if self.control_lock[s] != Lock::Open || self.running.is_some() {
            return;
        }
        if value & reg::CR_LOCK != 0 {
            self.control_lock[s].close();
        }
        self.control[s] = value & !(reg::CR_LOCK | reg::CR_STRT | reg::CR_FW);
        if value & reg::CR_STRT != 0 {
            self.erase(s, value, context);
        } else if value & reg::CR_FW != 0 && self.buffer.filled != 0 {
            self.program_buffer(s, context);
        }
    }

    fn erase(&mut self, s: usize, control: u32, context: &Context<'_>) {
        let per_bank = context.layout.sectors_per_bank();
        // BKSEL names the physical bank, whatever SWAP_BANK says (SVD).
        let bank = u32::from(control & reg::CR_BKSEL != 0) * per_bank;
        let (sectors, code) = match control & (reg::CR_SER | reg::CR_BER | reg::CR_MER) {
            reg::CR_SER if control >> reg::CR_SNB_SHIFT & 0xFF < per_bank => {
                let number = bank + (control >> reg::CR_SNB_SHIFT & 0xFF);
                (number..number + 1, code_op::SECTOR_ERASE)
            }
            reg::CR_BER => (bank..bank + per_bank, code_op::BANK_ERASE),
            reg::CR_MER => (0..2 * per_bank, code_op::MASS_ERASE),
            _ => {
                self.status[s] |= reg::SR_PGSERR;
                return;
            }
        };
        if sectors.clone().any(|n| is_protected(n, s == 1, context)) {
            self.status[s] |= reg::SR_WRPERR;
            return;
        }
        let duration = time::ERASE_SECTOR * u64::from(sectors.end - sectors.start).min(64);
        self.start(s, Operation::Erase { sectors, code }, context.now + duration);
    }

    /// Bytes written into user flash: sixteen of them in one line make a quad-word. No operation runs: the bus has waited.
    pub(crate) fn write_flash(&mut self, secure: bool, offset: u32, bytes: &[u8], context: &Context<'_>) {
        let s = usize::from(secure);
        if !self.may_program(s) || self.status[s] & BUFFER_ERRORS != 0 {
            return;
        }
        if is_protected(offset / provost_chip::parts::SECTOR_SIZE, secure, context) {
            self.status[s] |= reg::SR_WRPERR;
            return;
        }
        let line = (offset & !15, secure);
        if self.buffer.filled == 0 {
            self.buffer.line = line;
        } else if self.buffer.line != line {
            return self.spoil_buffer(s, reg::SR_INCERR);
        }
        for (at, byte) in ((offset & 15) as usize..16).zip(bytes) {
            if self.buffer.filled >> at & 1 == 1 {
                return self.spoil_buffer(s, reg::SR_STRBERR);
            }
            self.buffer.bytes[at] = *byte;
            self.buffer.filled |= 1 << at;
        }
        self.status[s] |= reg::SR_WBNE;
        if self.buffer.filled == u16::MAX {
            self.program_buffer(s, context);
        }
    }

    /// Nothing of a spoilt quad-word is programmed, and what follows is dropped until the flag is cleared (labwired, H563).
    fn spoil_buffer(&mut self, s: usize, error: u32) {
        self.buffer.filled = 0;
        self.status[s] = self.status[s] & !reg::SR_WBNE | error;
    }

    fn program_buffer(&mut self, s: usize, context: &Context<'_>) {
        let Buffer { line: (offset, _), mut bytes, filled } = std::mem::take(&mut self.buffer);
        for (at, byte) in bytes.iter_mut().enumerate() {
            // What FW forces out unfinished is filled up with ones (SVD).
            if filled >> at & 1 == 0 {
                *byte = 0xFF;
            }
        }
        self.status[s] &= !reg::SR_WBNE;
        self.start(s, Operation::QuadWord { offset, bytes }, context.now + time::PROGRAM);
    }

    /// A half-word written into OTP, 32 of them to a block with its own lock bit.
    pub(crate) fn write_otp(&mut self, secure: bool, index: usize, half: Option<u16>, context: &Context<'_>) {
        let s = usize::from(secure);
        let Some(value) = half else {
            // OTP is programmed by 16 bits and nothing else (CMSIS).
            self.status[s] |= reg::SR_PGSERR;
            return;
        };
        if !self.may_program(s) {
            return;
        }
        if context.loaded.get(reg::OTPBLR_CUR) >> (index / 32) & 1 == 1 {
            self.status[s] |= reg::SR_WRPERR;
            return;
        }
        self.start(s, Operation::Otp { index, value }, context.now + time::PROGRAM);
    }

    fn may_program(&mut self, s: usize) -> bool {
        let ready = self.control_lock[s] == Lock::Open && self.control[s] & reg::CR_PG != 0;
        if !ready {
            self.status[s] |= reg::SR_PGSERR;
        }
        ready
    }
}

/// Whether a sector refuses erase and program through this register set: write protection, or the other world's sector.
fn is_protected(sector: u32, secure_set: bool, context: &Context<'_>) -> bool {
    context.layout.is_write_protected(sector, context.loaded)
        || (context.chip.tz == TrustZone::Enabled
            && context.layout.is_secure(sector, context.chip.tz, context.loaded) != secure_set)
}
