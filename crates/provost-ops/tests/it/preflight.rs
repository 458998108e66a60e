//! Every rule of the preflight alone: a chip that passes them all, and for each rule a chip that fails this one only.

use crate::{close_roots, closing};

use std::path::{Path, PathBuf};

use closing::{Request, failed, maker, request, root_only_set, scratch};
use provost_adac::{
    chain::Chain,
    key::{PrivateKey, Signer as _},
    permission::PermissionMask,
};
use provost_bench::Bench;
use provost_chip::states::{ProductState, TrustZone};
use provost_obk::{
    da::{DaObject, DaPayload},
    obk::Obk,
};
use provost_ops::{
    Silent,
    close::{
        Survey,
        preflight::{Check, Verdict, Weight},
        survey, words,
    },
    identify::identify,
    option_bytes::OptionBytes,
};
use provost_twin::{board::VirtualBoard, presets::Maker};

const PART: &str = "STM32H533";

/// A chip that passes, and what is asked of it.
struct Bed {
    bench: Bench,
    request: Request,
    set: PathBuf,
}

impl Bed {
    fn new(base: &Path) -> Self {
        Self::with(maker(PART, TrustZone::Enabled), base)
    }

    fn with(maker: Maker, base: &Path) -> Self {
        let set = base.join("set");
        root_only_set(&set);
        let board = VirtualBoard::with_chip("chip", maker.make());
        let mut request = request(maker.part.info().name, maker.tz, ProductState::Closed, base);
        request.rehearse = maker.part.info().trustzone;
        Self { bench: Bench::on_board(board), request, set }
    }

    fn survey(&mut self) -> Survey {
        survey(&mut self.bench.session, &self.request.wish, &self.request.site, true, &mut Silent).unwrap()
    }

    /// Sets an option field of the chip, as a debugger would.
    fn option(&mut self, name: &str, value: u32, reset: bool) {
        let part = self.request.part.unwrap();
        let session = &mut self.bench.session;
        let identity = identify(session).unwrap();
        let now = OptionBytes::read(session, &identity, Some(part)).unwrap();
        let part = part.part;
        let mut wanted = words::of(&now);
        words::with_field(part, &mut wanted, name, value);
        assert_ne!(words::of(&now), wanted, "{name}");
        words::program(session, &now, &wanted).unwrap();
        if reset {
            session.pulse_nrst().unwrap();
            session.wait_for_ap1().unwrap();
            assert_eq!(words::of(&now.read_again(session).unwrap()), wanted, "{name}");
        }
    }

    /// Writes the object file that belongs to the set, changed.
    fn object(&self, mask: PermissionMask, change: impl FnOnce(&mut DaPayload) -> (u32, bool)) {
        let chain = std::fs::read_to_string(self.set.join("cert_leaf_chain.b64")).unwrap();
        let root = Chain::from_base64(&chain).unwrap().certificates()[0].public_key().unwrap();
        let mut payload = DaObject::certificate(&root, mask).payload();
        let (destination, encrypt) = change(&mut payload);
        let obk = Obk::new(destination, encrypt, payload.to_bytes().to_vec()).unwrap();
        std::fs::write(self.set.join("DA_Config.obk"), &*obk.to_bytes()).unwrap();
    }
}

const PLACE: u32 = 0x0FFD_0100;

/// Makes the bed whose chip fails this rule only.
fn spoilt(rule: &str, base: &Path) -> Bed {
    let open = || maker(PART, TrustZone::Enabled);
    let mut bed = match rule {
        "P-START-OPEN" => Bed::with(Maker { state: ProductState::Provisioning, ..open() }, base),
        "P-NO-CHAIN" => Bed::with(Maker { state: ProductState::TzClosed, ..open() }, base),
        "P-UID" => Bed::with(Maker { uid: [0; 3], ..open() }, base),
        "P-TARGET" => Bed::with(maker(PART, TrustZone::Disabled), base),
        "P-FIRMWARE" => Bed::with(Maker { firmware: None, ..open() }, base),
        "P-OTP" | "P-KEPT" => Bed::with(maker("STM32H503", TrustZone::Disabled), base),
        _ => Bed::new(base),
    };
    if let Some(made) = close_roots::spoilt(rule) {
        bed.bench = Bench::on_board(made.board());
        bed.request = made.request(base);
    }
    let standard = PermissionMask::STM32H5;
    match rule {
        "P-ROT-HIDDEN" => bed.option("HDP1_STRT", 0, true),
        "P-NO-PENDING" => bed.option("NSBOOTADD", 0x08_1000, false),
        "P-PART" => bed.request.part = None,
        "P-TARGET" => bed.request.target = ProductState::TzClosed,
        "P-NOT-FOR-EVER" => bed.request.target = ProductState::Locked,
        "P-CREDENTIAL" => bed.request.credential = None,
        "P-METHOD" => {
            for file in ["cert_leaf_chain.b64", "key_3_leaf.pem"] {
                std::fs::remove_file(bed.set.join(file)).unwrap();
            }
        }
        "P-CUSTODY" => bed.request.site.temporary = vec![base.to_owned()],
        "P-OBJECT" => bed.object(standard, |p| {
            p.integrity[0] ^= 1;
            (PLACE, true)
        }),
        "P-OBJECT-PLACE" => bed.object(standard, |_| (PLACE + 0x60, true)),
        "P-OBJECT-ENCRYPTION" => bed.object(standard, |_| (PLACE, false)),
        "P-HOST-KEY" => {
            let other = DaObject::certificate(&PrivateKey::generate().unwrap().public_key(), standard);
            std::fs::write(bed.set.join("DA_Config.obk"), &*other.to_obk(true).unwrap().to_bytes()).unwrap();
        }
        "P-TOKEN" => {
            let other = PrivateKey::generate().unwrap().to_pem().unwrap();
            std::fs::write(bed.set.join("key_3_leaf.pem"), other.as_bytes()).unwrap();
        }
        "P-PERMISSION" => bed.object(PermissionMask(0x1077), |_| (PLACE, true)),
        "P-NOT-A-SAMPLE" => bed.request.site.samples = |_| Some("a sample"),
        "P-NRST" => bed.bench.board.as_ref().unwrap().board().silicon_mut().set_nrst_wired(false),
        "P-BOOT-UBE" => bed.option("BOOT_UBE", 0xC3, true),
        "P-BOOT-ADDRESS" => bed.option("SECBOOTADD", 0x0B_0000, true),
        "P-WATERMARK" => {
            bed.option("SECWM1_STRT", 0x1F, true);
            bed.request.images.clear();
        }
        "P-FIRMWARE" => bed.request.images.clear(),
        "P-IMAGES" => bed.request.images[0].sha256 = "00".repeat(32),
        "P-OPTIONS" => bed.request.options = [("WRPSGn1", 0xFFFF_FFFE), ("TZEN", 0xB4)].into(),
        "P-IMAGE-WORLDS" => bed.request.images[0].address ^= 0x0400_0000,
        "P-WATCHDOG" => bed.option("IWDG_SW", 0, true),
        "P-REHEARSED" => bed.request.rehearse = false,
        "P-KEPT" => {
            bed.request.rehearse = true;
            bed.request.overrides = vec!["P-OTP".to_owned()];
        }
        "P-SUPPLY" => {
            let board = bed.bench.board.clone().unwrap();
            let probe = board.probe().with_supply(1.5);
            bed.bench = Bench::with_probe(board, probe);
        }
        _ => {}
    }
    bed
}

#[test]
fn a_chip_that_passes_everything() {
    let base = scratch();
    let mut bed = Bed::new(base.path());
    let survey = bed.survey();
    assert_eq!(failed(&survey), Vec::<&str>::new());
    assert!(survey.plan.is_some());
    // What is not said of this chip belongs to parts of another kind.
    let silent: Vec<&str> =
        survey.findings.iter().filter(|f| f.verdict == Verdict::NotMeasured).map(|f| f.rule.as_str()).collect();
    assert_eq!(
        silent,
        ["P-OBJECTS", "P-ROT-IMAGE", "P-ROT-VERSION", "P-ROT-HIDDEN", "P-OPTIONS", "P-OTP", "P-TARGET-USB"]
    );
    for finding in survey.findings.iter().filter(|f| f.verdict == Verdict::Passed) {
        assert!(!finding.found.is_empty(), "{}: what was measured?", finding.rule);
    }
}

#[test]
fn each_rule_fails_alone() {
    let mut shown = 0;
    for check in Check::all().iter().filter(|c| c.test.is_some() && c.weight != Weight::Warns) {
        let base = scratch();
        let mut bed = spoilt(check.id, base.path());
        let survey = bed.survey();
        assert_eq!(failed(&survey), [check.id], "{}", check.id);
        let board = bed.bench.board.clone().unwrap();
        let before = closing::all_option_words(&board);
        let error = closing::run_on(&mut bed.bench, &bed.request).unwrap_err();
        assert_eq!((error.code(), error.exit().code()), closing::refusal_of(check.id), "{}", check.id);
        assert!(error.to_string().contains(check.id), "{error}");
        assert_eq!(closing::all_option_words(&board), before, "{}: nothing was written", check.id);
        assert!(!bed.request.site.out.path().exists(), "{}: nothing was begun", check.id);
        shown += 1;
    }
    println!("{shown} rules, each refused alone");
}

#[test]
fn warnings_warn() {
    let base = scratch();
    let verdict = |survey: &Survey, rule: &str| survey.findings.iter().find(|f| f.rule == rule).unwrap().verdict;
    let mut bed = Bed::new(base.path());
    assert_eq!(verdict(&bed.survey(), "P-LOCKS"), Verdict::Warning);
    bed.option("SECBOOT_LOCK", 0xB4, true);
    bed.option("NSBOOT_LOCK", 0xB4, true);
    assert_eq!(verdict(&bed.survey(), "P-LOCKS"), Verdict::Passed);
    let mut bed = Bed::with(maker(PART, TrustZone::Disabled), base.path());
    assert_eq!(verdict(&bed.survey(), "P-BANKS"), Verdict::Passed);
    bed.option("SWAP_BANK", 1, true);
    assert_eq!(verdict(&bed.survey(), "P-BANKS"), Verdict::Warning);
    let mut bed = Bed::new(base.path());
    assert_eq!(verdict(&bed.survey(), "P-FIRMWARE-NS"), Verdict::Passed);
    bed.option("NSBOOTADD", 0x08_0000, true);
    assert_eq!(verdict(&bed.survey(), "P-FIRMWARE-NS"), Verdict::Warning);
    let mut bed = Bed::new(base.path());
    assert_eq!(verdict(&bed.survey(), "P-PIN-SPEED"), Verdict::Passed);
    bed.option("IO_VDD_HSLV", 1, true);
    assert_eq!(verdict(&bed.survey(), "P-PIN-SPEED"), Verdict::Warning);
    let mut bed = Bed::new(base.path());
    bed.request.options = [("TZEN", 0xB4), ("PRODUCT_STATE", 0x17)].into();
    assert_eq!(verdict(&bed.survey(), "P-OPTIONS"), Verdict::Passed, "the state is another matter");
}

#[test]
fn an_override_is_named_and_kept() {
    let base = scratch();
    let mut bed = Bed::new(base.path());
    bed.request.site.temporary = vec![base.path().to_owned()];
    bed.request.overrides = vec!["p-custody".to_owned()];
    let receipt = closing::run_on(&mut bed.bench, &bed.request).unwrap();
    let finding = receipt.checks.iter().find(|c| c.rule == "P-CUSTODY").unwrap();
    assert_eq!(finding.verdict, Verdict::Overridden);
    assert_eq!(receipt.bound.overrides, ["p-custody"]);
    // What makes the close impossible is not to be had at any price, nor what the policy keeps.
    for (id, forbidden) in [("P-HOST-KEY", false), ("P-NOTHING", false), ("P-DA-VALID", false), ("P-CUSTODY", true)] {
        let mut bed = Bed::new(base.path());
        bed.request.overrides = vec![id.to_owned()];
        if forbidden {
            bed.request.site.policy.close.forbid_overrides = vec!["P-CUSTODY".to_owned()];
        }
        let error =
            survey(&mut bed.bench.session, &bed.request.wish, &bed.request.site, false, &mut Silent).unwrap_err();
        assert_eq!((error.code(), error.exit().code()), ("close-override", 2), "{id}");
    }
}

#[test]
fn a_rehearsal_is_remembered_and_counts_for_this_chip_and_credential_only() {
    let base = scratch();
    let mut bed = Bed::new(base.path());
    bed.request.rehearse_only = true;
    let flash = |bed: &Bed| bed.bench.board.as_ref().unwrap().board().silicon().nvm().flash.clone();
    let words = |bed: &Bed| closing::all_option_words(bed.bench.board.as_ref().unwrap());
    let (before, options) = (flash(&bed), words(&bed));
    closing::run_on(&mut bed.bench, &bed.request).unwrap();
    assert_eq!(words(&bed), options, "every option word as before");
    for (sector, bytes) in &before {
        assert_eq!(flash(&bed)[sector][..0x204], bytes[..0x204], "firmware as before");
    }
    (bed.request.rehearse, bed.request.rehearse_only) = (false, false);
    assert_eq!(failed(&bed.survey()), Vec::<&str>::new());
    bed.request.site.policy.close.rehearsal_max_age = Some("0s".to_owned());
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(failed(&bed.survey()), ["P-REHEARSED"], "too old");
    bed.request.site.policy.close.rehearsal_max_age = None;
    root_only_set(&bed.set);
    assert_eq!(failed(&bed.survey()), ["P-REHEARSED"], "another key");
    let mut other = Bed::with(Maker { uid: [7, 8, 9], ..maker(PART, TrustZone::Enabled) }, base.path());
    other.request.rehearse = false;
    assert_eq!(failed(&other.survey()), ["P-REHEARSED"], "another chip");
}

#[test]
fn the_house_may_ask_for_a_rehearsal_everywhere() {
    let base = scratch();
    let mut bed = Bed::with(maker("STM32H563", TrustZone::Enabled), base.path());
    bed.request.rehearse = false;
    assert_eq!(failed(&bed.survey()), Vec::<&str>::new());
    bed.request.site.policy.close.require_rehearsal = true;
    assert_eq!(failed(&bed.survey()), ["P-REHEARSED"]);
}

#[test]
fn every_rule_names_known_sources_and_has_an_id_of_its_own() {
    for (n, check) in Check::all().iter().enumerate() {
        assert!(check.id.starts_with("P-") && check.says.ends_with('.'), "{}", check.id);
        assert!(Check::all()[..n].iter().all(|c| c.id != check.id), "{}", check.id);
        for key in check.source {
            assert!(provost_chip::sources::Source::find(key).is_some(), "{}: {key}", check.id);
        }
    }
}
