//! What a debugger sees of a core that nobody executes.

use super::*;

const ONE_WORLD: Security = Security { two_worlds: false, secure_debug: false };
const SECURE: Security = Security { two_worlds: true, secure_debug: true };

fn halted() -> Core {
    let mut core = Core::default();
    core.write(core_debug::DHCSR, 0xA05F_0003, ONE_WORLD);
    core
}

fn put(core: &mut Core, register: u32, value: u32, security: Security) {
    core.write(core_debug::DCRDR, value, security);
    core.write(core_debug::DCRSR, 1 << 16 | register, security);
}

fn get(core: &mut Core, register: u32, security: Security) -> u32 {
    core.write(core_debug::DCRDR, 0xDEAD_BEEF, security);
    core.write(core_debug::DCRSR, register, security);
    core.read(core_debug::DCRDR, security).unwrap()
}

#[test]
fn registers_move_through_dcrdr_only_while_halted() {
    let mut core = halted();
    put(&mut core, 15, 0x2003_4000, ONE_WORLD);
    assert_eq!(core.program_counter(), 0x2003_4000);
    assert_eq!(get(&mut core, 15, ONE_WORLD), 0x2003_4000);
    assert_eq!(core.write(core_debug::DHCSR, 0xA05F_0001, ONE_WORLD), Request::Resume);
    put(&mut core, 15, 5, ONE_WORLD);
    assert_eq!(core.program_counter(), 0x2003_4000);
}

#[test]
fn stack_pointers_and_their_limits_are_banked() {
    let mut core = halted();
    put(&mut core, 13, 0x2000_1003, SECURE);
    for msp in [13, 17, 26] {
        assert_eq!(get(&mut core, msp, SECURE), 0x2000_1000, "{msp}");
    }
    put(&mut core, 24, 0x2000_2000, SECURE);
    assert_eq!([24, 17].map(|r| get(&mut core, r, SECURE)), [0x2000_2000, 0x2000_1000]);
    put(&mut core, 20, 0x0201_F0FF, SECURE);
    assert_eq!(get(&mut core, 34, SECURE), 0x0201_F001);
    // CONTROL.SPSEL makes SP the process stack.
    put(&mut core, 18, 0x2000_3000, SECURE);
    assert_eq!(get(&mut core, 13, SECURE), 0x2000_3000);
    put(&mut core, 28, 0x2000_0807, SECURE);
    assert_eq!([28, 30].map(|r| get(&mut core, r, SECURE)), [0x2000_0800, 0]);
    put(&mut core, 64, 0x3F80_0000, SECURE);
    assert_eq!(get(&mut core, 64, SECURE), 0x3F80_0000);
    assert_eq!(get(&mut core, 19, SECURE), 0, "no such register");
}

#[test]
fn dhcsr_needs_its_key_and_forgets_a_reset_once_read() {
    let mut core = Core::default();
    core.write(core_debug::DHCSR, 0x0000_0003, ONE_WORLD);
    assert_eq!(core.read(core_debug::DHCSR, ONE_WORLD).unwrap() & S_HALT, 0);
    core.reset(0, [0, 1], true, true);
    assert_ne!(core.read(core_debug::DHCSR, ONE_WORLD).unwrap() & S_RESET_ST, 0);
    assert_eq!(core.read(core_debug::DHCSR, ONE_WORLD).unwrap() & S_RESET_ST, 0);
    assert_ne!(core.read(core_debug::DHCSR, SECURE).unwrap() & S_SDE, 0);
}

#[test]
fn a_reset_vector_catch_halts_where_it_may_at_the_first_instruction() {
    for catch in [false, true] {
        let mut core = Core::default();
        core.write(core_debug::DHCSR, 0xA05F_0001, ONE_WORLD);
        core.write(core_debug::DEMCR, DEMCR_VC_CORERESET, ONE_WORLD);
        assert_eq!(core.write(core_debug::AIRCR, 0x05FA_0004, ONE_WORLD), Request::Reset);
        core.reset(0x0800_0000, [0x3000_4000, 0x0800_0201], catch, catch);
        // C_HALT is set by hardware: IDE after IDE waits for it.
        let expected = if catch { S_HALT | C_HALT } else { 0 };
        assert_eq!(core.read(core_debug::DHCSR, ONE_WORLD).unwrap() & (S_HALT | C_HALT), expected);
        if catch {
            let found = [15, 13, 17, 14, 16].map(|r| get(&mut core, r, ONE_WORLD));
            assert_eq!(found, [0x0800_0200, 0x3000_4000, 0x3000_4000, u32::MAX, 0x0100_0000]);
            assert_eq!(core.read(VTOR, ONE_WORLD), Some(0x0800_0000));
        }
    }
}

#[test]
fn what_does_not_exist_in_demcr_stays_zero() {
    let mut core = Core::default();
    core.write(core_debug::DEMCR, u32::MAX, ONE_WORLD);
    assert_eq!(core.read(core_debug::DEMCR, ONE_WORLD), Some(0x010F_0FF1));
}

#[test]
fn the_non_secure_view_of_a_single_world_is_the_same() {
    let mut core = Core::default();
    assert_eq!(core.read(core_debug::CPUID + SCS_NS, ONE_WORLD), Some(CPUID));
    assert_eq!(core.read(core_debug::DAUTHSTATUS, SECURE), Some(0xFF));
    assert_eq!(core.read(core_debug::DAUTHSTATUS, Security { secure_debug: false, ..SECURE }), Some(0xAF));
}
