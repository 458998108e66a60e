//! Moves, arithmetic, logic, comparisons and shifts.

use crate::{
    Bus, Cpu,
    bits::{LSL, add_with_carry, bit, expand_immediate, field, shift, shift_immediate as shift_by},
    cpu::{C, V},
    step::{Fault, Trap},
};

/// Operations of the 32-bit groups, as encoded in bits 24:21.
mod op {
    pub(super) const AND: u32 = 0b0000;
    pub(super) const BIC: u32 = 0b0001;
    pub(super) const ORR: u32 = 0b0010;
    pub(super) const ORN: u32 = 0b0011;
    pub(super) const EOR: u32 = 0b0100;
    pub(super) const PKH: u32 = 0b0110;
    pub(super) const ADD: u32 = 0b1000;
    pub(super) const ADC: u32 = 0b1010;
    pub(super) const SBC: u32 = 0b1011;
    pub(super) const SUB: u32 = 0b1101;
    pub(super) const RSB: u32 = 0b1110;
}

impl Cpu {
    /// A sum; its flags, if they are wanted.
    fn sum(&mut self, x: u32, y: u32, carry: bool, flags: bool) -> u32 {
        let (result, carry, overflow) = add_with_carry(x, y, carry);
        if flags {
            self.set_nz(result);
            self.set_flag(C, carry);
            self.set_flag(V, overflow);
        }
        result
    }

    /// A result of logic with the carry of its shifter.
    const fn logic(&mut self, result: u32, carry: bool, flags: bool) -> u32 {
        if flags {
            self.set_nz(result);
            self.set_flag(C, carry);
        }
        result
    }

    /// One operation of the 32-bit groups; the second operand has gone through the shifter.
    fn compute(&mut self, operation: u32, x: u32, (y, carry): (u32, bool), flags: bool) -> Result<u32, Trap> {
        Ok(match operation {
            op::AND => self.logic(x & y, carry, flags),
            op::BIC => self.logic(x & !y, carry, flags),
            op::ORR => self.logic(x | y, carry, flags),
            op::ORN => self.logic(x | !y, carry, flags),
            op::EOR => self.logic(x ^ y, carry, flags),
            op::ADD => self.sum(x, y, false, flags),
            op::ADC => self.sum(x, y, self.carry(), flags),
            op::SBC => self.sum(x, !y, self.carry(), flags),
            op::SUB => self.sum(x, !y, true, flags),
            op::RSB => self.sum(y, !x, true, flags),
            _ => return Err(Fault::Undefined.into()),
        })
    }

    /// The 32-bit groups: Rn = 15 stands for zero in ORR and ORN (moves), Rd = 15 with flags for "compare only".
    fn wide(&mut self, opcode: u32, second: (u32, bool)) -> Result<(), Trap> {
        let (operation, flags) = (field(opcode, 21, 4), bit(opcode, 20));
        let (n, d) = (field(opcode, 16, 4), field(opcode, 8, 4));
        let x = if n == 15 && matches!(operation, op::ORR | op::ORN) { 0 } else { self.operand(n) };
        let result = self.compute(operation, x, second, flags)?;
        let compares = matches!(operation, op::AND | op::EOR | op::ADD | op::SUB);
        match d {
            15 if flags && compares => Ok(()),
            15 => Err(Fault::Undefined.into()),
            _ => self.put(d, result),
        }
    }
}

/// LSL, LSR, ASR (immediate); LSL by 0 is MOVS.
pub(crate) fn shift_immediate(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (kind, amount) = (field(opcode, 11, 2), field(opcode, 6, 5));
    let (value, carry) = shift_by(cpu.operand(field(opcode, 3, 3)), kind, amount, cpu.carry());
    let result = cpu.logic(value, carry, !cpu.conditional);
    cpu.put(field(opcode, 0, 3), result)
}

/// ADD, SUB: three registers, or two and an immediate of three bits.
pub(crate) fn add_sub_three(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let third = field(opcode, 6, 3);
    let y = if bit(opcode, 10) { third } else { cpu.operand(third) };
    let x = cpu.operand(field(opcode, 3, 3));
    let flags = !cpu.conditional;
    let result = if bit(opcode, 9) { cpu.sum(x, !y, true, flags) } else { cpu.sum(x, y, false, flags) };
    cpu.put(field(opcode, 0, 3), result)
}

/// MOV, CMP, ADD, SUB with an immediate of eight bits.
pub(crate) fn immediate_8(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (d, y, flags) = (field(opcode, 8, 3), field(opcode, 0, 8), !cpu.conditional);
    let x = cpu.operand(d);
    let result = match field(opcode, 11, 2) {
        0 => cpu.logic(y, cpu.carry(), flags),
        1 => {
            cpu.sum(x, !y, true, true);
            return Ok(());
        }
        2 => cpu.sum(x, y, false, flags),
        _ => cpu.sum(x, !y, true, flags),
    };
    cpu.put(d, result)
}

/// The sixteen operations on two low registers.
pub(crate) fn low_registers(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (m, d) = (field(opcode, 3, 3), field(opcode, 0, 3));
    let (x, y, flags, carry) = (cpu.operand(d), cpu.operand(m), !cpu.conditional, cpu.carry());
    let shifted = |kind| shift(x, kind, y & 0xFF, carry);
    let result = match field(opcode, 6, 4) {
        0b0000 => cpu.logic(x & y, carry, flags),
        0b0001 => cpu.logic(x ^ y, carry, flags),
        kind @ 0b0010..=0b0100 => {
            let (value, carry) = shifted(kind - 2);
            cpu.logic(value, carry, flags)
        }
        0b0101 => cpu.sum(x, y, carry, flags),
        0b0110 => cpu.sum(x, !y, carry, flags),
        0b0111 => {
            let (value, carry) = shifted(crate::bits::ROR);
            cpu.logic(value, carry, flags)
        }
        // TST, CMP and CMN give flags wherever they stand.
        0b1000 => {
            cpu.logic(x & y, carry, true);
            return Ok(());
        }
        0b1001 => cpu.sum(0, !y, true, flags),
        0b1010 => {
            cpu.sum(x, !y, true, true);
            return Ok(());
        }
        0b1011 => {
            cpu.sum(x, y, false, true);
            return Ok(());
        }
        0b1100 => cpu.logic(x | y, carry, flags),
        0b1101 => {
            let product = x.wrapping_mul(y);
            cpu.logic(product, carry, flags)
        }
        0b1110 => cpu.logic(x & !y, carry, flags),
        _ => cpu.logic(!y, carry, flags),
    };
    cpu.put(d, result)
}

/// The destination of the operations on high registers.
const fn high(opcode: u32) -> u32 {
    field(opcode, 7, 1) << 3 | field(opcode, 0, 3)
}

/// ADD (register), without flags.
pub(crate) fn add_high(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let d = high(opcode);
    cpu.put(d, cpu.operand(d).wrapping_add(cpu.operand(field(opcode, 3, 4))))
}

/// CMP (register).
pub(crate) fn compare_high(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (x, y) = (cpu.operand(high(opcode)), cpu.operand(field(opcode, 3, 4)));
    cpu.sum(x, !y, true, true);
    Ok(())
}

/// MOV (register), without flags.
pub(crate) fn move_high(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    cpu.put(high(opcode), cpu.operand(field(opcode, 3, 4)))
}

/// ADR, and ADD (SP plus immediate).
pub(crate) fn address(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let base = if bit(opcode, 11) { cpu.operand(13) } else { cpu.literal_base() };
    cpu.put(field(opcode, 8, 3), base.wrapping_add(4 * field(opcode, 0, 8)))
}

/// ADD and SUB of SP.
pub(crate) fn move_stack(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (sp, offset) = (cpu.operand(13), 4 * field(opcode, 0, 7));
    cpu.put(13, if bit(opcode, 7) { sp.wrapping_sub(offset) } else { sp.wrapping_add(offset) })
}

/// Data processing (shifted register), and PKHBT, PKHTB among it.
pub(crate) fn shifted_register(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (kind, amount) = (field(opcode, 4, 2), field(opcode, 12, 3) << 2 | field(opcode, 6, 2));
    let second = shift_by(cpu.operand(field(opcode, 0, 4)), kind, amount, cpu.carry());
    if field(opcode, 21, 4) != op::PKH {
        return cpu.wide(opcode, second);
    }
    if bit(opcode, 20) || bit(opcode, 4) {
        return Err(Fault::Undefined.into());
    }
    let (x, (y, _)) = (cpu.operand(field(opcode, 16, 4)), second);
    let top_from_first = kind == LSL;
    let result = if top_from_first { y & 0xFFFF_0000 | x & 0xFFFF } else { x & 0xFFFF_0000 | y & 0xFFFF };
    cpu.put(field(opcode, 8, 4), result)
}

/// The twelve bits of an immediate: i, imm3, imm8.
const fn imm12(opcode: u32) -> u32 {
    field(opcode, 26, 1) << 11 | field(opcode, 12, 3) << 8 | field(opcode, 0, 8)
}

/// Data processing (modified immediate).
pub(crate) fn modified_immediate(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    cpu.wide(opcode, expand_immediate(imm12(opcode), cpu.carry()))
}

/// ADDW, SUBW and ADR.
pub(crate) fn plain_add_sub(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let n = field(opcode, 16, 4);
    let base = if n == 15 { cpu.literal_base() } else { cpu.operand(n) };
    let result = match (bit(opcode, 23), bit(opcode, 21)) {
        (false, false) => base.wrapping_add(imm12(opcode)),
        (true, true) => base.wrapping_sub(imm12(opcode)),
        _ => return Err(Fault::Undefined.into()),
    };
    cpu.put(field(opcode, 8, 4), result)
}

const fn imm16(opcode: u32) -> u32 {
    field(opcode, 16, 4) << 12 | imm12(opcode)
}

/// MOVW.
pub(crate) fn move_wide(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    cpu.put(field(opcode, 8, 4), imm16(opcode))
}

/// MOVT.
pub(crate) fn move_top(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let d = field(opcode, 8, 4);
    cpu.put(d, cpu.operand(d) & 0xFFFF | imm16(opcode) << 16)
}

/// LSL, LSR, ASR, ROR (register), 32 bits.
pub(crate) fn shift_register(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let amount = cpu.operand(field(opcode, 0, 4)) & 0xFF;
    let (value, carry) = shift(cpu.operand(field(opcode, 16, 4)), field(opcode, 21, 2), amount, cpu.carry());
    let result = cpu.logic(value, carry, bit(opcode, 20));
    cpu.put(field(opcode, 8, 4), result)
}
