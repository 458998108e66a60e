//! Image files: ELF, Intel HEX and plain bytes say the same; damaged ones are refused by name and place.

use std::path::Path;

use proptest::prelude::*;
use provost_chip::{order_code::OrderCode, parts::FlashSize};
use provost_ops::fault::Fault as _;
use provost_ops::flash::image::{Format, Image, to_hex};

fn parse(bytes: &[u8], name: &str, at: Option<u32>) -> Result<Image, String> {
    Image::parse(bytes, Path::new(name), at).map_err(|e| format!("{}: {e}", e.code()))
}

/// A minimal 32-bit little-endian Arm ELF (System V gABI, chapters 4 and 5): header, program headers, bytes.
fn elf(segments: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut file = b"\x7fELF\x01\x01\x01".to_vec();
    file.resize(16, 0);
    let half = |file: &mut Vec<u8>, value: u16| file.extend(value.to_le_bytes());
    let word = |file: &mut Vec<u8>, value: u32| file.extend(value.to_le_bytes());
    half(&mut file, 2); // ET_EXEC
    half(&mut file, 40); // EM_ARM
    word(&mut file, 1);
    word(&mut file, segments.first().map_or(0, |s| s.0));
    word(&mut file, 52); // program headers follow
    word(&mut file, 0);
    word(&mut file, 0x0500_0000);
    for value in [52, 32, segments.len() as u16, 40, 0, 0] {
        half(&mut file, value);
    }
    let mut at = 52 + 32 * segments.len() as u32;
    for (virtual_address, physical, bytes) in segments {
        for value in [1, at, *virtual_address, *physical, bytes.len() as u32, bytes.len() as u32 + 8, 5, 4] {
            word(&mut file, value);
        }
        at += bytes.len() as u32;
    }
    for (_, _, bytes) in segments {
        file.extend(*bytes);
    }
    file
}

#[test]
fn the_three_formats_say_the_same() {
    let bytes: Vec<u8> = (0..70_000u32).map(|n| (n * 7 + n / 251) as u8).collect();
    let plain = parse(&bytes, "fw.bin", Some(0x0800_FF00)).unwrap();
    // Initialised data runs in RAM and is loaded from flash: the physical address counts.
    let (code, data) = bytes.split_at(69_000);
    let at = 0x0800_FF00 + code.len() as u32;
    let linked = parse(&elf(&[(0x0800_FF00, 0x0800_FF00, code), (0x2000_0000, at, data)]), "fw", None).unwrap();
    let hex = parse(to_hex(0x0800_FF00, &bytes).as_bytes(), "fw.HEX", None).unwrap();
    assert_eq!((plain.format, linked.format, hex.format), (Format::Binary, Format::Elf, Format::Hex));
    for image in [&linked, &hex] {
        assert_eq!(image.segments().collect::<Vec<_>>(), [(0x0800_FF00, &bytes[..])]);
        assert_eq!(image.sha256(), plain.sha256());
    }
}

#[test]
fn hex_records_are_read_as_intel_wrote_them_down() {
    // From the Intel HEX specification of 1988: type 02 shifts by four bits, type 04 by sixteen.
    let text =
        ":020000040800F2\n:0400100001020304E2\n:020000021000EC\n:0100000055AA\n:04000005080001B935\n:00000001FF\n";
    let image = parse(text.as_bytes(), "a.hex", None).unwrap();
    let parts: Vec<_> = image.segments().collect();
    assert_eq!(parts, [(0x0001_0000, &[0x55][..]), (0x0800_0010, &[1, 2, 3, 4][..])]);
}

#[test]
fn damaged_images_are_refused_by_place() {
    let good = elf(&[(0x0800_0000, 0x0800_0000, &[1; 64])]);
    let mut not_arm = good.clone();
    not_arm[18] = 3;
    let mut wide = good.clone();
    wide[4] = 2;
    // The second header is pointed at the bytes of the first, and both load all of them.
    let mut shared = elf(&[(0, 0x0800_0000, &[1; 200]), (0, 0x0800_2000, &[])]);
    shared.copy_within(56..60, 88);
    shared.copy_within(68..72, 100);
    for (bytes, name, says) in [
        (&b"\x7fELF"[..], "a.elf", "flash-image: image a.elf: no 32-bit ELF"),
        (&good[..60], "a.elf", "flash-image: image a.elf: ELF program headers"),
        (
            &good[..100],
            "a.elf",
            "flash-image: image a.elf: ELF program header 0: its bytes at 0x54 are not in the file",
        ),
        (&not_arm, "a.elf", "machine 3 is not Arm"),
        (&wide, "a.elf", "no 32-bit ELF"),
        (&shared, "a.elf", "program header 1: it loads bytes of the file that others load already"),
        (&elf(&[]), "a.elf", "nothing in it"),
        (b":00000001FF\n", "a.hex", "nothing in it"),
        (b":0400100001020304E2\n", "a.hex", "cut short"),
        (b":0400100001020304E3\n:00000001FF\n", "a.hex", "line 1:"),
        (b"\n:04001000010203\n:00000001FF\n", "a.hex", "line 2:"),
        (b":00000001FF\n:0100000055AA\n", "a.hex", "line 2: a record after the end"),
        (b"\xFF\xFE", "a.hex", "byte 0x0 is no text"),
        (b"plain", "a.bin", "flash-address-needed"),
        (b"", "a.bin", "flash-address-needed"),
    ] {
        let error = parse(bytes, name, None).unwrap_err();
        assert!(error.contains(says), "{name}: {error}");
    }
    assert!(parse(b"", "a.bin", Some(0)).unwrap_err().contains("nothing in it"));
}

fn smallest() -> FlashSize {
    "STM32H503RB".parse::<OrderCode>().unwrap().flash.unwrap()
}

#[test]
fn an_address_for_an_image_that_has_its_own_is_refused() {
    let elf = elf(&[(0x0800_0000, 0x0800_0000, &[1; 64])]);
    let hex = b":0400100001020304E2\n:00000001FF\n";
    for (bytes, name) in [(&elf[..], "a.elf"), (&hex[..], "a.hex")] {
        assert!(parse(bytes, name, None).is_ok());
        let error = parse(bytes, name, Some(0x0801_0000)).unwrap_err();
        assert!(error.contains("flash-address-ignored"), "{name}: {error}");
    }
}

#[test]
fn one_byte_has_one_claimant_whatever_the_alias() {
    let two = |a: u32, b: u32| Image::from_segments(Format::Elf, vec![(a, vec![1; 16]), (b, vec![2; 16])]);
    assert_eq!(two(0x0800_0000, 0x0800_000F).unwrap_err().code(), "flash-image-overlap");
    assert_eq!(two(0x0C00_0008, 0x0800_0000).unwrap_err().code(), "flash-image-overlap");
    assert_eq!(two(0xFFFF_FFF8, 0).unwrap_err().code(), "flash-outside");
    let image = two(0x0C00_0000, 0x0800_0010).unwrap();
    assert_eq!(image.sectors(smallest()).unwrap().len(), 1);
    assert_eq!(image.len(), 32);
}

#[test]
fn sectors_are_padded_to_quad_words() {
    let image =
        Image::from_segments(Format::Binary, vec![(0x0800_1FFF, vec![7; 2]), (0x0800_2021, vec![9; 1])]).unwrap();
    let sectors = image.sectors(smallest()).unwrap();
    assert_eq!(sectors.iter().map(|s| s.index).collect::<Vec<_>>(), [0, 1]);
    let mut last = [0xFF; 16];
    last[15] = 7;
    assert_eq!(sectors[0].runs(), [(0x1FF0, &last[..])]);
    let (mut first, mut third) = ([0xFF; 16], [0xFF; 16]);
    (first[0], third[1]) = (7, 9);
    assert_eq!(sectors[1].runs(), [(0, &first[..]), (0x20, &third[..])]);
    assert!(sectors[1].gives(0) && !sectors[1].gives(1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_file_makes_the_parsers_panic(
        noise in prop::collection::vec(any::<u8>(), 0..300),
        flips in prop::collection::vec((0usize..180, any::<u8>()), 0..6),
        cut in 0usize..200,
    ) {
        let _ = parse(&noise, "a.hex", None);
        let _ = parse(&noise, "a.bin", Some(0xFFFF_FFF0));
        let mut file = elf(&[(0x0800_0000, 0x0800_0000, &[1; 40]), (0x2000_0000, 0x0800_4000, &[2; 40])]);
        for (at, byte) in flips {
            if let Some(slot) = file.get_mut(at) {
                *slot ^= byte;
            }
        }
        file.truncate(cut.max(4));
        if let Ok(image) = parse(&file, "a.elf", None) {
            let _ = image.sectors(smallest());
            image.sha256();
        }
    }

    #[test]
    fn hex_comes_back(address in 0u32..0xFFFF_0000, bytes in prop::collection::vec(any::<u8>(), 1..500)) {
        let image = parse(to_hex(address, &bytes).as_bytes(), "a.hex", None).unwrap();
        let parts: Vec<_> = image.segments().collect();
        prop_assert_eq!(parts, [(address, &bytes[..])]);
    }
}
