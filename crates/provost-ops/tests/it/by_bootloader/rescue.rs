//! A rescue over a line and a probe.

use super::*;

fn wish(base: &Path) -> Wish {
    Wish {
        chip: "board".to_owned(),
        part: None,
        credential: None,
        inside: false,
        encrypt_word: None,
        out: base.into(),
        one_shot: false,
        once_for_life: false,
        this_is: None,
    }
}

/// A rescue over both wires, with this line.
pub fn rescue_over(line: Box<dyn Line>, board: &VirtualBoard, base: &Path, log: &mut Log) -> Result<Ended, Failure> {
    let mut boot = Bootloader::open(line)?;
    let mut bench = Bench::on_board(board.clone());
    rescue(&mut BothWires::new(&mut bench.session, &mut boot), wish(base), log)
}

#[test]
fn a_rescue_provisions_over_the_line_and_does_the_rest_over_the_probe() {
    let mut only_here = 0;
    for part in PartId::all().filter(|p| p.info().da_store == DaStore::Obk) {
        for tz in TrustZone::ALL {
            let world = [WORLD, &[("rss-tz-off", "faults"), ("tzen-in-provisioning", "ignored")]].concat();
            let world: Vec<_> =
                world.into_iter().filter(|(name, value)| Assumptions::default().set(name, value).is_ok()).collect();
            let board = board(part, ProductState::Provisioning, tz, &world);
            let base = tempfile::tempdir().unwrap();
            let mut log = Log::default();
            let ended = rescue_over(line(&board), &board, base.path(), &mut log).unwrap();
            assert_eq!(state_of(&board).0, ProductState::Open, "{part} {tz}");
            let names: Vec<_> = ended.performed.iter().map(|s| s.name()).collect();
            let first = names.iter().position(|n| n.starts_with("provision-da")).unwrap();
            assert_eq!(names[..first], ["prove:nrst", "make:credential"], "{part} {tz}");
            assert!(log.0.iter().any(|l| l.contains("over twin:board")), "{log:?}");
            // One folder with one journal and one receipt.
            let folder = ended.folder.unwrap();
            assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 1);
            let count = |end: &str| {
                let all = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
                all.filter(|name| name.ends_with(end)).count()
            };
            assert_eq!((count("receipt.json"), count("journal")), (1, 1), "{folder:?}");
            if tz == TrustZone::Disabled {
                // Where a debugger may not call the service, the bootloader still does.
                assert!(!names.contains(&"fallback"), "{names:?}");
                only_here += 1;
            }
        }
    }
    assert!(only_here > 0);
}

#[test]
fn two_boards_are_not_taken_for_one() {
    let part: PartId = "STM32H533".parse().unwrap();
    let make = || board(part, ProductState::Provisioning, TrustZone::Enabled, WORLD);
    let (one, other) = (make(), make());
    let (before_one, before_other) = (nvm(&one), nvm(&other));
    let base = tempfile::tempdir().unwrap();
    let error = rescue_over(line(&other), &one, base.path(), &mut Log::default()).unwrap_err();
    assert_eq!(error.code(), "boot-two-chips");
    assert_eq!((nvm(&one), nvm(&other)), (before_one, before_other));
}
