//! A small board: code at 0x10000000, data at 0x38000000, as the programs expect it.

use provost_thumb::{Bus, BusFault, Cpu, Width};

pub(crate) const CODE: u32 = 0x1000_0000;
const VTOR: u32 = 0xE000_ED08;
pub(crate) const DATA: u32 = 0x3800_0000;

pub(crate) struct Board {
    code: Vec<u8>,
    data: Vec<u8>,
}

impl Board {
    pub(crate) fn new(program: &[u8]) -> Self {
        let mut code = program.to_vec();
        code.resize(0x1_0000, 0);
        Self { code, data: vec![0; 0x1_0000] }
    }

    /// A board with a program, and its core after a reset.
    pub(crate) fn boot(program: &[u8]) -> (Self, Cpu) {
        let mut board = Self::new(program);
        let vectors = [0, 4].map(|at| board.read(CODE + at, Width::Word).unwrap());
        (board, Cpu::reset(vectors))
    }

    fn place(&mut self, address: u32, width: Width) -> Option<&mut [u8]> {
        let (memory, base) = match address >> 24 {
            0x10 => (&mut self.code, CODE),
            0x38 => (&mut self.data, DATA),
            _ => return None,
        };
        let at = (address - base) as usize;
        memory.get_mut(at..at + width.bytes() as usize)
    }
}

impl Bus for Board {
    fn read(&mut self, address: u32, width: Width) -> Result<u32, BusFault> {
        assert!(address.is_multiple_of(width.bytes()), "{address:#x}");
        if address == VTOR {
            return Ok(CODE);
        }
        let bytes = self.place(address, width).ok_or(BusFault)?;
        Ok(bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)))
    }

    fn write(&mut self, address: u32, width: Width, value: u32) -> Result<(), BusFault> {
        assert!(address.is_multiple_of(width.bytes()), "{address:#x}");
        let bytes = self.place(address, width).ok_or(BusFault)?;
        bytes.copy_from_slice(&value.to_le_bytes()[..width.bytes() as usize]);
        Ok(())
    }
}
