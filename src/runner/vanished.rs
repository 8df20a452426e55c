//! Plain tests in a binary with a `main` of its own: rustc drops them without a word, so somebody else must say it.
//!
//! The sources are read as text. What a macro writes is not seen, and what a `cfg` removes is not known.

use super::source::code_of;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// How many files are read, so that no circle of modules goes on for ever.
const FILES: usize = 1_000;

/// Attributes that are, or become, `#[test]`: the last part of their path.
const ATTRIBUTES: [&str; 3] = ["test", "rstest", "test_case"];

/// A test that no runner sees.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Vanished {
    name: String,
    file: PathBuf,
    line: usize,
}

/// The plain tests of a crate, in its root file and in the modules that belong to it.
pub(super) fn tests(root: &Path) -> Vec<Vanished> {
    let (mut found, mut files, mut read) = (Vec::new(), vec![(root.to_owned(), folder_of_root(root))], 0);
    while let Some((file, folder)) = files.pop() {
        read += 1;
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let code = code_of(&text);
        found.extend(plain_tests(&code).map(|(line, name)| Vanished { name, file: file.clone(), line }));
        if read < FILES {
            files.extend(modules(&code).filter_map(|name| module_file(&folder, &name)));
        }
    }
    found
}

/// What is said about them.
pub(super) fn told(vanished: &[Vanished]) -> String {
    let mut text = format!(
        "{} plain test(s) were NOT run: this binary has a `main` of its own, and rustc drops them there. Make them \
         #[qtest]s:",
        vanished.len()
    );
    for Vanished { name, file, line } in vanished.iter().take(20) {
        text.push_str(&format!("\n  `{name}` at {}:{line}", file.display()));
    }
    text
}

/// Where the modules of the root file stand: beside it.
fn folder_of_root(root: &Path) -> PathBuf {
    root.parent().unwrap_or(Path::new("")).to_owned()
}

/// The file of a module, and where its own modules stand.
fn module_file(folder: &Path, name: &str) -> Option<(PathBuf, PathBuf)> {
    let inner = folder.join(name);
    [folder.join(format!("{name}.rs")), inner.join("mod.rs")]
        .into_iter()
        .find(|path| path.is_file())
        .map(|path| (path, inner))
}

/// The names of the modules that have files of their own; pure. Those inside of a module that is written out are looked
/// for in the wrong folder and not found.
fn modules(code: &str) -> impl Iterator<Item = String> + '_ {
    code.match_indices("mod ").filter_map(|(at, _)| {
        let before = code[..at].chars().next_back();
        let (name, rest) = word(&code[at + 4..]);
        (!before.is_some_and(is_word) && rest.trim_start().starts_with(';')).then(|| name.to_owned())
    })
}

/// Lines and names of functions with one of the attributes; pure.
fn plain_tests(code: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    code.match_indices("#[").filter_map(|(at, _)| {
        let rest = &code[at + 2..];
        let path = rest[..rest.find(['(', ']'])?].trim();
        if !ATTRIBUTES.contains(&path.rsplit("::").next()?.trim()) {
            return None;
        }
        // Up to the function there are only other attributes and words such as `async`.
        let item = &rest[rest.find(']')? + 1..];
        let function = item.find("fn ")?;
        let only_words = |text: &str| !text.contains([';', '{', '}', '$']);
        let (name, _) = word(&item[function + 3..]);
        (only_words(&item[..function]) && !name.is_empty())
            .then(|| (code[..at].matches('\n').count() + 1, name.to_owned()))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at(text.find(|c| !is_word(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(usize, String)> {
        plain_tests(&code_of(text)).collect()
    }

    #[test]
    fn plain_tests_are_found_whatever_they_are_called_and_qtests_are_not() {
        let text = "#[test]\nfn a() {}\n#[tokio::test(flavor = \"x\")]\n#[ignore]\npub async fn b() {}\n#[qtest]\nfn c() {}\n\
                    #[rstest]\nfn d() {}\n#[qtests::qtest]\nfn e() {}\n";
        assert_eq!(names(text), [(1, "a".to_owned()), (3, "b".to_owned()), (8, "d".to_owned())]);
    }

    #[test]
    fn what_is_no_code_and_what_a_macro_writes_is_not_counted() {
        let text = "// #[test] fn a() {}\nconst T: &str = \"#[test] fn b() {}\";\nmacro_rules! m { ($n:ident) => { #[test] fn \
                    $n() {} } }\n/* #[test] fn c() {} */ #[cfg(test)] mod d {}";
        assert_eq!(names(text), []);
    }

    #[test]
    fn modules_are_followed_into_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("root.rs", "mod a; pub mod b; mod missing; mod inline { #[test] fn x() {} }");
        write("a.rs", "mod c;\n#[test]\nfn y() {}");
        write("a/c.rs", "#[test] fn z() {}");
        write("b/mod.rs", "fn no_test() {}");
        let mut found: Vec<String> = tests(&folder.path().join("root.rs")).into_iter().map(|test| test.name).collect();
        found.sort();
        assert_eq!(found, ["x", "y", "z"]);
    }
}
