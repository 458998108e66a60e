//! A token over a challenge of our own, as a chip would have it: whoever holds the key signs, and the chain must verify it.

use provost_adac::{
    key::{PublicKey, Signer, SignerError},
    permission::Permission,
    token::Token,
};

/// Why a trial does not come to a token that verifies.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrialError {
    /// The operating system gives no random numbers.
    #[error("no random numbers for a challenge")]
    Random(#[from] getrandom::Error),
    /// Whoever holds the key does not sign.
    #[error("{0}{because}", because = std::error::Error::source(.0).map_or_else(String::new, |source| format!(": {source}")))]
    Signer(SignerError),
    /// The signature is another key's.
    #[error("a token signed by this key does not verify under the chain's last key")]
    OtherKey,
}

/// Has a token signed, and verifies it under the key that ends the chain.
///
/// # Errors
/// [`TrialError`]: no challenge, no signature, or one that does not verify.
pub(crate) fn trial(signer: &dyn Signer, due: &PublicKey) -> Result<(), TrialError> {
    let mut challenge = [0; 32];
    getrandom::fill(&mut challenge)?;
    let token = Token::sign(Permission::FullRegression, &challenge, signer).map_err(TrialError::Signer)?;
    let received = Token::parse(&token.to_bytes()).map_err(|_| TrialError::OtherKey)?;
    received.verify(due, &challenge).map_err(|_| TrialError::OtherKey)
}
