//! A device behind a USB/IP server, without a kernel's help.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use provost_bootloader::{
    dfu::{PRODUCT, VENDOR},
    usb::SetupPacket,
};
use provost_ops::drive::bootloader::{Plug, PlugError};
use provost_twin::doors::usbip::message::{Asked, Done, Malformed, Submit, Told};

/// How long a server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that one answer is: a list of some dozen devices.
const LARGEST_ANSWER: usize = 1 << 20;
/// Linux's number for a stalled endpoint.
const EPIPE: i32 = 32;

/// A device, and the connection by which it is ours.
#[derive(Debug)]
pub(super) struct Client {
    name: String,
    address: SocketAddr,
    bus_id: Option<String>,
    stream: Option<TcpStream>,
    number: u32,
    opened: Instant,
}

fn malformed(error: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Asks, and listens until the answer is whole.
fn ask<T>(
    stream: &mut TcpStream,
    asked: &Asked,
    take: impl Fn(&[u8]) -> Result<Option<T>, Malformed>,
) -> io::Result<T> {
    stream.write_all(&asked.to_bytes())?;
    let (mut heard, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(answer) = take(&heard).map_err(malformed)? {
            return Ok(answer);
        }
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ if heard.len() > LARGEST_ANSWER => return Err(malformed(Malformed)),
            count => heard.extend(chunk.get(..count).unwrap_or_default()),
        }
    }
}

impl Client {
    pub(super) fn connect(address: SocketAddr, bus_id: Option<&str>) -> io::Result<Self> {
        let bus_id = bus_id.map(str::to_owned);
        let name = bus_id.as_ref().map_or_else(|| format!("usbip:{address}"), |id| format!("usbip:{address}/{id}"));
        let mut client = Self { name, address, bus_id, stream: None, number: 0, opened: Instant::now() };
        if client.replug()? {
            return Ok(client);
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "no DFU device of ST's is exported there"))
    }

    fn dial(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }
}

impl Plug for Client {
    fn name(&self) -> &str {
        &self.name
    }

    fn control(&mut self, setup: SetupPacket, data: &[u8]) -> Result<Vec<u8>, PlugError> {
        let gone = |error: io::Error| PlugError::Gone(error);
        let stream = self.stream.as_mut().ok_or_else(|| gone(io::ErrorKind::NotConnected.into()))?;
        self.number = self.number.wrapping_add(1);
        let submit = Submit {
            number: self.number,
            endpoint: 0,
            is_in: setup.is_in(),
            length: setup.length.into(),
            setup,
            data: data.to_vec(),
        };
        let done = ask(stream, &Asked::Submit(submit.clone()), |heard| Done::take(heard, &submit));
        match done {
            Ok(done) if done.status == 0 => Ok(done.data),
            Ok(done) if done.status == -EPIPE => Err(PlugError::Stalled),
            Ok(done) => {
                self.stream = None;
                Err(gone(io::Error::from_raw_os_error(done.status.checked_neg().unwrap_or(0))))
            }
            Err(error) => {
                self.stream = None;
                Err(gone(error))
            }
        }
    }

    fn replug(&mut self) -> io::Result<bool> {
        self.stream = None;
        let Told::Devices(devices) = ask(&mut self.dial()?, &Asked::List, Told::take)? else { return Ok(false) };
        let wanted = |bus_id: &String| self.bus_id.as_ref().is_none_or(|id| id == bus_id);
        let mut ours = devices.into_iter().filter(|d| (d.vendor, d.product) == (VENDOR, PRODUCT) && wanted(&d.bus_id));
        let Some(device) = ours.next() else { return Ok(false) };
        let mut stream = self.dial()?;
        match ask(&mut stream, &Asked::Import(device.bus_id), Told::take)? {
            Told::Imported(Some(_)) => self.stream = Some(stream),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn sleep(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn now(&mut self) -> Duration {
        self.opened.elapsed()
    }
}
