//! The commands of CMSIS-DAP, as far as SWD needs them.

use std::time::Duration;

use super::{PACKET_SIZE, transfer::Link};
use crate::wire::Wire;

/// Command bytes.
mod id {
    pub(super) const INFO: u8 = 0x00;
    pub(super) const HOST_STATUS: u8 = 0x01;
    pub(super) const CONNECT: u8 = 0x02;
    pub(super) const DISCONNECT: u8 = 0x03;
    pub(super) const TRANSFER_CONFIGURE: u8 = 0x04;
    pub(super) const TRANSFER: u8 = 0x05;
    pub(super) const TRANSFER_BLOCK: u8 = 0x06;
    pub(super) const TRANSFER_ABORT: u8 = 0x07;
    pub(super) const WRITE_ABORT: u8 = 0x08;
    pub(super) const DELAY: u8 = 0x09;
    pub(super) const RESET_TARGET: u8 = 0x0A;
    pub(super) const SWJ_PINS: u8 = 0x10;
    pub(super) const SWJ_CLOCK: u8 = 0x11;
    pub(super) const SWJ_SEQUENCE: u8 = 0x12;
    pub(super) const SWD_CONFIGURE: u8 = 0x13;
    pub(super) const SWD_SEQUENCE: u8 = 0x1D;
    pub(super) const EXECUTE: u8 = 0x7F;
    pub(super) const INVALID: u8 = 0xFF;
}

const OK: u8 = 0;
const ERROR: u8 = 0xFF;
const PORT_SWD: u8 = 1;
/// DAP_SWJ_Pins: SWCLK, SWDIO, nRESET.
const SWCLK: u8 = 1 << 0;
const SWDIO: u8 = 1 << 1;
const NRESET: u8 = 1 << 7;
/// Packets that a client may send before it has read an answer.
const PACKET_COUNT: u8 = 4;
/// A client asks for this long a delay at most: DAP_SWJ_Pins waits for up to three seconds.
const LONGEST_DELAY_US: u32 = 3_000_000;

/// The words of a packet, one after the other; beyond the end they are zero.
pub(super) struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    pub(super) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    pub(super) fn half(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    pub(super) fn word(&mut self) -> u32 {
        u32::from(self.half()) | u32::from(self.half()) << 16
    }

    /// As many bytes as there are, up to `count`.
    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// `count` bits, lowest first, in steps of a byte: each with how many of its bits count.
    fn bits(&mut self, count: u32) -> impl Iterator<Item = (u64, u32)> {
        let bytes = self.bytes(count.div_ceil(8) as usize);
        bytes.iter().zip((0..).step_by(8)).map(move |(byte, at)| (u64::from(*byte), (count - at).min(8)))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The connector as this client holds it.
#[derive(Debug, Default)]
pub(super) struct Target {
    link: Link,
    pins: Pins,
}

#[derive(Debug)]
struct Pins {
    levels: u8,
}

impl Default for Pins {
    fn default() -> Self {
        Self { levels: SWCLK | SWDIO | NRESET }
    }
}

impl Target {
    /// Obeys a packet: its answer.
    pub(super) fn obey<W: Wire + ?Sized>(&mut self, packet: &[u8], wire: &mut W) -> Vec<u8> {
        let mut words = Words(packet);
        let mut answer = Vec::new();
        let first = words.byte();
        if first == id::EXECUTE {
            let count = words.byte();
            answer.extend([id::EXECUTE, count]);
            for _ in 0..count {
                if words.is_empty() || answer.len() > PACKET_SIZE {
                    break;
                }
                let command = words.byte();
                self.command(command, &mut words, wire, &mut answer);
            }
        } else {
            self.command(first, &mut words, wire, &mut answer);
        }
        answer.truncate(PACKET_SIZE);
        answer
    }

    /// NRST goes with the client that holds it.
    pub(super) fn release<W: Wire + ?Sized>(&mut self, wire: &mut W) {
        self.pins.set(NRESET, NRESET, wire);
    }

    fn command<W: Wire + ?Sized>(&mut self, command: u8, words: &mut Words<'_>, wire: &mut W, answer: &mut Vec<u8>) {
        answer.push(command);
        match command {
            id::INFO => {
                let info = info(words.byte());
                answer.push(info.len() as u8);
                answer.extend(info);
            }
            id::HOST_STATUS => {
                words.half();
                answer.push(OK);
            }
            // Port 0 leaves the choice to the probe; JTAG there is not.
            id::CONNECT => answer.push(if words.byte() <= PORT_SWD { PORT_SWD } else { 0 }),
            id::DISCONNECT => {
                self.release(wire);
                answer.push(OK);
            }
            id::TRANSFER_CONFIGURE => {
                self.link.configure(words.byte(), words.half());
                words.half();
                answer.push(OK);
            }
            id::TRANSFER => self.link.transfer(words, wire, answer),
            id::TRANSFER_BLOCK => self.link.block(words, wire, answer),
            id::TRANSFER_ABORT => {}
            id::WRITE_ABORT => {
                words.byte();
                self.link.abort(words.word(), wire);
                answer.push(OK);
            }
            id::DELAY => {
                wire.wait(Duration::from_micros(words.half().into()));
                answer.push(OK);
            }
            // There is no reset sequence for this device.
            id::RESET_TARGET => answer.extend([OK, 0]),
            id::SWJ_PINS => {
                let (levels, selected) = (words.byte(), words.byte());
                self.pins.set(levels, selected, wire);
                wire.wait(Duration::from_micros(words.word().min(LONGEST_DELAY_US).into()));
                answer.push(self.pins.levels);
            }
            id::SWJ_CLOCK => {
                words.word();
                answer.push(OK);
            }
            id::SWJ_SEQUENCE => {
                let count = match words.byte() {
                    0 => 256,
                    count => count.into(),
                };
                words.bits(count).for_each(|(bits, count)| wire.shift_out(bits, count));
                answer.push(OK);
            }
            // Turnaround of one clock and no data phase after WAIT or FAULT: the one setting of SWD version 2 in use.
            id::SWD_CONFIGURE => answer.push(if words.byte() == 0 { OK } else { ERROR }),
            id::SWD_SEQUENCE => sequence(words, wire, answer),
            _ => {
                answer.pop();
                answer.push(id::INVALID);
                *words = Words(&[]);
            }
        }
    }
}

/// What DAP_Info tells.
fn info(what: u8) -> Vec<u8> {
    match what {
        0x01 => b"provost\0".to_vec(),
        0x02 => b"virtual STM32H5 CMSIS-DAP\0".to_vec(),
        0x04 => b"2.1.1\0".to_vec(),
        // SWD, and no more.
        0xF0 => vec![1],
        0xFE => vec![PACKET_COUNT],
        0xFF => (PACKET_SIZE as u16).to_le_bytes().to_vec(),
        _ => Vec::new(),
    }
}

/// DAP_SWD_Sequence: bits out and in, as often as asked.
fn sequence<W: Wire + ?Sized>(words: &mut Words<'_>, wire: &mut W, answer: &mut Vec<u8>) {
    answer.push(OK);
    for _ in 0..words.byte() {
        let head = words.byte();
        let count = match head & 0x3F {
            0 => 64,
            count => u32::from(count),
        };
        if head & 0x80 == 0 {
            words.bits(count).for_each(|(bits, count)| wire.shift_out(bits, count));
        } else {
            let bits = wire.shift_in(count).to_le_bytes();
            answer.extend(bits.iter().take(count.div_ceil(8) as usize));
        }
    }
}

impl Pins {
    fn set<W: Wire + ?Sized>(&mut self, levels: u8, selected: u8, wire: &mut W) {
        let before = self.levels;
        self.levels = before & !selected | levels & selected & (SWCLK | SWDIO | NRESET);
        let changed = before ^ self.levels;
        if changed & NRESET != 0 {
            wire.set_nrst(self.levels & NRESET == 0);
        }
        if changed & self.levels & SWCLK != 0 {
            wire.clock(Some(self.levels & SWDIO != 0));
        }
    }
}
