//! Every kind of object, from plain structs, from TOML and from ST's XML: always the bytes of the independent vectors.

use provost_adac::crypto::sha256;
use provost_adac::key::{MINIMAL_BYTES, PrivateKey, SPKI_BYTES, Signer as _};
use provost_adac::password::Password;
use provost_adac::permission::PermissionMask;
use provost_chip::sources::Source;
use provost_chip::states::ProductState;
use provost_obk::da::{CredentialKind, DaObject};
use provost_obk::describe::describe;
use provost_obk::key::from_spki;
use provost_obk::kinds::{
    Clock, Images, InternalTampers, KindError, OemirotConfig, OemirotData, OemurotConfig, OemurotData, SmConfigOther,
    Sram2Ecc, Sram2Erase, StirotConfig, StirotData,
};
use provost_obk::layout::{Encoding, ObjectKind, markdown};
use provost_obk::object::{FieldError, Object, Value, recognise};
use provost_obk::samples::{SampleRisk, credential, sample, samples_in};
use provost_obk::{config, xml};

use crate::xml::kind_xml;
use crate::{folder, key, object, vector};

/// Every object of the vectors: its name, what it is, and a description that makes it.
pub(crate) const DESCRIPTIONS: [(&str, ObjectKind, &str); 17] = [
    (
        "da_cert_enc0.obk",
        ObjectKind::DaCertificate,
        "kind = 'da-certificate'\npart = 'STM32H563'\nroot_key = 'root_pub.pem'",
    ),
    (
        "da_cert_enc1.obk",
        ObjectKind::DaCertificate,
        "kind = 'da-certificate'\npart = 'H573'\nroot_key = '..\\Keys\\root.pem'\npermissions = ['full-regression', \
         'to-tz-regression', 'level-3-intrusive-debug', 'level-2-intrusive-debug', 'level-1-intrusive-debug', \
         'level-3-intrusive-non-secure-debug', 'level-2-intrusive-non-secure-debug', 'level-1-intrusive-non-secure-debug']",
    ),
    ("da_pw4_enc0.obk", ObjectKind::DaPassword, "kind = 'da-password'\nencrypt = false\npassword = 'abcd'"),
    (
        "da_pw12_enc1.obk",
        ObjectKind::DaPassword,
        "kind = 'da-password'\nencrypt = true\npassword_file = 'password.bin'",
    ),
    (
        "da_pw16_enc1.obk",
        ObjectKind::DaPassword,
        "schema = 1\nkind = 'da-password'\npart = 'STM32H533RE'\nencrypt = true\n\
         password_hash = '9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f'",
    ),
    (
        "oemirot_config_enc0.obk",
        ObjectKind::OemirotConfig,
        "kind = 'oemirot-config'\npart = 'STM32H562'\nsecure_key = 's_pub.pem'\nnon_secure_key = 'ns_pub.PEM'\n\
         encryption_key = 'enc.pem'",
    ),
    (
        "oemirot_config_enc1.obk",
        ObjectKind::OemirotConfig,
        "kind = 'oemirot-config'\nencrypt = true\ndestination = 0x0FFD_0160\nsecure_key = 's.pem'\n\
         non_secure_key = 'ns_pub.PEM'\nencryption_key = 'enc.pem'",
    ),
    ("oemirot_data.obk", ObjectKind::OemirotData, "kind = 'oemirot-data'"),
    ("oemurot_data.obk", ObjectKind::OemurotData, "kind = 'oemurot-data'\npart = 'STM32H573'\nimage_3_version = 0"),
    ("stirot_data.obk", ObjectKind::StirotData, "kind = 'stirot-data'\npart = 'STM32H573'"),
    (
        "stirot_config_enc1.obk",
        ObjectKind::StirotConfig,
        "kind = 'stirot-config'\npart = 'STM32H533'\nimages = 'firmware'\nclock = '200MHz'\nfull_secure = true\n\
         bootloader_fallback = 1\nexecution_offset = 0\ndownload_offset = 0x60000\nfirmware_size = 131072\n\
         data_download_offset = '0x5E000'\nsecure_size = 0x20000\nsram2_erase = true\nsram2_ecc = true\n\
         minimal_state = 'closed'\nencryption_key = 'enc.pem'\nauthentication_key = 's_pub.pem'\ninternal_tampers = true",
    ),
    (
        "oemurot_config",
        ObjectKind::OemurotConfig,
        "kind = 'oemurot-config'\npart = 'STM32H573'\nsecure_key = 's_pub.pem'\nnon_secure_key = 'ns_pub.PEM'\n\
         encryption_key = 'enc.pem'",
    ),
    (
        "sm_config_keys",
        ObjectKind::SmConfigKeys,
        "kind = 'sm-config-keys'\npart = 'STM32H573'\nencryption_key = 'enc.pem'\nauthentication_key = 's_pub.pem'",
    ),
    (
        "sm_config_other",
        ObjectKind::SmConfigOther,
        "kind = 'sm-config-other'\npart = 'STM32H573'\nclock = '64MHz'\nbootloader_fallback = false\nminimal_state = 'closed'",
    ),
    (
        "sm_config_general",
        ObjectKind::SmConfigGeneral,
        "kind = 'sm-config-general'\npart = 'STM32H573'\nmodule_licence = 'signed'\nflash_layout = 1\nuart = 3\n\
         uart_tx_port = 0x42\nuart_rx_port = 0x43\nuart_tx_pin = 10\nuart_rx_pin = 4\nuart_baud = '460800'\n\
         interface_sram_kb = 32\nsecure_sram_end = 0x30070FFF\nmodules = 1\n\
         module_areas = '378010000000000000000000000000000000000000000000'\n\
         application_primary = 0x40\napplication_secondary = 0x90\napplication_size = 0x30\nreserved_offset = 0x70\n\
         reserved_size = 8\nits_factory_offset = 0xC8\nits_factory_size = 2\nits_offset = 0xCB\nits_size = 5\n\
         bootloader_fallback = false",
    ),
    (
        "hashed_data",
        ObjectKind::HashedData,
        "kind = 'hashed-data'\nencrypt = false\ndestination = 0x0FFD0C00\ndata = '000102030405060708090a0b0c0d0e0f'",
    ),
    ("data", ObjectKind::Data, "kind = 'data'\nencrypt = false\ndestination = '0x0FFD1800'\ndata_file = 'data.bin'"),
];

#[test]
fn toml_makes_the_vectors() {
    for (name, kind, toml) in DESCRIPTIONS {
        let obk = config::build(toml, &folder).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(*obk.to_bytes(), vector(name), "{name}");
        assert_eq!(recognise(&obk), kind, "{name}");
    }
}

#[test]
fn a_data_image_is_taken_as_it_is() {
    let toml = "kind = 'stirot-user-data'\npart = 'STM32H533'\nimage_file = 'image.bin'";
    let obk = config::build(toml, &folder).unwrap();
    assert_eq!(*obk.to_bytes(), vector("stirot_user_data"));
    assert_eq!(recognise(&obk), ObjectKind::StirotUserData);
}

#[test]
fn sts_xml_makes_the_vectors() {
    let mut count = 0;
    for (name, kind, _) in DESCRIPTIONS {
        let Some(text) = kind_xml(name) else { continue };
        let built = xml::build(text.as_bytes(), &folder).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(*built.product.to_bytes(), vector(name), "{name} {kind}");
        count += 1;
    }
    assert_eq!(count, 11);
}

#[test]
fn descriptions_come_back() {
    for (name, kind, _) in DESCRIPTIONS {
        let obk = object(name);
        let description = describe(&obk).unwrap();
        let again = config::build(&description.toml, &description).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(*again.to_bytes(), vector(name), "{}", *description.toml);
        let secret = description.files.iter().any(|file| file.secret);
        assert_eq!(secret, kind.layout().field("encryption_key").is_some(), "{name}");
        let scalar = key("enc").expose_scalar();
        assert!(!description.toml.contains(&hex(&*scalar)), "{name}");
        assert!(!format!("{description:?}").contains("BEGIN"), "{name}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn structs_make_the_vectors() {
    let (s, ns, enc) = (key("auth-s").public_key(), key("auth-ns").public_key(), key("enc"));
    let oemirot = OemirotConfig { secure_key: s, non_secure_key: ns, encryption_key: enc.clone() };
    let stirot = StirotConfig {
        images: Images::Firmware,
        clock: Clock::Mhz200,
        full_secure: true,
        bootloader_fallback: true,
        execution_offset: 0,
        download_offset: 0x6_0000,
        firmware_size: 0x2_0000,
        data_offset: 0,
        data_size: 0x2F0,
        data_download_offset: 0x5_E000,
        data_download_size: 0x2000,
        secure_size: 0x2_0000,
        sram2_erase: Sram2Erase::Erased,
        sram2_ecc: Sram2Ecc::On,
        minimal_state: ProductState::Closed,
        encryption_key: enc.clone(),
        authentication_key: s,
        internal_tampers: InternalTampers::On,
    };
    let oemurot = OemurotConfig {
        version_major: 1,
        version_minor: 0,
        version_revision: 0,
        security_counter: 1 << 24,
        secure_key: s,
        non_secure_key: ns,
        encryption_key: enc,
    };
    let other = SmConfigOther { clock: Clock::Mhz64, bootloader_fallback: false, minimal_state: ProductState::Closed };
    for (name, object) in [
        ("oemirot_config_enc1.obk", oemirot.to_object().unwrap()),
        ("stirot_config_enc1.obk", stirot.to_object().unwrap()),
        ("oemurot_config", oemurot.to_object().unwrap()),
        ("sm_config_other", other.to_object().unwrap()),
        ("stirot_data.obk", StirotData { state: [0; 64] }.to_object().unwrap()),
    ] {
        assert_eq!(*object.to_obk(0, true).unwrap().to_bytes(), vector(name), "{name}");
    }
    let read = StirotConfig::try_from(&Object::from_obk(&object("stirot_config_enc0.obk"))).unwrap();
    assert_eq!((read.minimal_state, read.download_offset, read.full_secure), (ProductState::Closed, 0x6_0000, true));
    assert_eq!(read.to_object().unwrap().payload(), object("stirot_config_enc0.obk").payload());
    let error = OemirotConfig::try_from(&Object::from_obk(&object("stirot_data.obk"))).unwrap_err();
    let expected = KindError::Kind { expected: ObjectKind::OemirotConfig, found: ObjectKind::StirotData };
    assert_eq!(error, expected);
}

#[test]
fn records_read_back() {
    let mut object = Object::new(ObjectKind::OemirotData);
    object.set("image_1_previous_version", &Value::Number(0x0102_0304)).unwrap();
    object.set("image_2_hash", &Value::bytes(&[7; 32])).unwrap();
    let records = OemirotData::try_from(&object).unwrap();
    assert_eq!(
        (records.image_1_previous_version, records.image_2_hash, records.image_1_version),
        (0x0102_0304, [7; 32], 0)
    );
    // OBK_Hdpl1Data: the hash, eight words, four hashes.
    assert_eq!(object.payload()[44..48], [4, 3, 2, 1]);
    assert_eq!(object.payload()[128..160], [7; 32]);
    let as_oemurot = OemurotData::try_from(&object).unwrap_err();
    assert!(matches!(as_oemurot, KindError::Kind { .. }));
}

#[test]
fn objects_of_zeros_have_the_fingerprints_that_st_published() {
    for (kind, encrypt, size, fingerprint) in [
        (ObjectKind::OemirotData, false, 204, "58cc08d4ab62f378f3cd93fadc04fec5135593116abee8cc1afe06f22c478681"),
        (ObjectKind::StirotData, true, 108, "719c56928b8b205b5a9099f272a77ddd4eb001675844b7546e5dc9d3153c4aa6"),
        (ObjectKind::OemurotData, false, 204, "f8b72fa4cf806b75b48deb20a4b09128bb43ec1aa903c0ed4383a6a36e7bdbb1"),
    ] {
        let file = Object::new(kind).to_obk(0, encrypt).unwrap().to_bytes();
        assert_eq!((file.len(), hex(&sha256(&file)).as_str()), (size, fingerprint));
    }
}

#[test]
fn tables_cover_every_byte_once() {
    for kind in ObjectKind::ALL {
        let layout = kind.layout();
        assert_eq!(layout.kind, kind);
        let mut at = 0;
        for field in layout.fields {
            assert_eq!(field.offset, at, "{kind} {}", field.name);
            at += field.length;
            assert_eq!(field.length == 0, field.encoding == Encoding::Rest, "{kind} {}", field.name);
            if let Encoding::Fixed(bytes) = field.encoding {
                assert_eq!(bytes.len(), field.length, "{kind} {}", field.name);
            }
            let due = match field.encoding {
                Encoding::PublicKey => SPKI_BYTES,
                Encoding::PrivateKey => MINIMAL_BYTES,
                Encoding::Permissions => 16,
                Encoding::PrivateScalar
                | Encoding::Digest { .. }
                | Encoding::RootKeyHash
                | Encoding::PublicKeyHash
                | Encoding::PasswordHash => 32,
                _ => field.length,
            };
            assert_eq!(field.length, due, "{kind} {}", field.name);
            assert_eq!(
                layout.fields.iter().filter(|other| other.name == field.name).count(),
                1,
                "{kind} {}",
                field.name
            );
        }
        assert_eq!(layout.size.unwrap_or(at), at, "{kind}");
        assert!(layout.max_size >= at && layout.max_size % 16 == 0, "{kind}");
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
}

#[test]
fn the_documentation_names_every_field() {
    let text = markdown();
    for kind in ObjectKind::ALL {
        assert!(text.contains(&format!("(`{kind}`)")));
        for field in kind.layout().fields {
            assert!(text.contains(&format!("| `{}` |", field.name)), "{kind} {}", field.name);
        }
    }
    assert!(text.contains("| 0x04c | 4 | `minimal_state` |"));
    assert!(Source::find("CMSIS").is_some());
}

#[test]
fn keys_in_their_forms() {
    let key = key("enc");
    let (public, private) = (key.public_key().to_der(), key.to_minimal());
    assert_eq!(from_spki(&public).unwrap(), key.public_key());
    assert_eq!(PrivateKey::from_minimal(&*private).unwrap().public_key(), key.public_key());
    // The head and tail that mcuboot's imgtool writes.
    assert_eq!(private[..8], [0x30, 0x81, 0x43, 0x02, 0x01, 0x00, 0x30, 0x13]);
    assert_eq!(private[68..], [0xA1, 0x44]);
    assert_eq!(private[36..68], *key.expose_scalar());
    for cut in [0, 1, 69] {
        assert!(PrivateKey::from_minimal(&private[..cut]).is_err() && from_spki(&public[..cut]).is_err());
    }
    assert!(from_spki(&[&public[..], &[0]].concat()).is_err());
    let mut off = public;
    off[90] ^= 1;
    assert_eq!(from_spki(&off).unwrap_err(), provost_adac::key::KeyError::NotOnCurve);
}

#[test]
fn fields_refuse_what_does_not_fit() {
    let mut object = Object::new(ObjectKind::StirotConfig);
    let before = object.clone();
    for (name, value, error) in [
        ("colour", Value::Number(1), FieldError::Unknown),
        ("integrity", Value::bytes(&[0; 32]), FieldError::Derived),
        ("clock", Value::Number(0x100), FieldError::TooLarge { found: 0x100, bytes: 1 }),
        ("authentication_key", Value::bytes(&[0; 90]), FieldError::Length { expected: 91, found: 90 }),
        ("clock", Value::PublicKey(key("enc").public_key()), FieldError::Type { expected: "a number" }),
        ("encryption_key", Value::PublicKey(key("enc").public_key()), FieldError::Type { expected: "a private key" }),
    ] {
        assert_eq!(object.set(name, &value).unwrap_err(), error, "{name}");
    }
    assert!(object == before);
}

#[test]
fn no_vector_is_a_sample_of_st() {
    for (name, kind, _) in DESCRIPTIONS {
        for (_, sample) in samples_in(&object(name)) {
            assert_eq!(sample.risk, SampleRisk::Constant, "{name}: {sample:?}");
            assert!(kind.is_always_plain() || kind == ObjectKind::StirotData, "{name}");
        }
    }
}

#[test]
fn samples_are_found_by_what_is_public_of_them() {
    // STM32CubeH5 DA_ConfigWithPassword.xml, and user_password.bin of NUCLEO-H503RB.
    for password in [&b"0123456789012345"[..], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]] {
        let password = Password::new(password).unwrap();
        let found = sample(&password.to_file()).unwrap();
        assert_eq!(found.risk, SampleRisk::PublicSecret);
        assert_eq!(sample(&password.hash()).is_some(), password.expose().len() == 12, "board_password.bin");
        assert!(credential(&password.hash()).is_some());
    }
    // SHA-256(X ‖ Y) of ST's key_1_root.pem, which stands in every DA_Config.obk of STM32CubeH5.
    let root = crate::unhex("cc05b01317775c865a3f987d1778c12d7e517851a0f42dd92dfa6c1d859b25fe").try_into().unwrap();
    assert_eq!(credential(&root).map(|sample| sample.what), Some("key_1_root.pem"));
    let object = DaObject { kind: CredentialKind::Certificate, hash: root, mask: PermissionMask::STM32H5 };
    // Both with and without encryption this is a published file, byte for byte.
    for encrypt in [false, true] {
        let found = samples_in(&object.to_obk(encrypt).unwrap());
        assert_eq!(found.iter().map(|(field, _)| *field).collect::<Vec<_>>(), [None, Some("root_key")]);
    }
    let own = key("da-root");
    assert!(sample(own.to_pem().unwrap().as_bytes()).is_none() && credential(&own.public_key().root_hash()).is_none());
    assert!(sample(b"").is_none() && sample(&[0; 0x2_0000]).is_none());
}
