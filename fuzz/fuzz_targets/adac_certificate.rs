//! Certificates and chains in every form of file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provost_adac::certificate::Certificate;
use provost_adac::chain::{Chain, ChainForm};
use provost_adac::describe;
use provost_fuzz::{frugally, says_something};

fuzz_target!(|data: &[u8]| {
    frugally(data.len(), 0x2000, 16, || certificate(data));
    let chain = frugally(data.len(), 0x1000, 16, || match Chain::read(data) {
        Ok((chain, form)) => {
            round_trip(&chain, form, data);
            Some(chain)
        }
        Err(error) => {
            says_something(error);
            assert!(!error.code().is_empty());
            if !matches!(error, provost_adac::chain::ChainFormatError::NoPemBlock) {
                assert!(error.offset().is_some_and(|at| at <= data.len()), "{error:?}");
            }
            None
        }
    });
    // Every signature costs about as much as a thousand parsers.
    if let Some(chain) = chain.filter(|chain| chain.certificates().len() <= 4) {
        describe::chain(&chain).iter().for_each(|part| says_something(&part.title));
        match chain.verify() {
            Ok(verified) => drop(verified.permissions.verdicts()),
            Err(error) => says_something(error),
        }
    }
});

fn round_trip(chain: &Chain, form: ChainForm, data: &[u8]) {
    let tlv = chain.to_tlv();
    match form {
        ChainForm::Tlv => assert_eq!(tlv, data),
        ChainForm::Bare => assert_eq!(chain.certificates()[0].to_bytes(), data),
        _ => {}
    }
    assert_eq!(Chain::from_tlv(&tlv).as_ref(), Ok(chain));
    assert_eq!(Chain::from_base64(&chain.to_base64()).as_ref(), Ok(chain));
    assert_eq!(Chain::from_pem(&chain.to_pem()).as_ref(), Ok(chain));
}

fn certificate(data: &[u8]) {
    match Certificate::parse(data) {
        Ok(certificate) => {
            assert_eq!(certificate.to_bytes(), data);
            assert!(data.starts_with(&certificate.signed_bytes()));
            let part = describe::certificate(&certificate, 0);
            assert_eq!(part.end(), data.len());
            let _ = (certificate.public_key(), certificate.verify_extensions());
        }
        Err(error) => {
            assert!(error.offset <= data.len());
            says_something(error);
        }
    }
}
