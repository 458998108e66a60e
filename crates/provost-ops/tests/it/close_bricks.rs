//! Every way known to lose a chip: refused by `close` with the id of its rule, and shown on a twin of the same chip to lose it
//! when somebody goes that way all the same.

use crate::closing;

use std::{path::Path, time::Duration};

use closing::{
    Request, all_option_words, has_a_way_back, maker, means, request, root_only_set, run, scratch, state_of,
};
use provost_adac::{
    chain::Chain,
    key::{PrivateKey, Signer as _},
    permission::PermissionMask,
};
use provost_bench::Bench;
use provost_chip::{
    model::search::Means,
    parts::PartId,
    registers::rss,
    rss_status::RssStatus,
    side::Side,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_link::core::{Call, CallOutcome, Core};
use provost_obk::{
    da::{DESTINATION, DaObject},
    obk::Obk,
};
use provost_ops::{
    close::words, credential::CredentialSet, drive::state::write_product_state, identify::identify,
    option_bytes::OptionBytes,
};
use provost_twin::{board::VirtualBoard, presets::Maker, silicon::FirmwareBehaviour};

const PART: &str = "STM32H533";
const SRAM3: u32 = 0x2003_4000;
/// On the virtual chip, by default: encrypt, and do not.
const ENCRYPT: u32 = 0;
const PLAIN: u32 = rss::ENCRYPT_WORD_CACA;

/// Somebody with a debugger and no preflight.
pub struct Careless(Bench);

impl Careless {
    pub fn on(board: &VirtualBoard) -> Self {
        let mut bench = Bench::on_board(board.clone());
        identify(&mut bench.session).unwrap();
        Self(bench)
    }

    /// Writes PRODUCT_STATE and resets, and does not look what came of it: as scripts do.
    pub fn state(&mut self, to: ProductState, side: Side) -> &mut Self {
        write_product_state(&mut self.0.session, to, side).unwrap();
        self.0.session.pulse_nrst().unwrap();
        let _ = self.0.session.wait_for_ap1();
        self
    }

    pub fn provisioning(&mut self) -> &mut Self {
        self.state(ProductState::Provisioning, Side::Secure)
    }

    pub fn then(&mut self, to: ProductState) {
        self.state(to, Side::NonSecure);
    }

    /// Calls the provisioning service by hand (layout: CMSIS `RSSLIB_DataProvisioningConf_t`).
    pub fn object(&mut self, payload: &[u8], destination: u32, word: u32) -> &mut Self {
        let fields = [SRAM3, destination, payload.len() as u32, word];
        let mut covered = payload.to_vec();
        covered.extend(fields.iter().flat_map(|f| f.to_le_bytes()));
        let turned: Vec<u8> = covered.chunks(4).flat_map(|w| w.iter().rev().copied()).collect();
        let checksum = crc::Crc::<u32>::new(&crc::CRC_32_MPEG_2).checksum(&turned);
        let data: Vec<u32> = payload.chunks(4).map(|w| u32::from_le_bytes(w.try_into().unwrap())).collect();
        let mut ap1 = self.0.session.ap1();
        let entry = ap1.read32(0x0BF9_FB00 + rss::DESCRIPTOR_TABLE).unwrap();
        Core::new(&mut ap1).halt(Duration::from_millis(100)).unwrap();
        ap1.write_block32(SRAM3, &data).unwrap();
        ap1.write_block32(SRAM3 + 0x400, &[fields[0], fields[1], fields[2], fields[3], checksum]).unwrap();
        ap1.write32(SRAM3 + 0x500, 0xBE00_BE00).unwrap();
        let call = Call {
            function: entry,
            arguments: [SRAM3 + 0x400, 0, 0, 0],
            stack: SRAM3 + 0x3000,
            return_address: SRAM3 + 0x500,
            mask_interrupts: true,
            timeout: Duration::from_secs(1),
            poll: Duration::from_millis(1),
        };
        let outcome = Core::new(&mut ap1).call(&call).unwrap();
        assert!(
            matches!(outcome, CallOutcome::Returned { r0 } if r0 == RssStatus::Success.word()),
            "{outcome:?}: the chip takes it without complaint"
        );
        self
    }
}

/// One chip for `close`, its twin for somebody careless.
struct Way {
    board: VirtualBoard,
    twin: VirtualBoard,
    request: Request,
    means: Means,
    set: CredentialSet,
}

impl Way {
    fn new(base: &Path) -> Self {
        Self::with(maker(PART, TrustZone::Enabled), base)
    }

    fn with(maker: Maker, base: &Path) -> Self {
        root_only_set(&base.join("set"));
        let set = CredentialSet::load(&base.join("set")).unwrap();
        let mut request = request(maker.part.info().name, maker.tz, ProductState::Closed, base);
        request.rehearse = true;
        Self {
            board: VirtualBoard::with_chip("chip", maker.make()),
            twin: VirtualBoard::with_chip("chip", maker.make()),
            request,
            means: means(&set),
            set,
        }
    }

    fn payload(&self, method: DaMethod) -> Vec<u8> {
        self.set.object(method).unwrap().unwrap().payload().to_bytes().to_vec()
    }

    fn option(&self, name: &str, value: u32) {
        for board in [&self.board, &self.twin] {
            let mut bench = Bench::on_board(board.clone());
            let part: PartId = PART.parse().unwrap();
            let identity = identify(&mut bench.session).unwrap();
            let now = OptionBytes::read(&mut bench.session, &identity, Some(part.into())).unwrap();
            let mut wanted = words::of(&now);
            words::with_field(part, &mut wanted, name, value);
            words::program(&mut bench.session, &now, &wanted).unwrap();
            bench.session.pulse_nrst().unwrap();
            bench.session.wait_for_ap1().unwrap();
        }
    }

    /// `close` refuses and names the rule; the chip is untouched and can be brought back.
    fn refused(&self, rule: &str) {
        let before = all_option_words(&self.board);
        let error = run(&self.board, &self.request).unwrap_err();
        assert_eq!((error.code(), error.exit().code()), closing::refusal_of(rule), "{error}");
        assert!(error.to_string().contains(&format!("{rule} (")), "{rule}: {error}");
        assert_eq!(all_option_words(&self.board), before);
        assert!(!self.request.site.out.path().exists());
    }

    /// The careless one's chip is closed, and the model knows no way back for anybody.
    fn lost(&self, state: ProductState) {
        assert_eq!(state_of(&self.twin).0, state);
        assert!(!has_a_way_back(&self.twin, &self.means), "there is a way back after all");
        println!("lost in {state}");
    }
}

#[test]
fn nothing_provisioned() {
    let base = scratch();
    let mut path = Way::new(base.path());
    path.request.credential = None;
    path.refused("P-CREDENTIAL");
    Careless::on(&path.twin).provisioning().then(ProductState::TzClosed);
    path.lost(ProductState::TzClosed);
}

#[test]
fn a_closed_state_chosen_from_open() {
    // The tool's two-step transition stops at Provisioning; the write that is repeated there is the fatal one.
    let base = scratch();
    let mut path = Way::new(base.path());
    path.request.credential = None;
    path.refused("P-CREDENTIAL");
    let mut careless = Careless::on(&path.twin);
    careless.state(ProductState::Closed, Side::Secure);
    assert_eq!(state_of(&path.twin).0, ProductState::Provisioning);
    assert!(has_a_way_back(&path.twin, &path.means), "not lost yet");
    careless.then(ProductState::Closed);
    path.lost(ProductState::Closed);
}

#[test]
fn locked_instead_of_closed() {
    let base = scratch();
    let mut path = Way::new(base.path());
    path.request.target = ProductState::Locked;
    path.refused("P-NOT-FOR-EVER");
    let object = path.payload(DaMethod::Certificate);
    Careless::on(&path.twin).provisioning().object(&object, DESTINATION, ENCRYPT).then(ProductState::Locked);
    path.lost(ProductState::Locked);
}

#[test]
fn a_plain_object_on_a_part_with_secure_aes() {
    let base = scratch();
    let path = Way::new(base.path());
    let object = path.set.object(DaMethod::Certificate).unwrap().unwrap();
    std::fs::write(base.path().join("set/DA_Config.obk"), &*object.to_obk(false).unwrap().to_bytes()).unwrap();
    path.refused("P-OBJECT-ENCRYPTION");
    let object = path.payload(DaMethod::Certificate);
    Careless::on(&path.twin).provisioning().object(&object, DESTINATION, PLAIN).then(ProductState::Closed);
    path.lost(ProductState::Closed);
}

#[test]
fn a_password_object_with_trustzone_on() {
    let base = scratch();
    let path = Way::new(base.path());
    for file in ["cert_leaf_chain.b64", "key_3_leaf.pem"] {
        std::fs::remove_file(base.path().join("set").join(file)).unwrap();
    }
    path.refused("P-METHOD");
    let object = path.payload(DaMethod::Password);
    Careless::on(&path.twin).provisioning().object(&object, DESTINATION, ENCRYPT).then(ProductState::Closed);
    path.lost(ProductState::Closed);
}

#[test]
fn st_irot_without_its_data() {
    // Firmware that can regress the chip itself is a way back, as long as it boots.
    let base = scratch();
    let firmware = Some(FirmwareBehaviour { non_secure: true, regresses: true, ..FirmwareBehaviour::default() });
    let path = Way::with(Maker { firmware, ..maker(PART, TrustZone::Enabled) }, base.path());
    Careless::on(&path.twin).provisioning().then(ProductState::Closed);
    assert!(has_a_way_back(&path.twin, &path.means), "the firmware runs and can be asked");
    let path = Way::with(Maker { firmware, ..maker(PART, TrustZone::Enabled) }, base.path());
    path.option("BOOT_UBE", 0xC3);
    path.refused("P-BOOT-UBE");
    Careless::on(&path.twin).provisioning().then(ProductState::Closed);
    path.lost(ProductState::Closed);
}

#[test]
fn tz_closed_and_then_closed() {
    let base = scratch();
    for forward in ["refused", "allowed"] {
        let mut maker = Maker { state: ProductState::TzClosed, ..maker(PART, TrustZone::Enabled) };
        maker.assumptions.set("forward-from-closed", forward).unwrap();
        let path = Way::with(maker, base.path());
        path.refused("P-NO-CHAIN");
        Careless::on(&path.twin).then(ProductState::Closed);
        path.lost(if forward == "allowed" { ProductState::Closed } else { ProductState::TzClosed });
    }
}

#[test]
fn an_object_in_the_wrong_place() {
    const ELSEWHERE: u32 = DESTINATION + 0x60;
    let base = scratch();
    let path = Way::new(base.path());
    let object = path.payload(DaMethod::Certificate);
    let file = Obk::new(ELSEWHERE, true, object.clone()).unwrap();
    std::fs::write(base.path().join("set/DA_Config.obk"), &*file.to_bytes()).unwrap();
    path.refused("P-OBJECT-PLACE");
    Careless::on(&path.twin).provisioning().object(&object, ELSEWHERE, ENCRYPT).then(ProductState::Closed);
    path.lost(ProductState::Closed);
}

#[test]
fn a_credential_that_is_lost() {
    let base = scratch();
    let mut path = Way::new(base.path());
    path.request.site.temporary = vec![base.path().to_owned()];
    path.refused("P-CUSTODY");
    let object = path.payload(DaMethod::Certificate);
    Careless::on(&path.twin).provisioning().object(&object, DESTINATION, ENCRYPT).then(ProductState::Closed);
    assert!(has_a_way_back(&path.twin, &path.means), "for the one who holds it");
    // The temporary folder is cleared: a new credential is all that is left to have.
    root_only_set(&base.path().join("set"));
    path.means = means(&CredentialSet::load(&base.path().join("set")).unwrap());
    path.lost(ProductState::Closed);
}

#[test]
fn somebody_else_s_key_in_the_object() {
    let base = scratch();
    let path = Way::new(base.path());
    let stranger = PrivateKey::generate().unwrap().public_key();
    let object = DaObject::certificate(&stranger, PermissionMask::STM32H5);
    std::fs::write(base.path().join("set/DA_Config.obk"), &*object.to_obk(true).unwrap().to_bytes()).unwrap();
    path.refused("P-HOST-KEY");
    let object = object.payload().to_bytes();
    Careless::on(&path.twin).provisioning().object(&object, DESTINATION, ENCRYPT).then(ProductState::Closed);
    path.lost(ProductState::Closed);
}

#[test]
fn a_full_regression_that_the_object_withholds() {
    let base = scratch();
    let path = Way::new(base.path());
    let chain = std::fs::read_to_string(base.path().join("set/cert_leaf_chain.b64")).unwrap();
    let root = Chain::from_base64(&chain).unwrap().certificates()[0].public_key().unwrap();
    let object = DaObject::certificate(&root, PermissionMask(0x0077));
    std::fs::write(base.path().join("set/DA_Config.obk"), &*object.to_obk(true).unwrap().to_bytes()).unwrap();
    path.refused("P-PERMISSION");
    let object = object.payload().to_bytes();
    Careless::on(&path.twin).provisioning().object(&object, DESTINATION, ENCRYPT).then(ProductState::Closed);
    path.lost(ProductState::Closed);
}

#[test]
fn no_wire_to_nrst() {
    let base = scratch();
    let path = Way::new(base.path());
    let object = path.payload(DaMethod::Certificate);
    let mut careless = Careless::on(&path.twin);
    careless.provisioning().object(&object, DESTINATION, ENCRYPT).then(ProductState::Closed);
    for board in [&path.board, &path.twin] {
        board.board().silicon_mut().set_nrst_wired(false);
    }
    path.refused("P-NRST");
    path.lost(ProductState::Closed);
}
