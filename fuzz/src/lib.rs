//! What the fuzz targets have in common: a meter for memory, and key files to offer.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Counts what is allocated; everything else is up to the system.
struct Meter;

#[global_allocator]
static METER: Meter = Meter;

fn took(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new block exist side by side if the block has to move.
        took(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Runs `read` and panics if it ever holds more than `base` bytes and `each` for every byte of the input.
///
/// With `FUZZ_PEAK` in the environment, prints what it held: to choose the limits.
pub fn frugally<T>(input: usize, base: usize, each: usize, read: impl FnOnce() -> T) -> T {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = read();
    let held = PEAK.load(Relaxed) - before;
    if std::env::var_os("FUZZ_PEAK").is_some() {
        eprintln!("input {input}, held {held}");
    }
    assert!(held <= base + each * input, "{held} bytes held for an input of {input}");
    result
}

/// A text of an error or a finding: made, and not empty.
pub fn says_something(text: impl core::fmt::Display) {
    assert!(!text.to_string().is_empty());
}

/// Files of every kind that a description may name.
pub mod folder {
    use std::io;

    use zeroize::Zeroizing;

    /// The contents of a file: keys, bytes, one that is too large.
    ///
    /// # Errors
    /// There is no such file.
    pub fn read(path: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let contents: Vec<u8> = match name {
            "key.pem" => include_bytes!("../../crates/provost-adac/tests/vectors/keys/pkcs8.pem").to_vec(),
            "pub.pem" => include_bytes!("../../crates/provost-adac/tests/vectors/keys/spki.pem").to_vec(),
            "locked.pem" => {
                include_bytes!("../../crates/provost-adac/tests/vectors/keys/encrypted_default.pem").to_vec()
            }
            "key.bin" => vec![0x42; 70],
            "pub.bin" => vec![0x04; 91],
            "hash.bin" => vec![0xA5; 32],
            "password.bin" => include_bytes!("../../crates/provost-obk/tests/vectors/da_pw12.bin").to_vec(),
            "empty.bin" => Vec::new(),
            "data.bin" => (0..0x300).map(|byte| byte as u8).collect(),
            "full.bin" => vec![0xFF; 0x1000],
            "large.bin" => vec![0; 0x1_0001],
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Zeroizing::new(contents))
    }
}

/// A chip behind a bootloader: 1 KB of RAM, and nothing else.
pub mod device {
    use provost_bootloader::{
        memory::{After, Device, Erase, SpecialAnswer},
        special::Special,
    };

    const BASE: u32 = 0x2000_4000;

    /// The chip.
    #[derive(Debug, PartialEq, Eq)]
    pub struct Ram([u8; 1024]);

    impl Default for Ram {
        fn default() -> Self {
            Self([0; 1024])
        }
    }

    impl Device for Ram {
        fn id(&self) -> u16 {
            0x484
        }

        fn version(&self) -> u8 {
            0x40
        }

        fn opcodes(&self) -> Vec<u8> {
            vec![0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x50, 0x51, 0x63]
        }

        fn serves_memory(&self) -> bool {
            true
        }

        fn knows(&self, address: u32) -> bool {
            address.wrapping_sub(BASE) < 1024
        }

        fn read(&mut self, address: u32, length: usize) -> Option<Vec<u8>> {
            let at = address.wrapping_sub(BASE) as usize;
            self.0.get(at..at.checked_add(length)?).map(<[u8]>::to_vec)
        }

        fn write(&mut self, address: u32, data: &[u8]) -> After {
            let at = address.wrapping_sub(BASE) as usize;
            if let Some(place) = self.0.get_mut(at..at.saturating_add(data.len())) {
                place.copy_from_slice(data);
            }
            After::Stays
        }

        fn erase(&mut self, what: &Erase) -> bool {
            matches!(what, Erase::Sectors(_))
        }

        fn go(&mut self, _address: u32) -> After {
            After::LocksUp
        }

        fn special_over_usb(&self) -> bool {
            true
        }

        fn special(&mut self, command: Special) -> SpecialAnswer {
            let after = match command {
                Special::Reset => After::Resets { acknowledged: true },
                Special::ProductState(_) => After::Resets { acknowledged: false },
                Special::Provision { .. } => After::Stays,
            };
            SpecialAnswer { data: vec![1, 2, 3, 4], status: vec![0], after }
        }
    }
}
