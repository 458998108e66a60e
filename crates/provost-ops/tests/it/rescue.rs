//! The rescue against the virtual chip, over real SWD packets.

use crate::common;

use common::{Log, run_logged, state_of, stuck};
use provost_chip::states::{ProductState, TrustZone};
use provost_twin::{board::VirtualBoard, wire::Wire as _};

#[test]
fn the_stuck_chip_comes_back_to_open() {
    for tz in TrustZone::ALL {
        let board = VirtualBoard::with_chip("stuck", stuck("STM32H533RE", tz, provost_twin::presets::practice_world()));
        let base = tempfile::tempdir().unwrap();
        let mut log = Log::default();
        let result = run_logged(&board, base.path(), None, &mut log);
        println!("{}", log.0.join("\n"));
        let receipt = result.unwrap();
        println!("{}", serde_json::to_string_pretty(&receipt).unwrap());
        println!("{:?}", board.board().stats());
        assert_eq!(state_of(&board), (ProductState::Open, TrustZone::Disabled));
        assert!(board.board().silicon().nvm().flash.is_empty());
    }
}
