//! The device's end, control transfer by control transfer, as ST's open bootloader does it (STM32CubeH5, `ux_device_dfu_media.c`).

use std::time::Duration;

use super::{Request, Setup, State, Status, StatusReport, command};
use crate::{
    memory::{After, Device, Erase, SpecialAnswer},
    special::Special,
};

/// What ST's example asks a host to wait: 500 ms, cut to one byte.
pub const EXAMPLE_POLL: Duration = Duration::from_millis(244);

/// The device stalls the control endpoint: the request is none, or not for this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the device stalled the request")]
#[expect(clippy::exhaustive_structs, reason = "a stall says nothing else")]
pub struct Stall;

/// What was downloaded and waits for GET_STATUS.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Work {
    SetAddress(u32),
    Erase(Option<u32>),
    Write {
        address: u32,
        data: Vec<u8>,
    },
    Special(Special),
    /// A command that is none.
    Wrong,
}

/// A bootloader at the end of a USB cable, after enumeration.
#[derive(Debug)]
pub struct Target {
    state: State,
    status: Status,
    pointer: u32,
    transfer: u16,
    poll: Duration,
    work: Option<Work>,
}

impl Target {
    /// A device in dfuIDLE whose blocks have this many bytes.
    pub const fn new(transfer: u16) -> Self {
        Self { state: State::Idle, status: Status::Ok, pointer: 0x0800_0000, transfer, poll: EXAMPLE_POLL, work: None }
    }

    /// The same, which asks the host to wait this long for each piece of work.
    #[must_use]
    pub fn polled_after(self, poll: Duration) -> Self {
        Self { poll, ..self }
    }

    /// Its state.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Serves a request: `data` is what the host sends, the answer what it is sent. Also says what the device did to itself.
    ///
    /// # Errors
    /// [`Stall`].
    pub fn control(&mut self, setup: Setup, data: &[u8], device: &mut dyn Device) -> Result<(Vec<u8>, After), Stall> {
        let nothing = Ok((Vec::new(), After::Stays));
        match setup.request {
            Request::GetState => Ok((vec![self.state as u8], After::Stays)),
            Request::GetStatus => Ok(self.get_status(device)),
            Request::ClrStatus if self.state == State::Error => {
                (self.state, self.status) = (State::Idle, Status::Ok);
                nothing
            }
            Request::Abort
                if matches!(self.state, State::Idle | State::DnloadSync | State::DnloadIdle | State::UploadIdle) =>
            {
                (self.state, self.work) = (State::Idle, None);
                nothing
            }
            Request::Dnload if matches!(self.state, State::Idle | State::DnloadIdle) => {
                if data.len() != usize::from(setup.length) || setup.length > self.transfer {
                    return self.stall();
                }
                self.download(setup.value, data);
                nothing
            }
            Request::Upload if matches!(self.state, State::Idle | State::UploadIdle) => {
                self.upload(setup, device).map(|bytes| (bytes, After::Stays))
            }
            // A bootloader is where DETACH leads already.
            _ => self.stall(),
        }
    }

    fn stall<T>(&mut self) -> Result<T, Stall> {
        self.fail(Status::ErrStalledPacket);
        Err(Stall)
    }

    fn fail(&mut self, status: Status) {
        (self.state, self.status, self.work) = (State::Error, status, None);
    }

    fn address_of(&self, block: u16) -> u32 {
        self.pointer.wrapping_add(u32::from(block.saturating_sub(2)) * u32::from(self.transfer))
    }

    fn download(&mut self, block: u16, data: &[u8]) {
        if data.is_empty() {
            self.state = State::ManifestSync;
            return;
        }
        self.work = Some(match (block, data) {
            (0, [command::SET_ADDRESS, address @ ..]) => number(address).map_or(Work::Wrong, Work::SetAddress),
            (0, [command::ERASE]) => Work::Erase(None),
            (0, [command::ERASE, address @ ..]) => number(address).map_or(Work::Wrong, |a| Work::Erase(Some(a))),
            (0, [code, operand @ ..]) => number(operand)
                .and_then(|operand| Special::decode((*code).into(), operand))
                .map_or(Work::Wrong, Work::Special),
            (1, _) => Work::Wrong,
            _ => Work::Write { address: self.address_of(block), data: data.to_vec() },
        });
        self.state = State::DnloadSync;
    }

    fn upload(&mut self, setup: Setup, device: &mut dyn Device) -> Result<Vec<u8>, Stall> {
        let length = usize::from(setup.length.min(self.transfer));
        let bytes = match setup.value {
            0 => vec![command::GET, command::SET_ADDRESS, command::ERASE].into_iter().take(length).collect(),
            1 => return self.stall(),
            block => {
                let address = self.address_of(block);
                let known = device.serves_memory() && device.knows(address);
                match known.then(|| device.read(address, length)).flatten() {
                    Some(bytes) => bytes,
                    None => return self.stall(),
                }
            }
        };
        // A short block ends an upload (DFU 1.1 §6.2).
        self.state = if bytes.len() < usize::from(setup.length) { State::Idle } else { State::UploadIdle };
        Ok(bytes)
    }

    fn get_status(&mut self, device: &mut dyn Device) -> (Vec<u8>, After) {
        let mut after = After::Stays;
        let mut poll = Duration::ZERO;
        match (self.state, self.work.take()) {
            (State::DnloadSync, Some(work)) => {
                // The work begins now; its end is seen by the next request.
                poll = self.poll;
                match self.perform(work, device) {
                    Ok(what) => (after, self.state) = (what, State::DnBusy),
                    Err(status) => self.fail(status),
                }
            }
            (State::DnBusy | State::DnloadSync, _) => self.state = State::DnloadIdle,
            (State::ManifestSync, _) => {
                after = device.go(self.pointer);
                self.state = State::Manifest;
            }
            _ => {}
        }
        let report = StatusReport { status: self.status, poll, state: self.state };
        (report.to_bytes().to_vec(), after)
    }

    fn perform(&mut self, work: Work, device: &mut dyn Device) -> Result<After, Status> {
        let known = |device: &dyn Device, address| device.serves_memory() && device.knows(address);
        match work {
            Work::SetAddress(address) if device.knows(address) => {
                self.pointer = address;
                Ok(After::Stays)
            }
            Work::SetAddress(_) | Work::Wrong => Err(Status::ErrStalledPacket),
            Work::Erase(None) if device.serves_memory() => {
                if device.erase(&Erase::All) {
                    Ok(After::Stays)
                } else {
                    Err(Status::ErrErase)
                }
            }
            Work::Erase(Some(address)) if known(device, address) => {
                // Over USB a sector is named by an address in it; an error of one is swallowed.
                let sector = address.wrapping_sub(0x0800_0000) / provost_chip::parts::SECTOR_SIZE;
                device.erase(&Erase::Sectors(u16::try_from(sector).into_iter().collect()));
                Ok(After::Stays)
            }
            Work::Erase(_) => Err(Status::ErrErase),
            Work::Write { address, data } if known(device, address) => Ok(device.write(address, &data)),
            Work::Write { .. } => Err(Status::ErrAddress),
            Work::Special(special) if device.special_over_usb() => {
                // An error code is data on a serial line; here the status is all there is (AN2606).
                let SpecialAnswer { data, status, after } = device.special(special);
                let good = data.is_empty() && status.iter().all(|byte| *byte == 0);
                if good { Ok(after) } else { Err(Status::ErrVendor) }
            }
            Work::Special(_) => Err(Status::ErrStalledPacket),
        }
    }
}

/// Four bytes, least significant first.
fn number(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_le_bytes)
}
