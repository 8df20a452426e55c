//! What several modules need: running test binaries as children, and tests made by hand.

use qtests::rt;
use std::{
    env,
    ffi::OsStr,
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// The newest test binary with this name beside the running one.
pub(crate) fn binary(name: &str) -> PathBuf {
    let folder = env::current_exe().unwrap().parent().unwrap().to_owned();
    let prefix = format!("{}-", name.replace('-', "_"));
    let newest = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| {
            let file = entry.file_name().into_string().unwrap();
            file.strip_prefix(&prefix).is_some_and(|hash| !hash.contains(['.', '-']))
        })
        .max_by_key(|entry| entry.metadata().unwrap().modified().unwrap());
    let cure = "run `cargo test` without --test, so that it is built";
    let newest = newest.unwrap_or_else(|| panic!("no test binary `{name}` in {}: {cure}", folder.display()));
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests");
    let source =
        fs::metadata(tests.join(format!("{name}.rs"))).or_else(|_| fs::metadata(tests.join(name).join("main.rs")));
    let source = source.unwrap();
    let age = |metadata: fs::Metadata| metadata.modified().unwrap();
    assert!(
        age(newest.metadata().unwrap()) >= age(source),
        "the test binary `{name}` is older than its source: {cure}"
    );
    newest.path()
}

/// A command without what this test run has in its environment.
pub(crate) fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("NEXTEST") || name.starts_with("QTESTS_") || name.starts_with("RUST_") {
            command.env_remove(name);
        }
    }
    command.env("RUST_BACKTRACE", "0").current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command
}

/// Runs tests of another binary and returns all that they print.
pub(crate) fn run(name: &str, arguments: &[&str]) -> Output {
    clean(binary(name)).args(arguments).output().unwrap()
}

/// Runs one ignored test of a binary that does not stand where cargo puts tests, so that nothing is installed in it
/// before `main`.
#[cfg(all(feature = "tracing", feature = "metrics"))]
pub(crate) fn run_elsewhere(name: &str, test: &str) -> (bool, String) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = folder.path().join(name);
    // A copy could be busy: whoever forks meanwhile holds it open for writing.
    fs::hard_link(binary(name), &program).unwrap();
    let output = clean(program).args(["--ignored", "--exact", test]).output().unwrap();
    let text = text(&output);
    (output.status.success() && text.contains("1 passed"), text)
}

/// Standard output and standard error as one text.
pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Waits until something outside of this process holds, for a minute at most.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "still not: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// The flags of the cargo that runs these tests, so that a cargo that is started by a test builds nothing anew.
pub(crate) fn cargo_flags() -> Vec<String> {
    let line = qtests::Test::scoped().repeat_line();
    let flags = line.split_once("cargo test").unwrap().1.split(" --test ").next().unwrap().to_owned();
    let mut flags: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
    if !flags.iter().any(|flag| flag == "-p") {
        flags.splice(0..0, ["-p".to_owned(), "qtests".to_owned()]);
    }
    flags
}

/// A command that heeds signals even if this process was started with some of them ignored, as a script's background job
/// is: what is ignored is inherited, and a test run that was told to ignore a signal does.
pub(crate) fn heeding(program: impl AsRef<OsStr>) -> Command {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
    if [1, 2, 15].iter().all(|signal| ignored & (1 << (signal - 1)) == 0) {
        return clean(program);
    }
    // It executes the program in its own place, so the number of the process is the program's.
    let mut command = clean("env");
    command.arg("--default-signal=HUP,INT,TERM").arg(program.as_ref());
    command
}

/// A test made by hand, so that many of them run at once; its seed tells it its number.
pub(crate) fn registered(
    path: &'static str,
    number: u64,
    workers: bool,
    body: fn(qtests::Test) -> rt::BodyFuture,
) -> &'static rt::Registered {
    let options = rt::Options::new().seed(number);
    let options = if workers { options.workers(2) } else { options };
    let meta = rt::Meta {
        path,
        file: file!(),
        line: line!(),
        package: "qtests",
        target: rt::Target::Integration,
        ignored: false,
        should_panic: None,
        options: Box::leak(Box::new(options)),
    };
    Box::leak(Box::new(rt::Registered { meta, body: rt::Body::Async(body) }))
}
