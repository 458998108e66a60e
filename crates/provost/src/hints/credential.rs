//! Hints about credentials and the files they are made of.

use super::{Hint, hint};

pub(super) const HINTS: &[Hint] = &[
    hint(
        "credential-file",
        &["the folder is wrong, a file is missing or cannot be read"],
        &[
            "point --credential at the folder with key_3_leaf.pem and cert_leaf_chain.b64, or password.bin; nothing was written",
        ],
    ),
    hint(
        "credential-key",
        &["the file is no P-256 private key", "it is encrypted, and the passphrase is missing or wrong"],
        &["use a PKCS#8 or SEC1 file, and --passphrase-file if it is encrypted; nothing was written"],
    ),
    hint(
        "credential-chain",
        &["the file is no certificate chain in ST's base64 form"],
        &["use cert_leaf_chain.b64 as the tools made it; nothing was written"],
    ),
    hint(
        "credential-password",
        &["a password has 4 to 16 bytes"],
        &["give the password that was provisioned; nothing was written"],
    ),
    hint(
        "credential-root-mismatch",
        &["chain and object come from different sets"],
        &["use files of one set; nothing was written"],
    ),
    hint(
        "credential-useless",
        &["the key is not that of the last certificate, a signature is wrong, or Full Regression is withheld"],
        &["use files of one set; nothing was written"],
    ),
    hint(
        "credential-no-certificates",
        &["the STM32H503 has no TrustZone, and only chips with TrustZone on take certificates"],
        &["make a password: --method password"],
    ),
    hint(
        "part-needed",
        &["several parts share a DEV_ID, and what fits one of them can lock the other for ever"],
        &["read it on the package and say it with --part, such as --part STM32H533RE; nothing was written"],
    ),
    hint(
        "credential-permission",
        &["a misspelt permission"],
        &["bit numbers are shortest: 14 is Full Regression; nothing was written"],
    ),
    hint("credential-field", &["a misspelt value"], &["correct it; nothing was written"]),
    hint(
        "secret-needed",
        &["a key file is encrypted or a token wants its PIN, and there is no terminal to ask at"],
        &[
            "put it into a file that only you can read and name that, or set the environment variable; nothing was written",
        ],
    ),
    hint(
        "credential-passphrase",
        &["an empty passphrase, or a slip of the finger"],
        &["run the same command again; nothing was written"],
    ),
    hint(
        "pkcs11-module",
        &[
            "the path is not that of a PKCS #11 library",
            "the library's own configuration is not found (SOFTHSM2_CONF and the like)",
        ],
        &["give the library's full path, such as /usr/lib/softhsm/libsofthsm2.so; nothing was written"],
    ),
    hint(
        "pkcs11-no-token",
        &["the token is not plugged in", "its label is another one"],
        &["the message lists the tokens that are there; name one with --token-label; nothing was written"],
    ),
    hint(
        "pkcs11-ambiguous-token",
        &["several tokens have this label, or none was named"],
        &["name one with --token-label, or take the others out; nothing was written"],
    ),
    hint(
        "pkcs11-wrong-pin",
        &["a slip of the finger, or the PIN of another token"],
        &["give the right one: a token locks itself after a few wrong ones; nothing was written"],
    ),
    hint(
        "pkcs11-no-key",
        &["the key has another label, or is none of P-256"],
        &["the message lists the keys that are there; name one with --key-label; nothing was written"],
    ),
    hint(
        "pkcs11-call",
        &["the token does not allow what was asked, or has stopped working"],
        &["look at it with its own tool (`pkcs11-tool --module MODULE -O`); nothing was written"],
    ),
    hint(
        "credential-wrong-signature",
        &[
            "another key signed, or another file was signed",
            "the tool hashed with something else than SHA-256, or hashed a hash",
        ],
        &[
            "sign the whole file with `openssl dgst -sha256 -sign KEY.pem`, and name the public key of that key; nothing was written",
        ],
    ),
    hint(
        "credential-malformed",
        &["the file is cut short, was edited, or is another kind of file than it looks"],
        &["make or fetch it again; the message names the byte and the rule"],
    ),
    hint(
        "file-unknown",
        &["the file is none of Debug Authentication and provisioning"],
        &["name a key, certificate, chain, token, password.bin, .obk object or image"],
    ),
    hint(
        "credential-sample",
        &["the files come from ST's examples, whose private keys are published"],
        &["make your own: `provost credential new`; on a bench --allow-sample-keys lets them pass"],
    ),
    hint(
        "credential-not-for-otp",
        &["one password in 4,096 has such a hash: after an interruption nobody could tell whether it was written"],
        &["choose another password, or none: `provost credential new` makes one that fits; nothing was written"],
    ),
    hint(
        "credential-not-signed",
        &["whoever holds the key was not fast enough"],
        &[
            "run the same command again, with a longer --wait: the chip makes a new challenge, which needs a new signature",
        ],
    ),
    hint(
        "file-exists",
        &["a file of that name is there"],
        &["choose another name, or say --force to replace it; nothing was overwritten"],
    ),
    hint(
        "file-io",
        &["the file or folder does not exist, is not for this user, or is larger than any of its kind"],
        &["check the path; nothing was written to a chip"],
    ),
];
