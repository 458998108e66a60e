//! The commands, each a value with its own reply.

use std::time::Duration;

use super::{
    FLASH_ALIGNMENT, HostError, LARGEST_EXTENDED, LARGEST_SPECIAL, LARGEST_TRANSFER, Phase, SYNC,
    exchange::{Script, Silence, Turn, Wait},
    opcode, with_checksum,
};
use crate::{memory::Erase, special::Special};

/// How long the device may think about a frame. Its own work on one is below 10 ms; the rest is for converters and virtual machines.
const ANSWER: Duration = Duration::from_secs(1);
/// How long to wait for an answer to the first byte before it is sent again.
const SYNC_ANSWER: Duration = Duration::from_millis(250);
const SYNC_REPEATS: u8 = 4;
/// Erasing one sector takes 10 ms at most (data sheets), a bank or everything as many as there are: 512 on the largest part.
const ERASE_SECTOR: Duration = Duration::from_millis(10);
const ERASE_BANK: Duration = Duration::from_secs(10);
/// What a special command may take; one that resets the chip may never answer.
const SPECIAL: Duration = Duration::from_secs(2);
/// Where the user flash and OTP lie, on every part.
const FLASH: std::ops::Range<u32> = 0x0800_0000..0x0900_0000;

/// A command of the protocol.
pub trait Command {
    /// What it is answered with.
    type Reply;

    /// What is said and heard.
    ///
    /// # Errors
    /// The protocol cannot carry its arguments.
    fn script(&self) -> Result<Script, HostError>;

    /// Its reply, of the bytes in the answer.
    ///
    /// # Errors
    /// They have the wrong length.
    fn reply(&self, parts: Vec<Vec<u8>>) -> Result<Self::Reply, HostError>;
}

fn turn(phase: Phase, send: Vec<u8>, waits: &[Wait]) -> Turn {
    Turn { phase, send, waits: waits.to_vec(), within: ANSWER, silence: Silence::Fails }
}

fn begin(opcode: u8, waits: &[Wait]) -> Turn {
    turn(Phase::Opcode, vec![opcode, !opcode], waits)
}

fn address(address: u32) -> Turn {
    turn(Phase::Address, with_checksum(address.to_be_bytes().to_vec()), &[Wait::Ack])
}

fn within(limit: usize, length: usize, command: &'static str) -> Result<(), HostError> {
    if (1..=limit).contains(&length) { Ok(()) } else { Err(HostError::TooMuch { command, length, allowed: limit }) }
}

/// The one part of an answer; it has exactly this many bytes, or the device is another one than it says.
fn only<const N: usize>(command: &'static str, parts: &[Vec<u8>]) -> Result<[u8; N], HostError> {
    let part = parts.first().map_or(&[][..], Vec::as_slice);
    part.try_into().map_err(|_| HostError::Length { command, found: part.len(), allowed: N })
}

/// Wakes the bootloader and lets it measure the bit rate. One that is awake already refuses the byte, which is as good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it has no arguments")]
pub struct Sync;

impl Command for Sync {
    type Reply = ();

    fn script(&self) -> Result<Script, HostError> {
        let sync = Turn {
            within: SYNC_ANSWER,
            silence: Silence::Repeats(SYNC_REPEATS),
            ..turn(Phase::Sync, vec![SYNC], &[Wait::Any])
        };
        Ok(Script { name: "sync", turns: vec![sync] })
    }

    fn reply(&self, _parts: Vec<Vec<u8>>) -> Result<(), HostError> {
        Ok(())
    }
}

/// What a bootloader says that it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Version of the protocol: 0x40 is V4.0.
    pub version: u8,
    /// Opcodes.
    pub opcodes: Vec<u8>,
}

impl Capabilities {
    /// Nothing is assumed: a command that is not listed is not sent.
    ///
    /// # Errors
    /// [`HostError::NotServed`].
    pub fn require(&self, command: &'static str, opcode: u8) -> Result<(), HostError> {
        if self.opcodes.contains(&opcode) { Ok(()) } else { Err(HostError::NotServed { command, opcode }) }
    }
}

/// Asks what is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it has no arguments")]
pub struct Get;

impl Command for Get {
    type Reply = Capabilities;

    fn script(&self) -> Result<Script, HostError> {
        Ok(Script { name: "Get", turns: vec![begin(opcode::GET, &[Wait::Ack, Wait::Counted, Wait::Ack])] })
    }

    fn reply(&self, parts: Vec<Vec<u8>>) -> Result<Capabilities, HostError> {
        let bytes = parts.into_iter().next().unwrap_or_default();
        match bytes.split_first() {
            Some((version, opcodes)) => Ok(Capabilities { version: *version, opcodes: opcodes.to_vec() }),
            None => Err(HostError::Length { command: "Get", found: 0, allowed: LARGEST_TRANSFER }),
        }
    }
}

/// Asks for the version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it has no arguments")]
pub struct GetVersion;

impl Command for GetVersion {
    type Reply = u8;

    fn script(&self) -> Result<Script, HostError> {
        let waits = [Wait::Ack, Wait::Bytes(3), Wait::Ack];
        Ok(Script { name: "Get Version", turns: vec![begin(opcode::GET_VERSION, &waits)] })
    }

    fn reply(&self, parts: Vec<Vec<u8>>) -> Result<u8, HostError> {
        // The two bytes behind it were option bytes of older families.
        only::<3>("Get Version", &parts).map(|[version, ..]| version)
    }
}

/// Asks for the device id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it has no arguments")]
pub struct GetId;

impl Command for GetId {
    type Reply = u16;

    fn script(&self) -> Result<Script, HostError> {
        Ok(Script { name: "Get ID", turns: vec![begin(opcode::GET_ID, &[Wait::Ack, Wait::Counted, Wait::Ack])] })
    }

    fn reply(&self, parts: Vec<Vec<u8>>) -> Result<u16, HostError> {
        only("Get ID", &parts).map(u16::from_be_bytes)
    }
}

/// Reads memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the protocol")]
pub struct Read {
    /// From here.
    pub address: u32,
    /// This many bytes: 1 to [`LARGEST_TRANSFER`].
    pub length: usize,
}

impl Command for Read {
    type Reply = Vec<u8>;

    fn script(&self) -> Result<Script, HostError> {
        within(LARGEST_TRANSFER, self.length, "Read Memory")?;
        let count = (self.length - 1) as u8;
        let length = turn(Phase::Length, vec![count, !count], &[Wait::Ack, Wait::Bytes(self.length)]);
        Ok(Script {
            name: "Read Memory",
            turns: vec![begin(opcode::READ, &[Wait::Ack]), address(self.address), length],
        })
    }

    fn reply(&self, parts: Vec<Vec<u8>>) -> Result<Vec<u8>, HostError> {
        Ok(parts.into_iter().next().unwrap_or_default())
    }
}

/// Writes memory: into flash whole quad-words only. What is acknowledged need not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the protocol")]
pub struct Write<'a> {
    /// From here.
    pub address: u32,
    /// 1 to [`LARGEST_TRANSFER`] bytes.
    pub data: &'a [u8],
}

impl Command for Write<'_> {
    type Reply = ();

    fn script(&self) -> Result<Script, HostError> {
        let length = self.data.len();
        within(LARGEST_TRANSFER, length, "Write Memory")?;
        let whole = self.address.is_multiple_of(FLASH_ALIGNMENT) && length.is_multiple_of(FLASH_ALIGNMENT as usize);
        if FLASH.contains(&self.address) && !whole {
            return Err(HostError::Unaligned { address: self.address, length });
        }
        let mut frame = vec![(length - 1) as u8];
        frame.extend(self.data);
        let data = turn(Phase::Data, with_checksum(frame), &[Wait::Ack]);
        Ok(Script {
            name: "Write Memory",
            turns: vec![begin(opcode::WRITE, &[Wait::Ack]), address(self.address), data],
        })
    }

    fn reply(&self, _parts: Vec<Vec<u8>>) -> Result<(), HostError> {
        Ok(())
    }
}

/// Erases flash. A sector that could not be erased is acknowledged all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the protocol")]
pub struct EraseFlash<'a>(pub &'a Erase);

impl Command for EraseFlash<'_> {
    type Reply = ();

    fn script(&self) -> Result<Script, HostError> {
        // Above this the number of sectors would read as one of the words below.
        const MOST: usize = 0xFFF0;
        let (frame, time) = match self.0 {
            Erase::All => (vec![0xFF, 0xFF], 2 * ERASE_BANK),
            Erase::Bank1 => (vec![0xFF, 0xFE], ERASE_BANK),
            Erase::Bank2 => (vec![0xFF, 0xFD], ERASE_BANK),
            Erase::Sectors(sectors) => {
                within(MOST, sectors.len(), "Extended Erase")?;
                let count = (sectors.len() - 1) as u16;
                let words = [count].into_iter().chain(sectors.iter().copied());
                (words.flat_map(u16::to_be_bytes).collect(), ERASE_SECTOR * sectors.len() as u32)
            }
        };
        let erase = Turn { within: ANSWER + time, ..turn(Phase::Data, with_checksum(frame), &[Wait::Ack]) };
        Ok(Script { name: "Extended Erase", turns: vec![begin(opcode::ERASE, &[Wait::Ack]), erase] })
    }

    fn reply(&self, _parts: Vec<Vec<u8>>) -> Result<(), HostError> {
        Ok(())
    }
}

/// What a special command was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecialReply {
    /// It answered.
    Answered {
        /// Its data: the error code of a failed provisioning.
        data: Vec<u8>,
        /// Its status: one byte, 0 for success.
        status: Vec<u8>,
    },
    /// It took the command and was not heard of again: a chip that resets may cut off its answer. Look what it did.
    Silent,
}

impl SpecialReply {
    fn new(parts: Vec<Vec<u8>>, has_data: bool) -> Self {
        let mut parts = parts.into_iter();
        let data = if has_data { parts.next() } else { Some(Vec::new()) };
        match data.zip(parts.next()) {
            Some((data, status)) => Self::Answered { data, status },
            None => Self::Silent,
        }
    }
}

fn special_head(opcode: u8, sub_opcode: u16) -> [Turn; 2] {
    [
        begin(opcode, &[Wait::Ack]),
        turn(Phase::SubOpcode, with_checksum(sub_opcode.to_be_bytes().to_vec()), &[Wait::Ack]),
    ]
}

fn sized(data: &[u8]) -> Turn {
    let mut frame = (data.len() as u16).to_be_bytes().to_vec();
    frame.extend(data);
    turn(Phase::Data, with_checksum(frame), &[Wait::Ack])
}

fn answer(waits: &[Wait]) -> Turn {
    Turn { within: SPECIAL, silence: Silence::Ends, ..turn(Phase::Answer, Vec::new(), waits) }
}

/// Carries out a special command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the protocol")]
pub struct SpecialCommand(pub Special);

impl Command for SpecialCommand {
    type Reply = SpecialReply;

    fn script(&self) -> Result<Script, HostError> {
        let [begin, number] = special_head(opcode::SPECIAL, self.0.sub_opcode());
        let tail = answer(&[Wait::Sized(LARGEST_SPECIAL), Wait::Sized(LARGEST_SPECIAL), Wait::Ack]);
        Ok(Script { name: "Special Command", turns: vec![begin, number, sized(&self.0.operand().to_be_bytes()), tail] })
    }

    fn reply(&self, parts: Vec<Vec<u8>>) -> Result<SpecialReply, HostError> {
        Ok(SpecialReply::new(parts, true))
    }
}

/// Carries out an extended special command: none of STM32H5 is known in public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the protocol")]
pub struct ExtendedSpecialCommand<'a> {
    /// Its number.
    pub sub_opcode: u16,
    /// First part: at most [`LARGEST_SPECIAL`] bytes.
    pub first: &'a [u8],
    /// Second part: at most [`LARGEST_EXTENDED`] bytes.
    pub second: &'a [u8],
}

impl Command for ExtendedSpecialCommand<'_> {
    type Reply = SpecialReply;

    fn script(&self) -> Result<Script, HostError> {
        const NAME: &str = "Extended Special Command";
        for (data, allowed) in [(self.first, LARGEST_SPECIAL), (self.second, LARGEST_EXTENDED)] {
            if data.len() > allowed {
                return Err(HostError::TooMuch { command: NAME, length: data.len(), allowed });
            }
        }
        let [begin, number] = special_head(opcode::EXTENDED_SPECIAL, self.sub_opcode);
        let tail = answer(&[Wait::Sized(LARGEST_SPECIAL), Wait::Ack]);
        Ok(Script { name: NAME, turns: vec![begin, number, sized(self.first), sized(self.second), tail] })
    }

    fn reply(&self, parts: Vec<Vec<u8>>) -> Result<SpecialReply, HostError> {
        Ok(SpecialReply::new(parts, false))
    }
}
