//! The reader's state: the run it is in, the step that is open, and what is known of chip and bench.

use provost_chip::parts::PartId;

use super::{
    LogReport,
    anchor::spoken,
    command::{Command, Interface, number},
    discovery,
    fields::{FURNITURE, expected, unchanged, watermark},
    open_step::{Kind, OpenStep},
    steps::Steps,
};
use crate::{
    case::{Act, BenchClaim, Case, ChipClaim, ConnectMode, Credential, Goal, Object, OptionValue, Outcome, Step},
    claim::{About, Claim, Place, Sure},
    families::Family,
    messages::{Message, Subject},
    prose::{self, Prose},
    signs::Sign,
};

mod header;
mod options;
mod told;

/// A probe that measures less has its reference pin open; that is no supply.
const NO_REFERENCE_VOLTS: f64 = 0.5;
/// So many bytes before a message may be a sentence.
const MIN_SENTENCE: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Session {
    steps: Steps,
    chip: ChipClaim,
    bench: BenchClaim,
    command: Command,
    open: Option<OpenStep>,
    ap: Option<u8>,
    /// The header of a run was seen since its command line.
    banner: bool,
    /// A chip was found in this run.
    found: bool,
    /// Attaching failed in this run, so that nothing else was done.
    failed: bool,
    board: Option<String>,
    probe_firmware: Option<String>,
    volts: Option<f64>,
    seen: Vec<OptionValue>,
    tools: Vec<String>,
    other_family: Option<String>,
    h5: bool,
    /// The line that is being read.
    place: Place,
    /// The last command line.
    command_place: Place,
    /// What is claimed of chip and bench.
    claims: Vec<Claim>,
    /// All option values, the last of each field.
    options: Vec<OptionValue>,
    prose: Prose,
    /// Where numbered attempts begin.
    attempts: Vec<usize>,
    /// The probe, as a person describes it.
    told_probe: Option<String>,
    /// The credentials that a person speaks of.
    credentials: Vec<Credential>,
    /// What the owner wants, in words.
    goal: Option<Goal>,
}

impl Session {
    /// Takes one line as it stands in the input, and without colours and double blanks; `false` if nothing was made of it.
    pub(super) fn line(&mut self, number: u64, raw: &str, cleaned: &str) -> bool {
        let begin = raw.len() - raw.trim_start().len();
        self.place = Place::new(number, raw, begin..raw.trim_end().len());
        // A message within a sentence: what stands before it tells what was done.
        let sentence = spoken(cleaned).is_none() && raw.len() > MIN_SENTENCE && Command::parse(cleaned).is_none();
        let embedded = sentence.then(|| Message::begin_in(raw)).flatten();
        if let Some(at) = embedded.filter(|at| *at >= MIN_SENTENCE) {
            if prose::looks_back(&raw[..at]) {
                return self.told(number, &raw[..at]);
            }
            self.told(number, &raw[..at]);
            self.place = Place::new(number, raw, begin..raw.trim_end().len());
        }
        if !self.take(cleaned) {
            return self.told(number, raw);
        }
        // What a person says behind a message in quotation marks.
        if let Some(end) = embedded.and_then(|at| end_of_quote(raw, at)) {
            self.told_from(number, raw, end);
        }
        true
    }

    fn take(&mut self, cleaned: &str) -> bool {
        if let Some(command) = Command::parse(cleaned) {
            if cleaned.contains("Option byte command :") {
                self.close();
                self.command.writes = command.writes;
            } else {
                self.forget_told(&command);
                self.end_run();
                self.command = command;
            }
            self.command_place = self.place.clone();
            // A paste may have lost the end of the line.
            if let Some(message) = Message::find_in(cleaned) {
                self.message(message, cleaned);
            }
            return true;
        }
        let line = spoken(cleaned).unwrap_or(cleaned);
        if self.banner_line(line)
            || self.discovery_line(line)
            || self.option_line(line)
            || self.json_line(cleaned)
            || self.table_row(cleaned)
            || self.header_line(line)
        {
            return true;
        }
        if let Some(message) = Message::find_in(cleaned) {
            self.message(message, cleaned);
            return true;
        }
        self.begin_line(line) || FURNITURE.iter().any(|known| line.starts_with(known))
    }

    /// Notes where a claim of chip or bench comes from; a later one of the same kind takes its place.
    fn claim(&mut self, about: About, says: String) {
        self.claims.retain(|c| c.about != about);
        self.claims.push(Claim { place: self.place.clone(), says, sure: Sure::Printed, about });
    }

    /// Ends the last run.
    pub(super) fn finish(mut self) -> LogReport {
        self.end_run();
        let other_family = self.other_family.filter(|_| !self.h5);
        let mut steps = std::mem::take(&mut self.steps);
        let left_out = steps.left_out;
        if other_family.is_some() {
            let act = Act::Observe("the log is of a chip of another family".to_owned());
            let mut step = Step::new(act, None);
            step.signs.push(Sign::OtherFamily);
            steps.push(step, &self.place, Sure::Printed);
        }
        self.bench.tool = self.tools.last().cloned();
        self.bench.probe = match (self.board, self.probe_firmware) {
            (Some(board), Some(firmware)) => Some(format!("{board}, ST-LINK firmware {firmware}")),
            (Some(board), None) => Some(board),
            (None, Some(firmware)) => Some(format!("ST-LINK, firmware {firmware}")),
            (None, None) => self.told_probe,
        };
        let password = self.credentials.iter().any(|c| *c != Credential::Certificate);
        let certificate = self.credentials.iter().any(|c| *c != Credential::Password);
        if password != certificate {
            steps.name_objects(if password { Object::DaPassword } else { Object::DaCertificate });
        }
        let (steps, of_steps) = steps.finish();
        // Where steps were left out, the places are no longer known.
        self.attempts.retain(|at| left_out == 0 && *at < steps.len());
        self.attempts.dedup();
        self.claims.extend(of_steps);
        let case = Case {
            chip: self.chip,
            bench: self.bench,
            steps,
            family: other_family.as_deref().and_then(Family::named),
            options: self.options,
            attempts: self.attempts,
            goal: self.goal,
            claims: self.claims,
            ..Case::default()
        };
        LogReport { case, steps_left_out: left_out, other_family, tools: self.tools, ..LogReport::default() }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            let attached = matches!(open.outcome, None | Some(Outcome::Ok));
            self.failed |= open.kind == Kind::Connect && !attached;
            if matches!(open.kind, Kind::Options | Kind::Reset | Kind::Debug) {
                self.seen.clear();
            }
            open.close(&mut self.command, self.ap, &mut self.steps);
        }
    }

    /// What a command asked for and the log says nothing about was done with an unknown end, unless attaching failed before.
    fn end_run(&mut self) {
        self.close();
        if !self.failed {
            let command = &self.command;
            let left = [
                (command.erase, Kind::Erase),
                (command.flash, Kind::Flash),
                (command.provision.is_some(), Kind::Provision),
                (!command.writes.is_empty(), Kind::Options),
                (matches!(command.debug_authentication, Some(1 | 2)), Kind::Debug),
                (command.debug_authentication == Some(3), Kind::CloseDebug),
            ];
            for (_, kind) in left.into_iter().filter(|(asked, _)| *asked) {
                OpenStep::new(kind, self.command_place.clone()).close(&mut self.command, self.ap, &mut self.steps);
            }
        }
        self.command = Command::default();
        (self.ap, self.banner, self.found, self.failed) = (None, false, false, false);
        self.seen.clear();
    }

    fn begin(&mut self, kind: Kind, outcome: Option<Outcome>) -> &mut OpenStep {
        if !self.open.as_ref().is_some_and(|open| open.goes_on(kind, outcome)) {
            self.close();
            // The tool erases before it programs.
            if kind == Kind::Flash && self.command.erase {
                OpenStep::new(Kind::Erase, self.command_place.clone()).close(
                    &mut self.command,
                    self.ap,
                    &mut self.steps,
                );
            }
        }
        let place = &self.place;
        self.open.get_or_insert_with(|| OpenStep::new(kind, place.clone()))
    }

    fn discovery_line(&mut self, line: &str) -> bool {
        let Some(rest) = line.trim_start_matches('"').strip_prefix("discovery:") else { return false };
        let Some((name, value)) = rest.split_once(':') else { return false };
        let open = self.begin(Kind::Debug, None);
        if let Some(message) = Message::find_in(line) {
            open.take(message);
        }
        open.fields = true;
        let known = discovery::field(&mut open.discovery, name, value);
        let id = name.trim().trim_end_matches('.') == "target ID";
        if let Some(id) = number(value).and_then(|v| u16::try_from(v).ok()).filter(|_| id)
            && PartId::with_dev_id(id).next().is_some()
        {
            self.h5 = true;
            self.chip.dev_id = Some(id);
        }
        known
    }

    /// Lines that begin something and are no messages.
    fn begin_line(&mut self, line: &str) -> bool {
        if line.starts_with("PROGRAMMING OPTION BYTES") {
            self.close();
            self.begin(Kind::Options, None);
        } else if line.starts_with("Download in Progress") || line.starts_with("Memory Programming") {
            let kind = if self.command.provision.is_some() { Kind::Provision } else { Kind::Flash };
            self.begin(kind, None);
        } else {
            return false;
        }
        true
    }

    fn message(&mut self, message: &'static Message, line: &str) {
        let kind = self.kind_of(message);
        // A password file is named before the exchange begins; anything more is an exchange of its own.
        let again = match message.id {
            "M-DA-START" => self.open.as_ref().is_some_and(OpenStep::has_spoken),
            "M-SDP-START" => true,
            _ => false,
        };
        if again {
            self.close();
        }
        if message.id == "M-AP1-INSTEAD" {
            self.attach_again();
            self.ap = Some(1);
        }
        // The tool went over to another way of attaching by itself.
        if message.id == "M-JLINK-UNDER-RESET" {
            self.close();
            self.command.mode = Some(ConnectMode::UnderReset);
        }
        self.tool_of(message);
        let open = self.begin(kind, message.outcome);
        open.take(message);
        match message.id {
            "M-OB-EXPECTED" => {
                if let Some(pair) = expected(line).filter(|_| open.refused.len() < 32) {
                    open.refused.push(pair);
                }
            }
            "M-OB-FIELD-UNCHANGED" => {
                if let Some(same) = unchanged(line).filter(|_| open.same.len() < 32) {
                    open.same.push(same);
                }
            }
            "M-ROT-SECWM-RANGE" => {
                for option in watermark(line) {
                    self.option(&option.field, option.value.unwrap_or_default());
                }
            }
            "M-OB-UNCHANGED" | "M-OB-NO-FIELD" => open.nothing_written = true,
            // The life cycle in a sentence, with the integrity beside it.
            id if id.starts_with("M-DA-STATE-") => {
                open.fields = true;
                let seen = &mut open.discovery;
                seen.lifecycle = discovery::lifecycle(message.text).or(seen.lifecycle);
                let words = line.split(|c: char| !c.is_ascii_alphanumeric());
                seen.integrity = words.filter_map(discovery::integrity).next().or(seen.integrity);
            }
            "M-DA-CERTIFICATES" => open.with = Some(Credential::Certificate),
            "M-DA-PASSWORD-FILE" => open.with = Some(Credential::Password),
            _ => {}
        }
    }

    fn tool_of(&mut self, message: &Message) {
        let of_the_chip = matches!(message.tool, "any tool" | "ROM bootloader" | "STM32CubeH5 scripts");
        if !of_the_chip && !self.tools.iter().any(|t| t.starts_with(message.tool)) {
            self.tool(message.tool);
        }
    }

    /// The step that a message belongs to.
    fn kind_of(&self, message: &Message) -> Kind {
        let open = self.open.as_ref().map(|o| o.kind);
        let asked = match &self.command {
            c if c.provision.is_some() => Some(Kind::Provision),
            c if matches!(c.debug_authentication, Some(1 | 2)) => Some(Kind::Debug),
            c if c.debug_authentication == Some(3) => Some(Kind::CloseDebug),
            _ => None,
        };
        match message.subject {
            Subject::Connect => match (open, self.command.interface) {
                (Some(Kind::Options), _) => Kind::Options,
                (Some(Kind::Debug), _) => Kind::Debug,
                (_, Interface::Usb) => Kind::Dfu,
                (_, Interface::Uart) => Kind::Uart,
                _ if asked == Some(Kind::Debug) => Kind::Debug,
                _ => Kind::Connect,
            },
            Subject::Options => Kind::Options,
            Subject::Provision => Kind::Provision,
            Subject::DebugAuthentication | Subject::Authenticate => Kind::Debug,
            // The tool also locks after an authentication.
            Subject::CloseDebug if open == Some(Kind::Debug) && self.command.debug_authentication != Some(3) => {
                Kind::Debug
            }
            Subject::CloseDebug => Kind::CloseDebug,
            Subject::Erase => Kind::Erase,
            Subject::Flash if self.command.provision.is_some() => Kind::Provision,
            Subject::Flash => Kind::Flash,
            Subject::Dfu => Kind::Dfu,
            Subject::Uart => Kind::Uart,
            Subject::Reset => Kind::Reset,
            Subject::Boot => Kind::Boot,
            Subject::Firmware => Kind::Firmware,
            Subject::Tool => open.filter(|k| *k != Kind::Connect).or(asked).unwrap_or(Kind::Tool),
        }
    }
}
/// Where the quotation ends that begins right before byte `at`, or a few words before it.
fn end_of_quote(raw: &str, at: usize) -> Option<usize> {
    const MARKS: [char; 5] = ['"', '“', '”', '«', '»'];
    raw[..at].contains(MARKS).then(|| raw[at..].find(MARKS).map(|end| at + end))?
}
