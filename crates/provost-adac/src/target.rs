//! A reference target without I/O: the state machine of Arm's psa-adac with the rules ST adds to it.
//!
//! ST's rules are those of AN6008 §5.4 (what any mask withholds is refused, where Arm's reference intersects) and of STM32CubeN6
//! `debug_authentication.c` (password). Whether STM32H5 enforces the scope fields is not public; this target does.

use core::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::certificate::{Certificate, CertificateError, Role};
use crate::chain::{ChainError, Verifier};
use crate::challenge::{AuthStart, Challenge};
use crate::crypto::{Hash, sha256};
use crate::discovery::Discovery;
use crate::packet::{Command, PacketError, Request, Response, Status, words_to_bytes};
use crate::password::{Password, PasswordError};
use crate::permission::{MaskSource, Permission, PermissionMask};
use crate::scope::{Scope, ScopeField, Usage};
use crate::tlv::{Padding, Reader, TlvError, TypeId};
use crate::token::{Token, TokenError};

/// What is provisioned in the chip. `Debug` does not show the hash: that of a password can be guessed from.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the two kinds of credential")]
pub enum Anchor {
    /// TrustZone on: a certificate chain is due.
    Certificate {
        /// SHA-256 of the root key's `X ‖ Y`.
        root_key_hash: Hash,
    },
    /// TrustZone off: a password is due.
    Password {
        /// SHA-256 of the password.
        hash: Hash,
    },
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate { .. } => "Certificate { .. }",
            Self::Password { .. } => "Password { .. }",
        })
    }
}

/// The chip around the target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that its user fills in")]
pub struct Config {
    /// The answer to DISCOVERY.
    pub discovery: Discovery,
    /// How its TLVs are padded.
    pub padding: Padding,
    /// What is provisioned, if anything.
    pub anchor: Option<Anchor>,
    /// Mask of the provisioned object. Does not bind a password, for ST's tool writes 0 into password objects.
    pub object_mask: PermissionMask,
    /// Mask of the product.
    pub product_mask: PermissionMask,
    /// DEV_ID.
    pub soc_class: u32,
    /// Unique id: 96 bits and four zero bytes.
    pub soc_id: [u8; 16],
    /// PSA life-cycle word.
    pub lifecycle: u16,
}

/// The fragments of a certificate credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all that a credential consists of")]
pub enum Fragment {
    /// A certificate.
    Certificate(Role),
    /// The token.
    Token,
}

impl fmt::Display for Fragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(role) => write!(f, "{role} certificate"),
            Self::Token => f.write_str("token"),
        }
    }
}

/// Why the target refused. The host learns FAILURE only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalReason {
    /// The words are not a packet.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// The data are not a TLV.
    #[error(transparent)]
    Tlv(#[from] TlvError),
    /// AUTH_RESPONSE without data.
    #[error("the fragment is empty")]
    EmptyFragment,
    /// A TLV that is no fragment of a credential.
    #[error("{0} is no fragment of a credential")]
    FragmentType(TypeId),
    /// A certificate breaks its format.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The token breaks its format.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The password has an impossible length.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The session ended before, with SUCCESS or FAILURE.
    #[error("the session is over")]
    SessionOver,
    /// AUTH_RESPONSE before AUTH_START.
    #[error("AUTH_RESPONSE came before AUTH_START")]
    NotStarted,
    /// There is nothing to authenticate against.
    #[error("nothing is provisioned")]
    NothingProvisioned,
    /// A password where a certificate is due, or the other way round.
    #[error("the other kind of credential is provisioned")]
    WrongCredentialKind,
    /// The fragment is not due here.
    #[error("the {found} is not due here")]
    WrongOrder {
        /// The fragment that came.
        found: Fragment,
    },
    /// The root key is not the provisioned one.
    #[error("the root key is not the provisioned one")]
    RootHashMismatch,
    /// A public key is not a point of the curve.
    #[error("the public key of the {role} certificate is not a point of the curve")]
    BadPublicKey {
        /// Role of the certificate.
        role: Role,
    },
    /// A signature does not verify.
    #[error("the signature of the {signed} does not verify")]
    BadSignature {
        /// What is signed.
        signed: Fragment,
    },
    /// Extensions are not those whose hash is signed.
    #[error("the extensions hash of the {signed} is not that of its extensions")]
    BadExtensionsHash {
        /// What carries them.
        signed: Fragment,
    },
    /// Two certificates contradict each other.
    #[error("the certificates contradict each other in {field}")]
    ScopeConflict {
        /// The field of the scope that does not fit.
        field: ScopeField,
    },
    /// The chain does not hold for this chip.
    #[error("the chain does not hold for this chip: {field}")]
    ScopeMismatch {
        /// The field of the scope that does not fit.
        field: ScopeField,
    },
    /// The token asks for nothing.
    #[error("the token asks for no permission")]
    NothingRequested,
    /// A mask withholds what is asked for.
    #[error("{requested} is withheld by the {by}")]
    PermissionNotGranted {
        /// What was asked for.
        requested: PermissionMask,
        /// The first mask that withholds a bit of it.
        by: MaskSource,
    },
    /// The password is not the provisioned one.
    #[error("wrong password")]
    WrongPassword,
}

impl RefusalReason {
    /// A short stable name, for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Packet(error) => error.code(),
            Self::Tlv(error) => error.code(),
            Self::EmptyFragment => "fragment-empty",
            Self::FragmentType(_) => "fragment-type",
            Self::Certificate(error) => error.code(),
            Self::Token(error) => error.code(),
            Self::Password(error) => error.code(),
            Self::SessionOver => "session-over",
            Self::NotStarted => "not-started",
            Self::NothingProvisioned => "nothing-provisioned",
            Self::WrongCredentialKind => "wrong-credential-kind",
            Self::WrongOrder { .. } => "wrong-order",
            Self::RootHashMismatch => "root-hash",
            Self::BadPublicKey { .. } => "bad-public-key",
            Self::BadSignature { .. } => "bad-signature",
            Self::BadExtensionsHash { .. } => "bad-extensions-hash",
            Self::ScopeConflict { .. } => "scope-conflict",
            Self::ScopeMismatch { .. } => "scope-mismatch",
            Self::NothingRequested => "nothing-requested",
            Self::PermissionNotGranted { .. } => "permission-not-granted",
            Self::WrongPassword => "wrong-password",
        }
    }
}

impl From<ChainError> for RefusalReason {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Empty | ChainError::Incomplete => Self::WrongOrder { found: Fragment::Token },
            ChainError::WrongOrder { role, .. } => Self::WrongOrder { found: Fragment::Certificate(role) },
            ChainError::RootHashMismatch => Self::RootHashMismatch,
            ChainError::BadPublicKey { role, .. } => Self::BadPublicKey { role },
            ChainError::BadSignature { role, .. } => Self::BadSignature { signed: Fragment::Certificate(role) },
            ChainError::BadExtensionsHash { role, .. } => {
                Self::BadExtensionsHash { signed: Fragment::Certificate(role) }
            }
            ChainError::ScopeConflict { field, .. } => Self::ScopeConflict { field },
        }
    }
}

/// Something the chip around the target must know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// DISCOVERY was answered.
    Discovered,
    /// The host is authenticated: do what these permissions mean.
    Granted(PermissionMask),
    /// The attempt was refused.
    Refused(RefusalReason),
    /// Leave Debug Authentication and boot.
    ResumeBoot,
    /// Take granted debug permissions back.
    LockDebug,
}

/// What the target answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The words of the response.
    pub words: Vec<u32>,
    /// What it means to the chip, if anything.
    pub event: Option<Event>,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    Challenged(Box<Verifier>),
    Over,
}

/// One session of Debug Authentication, from reset to reset.
#[derive(Clone, Debug)]
pub struct Target {
    config: Config,
    state: State,
    next_challenge: Challenge,
    challenge: Challenge,
}

impl Target {
    /// A session whose first AUTH_START is answered with `challenge`. Each further AUTH_START gets the SHA-256 of the challenge before
    /// it: never the same again, yet repeatable in a simulation.
    pub fn new(config: Config, challenge: Challenge) -> Self {
        Self { config, state: State::Idle, next_challenge: challenge, challenge }
    }

    /// The chip around the target.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// True once the session has ended: every AUTH_START and AUTH_RESPONSE gets FAILURE.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Takes the words of a request.
    pub fn handle(&mut self, words: &[u32]) -> Reply {
        let request = match Request::from_words(words) {
            Ok(request) => request,
            Err(error) => return self.refuse(error.into()),
        };
        match request.command {
            Command::Discovery => {
                let data = self.config.discovery.to_words(self.config.padding);
                reply(Status::Success, data, Some(Event::Discovered))
            }
            Command::AuthStart => self.start(),
            Command::AuthResponse => match self.take(&request.data) {
                Ok(None) => reply(Status::NeedMoreData, Vec::new(), None),
                Ok(Some(granted)) => {
                    self.state = State::Over;
                    reply(Status::Success, Vec::new(), Some(Event::Granted(granted)))
                }
                Err(reason) => self.refuse(reason),
            },
            Command::ResumeBoot => {
                self.state = State::Over;
                reply(Status::Success, Vec::new(), Some(Event::ResumeBoot))
            }
            Command::LockDebug => reply(Status::Success, Vec::new(), Some(Event::LockDebug)),
            _ => reply(Status::InvalidCommand, Vec::new(), None),
        }
    }

    fn refuse(&mut self, reason: RefusalReason) -> Reply {
        self.state = State::Over;
        reply(Status::Failure, Vec::new(), Some(Event::Refused(reason)))
    }

    fn start(&mut self) -> Reply {
        if self.is_over() {
            return self.refuse(RefusalReason::SessionOver);
        }
        self.challenge = self.next_challenge;
        self.next_challenge = sha256(&self.challenge);
        let verifier = match self.config.anchor {
            Some(Anchor::Certificate { root_key_hash }) => Verifier::under(root_key_hash),
            _ => Verifier::new(),
        };
        self.state = State::Challenged(Box::new(verifier));
        let answer = AuthStart { version: (1, 0), challenge: self.challenge };
        reply(Status::Success, answer.to_words().to_vec(), None)
    }

    /// One fragment: `None` if more is due, else what is granted.
    fn take(&mut self, data: &[u32]) -> Result<Option<PermissionMask>, RefusalReason> {
        let verifier = match &mut self.state {
            State::Idle => return Err(RefusalReason::NotStarted),
            State::Over => return Err(RefusalReason::SessionOver),
            State::Challenged(verifier) => verifier,
        };
        let bytes = Zeroizing::new(words_to_bytes(data));
        // One TLV; like Arm's reference this takes no notice of what follows it.
        let tlv = Reader::new(&bytes, Padding::Unpadded).next().ok_or(RefusalReason::EmptyFragment)??;
        let anchor = self.config.anchor.as_ref().ok_or(RefusalReason::NothingProvisioned)?;
        match (tlv.type_id, anchor) {
            (TypeId::BinaryCertificate, Anchor::Certificate { .. }) => {
                verifier.accept(&Certificate::parse(tlv.value)?)?;
                Ok(None)
            }
            (TypeId::BinaryToken, Anchor::Certificate { .. }) => {
                self.config.judge_token(verifier, &Token::parse(tlv.value)?, &self.challenge).map(Some)
            }
            (TypeId::StPassword, Anchor::Password { hash }) => {
                let matches = Password::from_wire(tlv.value)?.hash().ct_eq(hash);
                if matches.into() { self.config.judge_password().map(Some) } else { Err(RefusalReason::WrongPassword) }
            }
            (TypeId::BinaryCertificate | TypeId::BinaryToken | TypeId::StPassword, _) => {
                Err(RefusalReason::WrongCredentialKind)
            }
            (other, _) => Err(RefusalReason::FragmentType(other)),
        }
    }
}

impl Config {
    fn judge_token(
        &self,
        verifier: &Verifier,
        token: &Token,
        challenge: &Challenge,
    ) -> Result<PermissionMask, RefusalReason> {
        let chain = verifier.finish()?;
        let signed = Fragment::Token;
        token.verify(&chain.token_key, challenge).map_err(|_| RefusalReason::BadSignature { signed })?;
        token.verify_extensions().map_err(|_| RefusalReason::BadExtensionsHash { signed })?;
        let chip = Scope {
            usage: Usage::Standard,
            lifecycle: self.lifecycle,
            oem_constraint: 0,
            soc_class: self.soc_class,
            soc_id: self.soc_id,
        };
        chain.scope.admits(chip).map_err(|field| RefusalReason::ScopeMismatch { field })?;
        let requested = token.requested_permissions();
        if requested.is_empty() {
            return Err(RefusalReason::NothingRequested);
        }
        let masks = chain.effective(Some(self.product_mask), Some(self.object_mask), None);
        match masks.withheld_by(requested) {
            Some(by) => Err(RefusalReason::PermissionNotGranted { requested, by }),
            None => Ok(requested),
        }
    }

    fn judge_password(&self) -> Result<PermissionMask, RefusalReason> {
        let requested = PermissionMask::from(Permission::FullRegression);
        if !self.product_mask.contains(requested) {
            return Err(RefusalReason::PermissionNotGranted { requested, by: MaskSource::Product });
        }
        Ok(requested)
    }
}

fn reply(status: Status, data: Vec<u32>, event: Option<Event>) -> Reply {
    Reply { words: Response::new(status, data).to_words(), event }
}
