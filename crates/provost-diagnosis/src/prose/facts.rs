//! What a sentence says of the chip and of the bench.

use provost_chip::{
    parts::PartId,
    states::{BootUbe, TrustZone},
};

use super::{
    Concept, Said, What, acts,
    sentence::Context,
    words::{Mark, Set, Token},
};
use crate::{
    case::{Boot0, Goal, Host},
    claim::Sure,
    families::Family,
};

/// The facts of a sentence.
pub(super) fn read(tokens: &[Token], all: Set, context: &Context<'_>) -> Vec<Said> {
    let mut said = Vec::new();
    let told = !context.question && !context.reply && !all.any(&[Concept::You, Concept::Another]);
    let acted = told && all.has(Concept::Me) && all.any(&[Concept::Able, Concept::Try, Concept::Fail, Concept::Not]);
    let span = tokens.first().map_or(0, |t| t.span.start)..tokens.last().map_or(0, |t| t.span.end);
    for (at, token) in tokens.iter().enumerate() {
        let own = |what, sure| Said { what, span: token.span.clone(), sure };
        if let Some(name) = part(&token.text) {
            said.push(own(What::Part { name, acted }, Sure::Stated));
        } else if token.text.starts_with("stm32")
            && let Some(family) = Family::named(&token.text)
        {
            said.push(own(What::Family(family), Sure::Stated));
        }
        if matches!(token.text.as_str(), "stm32cubeprogrammer" | "cubeprogrammer" | "cubeprog")
            && let Some(version) = tokens.get(at + 1).and_then(version)
        {
            said.push(own(What::Tool(format!("STM32CubeProgrammer {version}")), Sure::Stated));
        }
    }
    if context.question || all.any(&[Concept::You, Concept::Another]) || context.reply {
        return said;
    }
    if let Some(credential) = acts::credential(all) {
        said.push(Said { what: What::Credential(credential), span: span.clone(), sure: Sure::Read });
    }
    let whole = |what, sure| Said { what, span: span.clone(), sure };
    let not = all.has(Concept::Not);
    if let Some(tz) = trustzone(tokens, all) {
        said.push(whole(What::TrustZone(tz), Sure::Stated));
    } else if all.has(Concept::BothWorlds) && !all.any(&[Concept::Not, Concept::Modal]) {
        said.push(whole(What::TrustZone(TrustZone::Enabled), Sure::Read));
    }
    if all.has(Concept::BootUbe)
        && let Some(ube) = tokens.iter().find_map(|t| BootUbe::from_code(u8::try_from(t.hex()?).ok()?))
    {
        said.push(whole(What::BootEntry(ube), Sure::Stated));
    }
    if all.has(Concept::Nrst) && !all.has(Concept::Modal) {
        let missing = all.has(Concept::Without) || not;
        if missing || all.has(Concept::Wired) {
            said.push(whole(What::Nrst(!missing), Sure::Read));
        }
    }
    if all.has(Concept::Boot0) && !not && !all.has(Concept::Modal) {
        let level = if all.any(&[Concept::Reachable, Concept::Try]) || all.has(Concept::High) {
            Some(Boot0::Accessible)
        } else if all.has(Concept::Tied) && all.has(Concept::Low) || all.has(Concept::Low) {
            Some(Boot0::Low)
        } else {
            None
        };
        said.extend(level.map(|level| whole(What::Boot0(level), Sure::Read)));
    }
    let has = |word: &str| tokens.iter().any(|t| t.text == word);
    let windows = tokens.iter().enumerate().any(|(at, t)| t.text == "windows" && is_system(tokens, at, context.line));
    let narrow = tokens.iter().any(|t| matches!(t.text.as_str(), "32" | "32bit"));
    let host = match () {
        () if windows => Some(if narrow { Host::Windows32 } else { Host::Windows64 }),
        () if has("linux") || has("ubuntu") || has("debian") => Some(Host::Linux),
        () if has("macos") => Some(Host::Macos),
        () => None,
    };
    said.extend(host.map(|host| whole(What::Host(host), Sure::Read)));
    if spares_the_flash(tokens) && !not {
        said.push(whole(What::Goal(Goal::Debug), Sure::Read));
    }
    let words = tokens.iter().filter(|t| t.mark.is_none()).count();
    if is_probe(tokens) && words <= 16 && !all.any(&[Concept::Modal, Concept::Fail]) {
        let text: String = context.line.get(span.clone()).unwrap_or_default().chars().take(80).collect();
        said.push(whole(What::Probe(text), Sure::Read));
    }
    said
}

/// Whether the word is the operating system, and not the windows of a program: it has its capital, a version, or somebody is on it.
fn is_system(tokens: &[Token], at: usize, line: &str) -> bool {
    let capital = line.get(tokens[at].span.clone()).is_some_and(|word| word.starts_with('W'));
    let version = tokens.get(at + 1).is_some_and(|t| t.text.starts_with(|c: char| c.is_ascii_digit()));
    let on = at > 0 && matches!(tokens[at - 1].text.as_str(), "on" | "under" | "auf" | "unter" | "sous");
    capital || version || on
}

/// `STM32H533RE`, `H563ZI`, in capitals.
fn part(word: &str) -> Option<String> {
    let line = word.strip_prefix("stm32").unwrap_or(word);
    let digits = line.get(2..4).is_some_and(|d| d.bytes().all(|b| b.is_ascii_alphanumeric()));
    let name = format!("STM32{}", line.to_ascii_uppercase());
    (line.starts_with("h5") && digits && line.len() <= 10 && name.parse::<PartId>().is_ok()).then_some(name)
}

fn version(token: &Token) -> Option<&str> {
    let text = token.text.trim_start_matches('v');
    (text.contains('.') && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')).then_some(text)
}

/// TrustZone with a value beside it, or said to be on or off.
fn trustzone(tokens: &[Token], all: Set) -> Option<TrustZone> {
    let at = tokens.iter().position(|t| t.is.has(Concept::Trustzone))?;
    if all.any(&[Concept::Modal, Concept::If]) {
        return None;
    }
    let near = tokens.iter().skip(at + 1).take(3);
    let value = near.clone().find_map(|t| match t.text.as_str() {
        "0xb4" | "b4" | "1" => Some(TrustZone::Enabled),
        "0xc3" | "c3" | "0" => Some(TrustZone::Disabled),
        _ => None,
    });
    let marked = tokens
        .iter()
        .skip(at + 1)
        .take(2)
        .any(|t| t.mark == Some(Mark::Equals) || t.is.any(&[Concept::Is, Concept::To]));
    if let Some(value) = value.filter(|_| marked) {
        return Some(value);
    }
    // "On" and "off" only right beside it: the words mean much else.
    let beside = |t: &Token| t.is.any(&[Concept::On, Concept::Off]);
    let word = tokens[..at].iter().rev().take(1).chain(near.take(2)).find(|t| beside(t) && t.text != "an")?;
    let on = word.is.has(Concept::On) != all.has(Concept::Not);
    Some(if on { TrustZone::Enabled } else { TrustZone::Disabled })
}

/// "Without erasing the flash", "ohne zu löschen": who says so of what is wanted wants to debug the chip as it is.
fn spares_the_flash(tokens: &[Token]) -> bool {
    let wanted = tokens.iter().any(|t| t.is.any(&[Concept::Modal, Concept::If]) || WANTS.contains(&t.text.as_str()));
    let without = tokens.iter().position(|t| t.is.has(Concept::Without));
    let erases = |t: &Token| t.is.has(Concept::Erase) || ["erasing", "löschen", "effacer"].contains(&t.text.as_str());
    wanted && without.is_some_and(|at| tokens[at + 1..].iter().take(3).any(erases))
}

/// Words of a wish that are no advice.
const WANTS: [&str; 10] = ["need", "needs", "want", "like", "how", "möchte", "will", "brauche", "veux", "voudrais"];

fn is_probe(tokens: &[Token]) -> bool {
    tokens
        .windows(2)
        .any(|pair| matches!((pair[0].text.as_str(), pair[1].text.as_str()), ("st", "link") | ("j", "link")))
        || tokens.iter().any(|t| t.text.starts_with("stlink") || t.text == "jlink")
}
