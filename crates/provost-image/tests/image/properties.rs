//! What holds for every input.

use proptest::prelude::*;
use provost_adac::key::Signer;
use provost_image::{
    Dependency, Image, Padding, SecurityCounter, SignError, SignOptions, Verification, Version, inspect, profile, sign,
    verify,
};

use crate::{body, key};

/// Parses, verifies against everything, and inspects: nothing may panic, and every byte has one name.
fn swallow(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (trusted, encryption) = ([key("authentication").public_key()], key("encryption"));
    match Image::parse(bytes) {
        Ok(image) => {
            for profile in profile::all() {
                let against = Verification::of(profile).trust(&trusted).decrypt_with(&encryption).slot_size(0x1000);
                if let Err(error) = verify(&image, &against) {
                    prop_assert!(error.offset().is_none_or(|offset| offset <= bytes.len()), "{}", error);
                }
            }
            let ranges = inspect(bytes).unwrap();
            let end = ranges
                .iter()
                .try_fold(0, |end, range| (range.offset == end && range.length > 0).then_some(end + range.length));
            prop_assert_eq!(end, Some(bytes.len()));
        }
        Err(error) => prop_assert!(error.offset <= bytes.len(), "{}", error),
    }
    Ok(())
}

fn options() -> impl Strategy<Value = SignOptions> {
    let version = any::<(u8, u8, u16, u32)>();
    let dependencies = proptest::collection::vec(any::<(u8, u8)>(), 0..3);
    (0..profile::all().len(), version, dependencies, any::<[bool; 2]>(), any::<Option<u32>>()).prop_map(
        |(profile, (major, minor, revision, build), dependencies, [install, encrypt], counter)| {
            let (profile, version) = (&profile::all()[profile], Version { major, minor, revision, build });
            let encrypt = encrypt && profile.encryption.is_some();
            let mut options = if install && encrypt {
                SignOptions::install(profile, version)
            } else {
                SignOptions::update(profile, version)
            };
            options.encrypt_for = encrypt.then(|| key("encryption").public_key());
            options.slot_size = Some(0x4000);
            options.security_counter = counter.map_or(SecurityCounter::Auto, SecurityCounter::Value);
            let version = |major| Version { major, ..Version::default() };
            options.dependencies =
                dependencies.iter().map(|&(image, major)| Dependency { image, version: version(major) }).collect();
            if !profile.strict {
                options.padding = Padding::None;
            }
            options
        },
    )
}

fn made(options: &SignOptions, length: usize) -> Vec<u8> {
    let signer = key("authentication");
    let signs = options.profile.signing != profile::Signing::Never;
    let mut options = options.clone();
    loop {
        match sign(&body(length), &options, signs.then_some(&signer as &dyn Signer)) {
            // One of 256 for STiRoT; its advice is followed.
            Err(SignError::ShortSignature) => options.version.build = options.version.build.wrapping_add(1),
            made => return made.unwrap(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_signed_verifies_and_comes_back(options in options(), length in 1_usize..2000) {
        let image = made(&options, length);
        let parsed = Image::parse(&image).unwrap();
        let (trusted, encryption) = ([key("authentication").public_key()], key("encryption"));
        let trusted = if options.profile.signing == profile::Signing::Never { &[][..] } else { &trusted[..] };
        let verified = verify(&parsed, &Verification::of(options.profile).trust(trusted).decrypt_with(&encryption)).unwrap();
        prop_assert_eq!(&verified.body()[..length], &body(length)[..]);
        prop_assert_eq!((verified.version, &verified.dependencies), (parsed.header().version, &options.dependencies));
        prop_assert_eq!((verified.version.major, verified.version.revision), (options.version.major, options.version.revision));
        prop_assert_eq!(&verified.departures, &[]);
        swallow(&image)?;
    }

    #[test]
    fn a_flipped_bit_anywhere_is_refused(options in options(), length in 1_usize..200, at in any::<proptest::sample::Index>(), bit in 0..8) {
        prop_assume!(options.profile.strict && options.profile.signing != profile::Signing::Never);
        let mut image = made(&options, length);
        let end = Image::parse(&image).unwrap().end();
        image[at.index(end)] ^= 1_u8 << bit;
        let (trusted, encryption) = ([key("authentication").public_key()], key("encryption"));
        let against = Verification::of(options.profile).trust(&trusted).decrypt_with(&encryption);
        if let Ok(image) = Image::parse(&image) {
            prop_assert!(verify(&image, &against).is_err());
        }
        swallow(&image)?;
    }

    #[test]
    fn cut_and_scrambled_images_are_survived(
        options in options(),
        cut in any::<proptest::sample::Index>(),
        patches in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut image = made(&options, 100);
        // Rather where the structure is: the first 32 bytes and those around the TLVs.
        let end = Image::parse(&image).unwrap().end();
        for (at, byte) in patches {
            let place = at.index(32 + 500);
            image[if place < 32 { place } else { end.saturating_sub(place - 31) }] = byte;
        }
        image.truncate(cut.index(image.len() + 1));
        swallow(&image)?;
    }

    #[test]
    fn any_bytes_are_survived(magic in 0..profile::all().len(), mut bytes in proptest::collection::vec(any::<u8>(), 0..400), sizes: [u8; 3]) {
        swallow(&bytes)?;
        if bytes.len() >= 32 {
            bytes[..4].copy_from_slice(&profile::all()[magic].magic.to_le_bytes());
            bytes[8..16].copy_from_slice(&[32, 0, sizes[0], 0, sizes[1], 0, 0, 0]);
            let area = 32 + usize::from(sizes[1]);
            if let Some(head) = bytes.get_mut(area..area + 4) {
                head.copy_from_slice(&if sizes[0] > 0 { [0x08, 0x69, sizes[0], 0] } else { [0x07, 0x69, sizes[2], 0] });
            }
            swallow(&bytes)?;
        }
    }
}
