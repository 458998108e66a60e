//! Who a chip is and how it is: reads only; never halts, never resets, never writes.

use std::fmt;

use provost_chip::{
    order_code::OrderCode,
    parts::{FlashSize, PartId},
    registers::{dbgmcu, flash, memory},
    states::{ProductState, TrustZone},
    unique_id::UniqueId,
};
use provost_link::LinkError;
use schemars::JsonSchema;
use serde::Serialize;

use super::session::Session;
use crate::fault::{Result, fail, faults};

/// How often a word that makes no sense is read again: right after a reset option registers may read garbage (wolfTrust).
const READ_ATTEMPTS: usize = 3;

faults! {
    /// Why a chip is not known.
    pub enum IdentifyError {
        /// DBGMCU was not found behind AP0.
        #[error("AP0 (IDR {ap0_idr:#010x}) shows no DBGMCU identity: {found:#010x}")]
        NoDbgmcu {
            /// IDR of AP0.
            ap0_idr: u32,
            /// What the identity register read.
            found: u32,
        } = "chip-no-dbgmcu", Refused {
            causes: ["the chip is no STM32H5", "noise on the wire"],
            next: ["check the marking on the package and the wiring; nothing was written"],
        }
        /// The DEV_ID is not in the table.
        #[error("DEV_ID {dev_id:#05x} (revision {rev_id:#06x}) is no STM32H5 known to provost")]
        UnknownPart {
            /// Its DEV_ID.
            dev_id: u16,
            /// Its revision.
            rev_id: u16,
        } = "chip-unknown-part", Refused, [DevIdNotCrypto] {
            causes: ["the chip is of another family, or a part newer than this program"],
            next: ["check the marking on the package; nothing was written"],
        }
        /// The part given does not have the DEV_ID measured.
        #[error("the chip has DEV_ID {dev_id:#05x}, which is not that of {given}")]
        PartMismatch {
            /// The part given.
            given: PartId,
            /// The DEV_ID measured.
            dev_id: u16,
        } = "chip-part-mismatch", Refused, [DevIdNotCrypto] {
            causes: ["--part names another part than the one on the wire"],
            next: ["correct --part, or leave it out; nothing was written"],
        }
        /// The chip has another flash size than the part given.
        #[error("the chip has {measured} of flash, and {given} was given")]
        FlashMismatch {
            /// What was given.
            given: OrderCode,
            /// What the chip shows.
            measured: FlashSize,
        } = "chip-flash-mismatch", Refused, [DevIdNotCrypto] {
            causes: ["--part names another part than the one on the wire: the letter before the package is its flash size"],
            next: ["correct --part, or leave it out; nothing was written"],
        }
        /// The product state cannot be read as one.
        #[error("OPTSR_CUR reads {optsr:#010x}: PRODUCT_STATE {code:#04x} is no known state")]
        UnknownState {
            /// The word.
            optsr: u32,
            /// The code in it.
            code: u8,
        } = "chip-unknown-state", Refused {
            causes: ["the option words were read while the chip was resetting", "noise on the wire"],
            next: ["run `provost status` again; nothing was written"],
        }
        /// TZEN cannot be read as on or off.
        #[error("OPTSR2_CUR reads {optsr2:#010x}: TZEN {code:#04x} is neither on nor off")]
        UnknownTrustZone {
            /// The word.
            optsr2: u32,
            /// The code in it.
            code: u8,
        } = "chip-unknown-trustzone", Refused {
            causes: ["the option words were read while the chip was resetting", "noise on the wire"],
            next: [
                "run `provost status` again; nothing was written: which credential opens the chip depends on TZEN, and it is not guessed",
            ],
        }
        /// A reset would make a waiting product state take effect.
        #[error("a write of PRODUCT_STATE = {state} waits for the next reset, and this would reset the chip")]
        PendingState {
            /// The state that waits.
            state: ProductState,
        } = "chip-pending-state", Refused, [ClosingWithoutDaLoses, BareProvisioningIsRescuable] {
            causes: ["a later product state was programmed, and the reset that makes it take effect has not come yet"],
            next: [
                "do not reset and do not remove power: `provost rescue` puts a credential into the chip before it resets it; nothing was written",
            ],
        }
    }
}

/// What identification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Identity {
    /// What only a debugger sees; none where the chip was asked through its bootloader.
    #[serde(flatten)]
    pub debug: Option<DebugPort>,
    /// DEV_ID.
    pub dev_id: u16,
    /// The lines that have this DEV_ID.
    #[schemars(length(min = 1))]
    pub parts: Vec<PartId>,
    /// What AP1 shows, if it is open, or the bootloader.
    pub options: Option<Options>,
    /// The unique id, where it can be read (Open).
    pub uid: Option<UniqueId>,
    /// How large the flash is, where it can be read (Open).
    #[serde(rename = "flash_kb")]
    pub flash: Option<FlashSize>,
}

/// What the debug port and AP0 say of a chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DebugPort {
    /// DPIDR.
    pub dpidr: u32,
    /// Where AP0 shows DBGMCU.
    pub dbgmcu: u32,
    /// REV_ID.
    pub rev_id: u16,
    /// DBGMCU_SR.
    pub sr: u32,
}

impl DebugPort {
    /// Whether this access port is open: the upper half of DBGMCU_SR has a bit for each.
    pub const fn shows_open(&self, ap: u8) -> bool {
        self.sr >> (16 + ap) & 1 == 1
    }
}

/// The option words that decide a chip's life, as read through AP1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Options {
    /// FLASH_OPTSR_CUR.
    pub optsr_cur: u32,
    /// FLASH_OPTSR_PRG: what the next reset brings.
    pub optsr_prg: u32,
    /// FLASH_OPTSR2_CUR.
    pub optsr2_cur: u32,
    /// FLASH_OPTSR2_PRG: what the next reset brings.
    pub optsr2_prg: u32,
}

impl Options {
    /// The product state in force.
    pub const fn state(&self) -> Option<ProductState> {
        ProductState::from_code((self.optsr_cur >> 8) as u8)
    }

    /// The product state that waits for the next reset, if it is another one.
    pub fn pending_state(&self) -> Option<ProductState> {
        ProductState::from_code((self.optsr_prg >> 8) as u8).filter(|s| Some(*s) != self.state())
    }

    /// The TrustZone setting in force; off where the part has none.
    pub fn trustzone(&self) -> TrustZone {
        TrustZone::from_code((self.optsr2_cur >> 24) as u8).unwrap_or(TrustZone::Disabled)
    }
}

impl Identity {
    /// Whether access port 0 was seen open.
    pub fn ap0_open(&self) -> bool {
        self.debug.is_some_and(|debug| debug.shows_open(0))
    }

    /// Whether access port 1 was seen open.
    pub fn ap1_open(&self) -> bool {
        self.debug.is_some_and(|debug| debug.shows_open(1))
    }

    /// REV_ID, where a debugger has read it.
    pub fn rev_id(&self) -> Option<u16> {
        self.debug.map(|debug| debug.rev_id)
    }

    /// The parts it may be, in words.
    pub fn parts_text(&self) -> String {
        parts_text(&self.parts)
    }

    /// The parts it may be, given what the user says it is.
    ///
    /// # Errors
    /// The DEV_ID, or the flash size that the chip shows, is not that of the part.
    pub fn narrowed_to(&self, given: Option<OrderCode>) -> Result<Vec<PartId>> {
        let Some(given) = given else { return Ok(self.parts.clone()) };
        if given.part.info().dev_id != self.dev_id {
            return fail(IdentifyError::PartMismatch { given: given.part, dev_id: self.dev_id });
        }
        match (self.flash, given.flash) {
            (Some(measured), Some(said)) if measured != said => fail(IdentifyError::FlashMismatch { given, measured }),
            _ => Ok(vec![given.part]),
        }
    }

    /// How large the flash is: as the chip shows it; where it shows none, as the user says, or the one size that every part it may be
    /// is made in. `None` where nothing says.
    pub fn flash_size(&self, given: Option<OrderCode>) -> Option<FlashSize> {
        let only = || {
            let mut sizes = self.parts.iter().map(|p| p.info().only_flash());
            sizes.next().flatten().filter(|first| sizes.all(|size| size == Some(*first)))
        };
        self.flash.or_else(|| given.and_then(|code| code.flash)).or_else(only)
    }

    /// Refuses what would reset the chip while a product state waits for a reset.
    ///
    /// # Errors
    /// [`IdentifyError::PendingState`].
    pub fn nothing_pending(&self) -> Result<()> {
        match self.options.and_then(|o| o.pending_state()) {
            Some(state) => fail(IdentifyError::PendingState { state }),
            None => Ok(()),
        }
    }

    /// Refuses a TZEN that is neither on nor off where the part has one.
    pub(super) fn trustzone_is_known(&self) -> Result<()> {
        if let Some(Options { optsr2_cur: optsr2, .. }) = self.options.filter(|o| o.state().is_some())
            && self.parts.iter().all(|p| p.info().trustzone)
            && TrustZone::from_code((optsr2 >> 24) as u8).is_none()
        {
            return fail(IdentifyError::UnknownTrustZone { optsr2, code: (optsr2 >> 24) as u8 });
        }
        Ok(())
    }

    /// The product state, if AP1 showed one.
    ///
    /// # Errors
    /// AP1 showed a word that is no state.
    pub fn state(&self) -> Result<Option<ProductState>> {
        match &self.options {
            None => Ok(None),
            Some(options) => match options.state() {
                Some(state) => Ok(Some(state)),
                None => {
                    fail(IdentifyError::UnknownState { optsr: options.optsr_cur, code: (options.optsr_cur >> 8) as u8 })
                }
            },
        }
    }
}

/// Parts that are told apart by nothing measured, in words.
pub fn parts_text(parts: &[PartId]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.parts_text())?;
        match self.options {
            Some(options) => match options.state() {
                Some(state) => write!(f, "{state}, TrustZone {}", options.trustzone()),
                None => write!(f, "option word {:#010x}", options.optsr_cur),
            },
            None => f.write_str("AP1 shut"),
        }
    }
}

/// Attaches and identifies (rule `R-IDENTIFY-BY-AP0`: AP1 is touched only if DBGMCU_SR says that it is open).
///
/// # Errors
/// Nobody answers, or what answers is no STM32H5.
pub fn identify(session: &mut Session) -> Result<Identity> {
    let dpidr = session.attach()?.0;
    let (base, idcode) = find_dbgmcu(session)?;
    let (dev_id, rev_id) = ((idcode & 0xFFF) as u16, (idcode >> 16) as u16);
    let parts: Vec<PartId> = PartId::with_dev_id(dev_id).collect();
    if parts.is_empty() {
        return fail(IdentifyError::UnknownPart { dev_id, rev_id });
    }
    session.set_dbgmcu(base);
    let sr = session.ap0().read32(base + dbgmcu::SR)?;
    let debug = Some(DebugPort { dpidr, dbgmcu: base, rev_id, sr });
    let mut identity = Identity { debug, dev_id, parts, options: None, uid: None, flash: None };
    if identity.ap1_open() {
        identity.options = read_options(session)?;
        identity.trustzone_is_known()?;
        if identity.options.and_then(|o| o.state()) == Some(ProductState::Open) {
            (identity.uid, identity.flash) = read_who(session, &identity.parts)?;
        }
    }
    Ok(identity)
}

fn find_dbgmcu(session: &mut Session) -> Result<(u32, u32)> {
    let mut seen = 0;
    for base in dbgmcu::BASES {
        let idcode = match session.ap0().read32(base + dbgmcu::IDCODE) {
            Ok(word) => word,
            Err(LinkError::Fault { .. }) => 0,
            Err(error) => return Err(error.into()),
        };
        if PartId::with_dev_id((idcode & 0xFFF) as u16).next().is_some() {
            return Ok((base, idcode));
        }
        seen = if seen == 0 { idcode } else { seen };
    }
    match seen {
        0 | u32::MAX => fail(IdentifyError::NoDbgmcu { ap0_idr: session.ap0().idr()?, found: seen }),
        idcode => fail(IdentifyError::UnknownPart { dev_id: (idcode & 0xFFF) as u16, rev_id: (idcode >> 16) as u16 }),
    }
}

/// Reads the deciding option words through the non-secure alias, which works in every state that has AP1 open.
///
/// `None` if AP1 shut meanwhile or the words never made sense.
pub(crate) fn read_options(session: &mut Session) -> Result<Option<Options>, LinkError> {
    let mut last = None;
    for _ in 0..READ_ATTEMPTS {
        let mut words = [0; 2];
        let mut words2 = [0; 2];
        let mut ap1 = session.ap1();
        let read = ap1
            .read_block32(flash::BASE + u32::from(flash::OPTSR_CUR), &mut words)
            .and_then(|()| ap1.read_block32(flash::BASE + u32::from(flash::OPTSR2_CUR), &mut words2));
        match read {
            Ok(()) => {}
            Err(LinkError::Fault { .. } | LinkError::ApDisabled { .. }) => return Ok(last),
            Err(error) => return Err(error),
        }
        let options =
            Options { optsr_cur: words[0], optsr_prg: words[1], optsr2_cur: words2[0], optsr2_prg: words2[1] };
        // Zero is never a state (rule R-OPTIONS-READ-ZERO-IN-RESET).
        if options.optsr_cur != 0 {
            last = Some(options);
        }
        if options.state().is_some() {
            break;
        }
    }
    Ok(last)
}

/// The unique id, and the flash size, whose word follows it. A word that is masked, or that is no size of these parts, says nothing.
pub(crate) fn read_who(
    session: &mut Session,
    parts: &[PartId],
) -> Result<(Option<UniqueId>, Option<FlashSize>), LinkError> {
    const { assert!(memory::FLASH_SIZE == memory::UID + 12) };
    let mut words = [0; 4];
    match session.ap1().read_block32(memory::UID, &mut words) {
        Ok(()) => {
            let [a, b, c, size] = words;
            Ok((UniqueId::new([a, b, c]), parts.iter().find_map(|p| p.info().flash_from_register(size))))
        }
        Err(LinkError::Fault { .. }) => Ok((None, None)),
        Err(error) => Err(error),
    }
}
