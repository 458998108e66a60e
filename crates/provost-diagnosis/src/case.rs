//! What somebody reports of a chip: claims about it and its bench, and the steps that were taken, in their order.
//!
//! A case comes from a case file ([`crate::case_file`]), from the raw output of a tool ([`crate::log`]) or from measurements on
//! a live chip; several can be joined. It holds what was *said*, true or not: weighing it is the business of [`crate::belief`].

use provost_chip::{
    parts::PartId,
    sources::Confidence,
    states::{BootUbe, ProductState, TrustZone},
};

use crate::{claim::Claim, families::Family, messages::Message, signs::Sign, words::words};

/// One report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Case {
    /// What is said of the chip.
    pub chip: ChipClaim,
    /// What is said of its surroundings.
    pub bench: BenchClaim,
    /// What its owner wants of it, if that is told.
    pub goal: Option<Goal>,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// Index of the first step of each numbered attempt that is told.
    pub attempts: Vec<usize>,
    /// The family that the report is about, if it is another than the STM32H5.
    pub family: Option<&'static Family>,
    /// Option bytes that were read, each with its last value; those that decide the life cycle are steps as well.
    pub options: Vec<OptionValue>,
    /// What was measured on a live chip and is not as it must be.
    pub findings: Vec<Finding>,
    /// What was taken from texts, beside the words it came from; [`Case::strike`] takes one out.
    pub claims: Vec<Claim>,
    /// Lines of logs and free texts that nothing was made of.
    pub ignored_lines: usize,
}

/// What is said of the chip; `None` is "not told" or "unknown".
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChipClaim {
    /// The part, as written: a family, a line or an order code.
    pub part: Option<String>,
    /// `DBGMCU_IDCODE.DEV_ID`, when a tool printed it or it was measured.
    pub dev_id: Option<u16>,
    /// TrustZone.
    pub tz: Option<TrustZone>,
    /// Boot entry.
    pub boot_ube: Option<BootUbe>,
    /// The last product state that the owner is sure of.
    pub state: Option<ProductState>,
    /// The product state that was programmed and waits for the next reset, as it was measured.
    pub pending: Option<ProductState>,
}

/// A check of a live chip that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable id of the check.
    pub id: &'static str,
    /// What must hold.
    pub says: &'static str,
    /// What was measured.
    pub found: String,
    /// How sure it is that it matters.
    pub confidence: Confidence,
    /// Keys of [`provost_chip::sources::Source`].
    pub source: &'static [&'static str],
}

/// What is said of the bench.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BenchClaim {
    /// The probe, in free words.
    pub probe: Option<String>,
    /// Whether NRST reaches the probe.
    pub nrst: Option<bool>,
    /// BOOT0.
    pub boot0: Option<Boot0>,
    /// Whether the chip's own USB is connected to a host.
    pub target_usb: Option<bool>,
    /// Supply in volts, as read by the probe.
    pub supply_volts: Option<f64>,
    /// The host.
    pub host: Option<Host>,
    /// The tool, in free words.
    pub tool: Option<String>,
}

/// One thing that was done, and how it went.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What was done.
    pub act: Act,
    /// How it ended, if that is told.
    pub outcome: Option<Outcome>,
    /// The tool's messages that were recognised, in their order.
    pub messages: Vec<&'static Message>,
    /// What a free text says, as far as it was recognised.
    pub signs: Vec<Sign>,
    /// Measured by provost itself, not told by somebody.
    pub measured: bool,
}

impl Step {
    /// Everything that hints at more than the step itself: signs of its messages and of its free text.
    pub fn all_signs(&self) -> impl Iterator<Item = Sign> + '_ {
        self.messages.iter().filter_map(|m| m.sign).chain(self.signs.iter().copied())
    }

    /// A step with its outcome and no messages.
    pub const fn new(act: Act, outcome: Option<Outcome>) -> Self {
        Self { act, outcome, messages: Vec::new(), signs: Vec::new(), measured: false }
    }
}

impl Case {
    /// The case as it was before the step with this index: what an owner knew then.
    pub fn until(&self, step: usize) -> Self {
        let mut then = self.clone();
        then.steps.truncate(step);
        then.attempts.retain(|at| *at < step);
        then.claims.retain(|claim| claim.step().is_none_or(|at| at < step));
        then
    }

    /// Adds what another input tells: its steps follow, and where its claims contradict the ones here, the later ones hold
    /// and the contradiction is noted as an observation.
    pub fn join(&mut self, other: Case) {
        let mut notes = Vec::new();
        // Who measures knows better than who reads the label.
        let measured = |case: &Case| case.chip.dev_id;
        let named =
            |case: &Case| case.chip.part.as_deref().and_then(|p| p.parse::<PartId>().ok()).map(|p| p.info().dev_id);
        if let (Some(id), None, Some(told)) = (measured(&other), &other.chip.part, named(self))
            && id != told
        {
            notes.push(format!("part: {} and DEV_ID {id:#05x}", self.chip.part.take().unwrap_or_default()));
        }
        fn take<T: PartialEq + std::fmt::Debug>(
            ours: &mut Option<T>,
            theirs: Option<T>,
            what: &str,
            notes: &mut Vec<String>,
        ) {
            if let (Some(a), Some(b)) = (&*ours, &theirs)
                && a != b
            {
                notes.push(format!("{what}: {a:?} and {b:?}"));
            }
            if theirs.is_some() {
                *ours = theirs;
            }
        }
        let (chip, bench) = (other.chip, other.bench);
        take(&mut self.chip.part, chip.part, "part", &mut notes);
        take(&mut self.chip.dev_id, chip.dev_id, "DEV_ID", &mut notes);
        take(&mut self.chip.tz, chip.tz, "TrustZone", &mut notes);
        take(&mut self.chip.boot_ube, chip.boot_ube, "boot entry", &mut notes);
        take(&mut self.chip.state, chip.state, "product state", &mut notes);
        take(&mut self.bench.nrst, bench.nrst, "NRST wired", &mut notes);
        take(&mut self.bench.boot0, bench.boot0, "BOOT0", &mut notes);
        take(&mut self.bench.target_usb, bench.target_usb, "the chip's USB", &mut notes);
        take(&mut self.goal, other.goal, "goal", &mut notes);
        // These may well change from one attempt to the next.
        self.bench.probe = bench.probe.or(self.bench.probe.take());
        self.bench.supply_volts = bench.supply_volts.or(self.bench.supply_volts);
        self.bench.host = bench.host.or(self.bench.host);
        self.bench.tool = bench.tool.or(self.bench.tool.take());
        for note in notes {
            let what = format!("the inputs disagree; {note}; the later one is taken");
            self.steps.push(Step::new(Act::Observe(what), None));
        }
        self.family = other.family.or(self.family);
        self.chip.pending = chip.pending.or(self.chip.pending);
        self.findings.extend(other.findings);
        self.options.retain(|ours| !other.options.iter().any(|theirs| theirs.field == ours.field));
        self.options.extend(other.options);
        let mut claims = other.claims;
        crate::claim::shift(&mut claims, self.steps.len());
        self.attempts.extend(other.attempts.iter().map(|at| at + self.steps.len()));
        self.claims.extend(claims);
        self.steps.extend(other.steps);
        self.ignored_lines += other.ignored_lines;
    }
}

words! {
    /// Level of the BOOT0 pin.
    Boot0 {
        /// Tied low.
        Low = "low",
        /// Tied high.
        High = "high",
        /// The owner can set it.
        Accessible = "accessible",
    }
    /// What an owner wants of a chip.
    Goal {
        /// Back to Open, whatever that erases.
        Open = "open",
        /// Debug it as it is: nothing may be erased.
        Debug = "debug",
        /// On to a closed state.
        Forward = "forward",
        /// Only know whether all is as it is meant to be.
        Check = "check",
        /// Make it boot.
        Boot = "boot",
    }
    /// The computer that runs the tool.
    Host {
        /// Linux.
        Linux = "linux",
        /// macOS.
        Macos = "macos",
        /// 32-bit Windows, or a 32-bit tool on Windows.
        Windows32 = "windows-32",
        /// 64-bit Windows.
        Windows64 = "windows-64",
    }
    /// How a step ended.
    Outcome {
        /// It worked, or the tool said so.
        Ok = "ok",
        /// The tool reported an error.
        Error = "error",
        /// No answer in time.
        Timeout = "timeout",
        /// The tool stood still.
        Hang = "hang",
        /// The link was gone afterwards.
        Lost = "lost",
        /// Read back unchanged.
        Refused = "refused",
        /// Nobody was found.
        NoDevice = "no-device",
    }
    /// How a debugger attaches.
    ConnectMode {
        /// Reset by software, then halt.
        Normal = "normal",
        /// Neither reset nor halt.
        HotPlug = "hot-plug",
        /// With NRST held low.
        UnderReset = "under-reset",
        /// An NRST pulse first.
        HwResetPulse = "hw-reset-pulse",
        /// Power is removed first.
        PowerDown = "power-down",
    }
    /// What is provisioned.
    Object {
        /// A password object; on the STM32H503 the password in OTP.
        DaPassword = "da-password",
        /// A certificate object.
        DaCertificate = "da-certificate",
        /// Configuration or data of OEMiRoT.
        Oemirot = "oemirot",
        /// Configuration or data of STiRoT.
        Stirot = "stirot",
        /// Anything else.
        Other = "other",
    }
    /// Who provisions.
    ProvisionedBy {
        /// A tool on the host, through the system services.
        Tool = "tool",
        /// The chip's own firmware.
        Firmware = "firmware",
        /// The ROM bootloader's command.
        Bootloader = "bootloader",
    }
    /// What is presented for an authentication.
    Credential {
        /// A password file.
        Password = "password",
        /// A key and its certificate chain.
        Certificate = "certificate",
        /// Both: ST's tool takes what fits.
        Both = "both",
    }
    /// What an authentication asks for.
    AskedPermission {
        /// Back to Open.
        FullRegression = "full-regression",
        /// Back to TZ-Closed.
        TzRegression = "tz-regression",
        /// Debug access.
        Debug = "debug",
    }
}

impl Object {
    /// Whether it is a credential for Debug Authentication.
    pub const fn is_debug_authentication(self) -> bool {
        matches!(self, Self::DaPassword | Self::DaCertificate)
    }
}

/// Something that was done or seen.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Act {
    /// Attach over SWD.
    Connect {
        /// How, if told.
        mode: Option<ConnectMode>,
        /// Access port, if told.
        ap: Option<u8>,
    },
    /// Read one option field.
    ReadOption(OptionValue),
    /// Write one option field.
    WriteOption(OptionValue),
    /// Provision an object.
    Provision {
        /// What.
        object: Object,
        /// The encryption flag in the file, if known.
        encrypted: Option<bool>,
        /// Size of the file in bytes, if known.
        size: Option<u64>,
        /// Who.
        by: ProvisionedBy,
    },
    /// Debug Authentication discovery.
    Discover(Discovery),
    /// Debug Authentication.
    Authenticate {
        /// With what, if told.
        with: Option<Credential>,
        /// For what.
        permission: AskedPermission,
    },
    /// `debugauth=3`: end of a debug session.
    CloseDebug,
    /// Erase over SWD.
    Erase,
    /// Program over SWD.
    Flash,
    /// An attempt at the bootloader over USB.
    Dfu,
    /// An attempt at the bootloader over a serial port.
    Uart,
    /// Reset.
    Reset,
    /// Power removed and given back.
    PowerCycle,
    /// Something that the chip's own code did, in free words.
    Firmware(String),
    /// Any other fact, in free words.
    Observe(String),
}

impl Act {
    /// Whether it goes over SWD or Debug Authentication.
    pub const fn is_wired(&self) -> bool {
        match self {
            Self::Provision { by, .. } => matches!(by, ProvisionedBy::Tool),
            Self::Connect { .. }
            | Self::ReadOption(_)
            | Self::WriteOption(_)
            | Self::Discover(_)
            | Self::Authenticate { .. }
            | Self::Erase
            | Self::Flash => true,
            _ => false,
        }
    }
}

/// An option field and a value, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionValue {
    /// ST's name of the field, in capitals.
    pub field: String,
    /// The value, if told and a number.
    pub value: Option<u64>,
}

impl OptionValue {
    /// The product state it names, if it is `PRODUCT_STATE` with a stable code.
    pub fn product_state(&self) -> Option<ProductState> {
        let code = self.value.and_then(|v| u8::try_from(v).ok()).filter(|_| self.field == "PRODUCT_STATE")?;
        ProductState::from_code(code)
    }

    /// The TrustZone setting it names, if it is `TZEN`.
    pub fn trustzone(&self) -> Option<TrustZone> {
        let code = self.value.and_then(|v| u8::try_from(v).ok()).filter(|_| self.field == "TZEN")?;
        TrustZone::from_code(code)
    }

    /// The boot entry it names, if it is `BOOT_UBE`.
    pub fn boot_ube(&self) -> Option<BootUbe> {
        let code = self.value.and_then(|v| u8::try_from(v).ok()).filter(|_| self.field == "BOOT_UBE")?;
        BootUbe::from_code(code)
    }
}

/// What a discovery printed; `None` is "not reported".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    /// The life cycle.
    pub lifecycle: Option<ProductState>,
    /// The integrity word: `true` for 0xEAEAEAEA, `false` for 0xF5F5F5F5.
    pub integrity: Option<bool>,
    /// Status of HDPL1.
    pub hdpl1: Option<u32>,
    /// Permissions, by name.
    pub permissions: Option<Vec<String>>,
    /// The method that the crypto system stands for: a password, or certificates.
    pub password: Option<bool>,
    /// The target id reads zero: nobody spoke Debug Authentication.
    pub empty_answer: bool,
}

impl Discovery {
    /// Whether the chip really spoke.
    pub const fn answered(&self) -> bool {
        !self.empty_answer && (self.lifecycle.is_some() || self.integrity.is_some())
    }
}
