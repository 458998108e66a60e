//! Making a credential: keys, certificates, password and objects, as the files that ST's tools would have made.

use std::path::{Path, PathBuf};

use provost_adac::{
    certificate::{Certificate, Role},
    chain::Chain,
    key::{KeyError, PrivateKey, PublicKey, Signer as _},
    password::Password,
    scope::Scope,
};
use provost_chip::{parts::DaStore, states::DaMethod};
use provost_obk::{da::DaObject, h503::OtpPassword};
use zeroize::Zeroizing;

use super::{
    CERTIFICATE_OBJECT, CHAINS, ChainRecipe, CredentialSet, H503_OTP, H503_PASSWORD, KEYS, KeyHolder, PASSWORD,
    PASSWORD_OBJECT, Protection, README, Recipe, SetError, SlowHashes, public_name, readme, root_key,
};
use crate::{
    error::{OpError, Result},
    store::{FolderStore, Made, NewFile, Replace},
};

/// Letters and digits that cannot be taken for one another; 16 of them are 80 bits.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// The private keys of a new set, which live only until they are saved.
#[derive(Debug, Default)]
pub struct NewKeys([Option<PrivateKey>; 3]);

/// A set that was made.
#[derive(Debug)]
pub struct NewSet {
    /// The set.
    pub set: CredentialSet,
    /// Its files.
    pub files: Vec<Made>,
    /// Where what was in its place lies now.
    pub aside: Option<PathBuf>,
}

/// Makes a set and saves it: whole and read back, or not at all. What is in its place stays there, or is kept beside it.
///
/// # Errors
/// [`SetError`] if the recipe makes no sense for the part; something is in the way; no random numbers; a key cannot sign; what was
/// written does not read back.
pub fn make(recipe: &Recipe, folder: &Path, replace: Replace) -> Result<NewSet> {
    let info = recipe.part.info();
    let otp = info.da_store == DaStore::Otp;
    if recipe.method == DaMethod::Certificate && !info.trustzone {
        return Err(SetError::NoCertificates { part: recipe.part }.into());
    }
    let mut set =
        CredentialSet { folder: folder.to_owned(), certificate: None, password: None, hashes: SlowHashes::default() };
    let mut new = NewKeys::default();
    match recipe.method {
        DaMethod::Certificate => {
            let (chain, leaf, keys) = make_chain(&recipe.chain)?;
            (set.certificate, new) = (Some((chain, leaf)), keys);
        }
        DaMethod::Password => set.password = Some(recipe.password.clone().map_or_else(random_password, Ok)?),
    }
    if let Some(password) = set.password.as_ref().filter(|password| otp && !fits_otp(password)) {
        return Err(SetError::NotForOtp { cells: blank_cells(password) }.into());
    }
    let mut files = set.files(&new, &recipe.chain.protection)?;
    match (set.object(recipe.method)?, &set.password) {
        (_, Some(password)) if otp => {
            files.push(NewFile::secret(folder.join(H503_PASSWORD), password.to_file()));
            files.push(NewFile::secret(folder.join(H503_OTP), password.hash()));
        }
        (Some(object), _) => {
            let object = if recipe.method == DaMethod::Certificate {
                DaObject { mask: recipe.object_mask, ..object }
            } else {
                object
            };
            files.push(object_file(folder, recipe.method, &object, info.crypto)?);
        }
        (None, _) => {}
    }
    files.push(NewFile::public(folder.join(README), readme::text(recipe, &set)));
    let store = FolderStore::new();
    let new = store.new_folder(folder, &files, replace)?;
    // Read back what a person would use; a key that is held elsewhere signs as it will then.
    let access = super::Access {
        passphrase: Some(&|_| match &recipe.chain.protection {
            Protection::Passphrase(words) => Ok(words.clone()),
            Protection::Plain => Ok(Zeroizing::default()),
        }),
        signer: recipe.chain.keys.leaf.clone(),
    };
    if recipe.method == DaMethod::Password || chain_may_regress(&set) {
        CredentialSet::open(new.path(), &access)?;
    }
    let aside = new.place()?;
    Ok(NewSet { set, files: files.iter().map(NewFile::made).collect(), aside })
}

/// A chain that withholds the full regression is made if it is asked for, and cannot be loaded as a credential for one.
fn chain_may_regress(set: &CredentialSet) -> bool {
    use provost_adac::permission::Permission::FullRegression;
    let Some((chain, _)) = &set.certificate else { return false };
    chain.certificates().iter().all(|c| c.header().permissions_mask.contains(FullRegression))
}

/// The chain, who signs tokens, and the private keys that were made.
fn make_chain(recipe: &ChainRecipe) -> Result<(Chain, KeyHolder, NewKeys)> {
    let mut new = NewKeys::default();
    let mut key = |n: usize, given: &Option<KeyHolder>| -> Result<KeyHolder> {
        if let Some(holder) = given {
            return Ok(holder.clone());
        }
        let key = PrivateKey::generate().map_err(|e| OpError::MakeCredential(e.into()))?;
        new.0[n] = Some(key.clone());
        Ok(key.into())
    };
    let keys = &recipe.keys;
    let (root, intermediate, leaf) = (key(0, &keys.root)?, key(1, &keys.intermediate)?, key(2, &keys.leaf)?);
    let chain = sign_chain(recipe, [&root, &intermediate, &leaf]).map_err(|e| OpError::MakeCredential(e.into()))?;
    Ok((chain, leaf, new))
}

fn sign_chain(
    recipe: &ChainRecipe,
    [root, intermediate, leaf]: [&KeyHolder; 3],
) -> std::result::Result<Chain, provost_adac::key::SignerError> {
    let everywhere = Scope { usage: recipe.scope.usage, ..Scope::NEUTRAL };
    let [first, second, third] = recipe.permissions;
    let build = |role, scope, mask| Certificate::builder(role).scope(scope).permissions(mask);
    Ok(Chain::new(vec![
        build(Role::Root, everywhere, first).self_sign(root)?,
        build(Role::Intermediate, everywhere, second).sign(&intermediate.public_key(), root)?,
        build(Role::Leaf, recipe.scope, third).sign(&leaf.public_key(), intermediate)?,
    ]))
}

/// A random password that every part can take: sixteen letters and digits, each of its own random byte.
fn random_password() -> Result<Password> {
    let make = || -> std::result::Result<Password, Box<dyn std::error::Error + Send + Sync>> {
        let mut random = Zeroizing::new([0; 16]);
        getrandom::fill(random.as_mut_slice())?;
        for byte in random.iter_mut() {
            *byte = ALPHABET[usize::from(*byte) % ALPHABET.len()];
        }
        Ok(Password::new(random.as_slice())?)
    };
    loop {
        // One in 4,096 has a hash that OTP cannot take.
        let password = make().map_err(OpError::MakeCredential)?;
        if fits_otp(&password) {
            return Ok(password);
        }
    }
}

/// Whether the hash can be written into the OTP of an STM32H503: a half-word 0xFFFF reads like one that was never programmed, so
/// whether it was cannot be told after an interruption, and programming it again is a second time.
fn fits_otp(password: &Password) -> bool {
    blank_cells(password) == 0
}

fn blank_cells(password: &Password) -> usize {
    OtpPassword::new(password).half_words().into_iter().filter(|cell| *cell == 0xFFFF).count()
}

fn object_file(folder: &Path, method: DaMethod, object: &DaObject, encrypt: bool) -> Result<NewFile> {
    let obk = object.to_obk(encrypt).map_err(|e| OpError::MakeCredential(e.into()))?;
    Ok(match method {
        DaMethod::Certificate => NewFile::public(folder.join(CERTIFICATE_OBJECT), obk.to_bytes()),
        // The hash of a password can be guessed from.
        DaMethod::Password => NewFile::secret(folder.join(PASSWORD_OBJECT), obk.to_bytes()),
    })
}

impl CredentialSet {
    /// Makes a new set for both methods. Nothing is on the disk yet: see [`CredentialSet::save`].
    ///
    /// # Errors
    /// No random numbers.
    pub fn generate(folder: &Path) -> Result<(Self, NewKeys)> {
        let (chain, leaf, keys) = make_chain(&ChainRecipe::default())?;
        let password = Some(random_password()?);
        Ok((
            Self {
                folder: folder.to_owned(),
                certificate: Some((chain, leaf)),
                password,
                hashes: SlowHashes::default(),
            },
            keys,
        ))
    }

    /// Makes a new set for both methods in a folder of its own, on the disk and read back. `encrypt` is the flag in the objects.
    ///
    /// # Errors
    /// No random numbers; something is in the way or cannot be written.
    pub fn make_in(folder: &Path, encrypt: bool) -> Result<Self> {
        let (set, keys) = Self::generate(folder)?;
        set.save(&keys, encrypt)?;
        Ok(set)
    }

    /// Saves the whole set: read back and on the disk, or not at all. `encrypt` is the flag in the objects.
    ///
    /// # Errors
    /// Something is in its place already, or cannot be written; what was written reads back differently.
    pub fn save(&self, keys: &NewKeys, encrypt: bool) -> Result<()> {
        let mut files = self.files(keys, &Protection::Plain)?;
        for method in [DaMethod::Certificate, DaMethod::Password] {
            if let Some(object) = self.object(method)? {
                files.push(object_file(&self.folder, method, &object, encrypt)?);
            }
        }
        files.push(NewFile::public(self.folder.join(README), super::readme::MADE_FOR_A_CHIP));
        let store = FolderStore::new();
        let new = store.new_folder(&self.folder, &files, Replace::Never)?;
        Self::load(new.path())?;
        new.place()?;
        Ok(())
    }

    /// Everything but the objects: keys, chains, password.
    fn files(&self, keys: &NewKeys, protection: &Protection) -> Result<Vec<NewFile>> {
        let at = |name: &str| self.folder.join(name);
        let failed = |name: &str, source| OpError::KeyFile { path: at(name), source };
        let mut files = Vec::new();
        for (key, name) in keys.0.iter().zip(KEYS) {
            if let Some(key) = key {
                files.push(NewFile::secret(at(name), encode(key, protection).map_err(|e| failed(name, e))?.as_bytes()));
            }
        }
        if let Some((chain, _)) = &self.certificate {
            let certificates = chain.certificates();
            for (certificate, name) in certificates.iter().zip(KEYS) {
                let name = public_name(name);
                let pem = certificate.public_key().map(|key: PublicKey| key.to_pem()).map_err(|e| failed(&name, e))?;
                files.push(NewFile::public(at(&name), pem));
            }
            for (length, name) in (1..).zip(CHAINS) {
                let part = Chain::new(certificates.iter().take(length).cloned().collect());
                files.push(NewFile::public(at(name), part.to_base64()));
            }
            root_key(chain)?;
        }
        if let Some(password) = &self.password {
            files.push(NewFile::secret(at(PASSWORD), password.to_file()));
        }
        Ok(files)
    }
}

fn encode(key: &PrivateKey, protection: &Protection) -> std::result::Result<Zeroizing<String>, KeyError> {
    match protection {
        Protection::Plain => key.to_pem(),
        Protection::Passphrase(words) => key.to_encrypted_pem(words.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use provost_adac::permission::PermissionMask;

    use super::*;

    #[test]
    fn every_letter_of_a_password_is_random() {
        let passwords: Vec<Password> = (0..512).map(|_| random_password().unwrap()).collect();
        for at in 0..16 {
            let letters: BTreeSet<u8> = passwords.iter().map(|p| p.expose()[at]).collect();
            // 512 draws miss more than 4 of 32 letters less than once in 10^20 times.
            assert!(letters.len() >= 28 && letters.iter().all(|l| ALPHABET.contains(l)), "letter {at}: {letters:?}");
        }
        // And of its neighbour: pairs repeat as seldom as chance has it, 512²/2 / 32² ≈ 128 times.
        for at in 0..15 {
            let pairs: BTreeSet<&[u8]> = passwords.iter().map(|p| &p.expose()[at..at + 2]).collect();
            assert!(pairs.len() > 300, "letters {at} and {}: {}", at + 1, pairs.len());
        }
    }

    #[test]
    fn a_password_whose_hash_otp_cannot_take_is_refused_for_otp_only() {
        // SHA-256("provost-001680") has a half-word 0xFFFF.
        let password = Password::new(b"provost-001680").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let recipe = |part: &str| Recipe {
            part: part.parse().unwrap(),
            method: DaMethod::Password,
            chain: ChainRecipe::default(),
            password: Some(password.clone()),
            object_mask: PermissionMask::STM32H5,
        };
        let place = folder.path().join("set");
        let error = make(&recipe("STM32H503"), &place, Replace::Never).unwrap_err();
        assert_eq!(error.code(), "credential-not-for-otp");
        assert!(!place.exists() && !error.to_string().contains("001680"));
        make(&recipe("STM32H563"), &place, Replace::Never).unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn otp_takes_what_has_no_blank_half_word(bytes in prop::collection::vec(any::<u8>(), 4..=16)) {
            use sha2::Digest as _;
            let hash = sha2::Sha256::digest(&bytes);
            let blank = hash.chunks_exact(2).any(|cell| cell == [0xFF, 0xFF]);
            prop_assert_eq!(fits_otp(&Password::new(bytes.as_slice()).unwrap()), !blank);
        }
    }

    #[test]
    fn a_random_password_always_fits_otp() {
        for _ in 0..20_000 {
            assert!(fits_otp(&random_password().unwrap()));
        }
    }
}
