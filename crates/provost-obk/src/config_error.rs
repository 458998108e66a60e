//! What can be wrong with a description in TOML.

use std::io;

use provost_adac::key::KeyError;
use provost_adac::password::PasswordError;
use provost_chip::parts::PartId;

use crate::object::FieldError;
use crate::obk::ObkError;

/// Most bytes of a description.
pub const MAX_TOML_BYTES: usize = 0x2_0000;

/// A key of a description that breaks a rule.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, {key}: {rule}")]
#[non_exhaustive]
pub struct ConfigError {
    /// Line of the key, from 1.
    pub line: usize,
    /// The key to blame, cut to 60 characters; `file` for the whole.
    pub key: String,
    /// The rule that is broken there.
    #[source]
    pub rule: ConfigRule,
}

/// A rule of descriptions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigRule {
    /// The file is larger than a description can be.
    #[error("a description has at most {MAX_TOML_BYTES} bytes, not {found}")]
    TooLarge {
        /// How many bytes it has.
        found: usize,
    },
    /// The file is not TOML.
    #[error("not TOML: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// The file is of another version.
    #[error("only schema 1 is known")]
    Schema,
    /// The kind is not given.
    #[error("`kind` must say which object this is")]
    NoKind,
    /// The kind is none.
    #[error("no such kind of object")]
    Kind,
    /// The encryption flag is left open.
    #[error(
        "`part` or `encrypt` must be given: parts with secure AES need the object encrypted, the others refuse that"
    )]
    NoFlag,
    /// Part and flag contradict each other.
    #[error("{part} needs `encrypt = {due}` here")]
    FlagAgainstPart {
        /// The flag that fits.
        due: bool,
        /// The part that the description names.
        part: PartId,
    },
    /// No such part.
    #[error("no such part of the STM32H5 series")]
    Part,
    /// The destination is left open.
    #[error("`destination` must be given for this kind")]
    NoDestination,
    /// The destination is not that of the kind.
    #[error("objects of this kind go to {due:#010x}")]
    Destination {
        /// Where they go.
        due: u32,
    },
    /// A key that the kind does not have.
    #[error("no such field; known are {known}")]
    UnknownKey {
        /// The fields of the kind.
        known: String,
    },
    /// A key for a field that is computed.
    #[error("this field is computed and must not be given")]
    Derived,
    /// A field that must be given is not.
    #[error("`{field}` is missing: {meaning}")]
    Missing {
        /// Name of the field, as in the layout.
        field: &'static str,
        /// What the field means.
        meaning: &'static str,
    },
    /// A field is given in two ways.
    #[error("`{first}` says the same already")]
    Twice {
        /// The key that gives it first.
        first: String,
    },
    /// A value of another type.
    #[error("{expected} is due")]
    Type {
        /// What would do.
        expected: &'static str,
    },
    /// A word that is not among those known.
    #[error("the value must be one of: {known}")]
    Choice {
        /// What would do.
        known: String,
    },
    /// A value that does not fit its field.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A password that no chip takes, or a password file that is none.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A file cannot be read.
    #[error("cannot read {path}: {error}")]
    File {
        /// Its path, from the folder of the description.
        path: String,
        /// What the operating system says.
        #[source]
        error: io::Error,
    },
    /// A file is no key.
    #[error("{path}: {error}")]
    Key {
        /// Its path, from the folder of the description.
        path: String,
        /// What is wrong with it as a key.
        #[source]
        error: KeyError,
    },
    /// The object breaks a rule of `.obk` files.
    #[error(transparent)]
    Object(#[from] ObkError),
}

provost_codes::codes!(ConfigError, self => self.rule, {
    ConfigRule::TooLarge { .. } => "config-too-large",
    ConfigRule::Syntax { .. } => "config-syntax",
    ConfigRule::Schema => "config-schema",
    ConfigRule::NoKind | ConfigRule::Kind => "config-kind",
    ConfigRule::NoFlag | ConfigRule::FlagAgainstPart { .. } => "config-encrypt",
    ConfigRule::Part => "config-part",
    ConfigRule::NoDestination | ConfigRule::Destination { .. } => "config-destination",
    ConfigRule::UnknownKey { .. } => "config-unknown-key",
    ConfigRule::Derived => "config-derived",
    ConfigRule::Missing { .. } => "config-missing",
    ConfigRule::Twice { .. } => "config-twice",
    ConfigRule::Type { .. } => "config-type",
    ConfigRule::Choice { .. } => "config-choice",
    ConfigRule::Field(_) => "config-field",
    ConfigRule::Password(_) => "config-password",
    ConfigRule::File { .. } => "config-file",
    ConfigRule::Key { .. } => "config-key",
    ConfigRule::Object(_) => "config-object",
});

impl ConfigError {
    pub(crate) fn new(line: usize, key: &str, rule: ConfigRule) -> Self {
        Self { line, key: key.chars().take(60).collect(), rule }
    }

    /// How to put it right.
    pub const fn fix(&self) -> &'static str {
        match self.rule {
            ConfigRule::TooLarge { .. } => "give large data as a file of its own",
            ConfigRule::Syntax { .. } => "repair the TOML at this line",
            ConfigRule::Schema => "write `schema = 1`, or leave it out",
            ConfigRule::NoKind | ConfigRule::Kind => {
                "write `kind = \"…\"` with one of da-certificate, da-password, oemirot-config, oemirot-data, stirot-config, \
                 stirot-data, stirot-user-data, oemurot-config, oemurot-data, sm-config-other, sm-config-keys, sm-config-general, \
                 hashed-data, data"
            }
            ConfigRule::NoFlag => "write `part = \"STM32H533\"` with the part at hand",
            ConfigRule::FlagAgainstPart { .. } => "leave `encrypt` out; `part` is enough",
            ConfigRule::Part => "write the line or order code, such as STM32H573",
            ConfigRule::NoDestination => "write `destination = 0x0FFD1800` or another address of the OBK storage",
            ConfigRule::Destination { .. } => "leave `destination` out",
            ConfigRule::UnknownKey { .. } => "correct the key or take it out",
            ConfigRule::Derived => "take the key out",
            ConfigRule::Missing { .. } => "add the key",
            ConfigRule::Twice { .. } => "take one of the two out",
            ConfigRule::Type { .. } | ConfigRule::Choice { .. } | ConfigRule::Field(_) => "correct the value",
            ConfigRule::Password(_) => "choose a password of 4 to 16 bytes",
            ConfigRule::File { .. } => "correct the path; it counts from the folder of the description",
            ConfigRule::Key { .. } => "give a P-256 key in PEM that is not encrypted",
            ConfigRule::Object(_) => "correct destination or length",
        }
    }
}
