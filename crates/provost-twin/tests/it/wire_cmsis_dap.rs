//! The CMSIS-DAP door over TCP: what its packets do, and what becomes of everything else.

use crate::wire_toy;

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use proptest::prelude::*;
use provost_twin::{
    doors::{self, DoorError, Terms},
    wire::swd::SwDp,
};
use wire_toy::{DPIDR, HOLE, Toy};

struct Door {
    port: u16,
    chip: Arc<Mutex<SwDp<Toy>>>,
    shutdown: Arc<AtomicBool>,
    server: Option<thread::JoinHandle<Result<(), DoorError>>>,
}

impl Door {
    fn open(idle: Duration) -> Self {
        let listener = doors::bind(0).unwrap();
        let port = listener.local_addr().unwrap().port();
        let chip = Arc::new(Mutex::new(SwDp::new(Toy::new())));
        let shutdown = Arc::new(AtomicBool::new(false));
        let (wire, flag) = (chip.clone(), shutdown.clone());
        let server = thread::spawn(move || {
            let terms = Terms { shutdown: &flag, idle, clock: None };
            doors::serve(doors::Door::CmsisDap, &listener, &*wire, &terms)
        });
        Self { port, chip, shutdown, server: Some(server) }
    }

    fn stream(&self) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }

    fn client(&self) -> Client {
        Client(self.stream())
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shutdown.store(true, Ordering::Relaxed);
        let result = self.server.take().map(|server| server.join().unwrap());
        if !thread::panicking() {
            result.unwrap().unwrap();
        }
    }
}

struct Client(TcpStream);

impl Client {
    fn ask(&mut self, packet: &[u8]) -> Vec<u8> {
        let length = u16::try_from(packet.len()).unwrap().to_le_bytes();
        self.0.write_all(&[b"DAP\0", &length[..], &[1, 0], packet].concat()).unwrap();
        let mut header = [0; 8];
        self.0.read_exact(&mut header).unwrap();
        assert_eq!((&header[..4], header[6]), (&b"DAP\0"[..], 2), "a response");
        let mut answer = vec![0; usize::from(u16::from_le_bytes([header[4], header[5]]))];
        self.0.read_exact(&mut answer).unwrap();
        answer
    }

    /// Switches to SWD and reads DPIDR, powers up the debug domain, and selects bank 0 of AP1 with word accesses that increment.
    fn connect(&mut self) {
        assert_eq!(self.ask(&[0x02, 1]), [0x02, 1]);
        assert_eq!(self.ask(&[0x04, 0, 10, 0, 0, 0]), [0x04, 0]);
        for bits in [vec![0x12, 51, 255, 255, 255, 255, 255, 255, 255], vec![0x12, 16, 0x9E, 0xE7]] {
            assert_eq!(self.ask(&bits), [0x12, 0]);
        }
        assert_eq!(self.ask(&[0x12, 51, 255, 255, 255, 255, 255, 255, 255]), [0x12, 0]);
        assert_eq!(self.ask(&[0x12, 8, 0]), [0x12, 0]);
        assert_eq!(self.ask(&[0x05, 0, 1, 0x02]), [&[0x05, 1, 1], &DPIDR.to_le_bytes()[..]].concat());
        let power = [0x05, 0, 2, 0x04, 0, 0, 0, 0x50, 0x08, 0, 0, 0, 1];
        assert_eq!(self.ask(&power), [0x05, 2, 1]);
        assert_eq!(self.ask(&[0x05, 0, 1, 0x01, 0x12, 0, 0, 0x43]), [0x05, 1, 1]);
    }

    fn tar(&mut self, address: u32) {
        let packet = [&[0x05, 0, 1, 0x05], &address.to_le_bytes()[..]].concat();
        assert_eq!(self.ask(&packet), [0x05, 1, 1]);
    }
}

#[test]
fn registers_are_read_and_written_one_by_one_and_in_blocks() {
    let door = Door::open(doors::IDLE);
    let mut client = door.client();
    client.connect();
    client.tar(0x0800_0008);
    // Three reads of DRW in one packet, the first of a DP register between them.
    let answer = client.ask(&[0x05, 0, 3, 0x0F, 0x0F, 0x02]);
    let words = [0xDEAD_BEEF, 0xCAFE_F00D, DPIDR].map(u32::to_le_bytes).concat();
    assert_eq!(answer, [&[0x05, 3, 1], &words[..]].concat());
    client.tar(0x0800_0008);
    let answer = client.ask(&[0x06, 0, 2, 0, 0x0F]);
    assert_eq!(answer, [&[0x06, 2, 0, 1], &words[..8]].concat());
    client.tar(0x2000_0000);
    let answer = client.ask(&[0x06, 0, 2, 0, 0x0D, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(answer, [0x06, 2, 0, 1]);
    assert_eq!(door.chip.lock().unwrap().bus().peek(1, 0x2000_0004), 0x0807_0605);
    // A match: mask, then a read until DRW is the value under it.
    client.tar(0x2000_0000);
    let matched = client.ask(&[0x05, 0, 2, 0x20, 0xFF, 0, 0, 0, 0x1F, 0x01, 0, 0, 0]);
    assert_eq!(matched, [0x05, 2, 1]);
    let other = client.ask(&[0x05, 0, 1, 0x1F, 0x77, 0, 0, 0]);
    assert_eq!(other, [0x05, 0, 0x11], "the bits never match");
}

#[test]
fn a_fault_is_told_and_cleared_by_abort() {
    let door = Door::open(doors::IDLE);
    let mut client = door.client();
    client.connect();
    client.tar(HOLE);
    assert_eq!(client.ask(&[0x05, 0, 2, 0x0F, 0x0F])[..3], [0x05, 1, 4]);
    assert_eq!(client.ask(&[0x08, 0, 0x1E, 0, 0, 0]), [0x08, 0]);
    assert_eq!(client.ask(&[0x05, 0, 1, 0x06])[..3], [0x05, 1, 1]);
}

#[test]
fn pins_reset_the_chip_and_let_go_with_the_client() {
    let door = Door::open(doors::IDLE);
    let mut client = door.client();
    assert_eq!(client.ask(&[0x10, 0, 0x80, 0, 0, 0, 0]), [0x10, 0x03]);
    assert_eq!(client.ask(&[0x10, 0x80, 0x80, 10, 0, 0, 0]), [0x10, 0x83]);
    assert_eq!(client.ask(&[0x09, 0xE8, 3]), [0x09, 0]);
    assert_eq!(door.chip.lock().unwrap().bus().waited, Duration::from_micros(1010));
    client.ask(&[0x10, 0, 0x80, 0, 0, 0, 0]);
    drop(client);
    let mut client = door.client();
    assert_eq!(client.ask(&[0x00, 0xF0]), [0x00, 1, 1], "SWD is what there is");
    assert_eq!(door.chip.lock().unwrap().bus().nrst, [true, false, true, false]);
    assert_eq!(client.ask(&[0x02, 2]), [0x02, 0], "no JTAG");
    assert_eq!(client.ask(&[0x99]), [0xFF], "no such command");
    assert_eq!(client.ask(&[0x7F, 2, 0x00, 0xFE, 0x03]), [0x7F, 2, 0x00, 1, 4, 0x03, 0]);
}

/// Random bytes, half a packet, a browser's request, many connections at once: nobody reaches the chip, and the door stays open.
#[test]
fn hostile_clients_end_and_the_next_one_is_served() {
    let door = Door::open(Duration::ZERO);
    for text in [
        &b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nDAP\0"[..],
        b"GET /",
        b"\0\0\0\0",
        b"DAP\0\0\0\x01\0",
        b"DAP\0\x01\0\x07\0\0",
    ] {
        let mut stream = door.stream();
        let _ = stream.write_all(text);
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)), "{text:?}");
    }
    // Half a packet, and silence.
    let mut half = door.stream();
    half.write_all(b"DAP\0\x04\0").unwrap();
    let crowd: Vec<_> = (0..200).map(|_| door.stream()).collect();
    drop(crowd);
    let mut client = door.client();
    assert_eq!(client.ask(&[0x03]), [0x03, 0]);
    assert_eq!(door.chip.lock().unwrap().stats().clocks, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any packet gets one answer of bounded length, whatever it asks for.
    #[test]
    fn every_packet_is_answered(packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 1..8)) {
        let door = Door::open(doors::IDLE);
        let mut client = door.client();
        for packet in packets {
            let answer = client.ask(&packet);
            prop_assert!((1..=1024).contains(&answer.len()));
        }
        prop_assert_eq!(client.ask(&[0x03]), [0x03, 0]);
    }
}
