//! Handing an object to the provisioning service within a job.

use provost_chip::{assumptions::RssChecksum, parts::PartId, states::TrustZone};

use super::{Attempt, Driver, JobError, Record};
use crate::{
    drive::{
        debug_auth::AuthError,
        service::Stored,
        target::{Delivery, Target},
    },
    fault::{Failure, Result, fail},
};

/// Hands an object to the service; each call is announced in the journal.
///
/// # Errors
/// Those of [`Target::provision`]; the journal cannot be written.
pub(crate) fn deliver(
    target: &mut dyn Target,
    driver: &mut Driver<'_>,
    (parts, trustzone): (&[PartId], TrustZone),
    object: Delivery<'_>,
    known: &mut Option<RssChecksum>,
) -> Result<Stored> {
    driver.note(&format!("encryption word {}", object.word));
    let attempt = Attempt { trustzone, encrypt_word: object.word };
    let (narrator, mut job) = driver.narrator_and_journal();
    let mut announce = |checksum| match job.as_mut() {
        Some(job) => Ok(job.record(Record::Calling { attempt, checksum })?),
        None => fail(JobError::NoJournal { step: "provision" }),
    };
    target.provision(parts, object, known, &mut announce, narrator)
}

/// What the chip said, if it refused the credential.
pub(crate) fn refusal(error: &Failure) -> Option<String> {
    match error.of() {
        Some(AuthError::Refused { status, step }) => Some(format!("refused ({status} to {step})")),
        _ => None,
    }
}
