//! STM32H503 has no OBK storage: the hash of its password goes into one-time-programmable memory, once and for ever.
//!
//! Its `da_password.bin`, which the host sends to authenticate, is [`Password::to_file`].

use provost_adac::crypto::Hash;
use provost_adac::password::Password;

/// Where the value goes: OTP block 0 (STM32CubeH5, NUCLEO-H503RB ROT_Provisioning scripts).
pub const OTP_ADDRESS: u32 = 0x08FF_F000;

/// The 32 bytes to write: SHA-256 of the password, without header or integrity hash (`board_password.bin` of ST's scripts).
pub fn otp_value(password: &Password) -> Hash {
    password.hash()
}
