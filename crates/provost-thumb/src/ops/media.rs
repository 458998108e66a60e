//! Extension, reversal, saturation, bit fields, and what counts and selects.

use crate::{
    Bus, Cpu,
    bits::{bit, field, saturate_signed, saturate_unsigned, shift_immediate, sign_extend},
    cpu::Q,
    step::{Fault, Trap},
};

/// SXTH, SXTB, UXTH, UXTB, as bits 7:6 of the 16-bit and, doubled, 22:20 of the 32-bit instructions count them.
const fn extended(value: u32, signed: bool, width: u32) -> u32 {
    if signed { sign_extend(value, width) } else { value & (u32::MAX >> (32 - width)) }
}

pub(crate) fn extend_low(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let width = if bit(opcode, 6) { 8 } else { 16 };
    let value = extended(cpu.operand(field(opcode, 3, 3)), !bit(opcode, 7), width);
    cpu.put(field(opcode, 0, 3), value)
}

/// SXTAH, UXTAH, SXTAB16, UXTAB16, SXTAB, UXTAB; without addition where Rn is 15.
pub(crate) fn extend(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let n = field(opcode, 16, 4);
    let base = if n == 15 { 0 } else { cpu.operand(n) };
    let value = cpu.operand(field(opcode, 0, 4)).rotate_right(8 * field(opcode, 4, 2));
    let signed = !bit(opcode, 20);
    let result = match field(opcode, 21, 2) {
        0 => base.wrapping_add(extended(value, signed, 16)),
        1 => {
            let low = base.wrapping_add(extended(value, signed, 8)) & 0xFFFF;
            let high = (base >> 16).wrapping_add(extended(value >> 16, signed, 8));
            high << 16 | low
        }
        2 => base.wrapping_add(extended(value, signed, 8)),
        _ => return Err(Fault::Undefined.into()),
    };
    if bit(opcode, 22) && bit(opcode, 21) {
        return Err(Fault::Undefined.into());
    }
    cpu.put(field(opcode, 8, 4), result)
}

/// REV, REV16, RBIT, REVSH.
const fn reversed(value: u32, kind: u32) -> u32 {
    match kind {
        0 => value.swap_bytes(),
        1 => value.swap_bytes().rotate_right(16),
        2 => value.reverse_bits(),
        _ => sign_extend(value.swap_bytes() >> 16, 16),
    }
}

pub(crate) fn reverse_low(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    cpu.put(field(opcode, 0, 3), reversed(cpu.operand(field(opcode, 3, 3)), field(opcode, 6, 2)))
}

/// QADD and its relatives, the reversals, SEL and CLZ.
pub(crate) fn miscellaneous(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (n, m) = (cpu.operand(field(opcode, 16, 4)), cpu.operand(field(opcode, 0, 4)));
    let kind = field(opcode, 4, 2);
    let result = match (field(opcode, 20, 2), kind) {
        (0, _) => {
            let signed = |value: u32| i64::from(value as i32);
            let mut saturated = false;
            let mut saturate = |value: i64| {
                let (value, cut) = saturate_signed(value, 32);
                saturated |= cut;
                value
            };
            let doubled = if kind & 1 == 1 { saturate(2 * signed(n)) } else { signed(n) };
            let value = saturate(if kind < 2 { signed(m) + doubled } else { signed(m) - doubled });
            if saturated {
                cpu.set_flag(Q, true);
            }
            value as u32
        }
        (1, _) => reversed(m, kind),
        (2, 0) => (0..4).fold(0, |result, lane| {
            let from = if bit(cpu.flags, 16 + lane) { n } else { m };
            result | from & 0xFF << (8 * lane)
        }),
        (3, 0) => m.leading_zeros(),
        _ => return Err(Fault::Undefined.into()),
    };
    cpu.put(field(opcode, 8, 4), result)
}

/// SSAT, USAT, and SSAT16, USAT16 where the shift would be ASR by 0.
pub(crate) fn saturate(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (unsigned, right) = (bit(opcode, 23), bit(opcode, 21));
    let amount = field(opcode, 12, 3) << 2 | field(opcode, 6, 2);
    let n = cpu.operand(field(opcode, 16, 4));
    let width = field(opcode, 0, 5);
    let limit = |value: i64| if unsigned { saturate_unsigned(value, width) } else { saturate_signed(value, width + 1) };
    let (result, cut) = if right && amount == 0 {
        if width > 15 {
            return Err(Fault::Undefined.into());
        }
        let (low, cut_low) = limit(i64::from(n as i16));
        let (high, cut_high) = limit(i64::from((n >> 16) as i16));
        ((high as u32) << 16 | low as u32 & 0xFFFF, cut_low || cut_high)
    } else {
        let kind = if right { crate::bits::ASR } else { crate::bits::LSL };
        let (value, cut) = limit(i64::from(shift_immediate(n, kind, amount, false).0 as i32));
        (value as u32, cut)
    };
    if cut {
        cpu.set_flag(Q, true);
    }
    cpu.put(field(opcode, 8, 4), result)
}

/// The lowest bit of a field.
const fn lowest(opcode: u32) -> u32 {
    field(opcode, 12, 3) << 2 | field(opcode, 6, 2)
}

/// SBFX, UBFX.
pub(crate) fn extract(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (low, width) = (lowest(opcode), field(opcode, 0, 5) + 1);
    if low + width > 32 {
        return Err(Fault::Undefined.into());
    }
    let value = extended(cpu.operand(field(opcode, 16, 4)) >> low, !bit(opcode, 23), width);
    cpu.put(field(opcode, 8, 4), value)
}

/// BFI, and BFC where Rn is 15.
pub(crate) fn insert(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (low, high) = (lowest(opcode), field(opcode, 0, 5));
    let (n, d) = (field(opcode, 16, 4), field(opcode, 8, 4));
    if high < low {
        return Err(Fault::Undefined.into());
    }
    let mask = u32::MAX >> (31 - (high - low)) << low;
    let source = if n == 15 { 0 } else { cpu.operand(n) << low };
    cpu.put(d, cpu.operand(d) & !mask | source & mask)
}
