//! The slow hash of a password, worked out once in a run of the program.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use provost_adac::password::Password;
use scrypt::{Params, scrypt};
use subtle::ConstantTimeEq as _;

/// log2 of scrypt's N at most: a document from elsewhere must not cost minutes.
pub(super) const LARGEST_LOG_N: u8 = 17;

/// Slow hashes that were worked out before, for this run of the program only. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct SlowHashes(Arc<Mutex<Vec<SlowHash>>>);

struct SlowHash {
    password: Password,
    salt: Vec<u8>,
    log_n: u8,
    hash: [u8; 32],
}

impl SlowHash {
    fn is_of(&self, password: &Password, salt: &[u8], log_n: u8) -> bool {
        self.salt == salt && self.log_n == log_n && bool::from(self.password.expose().ct_eq(password.expose()))
    }
}

impl fmt::Debug for SlowHashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowHashes").finish_non_exhaustive()
    }
}

impl SlowHashes {
    /// The hash of a password with this salt and cost (scrypt, r = 8, p = 1); `None` if it would cost too much.
    pub(super) fn of(&self, password: &Password, salt: &[u8], log_n: u8) -> Option<[u8; 32]> {
        if log_n > LARGEST_LOG_N {
            return None;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.iter().find(|k| k.is_of(password, salt, log_n)) {
            return Some(found.hash);
        }
        let params = Params::new(log_n, 8, 1).ok()?;
        let mut hash = [0; 32];
        scrypt(password.expose(), salt, &params, &mut hash).ok()?;
        known.push(SlowHash { password: password.clone(), salt: salt.to_vec(), log_n, hash });
        Some(hash)
    }
}
