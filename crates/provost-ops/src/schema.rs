//! What the strings of documents look like, for their schemas.

/// SHA-256 in hexadecimal.
pub const SHA256: &str = "^[0-9a-f]{64}$";
/// A moment, UTC, to the second (RFC 3339).
pub const TIME: &str = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$";
/// Name of an option byte, as ST spells it.
pub const FIELD: &str = "^[A-Z][A-Za-z0-9_]+$";
/// Name of a register of option bytes.
pub const REGISTER: &str = "^FLASH_[A-Z0-9]+$";
/// A number in hexadecimal.
pub const HEX: &str = "^0x[0-9A-F]+$";
