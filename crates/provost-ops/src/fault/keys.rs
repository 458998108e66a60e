//! What the errors of keys, certificates, passwords and tokens mean to a person.

use super::table;

table! {
    "key-encrypted" => PersonMustAct {
        causes: ["the key file is encrypted, and no passphrase was given"],
        next: ["give its passphrase: --passphrase-file, PROVOST_PASSPHRASE, or at a terminal; nothing was written"],
    }
    "key-passphrase" => PersonMustAct {
        causes: ["a slip of the finger, or the passphrase of another key"],
        next: ["give the right one and run the same command again; nothing was written"],
    }
    "key-traditional-encryption" => Refused {
        causes: ["OpenSSL's old encryption (Proc-Type, DEK-Info) has no proof against guessing, and is not read"],
        next: ["convert it: `openssl pkcs8 -topk8 -in KEY.pem -out NEW.pem`; nothing was written"],
    }
    "key-public-only" => Refused {
        causes: ["the file holds the public key, and the private one is wanted"],
        next: ["give the file with the private key; nothing was written"],
    }
    "key-no-pem-block" | "key-unknown-form" | "key-malformed" => Refused {
        causes: ["the file is no key", "it was cut short or edited"],
        next: ["give a P-256 key as PKCS#8, SEC1 or SPKI, PEM or DER; nothing was written"],
    }
    "key-not-on-curve" | "key-scalar-out-of-range" => Refused {
        causes: ["the key is of another curve than P-256, or damaged"],
        next: ["Debug Authentication takes P-256 (prime256v1) only: make a key with `provost credential new --method METHOD --out DIR`; nothing was written"],
    }
    "key-encoding" | "no-randomness" => Failed {
        causes: ["the operating system gave no random numbers, or no memory"],
        next: ["run the same command again; nothing was written to the chip"],
    }
    "key-cannot-sign" => PersonMustAct {
        causes: ["whoever holds the key did not sign"],
        next: ["let them sign, and run the same command again"],
    }
    "signature-malformed" | "signature-wrong" => Refused {
        causes: ["the signature is of another form, of another key, or over another file"],
        next: ["sign the whole file with `openssl dgst -sha256 -sign KEY.pem`; nothing was written"],
    }
    "chain-base64" | "chain-no-pem-block" => Refused {
        causes: ["the file is no certificate chain in ST's base64 form"],
        next: ["use cert_leaf_chain.b64 as the tools made it; nothing was written"],
    }
    "chain-tlv-type" | "tlv-header" | "tlv-reserved" | "tlv-length" | "tlv-padding" => Refused {
        causes: ["the chain was cut short or edited, or the file holds something else"],
        next: ["use cert_leaf_chain.b64 as the tools made it; the message names the byte; nothing was written"],
    }
    "certificate-truncated" | "certificate-version" | "certificate-crypto-system" | "certificate-role" | "certificate-length"
        | "certificate-padding" => Refused {
        causes: ["the certificate was cut short or edited", "it is of another version or key type than the STM32H5 takes"],
        next: ["make it again with `provost credential new --method METHOD --out DIR`; docs/formats.md has every field; nothing was written"],
    }
    "chain-empty" | "chain-incomplete" | "chain-order" => Refused {
        causes: ["certificates are missing, or stand in another order than root, intermediate, leaf"],
        next: ["put the chain together again: `provost credential prepare --help`, `provost credential merge --help`; nothing was written"],
    }
    "chain-root-hash" => Refused {
        causes: ["chain and object come from different sets"],
        next: ["use files of one set; nothing was written"],
    }
    "chain-public-key" | "chain-signature" | "chain-extensions-hash" => Refused {
        causes: ["a certificate was edited after it was signed, or signed by another key than that of the one above it"],
        next: ["sign it again with the right key; nothing was written"],
    }
    "chain-scope-conflict" => Refused {
        causes: ["two certificates of the chain are bound to different chips or states"],
        next: ["make the lower one with the same bounds as the upper, or with none; nothing was written"],
    }
    "credential-key-mismatch" => Refused {
        causes: ["the private key is not that of the last certificate"],
        next: ["use the key and the chain of one set; nothing was written"],
    }
    "credential-permission-withheld" => Refused {
        causes: ["a certificate of the chain withholds the permission that is asked for"],
        next: [
            "use a credential that has it: bit 14 is Full Regression",
            "or make one: a certificate cannot give what the one above it withholds; nothing was written",
        ],
    }
    "password-length" | "password-empty" => Refused {
        causes: ["a password has 4 to 16 bytes"],
        next: ["give the password that was provisioned; nothing was written"],
    }
    "password-tlv" | "password-type" | "password-trailing-bytes" => Refused {
        causes: ["the file is no password.bin, or was cut short or edited"],
        next: ["give the password itself with --password-file, or password.bin as the tools made it; nothing was written"],
    }
    "request-length" | "request-extensions-hash" | "request-field" => Refused {
        causes: ["the file is no request of `provost credential prepare`, or was edited"],
        next: ["prepare it again; nothing was written"],
    }
    "token-truncated" | "token-version" | "token-crypto-system" | "token-reserved" | "token-length" | "token-padding" | "token-tlv"
        | "token-type" | "token-trailing-bytes" => Refused {
        causes: ["the file is no token, or was cut short or edited"],
        next: ["make it again; the message names the byte; nothing was written"],
    }
    "pkcs11-uri" | "pkcs11-uri-pin" | "pkcs11-no-module" => Usage {
        causes: ["the key on the token is not named as it should be"],
        next: ["name module, token and key: --pkcs11 MODULE --token-label TOKEN --key-label KEY; nothing was written"],
    }
    "pkcs11-module" => PersonMustAct {
        causes: [
            "the path is not that of a PKCS #11 library",
            "the library's own configuration is not found (SOFTHSM2_CONF and the like)",
        ],
        next: ["give the library's full path, such as /usr/lib/softhsm/libsofthsm2.so; nothing was written"],
    }
    "pkcs11-no-token" => PersonMustAct {
        causes: ["the token is not plugged in", "its label is another one"],
        next: ["the message lists the tokens that are there; name one with --token-label; nothing was written"],
    }
    "pkcs11-ambiguous-token" => PersonMustAct {
        causes: ["several tokens have this label, or none was named"],
        next: ["name one with --token-label, or take the others out; nothing was written"],
    }
    "pkcs11-pin-needed" => PersonMustAct {
        causes: ["the token wants its PIN, and none was given"],
        next: ["give it: --pin-file, PROVOST_PIN, or at a terminal; nothing was written"],
    }
    "pkcs11-wrong-pin" => PersonMustAct {
        causes: ["a slip of the finger, or the PIN of another token"],
        next: ["give the right one: a token locks itself after a few wrong ones; nothing was written"],
    }
    "pkcs11-pin-locked" => PersonMustAct {
        causes: ["too many wrong PINs were given, or the PIN has expired"],
        next: ["let the token's security officer set a new one; nothing was written"],
    }
    "pkcs11-no-key" | "pkcs11-ambiguous-key" => PersonMustAct {
        causes: ["the key has another label, or is none of P-256", "several keys have this label"],
        next: ["the message lists the keys that are there; name one with --key-label; nothing was written"],
    }
    "pkcs11-always-authenticate" | "pkcs11-not-for-signing" | "pkcs11-no-public-key" => PersonMustAct {
        causes: ["the key on the token was made for another use"],
        next: ["look at it with the token's own tool (`pkcs11-tool --module MODULE -O`), and use another key; nothing was written"],
    }
    "pkcs11-gone" => PersonMustAct {
        causes: ["the token was taken out, or has stopped working"],
        next: ["plug it in again and run the same command again"],
    }
    "pkcs11-signature" | "pkcs11-call" => Failed {
        causes: ["the token does not allow what was asked, or is faulty"],
        next: ["look at it with its own tool (`pkcs11-tool --module MODULE -O`); nothing was written"],
    }
}
