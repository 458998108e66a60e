//! ST's password: the credential of chips that have TrustZone off, and of STM32H503.
//!
//! On the wire and in `password.bin` a password is one TLV of type 0x8000; what is provisioned is SHA-256 of its bytes, without padding.

use core::fmt;

use zeroize::Zeroizing;

use crate::crypto::{Hash, sha256};
use crate::tlv::{HEADER_BYTES, Padding, Reader, TlvError, TypeId, Writer};

/// Fewest bytes of a new password (ST's DA_ConfigWithPassword.xml, MinWidth).
pub const MIN_BYTES: usize = 4;
/// Most bytes of a new password (ST's DA_ConfigWithPassword.xml, Width).
pub const MAX_BYTES: usize = 16;
/// Most bytes a password is believed to have on the wire or in a file, whoever made it.
pub const MAX_WIRE: usize = 64;

/// Why bytes are not a password. Never tells anything of them but a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// A new password has the wrong length.
    #[error("a password has {MIN_BYTES} to {MAX_BYTES} bytes, not {found}")]
    Length {
        /// How many bytes were given.
        found: usize,
    },
    /// A password received or read has a length nobody can have given it.
    #[error("a password on the wire has 1 to {MAX_WIRE} bytes, not {found}")]
    WireLength {
        /// How many bytes its TLV has.
        found: usize,
    },
    /// The file is not a TLV.
    #[error("not a password file: {0}")]
    Tlv(#[from] TlvError),
    /// The file is a TLV of another type.
    #[error("not a password file: byte 2: type 0x8000 is due, found {found}")]
    Type {
        /// The type that stands there.
        found: TypeId,
    },
    /// The file goes on after the password.
    #[error("not a password file: byte {offset}: {count} bytes follow the password")]
    TrailingBytes {
        /// Where they start.
        offset: usize,
        /// How many bytes too many.
        count: usize,
    },
    /// The file is empty.
    #[error("not a password file: it is empty")]
    Empty,
}

provost_codes::codes!(PasswordError, self => self, {
    Self::Length { .. } | Self::WireLength { .. } => "password-length",
    Self::Tlv(_) => "password-tlv",
    Self::Type { .. } => "password-type",
    Self::TrailingBytes { .. } => "password-trailing-bytes",
    Self::Empty => "password-empty",
});

/// A password. Wiped on drop, not shown by `Debug`.
#[derive(Clone)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// A new password, 4 to 16 bytes.
    ///
    /// # Errors
    /// [`PasswordError::Length`].
    pub fn new(bytes: &[u8]) -> Result<Self, PasswordError> {
        if !(MIN_BYTES..=MAX_BYTES).contains(&bytes.len()) {
            return Err(PasswordError::Length { found: bytes.len() });
        }
        Ok(Self(Zeroizing::new(bytes.to_vec())))
    }

    /// A password somebody else made, 1 to 64 bytes.
    ///
    /// # Errors
    /// [`PasswordError::WireLength`].
    pub fn from_wire(bytes: &[u8]) -> Result<Self, PasswordError> {
        if !(1..=MAX_WIRE).contains(&bytes.len()) {
            return Err(PasswordError::WireLength { found: bytes.len() });
        }
        Ok(Self(Zeroizing::new(bytes.to_vec())))
    }

    /// Reads `password.bin`, with or without padding up to words.
    ///
    /// # Errors
    /// Not exactly one TLV of type 0x8000, or its length is not that of a password.
    pub fn from_file(bytes: &[u8]) -> Result<Self, PasswordError> {
        let mut reader = Reader::new(bytes, Padding::Unpadded);
        let tlv = reader.next().ok_or(PasswordError::Empty)??;
        if tlv.type_id != TypeId::StPassword {
            return Err(PasswordError::Type { found: tlv.type_id });
        }
        let rest = reader.rest();
        let padding = tlv.value.len().wrapping_neg() % 4;
        if !rest.is_empty() && (rest.len() != padding || rest.iter().any(|&byte| byte != 0)) {
            return Err(PasswordError::TrailingBytes { offset: bytes.len() - rest.len(), count: rest.len() });
        }
        Self::from_wire(tlv.value)
    }

    /// The bytes of `password.bin`, which are also those of the AUTH_RESPONSE fragment. Padded up to words, for the mailbox knows
    /// nothing smaller; what ST's tool writes for lengths that are no multiple of four is not public.
    pub fn to_file(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(Padding::Padded, HEADER_BYTES + self.0.len() + 3);
        writer.push(TypeId::StPassword, &self.0);
        Zeroizing::new(writer.finish())
    }

    /// SHA-256 of the bytes: what is provisioned. Short passwords can be guessed from it, so treat it with care.
    pub fn hash(&self) -> Hash {
        sha256(&self.0)
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_keep_to_the_rule() {
        for length in [4, 12, 16] {
            Password::new(&vec![b'x'; length]).unwrap();
        }
        let three = Password::new(b"abc").unwrap_err();
        assert_eq!(three.to_string(), "a password has 4 to 16 bytes, not 3");
        let seventeen = Password::new(&[b'x'; 17]).unwrap_err();
        assert_eq!(seventeen.to_string(), "a password has 4 to 16 bytes, not 17");
        Password::from_wire(&[b'x'; 64]).unwrap();
        assert_eq!(Password::from_wire(&[]).unwrap_err(), PasswordError::WireLength { found: 0 });
        assert_eq!(Password::from_wire(&[b'x'; 65]).unwrap_err(), PasswordError::WireLength { found: 65 });
    }

    #[test]
    fn files_are_read_with_and_without_padding() {
        let bare = *b"\0\0\0\x80\x05\0\0\0hello";
        assert_eq!(Password::from_file(&bare).unwrap().expose(), b"hello");
        let padded = [&bare[..], &[0; 3]].concat();
        let password = Password::from_file(&padded).unwrap();
        assert_eq!(password.expose(), b"hello");
        assert_eq!(*password.to_file(), padded);
    }

    #[test]
    fn other_files_are_refused() {
        let table: [(&[u8], PasswordError); 6] = [
            (b"", PasswordError::Empty),
            (b"\0\0\x01\x02\x04\0\0\0abcd", PasswordError::Type { found: TypeId::BinaryCertificate }),
            (b"\0\0\0\x80\x04\0\0\0abcd\0\0\0\0", PasswordError::TrailingBytes { offset: 12, count: 4 }),
            (b"\0\0\0\x80\x05\0\0\0hello\0\0\n", PasswordError::TrailingBytes { offset: 13, count: 3 }),
            (b"\0\0\0\x80\0\0\0\0", PasswordError::WireLength { found: 0 }),
            (
                b"\0\0\0\x80\x41\0\0\0",
                PasswordError::Tlv(TlvError {
                    offset: 4,
                    rule: crate::tlv::TlvRule::Length { announced: 65, available: 0 },
                }),
            ),
        ];
        for (bytes, error) in table {
            assert_eq!(Password::from_file(bytes).unwrap_err(), error);
        }
    }

    #[test]
    fn debug_hides_the_secret() {
        assert_eq!(format!("{:?}", Password::new(b"secret").unwrap()), "Password(..)");
    }
}
