//! What a product sees: no point and no dependency in its build, live points in its tests and in the binaries that they
//! start, all of it where unsafe code is forbidden.

use super::support;
use std::{
    collections::BTreeSet,
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

const FAULTY: &str = r#"
#![forbid(unsafe_code)]
#![deny(warnings)]
use qtests::{FromFault, faulty};

#[derive(Debug, PartialEq, FromFault)]
enum ShopError {
    #[fault(kind = TimedOut)]
    Slow,
    #[fault]
    Broken(String),
}

#[faulty(point = "product.marker")]
trait Gateway {
    fn charge(&self, #[key] order: u64) -> Result<u64, ShopError>;
    async fn refund(&self, #[field(length = text.len())] text: &str) -> std::io::Result<usize>;
    fn limit(&self) -> u64;
}

struct Bank;

impl Gateway for Bank {
    fn charge(&self, order: u64) -> Result<u64, ShopError> {
        Ok(order)
    }
    async fn refund(&self, text: &str) -> std::io::Result<usize> {
        Ok(text.len())
    }
    fn limit(&self) -> u64 {
        9
    }
}

#[faulty(point = "product.marker.place")]
fn place(gateway: &impl Gateway, #[key] order: u64) -> Result<u64, ShopError> {
    Ok(gateway.charge(order)? + gateway.limit())
}

/// Nothing here is waited for.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

fn main() {
    let gateway = FaultyGateway::new(Bank);
    match place(&gateway, 7) {
        Ok(sum) => println!("{sum} {}", now(gateway.refund("abc")).is_ok()),
        Err(ShopError::Broken(why)) => println!("{why}"),
        Err(ShopError::Slow) => println!("slow"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qtests::prelude::*;

    #[qtest]
    async fn points_are_live(t: Test) {
        t.fault("product.marker.charge").key("7").fail(io::ErrorKind::TimedOut).arm();
        t.fault("product.marker.refund.after").fail(io::ErrorKind::TimedOut).arm();
        t.fault("product.marker.place").key("8").fail_saying(io::ErrorKind::Other, "gone").arm();
        let gateway = FaultyGateway::new(Bank);
        assert_eq!(place(&gateway, 7), Err(ShopError::Slow));
        assert!(matches!(place(&gateway, 8), Err(ShopError::Broken(why)) if why.starts_with("gone")));
        assert!(gateway.refund("abc").await.is_err());
    }
}
"#;

/// Writes the crate of a user, who has nothing but the two lines of the README in Cargo.toml.
fn product(name: &str, features: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nqtests = {{ path = {root:?}, default-features = false{features} }}\n\n\
         [dev-dependencies]\nqtests = {{ path = {root:?} }}\n"
    );
    for (name, text) in files.iter().copied().chain([("Cargo.toml", manifest.as_str())]) {
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

/// Where all products are built, so that what they have in common is built once.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("product").join("target")
}

/// Runs cargo and returns what it prints on standard output.
fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let mut command: Command = support::clean("cargo");
    command.args(arguments).current_dir(folder).env("CARGO_TARGET_DIR", target());
    let output = command.output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}:\n{}", support::text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn has_marker(binary: &Path) -> bool {
    fs::read(binary).unwrap().windows(15).any(|bytes| bytes == b"product.marker.")
}

#[test]
fn a_product_has_no_point_and_no_dependency_and_its_tests_have_live_ones() {
    let folder = product("product", "", &[("src/main.rs", MAIN), ("tests/spawns.rs", SPAWNS)]);
    let tree = cargo(&folder, &["tree", "--edges=normal", "--prefix=none"]);
    let crates: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(crates, ["product", "qtests"], "{tree}");
    cargo(&folder, &["build", "--quiet"]);
    let binary = target().join("debug/product");
    assert!(!has_marker(&binary), "a product build has fault points");
    let tested = cargo(&folder, &["test"]);
    assert_eq!(tested.matches("test result: ok. 1 passed").count(), 2, "{tested}");
    assert!(has_marker(&binary), "the binary that tests start has no live point");
    cargo(&folder, &["build", "--quiet"]);
    assert!(!has_marker(&binary), "the next product build has fault points");
}

#[test]
fn a_product_with_faulty_has_no_point_and_depends_on_what_builds_it_only() {
    let folder = product("decorated", ", features = [\"faulty\"]", &[("src/main.rs", FAULTY)]);
    let tree = cargo(&folder, &["tree", "--edges=normal", "--prefix=none"]);
    let crates: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let macros = ["proc-macro2", "qtests-macros", "quote", "syn", "unicode-ident"];
    assert_eq!(crates, ["decorated", "qtests"].into_iter().chain(macros).collect(), "{tree}");
    cargo(&folder, &["build", "--quiet"]);
    let binary = target().join("debug/decorated");
    assert!(!has_marker(&binary), "a product build has the points of #[faulty]");
    let output = support::clean(&binary).output().unwrap();
    assert_eq!(support::text(&output), "16 true\n");
    let tested = cargo(&folder, &["test"]);
    assert!(tested.contains("test result: ok. 1 passed"), "{tested}");
    cargo(&folder, &["build", "--quiet"]);
    assert!(!has_marker(&binary), "the next product build has the points of #[faulty]");
}
