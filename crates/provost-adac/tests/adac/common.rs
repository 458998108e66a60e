//! The vectors of `vectors/make_vectors.py` (own keys, an independent implementation on top of pyca/cryptography).

use provost_adac::certificate::Certificate;
use provost_adac::chain::Chain;
use provost_adac::key::PrivateKey;
use serde_json::Value;

pub(crate) struct Vectors(Value);

impl Vectors {
    pub(crate) fn load() -> Self {
        Self(serde_json::from_str(include_str!("../vectors/vectors.json")).unwrap())
    }

    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}"))
    }

    pub(crate) fn bytes(&self, pointer: &str) -> Vec<u8> {
        unhex(self.text(pointer))
    }

    pub(crate) fn array<const N: usize>(&self, pointer: &str) -> [u8; N] {
        self.bytes(pointer).try_into().unwrap()
    }

    pub(crate) fn words(&self, pointer: &str) -> Vec<u32> {
        let words = self.0.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("{pointer}"));
        words.iter().map(|word| u32::from_str_radix(&word.as_str().unwrap()[2..], 16).unwrap()).collect()
    }

    /// The names at a place, in alphabetical order.
    pub(crate) fn names(&self, pointer: &str) -> Vec<&str> {
        let object = self.0.pointer(pointer).and_then(Value::as_object).unwrap_or_else(|| panic!("{pointer}"));
        let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn key(&self, name: &str) -> PrivateKey {
        PrivateKey::from_scalar(&self.array(&format!("/scalars/da-test {name}"))).unwrap()
    }

    pub(crate) fn certificate(&self, name: &str) -> Certificate {
        Certificate::parse(&self.bytes(&format!("/certificates/{name}"))).unwrap()
    }

    pub(crate) fn chain(&self) -> Chain {
        Chain::from_base64(self.text("/chain_b64")).unwrap()
    }
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
