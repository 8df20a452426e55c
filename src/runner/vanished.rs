//! Plain tests in a binary with a `main` of its own: rustc drops them without a word, so somebody else must say it.
//!
//! The sources are read as text: what a macro or `include!` writes is not seen, and what stands below a `#[cfg(..)]` is
//! left out, since nobody knows whether it is compiled.

use super::{Binary, Trial, source::code_of};
use std::{
    fmt, fs,
    ops::Range,
    path::{Path, PathBuf},
};

/// How many files are read, so that no circle of modules goes on for ever.
const FILES: usize = 1_000;

/// How many tests are named.
const NAMED: usize = 20;

/// Attributes that are, or become, `#[test]`: the last part of their path.
const ATTRIBUTES: [&str; 3] = ["test", "rstest", "test_case"];

/// A test that no runner sees.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Vanished {
    name: String,
    file: PathBuf,
    line: usize,
}

impl fmt::Display for Vanished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` at {}:{}", self.name, self.file.display(), self.line)
    }
}

/// A test that fails and names them, if there are any and the sources are at hand.
pub(super) fn trial(binary: &Binary) -> Option<Trial> {
    let vanished = tests(&binary.source()?);
    let told: Vec<String> = vanished.iter().take(NAMED).map(ToString::to_string).collect();
    let told = format!("{} plain test(s) are not run\n{}", vanished.len(), told.join("\n"));
    (!vanished.is_empty()).then(|| {
        Trial::sync("plain_tests_are_run", move |_| {
            Err::<(), String>(format!(
                "rustc drops `#[test]` in a binary with a `main` of its own: make them #[qtest]s (or call \
                 plain_tests_may_vanish() on the runner)\n  expected: every test of the sources to run\n  happened: {told}"
            ))
        })
    })
}

/// The plain tests of a crate, in its root file and in the modules that belong to it.
fn tests(root: &Path) -> Vec<Vanished> {
    let beside = root.parent().unwrap_or(Path::new("")).to_owned();
    let (mut found, mut files, mut read) = (Vec::new(), vec![(root.to_owned(), beside)], 0);
    while let Some((file, folder)) = files.pop() {
        read += 1;
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let Found { tests, modules } = read_items(&text);
        found.extend(tests.into_iter().map(|(line, name)| Vanished { name, file: file.clone(), line }));
        if read < FILES {
            files.extend(modules.into_iter().filter_map(|module| module.file(&file, &folder)));
        }
    }
    found
}

/// What one file has.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Line and name.
    tests: Vec<(usize, String)>,
    modules: Vec<Module>,
}

/// A module with a file of its own.
#[derive(Debug, PartialEq, Eq)]
struct Module {
    /// The modules that it stands in, written out in the same file.
    within: Vec<String>,
    name: String,
    /// What `#[path = ".."]` says.
    path: Option<String>,
}

impl Module {
    /// The file of the module, and where its own modules stand.
    fn file(&self, file: &Path, folder: &Path) -> Option<(PathBuf, PathBuf)> {
        let folder = self.within.iter().fold(folder.to_owned(), |folder, module| folder.join(module));
        if let Some(path) = &self.path {
            // Of a module that stands in no other, it begins at the file that says it.
            let from = if self.within.is_empty() { file.parent()? } else { &folder };
            let file = from.join(path);
            let beside = file.parent()?.to_owned();
            return Some((file, beside));
        }
        let inner = folder.join(&self.name);
        let candidates = [folder.join(format!("{}.rs", self.name)), inner.join("mod.rs")];
        candidates.into_iter().find(|path| path.is_file()).map(|path| (path, inner))
    }
}

/// Reads a file; pure.
fn read_items(text: &str) -> Found {
    // Of the same length, so that what stands in a string can be looked up in the text.
    let code = code_of(text);
    let mut reader = Reader { text, code: &code, at: 0, depth: 0, within: Vec::new(), attributes: Vec::new() };
    let mut found = Found::default();
    while reader.at < code.len() {
        reader.step(&mut found);
    }
    found
}

/// A walk through one file.
struct Reader<'a> {
    text: &'a str,
    code: &'a str,
    at: usize,
    depth: usize,
    /// The modules that are written out around this place, with the depth of what is inside.
    within: Vec<(usize, String)>,
    /// The attributes of the item that comes next.
    attributes: Vec<Range<usize>>,
}

impl Reader<'_> {
    /// Takes an attribute, a word, or one character.
    fn step(&mut self, found: &mut Found) {
        let here = &self.code[self.at..];
        if let Some(length) = attribute(here) {
            self.attributes.push(self.at..self.at + length);
            self.at += length;
            return;
        }
        let (word, _) = word(here);
        let next = here.chars().next().unwrap_or_default();
        let mut taken = word.len().max(next.len_utf8());
        match (word, next) {
            ("", '{') => self.depth += 1,
            ("", '}') => {
                self.depth = self.depth.saturating_sub(1);
                let depth = self.depth;
                self.within.retain(|(inside, _)| *inside <= depth);
            }
            ("macro_rules", _) => taken = block(here),
            ("fn", _) => {
                found.tests.extend(plain_test(self.text, self.code, self.at, &self.attributes));
            }
            ("mod", _) => taken = self.module(here, found),
            _ => {}
        }
        // Between an attribute and its item stand other attributes, and words such as `pub async`.
        if "{};".contains(next) || ["fn", "mod", "struct", "impl", "use", "static", "const"].contains(&word) {
            self.attributes.clear();
        }
        self.at += taken;
    }

    /// Takes the word `mod`, or all of a module that may not be compiled.
    fn module(&mut self, here: &str, found: &mut Found) -> usize {
        let (name, rest) = word(here["mod".len()..].trim_start());
        let is_conditional = conditional(self.code, &self.attributes);
        match rest.trim_start().chars().next() {
            Some(';') if !is_conditional => found.modules.push(Module {
                within: self.within.iter().map(|(_, name)| name.clone()).collect(),
                name: name.to_owned(),
                path: path_of(self.text, self.code, &self.attributes),
            }),
            Some('{') if is_conditional => return block(here),
            Some('{') => self.within.push((self.depth + 1, name.to_owned())),
            _ => {}
        }
        "mod".len()
    }
}

/// The line and name of a function if one of its attributes makes it a plain test.
fn plain_test(text: &str, code: &str, at: usize, attributes: &[Range<usize>]) -> Option<(usize, String)> {
    let is_test = |attribute: &Range<usize>| {
        let inside = code[attribute.start + 2..attribute.end - 1].trim();
        let path = inside[..inside.find(['(', '=']).unwrap_or(inside.len())].trim();
        path.rsplit("::").next().is_some_and(|last| ATTRIBUTES.contains(&last.trim()))
    };
    let first = attributes.iter().find(|attribute| is_test(attribute)).filter(|_| !conditional(code, attributes))?;
    let (name, _) = word(code[at + "fn".len()..].trim_start());
    (!name.is_empty()).then(|| (text[..first.start].matches('\n').count() + 1, name.to_owned()))
}

/// Whether something may not be compiled at all.
fn conditional(code: &str, attributes: &[Range<usize>]) -> bool {
    attributes.iter().any(|attribute| code[attribute.start + 2..attribute.end].trim_start().starts_with("cfg("))
}

/// What `#[path = ".."]` says, from the text, since strings are blank in the code.
fn path_of(text: &str, code: &str, attributes: &[Range<usize>]) -> Option<String> {
    let says = |attribute: &&Range<usize>| code[attribute.start + 2..attribute.end].trim_start().starts_with("path");
    let attribute = attributes.iter().find(says)?;
    text[attribute.clone()].split('"').nth(1).map(str::to_owned)
}

/// The length of an attribute, with whatever brackets it holds.
fn attribute(code: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in code.strip_prefix("#[").is_some().then_some(code)?.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 1 => return Some(at + 1),
            ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// How much of the code the next block of braces takes.
fn block(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(usize, String)> {
        read_items(text).tests
    }

    #[test]
    fn plain_tests_are_found_whatever_they_are_called_and_qtests_are_not() {
        let text = "#[test]\nfn a() {}\n#[tokio::test(flavor = \"x\")]\n#[ignore]\npub async fn b() {}\n#[qtest]\nfn c() {}\n\
                    #[rstest]\n#[case(P { a: 1 }, [1; 3])]\nfn d() {}\n#[qtests::qtest]\nfn e() {}\n";
        assert_eq!(names(text), [(1, "a".to_owned()), (3, "b".to_owned()), (8, "d".to_owned())]);
    }

    #[test]
    fn what_is_no_code_what_a_macro_writes_and_what_may_not_be_compiled_is_not_counted() {
        let text = "// #[test] fn a() {}\nconst T: &str = \"#[test] fn b() {}\";\nmacro_rules! m { ($n:ident) => { #[test] fn \
                    $n() {} } }\n/* #[test] fn c() {} */ #[cfg(test)] mod d { #[test] fn e() {} }\n#[cfg(feature = \"x\")]\n\
                    #[test]\nfn f() {}\n#[test] struct G; fn h() {}";
        assert_eq!(names(text), []);
    }

    #[test]
    fn modules_are_known_with_those_that_they_stand_in_and_with_their_paths() {
        let text =
            "mod a; mod b { pub mod c; mod d { mod e; } } #[path = \"ö/f g.rs\"] mod f; #[cfg(x)] mod g; fn mod_h() {}";
        let module = |within: &[&str], name: &str, path: Option<&str>| Module {
            within: within.iter().map(|name| (*name).to_owned()).collect(),
            name: name.to_owned(),
            path: path.map(str::to_owned),
        };
        let expected = [
            module(&[], "a", None),
            module(&["b"], "c", None),
            module(&["b", "d"], "e", None),
            module(&[], "f", Some("ö/f g.rs")),
        ];
        assert_eq!(read_items(text).modules, expected);
    }

    #[test]
    fn modules_are_followed_into_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "root.rs",
            "mod a; pub mod b; mod missing; #[path = \"other/p.rs\"] mod p; mod inline { mod d; #[test] fn x() {} }",
        );
        write("a.rs", "mod c;\n#[test]\nfn y() {}");
        write("a/c.rs", "#[test] fn z() {}");
        write("b/mod.rs", "fn no_test() {}");
        write("inline/d.rs", "#[test] fn v() {}");
        write("other/p.rs", "#[test] fn w() {}");
        let mut found: Vec<String> = tests(&folder.path().join("root.rs")).into_iter().map(|test| test.name).collect();
        found.sort();
        assert_eq!(found, ["v", "w", "x", "y", "z"]);
    }
}
