//! Loads and stores of several registers. Their addresses are multiples of four.

use crate::{
    Bus, Cpu, Width,
    bits::{bit, field},
    step::{Fault, Trap},
};

const LINK: u32 = 1 << 14;
const PROGRAM_COUNTER: u32 = 1 << 15;

impl Cpu {
    /// Stores the registers of a list from `address` on.
    fn store(&mut self, bus: &mut dyn Bus, list: u32, mut address: u32) -> Result<(), Trap> {
        check(address)?;
        for n in (0..16).filter(|n| bit(list, *n)) {
            bus.write(address, Width::Word, self.operand(n))?;
            address = address.wrapping_add(4);
        }
        Ok(())
    }

    /// Loads the registers of a list from `address` on; the base moves to `base` before, so that a load into it wins.
    fn load(&mut self, bus: &mut dyn Bus, list: u32, mut address: u32, base: Option<(u32, u32)>) -> Result<(), Trap> {
        check(address)?;
        let mut values = [0; 16];
        for n in (0..16).filter(|n| bit(list, *n)) {
            values[n as usize] = bus.read(address, Width::Word)?;
            address = address.wrapping_add(4);
        }
        if let Some((n, value)) = base {
            self.put(n, value)?;
        }
        for n in (0..15).filter(|n| bit(list, *n)) {
            self.put(n, values[n as usize])?;
        }
        if list & PROGRAM_COUNTER != 0 { self.branch_exchange(values[15], bus) } else { Ok(()) }
    }
}

const fn check(address: u32) -> Result<(), Trap> {
    if address & 3 == 0 { Ok(()) } else { Err(Trap::Fault(Fault::Unaligned)) }
}

const fn bytes(list: u32) -> u32 {
    4 * list.count_ones()
}

/// Base register, list and write-back of the 32-bit instructions.
fn wide(opcode: u32) -> Result<(u32, u32, bool), Trap> {
    let (n, list, back) = (field(opcode, 16, 4), field(opcode, 0, 16), bit(opcode, 21));
    if n == 15 || list & 1 << 13 != 0 || list.count_ones() < 2 {
        return Err(Fault::Undefined.into());
    }
    Ok((n, list, back))
}

/// Stores below the base, and moves it there if it is written back; a stack that would pass its limit is not written.
fn push_from(cpu: &mut Cpu, bus: &mut dyn Bus, n: u32, list: u32, back: bool) -> Result<(), Trap> {
    let address = cpu.operand(n).wrapping_sub(bytes(list));
    let before = cpu.clone();
    if back {
        cpu.put(n, address)?;
    }
    let after = core::mem::replace(cpu, before);
    cpu.store(bus, list, address)?;
    *cpu = after;
    Ok(())
}

/// PUSH.
pub(crate) fn push(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let list = field(opcode, 0, 8) | if bit(opcode, 8) { LINK } else { 0 };
    push_from(cpu, bus, 13, list, true)
}

/// POP.
pub(crate) fn pop(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let list = field(opcode, 0, 8) | if bit(opcode, 8) { PROGRAM_COUNTER } else { 0 };
    let sp = cpu.operand(13);
    cpu.load(bus, list, sp, Some((13, sp.wrapping_add(bytes(list)))))
}

/// STM, low registers.
pub(crate) fn store_low(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (n, list) = (field(opcode, 8, 3), field(opcode, 0, 8));
    let address = cpu.operand(n);
    cpu.store(bus, list, address)?;
    cpu.put(n, address.wrapping_add(bytes(list)))
}

/// LDM, low registers: the base moves unless it is loaded.
pub(crate) fn load_low(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (n, list) = (field(opcode, 8, 3), field(opcode, 0, 8));
    let address = cpu.operand(n);
    cpu.load(bus, list, address, Some((n, address.wrapping_add(bytes(list)))))
}

/// STM.
pub(crate) fn store_after(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (n, list, back) = wide(opcode)?;
    let address = cpu.operand(n);
    cpu.store(bus, list, address)?;
    if back { cpu.put(n, address.wrapping_add(bytes(list))) } else { Ok(()) }
}

/// LDM, and POP of 32 bits.
pub(crate) fn load_after(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (n, list, back) = wide(opcode)?;
    let address = cpu.operand(n);
    cpu.load(bus, list, address, back.then(|| (n, address.wrapping_add(bytes(list)))))
}

/// STMDB, and PUSH of 32 bits.
pub(crate) fn store_before(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (n, list, back) = wide(opcode)?;
    push_from(cpu, bus, n, list, back)
}

/// LDMDB.
pub(crate) fn load_before(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (n, list, back) = wide(opcode)?;
    let address = cpu.operand(n).wrapping_sub(bytes(list));
    cpu.load(bus, list, address, back.then_some((n, address)))
}
