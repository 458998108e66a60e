//! What a line means that a tool has printed.
//!
//! ```text
//! cargo run --example explain_message -- "Error: Cannot connect to access port 1!"
//! ```

use std::env;

use provost_diagnosis::messages::Message;

fn main() {
    let line = env::args().nth(1).unwrap_or_else(|| "Error: Cannot connect to access port 1!".to_owned());
    match Message::find_in(&line) {
        Some(message) => println!("{message:#?}"),
        None => {
            println!("not known as it stands; most alike:");
            Message::search(&line).iter().take(3).for_each(|(message, score)| println!("{score:.2} {message:#?}"));
        }
    }
}
