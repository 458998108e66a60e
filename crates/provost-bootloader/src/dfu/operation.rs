//! What a host wants done, as steps that each end in a known state.

use std::{collections::VecDeque, time::Duration};

use super::command;
use crate::special::Special;

/// Waits for a device that is busy, in all: a sector takes 10 ms at most, the largest flash has 512 of them.
const ERASE_ALL: Duration = Duration::from_secs(30);
const WORK: Duration = Duration::from_secs(5);
/// From here on there are registers: of what a bootloader writes, the option images.
const PERIPHERALS: u32 = 0x4000_0000;

/// Something to be done with the memory or the chip.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "all of DfuSe that STM32H5 can be asked for; leaving locks it up")]
pub enum Operation {
    /// Gives the list of commands.
    Commands,
    /// Reads from an address.
    Read {
        /// From here.
        address: u32,
        /// This many bytes.
        length: u32,
    },
    /// Writes at an address; the sectors must be erased. What is accepted need not be written.
    Write {
        /// From here.
        address: u32,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Erases the sector of an address.
    EraseSector {
        /// An address in it.
        address: u32,
    },
    /// Erases the whole flash.
    EraseAll,
    /// A special command.
    Special(Special),
}

/// One step of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Bring the device to dfuIDLE.
    Settle,
    /// Download a block, and wait for its end.
    Download { block: u16, data: Vec<u8>, within: Duration },
    /// From dfuDNLOAD-IDLE or dfuUPLOAD-IDLE to dfuIDLE.
    Abort,
    /// Upload a block; `exactly` these bytes, or as many as there are.
    Upload { block: u16, length: u16, exactly: bool },
}

impl Operation {
    /// Whether the chip may reset by it: an option change and a special command do, and the device is gone then.
    pub(super) fn may_reset(&self) -> bool {
        match self {
            Self::Special(_) => true,
            Self::Write { address, .. } => (PERIPHERALS..).contains(address),
            _ => false,
        }
    }

    /// The steps, with blocks of this many bytes.
    pub(super) fn acts(&self, transfer: u16) -> VecDeque<Act> {
        let download = |data: Vec<u8>, within| Act::Download { block: 0, data, within };
        let with_address = |code: u8, address: u32| {
            let mut data = vec![code];
            data.extend(address.to_le_bytes());
            data
        };
        let set_address = |address| download(with_address(command::SET_ADDRESS, address), WORK);
        let mut acts = VecDeque::from([Act::Settle]);
        match self {
            Self::Commands => acts.extend([Act::Upload { block: 0, length: transfer, exactly: false }, Act::Abort]),
            Self::Read { address, length } => {
                // The pointer moves in steps of 65,534 blocks at most; one begins anew long before.
                for (at, part) in windows(*address, *length, transfer) {
                    acts.extend([set_address(at), Act::Abort]);
                    acts.extend(blocks(part, transfer).map(|(block, length)| Act::Upload {
                        block,
                        length,
                        exactly: true,
                    }));
                    acts.push_back(Act::Abort);
                }
            }
            Self::Write { address, data } => {
                let mut rest = data.as_slice();
                for (at, part) in windows(*address, data.len() as u32, transfer) {
                    acts.push_back(set_address(at));
                    for (block, length) in blocks(part, transfer) {
                        let (now, later) = rest.split_at(usize::from(length).min(rest.len()));
                        rest = later;
                        acts.push_back(Act::Download { block, data: now.to_vec(), within: WORK });
                    }
                    acts.push_back(Act::Abort);
                }
            }
            Self::EraseSector { address } => {
                acts.extend([download(with_address(command::ERASE, *address), WORK), Act::Abort]);
            }
            Self::EraseAll => acts.extend([download(vec![command::ERASE], ERASE_ALL), Act::Abort]),
            Self::Special(special) => {
                // The number is a single byte here, and no size follows (AN2606).
                let data = with_address(special.sub_opcode() as u8, special.operand());
                acts.extend([download(data, WORK), Act::Abort]);
            }
        }
        acts
    }
}

/// Stretches that 16 bits of block number reach, each with its first address.
fn windows(address: u32, length: u32, transfer: u16) -> impl Iterator<Item = (u32, u32)> {
    let reach = u32::from(transfer) * 0x8000;
    (0..length.div_ceil(reach)).map(move |n| (address.wrapping_add(n * reach), (length - n * reach).min(reach)))
}

/// Blocks from number 2 on: address = pointer + (number - 2) × transfer size.
fn blocks(length: u32, transfer: u16) -> impl Iterator<Item = (u16, u16)> {
    let size = u32::from(transfer);
    (0..length.div_ceil(size)).map(move |n| ((n + 2) as u16, (length - n * size).min(size) as u16))
}
