//! The built program in a folder of its own.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

pub struct Sandbox(tempfile::TempDir);

/// What the program heeds, and a test must not have by chance.
pub const VARIABLES: [&str; 9] = [
    "RUST_LOG",
    "PROVOST_PROBE",
    "PROVOST_PART",
    "PROVOST_SPEED",
    "PROVOST_CREDENTIAL",
    "PROVOST_POLICY",
    "COLUMNS",
    "NO_COLOR",
    "PROVOST_PASSPHRASE",
];

/// What a run of the program printed and said.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Sandbox {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        command
    }

    /// Runs the program with these words.
    pub fn run(&self, line: &str) -> Run {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>())
    }

    pub fn run_words(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same with `--json`: exactly one document on stdout, of its schema.
    pub fn json(&self, line: &str) -> (i32, Value) {
        let run = self.run(&format!("{line} --json"));
        let value: Value =
            serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{line}: {e}\n{}{}", run.out, run.err));
        validate(&value, line);
        (run.code, value)
    }
}

/// Holds a document against the schema that it names.
pub fn validate(value: &Value, what: &str) {
    let name = value["schema"].as_str().unwrap_or_else(|| panic!("{what}: no schema in {value}"));
    let name = name.strip_prefix("provost.").and_then(|n| n.strip_suffix("/1")).unwrap();
    validate_as(value, name, what);
}

pub fn validate_as(value: &Value, name: &str, what: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}.schema.json"));
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}\n{value:#}");
}

/// A server that does not outlive its test.
pub struct Ended(pub std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
