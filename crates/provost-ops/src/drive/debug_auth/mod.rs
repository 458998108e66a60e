//! Debug Authentication as operations: discover, authenticate, and leave again.

mod error;
mod mailbox;
mod view;

pub use error::AuthError;
pub use mailbox::{AckRoles, Mailbox};
pub use view::{DebugView, debug_view, end_with_reset, keep_over_resets};

use provost_adac::{
    discovery::{Discovery, Integrity},
    host::{self, Authentication, Credential, Progress},
    key::{Signature, SignerError},
    lifecycle::Lifecycle,
    offline::SigningRequest,
    permission::{Permission, PermissionMask},
    tlv::Padding,
};
use provost_chip::{
    states::{DaMethod, ProductState},
    unique_id::UniqueId,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{identify::Identity, reset, session::Session};
use crate::fault::{Result, fail};

/// What discovery showed, in words that serialize.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Discovered {
    /// The product state that the life-cycle word names.
    pub product_state: Option<ProductState>,
    /// The life-cycle word as ST's tool prints it.
    #[schemars(regex(pattern = "^ST_LIFECYCLE_"))]
    pub psa_lifecycle: Option<String>,
    /// DEV_ID.
    pub target_id: Option<u32>,
    /// Unique id as ST's tool prints it.
    #[schemars(regex(pattern = "^0x[0-9A-F_]{35}$"))]
    pub soc_id: Option<String>,
    /// `certificate` or `password`, by the crypto systems listed.
    pub method: Option<DaMethod>,
    /// Integrity word.
    pub integrity: Option<u32>,
    /// Whether it is 0xEAEAEAEA.
    pub integrity_valid: bool,
    /// Permissions listed; they prove nothing by themselves (rule `R-DA-NEEDS-VALID-DATA`).
    pub permissions: Vec<String>,
    /// Version of the authenticator, such as 2.4.0.
    pub sda_version: Option<String>,
    /// Which of the open questions this chip answers on the way.
    pub settles: Vec<(String, String)>,
}

/// A discovery with the session it was made in.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// The mailbox, ready for an authentication.
    pub mailbox: Mailbox,
    /// What the chip said.
    pub discovery: Discovery,
    padding: Padding,
}

/// What a look from outside shows: discovery, and whether the chip left its ROM again.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Look {
    /// Who it is.
    pub identity: Identity,
    /// What discovery showed.
    pub discovery: Discovered,
    /// Whether AP1 is open afterwards; if not, the chip may still sit in its ROM.
    pub ap1_open_afterwards: bool,
}

/// Discovers and leaves again, where a reset is enough for that. Refused while a product state waits for a reset.
///
/// # Errors
/// [`super::identify::IdentifyError::PendingState`]; no answer, which is as it should be in Open; the link breaks.
pub fn look(session: &mut Session) -> Result<Look> {
    let identity = super::identify::identify(session)?;
    identity.nothing_pending()?;
    let in_open = identity.state()? == Some(ProductState::Open);
    let asked = discover(session).map_err(|error| match error.of() {
        Some(AuthError::NoAnswer { .. }) if in_open => AuthError::InOpen.into(),
        _ => error,
    });
    let discovery = asked?.report();
    let ap1_open_afterwards = reset::pulse(session)?;
    Ok(Look { identity, discovery, ap1_open_afterwards })
}

/// Enters Debug Authentication and discovers. The chip is reset by it, and may stay in the ROM (rule `R-RSS-DA-STAYS`).
///
/// # Errors
/// No answer, or one that makes no sense.
pub fn discover(session: &mut Session) -> Result<Conversation> {
    let mailbox = Mailbox::open(session)?;
    let words = mailbox.exchange(session, &host::discovery_request())?;
    let (discovery, padding) = host::discovery_response(&words)?;
    Ok(Conversation { mailbox, discovery, padding })
}

/// Has a token signed by whoever holds the key; a password asks for none.
pub type Sign<'a> = &'a dyn Fn(&SigningRequest) -> Result<Signature, SignerError>;

/// Authenticates in an open session. Whoever signs may take as long as the chip keeps its challenge.
///
/// # Errors
/// [`AuthError::Refused`], [`AuthError::Signer`], or the link breaks. A credential that cannot authenticate anywhere is refused before
/// anything is sent.
pub fn authenticate(session: &mut Session, mailbox: &Mailbox, credential: Credential, sign: Sign<'_>) -> Result<()> {
    let mut authentication = Authentication::new(credential)?;
    let mut request = authentication.first_request();
    loop {
        let words = mailbox.exchange(session, &request)?;
        request = match authentication.on_response(&words)? {
            Progress::Continue(next) => next,
            Progress::Sign(asked) => authentication.signed(&sign(&asked).map_err(AuthError::Signer)?)?,
            Progress::Granted => return Ok(()),
            Progress::Refused { status, step } => {
                return fail(AuthError::Refused { status: status.to_string(), step: step.to_string() });
            }
        };
    }
}

impl Conversation {
    /// The product state that discovery names.
    pub fn product_state(&self) -> Option<ProductState> {
        Some(match self.discovery.lifecycle()? {
            Lifecycle::Open => ProductState::Open,
            Lifecycle::Provisioning => ProductState::Provisioning,
            Lifecycle::IrotProvisioned => ProductState::IrotProvisioned,
            Lifecycle::TzClosed => ProductState::TzClosed,
            Lifecycle::Closed => ProductState::Closed,
            Lifecycle::Locked => ProductState::Locked,
            _ => return None,
        })
    }

    /// Life cycle, integrity and method, in a line.
    pub fn summary(&self) -> String {
        let report = self.report();
        format!(
            "{}, integrity {}, asks for a {}",
            report.psa_lifecycle.as_deref().unwrap_or("no life cycle"),
            report.integrity.map_or("not told".to_owned(), |i| format!("{i:#010x}")),
            report.method.map_or("credential it does not name", DaMethod::as_str),
        )
    }

    /// The unique id, where the chip shows one: some show zeros.
    pub fn unique_id(&self) -> Option<UniqueId> {
        self.discovery.soc_id.as_ref().and_then(UniqueId::from_soc_id)
    }

    /// The integrity word; 0 where none was shown.
    pub fn integrity(&self) -> u32 {
        self.discovery.integrity.map_or(0, Integrity::value)
    }

    /// The method that the chip asks for.
    pub fn method(&self) -> Option<DaMethod> {
        use provost_adac::crypto::CryptoSystem;
        let systems = self.discovery.cryptosystems.as_deref()?;
        systems.iter().find_map(|system| match system {
            CryptoSystem::EcdsaP256Sha256 => Some(DaMethod::Certificate),
            CryptoSystem::StPassword => Some(DaMethod::Password),
            _ => None,
        })
    }

    /// Whether the chip says that its Debug Authentication data is valid.
    pub fn is_valid(&self) -> bool {
        self.discovery.integrity == Some(Integrity::Valid)
    }

    /// Whether a full regression is among the permissions listed.
    pub fn lists_full_regression(&self) -> bool {
        self.lists(Permission::FullRegression)
    }

    /// Whether a permission is among those listed.
    pub fn lists(&self, permission: Permission) -> bool {
        self.discovery.permissions_mask.is_some_and(|m| m.contains(permission))
    }

    /// What it showed, for people and JSON.
    pub fn report(&self) -> Discovered {
        let d = &self.discovery;
        Discovered {
            product_state: self.product_state(),
            psa_lifecycle: d.lifecycle().map(|l| l.to_string()),
            target_id: d.soc_class,
            soc_id: d.soc_id.map(soc_id_text),
            method: self.method(),
            integrity: d.integrity.map(Integrity::value),
            integrity_valid: self.is_valid(),
            permissions: permission_names(d.permissions_mask.unwrap_or_default()),
            sda_version: d.sda_version.map(|[major, minor, patch, _]| version(major, minor, patch)),
            settles: self.settles(),
        }
    }

    /// What a chip might say, for tests.
    #[cfg(test)]
    pub(crate) fn told(discovery: Discovery) -> Self {
        let mailbox = Mailbox::for_tests();
        Self { mailbox, discovery, padding: Padding::Unpadded }
    }

    /// The open questions that this answer settles for this chip.
    fn settles(&self) -> Vec<(String, String)> {
        let roles = match self.mailbox.roles {
            AckRoles::Code => "code",
            AckRoles::Svd => "svd",
        };
        let reply = if self.mailbox.reply == provost_chip::registers::dbgmcu::REPLY_DAOK { "daok" } else { "stda" };
        [("reply-word", reply), ("ack-roles", roles), ("tlv-padding", padding_name(self.padding))]
            .map(|(switch, value)| (switch.to_owned(), value.to_owned()))
            .to_vec()
    }
}

const fn padding_name(padding: Padding) -> &'static str {
    match padding {
        Padding::Unpadded => "unpadded",
        Padding::Padded => "padded",
    }
}

/// SDA version bytes are major first on the wire: 02 04 00 00 is 2.4.0 (STM32CubeN6 target and STM32CubeProgrammer logs).
fn version(major: u8, minor: u8, patch: u8) -> String {
    format!("{major}.{minor}.{patch}")
}

/// As ST's tool prints it: highest word first.
fn soc_id_text(id: [u8; 16]) -> String {
    let mut words: Vec<String> =
        id.chunks_exact(4).map(|c| c.iter().rev().map(|b| format!("{b:02X}")).collect()).collect();
    words.reverse();
    format!("0x{}", words.join("_"))
}

fn permission_names(mask: PermissionMask) -> Vec<String> {
    mask.permissions().map(|p| format!("{} (bit {})", p.name(), p.bit())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soc_ids_read_as_in_st_s_logs() {
        // UID words 0x003D005E 0x33325117 0x38363236 of an H563 log: printed highest word first.
        let mut id = [0; 16];
        for (slot, word) in id.chunks_exact_mut(4).zip([0x003D_005Eu32, 0x3332_5117, 0x3836_3236]) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        assert_eq!(soc_id_text(id), "0x00000000_38363236_33325117_003D005E");
    }

    #[test]
    fn permissions_read_as_in_st_s_list() {
        let names = permission_names(PermissionMask::STM32H5);
        assert_eq!(names.len(), 8);
        assert!(names[0].ends_with("(bit 14)") && names[1].ends_with("(bit 12)"));
    }
}
