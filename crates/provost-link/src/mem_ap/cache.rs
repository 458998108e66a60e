//! What CSW and TAR of each AP hold.

use crate::{Ap, WireStats};

/// Remembers CSW and TAR of every AP of one wire between borrows of that wire.
///
/// It forgets everything when the wire was attached again or NRST changed. Call [`forget`](Self::forget) after writing
/// CSW, TAR or DRW of an AP behind its back.
#[derive(Debug, Default)]
pub struct MemApCache {
    epoch: (u64, u64),
    aps: Vec<(Ap, ApState)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ApState {
    pub(super) csw: Option<u32>,
    pub(super) tar: Option<u32>,
}

impl MemApCache {
    /// Forgets what it knows: the next access sets up everything again.
    pub fn forget(&mut self) {
        self.aps.clear();
    }

    /// Drops what an attach or a reset since the last access may have changed.
    pub(super) fn follow(&mut self, stats: WireStats) {
        let epoch = (stats.attaches, stats.nrst_edges);
        if self.epoch != epoch {
            self.epoch = epoch;
            self.forget();
        }
    }

    pub(super) fn state(&mut self, ap: Ap) -> &mut ApState {
        let index = match self.aps.iter().position(|(known, _)| *known == ap) {
            Some(index) => index,
            None => {
                self.aps.push((ap, ApState::default()));
                self.aps.len() - 1
            }
        };
        &mut self.aps[index].1
    }
}
