//! The PIN of a token.

use std::fmt;

use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

/// The user PIN of a token. Wiped on drop, not shown by `Debug`.
#[derive(Clone)]
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// A PIN. What a token accepts, only the token knows.
    pub fn new(pin: impl Into<Zeroizing<String>>) -> Self {
        Self(pin.into())
    }

    /// For the call that logs in; wipes itself, too.
    pub(crate) fn to_auth(&self) -> AuthPin {
        AuthPin::new(self.0.as_str().into())
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_secret() {
        let pin = Pin::new("481516".to_owned());
        assert_eq!(format!("{pin:?}"), "Pin(..)");
        assert!(!format!("{:?}", pin.to_auth()).contains("481516"));
    }
}
