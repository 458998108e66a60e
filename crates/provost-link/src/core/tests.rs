//! The debug registers of a toy core, written down from DDI 0553 D1.2.

use super::*;
use crate::testing::{FakeWire, Run};
use crate::{Ap, MemApCache, Security};

const TIMEOUT: Duration = Duration::from_millis(10);

fn with_core<T>(wire: &mut FakeWire, run: impl FnOnce(&mut Core<'_, '_>) -> T) -> T {
    let mut cache = MemApCache::default();
    let mut bus = MemAp::new(wire, &mut cache, Ap(1), Security::Secure);
    run(&mut Core::new(&mut bus))
}

fn call(function: u32) -> Call {
    Call {
        function,
        arguments: [1, 2, 3, 4],
        stack: 0x2000_8000,
        return_address: 0x2000_0000,
        mask_interrupts: true,
        timeout: TIMEOUT,
        poll: Duration::from_millis(1),
    }
}

fn outcome(run: Run) -> CallOutcome {
    let mut wire = FakeWire::new();
    wire.run = run;
    with_core(&mut wire, |core| {
        core.halt(TIMEOUT).unwrap();
        core.call(&call(0x0BF9_6001)).unwrap()
    })
}

#[test]
fn looking_at_a_core_changes_nothing() {
    let mut wire = FakeWire::new();
    wire.dhcsr = 1 << 25 | 1 << 20;
    with_core(&mut wire, |core| {
        let dhcsr = core.dhcsr().unwrap();
        assert!(dhcsr.was_reset() && dhcsr.secure_debug());
        assert!(!dhcsr.halted() && !dhcsr.debug_enabled() && !dhcsr.locked_up());
        assert!(!core.dhcsr().unwrap().was_reset());
        assert!(core.take_reset());
        assert!(!core.take_reset());
    });
    assert_eq!(wire.take_log(), ["R AP1 CSW", "W AP1 CSW 8b800052", "W AP1 TAR e000edf0", "R AP1 BD0", "R AP1 BD0"]);
}

#[test]
fn halt_resume_release() {
    let mut wire = FakeWire::new();
    with_core(&mut wire, |core| {
        core.halt(TIMEOUT).unwrap();
        assert!(core.dhcsr().unwrap().halted());
        core.resume().unwrap();
        let dhcsr = core.dhcsr().unwrap();
        assert!(!dhcsr.halted() && dhcsr.debug_enabled());
        core.release().unwrap();
        assert!(!core.dhcsr().unwrap().debug_enabled());
    });
    let writes: Vec<_> = wire.take_log().into_iter().filter(|access| access.starts_with("W AP1 BD0")).collect();
    assert_eq!(writes, ["W AP1 BD0 a05f0003", "W AP1 BD0 a05f0001", "W AP1 BD0 a05f0000"]);
}

#[test]
fn registers_need_s_regrdy() {
    let mut wire = FakeWire::new();
    wire.regrdy_delay = 3;
    with_core(&mut wire, |core| {
        core.halt(TIMEOUT).unwrap();
        core.write_register(CoreRegister::LR, 0x0800_0001).unwrap();
        assert_eq!(core.read_register(CoreRegister::LR).unwrap(), 0x0800_0001);
    });
    wire.regrdy_delay = u32::MAX;
    with_core(&mut wire, |core| {
        let error = core.read_register(CoreRegister::R0).unwrap_err();
        assert_eq!(error.code(), "link-timeout");
    });
}

#[test]
fn register_write_is_three_accesses() {
    let mut wire = FakeWire::new();
    with_core(&mut wire, |core| core.dhcsr().map(drop)).unwrap();
    let mut cache = MemApCache::default();
    let mut bus = MemAp::new(&mut wire, &mut cache, Ap(1), Security::Secure);
    let mut core = Core::new(&mut bus);
    core.dhcsr().unwrap();
    core.bus.wire().write_dp(crate::DpWrite::Abort, 0).unwrap();
    core.write_register(CoreRegister::PC, 0x100).unwrap();
    let log = wire.take_log();
    let mark = log.iter().position(|access| access.starts_with("W ABORT")).unwrap();
    assert_eq!(log[mark + 1..], ["W AP1 BD2 00000100", "W AP1 BD1 0001000f", "R AP1 BD0"]);
}

#[test]
fn a_call_sets_the_registers_of_the_procedure_call_standard() {
    let mut wire = FakeWire::new();
    wire.run = Run::HaltAt(0x0800_0000);
    with_core(&mut wire, |core| {
        core.halt(TIMEOUT).unwrap();
        core.call(&call(0x0BF9_6001)).unwrap();
    });
    assert_eq!(wire.core[..4], [1, 2, 3, 4]);
    assert_eq!(wire.core[13], 0x2000_8000);
    assert_eq!(wire.core[14], 0x2000_0001);
    assert_eq!(wire.core[16], 0x0100_0000);
    assert!(wire.log.contains(&"W AP1 BD2 0bf96000".to_owned()));
    // Halted again, so nothing of the call's masking is left.
    assert_eq!(wire.dhcsr & 0b1011, 0b0011);
}

#[test]
fn outcomes() {
    assert!(matches!(outcome(Run::Return { after: 3, r0: 0xEAEA_EAEA }), CallOutcome::Returned { r0: 0xEAEA_EAEA }));
    assert!(matches!(outcome(Run::HaltAt(0x0800_1234)), CallOutcome::Halted { pc: 0x0800_1234 }));
    assert!(matches!(outcome(Run::LockUp), CallOutcome::LockedUp));
    assert!(matches!(outcome(Run::Forever), CallOutcome::Running));
    assert!(matches!(outcome(Run::Reset), CallOutcome::ResetSeen));
    assert!(matches!(outcome(Run::LoseLink), CallOutcome::LinkLost(_)));
}

#[test]
fn a_running_core_is_not_called() {
    let mut wire = FakeWire::new();
    let error = with_core(&mut wire, |core| core.call(&call(0)).unwrap_err());
    assert_eq!(error.code(), "link-core-not-halted");
    let mut misaligned = call(0);
    misaligned.stack += 4;
    let error = with_core(&mut wire, |core| core.call(&misaligned).unwrap_err());
    assert_eq!(error.code(), "link-unaligned");
}

#[test]
fn halting_after_a_call_that_never_returned_takes_the_mask_off() {
    let mut wire = FakeWire::new();
    with_core(&mut wire, |core| {
        core.halt(TIMEOUT).unwrap();
        assert!(matches!(core.call(&call(0)).unwrap(), CallOutcome::Running));
        assert!(core.dhcsr().unwrap().interrupts_masked());
        core.halt(TIMEOUT).unwrap();
        assert!(!core.dhcsr().unwrap().interrupts_masked());
    });
}
