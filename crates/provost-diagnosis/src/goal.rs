//! What the owner wants, where it is not told: read from what was tried and what is complained of.

use provost_chip::states::{ProductState, REGRESSION};

use crate::{
    case::{Act, AskedPermission, Case, Goal, Outcome, Step},
    signs::Sign,
};

/// What the owner wants.
pub(crate) fn of(case: &Case) -> Goal {
    if let Some(told) = case.goal {
        return told;
    }
    if case.steps.iter().any(goes_back) || shut_out(case) {
        return Goal::Open;
    }
    if about_its_code(case) {
        return Goal::Boot;
    }
    // Nothing that was tried failed: whoever tells of that wants to know whether all is well.
    if case.steps.is_empty() { Goal::Open } else { Goal::Check }
}

/// An attempt to lead the chip back to Open.
fn goes_back(step: &Step) -> bool {
    match &step.act {
        Act::Authenticate { permission, .. } => *permission != AskedPermission::Debug,
        Act::WriteOption(option) => option.product_state() == Some(ProductState::Open),
        Act::Firmware(text) => written_state(text).is_some_and(leads_back),
        _ => false,
    }
}

/// Whether something over SWD or Debug Authentication went wrong.
pub(crate) fn shut_out(case: &Case) -> bool {
    (0..case.steps.len()).any(|index| fails_at_the_door(&case.steps[index..]))
}

/// Whether the first of these steps went wrong at the door. The link that is lost by closing a chip is no failure, unless the
/// chip is seen afterwards in an earlier state.
fn fails_at_the_door(steps: &[Step]) -> bool {
    let Some((step, later)) = steps.split_first() else { return false };
    let bad = !matches!(step.outcome, None | Some(Outcome::Ok)) && !was_not_begun(step);
    let closing = match &step.act {
        Act::WriteOption(option) => option.product_state().filter(|s| *s > ProductState::Provisioning),
        _ => None,
    };
    bad && match closing {
        Some(_) if step.outcome == Some(Outcome::Refused) => true,
        Some(closed) => later.iter().filter_map(shown).next_back().is_some_and(|seen| seen < closed),
        None => step.act.is_wired(),
    }
}

/// The tool gave up by itself before it did anything on the chip. A file that is missing does not count: the script that named it
/// may have gone on.
pub(crate) fn was_not_begun(step: &Step) -> bool {
    step.all_signs().any(|sign| matches!(sign, Sign::InstallerAbsent | Sign::ToolCrash))
}

/// The product state that a step shows.
pub(crate) fn shown(step: &Step) -> Option<ProductState> {
    match &step.act {
        Act::ReadOption(option) => option.product_state(),
        Act::Discover(seen) => seen.lifecycle,
        _ => None,
    }
}

/// The complaint is about the application, or about what the chip's own code does.
fn about_its_code(case: &Case) -> bool {
    case.steps.iter().any(|s| at_work(s) == Some(false) || own_code_fails(s))
}

/// Whether the application is told to run or not to run here.
pub(crate) fn at_work(step: &Step) -> Option<bool> {
    step.all_signs().find_map(|sign| match sign {
        Sign::ApplicationRuns => Some(true),
        Sign::ApplicationDead => Some(false),
        _ => None,
    })
}

/// The chip's own code failed at something that is no write of a product state.
pub(crate) fn own_code_fails(step: &Step) -> bool {
    let bad = !matches!(step.outcome, None | Some(Outcome::Ok));
    matches!(&step.act, Act::Firmware(text) if written_state(text).is_none()) && bad
}

/// Codes that somebody writes to get back.
pub(crate) const fn leads_back(code: u8) -> bool {
    code == ProductState::Open.code() || code == REGRESSION
}

/// The code in a text such as `writes PRODUCT_STATE=0x72`.
pub(crate) fn written_state(text: &str) -> Option<u8> {
    let upper = text.to_ascii_uppercase();
    let rest = upper.split_once("PRODUCT_STATE")?.1;
    let digits: String = rest.split_once("0X")?.1.chars().take_while(char::is_ascii_hexdigit).collect();
    u8::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case_file;

    fn goal(steps: &str) -> Goal {
        of(&case_file::read(steps).unwrap())
    }

    #[test]
    fn goals_are_read_from_what_was_tried() {
        let runs = "[[step]]\naction = \"observe\"\nwhat = \"application runs\"\n";
        let dead = "[[step]]\naction = \"observe\"\nwhat = \"application does not run\"\n";
        let back = "[[step]]\naction = \"authenticate\"\nresult = \"error\"\n";
        let closing =
            "[[step]]\naction = \"write-option\"\nfield = \"PRODUCT_STATE\"\nvalue = \"0x72\"\nresult = \"lost\"\n";
        assert_eq!(goal(runs), Goal::Check);
        assert_eq!(goal(&format!("{closing}{runs}")), Goal::Check);
        assert_eq!(goal(dead), Goal::Boot);
        assert_eq!(goal(&format!("{dead}{runs}")), Goal::Boot);
        assert_eq!(goal(&format!("{runs}{back}")), Goal::Open);
        assert_eq!(goal(closing), Goal::Check);
        assert_eq!(goal(&format!("goal = \"debug\"\n{back}")), Goal::Debug);
        assert_eq!(of(&Case::default()), Goal::Open);
        let seen = "[[step]]\naction = \"discover\"\nlifecycle = \"ST_LIFECYCLE_TZ_CLOSED\"\nresult = \"ok\"\n";
        assert_eq!(goal(&format!("{closing}{seen}")), Goal::Open, "the write did not close it");
    }

    #[test]
    fn states_are_read_from_what_firmware_is_said_to_write() {
        assert_eq!(written_state("writes PRODUCT_STATE=0x72"), Some(0x72));
        assert_eq!(written_state("jumps to the bootloader"), None);
    }
}
