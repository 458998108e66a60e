//! Multiplication and division.

use crate::{
    Bus, Cpu,
    bits::{bit, field},
    cpu::Q,
    step::{Fault, Trap},
};

/// The upper or lower half of a word, signed.
const fn half(value: u32, upper: bool) -> i64 {
    if upper { (value >> 16) as i16 as i64 } else { value as i16 as i64 }
}

const fn signed(value: u32) -> i64 {
    value as i32 as i64
}

/// The products of both halves, the second operand's exchanged if `crossed`.
const fn both(n: u32, m: u32, crossed: bool) -> (i64, i64) {
    (half(n, false) * half(m, crossed), half(n, true) * half(m, !crossed))
}

/// Results of 32 bits: MUL, MLA, MLS, SMLAxy, SMLAD, SMLAWy, SMLSD, SMMLA, SMMLS, USADA8, and those without addition (Ra = 15).
pub(crate) fn short(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (n, m) = (cpu.operand(field(opcode, 16, 4)), cpu.operand(field(opcode, 0, 4)));
    let a = field(opcode, 12, 4);
    let adds = a != 15;
    let addend = if adds { cpu.operand(a) } else { 0 };
    let (x, y) = (bit(opcode, 5), bit(opcode, 4));
    // Where the sum may overflow, Q tells.
    let (sum, tells) = match (field(opcode, 20, 3), field(opcode, 4, 2)) {
        (0b000, 0) => (i64::from(addend.wrapping_add(n.wrapping_mul(m)) as i32), false),
        (0b000, 1) if adds => (i64::from(addend.wrapping_sub(n.wrapping_mul(m)) as i32), false),
        (0b001, _) => (half(n, x) * half(m, y) + signed(addend), true),
        (0b010, 0 | 1) => {
            let (low, high) = both(n, m, y);
            (low + high + signed(addend), true)
        }
        (0b011, 0 | 1) => (((signed(n) * half(m, y)) >> 16) + signed(addend), true),
        (0b100, 0 | 1) => {
            let (low, high) = both(n, m, y);
            (low - high + signed(addend), true)
        }
        (0b101, 0 | 1) => (top(signed(addend).wrapping_shl(32).wrapping_add(signed(n) * signed(m)), y), false),
        (0b110, 0 | 1) if adds => (top(signed(addend).wrapping_shl(32).wrapping_sub(signed(n) * signed(m)), y), false),
        (0b111, 0) => {
            let difference = |lane: u32| (n >> (8 * lane) & 0xFF).abs_diff(m >> (8 * lane) & 0xFF);
            (i64::from((0..4).fold(addend, |sum, lane| sum.wrapping_add(difference(lane))) as i32), false)
        }
        _ => return Err(Fault::Undefined.into()),
    };
    if tells && sum != i64::from(sum as i32) {
        cpu.set_flag(Q, true);
    }
    cpu.put(field(opcode, 8, 4), sum as u32)
}

/// The upper word, rounded if asked for.
const fn top(value: i64, rounded: bool) -> i64 {
    let value = if rounded { value.wrapping_add(0x8000_0000) } else { value };
    value >> 32
}

/// Results of 64 bits, and division: by zero it gives zero (CCR.DIV_0_TRP is not modelled).
pub(crate) fn long(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (n, m) = (cpu.operand(field(opcode, 16, 4)), cpu.operand(field(opcode, 0, 4)));
    let (low, high) = (field(opcode, 12, 4), field(opcode, 8, 4));
    let accumulator = (u64::from(cpu.operand(high)) << 32 | u64::from(cpu.operand(low))) as i64;
    let unsigned = (u64::from(n) * u64::from(m)) as i64;
    let product = signed(n) * signed(m);
    let result = match (field(opcode, 20, 3), field(opcode, 4, 4)) {
        (0b000, 0b0000) => product,
        (0b001, 0b1111) => {
            let quotient = if m == 0 { 0 } else { (n as i32).wrapping_div(m as i32) };
            return cpu.put(high, quotient as u32);
        }
        (0b010, 0b0000) => unsigned,
        (0b011, 0b1111) => return cpu.put(high, n.checked_div(m).unwrap_or(0)),
        (0b100, 0b0000) => accumulator.wrapping_add(product),
        (0b100, 0b1000..=0b1011) => accumulator.wrapping_add(half(n, bit(opcode, 5)) * half(m, bit(opcode, 4))),
        (0b100, 0b1100 | 0b1101) => {
            let (first, second) = both(n, m, bit(opcode, 4));
            accumulator.wrapping_add(first + second)
        }
        (0b101, 0b1100 | 0b1101) => {
            let (first, second) = both(n, m, bit(opcode, 4));
            accumulator.wrapping_add(first - second)
        }
        (0b110, 0b0000) => accumulator.wrapping_add(unsigned),
        (0b110, 0b0110) => {
            let addends = u64::from(cpu.operand(high)) + u64::from(cpu.operand(low));
            (unsigned as u64).wrapping_add(addends) as i64
        }
        _ => return Err(Fault::Undefined.into()),
    };
    cpu.put(low, result as u32)?;
    cpu.put(high, (result >> 32) as u32)
}
