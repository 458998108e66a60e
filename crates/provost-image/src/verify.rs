//! Whether a boot loader would take an image.

use core::fmt;

use provost_adac::crypto::sha256;
use provost_adac::key::{PrivateKey, PublicKey};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::ecies::{self, ContentKey, ENC_EC256_BYTES, EciesError};
use crate::header::{Flags, HEADER_BYTES, Version};
use crate::image::Image;
use crate::profile::{Profile, Signing};
use crate::signature::{self, SignatureForm};
use crate::tlv::{Dependency, Tlv, TlvType, counter};
use crate::trailer::{self, MAGIC_BYTES};
use crate::verify_error::VerifyError;

type Hash = [u8; 32];

/// What an image is held against.
#[derive(Clone, Copy, Debug)]
pub struct Verification<'a> {
    profile: &'static Profile,
    trusted: &'a [PublicKey],
    decryption: Option<&'a PrivateKey>,
    slot_size: Option<u32>,
}

impl<'a> Verification<'a> {
    /// Against the rules of a profile.
    pub const fn of(profile: &'static Profile) -> Self {
        Self { profile, trusted: &[], decryption: None, slot_size: None }
    }

    /// A signature must be by one of these keys.
    #[must_use]
    pub const fn trust(self, trusted: &'a [PublicKey]) -> Self {
        Self { trusted, ..self }
    }

    /// An encrypted body can be decrypted with this key.
    #[must_use]
    pub const fn decrypt_with(self, key: &'a PrivateKey) -> Self {
        Self { decryption: Some(key), ..self }
    }

    /// Image and trailer must fit a slot of so many bytes.
    #[must_use]
    pub const fn slot_size(self, bytes: u32) -> Self {
        Self { slot_size: Some(bytes), ..self }
    }
}

/// How the body stands in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "clear or not, now or later")]
pub enum Content {
    /// Clear, and nothing else was meant.
    Plain,
    /// Clear, with a wrapped key to encrypt it when it leaves the slot it runs from.
    Clear,
    /// Encrypted; it was decrypted to verify it.
    Encrypted,
}

/// What is allowed, but not as ST's tool makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Departure {
    /// The signature is written in another form.
    SignatureForm {
        /// The form it is written in.
        found: SignatureForm,
        /// The form that ST's tool writes.
        usual: SignatureForm,
    },
    /// A number of the signature has fewer than 32 bytes; ST's tool signs again then.
    ShortSignature,
    /// The image ends this many bytes in front of the trailer; ST's tool fills the slot.
    SlotNotFilled {
        /// Bytes between the TLVs and the trailer.
        free: usize,
    },
}

/// An image that the boot loader takes, as far as a host can know: the counter on the chip may be higher than the image's.
#[derive(Clone)]
#[non_exhaustive]
pub struct Verified<'a> {
    /// What it was held against.
    pub profile: &'static Profile,
    /// The version in the header.
    pub version: Version,
    /// The security counter among the protected TLVs, if there is one.
    pub security_counter: Option<u32>,
    /// Other images that must be there.
    pub dependencies: Vec<Dependency>,
    /// SHA-256 of header, plain body and protected TLVs.
    pub hash: Hash,
    /// Whose signature it bears; `None` for images that are not signed.
    pub signed_by: Option<PublicKey>,
    /// How the body stands in the image.
    pub content: Content,
    /// What ST's tool would have made otherwise.
    pub departures: Vec<Departure>,
    body: Body<'a>,
}

#[derive(Clone)]
enum Body<'a> {
    Here(&'a [u8]),
    Decrypted(Zeroizing<Vec<u8>>),
}

impl Verified<'_> {
    /// The body in the clear; of an encrypted image up to 15 zeros at its end are padding.
    pub fn body(&self) -> &[u8] {
        match &self.body {
            Body::Here(bytes) => bytes,
            Body::Decrypted(bytes) => bytes,
        }
    }
}

/// The body is left out: it may be confidential.
impl fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("profile", &self.profile.name)
            .field("version", &self.version)
            .field("security_counter", &self.security_counter)
            .field("signed_by", &self.signed_by)
            .field("content", &self.content)
            .field("departures", &self.departures)
            .finish_non_exhaustive()
    }
}

/// Does what the boot loader does with an image before it takes it: the rules of the profile, the hash over the plain body, the
/// signature (mcuboot and stm32-mw-mcuboot, `bootutil_img_validate`).
///
/// # Errors
/// The first reason for which the boot loader would refuse the image, or for which that cannot be told without a key.
pub fn verify<'a>(image: &Image<'a>, against: &Verification<'_>) -> Result<Verified<'a>, VerifyError> {
    check_kind(image, against.profile)?;
    check_tlvs(image, against.profile)?;
    let stored = due(image, TlvType::SHA256)?;
    let stored_hash = exactly::<32>(stored)?;
    let (content, body) = open(image, against, stored, &stored_hash)?;
    let signed = check_signature(image, against, &stored_hash)?;
    let free = check_slot(image, against)?;

    let fills_slot = against.profile.fills_slot;
    let short = signed.filter(|signed| fills_slot && signed.short).map(|_| Departure::ShortSignature);
    let odd_form = signed.filter(|signed| against.profile.strict && !signed.as_usual);
    let odd_form = odd_form
        .map(|Signed { form: found, .. }| Departure::SignatureForm { found, usual: against.profile.signature_form });
    let unfilled = free.filter(|free| fills_slot && content != Content::Plain && *free != 0);
    let unfilled = unfilled.map(|free| Departure::SlotNotFilled { free });
    let dependencies = image.tlvs().iter().filter(|tlv| tlv.tlv_type == TlvType::DEPENDENCY);
    Ok(Verified {
        profile: against.profile,
        version: image.header().version,
        security_counter: image.find(TlvType::SECURITY_COUNTER).and_then(|tlv| counter(tlv.value)),
        dependencies: dependencies
            .map(|tlv| exactly(tlv).map(|bytes| Dependency::from_bytes(&bytes)))
            .collect::<Result<_, _>>()?,
        hash: stored_hash,
        signed_by: signed.map(|signed| signed.key),
        content,
        departures: odd_form.into_iter().chain(short).chain(unfilled).collect(),
        body,
    })
}

/// A signature that verifies.
#[derive(Clone, Copy)]
struct Signed {
    key: PublicKey,
    form: SignatureForm,
    /// Whether it is written as the profile has it.
    as_usual: bool,
    /// Whether a number of it has fewer than 32 bytes.
    short: bool,
}

fn check_kind(image: &Image<'_>, profile: &'static Profile) -> Result<(), VerifyError> {
    let header = image.header();
    if header.magic != profile.magic {
        return Err(VerifyError::Magic { profile: profile.name, expected: profile.magic, found: header.magic });
    }
    if profile.strict && header.header_size != profile.header_size {
        let (expected, found) = (profile.header_size, header.header_size);
        return Err(VerifyError::HeaderSize { profile: profile.name, expected, found });
    }
    if profile.strict && header.flags.contains(Flags::PRIMARY_ONLY) != profile.primary_only {
        return Err(VerifyError::PrimaryOnly { profile: profile.name, expected: profile.primary_only });
    }
    Ok(())
}

/// Places and lengths of all TLVs that matter here; for ST's boot loaders also that there are no others.
fn check_tlvs(image: &Image<'_>, profile: &'static Profile) -> Result<(), VerifyError> {
    let mut once = Vec::new();
    for tlv in image.tlvs() {
        let unexpected = VerifyError::Unexpected { offset: tlv.offset, tlv: tlv.tlv_type, profile: profile.name };
        let (length, protected, single) = match tlv.tlv_type {
            TlvType::SHA256 => (Some(32), false, true),
            TlvType::KEY_HASH => (Some(32), false, false),
            TlvType::PUBLIC_KEY if !profile.strict => (None, false, false),
            TlvType::ECDSA256 => (None, false, profile.strict),
            TlvType::ENC_EC256 => {
                if profile.strict && !image.header().flags.contains(Flags::ENCRYPTED_AES128) {
                    return Err(unexpected);
                }
                (Some(ENC_EC256_BYTES), false, true)
            }
            TlvType::DEPENDENCY => (Some(Dependency::BYTES), true, false),
            TlvType::SECURITY_COUNTER => (Some(4), true, true),
            TlvType::BOOT_RECORD => (None, true, false),
            _ if profile.strict => return Err(unexpected),
            _ => continue,
        };
        if let Some(expected) = length
            && tlv.value.len() != expected
        {
            return Err(VerifyError::Length { offset: tlv.offset, tlv: tlv.tlv_type, expected, have: tlv.value.len() });
        }
        if tlv.protected != protected {
            return Err(VerifyError::Place { offset: tlv.offset, tlv: tlv.tlv_type, inside: protected });
        }
        if single {
            if once.contains(&tlv.tlv_type) {
                return Err(unexpected);
            }
            once.push(tlv.tlv_type);
        }
    }
    if profile.strict { due(image, TlvType::SECURITY_COUNTER).map(|_| ()) } else { Ok(()) }
}

fn due<'i, 'a>(image: &'i Image<'a>, tlv: TlvType) -> Result<&'i Tlv<'a>, VerifyError> {
    image.find(tlv).ok_or(VerifyError::Missing { offset: image.end(), tlv })
}

/// The value, if it has the length due.
fn exactly<const N: usize>(tlv: &Tlv<'_>) -> Result<[u8; N], VerifyError> {
    let (offset, have) = (tlv.offset, tlv.value.len());
    tlv.value.try_into().map_err(|_| VerifyError::Length { offset, tlv: tlv.tlv_type, expected: N, have })
}

/// The plain body, whose hash is the one stored.
fn open<'a>(
    image: &Image<'a>,
    against: &Verification<'_>,
    stored: &Tlv<'_>,
    stored_hash: &Hash,
) -> Result<(Content, Body<'a>), VerifyError> {
    let fits = |body: &[u8]| bool::from(hash_of(image, against.profile, body).ct_eq(stored_hash));
    let wrapped = image.find(TlvType::ENC_EC256).filter(|_| image.header().flags.contains(Flags::ENCRYPTED_AES128));
    let wrong = VerifyError::Hash { offset: stored.value_offset() };
    let Some(wrapped) = wrapped else {
        return if fits(image.body()) { Ok((Content::Plain, Body::Here(image.body()))) } else { Err(wrong) };
    };
    let key = against.decryption.map(|key| unwrap(key, wrapped)).transpose()?;
    // Where there is one slot only, the flag alone says that the body is encrypted.
    if !against.profile.primary_only && fits(image.body()) {
        return Ok((Content::Clear, Body::Here(image.body())));
    }
    let Some(key) = key else { return Err(VerifyError::NeedsKey { offset: stored.value_offset() }) };
    let mut body = Zeroizing::new(image.body().to_vec());
    ecies::apply_ctr(&key, &mut body);
    if fits(&body) { Ok((Content::Encrypted, Body::Decrypted(body))) } else { Err(wrong) }
}

fn unwrap(key: &PrivateKey, wrapped: &Tlv<'_>) -> Result<ContentKey, VerifyError> {
    let tlv = exactly::<ENC_EC256_BYTES>(wrapped)?;
    let place = |source| match source {
        EciesError::Mac => ecies::MAC_AT,
        EciesError::EphemeralKey | EciesError::Key(_) => 0,
    };
    ecies::unwrap(key, &tlv)
        .map_err(|source| VerifyError::Decryption { offset: wrapped.value_offset() + place(source), source })
}

/// SHA-256 over the header field, `body` and the protected TLVs.
fn hash_of(image: &Image<'_>, profile: &Profile, body: &[u8]) -> Hash {
    let mut header = *image.header();
    if profile.primary_only {
        header.flags = header.flags.without(Flags::ENCRYPTED_AES128);
    }
    let field = image.header_field();
    let mut digest = Sha256::new();
    // Not through `to_bytes` as a whole: the last four bytes of the header proper are hashed as they stand.
    digest.update(&header.to_bytes()[..HEADER_BYTES - 4]);
    digest.update(&field[HEADER_BYTES - 4..]);
    digest.update(body);
    digest.update(image.protected_area());
    digest.finalize().into()
}

/// The first signature by a trusted key, as mcuboot looks for it: a TLV that names the key stands in front of the signature.
fn check_signature(image: &Image<'_>, against: &Verification<'_>, hash: &Hash) -> Result<Option<Signed>, VerifyError> {
    let mut named: Option<Result<&PublicKey, VerifyError>> = None;
    let mut failure = None;
    for tlv in image.tlvs() {
        match tlv.tlv_type {
            TlvType::KEY_HASH | TlvType::PUBLIC_KEY => named = Some(named_key(tlv, against.trusted)),
            TlvType::ECDSA256 => {
                if against.trusted.is_empty() {
                    return Err(VerifyError::NoTrustedKey { offset: tlv.value_offset() });
                }
                let key = match named.take() {
                    Some(Ok(key)) => key,
                    Some(Err(error)) => {
                        failure = failure.or(Some(error));
                        continue;
                    }
                    None => return Err(VerifyError::Missing { offset: tlv.offset, tlv: TlvType::KEY_HASH }),
                };
                let (signature, form) = signature::read(tlv.value)
                    .map_err(|at| VerifyError::SignatureForm { offset: tlv.value_offset() + at })?;
                if key.verify_hash(hash, &signature).is_err() {
                    return Err(VerifyError::Signature { offset: tlv.value_offset() });
                }
                let as_usual = signature::write(&signature, against.profile.signature_form) == tlv.value;
                return Ok(Some(Signed { key: *key, form, as_usual, short: signature::has_short_number(&signature) }));
            }
            _ => {}
        }
    }
    match (failure, against.profile.signing) {
        (Some(failure), _) => Err(failure),
        (None, Signing::Required(_)) => Err(VerifyError::Missing { offset: image.end(), tlv: TlvType::ECDSA256 }),
        // Trust in a key is a wish for its signature.
        (None, Signing::Optional) if !against.trusted.is_empty() => {
            Err(VerifyError::Missing { offset: image.end(), tlv: TlvType::ECDSA256 })
        }
        (None, Signing::Optional | Signing::Never) => Ok(None),
    }
}

fn named_key<'t>(tlv: &Tlv<'_>, trusted: &'t [PublicKey]) -> Result<&'t PublicKey, VerifyError> {
    let key_hash = match tlv.tlv_type {
        TlvType::PUBLIC_KEY => sha256(tlv.value),
        _ => exactly::<32>(tlv)?,
    };
    let known = trusted.iter().find(|key| bool::from(sha256(&key.to_der()).ct_eq(&key_hash)));
    known.ok_or(VerifyError::UnknownKey { offset: tlv.value_offset(), key_hash })
}

/// Checks what follows the TLVs. Returns the bytes between them and the trailer, if the size of the slot is known.
fn check_slot(image: &Image<'_>, against: &Verification<'_>) -> Result<Option<usize>, VerifyError> {
    let profile = against.profile;
    let encrypted = image.header().flags.contains(Flags::ENCRYPTED_AES128);
    let sizes =
        [profile.install_trailer, profile.update_trailer].map(|kind| kind.size(profile.align, encrypted) as usize);
    let longer = sizes[0].max(sizes[1]);
    // What else plain mcuboot keeps at the end of a slot is up to its build.
    let trailer_size = if profile.strict { sizes[0].min(sizes[1]) } else { MAGIC_BYTES };
    let rest = image.rest();
    let is_padded =
        rest.len() >= trailer_size && rest.last_chunk::<MAGIC_BYTES>().is_some_and(|end| trailer::is_magic(end));
    if profile.strict && is_padded {
        // The notes of a trailer may be written; which trailer it is does not show.
        let gap = &rest[..rest.len().saturating_sub(longer)];
        if let Some(stray) = gap.iter().position(|byte| *byte != 0xFF) {
            return Err(VerifyError::Rest { offset: image.end() + stray });
        }
    }
    let slot_size = match (against.slot_size, is_padded) {
        (Some(slot_size), _) => slot_size,
        (None, true) => u32::try_from(image.bytes().len()).unwrap_or(u32::MAX),
        (None, false) => return Ok(None),
    };
    let need = (image.end() + trailer_size).max(if is_padded { image.bytes().len() } else { 0 });
    (slot_size as usize)
        .checked_sub(image.end() + trailer_size)
        .filter(|_| need <= slot_size as usize)
        .map(Some)
        .ok_or(VerifyError::SlotTooSmall { need, slot_size })
}
