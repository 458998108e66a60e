//! The device's end, byte by byte, as ST's open bootloader does it (stm32-mw-openbl, `openbl_usart_cmd.c`).

use super::{ACK, LARGEST_SPECIAL, NACK, SYNC, checksum, opcode};
use crate::{
    memory::{After, Device, Erase, SpecialAnswer},
    special::Special,
};

/// What the next bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expects {
    Sync,
    Command,
    Address(u8),
    ReadLength {
        address: u32,
    },
    WriteLength {
        address: u32,
    },
    WriteData {
        address: u32,
        length: usize,
    },
    EraseCount,
    EraseSectors {
        count: usize,
    },
    SubOpcode {
        extended: bool,
    },
    SpecialLength {
        sub_opcode: u16,
    },
    SpecialData {
        sub_opcode: u16,
        length: usize,
    },
    /// The core has locked up.
    Nothing,
}

impl Expects {
    /// How many bytes make a whole frame.
    const fn bytes(self) -> usize {
        match self {
            Self::Sync | Self::WriteLength { .. } | Self::Nothing => 1,
            Self::Command | Self::ReadLength { .. } | Self::EraseCount | Self::SpecialLength { .. } => 2,
            Self::SubOpcode { .. } => 3,
            Self::Address(_) => 5,
            // Behind the length byte, which counts for the checksum.
            Self::WriteData { length, .. } => 1 + length + 1,
            Self::EraseSectors { count } => 2 + 2 * count + 1,
            Self::SpecialData { length, .. } => 2 + length + 1,
        }
    }
}

/// A bootloader at the end of a serial line, from the moment it begins to run.
///
/// It holds no more than one frame, and knows nothing of time.
#[derive(Debug)]
pub struct Target {
    expects: Expects,
    frame: Vec<u8>,
}

impl Default for Target {
    fn default() -> Self {
        Self { expects: Expects::Sync, frame: Vec::new() }
    }
}

impl Target {
    /// Takes bytes from the line; returns what the device says, and what it did to itself.
    ///
    /// What follows a reset or a lock-up in `bytes` is lost: nobody listens.
    pub fn receive(&mut self, bytes: &[u8], device: &mut dyn Device) -> (Vec<u8>, After) {
        let mut said = Vec::new();
        for byte in bytes {
            if self.expects == Expects::Nothing {
                break;
            }
            self.frame.push(*byte);
            if self.frame.len() < self.expects.bytes() {
                continue;
            }
            let (expects, after) = self.frame_complete(device, &mut said);
            // These frames go on in the next step.
            let continues = matches!(
                expects,
                Expects::WriteData { .. } | Expects::EraseSectors { .. } | Expects::SpecialData { .. }
            );
            if !continues {
                self.frame.clear();
            }
            self.expects = expects;
            match after {
                After::Stays => {}
                After::Resets { .. } => {
                    *self = Self::default();
                    return (said, after);
                }
                After::LocksUp => {
                    self.expects = Expects::Nothing;
                    return (said, after);
                }
            }
        }
        (said, After::Stays)
    }

    fn frame_complete(&self, device: &mut dyn Device, said: &mut Vec<u8>) -> (Expects, After) {
        let frame = self.frame.as_slice();
        let intact = checksum(frame) == 0;
        let command = (Expects::Command, After::Stays);
        match (self.expects, frame) {
            // Any other byte is a bit rate that nobody speaks.
            (Expects::Sync, [SYNC]) => {
                said.push(ACK);
                command
            }
            (Expects::Sync | Expects::Nothing, _) => (self.expects, After::Stays),
            (Expects::Command, [code, complement]) if *code == !*complement => {
                (Self::command(*code, device, said), After::Stays)
            }
            (Expects::Address(code), [a, b, c, d, _]) if intact => {
                let address = u32::from_be_bytes([*a, *b, *c, *d]);
                if !device.knows(address) {
                    said.push(NACK);
                    return command;
                }
                said.push(ACK);
                match code {
                    opcode::READ => (Expects::ReadLength { address }, After::Stays),
                    opcode::WRITE => (Expects::WriteLength { address }, After::Stays),
                    _ => (Expects::Command, device.go(address)),
                }
            }
            (Expects::ReadLength { address }, [count, complement]) if *count == !*complement => {
                match device.read(address, usize::from(*count) + 1) {
                    Some(bytes) => {
                        said.push(ACK);
                        said.extend(bytes);
                    }
                    None => said.push(NACK),
                }
                command
            }
            (Expects::WriteLength { address }, [count]) => {
                (Expects::WriteData { address, length: usize::from(*count) + 1 }, After::Stays)
            }
            (Expects::WriteData { address, .. }, [_, data @ .., _]) if intact => {
                let after = device.write(address, data);
                if !matches!(after, After::Resets { acknowledged: false }) {
                    said.push(ACK);
                }
                (Expects::Command, after)
            }
            (Expects::EraseCount, [high, low]) => {
                let count = usize::from(u16::from_be_bytes([*high, *low]));
                // From 0xFFF0 on it is a word with a meaning of its own, and nothing but the checksum follows.
                (Expects::EraseSectors { count: if count >= 0xFFF0 { 0 } else { count + 1 } }, After::Stays)
            }
            (Expects::EraseSectors { .. }, [high, low, sectors @ .., _]) if intact => {
                let words = sectors.chunks_exact(2).filter_map(|c| c.try_into().ok().map(u16::from_be_bytes));
                let what = match u16::from_be_bytes([*high, *low]) {
                    0xFFFF => Some(Erase::All),
                    0xFFFE => Some(Erase::Bank1),
                    0xFFFD => Some(Erase::Bank2),
                    0xFFF0.. => None,
                    _ => Some(Erase::Sectors(words.collect())),
                };
                let done = what.is_some_and(|what| device.erase(&what));
                said.push(if done { ACK } else { NACK });
                command
            }
            (Expects::SubOpcode { extended }, [high, low, _]) if intact => {
                let sub_opcode = u16::from_be_bytes([*high, *low]);
                // No extended command of STM32H5 is known.
                if Special::knows(sub_opcode) && !extended {
                    said.push(ACK);
                    (Expects::SpecialLength { sub_opcode }, After::Stays)
                } else {
                    said.push(NACK);
                    command
                }
            }
            (Expects::SpecialLength { sub_opcode }, [high, low]) => {
                match usize::from(u16::from_be_bytes([*high, *low])) {
                    length @ 0..=LARGEST_SPECIAL => (Expects::SpecialData { sub_opcode, length }, After::Stays),
                    _ => {
                        said.push(NACK);
                        command
                    }
                }
            }
            (Expects::SpecialData { sub_opcode, .. }, [_, _, data @ .., _]) if intact => {
                said.push(ACK);
                let after = Self::special(sub_opcode, data, device, said);
                (Expects::Command, after)
            }
            _ => {
                said.push(NACK);
                command
            }
        }
    }

    fn command(code: u8, device: &dyn Device, said: &mut Vec<u8>) -> Expects {
        let memory = matches!(
            code,
            opcode::READ | opcode::WRITE | opcode::GO | opcode::ERASE | opcode::WRITE_PROTECT | opcode::WRITE_UNPROTECT
        );
        let opcodes = device.opcodes();
        if !opcodes.contains(&code) || (memory && !device.serves_memory()) {
            said.push(NACK);
            return Expects::Command;
        }
        let expects = match code {
            opcode::GET => {
                said.extend([ACK, opcodes.len() as u8, device.version()]);
                said.extend(&opcodes);
                Expects::Command
            }
            opcode::GET_VERSION => {
                said.extend([ACK, device.version(), 0, 0]);
                Expects::Command
            }
            opcode::GET_ID => {
                said.extend([ACK, 1]);
                said.extend(device.id().to_be_bytes());
                Expects::Command
            }
            opcode::READ | opcode::WRITE | opcode::GO => Expects::Address(code),
            opcode::ERASE => Expects::EraseCount,
            opcode::SPECIAL => Expects::SubOpcode { extended: false },
            opcode::EXTENDED_SPECIAL => Expects::SubOpcode { extended: true },
            // Listed, and not modelled: write protection goes by the option image.
            _ => {
                said.push(NACK);
                return Expects::Command;
            }
        };
        said.push(ACK);
        expects
    }

    fn special(sub_opcode: u16, data: &[u8], device: &mut dyn Device, said: &mut Vec<u8>) -> After {
        let operand = <[u8; 4]>::try_from(data).map(u32::from_be_bytes);
        let command = operand.ok().and_then(|operand| Special::decode(sub_opcode, operand));
        let refused = || SpecialAnswer { status: vec![1], ..SpecialAnswer::default() };
        let answer = command.map_or_else(refused, |command| device.special(command));
        // An operation that resets the chip says its last word first (ST's open bootloader).
        if !matches!(answer.after, After::Resets { acknowledged: false }) {
            for part in [answer.data, answer.status] {
                said.extend((part.len() as u16).to_be_bytes());
                said.extend(part);
            }
            said.push(ACK);
        }
        answer.after
    }
}
