//! A list of steps that keeps its first and its last ones.

use std::collections::VecDeque;

use crate::case::Step;

/// So many steps are kept from the beginning, and as many from the end.
pub(super) const KEPT: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Steps {
    first: Vec<Step>,
    last: VecDeque<Step>,
    pub(super) left_out: u64,
}

impl Steps {
    pub(super) fn push(&mut self, step: Step) {
        if self.first.len() < KEPT {
            self.first.push(step);
            return;
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(step);
    }

    pub(super) fn into_vec(mut self) -> Vec<Step> {
        self.first.extend(self.last);
        self.first
    }
}
