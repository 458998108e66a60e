//! Arithmetic on bits, as the pseudocode of §E2.1 names it.

/// `width` bits from `low` on.
pub(crate) const fn field(opcode: u32, low: u32, width: u32) -> u32 {
    opcode >> low & ((1 << width) - 1)
}

/// One bit.
pub(crate) const fn bit(opcode: u32, at: u32) -> bool {
    opcode >> at & 1 == 1
}

/// The lowest `width` (1 to 32) bits, as a signed number in 32 bits.
pub(crate) const fn sign_extend(value: u32, width: u32) -> u32 {
    ((value << (32 - width)) as i32 >> (32 - width)) as u32
}

/// AddWithCarry: sum, carry, overflow.
pub(crate) const fn add_with_carry(x: u32, y: u32, carry: bool) -> (u32, bool, bool) {
    let wide = x as u64 + y as u64 + carry as u64;
    let sum = wide as u32;
    (sum, wide >> 32 == 1, ((x ^ sum) & (y ^ sum)) >> 31 == 1)
}

/// Types of shifts, as encoded.
pub(crate) const LSL: u32 = 0;
pub(crate) const LSR: u32 = 1;
pub(crate) const ASR: u32 = 2;
pub(crate) const ROR: u32 = 3;

/// Shift_C by any amount, for the four types that are encoded.
pub(crate) const fn shift(value: u32, kind: u32, amount: u32, carry: bool) -> (u32, bool) {
    if amount == 0 {
        return (value, carry);
    }
    match kind {
        LSL => match amount {
            1..=31 => (value << amount, value >> (32 - amount) & 1 == 1),
            32 => (0, value & 1 == 1),
            _ => (0, false),
        },
        LSR => match amount {
            1..=31 => (value >> amount, value >> (amount - 1) & 1 == 1),
            32 => (0, value >> 31 == 1),
            _ => (0, false),
        },
        ASR => {
            let amount = if amount > 32 { 32 } else { amount };
            let wide = value as i32 as i64;
            ((wide >> amount) as u32, wide >> (amount - 1) & 1 == 1)
        }
        _ => {
            let result = value.rotate_right(amount & 31);
            (result, result >> 31 == 1)
        }
    }
}

/// Shift by an immediate (DecodeImmShift): LSR and ASR by 0 mean 32, ROR by 0 is RRX.
pub(crate) const fn shift_immediate(value: u32, kind: u32, amount: u32, carry: bool) -> (u32, bool) {
    match (kind, amount) {
        (LSR | ASR, 0) => shift(value, kind, 32, carry),
        (ROR, 0) => (value >> 1 | (carry as u32) << 31, value & 1 == 1),
        _ => shift(value, kind, amount, carry),
    }
}

/// ThumbExpandImm_C: the value of a modified immediate, and the carry it leaves.
pub(crate) const fn expand_immediate(imm12: u32, carry: bool) -> (u32, bool) {
    let byte = imm12 & 0xFF;
    match imm12 >> 8 {
        0 => (byte, carry),
        1 => (byte << 16 | byte, carry),
        2 => (byte << 24 | byte << 8, carry),
        3 => (byte << 24 | byte << 16 | byte << 8 | byte, carry),
        _ => {
            let value = (0x80 | imm12 & 0x7F).rotate_right(imm12 >> 7);
            (value, value >> 31 == 1)
        }
    }
}

/// SignedSatQ: the value in `width` bits, and whether it had to be cut.
pub(crate) const fn saturate_signed(value: i64, width: u32) -> (i64, bool) {
    let (low, high) = (-(1 << (width - 1)), (1 << (width - 1)) - 1);
    if value > high {
        (high, true)
    } else if value < low {
        (low, true)
    } else {
        (value, false)
    }
}

/// UnsignedSatQ.
pub(crate) const fn saturate_unsigned(value: i64, width: u32) -> (i64, bool) {
    let high = (1 << width) - 1;
    if value > high {
        (high, true)
    } else if value < 0 {
        (0, true)
    } else {
        (value, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_and_overflows() {
        assert_eq!(add_with_carry(0x7FFF_FFFF, 1, false), (0x8000_0000, false, true));
        assert_eq!(add_with_carry(u32::MAX, 1, false), (0, true, false));
        assert_eq!(add_with_carry(5, !5, true), (0, true, false), "5 - 5: no borrow");
        assert_eq!(add_with_carry(0x8000_0000, !1, true), (0x7FFF_FFFF, true, true));
    }

    #[test]
    fn shifts_by_32_and_more() {
        assert_eq!(shift(1, LSL, 32, false), (0, true));
        assert_eq!(shift(3, LSL, 33, true), (0, false));
        assert_eq!(shift(0x8000_0000, LSR, 32, false), (0, true));
        assert_eq!(shift(0x8000_0000, ASR, 200, false), (u32::MAX, true));
        assert_eq!(shift(0x8000_0001, ROR, 32, false), (0x8000_0001, true));
        assert_eq!(shift(7, LSR, 0, true), (7, true), "a shift by nothing leaves the carry");
        assert_eq!(shift_immediate(2, ROR, 0, true), (0x8000_0001, false), "RRX");
    }

    /// The examples of §C1.5, "Modified immediate constants".
    #[test]
    fn immediates_expand() {
        assert_eq!(expand_immediate(0x0AB, false), (0xAB, false));
        assert_eq!(expand_immediate(0x1AB, false), (0x00AB_00AB, false));
        assert_eq!(expand_immediate(0x2AB, false), (0xAB00_AB00, false));
        assert_eq!(expand_immediate(0x3AB, false), (0xABAB_ABAB, false));
        assert_eq!(expand_immediate(0x47F, false), (0xFF00_0000, true), "rotated by eight");
        assert_eq!(expand_immediate(0xFFF, true), (0x1FE, false), "rotated by 31");
    }
}
