//! The checks of a credential by name, and what each is about.

/// A check, as `credential check` prints its name.
#[derive(Debug, Clone, Copy)]
pub struct CheckName {
    /// Stable name.
    pub name: &'static str,
    /// What it holds against what, and why.
    pub says: &'static str,
}

const fn check(name: &'static str, says: &'static str) -> CheckName {
    CheckName { name, says }
}

/// All of them; a test holds what is printed against this list.
pub const CHECKS: &[CheckName] = &[
    check("chain-files-agree", "the shorter chain files are the beginning of the whole chain"),
    check("chain-format", "cert_leaf_chain.b64 is a chain of certificates in ST's base64 form"),
    check("chain-verifies", "each certificate is signed by the key of the one before it, as the chip will verify it"),
    check(
        "chip-credential",
        "whether the chip holds this very credential: no chip shows the hash it holds, so only a use of it tells",
    ),
    check("chip-discovery", "whether the chip answers a discovery at all"),
    check("chip-integrity", "whether the chip says that valid Debug Authentication data are provisioned (0xEAEAEAEA)"),
    check(
        "chip-left-rom",
        "whether the chip left its Debug Authentication ROM after it was asked; if not, power must be removed",
    ),
    check("chip-method", "the chip asks for the kind of credential that the set is: TZEN decides"),
    check("chip-part", "DEV_ID is that of the part that was named"),
    check("chip-permission", "the chip lists the permissions that are to be asked for"),
    check("chip-soc-class", "the class of chips that the chain is restricted to is that of the chip"),
    check("chip-soc-id", "the one chip that the chain is restricted to is this one"),
    check("file-mode", "files with secrets are readable by their owner only"),
    check("key-file", "a private key file can be read, with its passphrase where it has one"),
    check("keys-match", "each key is that of its certificate"),
    check("leaf-key", "the key that signs tokens is at hand; where it is not, somebody else must sign"),
    check("object-format", "the object file is one of Debug Authentication"),
    check("object-integrity", "the hash at the head of the object is that of the rest"),
    check("object-password-hash", "the object holds the hash of the password"),
    check("object-reserved", "reserved bytes of the object are as ST's tool writes them"),
    check("object-root-hash", "the object holds the hash of the chain's root key"),
    check(
        "part-flag",
        "the object asks for encryption on a part with secure AES, and only there: the wrong form is stored and never authenticates",
    ),
    check("part-method", "the part can authenticate with this kind of credential"),
    check("password-files-agree", "the files of an STM32H503's password hold the same one"),
    check("password-format", "password.bin is a password file of 4 to 16 bytes"),
    check("permission", "a permission that is withheld, and by what"),
    check("permission-full-regression", "nothing withholds the full regression, the way back"),
    check("sample-password", "the password is none of ST's published samples"),
    check("sample-root-key", "the root key is none of ST's published samples"),
    check("scope-lifecycle", "the life-cycle state that the chain is restricted to, if it is"),
    check("scope-soc-class", "the class of chips that the chain is restricted to, if it is"),
    check("scope-soc-id", "the chip that the chain is restricted to, if it is"),
    check("usable", "`auth regress` and `rescue` take the set as it is"),
    check("token-signs", "the leaf key signs a token that the chain verifies"),
];
