//! USB/IP: bytes as the kernel's documentation gives them, a device that comes and goes, and clients that lie.

use std::time::Duration;

use proptest::prelude::*;
use provost_bootloader::usb::SetupPacket;
use provost_twin::{
    board::VirtualBoard,
    doors::usbip::{
        Session,
        message::{Asked, Done, Listed, Malformed, Submit, Told},
    },
};

fn board() -> VirtualBoard {
    VirtualBoard::open("stuck-in-provisioning").unwrap()
}

/// What is answered, and whether the connection stays.
fn say(session: &mut Session, board: &VirtualBoard, bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut answers = Vec::new();
    let stays = session.receive(bytes, &mut *board.board(), &mut answers);
    (answers, stays)
}

fn import(board: &VirtualBoard) -> Session {
    let mut session = Session::default();
    let (answer, stays) = say(&mut session, board, &Asked::Import("1-1".to_owned()).to_bytes());
    assert!(stays && matches!(Told::take(&answer), Ok(Some(Told::Imported(Some(_))))), "{answer:?}");
    session
}

fn submit(number: u32, setup: SetupPacket, data: &[u8]) -> Submit {
    let length = setup.length.into();
    Submit { number, endpoint: 0, is_in: setup.is_in(), length, setup, data: data.to_vec() }
}

/// By hand, after Documentation/usb/usbip_protocol.rst.
#[test]
fn bytes_are_those_of_the_protocol() {
    let board = board();
    let (list, stays) = say(&mut Session::default(), &board, &[0x01, 0x11, 0x80, 0x05, 0, 0, 0, 0]);
    assert!(!stays, "a list ends the connection");
    assert_eq!(list[..12], [0x01, 0x11, 0x00, 0x05, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(list.len(), 12 + 312 + 4);
    assert_eq!(list[12 + 256..12 + 260], *b"1-1\0");
    // Bus 1, device 1, full speed; 0483:df11, 3.00; one configuration with one interface of DFU mode.
    let numbers = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0x04, 0x83, 0xDF, 0x11, 0x03, 0x00, 0, 0, 0, 1, 1, 1];
    assert_eq!(list[12 + 288..12 + 312], numbers);
    assert_eq!(list[12 + 312..], [0xFE, 1, 2, 0]);

    let mut ask = vec![0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0];
    ask.extend(b"1-1");
    ask.resize(40, 0);
    let mut session = Session::default();
    let (answer, stays) = say(&mut session, &board, &ask);
    assert!(stays);
    assert_eq!((&answer[..8], answer.len()), (&[0x01, 0x11, 0x00, 0x03, 0, 0, 0, 0][..], 8 + 312));

    // GET_DESCRIPTOR of the device, as number 7.
    let mut submit = [[0, 0, 0, 1], [0, 0, 0, 7], [0, 1, 0, 1], [0, 0, 0, 1], [0; 4], [0; 4], [0, 0, 0, 18]].concat();
    submit.resize(40, 0);
    submit.extend([0x80, 6, 0, 1, 0, 0, 18, 0]);
    let (answer, stays) = say(&mut session, &board, &submit);
    assert!(stays);
    assert_eq!(answer[..8], [0, 0, 0, 3, 0, 0, 0, 7]);
    assert_eq!(answer[20..28], [0, 0, 0, 0, 0, 0, 0, 18], "status 0, 18 bytes");
    assert_eq!(answer[48..58], [18, 1, 0, 2, 0, 0, 0, 64, 0x83, 0x04]);
    let mut unlink = [[0, 0, 0, 2], [0, 0, 0, 8], [0; 4], [0; 4], [0; 4], [0, 0, 0, 7]].concat();
    unlink.resize(48, 0);
    let (answer, stays) = say(&mut session, &board, &unlink);
    assert!(stays);
    assert_eq!((&answer[..8], answer[20..24].to_vec(), answer.len()), (&[0, 0, 0, 4, 0, 0, 0, 8][..], vec![0; 4], 48));
}

#[test]
fn a_stall_is_told_and_another_endpoint_is_one() {
    let board = board();
    let mut session = import(&board);
    let stalled = submit(1, SetupPacket { request_type: 0xC0, request: 1, value: 0, index: 0, length: 4 }, &[]);
    let elsewhere = Submit { endpoint: 1, ..submit(2, SetupPacket::get_descriptor(1, 0, 0, 18), &[]) };
    for asked in [stalled, elsewhere] {
        let (answer, stays) = say(&mut session, &board, &Asked::Submit(asked.clone()).to_bytes());
        let done = Done::take(&answer, &asked).unwrap().unwrap();
        assert_eq!((done.status, done.data.len(), stays), (-32, 0, true));
    }
}

#[test]
fn a_chip_that_resets_is_a_plug_that_is_pulled_and_comes_back() {
    let board = board();
    let mut session = import(&board);
    // Special command reset in block 0 (AN2606), then GET_STATUS begins it.
    let reset =
        submit(1, SetupPacket { request_type: 0x21, request: 1, value: 0, index: 0, length: 5 }, &[2, 0, 0, 0, 0]);
    assert!(say(&mut session, &board, &Asked::Submit(reset).to_bytes()).1);
    let status = submit(2, SetupPacket { request_type: 0xA1, request: 3, value: 0, index: 0, length: 6 }, &[]);
    let (answer, stays) = say(&mut session, &board, &Asked::Submit(status.clone()).to_bytes());
    let done = Done::take(&answer, &status).unwrap().unwrap();
    assert_eq!((done.status, done.data[4], stays), (0, 4, false), "its last word, and it is gone");
    // Until the bootloader is back there is no device.
    let (answer, _) = say(&mut Session::default(), &board, &Asked::List.to_bytes());
    assert_eq!(Told::take(&answer), Ok(Some(Told::Devices(vec![]))));
    board.advance(Duration::from_millis(50));
    import(&board);
}

#[test]
fn a_client_of_a_device_that_has_gone_is_told_so() {
    let board = board();
    let mut session = import(&board);
    board.board().power_cycle();
    board.advance(Duration::from_millis(50));
    let ask = submit(3, SetupPacket::get_descriptor(1, 0, 0, 18), &[]);
    let (answer, stays) = say(&mut session, &board, &Asked::Submit(ask.clone()).to_bytes());
    assert_eq!((Done::take(&answer, &ask).unwrap().unwrap().status, stays), (-19, false));
}

#[test]
fn whoever_speaks_something_else_is_sent_away_at_once() {
    let board = board();
    for bytes in [&b"G"[..], b"GET / HTTP/1.1\r\n", &[0x01, 0x11, 0x80, 0x04], &[0x02, 0x00, 0x80, 0x05]] {
        assert_eq!(say(&mut Session::default(), &board, bytes), (vec![], false), "{bytes:?}");
    }
    let mut session = import(&board);
    // More than a control transfer can move is not waited for.
    let large = Submit { length: 0x1_0000, ..submit(1, SetupPacket::from_bytes([0x21, 1, 2, 0, 0, 0, 0, 0]), &[]) };
    assert_eq!(say(&mut session, &board, &Asked::Submit(large).to_bytes()), (vec![], false));
    let (answer, stays) = say(&mut Session::default(), &board, &Asked::Import("9-9".to_owned()).to_bytes());
    assert_eq!((Told::take(&answer), stays), (Ok(Some(Told::Imported(None))), false));
}

fn packet() -> impl Strategy<Value = SetupPacket> {
    let likely = (prop::sample::select(vec![0x80u8, 0x21, 0xA1, 0x01]), 0u8..12, 0u16..0x304, 0u16..2, 0u16..1100);
    let likely = likely.prop_map(|(request_type, request, value, index, length)| SetupPacket {
        request_type,
        request,
        value,
        index,
        length,
    });
    prop_oneof![4 => likely, 1 => any::<[u8; 8]>().prop_map(SetupPacket::from_bytes)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// However the bytes are cut, the same is answered; nothing panics, and nothing is answered that was not asked for.
    #[test]
    fn any_client_is_served_alike_however_its_bytes_come(
        transfers in prop::collection::vec((packet(), prop::collection::vec(any::<u8>(), 0..20)), 0..12),
        tail in prop::collection::vec(any::<u8>(), 0..80),
        chunk in 1usize..100,
    ) {
        let mut bytes = Asked::Import("1-1".to_owned()).to_bytes();
        for (number, (setup, data)) in (1..).zip(&transfers) {
            let data = if setup.is_in() { &[][..] } else { data };
            let setup = SetupPacket { length: if setup.is_in() { setup.length } else { data.len() as u16 }, ..*setup };
            bytes.extend(Asked::Submit(submit(number, setup, data)).to_bytes());
        }
        bytes.extend(tail);
        let (one, other) = (board(), board());
        let (whole, stays) = say(&mut Session::default(), &one, &bytes);
        let (mut session, mut pieces, mut alive) = (Session::default(), Vec::new(), true);
        for piece in bytes.chunks(chunk) {
            if alive {
                let (answer, stays) = say(&mut session, &other, piece);
                pieces.extend(answer);
                alive = stays;
            }
        }
        prop_assert_eq!((pieces, alive), (whole, stays));
    }

    /// A server that lies: the client's end takes it apart or refuses it, and never takes more than it asked for.
    #[test]
    fn any_server_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..700), setup in packet(), number in 0u32..3) {
        let _ = Told::take(&bytes);
        let _ = Asked::take(&bytes, true);
        let asked = submit(number, setup, &[]);
        if let Ok(Some(done)) = Done::take(&bytes, &asked) {
            prop_assert!(done.data.len() <= usize::from(setup.length));
        }
        // With a head that is right, too.
        let mut right = Done { number, status: 0, moved: 0, data: vec![] }.to_bytes();
        right.truncate(24);
        right.extend(&bytes);
        if let Ok(Some(done)) = Done::take(&right, &asked) {
            prop_assert!(done.data.len() <= usize::from(setup.length));
        }
    }

    #[test]
    fn what_is_written_is_read(id in "[a-z0-9.-]{1,31}", number in any::<u32>(), setup in packet(), vendor in any::<u16>()) {
        for asked in [Asked::List, Asked::Import(id.clone())] {
            let bytes = asked.to_bytes();
            prop_assert_eq!(Asked::take(&bytes, false), Ok(Some((asked, bytes.len()))));
        }
        for asked in [Asked::Unlink { number }, Asked::Submit(submit(number, SetupPacket { request_type: 0xA1, ..setup }, &[]))] {
            let bytes = asked.to_bytes();
            prop_assert_eq!(Asked::take(&bytes, true), Ok(Some((asked, bytes.len()))));
        }
        let device = Listed { bus_id: id, vendor, product: 1, release: 2, interfaces: vec![[1, 2, 3], [4, 5, 6]] };
        let told = Told::Devices(vec![device.clone(), device]);
        prop_assert_eq!(Told::take(&told.to_bytes()), Ok(Some(told)));
        prop_assert_eq!(Told::take(&[1, 0x11, 0, 5, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]), Err(Malformed));
    }
}
