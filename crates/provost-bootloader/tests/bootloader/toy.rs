//! A chip of 64 KB flash and 4 KB RAM behind both bootloaders, and drivers without a line.

use std::collections::BTreeMap;

use provost_bootloader::{
    an3155::{self, Command, HostError, opcode},
    dfu::{self, DfuError, Operation},
    memory::{After, Device, Erase, SpecialAnswer},
    special::Special,
};

pub(crate) const FLASH: u32 = 0x0800_0000;
pub(crate) const RAM: u32 = 0x2000_4000;
pub(crate) const FLASH_SIZE: u32 = 0x1_0000;
const RAM_SIZE: u32 = 0x1000;

#[derive(Debug, Default)]
pub(crate) struct Toy {
    pub(crate) bytes: BTreeMap<u32, u8>,
    pub(crate) erased: Vec<Erase>,
    pub(crate) special: Vec<Special>,
    pub(crate) answer: SpecialAnswer,
    pub(crate) closed: bool,
}

impl Device for Toy {
    fn id(&self) -> u16 {
        0x484
    }

    fn version(&self) -> u8 {
        0x40
    }

    fn opcodes(&self) -> Vec<u8> {
        vec![0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, opcode::SPECIAL, opcode::EXTENDED_SPECIAL]
    }

    fn serves_memory(&self) -> bool {
        !self.closed
    }

    fn knows(&self, address: u32) -> bool {
        (FLASH..FLASH + FLASH_SIZE).contains(&address) || (RAM..RAM + RAM_SIZE).contains(&address)
    }

    fn read(&mut self, address: u32, length: usize) -> Option<Vec<u8>> {
        let end = address.checked_add(length as u32)?;
        self.knows(end - 1).then(|| (address..end).map(|at| self.bytes.get(&at).copied().unwrap_or(0xFF)).collect())
    }

    fn write(&mut self, address: u32, data: &[u8]) -> After {
        for (at, byte) in (address..).zip(data) {
            if self.knows(at) {
                self.bytes.insert(at, *byte);
            }
        }
        After::Stays
    }

    fn erase(&mut self, what: &Erase) -> bool {
        self.erased.push(what.clone());
        match what {
            Erase::Sectors(numbers) => {
                self.bytes.retain(|at, _| *at >= RAM || !numbers.contains(&(((at - FLASH) / 8192) as u16)))
            }
            _ => self.bytes.retain(|at, _| *at >= RAM),
        }
        true
    }

    fn go(&mut self, _address: u32) -> After {
        After::LocksUp
    }

    fn special_over_usb(&self) -> bool {
        true
    }

    fn special(&mut self, command: Special) -> SpecialAnswer {
        self.special.push(command);
        self.answer.clone()
    }
}

/// A bootloader and its line. What the device says goes through `line`, which may cut it, delay it, or lie.
pub(crate) struct Serial {
    pub(crate) target: an3155::Target,
    pub(crate) toy: Toy,
    pub(crate) chunk: usize,
}

impl Serial {
    pub(crate) fn new() -> Self {
        let mut line = Self { target: an3155::Target::default(), toy: Toy::default(), chunk: usize::MAX };
        line.run(an3155::Sync).unwrap();
        line
    }

    pub(crate) fn run<C: Command>(&mut self, command: C) -> Result<C::Reply, HostError> {
        let (target, toy, chunk) = (&mut self.target, &mut self.toy, self.chunk.max(1));
        drive(command, chunk, |sent| sent.chunks(chunk).flat_map(|c| target.receive(c, toy).0).collect())
    }
}

/// Carries a command out against whatever answers; what it says arrives in pieces.
pub(crate) fn drive<C: Command>(
    command: C,
    chunk: usize,
    mut answer: impl FnMut(&[u8]) -> Vec<u8>,
) -> Result<C::Reply, HostError> {
    let mut exchange = an3155::Exchange::new(command)?;
    let mut said = Vec::new();
    for _ in 0..10_000 {
        match exchange.step()? {
            an3155::Step::Send(bytes) => said.extend(answer(&bytes)),
            an3155::Step::Receive { .. } if said.is_empty() => exchange.silence(),
            an3155::Step::Receive { .. } => {
                let rest = said.split_off(said.len().min(chunk));
                exchange.received(&std::mem::replace(&mut said, rest));
            }
            an3155::Step::Done(reply) => return Ok(reply),
        }
    }
    panic!("an exchange that does not end")
}

/// How an operation over USB ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Usb {
    Done { data: Vec<u8>, vanished: bool },
    Failed(DfuError),
    Stalled,
}

/// Carries an operation out; `control` answers transfers, `None` is a stall, and the device is gone when `gone` says so.
pub(crate) fn operate(
    operation: &Operation,
    transfer: u16,
    mut control: impl FnMut(dfu::Setup, &[u8]) -> (Option<Vec<u8>>, bool),
) -> Usb {
    let mut exchange = match dfu::Exchange::new(operation, 0, transfer) {
        Ok(exchange) => exchange,
        Err(error) => return Usb::Failed(error),
    };
    let mut gone = false;
    for _ in 0..200_000 {
        let (setup, data) = match exchange.step() {
            dfu::Step::Out(setup, data) => (setup, data),
            dfu::Step::In(setup) => (setup, Vec::new()),
            dfu::Step::Wait(time) => {
                assert!(!time.is_zero());
                continue;
            }
            dfu::Step::Done { data, vanished } => return Usb::Done { data, vanished },
        };
        if gone {
            if exchange.vanished() {
                continue;
            }
            return Usb::Stalled;
        }
        let (answer, goes) = control(setup, &data);
        gone = goes;
        let Some(answer) = answer else { return Usb::Stalled };
        let result = if setup.request.is_in() {
            exchange.received(&answer)
        } else {
            exchange.sent();
            Ok(())
        };
        if let Err(error) = result {
            return Usb::Failed(error);
        }
    }
    panic!("an operation that does not end")
}

/// The same against our own target.
pub(crate) fn operate_on(target: &mut dfu::Target, toy: &mut Toy, operation: &Operation, transfer: u16) -> Usb {
    operate(operation, transfer, |setup, data| match target.control(setup, data, toy) {
        Ok((answer, after)) => (Some(answer), after != After::Stays),
        Err(_) => (None, false),
    })
}
