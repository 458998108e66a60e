//! What can be wrong with an XML file.

use std::io;

use provost_adac::key::KeyError;
use provost_adac::password::PasswordError;

use crate::obk::ObkError;

/// Most bytes of an XML file: twenty times the largest of ST's.
pub const MAX_XML_BYTES: usize = 0x4_0000;

/// An element that breaks a rule.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, {element}: {rule}")]
#[non_exhaustive]
pub struct XmlError {
    /// Line of the element, from 1.
    pub line: u32,
    /// The element: its path from `Obdata`, with its `Name` where it has one.
    pub element: String,
    /// The rule that is broken there.
    #[source]
    pub rule: XmlRule,
}

/// A rule of the XML.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum XmlRule {
    /// The file is larger than any of its kind.
    #[error("an XML file has at most {MAX_XML_BYTES} bytes, not {found}")]
    TooLarge {
        /// How many bytes it has.
        found: usize,
    },
    /// The bytes are not UTF-8.
    #[error("the file is not UTF-8 from byte {offset} on")]
    NotUtf8 {
        /// The first byte that is not.
        offset: usize,
    },
    /// The file is not well-formed XML, or has a DTD, which could define entities.
    #[error("not XML that can be read: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// Something else than ST's provisioning XML.
    #[error("expected {expected}; image XML (McubootFormat) is for imgtool")]
    WrongRoot {
        /// The element that is due.
        expected: &'static str,
    },
    /// An element nobody has documented.
    #[error("no such element is known")]
    UnknownElement,
    /// An element stands where only one may.
    #[error("only one is allowed")]
    Repeated,
    /// A child is missing or empty.
    #[error("<{child}> is missing or empty")]
    Missing {
        /// Name of the child.
        child: &'static str,
    },
    /// Text that is not a number.
    #[error("{found:?} is not a number such as 0x1F or 31")]
    NotANumber {
        /// The beginning of the text.
        found: String,
    },
    /// A number outside what its place takes.
    #[error("{found:#x} is not in {least:#x} to {most:#x}")]
    OutOfRange {
        /// The number that stands there.
        found: u128,
        /// The least it may be.
        least: u128,
        /// The most it may be.
        most: u128,
    },
    /// A word that its place does not take.
    #[error("{found:?} must be one of: {expected}")]
    Word {
        /// The beginning of the text.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// Known in Debug Authentication objects only.
    #[error("what ST's tool writes for this outside a Debug Authentication object (<DA>) is not known")]
    OutsideDa,
    /// The body is longer than its frame.
    #[error("the body has {found} bytes, at most {most} are possible")]
    BodyTooLong {
        /// How many bytes it has.
        found: usize,
        /// How many bytes are possible here.
        most: usize,
    },
    /// A password of the wrong length.
    #[error("the password has {found} bytes, {least} to {most} are due")]
    PasswordLength {
        /// How many bytes it has.
        found: usize,
        /// `MinWidth`.
        least: usize,
        /// `Width`.
        most: usize,
    },
    /// A password of which it is not known which bytes ST's tool would hash.
    #[error("the password has characters other than visible ASCII, or begins or ends with a space")]
    PasswordCharacters,
    /// A password that no chip takes.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A file cannot be read.
    #[error("cannot read {path}: {error}")]
    File {
        /// Its path, from the folder of the XML file.
        path: String,
        /// What the operating system says.
        #[source]
        error: io::Error,
    },
    /// A file is no key.
    #[error("{path}: {error}")]
    Key {
        /// Its path, from the folder of the XML file.
        path: String,
        /// What is wrong with it as a key.
        #[source]
        error: KeyError,
    },
    /// The object breaks a rule of `.obk` files.
    #[error(transparent)]
    Object(#[from] ObkError),
}

provost_codes::codes!(XmlError, self => self.rule, {
    XmlRule::TooLarge { .. } => "xml-too-large",
    XmlRule::NotUtf8 { .. } => "xml-not-utf8",
    XmlRule::Syntax { .. } => "xml-syntax",
    XmlRule::WrongRoot { .. } => "xml-wrong-root",
    XmlRule::UnknownElement => "xml-unknown-element",
    XmlRule::Repeated => "xml-repeated",
    XmlRule::Missing { .. } => "xml-missing",
    XmlRule::NotANumber { .. } => "xml-not-a-number",
    XmlRule::OutOfRange { .. } => "xml-out-of-range",
    XmlRule::Word { .. } => "xml-word",
    XmlRule::OutsideDa => "xml-outside-da",
    XmlRule::BodyTooLong { .. } => "xml-body-too-long",
    XmlRule::PasswordLength { .. } | XmlRule::PasswordCharacters | XmlRule::Password(_) => "xml-password",
    XmlRule::File { .. } => "xml-file",
    XmlRule::Key { .. } => "xml-key",
    XmlRule::Object(_) => "xml-object",
});

impl XmlError {
    /// How to put it right.
    pub const fn fix(&self) -> &'static str {
        match self.rule {
            XmlRule::TooLarge { .. } | XmlRule::WrongRoot { .. } => {
                "give the XML file of an object, from a Config folder of ROT_Provisioning"
            }
            XmlRule::NotUtf8 { .. } => "save the file as UTF-8",
            XmlRule::Syntax { .. } => "repair the XML at this place; a <!DOCTYPE> is never needed",
            XmlRule::UnknownElement | XmlRule::Repeated => "take the element out",
            XmlRule::Missing { .. } => "add the child with a value",
            XmlRule::NotANumber { .. } | XmlRule::OutOfRange { .. } | XmlRule::Word { .. } => "correct the value",
            XmlRule::OutsideDa => "describe the object in TOML, where every byte has a name",
            XmlRule::BodyTooLong { .. } => "take fields out, or lower their width or alignment",
            XmlRule::PasswordLength { .. } | XmlRule::PasswordCharacters | XmlRule::Password(_) => {
                "choose a password of 4 to 16 ASCII characters"
            }
            XmlRule::File { .. } => "correct the path; it counts from the folder of the XML file",
            XmlRule::Key { .. } => "give a P-256 key in PEM that is not encrypted",
            XmlRule::Object(_) => "correct ObDestAddress, GlobalAlign or the fields",
        }
    }
}
