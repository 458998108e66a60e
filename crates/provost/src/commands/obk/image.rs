//! `provost obk image`: firmware images for the roots of trust.

use std::path::Path;

use provost_adac::key::{PublicKey, Signer};
use provost_ops::{
    credential::{KeyHolder, load_key},
    error::OpError,
    images::{SecurityCounter, SignOptions, inspect, sign, verify},
    store::files::{self, write_all},
};

use crate::{
    cli::{Arguments, ImageCommand, ImageSign, ImageVerify},
    documents::MadeFiles,
    output::{Page, Stop, made_text},
    secrets,
};

const LARGEST_KEY: u64 = 64 << 10;

pub(super) fn run(arguments: &Arguments, command: &ImageCommand) -> Result<Page, Stop> {
    match command {
        ImageCommand::Sign(options) => run_sign(arguments, options),
        ImageCommand::Verify(options) => run_verify(arguments, options),
        ImageCommand::Inspect(options) => crate::commands::credential::sheet_page(&inspect(&options.file)?),
    }
}

fn run_sign(arguments: &Arguments, options: &ImageSign) -> Result<Page, Stop> {
    let mut how = match options.install {
        true => SignOptions::install(options.profile, options.version),
        false => SignOptions::update(options.profile, options.version),
    };
    how.encrypt_for = options.encrypt_for.as_deref().map(public_key).transpose()?;
    how.slot_size = options.slot_size;
    if let Some(counter) = options.security_counter {
        how.security_counter = SecurityCounter::Value(counter);
    }
    let ask = |path: &Path| secrets::passphrase(arguments, &options.access, path);
    let signer: Option<KeyHolder> = match &options.key {
        Some(file) => Some(load_key(file, Some(&ask))?.into()),
        None => secrets::leaf_on_token(arguments, &options.access)?,
    };
    let file = sign(&options.file, &options.out, &how, signer.as_ref().map(|s| s as &dyn Signer))?;
    let made = write_all(&[file], options.force)?;
    let text = format!(
        "signed for {}: {}\n{}next: `provost obk image verify {} --key PUBLIC.pem`\n",
        options.profile.name,
        options.version,
        made_text(&made),
        options.out.display()
    );
    Ok(Page::new(&MadeFiles { what: "image", files: made, findings: None }, text)?)
}

fn run_verify(arguments: &Arguments, options: &ImageVerify) -> Result<Page, Stop> {
    let trusted = options.key.iter().map(|p| public_key(p)).collect::<Result<Vec<_>, _>>()?;
    let ask = |path: &Path| secrets::passphrase(arguments, &options.access, path);
    let decryption = options.decrypt_key.as_deref().map(|path| load_key(path, Some(&ask))).transpose()?;
    let found = verify(&options.file, options.profile, &trusted, decryption.as_ref(), options.slot_size)?;
    let mut text = format!("{} is good for {}\n", options.file.display(), found.profile);
    let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<18}{value}\n"));
    line("version", found.version.clone());
    line("security counter", found.security_counter.map_or("none".to_owned(), |c| c.to_string()));
    line("hash", found.hash.clone());
    line("signed by", found.signed_by.clone().unwrap_or_else(|| "nobody".to_owned()));
    line("body", format!("{} bytes, {}", found.body, found.content));
    for departure in &found.departures {
        line("departs from ST's", departure.clone());
    }
    Ok(Page::new(&found, text)?)
}

fn public_key(path: &Path) -> Result<PublicKey, provost_ops::error::Failure> {
    let bytes = files::read(path, LARGEST_KEY)?;
    Ok(PublicKey::read(&bytes).map_err(|source| OpError::KeyFile { path: path.to_owned(), source })?)
}
