//! Free words and the signs in them.

use proptest::prelude::*;
use provost_diagnosis::{
    remarks::{probe_has_reset, signs_in, signs_in_firmware},
    signs::Sign,
};

#[test]
fn sentences_of_reports_are_understood() {
    use Sign::*;
    for (text, wanted) in [
        ("the same error comes at once with the probe unplugged", &[HostSideFailure][..]),
        ("even without any probe connected I get the same message", &[HostSideFailure]),
        ("32-bit version of the programmer", &[HostSideFailure]),
        ("flash reads as zeros", &[FlashReadsZero]),
        ("reading bank 1 shows only 0x00000000", &[FlashReadsZero]),
        ("a second board works", &[WorksElsewhere]),
        ("Everything runs fine on another NUCLEO", &[WorksElsewhere]),
        ("password file was lost", &[CredentialMissing]),
        ("we don't have the private key any more", &[CredentialMissing]),
        ("jumps to the ROM bootloader", &[FirmwareJumpsToBootloader]),
        ("writes PRODUCT_STATE=0x9A", &[FirmwareRegresses]),
        ("the application has a menu entry that regresses", &[FirmwareRegresses]),
        ("firmware can launch the regression on a CAN command", &[FirmwareRegresses]),
        ("no record is left of what was written", &[UnrecordedWrites]),
        ("I do not remember which option bytes I changed", &[UnrecordedWrites]),
        ("ST-LINK clone with four wires", &[FourWires]),
        ("only SWDIO and SWCLK and GND are wired", &[FourWires]),
        ("NRST is not wired on this board", &[NrstMissing]),
        ("supply reads 2.39 V", &[SupplyLow]),
        ("VDD drops to 1.9V when erasing", &[SupplyLow]),
        ("the supply sags when it erases", &[SupplyInDoubt]),
        ("maybe a weak battery", &[SupplyInDoubt]),
        ("ICACHE enabled and stalls", &[FirmwareStalls]),
        ("application runs", &[ApplicationRuns]),
        ("the LED still blinks", &[ApplicationRuns]),
        ("application does not run", &[ApplicationDead]),
        ("The firmware doesn’t start", &[ApplicationDead]),
        ("application fails to boot", &[ApplicationDead]),
        ("hard fault after the swap", &[ApplicationDead]),
        ("mass erase fails", &[FlashFails]),
        ("long flying wires", &[WiringDoubtful]),
        ("a cold solder joint was found at SWDIO", &[WiringDoubtful]),
        ("TrustZone demo: secure application only", &[SecureFirmware]),
        ("the window closes", &[ToolCrash]),
        ("the .obk file was not found", &[FileMissing]),
        ("answered yes to the default DA-Config", &[DefaultConfig]),
        ("used the sample keys of STM32CubeH5", &[SampleCredential]),
        ("the bootloader does not answer", &[BootloaderFails]),
    ] {
        let found = signs_in(text);
        for sign in wanted {
            assert!(found.contains(sign), "{text}: {sign:?} not in {found:?}");
        }
    }
}

#[test]
fn contraries_and_neighbours_are_not_taken() {
    use Sign::*;
    for (text, unwanted) in [
        ("application does not run", ApplicationRuns),
        ("application never started again", ApplicationRuns),
        ("the same script on a NUCLEO gives a running application", ApplicationRuns),
        ("application runs", ApplicationDead),
        ("application runs without problems", ApplicationDead),
        ("application runs with no problem", ApplicationDead),
        ("application runs, but the debugger does not connect", ApplicationDead),
        ("the application does not run", UnrecordedWrites),
        ("a second board does not work either", WorksElsewhere),
        ("a second board behaves alike", WorksElsewhere),
        ("the flash does not read as zeros", FlashReadsZero),
        ("the battery symbol in the app shows low", SupplyInDoubt),
        ("the battery symbol in the app shows low", SupplyLow),
        ("the supply is weak", SupplyLow),
        ("it enters a low power mode", SupplyInDoubt),
        ("supply reads 3.31 V", SupplyLow),
        ("the core regulator gives 1.2 V at VCAP", SupplyLow),
        ("the firmware cannot regress", FirmwareRegresses),
        ("full regression with CubeProgrammer fails", FirmwareRegresses),
        ("does not jump to the bootloader", FirmwareJumpsToBootloader),
        ("written by the non-secure application", SecureFirmware),
        ("I still have the password", CredentialMissing),
        ("the password file was not found", FileMissing),
    ] {
        assert!(!signs_in(text).contains(&unwanted), "{text}: {unwanted:?}");
    }
}

#[test]
fn the_subject_of_a_firmware_step_is_the_firmware() {
    assert!(signs_in_firmware("sets PRODUCT_STATE to 0x72 at first boot").contains(&Sign::FirmwareWritesOptions));
    assert!(!signs_in("sets PRODUCT_STATE to 0x72 from the debugger").contains(&Sign::FirmwareWritesOptions));
    assert!(signs_in_firmware("accesses the OBK area with ICACHE enabled").contains(&Sign::FirmwareStalls));
    assert!(signs_in_firmware("regresses on request").contains(&Sign::FirmwareRegresses));
}

#[test]
fn probes_are_known_by_their_words() {
    for (text, wired) in [
        ("ST-LINK/V2 mini, four wires", Some(false)),
        ("ST-LINK/V2 clone", Some(false)),
        ("cheap STLink dongle from AliExpress", Some(false)),
        ("ST-LINK/V3 on the board", Some(true)),
        ("NUCLEO-H563ZI, on the board", Some(true)),
        ("STM32H573I-DK", Some(true)),
        ("J-Link, NRST wired", Some(true)),
        ("ST-LINK without NRST", Some(false)),
        ("clone with reset wired", Some(true)),
        ("ST-LINK/V2", None),
        ("STLINK-V3MINIE", Some(true)),
        ("", None),
    ] {
        assert_eq!(probe_has_reset(text), wired, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_text_is_taken(text in "\\PC{0,300}") {
        signs_in(&text);
        signs_in_firmware(&text);
        probe_has_reset(&text);
    }
}
