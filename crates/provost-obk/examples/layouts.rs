//! Prints the layout of every kind of object as Markdown: offset, length, name, values, meaning, source.
//!
//! ```text
//! cargo run --example layouts
//! ```

use provost_obk::layout;

fn main() {
    print!("{}", layout::markdown());
}
