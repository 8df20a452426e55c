//! Who may read and write what files become, what is on the way to them, and what dead writers leave.

use super::{files_safety::LARGE, support};
use qtests::{Test, prelude::*};
use rustix::process::Signal;
use std::{
    fs,
    io::{Read, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Command, Output},
};

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[qtest]
async fn a_write_keeps_the_permissions(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    files.write("file", "old").await?;
    for mode in [0o640, 0o400, 0o200, 0o044, 0o000, 0o755] {
        fs::set_permissions(t.dir().join("file"), fs::Permissions::from_mode(mode))?;
        files.write("file", "new").await?;
        assert_eq!(mode_of(&t.dir().join("file")), mode);
    }
    Ok(())
}

#[qtest]
async fn a_new_file_gets_the_mode_of_any_new_file_whatever_was_left(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    fs::write(t.dir().join("usual"), "")?;
    for left in [None, Some(0o666), Some(0o600), Some(0o400), Some(0o777)] {
        let staging = t.dir().join(".new.qtests-write~");
        if let Some(mode) = left {
            fs::write(&staging, "half")?;
            fs::set_permissions(&staging, fs::Permissions::from_mode(mode))?;
        }
        files.write("new", "x").await?;
        assert_eq!(mode_of(&t.dir().join("new")), mode_of(&t.dir().join("usual")), "{left:?}");
        files.remove("new").await?;
        assert!(!staging.exists());
    }
    Ok(())
}

/// Whoever could open what was left, or has another name for it, reads nothing of what is written later.
#[qtest]
async fn what_others_could_read_is_not_written_to(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    let staging = t.dir().join(".key.qtests-write~");
    for (mode, linked) in [(0o644, false), (0o600, true)] {
        fs::write(&staging, "half")?;
        fs::set_permissions(&staging, fs::Permissions::from_mode(mode))?;
        let mut reader = fs::File::open(&staging)?;
        if linked {
            fs::hard_link(&staging, t.dir().join("other"))?;
        }
        files.write("key", "secret").await?;
        let mut read = String::new();
        reader.read_to_string(&mut read)?;
        assert_eq!(read, "half", "with mode {mode:o}");
    }
    assert_eq!(fs::read_to_string(t.dir().join("other"))?, "half");
    Ok(())
}

/// A shell that runs a dying test in its place, with what is said before.
fn dying(t: &Test, before: &str, test: &str, size: usize) -> Command {
    let mut command = support::clean("sh");
    command.args(["-c", &format!(r#"{before}; exec "$0" "$@""#)]).arg(support::binary("dying"));
    command.args(["--ignored", "--exact", test]).env("DYING_MARKS", t.dir()).env("DYING_SIZE", size.to_string());
    command
}

#[test]
fn what_a_killed_writer_leaves_belongs_to_it_alone() {
    let t = Test::scoped();
    let output =
        dying(&t, "umask 0; ulimit -c 0; ulimit -f 128", "writes_as_much_as_it_is_told", LARGE).output().unwrap();
    assert_eq!(output.status.signal(), Some(Signal::XFSZ.as_raw()), "{}", support::text(&output));
    let left = t.dir().join(".file.qtests-write~");
    assert!(left.metadata().unwrap().len() > 0, "it died in the middle");
    assert_eq!(mode_of(&left), 0o600);
    let output = dying(&t, "umask 027", "writes_as_much_as_it_is_told", LARGE).output().unwrap();
    assert!(output.status.success(), "{}", support::text(&output));
    assert!(!left.exists());
    assert_eq!(mode_of(&t.dir().join("file")), 0o640);
}

/// Makes commands run without the privileges of root, who may open whatever the mode says; says aloud if it cannot.
fn without_privileges(t: &Test) -> Option<impl Fn(&mut Command) + use<>> {
    const NOBODY: u32 = 65_534;
    let is_root = rustix::process::geteuid().is_root();
    let drop_privileges = move |command: &mut Command| {
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
    };
    let mut probe = support::clean("sh");
    probe.args(["-c", r#"[ -w "$1" ] && exec "$0" --list"#]).arg(support::binary("dying")).arg(t.dir());
    drop_privileges(&mut probe);
    let given = !is_root || std::os::unix::fs::chown(t.dir(), Some(NOBODY), Some(NOBODY)).is_ok();
    let can = given && probe.output().is_ok_and(|output| output.status.success());
    if !can {
        let _ = writeln!(io::stderr(), "SKIPPED: another user cannot run the tests of {}", t.dir().display());
    }
    can.then_some(drop_privileges)
}

#[test]
fn a_file_that_may_only_be_read_is_written_again_and_again_also_after_a_kill() {
    let t = Test::scoped();
    let Some(drop_privileges) = without_privileges(&t) else { return };
    let (file, left) = (t.dir().join("file"), t.dir().join(".file.qtests-write~"));
    let run = |before: &str, size: usize| {
        let mut command = dying(&t, before, "writes_as_much_as_it_is_told", size);
        drop_privileges(&mut command);
        command.output().unwrap()
    };
    let succeeds = |output: Output| assert!(output.status.success(), "{}", support::text(&output));
    succeeds(run(":", 1));
    for mode in [0o400, 0o444, 0o000] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let killed = run("ulimit -c 0; ulimit -f 128", LARGE);
        assert_eq!(killed.status.signal(), Some(Signal::XFSZ.as_raw()), "{}", support::text(&killed));
        assert!(left.exists(), "it died in the middle");
        // It may have come so far that the mode was set, or have been an older one that began with that.
        for left_as in [0o600, mode] {
            fs::set_permissions(&left, fs::Permissions::from_mode(left_as)).unwrap();
            succeeds(run(":", 2));
            assert!(!left.exists());
            assert_eq!((mode_of(&file), fs::metadata(&file).unwrap().len()), (mode, 2));
            fs::write(&left, "half").unwrap();
            std::os::unix::fs::chown(&left, Some(fs::metadata(&file).unwrap().uid()), None).unwrap();
        }
        fs::remove_file(&left).unwrap();
    }
}

#[test]
fn what_another_user_left_is_named_and_stays() {
    let t = Test::scoped();
    let Some(drop_privileges) = without_privileges(&t) else { return };
    if !rustix::process::geteuid().is_root() {
        let _ = writeln!(io::stderr(), "SKIPPED: it takes root to have files of two users");
        return;
    }
    let left = t.dir().join(".file.qtests-write~");
    fs::write(&left, "half").unwrap();
    fs::set_permissions(&left, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = dying(&t, ":", "writes_as_much_as_it_is_told", 1);
    drop_privileges(&mut command);
    let output = command.output().unwrap();
    let expected = "`.file.qtests-write~`: it was left by a write of the user 0: remove it";
    assert!(!output.status.success() && support::text(&output).contains(expected), "{}", support::text(&output));
    assert!(left.exists() && !t.dir().join("file").exists());
}

#[test]
fn the_directory_of_a_file_that_append_makes_is_synced() {
    let t = Test::scoped();
    let Some(drop_privileges) = without_privileges(&t) else { return };
    let closed = t.dir().join("closed");
    fs::create_dir(&closed).unwrap();
    std::os::unix::fs::chown(&closed, Some(fs::metadata(t.dir()).unwrap().uid()), None).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o300)).unwrap();
    let mut command = dying(&t, ":", "appends_where_it_may_not_list", 0);
    drop_privileges(&mut command);
    let output = command.output().unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(output.status.success(), "{}", support::text(&output));
}
