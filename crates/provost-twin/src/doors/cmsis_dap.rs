//! CMSIS-DAP (Arm, version 2.1) in the frames of OpenOCD's `cmsis-dap backend tcp`: eight bytes of header (the letters "DAP" and a
//! zero, length, type, a reserved byte), then a packet as it would go over USB.

mod command;
pub(super) mod transfer;

use self::command::Target;
use super::server::Protocol;
use crate::wire::Wire;

const SIGNATURE: [u8; 4] = *b"DAP\0";
const HEADER: usize = 8;
const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;
/// The longest packet either way, as DAP_Info says.
const PACKET_SIZE: usize = 1024;

/// The probe that a client sees.
#[derive(Debug, Default)]
pub(super) struct Probe {
    target: Target,
    /// The beginning of a frame.
    pending: Vec<u8>,
}

impl<W: Wire + ?Sized> Protocol<W> for Probe {
    fn receive(&mut self, bytes: &[u8], wire: &mut W, answers: &mut Vec<u8>) -> bool {
        self.pending.extend_from_slice(bytes);
        let mut rest = std::mem::take(&mut self.pending);
        loop {
            match frame(&rest) {
                Frame::Foreign => return false,
                Frame::Incomplete => {
                    self.pending = rest;
                    return true;
                }
                Frame::Packet(packet) => {
                    let answer = self.target.obey(packet, wire);
                    let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
                    answers.extend(SIGNATURE);
                    answers.extend(length.to_le_bytes());
                    answers.extend([RESPONSE, 0]);
                    answers.extend(answer);
                    let used = HEADER + packet.len();
                    rest.drain(..used);
                }
            }
        }
    }

    fn release(&mut self, wire: &mut W) {
        self.target.release(wire);
    }
}

enum Frame<'a> {
    Packet(&'a [u8]),
    Incomplete,
    /// Not of this protocol.
    Foreign,
}

fn frame(bytes: &[u8]) -> Frame<'_> {
    if bytes.iter().zip(SIGNATURE).any(|(byte, expected)| *byte != expected) {
        return Frame::Foreign;
    }
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else { return Frame::Incomplete };
    let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
    if header[6] != REQUEST || !(1..=PACKET_SIZE).contains(&length) {
        return Frame::Foreign;
    }
    rest.get(..length).map_or(Frame::Incomplete, Frame::Packet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_from_anything_else_at_their_first_byte() {
        assert!(matches!(frame(b"P"), Frame::Foreign));
        assert!(matches!(frame(b"DA"), Frame::Incomplete));
        assert!(matches!(frame(b"DAP\0\x02\0\x01\0\0"), Frame::Incomplete));
        assert!(matches!(frame(b"DAP\0\x02\0\x01\0\0\x04rest"), Frame::Packet([0, 4])));
        assert!(matches!(frame(b"DAP\0\x02\0\x02\0\0\x04"), Frame::Foreign), "a response");
        assert!(matches!(frame(b"DAP\0\x01\x04\x01\0"), Frame::Foreign), "too long");
        assert!(matches!(frame(b"DAP\0\0\0\x01\0"), Frame::Foreign), "empty");
    }
}
