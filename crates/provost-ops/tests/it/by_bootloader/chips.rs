//! Over the bootloader of every part in every state that has one: read, set, stored, programmed, refused.

use super::*;

#[test]
fn every_option_of_every_chip_is_read_as_it_stands_in_the_chip() {
    let mut seen = 0;
    for (part, state, tz) in chips() {
        let board = board(part, state, tz, &[]);
        let before = nvm(&board);
        let mut boot = Bootloader::open(line(&board)).unwrap();
        let identity = boot.identify().unwrap();
        assert_eq!((identity.dev_id, identity.state().unwrap()), (part.info().dev_id, Some(state)), "{part}");
        assert_eq!(identity.debug, None);
        if state == ProductState::Open {
            assert_eq!(identity.uid, UniqueId::new(board.board().silicon().identity().uid), "{part}");
        }
        let bytes = OptionBytes::by_bootloader(&mut boot, Some(part.into())).unwrap();
        for field in OptionField::of(part) {
            let holds = field.get(before.options.get(field.offset_cur));
            if let Some(value) = bytes.value(field) {
                assert_eq!(value, holds, "{part} {state} {tz} {}", field.name);
                seen += 1;
            }
        }
        assert_eq!(nvm(&board), before, "looking changes nothing");
    }
    assert!(seen > 1000, "{seen}");
}

#[test]
fn what_is_set_stands_in_the_chip_and_nothing_else_has_changed() {
    for (part, state, tz) in chips() {
        let board = board(part, state, tz, &[]);
        let field = OptionField::find(part, "IWDG_STOP").unwrap();
        let before = nvm(&board);
        let value = field.get(before.options.get(field.offset_cur)) ^ 1;
        let mut boot = Bootloader::open(line(&board)).unwrap();
        let result = set(&mut boot, code_of(&board), field.name, value);
        let after = nvm(&board);
        match result {
            Ok(verified) => {
                assert!(verified);
                let mut wanted = before.clone();
                let word = wanted.options.get(field.offset_cur);
                wanted.options.set(field.offset_cur, word ^ 1 << field.low);
                assert_eq!(after, wanted, "{part} {state} {tz}");
            }
            Err(error) => {
                assert_eq!(state, ProductState::Provisioning, "{part} {tz}: {error}");
                assert_eq!(after, before, "{part} {state} {tz}: {error}");
            }
        }
    }
}

#[test]
fn a_state_is_written_alone_and_one_that_is_not_taken_is_said() {
    for (part, state, tz) in chips() {
        let board = board(part, state, tz, &[]);
        let mut boot = Bootloader::open(line(&board)).unwrap();
        if state == ProductState::Open {
            let found = boot.write_product_state(ProductState::Provisioning).unwrap();
            assert_eq!(found, Some(ProductState::Provisioning), "{part} {tz}");
            assert_eq!(state_of(&board).0, ProductState::Provisioning);
        } else {
            let before = nvm(&board);
            let error = boot.write_product_state(ProductState::Open).unwrap_err();
            assert_eq!(error.code(), "boot-state-unchanged", "{part} {tz}");
            assert_eq!(nvm(&board), before);
        }
    }
}

#[test]
fn an_object_that_goes_in_over_the_line_can_be_used() {
    let mut stored = 0;
    for (part, state, tz) in chips() {
        let folder = tempfile::tempdir().unwrap();
        if part.info().da_store == DaStore::Otp {
            continue;
        }
        for (what, value) in
            [("rss-return", "returns"), ("rss-return", "resets"), ("boot-final-ack", "lost"), ("rss-tz-off", "faults")]
        {
            let board = board(part, state, tz, &[WORLD, &[(what, value)]].concat());
            let before = nvm(&board);
            let dir = tempfile::tempdir_in(folder.path()).unwrap();
            let request = request(part, tz, dir.path());
            let mut boot = Bootloader::open(line(&board)).unwrap();
            match provision(&mut boot, &request, dir.path()) {
                Ok(written) => {
                    assert_eq!(state, ProductState::Provisioning);
                    assert!(
                        written.discovered.is_none() && written.unproven.iter().any(|u| u.contains("nobody asked"))
                    );
                    assert!(usable(board.board().silicon().chip()).is_some(), "{part} {tz} {value}");
                    stored += 1;
                }
                Err(error) => {
                    assert_eq!((error.code(), state), ("obk-wrong-state", ProductState::Open), "{part} {tz}: {error}");
                    assert_eq!(nvm(&board), before);
                }
            }
        }
    }
    assert!(stored > 20, "{stored}");
}

#[test]
fn flash_is_written_byte_for_byte() {
    for (part, state, tz) in chips() {
        let board = board(part, state, tz, &[]);
        let code = code_of(&board);
        let folder = tempfile::tempdir().unwrap();
        let before = nvm(&board);
        let mut boot = Bootloader::open(line(&board)).unwrap();
        let last = code.flash.unwrap().bytes() - SECTOR_SIZE;
        assert_eq!(program(&mut boot, code, &image(code, 5000, folder.path())).unwrap(), 5000, "{part} {state} {tz}");
        let after = nvm(&board);
        for at in (0..SECTOR_SIZE).step_by(4) {
            let byte = |n: u32| if n < 5000 { (n % 251) as u8 } else { 0xFF };
            let wanted = u32::from_le_bytes([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)]);
            assert_eq!(after.flash_word(last + at), wanted, "{part} {state} {tz} {at:#x}");
        }
        assert_eq!((&after.options, &after.obk, &after.otp), (&before.options, &before.obk, &before.otp));
    }
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let mut refused = std::collections::BTreeSet::new();
    for (part, state, tz) in chips() {
        let world = [WORLD, &[("rss-checksum", "unlisted")]].concat();
        let board = board(part, state, tz, &world);
        let code = code_of(&board);
        let folder = tempfile::tempdir().unwrap();
        let before = nvm(&board);
        let mut boot = Bootloader::open(line(&board)).unwrap();
        let other = PartId::all().find(|p| p.info().dev_id != part.info().dev_id).unwrap();
        let outside = {
            let path = folder.path().join("outside.bin");
            std::fs::write(&path, [1; 64]).unwrap();
            Image::load(&path, Some(0x0800_0000 + code.flash.unwrap().bytes() - 32)).unwrap()
        };
        let mut results: Vec<Option<Failure>> = vec![
            boot.parts(Some(other)).err(),
            set(&mut boot, code, "PRODUCT_STATE", 0x5C).err(),
            program(&mut boot, code, &outside).err(),
            boot.write(0x0800_0001, &[0; 16]).err(),
            boot.read(0x1000_0000, 4).err(),
            boot.erase(&Erase::Sectors(vec![])).err(),
        ];
        if tz == TrustZone::Enabled && state == ProductState::Provisioning {
            let path = folder.path().join("secure.bin");
            std::fs::write(&path, [1; 64]).unwrap();
            let secure = Image::load(&path, Some(0x0800_0000)).unwrap();
            results.push(program(&mut boot, code, &secure).err());
        }
        if part.info().da_store == DaStore::Obk {
            let mut wish = request(part, tz, folder.path());
            results.push(provision(&mut boot, &wish, folder.path()).err());
            wish.replace = false;
            results.push(provision(&mut boot, &wish, folder.path()).err());
            wish.encrypting_word = None;
            results.push(provision(&mut boot, &wish, folder.path()).err());
        } else {
            let object = Delivery { destination: 0x0FFD_0100, payload: &[0; 96], word: EncryptWord::ZERO };
            let mut known = None;
            let mut target = ByBootloader::new(&mut boot, true);
            let result = target.provision(&[part], object, &mut known, &mut |_| Ok(()), &mut Log::default());
            results.push(result.err());
        }
        for result in results {
            refused.insert(result.unwrap_or_else(|| panic!("{part} {state} {tz}: not refused")).code());
        }
        assert_eq!(nvm(&board), before, "{part} {state} {tz}");
    }
    for code in [
        "boot-part-mismatch",
        "boot-secure-sectors",
        "boot-unaligned",
        "boot-refused",
        "obk-no-discovery",
        "rss-checksum-unknown",
        "wire-cannot",
    ] {
        assert!(refused.contains(code), "{code} was not met: {refused:?}");
    }
}
