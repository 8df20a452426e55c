//! What a product sees: no point and no dependency in its build, live points in its tests and in the binaries that they
//! start, all of it where unsafe code is forbidden.

use super::support;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const MAIN: &str = r#"
#![forbid(unsafe_code)]
use qtests::{fault_point, pause_point, seam};

seam! { GREETING: fn() -> String = || "hello".to_owned(); }

fn work() -> std::io::Result<()> {
    fault_point!("product.marker.plain", key = 1)?;
    fault_point!("product.marker.mapped", |injected| std::io::Error::from(injected))?;
    pause_point!("product.marker.pause");
    Ok(())
}

fn main() -> std::io::Result<()> {
    work()?;
    println!("{}", GREETING.get()());
    Ok(())
}

#[cfg(test)]
mod tests {
    use qtests::prelude::*;
    use std::sync::Arc;

    #[qtest]
    fn points_and_seams_are_live(t: Test) {
        t.fault("product.marker.plain").fail(io::ErrorKind::TimedOut).arm();
        t.mock(&super::GREETING, Arc::new(|| "mocked".to_owned()));
        assert_eq!(super::work().unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(super::GREETING.get()(), "mocked");
    }
}
"#;

const SPAWNS: &str = r#"
#![forbid(unsafe_code)]

#[qtests::qtest]
async fn the_binary_that_a_test_starts_has_live_points() {
    let binary = env!("CARGO_BIN_EXE_product");
    let bytes = std::fs::read(binary).unwrap();
    assert!(bytes.windows(20).any(|bytes| bytes == b"product.marker.plain"));
    let output = std::process::Command::new(binary).output().unwrap();
    assert_eq!(output.stdout, b"hello\n", "a live point without a test does nothing");
}
"#;

/// Writes the crate of a user, who has nothing but the two lines of the README in Cargo.toml.
fn product() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("product");
    let manifest = format!(
        "[package]\nname = \"product\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nqtests = {{ path = {root:?}, default-features = false }}\n\n\
         [dev-dependencies]\nqtests = {{ path = {root:?} }}\n"
    );
    let files = [("Cargo.toml", manifest.as_str()), ("src/main.rs", MAIN), ("tests/spawns.rs", SPAWNS)];
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if fs::read_to_string(&path).is_ok_and(|before| before == text) {
            continue;
        }
        fs::write(path, text).unwrap();
    }
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    folder
}

/// Runs cargo and returns what it prints on standard output.
fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let mut command: Command = support::clean("cargo");
    command.args(arguments).current_dir(folder).env("CARGO_TARGET_DIR", folder.join("target"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}:\n{}", support::text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn has_marker(binary: &Path) -> bool {
    fs::read(binary).unwrap().windows(15).any(|bytes| bytes == b"product.marker.")
}

#[test]
fn a_product_has_no_point_and_no_dependency_and_its_tests_have_live_ones() {
    let folder = product();
    let tree = cargo(&folder, &["tree", "--edges=normal", "--prefix=none"]);
    let crates: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(crates, ["product", "qtests"], "{tree}");
    cargo(&folder, &["build", "--quiet"]);
    let binary = folder.join("target/debug/product");
    assert!(!has_marker(&binary), "a product build has fault points");
    let tested = cargo(&folder, &["test"]);
    assert_eq!(tested.matches("test result: ok. 1 passed").count(), 2, "{tested}");
    assert!(has_marker(&binary), "the binary that tests start has no live point");
    cargo(&folder, &["build", "--quiet"]);
    assert!(!has_marker(&binary), "the next product build has fault points");
}
