//! Every byte of a file has a name, and no secret is told.

use provost_obk::inspect::{Inspection, Integrity};
use provost_obk::{Obk, ObkRule, inspect};

use crate::kinds::DESCRIPTIONS;
use crate::{key, object, vector};

fn named<'a>(inspection: &'a Inspection, name: &str) -> &'a str {
    &inspection.ranges.iter().find(|range| range.name == name).unwrap().value
}

#[test]
fn ranges_cover_the_file() {
    for (name, kind, _) in DESCRIPTIONS {
        let file = vector(name);
        let inspection = inspect(&file).unwrap();
        assert_eq!(inspection.kind, kind, "{name}");
        let mut at = 0;
        for range in &inspection.ranges {
            assert_eq!(range.offset, at, "{name} {}", range.name);
            assert!(range.trouble.is_none() && range.sample.is_none() && !range.value.is_empty(), "{name} {range:?}");
            at += range.length;
        }
        assert_eq!(at, file.len(), "{name}");
        assert_ne!(inspection.integrity, Integrity::Bad, "{name}");
    }
}

#[test]
fn values_are_for_people() {
    let stirot = inspect(&vector("stirot_config_enc1.obk")).unwrap();
    assert_eq!(named(&stirot, "destination"), "0x0ffd0200 (HDPL1)");
    assert_eq!(named(&stirot, "clock"), "0x1 (200MHz)");
    assert_eq!(named(&stirot, "minimal_state"), "0x7200 (closed)");
    assert_eq!(named(&stirot, "sram2_ecc"), "0x0 (yes)");
    assert_eq!(named(&stirot, "padding_3"), "zeros");
    let da = inspect(&vector("da_cert_enc0.obk")).unwrap();
    assert!(
        named(&da, "permissions").starts_with("0x5077: Full Regression, To TZ Regression, Level 3 Intrusive Debug")
    );
    assert!(named(&da, "integrity").ends_with(" right"));
}

#[test]
fn no_secret_is_told() {
    let secret = hex(&*key("enc").expose_scalar());
    for (name, ..) in DESCRIPTIONS {
        let text = serde_json::to_string(&inspect(&vector(name)).unwrap()).unwrap();
        assert!(!text.contains(&secret[..16]), "{name}");
    }
    // From the hash, or from the hash over it, a short password can be guessed.
    let payload = object("da_pw4_enc0.obk").payload().to_vec();
    let text = serde_json::to_string(&inspect(&vector("da_pw4_enc0.obk")).unwrap()).unwrap();
    for hash in [&payload[..32], &payload[32..64]] {
        assert!(!text.contains(&hex(&hash[..4])), "{text}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_changed_bit_shows_at_its_place() {
    for (name, field) in
        [("stirot_config_enc1.obk", "integrity"), ("oemirot_data.obk", "integrity"), ("da_pw4_enc0.obk", "integrity")]
    {
        let mut file = vector(name);
        let last = file.len() - 1;
        file[last] ^= 0x80;
        let inspection = inspect(&file).unwrap();
        assert_eq!(inspection.integrity, Integrity::Bad, "{name}");
        let first = inspection.ranges.iter().find(|range| range.trouble.is_some()).unwrap();
        assert_eq!((first.name, first.offset), (field, 12), "{name}");
    }
    // In an mcuboot image the hash stands last.
    let mut file = vector("oemurot_config");
    file[12 + 20] = 9;
    let inspection = inspect(&file).unwrap();
    let trouble: Vec<_> =
        inspection.ranges.iter().filter(|range| range.trouble.is_some()).map(|range| range.name).collect();
    assert_eq!((inspection.integrity, trouble), (Integrity::Bad, vec!["image_hash"]));
}

#[test]
fn a_key_that_is_none_is_told_without_its_bytes() {
    let mut file = vector("oemirot_config_enc1.obk");
    file[12 + 216 + 36..12 + 216 + 68].fill(0xFF);
    let inspection = inspect(&file).unwrap();
    let range = inspection.ranges.iter().find(|range| range.name == "encryption_key").unwrap();
    assert_eq!((range.trouble, range.value.as_str()), (Some("no key of P-256"), "no private key of P-256 (not shown)"));
}

#[test]
fn objects_that_nobody_knows_are_data() {
    let obk = Obk::new(0x0FFD_0300, false, vec![0xA5; 32]).unwrap();
    let inspection = inspect(&obk.to_bytes()).unwrap();
    assert_eq!((inspection.kind.as_str(), inspection.integrity), ("data", Integrity::None));
    assert_eq!(named(&inspection, "data"), "32 bytes (not shown)");
    assert_eq!(inspect(&[0; 5]).unwrap_err().rule, ObkRule::Header { have: 5 });
}

#[test]
fn json_has_words() {
    let json = serde_json::to_value(inspect(&vector("oemirot_data.obk")).unwrap()).unwrap();
    assert_eq!(json["kind"], "oemirot-data");
    assert_eq!(json["integrity"], "good");
    assert_eq!(json["sample"]["risk"], "constant");
    assert_eq!(json["ranges"][3]["name"], "integrity");
}
