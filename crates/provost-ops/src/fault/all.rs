//! Every row there is: what `explain` looks a code up in, and what the tests hold together.

use super::{Row, bootloader, files, keys, link, objects, reports};

/// The row of each error of this crate, and of the errors of the crates below that reach a person.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let own = [
        crate::error::OpError::ROWS,
        crate::auth::AccessError::ROWS,
        crate::close::CloseError::ROWS,
        crate::credential::SetError::ROWS,
        crate::objects::ObjectError::ROWS,
        crate::option_bytes::OptionError::ROWS,
        crate::flash::FlashError::ROWS,
        crate::drive::bootloader::BootloaderError::ROWS,
        crate::drive::identify::IdentifyError::ROWS,
        crate::drive::reset::ResetError::ROWS,
        crate::drive::service::ServiceError::ROWS,
        crate::drive::otp::OtpError::ROWS,
        crate::drive::regress::RegressError::ROWS,
        crate::drive::debug_auth::AuthError::ROWS,
        crate::drive::target::TargetError::ROWS,
        crate::job::JobError::ROWS,
        crate::practise::PractiseError::ROWS,
        crate::rescue::RescueError::ROWS,
        crate::selfcheck::SelfcheckError::ROWS,
        crate::store::StoreError::ROWS,
    ];
    let below = [bootloader::ROWS, files::ROWS, link::ROWS, keys::ROWS, objects::ROWS, &objects::CHECKS, reports::ROWS];
    own.into_iter().chain(below).flatten()
}

/// The row of a code.
pub fn find(code: &str) -> Option<&'static Row> {
    rows().find(|row| row.code == code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_row_has_a_remedy_and_every_code_means_one_exit() {
        let mut exits = BTreeMap::new();
        for row in rows() {
            assert!(!row.causes.is_empty() && !row.next.is_empty(), "{}", row.code);
            assert!(row.causes.iter().chain(row.next).all(|text| !text.trim().is_empty()), "{}", row.code);
            assert!(
                row.code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{}",
                row.code
            );
            let exit = *exits.entry(row.code).or_insert(row.exit);
            assert_eq!(exit, row.exit, "{} means two things to a script", row.code);
        }
    }

    #[test]
    fn what_says_that_nothing_was_written_is_no_interruption() {
        for row in rows().filter(|row| row.exit == super::super::Exit::Interrupted) {
            assert!(row.next.iter().all(|next| !next.contains("nothing was written")), "{}", row.code);
        }
    }

    #[test]
    fn no_code_of_the_crates_below_is_without_a_row() {
        let below = [
            provost_link::LinkError::CODES,
            provost_bootloader::an3155::HostError::CODES,
            #[cfg(feature = "pkcs11")]
            provost_pkcs11::Error::CODES,
            provost_adac::key::KeyError::CODES,
            provost_adac::tlv::TlvError::CODES,
            provost_adac::certificate::CertificateError::CODES,
            provost_adac::chain::ChainFormatError::CODES,
            provost_adac::chain::ChainError::CODES,
            provost_adac::host::CredentialError::CODES,
            provost_adac::password::PasswordError::CODES,
            provost_obk::obk::ObkError::CODES,
            provost_obk::config::ConfigError::CODES,
            provost_obk::xml::XmlError::CODES,
            provost_image::ImageError::CODES,
            provost_image::SignError::CODES,
            provost_image::description::DescriptionError::CODES,
            provost_image::VerifyError::CODES,
            provost_diagnosis::case_file::CaseError::CODES,
        ];
        for code in below.into_iter().flatten() {
            assert!(find(code).is_some(), "{code}");
        }
    }
}
