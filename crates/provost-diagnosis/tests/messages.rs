//! The table of messages, and finding them in lines and by what people ask.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

use provost_chip::sources::Source;
use provost_diagnosis::{messages::Message, signs::Sign};

#[test]
fn rows_are_complete_and_their_sources_exist() {
    let all = Message::all();
    assert!(all.len() >= 130, "{}", all.len());
    for (i, m) in all.iter().enumerate() {
        assert!(
            m.id.starts_with("M-") && m.id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-'),
            "{}",
            m.id
        );
        assert!(!all[i + 1..].iter().any(|n| n.id == m.id || n.text == m.text), "{} twice", m.id);
        for (text, what) in [(m.means, "means"), (m.not, "not")] {
            assert!(text.ends_with('.') && text.len() > 15, "{} {what}", m.id);
            // A colon or a semicolon may join; more than two sentences do not fit a screen.
            assert!(text.matches(". ").count() <= 1, "{} {what}: more than two sentences", m.id);
        }
        assert!(!m.source.is_empty(), "{}", m.id);
        for key in m.source {
            assert!(Source::find(key).is_some(), "{}: unknown source {key}", m.id);
        }
    }
}

#[test]
fn every_message_finds_itself_however_it_is_dressed() {
    for m in Message::all() {
        let printed = m.text.replace('*', "0x17");
        for line in [
            printed.clone(),
            printed.to_uppercase(),
            format!("11:47:40:879 : Error: {printed}"),
            format!("\u{1b}[31mError:  {printed}\u{1b}[0m"),
            printed.replace(' ', "   "),
        ] {
            let found = Message::find_in(&line).unwrap_or_else(|| panic!("{}: {line}", m.id));
            // A longer message that holds this one may win, a shorter one may not.
            assert!(found.id == m.id || found.text.len() > m.text.len(), "{line}: {} for {}", found.id, m.id);
        }
    }
}

#[test]
fn lines_of_public_logs_are_known() {
    for (line, id) in [
        ("Error: Unable to get core ID", "M-CORE-ID"),
        (
            "Error: No STM32 target found! If your product embeds Debug Authentication, please perform a discovery using Debug Authentication",
            "M-NO-TARGET",
        ),
        ("open_comms                    :   505 : open       : De-asserting target reset", "M-DA-RELEASE"),
        ("discovery: ST provisioning integrity status:0xf5f5f5f5", "M-DA-INTEGRITY-BAD"),
        ("discovery: ST provisioning integrity status:0xeaeaeaea", "M-DA-INTEGRITY-GOOD"),
        ("11:47:40:879 : Connection to AP 0 requested and failed, Connection established with AP 1", "M-AP1-INSTEAD"),
        ("Error: Expected value for Option Byte \"PRODUCT_STATE\": 0xED, found: 0x17", "M-OB-EXPECTED"),
        (
            "# C [libCubeProgrammer_API.dylib+0x22b9c5] CryptoOTP::createFiles(QString, unsigned char*, QString)+0x1f5",
            "M-CRYPTO-OTP",
        ),
        ("Warn : target stm32h5x.cpu examination failed", "M-OPENOCD-EXAMINATION"),
        ("0001332 C No ACK received [__main__]", "M-PYOCD-NO-ACK"),
        ("2024-07-01T11:46:40 WARN common.c: NRST is not connected", "M-STLINK-NRST"),
        ("Error: Connecting to the chip was unsuccessful.", "M-PROBE-RS-CONNECT"),
        ("Can not attach to CPU. Trying connect under reset.", "M-JLINK-ATTACH"),
    ] {
        assert_eq!(Message::find_in(line).map(|m| m.id), Some(id), "{line}");
    }
    for line in ["", "Flash size  : 512 KBytes", "everything is fine", "\u{1b}[", "Reset mode  : Software reset"] {
        assert_eq!(Message::find_in(line), None, "{line}");
    }
}

#[test]
fn questions_find_their_message() {
    for (query, id) in [
        ("M-CANNOT-CONNECT-AP1", "M-CANNOT-CONNECT-AP1"),
        ("Error: failed to reconnect after reset !", "M-RECONNECT-RESET"),
        ("failed to reconnect", "M-RECONNECT-RESET"),
        ("load pConfig", "M-SDP-SERVICE-ABSENT"),
        ("it can't load the pConfig into RAM", "M-SDP-SERVICE-ABSENT"),
        ("unable to boot RSS_DA, open mode", "M-DA-OPEN-MODE"),
        ("no DBGMCU mailbox detected", "M-DA-NO-MAILBOX"),
        ("default DA config?", "M-DEFAULT-DA-CONFIG"),
        ("BAD_SIZE", "M-SDP-SIZE"),
        ("could not stop the cortex-m", "M-KEIL-NO-STOP"),
        ("unrecognized flash type", "M-STLINK-FLASH-TYPE"),
        ("openocd cannot read IDR", "M-OPENOCD-NO-IDR"),
        ("core in coresight setup not found", "M-JLINK-NO-CORE"),
    ] {
        let found = Message::search(query);
        assert_eq!(
            found.first().map(|(m, _)| m.id),
            Some(id),
            "{query}: {:?}",
            found.iter().map(|(m, s)| (m.id, s)).collect::<Vec<_>>()
        );
        assert!(found.windows(2).all(|w| w[0].1 >= w[1].1) && found.iter().all(|(_, s)| (0.0..=1.0).contains(s)));
    }
    for nonsense in ["", "   ", "zebra umbrella", "the"] {
        assert!(
            Message::search(nonsense).is_empty(),
            "{nonsense:?} {:?}",
            Message::search(nonsense).first().map(|m| m.0.id)
        );
    }
}

#[test]
fn messages_that_mean_nothing_reached_the_chip_say_so() {
    for m in Message::all() {
        if matches!(m.sign, Some(Sign::HostSideFailure | Sign::ToolCrash)) {
            assert!(m.not.contains("chip") || m.not.contains("learnt"), "{}", m.id);
        }
    }
}

#[test]
fn tools_and_boot_codes_of_public_reports_are_known() {
    for (line, id) in [
        ("Error: flash driver 'stm32h5x' not found", "M-OPENOCD-NO-DRIVER"),
        ("Error: The selected transport doesn't support this target", "M-OPENOCD-TRANSPORT"),
        ("Error: error executing stm32h5x flash write algorithm", "M-OPENOCD-WRITE-ALGORITHM"),
        ("ERROR common.c: Unsupported Target (Chip ID is 0000000000, Core ID is 0x6ba02477).", "M-STLINK-UNSUPPORTED"),
        (
            "ERROR probe_rs::architecture::arm::core::armv7m: The core is in locked up status as a result of an unrecoverable exception",
            "M-PROBE-RS-LOCKUP",
        ),
        ("Access port 1 is not accessible", "M-PROBE-RS-AP1"),
        ("Error: Flash Download failed  -  \"Cortex-M33\"", "M-KEIL-DOWNLOAD"),
        ("RDDI-DAP Error", "M-KEIL-RDDI"),
        ("Error: Cannot launch RSSe...", "M-RSSE-LAUNCH"),
        ("Error: Failed to get RSSe Status!", "M-RSSE-STATUS"),
        ("Error: Execution of RSS CMD failed, returned value = 0xF5F5F5F5", "M-RSS-CMD-FAILED"),
        (
            "Error: SFI command is not supported for the current device configuration using STLINK interfaces !",
            "M-SFI-UNSUPPORTED",
        ),
        ("SFSP Version: v0.1.1", "M-SFSP-OLD"),
        ("Target unknown error 32", "M-GDB-32"),
        ("Error finishing flash operation", "M-GDB-FLASH"),
        ("error: FLASH OPTCHANGEERR set", "M-HAL-OPTCHANGEERR"),
        ("OPT_CHANGE_ERR", "M-HAL-OPT-CHANGE"),
        ("NMI: ECCDETR = 0x80000000", "M-HAL-ECCDETR"),
        ("[INF] BANK 1 secure flash [0, 15] : OB [0, 14]", "M-ROT-SECWM-RANGE"),
        ("[ERR] Unexpected value for secure flash protection", "M-ROT-SECWM"),
        ("[ERR] Unable to find bootable image", "M-MCUBOOT-NO-IMAGE"),
        ("The core is locked up", "M-CORE-LOCKED-UP"),
        ("SEGGER DevPro: Error writing OBK", "M-DEVPRO-OBK"),
    ] {
        assert_eq!(Message::find_in(line).map(|m| m.id), Some(id), "{line}");
    }
}
