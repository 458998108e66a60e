//! The remote_bitbang door over TCP, with a client as simple as OpenOCD's; and, where there is one, OpenOCD itself.

use crate::wire_toy;

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use provost_testkit::strangers;
use provost_twin::{
    doors::{self, DoorError, Terms, WallClock},
    wire::swd::SwDp,
};
use wire_toy::{DPIDR, Toy};

/// A door with a chip behind it; closed at the end of the test.
struct Door {
    port: u16,
    chip: Arc<Mutex<SwDp<Toy>>>,
    shutdown: Arc<AtomicBool>,
    server: Option<thread::JoinHandle<Result<(), DoorError>>>,
}

impl Door {
    fn open() -> Self {
        Self::open_with(doors::IDLE, false)
    }

    fn open_with(idle: Duration, wall: bool) -> Self {
        let listener = doors::bind(0).unwrap();
        let address = listener.local_addr().unwrap();
        assert!(address.ip().is_loopback());
        let chip = Arc::new(Mutex::new(SwDp::new(Toy::new())));
        let shutdown = Arc::new(AtomicBool::new(false));
        let server = {
            let (chip, shutdown) = (chip.clone(), shutdown.clone());
            thread::spawn(move || {
                let clock = WallClock::default();
                let terms = Terms { shutdown: &shutdown, idle, clock: wall.then_some(&clock) };
                doors::serve(doors::Door::RemoteBitbang, &listener, &*chip, &terms)
            })
        };
        Self { port: address.port(), chip, shutdown, server: Some(server) }
    }

    fn client(&self) -> Client {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        Client(stream)
    }

    fn nrst(&self) -> Vec<bool> {
        self.chip.lock().unwrap().bus().nrst.clone()
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
    fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    fn out(&mut self, bits: u64, count: u32) {
        let text: String = (0..count).map(|i| if bits >> i & 1 == 1 { "eg" } else { "df" }).collect();
        self.say(&text);
    }

    /// Samples before each rising edge, as OpenOCD's bitbang driver does.
    fn input(&mut self, count: usize) -> u64 {
        self.say(&"cdf".repeat(count));
        let mut answers = vec![0; count];
        self.0.read_exact(&mut answers).unwrap();
        answers.iter().rev().fold(0, |bits, answer| bits << 1 | u64::from(answer - b'0'))
    }

    fn connect(&mut self) {
        self.say("O");
        self.out(u64::MAX, 50);
        self.out(0xE79E, 16);
        self.line_reset();
    }

    fn line_reset(&mut self) {
        self.out(u64::MAX, 50);
        self.out(0, 2);
    }

    fn dpidr(&mut self) -> (u64, u32) {
        self.say("O");
        self.out(0xA5, 8);
        self.say("o");
        let bits = self.input(1 + 3 + 32 + 1 + 1);
        self.say("O");
        (bits >> 1 & 7, (bits >> 4) as u32)
    }

    fn assert_closed(mut self) {
        assert_eq!(self.0.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn a_client_reads_dpidr_and_another_goes_on_where_it_stopped() {
    let door = Door::open();
    let mut client = door.client();
    client.connect();
    assert_eq!(client.dpidr(), (1, DPIDR));
    drop(client);
    let mut client = door.client();
    assert_eq!(client.dpidr(), (1, DPIDR), "no reset between clients");
    client.say("Q");
    client.assert_closed();
    // One that goes in the middle of a packet.
    let mut client = door.client();
    client.out(0x5, 4);
    drop(client);
    let mut client = door.client();
    client.connect();
    assert_eq!(client.dpidr(), (1, DPIDR));
}

#[test]
fn jtag_characters_move_the_same_pins() {
    let door = Door::open();
    let mut client = door.client();
    let switch: String = (0..66).map(|i| if i < 50 || 0xE79E >> (i - 50) & 1 == 1 { "26" } else { "04" }).collect();
    client.say(&switch);
    client.say("RBbzZ\n");
    let mut tdo = [0];
    client.0.read_exact(&mut tdo).unwrap();
    assert_eq!(&tdo, b"1");
    client.line_reset();
    assert_eq!(client.dpidr(), (1, DPIDR));
}

#[test]
fn srst_is_nrst_and_is_released_with_the_client() {
    let door = Door::open();
    let mut client = door.client();
    client.say("rstursc");
    client.0.read_exact(&mut [0]).unwrap();
    assert_eq!(door.nrst(), [true, false, true, false, true]);
    client.say("Q");
    client.assert_closed();
    // The next client is served when the first one is done with.
    let mut client = door.client();
    client.say("c");
    client.0.read_exact(&mut [0]).unwrap();
    assert_eq!(door.nrst(), [true, false, true, false, true, false]);
}

/// A web page can make a browser post any text to any port of its own machine.
#[test]
fn whoever_speaks_http_does_not_reach_the_chip() {
    let door = Door::open();
    for method in ["GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "TRACE", "CONNECT", "PATCH", "PRI"] {
        let mut client = door.client();
        // The door may have closed the connection before the last of it was written.
        let _ = client
            .0
            .write_all(format!("{method} / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n{}", "dfeg".repeat(2000)).as_bytes());
        assert!(matches!(client.0.read(&mut [0]), Ok(0) | Err(_)), "{method}");
    }
    assert_eq!(door.chip.lock().unwrap().stats().clocks, 0);
    assert!(door.nrst().is_empty());
}

#[test]
fn an_idle_client_makes_room_for_one_that_waits() {
    let door = Door::open_with(Duration::ZERO, false);
    let mut first = door.client();
    first.say("sc");
    first.0.read_exact(&mut [0]).unwrap();
    let mut second = door.client();
    second.say("c");
    second.0.read_exact(&mut [0]).unwrap();
    first.assert_closed();
    assert_eq!(door.nrst(), [true, false], "with its client goes what it holds");
    // Nobody else waits: silence alone ends nothing.
    thread::sleep(Duration::from_millis(100));
    second.say("c");
    second.0.read_exact(&mut [0]).unwrap();
}

#[test]
fn sleep_passes_time_and_round_trips_do_not() {
    let waited = |wall, action: &dyn Fn(&mut Client)| {
        let door = Door::open_with(doors::IDLE, wall);
        let mut client = door.client();
        let answered = |client: &mut Client| {
            client.say("c");
            client.0.read_exact(&mut [0]).unwrap();
        };
        // The door is open by now, and its clock runs.
        answered(&mut client);
        action(&mut client);
        answered(&mut client);
        door.chip.lock().unwrap().bus().waited
    };
    assert_eq!(waited(false, &|client| client.say("ZZz")), Duration::from_micros(2001), "what the client asks for");
    let sleep = |_: &mut Client| thread::sleep(Duration::from_millis(50));
    assert_eq!(waited(false, &sleep), Duration::ZERO, "nothing but the wire's clock");
    let slept = waited(true, &sleep);
    assert!(slept >= Duration::from_millis(50), "{slept:?}");
}

#[test]
fn only_loopback_is_served() {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let chip = Mutex::new(SwDp::new(Toy::new()));
    let shutdown = AtomicBool::new(false);
    let terms = Terms { shutdown: &shutdown, idle: doors::IDLE, clock: None };
    let result = doors::serve(doors::Door::RemoteBitbang, &listener, &chip, &terms);
    assert!(matches!(result, Err(DoorError::NotLoopback(_))), "{result:?}");
}

#[test]
fn openocd_reads_both_rom_tables() {
    let Some(program) = strangers::openocd() else { return };
    for multidrop in ["", "-dp-id 0x04840041 -instance-id 0"] {
        let door = Door::open();
        let script = format!(
            "adapter driver remote_bitbang; remote_bitbang host 127.0.0.1; remote_bitbang port {}; transport select swd; \
             gdb port disabled; tcl port disabled; telnet port disabled; \
             swd newdap chip cpu -expected-id {DPIDR:#x}; dap create chip.dap -chain-position chip.cpu {multidrop}; \
             target create chip.ap0 mem_ap -dap chip.dap -ap-num 0; target create chip.ap1 mem_ap -dap chip.dap -ap-num 1; \
             init; echo [dap info 0]; echo [dap info 1]; echo [chip.dap apreg 1 0xfc]; echo [chip.ap1 mdw 0x08000008 2]; \
             chip.ap1 mww 0x20000000 0x12345678; adapter assert srst; adapter deassert srst; shutdown",
            door.port
        );
        let output = Command::new(&program).args(["-c", "reset_config srst_only", "-c", &script]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        println!("{text}");
        for expected in [
            "AP # 0x0",
            "AP # 0x1",
            "0x54770002",
            "0x84770001",
            "ROMTABLE[0x0] = 0x00004003",
            "0x08000008: deadbeef cafef00d",
        ] {
            assert!(text.contains(expected), "{expected} {multidrop}");
        }
        assert_eq!(door.chip.lock().unwrap().bus().peek(1, 0x2000_0000), 0x1234_5678);
        assert_eq!(door.nrst(), [true, false]);
    }
}
