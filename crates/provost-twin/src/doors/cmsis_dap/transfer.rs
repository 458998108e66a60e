//! DAP_Transfer and DAP_TransferBlock: register accesses, in the order and with the pipelining of Arm's own firmware.

use super::command::Words;
use crate::{
    host::{SwdError, packet},
    wire::{
        Wire,
        dap::{ABORT, RDBUFF, Request},
    },
};

pub(in crate::doors) const READ_BUFFER: Request = Request { ap: false, read: true, address: RDBUFF };
const WRITE_ABORT: Request = Request { ap: false, read: false, address: ABORT };

/// Bits of a transfer request.
const APNDP: u8 = 1 << 0;
const RNW: u8 = 1 << 1;
const MATCH_VALUE: u8 = 1 << 4;
const MATCH_MASK: u8 = 1 << 5;

/// Bits of the answer.
const ACK_OK: u8 = 1;
pub(in crate::doors) const ACK_WAIT: u8 = 2;
pub(in crate::doors) const ACK_FAULT: u8 = 4;
const NO_ACK: u8 = 7;
const PROTOCOL_ERROR: u8 = 8;
const MISMATCH: u8 = 0x10;

/// Repeats of a transfer that is answered WAIT, whatever the client asks for: time passes only while somebody clocks.
const MOST_RETRIES: u16 = 1000;

/// How transfers are done.
#[derive(Debug, Default)]
pub(in crate::doors) struct Link {
    idle: u8,
    retries: u16,
    match_retries: u16,
    mask: u32,
}

const fn request(byte: u8) -> Request {
    Request { ap: byte & APNDP != 0, read: byte & RNW != 0, address: byte & 0xC }
}

impl Link {
    pub(in crate::doors) const fn configure(&mut self, idle: u8, retries: u16) {
        self.idle = idle;
        self.retries = retries;
        self.match_retries = retries;
    }

    pub(super) fn abort<W: Wire + ?Sized>(&self, value: u32, wire: &mut W) {
        let _ = self.access(wire, WRITE_ABORT, value);
    }

    /// One access; WAIT is repeated as often as configured. The error is the answer's acknowledgement.
    pub(in crate::doors) fn access<W: Wire + ?Sized>(
        &self,
        wire: &mut W,
        request: Request,
        value: u32,
    ) -> Result<u32, u8> {
        let mut left = self.retries.min(MOST_RETRIES);
        loop {
            let result = packet(wire, request, value);
            if matches!(result, Err(SwdError::Wait)) && left > 0 {
                left -= 1;
                continue;
            }
            wire.shift_out(0, u32::from(self.idle).min(64));
            return result.map_err(|error| match error {
                SwdError::Wait => ACK_WAIT,
                SwdError::Fault => ACK_FAULT,
                SwdError::NoAcknowledge | SwdError::Unplugged => NO_ACK,
                SwdError::Parity | SwdError::Protocol => PROTOCOL_ERROR,
            });
        }
    }

    /// The word of a register: that of an access port comes with the next access.
    fn read<W: Wire + ?Sized>(&self, wire: &mut W, request: Request) -> Result<u32, u8> {
        let word = self.access(wire, request, 0)?;
        if request.ap { self.access(wire, READ_BUFFER, 0) } else { Ok(word) }
    }

    /// DAP_Transfer.
    pub(super) fn transfer<W: Wire + ?Sized>(&mut self, words: &mut Words<'_>, wire: &mut W, answer: &mut Vec<u8>) {
        words.byte();
        let count = words.byte();
        let head = answer.len();
        answer.extend([0, ACK_OK]);
        let (mut done, mut posted, mut unchecked) = (0, false, false);
        let mut result = Ok(());
        for _ in 0..count {
            if words.is_empty() {
                break;
            }
            result = self.one(words, wire, answer, (&mut posted, &mut unchecked));
            if result.is_err() {
                break;
            }
            done += 1;
        }
        if result.is_ok() && (posted || unchecked) {
            result = self.access(wire, READ_BUFFER, 0).map(|word| {
                if posted {
                    answer.extend(word.to_le_bytes());
                }
            });
        }
        if let Some([answer_count, acknowledgement]) = answer.get_mut(head..head + 2) {
            *answer_count = done;
            *acknowledgement = result.err().unwrap_or(ACK_OK);
        }
    }

    /// One of the transfers. `posted`: the word of an access port's register is still to be fetched; `unchecked`: a write's fate is.
    fn one<W: Wire + ?Sized>(
        &mut self,
        words: &mut Words<'_>,
        wire: &mut W,
        answer: &mut Vec<u8>,
        (posted, unchecked): (&mut bool, &mut bool),
    ) -> Result<(), u8> {
        let byte = words.byte();
        let request = request(byte);
        let plain_ap_read = request.ap && request.read && byte & MATCH_VALUE == 0;
        if std::mem::take(posted) {
            // The word of the read before comes with this one, or from RDBUFF.
            let next = if plain_ap_read { request } else { READ_BUFFER };
            let word = self.access(wire, next, 0)?;
            answer.extend(word.to_le_bytes());
            if plain_ap_read {
                *posted = true;
                return Ok(());
            }
        }
        *unchecked = false;
        if plain_ap_read {
            self.access(wire, request, 0)?;
            *posted = true;
        } else if request.read && byte & MATCH_VALUE != 0 {
            self.wait_for(wire, request, words.word())?;
        } else if request.read {
            let word = self.access(wire, request, 0)?;
            answer.extend(word.to_le_bytes());
        } else if byte & MATCH_MASK != 0 {
            self.mask = words.word();
        } else {
            self.access(wire, request, words.word())?;
            *unchecked = true;
        }
        Ok(())
    }

    /// Reads until the bits under the mask match.
    fn wait_for<W: Wire + ?Sized>(&self, wire: &mut W, request: Request, value: u32) -> Result<(), u8> {
        for _ in 0..=self.match_retries.min(MOST_RETRIES) {
            if self.read(wire, request)? & self.mask == value {
                return Ok(());
            }
        }
        Err(MISMATCH | ACK_OK)
    }

    /// DAP_TransferBlock.
    pub(super) fn block<W: Wire + ?Sized>(&self, words: &mut Words<'_>, wire: &mut W, answer: &mut Vec<u8>) {
        words.byte();
        let count = words.half();
        let request = request(words.byte());
        let head = answer.len();
        answer.extend([0, 0, ACK_OK]);
        let mut done = 0_u16;
        let result = if request.read {
            self.read_block(wire, request, count, &mut done, answer)
        } else {
            self.write_block(wire, request, count, &mut done, words)
        };
        if let Some(reply) = answer.get_mut(head..head + 3) {
            reply[..2].copy_from_slice(&done.to_le_bytes());
            reply[2] = result.err().unwrap_or(ACK_OK);
        }
    }

    fn read_block<W: Wire + ?Sized>(
        &self,
        wire: &mut W,
        request: Request,
        count: u16,
        done: &mut u16,
        answer: &mut Vec<u8>,
    ) -> Result<(), u8> {
        if request.ap && count > 0 {
            self.access(wire, request, 0)?;
        }
        for left in (0..count).rev() {
            if answer.len() + 4 > super::PACKET_SIZE {
                break;
            }
            let next = if request.ap && left == 0 { READ_BUFFER } else { request };
            let word = self.access(wire, next, 0)?;
            answer.extend(word.to_le_bytes());
            *done += 1;
        }
        Ok(())
    }

    fn write_block<W: Wire + ?Sized>(
        &self,
        wire: &mut W,
        request: Request,
        count: u16,
        done: &mut u16,
        words: &mut Words<'_>,
    ) -> Result<(), u8> {
        for _ in 0..count {
            if words.is_empty() {
                break;
            }
            self.access(wire, request, words.word())?;
            *done += 1;
        }
        self.access(wire, READ_BUFFER, 0).map(|_| ())
    }
}
