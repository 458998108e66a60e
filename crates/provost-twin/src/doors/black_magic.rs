//! The remote protocol of Black Magic Probe (its source: `remote.h` and `remote.c`), as far as SWD needs it: frames of `!`, a command in
//! letters and hexadecimal digits, `#`; answers of `&`, a letter, digits, `#`.
//!
//! This probe moves bits and leaves registers to its client, which is what version 0 of the protocol is: asked for a newer one it says
//! that there is none. So whoever comes through this door brings an SWD encoder of its own, such as that of probe-rs.

use super::server::Protocol;
use crate::wire::Wire;

const FRAME: u8 = b'!';
const END: u8 = b'#';
/// A command that is longer is none.
const LONGEST: usize = 64;
/// What the firmware calls itself.
const NAME: &str = "Black Magic Probe (virtual STM32H5)";
/// The clock that it tells, in kHz; the chip takes any.
const SPEED_KHZ: u32 = 4000;

/// The probe that a client sees.
#[derive(Debug)]
pub(super) struct Probe {
    /// A command whose end has not come; without its `!`.
    command: Option<Vec<u8>>,
    pins: Pins,
}

#[derive(Debug)]
struct Pins {
    /// Whether SWDIO is driven.
    drives: bool,
    /// SWDIO as the target has left it at the last edge.
    level: bool,
    nrst_asserted: bool,
}

impl Default for Probe {
    fn default() -> Self {
        Self { command: None, pins: Pins { drives: true, level: true, nrst_asserted: false } }
    }
}

impl<W: Wire + ?Sized> Protocol<W> for Probe {
    fn receive(&mut self, bytes: &[u8], wire: &mut W, answers: &mut Vec<u8>) -> bool {
        bytes.iter().all(|byte| self.byte(*byte, wire, answers))
    }

    fn release(&mut self, wire: &mut W) {
        self.pins.set_nrst(false, wire);
    }
}

impl Probe {
    /// Takes one byte; false if it is none of the protocol.
    fn byte<W: Wire + ?Sized>(&mut self, byte: u8, wire: &mut W, answers: &mut Vec<u8>) -> bool {
        match (&mut self.command, byte) {
            (_, FRAME) => self.command = Some(Vec::new()),
            (Some(command), END) => {
                let answer = self.pins.obey(command, wire);
                self.command = None;
                answers.push(b'&');
                answers.extend(answer.bytes());
                answers.push(END);
            }
            (Some(command), byte) if byte.is_ascii_alphanumeric() && command.len() < LONGEST => command.push(byte),
            // Between commands a client acknowledges (`+`), pads, and ends a frame that it has not begun, to begin afresh.
            (None, b'+' | b' ' | END | b'\r' | b'\n') => {}
            (_, other) => {
                tracing::debug!(other, "not the Black Magic remote protocol");
                return false;
            }
        }
        true
    }
}

/// An answer: done, with this.
fn done(value: u64) -> String {
    format!("K{value:x}")
}

/// A parameter is not one.
fn parameter() -> String {
    "P1".to_owned()
}

impl Pins {
    fn obey<W: Wire + ?Sized>(&mut self, command: &[u8], wire: &mut W) -> String {
        let Some((kind, parameters)) = command.split_first_chunk::<2>() else { return "E1".to_owned() };
        let bits = hexadecimal(parameters.get(..2)).filter(|bits| (1..=32).contains(bits)).map(|bits| bits as u32);
        match (kind, bits) {
            (b"GA", _) => format!("K{NAME}"),
            // No level of abstraction above this one, which is version 0.
            (b"HC", _) => "E1".to_owned(),
            // Voltage, power and the output of the clock pin have nothing to switch here.
            (b"GV" | b"GP" | b"GE" | b"GF", _) => done(0),
            (b"Gf", _) => done(SPEED_KHZ.into()),
            (b"GZ", _) => match parameters {
                [level @ (b'0' | b'1')] => {
                    self.set_nrst(*level == b'1', wire);
                    done(0)
                }
                _ => parameter(),
            },
            (b"Gz", _) => done(self.nrst_asserted.into()),
            (b"SS", _) => {
                self.drives = true;
                done(0)
            }
            (b"Si", Some(count)) => done(self.shift_in(count, wire)),
            (b"SI", Some(count)) => {
                let word = self.shift_in(count, wire);
                let parity = self.shift_in(1, wire);
                if u64::from(word.count_ones() & 1) == parity { done(word) } else { format!("P{word:x}") }
            }
            (b"So" | b"SO", Some(count)) => match hexadecimal(parameters.get(2..)) {
                Some(word) => {
                    self.shift_out(word, count, wire);
                    if kind == b"SO" {
                        self.shift_out(u64::from(word.count_ones() & 1), 1, wire);
                    }
                    done(0)
                }
                None => parameter(),
            },
            (b"Si" | b"SI" | b"So" | b"SO", None) => parameter(),
            // Not implemented.
            _ => "N0".to_owned(),
        }
    }

    /// Takes or gives up SWDIO: one clock on which nobody drives.
    fn turn<W: Wire + ?Sized>(&mut self, drives: bool, wire: &mut W) {
        if drives != self.drives {
            self.level = wire.clock(None).unwrap_or(true);
            self.drives = drives;
        }
    }

    /// Samples before each edge, as the firmware does.
    fn shift_in<W: Wire + ?Sized>(&mut self, count: u32, wire: &mut W) -> u64 {
        self.turn(false, wire);
        (0..count).fold(0, |bits, at| {
            let level = std::mem::replace(&mut self.level, wire.clock(None).unwrap_or(true));
            bits | u64::from(level) << at
        })
    }

    fn shift_out<W: Wire + ?Sized>(&mut self, bits: u64, count: u32, wire: &mut W) {
        self.turn(true, wire);
        wire.shift_out(bits, count);
    }

    fn set_nrst<W: Wire + ?Sized>(&mut self, asserted: bool, wire: &mut W) {
        if asserted != self.nrst_asserted {
            wire.set_nrst(asserted);
            self.nrst_asserted = asserted;
        }
    }
}

/// The number that these digits are; none are no number.
fn hexadecimal(digits: Option<&[u8]>) -> Option<u64> {
    let text = std::str::from_utf8(digits?).ok()?;
    u64::from_str_radix(text, 16).ok()
}
