//! What is wrong with a description in TOML: code, line, key, remedy.

use provost_obk::config::{self, ConfigRule, MAX_TOML_BYTES};
use provost_obk::files::NoFiles;

use crate::folder;

const STIROT: &str = "kind = 'stirot-config'\npart = 'STM32H573'\nexecution_offset = 0\ndownload_offset = 0x60000\n\
                      firmware_size = 0x20000\nsecure_size = 0x20000\nminimal_state = 'closed'\n\
                      encryption_key = 'enc.pem'\nauthentication_key = 's_pub.pem'\n";

#[test]
fn what_breaks_a_rule_is_named_with_its_line_and_key() {
    let da = "kind = 'da-certificate'\npart = 'STM32H573'\n";
    let pw = "kind = 'da-password'\npart = 'STM32H573'\n";
    let table = [
        ("", "config-kind", 1, "kind"),
        ("part = 'STM32H573'\nkind = 'stirot'", "config-kind", 2, "kind"),
        ("\n\nkind = 7", "config-kind", 3, "kind"),
        ("kind = 'data'\nkind = 'data'", "config-syntax", 2, "file"),
        ("kind = 'data'\n\n[x", "config-syntax", 3, "file"),
        ("schema = 2\nkind = 'oemirot-data'", "config-schema", 1, "schema"),
        ("kind = 'oemirot-data'\nschema = 'x'", "config-schema", 2, "schema"),
        ("kind = 'stirot-data'", "config-encrypt", 1, "kind"),
        ("kind = 'stirot-data'\nencrypt = 1", "config-type", 2, "encrypt"),
        ("kind = 'stirot-data'\nencrypt = false\npart = 'STM32H573'", "config-encrypt", 2, "encrypt"),
        ("kind = 'oemirot-data'\nencrypt = true\npart = 'STM32H573'", "config-encrypt", 2, "encrypt"),
        ("kind = 'stirot-data'\npart = 'STM32F4'", "config-part", 2, "part"),
        ("kind = 'stirot-data'\npart = 573", "config-part", 2, "part"),
        ("kind = 'data'\nencrypt = true\ndata = '00'", "config-destination", 1, "kind"),
        ("kind = 'oemirot-data'\ndestination = 0x0FFD0100", "config-destination", 2, "destination"),
        ("kind = 'oemirot-data'\ndestination = -1", "config-type", 2, "destination"),
        ("kind = 'oemirot-data'\ndestination = 0x1_0000_0000", "config-type", 2, "destination"),
        ("kind = 'data'\nencrypt = true\ndata = '00'\ndestination = 0x0FFD1FF0", "config-object", 4, "destination"),
        ("kind = 'data'\nencrypt = true\ndata = ''\ndestination = 0x0FFD1800", "config-field", 3, "data"),
        (
            "kind = 'data'\nencrypt = true\ndata_file = 'huge.bin'\ndestination = 0x0FFD1800",
            "config-file",
            3,
            "data_file",
        ),
        ("kind = 'oemirot-data'\ncolour = 1", "config-unknown-key", 2, "colour"),
        ("kind = 'oemirot-data'\nintegrity = '00'", "config-derived", 2, "integrity"),
        ("kind = 'oemirot-data'\n[image_0_version]", "config-type", 2, "image_0_version"),
        ("kind = 'oemirot-data'\nimage_0_version = 1.5", "config-type", 2, "image_0_version"),
        ("kind = 'oemirot-data'\nimage_0_version = '0x+5'", "config-type", 2, "image_0_version"),
        ("kind = 'oemirot-data'\nimage_0_version = 0x100000000", "config-field", 2, "image_0_version"),
        (
            "kind = 'oemirot-data'\nimage_0_version = '0x100000000000000000000000000000000'",
            "config-type",
            2,
            "image_0_version",
        ),
        ("kind = 'oemirot-data'\nimage_0_hash = '00'", "config-field", 2, "image_0_hash"),
        ("kind = 'oemirot-data'\nimage_0_hash = '0g'", "config-type", 2, "image_0_hash"),
        ("kind = 'oemirot-data'\nimage_0_hash = '000'", "config-type", 2, "image_0_hash"),
        (da, "config-missing", 1, "kind"),
        (&format!("{da}root_key = 'missing.pem'"), "config-file", 3, "root_key"),
        (&format!("{da}root_key = 'broken.pem'"), "config-key", 3, "root_key"),
        (&format!("{da}root_key = 'latin1.pem'"), "config-key", 3, "root_key"),
        (&format!("{da}root_key = 'data.bin'\nroot_key_hash = '00'"), "config-twice", 4, "root_key_hash"),
        (&format!("{da}root_key_hash = '00'"), "config-field", 3, "root_key_hash"),
        (&format!("{da}root_key = 'root.pem'\npermissions = ['everything']"), "config-choice", 4, "permissions"),
        (&format!("{da}root_key = 'root.pem'\npermissions = [1]"), "config-choice", 4, "permissions"),
        (&format!("{pw}password = 'abc'"), "config-password", 3, "password"),
        (&format!("{pw}password = 1234"), "config-type", 3, "password"),
        (&format!("{pw}password_file = 'data.bin'"), "config-password", 3, "password_file"),
        (&format!("{STIROT}clock = 'fast'"), "config-choice", 10, "clock"),
        (&format!("{STIROT}clock = 256"), "config-field", 10, "clock"),
        (&format!("{STIROT}sram2_ecc = 'on'"), "config-type", 10, "sram2_ecc"),
        (&STIROT.replace("enc.pem", "s_pub.pem"), "config-key", 8, "encryption_key"),
    ];
    for (toml, code, line, key) in table {
        let error = config::build(toml, &folder).unwrap_err();
        assert_eq!((error.code(), error.line, error.key.as_str()), (code, line, key), "{toml}\n{error}");
        assert!(!error.fix().is_empty() && !error.to_string().is_empty());
    }
}

#[test]
fn numbers_are_taken_in_every_form() {
    for number in ["144", "0x90", "0b1001_0000", "0o220", "1_44", "'0x90'"] {
        let toml = format!("kind = 'oemirot-data'\nimage_0_version = {number}");
        let obk = config::build(&toml, &NoFiles).unwrap();
        assert_eq!(obk.payload()[32..36], [0x90, 0, 0, 0], "{number}");
    }
}

#[test]
fn a_mask_may_have_all_its_bits() {
    let toml = format!(
        "kind = 'da-certificate'\nencrypt = false\nroot_key_hash = '{}'\npermissions = '0x80000000000000000000000000004007'",
        "5a".repeat(32)
    );
    let obk = config::build(&toml, &NoFiles).unwrap();
    assert_eq!(obk.payload()[64..80], [0x07, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]);
    assert_eq!(obk.payload()[32..64], [0x5A; 32]);
}

#[test]
fn switches_have_the_numbers_of_st() {
    let toml =
        format!("{STIROT}sram2_erase = false\nsram2_ecc = false\ninternal_tampers = false\nfull_secure = false\n");
    let obk = config::build(&toml, &folder).unwrap();
    let body = &obk.payload()[32..];
    assert_eq!((body[2], body[36], body[40], body[212]), (0, 8, 0x40, 0xC3));
    // A number that is neither is kept: the checks will say so.
    let odd = config::build(&format!("{STIROT}internal_tampers = 0x55"), &folder).unwrap();
    assert_eq!(odd.payload()[32 + 212], 0x55);
}

#[test]
fn large_files_are_refused_unread() {
    let toml = "#".repeat(MAX_TOML_BYTES + 1);
    let error = config::build(&toml, &NoFiles).unwrap_err();
    assert!(matches!(error.rule, ConfigRule::TooLarge { found } if found == MAX_TOML_BYTES + 1));
}

#[test]
fn deep_nesting_is_no_trouble() {
    let toml = format!("kind = {}{}", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(config::build(&toml, &NoFiles).unwrap_err().code(), "config-syntax");
}

#[test]
fn no_secret_in_errors() {
    let toml = "kind = 'da-password'\npart = 'STM32H573'\npassword = 'hunter2hunter2hunter2'";
    let error = config::build(toml, &folder).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn without_files_a_description_that_names_one_is_refused() {
    let toml = "kind = 'da-password'\npart = 'STM32H573'\npassword_file = 'Keys\\password.bin'";
    let error = config::build(toml, &NoFiles).unwrap_err();
    assert_eq!((error.line, error.code()), (3, "config-file"));
    assert!(matches!(error.rule, ConfigRule::File { path, error }
        if path == "Keys/password.bin" && error.kind() == std::io::ErrorKind::NotFound));
}
