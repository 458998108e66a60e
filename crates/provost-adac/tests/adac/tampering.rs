//! What was good when it was signed and has been changed since.

use crate::common::Vectors;
use crate::session::{CHALLENGE, certificate, certificate_config, fragment, refused, send, start};
use provost_adac::certificate::{Certificate, Role};
use provost_adac::key::Signer as _;
use provost_adac::packet::{Command, Request, bytes_to_words};
use provost_adac::permission::PermissionMask;
use provost_adac::target::{Event, Fragment, RefusalReason, Target};
use provost_adac::tlv::{Padding, TypeId, Writer};
use provost_adac::token::Token;

/// Whatever bit of whatever fragment is wrong, nothing is granted.
#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let v = Vectors::load();
    let fragments: Vec<Vec<u8>> = v
        .chain()
        .certificates()
        .iter()
        .map(|certificate| (TypeId::BinaryCertificate, certificate.to_bytes()))
        .chain([(
            TypeId::BinaryToken,
            Token::sign(PermissionMask(0x4000), &CHALLENGE, &v.key("leaf")).unwrap().to_bytes(),
        )])
        .map(|(type_id, value)| {
            let mut writer = Writer::new(Padding::Padded);
            writer.push(type_id, &value);
            writer.finish()
        })
        .collect();
    let outcome = |which: usize, at: usize, bit: u8| {
        let mut target = Target::new(certificate_config(&v), CHALLENGE);
        target.handle(&start().to_words());
        fragments.iter().enumerate().find_map(|(index, fragment)| {
            let mut bytes = fragment.clone();
            if index == which {
                bytes[at] ^= bit;
            }
            target.handle(&Request::new(Command::AuthResponse, bytes_to_words(&bytes)).to_words()).event
        })
    };
    assert_eq!(outcome(usize::MAX, 0, 0), Some(Event::Granted(PermissionMask(0x4000))));
    for (which, fragment) in fragments.iter().enumerate() {
        for at in 0..fragment.len() {
            let event = outcome(which, at, 1 << (at % 8));
            assert!(matches!(event, Some(Event::Refused(_))), "fragment {which}, byte {at}: {event:?}");
        }
    }
}

#[test]
fn extensions_are_checked_by_the_target() {
    let v = Vectors::load();
    let (root, leaf) = (v.key("root"), v.key("leaf"));
    let extended = Certificate::builder(Role::Leaf).extensions(&[1, 2, 3, 4]).sign(&leaf.public_key(), &root).unwrap();
    let asked = Token::sign_with_extensions(PermissionMask(0x4000), &[5, 6, 7, 8], &CHALLENGE, &leaf).unwrap();
    let requests = |certificate_flip: usize, token_flip: usize| {
        let (mut leaf, mut token) = (extended.to_bytes(), asked.to_bytes());
        leaf[212 + certificate_flip / 8] ^= (certificate_flip > 0) as u8;
        token[120 + token_flip / 8] ^= (token_flip > 0) as u8;
        [
            start(),
            certificate(&v.certificate("root")),
            fragment(TypeId::BinaryCertificate, &leaf),
            fragment(TypeId::BinaryToken, &token),
        ]
    };
    let (reply, _) = send(certificate_config(&v), requests(0, 0));
    assert_eq!(reply.event, Some(Event::Granted(PermissionMask(0x4000))));
    let [a, b, c, _] = requests(9, 0);
    let signed = Fragment::Certificate(Role::Leaf);
    assert_eq!(refused(certificate_config(&v), [a, b, c]), RefusalReason::BadExtensionsHash { signed });
    let signed = Fragment::Token;
    assert_eq!(refused(certificate_config(&v), requests(0, 17)), RefusalReason::BadExtensionsHash { signed });
}
