//! Objects from the XML of ST's Trusted Package Creator (`-obk`), byte for byte as that makes them.
//!
//! ```text
//! Root / Obdata / Info    Title, ObDestAddress, DoEncryption, GlobalAlign
//!                 Hash    SHA-256 of the body goes in front of it
//!                 DA      a Debug Authentication object: hashes in place of credentials, 64 bytes
//!                 List, Bool, Data, File, Permission, Text    the fields of the body, in this order
//!                 Output  name of the file to write
//! ```
//!
//! The rules were found by rebuilding all sample objects of STM32CubeH5 v1.7.0 and of the Secure Manager kit from their XML. Names,
//! defaults, tooltips and what steers the dialogue (`Hidden`, `Val`, `Dependency`, `Slot`…) do not reach the bytes. Without
//! `ObDestAddress` there is no header: such files are intermediate products for `imgtool`. What ST's tool does with a `Text` or a
//! `Permission` outside a Debug Authentication object is not known, so it is refused.

use core::fmt;

use provost_adac::crypto::sha256;
use provost_adac::key::{KeyFile, PrivateKey};
use provost_adac::password::Password;
use roxmltree::{Document, Node, ParsingOptions};
use zeroize::Zeroizing;

use crate::files::{self, Files};
use crate::key;
use crate::obk::Obk;
pub use crate::xml_error::{MAX_XML_BYTES, XmlError, XmlRule};

/// Most nodes of an XML file.
const MAX_NODES: u32 = 0x8000;
/// Most bytes of a body: the whole storage.
const MAX_BODY: usize = 0x2000;
/// A Debug Authentication body.
const DA_BODY: usize = 64;

/// What an XML file makes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Built {
    /// `Info/Title`.
    pub title: Option<String>,
    /// `Output/Value` with `/` only: where ST's tool would write, from the folder of the XML file.
    pub output: Option<String>,
    /// The object, or the bytes for another tool.
    pub product: Product,
}

/// What comes out.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "with a header or without")]
pub enum Product {
    /// An object with its header.
    Object(Obk),
    /// Bytes without a header, for lack of `ObDestAddress`.
    Bare(Zeroizing<Vec<u8>>),
}

impl Product {
    /// The bytes of the file.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Object(obk) => obk.to_bytes(),
            Self::Bare(bytes) => bytes.clone(),
        }
    }
}

impl fmt::Debug for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(obk) => obk.fmt(f),
            Self::Bare(bytes) => write!(f, "Bare({} bytes)", bytes.len()),
        }
    }
}

/// Builds what an XML file describes.
///
/// # Errors
/// The line and element that break a rule; a file of `files` that cannot be read or is no key.
pub fn build(xml: &[u8], files: &dyn Files) -> Result<Built, XmlError> {
    let whole = |rule| XmlError { line: 1, element: "file".to_owned(), rule };
    if xml.len() > MAX_XML_BYTES {
        return Err(whole(XmlRule::TooLarge { found: xml.len() }));
    }
    let text = core::str::from_utf8(xml).map_err(|error| whole(XmlRule::NotUtf8 { offset: error.valid_up_to() }))?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| XmlError {
        line: error.pos().row,
        element: "file".to_owned(),
        rule: XmlRule::Syntax { message: error.to_string() },
    })?;
    let root = document.root_element();
    if !root.has_tag_name("Root") {
        return Err(fail(root, XmlRule::WrongRoot { expected: "<Root>" }));
    }
    let mut inner = root.children().filter(Node::is_element);
    match (inner.next(), inner.next()) {
        (Some(obdata), None) if obdata.has_tag_name("Obdata") => Builder::default().build(obdata, files),
        (first, _) => Err(fail(first.unwrap_or(root), XmlRule::WrongRoot { expected: "one <Obdata> in <Root>" })),
    }
}

#[derive(Default)]
struct Builder {
    body: Zeroizing<Vec<u8>>,
    da: bool,
}

struct Info {
    title: Option<String>,
    destination: Option<u32>,
    encrypt: bool,
    align: usize,
}

impl Builder {
    fn build(mut self, obdata: Node<'_, '_>, files: &dyn Files) -> Result<Built, XmlError> {
        let only = |name: &'static str| {
            let mut found = elements(obdata).filter(move |node| node.has_tag_name(name));
            let first = found.next();
            found.next().map_or(Ok(first), |second| Err(fail(second, XmlRule::Repeated)))
        };
        let info = only("Info")?.ok_or_else(|| fail(obdata, XmlRule::Missing { child: "Info" }))?;
        let info = read_info(info)?;
        let (hash, da, output) = (only("Hash")?, only("DA")?, only("Output")?);
        self.da = da.is_some();
        // A growing vector would leave copies of keys behind.
        self.body.reserve_exact(MAX_BODY + files::MAX_BYTES);
        for node in elements(obdata) {
            self.field(node, files)?;
            if self.body.len() > MAX_BODY {
                return Err(fail(node, XmlRule::BodyTooLong { found: self.body.len(), most: MAX_BODY }));
            }
        }
        if let Some(da) = da {
            if self.body.len() > DA_BODY {
                return Err(fail(da, XmlRule::BodyTooLong { found: self.body.len(), most: DA_BODY }));
            }
            self.body.resize(DA_BODY, 0);
        }
        self.pad(info.align);
        let mut payload = Zeroizing::new(Vec::with_capacity(32 + self.body.len()));
        if hash.is_some() {
            payload.extend_from_slice(&sha256(&self.body));
        }
        payload.extend_from_slice(&self.body);
        let product = match info.destination {
            Some(destination) => Product::Object(
                Obk::new(destination, info.encrypt, payload.to_vec()).map_err(|error| fail(obdata, error.into()))?,
            ),
            None => Product::Bare(payload),
        };
        let output = output.and_then(|node| value(node, "Value")).map(files::portable);
        Ok(Built { title: info.title, output, product })
    }

    fn field(&mut self, node: Node<'_, '_>, files: &dyn Files) -> Result<(), XmlError> {
        match node.tag_name().name() {
            "Info" | "Hash" | "DA" | "Output" => Ok(()),
            "List" | "Bool" | "Data" => {
                known(
                    node,
                    &[
                        "Name",
                        "Value",
                        "Width",
                        "Hidden",
                        "Reserved",
                        "Default",
                        "True",
                        "False",
                        "Val",
                        "Slot",
                        "OBKSlot",
                        "Dependency",
                        "Tooltip",
                    ],
                )?;
                let width = number(node, "Width", 1, 16)? as usize;
                let most = u128::MAX >> (128 - 8 * width);
                self.body.extend_from_slice(&number(node, "Value", 0, most)?.to_le_bytes()[..width]);
                Ok(())
            }
            "Permission" => {
                known(node, &["Name", "Value", "Width", "Hidden", "Default", "Tooltip"])?;
                if !self.da {
                    return Err(fail(node, XmlRule::OutsideDa));
                }
                // 16 bytes, whatever Width says (4 in ST's files).
                self.body.extend_from_slice(&number(node, "Value", 0, u128::MAX)?.to_le_bytes());
                Ok(())
            }
            "Text" => self.text(node),
            "File" => self.file(node, files),
            _ => Err(fail(node, XmlRule::UnknownElement)),
        }
    }

    fn text(&mut self, node: Node<'_, '_>) -> Result<(), XmlError> {
        known(node, &["Name", "Value", "MinWidth", "Width", "Hidden", "Default", "Tooltip"])?;
        if !self.da {
            return Err(fail(node, XmlRule::OutsideDa));
        }
        let text = text(node, "Value").ok_or_else(|| fail(node, XmlRule::Missing { child: "Value" }))?;
        let (least, most) = (number(node, "MinWidth", 0, 64)? as usize, number(node, "Width", 0, 64)? as usize);
        if text != text.trim() || !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(fail(node, XmlRule::PasswordCharacters));
        }
        if !(least..=most).contains(&text.len()) {
            return Err(fail(node, XmlRule::PasswordLength { found: text.len(), least, most }));
        }
        let password = Password::new(text.as_bytes()).map_err(|error| fail(node, error.into()))?;
        self.body.extend_from_slice(&password.hash());
        Ok(())
    }

    fn file(&mut self, node: Node<'_, '_>, files: &dyn Files) -> Result<(), XmlError> {
        known(node, &["Name", "Value", "Align", "KeyType", "Type", "Hash", "Hidden", "Default", "Tooltip"])?;
        let path = value(node, "Value").ok_or_else(|| fail(node, XmlRule::Missing { child: "Value" }))?;
        let path = files::portable(path);
        let align = number(node, "Align", 1, MAX_BODY as u128)? as usize;
        let contents =
            files::read(files, &path).map_err(|error| fail(node, XmlRule::File { path: path.clone(), error }))?;
        if files::is_pem(&path) {
            if let Some(found) = value(node, "KeyType").filter(|&found| found != "ecdsa-p256") {
                return Err(fail(node, XmlRule::Word { found: shorten(found), expected: "ecdsa-p256" }));
            }
            let bytes = self.key(node, &contents, &path)?;
            self.body.extend_from_slice(&bytes);
        } else {
            self.body.extend_from_slice(&contents);
        }
        self.pad(align);
        Ok(())
    }

    fn key(&self, node: Node<'_, '_>, pem: &[u8], path: &str) -> Result<Zeroizing<Vec<u8>>, XmlError> {
        let wrong = |error| fail(node, XmlRule::Key { path: path.to_owned(), error });
        let hashed = node.children().any(|child| child.has_tag_name("Hash"));
        let public = || KeyFile::read(pem, None).map(|file| file.public_key()).map_err(wrong);
        let private = || PrivateKey::read(pem, None).map_err(wrong);
        Ok(Zeroizing::new(match value(node, "Type").unwrap_or_default() {
            "Public" if self.da => public()?.root_hash().to_vec(),
            "Public" if hashed => key::spki_hash(&public()?).to_vec(),
            "Public" => public()?.to_der().to_vec(),
            "Private_Raw" => private()?.expose_scalar().to_vec(),
            "" => private()?.to_minimal().to_vec(),
            found => {
                return Err(fail(
                    node,
                    XmlRule::Word {
                        found: shorten(found),
                        expected: "Public, Private_Raw, or nothing for a private key",
                    },
                ));
            }
        }))
    }

    fn pad(&mut self, align: usize) {
        let size = self.body.len().next_multiple_of(align);
        self.body.resize(size, 0);
    }
}

fn read_info(node: Node<'_, '_>) -> Result<Info, XmlError> {
    known(
        node,
        &[
            "Title",
            "ObDestAddress",
            "DoEncryption",
            "GlobalAlign",
            "MCU",
            "FlashStart",
            "FlashSize",
            "FlashSectorSize",
            "OBKStart",
            "OBKSize",
            "OBKSectorSize",
            "AuthOBKStart",
            "AuthOBKSize",
        ],
    )?;
    let destination = match value(node, "ObDestAddress") {
        Some(_) => Some(number(node, "ObDestAddress", 0, u32::MAX.into())? as u32),
        None => None,
    };
    Ok(Info {
        title: value(node, "Title").map(str::to_owned),
        destination,
        // Means nothing without a header.
        encrypt: destination.is_some() && number(node, "DoEncryption", 0, 1)? == 1,
        align: number(node, "GlobalAlign", 1, MAX_BODY as u128)? as usize,
    })
}

fn elements<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(Node::is_element)
}

/// Refuses children that nobody has documented, and repeated ones where a value would be ambiguous.
fn known(node: Node<'_, '_>, names: &[&str]) -> Result<(), XmlError> {
    for child in elements(node) {
        let name = child.tag_name().name();
        if !names.contains(&name) {
            return Err(fail(child, XmlRule::UnknownElement));
        }
        let list = ["Val", "Slot", "OBKSlot", "Dependency"].contains(&name);
        if !list && child.prev_siblings().skip(1).any(|earlier| earlier.has_tag_name(name)) {
            return Err(fail(child, XmlRule::Repeated));
        }
    }
    Ok(())
}

/// The text of a child that has nothing but text; a comment inside would leave only a part of it.
fn text<'a>(node: Node<'a, '_>, child: &str) -> Option<&'a str> {
    let mut inner = node.children().find(|found| found.has_tag_name(child))?.children();
    match (inner.next(), inner.next()) {
        (Some(only), None) => only.text(),
        _ => None,
    }
}

/// The trimmed text of a child, if there is any.
fn value<'a>(node: Node<'a, '_>, child: &str) -> Option<&'a str> {
    text(node, child).map(str::trim).filter(|text| !text.is_empty())
}

fn number(node: Node<'_, '_>, child: &'static str, least: u128, most: u128) -> Result<u128, XmlError> {
    let text = value(node, child).ok_or_else(|| fail(node, XmlRule::Missing { child }))?;
    let at = node.children().find(|found| found.has_tag_name(child)).unwrap_or(node);
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let parsed = match digits {
        // `from_str_radix` would take a sign.
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => u128::from_str_radix(digits, 16).ok(),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    let found = parsed.ok_or_else(|| fail(at, XmlRule::NotANumber { found: shorten(text) }))?;
    if !(least..=most).contains(&found) {
        return Err(fail(at, XmlRule::OutOfRange { found, least, most }));
    }
    Ok(found)
}

fn fail(node: Node<'_, '_>, rule: XmlRule) -> XmlError {
    let line = node.document().text_pos_at(node.range().start).row;
    let mut path: Vec<String> = node
        .ancestors()
        .filter(Node::is_element)
        .take_while(|ancestor| !ancestor.has_tag_name("Root"))
        .map(|element| {
            let name = shorten(element.tag_name().name());
            match value(element, "Name") {
                Some(title) => format!("{name} {:?}", shorten(title)),
                None => name,
            }
        })
        .collect();
    path.reverse();
    XmlError { line, element: if path.is_empty() { "Root".to_owned() } else { path.join("/") }, rule }
}

fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}
