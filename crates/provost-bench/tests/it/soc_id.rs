//! What a discovery gives as the SoC id, in each reading of the sources.

use provost_adac::{
    certificate::{Certificate, Role},
    chain::Chain,
    key::{PrivateKey, Signer as _},
    permission::PermissionMask,
    scope::Scope,
};
use provost_bench::Bench;
use provost_chip::{
    assumptions::{Assumptions, SocId},
    states::{ProductState, TrustZone},
};
use provost_obk::da::DaObject;
use provost_ops::{
    credential::{KeyHolder, Proof},
    debug_auth::{authenticate, discover},
    identify::identify,
};
use provost_twin::{board::VirtualBoard, presets::Maker};

/// Printed by ST's tool highest word first, the unique id being the lower three.
const UID: [u32; 3] = [0x003D_005E, 0x3332_5117, 0x3836_3236];
const SHOWN: &str = "0x00000000_38363236_33325117_003D005E";
const ZERO: &str = "0x00000000_00000000_00000000_00000000";

fn bench(state: ProductState, soc_id: SocId, payload: Option<[u8; 96]>) -> Bench {
    let mut maker = Maker::new("STM32H563".parse().unwrap(), 1);
    maker.uid = UID;
    maker.state = state;
    maker.tz = TrustZone::Enabled;
    maker.da_payload = payload;
    maker.assumptions = Assumptions { soc_id, ..provost_twin::presets::practice_world() };
    let mut bench = Bench::on_board(VirtualBoard::with_chip("chip", maker.make()));
    identify(&mut bench.session).unwrap();
    bench
}

#[test]
fn r_soc_id_may_read_zero() {
    use ProductState::{Closed, Provisioning, TzClosed};
    for (state, soc_id, shown) in [
        (Provisioning, SocId::UniqueId, SHOWN),
        (Closed, SocId::UniqueId, SHOWN),
        (Provisioning, SocId::ZeroInClosed, SHOWN),
        (TzClosed, SocId::ZeroInClosed, SHOWN),
        (Closed, SocId::ZeroInClosed, ZERO),
        (Provisioning, SocId::Zero, ZERO),
        (Closed, SocId::Zero, ZERO),
    ] {
        let mut bench = bench(state, soc_id, None);
        let discovered = discover(&mut bench.session).unwrap().report();
        assert_eq!(discovered.soc_id.as_deref(), Some(shown), "{state} {soc_id:?}");
    }
}

/// A certificate for this chip alone is of no use where the chip does not say which one it is.
#[test]
fn a_certificate_bound_to_an_soc_id_needs_a_chip_that_shows_it() {
    let root = PrivateKey::from_scalar(&[7; 32]).unwrap();
    let mut id = [0; 16];
    id[..12].copy_from_slice(&UID.map(u32::to_le_bytes).concat());
    let scope = Scope { soc_id: id, ..Scope::STANDARD };
    let chain = Chain::new(vec![Certificate::builder(Role::Root).scope(scope).self_sign(&root).unwrap()]);
    let payload = DaObject::certificate(&root.public_key(), PermissionMask::STM32H5).payload().to_bytes();
    let signer = KeyHolder::from(root);
    for (soc_id, opens) in [(SocId::UniqueId, true), (SocId::ZeroInClosed, false)] {
        let mut bench = bench(ProductState::Closed, soc_id, Some(payload));
        let conversation = discover(&mut bench.session).unwrap();
        let proof = Proof::Certificate {
            chain: chain.clone(),
            signer: &signer,
            permission: provost_adac::permission::Permission::FullRegression,
        };
        let outcome =
            authenticate(&mut bench.session, &conversation.mailbox, proof.credential(), &|asked| proof.sign(asked));
        assert_eq!(outcome.is_ok(), opens, "{soc_id:?} {outcome:?}");
    }
}
