//! Both ends of the serial line talk, and every byte is shown: `cargo run -p provost-bootloader --example talk`.

use provost_bootloader::{
    an3155::{Command, Exchange, Get, GetId, HostError, SpecialCommand, Step, Sync, Target},
    memory::{After, Device, Erase, SpecialAnswer},
    special::Special,
};
use provost_chip::states::ProductState;

/// A chip with nothing in it.
struct Empty;

impl Device for Empty {
    fn id(&self) -> u16 {
        0x484
    }
    fn version(&self) -> u8 {
        0x40
    }
    fn opcodes(&self) -> Vec<u8> {
        vec![0x00, 0x01, 0x02, 0x50]
    }
    fn serves_memory(&self) -> bool {
        false
    }
    fn knows(&self, _address: u32) -> bool {
        false
    }
    fn read(&mut self, _address: u32, _length: usize) -> Option<Vec<u8>> {
        None
    }
    fn write(&mut self, _address: u32, _data: &[u8]) -> After {
        After::Stays
    }
    fn erase(&mut self, _what: &Erase) -> bool {
        false
    }
    fn go(&mut self, _address: u32) -> After {
        After::LocksUp
    }
    fn special_over_usb(&self) -> bool {
        false
    }
    fn special(&mut self, _command: Special) -> SpecialAnswer {
        SpecialAnswer { status: vec![0], after: After::Resets { acknowledged: true }, ..SpecialAnswer::default() }
    }
}

fn run<C: Command>(target: &mut Target, command: C) -> Result<C::Reply, HostError> {
    let mut exchange = Exchange::new(command)?;
    let mut answer = Vec::new();
    loop {
        match exchange.step()? {
            Step::Send(bytes) => {
                println!("  host   {bytes:02x?}");
                answer = target.receive(&bytes, &mut Empty).0;
                println!("  device {answer:02x?}");
            }
            Step::Receive { .. } if answer.is_empty() => exchange.silence(),
            Step::Receive { .. } => exchange.received(&std::mem::take(&mut answer)),
            Step::Done(reply) => return Ok(reply),
        }
    }
}

fn main() -> Result<(), HostError> {
    let mut target = Target::default();
    println!("wake");
    run(&mut target, Sync)?;
    println!("what is served: {:02x?}", run(&mut target, Get)?);
    println!("who is it: {:#05x}", run(&mut target, GetId)?);
    let provisioning = Special::ProductState(ProductState::Provisioning);
    println!("to Provisioning: {:?}", run(&mut target, SpecialCommand(provisioning))?);
    Ok(())
}
