//! The README of a new set: what each file is, what must not get lost, how to use it.

use std::fmt::Write as _;

use provost_chip::{parts::DaStore, states::DaMethod};

use super::{
    CERTIFICATE_OBJECT, CHAINS, CredentialSet, H503_OTP, H503_PASSWORD, KEYS, LEAF_CHAIN, LEAF_KEY, PASSWORD,
    PASSWORD_OBJECT, Protection, Recipe, public_name,
};

/// Beside a set that was made for a chip whose part may be any of several, and that goes in at once.
pub(super) const MADE_FOR_A_CHIP: &str = "\
# The key to one chip

Keys and a password, made for a chip at the moment they were needed. `provost credential check .` says what is here.

- As long as the chip is not Open again, nothing else opens it: keep this folder, and keep it out of version control.
- A full regression erases the credential from the chip; then the folder is of no further use. **Not so on an STM32H503**: the hash of
  the password stays in its OTP for the chip's life, and no other password will ever open that chip. Keep the folder as long as the
  chip is used.
- Back to Open, erased: `provost auth regress --credential .`
";

/// The text. Nothing secret is in it.
pub(super) fn text(recipe: &Recipe, set: &CredentialSet) -> String {
    let mut text = String::new();
    let info = recipe.part.info();
    let otp = info.da_store == DaStore::Otp;
    let _ = writeln!(text, "# Debug Authentication by {} for {}\n", recipe.method, recipe.part);
    text.push_str(
        "With these files, and with nothing else, a closed chip can be opened again (a full regression erases it).\n\
         Keep a copy where the board is not, and keep the secret ones to yourself.\n\n",
    );
    text.push_str("| file | what it is | secret |\n|---|---|---|\n");
    for (file, what, secret) in files(recipe) {
        let _ = writeln!(text, "| `{file}` | {what} | {} |", if secret { "**yes**" } else { "no" });
    }
    if let Protection::Passphrase(_) = recipe.chain.protection {
        text.push_str("\nThe private keys are encrypted (PKCS #8). Without the passphrase they are lost.\n");
    }
    if let Some(fingerprint) = set.fingerprint() {
        let _ = writeln!(text, "\nSHA-256 of the root key, as the object holds it: `{fingerprint}`");
    }
    text.push_str("\n## Before it goes into a chip\n\n");
    match recipe.method {
        DaMethod::Certificate => text.push_str("- TrustZone must be on (TZEN = 0xB4). With TrustZone off a certificate object locks its owner out.\n"),
        DaMethod::Password if otp => text.push_str(
            "- The STM32H503 keeps the hash of the password in OTP: written once, locked, the same for the chip's whole life.\n",
        ),
        DaMethod::Password => text.push_str("- TrustZone must be off (TZEN = 0xC3). With TrustZone on a password object locks its owner out.\n"),
    }
    if !otp {
        let flag = if info.crypto { "1: this part has secure AES" } else { "0: this part has no secure AES" };
        let _ = writeln!(text, "- The object's encryption flag is {flag}. It does not fit the other kind of part.");
    }
    text.push_str("- `provost credential check .` proves that the files belong together; with `--probe` also that they fit the chip.\n");
    text.push_str("\n## With provost\n\n```sh\n");
    let object = match recipe.method {
        DaMethod::Certificate => CERTIFICATE_OBJECT,
        DaMethod::Password => PASSWORD_OBJECT,
    };
    let _ = match otp {
        true => writeln!(text, "provost obk write {PASSWORD} --once-for-life   # in Provisioning"),
        false => writeln!(text, "provost obk write {object} --part {}   # in Provisioning", recipe.part),
    };
    text.push_str("provost auth regress --credential .   # erases the chip and opens it\n```\n");
    text.push_str("\n## With STM32CubeProgrammer\n\n```sh\n");
    if !otp {
        let _ = writeln!(text, "STM32_Programmer_CLI -c port=SWD speed=fast ap=1 mode=Hotplug -sdp {object}");
    }
    let _ = match recipe.method {
        DaMethod::Certificate => {
            writeln!(text, "STM32_Programmer_CLI -c port=SWD per=a key={LEAF_KEY} cert={LEAF_CHAIN} debugauth=1")
        }
        DaMethod::Password if otp => writeln!(text, "STM32_Programmer_CLI -c port=SWD pwd={H503_PASSWORD} debugauth=1"),
        DaMethod::Password => writeln!(text, "STM32_Programmer_CLI -c port=SWD pwd={PASSWORD} debugauth=1"),
    };
    text.push_str("```\n");
    text
}

fn files(recipe: &Recipe) -> Vec<(String, &'static str, bool)> {
    let given = &recipe.chain.keys;
    let otp = recipe.part.info().da_store == DaStore::Otp;
    let mut files = Vec::new();
    match recipe.method {
        DaMethod::Certificate => {
            let what =
                ["signs certificates; needed again only for new ones", "signs leaf certificates", "signs tokens"];
            let held = [&given.root, &given.intermediate, &given.leaf];
            for ((name, what), held) in KEYS.into_iter().zip(what).zip(held) {
                if held.is_none() {
                    files.push((name.to_owned(), what, true));
                }
                files.push((public_name(name), "its public key", false));
            }
            for (name, what) in CHAINS.into_iter().zip([
                "the root certificate",
                "root and intermediate certificate",
                "the whole chain, as it is sent to the chip",
            ]) {
                files.push((name.to_owned(), what, false));
            }
            files.push((
                CERTIFICATE_OBJECT.to_owned(),
                "the object to provision: hash of the root key, permissions",
                false,
            ));
        }
        DaMethod::Password => {
            files.push((PASSWORD.to_owned(), "the password, as it is sent to the chip", true));
            if otp {
                files.push((H503_PASSWORD.to_owned(), "the same under the name of ST's scripts", true));
                files.push((H503_OTP.to_owned(), "its hash, as it goes into OTP", true));
            } else {
                files.push((PASSWORD_OBJECT.to_owned(), "the object to provision: hash of the password", true));
            }
        }
    }
    files
}
