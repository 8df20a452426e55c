//! The README shows what really happens: its transcripts are those that the tests of `examples/checkout` compare with a
//! run of their own.

use std::{fs, path::Path};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_transcripts_are_those_of_the_example() {
    let readme = read("README.md");
    for name in ["passing", "failing"] {
        let transcript = read(&format!("examples/checkout/transcripts/{name}.txt"));
        let block = format!("<!-- {name} -->\n```text\n{}\n```\n<!-- /{name} -->", transcript.trim_end());
        assert!(
            readme.contains(&block),
            "README.md: replace what stands between the marks `{name}` by\n\n{transcript}"
        );
    }
}

#[test]
fn the_first_example_is_that_of_the_documentation() {
    let example = |text: &str| {
        let text: Vec<&str> = text.lines().map(|line| line.strip_prefix("//! ").unwrap_or(line)).collect();
        let text = text.join("\n").replace("\n//!\n", "\n\n");
        text.split("use qtests::{fault_point").nth(1).unwrap().split("```").next().unwrap().trim_end().to_owned()
    };
    assert_eq!(example(&read("README.md")), example(&read("src/lib.rs")));
    // It is not only compiled, as all of the documentation is, but run as a test.
    assert_eq!(example(&read("README.md")), example(&read("tests/it/first_example.rs")));
}
