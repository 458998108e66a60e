//! Signs: what a message or a remark hints at beyond the step it belongs to, as a closed vocabulary of the tables.

use crate::words::words;

words! {
    /// A sign.
    #[derive(PartialOrd, Ord)]
    Sign {
        /// The tool itself crashed.
        ToolCrash = "tool-crash",
        /// The tool does not know the STM32H5.
        ToolTooOld = "tool-too-old",
        /// The tool failed before it spoke to any probe or chip.
        HostSideFailure = "host-side-failure",
        /// A file was not found: nothing was sent to the chip.
        FileMissing = "file-missing",
        /// The object has another size than this chip wants.
        ObjectSize = "object-size",
        /// The provisioning service was not there: the chip does not run it in this state.
        ServiceAbsent = "service-absent",
        /// The tool refused the kind of object for this chip.
        ObjectKindRefused = "object-kind-refused",
        /// The object was stored.
        ObjectStored = "object-stored",
        /// The Debug Authentication mailbox was not found.
        NoMailbox = "no-mailbox",
        /// The chip boots instead of answering: Open, or no Debug Authentication in ROM.
        OpenOrNoRssDa = "open-or-no-rss-da",
        /// The exchange began, then no answer came.
        NoReply = "no-reply",
        /// The reset line was pulled and the request was written, and the chip spoke.
        Established = "established",
        /// The link was lost after an option write: expected when that write closes the chip.
        LostAfterWrite = "lost-after-write",
        /// AP1 is shut, or its core does not answer.
        Ap1Shut = "ap1-shut",
        /// The option byte read back unchanged.
        Unchanged = "unchanged",
        /// Nobody answered the probe.
        NoTarget = "no-target",
        /// The probe reports that NRST is not connected.
        NrstMissing = "nrst-missing",
        /// ST's default Debug Authentication configuration was offered or provisioned.
        DefaultConfig = "default-config",
        /// A credential of ST's published samples is used.
        SampleCredential = "sample-credential",
        /// The owner's application runs.
        ApplicationRuns = "application-runs",
        /// The owner's application does not run.
        ApplicationDead = "application-dead",
        /// The flash reads as zeros.
        FlashReadsZero = "flash-reads-zero",
        /// Erasing or programming the flash failed.
        FlashFails = "flash-fails",
        /// The supply is low or unstable.
        SupplyLow = "supply-low",
        /// Cables, solder joints or jumpers are in doubt.
        WiringDoubtful = "wiring-doubtful",
        /// The chip's own USB is connected while it is provisioned.
        UsbInTheWay = "usb-in-the-way",
        /// The same works, with the same tool, on another board or with another probe.
        WorksElsewhere = "works-elsewhere",
        /// Options were changed and nobody knows which.
        UnrecordedWrites = "unrecorded-writes",
        /// The owner's firmware can request a regression.
        FirmwareRegresses = "firmware-regresses",
        /// The owner's firmware stalls or faults by itself.
        FirmwareStalls = "firmware-stalls",
        /// The owner's firmware jumps to the ROM bootloader.
        FirmwareJumpsToBootloader = "firmware-jumps-to-bootloader",
        /// The owner's firmware writes an earlier product state.
        FirmwareWritesState = "firmware-writes-state",
        /// The owner's firmware, or a host of the owner's own, fails at what it does on the chip.
        OwnCodeFails = "own-code-fails",
        /// The owner's firmware writes option bytes.
        FirmwareWritesOptions = "firmware-writes-options",
        /// The owner's firmware programs the option-byte keys, header words of the object file included.
        HeaderWritten = "header-written",
        /// The probe has four wires: no reset line.
        FourWires = "four-wires",
        /// The owner does not have the credential any more, or never had it.
        CredentialMissing = "credential-missing",
        /// No credential was ever stored.
        NothingProvisioned = "nothing-provisioned",
        /// What was flashed is secure firmware: TrustZone is on.
        SecureFirmware = "secure-firmware",
        /// A secure watermark was written.
        WatermarkWritten = "watermark-written",
        /// A write protection was written.
        WriteProtectionWritten = "write-protection-written",
        /// A boot address or the bank swap was written.
        BootAddressWritten = "boot-address-written",
        /// An attempt at the ROM bootloader failed.
        BootloaderFails = "bootloader-fails",
        /// A boot code runs and refuses to go on, because the option bytes or objects are not those it was built for.
        BootRefused = "boot-refused",
        /// A secure install did not come to its end.
        InstallFailed = "install-failed",
        /// The ROM's secure installer is not there for this chip as it is: nothing was begun.
        InstallerAbsent = "installer-absent",
        /// The ROM is of too early a production for what was tried.
        RomTooOld = "rom-too-old",
        /// The boot address does not lead into the user flash, or the boot entry is one that needs data that is not there.
        BootAddressWrong = "boot-address-wrong",
        /// The secure boot address lies in a sector that is not secure.
        BootNotSecure = "boot-not-secure",
        /// No vector table stands where the chip boots.
        NoVectorTable = "no-vector-table",
        /// A watchdog runs from reset.
        WatchdogFromReset = "watchdog-from-reset",
        /// The flash reported an error that cannot be corrected.
        FlashEcc = "flash-ecc",
        /// Somebody suspects the supply, without a measurement.
        SupplyInDoubt = "supply-in-doubt",
        /// The chip belongs to another family.
        OtherFamily = "other-family",
    }
}
