//! Prints what each boot loader wants of an image, with source and confidence.
//!
//! ```text
//! cargo run --example profiles
//! ```

use provost_image::profile;

fn main() {
    for profile in profile::all() {
        println!("{}: {}", profile.name, profile.title);
        println!(
            "  magic {:#010x}, header {:#x} bytes, keys in {}",
            profile.magic, profile.header_size, profile.keys_in
        );
        println!("  {} ({})", profile.source, profile.confidence);
        if !profile.remark.is_empty() {
            println!("  remark: {}", profile.remark);
        }
    }
}
