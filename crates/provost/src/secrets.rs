//! Passphrases, PINs and passwords: from a file, from the environment, or asked for at the terminal. Never from an argument, which
//! other users of the machine can see.

use std::{
    io::{self, IsTerminal as _},
    path::Path,
    time::Duration,
};

use provost_adac::key::KeyError;
use provost_ops::{
    credential::{Access, CredentialSet, KeyHolder, Keys, LEAF_KEY, SetError, load_key, offline::OfflineSigner},
    error::{OpError, Result},
    store::{StoreError, files},
};
use zeroize::Zeroizing;

use crate::{
    cli::{Arguments, KeyAccess, SignIn},
    term::say,
};

/// Where a secret may come from.
struct Sources<'a> {
    what: &'a str,
    file: Option<&'a Path>,
    option: &'static str,
    variable: &'static str,
}

/// Whether somebody may be asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking {
    allowed: bool,
}

impl Asking {
    fn is_possible(self) -> bool {
        self.allowed && io::stdin().is_terminal()
    }
}

impl From<&Arguments> for Asking {
    fn from(arguments: &Arguments) -> Self {
        Self { allowed: !arguments.non_interactive }
    }
}

const LARGEST: u64 = 1024;
const PASSPHRASE: &str = "PROVOST_PASSPHRASE";
const PIN: &str = "PROVOST_PIN";

impl Sources<'_> {
    fn get(&self, asking: Asking) -> Result<Zeroizing<String>> {
        if let Some(file) = self.file {
            return text(file);
        }
        if let Ok(value) = std::env::var(self.variable) {
            return Ok(Zeroizing::new(value));
        }
        if !asking.is_possible() {
            return Err(SetError::SecretNeeded {
                what: self.what.to_owned(),
                option: self.option,
                variable: self.variable,
            }
            .into());
        }
        prompt(self.what)
    }
}

#[cfg(feature = "terminal")]
fn prompt(what: &str) -> Result<Zeroizing<String>> {
    let given = rpassword::prompt_password(format!("{what}: "));
    Ok(given.map(Zeroizing::new).map_err(|source| StoreError::File { path: "terminal".into(), source })?)
}

/// Nobody can be asked without showing what is typed.
#[cfg(not(feature = "terminal"))]
fn prompt(_what: &str) -> Result<Zeroizing<String>> {
    Err(StoreError::File { path: "terminal".into(), source: io::ErrorKind::Unsupported.into() }.into())
}

/// The text of a file without its last line end.
fn text(file: &Path) -> Result<Zeroizing<String>> {
    let bytes = files::read(file, LARGEST)?;
    let text = std::str::from_utf8(&bytes).map_err(|e| StoreError::File {
        path: file.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, e),
    })?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

/// The bytes of a password in a file, without a last line end.
pub(crate) fn password(file: &Path) -> Result<provost_adac::password::Password> {
    Ok(provost_adac::password::Password::new(text(file)?.as_bytes())?)
}

/// The passphrase of an existing key file.
pub(crate) fn passphrase(asking: impl Into<Asking>, access: &KeyAccess, of: &Path) -> Result<Zeroizing<String>> {
    let asking = asking.into();
    Sources {
        what: &format!("passphrase of {}", of.display()),
        file: access.passphrase_file.as_deref(),
        option: "--passphrase-file",
        variable: PASSPHRASE,
    }
    .get(asking)
}

/// The passphrase for new key files: typed twice, or it may be lost by a slip of the finger.
pub(crate) fn new_passphrase(arguments: &Arguments, access: &KeyAccess) -> Result<Zeroizing<String>> {
    let sources = Sources {
        what: "passphrase for the new private keys",
        file: access.passphrase_file.as_deref(),
        option: "--passphrase-file",
        variable: PASSPHRASE,
    };
    let first = sources.get(arguments.into())?;
    let typed = sources.file.is_none() && std::env::var_os(PASSPHRASE).is_none();
    if first.is_empty() || (typed && *prompt("the same again")? != *first) {
        return Err(SetError::Passphrase.into());
    }
    Ok(first)
}

/// The key with this label on the PKCS #11 token that was named.
pub(crate) fn token_key(asking: impl Into<Asking>, access: &KeyAccess, label: &str) -> Result<KeyHolder> {
    let module = access.pkcs11.as_deref().unwrap_or(Path::new(""));
    let pin = Sources {
        what: &format!("PIN of the token {}", access.token_label.as_deref().unwrap_or_default()),
        file: access.pin_file.as_deref(),
        option: "--pin-file",
        variable: PIN,
    }
    .get(asking.into())?;
    provost_ops::credential::token_key(module, access.token_label.as_deref(), label, pin)
}

/// The leaf key on a token, if one was named.
pub(crate) fn leaf_on_token(asking: impl Into<Asking>, access: &KeyAccess) -> Result<Option<KeyHolder>> {
    if access.pkcs11.is_none() {
        return Ok(None);
    }
    let label = access.key_label.iter().find_map(|l| match l.split_once('=') {
        Some(("leaf", label)) => Some(label),
        Some(("root" | "intermediate", _)) => None,
        _ => Some(l.as_str()),
    });
    let asking = asking.into();
    label.map(|label| token_key(asking, access, label)).transpose()
}

/// Runs something that may need the passphrase of a key file or a key on a token.
pub(crate) fn with_access<T>(
    arguments: &Arguments,
    access: &KeyAccess,
    work: impl FnOnce(Access<'_>) -> Result<T>,
) -> Result<T> {
    let ask = |path: &Path| passphrase(arguments, access, path);
    work(Access { passphrase: Some(&ask), signer: leaf_on_token(arguments, access)? })
}

/// How a close reaches the leaf key of a credential: on a token, with somebody else, or in an encrypted file.
pub(crate) fn keys(arguments: &Arguments, access: &KeyAccess, sign_in: &SignIn) -> Keys {
    let (asking, access, sign_in) = (Asking::from(arguments), access.clone(), sign_in.clone());
    Keys::new(move |folder| {
        if let Some(holder) = signed_elsewhere(&sign_in, folder)? {
            return Ok(Some(holder));
        }
        if let Some(holder) = leaf_on_token(asking, &access)? {
            return Ok(Some(holder));
        }
        let file = folder.join(LEAF_KEY);
        let encrypted = |e: &provost_ops::error::Failure| {
            matches!(e.of(), Some(OpError::KeyFile { source: KeyError::Encrypted, .. }))
        };
        match load_key(&file, None) {
            Err(error) if encrypted(&error) => {
                Ok(Some(load_key(&file, Some(&|path| passphrase(asking, &access, path)))?.into()))
            }
            // Simply in its file; or wrong, which is found and said with everything else about the set.
            _ => Ok(None),
        }
    })
}

/// The holder of a leaf key who signs elsewhere, if that was asked for.
pub(crate) fn signed_elsewhere(sign_in: &SignIn, folder: &Path) -> Result<Option<KeyHolder>> {
    let Some(exchange) = &sign_in.sign_in else { return Ok(None) };
    let key = CredentialSet::token_key(folder)?;
    Ok(Some(KeyHolder::new(OfflineSigner::new(key, exchange, Duration::from_secs(sign_in.wait), tell))))
}

/// Said to whoever carries the file to the key.
fn tell(to_sign: &Path, signature: &Path) {
    say!("      the token waits for its signature; do not reset the chip, do not remove power or the probe");
    say!("      sign all 88 bytes of {}: ECDSA P-256 over SHA-256, such as", to_sign.display());
    say!("        openssl dgst -sha256 -sign key_3_leaf.pem -out {} {}", signature.display(), to_sign.display());
    say!("      waiting for {}", signature.display());
}
