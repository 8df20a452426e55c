//! What is left of files when the machine dies: what was acknowledged, and of the rest what a disk may hold.

use qtests::{
    Test,
    files::{FileError, Files},
    prelude::*,
    scope::TaskHandle,
};
use rustix::io::Errno;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

pub(crate) const BROKEN: i32 = Errno::IO.raw_os_error();

/// So many crashes that everything that may happen does, with any seed worth naming.
const CRASHES: usize = 60;

/// An append whose sync is under way.
async fn unsynced(
    t: &Test,
    files: &Files,
    path: &'static str,
    bytes: &'static str,
) -> TaskHandle<Result<(), FileError>> {
    let held = t.fault("files.sync").when(|hit| hit.str("of") == Some("file")).hold().arm();
    let task = t.spawn({
        let files = files.clone();
        async move { files.append(path, bytes).await }
    });
    held.wait_reached().await;
    task
}

pub(crate) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[qtest]
async fn acknowledged_bytes_are_there_and_the_others_are_cut_anywhere(t: Test) -> Result<(), Box<dyn Error>> {
    let (disk, files) = (t.disk(), t.files());
    let mut lengths = BTreeSet::new();
    for _ in 0..CRASHES {
        files.write("log", "one,").await?;
        files.append("log", "two,").await?;
        let append = unsynced(&t, &files, "log", "three").await;
        assert_eq!(fs::read(t.dir().join("log"))?, b"one,two,three", "other processes see it before the crash");
        let lost = disk.crash().await?;
        let left = files.read_to_string("log").await?;
        assert!(left.starts_with("one,two,") && "one,two,three".starts_with(&left), "{left}");
        assert_eq!((lost.bytes as usize, lost.changes), ("one,two,three".len() - left.len(), 0));
        assert!(append.await?.is_err());
        lengths.insert(left.len() - "one,two,".len());
    }
    assert_eq!(lengths, (0..=5).collect(), "a crash may leave any part");
    Ok(())
}

#[qtest]
async fn whoever_is_held_in_a_sync_is_dead_and_the_next_process_can_write(t: Test) -> Result<(), Box<dyn Error>> {
    let (disk, files) = (t.disk(), t.files());
    files.write("file", "old").await?;
    let hang = t.fault("files.sync").hang().arm();
    let late = t.fault("files.append").hold().arm();
    let (writer, appender) = (files.clone(), files.clone());
    let write = t.spawn(async move { writer.write("file", "never synced").await });
    let append = t.spawn(async move { appender.append("log", "never begun").await });
    // Waits for the turn of the first.
    let second = files.clone();
    let waiting = t.spawn(async move { second.write("file", "waits for the first").await });
    hang.wait_reached().await;
    late.wait_reached().await;
    disk.crash().await?;
    assert_eq!(files.read_to_string("file").await?, "old");
    files.write("file", "of the next process").await?;
    late.disarm();
    for dead in [write, append] {
        let error = dead.await?.unwrap_err();
        assert!(error.to_string().ends_with(": the machine crashed before it was done"), "{error}");
    }
    // It may have been asked for only after the crash.
    let _ = waiting.await?;
    assert_eq!(hang.fired(), 1, "the fault that held it is out of force");
    assert!(!files.exists("log").await?);
    assert_eq!(names(t.dir()), ["file"]);
    assert!(t.journal().iter().any(|line| line.contains("the machine crashed: ")));
    Ok(())
}

#[qtest]
async fn a_sync_that_succeeds_does_not_make_good_one_that_failed(t: Test) -> Result<(), Box<dyn Error>> {
    let (disk, files) = (t.disk(), t.files());
    let mut found = BTreeSet::new();
    for _ in 0..CRASHES {
        files.write("log", "one,").await?;
        let broken = t.fault("files.sync").first(1).fail_os(BROKEN).arm();
        assert!(files.append("log", "two,").await.is_err());
        broken.disarm();
        files.append("log", "three").await?;
        disk.crash().await?;
        found.insert(files.read_to_string("log").await?);
    }
    assert_eq!(found, BTreeSet::from(["one,two,three".to_owned(), "one,\0\0\0\0three".to_owned()]));
    Ok(())
}

#[qtest]
async fn changes_of_directories_are_undone_from_some_point_on(t: Test) -> Result<(), Box<dyn Error>> {
    let (disk, files) = (t.disk(), t.files());
    let mut found = BTreeSet::new();
    for _ in 0..CRASHES {
        files.remove_all("target").await?;
        files.remove_all("new").await?;
        files.write("target", "old").await?;
        files.write("draft", "new").await?;
        files.rename("draft", "target").await?;
        files.ensure_dir("new/dir").await?;
        files.remove("target").await?;
        let lost = disk.crash().await?;
        let target = fs::read_to_string(t.dir().join("target")).unwrap_or_default();
        found.insert((lost.changes, names(t.dir()).join(" "), target));
        assert_eq!(fs::exists(t.dir().join("new"))?, fs::exists(t.dir().join("new/dir"))?);
    }
    let expected = [(0, "new", ""), (1, "new target", "new"), (2, "target", "new"), (3, "draft target", "old")];
    assert_eq!(found, expected.map(|(lost, names, text)| (lost, names.to_owned(), text.to_owned())).into());
    Ok(())
}

#[qtest]
async fn the_sync_of_a_directory_keeps_all_changes_before_it(t: Test) -> Result<(), Box<dyn Error>> {
    let (disk, files) = (t.disk(), t.files());
    files.ensure_dir("a/b").await?;
    files.write("a/file", "x").await?;
    files.rename("a/file", "a/b/moved").await?;
    files.append("a/b/log", "made new").await?;
    for _ in 0..5 {
        assert_eq!(disk.crash().await?, Default::default());
    }
    assert_eq!(files.read_to_string("a/b/moved").await?, "x");
    assert_eq!(files.read_to_string("a/b/log").await?, "made new");
    Ok(())
}

#[qtest]
async fn a_copy_is_torn_or_gone_and_the_original_is_not(t: Test) -> Result<(), Box<dyn Error>> {
    let (disk, files) = (t.disk(), t.files());
    files.ensure_dir("tree").await?;
    files.write("tree/a", "aaaa").await?;
    let (mut torn, mut gone) = (0, 0);
    for _ in 0..CRASHES {
        files.copy_tree("tree", "copy").await?;
        disk.crash().await?;
        match fs::read_to_string(t.dir().join("copy/a")) {
            Ok(text) => torn += usize::from(text.len() < 4),
            Err(_) => gone += 1,
        }
        assert_eq!(files.read_to_string("tree/a").await?, "aaaa");
        files.remove_all("copy").await?;
        files.write("settled", "").await?;
    }
    assert!(torn > 0 && gone > 0, "{torn} {gone}");
    Ok(())
}

#[qtest]
async fn a_removed_tree_comes_back_with_its_links_and_permissions(t: Test) -> Result<(), Box<dyn Error>> {
    let (disk, files) = (t.disk(), t.files());
    let at = |path: &str| t.dir().join(path);
    for _ in 0..CRASHES {
        files.ensure_dir("tree/dir").await?;
        files.write("tree/dir/file", "x").await?;
        symlink("dir/file", at("tree/link"))?;
        fs::set_permissions(at("tree/dir/file"), fs::Permissions::from_mode(0o640))?;
        fs::set_permissions(at("tree/dir"), fs::Permissions::from_mode(0o710))?;
        files.remove("tree").await?;
        if disk.crash().await?.changes == 1 {
            assert_eq!(fs::read_link(at("tree/link"))?, Path::new("dir/file"));
            assert_eq!(files.read_to_string("tree/link").await?, "x");
            let mode = |path| fs::metadata(at(path)).unwrap().permissions().mode() & 0o7777;
            assert_eq!((mode("tree/dir/file"), mode("tree/dir")), (0o640, 0o710));
            return Ok(());
        }
    }
    panic!("no crash undid the removal");
}

#[qtest]
async fn files_of_a_service_crash_too_and_what_others_change_stays(t: Test) -> Result<(), Box<dyn Error>> {
    let disk = t.disk();
    let root = t.dir().join("service");
    fs::create_dir(&root)?;
    fs::write(root.join("other"), "x")?;
    let files = Files::rooted(&root)?;
    files.write("file", "x").await?;
    let mut undone = 0;
    for n in 0..CRASHES {
        files.rename("file", "renamed").await?;
        fs::write(root.join("other"), n.to_string())?;
        let lost = disk.crash().await?;
        assert_eq!(files.read_to_string("other").await?, n.to_string());
        assert_eq!(files.exists("file").await?, lost.changes == 1);
        undone += lost.changes;
        if lost.changes == 0 {
            files.rename("renamed", "file").await?;
            files.write("settled", "").await?;
        }
    }
    assert!((1..CRASHES).contains(&undone), "{undone}");
    Ok(())
}

#[qtest]
async fn what_would_be_lost_of_too_many_files_is_not_known(t: Test) -> Result<(), Box<dyn Error>> {
    let (disk, files) = (t.disk(), t.files());
    fs::create_dir(t.dir().join("many"))?;
    (0..300).for_each(|n| fs::write(t.dir().join(format!("many/{n}")), "x").unwrap());
    files.copy_tree("many", "copy").await?;
    let unknown = disk.crash().await.unwrap_err();
    assert!(unknown.is_limit(), "{unknown}");
    files.remove("copy").await?;
    let unknown = disk.crash().await.unwrap_err();
    assert!(unknown.is_limit(), "{unknown}");
    files.append("log", "known again").await?;
    assert_eq!(disk.crash().await?, Default::default());
    // What was removed is gone for good once a directory is synced.
    files.remove("many").await?;
    files.write("log", "synced").await?;
    assert_eq!(disk.crash().await?, Default::default());
    Ok(())
}

#[qtest]
async fn writes_that_failed_are_not_counted_among_what_may_be_lost(t: Test) -> Result<(), Box<dyn Error>> {
    let (disk, files) = (t.disk(), t.files());
    let broken = t.fault("files.sync").fail_os(BROKEN).arm();
    for _ in 0..300 {
        files.write("file", "never there").await.unwrap_err();
    }
    broken.disarm();
    assert_eq!(disk.crash().await?, Default::default());
    assert!(names(t.dir()).is_empty());
    Ok(())
}

#[qtest]
async fn a_removal_of_nothing_is_no_change(t: Test) -> Result<(), Box<dyn Error>> {
    let (disk, files) = (t.disk(), t.files());
    for _ in 0..CRASHES {
        files.remove_all("other").await?;
        files.remove("other").await.unwrap_err();
        fs::write(t.dir().join("other"), "of somebody else")?;
        assert_eq!(disk.crash().await?, Default::default());
        fs::remove_file(t.dir().join("other"))?;
    }
    Ok(())
}

#[qtest]
async fn what_was_made_at_the_end_of_links_is_undone_and_the_links_stay(t: Test) -> Result<(), Box<dyn Error>> {
    let (disk, files) = (t.disk(), t.files());
    fs::create_dir(t.dir().join("dir"))?;
    symlink("dir/second", t.dir().join("first"))?;
    symlink("log", t.dir().join("dir/second"))?;
    let mut found = BTreeSet::new();
    for _ in 0..CRASHES {
        let broken = t.fault("files.sync").first(1).fail_os(BROKEN).arm();
        files.append("first", "x").await.unwrap_err();
        broken.disarm();
        assert_eq!(names(&t.dir().join("dir")), ["log", "second"]);
        let lost = disk.crash().await?;
        assert_eq!(fs::read_link(t.dir().join("dir/second"))?, Path::new("log"));
        found.insert((lost.changes, fs::exists(t.dir().join("dir/log"))?));
        let _ = fs::remove_file(t.dir().join("dir/log"));
    }
    assert_eq!(found, BTreeSet::from([(0, true), (1, false)]));
    Ok(())
}

#[qtest]
async fn a_panic_in_a_sync_lets_others_work_and_crash(t: Test) -> Result<(), Box<dyn Error>> {
    let (disk, files) = (t.disk(), t.files());
    let panic = t.fault("files.sync").when(|hit| hit.str("of") == Some("file")).panic("boom").arm();
    let append = tokio::spawn({
        let files = files.clone();
        async move { files.append("log", "lost?").await }
    });
    assert!(append.await.unwrap_err().is_panic());
    panic.disarm();
    let lost = disk.crash().await?;
    let left = files.read_to_string("log").await?;
    assert!("lost?".starts_with(&left) && lost.bytes as usize == "lost?".len() - left.len(), "{left}");
    files.append("log", "alive").await?;
    Ok(())
}
