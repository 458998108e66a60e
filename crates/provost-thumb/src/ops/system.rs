//! What concerns the core itself: special registers, hints, barriers, IT, and instructions that there are not.

use crate::{
    Bus, Cpu,
    bits::{bit, field},
    cpu::{GE, N, Q},
    step::{Fault, Trap},
};

/// UDF, and whatever no row knows.
pub(crate) fn undefined(_: &mut Cpu, _: &mut dyn Bus, _: u32) -> Result<(), Trap> {
    Err(Fault::Undefined.into())
}

/// Coprocessors, floating point among them, are not there.
pub(crate) fn no_coprocessor(_: &mut Cpu, _: &mut dyn Bus, _: u32) -> Result<(), Trap> {
    Err(Fault::NoCoprocessor.into())
}

/// BKPT.
pub(crate) fn breakpoint(_: &mut Cpu, _: &mut dyn Bus, _: u32) -> Result<(), Trap> {
    Err(Trap::Breakpoint)
}

/// SVC.
pub(crate) fn supervisor_call(_: &mut Cpu, _: &mut dyn Bus, _: u32) -> Result<(), Trap> {
    Err(Trap::SupervisorCall)
}

/// SG: nothing, where there is one world.
pub(crate) fn secure_gateway(_: &mut Cpu, _: &mut dyn Bus, _: u32) -> Result<(), Trap> {
    Ok(())
}

/// TT and its relatives: without MPU regions everything may be read and written (R and RW of the result).
pub(crate) fn test_target(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    if bit(opcode, 7) {
        return Err(Fault::Undefined.into());
    }
    cpu.put(field(opcode, 8, 4), 0b11 << 18)
}

const WFI: u32 = 3;

/// NOP, YIELD, SEV; WFE, which may go on at any time and does at once; WFI, which waits for what never comes.
pub(crate) fn hint(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    cpu.sleeping = field(opcode, 4, 4) == WFI;
    Ok(())
}

/// The same in 32 bits, and DBG, CSDB, ESB.
pub(crate) fn hint_wide(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    cpu.sleeping = field(opcode, 0, 8) == WFI;
    Ok(())
}

/// IT: no instruction of a block may be one, and "never" is no condition.
pub(crate) fn if_then(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    if cpu.conditional || field(opcode, 4, 4) == 0xF {
        return Err(Fault::Undefined.into());
    }
    cpu.it = opcode as u8;
    Ok(())
}

/// CPSIE, CPSID; without effect in unprivileged code.
pub(crate) fn change_state(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    if cpu.privileged() {
        let disable = bit(opcode, 4);
        if bit(opcode, 1) {
            cpu.primask = disable;
        }
        if bit(opcode, 0) {
            cpu.faultmask = disable;
        }
    }
    Ok(())
}

/// CLREX, DSB, DMB, ISB: accesses happen in order here.
pub(crate) fn barrier(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    match field(opcode, 4, 4) {
        0b0010 => cpu.exclusive = None,
        0b0100..=0b0110 => {}
        _ => return Err(Fault::Undefined.into()),
    }
    Ok(())
}

/// Special registers by SYSm (§D1.1, MRS).
mod sysm {
    pub(super) const MSP: u32 = 8;
    pub(super) const PSP: u32 = 9;
    pub(super) const MSPLIM: u32 = 10;
    pub(super) const PSPLIM: u32 = 11;
    pub(super) const PRIMASK: u32 = 16;
    pub(super) const BASEPRI: u32 = 17;
    pub(super) const BASEPRI_MAX: u32 = 18;
    pub(super) const FAULTMASK: u32 = 19;
    pub(super) const CONTROL: u32 = 20;
}

/// MRS. Unprivileged code reads zero where it may not look; EPSR reads zero for everybody.
pub(crate) fn read_special(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let number = field(opcode, 0, 8);
    let value = match number {
        0..=7 => {
            let ipsr = if bit(number, 0) && cpu.privileged() { u32::from(cpu.exception) } else { 0 };
            let apsr = if bit(number, 2) { 0 } else { cpu.flags };
            apsr | ipsr
        }
        sysm::CONTROL => u32::from(cpu.control),
        _ if !cpu.privileged() => 0,
        sysm::MSP => cpu.stacks[0],
        sysm::PSP => cpu.stacks[1],
        sysm::MSPLIM => cpu.limits[0],
        sysm::PSPLIM => cpu.limits[1],
        sysm::PRIMASK => cpu.primask.into(),
        sysm::BASEPRI | sysm::BASEPRI_MAX => cpu.basepri.into(),
        sysm::FAULTMASK => cpu.faultmask.into(),
        _ => 0,
    };
    cpu.put(field(opcode, 8, 4), value)
}

/// MSR. What unprivileged code may not write stays as it is.
pub(crate) fn write_special(cpu: &mut Cpu, _: &mut dyn Bus, opcode: u32) -> Result<(), Trap> {
    let (number, mask) = (field(opcode, 0, 8), field(opcode, 10, 2));
    let value = cpu.operand(field(opcode, 16, 4));
    if number < 8 {
        // Of xPSR only the flags can be written: NZCVQ and GE, each with its bit of the mask.
        let flags = if bit(mask, 1) { N | N >> 1 | N >> 2 | N >> 3 | Q } else { 0 } | if bit(mask, 0) { GE } else { 0 };
        if !bit(number, 2) {
            cpu.flags = cpu.flags & !flags | value & flags;
        }
        return Ok(());
    }
    if !cpu.privileged() {
        return Ok(());
    }
    let ([msp, psp], [msp_limit, psp_limit]) = (cpu.stacks, cpu.limits);
    let basepri = value as u8 & 0xF0;
    match number {
        sysm::MSP => cpu.set_stacks([value, psp]),
        sysm::PSP => cpu.set_stacks([msp, value]),
        sysm::MSPLIM => cpu.set_limits([value, psp_limit]),
        sysm::PSPLIM => cpu.set_limits([msp_limit, value]),
        sysm::PRIMASK => cpu.primask = bit(value, 0),
        sysm::BASEPRI => cpu.basepri = basepri,
        sysm::BASEPRI_MAX if basepri != 0 && (cpu.basepri == 0 || basepri < cpu.basepri) => cpu.basepri = basepri,
        sysm::FAULTMASK => cpu.faultmask = bit(value, 0),
        // SPSEL can be changed in Thread mode only.
        sysm::CONTROL if cpu.exception == 0 => cpu.control = value as u8 & 3,
        sysm::CONTROL => cpu.control = cpu.control & 2 | value as u8 & 1,
        _ => {}
    }
    Ok(())
}
