//! ST's own samples as an oracle, for those who have them: `STM32CUBEH5=/path/to/STM32CubeH5 cargo test -p provost-obk`.
//!
//! Nothing of ST's is kept here; without the variable the test says so and passes.

use std::fs;
use std::path::{Path, PathBuf};

use provost_adac::crypto::sha256;
use provost_chip::parts::PartId;
use provost_obk::checks::{self, Check, Target};
use provost_obk::describe::describe;
use provost_obk::xml::{self, Product};
use provost_obk::{Obk, config, inspect, samples};
use zeroize::Zeroizing;

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

#[test]
fn sts_samples_are_rebuilt_byte_for_byte() {
    let Some(cube) = std::env::var_os("STM32CUBEH5") else {
        eprintln!("skipped: STM32CUBEH5 does not name a copy of STM32CubeH5");
        return;
    };
    let mut xml = Vec::new();
    files(Path::new(&cube), "xml", &mut xml);
    let (mut same, mut bare, mut other) = (0, 0, Vec::new());
    for path in xml {
        let text = fs::read(&path).unwrap();
        if !String::from_utf8_lossy(&text).contains("<Obdata>") {
            continue;
        }
        let folder = path.parent().unwrap();
        let read = |name: &str| fs::read(folder.join(name)).map(Zeroizing::new);
        let built = match xml::build(&text, &read) {
            Ok(built) => built,
            Err(error) => {
                // Images that only a build of the firmware makes.
                assert_eq!(error.code(), "xml-file", "{}: {error}", path.display());
                continue;
            }
        };
        let sample = fs::read(folder.join(built.output.unwrap())).unwrap_or_default();
        let Product::Object(obk) = &built.product else {
            assert!(sample.is_empty() || *built.product.to_bytes() == sample, "{}", path.display());
            bare += usize::from(!sample.is_empty());
            continue;
        };
        if *obk.to_bytes() == sample {
            same += 1;
            assert!(samples::sample(&sample).is_some(), "{}", path.display());
        } else {
            other.push(path.clone());
        }
        let described = describe(obk).unwrap();
        assert_eq!(&config::build(&described.toml, &described).unwrap(), obk, "{}", *described.toml);
    }
    eprintln!("{same} objects are those of ST, {bare} the files without header, others: {other:#?}");
    assert!(same > 0);
    // Password objects of today's XML have zeros where the older samples have 0x5077.
    assert!(other.iter().all(|path| path.ends_with("DA_ConfigWithPassword.xml")));
}

#[test]
fn sts_samples_pass_every_check_but_that_for_samples() {
    let Some(cube) = std::env::var_os("STM32CUBEH5") else {
        eprintln!("skipped: STM32CUBEH5 does not name a copy of STM32CubeH5");
        return;
    };
    let mut objects = Vec::new();
    files(Path::new(&cube), "obk", &mut objects);
    let mut count = 0;
    for path in objects {
        let bytes = fs::read(&path).unwrap();
        let Ok(obk) = Obk::parse(&bytes) else { continue };
        assert!(samples::sample(&bytes).is_some(), "{} {:x?}", path.display(), sha256(&bytes));
        let inspection = inspect(&bytes).unwrap();
        assert!(inspection.ranges.iter().all(|range| range.trouble.is_none()), "{}: {inspection:#?}", path.display());
        let text = path.to_string_lossy();
        let part =
            ["H533", "H553", "H563", "H573", "H5F5"].into_iter().find(|part| text.contains(part)).unwrap_or("H573");
        let part: PartId = part.parse().unwrap();
        for finding in checks::object(&obk, &Target::new(part)) {
            let expected = [Check::Sample, Check::SampleSettings, Check::UncertainPart];
            assert!(expected.contains(&finding.check), "{}: {finding}", path.display());
        }
        count += 1;
    }
    eprintln!("{count} objects checked");
    assert!(count > 0);
}
