//! The Debug Authentication object: whose credential opens the chip, and for what.
//!
//! Payload of 96 bytes (RM0481, Debug Authentication object): SHA-256 of the other 64 bytes, hash of the credential, permission mask as
//! 128 bits little-endian, 16 zeros.

use core::fmt;

use provost_adac::crypto::{Hash, sha256};
use provost_adac::key::PublicKey;
use provost_adac::password::Password;
use provost_adac::permission::PermissionMask;
use subtle::ConstantTimeEq as _;

use crate::obk::{Obk, ObkError};

/// Where the object goes: the first bytes of HDPL 1.
pub const DESTINATION: u32 = 0x0FFD_0100;
/// Bytes of the payload.
pub const PAYLOAD_BYTES: usize = 96;

/// The kind of credential whose hash is provisioned. It must fit the chip: a certificate with TrustZone on, a password with TrustZone
/// off (AN6008 §2.1); the object itself does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two kinds of credential")]
pub enum CredentialKind {
    /// SHA-256 of the root key's `X ‖ Y`.
    Certificate,
    /// SHA-256 of the password.
    Password,
}

/// A Debug Authentication object in the making. `Debug` does not show the hash: that of a password can be guessed from.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that its user fills in")]
pub struct DaObject {
    /// The kind of credential.
    pub kind: CredentialKind,
    /// SHA-256 of the root key or of the password.
    pub hash: Hash,
    /// What the object allows. Means nothing to a password, which always gives full regression.
    pub mask: PermissionMask,
}

impl DaObject {
    /// For certificate chains that start with this root key.
    pub fn certificate(root_key: &PublicKey, mask: PermissionMask) -> Self {
        Self { kind: CredentialKind::Certificate, hash: root_key.root_hash(), mask }
    }

    /// For a password; the mask is zero, as in ST's DA_ConfigWithPassword.xml since v1.2.0.
    pub fn password(password: &Password) -> Self {
        Self { kind: CredentialKind::Password, hash: password.hash(), mask: PermissionMask::NONE }
    }

    /// The payload, with its integrity hash.
    pub fn payload(&self) -> DaPayload {
        let mut payload = DaPayload { integrity: [0; 32], hash: self.hash, mask: self.mask, reserved: [0; 16] };
        payload.integrity = payload.digest();
        payload
    }

    /// The object as a file. See [`Obk::new`] for `encrypt`.
    ///
    /// # Errors
    /// None that the constant destination and size leave possible.
    pub fn to_obk(&self, encrypt: bool) -> Result<Obk, ObkError> {
        Obk::new(DESTINATION, encrypt, self.payload().to_bytes().to_vec())
    }
}

impl fmt::Debug for DaObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DaObject").field("kind", &self.kind).field("mask", &self.mask).finish_non_exhaustive()
    }
}

/// What keeps bytes from being a good Debug Authentication object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DaError {
    /// The payload has the wrong size.
    #[error("a Debug Authentication payload has {PAYLOAD_BYTES} bytes, not {found}")]
    Length {
        /// How many bytes the payload has.
        found: usize,
    },
    /// The file goes elsewhere.
    #[error("a Debug Authentication object goes to {DESTINATION:#010x}, this one to {found:#010x}")]
    Destination {
        /// Where it goes.
        found: u32,
    },
    /// The first 32 bytes are not SHA-256 of the rest.
    #[error("payload byte 0: the integrity hash is not SHA-256 of bytes 32 to 95")]
    Integrity,
}

/// A Debug Authentication payload as it stands in a file. `Debug` does not show the hash.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the format")]
pub struct DaPayload {
    /// SHA-256 of everything behind it.
    pub integrity: Hash,
    /// Hash of the credential; of which kind, the bytes do not tell.
    pub hash: Hash,
    /// What the object allows.
    pub mask: PermissionMask,
    /// Zeros in every file seen; ST's embedded-provisioning example calls them and the mask a SoC mask.
    pub reserved: [u8; 16],
}

impl DaPayload {
    /// Reads a payload; does not check its integrity.
    ///
    /// # Errors
    /// [`DaError::Length`].
    pub fn parse(payload: &[u8]) -> Result<Self, DaError> {
        let error = DaError::Length { found: payload.len() };
        let payload: &[u8; PAYLOAD_BYTES] = payload.try_into().map_err(|_| error)?;
        let (mut integrity, mut hash, mut mask, mut reserved) = ([0; 32], [0; 32], [0; 16], [0; 16]);
        integrity.copy_from_slice(&payload[..32]);
        hash.copy_from_slice(&payload[32..64]);
        mask.copy_from_slice(&payload[64..80]);
        reserved.copy_from_slice(&payload[80..]);
        Ok(Self { integrity, hash, mask: PermissionMask::from_le_bytes(mask), reserved })
    }

    /// Takes the payload out of a file; does not check its integrity.
    ///
    /// # Errors
    /// [`DaError::Destination`] or [`DaError::Length`].
    pub fn from_obk(obk: &Obk) -> Result<Self, DaError> {
        if obk.destination() != DESTINATION {
            return Err(DaError::Destination { found: obk.destination() });
        }
        Self::parse(obk.payload())
    }

    /// The bytes as they stand behind the header of an `.obk` file.
    pub fn to_bytes(&self) -> [u8; PAYLOAD_BYTES] {
        let mut bytes = [0; PAYLOAD_BYTES];
        bytes[..32].copy_from_slice(&self.integrity);
        bytes[32..64].copy_from_slice(&self.hash);
        bytes[64..80].copy_from_slice(&self.mask.to_le_bytes());
        bytes[80..].copy_from_slice(&self.reserved);
        bytes
    }

    /// Checks the integrity hash.
    ///
    /// # Errors
    /// [`DaError::Integrity`].
    pub fn verify(&self) -> Result<(), DaError> {
        if self.integrity == self.digest() { Ok(()) } else { Err(DaError::Integrity) }
    }

    /// Whether certificate chains that start with this root key fit the object. Takes the same time either way.
    pub fn fits_root_key(&self, root_key: &PublicKey) -> bool {
        self.hash.ct_eq(&root_key.root_hash()).into()
    }

    /// Whether this password fits the object. Takes the same time either way.
    pub fn fits_password(&self, password: &Password) -> bool {
        self.hash.ct_eq(&password.hash()).into()
    }

    fn digest(&self) -> Hash {
        sha256(&self.to_bytes()[32..])
    }
}

impl fmt::Debug for DaPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DaPayload")
            .field("intact", &self.verify().is_ok())
            .field("mask", &self.mask)
            .field("reserved", &self.reserved)
            .finish_non_exhaustive()
    }
}
