//! Loads and stores of one or two registers, exclusive and ordered ones among them.

use crate::{
    Bus, Cpu, Width,
    bits::{bit, field, sign_extend},
    step::{Fault, Trap},
};

/// What an access moves.
#[derive(Clone, Copy)]
struct Kind {
    load: bool,
    width: Width,
    signed: bool,
}

const fn kind(load: bool, width: Width, signed: bool) -> Kind {
    Kind { load, width, signed }
}

const STORES: [Kind; 3] =
    [kind(false, Width::Byte, false), kind(false, Width::Half, false), kind(false, Width::Word, false)];
const LOADS: [Kind; 3] =
    [kind(true, Width::Byte, false), kind(true, Width::Half, false), kind(true, Width::Word, false)];

/// Reads what may lie across words: single loads need no alignment (§B7.3, CCR.UNALIGN_TRP is not modelled).
fn read(bus: &mut dyn Bus, address: u32, width: Width) -> Result<u32, Trap> {
    if address.is_multiple_of(width.bytes()) {
        return Ok(bus.read(address, width)?);
    }
    let mut value = 0;
    for n in 0..width.bytes() {
        value |= (bus.read(address.wrapping_add(n), Width::Byte)? & 0xFF) << (8 * n);
    }
    Ok(value)
}

fn write(bus: &mut dyn Bus, address: u32, width: Width, value: u32) -> Result<(), Trap> {
    if address.is_multiple_of(width.bytes()) {
        return Ok(bus.write(address, width, value & (u32::MAX >> (32 - 8 * width.bytes())))?);
    }
    for n in 0..width.bytes() {
        bus.write(address.wrapping_add(n), Width::Byte, value >> (8 * n) & 0xFF)?;
    }
    Ok(())
}

impl Cpu {
    fn transfer(&mut self, bus: &mut dyn Bus, kind: Kind, address: u32, t: u32) -> Result<(), Trap> {
        if !kind.load {
            return write(bus, address, kind.width, self.operand(t));
        }
        let raw = read(bus, address, kind.width)?;
        let value = if kind.signed { sign_extend(raw, 8 * kind.width.bytes()) } else { raw };
        match t {
            15 => self.branch_exchange(value, bus),
            _ => self.put(t, value),
        }
    }
}

/// LDR (literal).
pub(crate) fn literal(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let address = cpu.literal_base().wrapping_add(4 * field(opcode, 0, 8));
    cpu.transfer(bus, LOADS[2], address, field(opcode, 8, 3))
}

/// The eight accesses with a register as offset.
pub(crate) fn register_offset(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let kind = match field(opcode, 9, 3) {
        0b000 => STORES[2],
        0b001 => STORES[1],
        0b010 => STORES[0],
        0b011 => kind(true, Width::Byte, true),
        0b100 => LOADS[2],
        0b101 => LOADS[1],
        0b110 => LOADS[0],
        _ => kind(true, Width::Half, true),
    };
    let address = cpu.operand(field(opcode, 3, 3)).wrapping_add(cpu.operand(field(opcode, 6, 3)));
    cpu.transfer(bus, kind, address, field(opcode, 0, 3))
}

/// Accesses with an immediate of five bits, counted in the width.
pub(crate) fn immediate_offset(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let size = match field(opcode, 12, 4) {
        0b0110 => 2,
        0b0111 => 0,
        _ => 1,
    };
    let kind = if bit(opcode, 11) { LOADS[size] } else { STORES[size] };
    let address = cpu.operand(field(opcode, 3, 3)).wrapping_add(field(opcode, 6, 5) * kind.width.bytes());
    cpu.transfer(bus, kind, address, field(opcode, 0, 3))
}

/// STR and LDR relative to SP.
pub(crate) fn stack_offset(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let kind = if bit(opcode, 11) { LOADS[2] } else { STORES[2] };
    let address = cpu.operand(13).wrapping_add(4 * field(opcode, 0, 8));
    cpu.transfer(bus, kind, address, field(opcode, 8, 3))
}

/// Load/store single, 32 bits: literal, immediate of twelve bits, immediate of eight with write-back, register; PLD and PLI are hints.
pub(crate) fn wide(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (n, t, load) = (field(opcode, 16, 4), field(opcode, 12, 4), bit(opcode, 20));
    let (size, signed) = (field(opcode, 21, 2) as usize, bit(opcode, 24));
    let table = if load { &LOADS } else { &STORES };
    let Some(&plain) = table.get(size).filter(|k| !(signed && (!load || k.width == Width::Word))) else {
        return Err(Fault::Undefined.into());
    };
    let kind = Kind { signed, ..plain };
    let mut write_back = None;
    let address = if n == 15 {
        if !load {
            return Err(Fault::Undefined.into());
        }
        let offset = field(opcode, 0, 12);
        let base = cpu.literal_base();
        if bit(opcode, 23) { base.wrapping_add(offset) } else { base.wrapping_sub(offset) }
    } else if bit(opcode, 23) {
        cpu.operand(n).wrapping_add(field(opcode, 0, 12))
    } else if bit(opcode, 11) {
        let (pre, up, back) = (bit(opcode, 10), bit(opcode, 9), bit(opcode, 8));
        if !pre && !back {
            return Err(Fault::Undefined.into());
        }
        let (base, offset) = (cpu.operand(n), field(opcode, 0, 8));
        let moved = if up { base.wrapping_add(offset) } else { base.wrapping_sub(offset) };
        // P, U and not W is the unprivileged access, which sees the same here.
        write_back = back.then_some(moved);
        if pre { moved } else { base }
    } else if field(opcode, 6, 6) == 0 {
        cpu.operand(n).wrapping_add(cpu.operand(field(opcode, 0, 4)) << field(opcode, 4, 2))
    } else {
        return Err(Fault::Undefined.into());
    };
    if t == 15 && (!load || kind.width != Width::Word) {
        return if load { Ok(()) } else { Err(Fault::Undefined.into()) };
    }
    let value = cpu.operand(t);
    if let Some(moved) = write_back {
        // The base moves first, so that a load into it wins; what is stored was read before.
        cpu.put(n, moved)?;
    }
    if kind.load { cpu.transfer(bus, kind, address, t) } else { write(bus, address, kind.width, value) }
}

fn aligned(address: u32, width: Width) -> Result<u32, Trap> {
    if address.is_multiple_of(width.bytes()) { Ok(address) } else { Err(Fault::Unaligned.into()) }
}

/// LDRD, STRD.
pub(crate) fn dual(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (n, t, t2) = (field(opcode, 16, 4), field(opcode, 12, 4), field(opcode, 8, 4));
    let (pre, up, back, load) = (bit(opcode, 24), bit(opcode, 23), bit(opcode, 21), bit(opcode, 20));
    let offset = 4 * field(opcode, 0, 8);
    if t == 15 || t2 == 15 || (n == 15 && (back || !load)) {
        return Err(Fault::Undefined.into());
    }
    let base = if n == 15 { cpu.literal_base() } else { cpu.operand(n) };
    let moved = if up { base.wrapping_add(offset) } else { base.wrapping_sub(offset) };
    let address = aligned(if pre { moved } else { base }, Width::Word)?;
    let values = [cpu.operand(t), cpu.operand(t2)];
    if back {
        cpu.put(n, moved)?;
    }
    if load {
        let first = bus.read(address, Width::Word)?;
        let second = bus.read(address.wrapping_add(4), Width::Word)?;
        cpu.put(t, first)?;
        cpu.put(t2, second)
    } else {
        bus.write(address, Width::Word, values[0])?;
        Ok(bus.write(address.wrapping_add(4), Width::Word, values[1])?)
    }
}

/// The store of an exclusive pair: 0 if the monitor still held the address, else 1 and nothing is stored.
fn exclusive_store(
    cpu: &mut Cpu,
    bus: &mut dyn Bus,
    (address, width): (u32, Width),
    (t, d): (u32, u32),
) -> Result<(), Trap> {
    let held = cpu.exclusive.take() == Some(address);
    if held {
        write(bus, address, width, cpu.operand(t))?;
    }
    cpu.put(d, u32::from(!held))
}

/// STREX.
pub(crate) fn store_exclusive(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let address = cpu.operand(field(opcode, 16, 4)).wrapping_add(4 * field(opcode, 0, 8));
    let address = aligned(address, Width::Word)?;
    exclusive_store(cpu, bus, (address, Width::Word), (field(opcode, 12, 4), field(opcode, 8, 4)))
}

/// LDREX.
pub(crate) fn load_exclusive(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let address = cpu.operand(field(opcode, 16, 4)).wrapping_add(4 * field(opcode, 0, 8));
    let value = bus.read(aligned(address, Width::Word)?, Width::Word)?;
    cpu.exclusive = Some(address);
    cpu.put(field(opcode, 12, 4), value)
}

/// Width and exclusiveness of LDREXB and its relatives (bits 7:4): 0100 and 0101 exclusive, 10xx ordered, 11xx both.
const fn ordered(opcode: u32) -> Option<(Width, bool)> {
    let width = match opcode >> 4 & 3 {
        0 => Width::Byte,
        1 => Width::Half,
        2 => Width::Word,
        _ => return None,
    };
    match opcode >> 6 & 3 {
        // The word has LDREX and STREX of its own.
        1 if matches!(width, Width::Byte | Width::Half) => Some((width, true)),
        2 => Some((width, false)),
        3 => Some((width, true)),
        _ => None,
    }
}

/// STREXB, STREXH, STL, STLB, STLH, STLEX, STLEXB, STLEXH.
pub(crate) fn store_ordered(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (width, exclusive) = ordered(opcode).ok_or(Fault::Undefined)?;
    let (t, d) = (field(opcode, 12, 4), field(opcode, 0, 4));
    let address = aligned(cpu.operand(field(opcode, 16, 4)), width)?;
    if exclusive {
        return exclusive_store(cpu, bus, (address, width), (t, d));
    }
    write(bus, address, width, cpu.operand(t))
}

/// LDREXB, LDREXH, LDA, LDAB, LDAH, LDAEX, LDAEXB, LDAEXH.
pub(crate) fn load_ordered(cpu: &mut Cpu, bus: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (width, exclusive) = ordered(opcode).ok_or(Fault::Undefined)?;
    let address = aligned(cpu.operand(field(opcode, 16, 4)), width)?;
    let value = bus.read(address, width)?;
    if exclusive {
        cpu.exclusive = Some(address);
    }
    cpu.put(field(opcode, 12, 4), value)
}
