//! Virtual benches for the tests of a close.

use std::{
    ops::{Deref, DerefMut},
    path::Path,
};

use provost_adac::{
    certificate::{Certificate, Role},
    chain::Chain,
    key::PrivateKey,
    password::Password,
    permission::PermissionMask,
    scope::Scope,
};
use provost_bench::Bench;
use provost_chip::{
    assumptions::Assumptions,
    model::{
        World,
        search::{Means, host_actions, way_to_open},
    },
    order_code::OrderCode,
    states::{DaMethod, ProductState, TrustZone},
};
use provost_ops::{
    Silent,
    close::{self, ClosePlan, Digest, Policy, Receipt, Site, Verdict, Wish, known_sample},
    credential::CredentialSet,
    fault::Failure,
};
use provost_twin::{
    board::VirtualBoard,
    presets::Maker,
    silicon::{FirmwareBehaviour, Silicon},
};

/// A chip in Open whose firmware lets non-secure code run.
pub fn maker(part: &str, tz: TrustZone) -> Maker {
    let mut maker = Maker::of(part.parse().unwrap(), 0x0042_0017);
    maker.tz = tz;
    maker.firmware = Some(FirmwareBehaviour { non_secure: true, regresses: false, ..FirmwareBehaviour::default() });
    maker
}

pub fn open_chip(part: &str, tz: TrustZone, assumptions: Assumptions) -> Silicon {
    let mut maker = maker(part, tz);
    maker.assumptions = assumptions;
    maker.make()
}

pub fn board(part: &str, tz: TrustZone) -> VirtualBoard {
    VirtualBoard::with_chip("chip", open_chip(part, tz, provost_twin::presets::practice_world()))
}

/// A credential whose chain is a root alone, the shortest of the three shapes, and a password.
pub fn root_only_set(folder: &Path) {
    let root = PrivateKey::generate().unwrap();
    let certificate = Certificate::builder(Role::Root)
        .scope(Scope::STANDARD)
        .permissions(PermissionMask::STM32H5)
        .self_sign(&root)
        .unwrap();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("cert_leaf_chain.b64"), Chain::new(vec![certificate]).to_base64()).unwrap();
    std::fs::write(folder.join("key_3_leaf.pem"), root.to_pem().unwrap().as_bytes()).unwrap();
    std::fs::write(folder.join("password.bin"), Password::new(b"close, and back").unwrap().to_file()).unwrap();
}

/// The pieces of flash that hold the firmware of a virtual chip: vector tables and loops, and nothing else.
pub fn firmware(code: OrderCode, tz: TrustZone) -> Vec<Digest> {
    let piece = |name: &str, base: u32, offset: u32| Digest {
        name: name.to_owned(),
        address: base + offset,
        size: 0x204,
        sha256: String::new(),
    };
    let non_secure = |name, offset| piece(name, 0x0800_0000, offset);
    match tz {
        TrustZone::Disabled => vec![non_secure("first", 0)],
        TrustZone::Enabled => {
            vec![piece("first", 0x0C00_0000, 0), non_secure("second", code.flash_or_largest().bank())]
        }
    }
}

/// A wish and where it is to be fulfilled.
#[derive(Debug, Clone)]
pub struct Request {
    pub wish: Wish,
    pub site: Site,
}

impl Deref for Request {
    type Target = Wish;

    fn deref(&self) -> &Wish {
        &self.wish
    }
}

impl DerefMut for Request {
    fn deref_mut(&mut self) -> &mut Wish {
        &mut self.wish
    }
}

impl Request {
    /// The same with another wish.
    pub fn but(mut self, change: impl FnOnce(&mut Wish)) -> Self {
        change(&mut self.wish);
        self
    }
}

/// What is asked of a chip of this part.
pub fn request(part: &str, tz: TrustZone, target: ProductState, base: &Path) -> Request {
    let part: OrderCode = part.parse().unwrap();
    let wish = Wish {
        part: Some(part),
        target,
        credential: Some(base.join("set")),
        objects: Vec::new(),
        images: firmware(part, tz),
        options: std::collections::BTreeMap::new(),
        encrypt_word: None,
        rehearse: false,
        rehearse_only: false,
        overrides: Vec::new(),
        forever: false,
    };
    let site = Site {
        chip: "chip".to_owned(),
        out: (&base.join("out")).into(),
        policy: Policy::default(),
        temporary: Vec::new(),
        samples: known_sample,
        credential: None,
        keys: provost_ops::credential::Keys::default(),
        this_is: None,
        escrow: None,
    };
    Request { wish, site }
}

pub fn run(board: &VirtualBoard, request: &Request) -> Result<Receipt, Failure> {
    run_on(&mut Bench::on_board(board.clone()), request)
}

pub fn run_on(bench: &mut Bench, request: &Request) -> Result<Receipt, Failure> {
    close::close(&mut bench.session, &request.wish, &request.site, &mut |_: &str| true, &mut Silent).map(|e| e.receipt)
}

pub fn plan(board: &VirtualBoard, request: &Request) -> close::Survey {
    let mut bench = Bench::on_board(board.clone());
    close::survey(&mut bench.session, &request.wish, &request.site, false, &mut Silent).unwrap()
}

pub fn apply(board: &VirtualBoard, plan: &ClosePlan, request: &Request) -> Result<Receipt, Failure> {
    let mut bench = Bench::on_board(board.clone());
    close::apply(&mut bench.session, plan, &request.site, &mut |_: &str| true, &mut Silent).map(|e| e.receipt)
}

pub fn resume(board: &VirtualBoard, request: &Request) -> Result<Receipt, Failure> {
    resume_on(&mut Bench::on_board(board.clone()), request)
}

pub fn resume_on(bench: &mut Bench, request: &Request) -> Result<Receipt, Failure> {
    close::resume(&mut bench.session, &request.site, &mut |_: &str| true, &mut Silent).map(|e| e.receipt)
}

pub fn state_of(board: &VirtualBoard) -> (ProductState, TrustZone) {
    let board = board.board();
    (board.silicon().chip().state, board.silicon().chip().tz)
}

/// Ids by which the model knows the hashes of a credential.
pub fn means(set: &CredentialSet) -> Means {
    let id = |method| {
        let hash = set.object(method).unwrap().unwrap().payload().to_bytes();
        u32::from_le_bytes(hash[32..36].try_into().unwrap())
    };
    Means { certificate: id(DaMethod::Certificate), password: id(DaMethod::Password), person: true }
}

/// Whether the model finds a way back to Open for somebody who holds these credentials and may remove power.
pub fn has_a_way_back(board: &VirtualBoard, means: &Means) -> bool {
    let board = board.board();
    let silicon = board.silicon();
    let world = World { chip: *silicon.chip(), bench: *silicon.bench(), assumptions: *silicon.assumptions() };
    way_to_open(world, &host_actions(means)).is_some()
}

/// Scratch space in memory where there is such a thing: journals are synced to it thousands of times.
pub fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Code and exit of a preflight that one rule alone refuses: the same cause means the same to a script in every command.
pub fn refusal_of(rule: &str) -> (&'static str, u8) {
    match rule {
        "P-NRST" => ("nrst-not-wired", 4),
        "P-PART" => ("part-needed", 2),
        _ => ("close-refused", 3),
    }
}

/// Rules that failed.
pub fn failed(survey: &close::Survey) -> Vec<&str> {
    survey.findings.iter().filter(|f| f.verdict == Verdict::Failed).map(|f| f.rule.as_str()).collect()
}

pub fn all_option_words(board: &VirtualBoard) -> Vec<(u16, u32)> {
    let board = board.board();
    let words = provost_chip::option_bytes::factory_words(board.silicon().identity().part);
    words.keys().map(|at| (*at, board.silicon().nvm().options.get(*at))).collect()
}
