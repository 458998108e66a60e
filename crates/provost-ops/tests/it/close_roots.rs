//! Closing with a root of trust: its objects and the images that go with them. Each way known to leave such a chip without firmware is
//! refused by rule, and shown on a twin of the same chip: it starts nothing any more, and only an erasure leads out.

use std::path::{Path, PathBuf};

use provost_adac::key::{PrivateKey, Signer as _};
use provost_chip::{
    model::Execution,
    option_bytes::OptionField,
    parts::PartId,
    states::{BootUbe, ProductState, TrustZone},
};
use provost_image::{LoadAddress, Profile, SignOptions, sign};
use provost_obk::{
    kinds::{Clock, Images, InternalTampers, OemurotConfig, Sram2Ecc, Sram2Erase, StirotConfig, StirotData},
    layout::ObjectKind,
    object::Object,
    obk::Obk,
};
use provost_ops::credential::CredentialSet;
use provost_twin::{
    board::VirtualBoard,
    silicon::{FirmwareBehaviour, Silicon, nvm::Nvm},
};

use crate::{
    close_bricks::Careless,
    closing::{self, Request, all_option_words, failed, maker, request, root_only_set, run, scratch, state_of},
    common,
};

/// A part with ST-iRoT.
pub const PART: &str = "STM32H533";
/// Where the firmware runs, and where updates are put.
const RUNS: u32 = 0;
const COMES: u32 = 0x6_0000;
/// One sector: enough, and quickly read.
const SLOT: u32 = 0x2000;
/// On the virtual chip that people practise on.
const ENCRYPT: u32 = 0;
const PLAIN: u32 = provost_chip::registers::rss::ENCRYPT_WORD_CACA;
/// Where the ROM looks for its objects (STM32CubeH5, `STiRoT_Config.xml`, `STiRoT_Data.xml`).
const CONFIG: u32 = 0x0FFD_0200;
const DATA: u32 = 0x0FFD_0400;

fn key(number: u8) -> PrivateKey {
    PrivateKey::from_scalar(&[number; 32]).unwrap()
}

/// What is made for one chip, with something to change before it is.
#[derive(Clone)]
pub struct Made {
    pub config: StirotConfig,
    /// Signs the firmware.
    signer: u8,
    /// The firmware needs data of this version on.
    needs: Option<&'static str>,
    /// Where it is put.
    put_at: u32,
    /// As ST's projects have it: encrypted, in the area for downloads.
    update: bool,
    data_destination: u32,
    boot_ube: BootUbe,
    /// Files that are given with --obk.
    files: Vec<&'static str>,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            config: StirotConfig {
                images: Images::Firmware,
                clock: Clock::Mhz64,
                full_secure: true,
                bootloader_fallback: false,
                execution_offset: RUNS,
                download_offset: COMES,
                firmware_size: SLOT,
                data_offset: 0,
                data_size: 0x2F0,
                data_download_offset: 0,
                data_download_size: 0x2000,
                secure_size: SLOT,
                sram2_erase: Sram2Erase::Erased,
                sram2_ecc: Sram2Ecc::On,
                minimal_state: ProductState::IrotProvisioned,
                encryption_key: key(2),
                authentication_key: key(1).public_key(),
                internal_tampers: InternalTampers::Off,
            },
            signer: 1,
            needs: None,
            put_at: RUNS,
            update: false,
            data_destination: DATA,
            boot_ube: BootUbe::StIrot,
            files: vec!["config.obk", "data.obk"],
        }
    }
}

impl Made {
    fn image(&self) -> Vec<u8> {
        let profile = Profile::named("stirot-code").unwrap();
        let version = "1.0.0".parse().unwrap();
        let mut how =
            if self.update { SignOptions::update(profile, version) } else { SignOptions::install(profile, version) };
        how.encrypt_for = Some(key(2).public_key());
        how.slot_size = Some(SLOT);
        how.load_address = LoadAddress::None;
        how.dependencies
            .extend(self.needs.map(|least| format!("1,{least}").parse::<provost_image::Dependency>().unwrap()));
        // A vector table behind the header, and a loop.
        let mut body = vec![0; 0x204];
        body[..8].copy_from_slice(&[0x3000_4000, 0x0C00_0601_u32].map(u32::to_le_bytes).concat());
        body[0x200..0x202].copy_from_slice(&[0xFE, 0xE7]);
        sign(&body, &how, Some(&key(self.signer))).unwrap()
    }

    fn objects(&self) -> [Obk; 2] {
        let config = self.config.to_object().unwrap().to_obk(0, true).unwrap();
        let data = StirotData { state: [0; 64] }.to_object().unwrap().to_obk(0, true).unwrap();
        [config, Obk::new(self.data_destination, true, data.payload().to_vec()).unwrap()]
    }

    pub fn write(&self, folder: &Path) -> Vec<PathBuf> {
        std::fs::create_dir_all(folder).unwrap();
        for (name, obk) in ["config.obk", "data.obk"].iter().zip(self.objects()) {
            std::fs::write(folder.join(name), obk.to_bytes()).unwrap();
        }
        self.files.iter().map(|name| folder.join(name)).collect()
    }

    fn chip(&self) -> Silicon {
        let maker = maker(PART, TrustZone::Enabled);
        let made = maker.make();
        let mut nvm = made.nvm().clone();
        set(&mut nvm, "BOOT_UBE", u32::from(self.boot_ube.code()));
        nvm.flash.remove(&0);
        nvm.load_flash(self.put_at, &self.image());
        let behaviour = FirmwareBehaviour { non_secure: true, ..FirmwareBehaviour::default() };
        Silicon::new(*made.identity(), nvm, behaviour, *made.assumptions())
    }

    pub fn board(&self) -> VirtualBoard {
        VirtualBoard::with_chip("chip", self.chip())
    }

    pub fn request(&self, base: &Path) -> Request {
        let mut request = request(PART, TrustZone::Enabled, ProductState::TzClosed, base);
        request.objects = self.write(&base.join("objects"));
        request.images = image();
        request.rehearse = true;
        request
    }
}

/// What fails this rule of a root of trust and no other; `None` for other rules.
pub fn spoilt(rule: &str) -> Option<Made> {
    let mut made = Made::default();
    match rule {
        "P-OBJECTS" => drop(made.files.pop()),
        "P-ROT-IMAGE" => made.signer = 3,
        "P-ROT-VERSION" => made.needs = Some("2.0.0"),
        // The option bytes are set on the chip.
        "P-ROT-HIDDEN" => {}
        _ => return None,
    }
    Some(made)
}

/// The image where it runs, as a piece of flash that must be as it is.
pub fn image() -> Vec<provost_ops::close::Digest> {
    vec![provost_ops::close::Digest {
        name: "image".to_owned(),
        address: 0x0C00_0000 + RUNS,
        size: SLOT,
        sha256: String::new(),
    }]
}

fn set(nvm: &mut Nvm, name: &str, value: u32) {
    let part: PartId = PART.parse().unwrap();
    let field = OptionField::find(part, name).unwrap();
    let word = field.set(nvm.options.get(field.offset_cur), value);
    nvm.options.set(field.offset_cur, word);
}

fn runs(board: &VirtualBoard) -> Execution {
    board.board().power_cycle();
    board.board().silicon().chip().runs
}

#[test]
fn a_fresh_chip_is_closed_with_data_and_images_and_comes_back() {
    for (update, put_at) in [(false, RUNS), (true, COMES)] {
        let base = scratch();
        root_only_set(&base.path().join("set"));
        let made = Made { update, put_at, ..Made::default() };
        let (board, request) = (made.board(), made.request(base.path()));
        let receipt = run(&board, &request).unwrap();
        assert_eq!(receipt.bound.objects.len(), 2);
        assert_eq!(state_of(&board), (ProductState::TzClosed, TrustZone::Enabled));
        // The ROM's account, and not ours: it starts the image, an update after it was installed.
        assert_eq!(runs(&board), Execution::User, "update: {update}");
        let set = CredentialSet::load(&base.path().join("set")).unwrap();
        common::run(&board, &base.path().join("rescue"), Some(set)).unwrap();
        assert_eq!(state_of(&board), (ProductState::Open, TrustZone::Disabled));
    }
}

#[test]
fn the_steps_are_those_of_the_plan() {
    let base = scratch();
    root_only_set(&base.path().join("set"));
    let made = Made::default();
    let (board, request) = (made.board(), made.request(base.path()));
    let plan = closing::plan(&board, &request).plan.unwrap();
    let mut bench = provost_bench::Bench::on_board(board);
    let (wish, site) = (&request.wish, &request.site);
    let ended =
        provost_ops::close::close(&mut bench.session, wish, site, &mut |_: &str| true, &mut provost_ops::Silent);
    assert_eq!(ended.unwrap().performed, plan.list());
    assert_eq!(plan.list().iter().filter(|step| step.name() == "provision:root-of-trust").count(), 2);
}

/// Refused by this rule alone, with nothing touched; and whoever does it all the same has a chip that starts nothing.
fn fatal(rule: &str, change: impl FnOnce(&mut Made)) {
    let base = scratch();
    root_only_set(&base.path().join("set"));
    let mut made = Made::default();
    change(&mut made);
    let (board, request) = (made.board(), made.request(base.path()));
    let before = all_option_words(&board);
    let survey = closing::plan(&board, &request);
    assert_eq!(failed(&survey), [rule]);
    assert_eq!(run(&board, &request).unwrap_err().code(), "close-refused");
    assert_eq!(all_option_words(&board), before);

    let twin = made.board();
    let set = CredentialSet::load(&base.path().join("set")).unwrap();
    let own = set.object(provost_chip::states::DaMethod::Certificate).unwrap().unwrap().payload().to_bytes();
    let mut careless = Careless::on(&twin);
    careless.provisioning().object(&own, provost_obk::da::DESTINATION, ENCRYPT);
    for (name, obk) in ["config.obk", "data.obk"].iter().zip(made.objects()) {
        if made.files.contains(name) {
            let word = if obk.encrypt() { ENCRYPT } else { PLAIN };
            careless.object(obk.payload(), obk.destination(), word);
        }
    }
    careless.then(ProductState::TzClosed);
    assert_eq!(state_of(&twin).0, ProductState::TzClosed);
    assert_eq!(runs(&twin), Execution::Nowhere, "{rule}: it starts all the same");
}

#[test]
fn without_objects() {
    fatal("P-BOOT-UBE", |made| made.files.clear());
}

#[test]
fn without_data() {
    fatal("P-OBJECTS", |made| {
        made.files.pop();
    });
}

#[test]
fn data_at_a_wrong_address() {
    fatal("P-OBJECTS", |made| made.data_destination = CONFIG + 0x100);
}

#[test]
fn an_image_at_a_wrong_address() {
    fatal("P-ROT-IMAGE", |made| made.put_at = RUNS + 2 * SLOT);
}

#[test]
fn an_image_by_another_key() {
    fatal("P-ROT-IMAGE", |made| made.signer = 3);
}

#[test]
fn an_image_that_needs_newer_data() {
    fatal("P-ROT-VERSION", |made| made.needs = Some("2.0.0"));
}

#[test]
fn a_state_in_which_the_firmware_may_not_run() {
    fatal("P-OBJECTS", |made| made.config.minimal_state = ProductState::Closed);
}

/// A description of an object, of the shape of ST's.
fn object_xml(info: &str, fields: &[(&str, &str, &str)], output: &str) -> String {
    let fields = fields.iter().map(|(name, path, kind)| {
        format!(
            "<File><Name>{name}</Name><Value>{path}</Value><Align>1</Align><KeyType>ecdsa-p256</KeyType><Type>{kind}</Type></File>"
        )
    });
    format!(
        "<Root><Obdata><Info><Title>t</Title>{info}</Info>{}<Output><Value>{output}</Value></Output></Obdata></Root>",
        fields.collect::<String>()
    )
}

/// ST's root of trust starts an OEM's: the keys of that become bare bytes, these an image, and that an object (STM32CubeH5,
/// `STiROT_OEMuROT`: `-obk`, `-pb`, `-obk`).
#[test]
fn a_set_in_two_steps_is_built_from_its_descriptions_and_closed() {
    let base = scratch();
    root_only_set(&base.path().join("set"));
    let rot = base.path().join("rot");
    for folder in ["Keys", "Config", "Binary"] {
        std::fs::create_dir_all(rot.join(folder)).unwrap();
    }
    for (name, number) in [("s.pem", 4), ("ns.pem", 5), ("enc.pem", 6)] {
        std::fs::write(rot.join("Keys").join(name), key(number).to_pem().unwrap().as_bytes()).unwrap();
    }
    let keys = [
        ("Authentication secure key", "../Keys/s.pem", "Public"),
        ("Authentication non secure key", "../Keys/ns.pem", "Public"),
        ("Encryption key", "..\\Keys\\enc.pem", ""),
    ];
    let bare = "<GlobalAlign>1</GlobalAlign><DoEncryption>0</DoEncryption>";
    let goes = "<ObDestAddress>0x0FFD0900</ObDestAddress><DoEncryption>1</DoEncryption><GlobalAlign>16</GlobalAlign>";
    let params = [
        ("-ma", "0x55f7394e"),
        ("-e", "little"),
        ("-S", "0x2F0"),
        ("-H", "0x20"),
        ("--pad-header", ""),
        ("--overwrite-only", ""),
        ("-v", "1.0.0"),
        ("-s", "auto"),
        ("--align", "1"),
        ("", "../Binary/keys.bin"),
    ];
    let params = params.map(|(command, value)| {
        let (kind, command) = match command {
            "" => ("File", String::new()),
            command => ("Data", format!("<Command>{command}</Command>")),
        };
        format!("<Param><Name>{value}</Name><Type>{kind}</Type>{command}<Value>{value}</Value></Param>")
    });
    let image = format!(
        "<Root><McubootFormat><GlobalParam><Command>sign</Command></GlobalParam>{}<Output><Value>../Binary/image.bin</Value></Output></McubootFormat></Root>",
        params.concat()
    );
    for (name, text) in [
        ("1.xml", object_xml(bare, &keys, "../Binary/keys.bin")),
        ("2.xml", image),
        ("3.xml", object_xml(goes, &[("image", "../Binary/image.bin", "")], "../Binary/oemurot.obk")),
    ] {
        let description = rot.join("Config").join(name);
        std::fs::write(&description, text).unwrap();
        let built = provost_ops::objects::build(&description, None, Some(PART.parse().unwrap())).unwrap();
        provost_ops::store::files::write_all(&[built.file], false).unwrap();
    }
    let file = rot.join("Binary/oemurot.obk");
    let obk = Obk::parse(&std::fs::read(&file).unwrap()).unwrap();
    let read = OemurotConfig::try_from(&Object::from_obk(&obk)).unwrap();
    assert_eq!(
        [read.secure_key, read.non_secure_key, read.encryption_key.public_key()],
        [4, 5, 6].map(|number| key(number).public_key())
    );

    let mut made = Made { needs: Some("1.0.0"), ..Made::default() };
    (made.config.images, made.config.data_download_offset) = (Images::FirmwareAndData, 0x5_E000);
    let board = made.board();
    let mut request = made.request(base.path());
    let kept = base.path().join("kept.obk");
    let records = Object::new(ObjectKind::OemurotData).to_obk(0, false).unwrap();
    std::fs::write(&kept, records.to_bytes()).unwrap();
    request.objects.extend([file, kept]);
    run(&board, &request).unwrap();
    assert_eq!(state_of(&board).0, ProductState::TzClosed);
    assert_eq!(runs(&board), Execution::User, "the firmware's dependency is met");
}
