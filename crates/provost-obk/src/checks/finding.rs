//! The checks as a table: code, severity, sources, confidence, remedy.

use core::fmt;

use provost_chip::sources::Confidence;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "an order that callers match in full")]
pub enum Severity {
    /// Think about it.
    Warn,
    /// Do not write.
    Refuse,
}

impl Severity {
    /// `warn` or `refuse`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Refuse => "refuse",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! checks {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $severity:ident, $confidence:ident, [$($source:literal),+], $rule:expr, $fix:literal;)+) => {
        /// A check. Sources are keys of [`provost_chip::sources::Source`], rules ids of [`provost_chip::rules::Rule`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Check { $($(#[$doc])* $name),+ }

        impl Check {
            /// Every check.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// A short stable name, for machines.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// How much it weighs.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),+ }
            }

            /// How sure it is that this does harm.
            pub const fn confidence(self) -> Confidence {
                match self { $(Self::$name => Confidence::$confidence),+ }
            }

            /// Where that is written.
            pub const fn sources(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($source),+]),+ }
            }

            /// The rule of the life cycle behind it, if there is one.
            pub const fn rule(self) -> Option<&'static str> {
                match self { $(Self::$name => $rule),+ }
            }

            /// What to do about it.
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$name => $fix),+ }
            }
        }
    };
}

checks! {
    /// The file is no `.obk` file, or its destination and size fit no HDPL range.
    Format = "obk-format", Refuse, Documented, ["CMSIS", "CUBEH5-ROT"], None,
        "build the file again";
    /// The part has no storage for objects.
    NoStorage = "obk-no-storage", Refuse, Documented, ["CUBEH5-ROT"], Some("R-H503-OTP"),
        "the STM32H503 takes a password in OTP instead";
    /// The destination belongs to ST.
    StLevel = "obk-hdpl0", Refuse, Documented, ["CMSIS"], None,
        "choose an address from 0x0FFD0100 on";
    /// Destination and size fit the storage but not the objects known there.
    WrongSize = "obk-wrong-size", Refuse, Observed, ["ST-892653"], None,
        "build the object from its XML or TOML; a payload of another size is refused or hangs the discovery";
    /// No kind known goes there.
    Unknown = "obk-unknown", Warn, Inferred, ["PROVOST"], None,
        "make sure that firmware reads it there";
    /// The object is to say who may authenticate, and goes elsewhere.
    NotDa = "obk-not-da", Refuse, Documented, ["CUBEH5-ROT"], Some("R-DA-NEEDS-VALID-DATA"),
        "build it again for 0x0FFD0100";
    /// A plain object for a part with secure AES.
    PlainOnCrypto = "obk-plain-on-crypto", Refuse, Documented, ["SEGGER", "HOTSPOT", "ST-789419"], Some("R-CRYPTO-NEEDS-ENCRYPTED"),
        "build it with DoEncryption 1; the chip takes a plain one, closes, and never opens again";
    /// An encrypted object for a part without secure AES.
    EncryptedOnPlain = "obk-encrypted-on-plain", Refuse, Staff, ["ST-674542"], Some("R-PLAIN-PARTS-REFUSE-ENCRYPTION"),
        "build it with DoEncryption 0";
    /// Records of a boot loader that must be plain are not.
    EncryptedRecords = "obk-encrypted-records", Refuse, Code, ["CUBEH5-BOOT", "CUBEH5-ROT"], None,
        "build it with DoEncryption 0: the boot loader reads it without decryption";
    /// A digest inside is wrong.
    Integrity = "obk-integrity", Refuse, Documented, ["CUBEH5-BOOT", "ST-836233"], Some("R-DA-NEEDS-VALID-DATA"),
        "build it again: a reader takes it for absent";
    /// A value that no tool writes: no key, no such choice.
    Value = "obk-value", Refuse, Documented, ["CUBEH5-ROT"], None,
        "build it again with a value that is known";
    /// Bytes that should be zero are not.
    NotZero = "obk-not-zero", Warn, Inferred, ["CUBEH5-ROT", "PROVOST"], None,
        "build it again, unless the bytes are known to be right";
    /// The credential is of the wrong kind for TZEN.
    MethodTrustZone = "obk-method-trustzone", Refuse, Documented, ["AN6008", "WIKI-DA", "WOLFTRUST"],
        Some("R-DA-METHOD-FOLLOWS-TZEN"),
        "a certificate with TrustZone on, a password with TrustZone off; the other kind shows as valid and cannot authenticate";
    /// The object withholds full regression.
    NoFullRegression = "obk-no-full-regression", Refuse, Documented, ["AN6008", "WOLFTRUST"], Some("R-DA-FOUR-MASKS"),
        "add bit 14 to the permissions, unless the chip shall never come back to Open";
    /// Permissions that STM32H5 does not know.
    UnknownPermissions = "obk-unknown-permissions", Warn, Inferred, ["AN6008", "PROVOST"], None,
        "leave the bits out";
    /// A key or credential that ST has published.
    Sample = "obk-sample", Refuse, Observed, ["WOLFTRUST", "CUBEH5-ROT"], None,
        "make keys of your own; everybody has this one";
    /// Settings made for one of ST's boards.
    SampleSettings = "obk-sample-settings", Warn, Documented, ["CUBEH5-ROT"], None,
        "make sure that the settings fit this board";
    /// One key for two purposes.
    KeyReused = "obk-key-reused", Warn, Inferred, ["PROVOST"], None,
        "use a key for one purpose only";
    /// ST's immutable root of trust on a part that has none.
    StirotNeedsCrypto = "obk-stirot-needs-crypto", Refuse, Documented, ["CUBEH5-ROT", "HAL"], None,
        "use the OEMiRoT boot path";
    /// A root of trust without TrustZone.
    RootNeedsTrustZone = "obk-root-needs-trustzone", Warn, Inferred, ["CUBEH5-ROT"], None,
        "set TZEN first: all of ST's scripts for roots of trust do";
    /// Objects of both immutable roots of trust.
    MixedRoots = "obk-mixed-roots", Refuse, Documented, ["CUBEH5-BOOT", "CUBEH5-ROT"], None,
        "provision the objects of one boot path only: their places overlap";
    /// Two objects share bytes.
    Overlap = "obk-overlap", Refuse, Documented, ["CUBEH5-BOOT"], None,
        "leave one of the two out";
    /// ST's immutable root of trust boots, and its objects are not all there.
    StirotIncomplete = "obk-stirot-incomplete", Refuse, Documented, ["HOTSPOT"], Some("R-BOOT-ST-IROT-NEEDS-DATA"),
        "provision STiRoT_Config and STiRoT_Data, or set BOOT_UBE to 0xB4";
    /// ST's immutable root of trust boots, and the objects are for another.
    OemirotNotBooted = "obk-oemirot-not-booted", Refuse, Documented, ["CUBEH5-ROT", "HOTSPOT"], Some("R-BOOT-ST-IROT-NEEDS-DATA"),
        "set BOOT_UBE to 0xB4";
    /// The user flash boots, and the objects are for ST's root of trust.
    StirotNotBooted = "obk-stirot-not-booted", Warn, Documented, ["CUBEH5-ROT"], None,
        "set BOOT_UBE to 0xC3 before Provisioning is left";
    /// One of two objects that belong together is missing.
    Incomplete = "obk-incomplete", Warn, Documented, ["CUBEH5-ROT"], None,
        "provision both, unless the other is on the chip already";
    /// Nothing decides who may authenticate.
    NoDa = "obk-no-da", Warn, Documented, ["AN6008", "ST-694861"], Some("R-CLOSING-WITHOUT-DA-LOSES"),
        "provision DA_Config or DA_ConfigWithPassword too, unless a good one is on the chip";
    /// The firmware would not be started in the product state wanted.
    MinimalState = "obk-minimal-state", Refuse, Documented, ["CUBEH5-ROT"], None,
        "lower the minimal product state, or go to a later state";
    /// Areas that do not fit the flash, the sectors or each other.
    FlashLayout = "obk-flash-layout", Refuse, Documented, ["CUBEH5-ROT", "PRGDB"], None,
        "correct offsets and sizes: whole sectors of 8 KB, inside the flash, not over each other";
    /// Secure Manager objects on another part.
    SecureManagerPart = "obk-secure-manager-part", Warn, Inferred, ["PROVOST"], None,
        "ST ships the Secure Manager for STM32H573, and installs these objects through SFI";
    /// What is known of the part is inferred.
    UncertainPart = "obk-uncertain-part", Warn, Inferred, ["PROVOST"], None,
        "try it on a part that may be lost";
    /// A password in OTP is there for ever.
    OtpForEver = "otp-for-ever", Warn, Documented, ["CUBEH5-ROT"], Some("R-H503-OTP"),
        "keep the password file as long as the chip lives: it can never be changed";
    /// The OTP holds another password, or something else.
    OtpNotBlank = "otp-not-blank", Refuse, Documented, ["CUBEH5-ROT", "CMSIS"], Some("R-H503-OTP"),
        "find the password that was written first; a second write would destroy it";
    /// The OTP is locked with nothing, or not all, in it.
    OtpLocked = "otp-locked", Refuse, Documented, ["CMSIS", "SVD"], Some("R-H503-OTP"),
        "nothing can be written any more; do not close this chip";
    /// The write was interrupted.
    OtpInterrupted = "otp-interrupted", Warn, Inferred, ["CMSIS", "PROVOST"], None,
        "write the half-words that are missing, each once";
    /// The password is there already.
    OtpSame = "otp-same", Warn, Documented, ["CUBEH5-ROT"], None,
        "nothing is to be written";
    /// The part keeps its credential elsewhere.
    OtpWrongPart = "otp-wrong-part", Refuse, Documented, ["CUBEH5-ROT", "CMSIS"], None,
        "provision DA_ConfigWithPassword.obk: only STM32H503 keeps its password in OTP";
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// Something that speaks against a write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Which check found it.
    pub check: Check,
    /// The destination of the object it is about.
    pub destination: Option<u32>,
    /// The byte of the file it is about.
    pub offset: Option<usize>,
    /// What was found.
    pub detail: String,
}

impl Finding {
    /// A short stable name, for machines.
    pub const fn code(&self) -> &'static str {
        self.check.code()
    }

    /// How much it weighs.
    pub const fn severity(&self) -> Severity {
        self.check.severity()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.detail, self.code())
    }
}

/// A finding as documents show it, with what the table says of its check.
#[derive(serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ObjectFinding"))]
struct Shown<'a> {
    /// Stable name of the check.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[a-z0-9-]+$")))]
    code: &'static str,
    /// How much it weighs.
    severity: Severity,
    /// What was found.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    detail: &'a str,
    /// The destination of the object it is about.
    destination: Option<u32>,
    /// The byte of the file it is about.
    offset: Option<usize>,
    /// What to do about it.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    fix: &'static str,
    /// How sure the check is.
    #[cfg_attr(feature = "schema", schemars(with = "Confidence"))]
    confidence: &'static str,
    /// Where that is written.
    #[cfg_attr(feature = "schema", schemars(inner(length(min = 1))))]
    sources: &'static [&'static str],
    /// The rule of the life cycle behind it.
    #[cfg_attr(feature = "schema", schemars(with = "Option<provost_chip::rules::RuleId>"))]
    rule: Option<&'static str>,
}

impl serde::Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = Shown {
            code: self.code(),
            severity: self.severity(),
            detail: &self.detail,
            destination: self.destination,
            offset: self.offset,
            fix: self.check.fix(),
            confidence: self.check.confidence().as_str(),
            sources: self.check.sources(),
            rule: self.check.rule(),
        };
        shown.serialize(serializer)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Finding {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Shown::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Shown::json_schema(generator)
    }
}
