//! Code as the virtual chip's core executes it: from any state it executes or faults, and each step ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provost_fuzz::frugally;
use provost_thumb::{Bus, BusFault, Cpu, Step, Width};

const STEPS: usize = 2000;
const START: u32 = 0x100;

/// Memory from address 0 on, which begins with the input; nothing behind it.
struct Memory([u8; 0x2000]);

impl Memory {
    fn place(&mut self, address: u32, width: Width) -> Result<&mut [u8], BusFault> {
        assert!(address.is_multiple_of(width.bytes()), "{address:#x}");
        let at = address as usize;
        self.0.get_mut(at..at.saturating_add(width.bytes() as usize)).ok_or(BusFault)
    }
}

impl Bus for Memory {
    fn read(&mut self, address: u32, width: Width) -> Result<u32, BusFault> {
        let bytes = self.place(address, width)?;
        Ok(bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)))
    }

    fn write(&mut self, address: u32, width: Width, value: u32) -> Result<(), BusFault> {
        let bytes = value.to_le_bytes();
        self.place(address, width)?.copy_from_slice(&bytes[..width.bytes() as usize]);
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let mut memory = Memory([0; 0x2000]);
    let length = data.len().min(memory.0.len());
    memory.0[..length].copy_from_slice(&data[..length]);
    let mut cpu = Cpu::reset([0x1800, START | 1]);
    frugally(data.len(), 0, 0, || {
        for _ in 0..STEPS {
            match cpu.step(&mut memory) {
                Step::Executed => {}
                Step::Breakpoint => cpu.set_register(15, cpu.pc().wrapping_add(2)),
                Step::Idle | Step::LockedUp => break,
            }
            assert!(cpu.pc() & 1 == 0 && cpu.stacks().iter().all(|sp| sp & 3 == 0));
        }
    });
});
