//! Decoding: the encoding diagrams of §C2.4 as rows of text, each with the function that executes it. The first row that fits counts.

use crate::{
    Bus, Cpu,
    ops::{branch, data, dsp, media, memory, multiple, multiply, system},
    step::Trap,
};

/// Executes one instruction; the opcode stands in it as it is read: 16 bits, or the first half-word above the second.
pub(crate) type Operation = fn(&mut Cpu, &mut dyn Bus, u32) -> Result<(), Trap>;

pub(crate) struct Row {
    mask: u32,
    value: u32,
    pub(crate) run: Operation,
}

/// `0` and `1` must be there, letters are fields, blanks separate.
const fn row(pattern: &str, run: Operation) -> Row {
    let (mut mask, mut value, mut at) = (0, 0, 0);
    let text = pattern.as_bytes();
    while at < text.len() {
        if text[at] != b' ' {
            mask = mask << 1 | (text[at] == b'0' || text[at] == b'1') as u32;
            value = value << 1 | (text[at] == b'1') as u32;
        }
        at += 1;
    }
    Row { mask, value, run }
}

/// §C2.4.1: 16-bit instructions.
static NARROW: [Row; 56] = [
    row("000 00iiiiimmmddd", data::shift_immediate),
    row("000 01iiiiimmmddd", data::shift_immediate),
    row("000 10iiiiimmmddd", data::shift_immediate),
    row("000 1100mmmnnnddd", data::add_sub_three),
    row("000 1101mmmnnnddd", data::add_sub_three),
    row("000 1110iiinnnddd", data::add_sub_three),
    row("000 1111iiinnnddd", data::add_sub_three),
    row("001 00dddiiiiiiii", data::immediate_8),
    row("001 01nnniiiiiiii", data::immediate_8),
    row("001 10dddiiiiiiii", data::immediate_8),
    row("001 11dddiiiiiiii", data::immediate_8),
    row("010000 oooommmddd", data::low_registers),
    row("010001 00dmmmmddd", data::add_high),
    row("010001 01nmmmmnnn", data::compare_high),
    row("010001 10dmmmmddd", data::move_high),
    row("010001 110mmmm000", branch::exchange),
    row("010001 110mmmm100", branch::exchange_non_secure),
    row("010001 111mmmm000", branch::exchange),
    row("010001 111mmmm100", branch::exchange_non_secure),
    row("01001 tttiiiiiiii", memory::literal),
    row("0101 ooommmnnnttt", memory::register_offset),
    row("01100 iiiiinnnttt", memory::immediate_offset),
    row("01101 iiiiinnnttt", memory::immediate_offset),
    row("01110 iiiiinnnttt", memory::immediate_offset),
    row("01111 iiiiinnnttt", memory::immediate_offset),
    row("10000 iiiiinnnttt", memory::immediate_offset),
    row("10001 iiiiinnnttt", memory::immediate_offset),
    row("10010 tttiiiiiiii", memory::stack_offset),
    row("10011 tttiiiiiiii", memory::stack_offset),
    row("10100 dddiiiiiiii", data::address),
    row("10101 dddiiiiiiii", data::address),
    row("10110000 0iiiiiii", data::move_stack),
    row("10110000 1iiiiiii", data::move_stack),
    row("101100i1 iiiiinnn", branch::compare_with_zero),
    row("101110i1 iiiiinnn", branch::compare_with_zero),
    row("10110010 oommmddd", media::extend_low),
    row("1011010 mrrrrrrrr", multiple::push),
    row("10110110011 m00if", system::change_state),
    row("10111010 00mmmddd", media::reverse_low),
    row("10111010 01mmmddd", media::reverse_low),
    row("10111010 11mmmddd", media::reverse_low),
    row("1011110 prrrrrrrr", multiple::pop),
    row("10111110 iiiiiiii", system::breakpoint),
    row("10111111 oooo0000", system::hint),
    row("10111111 ccccmmmm", system::if_then),
    row("11000 nnnrrrrrrrr", multiple::store_low),
    row("11001 nnnrrrrrrrr", multiple::load_low),
    row("11011110 iiiiiiii", system::undefined),
    row("11011111 iiiiiiii", system::supervisor_call),
    row("1101 cccciiiiiiii", branch::conditional),
    row("11100 iiiiiiiiiii", branch::unconditional),
    row("1011011 xxxxxxxxx", system::undefined),
    row("1011001 xxxxxxxxx", system::undefined),
    row("1011000 xxxxxxxxx", system::undefined),
    row("1011101 xxxxxxxxx", system::undefined),
    row("xxxxxxxxxxxxxxxx", system::undefined),
];

/// §C2.4.2 and following: 32-bit instructions.
static WIDE: [Row; 47] = [
    row("1110100101111111 1110100101111111", system::secure_gateway),
    row("1110100010w0nnnn 0m0rrrrrrrrrrrrr", multiple::store_after),
    row("1110100010w1nnnn pm0rrrrrrrrrrrrr", multiple::load_after),
    row("1110100100w0nnnn 0m0rrrrrrrrrrrrr", multiple::store_before),
    row("1110100100w1nnnn pm0rrrrrrrrrrrrr", multiple::load_before),
    row("111010000100nnnn 1111dddda0000000", system::test_target),
    row("111010000100nnnn 1111dddda1000000", system::test_target),
    row("111010000100nnnn ttttddddiiiiiiii", memory::store_exclusive),
    row("111010000101nnnn tttt1111iiiiiiii", memory::load_exclusive),
    row("111010001100nnnn tttt1111oooodddd", memory::store_ordered),
    row("111010001101nnnn 11110000000hmmmm", branch::table),
    row("111010001101nnnn tttt1111oooo1111", memory::load_ordered),
    row("11101000u11lnnnn ttttssssiiiiiiii", memory::dual),
    row("11101001u1wlnnnn ttttssssiiiiiiii", memory::dual),
    row("1110101oooosnnnn 0iiiddddiittmmmm", data::shifted_register),
    row("11110i0oooosnnnn 0iiiddddiiiiiiii", data::modified_immediate),
    row("11110i10a0a0nnnn 0iiiddddiiiiiiii", data::plain_add_sub),
    row("11110i100100iiii 0iiiddddiiiiiiii", data::move_wide),
    row("11110i101100iiii 0iiiddddiiiiiiii", data::move_top),
    row("1111001100s0nnnn 0iiiddddii0wwwww", media::saturate),
    row("1111001110s0nnnn 0iiiddddii0wwwww", media::saturate),
    row("111100110100nnnn 0iiiddddii0wwwww", media::extract),
    row("111100111100nnnn 0iiiddddii0wwwww", media::extract),
    row("111100110110nnnn 0iiiddddii0wwwww", media::insert),
    row("111100111000nnnn 1000mm00ssssssss", system::write_special),
    row("1111001110101111 10000000oooooooo", system::hint_wide),
    row("1111001110111111 10001111oooopppp", system::barrier),
    row("1111001111101111 1000ddddssssssss", system::read_special),
    row("111101111111iiii 1010iiiiiiiiiiii", system::undefined),
    row("11110scccciiiiii 10j0jiiiiiiiiiii", branch::conditional_wide),
    row("11110siiiiiiiiii 10j1jiiiiiiiiiii", branch::unconditional_wide),
    row("11110siiiiiiiiii 11j1jiiiiiiiiiii", branch::with_link),
    row("1111100szzz0nnnn tttt000000iimmmm", memory::wide),
    row("11111000z0z0nnnn tttt1puwiiiiiiii", memory::wide),
    row("111110001zz0nnnn ttttiiiiiiiiiiii", memory::wide),
    row("11111000uzz0nnnn ttttxxxxxxxxxxxx", memory::wide),
    row("1111100suzz1nnnn ttttxxxxxxxxxxxx", memory::wide),
    row("111110100ttsnnnn 1111dddd0000mmmm", data::shift_register),
    row("111110100ooonnnn 1111dddd10rrmmmm", media::extend),
    row("111110101ooonnnn 1111dddd0pppmmmm", dsp::parallel),
    row("1111101010oonnnn 1111dddd10ppmmmm", media::miscellaneous),
    row("111110110ooonnnn aaaadddd00ppmmmm", multiply::short),
    row("111110111ooonnnn llllhhhhppppmmmm", multiply::long),
    row("1110110xxxxxxxxx xxxxxxxxxxxxxxxx", system::no_coprocessor),
    row("1110111xxxxxxxxx xxxxxxxxxxxxxxxx", system::no_coprocessor),
    row("111111xxxxxxxxxx xxxxxxxxxxxxxxxx", system::no_coprocessor),
    row("xxxxxxxxxxxxxxxx xxxxxxxxxxxxxxxx", system::undefined),
];

/// For each value of an opcode's highest bits the first row that may fit: where the search begins.
const fn first_rows<const N: usize, const M: usize>(rows: &[Row; M], shift: u32) -> [u8; N] {
    let mut first = [0; N];
    let mut high = 0;
    while high < N {
        let mut index = 0;
        while (rows[index].value ^ (high as u32) << shift) & rows[index].mask >> shift << shift != 0 {
            index += 1;
        }
        first[high] = index as u8;
        high += 1;
    }
    first
}

static FIRST_NARROW: [u8; 256] = first_rows(&NARROW, 8);
/// Indexed by the ten bits behind the three that every 32-bit instruction begins with, and those.
static FIRST_WIDE: [u8; 4096] = first_rows(&WIDE, 20);

/// What executes this opcode.
pub(crate) fn decode(opcode: u32, wide: bool) -> Operation {
    let (rows, first) = if wide {
        (&WIDE[..], FIRST_WIDE[(opcode >> 20) as usize & 0xFFF])
    } else {
        (&NARROW[..], FIRST_NARROW[(opcode >> 8) as usize & 0xFF])
    };
    let candidates = rows.get(first as usize..).unwrap_or_default();
    candidates.iter().find(|row| opcode & row.mask == row.value).map_or(system::undefined, |row| row.run)
}
