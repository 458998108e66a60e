//! The serial line of the ROM bootloader on a TCP port: bytes, and nothing around them.
//!
//! Every client begins with the byte by which the bootloader measures the bit rate, as AN3155 has it; another one ends the connection. A
//! bootloader that is awake already refuses that byte, which does no harm.

use provost_bootloader::an3155::SYNC;

use super::server::Protocol;
use crate::board::Board;

/// A client on the line.
#[derive(Debug, Default)]
pub(super) struct Line {
    greeted: bool,
}

impl Protocol<Board> for Line {
    fn receive(&mut self, bytes: &[u8], board: &mut Board, answers: &mut Vec<u8>) -> bool {
        self.greeted |= bytes.first() == Some(&SYNC);
        if self.greeted {
            answers.extend(board.serial(bytes));
        }
        self.greeted
    }

    fn release(&mut self, _: &mut Board) {}
}
