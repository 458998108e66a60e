//! Logs of tools and the steps in them. What is expected follows from the lines' own words.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

use std::io::{BufReader, Read};

use proptest::prelude::*;
use provost_chip::states::ProductState;
use provost_diagnosis::{
    case::{Act, AskedPermission, ConnectMode, Credential, Host, Object, OptionValue, Outcome, Step},
    log::{LogReport, read},
    signs::Sign,
};

fn of(text: &str) -> LogReport {
    read(text.as_bytes()).unwrap()
}

fn option(field: &str, value: u64) -> OptionValue {
    OptionValue { field: field.into(), value: Some(value) }
}

fn states(steps: &[Step]) -> Vec<(bool, ProductState, Option<Outcome>)> {
    let state = |s: &Step| match &s.act {
        Act::WriteOption(o) => Some((true, o.product_state()?, s.outcome)),
        Act::ReadOption(o) => Some((false, o.product_state()?, s.outcome)),
        _ => None,
    };
    steps.iter().filter_map(state).collect()
}

#[test]
fn a_refused_step_back_is_a_write_and_two_reads() {
    let report = of(include_str!("cases/raw/h533-provisioning.log"));
    assert_eq!(report.case.chip.dev_id, Some(0x478));
    let (ok, refused) = (Some(Outcome::Ok), Some(Outcome::Refused));
    assert_eq!(
        states(&report.case.steps),
        [
            (false, ProductState::Provisioning, ok),
            (true, ProductState::Open, refused),
            (false, ProductState::Provisioning, ok)
        ]
    );
    assert!(report.case.steps.iter().any(|s| s.act == Act::ReadOption(option("TZEN", 0xB4))));
    assert_eq!(report.tools, ["STM32CubeProgrammer 2.22.0"]);
    assert!(!report.binary && report.other_family.is_none());
}

#[test]
fn objects_refused_in_open_are_known_by_their_file() {
    let report = of(include_str!("cases/raw/h563-object-in-open.log"));
    let provisions: Vec<_> = report
        .case
        .steps
        .iter()
        .filter_map(|s| match s.act {
            Act::Provision { object, .. } => Some((object, s.outcome, s.all_signs().collect::<Vec<_>>())),
            _ => None,
        })
        .collect();
    let error = Some(Outcome::Error);
    assert_eq!(
        provisions,
        [
            (Object::DaCertificate, error, vec![Sign::ServiceAbsent]),
            (Object::DaPassword, error, vec![Sign::ObjectKindRefused])
        ]
    );
    assert_eq!(report.case.chip.part.as_deref(), Some("STM32H563ZI"));
    assert_eq!(states(&report.case.steps)[0].1, ProductState::Open);
}

#[test]
fn a_production_script_tells_what_it_did_to_the_chip() {
    let report = of(include_str!("cases/raw/h563-production-script.log"));
    let steps = &report.case.steps;
    assert!(matches!(steps[0].act, Act::Provision { .. }) && steps[0].all_signs().any(|s| s == Sign::FileMissing));
    assert_eq!(steps[1].act, Act::Connect { mode: Some(ConnectMode::HotPlug), ap: Some(1) });
    assert_eq!(states(steps), [(true, ProductState::Closed, Some(Outcome::Lost))]);
    let Act::Discover(d) = &steps[3].act else { panic!("{:?}", steps[3]) };
    assert_eq!((d.lifecycle, d.integrity), (Some(ProductState::Closed), Some(false)));
    assert_eq!(d.permissions.as_deref(), Some(&["Full Regression".to_owned()][..]));
    let authenticate =
        Act::Authenticate { with: Some(Credential::Password), permission: AskedPermission::FullRegression };
    assert_eq!((&steps[4].act, steps[4].outcome), (&authenticate, Some(Outcome::Error)));
    assert_eq!(steps.len(), 5);
}

#[test]
fn the_graphical_tool_is_understood_among_other_words() {
    let report = of(include_str!("logs/gui-password-then-closed.log"));
    let bench = &report.case.bench;
    assert_eq!((bench.host, bench.supply_volts), (Some(Host::Windows64), Some(3.29)));
    assert_eq!(bench.probe.as_deref(), Some("NUCLEO-H563ZI, on the board, ST-LINK firmware V3J17M10"));
    let (ok, lost) = (Some(Outcome::Ok), Some(Outcome::Lost));
    assert_eq!(
        states(&report.case.steps),
        [(true, ProductState::Provisioning, ok), (true, ProductState::Closed, lost)]
    );
    let stored = report.case.steps.iter().find(|s| matches!(s.act, Act::Provision { object: Object::DaPassword, .. }));
    assert_eq!(stored.map(|s| s.outcome), Some(ok));
    let last = report.case.steps.last().unwrap();
    assert_eq!(last.act, Act::Connect { mode: Some(ConnectMode::Normal), ap: None });
    assert_eq!(last.outcome, Some(Outcome::Error));
    // The French line and "Disconnected from device." are nobody's.
    assert_eq!(report.case.ignored_lines, 2);
}

#[test]
fn words_of_the_command_line_fill_what_is_not_printed() {
    let report = of(
        "$ STM32_Programmer_CLI -c port=SWD mode=UR -e all -d app.elf -v\nDownload verified successfully\n\
        $ STM32_Programmer_CLI -c port=SWD ap=1 mode=Hotplug -w board_password.bin 0x8FFF000\nFile download complete\n\
        $ STM32_Programmer_CLI -c port=SWD mode=Hotplug -ob TZEN=0xB4 PRODUCT_STATE=0x17\nOption Bytes successfully programmed\n\
        $ STM32_Programmer_CLI -c port=SWD debugauth=3\nLocking Debug\n",
    );
    let acts: Vec<_> = report.case.steps.iter().map(|s| &s.act).collect();
    // Erased, then programmed; only the second is confirmed.
    assert!(matches!(acts[0], Act::Erase) && matches!(acts[1], Act::Flash), "{acts:?}");
    assert_eq!((report.case.steps[0].outcome, report.case.steps[1].outcome), (None, Some(Outcome::Ok)));
    assert!(matches!(acts[2], Act::Provision { object: Object::DaPassword, .. }));
    assert_eq!(report.case.steps[2].outcome, Some(Outcome::Ok));
    assert_eq!(
        acts[3..],
        [&Act::WriteOption(option("TZEN", 0xB4)), &Act::WriteOption(option("PRODUCT_STATE", 0x17)), &Act::CloseDebug]
    );
    assert!(report.case.steps[3..].iter().all(|s| s.outcome == Some(Outcome::Ok)));
}

#[test]
fn what_was_not_reached_was_not_done() {
    let report = of("$ STM32_Programmer_CLI -c port=SWD ap=1 mode=Hotplug -ob PRODUCT_STATE=0x5C\n\
        Error: Unable to get core ID\nError: Cannot connect to access port 1!\n");
    assert_eq!(report.case.steps.len(), 1);
    assert_eq!(report.case.steps[0].act, Act::Connect { mode: Some(ConnectMode::HotPlug), ap: Some(1) });
    assert_eq!(report.case.steps[0].outcome, Some(Outcome::Error));
}

#[test]
fn values_that_were_there_already_are_read_not_written() {
    let report = of("$ STM32_Programmer_CLI -c port=SWD -ob PRODUCT_STATE=0x17\nPROGRAMMING OPTION BYTES AREA ...\n\
        Warning: Option Byte: PRODUCT_STATE, value: 0x17, was not modified.\nWarning: Option Bytes are unchanged, Data won't be downloaded\n");
    assert_eq!(states(&report.case.steps), [(false, ProductState::Provisioning, Some(Outcome::Ok))]);
}

#[test]
fn an_empty_answer_and_a_hang_are_told_apart() {
    let open = of(
        "Start Debug Authentication Sequence\nopen_comms : 584 : open : Communication with the target established successfully\n\
        response_packet_lock\nTimeout while receiving response...\ndiscovery: target ID.......................:0x0\n\
        discovery: Vendor ID.......................:(null)\n\"discovery script failed\"\n",
    );
    let Act::Discover(d) = &open.case.steps[0].act else { panic!("{open:?}") };
    assert!(d.empty_answer && !d.answered());
    assert_eq!(open.case.steps[0].outcome, Some(Outcome::Timeout));
    let hang =
        of("Start Debug Authentication Sequence\nOpen SDM Lib\nSDMOpen : 724 : open : SDM Library version v1.3.0\n");
    assert_eq!((hang.case.steps.len(), hang.case.steps[0].outcome), (1, Some(Outcome::Hang)));
    // Only the command line was pasted.
    let untold = of("$ STM32_Programmer_CLI -c port=SWD debugauth=2\n");
    assert!(
        matches!(untold.case.steps[0].act, Act::Discover(_)) && untold.case.steps[0].outcome.is_none(),
        "{untold:?}"
    );
}

#[test]
fn a_good_discovery_in_full() {
    let report = of("$ STM32_Programmer_CLI -c port=SWD debugauth=2\nStart Debug Authentication Sequence\n\
        discovery: target ID.......................:0x484\ndiscovery: PSA lifecycle...................:ST_LIFECYCLE_TZ_CLOSED\n\
        discovery: ST HDPL1 status.................:0x1\ndiscovery: cryptosystems...................:Ecdsa-P256 SHA256\n\
        discovery: ST provisioning integrity status:0xeaeaeaea\n\
        discovery: permission if authorized........:(a/14) ==> Full Regression\n\
        discovery: permission if authorized........:(b/12) ==> To TZ Regression\nDebug Authentication: Discovery Success\n");
    let Act::Discover(d) = &report.case.steps[0].act else { panic!("{report:?}") };
    assert_eq!(
        (d.lifecycle, d.integrity, d.hdpl1, d.password),
        (Some(ProductState::TzClosed), Some(true), Some(1), Some(false))
    );
    assert_eq!(d.permissions.as_ref().map(Vec::len), Some(2));
    assert_eq!((report.case.steps.len(), report.case.chip.dev_id), (1, Some(0x484)));
}

#[test]
fn registers_in_the_trace_are_option_bytes() {
    // OPTSR_CUR 0x2DF017xx: BOOT_UBE 0xB7 is no code and is not believed; OPTSR2_CUR 0xC3: TrustZone off.
    let report = of(
        "r ap 1 @0x40022070 0x00000004 bytes Data 0xC300015C\nr ap 1 @0x40022050 0x00000004 bytes Data 0x2D0017FF\n\
        r ap 1 @0x40022070 0x00000004 bytes Data 0xC300015C\nr ap 1 @0x40022050 0x00000004 bytes Data 0x00000000\n",
    );
    let acts: Vec<_> = report.case.steps.iter().map(|s| s.act.clone()).collect();
    let expected = ["TZEN", "PRODUCT_STATE", "BOOT_UBE"].into_iter().zip([0xC3, 0x17, 0xB4]);
    assert_eq!(acts, expected.map(|(f, v)| Act::ReadOption(option(f, v))).collect::<Vec<_>>());
}

#[test]
fn other_tools_tell_how_they_failed() {
    for (text, tool, outcome, sign) in [
        (
            "Open On-Chip Debugger 0.12.0\nInfo : clock speed 2000 kHz\nError: Error connecting DP: cannot read IDR\n",
            "OpenOCD 0.12.0",
            Outcome::NoDevice,
            Sign::NoTarget,
        ),
        (
            "Info : SWD DPIDR 0x6ba02477\nWarn : target stm32h5x.cpu examination failed\n",
            "OpenOCD",
            Outcome::Error,
            Sign::Ap1Shut,
        ),
        ("0001332 C No ACK received [__main__]\n", "pyOCD", Outcome::NoDevice, Sign::NoTarget),
        (
            "Error: Connecting to the chip was unsuccessful.\n\nCaused by:\n    0: Target device did not respond to request.\n",
            "probe-rs",
            Outcome::Error,
            Sign::NoTarget,
        ),
        (
            "Cannot connect to target.\nCould not find core in Coresight setup\n",
            "J-Link",
            Outcome::Error,
            Sign::Ap1Shut,
        ),
        (
            "st-flash 1.8.0\n2024-07-01T11:46:40 WARN common.c: NRST is not connected\nFailed to connect to target\nFailed to parse flash type or unrecognized flash type\n",
            "stlink 1.8.0",
            Outcome::Error,
            Sign::ToolTooOld,
        ),
    ] {
        let report = of(text);
        assert_eq!(report.tools, [tool], "{text}");
        assert_eq!(report.case.steps.len(), 1, "{text} {:?}", report.case.steps);
        let step = &report.case.steps[0];
        assert!(matches!(step.act, Act::Connect { .. }), "{text}");
        assert_eq!(step.outcome, Some(outcome), "{text}");
        assert!(step.all_signs().any(|s| s == sign), "{text}");
    }
}

#[test]
fn bootloader_attempts_are_no_connections_over_swd() {
    let report = of(
        "$ STM32_Programmer_CLI -c port=usb1\nError: Target device not found\nError: Establishing connection with the device failed\n\
        $ STM32_Programmer_CLI -c port=COM3\nSerial Port COM3 is successfully opened.\nTimeout error occured while waiting for acknowledgement.\n\
        Error: Activating device: KO. Please, verify the boot mode configuration\n",
    );
    let told: Vec<_> = report.case.steps.iter().map(|s| (s.act.clone(), s.outcome)).collect();
    assert_eq!(told, [(Act::Dfu, Some(Outcome::NoDevice)), (Act::Uart, Some(Outcome::Timeout))]);
}

#[test]
fn another_family_is_named() {
    let report = of(include_str!("logs/f407-option-bytes.log"));
    assert_eq!(report.other_family.as_deref(), Some("STM32F4"));
    assert!(report.case.chip.dev_id.is_none());
    assert!(report.case.steps.iter().any(|s| s.signs.contains(&Sign::OtherFamily)));
    let both =
        format!("{}{}", include_str!("logs/f407-option-bytes.log"), include_str!("cases/raw/h533-provisioning.log"));
    assert_eq!(of(&both).other_family, None);
}

#[test]
fn line_ends_and_encodings_change_nothing() {
    for text in
        [include_str!("cases/raw/h563-object-in-open.log"), include_str!("cases/raw/h563-production-script.log")]
    {
        let plain = of(text).case.steps;
        assert_eq!(of(&text.replace('\n', "\r\n")).case.steps, plain);
        let wide: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let report = read(wide.as_slice()).unwrap();
        assert_eq!((report.case.steps, report.binary), (plain.clone(), false));
        let stamped: String = text.lines().map(|l| format!("11:47:40:879 : {l}\n")).collect();
        assert_eq!(of(&stamped).case.steps, plain);
        let mut latin = text.as_bytes().to_vec();
        latin.extend(b"Vers\xE9 \xFF\n");
        assert_eq!(read(latin.as_slice()).unwrap().case.steps, plain);
    }
}

#[test]
fn rubbish_is_called_so() {
    let noise: Vec<u8> = (0u32..20_000).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let report = read(noise.as_slice()).unwrap();
    assert!(report.binary && report.case.steps.is_empty());
    let report = of("");
    assert!(!report.binary && report.lines == 0);
    let report = of("Dear all,\nmy chip is stuck.\n\nPlease help!\n");
    assert_eq!((report.lines, report.recognised, report.case.ignored_lines, report.binary), (4, 0, 3, false));
}

/// A log without end, made on the fly.
struct Endless {
    line: &'static [u8],
    left: usize,
    at: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = buffer.len().min(self.left);
        for byte in &mut buffer[..n] {
            *byte = self.line[self.at];
            self.at = (self.at + 1) % self.line.len();
        }
        self.left -= n;
        Ok(n)
    }
}

#[test]
fn long_logs_keep_their_ends_and_count_the_rest() {
    let run =
        b"STM32CubeProgrammer v2.22.0\nDevice ID   : 0x484\nPRODUCT_STATE: 0xED (Open)\nError: Unable to get core ID\n";
    let report = read(BufReader::new(Endless { line: run, left: 8 << 20, at: 0 })).unwrap();
    assert!(report.case.steps.len() <= 200 && report.steps_left_out > 100_000, "{}", report.steps_left_out);
    assert_eq!(report.tools.len(), 1);
    let one_line = read(BufReader::new(Endless { line: b"a", left: 8 << 20, at: 0 })).unwrap();
    assert_eq!((one_line.lines, one_line.case.steps.len()), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_bytes_make_a_report(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let report = read(bytes.as_slice()).unwrap();
        prop_assert!(report.recognised <= report.lines);
    }

    #[test]
    fn lines_in_any_order_and_cut_anywhere_make_a_report(
        picks in prop::collection::vec((0usize..1000, 0usize..90), 0..60),
    ) {
        let text = [
            include_str!("cases/raw/h533-provisioning.log"),
            include_str!("cases/raw/h563-object-in-open.log"),
            include_str!("cases/raw/h563-production-script.log"),
            include_str!("logs/gui-password-then-closed.log"),
        ].concat();
        let lines: Vec<&str> = text.lines().collect();
        let mut shuffled = String::new();
        for (line, cut) in picks {
            let line = lines[line % lines.len()];
            shuffled.extend(line.chars().take(if cut < 20 { cut } else { line.len() }));
            shuffled.push('\n');
        }
        let report = of(&shuffled);
        prop_assert!(report.recognised <= report.lines);
        prop_assert!(report.case.steps.len() <= 200);
        prop_assert!(report.case.steps.iter().all(|s| s.messages.len() <= 24));
    }
}
