//! No parser panics, whatever it gets, and what is encoded comes back.

use proptest::collection::vec;
use proptest::prelude::*;
use provost_adac::permission::PermissionMask;
use provost_obk::Obk;
use provost_obk::da::{CredentialKind, DaObject, DaPayload};
use provost_obk::memory::MAP;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsers_never_panic(bytes in vec(any::<u8>(), 0..200), at in 0usize..108, byte: u8) {
        let _ = (Obk::parse(&bytes), DaPayload::parse(&bytes));
        let mut near = include_bytes!("../vectors/da_cert_enc0.obk").to_vec();
        near[at] = byte;
        if let Ok(obk) = Obk::parse(&near) {
            prop_assert_eq!(&*obk.to_bytes(), &near);
            let _ = DaPayload::from_obk(&obk).map(|payload| payload.verify());
        }
    }

    #[test]
    fn files_come_back(range in 0usize..5, start: u16, blocks in 1usize..40, encrypt: bool, fill: u8) {
        let range = MAP[range];
        let destination = range.start() + u32::from(start) % range.size / 16 * 16;
        let fits = destination as usize + blocks * 16 <= range.end() as usize;
        let obk = Obk::new(destination, encrypt, vec![fill; blocks * 16]);
        prop_assert_eq!(obk.is_ok(), fits);
        if let Ok(obk) = obk {
            prop_assert_eq!(Obk::parse(&obk.to_bytes()), Ok(obk));
        }
    }

    #[test]
    fn debug_authentication_objects_come_back(hash: [u8; 32], mask: u128, encrypt: bool) {
        let object = DaObject { kind: CredentialKind::Certificate, hash, mask: PermissionMask(mask) };
        let obk = object.to_obk(encrypt).unwrap();
        let payload = DaPayload::from_obk(&Obk::parse(&obk.to_bytes()).unwrap()).unwrap();
        prop_assert_eq!(payload.verify(), Ok(()));
        prop_assert_eq!((payload.hash, payload.mask), (hash, PermissionMask(mask)));
    }
}
