//! Kills what is left when the test process itself is killed.
//!
//! A shell in a group of its own reads the groups that live from a pipe whose other end only the test process holds.
//! When that end closes, for whatever reason, the shell kills the groups that are left and ends. It holds neither the
//! output of the tests nor any directory.

use once_cell::sync::OnceCell;
use rustix::process::Pid;
use std::{
    io::{self, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    process::{Child, ChildStdin, Command, Stdio},
    sync::Mutex,
};

const SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT
groups=
while read -r what group; do
    rest=
    for known in $groups; do
        [ "$known" = "$group" ] || rest="$rest $known"
    done
    groups=$rest
    [ "$what" = watch ] && groups="$groups $group"
done
for group in $groups; do
    kill -s KILL -- "-$group" 2>/dev/null
done
"#;

struct Reaper {
    pipe: Mutex<ChildStdin>,
    /// Never awaited: it outlives us by design.
    _shell: Child,
}

static REAPER: OnceCell<Reaper> = OnceCell::new();

/// Starts the shell at the first call.
pub(super) fn ready() -> io::Result<()> {
    REAPER.get_or_try_init(start).map(drop)
}

/// From now on this group dies with us.
pub(super) fn watch(group: Pid) {
    tell("watch", group);
}

/// This group was killed, and its number may be given to strangers once its first process is awaited.
pub(super) fn forget(group: Pid) {
    tell("forget", group);
}

fn tell(what: &str, group: Pid) {
    if let Some(reaper) = REAPER.get() {
        let line = format!("{what} {}\n", group.as_raw_nonzero());
        // If somebody killed the shell, the processes still die by the teardowns of their tests.
        let _ = crate::scope::lock(&reaper.pipe).write_all(line.as_bytes());
    }
}

fn start() -> io::Result<Reaper> {
    let mut shell = Command::new("/bin/sh")
        .args(["-c", SCRIPT, "qtests-reaper"])
        .current_dir("/")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let pipe = shell.stdin.take().ok_or_else(|| io::Error::other("the shell has no standard input"))?;
    // It lives as long as the process, whichever test started it.
    crate::scope::is_ours(pipe.as_fd());
    Ok(Reaper { pipe: Mutex::new(pipe), _shell: shell })
}
