//! The fidelity ledger: which behaviour of the virtual chip is documented, reported, inferred, or not modelled at all.

use provost_chip::{assumptions::Assumptions, rules::Rule, sources::Confidence};

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The part of the chip.
    pub area: &'static str,
    /// What the virtual chip does.
    pub behaviour: &'static str,
    /// How sure it is that silicon does so; `None` where it is left out or left open.
    pub confidence: Option<Confidence>,
    /// Keys of [`provost_chip::sources::Source`].
    pub source: &'static [&'static str],
    /// The assumption switch that turns it.
    pub switch: Option<&'static str>,
}

const fn entry(
    area: &'static str,
    behaviour: &'static str,
    confidence: Option<Confidence>,
    source: &'static [&'static str],
) -> Entry {
    Entry { area, behaviour, confidence, source, switch: None }
}

/// What the registers and memories of the virtual chip do, besides the rules of the life cycle.
const HARDWARE: &[Entry] = &[
    entry(
        "debug port",
        "SW-DP, ADIv5.2, from the single clock edge up; JTAG is answered only by switching to SWD",
        Some(Confidence::Documented),
        &["BLACKMAGIC"],
    ),
    entry("access ports", "IDR and BASE of AP0 and AP1", Some(Confidence::Observed), &["BLACKMAGIC"]),
    entry("DBGMCU", "identity, status and mailbox registers", Some(Confidence::Documented), &["CMSIS", "SVD"]),
    entry(
        "DBGMCU",
        "a Debug Authentication session ends when the debugger powers the debug domain down",
        Some(Confidence::Inferred),
        &["PROVOST"],
    ),
    entry(
        "flash controller",
        "keys, locks, error flags, option change, erase and quad-word programming",
        Some(Confidence::Documented),
        &["HAL", "SVD"],
    ),
    entry(
        "flash controller",
        "an option change that is refused raises OPTCHANGEERR and changes nothing",
        Some(Confidence::Inferred),
        &["SVD", "PROVOST"],
    ),
    entry(
        "flash controller",
        "programming twice gives the AND of both values",
        Some(Confidence::Observed),
        &["LABWIRED"],
    ),
    entry(
        "flash controller",
        "an operation cut short by a reset or a power cut leaves the old content and shows once in OPSR",
        Some(Confidence::Inferred),
        &["SVD", "PROVOST"],
    ),
    entry(
        "flash controller",
        "after INCERR or STRBERR writes to flash are dropped until the flag is cleared",
        Some(Confidence::Observed),
        &["LABWIRED"],
    ),
    entry(
        "flash controller",
        "boot locks are taken back in Open only; a product state that waits for its reset cannot be taken back",
        Some(Confidence::Inferred),
        &["SVD", "PROVOST"],
    ),
    entry(
        "flash controller",
        "ECC, interrupts, suspend, privilege, block-based security (SECBB), HDP areas and EDATA are not modelled",
        None,
        &["PROVOST"],
    ),
    entry(
        "memories",
        "a non-secure debugger reads secure sectors and secure aliases as zero",
        Some(Confidence::Inferred),
        &["PRGDB"],
    ),
    entry("memories", "unique id and flash size read as zero outside Open", Some(Confidence::Observed), &["WOLFTRUST"]),
    entry(
        "memories",
        "flash is two equal banks of the size that the size word shows; half-size parts share DEV_ID with whole ones",
        Some(Confidence::Documented),
        &["CMSIS", "PRGDB", "ES0683"],
    ),
    entry(
        "memories",
        "a sector number beyond the bank erases nothing and sets PGSERR",
        Some(Confidence::Inferred),
        &["PROVOST"],
    ),
    entry(
        "memories",
        "backup SRAM reads and writes like the others; its clock, its write lock and its battery are not modelled, so nothing on the host is tested against them",
        None,
        &["CMSIS"],
    ),
    entry(
        "identity",
        "REV_ID by part (errata sheets), the bootloader's version byte (AN2606), SFSP version where a log shows one; how that word encodes it is a guess",
        Some(Confidence::Documented),
        &["AN2606", "ES0683", "ST-900465"],
    ),
    Entry {
        switch: Some("otp-blank-read"),
        ..entry(
            "memories",
            "a half-word of OTP that was never programmed faults",
            Some(Confidence::Observed),
            &["ST-889964"],
        )
    },
    entry(
        "memories",
        "OTP is programmed by half-words, each once; a second, different value spoils it for ever; its block lock is never taken back",
        Some(Confidence::Observed),
        &["CMSIS", "CUBEH5-ROT"],
    ),
    entry(
        "option-byte keys",
        "two sectors that change roles; HDPL0 survives a regression",
        Some(Confidence::Documented),
        &["CUBEH5-BOOT"],
    ),
    entry(
        "option-byte keys",
        "a partial regression erases the keys of non-secure code at HDPL3, no others",
        Some(Confidence::Inferred),
        &["PROVOST"],
    ),
    entry(
        "option-byte keys",
        "registers of the direct method answer OBKERR to a debugger",
        Some(Confidence::Inferred),
        &["PROVOST"],
    ),
    entry(
        "core",
        "halt, step, resume, core registers, lock-up, reset catch, HardFault catch; eight breakpoints",
        Some(Confidence::Documented),
        &["ARMV8M"],
    ),
    entry(
        "core",
        "Thumb-2 without floating point in one security state, one instruction in 31 ns; SVC and faults are taken, nothing else is",
        Some(Confidence::Documented),
        &["ARMV8M"],
    ),
    entry(
        "core",
        "code reaches what a debugger at AP1 reaches; outside Open the owner's code is not executed where nobody may debug it, what it does is the model's affair",
        Some(Confidence::Inferred),
        &["PROVOST"],
    ),
    entry(
        "core",
        "watchpoints, cycle counter, trace, MPU, SAU, SysTick and interrupt registers keep what is written and do nothing",
        None,
        &["PROVOST"],
    ),
    entry(
        "core",
        "identification registers and ROM tables; TPIU, ETM and CTI, and the numbers of comparators and regions, are inferred",
        Some(Confidence::Observed),
        &["BLACKMAGIC", "CORTEX-M33"],
    ),
    entry(
        "DBGMCU",
        "configuration and freeze registers keep what is written; nothing is frozen",
        Some(Confidence::Documented),
        &["SVD"],
    ),
    entry(
        "debug port",
        "TARGETID has revision 1 on every part, as an STM32H533 shows it",
        Some(Confidence::Inferred),
        &["PROBE-RS", "PROVOST"],
    ),
    entry(
        "memories",
        "addresses where nothing is read as zero for a debugger; the core faults when it fetches there",
        None,
        &["PROVOST"],
    ),
    entry(
        "ROM",
        "provisioning is called over SWD by running the core at the function named in the descriptor",
        Some(Confidence::Inferred),
        &["CUBEH5-BOOT", "PROVOST"],
    ),
    entry(
        "ROM",
        "encrypted storage is a key stream of the unique id, standing for AES-256-CBC under a key nobody sees",
        Some(Confidence::Inferred),
        &["HOTSPOT"],
    ),
    entry(
        "ROM",
        "the provisioning service answers with the status words of a public STM32H7RS program; checksum before encryption word is a guess",
        Some(Confidence::Code),
        &["H7RS-RSS"],
    ),
    entry(
        "ROM",
        "where words are strict, the word that encrypts is invented here: no silicon takes it",
        None,
        &["PROVOST"],
    ),
    entry(
        "ROM",
        "a hardware watchdog (IWDG_SW = 0) does not disturb Debug Authentication here; on silicon it is said to, so nothing on the host is tested against it",
        None,
        &["ROLLER-ECU"],
    ),
    entry(
        "ROM",
        "a USB host on the chip's connector does not disturb provisioning here; on silicon the bootloader then sits in DFU, so nothing on the host is tested against it",
        None,
        &["ST-829560"],
    ),
    entry(
        "access",
        "in Open nothing hides memory from a debugger: firmware that sets GTZC, block-based security or HDP is not modelled, so nothing on the host is tested against it",
        None,
        &["WOLFTRUST"],
    ),
    entry(
        "flash controller",
        "a change of TZEN erases nothing and leaves the watermarks; one H563 was seen to erase its flash and to cover it with watermarks",
        Some(Confidence::Inferred),
        &["WOLFTRUST", "PROVOST"],
    ),
    entry(
        "flash controller",
        "a debugger's write to busy flash takes its virtual time at once; with a clock that was chosen (swclk=KHZ) it is held, and WAIT is answered meanwhile. Reads are never held, though one of the bank that is programmed is on silicon",
        Some(Confidence::Inferred),
        &["PROVOST"],
    ),
    entry(
        "bus",
        "addresses where nothing is modelled read as zero: peripherals (RCC, PWR, GPIO), holes in the map; on silicon holes are bus errors, so nothing on the host is tested against either",
        None,
        &["PROVOST"],
    ),
    entry(
        "door",
        "while a client sleeps the chip's time passes, ten seconds at most, unless it is served with --wire-time",
        None,
        &["PROVOST"],
    ),
    entry(
        "bus",
        "a secure access is one through the non-secure alias too, for registers, SRAM and flash, as with the SAU off after a reset: the flash algorithms of the vendor's pack rely on it",
        Some(Confidence::Code),
        &["PROBE-RS"],
    ),
    entry(
        "debug port",
        "JTAG-DP and the boundary scan are absent; pushed compare and verify are not performed",
        None,
        &["ST-588769"],
    ),
    entry(
        "ROM",
        "certificates, tokens and passwords are verified with real cryptography",
        Some(Confidence::Code),
        &["ADAC", "CUBEN6-DA"],
    ),
    entry(
        "ROM",
        "the scope fields of certificates (soc_class, soc_id, lifecycle) are enforced",
        Some(Confidence::Inferred),
        &["ADAC"],
    ),
    entry(
        "ROM",
        "a request for Debug Authentication counts only when written while NRST is low, and every reset clears the mailbox",
        Some(Confidence::Inferred),
        &["OPTEE-MP21", "PROVOST"],
    ),
    entry(
        "ROM",
        "a full regression sets SECWM, SWAP_BANK and BOOT_UBE back as well, and leaves the other options",
        Some(Confidence::Inferred),
        &["WOLFTRUST", "PROVOST"],
    ),
    entry(
        "ROM",
        "debug opened by Debug Authentication is shown by SBS_DBGCR, DBGMCU_SR, DHCSR.S_SDE, DAUTHSTATUS and what AP1 reaches",
        Some(Confidence::Documented),
        &["SVD", "ARMV8M"],
    ),
    entry(
        "ROM",
        "no reset between the grant of debug and the firmware: nobody says that there is none",
        Some(Confidence::Inferred),
        &["PROVOST"],
    ),
    entry(
        "SBS",
        "firmware has climbed to its isolation level as soon as it runs: a property of the chip file, whatever its code writes to HDPLCR",
        Some(Confidence::Inferred),
        &["PROVOST"],
    ),
    entry(
        "ROM",
        "the command LOCK_DEBUG of Arm's protocol is acknowledged and does nothing: what STM32H5 does with it is not public, and no host here sends it",
        None,
        &["ADAC"],
    ),
    entry(
        "SBS",
        "the debug registers take no writes, from a debugger or from code: firmware that opens or locks debug by itself is not modelled",
        None,
        &["SVD"],
    ),
    entry(
        "access",
        "a debugger that was let in reads user flash and SRAM of its side and halts the core; the option-byte keys stay hidden from it, options and product state stay as frozen as they are for any debugger in that state",
        Some(Confidence::Inferred),
        &["PROVOST"],
    ),
    entry(
        "access",
        "debug that was opened for the non-secure side alone reaches nothing unless non-secure code runs, as in TZ-Closed",
        Some(Confidence::Inferred),
        &["WIKI-PS", "PROVOST"],
    ),
    entry(
        "core",
        "the owner's code is executed outside Open where both sides may be debugged; a reset vector catch does not stop it there, for the ROM comes first",
        Some(Confidence::Inferred),
        &["PROVOST"],
    ),
    entry(
        "ROM",
        "the bootloader's serial line and USB device: frames, limits, option images, special commands, as ST's open bootloader has them",
        Some(Confidence::Code),
        &["OPENBL", "CUBEH5-OPENBL", "AN2606"],
    ),
    entry(
        "ROM",
        "over the bootloader, sectors that are write-protected or secure are passed over, and read as zero where they are secure",
        Some(Confidence::Inferred),
        &["PROVOST"],
    ),
    entry("ROM", "the bootloader does not speak I2C, I3C, SPI or FDCAN", None, &["AN2606"]),
    entry(
        "reset",
        "a low NRST resets at once, however short it is: no capacitor, no filter; how long a host pulls it makes no difference here",
        None,
        &["PROVOST"],
    ),
    entry(
        "reset",
        "option registers read right from the first access after a reset; on silicon the first reads may be garbage",
        None,
        &["WOLFTRUST"],
    ),
    entry(
        "core",
        "no watchdog runs out and no interrupt comes: whether a host freezes the one and masks the other makes no difference here",
        None,
        &["PROVOST"],
    ),
    entry(
        "time",
        "reset to bootloader 2.7 ms, sector erase 2 ms, quad-word 32 us; option change 5 ms and mass erase 40 ms are guesses",
        Some(Confidence::Inferred),
        &["AN2606", "PROVOST"],
    ),
];

/// The whole ledger: hardware, then the rules of the life cycle, then the switches.
pub fn ledger() -> Vec<Entry> {
    let rules = Rule::all().iter().map(|rule| Entry {
        area: rule.id,
        behaviour: rule.says,
        confidence: Some(rule.confidence),
        source: rule.source,
        switch: rule.switch,
    });
    let switches = Assumptions::switches().iter().map(|switch| Entry {
        area: "open question",
        behaviour: switch.question,
        confidence: None,
        source: switch.source,
        switch: Some(switch.name),
    });
    HARDWARE.iter().cloned().chain(rules).chain(switches).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_chip::sources::Source;

    #[test]
    fn every_entry_cites_known_sources() {
        for entry in ledger() {
            assert!(!entry.source.is_empty());
            assert!(entry.source.iter().all(|key| Source::find(key).is_some()), "{entry:?}");
        }
    }
}
