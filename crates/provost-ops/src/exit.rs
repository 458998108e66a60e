//! What the end of an operation means to a script.

/// What the end of an operation means to a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 1: it failed.
    Failed,
    /// 2: it was called wrongly.
    Usage,
    /// 3: refused; nothing was written.
    Refused,
    /// 4: a person must act first: wire, power, credential.
    PersonMustAct,
    /// 5: interrupted half-way; the journal says how to go on.
    Interrupted,
}

impl Exit {
    /// The process exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::PersonMustAct => 4,
            Self::Interrupted => 5,
        }
    }
}
