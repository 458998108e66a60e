//! Closed vocabularies of case files, and the nearest known word to one that is not.

/// Declares an enum whose variants are words of a case file.
macro_rules! words {
    ($(
        $(#[$meta:meta])*
        $name:ident { $( $(#[$doc:meta])* $variant:ident = $word:literal, )+ }
    )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $( $(#[$doc])* $variant, )+ }

        impl $name {
            /// The words, in the order of the table.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word of this value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value of a word, in any case.
            pub fn from_word(word: &str) -> Option<Self> {
                $(if word.eq_ignore_ascii_case($word) { return Some(Self::$variant); })+
                None
            }
        }
    )+ };
}
pub(crate) use words;

/// The allowed word that is closest to `word`, if any is close enough to be what was meant.
pub fn nearest<'a>(word: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let word: String = word.chars().take(40).collect::<String>().to_ascii_lowercase();
    allowed
        .iter()
        .map(|known| (distance(&word, known), *known))
        .filter(|(far, known)| *far <= known.len().max(3) / 2)
        .min_by_key(|(far, _)| *far)
        .map(|(_, known)| known)
}

/// Edit distance (Levenshtein): insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_of_textbook_pairs() {
        for (a, b, far) in [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("same", "same", 0)] {
            assert_eq!(distance(a, b), far, "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_word_is_offered_and_nonsense_is_not() {
        let allowed = ["hot-plug", "under-reset", "normal"];
        assert_eq!(nearest("hotplug", &allowed), Some("hot-plug"));
        assert_eq!(nearest("Under_Reset", &allowed), Some("under-reset"));
        assert_eq!(nearest("qqqqqqqqqqqq", &allowed), None);
    }
}
