//! ADAC packets as the 32-bit words that travel through the DBGMCU mailbox.
//!
//! A packet is two header words, `code << 16` and the count of data words, then the data (Arm psa_adac.h `request_packet_t`,
//! `response_packet_t`). The code is a [`Command`] from the host and a [`Status`] from the target.

use core::fmt;

use zeroize::Zeroizing;

use crate::open_enum::open_enum;

/// Words in front of the data of every packet.
pub const HEADER_WORDS: usize = 2;

/// Most data words a packet is believed to announce. Our bound, not the protocol's: the longest P-256 message has 55 words.
pub const MAX_DATA_WORDS: u32 = 1024;

open_enum! {
    /// What the host asks (Arm psa_adac.h; 0x04 and 0x100 as psa-arch-tests names them).
    Command: u16 {
        /// Tell who you are and what you would grant.
        Discovery = 0x0001, "DISCOVERY";
        /// Open an authentication: answer with a fresh challenge.
        AuthStart = 0x0002, "AUTH_START";
        /// One fragment of the credential: a certificate, a token or ST's password.
        AuthResponse = 0x0003, "AUTH_RESPONSE";
        /// End the session.
        CloseSession = 0x0004, "CLOSE_SESSION";
        /// Leave Debug Authentication and boot.
        ResumeBoot = 0x0005, "RESUME_BOOT";
        /// Take granted debug permissions back.
        LockDebug = 0x0006, "LOCK_DEBUG";
        /// Change the life-cycle state; 0x07 in older revisions of psa-adac. ST's targets do not support it.
        LcsChange = 0x0100, "LCS_CHANGE";
    }
}

open_enum! {
    /// How the target answers (Arm psa_adac.h).
    Status: u16 {
        /// Done; after a token or password: authenticated.
        Success = 0x0000, "SUCCESS";
        /// Refused; ends the authentication.
        Failure = 0x0001, "FAILURE";
        /// Accepted so far, send the next fragment.
        NeedMoreData = 0x0002, "NEED_MORE_DATA";
        /// Known but not supported.
        Unsupported = 0x0003, "UNSUPPORTED";
        /// Not permitted.
        Unauthorized = 0x0004, "UNAUTHORIZED";
        /// The data of the request is not valid.
        InvalidParameters = 0x0005, "INVALID_PARAMETERS";
        /// The command is not known.
        InvalidCommand = 0x7FFF, "INVALID_COMMAND";
    }
}

/// Why words are not a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// Fewer words than a header has.
    #[error("a packet has at least {HEADER_WORDS} words, got {have}")]
    Truncated {
        /// How many words came.
        have: usize,
    },
    /// The lower half of word 0 is not zero.
    #[error("word 0: the reserved half must be 0, found {found:#06x}")]
    Reserved {
        /// What stands there.
        found: u16,
    },
    /// Word 1 announces more than [`MAX_DATA_WORDS`].
    #[error("word 1: {announced} data words announced, at most {MAX_DATA_WORDS} are believed")]
    TooLong {
        /// The count in word 1.
        announced: u32,
    },
    /// Word 1 does not fit the words that follow.
    #[error("word 1: {announced} data words announced, {present} follow")]
    Length {
        /// The count in word 1.
        announced: u32,
        /// Data words received.
        present: usize,
    },
}

impl PacketError {
    /// A short stable name, for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "packet-truncated",
            Self::Reserved { .. } => "packet-reserved",
            Self::TooLong { .. } => "packet-too-long",
            Self::Length { .. } => "packet-length",
        }
    }

    /// The byte of the packet at which the field that breaks the rule starts.
    pub const fn offset(&self) -> usize {
        match self {
            Self::Truncated { .. } | Self::Reserved { .. } => 0,
            Self::TooLong { .. } | Self::Length { .. } => 4,
        }
    }
}

/// The two header words, decoded: all a link needs to know how many words it still has to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// Command or status.
    pub code: u16,
    /// Number of 32-bit data words that follow, at most [`MAX_DATA_WORDS`].
    pub data_count: u32,
}

impl Header {
    /// Decodes the first two words of a packet.
    ///
    /// # Errors
    /// The reserved half is not zero, or the count is more than [`MAX_DATA_WORDS`].
    pub fn decode(words: [u32; HEADER_WORDS]) -> Result<Self, PacketError> {
        let [first, announced] = words;
        let found = (first & 0xFFFF) as u16;
        if found != 0 {
            return Err(PacketError::Reserved { found });
        }
        if announced > MAX_DATA_WORDS {
            return Err(PacketError::TooLong { announced });
        }
        Ok(Self { code: (first >> 16) as u16, data_count: announced })
    }

    /// Splits a whole packet into header and data.
    fn split(words: &[u32]) -> Result<(Self, &[u32]), PacketError> {
        let &[first, second, ref data @ ..] = words else {
            return Err(PacketError::Truncated { have: words.len() });
        };
        let header = Self::decode([first, second])?;
        if header.data_count as usize != data.len() {
            return Err(PacketError::Length { announced: header.data_count, present: data.len() });
        }
        Ok((header, data))
    }
}

fn encode(code: u16, data: &[u32]) -> Vec<u32> {
    let mut words = Vec::with_capacity(HEADER_WORDS + data.len());
    words.push(u32::from(code) << 16);
    words.push(data.len() as u32);
    words.extend_from_slice(data);
    words
}

/// A packet from host to target. The data may be a password: it is wiped on drop and not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the wire")]
pub struct Request {
    /// What is asked.
    pub command: Command,
    /// The data words, without the header.
    pub data: Zeroizing<Vec<u32>>,
}

impl Request {
    /// A request with data; give at most [`MAX_DATA_WORDS`].
    pub fn new(command: Command, data: Vec<u32>) -> Self {
        Self { command, data: Zeroizing::new(data) }
    }

    /// The words to write to the mailbox, in order.
    pub fn to_words(&self) -> Zeroizing<Vec<u32>> {
        Zeroizing::new(encode(self.command.value(), &self.data))
    }

    /// Decodes a whole request.
    ///
    /// # Errors
    /// See [`PacketError`].
    pub fn from_words(words: &[u32]) -> Result<Self, PacketError> {
        let (header, data) = Header::split(words)?;
        Ok(Self::new(header.code.into(), data.to_vec()))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("command", &self.command).field("data_words", &self.data.len()).finish()
    }
}

/// A packet from target to host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the wire")]
pub struct Response {
    /// How the request went.
    pub status: Status,
    /// The data words, without the header.
    pub data: Vec<u32>,
}

impl Response {
    /// A response with data; give at most [`MAX_DATA_WORDS`].
    pub fn new(status: Status, data: Vec<u32>) -> Self {
        Self { status, data }
    }

    /// The words to write to the mailbox, in order.
    pub fn to_words(&self) -> Vec<u32> {
        encode(self.status.value(), &self.data)
    }

    /// Decodes a whole response.
    ///
    /// # Errors
    /// See [`PacketError`].
    pub fn from_words(words: &[u32]) -> Result<Self, PacketError> {
        let (header, data) = Header::split(words)?;
        Ok(Self::new(header.code.into(), data.to_vec()))
    }
}

/// The bytes of words, each word little-endian.
pub fn words_to_bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Bytes as little-endian words; the last word is filled with zeros.
pub fn bytes_to_words(bytes: &[u8]) -> Vec<u32> {
    let word = |chunk: &[u8]| chunk.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
    bytes.chunks(4).map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_codes_are_kept() {
        let request = Request::from_words(&[0x8001_0000, 1, 0xAABB_CCDD]).unwrap();
        assert_eq!(request.command, Command::Other(0x8001));
        assert_eq!(*request.to_words(), [0x8001_0000, 1, 0xAABB_CCDD]);
        let response = Response::from_words(&[0x7FFF_0000, 0]).unwrap();
        assert_eq!(response.status, Status::InvalidCommand);
        assert_eq!(Status::from(0x0042).to_string(), "unknown (0x0042)");
    }

    #[test]
    fn broken_packets_name_their_rule() {
        let table: [(&[u32], PacketError); 5] = [
            (&[], PacketError::Truncated { have: 0 }),
            (&[0x0001_0000], PacketError::Truncated { have: 1 }),
            (&[0x0001_0002, 0], PacketError::Reserved { found: 2 }),
            (&[0x0001_0000, 2, 0], PacketError::Length { announced: 2, present: 1 }),
            (&[0x0001_0000, u32::MAX], PacketError::TooLong { announced: u32::MAX }),
        ];
        for (words, error) in table {
            assert_eq!(Request::from_words(words), Err(error));
            assert_eq!(Response::from_words(words), Err(error));
        }
    }

    #[test]
    fn a_request_does_not_show_its_data() {
        let request = Request::new(Command::AuthResponse, vec![0x3332_3130]);
        assert_eq!(format!("{request:?}"), "Request { command: AuthResponse, data_words: 1 }");
    }

    #[test]
    fn bytes_fill_the_last_word_with_zeros() {
        assert_eq!(bytes_to_words(&[1, 2, 3, 4, 5]), [0x0403_0201, 5]);
        assert_eq!(words_to_bytes(&[0x0403_0201, 5]), [1, 2, 3, 4, 5, 0, 0, 0]);
    }
}
