//! Whatever a host does to the pins: no panic, and the way back always works.

use crate::wire_toy;

use proptest::prelude::*;
use provost_twin::wire::{
    Wire,
    faults::{Fault, Stats},
    swd::SwDp,
};
use wire_toy::{Ack, DPIDR, Host, Toy};

const FAULTS: [Fault; 6] =
    [Fault::Wait(2), Fault::Fault, Fault::NoAck, Fault::ReadParity, Fault::PowerCutBefore, Fault::PowerCutAfter];

/// One stretch of what a host might do.
#[derive(Clone, Debug)]
enum Stretch {
    Bits(Vec<Option<bool>>),
    Ones(u32),
    Idle(u32),
    Request(u8, u32),
    Sequence(u128, u32),
    Fault(u8),
}

fn stretch() -> impl Strategy<Value = Stretch> {
    let sequences = prop_oneof![
        Just((0xE79E, 16)),
        Just((0xE73C, 16)),
        Just((0xE3BC, 16)),
        Just((0x33BB_BBBA, 31)),
        Just((0x19BC_0EA2_E3DD_AFE9_8685_2D95_6209_F392, 128)),
        Just((0x1A0, 12)),
        Just((0x0A0, 12)),
    ];
    prop_oneof![
        3 => prop::collection::vec(prop::option::of(any::<bool>()), 0..100).prop_map(Stretch::Bits),
        2 => (0u32..60).prop_map(Stretch::Ones),
        2 => (0u32..10).prop_map(Stretch::Idle),
        8 => (prop::sample::select(vec![0xA5u8, 0x81, 0x8D, 0xA9, 0xB1, 0x95, 0xBD, 0x99, 0x87, 0xA3, 0x8B, 0xAF, 0xBB, 0x9F]), any::<u32>())
            .prop_map(|(request, data)| Stretch::Request(request, data)),
        2 => sequences.prop_map(|(bits, count)| Stretch::Sequence(bits, count)),
        1 => any::<u8>().prop_map(Stretch::Fault),
    ]
}

fn act(host: &mut Host, stretch: &Stretch) {
    match stretch {
        Stretch::Bits(bits) => bits.iter().for_each(|bit| {
            host.dp.clock(*bit);
        }),
        Stretch::Ones(count) => host.ones(*count),
        Stretch::Idle(count) => host.idle(*count),
        // A host without manners: it clocks the data phase whatever the target says.
        Stretch::Request(request, data) => {
            host.send((*request).into(), 8);
            for i in 0..5 + 33 {
                host.dp.clock((request & 4 == 0 && i >= 5).then_some(i == 37 || data >> (i % 32) & 1 == 1));
            }
        }
        Stretch::Sequence(bits, count) => host.send(*bits, *count),
        Stretch::Fault(kind) => {
            let next = host.dp.stats().transactions;
            let fault = [
                Fault::Wait(2),
                Fault::Fault,
                Fault::NoAck,
                Fault::ReadParity,
                Fault::PowerCutBefore,
                Fault::PowerCutAfter,
            ];
            host.dp.faults_mut().at(next, fault[usize::from(*kind) % fault.len()]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_line_reset_recovers_from_any_packets(stretches in prop::collection::vec(stretch(), 0..40)) {
        let mut host = Host::connected();
        for stretch in stretches.iter().filter(|s| !matches!(s, Stretch::Sequence(..) | Stretch::Fault(_))) {
            act(&mut host, stretch);
        }
        host.line_reset();
        let reply = host.read_dpidr();
        prop_assert_eq!((reply.ack, reply.data, reply.parity_ok), (Ack::Ok, DPIDR, true));
        prop_assert!(host.ctrl_stat() < u32::MAX);
    }

    #[test]
    fn waking_up_from_dormant_recovers_from_anything(stretches in prop::collection::vec(stretch(), 0..60)) {
        let mut host = Host::connected();
        for stretch in &stretches {
            act(&mut host, stretch);
        }
        host.dp.faults_mut().clear();
        host.dp.bus_mut().powered = true;
        // From SWD or JTAG to dormant, from there to SWD; each step is ignored where it does not apply.
        host.ones(50);
        host.send(0xE3BC, 16);
        host.ones(50);
        host.send(0x33BB_BBBA, 31);
        host.idle(16); // the rest of an activation code
        host.ones(8);
        host.send(0x19BC_0EA2_E3DD_AFE9_8685_2D95_6209_F392, 128);
        host.send(0x1A0, 12);
        host.line_reset();
        prop_assert_eq!(host.read_dpidr().data, DPIDR);
    }

    #[test]
    fn the_target_never_drives_while_it_should_listen(bits in prop::collection::vec(any::<bool>(), 0..400)) {
        // A host that always drives: the target may drive at most acknowledgement, data and parity in a row.
        let mut host = Host::connected();
        let mut run = 0;
        for bit in bits {
            run = if host.dp.clock(Some(bit)).is_some() { run + 1 } else { 0 };
            prop_assert!(run <= 36);
        }
    }
}

/// Clock by clock, without the shortcuts of `SwDp`.
struct BitByBit(SwDp<Toy>);

impl Wire for BitByBit {
    fn clock(&mut self, host: Option<bool>) -> Option<bool> {
        self.0.clock(host)
    }
    fn set_nrst(&mut self, asserted: bool) {
        self.0.set_nrst(asserted);
    }
    fn stats(&self) -> Stats {
        self.0.stats()
    }
}

/// A packet as a well-behaved host clocks it.
fn packet(wire: &mut dyn Wire, request: u8, data: u32) -> u64 {
    wire.shift_out(request.into(), 8);
    let ack = wire.shift_in(3);
    if ack == 1 && request & 4 == 0 {
        wire.shift_in(2);
        wire.shift_out(u64::from(data) | u64::from(data.count_ones() & 1) << 32, 33);
        return ack;
    }
    ack | wire.shift_in(if ack == 1 { 35 } else { 2 }) << 3
}

/// What one step reads. Counts beyond 64 must be cut off there.
fn drive(wire: &mut dyn Wire, stretch: &Stretch, count: u32) -> u64 {
    match stretch {
        Stretch::Request(request, data) => return packet(wire, *request, *data),
        Stretch::Ones(ones) => wire.shift_out(u64::MAX, *ones),
        Stretch::Idle(times) => (0..*times * 16).for_each(|_| wire.shift_out(0, count)),
        Stretch::Sequence(bits, length) => {
            wire.shift_out(*bits as u64, *length);
            wire.shift_out((*bits >> 64) as u64, length.saturating_sub(64));
        }
        Stretch::Bits(bits) => {
            let bits = bits.iter().fold(0, |word, bit| word << 1 | u64::from(bit.unwrap_or(false)));
            wire.shift_out(bits, count);
        }
        Stretch::Fault(_) => return wire.shift_in(count),
    }
    0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// After each step both ports must be in the same state to the last field, the chips with their access logs and clocks included.
    #[test]
    fn many_clocks_at_once_equal_single_ones(
        steps in prop::collection::vec((stretch(), 0u32..70), 0..60),
        ctrl_stat in prop::sample::select(vec![0u32, 0x5000_0000, 0x5000_0001]),
    ) {
        let mut at_once = SwDp::new(Toy::new());
        let mut single = BitByBit(SwDp::new(Toy::new()));
        let connect = [
            Stretch::Ones(50), Stretch::Sequence(0xE79E, 16), Stretch::Ones(50), Stretch::Idle(1),
            Stretch::Request(0xA5, 0), Stretch::Request(0xA9, ctrl_stat), Stretch::Request(0xB1, 1 << 24),
        ];
        for (stretch, count) in connect.into_iter().map(|stretch| (stretch, 5)).chain(steps) {
            if let Stretch::Fault(kind) = stretch {
                let (next, fault) = (at_once.stats().transactions, FAULTS[usize::from(kind) % FAULTS.len()]);
                at_once.faults_mut().at(next, fault);
                single.0.faults_mut().at(next, fault);
            }
            prop_assert_eq!(drive(&mut at_once, &stretch, count), drive(&mut single, &stretch, count), "{:?}", stretch);
            prop_assert_eq!(format!("{at_once:?}"), format!("{:?}", single.0), "{:?}", stretch);
        }
    }
}
