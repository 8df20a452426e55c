//! The line that repeats a test.

use super::options::{Meta, Target};
use crate::base::{Seed, SeedWish, environment};
use std::{path::Path, sync::OnceLock};

/// What the line is made of. It is made when a test fails: looking for its parts asks the file system.
#[derive(Clone, Copy, Debug)]
pub(super) enum Repeat {
    /// The macro has told us everything.
    Of(&'static Meta),
    /// Only the process is known.
    OfProcess,
}

/// The words that differ.
struct Words {
    package: String,
    target: String,
    /// Whether the name of the test is one that a runner knows.
    exact: bool,
    ignored: bool,
}

impl Words {
    fn of(meta: &Meta) -> Self {
        let module = meta.path.split("::").next().unwrap_or(meta.path);
        let target = match meta.target {
            Target::Library => "--lib".to_owned(),
            // cargo sets the name of the binary for examples too, and the folder for tests and benches alike.
            Target::Binary(name) if meta.file.starts_with("examples/") => format!("--example {name}"),
            Target::Binary(name) => format!("--bin {name}"),
            Target::Integration if meta.file.starts_with("benches/") => format!("--bench {module}"),
            Target::Integration => format!("--test {}", integration_target(module)),
        };
        Self { package: meta.package.to_owned(), target, exact: true, ignored: meta.ignored }
    }

    /// cargo tells the package, the program's name the target.
    fn of_process() -> Self {
        let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
        let program = std::env::current_exe().ok();
        let stem = program.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str()).unwrap_or_default();
        // cargo appends `-` and a hash of 16 digits.
        let module = stem.rsplit_once('-').map_or(stem, |(module, _)| module);
        let target = match module {
            "rust_out" => "--doc".to_owned(),
            module if module == package.replace('-', "_") => "--lib".to_owned(),
            module => format!("--test {}", integration_target(module)),
        };
        // libtest names its threads after the tests; on a thread without a name, nothing is known.
        let exact = std::thread::current().name().is_some_and(|name| name != "main");
        Self { package, target, exact, ignored: false }
    }
}

impl Repeat {
    /// The line, ready for a shell.
    pub(super) fn line(self, name: &str, seed: Seed) -> String {
        match self {
            Self::Of(meta) => Words::of(meta),
            Self::OfProcess => Words::of_process(),
        }
        .line(name, seed)
    }
}

impl Words {
    fn line(&self, name: &str, seed: Seed) -> String {
        let mut line = format!("QTESTS_SEED={seed} ");
        for (name, value) in &environment().also_decides {
            line.push_str(&format!("{name}={} ", quoted(value)));
        }
        line.push_str("cargo test");
        if !self.package.is_empty() {
            line.push_str(&format!(" -p {}", self.package));
        }
        for flag in cargo_flags() {
            line.push(' ');
            line.push_str(flag);
        }
        line.push_str(&format!(" {}", self.target));
        if self.exact {
            line.push_str(&format!(" -- --exact {}", quoted(name)));
        }
        if self.ignored {
            line.push_str(" --ignored");
        }
        line
    }
}

/// A crate's name has `_` where the target's may have `-`; the sources tell which.
fn integration_target(module: &str) -> String {
    let exists = |name: &str| {
        Path::new("tests").join(format!("{name}.rs")).exists() || Path::new("tests").join(name).join("main.rs").exists()
    };
    let dashed = module.replace('_', "-");
    if !exists(module) && exists(&dashed) { dashed } else { module.to_owned() }
}

/// The options of the `cargo` that started this process which decide what is compiled.
pub(crate) fn cargo_flags() -> &'static [String] {
    static FLAGS: OnceLock<Vec<String>> = OnceLock::new();
    // The parent of an isolated test is not cargo, but has told what its own parent said.
    if let Some(isolated) = &environment().isolated {
        return &isolated.cargo_flags;
    }
    FLAGS.get_or_init(|| parent_command_line().map(|words| build_flags(&words)).unwrap_or_default())
}

/// The command line of the parent process, where the system tells it.
fn parent_command_line() -> Option<Vec<String>> {
    let parent = rustix::process::getppid()?;
    let words = std::fs::read(format!("/proc/{}/cmdline", parent.as_raw_nonzero())).ok()?;
    let words: Vec<String> =
        words.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let program = Path::new(words.first()?).file_name()?.to_str()?;
    program.starts_with("cargo").then_some(words)
}

/// Picks the options that decide what is compiled out of a command line of cargo; pure.
fn build_flags(words: &[String]) -> Vec<String> {
    const ALONE: [&str; 4] = ["--all-features", "--no-default-features", "--release", "-r"];
    const WITH_VALUE: [&str; 4] = ["--features", "-F", "--target", "--profile"];
    // nextest has profiles of its own by that name, and another for cargo's.
    let nextest = words.iter().any(|word| word == "nextest");
    let words: Vec<String> = words
        .iter()
        .filter(|word| !(nextest && word.starts_with("--profile")))
        .map(|word| word.replacen("--cargo-profile", "--profile", 1))
        .collect();
    let mut flags = Vec::new();
    let mut words = words.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        if ALONE.contains(&word.as_str()) || WITH_VALUE.iter().any(|flag| word.starts_with(&format!("{flag}="))) {
            flags.push(quoted(word));
        } else if WITH_VALUE.contains(&word.as_str())
            && let Some(value) = words.next()
        {
            flags.push(word.clone());
            flags.push(quoted(value));
        }
    }
    flags
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-:./=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The seed of a test: the environment wins over the attribute, so that the line that repeats a test always does.
pub(super) fn seed_of(name: &str, attribute: Option<u64>) -> Seed {
    match (environment().seed, attribute) {
        (SeedWish::Fixed(seed), _) => Seed::new(seed),
        (SeedWish::Random, _) => Seed::new(fastrand::u64(..1_000_000_000)),
        (SeedWish::Derived, Some(seed)) => Seed::new(seed),
        (SeedWish::Derived, None) => Seed::from_name(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn only_what_decides_the_build_is_taken_over() {
        let line = "cargo test --workspace --all-features -p a --features x,y --release -- --features z";
        assert_eq!(build_flags(&words(line)), ["--all-features", "--features", "x,y", "--release"]);
        assert_eq!(build_flags(&words("cargo test --profile=ci")), ["--profile=ci"]);
        let nextest = "cargo nextest run --profile ci -r --cargo-profile bench";
        assert_eq!(build_flags(&words(nextest)), ["-r", "--profile", "bench"]);
    }

    #[test]
    fn words_are_quoted_for_a_shell_where_they_must_be() {
        for (word, quoted_word) in
            [("a::b", "a::b"), ("x,y", "x,y"), ("two words", "'two words'"), ("it's", r"'it'\''s'"), ("$a;b", "'$a;b'")]
        {
            assert_eq!(quoted(word), quoted_word);
        }
    }

    #[test]
    fn the_line_names_seed_package_target_and_test() {
        let meta = Meta {
            path: "failing::inner::breaks",
            file: "tests/failing.rs",
            line: 1,
            package: "shop",
            target: Target::Integration,
            ignored: true,
            should_panic: None,
            options: &crate::scope::Options::DEFAULT,
        };
        let line = Words::of(&meta).line(meta.name(), Seed::new(7));
        // Other variables of this very run may stand between the seed and the command.
        assert!(line.starts_with("QTESTS_SEED=7 "), "{line}");
        assert!(line.contains(" cargo test -p shop "), "{line}");
        assert!(line.ends_with("--test failing -- --exact inner::breaks --ignored"), "{line}");
    }
}
