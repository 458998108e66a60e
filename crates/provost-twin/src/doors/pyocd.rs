//! pyOCD's remote probe protocol, version 1 (pyOCD, `probe/tcp_client_probe.py`): a JSON object a line asks, one a line answers.
//!
//! pyOCD reaches the chip with `pyocd … --uid remote:127.0.0.1:PORT`. It asks for register accesses; the packets are made here.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};

use super::{
    cmsis_dap::transfer::{ACK_FAULT, ACK_WAIT, Link, READ_BUFFER},
    server::Protocol,
};
use crate::wire::{Wire, dap::Request};

const VERSION: u32 = 1;
/// A line that is longer is none. The longest that pyOCD sends are a KB of memory, word by word in decimal digits.
const LONGEST_LINE: usize = 64 * 1024;
/// Words that are read or written in one request.
const MOST_WORDS: usize = 4096;
/// The longest sequence of bits, and as a number.
const MOST_BITS: u32 = 1024;
const MOST_DIGITS: usize = 309;
/// Idle clocks after a transfer and repeats of one that is answered WAIT.
const IDLE_CLOCKS: u8 = 2;
const RETRIES: u16 = 1000;
/// A press of the reset button, in the chip's time: pyOCD's own probes do it so.
const PRESS: Duration = Duration::from_millis(100);

/// Status codes of an answer.
mod status {
    pub(super) const OK: u8 = 0;
    pub(super) const ERROR: u8 = 1;
    pub(super) const TRANSFER_ERROR: u8 = 10;
    pub(super) const TRANSFER_TIMEOUT: u8 = 11;
    pub(super) const TRANSFER_FAULT: u8 = 12;
}

/// The probe that a client sees.
#[derive(Debug)]
pub(super) struct Probe {
    /// The beginning of a line.
    line: Vec<u8>,
    /// Whether the client has said which version it speaks; before that nothing is done for it.
    met: bool,
    link: Link,
    nrst_asserted: bool,
}

impl Default for Probe {
    fn default() -> Self {
        let mut link = Link::default();
        link.configure(IDLE_CLOCKS, RETRIES);
        Self { line: Vec::new(), met: false, link, nrst_asserted: false }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    id: i64,
    request: String,
    #[serde(default)]
    arguments: Vec<Box<RawValue>>,
}

/// Why a request is not fulfilled.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    /// The acknowledgement of a transfer.
    Transfer(u8),
    /// It is not known, or not with these arguments.
    Request,
}

impl Refusal {
    const fn status(self) -> u8 {
        match self {
            Self::Transfer(ack) => match ack {
                ACK_WAIT => status::TRANSFER_TIMEOUT,
                ACK_FAULT => status::TRANSFER_FAULT,
                _ => status::TRANSFER_ERROR,
            },
            Self::Request => status::ERROR,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Transfer(_) => "the transfer was not acknowledged",
            Self::Request => "not a request of this probe",
        }
    }
}

impl<W: Wire + ?Sized> Protocol<W> for Probe {
    fn receive(&mut self, bytes: &[u8], wire: &mut W, answers: &mut Vec<u8>) -> bool {
        for &byte in bytes {
            // Whatever does not begin as an object does is something else, and is not waited for.
            if self.line.is_empty() && byte != b'{' || self.line.len() > LONGEST_LINE {
                return false;
            }
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let Ok(question) = serde_json::from_slice::<Question>(&line) else { return false };
            self.met |= question.request == "hello" && matches!(question.argument(0), Ok(VERSION));
            if !self.met {
                return false;
            }
            let answer = match self.obey(&question, wire) {
                Ok(Value::Null) => json!({ "id": question.id, "status": status::OK }),
                Ok(result) => json!({ "id": question.id, "status": status::OK, "result": result }),
                Err(refusal) => {
                    json!({ "id": question.id, "status": refusal.status(), "error": refusal.as_str() })
                }
            };
            answers.extend(answer.to_string().bytes());
            answers.push(b'\n');
        }
        true
    }

    fn release(&mut self, wire: &mut W) {
        self.set_nrst(false, wire);
    }
}

impl Question {
    /// Its argument at this place, as what it must be.
    fn argument<T: DeserializeOwned>(&self, at: usize) -> Result<T, Refusal> {
        let text = self.arguments.get(at).ok_or(Refusal::Request)?.get();
        serde_json::from_str(text).map_err(|_| Refusal::Request)
    }

    /// A register, by the address that is the first argument; banks are selected by the client.
    fn register(&self, ap: bool, read: bool) -> Result<Request, Refusal> {
        let address: u32 = self.argument(0)?;
        Ok(Request { ap, read, address: (address & 0xC) as u8 })
    }
}

impl Probe {
    fn obey<W: Wire + ?Sized>(&mut self, question: &Question, wire: &mut W) -> Result<Value, Refusal> {
        match question.request.as_str() {
            // Nothing to do for these: the chip is served as long as the door is open, and takes any clock.
            "hello" | "open" | "close" | "lock" | "unlock" | "connect" | "disconnect" | "set_clock" | "flush" => {}
            // There is no memory interface above the access ports.
            "get_memory_interface_for_ap" => {}
            "has_swo" => return Ok(json!(false)),
            "readprop" => return property(&question.argument::<String>(0)?),
            "reset" => {
                for asserted in [true, false] {
                    self.set_nrst(asserted, wire);
                    wire.wait(PRESS);
                }
            }
            "assert_reset" => self.set_nrst(question.argument(0)?, wire),
            "is_reset_asserted" => return Ok(json!(self.nrst_asserted)),
            "swj_sequence" => {
                let bits: Box<RawValue> = question.argument(1)?;
                sequence(question.argument(0)?, bits.get(), wire)?;
            }
            "read_dp" => return self.one(question.register(false, true)?, wire),
            "read_ap" => return self.one(question.register(true, true)?, wire),
            "read_ap_multiple" => {
                return self
                    .read(question.register(true, true)?, question.argument(1)?, wire)
                    .map(|words| json!(words));
            }
            "write_dp" => self.write(question.register(false, false)?, &[question.argument(1)?], wire)?,
            "write_ap" => self.write(question.register(true, false)?, &[question.argument(1)?], wire)?,
            "write_ap_multiple" => {
                self.write(question.register(true, false)?, &question.argument::<Vec<u32>>(1)?, wire)?;
            }
            _ => return Err(Refusal::Request),
        }
        Ok(Value::Null)
    }

    fn one<W: Wire + ?Sized>(&self, request: Request, wire: &mut W) -> Result<Value, Refusal> {
        self.read(request, 1, wire).map(|words| words.first().map_or(Value::Null, |word| json!(word)))
    }

    /// Reads a register so often. The word of an access port comes with the access behind it.
    fn read<W: Wire + ?Sized>(&self, request: Request, count: u16, wire: &mut W) -> Result<Vec<u32>, Refusal> {
        let mut access = |request| self.link.access(wire, request, 0).map_err(Refusal::Transfer);
        if request.ap && count > 0 {
            access(request)?;
        }
        (0..count)
            .rev()
            .take(MOST_WORDS)
            .map(|left| access(if request.ap && left == 0 { READ_BUFFER } else { request }))
            .collect()
    }

    /// Writes a register with each of these words, and asks what became of the last.
    fn write<W: Wire + ?Sized>(&self, request: Request, words: &[u32], wire: &mut W) -> Result<(), Refusal> {
        for word in words {
            self.link.access(wire, request, *word).map_err(Refusal::Transfer)?;
        }
        if request.ap {
            self.link.access(wire, READ_BUFFER, 0).map_err(Refusal::Transfer)?;
        }
        Ok(())
    }

    fn set_nrst<W: Wire + ?Sized>(&mut self, asserted: bool, wire: &mut W) {
        if asserted != self.nrst_asserted {
            wire.set_nrst(asserted);
            self.nrst_asserted = asserted;
        }
    }
}

fn property(name: &str) -> Result<Value, Refusal> {
    match name {
        "vendor_name" => Ok(json!("provost")),
        "product_name" => Ok(json!("virtual STM32H5")),
        "supported_wire_protocols" => Ok(json!(["DEFAULT", "SWD"])),
        "wire_protocol" => Ok(json!("SWD")),
        "capabilities" => Ok(json!(["SWJ_SEQUENCE"])),
        _ => Err(Refusal::Request),
    }
}

/// Drives so many bits of a number, lowest first. The selection alert of a dormant port has 136 of them, more than any number here.
fn sequence<W: Wire + ?Sized>(count: u32, number: &str, wire: &mut W) -> Result<(), Refusal> {
    if count > MOST_BITS || number.len() > MOST_DIGITS {
        return Err(Refusal::Request);
    }
    let mut bytes: Vec<u8> = Vec::new();
    for digit in number.bytes() {
        let mut carry = u32::from(digit.checked_sub(b'0').filter(|digit| *digit < 10).ok_or(Refusal::Request)?);
        for byte in &mut bytes {
            carry += u32::from(*byte) * 10;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            bytes.push(carry as u8);
        }
    }
    bytes.resize(count.div_ceil(8) as usize, 0);
    for (byte, at) in bytes.iter().zip((0..count).step_by(8)) {
        wire.shift_out((*byte).into(), (count - at).min(8));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::faults::Stats;

    /// Keeps the bits that are driven.
    #[derive(Default)]
    struct Listener(Vec<bool>);

    impl Wire for Listener {
        fn clock(&mut self, host: Option<bool>) -> Option<bool> {
            self.0.extend(host);
            None
        }

        fn set_nrst(&mut self, _: bool) {}

        fn stats(&self) -> Stats {
            Stats::default()
        }
    }

    /// The selection alert of Arm IHI 0031 (ADIv5.2, B5.3.4), 128 bits, behind eight clocks of ones, as Python writes the number.
    #[test]
    fn a_sequence_longer_than_any_number_is_sent_bit_by_bit() {
        let mut wire = Listener::default();
        sequence(136, "8757030032190802792567494178692171797247", &mut wire).unwrap();
        let alert = 0x19BC_0EA2_E3DD_AFE9_8685_2D95_6209_F392_u128;
        let due = (0..8).map(|_| true).chain((0..128).map(|at| alert >> at & 1 == 1));
        assert_eq!(wire.0, due.collect::<Vec<_>>());
        assert!(sequence(12, "1e3", &mut wire).is_err());
        assert!(sequence(12, "-1", &mut wire).is_err());
        assert!(sequence(u32::MAX, "1", &mut wire).is_err());
    }
}
