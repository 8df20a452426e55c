//! Tests whose process dies under them, or is short of something. They are ignored here; `it/signals.rs` and
//! `it/files_*.rs` run them as children and look at what is left.
#![cfg(feature = "macros")]

use qtests::{Test, prelude::*, seam};
use std::{fs, io::Write, path::PathBuf, process::Command, sync::Arc};

seam! {
    NAME: fn() -> &'static str = || "real";
}

/// Starts a child process with a child of its own and leaves marks of everything in the folder `DYING_MARKS`.
fn live(t: &Test, name: &str) {
    let marks = PathBuf::from(std::env::var("DYING_MARKS").expect("DYING_MARKS names a folder"));
    let mut command = Command::new("sh");
    command.args(["-c", "sleep 600 & sleep 600"]);
    let process = t.process(command).expect("sh starts");
    let restored = marks.join(format!("{name}.restored"));
    t.mock(&NAME, Arc::new(|| "mock")).on_restore(move || {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(restored).expect("the folder is writable");
        file.write_all(b"once.").expect("the folder is writable");
    });
    let torn = marks.join(format!("{name}.torn"));
    t.defer_async(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        fs::write(torn, "").expect("the folder is writable");
    });
    fs::write(marks.join(format!("{name}.dir")), t.dir().display().to_string()).expect("the folder is writable");
    fs::write(marks.join(format!("{name}.child")), process.id().to_string()).expect("the folder is writable");
}

#[qtest]
#[ignore = "its process dies"]
async fn waits(t: Test) {
    live(&t, "waits");
    std::future::pending::<()>().await;
}

#[qtest]
#[ignore = "its process dies"]
fn blocks(t: Test) {
    live(&t, "blocks");
    loop {
        std::thread::park();
    }
}

#[qtest(timeout = "off")]
#[ignore = "its process dies"]
async fn waits_without_a_limit(t: Test) {
    live(&t, "waits_without_a_limit");
    std::future::pending::<()>().await;
}

#[test]
#[ignore = "its process dies"]
fn waits_in_a_scope() {
    let t = Test::scoped();
    live(&t, "waits_in_a_scope");
    loop {
        std::thread::park();
    }
}

#[qtest]
#[ignore = "its process dies"]
async fn exits(t: Test) {
    live(&t, "exits");
    let marks = PathBuf::from(std::env::var("DYING_MARKS").expect("DYING_MARKS names a folder"));
    while !fs::read_to_string(marks.join("waits.child")).is_ok_and(|text| !text.is_empty()) {
        // The other test is in another thread of this process and can be seen by its mark only.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    std::process::exit(3);
}

/// What the tests share tells the order in which all is torn down.
struct Town;

fn tell(line: &str) {
    let marks = PathBuf::from(std::env::var("DYING_MARKS").expect("DYING_MARKS names a folder"));
    let mut file = fs::File::options().append(true).create(true).open(marks.join("order")).expect("it is writable");
    file.write_all(format!("{line}\n").as_bytes()).expect("it is writable");
}

impl Fixture for Town {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        let dir = t.dir().to_owned();
        let mut sleep = Command::new("sleep");
        sleep.arg("600");
        let id = t.process(sleep)?.id();
        tell(&format!("{} {id}", dir.display()));
        t.defer_async(async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            tell("shared down");
        });
        Ok(Self)
    }
}

#[qtest(cases(ends(false), waits(true)))]
#[ignore = "its process dies"]
async fn shares(t: Test, _town: Shared<Town>, waits: bool) {
    t.defer(|| tell("test down"));
    tell("test up");
    if waits {
        std::future::pending::<()>().await;
    }
}

#[qtest(isolate = "process")]
#[ignore = "its process dies"]
async fn tears_down_slowly(t: Test) {
    for number in 1..=6 {
        t.defer_async(async move {
            // Six of them take longer than one step of a hurried end may.
            tokio::time::sleep(Duration::from_millis(300)).await;
            tell(&format!("down {number}"));
        });
    }
    tell("up");
    std::future::pending::<()>().await;
}

fn mark_inside(name: &str) {
    let marks = PathBuf::from(std::env::var("DYING_MARKS").expect("DYING_MARKS names a folder"));
    fs::write(marks.join(format!("{name}.inside")), "").expect("the folder is writable");
}

#[qtest(serial = "qtests-own-tests-of-processes")]
#[ignore = "its process dies"]
async fn serial_waits() {
    mark_inside("serial_waits");
    std::future::pending::<()>().await;
}

#[qtest(serial = "qtests-own-tests-of-processes")]
#[ignore = "waits for a process that dies"]
async fn serial_passes() {
    mark_inside("serial_passes");
}

#[cfg(feature = "files")]
#[test]
#[ignore = "its process dies"]
fn writes_over_and_over() {
    let marks = PathBuf::from(std::env::var("DYING_MARKS").expect("DYING_MARKS names a folder"));
    let files = qtests::files::Files::rooted(marks).expect("the folder is there");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    // Whoever started this kills it; a minute is for when that one has died.
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        for letter in b'a'..=b'z' {
            runtime.block_on(files.write("file", vec![letter; 256 * 1024])).expect("the folder is writable");
        }
    }
}

#[cfg(feature = "files")]
#[test]
#[ignore = "its process may write small files only"]
fn writes_more_than_it_may() {
    let marks = PathBuf::from(std::env::var("DYING_MARKS").expect("DYING_MARKS names a folder"));
    let files = qtests::files::Files::rooted(marks).expect("the folder is there");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(files.write("file", "old")).expect("a small file can be written");
    let error = runtime.block_on(files.write("file", vec![b'x'; 256 * 1024])).expect_err("a large one cannot");
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge, "{error}");
}

/// Writes `DYING_SIZE` bytes, which may be more than it can.
#[cfg(feature = "files")]
#[test]
#[ignore = "its process may die, and may not be root's"]
fn writes_as_much_as_it_is_told() {
    let marks = PathBuf::from(std::env::var("DYING_MARKS").expect("DYING_MARKS names a folder"));
    let size = std::env::var("DYING_SIZE").expect("DYING_SIZE is a number").parse().expect("DYING_SIZE is a number");
    let files = qtests::files::Files::rooted(marks).expect("the folder is there");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(files.write("file", vec![b'x'; size])).expect("it can be written");
}

/// The directory of a new file is synced, for which it must be readable.
#[cfg(feature = "files")]
#[test]
#[ignore = "its process may not be root's"]
fn appends_where_it_may_not_list() {
    let marks = PathBuf::from(std::env::var("DYING_MARKS").expect("DYING_MARKS names a folder"));
    let files = qtests::files::Files::rooted(&marks).expect("the folder is there");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    // As long as it is empty nobody knows that its directory was synced.
    for _ in 0..2 {
        let error = runtime.block_on(files.append("closed/new", "x")).expect_err("its directory is synced");
        assert!(error.kind() == io::ErrorKind::PermissionDenied && !error.is_outside(), "{error}");
        assert!(error.to_string().ends_with(": `closed`: permission denied"), "{error}");
    }
    std::fs::write(marks.join("closed/full"), "x").expect("it can be made");
    runtime.block_on(files.append("closed/full", "x")).expect("the directory of this one was not changed");
    let error = runtime.block_on(files.append("closed/no/file", "x")).expect_err("there is no such directory");
    assert!(error.is_not_found(), "{error}");
}

#[cfg(feature = "files")]
#[test]
#[ignore = "its process may open few files only"]
fn removes_a_tree() {
    let marks = PathBuf::from(std::env::var("DYING_MARKS").expect("DYING_MARKS names a folder"));
    let files = qtests::files::Files::rooted(marks).expect("the folder is there");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(files.remove("tree")).expect("it is removed");
}
