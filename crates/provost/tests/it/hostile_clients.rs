//! Whoever reaches a door may send what they like: the chip's file stays whole, and every door answers the next one that means it.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpStream},
    time::Duration,
};

use provost_testkit::Random;

use crate::{
    sandbox::Sandbox,
    serving::{DOORS, Server},
};

const CONNECTIONS: usize = 1_000;
/// How many of them are held at the same time.
const HELD: usize = 100;

/// What a client that means it says first at each door, with how its answer begins.
const GREETINGS: [(&str, &[u8], &[u8]); 8] = [
    ("remote-bitbang", b"R", b"1"),
    ("cmsis-dap", b"DAP\0\x02\0\x01\0\0\x01", b"DAP\0"),
    ("black-magic", b"+#!GA#", b"&K"),
    ("pyocd", b"{\"id\": 0, \"request\": \"hello\", \"arguments\": [1]}\n", b"{"),
    ("serial", b"\x7F", b""),
    ("usbip", b"\x01\x11\x80\x05\0\0\0\0", b"\x01\x11\0\x05"),
    ("bench", b"provost-bench/1 nrst=high\n", b"ok"),
    ("pins", b"R", b"1"),
];

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Says this and no more, and listens to the end. The other side may close at any time.
fn say(port: u16, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(port);
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// The ports of all doors, with those that are provost's own.
fn ports(s: &Sandbox, server: &Server) -> Vec<(&'static str, u16)> {
    let mut ports: Vec<_> = DOORS.iter().map(|door| (*door, server.port(door))).collect();
    let own = std::fs::read_to_string(s.path("board.chip.bench")).unwrap();
    let numbers: Vec<u16> = own.split_whitespace().map(|port| port.parse().unwrap()).collect();
    let [bench, pins] = numbers[..] else { panic!("{own}") };
    ports.extend([("bench", bench), ("pins", pins)]);
    ports
}

/// Every door answers as it should.
fn alive(ports: &[(&str, u16)]) {
    for (door, greeting, answer) in GREETINGS {
        let port = ports.iter().find(|(name, _)| *name == door).unwrap().1;
        assert!(say(port, greeting).starts_with(answer), "{door}");
    }
}

#[test]
fn hostile_clients_harm_neither_the_chip_nor_the_doors() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H533 --tzen on --state provisioning");
    let before = s.read("board.chip");
    let server = Server::start(&s, "board.chip");
    let ports = ports(&s, &server);
    alive(&ports);
    let mut random = Random::new(31);
    for &(door, port) in &ports {
        // A browser: no byte of it is answered. What a page can send begins as HTTP does.
        for method in ["POST", "GET", "OPTIONS"] {
            let body = GREETINGS.iter().find(|(name, ..)| *name == door).unwrap().1;
            let head = format!("{method} / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 99\r\n\r\n");
            assert_eq!(say(port, &[head.as_bytes(), body].concat()), b"", "{door}: {method}");
        }
        // Any bytes, and what begins as it should.
        for _ in 0..10 {
            let bytes: Vec<u8> = (0..random.below(600)).map(|_| random.number() as u8).collect();
            say(port, &bytes);
        }
        // Half of a message.
        let greeting = GREETINGS.iter().find(|(name, ..)| *name == door).unwrap().1;
        for end in [1, greeting.len() / 2, greeting.len() - 1] {
            say(port, &greeting[..end]);
        }
        // Those who say nothing, a thousand of them; with each hundred at the door it answers somebody who speaks.
        for _ in 0..CONNECTIONS / HELD {
            let held: Vec<_> = (0..HELD).map(|_| connect(port)).collect();
            say(port, greeting);
            drop(held);
        }
    }
    // With silent ones at every door, provost itself still gets to the chip.
    let _silent: Vec<_> = ports.iter().map(|(_, port)| connect(*port)).collect();
    alive(&ports);
    let (code, status) = s.json("status --probe twin:board.chip");
    assert_eq!(code, 0, "{status:#}");
    drop(server);
    assert_eq!(s.read("board.chip"), before);
}
