//! The counts that `docs/figures.md` states, held against what a campaign counted.

use std::collections::BTreeMap;

const FIGURES: &str = include_str!("../../../docs/figures.md");

/// 1234567 as a person writes it: 1,234,567.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Fails unless the row of this campaign states each of its counts.
pub fn stated(campaign: &str, counts: &[usize]) {
    let row = FIGURES.lines().find(|line| line.starts_with('|') && line.contains(&format!(" {campaign}")));
    let row = row.unwrap_or_else(|| panic!("docs/figures.md has no row for {campaign}"));
    let numbers: Vec<&str> =
        row.split(|c: char| !c.is_ascii_digit() && c != ',').map(|n| n.trim_matches(',')).collect();
    for &count in counts {
        let due = grouped(count);
        assert!(numbers.contains(&due.as_str()), "docs/figures.md does not state {due} for {campaign}: {row}");
    }
}

/// Prints how each interruption of this campaign ended, one per transaction and one after the last, and compares their number.
pub fn interrupted(campaign: &str, what: &str, transactions: u64, endings: &BTreeMap<String, usize>) {
    println!("{what}, at each of {} transactions; none was lost:", transactions + 1);
    for (ending, times) in endings {
        println!("{times:6}  {ending}");
    }
    let all: usize = endings.values().sum();
    assert_eq!(all as u64, transactions + 1);
    stated(campaign, &[all]);
}

#[cfg(test)]
mod tests {
    use super::{grouped, stated};

    #[test]
    fn a_count_that_is_not_stated_is_noticed() {
        assert_eq!([grouped(7), grouped(1_000), grouped(202_752)], ["7", "1,000", "202,752"]);
        stated("every_world::", &[202_752]);
        assert!(std::panic::catch_unwind(|| stated("every_world::", &[202_753])).is_err());
    }
}
