//! Descriptions of the shape of ST's (STM32CubeH5 v1.7.0, `ROT_Provisioning/*/Image*/*.xml`): what they ask for is what the profile of the
//! image says, and the image that comes of them is taken.

use std::io;

use provost_adac::key::Signer as _;
use provost_image::description::{self, Description, DescriptionError};
use provost_image::{Content, Image, Padding, SignOptions, Verification, sign, verify};
use zeroize::Zeroizing;

use crate::{body, key, profile};

/// A parameter: name, link, value, option.
type Param<'a> = (&'a str, Option<&'a str>, &'a str, &'a str);

pub(crate) fn xml(params: &[Param<'_>]) -> String {
    let params = params.iter().map(|(name, link, value, command)| {
        let link = link.map_or_else(String::new, |rule| format!("<Link>{rule}</Link>"));
        let command = if command.is_empty() { String::new() } else { format!("<Command>{command}</Command>") };
        let kind = if command.is_empty() { "File" } else { "Data" };
        format!(
            "<Param><Name>{name}</Name>{link}<Type>{kind}</Type>{command}<Hidden>1</Hidden><Default>{value}</Default></Param>\n"
        )
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Root>\n<McubootFormat>\n<GlobalParam><Command>sign</Command>\
         <Title>t</Title><LinkedXML>./../Config/Config.xml</LinkedXML></GlobalParam>\n{}\
         <Output><Name>Image output file</Name><Value>.\\..\\Binary\\out.hex</Value></Output>\n</McubootFormat>\n</Root>\n",
        params.collect::<String>()
    )
}

const LINKED: &str = "<Root><Obdata>\
    <File><Name>Authentication key</Name><Value>../Keys/authentication.pem</Value></File>\
    <File><Name>Authentication non secure key</Name><Value>..\\Keys\\authentication.pem</Value></File>\
    <File><Name>Encryption key</Name><Value>../Keys/encryption.pem</Value></File>\
    <Data><Name>Firmware area size</Name><Value>0x2000</Value></Data>\
    <Data><Name>Firmware download area offset</Name><Value>0x60000</Value></Data>\
    </Obdata></Root>";

fn read(text: &str) -> Result<Description, DescriptionError> {
    description::read(text.as_bytes(), &|path: &str| {
        let pem = |role| Ok(Zeroizing::new(key(role).to_pem().unwrap().as_bytes().to_vec()));
        match path {
            "./../Config/Config.xml" => Ok(Zeroizing::new(LINKED.as_bytes().to_vec())),
            "./../Config/../Keys/authentication.pem" => pem("authentication"),
            "./../Config/../Keys/encryption.pem" => pem("encryption"),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    })
}

fn common(magic: &'static str, header: &'static str) -> Vec<Param<'static>> {
    vec![
        ("Encryption key", Some("GetPublic"), "", "-E"),
        ("Image magic", None, magic, "-ma"),
        ("Endianness", None, "little", "-e"),
        ("Padding", None, "", "--pad"),
        ("Firmware area size", Some(""), "", "-S"),
        ("Header Size", None, header, "-H"),
        ("Padding Header", None, "", "--pad-header"),
        ("Version", None, "1.2.3", "-v"),
        ("Security Counter", None, "auto", "-s"),
        ("Align", None, "16", "--align"),
        ("Firmware binary input file", None, "..\\Binary\\app.bin", ""),
    ]
}

pub(crate) fn stirot_update() -> String {
    let mut params = common("0x73ab1024", "0x400");
    params.push(("Authentication key", Some(""), "", "-k"));
    params.push(("Write Option", None, "", "--overwrite-only"));
    params.push(("Firmware download area offset", Some("+0x8000000"), "", "-x"));
    xml(&params)
}

pub(crate) fn oem_install() -> String {
    let mut params = common("0x96f3b83d", "0x400");
    params.push(("Authentication non secure key", Some(""), "", "-k"));
    params.push(("Clear", None, "", "-c"));
    params.push(("Confirm", None, "", "--confirm"));
    params.push(("Number of scratch sectors", None, "0", "-M"));
    params.push(("Firmware execution area offset", None, "0x801E000", "-x"));
    xml(&params)
}

/// Signed as asked, and taken by what reads it.
pub(crate) fn made(found: &Description) -> Vec<u8> {
    let signer = found.key.as_ref().map(|key| key as &dyn provost_adac::key::Signer);
    sign(&body(500), &found.options, signer).unwrap()
}

#[test]
fn an_update_for_stirot() {
    let found = read(&stirot_update()).unwrap();
    assert_eq!((found.input.as_str(), found.output.as_deref()), ("../Binary/app.bin", Some("./../Binary/out.hex")));
    assert_eq!(found.address, Some(0x0806_0000));
    let mut wanted = SignOptions::update(profile("stirot-code"), "1.2.3".parse().unwrap());
    wanted.encrypt_for = Some(key("encryption").public_key());
    wanted.slot_size = Some(0x2000);
    assert_eq!(format!("{:?}", found.options), format!("{wanted:?}"));
    let bytes = made(&found);
    assert_eq!(bytes.len(), 0x2000);
    let (trusted, decryption) = ([key("authentication").public_key()], key("encryption"));
    let against = Verification::of(profile("stirot-code")).trust(&trusted).decrypt_with(&decryption).slot_size(0x2000);
    let image = Image::parse(&bytes).unwrap();
    let taken = verify(&image, &against).unwrap();
    assert_eq!((taken.content, &taken.body()[..500]), (Content::Encrypted, &body(500)[..]));
}

#[test]
fn a_first_image_for_an_oem_s_root_of_trust() {
    let found = read(&oem_install()).unwrap();
    assert_eq!((found.options.profile.name, found.address), ("oemirot-non-secure-code", Some(0x0801_E000)));
    assert_eq!((found.options.padding, found.options.clear), (Padding::Confirmed, true));
    let bytes = made(&found);
    let trusted = [key("authentication").public_key()];
    let image = Image::parse(&bytes).unwrap();
    let against = Verification::of(found.options.profile).trust(&trusted).slot_size(0x2000);
    assert_eq!(verify(&image, &against).unwrap().content, Content::Clear);
}

#[test]
fn a_parameter_that_is_switched_off_is_none() {
    let with = |enable: &str| {
        let text = stirot_update();
        let dependency = format!(
            "<Param><Name>Dependency</Name><Value>1,1.0.0</Value><Type>Dependency</Type><Command>-d</Command><Enable>{enable}</Enable></Param>"
        );
        read(&text.replace("<Output>", &format!("{dependency}<Output>"))).unwrap().options.dependencies.len()
    };
    assert_eq!((with("0"), with("1")), (0, 1));
}

#[test]
fn what_is_wrong_is_said_with_the_name_of_the_parameter() {
    let text = stirot_update();
    for (from, to, says) in [
        ("<Command>sign</Command>", "<Command>resign</Command>", "GlobalParam: the command sign is due"),
        ("0x73ab1024", "0x73ab1025", "-ma: no image is known"),
        ("0x73ab1024", "0xg", "Image magic: a number"),
        ("--align", "--frobnicate", "Align: --frobnicate 16 is not an option"),
        ("<Name>Encryption key", "<Name>Encryption kez", "Encryption kez: the linked XML has no value"),
        ("Config.xml", "Konfig.xml", "./../Config/Konfig.xml: "),
        ("1.2.3", "1.2.x", "Version: "),
        ("<McubootFormat>", "<!DOCTYPE a><McubootFormat>", "the description: "),
        ("+0x8000000", "+0xFFFFFFFF", "Firmware download area offset: the sum"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = read(&text.replace(from, to)).unwrap_err();
        assert_eq!(error.code(), "image-description");
        assert!(error.to_string().starts_with(says), "{error}");
    }
    assert!(description::is_one(text.as_bytes()) && !description::is_one(LINKED.as_bytes()));
}

/// Whatever is cut off or turned round in a description, there is an answer.
#[test]
fn no_description_panics() {
    let text = oem_install();
    for at in (0..text.len()).step_by(7) {
        let _ = read(&text[..at]);
        let mut turned = text.clone().into_bytes();
        turned[at] ^= 0x15;
        let _ = description::read(&turned, &|_: &str| Err(io::ErrorKind::NotFound.into()));
    }
}

/// The description of an image for MCUboot's magic, read.
pub(crate) fn for_imgtool() -> Description {
    read(&oem_install()).unwrap()
}
