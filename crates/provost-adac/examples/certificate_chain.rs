//! Makes keys and a certificate chain, and names every byte of it.
//!
//! ```text
//! cargo run --example certificate_chain
//! ```

use std::error::Error;

use provost_adac::certificate::{Certificate, Role};
use provost_adac::chain::Chain;
use provost_adac::describe;
use provost_adac::key::{PrivateKey, Signer as _};
use provost_adac::permission::{Permission, PermissionMask};

fn main() -> Result<(), Box<dyn Error>> {
    let (root, leaf) = (PrivateKey::generate()?, PrivateKey::generate()?);
    let debug = [Permission::NonSecureDebugLevel3, Permission::FullRegression].into_iter().collect::<PermissionMask>();
    let chain = Chain::new(vec![
        Certificate::builder(Role::Root).self_sign(&root)?,
        Certificate::builder(Role::Leaf).permissions(debug).sign(&leaf.public_key(), &root)?,
    ]);
    for part in describe::chain(&chain) {
        println!("{}", part.title);
        for field in part.fields {
            println!("  {:5} +{:<3} {:<20} {} {}", field.offset, field.length, field.name, field.value, field.meaning);
        }
    }
    println!("\nas a file of ST's tools:\n{}", chain.to_base64());
    println!("\nwhat is provisioned, SHA-256 of the root key: {:02x?}", root.public_key().root_hash());
    for verdict in chain.verify()?.permissions.verdicts() {
        println!("  {verdict}");
    }
    Ok(())
}
