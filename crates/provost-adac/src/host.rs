//! The host's end of Debug Authentication, without I/O: it says what to send and what to sign, and is told what came back.
//!
//! No private key comes near it: a token is signed by whoever holds the key, as long as that may take.
//!
//! ST's host asks for DISCOVERY first, then AUTH_START, then sends the certificates one by one and the token last — or the password as
//! the only fragment (order of STM32CubeProgrammer, as STM32CubeN6 `debug_authentication.c` expects it).

use core::fmt;

use zeroize::Zeroizing;

use crate::certificate::Role;
use crate::chain::{Chain, ChainError};
use crate::challenge::{AuthStart, AuthStartLength, Challenge};
use crate::discovery::{Discovery, DiscoveryError};
use crate::key::PublicKey;
use crate::offline::{MergeError, SigningRequest};
use crate::packet::{Command, PacketError, Request, Response, Status, bytes_to_words, words_to_bytes};
use crate::password::Password;
use crate::permission::{MaskSource, Permission};
use crate::tlv::{HEADER_BYTES, Padding, TypeId, Writer};

/// What the host proves itself with.
pub enum Credential {
    /// A certificate chain, the key that will sign the token, and the one permission asked for.
    Certificate {
        /// The chain.
        chain: Chain,
        /// The public half of the key that signs.
        key: PublicKey,
        /// What is asked for.
        permission: Permission,
    },
    /// ST's password: always asks for full regression.
    Password(Password),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate { chain, key, permission } => f
                .debug_struct("Certificate")
                .field("certificates", &chain.certificates().len())
                .field("key", key)
                .field("permission", permission)
                .finish(),
            Self::Password(password) => f.debug_tuple("Password").field(password).finish(),
        }
    }
}

/// Why a credential cannot authenticate anywhere. Found before anything is sent: a refused attempt may end the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The chain breaks a rule.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The private key is not that of the last certificate.
    #[error("the private key is not that of the last certificate of the chain")]
    KeyMismatch,
    /// A certificate withholds the permission asked for.
    #[error("{permission} is withheld by the {by}")]
    PermissionWithheld {
        /// What is asked for.
        permission: Permission,
        /// The certificate.
        by: MaskSource,
    },
}

provost_codes::codes!(CredentialError, self => self, {
    Self::KeyMismatch => "credential-key-mismatch",
    Self::PermissionWithheld { .. } => "credential-permission-withheld",
    ;
    Self::Chain(error) => error.code(),
});

/// Why an exchange cannot go on. Ends the authentication.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The words are not a response.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// The target did not answer DISCOVERY with SUCCESS.
    #[error("DISCOVERY was answered with {status}")]
    DiscoveryStatus {
        /// The answer.
        status: Status,
    },
    /// The data of the discovery response make no sense.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// The answer to AUTH_START has the wrong length.
    #[error(transparent)]
    AuthStart(#[from] AuthStartLength),
    /// The target speaks another major version of ADAC.
    #[error("the target speaks ADAC {major}.{minor}, 1.x is due")]
    Version {
        /// Major version.
        major: u8,
        /// Minor version.
        minor: u8,
    },
    /// A status that has no meaning at this step.
    #[error("{step} was answered with {status}, which means nothing there")]
    UnexpectedStatus {
        /// The step.
        step: Step,
        /// The answer.
        status: Status,
    },
    /// What came back is not the signature that was asked for. Nothing was sent; the right one may still come.
    #[error("the token's signature: {0}")]
    Signature(#[from] MergeError),
    /// A response came while a signature is due, or a signature while none is.
    #[error("{}", if *.due { "a signature is due, not a response" } else { "no signature is due" })]
    OutOfTurn {
        /// Whether a signature is due.
        due: bool,
    },
    /// The authentication is over.
    #[error("the authentication is over")]
    Over,
}

impl HostError {
    /// A short stable name, for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Packet(error) => error.code(),
            Self::DiscoveryStatus { .. } => "discovery-refused",
            Self::Discovery(error) => error.code(),
            Self::AuthStart(_) => "auth-start-length",
            Self::Version { .. } => "adac-version",
            Self::UnexpectedStatus { .. } => "unexpected-status",
            Self::Signature(error) => error.code(),
            Self::OutOfTurn { .. } => "authentication-out-of-turn",
            Self::Over => "authentication-over",
        }
    }
}

/// What was sent last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// AUTH_START.
    AuthStart,
    /// A certificate.
    Certificate {
        /// Position in the chain, the root is 0.
        index: usize,
        /// Its role.
        role: Role,
    },
    /// The token.
    Token,
    /// The password.
    Password,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthStart => f.write_str("AUTH_START"),
            Self::Certificate { index, role } => write!(f, "the {role} certificate ({index})"),
            Self::Token => f.write_str("the token"),
            Self::Password => f.write_str("the password"),
        }
    }
}

/// How the authentication stands after a response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// Send this next.
    Continue(Request),
    /// Have this signed, and hand the signature to [`Authentication::signed`]. The chip waits with its challenge.
    Sign(Box<SigningRequest>),
    /// The target granted what was asked for.
    Granted,
    /// The target refused. The attempt is over, and with ST's targets the session.
    Refused {
        /// The answer.
        status: Status,
        /// What it was the answer to.
        step: Step,
    },
}

/// A request without data.
fn bare(command: Command) -> Request {
    Request::new(command, Vec::new())
}

/// Asks the chip who it is.
pub fn discovery_request() -> Request {
    bare(Command::Discovery)
}

/// Takes granted debug permissions back.
pub fn lock_debug_request() -> Request {
    bare(Command::LockDebug)
}

/// Leaves Debug Authentication and boots.
pub fn resume_boot_request() -> Request {
    bare(Command::ResumeBoot)
}

/// Ends the session; not known to ST's STM32CubeN6 code.
pub fn close_session_request() -> Request {
    bare(Command::CloseSession)
}

/// Reads the answer to DISCOVERY, and tells which padding held.
///
/// # Errors
/// Not a response, not SUCCESS, or no sense in the data.
pub fn discovery_response(words: &[u32]) -> Result<(Discovery, Padding), HostError> {
    let response = Response::from_words(words)?;
    if response.status != Status::Success {
        return Err(HostError::DiscoveryStatus { status: response.status });
    }
    Ok(Discovery::decode(&words_to_bytes(&response.data))?)
}

/// One attempt to authenticate. Send [`Authentication::first_request`], hand every response to [`Authentication::on_response`].
#[derive(Debug)]
pub struct Authentication {
    credential: Credential,
    turn: Turn,
    challenge: Challenge,
}

/// Whose turn it is.
#[derive(Debug)]
enum Turn {
    /// The target's: it owes a response to what was sent last.
    Target(Step),
    /// The key holder's.
    Signer(Box<SigningRequest>),
    /// Nobody's.
    Over,
}

impl Authentication {
    /// Prepares an attempt; nothing is signed yet.
    ///
    /// # Errors
    /// The credential cannot authenticate anywhere.
    pub fn new(credential: Credential) -> Result<Self, CredentialError> {
        if let Credential::Certificate { chain, key, permission } = &credential {
            let verified = chain.verify()?;
            if *key != verified.token_key {
                return Err(CredentialError::KeyMismatch);
            }
            if let Some(by) = verified.permissions.withheld_by(*permission) {
                return Err(CredentialError::PermissionWithheld { permission: *permission, by });
            }
        }
        Ok(Self { credential, turn: Turn::Target(Step::AuthStart), challenge: [0; 32] })
    }

    /// AUTH_START.
    pub fn first_request(&self) -> Request {
        bare(Command::AuthStart)
    }

    /// What was sent last and is not answered yet.
    pub const fn step(&self) -> Option<Step> {
        match self.turn {
            Turn::Target(step) => Some(step),
            Turn::Signer(_) | Turn::Over => None,
        }
    }

    /// Takes the words of a response.
    ///
    /// # Errors
    /// The response makes no sense; the authentication is over then, too. [`HostError::OutOfTurn`] while a signature is due.
    pub fn on_response(&mut self, words: &[u32]) -> Result<Progress, HostError> {
        let step = match self.turn {
            Turn::Target(step) => step,
            Turn::Signer(_) => return Err(HostError::OutOfTurn { due: true }),
            Turn::Over => return Err(HostError::Over),
        };
        // Over, unless the response says how to go on.
        self.turn = Turn::Over;
        let response = Response::from_words(words)?;
        let last = matches!(step, Step::Token | Step::Password);
        match response.status {
            Status::Success if step == Step::AuthStart => self.take_challenge(&response.data)?,
            Status::Success if last => return Ok(Progress::Granted),
            Status::NeedMoreData if !last && step != Step::AuthStart => {}
            status @ (Status::Success | Status::NeedMoreData) => {
                return Err(HostError::UnexpectedStatus { step, status });
            }
            status => return Ok(Progress::Refused { status, step }),
        }
        Ok(self.after(step))
    }

    /// Takes the signature that was asked for: 64 bytes r and s, or in DER. Gives what to send next.
    ///
    /// # Errors
    /// [`HostError::Signature`]: not a signature, or not that of the key over what was asked; it is still due.
    /// [`HostError::OutOfTurn`]: none is due.
    pub fn signed(&mut self, signature: &[u8]) -> Result<Request, HostError> {
        let Turn::Signer(asked) = &self.turn else { return Err(HostError::OutOfTurn { due: false }) };
        let token = asked.merge(signature)?.to_bytes();
        self.turn = Turn::Target(Step::Token);
        Ok(fragment(TypeId::BinaryToken, &token))
    }

    fn take_challenge(&mut self, data: &[u32]) -> Result<(), HostError> {
        let AuthStart { version: (major, minor), challenge } = AuthStart::from_words(data)?;
        // ST's password-only target leaves the whole answer zero, and nothing is signed for it.
        let zero_will_do = matches!(self.credential, Credential::Password(_));
        if major != 1 && !(zero_will_do && (major, minor) == (0, 0)) {
            return Err(HostError::Version { major, minor });
        }
        self.challenge = challenge;
        Ok(())
    }

    /// What follows the answer to `step`.
    fn after(&mut self, step: Step) -> Progress {
        let (chain, key, permission) = match &self.credential {
            Credential::Password(password) => {
                self.turn = Turn::Target(Step::Password);
                let request = Request::new(Command::AuthResponse, bytes_to_words(&password.to_file()));
                return Progress::Continue(request);
            }
            Credential::Certificate { chain, key, permission } => (chain, key, *permission),
        };
        let index = match step {
            Step::Certificate { index, .. } => index + 1,
            _ => 0,
        };
        match chain.certificates().get(index) {
            Some(certificate) => {
                self.turn = Turn::Target(Step::Certificate { index, role: certificate.role() });
                Progress::Continue(fragment(TypeId::BinaryCertificate, &certificate.to_bytes()))
            }
            None => {
                let asked = Box::new(SigningRequest::token(permission, &self.challenge, key));
                self.turn = Turn::Signer(asked.clone());
                Progress::Sign(asked)
            }
        }
    }
}

/// AUTH_RESPONSE with one fragment.
fn fragment(type_id: TypeId, value: &[u8]) -> Request {
    let mut writer = Writer::with_capacity(Padding::Padded, HEADER_BYTES + value.len() + 3);
    writer.push(type_id, value);
    Request::new(Command::AuthResponse, bytes_to_words(&Zeroizing::new(writer.finish())))
}
