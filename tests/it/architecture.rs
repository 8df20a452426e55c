//! The arrows between the modules of `src/`, lowest first. A module may import what is listed for it, and only what
//! stands above it in this list can be listed: so no cycle can be written.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Module, and what it may import.
const ARROWS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("scope", &["base"]),
    ("config", &["base", "scope"]),
    ("logs", &["base", "scope"]),
    ("metrics", &["base", "scope"]),
    ("mock", &["base", "scope"]),
    ("fault", &["base", "scope"]),
    ("files", &["base", "scope"]),
    ("proxy", &["base", "scope", "fault"]),
    ("fixture", &["base", "scope"]),
    ("server", &["base", "scope", "fixture"]),
    ("shutdown", &["base"]),
    ("load", &["base", "scope", "config", "fault"]),
    ("harness", &["base", "scope", "config", "server"]),
    ("trial", &["base", "scope", "config", "server"]),
    ("rt", &["base", "scope", "fixture", "trial"]),
    ("runner", &["base", "scope", "config", "mock", "fault", "proxy", "server", "load", "fixture", "trial", "rt"]),
    ("prelude", &["base", "scope", "mock", "fault", "proxy", "server", "load", "fixture", "runner"]),
];

/// The longest a file may be.
const LINES: usize = 400;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The name of the module under `src/` that a file belongs to.
fn module_of(file: &Path) -> String {
    let first = file.strip_prefix(root()).unwrap().components().next().unwrap();
    Path::new(&first).file_stem().unwrap().to_str().unwrap().to_owned()
}

/// What a text imports by `crate::..`: the first names after it, also in braces. Comments and macros that are expanded
/// elsewhere (`$crate`) do not count.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let code: Vec<String> = text
        .lines()
        .map(|line| if line.trim_start().starts_with("//") { String::new() } else { line.to_owned() })
        .collect();
    let code = code.join("\n");
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with('$') {
            continue;
        }
        let line = code[..at].lines().count().max(1);
        let rest = &code[at + "crate::".len()..];
        let names = if rest.starts_with('{') { braced(rest) } else { vec![word(rest)] };
        found.extend(names.into_iter().filter(|name| !name.is_empty()).map(|name| (line, name)));
    }
    found
}

fn word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first words of the top-level items of `{..}`.
fn braced(text: &str) -> Vec<String> {
    let (mut depth, mut start, mut names) = (0, 1, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (c == ',' && depth == 1) || depth == 0 {
            names.push(word(&text[start..at]));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn violations(module: &str, text: &str) -> Vec<String> {
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
        return vec![format!("the module `{module}` is not in the diagram")];
    };
    imports(text)
        .into_iter()
        .filter(|(_, import)| import != module && !allowed.contains(&import.as_str()))
        .map(|(line, import)| format!("line {line}: `{module}` must not import `{import}`"))
        .collect()
}

#[test]
fn arrows_point_down_only() {
    let mut wrong = Vec::new();
    for file in sources(&root()).iter().filter(|file| !file.ends_with("src/lib.rs")) {
        let text = fs::read_to_string(file).unwrap();
        wrong.extend(violations(&module_of(file), &text).into_iter().map(|text| format!("{}: {text}", file.display())));
        if text.contains("super::super") {
            wrong.push(format!("{}: inside a module write `super::` once", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_diagram_itself_points_down_only() {
    for (at, (module, allowed)) in ARROWS.iter().enumerate() {
        for import in *allowed {
            let stands = ARROWS.iter().position(|(name, _)| name == import);
            assert!(
                stands.is_some_and(|stands| stands < at),
                "`{module}` lists `{import}`, which does not stand above it"
            );
        }
    }
}

#[test]
fn an_arrow_that_points_up_is_found() {
    assert_eq!(violations("scope", "use crate::base::Error;\nuse crate::load::LoadRun;").len(), 1);
    assert_eq!(violations("scope", "use crate::{\n    base::{Error, Seed},\n    fault::{self, Fault},\n};").len(), 1);
    assert_eq!(violations("base", "// crate::scope\n$crate::scope::x();").len(), 0);
}

#[test]
fn files_hold_one_subject() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "macros/src", "tests/it", "examples"].map(|folder| base.join(folder));
    let long: Vec<String> = folders
        .iter()
        .filter(|folder| folder.exists())
        .flat_map(|folder| sources(folder))
        .filter_map(|file| {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            (lines > LINES).then(|| format!("{}: {lines} lines", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "more than {LINES} lines, split by subject:\n{}", long.join("\n"));
}
