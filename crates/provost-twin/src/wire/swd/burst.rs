//! Many clocks at once. Within a phase of a packet nothing happens between its bits, so they may as well move together; whatever
//! could be the end of a phase, a line reset, or due time for the chip goes through [`SwDp::clock`].

use std::time::Duration;

use super::{DATA_LEN, ELAPSE_BATCH, Phase, REQUEST_LEN, SwDp};
use crate::wire::{Wire, dap::Bus, faults::Stats};

impl<B: Bus> SwDp<B> {
    /// Whether `count` clocks can be taken together: none of them is seen by anyone but the current packet.
    fn may_burst(&self, count: u32) -> bool {
        self.powered
            && self.dap.bus().powered()
            && self.clocks_due + count < ELAPSE_BATCH
            && self.swj.only_packets(count)
    }

    fn count_clocks(&mut self, count: u32) {
        self.stats.clocks += u64::from(count);
        self.clocks_due += count;
    }

    /// Takes some of `count` clocks with what the host drives; 0 if the next one has to go alone.
    fn burst_out(&mut self, bits: u64, count: u32) -> u32 {
        let wanted = match self.phase {
            Phase::Idle => bits.trailing_zeros(),
            Phase::Request => u32::from(REQUEST_LEN - self.count),
            Phase::Data => u32::from(DATA_LEN - self.count),
            _ => 0,
        };
        let taken = wanted.min(count);
        if taken == 0 || !self.may_burst(taken) {
            return 0;
        }
        self.count_clocks(taken);
        self.swj.packet_bits(bits, taken);
        if self.phase != Phase::Idle {
            self.receive(bits & (u64::MAX >> (64 - taken)), taken as u8);
        }
        taken
    }

    /// Takes some of `count` clocks at which the host listens: the bits, and how many; 0 if the next one has to go alone.
    fn burst_in(&mut self, count: u32) -> (u64, u32) {
        let taken = if self.phase == Phase::Drive { u32::from(self.count).min(count) } else { 0 };
        if taken == 0 || !self.may_burst(taken) {
            return (0, 0);
        }
        self.count_clocks(taken);
        self.swj.target_bits();
        let bits = self.shift & (u64::MAX >> (64 - taken));
        self.output = Some(bits >> (taken - 1) == 1);
        self.shift >>= taken;
        self.count -= taken as u8;
        (bits, taken)
    }
}

impl<B: Bus + Send> Wire for SwDp<B> {
    fn clock(&mut self, host: Option<bool>) -> Option<bool> {
        SwDp::clock(self, host)
    }

    fn set_nrst(&mut self, asserted: bool) {
        self.bus_mut().set_nrst(asserted);
    }

    fn wait(&mut self, time: Duration) {
        self.bus_mut().wait(time);
    }

    fn stats(&self) -> Stats {
        self.stats
    }

    fn shift_out(&mut self, bits: u64, count: u32) {
        let count = count.min(64);
        let mut done = 0;
        while done < count {
            let rest = bits >> done;
            done += match self.burst_out(rest, count - done) {
                0 => {
                    SwDp::clock(self, Some(rest & 1 == 1));
                    1
                }
                taken => taken,
            };
        }
    }

    fn shift_in(&mut self, count: u32) -> u64 {
        let count = count.min(64);
        let (mut bits, mut done) = (0, 0);
        while done < count {
            let (more, taken) = match self.burst_in(count - done) {
                (_, 0) => (SwDp::clock(self, None).unwrap_or(true).into(), 1),
                burst => burst,
            };
            bits |= more << done;
            done += taken;
        }
        bits
    }
}
