//! What the errors of case files mean to a person.

use super::table;

table! {
    "case-syntax" => Refused {
        causes: ["the file is not TOML"],
        next: ["give a tool's output under another name than .toml; a case file has the tables [chip], [bench] and [[step]]"],
    }
    "case-unknown-key" => Refused {
        causes: ["a misspelt key"],
        next: ["take the key that the error names"],
    }
    "case-unknown-word" => Refused {
        causes: ["a misspelt word"],
        next: ["take the word that the error names"],
    }
    "case-wrong-value" => Refused {
        causes: ["a number in quotes, or a word without"],
        next: ["write the value as the error says"],
    }
    "case-missing-key" => Refused {
        causes: ["a step without its action"],
        next: ["add the key that the error names"],
    }
    "case-too-large" => Refused {
        causes: ["a log was given under the name of a case file"],
        next: ["give logs under another name than .toml"],
    }
    "case-too-many-steps" => Refused {
        causes: ["a log was turned into a case file"],
        next: ["give the log itself, or leave out repeated steps"],
    }
}
