//! The host's end of Debug Authentication, without I/O: it says what to send and is told what came back.
//!
//! ST's host asks for DISCOVERY first, then AUTH_START, then sends the certificates one by one and the token last — or the password as
//! the only fragment (order of STM32CubeProgrammer, as STM32CubeN6 `debug_authentication.c` expects it).

use core::fmt;

use zeroize::Zeroizing;

use crate::certificate::Role;
use crate::chain::{Chain, ChainError};
use crate::challenge::{AuthStart, AuthStartLength, Challenge};
use crate::discovery::{Discovery, DiscoveryError};
use crate::key::{Signer, SignerError};
use crate::packet::{Command, PacketError, Request, Response, Status, bytes_to_words, words_to_bytes};
use crate::password::Password;
use crate::permission::{MaskSource, Permission};
use crate::tlv::{HEADER_BYTES, Padding, TypeId, Writer};
use crate::token::Token;

/// What the host proves itself with.
pub enum Credential<'a> {
    /// A certificate chain, the private key of its last certificate, and the one permission asked for.
    Certificate {
        /// The chain.
        chain: Chain,
        /// Holds the private key.
        signer: &'a dyn Signer,
        /// What is asked for.
        permission: Permission,
    },
    /// ST's password: always asks for full regression.
    Password(Password),
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate { chain, signer, permission } => f
                .debug_struct("Certificate")
                .field("certificates", &chain.certificates().len())
                .field("signer", &signer.public_key())
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

codes!(CredentialError, self => self, {
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
    /// The token could not be signed.
    #[error(transparent)]
    Signer(#[from] SignerError),
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
            Self::Signer(error) => error.code(),
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
pub struct Authentication<'a> {
    credential: Credential<'a>,
    /// What was sent last; `None` once it is over.
    step: Option<Step>,
    challenge: Challenge,
}

impl<'a> Authentication<'a> {
    /// Prepares an attempt; nothing is signed yet.
    ///
    /// # Errors
    /// The credential cannot authenticate anywhere.
    pub fn new(credential: Credential<'a>) -> Result<Self, CredentialError> {
        if let Credential::Certificate { chain, signer, permission } = &credential {
            let verified = chain.verify()?;
            if signer.public_key() != verified.token_key {
                return Err(CredentialError::KeyMismatch);
            }
            if let Some(by) = verified.permissions.withheld_by(*permission) {
                return Err(CredentialError::PermissionWithheld { permission: *permission, by });
            }
        }
        Ok(Self { credential, step: Some(Step::AuthStart), challenge: [0; 32] })
    }

    /// AUTH_START.
    pub fn first_request(&self) -> Request {
        bare(Command::AuthStart)
    }

    /// What was sent last; `None` once the authentication is over.
    pub const fn step(&self) -> Option<Step> {
        self.step
    }

    /// Takes the words of a response.
    ///
    /// # Errors
    /// The response makes no sense or the token cannot be signed. The authentication is over then, too.
    pub fn on_response(&mut self, words: &[u32]) -> Result<Progress, HostError> {
        // Over, unless the response says how to go on.
        let step = self.step.take().ok_or(HostError::Over)?;
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
        let (next, request) = self.after(step)?;
        self.step = Some(next);
        Ok(Progress::Continue(request))
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

    /// The fragment that follows `step`.
    fn after(&self, step: Step) -> Result<(Step, Request), HostError> {
        let (chain, signer, permission) = match &self.credential {
            Credential::Password(password) => {
                return Ok((Step::Password, Request::new(Command::AuthResponse, bytes_to_words(&password.to_file()))));
            }
            Credential::Certificate { chain, signer, permission } => (chain, *signer, *permission),
        };
        let index = match step {
            Step::Certificate { index, .. } => index + 1,
            _ => 0,
        };
        match chain.certificates().get(index) {
            Some(certificate) => {
                let step = Step::Certificate { index, role: certificate.role() };
                Ok((step, fragment(TypeId::BinaryCertificate, &certificate.to_bytes())))
            }
            None => {
                let token = Token::sign(permission, &self.challenge, signer)?;
                Ok((Step::Token, fragment(TypeId::BinaryToken, &token.to_bytes())))
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
