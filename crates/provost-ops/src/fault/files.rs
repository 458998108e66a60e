//! What the operating system says of a file: one cause, one code and one exit code, whoever opened it.

use super::table;

table! {
    "file-missing" => Usage {
        causes: ["the path is misspelt, or counts from another folder", "the file was not made yet"],
        next: ["check the path, and run the same command again; nothing was written"],
    }
    "file-name" => Usage {
        causes: ["the operating system takes no such name: it is too long, or has a character that is not allowed"],
        next: ["choose another name; nothing was written"],
    }
    "file-exists" => Refused {
        causes: ["a file of that name is there"],
        next: ["choose another name, or say --force to replace it; nothing was overwritten"],
    }
    "file-malformed" => Refused {
        causes: ["the file is damaged, of another kind, or larger than any of its kind"],
        next: ["give the right file, or make it again; nothing was written"],
    }
    "file-io" => Failed {
        causes: ["the file or folder is not for this user", "the disk is full, or faulty"],
        next: ["mend it, or name another place, and run the same command again; the message names the file"],
    }
}
