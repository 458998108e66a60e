//! Prints every rule of the life cycle with its confidence and its sources; with a word, those that speak of it.
//!
//! ```text
//! cargo run --example rules
//! cargo run --example rules -- regression
//! ```

use std::env;

use provost_chip::rules::Rule;
use provost_chip::sources::Source;

fn main() {
    let word = env::args().nth(1).unwrap_or_default().to_lowercase();
    for rule in Rule::all().iter().filter(|rule| rule.says.to_lowercase().contains(&word)) {
        println!("{} ({})\n  {}", rule.id, rule.confidence, rule.says);
        for source in rule.source.iter().filter_map(|key| Source::find(key)) {
            println!("  {} {}", source.title, source.url.unwrap_or_default());
        }
        if let Some(switch) = rule.switch {
            println!("  left open by the switch {switch}");
        }
    }
}
