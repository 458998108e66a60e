//! What a new set shall be: part, method, keys, permissions, scope, protection.

use provost_adac::{password::Password, permission::PermissionMask, scope::Scope};
use provost_chip::{parts::PartId, states::DaMethod};
use zeroize::Zeroizing;

use super::KeyHolder;

/// How private key files are protected besides by their mode.
#[derive(Clone, Default)]
pub enum Protection {
    /// Not at all.
    #[default]
    Plain,
    /// Encrypted under this passphrase (PKCS #8).
    Passphrase(Zeroizing<String>),
}

impl std::fmt::Debug for Protection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Passphrase(_) => "Passphrase(..)",
        })
    }
}

/// The keys of a chain. One that is given is not written again: whoever holds it keeps it.
#[derive(Debug, Clone, Default)]
pub struct RoleKeys {
    /// Signs the root certificate and the intermediate one.
    pub root: Option<KeyHolder>,
    /// Signs the leaf certificate.
    pub intermediate: Option<KeyHolder>,
    /// Signs tokens.
    pub leaf: Option<KeyHolder>,
}

/// What a new chain shall say.
#[derive(Debug, Clone)]
pub struct ChainRecipe {
    /// Keys that there are already; the others are made.
    pub keys: RoleKeys,
    /// What the three certificates allow, the root's first.
    pub permissions: [PermissionMask; 3],
    /// Where the leaf certificate holds. Root and intermediate take its usage, and hold everywhere.
    pub scope: Scope,
    /// How the key files are protected.
    pub protection: Protection,
}

impl Default for ChainRecipe {
    fn default() -> Self {
        Self {
            keys: RoleKeys::default(),
            permissions: [PermissionMask::STM32H5; 3],
            scope: Scope::STANDARD,
            protection: Protection::default(),
        }
    }
}

/// What a new set shall be.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The part it is for.
    pub part: PartId,
    /// The method.
    pub method: DaMethod,
    /// The chain, if the method is certificate.
    pub chain: ChainRecipe,
    /// The password, if the method is password; a random one otherwise.
    pub password: Option<Password>,
    /// What the object to provision allows.
    pub object_mask: PermissionMask,
}
