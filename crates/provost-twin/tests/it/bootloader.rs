//! The virtual ROM bootloader: when it runs, what it may touch, and how it misleads. Frames are written out by hand, as AN3155 has them.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::Duration,
};

use provost_bootloader::dfu::{Request, Setup};
use provost_chip::{
    assumptions::Assumptions,
    option_bytes::OptionField,
    parts::PartId,
    states::{ProductState, TrustZone},
};
use provost_twin::{
    board::{UsbError, VirtualBoard},
    doors::{self, Terms, WallClock},
    presets::Maker,
    silicon::FirmwareBehaviour,
};

const ACK: u8 = 0x79;
const NACK: u8 = 0x1F;

fn board(part: &str, state: ProductState, tz: TrustZone, world: &[(&str, &str)]) -> VirtualBoard {
    let mut maker = Maker::new(part.parse().unwrap(), 7);
    (maker.state, maker.tz) = (state, tz);
    maker.firmware = Some(FirmwareBehaviour { non_secure: true, ..FirmwareBehaviour::default() });
    let mut assumptions = Assumptions::default();
    for (name, value) in world {
        assumptions.set(name, value).unwrap();
    }
    maker.assumptions = assumptions;
    VirtualBoard::with_chip(part, maker.make())
}

fn reset(board: &VirtualBoard, boot0: bool) {
    let mut inner = board.board();
    inner.silicon_mut().set_boot0(boot0);
    inner.silicon_mut().set_nrst(true);
    inner.silicon_mut().set_nrst(false);
    drop(inner);
    board.advance(Duration::from_millis(10));
}

/// An H563 in Open with BOOT0 high, woken.
fn in_bootloader(world: &[(&str, &str)]) -> VirtualBoard {
    let board = board("STM32H563", ProductState::Open, TrustZone::Disabled, world);
    reset(&board, true);
    assert_eq!(say(&board, &[0x7F]), [ACK]);
    board
}

fn say(board: &VirtualBoard, bytes: &[u8]) -> Vec<u8> {
    board.board().serial(bytes)
}

fn with_xor(bytes: &[u8]) -> Vec<u8> {
    let xor = bytes.iter().fold(0, |x, b| x ^ b);
    [bytes, &[xor]].concat()
}

/// Read Memory; `None` for a NACK anywhere.
fn read(board: &VirtualBoard, address: u32, length: u8) -> Option<Vec<u8>> {
    if say(board, &[0x11, 0xEE]) != [ACK] || say(board, &with_xor(&address.to_be_bytes())) != [ACK] {
        return None;
    }
    let said = say(board, &[length - 1, !(length - 1)]);
    (said[0] == ACK).then(|| said[1..].to_vec())
}

fn word(board: &VirtualBoard, address: u32) -> u32 {
    u32::from_le_bytes(read(board, address, 4).unwrap().try_into().unwrap())
}

/// Write Memory; the last answer.
fn write(board: &VirtualBoard, address: u32, data: &[u8]) -> Vec<u8> {
    assert_eq!(say(board, &[0x31, 0xCE]), [ACK]);
    assert_eq!(say(board, &with_xor(&address.to_be_bytes())), [ACK]);
    say(board, &with_xor(&[&[data.len() as u8 - 1], data].concat()))
}

fn erase(board: &VirtualBoard, sector: u16) -> Vec<u8> {
    assert_eq!(say(board, &[0x44, 0xBB]), [ACK]);
    let [high, low] = sector.to_be_bytes();
    say(board, &with_xor(&[0, 0, high, low]))
}

fn special(board: &VirtualBoard, number: u16, operand: u32) -> Vec<u8> {
    assert_eq!(say(board, &[0x50, 0xAF]), [ACK]);
    assert_eq!(say(board, &with_xor(&number.to_be_bytes())), [ACK]);
    say(board, &with_xor(&[&[0, 4], &operand.to_be_bytes()[..]].concat()))
}

const DONE: [u8; 7] = [ACK, 0, 0, 0, 1, 0, ACK];

#[test]
fn it_runs_in_open_with_boot0_and_in_provisioning_always() {
    for part in PartId::all() {
        for tz in [TrustZone::Disabled, TrustZone::Enabled].into_iter().take(if part.info().trustzone { 2 } else { 1 })
        {
            for state in ProductState::ALL {
                for boot0 in [false, true] {
                    let board = board(part.info().name, state, tz, &[]);
                    reset(&board, boot0);
                    let runs = state == ProductState::Provisioning || (state == ProductState::Open && boot0);
                    let expected: &[u8] = if runs { &[ACK] } else { &[] };
                    assert_eq!(say(&board, &[0x7F]), expected, "{part} {state} {tz} boot0 {boot0}");
                    if runs {
                        let [high, low] = part.info().dev_id.to_be_bytes();
                        assert_eq!(say(&board, &[0x02, 0xFD]), [ACK, 1, high, low, ACK], "{part}");
                        // PRODUCT_STATE and TZEN, as tools read them.
                        assert_eq!((word(&board, 0x4002_2050) >> 8) as u8, state.code());
                        if part.info().trustzone {
                            assert_eq!((word(&board, 0x4002_2070) >> 24) as u8, tz.code());
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_bootloader_that_starts_is_silent_until_the_rss_is_through() {
    let board = board("STM32H563", ProductState::Provisioning, TrustZone::Disabled, &[]);
    board.board().silicon_mut().set_nrst(true);
    assert!(say(&board, &[0x7F]).is_empty());
    board.board().silicon_mut().set_nrst(false);
    assert!(say(&board, &[0x7F]).is_empty(), "2.7 ms");
    board.advance(Duration::from_millis(3));
    assert_eq!(say(&board, &[0x7F]), [ACK]);
    board.board().power_cycle();
    board.advance(Duration::from_millis(3));
    assert!(say(&board, &[0x02, 0xFD]).is_empty(), "nobody has told it the bit rate yet");
}

#[test]
fn flash_is_written_read_back_and_erased_by_flat_sector_numbers() {
    let board = in_bootloader(&[]);
    for (sector, address) in [(3u16, 0x0800_6000u32), (130, 0x0810_4000)] {
        let data: Vec<u8> = (0..64).map(|n| n ^ sector as u8).collect();
        assert_eq!(write(&board, address, &data), [ACK]);
        assert_eq!(read(&board, address, 64).unwrap(), data);
        assert_eq!(erase(&board, sector), [ACK]);
        assert_eq!(read(&board, address, 64).unwrap(), [0xFF; 64]);
    }
    assert_eq!(word(&board, 0x08FF_F80C) & 0xFFFF, 2048, "the size word, in Open");
    assert!(read(&board, 0x0820_0000, 4).is_none() && read(&board, 0x2000_0000, 4).is_none());
}

#[test]
fn r_bootloader_ack_is_no_proof() {
    let board = in_bootloader(&[]);
    assert_eq!(write(&board, 0x0800_6008, &[1; 16]), [ACK], "not aligned");
    assert_eq!(read(&board, 0x0800_6000, 32).unwrap(), [0xFF; 32]);
    // Write protection of the first group of bank 1.
    let part: PartId = "STM32H563".parse().unwrap();
    let field = OptionField::find(part, "WRPSGn1").unwrap();
    let mut image = read(&board, 0x4002_2050, 0xB0).unwrap();
    for at in (0..0xB0).step_by(4) {
        let offset = 0x50 + at as u16;
        if OptionField::of(part).any(|f| f.offset_prg == offset) {
            let current = image[at - 4..at].to_vec();
            image[at..at + 4].copy_from_slice(&current);
        }
    }
    let at = usize::from(field.offset_prg - 0x50);
    image[at] &= !1;
    assert_eq!(write(&board, 0x4002_2050, &image), [ACK]);
    board.advance(Duration::from_millis(10));
    assert_eq!(say(&board, &[0x7F]), [ACK], "the chip has reset");
    assert_eq!(word(&board, 0x4002_2000 + u32::from(field.offset_cur)) & 1, 0);
    assert_eq!(write(&board, 0x0800_2000, &[1; 16]), [ACK]);
    assert_eq!(erase(&board, 0), [ACK]);
    assert_eq!(read(&board, 0x0800_2000, 16).unwrap(), [0xFF; 16], "nothing was written");
    // Only a whole bank says no.
    assert_eq!(say(&board, &[0x44, 0xBB]), [ACK]);
    assert_eq!(say(&board, &[0xFF, 0xFE, 0x01]), [NACK]);
}

#[test]
fn r_bootloader_go_locks_up_until_a_reset() {
    let board = in_bootloader(&[]);
    assert_eq!(say(&board, &[0x21, 0xDE]), [ACK]);
    assert_eq!(say(&board, &with_xor(&0x0800_0000u32.to_be_bytes())), [ACK]);
    board.advance(Duration::from_secs(1));
    assert!(say(&board, &[0x7F, 0x02, 0xFD]).is_empty());
    reset(&board, true);
    assert_eq!(say(&board, &[0x7F]), [ACK]);
    assert_eq!(special(&board, 0x0002, 0), DONE);
    board.advance(Duration::from_millis(10));
    assert_eq!(say(&board, &[0x7F]), [ACK], "with BOOT0 high it comes back");
}

#[test]
fn r_bootloader_state_goes_where_an_option_write_would() {
    for (world, answer) in [(&[][..], &DONE[..]), (&[("boot-final-ack", "lost")], &[ACK])] {
        let board = in_bootloader(world);
        assert_eq!(special(&board, 0x0001, 0x17), answer);
        board.advance(Duration::from_millis(10));
        assert_eq!(board.board().silicon().chip().state, ProductState::Provisioning);
        reset(&board, false);
        assert_eq!(say(&board, &[0x7F]), [ACK], "whatever BOOT0 is");
        assert_eq!(special(&board, 0x0001, 0xED), answer, "backwards is acknowledged");
        board.advance(Duration::from_millis(10));
        assert_eq!(board.board().silicon().chip().state, ProductState::Provisioning, "and ignored");
        say(&board, &[0x7F]);
        special(&board, 0x0001, 0x72);
        board.advance(Duration::from_millis(10));
        assert_eq!(board.board().silicon().chip().state, ProductState::Closed);
        assert!(say(&board, &[0x7F]).is_empty(), "no bootloader any more");
    }
}

#[test]
fn objects_are_provisioned_by_address_of_a_request() {
    for (part, tz) in
        [("STM32H563", TrustZone::Disabled), ("STM32H563", TrustZone::Enabled), ("STM32H533", TrustZone::Enabled)]
    {
        for state in [ProductState::Open, ProductState::Provisioning] {
            let board = board(part, state, tz, &[("rss-encrypt-word", "caca-is-plain")]);
            reset(&board, true);
            say(&board, &[0x7F]);
            let sram3 = part.parse::<PartId>().unwrap().info().sram3.base;
            // SHA-256 over 64 bytes of 7, which makes a payload that the chip holds for valid.
            let mut payload = vec![7; 96];
            payload[..32].copy_from_slice(&<sha2::Sha256 as sha2::Digest>::digest([7; 64]));
            let crypto = part.parse::<PartId>().unwrap().info().crypto;
            let word: u32 = if crypto { 0 } else { 0xCACA_0AA0 };
            let fields: Vec<u8> = [sram3, 0x0FFD_0100, 96, word].iter().flat_map(|w: &u32| w.to_le_bytes()).collect();
            let covered: Vec<u8> = [payload.as_slice(), &fields].concat();
            let request = |crc: u32| [fields.clone(), crc.to_le_bytes().to_vec()].concat();
            assert_eq!(write(&board, sram3, &payload), [ACK]);
            assert_eq!(write(&board, sram3 + 0x60, &request(0x1234)), [ACK]);
            let refused = special(&board, 0x0083, sram3 + 0x60);
            assert_eq!(refused, [ACK, 0, 4, 0xF5, 0xF5, 0x80, 0x80, 0, 1, 0, ACK], "{part} {state}: wrong checksum");
            assert_eq!(board.board().silicon().chip().da, None);
            write(&board, sram3 + 0x60, &request(crc_of_words(&covered)));
            assert_eq!(special(&board, 0x0083, sram3 + 0x60), DONE, "{part} {state} {tz}");
            assert!(board.board().silicon().chip().da.is_some(), "{part} {state} {tz}");
        }
    }
    let board = board("STM32H503", ProductState::Provisioning, TrustZone::Disabled, &[]);
    say(&board, &[0x7F]);
    assert_eq!(special(&board, 0x0083, 0x2000_4000), [ACK, 0, 0, 0, 1, 1, ACK], "not on STM32H503");
}

/// The CRC unit over 32-bit words (polynomial 0x04C11DB7, from 0xFFFFFFFF), bit by bit.
fn crc_of_words(bytes: &[u8]) -> u32 {
    bytes.chunks(4).map(|c| u32::from_le_bytes(c.try_into().unwrap())).fold(u32::MAX, |crc, word| {
        (0..32).fold(crc ^ word, |crc, _| if crc & 1 << 31 == 0 { crc << 1 } else { crc << 1 ^ 0x04C1_1DB7 })
    })
}

#[test]
fn secure_sectors_are_hidden_and_refuse_silently() {
    let board = board("STM32H563", ProductState::Provisioning, TrustZone::Enabled, &[]);
    say(&board, &[0x7F]);
    // Bank 1 is secure, bank 2 is not: as the maker of the chip sets it up.
    let secure_before = board.board().silicon().nvm().flash_word(0);
    assert_ne!(secure_before, 0);
    assert_eq!(word(&board, 0x0800_0000), 0);
    assert_eq!(erase(&board, 0), [ACK]);
    assert_eq!(board.board().silicon().nvm().flash_word(0), secure_before);
    assert_ne!(word(&board, 0x0810_0000), 0);
    assert_eq!(erase(&board, 128), [ACK]);
    assert_eq!(word(&board, 0x0810_0000), u32::MAX);
}

#[test]
fn r_bootloader_usb_first_keeps_the_serial_line_silent() {
    let ask = Setup { request: Request::GetStatus, value: 0, index: 0, length: 6 }.packet();
    let plugged = VirtualBoard::open("stuck-in-provisioning?usb=plugged").unwrap();
    assert!(say(&plugged, &[0x7F]).is_empty());
    assert_eq!(plugged.board().usb(ask, &[]), Ok(vec![0, 0, 0, 0, 2, 0]));
    let board = VirtualBoard::open("stuck-in-provisioning").unwrap();
    assert_eq!(board.board().usb(ask, &[]), Ok(vec![0, 0, 0, 0, 2, 0]));
    assert!(say(&board, &[0x7F]).is_empty(), "the first interface that speaks stays");
    reset(&board, false);
    assert_eq!(say(&board, &[0x7F]), [ACK]);
    assert_eq!(board.board().usb(ask, &[]), Err(UsbError::Gone));
    let user = VirtualBoard::open("fresh").unwrap();
    assert_eq!(user.board().usb(ask, &[]), Err(UsbError::Gone));
}

#[test]
fn versions_and_opcodes_turn_with_their_switches() {
    let get = |world: &[(&str, &str)]| say(&in_bootloader(world), &[0x00, 0xFF]);
    let list = [0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x50, 0x51];
    assert_eq!(get(&[]), [&[ACK, 11, 0x40], &list[..], &[ACK]].concat());
    let world = [("boot-version", "0x31"), ("boot-readout-opcodes", "present")];
    assert_eq!(get(&world), [&[ACK, 13, 0x31], &list[..], &[0x82, 0x92, ACK]].concat());
}

/// Why a host must not call without end: behind an address the byte that calls is taken for length and data, and an even number of the same
/// byte has the right exclusive-or.
#[test]
fn enough_calls_are_a_write_and_one_other_byte_spoils_it() {
    for (other, answer) in [(None, ACK), (Some(40), NACK)] {
        let board = in_bootloader(&[]);
        assert_eq!(say(&board, &[0x31, 0xCE]), [ACK]);
        assert_eq!(say(&board, &with_xor(&0x4002_2050u32.to_be_bytes())), [ACK]);
        for n in 0..129 {
            let byte = if other == Some(n) { 0x00 } else { 0x7F };
            assert!(say(&board, &[byte]).is_empty(), "it waits for 128 bytes and their sum");
        }
        assert_eq!(say(&board, &[0x7F]), [answer]);
    }
}

/// What clients that say this, one after the other, hear within a second: as many bytes as are wanted, or fewer if the door closes.
fn at_the_door(idle: Duration, clients: &[(&[u8], usize)]) -> Vec<Vec<u8>> {
    let board = VirtualBoard::open("stuck-in-provisioning").unwrap();
    let listener = doors::bind(0).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Arc::new(AtomicBool::new(false));
    let server = {
        let shutdown = shutdown.clone();
        thread::spawn(move || {
            let clock = WallClock::default();
            let terms = Terms { shutdown: &shutdown, idle, clock: Some(&clock) };
            doors::serve_serial(&listener, &board, &terms).map_err(|e| e.to_string())
        })
    };
    // All stay connected: the door has to make room.
    let mut open = Vec::new();
    let answers = clients.iter().map(|(frame, wanted)| {
        let mut client = TcpStream::connect(address).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client.write_all(frame).unwrap();
        let mut answer = vec![0; *wanted];
        let mut heard = 0;
        while heard < *wanted {
            match client.read(&mut answer[heard..]) {
                Ok(count) if count > 0 => heard += count,
                _ => break,
            }
        }
        answer.truncate(heard);
        open.push(client);
        answer
    });
    let answers = answers.collect();
    shutdown.store(true, std::sync::atomic::Ordering::Relaxed);
    server.join().unwrap().unwrap();
    answers
}

#[test]
fn the_door_makes_room_and_a_client_that_comes_back_finds_the_bootloader_awake() {
    let answers = at_the_door(Duration::ZERO, &[(&[0x7F], 1), (&[0x7F, 0x80, 0x02, 0xFD], 6)]);
    // The byte that wakes is half a command to one that is awake: with its complement it is an unknown one.
    assert_eq!(answers, [vec![ACK], vec![NACK, ACK, 1, 0x04, 0x78, ACK]]);
}

#[test]
fn whoever_begins_with_anything_else_is_not_let_to_the_chip() {
    let answers = at_the_door(doors::IDLE, &[(b"POST / HTTP/1.1\r\n\r\n\x7f", 1), (&[0x7F], 1)]);
    assert_eq!(answers, [vec![], vec![ACK]], "the bootloader has not been woken by the first");
}
