//! The house as ARCHITECTURE.md draws it, held against what the sources import.
//!
//! A name that a module passes on (`pub use`) counts as one of the file that defines it: the front of a room is no floor of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Where a module stands: `["close", "run"]`.
type Module = Vec<String>;

/// The floors from the ground up; a file may use its own floor and those below.
const FLOORS: [&[&str]; 4] = [
    &["fault", "store", "error", "schema"],
    &["drive", "credential"],
    &["job"],
    &["auth", "rescue", "close", "objects", "option_bytes", "flash", "diagnose", "practise", "selfcheck"],
];

/// What stands on no floor: the list of every error's row, and texts about files.
const BESIDE: [&str; 6] = ["fault::all", "show", "images", "picture", "prospects", "error"];

struct House {
    /// The text of each module, without comments and tests.
    sources: BTreeMap<Module, String>,
    /// Names passed on, by the module that passes them on.
    passed_on: BTreeMap<(Module, String), Module>,
}

fn module(path: &Path) -> Module {
    let mut parts: Module =
        path.with_extension("").components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

fn read(folder: &Path, root: &Path, sources: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            read(&path, root, sources);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let code = text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n");
            sources.insert(module(path.strip_prefix(root).unwrap()), code);
        }
    }
}

/// The paths of a use tree: `a::{b, c::{self, d}}` is `a::b`, `a::c`, `a::c::d`.
fn leaves(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let body = rest.trim_end().strip_suffix('}').unwrap();
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (at, c) in body.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&body[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&body[from..]);
    parts.iter().filter(|p| !p.trim().is_empty()).flat_map(|p| leaves(p)).map(|leaf| format!("{head}{leaf}")).collect()
}

/// The use trees of a text: of those that pass names on, or of the others.
fn uses(code: &str, passing_on: bool) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let line = code[..at].rsplit('\n').next().unwrap().trim();
        let passes_on = line.starts_with("pub");
        if (line.is_empty() || passes_on) && passes_on == passing_on {
            found.extend(leaves(code[at + 4..].split(';').next().unwrap()));
        }
    }
    found
}

impl House {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut house = Self { sources: BTreeMap::new(), passed_on: BTreeMap::new() };
        read(&root, &root, &mut house.sources);
        for (at, code) in &house.sources {
            for leaf in uses(code, true) {
                let (path, name) = leaf.split_once(" as ").unwrap_or((&leaf, ""));
                if let Some(to) = house.absolute(at, path) {
                    let name =
                        if name.is_empty() { to.last().cloned().unwrap_or_default() } else { name.trim().to_owned() };
                    house.passed_on.insert((at.clone(), name), to);
                }
            }
        }
        house
    }

    /// A path as seen from a module, from the root of the crate; `None` if it leads out of the crate.
    fn absolute(&self, from: &Module, path: &str) -> Option<Module> {
        let mut segments: Vec<&str> = path.split("::").map(str::trim).collect();
        let mut base = from.clone();
        match segments[0] {
            "crate" => base.clear(),
            "self" | "super" => {}
            child => {
                base.push(child.to_owned());
                self.sources.contains_key(&base).then_some(())?;
                base.pop();
            }
        }
        while let Some(up @ ("crate" | "self" | "super")) = segments.first().copied() {
            if up == "super" {
                base.pop();
            }
            segments.remove(0);
        }
        base.extend(segments.iter().filter(|s| **s != "self" && **s != "*").map(|s| (*s).to_owned()));
        Some(base)
    }

    /// The module that defines what a path names.
    fn definer(&self, path: &Module) -> Module {
        let depth = (0..=path.len()).rev().find(|n| self.sources.contains_key(&path[..*n])).unwrap();
        let home = path[..depth].to_vec();
        match path.get(depth).and_then(|name| self.passed_on.get(&(home.clone(), name.clone()))) {
            Some(to) if *to != *path => self.definer(&[to.as_slice(), &path[depth + 1..]].concat()),
            _ => home,
        }
    }

    /// What each module uses.
    fn imports(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut imports = BTreeMap::new();
        for (at, code) in &self.sources {
            let mut paths = uses(code, false);
            for anchor in ["crate::", "super::", "self::"] {
                for (from, _) in code.match_indices(anchor) {
                    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                    if code[..from].ends_with(is_path) || code[..from].rsplit('\n').next().unwrap().contains("use ") {
                        continue;
                    }
                    let path: String = code[from..].chars().take_while(|c| is_path(*c)).collect();
                    paths.push(path.trim_end_matches(':').to_owned());
                }
            }
            let used = paths.iter().filter_map(|p| self.absolute(at, p.split(" as ").next().unwrap()));
            let used = used.map(|path| self.definer(&path)).filter(|to| to != at && !to.is_empty());
            imports.insert(at.clone(), used.collect());
        }
        imports
    }
}

/// Every module that can be reached from this one.
fn reach(imports: &BTreeMap<Module, BTreeSet<Module>>, from: &Module) -> BTreeSet<Module> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(at) = next.pop() {
        next.extend(imports.get(at).into_iter().flatten().filter(|to| seen.insert((*to).clone())));
    }
    seen
}

#[test]
fn no_file_imports_in_a_circle() {
    let imports = House::read().imports();
    assert!(imports.len() > 80 && imports.values().map(BTreeSet::len).sum::<usize>() > 300, "the sources were read");
    let circles: Vec<String> =
        imports.keys().filter(|at| reach(&imports, at).contains(*at)).map(|at| at.join("::")).collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn every_floor_uses_only_those_below() {
    let imports = House::read().imports();
    let beside = |m: &Module| BESIDE.iter().any(|b| m.join("::").starts_with(b));
    let floor = |m: &Module| FLOORS.iter().position(|rooms| rooms.contains(&m[0].as_str()));
    let mut wrong = Vec::new();
    for (at, used) in imports.iter().filter(|(at, _)| !at.is_empty() && !beside(at)) {
        let own = floor(at).unwrap_or_else(|| panic!("{at:?} stands on no floor"));
        wrong.extend(
            used.iter()
                .filter(|to| !beside(to) && floor(to) > Some(own))
                .map(|to| format!("{} uses {}", at.join("::"), to.join("::"))),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
