//! Every check, found where it is due and nowhere else.

use std::collections::BTreeSet;

use provost_adac::key::Signer as _;
use provost_adac::permission::{Permission, PermissionMask};
use provost_chip::parts::{DaStore, PartId};
use provost_chip::rules::Rule;
use provost_chip::sources::{Confidence, Source};
use provost_chip::states::{BootUbe, DaMethod, ProductState, TrustZone};
use provost_obk::checks::{self, Check, Finding, Severity, Target, refused};
use provost_obk::da::{CredentialKind, DaObject};
use provost_obk::object::{Object, Value};
use provost_obk::{ObjectKind, Obk};

use crate::{key, object, vector};

fn target(part: &str) -> Target {
    Target::new(part.parse().unwrap())
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(Finding::code).collect()
}

/// An object of the vectors with some fields changed.
fn changed(name: &str, fields: &[(&str, u64)]) -> Obk {
    let original = object(name);
    let mut object = Object::from_obk(&original);
    for (field, number) in fields {
        object.set(field, &Value::Number(*number)).unwrap();
    }
    object.to_obk(original.destination(), original.encrypt()).unwrap()
}

fn with_flag(obk: &Obk, encrypt: bool) -> Obk {
    Obk::new(obk.destination(), encrypt, obk.payload().to_vec()).unwrap()
}

fn certificate(mask: u128) -> Obk {
    DaObject::certificate(&key("da-root").public_key(), PermissionMask(mask)).to_obk(true).unwrap()
}

/// The set of a chip with ST's immutable root of trust.
fn stirot() -> Vec<Obk> {
    vec![object("da_cert_enc1.obk"), object("stirot_config_enc1.obk"), object("stirot_data.obk")]
}

#[test]
fn good_objects_have_no_findings() {
    let full = |part: &str, trustzone, boot_ube| Target {
        trustzone: Some(trustzone),
        boot_ube: Some(boot_ube),
        final_state: Some(ProductState::Closed),
        ..target(part)
    };
    let on = TrustZone::Enabled;
    for part in ["STM32H533", "STM32H573"] {
        assert_eq!(checks::set(&stirot(), &full(part, on, BootUbe::StIrot)), []);
    }
    let oemirot = ["da_cert_enc1.obk", "oemirot_config_enc1.obk", "oemirot_data.obk"].map(object);
    assert_eq!(checks::set(&oemirot, &full("STM32H573", on, BootUbe::OemIrot)), []);
    let oemirot = ["da_cert_enc0.obk", "oemirot_config_enc0.obk", "oemirot_data.obk"].map(object);
    for part in ["STM32H523", "STM32H562", "STM32H563"] {
        assert_eq!(checks::set(&oemirot, &full(part, on, BootUbe::OemIrot)), []);
    }
    let off = full("STM32H563", TrustZone::Disabled, BootUbe::OemIrot);
    assert_eq!(checks::set(&[object("da_pw4_enc0.obk")], &off), []);
    let images = changed("stirot_config_enc1.obk", &[("images", 2)]);
    let set = [
        &[object("da_cert_enc1.obk"), images][..],
        &["stirot_data.obk", "oemurot_config", "oemurot_data.obk"].map(object),
    ]
    .concat();
    assert_eq!(checks::set(&set, &full("STM32H573", on, BootUbe::StIrot)), []);
    let manager = ["da_cert_enc1.obk", "sm_config_keys", "sm_config_other", "sm_config_general"].map(object);
    assert_eq!(checks::set(&manager, &full("STM32H573", on, BootUbe::StIrot)), []);
}

#[test]
fn the_flag_must_fit_the_part() {
    for part in PartId::all() {
        let info = part.info();
        for (name, encrypt) in [("da_cert_enc0.obk", false), ("da_cert_enc1.obk", true)] {
            let found = checks::object(&object(name), &Target::new(part));
            let expected: &[&str] = match (info.da_store, info.crypto, encrypt) {
                (DaStore::Otp, ..) => &["obk-no-storage"],
                (_, true, false) => &["obk-plain-on-crypto"],
                (_, false, true) => &["obk-encrypted-on-plain"],
                _ => &[],
            };
            let flags: Vec<_> = codes(&found).into_iter().filter(|&code| code != "obk-uncertain-part").collect();
            assert_eq!(flags, expected, "{part} {name}");
            let uncertain = info.da_store == DaStore::Obk && info.confidence == Confidence::Inferred;
            assert_eq!(codes(&found).contains(&"obk-uncertain-part"), uncertain, "{part}");
            assert_eq!(refused(&found), !expected.is_empty());
        }
    }
}

#[test]
fn broken_files_give_every_rule_they_break() {
    let mut file = vector("da_cert_enc1.obk");
    file[0] = 0x08;
    file[4] = 0x61;
    file[8] = 7;
    let found = checks::file(&file, &target("STM32H503"));
    assert_eq!(codes(&found), ["obk-format", "obk-format", "obk-format", "obk-no-storage"]);
    let offsets: Vec<_> = found.iter().map(|finding| finding.offset).collect();
    assert_eq!(offsets, [Some(4), Some(8), Some(0), None]);
    assert!(found[2].detail.ends_with("(obk-alignment)"), "{}", found[2]);
    assert_eq!(codes(&checks::file(&[0; 3], &target("STM32H573"))), ["obk-format"]);
    assert_eq!(checks::file(&vector("da_cert_enc1.obk"), &target("STM32H573")), []);
}

#[test]
fn the_credential_must_fit_trustzone() {
    let tz = |trustzone| Target { trustzone: Some(trustzone), ..target("STM32H573") };
    let (on, off) = (tz(TrustZone::Enabled), tz(TrustZone::Disabled));
    let (certificate, password) = (object("da_cert_enc1.obk"), object("da_pw16_enc1.obk"));
    assert_eq!(codes(&checks::object(&certificate, &off)), ["obk-method-trustzone"]);
    assert_eq!(codes(&checks::object(&password, &on)), ["obk-method-trustzone"]);
    assert_eq!(checks::object(&certificate, &on), []);
    assert_eq!(checks::object(&password, &off), []);
    // Who knows better than the bytes is believed: a password with the word of ST's older XML.
    let payload = DaObject { kind: CredentialKind::Password, hash: [9; 32], mask: PermissionMask(0x5077) };
    let old = payload.to_obk(true).unwrap();
    assert_eq!(codes(&checks::object(&old, &off)), ["obk-method-trustzone"]);
    assert_eq!(checks::object(&old, &Target { da_method: Some(DaMethod::Password), ..off }), []);
}

#[test]
fn permissions_must_leave_a_way_back() {
    let target = target("STM32H573");
    let no_regression = 0x5077 & !(1 << Permission::FullRegression.bit());
    assert_eq!(codes(&checks::object(&certificate(no_regression), &target)), ["obk-no-full-regression"]);
    assert_eq!(codes(&checks::object(&certificate(1 << 127 | 0x4000), &target)), ["obk-unknown-permissions"]);
    assert_eq!(checks::object(&certificate(0x4000), &target), []);
}

#[test]
fn contents_must_be_what_a_tool_writes() {
    let target = target("STM32H573");
    let mut payload = object("stirot_config_enc1.obk").payload().to_vec();
    payload[255] = 1;
    let broken = Obk::new(0x0FFD_0200, true, payload).unwrap();
    let found = checks::object(&broken, &target);
    assert_eq!(codes(&found), ["obk-integrity", "obk-not-zero"]);
    assert_eq!((found[0].offset, found[1].offset), (Some(12), Some(12 + 245)));
    for (field, number) in [("clock", 7), ("images", 0), ("minimal_state", 0x9A00), ("sram2_ecc", 1)] {
        let found = checks::object(&changed("stirot_config_enc1.obk", &[(field, number)]), &target);
        assert_eq!(codes(&found), ["obk-value"], "{field}");
    }
    let mut no_key = Object::from_obk(&object("oemirot_config_enc1.obk"));
    no_key.set("secure_key", &Value::bytes(&[0; 91])).unwrap();
    assert_eq!(codes(&checks::object(&no_key.to_obk(0, true).unwrap(), &target)), ["obk-value"]);
    let mut same = Object::from_obk(&object("oemirot_config_enc1.obk"));
    same.set("secure_key", &Value::PublicKey(key("enc").public_key())).unwrap();
    assert_eq!(codes(&checks::object(&same.to_obk(0, true).unwrap(), &target)), ["obk-key-reused"]);
    let records = with_flag(&object("oemirot_data.obk"), true);
    for part in ["STM32H563", "STM32H573"] {
        assert_eq!(codes(&checks::object(&records, &self::target(part))), ["obk-encrypted-records"]);
    }
}

#[test]
fn places_are_known() {
    let target = target("STM32H573");
    let at =
        |destination, size| codes(&checks::object(&Obk::new(destination, true, vec![0xA5; size]).unwrap(), &target));
    assert_eq!(at(0x0FFD_0000, 16), ["obk-hdpl0", "obk-unknown"]);
    // 80 bytes: RSSLIB_SETOBKEY_BAD_SIZE (ST community td-p/892653).
    assert_eq!(at(0x0FFD_0100, 0x50), ["obk-wrong-size"]);
    assert_eq!(at(0x0FFD_0300, 0x50), ["obk-unknown"]);
    assert_eq!(at(0x0FFD_1800, 0x50), ["obk-unknown"]);
}

#[test]
fn the_sample_password_is_refused() {
    let hash = provost_adac::crypto::sha256(b"0123456789012345");
    for mask in [0, 0x5077] {
        let sample =
            DaObject { kind: CredentialKind::Password, hash, mask: PermissionMask(mask) }.to_obk(true).unwrap();
        let found = checks::object(&sample, &Target { trustzone: Some(TrustZone::Disabled), ..target("STM32H573") });
        // With the older word it is ST's DA_ConfigWithPassword.obk itself.
        let expected: &[&str] = if mask == 0 { &["obk-sample"] } else { &["obk-sample", "obk-sample"] };
        assert_eq!(codes(&found), expected, "{found:?}");
    }
}

#[test]
fn sample_settings_are_not_for_every_board() {
    // 250 MHz, fall back to the bootloader, start from TZ-Closed on: that makes ST's SM_Config_Other.obk, which has no keys.
    let fields = [("clock", 2), ("bootloader_fallback", 1), ("minimal_state", 0xC600)];
    let found = checks::object(&changed("sm_config_other", &fields), &target("STM32H573"));
    assert_eq!(codes(&found), ["obk-sample-settings"]);
    assert_eq!(checks::object(&object("sm_config_other"), &target("STM32H573")), []);
}

#[test]
fn flash_areas_must_fit() {
    let config = |fields: &[(&str, u64)]| changed("stirot_config_enc1.obk", fields);
    let found = |fields: &[(&str, u64)], part: &str| codes(&checks::object(&config(fields), &target(part)));
    let layout = "obk-flash-layout";
    assert_eq!(found(&[("download_offset", 0x6_1000)], "STM32H573"), [layout]);
    assert_eq!(found(&[("download_offset", 0x1E_0000)], "STM32H533"), [layout]);
    assert_eq!(found(&[("download_offset", 0x1E_0000)], "STM32H573"), [] as [&str; 0]);
    assert_eq!(found(&[("download_offset", 0x1_E000)], "STM32H573"), [layout]);
    assert_eq!(found(&[("firmware_size", 0)], "STM32H573"), [layout, layout]);
    assert_eq!(found(&[("firmware_size", u32::MAX.into())], "STM32H573").len(), 5);
    assert_eq!(found(&[("full_secure", 0), ("secure_size", 0x2_2000)], "STM32H573"), [layout]);
    assert_eq!(found(&[("full_secure", 0), ("secure_size", 0)], "STM32H573"), [layout]);
    assert_eq!(found(&[("full_secure", 0), ("secure_size", 0x2000)], "STM32H573"), [] as [&str; 0]);
    // The data area counts only if there is one.
    assert_eq!(found(&[("data_download_offset", 1)], "STM32H573"), [] as [&str; 0]);
    assert_eq!(found(&[("images", 2), ("data_download_offset", 0x6_0000)], "STM32H573"), [layout]);
    assert_eq!(found(&[("images", 2), ("data_offset", 0x10)], "STM32H573"), [layout]);
}

#[test]
fn the_firmware_must_start_in_the_state_wanted() {
    let to = |final_state| Target { final_state: Some(final_state), ..target("STM32H573") };
    let config = object("stirot_config_enc1.obk");
    assert_eq!(codes(&checks::object(&config, &to(ProductState::TzClosed))), ["obk-minimal-state"]);
    assert_eq!(checks::object(&config, &to(ProductState::Closed)), []);
    assert_eq!(checks::object(&config, &to(ProductState::Locked)), []);
    let found = checks::object(&object("sm_config_other"), &to(ProductState::IrotProvisioned));
    assert!(codes(&found).contains(&"obk-minimal-state"));
}

#[test]
fn roots_of_trust_need_their_part() {
    let found = checks::object(&with_flag(&object("stirot_data.obk"), false), &target("STM32H563"));
    assert_eq!(codes(&found), ["obk-stirot-needs-crypto"]);
    let found = checks::object(&object("sm_config_keys"), &target("STM32H533"));
    assert_eq!(codes(&found), ["obk-secure-manager-part"]);
    let off = Target { trustzone: Some(TrustZone::Disabled), ..target("STM32H573") };
    assert_eq!(codes(&checks::object(&object("oemirot_data.obk"), &off)), ["obk-root-needs-trustzone"]);
}

#[test]
fn sets_must_belong_together() {
    let boots = |boot_ube| Target { boot_ube: Some(boot_ube), ..target("STM32H573") };
    let oemirot = || ["da_cert_enc1.obk", "oemirot_config_enc1.obk", "oemirot_data.obk"].map(object).to_vec();
    let found = codes(&checks::set(&[stirot(), oemirot()].concat(), &target("STM32H573")));
    assert!(found.contains(&"obk-mixed-roots"));
    // DA twice; OEMiRoT_Config ends at 0x0FFD0280, OEMiRoT_Data at 0x0FFD0340, STiRoT_Config is 0x0FFD0200 to 0x0FFD0300.
    assert_eq!(found.iter().filter(|&&code| code == "obk-overlap").count(), 3);
    assert_eq!(
        codes(&checks::set(&oemirot(), &boots(BootUbe::StIrot))),
        ["obk-stirot-incomplete", "obk-oemirot-not-booted"]
    );
    assert_eq!(codes(&checks::set(&stirot(), &boots(BootUbe::OemIrot))), ["obk-stirot-not-booted"]);
    assert_eq!(
        codes(&checks::set(&stirot()[..2], &boots(BootUbe::StIrot))),
        ["obk-incomplete", "obk-stirot-incomplete"]
    );
    assert_eq!(codes(&checks::set(&stirot()[..1], &boots(BootUbe::StIrot))), ["obk-stirot-incomplete"]);
    assert_eq!(codes(&checks::set(&stirot()[1..], &boots(BootUbe::StIrot))), ["obk-no-da"]);
    assert_eq!(codes(&checks::set(&oemirot()[..2], &target("STM32H573"))), ["obk-incomplete"]);
    // Without secure AES BOOT_UBE means nothing.
    let plain = ["da_cert_enc0.obk", "oemirot_config_enc0.obk", "oemirot_data.obk"].map(object);
    assert_eq!(checks::set(&plain, &Target { boot_ube: Some(BootUbe::StIrot), ..target("STM32H563") }), []);
    assert_eq!(checks::set(&[], &target("STM32H573")), []);
}

#[test]
fn every_check_is_one_of_its_own_and_has_its_sources() {
    let mut seen = BTreeSet::new();
    for check in Check::ALL {
        assert!(seen.insert(check.code()), "{check}");
        assert!(!check.fix().is_empty());
        for source in check.sources() {
            assert!(Source::find(source).is_some(), "{check}: {source}");
        }
        if let Some(rule) = check.rule() {
            assert!(Rule::all().iter().any(|known| known.id == rule), "{check}: {rule}");
        }
        // What is inferred alone must not stop anybody.
        assert!(check.confidence() > Confidence::Inferred || check.severity() == Severity::Warn, "{check}");
    }
}

#[test]
fn findings_serialize_with_their_reasons() {
    let found = checks::object(&object("da_cert_enc0.obk"), &target("STM32H573"));
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json[0]["code"], "obk-plain-on-crypto");
    assert_eq!(json[0]["severity"], "refuse");
    assert_eq!(json[0]["confidence"], "documented");
    assert_eq!(json[0]["rule"], "R-CRYPTO-NEEDS-ENCRYPTED");
    assert_eq!(json[0]["destination"], 0x0FFD_0100);
    assert_eq!(json[0]["offset"], 8);
    assert_eq!(
        found[0].to_string(),
        "STM32H573 has secure AES and needs objects encrypted, this one is not [obk-plain-on-crypto]"
    );
    assert_eq!(Object::from_obk(&object("da_cert_enc0.obk")).kind(), ObjectKind::DaCertificate);
}

/// An object for Debug Authentication is held against that, whatever else it could be.
#[test]
fn an_object_of_debug_authentication_goes_to_its_place_and_is_whole() {
    let good = object("da_cert_enc1.obk");
    let codes = |destination, payload: &[u8]| -> Vec<&'static str> {
        let obk = Obk::new(destination, true, payload.to_vec()).unwrap();
        checks::debug_authentication(&obk, None).iter().map(checks::Finding::code).collect()
    };
    let place = good.destination();
    assert_eq!(codes(place + 0x60, good.payload()), ["obk-not-da"]);
    let mut torn = good.payload().to_vec();
    torn[40] ^= 1;
    assert_eq!(codes(place, &torn), ["obk-integrity"]);
    let longer = [good.payload(), &[0; 16]].concat();
    assert_eq!(codes(place, &longer), ["obk-wrong-size"]);
    // The part is asked where it is known.
    let plain = Obk::new(place, false, good.payload().to_vec()).unwrap();
    let crypto = checks::debug_authentication(&plain, Some(&target("STM32H573")));
    assert!(crypto.iter().any(|finding| finding.code() == "obk-plain-on-crypto"));
}
