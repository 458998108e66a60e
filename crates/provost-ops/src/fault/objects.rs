//! What the errors of objects, of their descriptions and of images mean to a person, as far as the code alone tells; what was measured
//! makes the better advice, and stands at the value.

use provost_obk::checks::Check;

use super::{Exit, Row, table};

table! {
    "obk-header" | "obk-length" | "obk-encryption-flag" => Refused {
        causes: ["the file is cut off, or no .obk file of an STM32H5"],
        next: ["build it again: `provost obk build FILE`; the message names the byte and the rule; nothing was written"],
    }
    "obk-alignment" | "obk-destination" | "obk-range-end" => Refused {
        causes: ["the destination is none of the STM32H5's storage for objects, 0x0FFD0000 to 0x0FFD1FEF"],
        next: ["build it for a place where it fits: `provost obk build FILE`; nothing was written"],
    }
    "obk-size" => Refused {
        causes: ["the payload is no multiple of 16 bytes"],
        next: ["pad it with zeros (GlobalAlign in ST's XML) and build it again; nothing was written"],
    }
    "config-too-large" | "config-syntax" | "config-schema" | "config-kind" | "config-encrypt" | "config-part" | "config-destination"
        | "config-unknown-key" | "config-derived" | "config-missing" | "config-twice" | "config-type" | "config-choice" | "config-field"
        | "config-password" | "config-object" => Refused {
        causes: ["the description has a key or a value that does not belong there, or lacks one"],
        next: ["correct the line that the message names; nothing was written"],
    }
    "config-file" | "config-key" | "xml-file" | "xml-key" => Refused {
        causes: ["the description names a file that is not there, or is none of its kind"],
        next: ["correct the path, which counts from the folder of the description; nothing was written"],
    }
    "xml-too-large" | "xml-not-utf8" | "xml-syntax" | "xml-wrong-root" | "xml-unknown-element" | "xml-repeated" | "xml-missing"
        | "xml-not-a-number" | "xml-out-of-range" | "xml-word" | "xml-outside-da" | "xml-body-too-long" | "xml-password" | "xml-object" | "image-description" => Refused {
        causes: ["the XML has an element or a value that does not belong there, or lacks one"],
        next: ["correct the line that the message names, or take the XML as ST ships it; nothing was written"],
    }
    "image-no-header" | "image-magic" | "image-header-size" | "image-body-too-long" | "image-protected-size" | "image-tlv-magic"
        | "image-tlv-area" | "image-tlv-overrun" | "image-version" | "image-dependency" => Refused {
        causes: ["the file is damaged, or no signed image"],
        next: ["take it from its source again, or sign the plain binary anew; nothing was written"],
    }
    "image-no-room" | "image-empty" | "image-too-long" | "image-too-many-tlvs" | "image-align" | "image-no-slot-size"
        | "image-slot-too-small" | "image-no-signer" | "image-not-signed" | "image-no-security-counter" | "image-clear-without-key"
        | "image-clear-in-one-slot" => Refused {
        causes: ["what was asked for is no image that the boot loader of this profile takes"],
        next: ["the message names what is missing or too much; nothing was written"],
    }
    "image-bad-signer" | "image-short-signature" => Failed {
        causes: ["the key holder's signature is of no use here"],
        next: ["sign once more; if it stays so, use another key holder; nothing was written"],
    }
    "image-wrong-kind" | "image-wrong-header-size" | "image-primary-only" | "image-tlv-missing" | "image-tlv-length" | "image-tlv-place"
        | "image-tlv-unexpected" | "image-signature-form" | "image-rest-not-erased" => Refused {
        causes: ["the image was signed for another profile, or by a tool that does it otherwise"],
        next: ["check it with the profile it was signed for, or sign the plain binary anew; nothing was written"],
    }
    "image-needs-key" | "image-decryption" | "image-no-trusted-key" | "image-unknown-key" => Refused {
        causes: ["the key that the image was signed or encrypted with is not the one that was given"],
        next: ["give the keys that the chip is provisioned with; nothing was written"],
    }
    "image-hash" | "image-signature" => Refused {
        causes: ["the image was changed after it was signed"],
        next: ["take it from its source again; nothing was written"],
    }
}

/// What to do about each finding, in the order of [`Check::ALL`].
static FIXES: [&str; Check::ALL.len()] = {
    let mut fixes = [""; Check::ALL.len()];
    let mut at = 0;
    while at < fixes.len() {
        fixes[at] = Check::ALL[at].fix();
        at += 1;
    }
    fixes
};

/// One row per check that is made before an object is written.
pub(super) static CHECKS: [Row; Check::ALL.len()] = {
    let mut checks = [super::UNFORESEEN; Check::ALL.len()];
    let mut at = 0;
    while at < checks.len() {
        checks[at].code = Check::ALL[at].code();
        checks[at].exit = Exit::Refused;
        checks[at].causes = &["a check before the write found something that does harm in this chip"];
        checks[at].next = std::slice::from_ref(&FIXES[at]);
        at += 1;
    }
    checks
};
