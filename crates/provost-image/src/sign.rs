//! A body becomes an image.

use provost_adac::key::{PrivateKey, PublicKey, Signature, Signer};

use crate::ecies;
use crate::error::SignError;
use crate::header::{Flags, HEADER_BYTES, Header, Version};
use crate::profile::{Profile, Signing};
use crate::signature::{self, MAX_SIGNATURE_BYTES, SignatureForm};
use crate::tlv::{Area, Dependency, PROTECTED_TLV_INFO_MAGIC, TLV_HEADER_BYTES, TLV_INFO_MAGIC, TlvType};
use crate::trailer::{self, TrailerKind};

/// Encrypted bodies are whole blocks of AES.
const BLOCK: usize = 16;
/// Signatures asked for until one is long enough, as ST's imgtool does. A deterministic signer gives the same each time.
const SIGNING_ATTEMPTS: usize = 3;

/// What does not change an image that the boot loader must not take again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "made, given or none")]
pub enum SecurityCounter {
    /// Made from the version: [`Version::security_counter`].
    Auto,
    /// A number of one's own.
    Value(u32),
    /// None; ST's boot loaders refuse such images.
    None,
}

/// How an image names the key that signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFormat {
    /// By the SHA-256 of its SubjectPublicKeyInfo: what ST's boot loaders read.
    Hash,
    /// By the SubjectPublicKeyInfo itself.
    Full,
}

/// What an image says of its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadAddress {
    /// Nothing: it runs from its slot.
    None,
    /// It is to be copied there before it runs.
    Ram(u32),
    /// It is linked for this address in flash.
    Fixed(u32),
}

/// What follows the TLVs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Padding {
    /// The file ends with the TLVs.
    None,
    /// Erased bytes up to the end of the slot, where the trailer asks for the update.
    Slot,
    /// The same, and the trailer says that the image is good (kinds of trailer that can say so): for the slot it runs from.
    Confirmed,
}

/// How an image is made. [`SignOptions::install`] and [`SignOptions::update`] have everything as ST's projects have it for a profile;
/// the encryption key and the slot's size are added by whoever knows them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignOptions {
    /// What reads the image.
    pub profile: &'static Profile,
    /// Its version.
    pub version: Version,
    /// Its security counter.
    pub security_counter: SecurityCounter,
    /// Other images it needs.
    pub dependencies: Vec<Dependency>,
    /// Bytes in front of the body.
    pub header_size: u16,
    /// Whether the body starts with `header_size` zeros that the header takes, as some linker scripts leave them.
    pub has_room: bool,
    /// What it says of its address.
    pub load_address: LoadAddress,
    /// Whether it must not be booted by itself.
    pub non_bootable: bool,
    /// Whom the body is encrypted for.
    pub encrypt_for: Option<PublicKey>,
    /// Whether the body stays clear though the image has what it takes to encrypt it later: for the slot it runs from.
    pub clear: bool,
    /// How the signing key is named.
    pub key_format: KeyFormat,
    /// How the signature is written.
    pub signature_form: SignatureForm,
    /// Bytes of the slot.
    pub slot_size: Option<u32>,
    /// What follows the TLVs.
    pub padding: Padding,
    /// What the trailer holds.
    pub trailer: TrailerKind,
    /// How many bytes the flash writes at a time.
    pub align: u8,
    /// What erased flash reads as; also fills the header field.
    pub erased: u8,
}

impl SignOptions {
    /// For the slot the image runs from: clear, and confirmed in a padded slot.
    pub fn install(profile: &'static Profile, version: Version) -> Self {
        let mut options = Self::update(profile, version);
        options.clear = profile.encryption.is_some() && !profile.primary_only;
        options.trailer = profile.install_trailer;
        if options.padding == Padding::Slot && !profile.primary_only {
            options.padding = Padding::Confirmed;
        }
        options
    }

    /// For the slot that updates are put into: encrypted if a key is given, with a trailer that asks for the update.
    pub fn update(profile: &'static Profile, version: Version) -> Self {
        Self {
            profile,
            version,
            security_counter: SecurityCounter::Auto,
            dependencies: Vec::new(),
            header_size: profile.header_size,
            has_room: false,
            load_address: LoadAddress::None,
            non_bootable: false,
            encrypt_for: None,
            clear: false,
            key_format: KeyFormat::Hash,
            signature_form: profile.signature_form,
            slot_size: None,
            padding: if profile.in_flash { Padding::Slot } else { Padding::None },
            trailer: profile.update_trailer,
            align: profile.align,
            erased: 0xFF,
        }
    }

    fn check(&self, signs: bool) -> Result<(), SignError> {
        let profile = self.profile.name;
        if usize::from(self.header_size) < HEADER_BYTES || !self.header_size.is_multiple_of(4) {
            return Err(SignError::HeaderSize { header_size: self.header_size });
        }
        if !matches!(self.align, 1 | 2 | 4 | 8 | 16 | 32) {
            return Err(SignError::Align { align: self.align });
        }
        match (self.profile.signing, signs) {
            (Signing::Required(_), false) => return Err(SignError::NoSigner { profile }),
            (Signing::Never, true) => return Err(SignError::NotSigned { profile, what: "signed" }),
            _ => {}
        }
        if self.encrypt_for.is_some() && self.profile.encryption.is_none() {
            return Err(SignError::NotSigned { profile, what: "encrypted" });
        }
        if self.clear && self.profile.primary_only {
            return Err(SignError::ClearInOneSlot { profile });
        }
        if self.clear && self.encrypt_for.is_none() && self.profile.strict {
            return Err(SignError::ClearWithoutKey);
        }
        if self.profile.strict && self.security_counter == SecurityCounter::None {
            return Err(SignError::NoSecurityCounter { profile });
        }
        Ok(())
    }

    fn flags(&self) -> Flags {
        let flag = |set, flag| if set { flag } else { Flags::default() };
        flag(self.encrypt_for.is_some(), Flags::ENCRYPTED_AES128)
            .with(flag(self.profile.primary_only, Flags::PRIMARY_ONLY))
            .with(flag(self.non_bootable, Flags::NON_BOOTABLE))
            .with(flag(matches!(self.load_address, LoadAddress::Ram(_)), Flags::RAM_LOAD))
            .with(flag(matches!(self.load_address, LoadAddress::Fixed(_)), Flags::ROM_FIXED))
    }

    fn trailer_size(&self) -> usize {
        // At most 3 · 65535 · 32 bytes and a few notes.
        self.trailer.size(self.align, self.encrypt_for.is_some()) as usize
    }
}

/// Makes an image of `body`. Without a signer the image has a hash only.
///
/// # Errors
/// What is asked for does not fit the profile or the slot, or the signer fails.
pub fn sign(body: &[u8], options: &SignOptions, signer: Option<&dyn Signer>) -> Result<Vec<u8>, SignError> {
    options.check(signer.is_some())?;
    let header_size = usize::from(options.header_size);
    let mut image = framed(body, options)?;
    if options.encrypt_for.is_some() {
        image.resize(image.len().next_multiple_of(BLOCK), 0);
    }
    let filler =
        if options.profile.fills_slot && options.encrypt_for.is_some() { fill_slot(&mut image, options)? } else { 0 };
    let protected = protected_area(options, filler)?;

    let body_size = image.len() - header_size;
    let mut header = Header {
        magic: options.profile.magic,
        load_address: match options.load_address {
            LoadAddress::None => 0,
            LoadAddress::Ram(address) | LoadAddress::Fixed(address) => address,
        },
        header_size: options.header_size,
        protected_size: protected.len(),
        image_size: u32::try_from(body_size).map_err(|_| SignError::TooLong { have: body_size })?,
        flags: options.flags(),
        version: options.version,
    };
    let stored_flags = header.flags;
    if options.profile.primary_only {
        header.flags = header.flags.without(Flags::ENCRYPTED_AES128);
    }
    image[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    protected.write_to(&mut image);

    let mut area = Area::new(TLV_INFO_MAGIC);
    seal(&image, options, signer, &mut area)?;
    header.flags = stored_flags;
    image[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    if let Some(recipient) = &options.encrypt_for {
        let key = ecies::new_content_key()?;
        let wrapped = ecies::wrap(recipient, &key, &PrivateKey::generate()?)?;
        put(&mut area, TlvType::ENC_EC256, &wrapped)?;
        if !options.clear {
            ecies::apply_ctr(&key, &mut image[header_size..header_size + body_size]);
        }
    }
    area.write_to(&mut image);
    pad(&mut image, options)?;
    Ok(image)
}

/// The body behind a header field that is still empty.
fn framed(body: &[u8], options: &SignOptions) -> Result<Vec<u8>, SignError> {
    let header_size = usize::from(options.header_size);
    let mut image = Vec::with_capacity(header_size + body.len() + BLOCK);
    if options.has_room {
        let room = body.get(..header_size).unwrap_or(body);
        let zeros = room.iter().take_while(|byte| **byte == 0).count();
        if zeros < header_size {
            return Err(SignError::NoRoom { offset: zeros, header_size: options.header_size });
        }
    } else {
        image.resize(header_size, options.erased);
    }
    image.extend_from_slice(body);
    if image.len() == header_size {
        return Err(SignError::Empty);
    }
    Ok(image)
}

/// Zeros behind the body so that the last TLV ends where the trailer starts. What is left below a block goes into an empty boot record
/// among the protected TLVs; its bytes with type and length are returned. STiRoT wants images so, says ST's imgtool
/// (stm32-mw-mcuboot v1.7.2.39, `Image.create` for the magic 0x73AB1024).
fn fill_slot(image: &mut Vec<u8>, options: &SignOptions) -> Result<usize, SignError> {
    let slot_size = options.slot_size.ok_or(SignError::NoSlotSize { why: "STiRoT wants it filled" })?;
    let record = |bytes| TLV_HEADER_BYTES + bytes;
    let key = match options.key_format {
        KeyFormat::Hash => 32,
        KeyFormat::Full => provost_adac::key::SPKI_BYTES,
    };
    let tlvs =
        TLV_HEADER_BYTES + record(32) + record(key) + record(MAX_SIGNATURE_BYTES) + record(ecies::ENC_EC256_BYTES);
    let fixed = image.len() + usize::from(protected_area(options, 0)?.len()) + tlvs + options.trailer_size();
    let slot = slot_size as usize;
    let free = slot.checked_sub(fixed).ok_or(SignError::SlotTooSmall { need: fixed, slot_size })?;
    let mut filler = free % BLOCK;
    if filler <= TLV_HEADER_BYTES {
        filler += BLOCK;
    }
    let zeros = free.checked_sub(filler).ok_or(SignError::SlotTooSmall { need: fixed + filler, slot_size })?;
    image.resize(image.len() + zeros, 0);
    Ok(filler)
}

fn protected_area(options: &SignOptions, filler: usize) -> Result<Area, SignError> {
    let mut area = Area::new(PROTECTED_TLV_INFO_MAGIC);
    let counter = match options.security_counter {
        SecurityCounter::Auto => Some(options.version.security_counter()),
        SecurityCounter::Value(counter) => Some(counter),
        SecurityCounter::None => None,
    };
    if let Some(counter) = counter {
        put(&mut area, TlvType::SECURITY_COUNTER, &counter.to_le_bytes())?;
    }
    if let Some(zeros) = filler.checked_sub(TLV_HEADER_BYTES) {
        put(&mut area, TlvType::BOOT_RECORD, &vec![0; zeros])?;
    }
    for dependency in &options.dependencies {
        put(&mut area, TlvType::DEPENDENCY, &dependency.to_bytes())?;
    }
    Ok(area)
}

/// Hash, key and signature over `message`.
fn seal(message: &[u8], options: &SignOptions, signer: Option<&dyn Signer>, area: &mut Area) -> Result<(), SignError> {
    use provost_adac::crypto::sha256;

    put(area, TlvType::SHA256, &sha256(message))?;
    let Some(signer) = signer else { return Ok(()) };
    let key = signer.public_key();
    match options.key_format {
        KeyFormat::Hash => put(area, TlvType::KEY_HASH, &sha256(&key.to_der()))?,
        KeyFormat::Full => put(area, TlvType::PUBLIC_KEY, &key.to_der())?,
    }
    let signature = signature_of(message, options, signer)?;
    put(area, TlvType::ECDSA256, &signature::write(&signature, options.signature_form))
}

/// A signature that verifies, and that STiRoT is used to.
fn signature_of(message: &[u8], options: &SignOptions, signer: &dyn Signer) -> Result<Signature, SignError> {
    for _ in 0..SIGNING_ATTEMPTS {
        let signature = signer.sign(message)?;
        signer.public_key().verify(message, &signature).map_err(|_| SignError::BadSigner)?;
        if options.signature_form != SignatureForm::Numbers33 || !signature::has_short_number(&signature) {
            return Ok(signature);
        }
    }
    Err(SignError::ShortSignature)
}

fn put(area: &mut Area, tlv_type: TlvType, value: &[u8]) -> Result<(), SignError> {
    if area.push(tlv_type, value) { Ok(()) } else { Err(SignError::TooManyTlvs) }
}

/// Checks the size of the slot, and pads up to it.
fn pad(image: &mut Vec<u8>, options: &SignOptions) -> Result<(), SignError> {
    let Some(slot_size) = options.slot_size else {
        return match options.padding {
            Padding::None => Ok(()),
            Padding::Slot | Padding::Confirmed => Err(SignError::NoSlotSize { why: "it is to be padded" }),
        };
    };
    let need = image.len() + options.trailer_size();
    let slot = slot_size as usize;
    if need > slot {
        return Err(SignError::SlotTooSmall { need, slot_size });
    }
    if options.padding == Padding::None {
        return Ok(());
    }
    image.resize(slot, options.erased);
    let magic = trailer::magic(options.align, options.profile.magic_names_alignment);
    image[slot - magic.len()..].copy_from_slice(&magic);
    if options.padding == Padding::Confirmed && matches!(options.trailer, TrailerKind::Swap { .. }) {
        image[slot - trailer::image_ok_from_end(options.align)] = trailer::IMAGE_OK;
    }
    Ok(())
}
