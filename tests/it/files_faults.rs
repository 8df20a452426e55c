//! Faults of file operations: what each action leaves in the files, and what the caller is told.

use qtests::{Test, files::FileError, prelude::*};
use rustix::io::Errno;
use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};
use tokio::time::{Instant, timeout};

const FULL: i32 = Errno::NOSPC.raw_os_error();
const BROKEN: i32 = Errno::IO.raw_os_error();

/// The number of the system in the error below.
fn number(error: &FileError) -> Option<i32> {
    std::error::Error::source(error)?.downcast_ref::<io::Error>()?.raw_os_error()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[qtest]
async fn hits_tell_both_paths_and_the_length(t: Test) -> Result<(), FileError> {
    let files = t.files();
    let fields = ["path", "to", "length", "key", "of"];
    let seen = Arc::new(Mutex::new(Vec::new()));
    for point in ["append", "rename", "sync"] {
        let seen = Arc::clone(&seen);
        let noted = t.fault(format!("files.{point}")).call(move |hit| {
            let values = fields.map(|field| hit.get(field).map_or("-".to_owned(), |value| value.to_string()));
            seen.lock().unwrap().push(format!("{} {}", hit.point(), values.join(" ")));
        });
        noted.arm();
    }
    files.append("./log", "four").await?;
    files.rename("./log", "old").await?;
    let expected = [
        "files.append ./log - 4 ./log -",
        "files.sync ./log - - ./log directory",
        "files.sync ./log - - ./log file",
        "files.rename ./log old - ./log -",
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
    Ok(())
}

#[qtest]
async fn an_error_by_its_kind_says_where_it_comes_from_and_is_no_way_outside(t: Test) {
    let files = t.files();
    t.fault("files.read").fail(io::ErrorKind::PermissionDenied).arm();
    let error = files.read("file").await.unwrap_err();
    assert_eq!((error.kind(), error.is_outside()), (io::ErrorKind::PermissionDenied, false));
    let text = error.to_string();
    assert!(text.ends_with(": permission denied (injected at `files.read`)"), "{text}");
    let outside = files.write("../outside", "x").await.unwrap_err();
    assert!(outside.is_outside(), "{outside}");
}

#[qtest]
async fn a_short_append_leaves_its_first_bytes_and_then_fails(t: Test) -> Result<(), FileError> {
    let files = t.files();
    files.append("log", "one,").await?;
    let full = t.fault("files.append").short(3).fail_os(FULL).arm();
    let error = files.append("log", "second,").await.unwrap_err();
    assert_eq!((number(&error), error.kind()), (Some(FULL), io::ErrorKind::StorageFull));
    assert_eq!(files.read_to_string("log").await?, "one,sec");
    full.disarm();
    // Without an error of its own it ends as a disk does that takes no more.
    let short = t.fault("files.append").short(2).arm();
    let error = files.append("log", "third").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
    assert!(error.to_string().ends_with("only 2 of 5 bytes were taken (injected at `files.append`)"), "{error}");
    files.append("log", "4").await?;
    short.disarm();
    assert_eq!(files.read_to_string("log").await?, "one,secth4");
    Ok(())
}

#[qtest]
async fn a_short_write_leaves_the_old_content_and_nothing_beside_it(t: Test) -> Result<(), FileError> {
    let files = t.files();
    files.write("file", "old").await?;
    for short in [0, 3, 100] {
        let full = t.fault("files.write").short(short).fail_os(FULL).arm();
        let error = files.write("file", "the new content").await.unwrap_err();
        assert_eq!(number(&error), Some(FULL));
        full.disarm();
        assert_eq!(files.read_to_string("file").await?, "old");
        assert_eq!(names(t.dir()), ["file"]);
    }
    t.fault("files.write").short(100).arm();
    files.write("file", "all of it passes").await?;
    assert_eq!(files.read_to_string("file").await?, "all of it passes");
    Ok(())
}

#[qtest]
async fn what_is_short_of_a_write_is_beside_its_target_until_the_fault_is_over(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    files.write("file", "old").await?;
    let held = t.fault("files.sync").hold().arm();
    let short = t.fault("files.write").corrupt().arm();
    let write = t.spawn({
        let files = files.clone();
        async move { files.write("file", vec![0; 64]).await }
    });
    held.wait_reached().await;
    let staging = t.dir().join(".file.qtests-write~");
    let ones = |bytes: Vec<u8>| bytes.iter().map(|byte| byte.count_ones()).sum::<u32>();
    assert_eq!(ones(fs::read(&staging)?), 1, "one bit of 64 bytes is flipped");
    assert_eq!(fs::read(t.dir().join("file"))?, b"old");
    held.release();
    write.await??;
    short.disarm();
    assert_eq!(ones(files.read("file").await?), 1);
    Ok(())
}

#[qtest]
async fn a_read_is_shortened_and_changed_while_the_file_is_not(t: Test) -> Result<(), FileError> {
    let files = t.files();
    files.write("file", vec![0; 10]).await?;
    let damaged = t.fault("files.read").short(4).corrupt().arm();
    let bytes = files.read("file").await?;
    assert_eq!((bytes.len(), bytes.iter().map(|byte| byte.count_ones()).sum::<u32>()), (4, 1));
    damaged.disarm();
    assert_eq!(files.read("file").await?, [0; 10]);
    let failing = t.fault("files.read").short(4).fail_os(BROKEN).arm();
    assert_eq!(number(&files.read("file").await.unwrap_err()), Some(BROKEN));
    failing.disarm();
    // A failure of its own counts more than the one that is injected after it.
    t.fault("files.read").short(4).fail_os(BROKEN).optional().arm();
    assert!(files.read("missing").await.unwrap_err().is_not_found());
    Ok(())
}

#[qtest(paused)]
async fn delays_and_hangs_take_the_time_of_the_test_and_can_be_given_up(t: Test) -> Result<(), FileError> {
    let files = t.files();
    let began = Instant::now();
    t.fault("files.write").first(1).delay(Duration::from_secs(3)).arm();
    files.write("file", "old").await?;
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    let hang = t.fault("files.write").hang().arm();
    assert!(timeout(Duration::from_secs(60), files.write("file", "new")).await.is_err());
    assert_eq!(began.elapsed(), Duration::from_secs(63));
    hang.disarm();
    assert_eq!(files.read_to_string("file").await?, "old", "who gave up has done nothing");
    // What stands after the bytes waits after them.
    let late = t.fault("files.append").short(1).delay(Duration::from_secs(5)).fail_os(FULL).arm();
    let mut append = Box::pin(files.append("log", "record"));
    assert!(timeout(Duration::from_secs(4), append.as_mut()).await.is_err());
    assert_eq!(fs::read(t.dir().join("log")).unwrap(), b"r");
    assert_eq!(number(&append.await.unwrap_err()), Some(FULL));
    assert_eq!(late.fired(), 1);
    Ok(())
}

#[qtest]
async fn a_failed_sync_leaves_an_append_in_the_file_and_a_write_out_of_it(t: Test) -> Result<(), FileError> {
    let files = t.files();
    files.write("file", "old").await?;
    files.append("log", "one,").await?;
    let of = |of: &'static str| t.fault("files.sync").when(move |hit| hit.str("of") == Some(of)).fail_os(BROKEN);
    let broken = of("file").arm();
    for done in [files.append("log", "two,").await, files.write("file", "new").await] {
        assert_eq!(number(&done.unwrap_err()), Some(BROKEN));
    }
    broken.disarm();
    assert_eq!(files.read_to_string("log").await?, "one,two,");
    assert_eq!(files.read_to_string("file").await?, "old");
    let broken = of("directory").arm();
    for done in [files.append("new log", "one,").await, files.write("file", "new").await] {
        assert_eq!(number(&done.unwrap_err()), Some(BROKEN));
    }
    broken.disarm();
    assert_eq!(files.read_to_string("new log").await?, "");
    assert_eq!(files.read_to_string("file").await?, "new", "only the last step failed");
    assert_eq!(names(t.dir()), ["file", "log", "new log"]);
    Ok(())
}

#[qtest]
async fn the_directory_of_an_empty_file_is_synced_until_that_has_succeeded(t: Test) -> Result<(), FileError> {
    let files = t.files();
    let broken = t.fault("files.sync").first(1).fail_os(BROKEN).arm();
    assert!(files.append("log", "one,").await.is_err());
    let syncs = t.fault("files.sync").key("log").call(|_| {}).arm();
    files.append("log", "two,").await?;
    assert_eq!((broken.fired(), syncs.fired()), (1, 2), "the directory, and the file");
    files.append("log", "three").await?;
    assert_eq!(syncs.fired(), 3);
    assert_eq!(files.read_to_string("log").await?, "two,three");
    Ok(())
}

#[qtest]
async fn an_injected_panic_comes_through_on_the_task_that_asked(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    for point in ["files.append", "files.sync"] {
        let panic = t.fault(point).panic("boom").arm();
        let files = files.clone();
        let joined = tokio::spawn(async move { files.append("log", "x").await }).await;
        assert!(joined.unwrap_err().is_panic(), "{point}");
        panic.disarm();
    }
    Ok(())
}

#[tokio::test]
async fn syncs_on_threads_of_a_foreign_runtime_belong_to_the_test_that_asked() {
    let t = Test::scoped();
    let files = t.files();
    let broken = t.fault("files.sync").fail_os(BROKEN).arm();
    assert_eq!(number(&files.append("log", "x").await.unwrap_err()), Some(BROKEN));
    let neighbour = Test::scoped();
    assert!(neighbour.files().append("log", "x").in_test().await.is_ok());
    assert_eq!(broken.fired(), 1);
}

#[qtest]
async fn names_that_no_operation_has_and_bytes_where_none_pass_are_refused(t: Test) {
    let unknown = t.fault("files.apend").fail_os(FULL).try_arm().unwrap_err();
    assert!(unknown.is_unknown_name(), "{unknown}");
    let bytes = t.fault("files.sync").short(1).try_arm().unwrap_err();
    assert!(bytes.is_invalid(), "{bytes}");
}
