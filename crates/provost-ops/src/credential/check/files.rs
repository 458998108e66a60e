//! The checks that need no chip.

use std::path::Path;

use provost_adac::{
    certificate::Certificate,
    chain::Chain,
    key::{PublicKey, Signer},
    password::{MAX_BYTES, MIN_BYTES, Password},
    permission::Permission,
};
use provost_chip::{parts::DaStore, rules::RuleId, states::DaMethod};
use provost_obk::{
    checks::{Check, Severity},
    da::DaPayload,
    obk::Obk,
    samples,
};

use super::{Facts, Findings, Outcome, Question, loads};
use crate::{
    credential::{
        Aspect, CERTIFICATE_OBJECT, CHAINS, H503_OTP, H503_PASSWORD, KEYS, LEAF_CHAIN, PASSWORD, PASSWORD_OBJECT,
        SetError, TrialError, exposed, hex, load_key, masks, object_findings, public_name, read_optional, trial,
    },
    error::{OpError, Result},
    fault::fail,
};

pub(super) fn check(question: &Question<'_>, findings: &mut Findings) -> Result<Facts> {
    let mut facts = Facts::default();
    let at = |name: &str| question.folder.join(name);
    let chain = read_optional(&at(LEAF_CHAIN))?;
    let password = super::super::read_password_file(question.folder)?;
    let objects = [read_optional(&at(CERTIFICATE_OBJECT))?, read_optional(&at(PASSWORD_OBJECT))?];
    if chain.is_none() && password.is_none() {
        let source = std::io::Error::new(
            std::io::ErrorKind::NotFound,
            format!("neither {LEAF_CHAIN} nor {PASSWORD} is there: nothing to check"),
        );
        return fail(OpError::CredentialFile { path: question.folder.to_owned(), source });
    }
    let [certificate_object, password_object] = objects;
    if let Some(text) = chain {
        facts.method = Some(DaMethod::Certificate);
        check_chain(question, &text, certificate_object.as_deref().map(Vec::as_slice), &mut facts, findings)?;
    }
    if let Some(bytes) = password {
        facts.method = Some(DaMethod::Password);
        check_password(question, &bytes, password_object.as_deref().map(Vec::as_slice), &mut facts, findings)?;
    }
    modes(question.folder, findings);
    loads(question, findings);
    Ok(facts)
}

fn check_chain(
    question: &Question<'_>,
    text: &[u8],
    object: Option<&[u8]>,
    facts: &mut Facts,
    findings: &mut Findings,
) -> Result<()> {
    let chain = match Chain::from_base64(String::from_utf8_lossy(text).trim()) {
        Ok(chain) => chain,
        Err(error) => {
            findings.failed("chain-format", format!("{LEAF_CHAIN}: {error}"));
            return Ok(());
        }
    };
    match chain.verify() {
        Ok(_) => findings.passed(
            "chain-verifies",
            format!("{} certificates, each signed by the one before", chain.certificates().len()),
        ),
        Err(error) => findings.failed("chain-verifies", format!("{LEAF_CHAIN}: {error}")),
    }
    shorter_chains(question.folder, &chain, findings)?;
    keys(question, &chain, findings)?;
    sample(
        question,
        "sample-root-key",
        chain.certificates().first().and_then(|c| c.public_key().ok()).map(|k| k.root_hash()),
        findings,
    );
    let payload =
        object.and_then(|bytes| check_object(question, (CERTIFICATE_OBJECT, DaMethod::Certificate), bytes, findings));
    if let Some(payload) = &payload {
        let root = chain.certificates().first().and_then(|c| c.public_key().ok());
        let fits = root.is_some_and(|key| payload.fits_root_key(&key));
        findings.verdict(
            "object-root-hash",
            fits,
            format!("{CERTIFICATE_OBJECT} holds the hash of the chain's root key"),
            format!("{CERTIFICATE_OBJECT} holds {}, which is not the hash of the chain's root key: a chip with this object refuses this chain", hex(&payload.hash)),
            &[],
        );
    } else if object.is_none() {
        findings.skipped("object-root-hash", format!("{CERTIFICATE_OBJECT} is not there"));
    }
    permissions(&chain, payload.as_ref(), findings);
    scope(question, &chain, findings);
    if let Some(part) = question.part {
        findings.verdict(
            "part-method",
            part.info().trustzone,
            format!("certificates need TrustZone on, which the {part} has: TZEN must be 0xB4 when the object goes in"),
            format!("the {part} has no TrustZone and never takes a certificate"),
            &[RuleId::DaMethodFollowsTzen],
        );
    }
    facts.object = payload;
    facts.chain = Some(chain);
    Ok(())
}

fn shorter_chains(folder: &Path, chain: &Chain, findings: &mut Findings) -> Result<()> {
    for (length, name) in (1..).zip(&CHAINS[..2]) {
        let Some(text) = read_optional(&folder.join(name))? else { continue };
        let parsed = Chain::from_base64(String::from_utf8_lossy(&text).trim());
        let part: Vec<Certificate> = chain.certificates().iter().take(length).cloned().collect();
        findings.verdict(
            "chain-files-agree",
            parsed.is_ok_and(|c| c.certificates() == part),
            format!("{name} is the beginning of {LEAF_CHAIN}"),
            format!("{name} is not the beginning of {LEAF_CHAIN}: files of two sets are mixed"),
            &[],
        );
    }
    Ok(())
}

/// Each key file that is there is that of its certificate, and the leaf key signs what the chain's last key verifies.
fn keys(question: &Question<'_>, chain: &Chain, findings: &mut Findings) -> Result<()> {
    let certificates = chain.certificates();
    for (n, name) in KEYS.into_iter().enumerate() {
        // In a shorter chain the leaf's key is that of the last certificate.
        let certificate =
            if n == 2 { certificates.last() } else { certificates.get(n).filter(|_| n + 1 < certificates.len()) };
        let Some(due) = certificate.and_then(|c| c.public_key().ok()) else { continue };
        let public = public_name(name);
        if let Some(pem) = read_optional(&question.folder.join(&public))? {
            let found = PublicKey::from_pem(&String::from_utf8_lossy(&pem));
            same_key(findings, &public, found.map_err(|e| e.to_string()), due);
        }
        let path = question.folder.join(name);
        let held = question.access.signer.clone().filter(|_| n == 2);
        let signer: Box<dyn Signer> = match held {
            Some(holder) => Box::new(holder),
            None if read_optional(&path)?.is_some() => match load_key(&path, question.access.passphrase) {
                Ok(key) => Box::new(key),
                Err(error) if matches!(error.of(), Some(SetError::SecretNeeded { .. })) => return Err(error),
                Err(error) => {
                    findings.failed("key-file", error.to_string());
                    continue;
                }
            },
            None => {
                if n == 2 {
                    let says = format!(
                        "{name} is not there: whoever holds it must sign, with --sign-in DIR or on a token; if nobody does, this set opens no chip"
                    );
                    findings.add("leaf-key", Outcome::Warning, says, &[]);
                }
                continue;
            }
        };
        same_key(findings, name, Ok(signer.public_key()), due);
        if n == 2 {
            signs(findings, &*signer, due);
        }
    }
    Ok(())
}

fn same_key(findings: &mut Findings, name: &str, found: std::result::Result<PublicKey, String>, due: PublicKey) {
    match found {
        Ok(found) => findings.verdict(
            "keys-match",
            found == due,
            format!("{name} is the key of its certificate"),
            format!("{name} is not the key of its certificate"),
            &[],
        ),
        Err(error) => findings.failed("keys-match", format!("{name}: {error}")),
    }
}

/// A token over a challenge of our own, as a chip would have it.
fn signs(findings: &mut Findings, signer: &dyn Signer, due: PublicKey) {
    match trial(signer, &due) {
        Ok(()) => {
            findings.passed("token-signs", "a token signed over a random challenge verifies under the chain's last key")
        }
        Err(error @ TrialError::Random(_)) => findings.skipped("token-signs", error.to_string()),
        Err(error) => findings.failed("token-signs", error.to_string()),
    }
}

fn check_password(
    question: &Question<'_>,
    bytes: &[u8],
    object: Option<&[u8]>,
    facts: &mut Facts,
    findings: &mut Findings,
) -> Result<()> {
    let password = match Password::from_file(bytes) {
        Ok(password) => password,
        Err(error) => {
            findings.failed("password-format", format!("{PASSWORD}: {error}"));
            return Ok(());
        }
    };
    let length = password.expose().len();
    findings.verdict(
        "password-format",
        (MIN_BYTES..=MAX_BYTES).contains(&length),
        format!("{length} bytes"),
        format!("{length} bytes, where ST's tools take {MIN_BYTES} to {MAX_BYTES}"),
        &[],
    );
    sample(question, "sample-password", Some(password.hash()), findings);
    for name in [H503_PASSWORD, H503_OTP] {
        let Some(found) = read_optional(&question.folder.join(name))? else { continue };
        let due = if name == H503_OTP { password.hash().to_vec() } else { password.to_file().to_vec() };
        findings.verdict(
            "password-files-agree",
            *found == due,
            format!("{name} is of the same password"),
            format!("{name} is of another password: files of two sets are mixed"),
            &[],
        );
    }
    let payload =
        object.and_then(|bytes| check_object(question, (PASSWORD_OBJECT, DaMethod::Password), bytes, findings));
    if let Some(payload) = &payload {
        findings.verdict(
            "object-password-hash",
            payload.fits_password(&password),
            format!("{PASSWORD_OBJECT} holds the hash of this password"),
            format!("{PASSWORD_OBJECT} holds the hash of another password"),
            &[],
        );
    } else if object.is_none() && question.part.is_none_or(|p| p.info().da_store == DaStore::Obk) {
        findings.skipped("object-password-hash", format!("{PASSWORD_OBJECT} is not there"));
    }
    if let Some(part) = question.part {
        let says = match part.info().da_store {
            DaStore::Otp => format!("the {part} keeps the hash of its password in OTP, once for its life"),
            DaStore::Obk => {
                format!("a password needs TrustZone off on the {part}: TZEN must be 0xC3 when the object goes in")
            }
        };
        findings.add("part-method", Outcome::Passed, says, &[RuleId::DaMethodFollowsTzen, RuleId::H503Otp]);
    }
    facts.object = facts.object.take().or(payload);
    Ok(())
}

/// What the objects' own table says of the object file; the payload if it can be read.
fn check_object(
    question: &Question<'_>,
    (name, method): (&str, DaMethod),
    bytes: &[u8],
    findings: &mut Findings,
) -> Option<DaPayload> {
    let obk = match Obk::parse(bytes) {
        Ok(obk) => obk,
        Err(error) => {
            findings.failed("object-format", format!("{name}: {error}"));
            return None;
        }
    };
    let found = object_findings(&obk, question.part.as_slice(), method);
    for finding in &found {
        let check = match (Aspect::of(finding.check), finding.check) {
            (_, Check::Integrity) => "object-integrity",
            (_, Check::NotZero) => "object-reserved",
            (Some(Aspect::Whole | Aspect::Place) | None, _) => "object-format",
            (Some(Aspect::Encryption), _) => "part-flag",
            // Told of the set as a whole, with every mask, and of the credential itself.
            (Some(Aspect::Permission | Aspect::Published | Aspect::Elsewhere), _) => continue,
        };
        let outcome = match finding.severity() {
            Severity::Refuse => Outcome::Failed,
            Severity::Warn => Outcome::Warning,
        };
        let rule = finding.check.rule().and_then(|rule| rule.parse::<RuleId>().ok());
        findings.add(check, outcome, format!("{name}: {}; {}", finding.detail, finding.check.fix()), rule.as_slice());
    }
    let silent = |aspect| found.iter().all(|finding| Aspect::of(finding.check) != Some(aspect));
    // Of an object that goes elsewhere nothing more was looked at.
    if !silent(Aspect::Place) {
        return DaPayload::from_obk(&obk).ok();
    }
    if silent(Aspect::Whole) {
        findings.passed("object-integrity", format!("{name}: the leading hash is that of the rest"));
    }
    match question.part {
        Some(part) if silent(Aspect::Encryption) => {
            let aes = if part.info().crypto { "has" } else { "has no" };
            let says = format!(
                "{name}: encryption flag {} is right for the {part}, which {aes} secure AES",
                u8::from(obk.encrypt())
            );
            findings.add(
                "part-flag",
                Outcome::Passed,
                says,
                &[RuleId::CryptoNeedsEncrypted, RuleId::PlainPartsRefuseEncryption, RuleId::DevIdNotCrypto],
            );
        }
        Some(_) => {}
        None => findings.skipped(
            "part-flag",
            format!(
                "{name}: encryption flag {}; say --part, for DEV_ID does not tell which flag is right",
                u8::from(obk.encrypt())
            ),
        ),
    }
    DaPayload::from_obk(&obk).ok()
}

/// What is left when every mask has had its say.
fn permissions(chain: &Chain, object: Option<&DaPayload>, findings: &mut Findings) {
    let masks = masks(Some(chain), object);
    let rules = &[RuleId::DaFourMasks];
    match masks.withheld_by(Permission::FullRegression) {
        None => {
            findings.add("permission-full-regression", Outcome::Passed, "no mask withholds the full regression", rules)
        }
        Some(by) => findings.add(
            "permission-full-regression",
            Outcome::Failed,
            format!("Full Regression is withheld by the {by}: a chip closed with this set cannot be opened with it"),
            rules,
        ),
    }
    for permission in Permission::ALL.into_iter().skip(1) {
        if let Some(by) = masks.withheld_by(permission) {
            findings.add("permission", Outcome::Warning, format!("{permission} is withheld by the {by}"), rules);
        }
    }
}

/// Where the chain holds.
fn scope(question: &Question<'_>, chain: &Chain, findings: &mut Findings) {
    let Ok(verified) = chain.verify() else { return };
    let scope = verified.scope;
    if scope.soc_class != 0 {
        match question.part {
            Some(part) => findings.verdict(
                "scope-soc-class",
                scope.soc_class == u32::from(part.info().dev_id),
                format!("soc_class {:#05x} is the DEV_ID of the {part}", scope.soc_class),
                format!(
                    "soc_class {:#05x}, and the DEV_ID of the {part} is {:#05x}",
                    scope.soc_class,
                    part.info().dev_id
                ),
                &[],
            ),
            None => {
                findings.skipped("scope-soc-class", format!("the chain holds for DEV_ID {:#05x} only", scope.soc_class))
            }
        }
    }
    if scope.soc_id != [0; 16] {
        findings.add(
            "scope-soc-id",
            Outcome::Warning,
            "the chain holds for one chip only, and some ROMs show no SoC id when they are closed",
            &[],
        );
    }
    if scope.lifecycle != 0 || scope.oem_constraint != 0 {
        findings.add(
            "scope-lifecycle",
            Outcome::Warning,
            format!(
                "lifecycle {:#06x}, oem_constraint {:#06x}: which of them STM32H5 looks at is not public",
                scope.lifecycle, scope.oem_constraint
            ),
            &[],
        );
    }
}

fn sample(
    question: &Question<'_>,
    check: &'static str,
    hash: Option<provost_adac::crypto::Hash>,
    findings: &mut Findings,
) {
    match hash.as_ref().and_then(samples::credential).map(|s| format!("{} of {}", s.what, s.source)) {
        None => findings.passed(check, "none of ST's public samples"),
        Some(what) if question.allow_samples => {
            findings.add(check, Outcome::Warning, format!("{what}: let pass, as was asked for"), &[]);
        }
        Some(what) => findings.failed(
            check,
            format!("{what}: everybody can open a chip closed with it (--allow-sample-keys lets it pass on a bench)"),
        ),
    }
}

/// Secrets that others may read are none.
fn modes(folder: &Path, findings: &mut Findings) {
    for exposed in exposed(folder) {
        findings.add("file-mode", Outcome::Warning, exposed.to_string(), &[]);
    }
}
