//! What stands where in each kind of object: one table per kind, which building, reading, [inspecting](mod@crate::inspect) and the
//! documentation have in common.
//!
//! The tables are [`tables`]; offsets count from the start of the payload, so byte 0 of a payload is byte 12 of its
//! `.obk` file.

use core::fmt;
use core::ops::Range;
use core::str::FromStr;

use provost_chip::sources::Confidence;

use crate::tables;

/// A kind of provisioning object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ObjectKind {
    /// Debug Authentication by certificate (`DA_Config.obk`).
    DaCertificate,
    /// Debug Authentication by password (`DA_ConfigWithPassword.obk`).
    DaPassword,
    /// Keys of the OEM's immutable root of trust (`OEMiRoT_Config.obk`).
    OemirotConfig,
    /// Versions and hashes that the OEM's immutable root of trust keeps (`OEMiRoT_Data.obk`).
    OemirotData,
    /// Settings and keys of ST's immutable root of trust (`STiRoT_Config.obk`).
    StirotConfig,
    /// What ST's immutable root of trust keeps (`STiRoT_Data.obk`).
    StirotData,
    /// Data image of an application behind ST's immutable root of trust, read at HDPL 2 (`data_sign.obk`).
    StirotUserData,
    /// Keys of the OEM's updatable root of trust (`OEMuRoT_Config.obk`): a small mcuboot image.
    OemurotConfig,
    /// Versions and hashes that the OEM's updatable root of trust keeps (`OEMuRoT_Data.obk`).
    OemurotData,
    /// Settings of ST's updatable root of trust for the Secure Manager (`SM_Config_Other.obk`).
    SmConfigOther,
    /// Keys of the Secure Manager (`SM_Config_Keys.obk`): a small mcuboot image.
    SmConfigKeys,
    /// Settings of the Secure Manager (`SM_Config_General.obk`).
    SmConfigGeneral,
    /// Anything else with SHA-256 of itself in front.
    HashedData,
    /// Anything else.
    Data,
}

impl ObjectKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::DaCertificate,
        Self::DaPassword,
        Self::OemirotConfig,
        Self::OemirotData,
        Self::StirotConfig,
        Self::StirotData,
        Self::StirotUserData,
        Self::OemurotConfig,
        Self::OemurotData,
        Self::SmConfigOther,
        Self::SmConfigKeys,
        Self::SmConfigGeneral,
        Self::HashedData,
        Self::Data,
    ];

    /// The word for `kind` in TOML, on the command line and in JSON: `stirot-config`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DaCertificate => "da-certificate",
            Self::DaPassword => "da-password",
            Self::OemirotConfig => "oemirot-config",
            Self::OemirotData => "oemirot-data",
            Self::StirotConfig => "stirot-config",
            Self::StirotData => "stirot-data",
            Self::StirotUserData => "stirot-user-data",
            Self::OemurotConfig => "oemurot-config",
            Self::OemurotData => "oemurot-data",
            Self::SmConfigOther => "sm-config-other",
            Self::SmConfigKeys => "sm-config-keys",
            Self::SmConfigGeneral => "sm-config-general",
            Self::HashedData => "hashed-data",
            Self::Data => "data",
        }
    }

    /// Its layout.
    pub const fn layout(self) -> &'static Layout {
        match self {
            Self::DaCertificate => &tables::DA_CERTIFICATE,
            Self::DaPassword => &tables::DA_PASSWORD,
            Self::OemirotConfig => &tables::OEMIROT_CONFIG,
            Self::OemirotData => &tables::OEMIROT_DATA,
            Self::StirotConfig => &tables::STIROT_CONFIG,
            Self::StirotData => &tables::STIROT_DATA,
            Self::StirotUserData => &tables::STIROT_USER_DATA,
            Self::OemurotConfig => &tables::OEMUROT_CONFIG,
            Self::OemurotData => &tables::OEMUROT_DATA,
            Self::SmConfigOther => &tables::SM_CONFIG_OTHER,
            Self::SmConfigKeys => &tables::SM_CONFIG_KEYS,
            Self::SmConfigGeneral => &tables::SM_CONFIG_GENERAL,
            Self::HashedData => &tables::HASHED_DATA,
            Self::Data => &tables::DATA,
        }
    }

    /// Whether it decides who may authenticate.
    pub const fn is_da(self) -> bool {
        matches!(self, Self::DaCertificate | Self::DaPassword)
    }

    /// Whether it belongs to the boot path of ST's immutable root of trust.
    pub const fn is_stirot(self) -> bool {
        matches!(
            self,
            Self::StirotConfig | Self::StirotData | Self::StirotUserData | Self::OemurotConfig | Self::OemurotData
        )
    }

    /// Whether it belongs to the boot path of an OEM's immutable root of trust.
    pub const fn is_oemirot(self) -> bool {
        matches!(self, Self::OemirotConfig | Self::OemirotData)
    }

    /// Whether it belongs to the Secure Manager.
    pub const fn is_secure_manager(self) -> bool {
        matches!(self, Self::SmConfigOther | Self::SmConfigKeys | Self::SmConfigGeneral)
    }

    /// Whether a boot loader reads it in clear text, so that it must not be encrypted on any part (STM32CubeH5 samples; OEMiROT_Boot
    /// low_level_obkeys.c reads these two without decryption).
    pub const fn is_always_plain(self) -> bool {
        matches!(self, Self::OemirotData | Self::OemurotData)
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such kind of object")]
#[non_exhaustive]
pub struct UnknownKind;

impl FromStr for ObjectKind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(UnknownKind)
    }
}

/// How the bytes of a field are to be understood. Integers are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// SHA-256 of a part of the payload: computed, never given.
    Digest {
        /// First byte it covers.
        from: usize,
        /// First byte it does not cover; `None` is the end of the payload.
        to: Option<usize>,
    },
    /// Always these bytes.
    Fixed(&'static [u8]),
    /// Zeros. Others are kept, if somebody put them there.
    Zero,
    /// An integer of up to eight bytes.
    Number,
    /// One of some numbers that have names.
    Choice(&'static [(u64, &'static str)]),
    /// Yes or no.
    Switch {
        /// The number for yes.
        yes: u64,
        /// The number for no.
        no: u64,
    },
    /// Public key, 91 bytes of SubjectPublicKeyInfo.
    PublicKey,
    /// Private key, 70 bytes ([`PrivateKey::to_minimal`](provost_adac::key::PrivateKey::to_minimal)).
    PrivateKey,
    /// Private number, 32 bytes big-endian.
    PrivateScalar,
    /// SHA-256 of a SubjectPublicKeyInfo.
    PublicKeyHash,
    /// SHA-256 of `X ‖ Y` of a root key.
    RootKeyHash,
    /// SHA-256 of a password.
    PasswordHash,
    /// Debug permissions, 128 bits.
    Permissions,
    /// Bytes without more structure.
    Bytes,
    /// Everything up to the end, padded to quad-words.
    Rest,
}

impl Encoding {
    /// Whether the bytes are a secret, or one could be guessed from them.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::PrivateKey | Self::PrivateScalar | Self::PasswordHash)
    }

    /// Whether the field is computed or constant: nothing a description gives.
    pub const fn is_derived(self) -> bool {
        matches!(self, Self::Digest { .. } | Self::Fixed(_))
    }
}

/// A field: a named range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// Its key in TOML.
    pub name: &'static str,
    /// What ST's XML calls it, where it does, or a title.
    pub title: &'static str,
    /// First byte, in the payload.
    pub offset: usize,
    /// Bytes; 0 for [`Encoding::Rest`].
    pub length: usize,
    /// How to understand them.
    pub encoding: Encoding,
    /// The number that stands there if none is given; `None` if one must be.
    pub default: Option<u64>,
    /// What it means, for people.
    pub meaning: &'static str,
}

impl Field {
    /// The bytes it covers in a payload of `payload` bytes; not beyond its end.
    pub fn range(&self, payload: usize) -> Range<usize> {
        let end = if self.encoding == Encoding::Rest { payload } else { self.offset + self.length };
        self.offset.min(payload)..end.min(payload)
    }

    /// Whether a description must give it.
    pub const fn is_required(&self) -> bool {
        self.default.is_none() && !self.encoding.is_derived() && !matches!(self.encoding, Encoding::Zero)
    }
}

/// The table of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layout {
    /// The kind it is the layout of.
    pub kind: ObjectKind,
    /// ST's name for it.
    pub title: &'static str,
    /// Where it goes, in the secure alias; `None` if a description says.
    pub destination: Option<u32>,
    /// Bytes of the payload; `None` if it varies.
    pub size: Option<usize>,
    /// Most bytes of the payload.
    pub max_size: usize,
    /// Who reads it on the chip.
    pub reader: &'static str,
    /// Every byte of the payload, in order and without gaps.
    pub fields: &'static [Field],
    /// Where this is written.
    pub source: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
}

impl Layout {
    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Bytes up to the part that varies.
    pub fn fixed_size(&self) -> usize {
        self.fields.last().map_or(0, |last| last.offset + last.length)
    }
}

/// All tables as Markdown: the documentation of the objects, made from what builds them.
pub fn markdown() -> String {
    let mut text = String::new();
    for kind in ObjectKind::ALL {
        describe(kind.layout(), &mut text);
    }
    text
}

fn describe(layout: &Layout, text: &mut String) {
    use fmt::Write as _;
    let size = match layout.size {
        Some(size) => format!("{size:#x} bytes"),
        None => format!("up to {:#x} bytes", layout.max_size),
    };
    let place = layout.destination.map_or_else(|| "any address".to_owned(), |address| format!("at {address:#010x}"));
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "### {} (`{}`)\n\n{place}, {size}, read by {}.", layout.title, layout.kind, layout.reader);
    let _ = writeln!(text, "Source: {} ({}).\n", layout.source, layout.confidence);
    let _ = writeln!(text, "| offset | bytes | name | encoding | meaning |\n|---|---|---|---|---|");
    for field in layout.fields {
        let length = if field.encoding == Encoding::Rest { "rest".to_owned() } else { field.length.to_string() };
        let _ = writeln!(
            text,
            "| {:#05x} | {length} | `{}` | {} | {} |",
            field.offset,
            field.name,
            encoding(field),
            field.meaning
        );
    }
    text.push('\n');
}

fn encoding(field: &Field) -> String {
    let words = match field.encoding {
        Encoding::Digest { from, to: None } => format!("SHA-256 of bytes {from:#x} to the end"),
        Encoding::Digest { from, to: Some(to) } => format!("SHA-256 of bytes {from:#x} to {:#x}", to - 1),
        Encoding::Fixed(bytes) => format!("always `{}`", crate::bytes::hex(bytes)),
        Encoding::Zero => "zeros".to_owned(),
        Encoding::Number => "integer".to_owned(),
        Encoding::Choice(choices) => {
            choices.iter().map(|(number, word)| format!("`{word}` {number:#x}")).collect::<Vec<_>>().join(", ")
        }
        Encoding::Switch { yes, no } => format!("`true` {yes:#x}, `false` {no:#x}"),
        Encoding::PublicKey => "public key, SubjectPublicKeyInfo".to_owned(),
        Encoding::PrivateKey => "private key, 70-byte form".to_owned(),
        Encoding::PrivateScalar => "private number, big-endian".to_owned(),
        Encoding::PublicKeyHash => "SHA-256 of a SubjectPublicKeyInfo".to_owned(),
        Encoding::RootKeyHash => "SHA-256 of `X ‖ Y` of the root key".to_owned(),
        Encoding::PasswordHash => "SHA-256 of the password's bytes, unpadded".to_owned(),
        Encoding::Permissions => "permission mask, 128 bits".to_owned(),
        Encoding::Bytes | Encoding::Rest => "bytes".to_owned(),
    };
    match field.default {
        Some(default) if default != 0 => format!("{words}; default {default:#x}"),
        _ => words,
    }
}
