//! Firmware images for the flash: ELF, Intel HEX, plain bytes. What is loaded are bytes of the file, each once.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use provost_fuzz::{frugally, says_something};
use provost_ops::flash::image::{Format, Image, to_hex};

const FLASH: u32 = 0x20_0000;

fuzz_target!(|data: &[u8]| {
    for name in ["image.hex", "image.bin"] {
        let image = frugally(data.len(), 0x1000, 64, || Image::parse(data, Path::new(name), Some(0x0800_0000)));
        match image {
            Ok(image) => loaded(&image, data),
            Err(error) => says_something(error),
        }
    }
});

fn loaded(image: &Image, data: &[u8]) {
    assert!(!image.is_empty() && image.len() <= data.len());
    let mut end = 0;
    for (address, bytes) in image.segments() {
        assert!(u64::from(address) >= end, "segments are in order and apart");
        end = u64::from(address) + bytes.len() as u64;
    }
    match image.sectors(FLASH) {
        Ok(sectors) => {
            let given: usize = sectors.iter().map(|sector| (0..0x2000).filter(|at| sector.gives(*at)).count()).sum();
            assert_eq!(given, image.len());
            let written: usize = sectors.iter().flat_map(|sector| sector.runs()).map(|(_, run)| run.len()).sum();
            assert!(written >= given && written % 16 == 0);
            // Gaps are filled: of images that fit a flash only.
            let _ = image.sha256();
        }
        Err(error) => says_something(error),
    }
    if image.format == Format::Binary {
        let hex = to_hex(0x0800_0000, data);
        let again = Image::parse(hex.as_bytes(), Path::new("again.hex"), None).expect("our own file");
        assert!(again.segments().eq(image.segments()));
    }
}
