//! The words of tables and the command line as the words of documents: what `as_str` says is what is written, what `FromStr`
//! takes is what is read.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    assumptions::RssChecksum,
    parts::{FlashSize, PartId},
    rules::{Rule, RuleId},
    sources::Confidence,
    states::{DaMethod, ProductState, TrustZone},
    unique_id::UniqueId,
};

macro_rules! as_words {
    ($($type:ty: $word:expr),+ $(,)?) => { $(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let word: fn(&$type) -> _ = $word;
                serializer.collect_str(&word(self))
            }
        }
    )+ };
}

macro_rules! from_words {
    ($($type:ty),+ $(,)?) => { $(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                word.parse().map_err(D::Error::custom)
            }
        }
    )+ };
}

as_words! {
    ProductState: |s| s.as_str(),
    TrustZone: |tz| tz.as_str(),
    DaMethod: |m| m.as_str(),
    PartId: |p| p.info().name,
    RuleId: |r| r.rule().id,
    Confidence: |c| c.as_str(),
    UniqueId: |id| *id,
    RssChecksum: |c| c.as_str(),
}

/// In KB.
impl Serialize for FlashSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.kb())
    }
}

from_words!(ProductState, TrustZone, DaMethod, PartId, RuleId, UniqueId);

impl<'de> Deserialize<'de> for RssChecksum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let known = Self::ALL.iter().copied().find(|c| c.as_str() == word);
        known.ok_or_else(|| D::Error::custom(format!("unknown checksum {word:?}")))
    }
}

impl Serialize for &'static Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round<T: Serialize + for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug>(value: T, word: &str) {
        let text = serde_json::to_string(&value).unwrap();
        assert_eq!(text, format!("{word:?}"));
        assert_eq!(serde_json::from_str::<T>(&text).unwrap(), value);
    }

    #[test]
    fn every_word_is_written_and_read_back() {
        ProductState::ALL.into_iter().for_each(|s| round(s, s.as_str()));
        TrustZone::ALL.into_iter().for_each(|tz| round(tz, tz.as_str()));
        [DaMethod::Certificate, DaMethod::Password].into_iter().for_each(|m| round(m, m.as_str()));
        PartId::all().for_each(|p| round(p, p.info().name));
        round(UniqueId::new([1, 2, 3]).unwrap(), "00000003_00000002_00000001");
        round(RuleId::DaNeedsNrst, "R-DA-NEEDS-NRST");
        assert!(serde_json::from_str::<ProductState>("\"opened\"").is_err());
    }
}
