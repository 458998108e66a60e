//! Addition and subtraction of halves and bytes side by side.

use crate::{
    Bus, Cpu,
    bits::{bit, field, saturate_signed, saturate_unsigned},
    cpu::GE,
    step::{Fault, Trap},
};

/// What becomes of the sum in a lane (bits 6:4).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// As many bits as there are; GE tells of the rest.
    Wrapped,
    Saturated,
    Halved,
}

/// SADD16, UQSUB8, SHASX and the other thirty-three of them.
pub(crate) fn parallel(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (n, m) = (cpu.operand(field(opcode, 16, 4)), cpu.operand(field(opcode, 0, 4)));
    let unsigned = bit(opcode, 6);
    let keep = match field(opcode, 4, 2) {
        0 => Keep::Wrapped,
        1 => Keep::Saturated,
        2 => Keep::Halved,
        _ => return Err(Fault::Undefined.into()),
    };
    // Width of a lane; whether each lane subtracts, lowest first; whether the second operand's halves are exchanged.
    let (width, subtracts, exchanged) = match field(opcode, 20, 3) {
        0b000 => (8, [false, false], false),
        0b001 => (16, [false, false], false),
        0b010 => (16, [true, false], true),
        0b100 => (8, [true, true], false),
        0b101 => (16, [true, true], false),
        0b110 => (16, [false, true], true),
        _ => return Err(Fault::Undefined.into()),
    };
    let m = if exchanged { m.rotate_right(16) } else { m };
    let mask = u32::MAX >> (32 - width);
    let (mut result, mut ge) = (0, 0);
    for lane in 0..32 / width {
        let part = |word: u32| {
            let raw = word >> (lane * width) & mask;
            if unsigned { i64::from(raw) } else { i64::from((raw << (32 - width)) as i32 >> (32 - width)) }
        };
        let subtract = subtracts[(lane & 1) as usize];
        let value = if subtract { part(n) - part(m) } else { part(n) + part(m) };
        let kept = match keep {
            Keep::Wrapped => value,
            Keep::Halved => value >> 1,
            Keep::Saturated if unsigned => saturate_unsigned(value, width).0,
            Keep::Saturated => saturate_signed(value, width).0,
        };
        result |= (kept as u32 & mask) << (lane * width);
        let greater = if unsigned && !subtract { value > i64::from(mask) } else { value >= 0 };
        if greater {
            ge |= (mask >> (width - width / 8)) << (lane * width / 8);
        }
    }
    if keep == Keep::Wrapped {
        cpu.flags = cpu.flags & !GE | ge << 16;
    }
    cpu.put(field(opcode, 8, 4), result)
}
