//! A serial line to a ROM bootloader: of a virtual chip, behind a TCP port, or of this machine.

use std::{
    fmt,
    io::{self, Write as _},
    net::{SocketAddr, TcpStream},
    str::FromStr,
    time::{Duration, Instant},
};

use provost_ops::drive::bootloader::Line;
use provost_twin::board::{Selector, VirtualBoard};

use crate::{Bench, BenchError, Probe, Stop};

/// Bits per second, if nobody says otherwise: the bootloader measures them.
const BAUD: u32 = 115_200;

/// Which line is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uart {
    /// `twin:NAME[?OPTION=VALUE,…]`: the bootloader of a virtual chip.
    Twin(Selector),
    /// `tcp:ADDRESS:PORT`: bytes over TCP, such as `twin serve --serial` offers them.
    Tcp(SocketAddr),
    /// `PORT[:BAUD]`: a serial port of this machine.
    Port {
        /// Its name, such as `/dev/ttyUSB0` or `COM3`.
        name: String,
        /// Bits per second.
        baud: u32,
    },
}

impl Uart {
    /// The line without what only says how the bench is set up: under this name a chip is told from others in journals.
    pub fn chip_name(&self) -> String {
        match self {
            Self::Twin(selector) => format!("twin:{}", selector.name()),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Uart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twin(selector) => write!(f, "twin:{selector}"),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Port { name, baud } => write!(f, "{name}:{baud}"),
        }
    }
}

impl FromStr for Uart {
    type Err = BenchError;

    fn from_str(text: &str) -> Result<Self, BenchError> {
        let wrong = || BenchError::UartSelector { given: text.chars().take(80).collect() };
        if let Some(twin) = text.strip_prefix("twin:") {
            return Ok(Self::Twin(twin.parse()?));
        }
        if let Some(address) = text.strip_prefix("tcp:") {
            return address.parse().map(Self::Tcp).map_err(|_| wrong());
        }
        let (name, baud) = match text.rsplit_once(':') {
            Some((name, baud)) => (name, baud.parse().map_err(|_| wrong())?),
            None => (text, BAUD),
        };
        // Auto-baud works from 1200 to some million bits per second (AN3155, AN2606).
        if name.is_empty() || !(1200..=2_000_000).contains(&baud) {
            return Err(wrong());
        }
        Ok(Self::Port { name: name.to_owned(), baud })
    }
}

/// A line, and the virtual board behind it if there is one.
#[derive(Debug)]
pub struct UartBench {
    /// The line; taken once.
    pub line: Box<dyn Line>,
    /// The board, if the chip is virtual.
    pub board: Option<VirtualBoard>,
}

impl UartBench {
    /// Opens the line. The chip is not spoken to yet.
    ///
    /// # Errors
    /// No such port or chip, or one that is in use.
    pub fn open(uart: &Uart) -> Result<Self, BenchError> {
        let unopenable = |source| BenchError::UartOpen { uart: uart.to_string(), source };
        Ok(match uart {
            Uart::Twin(selector) => Self::on_board(VirtualBoard::select(selector)?),
            Uart::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, Duration::from_secs(5)).map_err(unopenable)?;
                stream.set_nodelay(true).map_err(unopenable)?;
                Self { line: Box::new(TcpLine { name: uart.to_string(), stream, opened: Instant::now() }), board: None }
            }
            Uart::Port { name, baud } => Self { line: port(name, *baud).map_err(unopenable)?, board: None },
        })
    }

    /// Opens a line and a probe, which are plugged into one board where both name the same virtual chip.
    ///
    /// # Errors
    /// As [`UartBench::open`] and [`Bench::open`].
    pub fn open_with(uart: &Uart, probe: &Probe) -> Result<(Self, Bench), BenchError> {
        match (uart, probe) {
            (Uart::Twin(line), Probe::Twin(plug)) if line.name() == plug.name() => {
                let board = VirtualBoard::select(&line.and(plug))?;
                Ok((Self::on_board(board.clone()), Bench::on_board(board)))
            }
            _ => Ok((Self::open(uart)?, Bench::open(Some(probe))?)),
        }
    }

    /// The same, until a person asks it to stop: then no command begins any more.
    #[must_use]
    pub fn until(self, stop: Stop) -> Self {
        Self { line: Box::new(StoppableLine { line: self.line, stop }), ..self }
    }

    /// The serial line of a virtual board.
    pub fn on_board(board: VirtualBoard) -> Self {
        let line = TwinLine { name: format!("twin:{}", board.name()), board: board.clone(), said: Vec::new() };
        Self { line: Box::new(line), board: Some(board) }
    }
}

/// A virtual chip in this process: waiting costs its time only.
#[derive(Debug)]
struct TwinLine {
    name: String,
    board: VirtualBoard,
    said: Vec<u8>,
}

impl Line for TwinLine {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.said = self.board.board().serial(bytes);
        Ok(())
    }

    fn receive(&mut self, within: Duration) -> io::Result<Vec<u8>> {
        let said = std::mem::take(&mut self.said);
        if said.is_empty() {
            self.board.advance(within);
        }
        Ok(said)
    }

    fn sleep(&mut self, time: Duration) {
        self.board.advance(time);
    }

    fn now(&mut self) -> Duration {
        self.board.now()
    }
}

#[derive(Debug)]
struct TcpLine {
    name: String,
    stream: TcpStream,
    opened: Instant,
}

impl Line for TcpLine {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.set_nonblocking(true)?;
        let stale = discard(&mut self.stream);
        self.stream.set_nonblocking(false)?;
        stale?;
        self.stream.write_all(bytes)
    }

    fn receive(&mut self, within: Duration) -> io::Result<Vec<u8>> {
        self.stream.set_read_timeout(Some(within))?;
        some(&mut self.stream)
    }

    fn sleep(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn now(&mut self) -> Duration {
        self.opened.elapsed()
    }
}

/// What is there within the timeout of the stream; nothing if nothing is. An end is an error.
fn some(stream: &mut impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = [0; 4096];
    match stream.read(&mut bytes) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => Ok(bytes[..count].to_vec()),
        Err(error) if is_silence(error.kind()) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

const fn is_silence(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// A line that a person can stop, between two commands: behind the address of a write the bootloader would wait for the rest of it.
#[derive(Debug)]
struct StoppableLine {
    line: Box<dyn Line>,
    stop: Stop,
}

impl StoppableLine {
    /// Whether a command begins with this: opcode and complement. The length of a read looks the same, and does no harm if it is missing.
    fn begins(bytes: &[u8]) -> bool {
        matches!(bytes, [_]) || matches!(bytes, [code, complement] if *code == !*complement)
    }
}

impl Line for StoppableLine {
    fn name(&self) -> &str {
        self.line.name()
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.stop.is_asked() && Self::begins(bytes) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.line.send(bytes)
    }

    fn receive(&mut self, within: Duration) -> io::Result<Vec<u8>> {
        self.line.receive(within)
    }

    fn sleep(&mut self, time: Duration) {
        self.line.sleep(time);
    }

    fn now(&mut self) -> Duration {
        self.line.now()
    }
}

fn discard(stream: &mut impl io::Read) -> io::Result<()> {
    // A peer that never stops is not drunk dry.
    for _ in 0..64 {
        if some(stream)?.is_empty() {
            break;
        }
    }
    Ok(())
}

#[cfg(feature = "serial")]
fn port(name: &str, baud: u32) -> io::Result<Box<dyn Line>> {
    use serialport::{ClearBuffer, DataBits, Parity, SerialPort, StopBits};

    struct PortLine {
        name: String,
        port: Box<dyn SerialPort>,
        opened: Instant,
    }

    impl fmt::Debug for PortLine {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("PortLine").field("name", &self.name).finish_non_exhaustive()
        }
    }

    impl Line for PortLine {
        fn name(&self) -> &str {
            &self.name
        }

        fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.port.clear(ClearBuffer::Input)?;
            self.port.write_all(bytes)?;
            // The time to wait for an answer counts from here.
            self.port.flush()
        }

        fn receive(&mut self, within: Duration) -> io::Result<Vec<u8>> {
            self.port.set_timeout(within)?;
            some(&mut self.port)
        }

        fn sleep(&mut self, time: Duration) {
            std::thread::sleep(time);
        }

        fn now(&mut self) -> Duration {
            self.opened.elapsed()
        }
    }

    let port = serialport::new(name, baud)
        .data_bits(DataBits::Eight)
        .parity(Parity::Even)
        .stop_bits(StopBits::One)
        .timeout(Duration::from_secs(1))
        .open()?;
    Ok(Box::new(PortLine { name: name.to_owned(), port, opened: Instant::now() }))
}

#[cfg(not(feature = "serial"))]
fn port(_name: &str, _baud: u32) -> io::Result<Box<dyn Line>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this provost was built without serial ports"))
}

#[cfg(test)]
mod tests {
    use provost_ops::error::Fault as _;

    use super::*;

    #[test]
    fn a_stop_comes_between_two_commands() {
        let board = VirtualBoard::open("stuck-in-provisioning").unwrap();
        let stop = Stop::default();
        let mut line = UartBench::on_board(board).until(stop.clone()).line;
        for frame in [&[0x7F][..], &[0x31, 0xCE]] {
            line.send(frame).unwrap();
            assert_eq!(line.receive(Duration::ZERO).unwrap(), [0x79]);
        }
        stop.ask();
        // Address, then length, data and sum: the write is finished.
        for frame in [&[0x20, 0x00, 0x50, 0x00, 0x70][..], &[3, 1, 2, 3, 4, 7]] {
            line.send(frame).unwrap();
            assert_eq!(line.receive(Duration::ZERO).unwrap(), [0x79]);
        }
        assert_eq!(line.send(&[0x02, 0xFD]).unwrap_err().kind(), io::ErrorKind::Interrupted);
    }

    #[test]
    fn selectors_read_as_they_were_written() {
        for (text, shown) in [
            ("twin:fresh?boot0=high", "twin:fresh?boot0=high"),
            ("tcp:127.0.0.1:7000", "tcp:127.0.0.1:7000"),
            ("/dev/ttyUSB0", "/dev/ttyUSB0:115200"),
            ("COM3:57600", "COM3:57600"),
        ] {
            assert_eq!(text.parse::<Uart>().unwrap().to_string(), shown);
        }
        for text in ["", ":9600", "tcp:localhost", "/dev/ttyUSB0:fast", "COM3:300"] {
            assert_eq!(text.parse::<Uart>().unwrap_err().code(), "uart-bad-selector", "{text}");
        }
    }
}
