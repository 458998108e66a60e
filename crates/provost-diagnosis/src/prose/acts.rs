//! What a clause says was done or seen.

use provost_chip::states::ProductState;

use super::{
    Concept,
    sentence::{Clause, Context, cannot},
    values::{Value, values},
    words::{Mark, Set, Token},
};
use crate::{
    case::{Act, AskedPermission, ConnectMode, Credential, Discovery, Object, OptionValue, Outcome, ProvisionedBy},
    claim::Sure,
};

/// Something that was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) act: Act,
    pub(super) outcome: Option<Outcome>,
    pub(super) sure: Sure,
    /// Words of failure or success nearby are about it.
    pub(super) takes_outcome: bool,
    /// It may be how something else was done.
    pub(super) manner: bool,
    /// It is told as a deed, even without an end.
    pub(super) meant: bool,
}

impl Found {
    const fn new(act: Act, meant: bool) -> Self {
        Self { act, outcome: None, sure: Sure::Read, takes_outcome: true, manner: false, meant }
    }

    const fn seen(act: Act, sure: Sure) -> Self {
        Self { act, outcome: Some(Outcome::Ok), sure, takes_outcome: false, manner: false, meant: true }
    }
}

/// The deeds and sights of a clause, in the order of their kinds; `all` is what the whole sentence speaks of.
pub(super) fn in_clause(clause: &Clause<'_>, sentence: &[Token], all: Set, context: &Context<'_>) -> Vec<Found> {
    let mut found = states(clause, sentence, all, context);
    let writes = found.iter().any(|f| matches!(f.act, Act::WriteOption(_)));
    // "I did not erase it", "never tried hot plug": nothing was done.
    let left_undone = clause.has(Concept::Not)
        && !cannot(clause)
        && !clause.is.any(&[Concept::Work, Concept::Fail, Concept::Able, Concept::Lost, Concept::Missing])
        && !clause.has(Concept::Connect);
    // "Without Debug Authentication it works": nothing of the kind was done.
    let without = clause.tokens.iter().position(|t| t.is.has(Concept::Without)).is_some_and(|at| {
        let next = clause.tokens[at + 1..].iter().take(3);
        next.fold(Set::default(), |set, t| set.union(t.is)).any(&[
            Concept::Authenticate,
            Concept::Regress,
            Concept::Discover,
            Concept::Password,
            Concept::Certificate,
            Concept::Provision,
            Concept::HotPlug,
            Concept::UnderReset,
            Concept::Erase,
        ])
    });
    if left_undone || without {
        return found;
    }
    let meant = context.attempt || clause.is.any(&[Concept::Me, Concept::Try]);
    found.extend(connects(clause, sentence, writes, meant));
    if clause.has(Concept::Erase) {
        found.push(Found::new(Act::Erase, meant));
    }
    if clause.has(Concept::Flash) {
        found.push(Found::new(Act::Flash, meant));
    }
    if closes_debug(clause.tokens) {
        found.push(Found { takes_outcome: false, ..Found::new(Act::CloseDebug, true) });
    }
    found.extend(debug_authentication(clause, sentence, all, meant));
    found.extend(provisions(clause, all, meant));
    if clause.has(Concept::Dfu) {
        found.push(Found::new(Act::Dfu, clause.has(Concept::Try)));
    }
    if clause.has(Concept::Uart) && !clause.has(Concept::Wiring) {
        found.push(Found::new(Act::Uart, clause.has(Concept::Try)));
    }
    if clause.has(Concept::PowerCycle) {
        found.push(Found { takes_outcome: false, ..Found::new(Act::PowerCycle, true) });
    }
    if clause.has(Concept::ResetButton) && !clause.has(Concept::Not) {
        found.push(Found { takes_outcome: false, ..Found::new(Act::Reset, true) });
    }
    found
}

fn product_state(state: ProductState) -> OptionValue {
    OptionValue { field: "PRODUCT_STATE".to_owned(), value: Some(state.code().into()) }
}

/// States that are written or seen in this clause.
fn states(clause: &Clause<'_>, sentence: &[Token], all: Set, context: &Context<'_>) -> Vec<Found> {
    let all_values = values(sentence);
    let within = |v: &&Value| (clause.at..clause.at + clause.tokens.len()).contains(&v.at);
    let mut found = Vec::new();
    for value in all_values.iter().filter(within) {
        let led_on = sentence.get(value.end..).is_some_and(|rest| {
            rest.iter().find(|t| t.mark != Some(Mark::Clause)).is_some_and(|t| t.mark == Some(Mark::Arrow))
        });
        let before = &sentence[..value.at];
        let last = before.iter().rev().find(|t| t.mark != Some(Mark::Clause));
        let by_arrow = last.is_some_and(|t| t.mark == Some(Mark::Arrow));
        if led_on || last.is_some_and(|t| t.is.has(Concept::From)) {
            // Where it came from.
            continue;
        }
        let near: Set = before.iter().rev().take(5).fold(Set::default(), |set, t| set.union(t.is));
        let write_at = sentence.iter().take(value.at).rposition(|t| t.is.has(Concept::Write));
        let chip_moves = write_at.is_some_and(|at| {
            let subject = sentence[..at].iter().rev().take(3).fold(Set::default(), |set, t| set.union(t.is));
            subject.has(Concept::Chip) && !subject.any(&[Concept::Me, Concept::ProductState, Concept::Is])
        });
        let towards = by_arrow || near.has(Concept::To) || last.is_some_and(|t| t.mark == Some(Mark::Equals));
        // German puts the verb last: "von 17 auf ED geändert".
        let mut after = sentence[value.end..].iter().filter(|t| t.mark != Some(Mark::Clause) && t.is != Set::default());
        let verb_last =
            near.any(&[Concept::From, Concept::To]) && after.next().is_some_and(|t| t.is.has(Concept::Write));
        let written = verb_last
            || write_at.is_some_and(|at| value.at - at <= 12)
                && (towards || value.code && last.is_some_and(|t| t.is.has(Concept::Write)))
            || by_arrow
            || is_gone(value, sentence, near);
        let sure = if value.code { Sure::Stated } else { Sure::Read };
        if written && !chip_moves {
            let mut write = Found::new(Act::WriteOption(product_state(value.state)), !clause.has(Concept::Not));
            write.sure = sure;
            found.push(write);
        } else if is_seen(value, clause, sentence, near, chip_moves && towards)
            && !clause.has(Concept::Not)
            && !(context.begun && all.has(Concept::Before))
        {
            let act = if all.has(Concept::Discover) && !all.any(&[Concept::Fail, Concept::Not]) {
                Act::Discover(Discovery {
                    lifecycle: Some(value.state),
                    integrity: integrity(sentence),
                    password: integrity(sentence).and(method(sentence)),
                    ..Discovery::default()
                })
            } else {
                Act::ReadOption(product_state(value.state))
            };
            found.push(Found::seen(act, sure));
        }
    }
    found
}

/// "Then 0xC6 and it was gone", "moving on to Closed the link went away": a state behind which a chip is not found again was written, though no word says so.
fn is_gone(value: &Value, sentence: &[Token], near: Set) -> bool {
    let rest = sentence[value.end..].iter().fold(Set::default(), |set, t| set.union(t.is));
    value.state != ProductState::Open && near.any(&[Concept::After, Concept::To]) && rest.has(Concept::Lost)
}

/// Whether a state is said to be the chip's.
fn is_seen(value: &Value, clause: &Clause<'_>, sentence: &[Token], near: Set, moved: bool) -> bool {
    let after = sentence.get(value.end).is_some_and(|t| t.is.has(Concept::State));
    let field = near.any(&[Concept::ProductState, Concept::State]) || after;
    let copula = near.has(Concept::Is) || near.has(Concept::In) && !near.any(&[Concept::Write, Concept::Able]);
    let equals = sentence[..value.at].last().is_some_and(|t| t.mark == Some(Mark::Equals));
    // "Open", "closed" and "locked" are everyday words.
    let plain = matches!(value.state, ProductState::Open | ProductState::Closed | ProductState::Locked) && !value.code;
    let towards = sentence[..value.at].iter().rev().take(2).any(|t| t.is.has(Concept::To));
    if towards && !moved && !copula {
        // A deed whose verb was not understood.
        return false;
    }
    if moved {
        return value.code || !plain || field;
    }
    // "The chip is open": of nothing else can it be said; a "locked" one may be anything.
    let of_the_chip = copula && value.state != ProductState::Locked && {
        let mut back = sentence[..value.at].iter().rev();
        back.next().is_some_and(|t| t.is.has(Concept::Is))
            && back.next().is_some_and(|t| matches!(t.text.as_str(), "chip" | "mcu"))
    };
    match (plain, value.code) {
        (true, false) if of_the_chip => true,
        (true, _) => field && (copula || equals),
        (false, true) => field || copula || value.name,
        (false, false) => {
            (field || near.has(Concept::In)) && (copula || equals) && !clause.says(&["script", "step", "process"])
        }
    }
}

/// The integrity word of the ROM, if a sentence prints it.
fn integrity(sentence: &[Token]) -> Option<bool> {
    sentence.iter().find_map(|t| match t.hex()? {
        0xEAEA_EAEA => Some(true),
        0xF5F5_F5F5 => Some(false),
        _ => None,
    })
}

/// The method that a discovery names: "ST Password", or a signature.
fn method(sentence: &[Token]) -> Option<bool> {
    sentence.iter().enumerate().find_map(|(at, token)| match token.text.as_str() {
        "password" if at > 0 && sentence[at - 1].text == "st" => Some(true),
        text if text.starts_with("ecdsa") => Some(false),
        _ => None,
    })
}

/// `debugauth=3`.
fn closes_debug(tokens: &[Token]) -> bool {
    tokens.iter().position(|t| t.text == "debugauth").is_some_and(|at| {
        let next = tokens[at + 1..].iter().find(|t| t.mark != Some(Mark::Equals));
        next.is_some_and(|t| t.text == "3")
    })
}

fn connects(clause: &Clause<'_>, sentence: &[Token], writes: bool, meant: bool) -> Vec<Found> {
    let modes: Vec<ConnectMode> = clause
        .tokens
        .iter()
        .filter_map(|t| {
            [
                (Concept::HotPlug, ConnectMode::HotPlug),
                (Concept::UnderReset, ConnectMode::UnderReset),
                (Concept::NormalMode, ConnectMode::Normal),
            ]
            .into_iter()
            .find_map(|(concept, mode)| t.is.has(concept).then_some(mode))
        })
        .collect();
    let connect = clause.has(Concept::Connect)
        && !clause.has(Concept::Discover)
        && (!modes.is_empty() || clause.is.any(&[Concept::Able, Concept::Work]) || attaches(clause.tokens));
    let ap = access_port(clause.tokens).or_else(|| access_port(sentence));
    if modes.is_empty() {
        let wires =
            clause.has(Concept::Wiring) && !(clause.has(Concept::Me) && clause.is.any(&[Concept::Able, Concept::Not]));
        // "The connection was lost" is how something else ended.
        let ended = clause.has(Concept::Lost);
        let spoken =
            clause.is.any(&[Concept::Me, Concept::Able, Concept::Try, Concept::Not, Concept::Work, Concept::Fail]);
        if !connect || wires || ended || !spoken || writes {
            return Vec::new();
        }
        let mut found = Found::new(Act::Connect { mode: None, ap }, meant);
        if clause.has(Concept::Not) && !clause.has(Concept::Fail) {
            found.outcome = Some(Outcome::Error);
        }
        return vec![found];
    }
    let act = |mode| {
        let mut found = Found::new(Act::Connect { mode: Some(mode), ap }, meant && connect || clause.has(Concept::Try));
        found.manner = !connect;
        if connect && clause.has(Concept::Not) && !clause.has(Concept::Fail) {
            found.outcome = Some(Outcome::Error);
        }
        found
    };
    modes.into_iter().map(act).collect()
}

/// Whether somebody attaches, rather than something being attached: "the board is connected to the header" is no deed.
fn attaches(tokens: &[Token]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| {
        let participle = matches!(token.text.as_str(), "connected" | "attached" | "verbunden" | "connecté");
        let by_me = at > 0 && tokens[at - 1].is.has(Concept::Me);
        token.is.has(Concept::Connect) && (!participle || by_me)
    })
}

/// `AP1`, `AP 1`, `access port 1`.
fn access_port(tokens: &[Token]) -> Option<u8> {
    tokens.iter().enumerate().find_map(|(at, token)| {
        let digit = |text: &str| matches!(text, "0" | "1").then(|| text == "1").map(u8::from);
        let next = || digit(&tokens.get(at + 1)?.text);
        match token.text.as_str() {
            "ap0" => Some(0),
            "ap1" => Some(1),
            "ap" => next(),
            "port" if at > 0 && tokens[at - 1].text == "access" => next(),
            _ => None,
        }
    })
}

pub(super) fn credential(all: Set) -> Option<Credential> {
    match (all.has(Concept::Password), all.has(Concept::Certificate)) {
        (true, true) => Some(Credential::Both),
        (true, false) => Some(Credential::Password),
        (false, true) => Some(Credential::Certificate),
        (false, false) => None,
    }
}

fn debug_authentication(clause: &Clause<'_>, sentence: &[Token], all: Set, meant: bool) -> Vec<Found> {
    let value = integrity(clause.tokens);
    if clause.has(Concept::Discover) || value.is_some() {
        if !values(sentence).is_empty() && value.is_none() && !clause.is.any(&[Concept::Fail, Concept::Not]) {
            // Told together with the state.
            return Vec::new();
        }
        let password = value.and(method(sentence));
        let seen = Discovery { integrity: value, password, ..Discovery::default() };
        let mut found = Found::new(Act::Discover(seen), meant);
        if value.is_some() {
            found = Found::seen(found.act, Sure::Stated);
        }
        return vec![found];
    }
    // A regression of option bytes is a write; one "to Open" says only where every regression leads.
    let other_state = values(sentence).iter().any(|v| v.code || v.state != ProductState::Open);
    let about_options = all.any(&[Concept::OptionBytes, Concept::ProductState]) || other_state;
    if clause.is.any(&[Concept::Regress, Concept::Authenticate]) && !about_options {
        let act = Act::Authenticate { with: credential(all), permission: AskedPermission::FullRegression };
        return vec![Found::new(act, clause.has(Concept::Try))];
    }
    Vec::new()
}

fn provisions(clause: &Clause<'_>, all: Set, meant: bool) -> Option<Found> {
    let object = match credential(clause.is) {
        Some(Credential::Password) => Object::DaPassword,
        Some(Credential::Certificate) => Object::DaCertificate,
        _ if clause.has(Concept::Object) || provisioning_is_done(clause) => Object::Other,
        _ => return None,
    };
    let done = clause.has(Concept::Provision) || provisioning_is_done(clause) || object_is_written(clause.tokens);
    if !done || all.any(&[Concept::Discover, Concept::Regress]) {
        return None;
    }
    let act = Act::Provision { object, encrypted: None, size: None, by: ProvisionedBy::Tool };
    Some(Found::new(act, meant && !clause.has(Concept::Not)))
}

/// "I started provisioning", "the OBKey provisioning failed": what is done, not the state of that name.
fn provisioning_is_done(clause: &Clause<'_>) -> bool {
    let begun = |t: &Token| {
        let text = t.text.as_str();
        matches!(text, "do" | "did" | "start" | "started" | "run" | "ran" | "execute" | "executed" | "obkey" | "obk")
    };
    clause.tokens.iter().position(|t| t.is.has(Concept::Provisioning)).is_some_and(|at| {
        let (before, after) = (&clause.tokens[..at], &clause.tokens[at + 1..]);
        let words = before.iter().rev().filter(|t| t.mark.is_none());
        let ended = after.iter().take(3).any(|t| t.is.any(&[Concept::Fail, Concept::Work]));
        let state = before.iter().any(|t| t.is.any(&[Concept::In, Concept::To, Concept::From, Concept::ProductState]))
            || after.first().is_some_and(|t| t.is.has(Concept::State));
        !state && (ended || words.take(2).any(begun))
    })
}

/// "Wrote the object", "set a password": the verb of an option change, with what is provisioned right behind it.
fn object_is_written(tokens: &[Token]) -> bool {
    tokens.iter().position(|t| t.is.has(Concept::Write)).is_some_and(|at| {
        let near = tokens[at + 1..].iter().take(3);
        near.take_while(|t| t.mark.is_none()).any(|t| t.is.any(&[Concept::Object, Concept::Password]))
    })
}
