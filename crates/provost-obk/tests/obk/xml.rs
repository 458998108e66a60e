//! XML of the form of ST's, and what is wrong with it.

use provost_obk::xml::{self, MAX_XML_BYTES, Product, XmlError, XmlRule};

use crate::{folder, key, object, vector};

fn document(info: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Root xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=\"SCHVerif.xsd\">\n\
         <Obdata>\n<Info>\n<Title>A &amp; B</Title>\n{info}\n</Info>\n{body}\n<Output><Name>Output File</Name>\
         <Value>.\\..\\Binary\\out.obk</Value><Default>out.obk</Default><Tooltip>t</Tooltip></Output>\n</Obdata>\n</Root>\n"
    )
}

fn info(destination: u32, encrypt: u8) -> String {
    format!(
        "<ObDestAddress>{destination:#010x}</ObDestAddress> <DoEncryption>{encrypt}</DoEncryption><GlobalAlign>16</GlobalAlign>\
         <MCU>STM32H533/523</MCU><FlashStart>0x0C000000</FlashStart><FlashSize>0x80000</FlashSize>\
         <FlashSectorSize>0x2000</FlashSectorSize><OBKStart>0xFFD0900</OBKStart><OBKSize>0x2F0</OBKSize>\
         <OBKSectorSize>0x10</OBKSectorSize><AuthOBKStart>0xFFD0900</AuthOBKStart><AuthOBKSize>0x2F0</AuthOBKSize>"
    )
}

fn file(path: &str, align: usize, kind: &str) -> String {
    format!(
        "<File><Name>{path}</Name><Value>{path}</Value><Align>{align}</Align><KeyType>ecdsa-p256</KeyType>{kind}<Hidden>1</Hidden>\
         <Default>x.pem</Default><Tooltip>t</Tooltip></File>\n"
    )
}

fn data(element: &str, value: u64, width: usize) -> String {
    let extra = match element {
        "Bool" => "<True>0x01</True><False>0x00</False><Dependency>Secure</Dependency>",
        "List" => "<Val>0x00,none</Val><Val>0x01,one</Val>",
        _ => "<Slot>start#1</Slot><Slot>size#2</Slot><OBKSlot>start#1</OBKSlot><Reserved>1</Reserved>",
    };
    format!(
        "<{element}><Name>field</Name><Value>{value:#x}</Value><Width>{width}</Width><Hidden>1</Hidden><Default>0x0</Default>\
         {extra}<Tooltip>t</Tooltip></{element}>\n"
    )
}

fn password(text: &str) -> String {
    format!(
        "<Text><Name>Password</Name><Value>{text}</Value><MinWidth>4</MinWidth><Width>16</Width><Default>0</Default></Text>\n"
    )
}

const PERMISSION: &str =
    "<Permission><Name>P</Name> <Value>0x00005077</Value><Width>4</Width><Default>0</Default></Permission>\n";
const PUBLIC: &str = "<Type>Public</Type>";
const PRIVATE: &str = "<Type></Type>";

/// XML that makes a vector, where ST's tool makes such objects from XML alone.
pub(crate) fn kind_xml(name: &str) -> Option<String> {
    let hash = "<Hash>\n</Hash>\n";
    Some(match name {
        "da_cert_enc0.obk" | "da_cert_enc1.obk" => {
            let encrypt = u8::from(name.contains("enc1"));
            let root = file(".\\..\\Keys\\root_pub.pem", 4, PUBLIC);
            document(&info(0x0FFD_0100, encrypt), &format!("{hash}<DA>\n</DA>\n{root}{PERMISSION}"))
        }
        "da_pw4_enc0.obk" => {
            document(&info(0x0FFD_0100, 0), &format!("{hash}<DA/>{}{}", password("abcd"), data("Data", 0, 4)))
        }
        "da_pw12_enc1.obk" => {
            document(&info(0x0FFD_0100, 1), &format!("{hash}<DA/>{}{}", password("password1234"), data("Data", 0, 4)))
        }
        "oemirot_config_enc0.obk" | "oemirot_config_enc1.obk" => {
            let encrypt = u8::from(name.contains("enc1"));
            let keys = [file("./../Keys/s.pem", 4, PUBLIC), file("ns_pub.PEM", 4, PUBLIC), file("enc.pem", 4, PRIVATE)];
            document(&info(0x0FFD_0160, encrypt), &format!("{hash}{}", keys.concat()))
        }
        "stirot_config_enc1.obk" => {
            let bytes = ["List", "List", "Bool", "Bool"].map(|element| data(element, 1, 1)).concat();
            let words = [0, 0x6_0000, 0x2_0000, 0, 0x2F0, 0x5_E000, 0x2000, 0x2_0000, 0, 0, 0x7200];
            let words: String = words.into_iter().map(|word| data("Data", word, 4)).collect();
            let keys = [file("../Keys/enc.pem", 4, PRIVATE), file("s_pub.pem", 4, PUBLIC), data("Bool", 0, 1)].concat();
            document(&info(0x0FFD_0200, 1), &format!("{hash}{bytes}{words}{keys}"))
        }
        "sm_config_other" => {
            let pads = |count| data("Data", 0, 8).repeat(count);
            let bytes = [data("Data", 0, 1), data("List", 0, 1), data("Data", 0, 1), data("Bool", 0, 1)].concat();
            let body = format!("{hash}{bytes}{}{}{}", pads(5), data("List", 0x7200, 4), pads(22));
            document(&info(0x0FFD_0200, 1), &body)
        }
        "hashed_data" => document(
            &info(0x0FFD_0C00, 0),
            &format!("{hash}{}{}", data("Data", 0x0706_0504_0302_0100, 8), data("Data", 0x0F0E_0D0C_0B0A_0908, 8)),
        ),
        "data" => document(&info(0x0FFD_1800, 0), &file("data.bin", 1, "<Type/>")),
        // GlobalAlign 64 in ST's kit; the same here.
        "sm_config_general" => {
            let bytes = [0xCE, 1, 0, 3, 7, 0x42, 10, 0x43, 4, 4, 0x20].map(|byte| data("Data", byte, 1)).concat();
            let words = [data("Data", 0, 3), data("Data", 0x3005_0000, 4), data("List", 0x3007_0FFF, 4)].concat();
            let modules =
                [data("Data", 1, 1), data("Data", 0, 3), data("Data", 0x10_8037, 3), data("Data", 0, 1).repeat(21)]
                    .concat();
            let areas = [0x40, 0x90, 0x30, 0x70, 8, 0xC8, 2, 0xCB, 5, 0, 0].map(|byte| data("Data", byte, 1)).concat();
            let info = info(0x0FFD_0A80, 1).replace("<GlobalAlign>16<", "<GlobalAlign>64<");
            document(&info, &format!("{hash}{bytes}{words}{modules}{areas}"))
        }
        _ => return None,
    })
}

fn build(xml: &str) -> Result<xml::Built, XmlError> {
    xml::build(xml.as_bytes(), &folder)
}

#[test]
fn title_and_output_come_along() {
    let built = build(&kind_xml("da_cert_enc1.obk").unwrap()).unwrap();
    assert_eq!(built.title.as_deref(), Some("A & B"));
    assert_eq!(built.output.as_deref(), Some("./../Binary/out.obk"));
    assert_eq!(built.product, Product::Object(object("da_cert_enc1.obk")));
}

#[test]
fn without_an_address_there_is_no_header() {
    // The first step of STiROT_OEMuROT: the body of OEMuRoT_Config, no padding anywhere.
    let keys = [file("s.pem", 1, PUBLIC), file("ns_pub.PEM", 1, PUBLIC), file("enc.pem", 1, PRIVATE)].concat();
    let built = build(&document("<GlobalAlign>1</GlobalAlign>", &keys)).unwrap();
    assert_eq!(*built.product.to_bytes(), vector("oemurot_config")[12 + 32..12 + 284]);
    assert!(matches!(built.product, Product::Bare(_)));
    // The first step of the Secure Manager kit: a raw number, the hash of a key, padding to 80.
    let keys =
        [file("enc.pem", 1, "<Type>Private_Raw</Type>"), file("s.pem", 1, "<Hash></Hash><Type>Public</Type>")].concat();
    let built = build(&document("<GlobalAlign>80</GlobalAlign>", &keys)).unwrap();
    assert_eq!(*built.product.to_bytes(), vector("sm_config_keys")[12 + 32..12 + 112]);
}

#[test]
fn images_are_wrapped_as_they_are() {
    // The last step of both: the image, and for the kit three words of padding.
    let body = file("../Keys/image.bin", 4, PRIVATE);
    let built = build(&document(&info(0x0FFD_0900, 1), &body)).unwrap();
    assert_eq!(*built.product.to_bytes(), vector("stirot_user_data"));
}

#[test]
fn a_password_and_a_reserved_word() {
    // Older XML of ST's has 0x5077 there.
    let xml = document(&info(0x0FFD_0100, 0), &format!("<Hash/><DA/>{}{}", password("abcd"), data("Data", 0x5077, 4)));
    let Product::Object(obk) = build(&xml).unwrap().product else { panic!("no header") };
    assert_eq!(obk.payload()[64..68], [0x77, 0x50, 0, 0]);
    assert_eq!(obk.payload()[32..64], object("da_pw4_enc0.obk").payload()[32..64]);
}

fn code(xml: &str) -> (&'static str, u32) {
    let error = build(xml).unwrap_err();
    assert!(!error.fix().is_empty() && !error.to_string().contains("abcd"), "{error}");
    (error.code(), error.line)
}

#[test]
fn what_breaks_a_rule_is_named_with_its_line() {
    let good = info(0x0FFD_1800, 0);
    let one = data("Data", 1, 4);
    let table = [
        ("<Root>".to_owned(), "xml-syntax", 1),
        ("<Wrong/>".to_owned(), "xml-wrong-root", 1),
        ("<Root/>".to_owned(), "xml-wrong-root", 1),
        ("<Root>\n<McubootFormat/></Root>".to_owned(), "xml-wrong-root", 2),
        ("<Root><Obdata/>\n<Obdata/></Root>".to_owned(), "xml-wrong-root", 1),
        ("<Root>\n\n<Obdata/></Root>".to_owned(), "xml-missing", 3),
        (document(&good, &format!("{one}<Colour/>")), "xml-unknown-element", 9),
        (document(&good, "<Hash/>\n<Hash/>"), "xml-repeated", 9),
        (document(&good, "<Data><Value>1</Value><Value>2</Value><Width>1</Width></Data>"), "xml-repeated", 8),
        (document(&good, "<Data><Value>1</Value><Colour/><Width>1</Width></Data>"), "xml-unknown-element", 8),
        (document(&good, "<Data><Value>1</Value></Data>"), "xml-missing", 8),
        (document(&good, "<Data><Value>1<!-- 2 -->3</Value><Width>1</Width></Data>"), "xml-missing", 8),
        (document(&good, "<Data><Value>+1</Value><Width>1</Width></Data>"), "xml-not-a-number", 8),
        (document(&good, "<Data><Value>0x+1</Value><Width>1</Width></Data>"), "xml-not-a-number", 8),
        (document(&good, "<Data><Value>0x</Value><Width>1</Width></Data>"), "xml-not-a-number", 8),
        (document(&good, "<Data><Value>0x100</Value><Width>1</Width></Data>"), "xml-out-of-range", 8),
        (document(&good, "<Data><Value>1</Value>\n<Width>17</Width></Data>"), "xml-out-of-range", 9),
        (document(&good, "<Data><Value>1</Value><Width>0</Width></Data>"), "xml-out-of-range", 8),
        (document(&good, PERMISSION), "xml-outside-da", 8),
        (document(&good, &password("abcd")), "xml-outside-da", 8),
        (document(&good, &format!("<DA/>{}", password("abc"))), "xml-password", 8),
        (document(&good, &format!("<DA/>{}", password("abcdefghijklmnopq"))), "xml-password", 8),
        (document(&good, &format!("<DA/>{}", password("äöüß"))), "xml-password", 8),
        (document(&good, &format!("<DA/>{}", password(" four "))), "xml-password", 8),
        (document(&good, &format!("\n<DA/>{}", data("Data", 0, 16).repeat(5))), "xml-body-too-long", 9),
        (document(&good, &file("missing.pem", 4, PUBLIC)), "xml-file", 8),
        (document(&good, &file("huge.bin", 4, PRIVATE)), "xml-file", 8),
        (document(&good, &file("broken.pem", 4, PUBLIC)), "xml-key", 8),
        (document(&good, &file("latin1.pem", 4, PUBLIC)), "xml-key", 8),
        (document(&good, &file("s_pub.pem", 4, PRIVATE)), "xml-key", 8),
        (document(&good, &file("s_pub.pem", 4, "<Type>Secret</Type>")), "xml-word", 8),
        (document(&good, &file("s_pub.pem", 4, PUBLIC).replace("ecdsa-p256", "rsa")), "xml-word", 8),
        (document(&good, &file("s_pub.pem", 0, PUBLIC)), "xml-out-of-range", 8),
        (document(&good, &file("data.bin", 0x2000, PRIVATE).repeat(2)), "xml-body-too-long", 9),
        (document(&good.replace("<DoEncryption>0<", "<DoEncryption>2<"), &one), "xml-out-of-range", 6),
        (document(&good.replace("<GlobalAlign>16</GlobalAlign>", ""), &one), "xml-missing", 4),
        // An object of an STM32H7RS, whose header holds an identifier.
        (document(&info(0x0051_0008, 0), &one), "xml-object", 3),
        (document(&good, ""), "xml-object", 3),
    ];
    for (xml, expected, line) in table {
        assert_eq!(code(&xml), (expected, line), "{xml}");
    }
}

#[test]
fn the_element_is_named_by_its_path() {
    let error =
        build(&document(&info(0x0FFD_1800, 0), "<Data><Name>Clock</Name><Value>x</Value><Width>1</Width></Data>"));
    assert_eq!(
        error.unwrap_err().to_string(),
        "line 8, Obdata/Data \"Clock\"/Value: \"x\" is not a number such as 0x1F or 31"
    );
}

#[test]
fn bombs_are_refused_unread() {
    let bomb =
        "<?xml version=\"1.0\"?>\n<!DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n<Root>&b;</Root>";
    assert_eq!(code(bomb).0, "xml-syntax");
    let external = "<!DOCTYPE r SYSTEM \"file:///etc/passwd\"><Root/>";
    assert_eq!(code(external).0, "xml-syntax");
    let deep = format!("{}{}", "<a>".repeat(30_000), "</a>".repeat(30_000));
    assert_eq!(code(&deep), ("xml-wrong-root", 1));
    let wide = format!("<Root>{}</Root>", "<a/>".repeat(60_000));
    assert_eq!(code(&wide).0, "xml-syntax");
    let long = " ".repeat(MAX_XML_BYTES + 1);
    assert!(matches!(build(&long).unwrap_err().rule, XmlRule::TooLarge { found } if found == MAX_XML_BYTES + 1));
    let error = xml::build(b"<Root>\xFF</Root>", &folder).unwrap_err();
    assert!(matches!(error.rule, XmlRule::NotUtf8 { offset: 6 }));
}

#[test]
fn no_secret_in_debug_or_errors() {
    let built = build(&kind_xml("oemirot_config_enc1.obk").unwrap()).unwrap();
    let scalar = key("enc").expose_scalar();
    let text = format!("{built:?}");
    assert!(!text.contains(&format!("{:?}", &scalar[..4])[1..10]), "{text}");
    let error =
        build(&document(&info(0x0FFD_0100, 0), &format!("<DA/>{}", password("hunter2hunter2hunter2")))).unwrap_err();
    assert!(!error.to_string().contains("hunter2") && !format!("{error:?}").contains("hunter2"));
}
