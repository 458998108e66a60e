//! The table of [`samples`](crate::samples): fingerprints of what ST has published.

use provost_adac::crypto::Hash;

/// What a sample can do to a chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SampleRisk {
    /// None: constant contents that every product has.
    Constant,
    /// Settings without a secret, made for ST's boards.
    Settings,
    /// A credential or key whose private part is public.
    PublicSecret,
}

/// Something that ST has published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Sample {
    /// What it is, such as `key_1_root.pem`.
    pub what: &'static str,
    /// Where it is published.
    pub source: &'static str,
    /// What comes of a chip that holds it.
    pub risk: SampleRisk,
}

const CUBE: &str = "STM32CubeH5 ROT_Provisioning";
const KIT: &str = "X-CUBE-SEC-M-H5 ROT_Provisioning/SM";

type Row = (&'static str, Sample);

const fn secret(hash: &'static str, what: &'static str, source: &'static str) -> Row {
    (hash, Sample { what, source, risk: SampleRisk::PublicSecret })
}

const fn settings(hash: &'static str, what: &'static str, source: &'static str) -> Row {
    (hash, Sample { what, source, risk: SampleRisk::Settings })
}

const fn constant(hash: &'static str, what: &'static str) -> Row {
    (hash, Sample { what, source: CUBE, risk: SampleRisk::Constant })
}

/// SHA-256 of whole files.
const FILES: [Row; 27] = [
    secret("2cafcf533300aebe1ebaaa2b6bd6e99c3502ef88acd668b2d41f910515527862", "DA_Config.obk (STM32H563)", CUBE),
    secret(
        "72d78f18f82fd46085c0d298ac5af4b9469a68f1965ff82cbe2115120c4b8adc",
        "DA_Config.obk (parts with secure AES)",
        CUBE,
    ),
    secret(
        "f4d40b1b669a635e15719eaf0f6fd9f7b5494e3616a6337d2c350eca7f2d4547",
        "DA_ConfigWithPassword.obk (STM32H563)",
        CUBE,
    ),
    secret(
        "8e2c4952b9e1d5618a0e42349065be1127a006cf970dd18c993282d03146f769",
        "DA_ConfigWithPassword.obk (parts with secure AES)",
        CUBE,
    ),
    secret("aec233abceb0ddd6df544ab77b2dc0445f27db3c846515c1deb6ef8236c0608f", "OEMiRoT_Config.obk (STM32H563)", CUBE),
    secret(
        "6a7cb696a051604929f4a3537459437cc50951dc3168a90709125d1607bf0b76",
        "OEMiRoT_Config.obk (parts with secure AES)",
        CUBE,
    ),
    secret("047082a3ddbad9eba733388bc2df44a2987dc49a3fee12e2b4cc0c8532ef59a2", "STiRoT_Config.obk (STM32H533)", CUBE),
    secret(
        "c2c58b6a9ab73b5c941721c5e16fda17f288a746d70ed8f4f519e1dc5787eb31",
        "STiRoT_Config.obk of STiROT_OEMuROT (STM32H533)",
        CUBE,
    ),
    secret("482246b44afca2648864386dba760721823d54fd5a85182784947fcb19ecbb1c", "STiRoT_Config.obk (STM32H553)", CUBE),
    secret(
        "c81b73269e469085bbc5e5b495af22050c5afa3f31275b1de66bd93c45a578d1",
        "STiRoT_Config.obk (STM32H573, STM32H5F5)",
        CUBE,
    ),
    secret(
        "c0f86e2bbf6304e16ea2a944e6bfc60eef3a6ebcc6e9940a3d8bb6f0243e5f0e",
        "STiRoT_Config.obk of STiROT_OEMuROT (STM32H573, STM32H5F5)",
        CUBE,
    ),
    secret("d0615a67d0d208c875fb7acd29247d9c7b4f642b03cab78b506a67031c7159d7", "OEMuRoT_Config.obk", CUBE),
    secret("3ea312d254ef9c90ebc53f2f0d91409c8a682075d350f8291c005e66e0efe56a", "SM_Config_Keys.obk", KIT),
    settings("5eb02a6a59f92cb394964f7bc6e620da4e3a04335d16baf9288530ca97512e85", "SM_Config_General.obk", KIT),
    settings("5447f6a0ffbb52c3621ac3ac837c599d74b5202af321198ec6bc6e267734ebd9", "SM_Config_Other.obk", KIT),
    constant("58cc08d4ab62f378f3cd93fadc04fec5135593116abee8cc1afe06f22c478681", "OEMiRoT_Data.obk"),
    constant("719c56928b8b205b5a9099f272a77ddd4eb001675844b7546e5dc9d3153c4aa6", "STiRoT_Data.obk"),
    constant("f8b72fa4cf806b75b48deb20a4b09128bb43ec1aa903c0ed4383a6a36e7bdbb1", "OEMuRoT_Data.obk"),
    secret("1c343faca2e1c81c913afe520aa0de26b8b01a71c0ab2d7796a356cd4d127a59", "cert_root.b64", CUBE),
    secret("cccbc1ddac92c84b8ecb1b67672c2ad9dbaeaa5229ea0103610eb5fac3bf3571", "cert_root.cert", CUBE),
    secret("32227fc98010224ab39dd8fb5bb3b917820047fb52a1be91551e9c7e6e424590", "cert_intermediate.b64", CUBE),
    secret("ef86c2ea01df5fdf526fb7a68fb4876436131f575093b3bc90f7428e677e72b2", "cert_intermediate_chain.b64", CUBE),
    secret("b00d6ad78f9d8a5b1a9299bc618fd651b7637ed0873fb9104a674edd5a19569b", "cert_leaf.b64", CUBE),
    secret("d21811a12f5533f474901f2bec27ae4c85c76a4968394e221edc55f4c291ac0a", "cert_leaf_chain.b64", CUBE),
    secret("774e73f4c0ec7f9617da41405b0eb02d560ea498af8717de91b411203d1af499", "password.bin", CUBE),
    secret("a3465b5b4bd4eeba30adaa90682ac3765af7bd6eb7d6a3631fbba865381df736", "da_password.bin (STM32H503)", CUBE),
    secret("ed8549346017be56baed97f7c3304137d2c786888523e17e3a892dfc76c1b702", "board_password.bin (STM32H503)", CUBE),
];

/// SHA-256 of `X ‖ Y` of keys whose private part is published; for the root key this is what is provisioned.
const KEYS: [Row; 10] = [
    secret("cc05b01317775c865a3f987d1778c12d7e517851a0f42dd92dfa6c1d859b25fe", "key_1_root.pem", CUBE),
    secret("03bdbb039407d5fafb42ebf0ab92c77ab00fb74ed73f9ece8ecde4f860afd0a9", "key_2_intermediate.pem", CUBE),
    secret("f540ef4867fd5f7b28eb394d7627081bf8fa806850f1d92738337fdefefbffa1", "key_3_leaf.pem", CUBE),
    secret(
        "32bef4c3fa2430a4da0091762d760df2c873f6a102f051e87a0c7fa908dab9ba",
        "OEMiRoT_Authentication_S.pem, OEMuRoT_Authentication_S.pem",
        CUBE,
    ),
    secret(
        "b17c1b18a0d8a86658c039eb80b9d1cd995fad75cccc310fb89541fab9ace3a8",
        "OEMiRoT_Authentication_NS.pem, OEMuRoT_Authentication_NS.pem",
        CUBE,
    ),
    secret(
        "7c5cdecd06df82a49eb54f2f7f7f8d2b9159be0af9a66b92936fe4110b014d7c",
        "OEMiRoT_Encryption.pem, OEMuRoT_Encryption.pem",
        CUBE,
    ),
    secret("eac592621ce308c9ab8a4a2b39eb7e2836231ece00f2db021672ad1d3da7fe85", "STiRoT_Authentication.pem", CUBE),
    secret("9cfa15349a1840929cc62746a2545e326b5cb80d79dc92c83e43fde532899db1", "STiRoT_Encryption.pem", CUBE),
    secret("4f5070589b25690a2fa83af65410030dc9ae4a96002c004dc46a0eaba2c24979", "SM_Authentication.pem", KIT),
    secret("4d383afd1d88b5033e5b6d8698b7656258d14af11988ca3f628afb6069b09f2e", "SM_Encryption.pem", KIT),
];

/// SHA-256 of the SubjectPublicKeyInfo, for fields that hold no more of a key.
const KEY_NAMES: [Row; 1] =
    [secret("0e1dadfa961fa017787bb56c2ab9b3bff9c856997ea616970ffdb9e1f88733f3", "SM_Authentication.pem", KIT)];

/// SHA-256 of passwords.
const PASSWORDS: [Row; 2] = [
    secret(
        "184aa46d813411727da0dc9e64186bb9907289b5aab4b320d26fff5ea45d8e3d",
        "the password in DA_ConfigWithPassword.xml",
        CUBE,
    ),
    secret("fff3a9bcdd37363d703c1c4f9512533686157868f0d4f16a0f02d0f1da24f9a2", "user_password.bin (STM32H503)", CUBE),
];

fn find(rows: &[Row], hash: &Hash) -> Option<Sample> {
    let hash = crate::bytes::hex(hash);
    rows.iter().find(|(fingerprint, _)| *fingerprint == hash).map(|&(_, sample)| sample)
}

/// The file with this SHA-256.
pub(crate) fn file(hash: &Hash) -> Option<Sample> {
    find(&FILES, hash)
}

/// The sample key whose `X ‖ Y` has this SHA-256.
pub fn root_key(hash: &Hash) -> Option<Sample> {
    find(&KEYS, hash)
}

/// The sample key whose SubjectPublicKeyInfo has this SHA-256.
pub(crate) fn key_name(hash: &Hash) -> Option<Sample> {
    find(&KEY_NAMES, hash)
}

/// The sample password with this SHA-256.
pub fn password(hash: &Hash) -> Option<Sample> {
    find(&PASSWORDS, hash)
}
