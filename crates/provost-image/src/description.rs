//! Images from ST's descriptions (`McubootFormat` XML, what the Trusted Package Creator takes with `-pb`): a list of imgtool's options,
//! some of them linked to values of the object XML beside it.
//!
//! ```text
//! Root / McubootFormat / GlobalParam    Command (sign), Title, LinkedXML: the object XML whose values are linked
//!                        Param          Name, Value or Default, Command (an option of imgtool; none: the input file), Enable
//!                                       Link: empty copies the value of that name, GetPublic its public key, +N adds a number
//!                        Output         Value: the file to write, .hex or .bin
//! ```
//!
//! Read off the descriptions of STM32CubeH5 v1.7.0. Which profile is meant follows from magic, header size and the name of the key.

use provost_adac::key::{KeyFile, PrivateKey};
use roxmltree::{Document, Node, ParsingOptions};
use zeroize::Zeroizing;

use crate::header::Version;
use crate::profile::{self, KeyRole, MCUBOOT_MAGIC, Profile, STIROT_CODE_MAGIC, Signing};
use crate::sign::{LoadAddress, Padding, SecurityCounter, SignOptions};
use crate::trailer::TrailerKind;

/// Most bytes of a description.
pub const MAX_BYTES: usize = 0x4_0000;
const MAX_NODES: u32 = 0x8000;
/// Swap steps that imgtool takes where `-M` is not given.
const MAX_SECTORS: u16 = 128;

/// What a description asks for. Nothing is signed yet.
#[derive(Debug)]
#[non_exhaustive]
pub struct Description {
    /// How the image is made.
    pub options: SignOptions,
    /// The key that signs, if one does.
    pub key: Option<PrivateKey>,
    /// The input file, from the folder of the description.
    pub input: String,
    /// Where the image goes to, from the same folder.
    pub output: Option<String>,
    /// The address of the image, for a file that has addresses.
    pub address: Option<u32>,
}

/// A description that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {says}")]
#[non_exhaustive]
pub struct DescriptionError {
    /// The parameter by its name, or the file.
    pub place: String,
    /// What is wrong.
    pub says: String,
}

provost_codes::codes!(DescriptionError, self => self, {
    Self { .. } => "image-description",
});

impl DescriptionError {
    /// How to go on.
    pub const fn fix(&self) -> &'static str {
        "correct what the message names, or take the description as ST ships it"
    }
}

type Result<T> = core::result::Result<T, DescriptionError>;
/// Reads a file that the description names, from its folder.
type Read<'a> = &'a dyn Fn(&str) -> std::io::Result<Zeroizing<Vec<u8>>>;

fn wrong<T>(place: impl Into<String>, says: impl ToString) -> Result<T> {
    Err(DescriptionError { place: place.into(), says: says.to_string() })
}

/// Whether a text is a description of an image, and not of an object.
pub fn is_one(xml: &[u8]) -> bool {
    xml.windows(14).any(|window| window == b"<McubootFormat")
}

/// Reads a description. `files` gives the files that it names; paths arrive with `/` only.
///
/// # Errors
/// The parameter that breaks a rule, or the file that cannot be read or is no key.
pub fn read(xml: &[u8], files: Read<'_>) -> Result<Description> {
    let text = text_of(xml, "the description")?;
    let document = parse(&text, "the description")?;
    let root = document.root_element();
    let Some(format) = root.children().find(|node| node.has_tag_name("McubootFormat")) else {
        return wrong("the description", "one <McubootFormat> in <Root> is due");
    };
    let global = format.children().find(|node| node.has_tag_name("GlobalParam"));
    match global.and_then(|global| value(global, "Command")) {
        Some("sign") => {}
        found => return wrong("GlobalParam", format!("the command sign is due, not {}", found.unwrap_or("none"))),
    }
    let linked = match global.and_then(|global| value(global, "LinkedXML")) {
        Some(path) => Some(Linked::read(&portable(path), files)?),
        None => None,
    };
    let mut asked = Asked::default();
    for param in format.children().filter(|node| node.has_tag_name("Param")) {
        if value(param, "Enable") != Some("0") {
            asked.take(param, linked.as_ref(), files)?;
        }
    }
    let output = format.children().find(|node| node.has_tag_name("Output")).and_then(|node| value(node, "Value"));
    asked.description(output.map(portable))
}

fn text_of(bytes: &[u8], place: &str) -> Result<String> {
    if bytes.len() > MAX_BYTES {
        return wrong(place, format!("at most {MAX_BYTES} bytes are due"));
    }
    core::str::from_utf8(bytes).map(str::to_owned).or_else(|error| wrong(place, error))
}

fn parse<'a>(text: &'a str, place: &str) -> Result<Document<'a>> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).or_else(|error| wrong(place, error))
}

fn portable(path: &str) -> String {
    path.trim().replace('\\', "/")
}

/// The trimmed text of a child, if there is any.
fn value<'a>(node: Node<'a, '_>, child: &str) -> Option<&'a str> {
    let found = node.children().find(|found| found.has_tag_name(child))?;
    found.text().map(str::trim).filter(|text| !text.is_empty())
}

/// Values of the object XML by name; files count from its own folder.
struct Linked {
    values: Vec<(String, String, bool)>,
    folder: String,
}

impl Linked {
    fn read(path: &str, files: Read<'_>) -> Result<Self> {
        let bytes = files(path).or_else(|error| wrong(path, error))?;
        let text = text_of(&bytes, path)?;
        let document = parse(&text, path)?;
        let named = document.descendants().filter(|node| node.is_element() && node.tag_name().name() != "Output");
        let values = named.filter_map(|node| {
            Some((value(node, "Name")?.to_owned(), value(node, "Value")?.to_owned(), node.has_tag_name("File")))
        });
        let folder = path.rsplit_once('/').map_or_else(String::new, |(folder, _)| format!("{folder}/"));
        Ok(Self { values: values.collect(), folder })
    }

    fn get(&self, name: &str) -> Option<String> {
        let (_, value, is_file) = self.values.iter().find(|(known, _, _)| known == name)?;
        Some(if *is_file { format!("{}{}", self.folder, portable(value)) } else { value.clone() })
    }
}

fn number(text: &str, name: &str) -> Result<u32> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => u32::from_str_radix(digits, 16).ok(),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    parsed.map_or_else(|| wrong(name, format!("a number of at most 32 bits is due, not {text:?}")), Ok)
}

/// Options of imgtool, as they come.
#[derive(Default)]
struct Asked {
    key: Option<PrivateKey>,
    role: Option<KeyRole>,
    encrypt_for: Option<provost_adac::key::PublicKey>,
    magic: Option<u32>,
    slot_size: Option<u32>,
    header_size: u32,
    align: u32,
    sectors: Option<u32>,
    address: Option<u32>,
    fixed: Option<u32>,
    version: Option<Version>,
    counter: Option<SecurityCounter>,
    dependencies: Vec<crate::Dependency>,
    input: Option<String>,
    pad: bool,
    pad_header: bool,
    overwrite: bool,
    clear: bool,
    confirm: bool,
    primary_only: bool,
}

impl Asked {
    fn take(&mut self, param: Node<'_, '_>, linked: Option<&Linked>, files: Read<'_>) -> Result<()> {
        let name = value(param, "Name").unwrap_or("a parameter without a name");
        let link = param.children().find(|node| node.has_tag_name("Link"));
        let rule = link.map(|link| link.text().unwrap_or_default().trim().to_owned());
        let text = match &rule {
            None => value(param, "Value").or_else(|| value(param, "Default")).unwrap_or_default().to_owned(),
            Some(_) => match linked.and_then(|linked| linked.get(name)) {
                Some(text) => text,
                None => return wrong(name, "the linked XML has no value of this name"),
            },
        };
        let rule = rule.unwrap_or_default();
        let key = |text: &str| files(&portable(text)).or_else(|error| wrong(name, format!("{text}: {error}")));
        let told = || number(&text, name);
        match value(param, "Command") {
            None if value(param, "Type") == Some("File") => self.input = Some(portable(&text)),
            Some("-k") => {
                let bytes = key(&text)?;
                self.key = Some(PrivateKey::read(&bytes, None).or_else(|e| wrong(name, format!("{text}: {e}")))?);
                self.role = Some(match name {
                    _ if name.contains("non secure") => KeyRole::NonSecureAuthentication,
                    _ if name.contains("secure") => KeyRole::SecureAuthentication,
                    _ => KeyRole::Authentication,
                });
            }
            Some("-E") => {
                let bytes = key(&text)?;
                let file = KeyFile::read(&bytes, None).or_else(|e| wrong(name, format!("{text}: {e}")))?;
                self.encrypt_for = Some(file.public_key());
            }
            Some("-e") if text == "little" => {}
            Some("-ma") => self.magic = Some(told()?),
            Some("-S") => self.slot_size = Some(told()?),
            Some("-H") => self.header_size = told()?,
            Some("--align") => self.align = told()?,
            Some("-M") => self.sectors = Some(told()?),
            Some("-x") => {
                let plus = rule.strip_prefix('+').map_or(Ok(0), |more| number(more.trim(), name))?;
                let sum = told()?.checked_add(plus);
                self.address = Some(sum.map_or_else(|| wrong(name, "the sum has more than 32 bits"), Ok)?);
            }
            Some("--rom-fixed") => self.fixed = Some(told()?),
            Some("-v") => self.version = Some(text.parse().or_else(|error| wrong(name, error))?),
            Some("-s") if text == "auto" => self.counter = Some(SecurityCounter::Auto),
            Some("-s") => self.counter = Some(SecurityCounter::Value(told()?)),
            Some("-d") => self.dependencies.push(text.parse().or_else(|error| wrong(name, error))?),
            Some("--pad") => self.pad = true,
            Some("--pad-header") => self.pad_header = true,
            Some("--overwrite-only") => self.overwrite = true,
            Some("-c") => self.clear = true,
            Some("--confirm") => self.confirm = true,
            Some("--primary-only") => self.primary_only = true,
            Some(other) => return wrong(name, format!("{other} {text} is not an option that is known here")),
            None => return wrong(name, "neither an option of imgtool nor a file"),
        }
        Ok(())
    }

    fn profile(&self, magic: u32, header_size: u16) -> Option<&'static Profile> {
        let signed = |profile: &Profile| match (profile.signing, self.role) {
            (Signing::Required(role), Some(found)) => role == found,
            (Signing::Never, None) => true,
            _ => false,
        };
        profile::all().iter().find(|profile| {
            profile.strict
                && (profile.magic, profile.header_size) == (magic, header_size)
                && profile.primary_only == self.primary_only
                && signed(profile)
        })
    }

    fn description(mut self, output: Option<String>) -> Result<Description> {
        let Some(version) = self.version else { return wrong("-v", "a version is due") };
        let Some(input) = self.input.take() else { return wrong("Param", "an input file is due") };
        let magic = self.magic.unwrap_or(MCUBOOT_MAGIC);
        let header_size = u16::try_from(self.header_size).or_else(|error| wrong("-H", error))?;
        let align = u8::try_from(self.align.max(1)).or_else(|error| wrong("--align", error))?;
        let sectors = match self.sectors {
            None => MAX_SECTORS,
            Some(sectors) => u16::try_from(sectors).or_else(|error| wrong("-M", error))?,
        };
        // What is none of ST's kinds is plain mcuboot, if its magic says so.
        let profile =
            self.profile(magic, header_size).or_else(|| Profile::named("mcuboot").filter(|p| p.magic == magic));
        let Some(profile) = profile else {
            return wrong(
                "-ma",
                format!("no image is known with magic {magic:#010x} and {header_size:#x} bytes of header"),
            );
        };
        let mut options = SignOptions::update(profile, version);
        options.header_size = header_size;
        options.align = align;
        options.has_room = !self.pad_header;
        options.security_counter = self.counter.unwrap_or(SecurityCounter::None);
        options.dependencies = self.dependencies;
        options.encrypt_for = self.encrypt_for;
        options.clear = self.clear;
        options.slot_size = self.slot_size;
        options.load_address = self.fixed.map_or(LoadAddress::None, LoadAddress::Fixed);
        options.padding = match (self.confirm, self.pad) {
            (true, _) => Padding::Confirmed,
            (false, true) => Padding::Slot,
            (false, false) => Padding::None,
        };
        options.trailer = match (self.primary_only, self.overwrite) {
            (true, _) => TrailerKind::PrimaryOnly,
            (false, true) if magic == STIROT_CODE_MAGIC => TrailerKind::StirotOverwrite,
            (false, true) => TrailerKind::Overwrite,
            (false, false) => TrailerKind::Swap { sectors },
        };
        Ok(Description { options, key: self.key, input, output, address: self.address })
    }
}
