//! Branches.

use crate::{
    Bus, Cpu, Width,
    bits::{bit, field, sign_extend},
    step::{Fault, Trap},
};

impl Cpu {
    fn branch_by(&mut self, offset: u32) -> Result<(), Trap> {
        self.pc = self.current.wrapping_add(4).wrapping_add(offset);
        Ok(())
    }

    /// LR gets the address behind this instruction.
    fn link(&mut self) {
        self.r[14] = self.pc | 1;
    }
}

/// BX, BLX.
pub(crate) fn exchange(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let target = cpu.operand(field(opcode, 3, 4));
    if bit(opcode, 7) {
        cpu.link();
        (cpu.pc, cpu.thumb) = (target & !1, target & 1 == 1);
        return Ok(());
    }
    cpu.branch_exchange(target, bus)
}

/// BXNS, BLXNS: there is no other world, so the branch stays in this one, and in Thumb.
pub(crate) fn exchange_non_secure(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let target = cpu.operand(field(opcode, 3, 4));
    if bit(opcode, 7) {
        cpu.link();
    }
    cpu.pc = target & !1;
    Ok(())
}

/// CBZ, CBNZ.
pub(crate) fn compare_with_zero(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let zero = cpu.operand(field(opcode, 0, 3)) == 0;
    if zero == bit(opcode, 11) {
        return Ok(());
    }
    cpu.branch_by(field(opcode, 9, 1) << 6 | field(opcode, 3, 5) << 1)
}

/// B with a condition, 16 bits.
pub(crate) fn conditional(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    if !cpu.holds(field(opcode, 8, 4)) {
        return Ok(());
    }
    cpu.branch_by(sign_extend(field(opcode, 0, 8) << 1, 9))
}

/// B, 16 bits.
pub(crate) fn unconditional(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    cpu.branch_by(sign_extend(field(opcode, 0, 11) << 1, 12))
}

/// B with a condition, 32 bits.
pub(crate) fn conditional_wide(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let condition = field(opcode, 22, 4);
    if condition >= 0b1110 {
        return Err(Fault::Undefined.into());
    }
    if !cpu.holds(condition) {
        return Ok(());
    }
    let high = field(opcode, 26, 1) << 19 | field(opcode, 11, 1) << 18 | field(opcode, 13, 1) << 17;
    cpu.branch_by(sign_extend((high | field(opcode, 16, 6) << 11 | field(opcode, 0, 11)) << 1, 21))
}

/// The offset of B and BL, 32 bits: I1 and I2 are J1 and J2, turned over where the sign is 0.
const fn far(opcode: u32) -> u32 {
    let sign = field(opcode, 26, 1);
    let (i1, i2) = (1 ^ field(opcode, 13, 1) ^ sign, 1 ^ field(opcode, 11, 1) ^ sign);
    let halves = sign << 23 | i1 << 22 | i2 << 21 | field(opcode, 16, 10) << 11 | field(opcode, 0, 11);
    sign_extend(halves << 1, 25)
}

/// B, 32 bits.
pub(crate) fn unconditional_wide(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    cpu.branch_by(far(opcode))
}

/// BL.
pub(crate) fn with_link(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    cpu.link();
    cpu.branch_by(far(opcode))
}

/// TBB, TBH.
pub(crate) fn table(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (base, index) = (cpu.operand(field(opcode, 16, 4)), cpu.operand(field(opcode, 0, 4)));
    let halves = if bit(opcode, 4) {
        let address = base.wrapping_add(index << 1);
        if address & 1 == 1 {
            return Err(Fault::Unaligned.into());
        }
        bus.read(address, Width::Half)?
    } else {
        bus.read(base.wrapping_add(index), Width::Byte)?
    };
    cpu.branch_by(2 * halves)
}
