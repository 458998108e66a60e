//! The flash controller: keys, locks, option changes, erase and program, as register reads and writes.

use std::ops::Range;

use provost_chip::{
    assumptions::Assumptions,
    model::{Chip, access::Ap1, options},
    option_bytes::OptionField,
    parts::SECTOR_SIZE,
    registers::flash as reg,
    states::{BootUbe, NS_REGRESSION, ProductState, REGRESSION, TrustZone},
    transitions::Writer,
};

use super::nvm::{Nvm, OptionWords};

/// How long the operations take, in nanoseconds (DS14539 Tables 49-51; the option change is inferred).
mod time {
    pub(super) const PROGRAM: u64 = 32_000;
    pub(super) const ERASE_SECTOR: u64 = 2_000_000;
    pub(super) const OPTION_CHANGE: u64 = 5_000_000;
}

/// OPSR.CODE_OP of an option change that lost power.
pub(crate) const CODE_OP_OPTION_CHANGE: u32 = 6;

const ERROR_FLAGS: u32 = reg::SR_WRPERR
    | reg::SR_PGSERR
    | reg::SR_STRBERR
    | reg::SR_INCERR
    | reg::SR_OBKERR
    | reg::SR_OBKWERR
    | reg::SR_OPTCHANGEERR;

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
    pub(crate) chip: &'a Chip,
    pub(crate) view: Ap1,
    pub(crate) assumptions: &'a Assumptions,
    pub(crate) now: u64,
}

/// An operation that is running; what it changes is done when it ends, so that a power cut leaves the old content.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Operation {
    /// Erases these sectors.
    Erase(Range<u32>),
    /// Programs these option words.
    OptionChange(Box<OptionWords>),
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
    program: Option<OptionWords>,
    quad_word: [u32; 4],
    quad_address: u32,
    quad_filled: u32,
    busy_until: u64,
    running: Option<Operation>,
    acr: u32,
    interrupted: u32,
}

impl Controller {
    /// The controller as it comes out of a reset. `interrupted` is what OPSR shows.
    pub(crate) fn after_reset(interrupted: u32) -> Self {
        Self { acr: 0x13, interrupted, ..Self::default() }
    }

    /// CODE_OP of what a power cut would interrupt now.
    pub(crate) fn operation_in_progress(&self, now: u64) -> u32 {
        match &self.running {
            Some(Operation::OptionChange(_)) if now < self.busy_until => CODE_OP_OPTION_CHANGE,
            _ => 0,
        }
    }

    /// Finishes what has had its time; `true` if the option words have changed.
    pub(crate) fn settle(&mut self, nvm: &mut Nvm, now: u64) -> bool {
        if now < self.busy_until {
            return false;
        }
        match self.running.take() {
            Some(Operation::OptionChange(options)) => {
                nvm.options = *options;
                true
            }
            Some(Operation::Erase(sectors)) => {
                nvm.flash.retain(|number, _| !sectors.contains(number));
                false
            }
            None => false,
        }
    }

    pub(crate) fn read(&mut self, side: Side, offset: u16, context: &Context<'_>) -> u32 {
        let busy = if context.now < self.busy_until { reg::SR_BSY } else { 0 };
        let s = side as usize;
        match offset {
            reg::ACR => self.acr,
            reg::OPSR => self.interrupted << 29,
            reg::OPTCR => self.option_lock.bit() | context.loaded.get(reg::OPTSR_CUR) & 1 << 31,
            reg::NSSR => self.status[0] | busy,
            reg::SECSR if side == Side::Secure => self.status[1] | busy,
            reg::NSCR => self.control[0] | self.control_lock[0].bit(),
            reg::SECCR if side == Side::Secure => self.control[1] | self.control_lock[1].bit(),
            reg::NSOBKCFGR => self.obk_config[0] & !1 | self.obk_lock[0].bit() | 0x01FF_0000,
            reg::SECOBKCFGR if side == Side::Secure => self.obk_config[1] & !1 | self.obk_lock[1].bit() | 0x01FF_0000,
            _ if is_secure_only(offset) && s == 0 && context.chip.tz == TrustZone::Enabled => 0,
            _ => self.read_option(offset, context),
        }
    }

    fn read_option(&self, offset: u16, context: &Context<'_>) -> u32 {
        match OptionField::of(context.chip.part).find(|f| f.offset_cur == offset || f.offset_prg == offset) {
            Some(field) if field.offset_cur == offset => context.loaded.get(offset),
            Some(field) => match &self.program {
                Some(program) => program.get(field.offset_cur),
                None => context.nvm.options.get(field.offset_cur),
            },
            None => 0,
        }
    }

    pub(crate) fn write(&mut self, side: Side, offset: u16, value: u32, context: &mut Context<'_>) {
        match offset {
            reg::NSKEYR => self.control_lock[0].key(value, reg::KEYS),
            reg::SECKEYR if side == Side::Secure => self.control_lock[1].key(value, reg::KEYS),
            reg::OPTKEYR => self.option_lock.key(value, reg::OPT_KEYS),
            reg::NSOBKKEYR => self.obk_lock[0].key(value, reg::OBK_KEYS),
            reg::SECOBKKEYR if side == Side::Secure => self.obk_lock[1].key(value, reg::OBK_KEYS),
            reg::ACR => self.acr = value,
            reg::NSCCR => self.status[0] &= !(value & (ERROR_FLAGS | reg::SR_EOP)),
            reg::SECCCR if side == Side::Secure => self.status[1] &= !(value & (ERROR_FLAGS | reg::SR_EOP)),
            reg::NSCR => self.write_control(0, value, context),
            reg::SECCR if side == Side::Secure => self.write_control(1, value, context),
            reg::OPTCR => self.write_option_control(value, context),
            reg::NSOBKCFGR | reg::SECOBKCFGR => {
                let s = usize::from(offset == reg::SECOBKCFGR);
                if s == 0 || side == Side::Secure {
                    self.write_obk_config(s, value);
                }
            }
            _ if is_secure_only(offset) && side == Side::NonSecure && context.chip.tz == TrustZone::Enabled => {}
            _ => self.write_option(offset, value, context),
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

    fn write_option(&mut self, offset: u16, value: u32, context: &Context<'_>) {
        let busy = context.now < self.busy_until;
        let field = OptionField::of(context.chip.part).find(|f| f.offset_prg == offset);
        if let (Some(field), Lock::Open, false) = (field, self.option_lock, busy) {
            let program = self.program.get_or_insert_with(|| context.nvm.options.clone());
            program.set(field.offset_cur, value);
        }
    }

    fn write_option_control(&mut self, value: u32, context: &mut Context<'_>) {
        if self.option_lock == Lock::Open && value & reg::OPTCR_OPTSTRT != 0 {
            // OPTSTRT cannot be set while OPTCHANGEERR stands (SVD).
            if self.status[0] & reg::SR_OPTCHANGEERR == 0 && context.now >= self.busy_until {
                self.change_options(context);
            }
        }
        if value & reg::OPTCR_OPTLOCK != 0 {
            self.option_lock.close();
        }
    }

    fn change_options(&mut self, context: &mut Context<'_>) {
        let wanted = self.program.take().unwrap_or_else(|| context.nvm.options.clone());
        match merge_options(&wanted, context) {
            Some(options) => {
                self.start(Operation::OptionChange(Box::new(options)), context.now + time::OPTION_CHANGE);
                self.status[0] |= reg::SR_EOP;
            }
            None => self.status[0] |= reg::SR_OPTCHANGEERR,
        }
    }

    fn start(&mut self, operation: Operation, until: u64) {
        self.running = Some(operation);
        self.busy_until = until;
    }

    fn write_control(&mut self, s: usize, value: u32, context: &mut Context<'_>) {
        if self.control_lock[s] != Lock::Open || context.now < self.busy_until {
            return;
        }
        if value & reg::CR_LOCK != 0 {
            self.control_lock[s].close();
        }
        self.control[s] = value & !(reg::CR_LOCK | reg::CR_STRT | reg::CR_FW);
        if value & reg::CR_STRT != 0 {
            self.erase(s, value, context);
        }
    }

    fn erase(&mut self, s: usize, control: u32, context: &mut Context<'_>) {
        let per_bank = context.chip.part.info().flash_size / 2 / SECTOR_SIZE;
        let bank = u32::from(control & reg::CR_BKSEL != 0) * per_bank;
        let sectors = match control & (reg::CR_SER | reg::CR_BER | reg::CR_MER) {
            reg::CR_SER => {
                let number = control >> reg::CR_SNB_SHIFT & (per_bank - 1);
                bank + number..bank + number + 1
            }
            reg::CR_BER => bank..bank + per_bank,
            reg::CR_MER => 0..2 * per_bank,
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
        self.start(Operation::Erase(sectors), context.now + duration);
        self.status[s] |= reg::SR_EOP;
    }

    /// A word written into user flash: four of them in one 16-byte line make a quad-word.
    pub(crate) fn write_flash(&mut self, secure: bool, offset: u32, value: u32, context: &mut Context<'_>) {
        let s = usize::from(secure);
        if self.control_lock[s] != Lock::Open || self.control[s] & reg::CR_PG == 0 {
            self.status[s] |= reg::SR_PGSERR;
            return;
        }
        if is_protected(offset / SECTOR_SIZE, secure, context) {
            self.status[s] |= reg::SR_WRPERR;
            return;
        }
        let (line, word) = (offset & !15, (offset >> 2 & 3) as usize);
        if self.quad_filled != 0 && line != self.quad_address {
            self.quad_filled = 0;
            self.status[s] = self.status[s] & !reg::SR_WBNE | reg::SR_INCERR;
            return;
        }
        if self.quad_filled & 1 << word != 0 {
            self.status[s] |= reg::SR_STRBERR;
            return;
        }
        self.quad_address = line;
        self.quad_word[word] = value;
        self.quad_filled |= 1 << word;
        self.status[s] |= reg::SR_WBNE;
        if self.quad_filled == 0b1111 {
            context.nvm.program_quad_word(line, self.quad_word);
            self.quad_filled = 0;
            self.busy_until = context.now + time::PROGRAM;
            self.status[s] = self.status[s] & !reg::SR_WBNE | reg::SR_EOP;
        }
    }

    /// Takes a secure flash fault: a non-secure write to a secure sector.
    pub(crate) fn write_refused(&mut self, secure: bool) {
        self.status[usize::from(secure)] |= reg::SR_WRPERR;
    }
}

const fn is_secure_only(offset: u16) -> bool {
    let cur = offset & !4;
    matches!(offset, reg::SECSR | reg::SECCR | reg::SECCCR | reg::SECKEYR | reg::SECOBKKEYR | reg::SECOBKCFGR)
        || cur == reg::SECEPOCHR_CUR
}

/// Whether a sector refuses erase and program through this register set: write protection, or the other world's sector.
fn is_protected(sector: u32, secure_set: bool, context: &Context<'_>) -> bool {
    let per_bank = context.chip.part.info().flash_size / 2 / SECTOR_SIZE;
    let (bank, number) = (sector / per_bank, sector % per_bank);
    let register = if bank == 0 { reg::WRP1R_CUR } else { reg::WRP2R_CUR };
    let name = if bank == 0 { ["WRPSGn1", "WRPSG11"] } else { ["WRPSGn2", "WRPSG21"] };
    let Some(field) = name.iter().find_map(|n| OptionField::find(context.chip.part, n)) else { return true };
    let bits = u32::from(field.high - field.low) + 1;
    let group = number / (per_bank / bits).max(1);
    let write_protected = group < 32 && context.loaded.get(register) >> group & 1 == 0;
    let secure_sector = sector_is_secure(sector, context.chip, context.loaded);
    write_protected || (context.chip.tz == TrustZone::Enabled && secure_sector != secure_set)
}

/// Whether a sector lies in a secure watermark (with TrustZone on).
pub(crate) fn sector_is_secure(sector: u32, chip: &Chip, loaded: &OptionWords) -> bool {
    if chip.tz == TrustZone::Disabled {
        return false;
    }
    let per_bank = chip.part.info().flash_size / 2 / SECTOR_SIZE;
    let watermark = loaded.get(if sector < per_bank { reg::SECWM1R_CUR } else { reg::SECWM2R_CUR });
    let (first, last) = (watermark & 0xFFFF, watermark >> 16);
    (first..=last).contains(&(sector % per_bank))
}

/// The option words that a change leads to, or `None` if the chip refuses it.
fn merge_options(wanted: &OptionWords, context: &Context<'_>) -> Option<OptionWords> {
    let old = &context.nvm.options;
    let mut new = old.clone();
    for field in OptionField::of(context.chip.part) {
        let (before, after) = (field.get(old.get(field.offset_cur)), field.get(wanted.get(field.offset_cur)));
        if before == after {
            continue;
        }
        let accepted = change_field(field, before, after, context)?;
        new.set(field.offset_cur, field.set(new.get(field.offset_cur), accepted));
    }
    Some(new)
}

fn change_field(field: &OptionField, before: u32, after: u32, context: &Context<'_>) -> Option<u32> {
    let Context { chip, view, assumptions, loaded, .. } = context;
    let code = u8::try_from(after).unwrap_or(0);
    let locked =
        |name: &str| OptionField::find(chip.part, name).is_some_and(|f| f.get(loaded.get(f.offset_cur)) == 0xB4);
    match field.name {
        // A debugger's request for a regression is no forward step (rule R-FIRMWARE-REGRESSION: firmware only).
        "PRODUCT_STATE" if code == REGRESSION || code == NS_REGRESSION => None,
        "PRODUCT_STATE" => {
            let to = ProductState::from_code(code)?;
            let reached = options::write_product_state(chip, to, Writer::Debugger, assumptions).outcome?;
            Some(u32::from(reached.code()))
        }
        "TZEN" => {
            let to = options::write_trustzone(chip, TrustZone::from_code(code)?, assumptions).outcome?;
            Some(u32::from(to.code()))
        }
        "BOOT_UBE" if locked("SECBOOT_LOCK") => None,
        "BOOT_UBE" => {
            let to = options::write_boot_ube(chip, BootUbe::from_code(code)?).outcome?;
            Some(u32::from(to.code()))
        }
        "SECBOOTADD" if locked("SECBOOT_LOCK") => None,
        "NSBOOTADD" if locked("NSBOOT_LOCK") => None,
        "LOCKBL" if before & !after != 0 => None,
        _ => options::register_writable(chip, field.offset_cur, *view).outcome.then_some(after),
    }
}
