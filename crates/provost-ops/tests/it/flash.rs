//! User flash of virtual chips: what is written is there, in the right world; what cannot be written is refused before the wire.

use crate::common;

use common::{Log, maker};
use provost_bench::Bench;
use provost_chip::{
    order_code::OrderCode,
    parts::SECTOR_SIZE,
    states::{ProductState, TrustZone},
};
use provost_ops::{
    error::Failure,
    flash::{
        Flash,
        image::{Format, Image},
    },
    identify::identify,
    option_bytes::{Assignment, OptionBytes, apply, plan},
};
use provost_twin::{
    board::VirtualBoard,
    wire::{Wire as _, faults::Fault},
};

fn board(part: &str, state: ProductState, tz: TrustZone) -> VirtualBoard {
    let mut made = maker(part, state, tz);
    // With TrustZone on bank 1 is secure and bank 2 is not.
    made.firmware.as_mut().unwrap().non_secure = true;
    VirtualBoard::with_chip("board", made.make())
}

/// A person reads the package to it, where the chip does not tell its size.
fn read(bench: &mut Bench, board: &VirtualBoard) -> Result<OptionBytes, Failure> {
    let identity = identify(&mut bench.session)?;
    let made = *board.board().silicon().identity();
    let code = OrderCode { part: made.part, flash: Some(made.flash) };
    OptionBytes::read(&mut bench.session, &identity, identity.flash.is_none().then_some(code))
}

fn set(board: &VirtualBoard, values: &[&str]) {
    let mut bench = Bench::on_board(board.clone());
    let bytes = read(&mut bench, board).unwrap();
    let values: Vec<Assignment> = values.iter().map(|v| Assignment::parse(v).unwrap()).collect();
    let change = plan(&bytes, &values).unwrap();
    apply(&mut bench.session, &bytes, change, &mut Log::default()).unwrap();
}

/// Bytes that do not repeat from sector to sector, made without the code under test.
fn pattern(length: u32, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    (0..length)
        .map(|_| {
            // xorshift32 (Marsaglia).
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        })
        .collect()
}

fn image(parts: &[(u32, &[u8])]) -> Image {
    Image::from_segments(Format::Binary, parts.iter().map(|(a, b)| (*a, b.to_vec())).collect()).unwrap()
}

fn write(board: &VirtualBoard, image: &Image) -> Result<provost_ops::flash::Written, Failure> {
    let mut bench = Bench::on_board(board.clone());
    let bytes = read(&mut bench, board)?;
    Flash::of(&bytes).unwrap().write(&mut bench.session, image, &mut Log::default())
}

fn verify(board: &VirtualBoard, image: &Image) -> Result<(), Failure> {
    let mut bench = Bench::on_board(board.clone());
    let bytes = read(&mut bench, board)?;
    Flash::of(&bytes).unwrap().verify(&mut bench.session, image, &mut Log::default()).map(drop)
}

/// What stands in the memory itself, at a physical offset.
fn held(board: &VirtualBoard, offset: u32, length: u32) -> Vec<u8> {
    let board = board.board();
    let nvm = board.silicon().nvm();
    (offset..offset + length).step_by(4).flat_map(|o| nvm.flash_word(o).to_le_bytes()).collect()
}

#[test]
fn an_image_is_in_flash_of_every_part_afterwards_and_nothing_else() {
    for code in OrderCode::all() {
        for tz in TrustZone::ALL.into_iter().filter(|tz| code.part.info().trustzone || *tz == TrustZone::Disabled) {
            let name = &code.to_string();
            let board = board(name, ProductState::Open, tz);
            let bank = code.flash.unwrap().bank();
            // Not aligned, across a sector's edge in the first bank; and at the end of the second.
            let (one, two) = (pattern(9000, 1), pattern(0x1230, 2));
            let base = if tz == TrustZone::Enabled { 0x0C00_0000 } else { 0x0800_0000 };
            let tail = 0x0800_0000 + 2 * bank - 0x1230;
            let image = image(&[(base + 0x3005, &one), (tail, &two)]);
            let untouched = held(&board, 4 * SECTOR_SIZE, 64);
            let written = write(&board, &image).unwrap_or_else(|e| panic!("{name} {tz}: {e}"));
            assert_eq!((written.sectors, written.warnings.len()), (3, 0), "{name} {tz}: {:?}", written.warnings);
            assert_eq!(written.secure_sectors, if tz == TrustZone::Enabled { 2 } else { 0 }, "{name}");
            assert_eq!(held(&board, 0x3004, 9008)[1..9001], one[..], "{name} {tz}");
            assert_eq!(held(&board, 2 * bank - 0x1230, 0x1230), two, "{name} {tz}");
            assert_eq!(held(&board, 0x2000, 0x1000), [0xFF; 0x1000], "{name}: the sector was erased whole");
            assert_eq!(held(&board, 4 * SECTOR_SIZE, 64), untouched);
            verify(&board, &image).unwrap();
            // The chip runs again, and nothing is left unlocked or halted.
            assert_eq!(common::state_of(&board), (ProductState::Open, tz));
        }
    }
}

#[test]
fn what_is_read_is_what_stands_there_whatever_the_alignment() {
    let board = board("STM32H563", ProductState::Open, TrustZone::Enabled);
    let data = pattern(3 * SECTOR_SIZE, 3);
    // Across the edge of the banks: secure below, non-secure above.
    write(&board, &image(&[(0x0C0F_E000, &data[..0x2000]), (0x0810_0000, &data[0x2000..])])).unwrap();
    let mut bench = Bench::on_board(board.clone());
    let bytes = read(&mut bench, &board).unwrap();
    let flash = Flash::of(&bytes).unwrap();
    for (from, length) in [(0u32, 3 * SECTOR_SIZE), (1, 1), (0x1FFF, 2), (0x1FFD, 0x2007), (4, 4), (3, 0x3FFE)] {
        let found = flash.read(&mut bench.session, 0x080F_E000 + from, length, &mut Log::default()).unwrap();
        assert_eq!(found, data[from as usize..(from + length) as usize], "{from:#x}+{length:#x}");
    }
    for (address, length) in
        [(0x0820_0000, 1), (0x081F_FFFF, 2), (0x0800_0000, 0), (0x0900_0000, 4), (0x0800_0000, u32::MAX)]
    {
        let error = flash.read(&mut bench.session, address, length, &mut Log::default()).unwrap_err();
        assert_eq!(error.code(), "flash-outside", "{address:#x}");
    }
}

#[test]
fn with_swapped_banks_the_other_bank_is_written() {
    let board = board("STM32H533", ProductState::Open, TrustZone::Disabled);
    set(&board, &["SWAP_BANK=1"]);
    let data = pattern(SECTOR_SIZE, 4);
    let other = held(&board, 0, SECTOR_SIZE);
    write(&board, &image(&[(0x0800_0000, &data)])).unwrap();
    assert_eq!(held(&board, 0x4_0000, SECTOR_SIZE), data);
    assert_eq!(held(&board, 0, SECTOR_SIZE), other, "the bank that is now the second was left alone");
}

#[test]
fn erasing_takes_whole_sectors_and_no_others() {
    let board = board("STM32H523", ProductState::Open, TrustZone::Disabled);
    let data = pattern(4 * SECTOR_SIZE, 5);
    write(&board, &image(&[(0x0800_0000, &data)])).unwrap();
    let mut bench = Bench::on_board(board.clone());
    let bytes = read(&mut bench, &board).unwrap();
    let erased = Flash::of(&bytes).unwrap().erase(&mut bench.session, 0x0800_3FFF, 2, &mut Log::default()).unwrap();
    assert_eq!(erased, 2);
    assert_eq!(held(&board, 0, SECTOR_SIZE), data[..0x2000]);
    assert_eq!(held(&board, SECTOR_SIZE, 2 * SECTOR_SIZE), [0xFF; 0x4000]);
    assert_eq!(held(&board, 3 * SECTOR_SIZE, SECTOR_SIZE), data[0x6000..]);
}

#[test]
fn what_cannot_be_written_is_refused_with_no_transaction_and_no_change() {
    let data = pattern(64, 6);
    let open = ProductState::Open;
    let provisioning = ProductState::Provisioning;
    let (on, off) = (TrustZone::Enabled, TrustZone::Disabled);
    for (state, tz, options, address, code) in [
        (open, off, &["WRPSGn1=0xFE"][..], 0x0800_6000, "flash-write-protected"),
        (open, off, &["EDATA2_EN=1", "EDATA2_STRT=0"], 0x0807_E000, "flash-data-sectors"),
        (provisioning, on, &[], 0x0C00_0000, "flash-secure-sectors"),
        (open, off, &[], 0x0808_0000, "flash-outside"),
        (open, off, &[], 0x0807_FFF0, "flash-outside"),
        (open, off, &[], 0x2000_0000, "flash-outside"),
        (open, off, &[], 0x08FF_F000, "flash-outside"),
        (open, off, &[], 0x07FF_FFF0, "flash-outside"),
    ] {
        let board = board("STM32H533", state, tz);
        if !options.is_empty() {
            set(&board, options);
        }
        let mut bench = Bench::on_board(board.clone());
        let bytes = read(&mut bench, &board).unwrap();
        let before = (bench.session.stats(), board.board().stats().transactions);
        let image = image(&[(address, &data)]);
        let error = Flash::of(&bytes).unwrap().write(&mut bench.session, &image, &mut Log::default()).unwrap_err();
        assert_eq!(error.code(), code, "{address:#x}: {error}");
        assert_eq!((bench.session.stats(), board.board().stats().transactions), before, "{code}");
    }
    // A write-protected neighbour does no harm.
    let board = board("STM32H533", open, off);
    set(&board, &["WRPSGn1=0xFE"]);
    write(&board, &image(&[(0x0800_8000, &data)])).unwrap();
}

#[test]
fn in_provisioning_the_non_secure_sectors_are_programmed() {
    for tz in TrustZone::ALL {
        let board = board("STM32H563", ProductState::Provisioning, tz);
        let data = pattern(100, 7);
        write(&board, &image(&[(0x0810_4000, &data)])).unwrap();
        assert_eq!(held(&board, 0x10_4000, 100), data, "TrustZone {tz}");
        assert_eq!(common::state_of(&board).0, ProductState::Provisioning);
        // The size is masked, the line is made in two, and which sector lies at an address depends on it.
        let mut bench = Bench::on_board(board);
        let identity = identify(&mut bench.session).unwrap();
        let bytes = OptionBytes::read(&mut bench.session, &identity, None).unwrap();
        assert_eq!(Failure::from(Flash::of(&bytes).unwrap_err()).code(), "flash-size-unknown", "TrustZone {tz}");
    }
}

#[test]
fn an_image_for_the_other_world_is_warned_about() {
    let board = board("STM32H533", ProductState::Open, TrustZone::Enabled);
    let data = pattern(32, 8);
    let written = write(&board, &image(&[(0x0800_0000, &data)])).unwrap();
    assert_eq!((written.warnings.len(), written.secure_sectors), (1, 1));
    assert!(written.warnings[0].contains("0x08000000 is a non-secure address"), "{:?}", written.warnings);
    assert_eq!(held(&board, 0, 32), data);
}

#[test]
fn a_power_cut_during_a_write_is_noticed_and_verify_tells() {
    let image = image(&[(0x0800_1F00, &pattern(0x400, 9))]);
    let fresh = || board("STM32H503", ProductState::Open, TrustZone::Disabled);
    let whole = fresh();
    write(&whole, &image).unwrap();
    let transactions = whole.board().stats().transactions;
    let (mut complete, mut detected) = (0, 0);
    for index in 0..transactions {
        let board = fresh();
        board.board().dp_mut().faults_mut().at(index, Fault::PowerCutAfter);
        let error = write(&board, &image).err();
        board.board().power_cycle();
        let right = held(&board, 0x1F00, 0x400) == pattern(0x400, 9);
        match (right, verify(&board, &image)) {
            (true, Ok(())) => complete += 1,
            (false, Err(e)) => {
                assert_eq!(e.code(), "flash-mismatch", "{index}: {e}");
                let error = error.unwrap_or_else(|| panic!("{index}: nobody noticed"));
                assert!(error.code() == "flash-interrupted" || error.code().starts_with("link-"), "{index}: {error}");
                detected += 1;
            }
            (right, verdict) => panic!("{index}: {right}, {verdict:?}"),
        }
        if index % 16 == 0 {
            write(&board, &image).unwrap_or_else(|e| panic!("{index}: {e}"));
            verify(&board, &image).unwrap();
        }
    }
    println!("{transactions} power cuts: {detected} left an incomplete image, {complete} a complete one");
    assert!(complete > 0 && detected > 0);
}

#[test]
fn one_wrong_bit_is_found_wherever_it_is() {
    let data = pattern(0x2100, 10);
    let image = image(&[(0x0800_0000, &data)]);
    for at in [0usize, 1, 0x3FF, 0x400, 0x1FFF, 0x2000, 0x20FF] {
        let mut made = maker("STM32H503", ProductState::Open, TrustZone::Disabled);
        made.firmware = None;
        let board = VirtualBoard::with_chip("board", made.make());
        let mut wrong = data.clone();
        wrong[at] ^= 0x10;
        write(&board, &self::image(&[(0x0800_0000, &wrong)])).unwrap();
        let error = verify(&board, &image).unwrap_err().to_string();
        assert!(
            error.contains("1 of 8448 bytes differ") && error.contains(&format!("{:#010x}", 0x0800_0000 + at)),
            "{error}"
        );
    }
}

#[test]
fn the_hash_is_that_of_the_bytes() {
    // SHA-256 of "abc" (FIPS 180-4), and of "abc" after a gap filled with 0xFF (sha256sum of 61 ff ff 62 63).
    let hex = |image: &Image| image.sha256().iter().map(|b| format!("{b:02x}")).collect::<String>();
    assert_eq!(
        hex(&image(&[(0x0800_0000, b"abc")])),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(hex(&image(&[(0x0800_0003, b"bc"), (0x0800_0000, b"a")])), GAPPED);
}

const GAPPED: &str = "e8295bb0ef33a3f98fd5ca132b560d8d71a3a21539a8c8a40550ce588c747675";
