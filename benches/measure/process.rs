//! What this process holds: memory, descriptors, threads. Linux only.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::fs;

/// Bytes of memory that are resident. The kernel adds them up for each question, so the figure is exact.
pub(crate) fn resident() -> u64 {
    let kilobytes = field("/proc/self/smaps_rollup", "Rss:");
    kilobytes * 1024
}

/// Open file descriptors.
pub(crate) fn descriptors() -> usize {
    let open = fs::read_dir("/proc/self/fd").expect("Linux lists the descriptors of a process");
    // One of them is that of the list itself.
    open.count() - 1
}

/// Threads that are alive.
pub(crate) fn threads() -> u64 {
    field("/proc/self/status", "Threads:")
}

/// Asks for as many descriptors as the system allows this process.
///
/// # Panics
/// If those are fewer than `needed`.
pub(crate) fn raise_descriptor_limit(needed: u64) {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("the limit of open files can be read");
    assert!(most >= needed, "{needed} open files are needed, but only {most} are allowed: raise `ulimit -Hn`");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("a limit can be raised up to the hard one");
}

/// The number behind `name` in a file of lines `name number ..`.
fn field(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file} cannot be read: {error}"));
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    value.unwrap_or_else(|| panic!("{file} does not say `{name}`"))
}
